"""Pools of a shop's products for queries: 30 of which 6 answer, with hard negatives, and nothing to learn without text.

As in `wardrobe.pools`, five queries share a pool, in five groups of 6: each product answers exactly one of the five.
So a ranking that does not depend on the text, be it by count, price, look or by the whole pool, has a mean nDCG@k over
the five of exactly 1/5 (k up to 6), what a random order has on average.

Here a query is a key, such as (Men, Tshirts, Black), and its text that of another product of the key: one that is not
in the pool, and whose group (display name, product code) nobody in the pool has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from likeness.data.shop_texts import COLUMNS
from likeness.data.wardrobe.garments import stream
from likeness.data.wardrobe.pools import QUERIES, RELEVANT

#: Draws of the five products that lend their texts, before the key that fails most often is given up.
_TRIES: Final = 20


@dataclass(frozen=True)
class Pool:
    """A query and its candidates: 30 rows of the shop's frame in random order, and those 6 of them that answer it.

    members, relevant : labels of the frame's index, which `shop_texts.split` keeps: rows of features of the whole shop
    block : queries of one block have the same members; errors of scores go by block, or by key (texts of one are alike)
    key : what the query wants. lender : the row whose text it is, no member; another block may show it.
    """

    text: str
    members: tuple[int, ...]
    relevant: frozenset[int]
    block: int
    key: tuple[str, ...]
    lender: int


def pools(seed: int, frame: pd.DataFrame, count: int | None = None) -> list[Pool]:
    """`count` pools, a multiple of five, of one part of a shop (None: as many as can be made).

    A block is five keys. The first four cross two types with two colours, so that each has 6 of its type and 6 of its
    colour among its 24 negatives; the fifth shares a type or a colour with one of them, both (with other keys each)
    where it can. Where no four keys cross any more, keys are added that share a type or a colour with one that is
    there. So every query has at least 6 hard negatives; see `hard_negatives`. No product is in two blocks, none lends
    its text twice, and no two queries of a block have one text. A text is that of none of the members, unless all
    products of the key have it, as "black solid dress" has.

    Parameters
    ----------
    frame : as from `shop_texts`, in particular a part of a `split`; its index holds distinct integers

    Raises ValueError on another count, a frame that is not whole (a missing column or value, an empty text, a product
    or a row twice, a key of two types or colours), and where fewer pools, or none, can be made.
    """
    if count is not None and (count < 1 or count % QUERIES):
        raise ValueError(f"{count} pools: expected 5, 10, 15, ...")
    _check(frame)
    rng, shelf = stream(seed, "shop pools"), _Shelf(frame)
    made: list[Pool] = []
    while len(made) != count:
        keys = shelf.five(rng)
        if keys is None:
            break
        taken = shelf.take(rng, keys)
        if taken is not None:
            made += _block(rng, frame, *taken, len(made) // QUERIES)
    if not made or len(made) != (count or len(made)):
        raise ValueError(f"{len(frame)} products give {len(made)} pools, not {count or 'one'}: give a larger part")
    return made


def hard_negatives(frame: pd.DataFrame, made: Sequence[Pool]) -> pd.DataFrame:
    """How many of the 24 negatives of each pool are of the query's type, of its colour, and one or both ("any").

    Columns type, colour, any (P,) int64; their means say how hard the pools are.
    """
    kinds, colours = frame["type"].to_dict(), frame["colour"].to_dict()
    rows = []
    for pool in made:
        kind, colour = kinds[pool.lender], colours[pool.lender]
        wrong = [m for m in pool.members if m not in pool.relevant]
        same = np.array([(kinds[m] == kind, colours[m] == colour) for m in wrong])
        rows.append((*same.sum(axis=0).tolist(), int(same.any(axis=1).sum())))
    return pd.DataFrame(rows, columns=["type", "colour", "any"], dtype="int64")


class _Shelf:
    """Products as numbers (N,): key, group, text; keys as numbers (K,): type, colour; and what is used up."""

    def __init__(self, frame: pd.DataFrame) -> None:
        numbers: dict[tuple[str, ...], int] = {}
        self.key = np.array([numbers.setdefault(key, len(numbers)) for key in frame["key"]])
        self.group = pd.factorize(frame["group"])[0]
        self.text = pd.factorize(frame["text"].str.lower())[0]
        first = np.unique(self.key, return_index=True)[1]
        types, colours = pd.factorize(frame["type"])[0], pd.factorize(frame["colour"])[0]
        self.type, self.colour = types[first], colours[first]
        if (types != self.type[self.key]).any() or (colours != self.colour[self.key]).any():
            row = np.flatnonzero((types != self.type[self.key]) | (colours != self.colour[self.key]))[0]
            raise ValueError(f"row {frame.index[row]}: another type or colour than the first of its key, expected one")
        texts = pd.Series(self.text).groupby(self.key).nunique().to_numpy()
        self.plain = texts == 1  # all products of the key have one text: it names none of them
        self.free = np.ones(len(frame), bool)
        self.lent = np.zeros(len(frame), bool)
        self.given_up = np.bincount(self.key) <= RELEVANT  # six pictures and a text are needed

    def left(self) -> np.ndarray:
        """Groups of 6 that each key can still give, (K,) int64."""
        free = np.bincount(self.key[self.free], minlength=len(self.given_up))
        return np.where(self.given_up, 0, free // RELEVANT)

    def five(self, rng: np.random.Generator) -> list[int] | None:
        """Keys of a block, the first four a crossing if there is any; None where no five are left.

        Keys that have most left are taken first, more often than not: else they would be left over alone.
        """
        left = self.left()
        ready = np.flatnonzero(left)
        if len(ready) < QUERIES:
            return None
        firsts = rng.choice(ready, len(ready), replace=False, p=left[ready] / left.sum()).tolist()
        for crossed in (True, False):
            for first in firsts:
                begun = self._crossing(rng, left, first) if crossed else [first]
                keys = begun and self._grown(rng, left, begun)
                if keys:
                    return keys
        return None

    def take(self, rng: np.random.Generator, keys: list[int]) -> tuple[np.ndarray, np.ndarray] | None:
        """Rows that lend texts (5,) and members (5, 6) for five keys, taken off the shelf; else a key is given up."""
        failed = np.zeros(len(keys), np.int64)
        for _ in range(_TRIES):
            lenders = np.array([self._lender(rng, key) for key in keys])
            _, at, times = np.unique(self.text[lenders], return_inverse=True, return_counts=True)
            fits = self.free & ~np.isin(self.group, self.group[lenders])
            for row in lenders:
                own = (self.key == self.key[row]) & self.plain[self.key[row]]
                fits &= (self.text != self.text[row]) | own
            found = [np.flatnonzero(fits & (self.key == key)) for key in keys]
            short = (times[at] > 1) | [len(rows) < RELEVANT for rows in found]  # one text cannot ask for two things
            if not short.any():
                groups = np.array([rng.choice(rows, RELEVANT, replace=False) for rows in found])
                self.free[groups], self.lent[lenders] = False, True
                return lenders, groups
            failed += short
        self.given_up[keys[int(failed.argmax())]] = True
        return None

    def _lender(self, rng: np.random.Generator, key: int) -> int:
        """A product of a key that has lent no text yet, one that is in a pool already if there is any."""
        rows = np.flatnonzero((self.key == key) & ~self.lent)
        used = rows[~self.free[rows]]
        return int(rng.choice(used if len(used) else rows))

    def _crossing(self, rng: np.random.Generator, left: np.ndarray, first: int) -> list[int] | None:
        """Four keys of two types in two colours, the first given; more often those that have more left."""
        ready = np.flatnonzero(left)
        same_type, same_colour = self.type[ready] == self.type[first], self.colour[ready] == self.colour[first]
        corners: dict[tuple[int, int], list[int]] = {}
        for key in ready.tolist():
            corners.setdefault((self.type[key], self.colour[key]), []).append(key)
        pairs = [
            (second, third)
            for second in ready[same_type & ~same_colour].tolist()
            for third in ready[same_colour & ~same_type].tolist()
            if (self.type[third], self.colour[second]) in corners
        ]
        if not pairs:
            return None
        second, third = pairs[_drawn(rng, np.array([left[a] * left[b] for a, b in pairs]))]
        fourths = corners[self.type[third], self.colour[second]]
        return [first, second, third, fourths[_drawn(rng, left[fourths])]]

    def _grown(self, rng: np.random.Generator, left: np.ndarray, keys: list[int]) -> list[int] | None:
        """Five keys: those given, and each time one that gives most of them, itself included, a sort that they lack.

        The sorts are: one of its type in another colour, and one of its colour in another type.
        """
        keys = list(keys)
        while len(keys) < QUERIES:
            ready = np.setdiff1d(np.flatnonzero(left), keys)
            gains = np.zeros(len(ready), np.int64)
            for one, other in ((self.type, self.colour), (self.colour, self.type)):
                beside = (one[keys][:, None] == one[ready]) & (other[keys][:, None] != other[ready])  # (keys, ready)
                among = (one[keys][:, None] == one[keys]) & (other[keys][:, None] != other[keys])
                gains += beside.any(axis=0) + (beside & ~among.any(axis=1)[:, None]).sum(axis=0)
            if not (gains > 0).any():
                return None
            best = ready[gains == gains.max()]
            keys.append(int(best[_drawn(rng, left[best])]))
        return keys


def _drawn(rng: np.random.Generator, weights: np.ndarray) -> int:
    """A place at random, by weight."""
    return int(rng.choice(len(weights), p=weights / weights.sum()))


def _block(
    rng: np.random.Generator, frame: pd.DataFrame, lenders: np.ndarray, groups: np.ndarray, block: int
) -> list[Pool]:
    """Five pools of places in the frame."""
    labels = frame.index.to_numpy()
    made = []
    for lender, rows in zip(lenders.tolist(), groups, strict=True):
        members = tuple(labels[rng.permutation(groups.ravel())].tolist())
        text, key = frame["text"].iloc[lender], frame["key"].iloc[lender]
        made.append(Pool(text, members, frozenset(labels[rows].tolist()), block, key, int(labels[lender])))
    return made


def _check(frame: pd.DataFrame) -> None:
    """Refuse a frame that is not whole."""
    if missing := [name for name in COLUMNS if name not in frame.columns]:
        raise ValueError(f"frame without the columns {missing}: expected {COLUMNS}, as shop_texts makes it")
    if not len(frame):
        raise ValueError("no product: expected some hundred")
    if frame.index.dtype.kind not in "iu" or not frame.index.is_unique or not frame["id"].is_unique:
        raise ValueError("a row or a product is there twice, or the index holds no integers: expected each once")
    for name in COLUMNS:
        if (holes := frame[name].isna()).any():
            raise ValueError(f"row {frame.index[holes][0]}: no {name}, expected one; leave such products out")
    if not frame["key"].map(lambda key: isinstance(key, tuple) and all(isinstance(one, str) for one in key)).all():
        raise ValueError("a key is no tuple of str: expected such, as shop_texts makes it")
    if (blank := ~frame["text"].map(lambda text: isinstance(text, str) and bool(text.strip())).astype(bool)).any():
        raise ValueError(f"row {frame.index[blank][0]}: no words in its text, expected some; leave such products out")
