"""Pools of garments for queries: 30 of which 6 answer, with hard negatives, and nothing to learn without the text.

In KDD Cup 2020 a relevant product belongs to one query while negatives repeat, so that "rarer first", which looks at
neither picture nor text, scores an nDCG@5 of .5556 where a random order scores .2014. Hard negatives give away as much:
whatever has most of its kind and most of its colour around it is what was asked for.

Here five queries share a pool, in five groups of 6: each garment answers exactly one of the five. Then for any ranking
that does not depend on the text, be it by count, number, price, look or by the whole pool, the mean nDCG@k over the
five is exactly 1/5 (k up to 6), what a random order has on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import Garment, stream
from likeness.data.wardrobe.language import Query, query

#: Garments that answer a query, and queries of a pool: 30 candidates, as KDD Cup 2020 has.
RELEVANT: Final = 6
QUERIES: Final = 5
#: The look of a query: the first of these that it names. Colour leads, as in "same kind, other colour".
LOOKS: Final = ("colour", "pattern", "second", "heel", "sleeve", "neckline", "length", "fit", "gender")
#: Queries tried for a place in a pool, and pools tried for each that is made, before giving up.
_TRIES: Final = 40
_STARTS: Final = 50


@dataclass(frozen=True)
class Pool:
    """A query and its candidates: numbers of 30 garments in random order, and those 6 of them that answer it.

    block : queries of one block have the same members; errors of scores go by block.
    """

    query: Query
    members: tuple[int, ...]
    relevant: frozenset[int]
    block: int


def pools(seed: int, garments: Sequence[Garment], count: int) -> list[Pool]:
    """`count` pools, a multiple of five, from a list of garments; no garment is in two blocks.

    The queries of a block: a kind and a look; the kind in another look; the look in another kind; that other kind in
    that other look; and one at random. So each of the first four has 6 of its kind and 6 of its look among its 24
    negatives. About 15 garments a pool are needed.

    Raises ValueError on another count, a garment given twice, or too few garments.
    """
    numbers = np.array([one.number for one in garments], dtype=np.int64)
    if count < 1 or count % QUERIES or len(np.unique(numbers)) != len(numbers):
        raise ValueError(f"{count} pools of {len(numbers)} garments: expected 5, 10, 15, ..., and no garment twice")
    rng, shelf = stream(seed, "pools"), _Shelf(seed, garments)
    made: list[Pool] = []
    for _ in range(_STARTS * count):
        if len(made) == count:
            return made
        queries = _block(rng, shelf)
        groups = shelf.groups(rng, queries)
        if groups is None:
            continue
        shelf.free[groups] = False
        block = len(made) // QUERIES
        for one, rows in zip(queries, groups, strict=True):
            members = rng.permutation(numbers[groups].ravel())
            made.append(Pool(one, tuple(members.tolist()), frozenset(numbers[rows].tolist()), block))
    raise ValueError(f"{len(garments)} garments give {len(made)} pools, not {count}: give more garments")


def look(one: Query) -> tuple[str, str]:
    """The look that a query names, as attribute and value: its colour, else its pattern, ... of `LOOKS`.

    Raises ValueError where it names no more than a kind.

    >>> look(Query("red striped tee", {"kind": "t-shirt", "pattern": "striped", "colour": "red"}))
    ('colour', 'red')
    """
    for name in LOOKS:
        if name in one.wanted:
            return name, one.wanted[name]
    raise ValueError(f"query {one.text!r} wants {one.wanted}: expected a look beside the kind")


class _Shelf:
    """Garments by column, and which of them are in no pool yet."""

    def __init__(self, seed: int, garments: Sequence[Garment]) -> None:
        self.seed = seed
        self.garments = garments
        self.free = np.ones(len(garments), bool)
        self.column = {name: np.array([getattr(one, name) for one in garments]) for name in ("kind", *LOOKS)}

    def having(self, **values: str) -> np.ndarray:
        """Free garments that have these values, (N,) bool."""
        return np.logical_and.reduce([self.free, *(self.column[name] == value for name, value in values.items())])

    def ask(self, rng: np.random.Generator, rows: np.ndarray, needed: tuple[str, ...] = ()) -> Query | None:
        """A query for a random one of these garments that names the needed attributes, and that enough answer."""
        found = np.flatnonzero(rows)
        for _ in range(_TRIES if len(found) else 0):
            one = query(self.seed, self.garments[rng.choice(found)], int(rng.integers(_TRIES)))
            if all(name in one.wanted for name in needed) and self.having(**one.wanted).sum() >= RELEVANT:
                return one
        return None

    def groups(self, rng: np.random.Generator, queries: list[Query]) -> np.ndarray | None:
        """Rows (5, 6): for each query free garments that answer it and none of the others; None if there are none."""
        if len(queries) < QUERIES:
            return None
        answer = np.array([self.having(**one.wanted) for one in queries])
        alone = answer & (answer.sum(axis=0) == 1)
        if alone.sum(axis=1).min() < RELEVANT:
            return None
        return np.array([rng.choice(np.flatnonzero(rows), RELEVANT, replace=False) for rows in alone])


def _block(rng: np.random.Generator, shelf: _Shelf) -> list[Query]:
    """Queries of a block, of five fewer where one could not be found."""
    found: list[Query] = []
    for place in range(QUERIES):
        rows: np.ndarray = shelf.free
        needed: tuple[str, ...] = ()
        if 1 <= place <= 3:
            kind, (name, value) = found[0].wanted["kind"], look(found[0])
            needed = (name,)
            if place == 1:
                rows = shelf.having(kind=kind) & (shelf.column[name] != value)
            elif place == 2:
                rows = shelf.having(**{name: value}) & (shelf.column["kind"] != kind)
            else:
                rows = shelf.having(kind=found[2].wanted["kind"], **{name: found[1].wanted[name]})
        one = shelf.ask(rng, rows, needed)
        if one is None:
            break
        found.append(one)
    return found
