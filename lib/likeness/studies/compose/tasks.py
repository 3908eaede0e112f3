"""Photographs with captions, and queries of a photograph and a text among them, in one form for every data set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

import numpy as np
import pandas as pd

from likeness.data.shop_texts import class_numbers, split
from likeness.metrics.hits import First

#: What a query says: the target's whole caption, as published, or what to change.
Text = Literal["full", "change"]
#: Cuts of Table 1.
CUTS: Final = (1, 10, 50, 100)
TRAIN, VALID, TEST = 0, 1, 2
#: Shares of the products. A quarter is for testing, so that 4,000 garments have the gallery of 1,000.
PARTS: Final = (0.65, 0.10, 0.25)
#: A class that fewer training photographs show is not told apart; as in the chapter on DVBPR.
LEAST: Final = 20


@dataclass(frozen=True, eq=False)
class Goods:
    """N photographs of one shop, of all parts.

    about : names them in the cache. chip : "generated", "public" or "paper".
    photos : (N, 3, s, s) uint8. captions : one each, never empty. part : (N,) int64, `TRAIN`, `VALID`, `TEST`.
    product : (N,) int64, what is sold under one name or code: it is in one part alone.
    labels, classes : tasks for pretraining: labels (N,) int64, -1 where not known, and how many classes there are.
    """

    name: str
    about: str
    chip: str
    photos: np.ndarray
    captions: tuple[str, ...]
    part: np.ndarray
    product: np.ndarray
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError where something has not one entry a photograph, and as `_refuse_rows`."""
        n, side = len(self.captions), self.photos.shape[-1]
        whole = {"part": self.part, "product": self.product} | {f"labels {k}": one for k, one in self.labels.items()}
        wrong = [f"{k} {v.shape} {v.dtype}" for k, v in whole.items() if (v.shape, v.dtype) != ((n,), np.int64)]
        if (self.photos.shape, self.photos.dtype) != ((n, 3, side, side), np.uint8):
            wrong.append(f"photos {self.photos.shape} {self.photos.dtype}")
        if wrong:
            raise ValueError(f"{self.name}: {', '.join(wrong)}: expected (N,) int64 and (N, 3, s, s) uint8 of {n}")
        if self.labels.keys() != self.classes.keys():
            raise ValueError(f"{self.name}: labels {list(self.labels)} and classes {list(self.classes)} differ")
        self._refuse_rows()

    def _refuse_rows(self) -> None:
        """Raise ValueError naming the row: an empty caption, no such part or class, a product of two parts."""
        for row, caption in enumerate(self.captions):
            if not caption.split():
                raise ValueError(f"{self.name}, row {row}: caption {caption!r} says nothing; expected a word or more")
        if sorted(set(self.part.tolist())) != [TRAIN, VALID, TEST]:
            raise ValueError(f"{self.name}: parts {np.unique(self.part)}: expected a photograph in each of 0, 1 and 2")
        _, first, code = np.unique(self.product, return_index=True, return_inverse=True)
        for row in np.flatnonzero(self.part != self.part[first[code]])[:1]:
            raise ValueError(f"{self.name}, row {row}: product {self.product[row]} is in two parts; expected one")
        for task, found in self.labels.items():
            most = self.classes[task] - 1
            for row in np.flatnonzero((found < -1) | (found > most))[:1]:
                raise ValueError(f"{self.name}, row {row}: {task} {found[row]}: expected -1 to {most}")

    @cached_property
    def said(self) -> np.ndarray:
        """(N,) int64: photographs of one caption have one number."""
        number = {caption: n for n, caption in enumerate(dict.fromkeys(self.captions))}
        return np.array([number[caption] for caption in self.captions], np.int64)

    def rows(self, part: int) -> np.ndarray:
        """Rows of a part, rising, (n,) int64: its gallery."""
        return np.flatnonzero(self.part == part)


@dataclass(frozen=True, eq=False)
class Asked:
    """Q queries within one part.

    source, target : (Q,) int64, rows of the goods. full : the target's whole caption. change : what to change alone.
    """

    source: np.ndarray
    target: np.ndarray
    full: tuple[str, ...]
    change: tuple[str, ...]

    def __len__(self) -> int:
        """Q."""
        return len(self.source)

    def first(self, many: int) -> Asked:
        """The first of them, at most so many: fewer are a prefix of more."""
        return Asked(self.source[:many], self.target[:many], self.full[:many], self.change[:many])

    def texts(self, text: Text) -> tuple[str, ...]:
        """What each says."""
        return self.full if text == "full" else self.change


@dataclass(frozen=True, eq=False)
class Task:
    """Goods, and queries of each part. Training queries are drawn once.

    The gallery of a part is all photographs of it; relevant are those with the target's caption.
    """

    goods: Goods
    train: Asked
    valid: Asked
    test: Asked

    def __post_init__(self) -> None:
        """Raise ValueError naming the query: a source or target that is not in the part, captions that are equal."""
        for part, some in enumerate((self.train, self.valid, self.test)):
            _refuse_queries(self.goods, part, some)

    @property
    def alike(self) -> np.ndarray:
        """(Q,) int64: test queries that want one caption have one number; their errors go together."""
        return self.goods.said[self.test.target]

    @property
    def about(self) -> str:
        """Names goods and queries in the cache: those of other numbers are other prefixes of the same draws."""
        return f"{self.goods.about} {len(self.train)} {len(self.valid)} {len(self.test)}"


def part_of(product: Sequence[int] | np.ndarray, seed: int, shares: tuple[float, ...] = PARTS) -> np.ndarray:
    """Part of each photograph, (N,) int64, by product and at random. Raises ValueError on too few products."""
    part = np.empty(len(product), np.int64)
    for number, rows in enumerate(split(pd.DataFrame({"group": product}), seed, shares)):
        part[rows.index] = number
    return part


def numbered(values: Mapping[str, Sequence[str]], part: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Labels and numbers of classes, of what training photographs say `LEAST` times or more.

    Tasks with fewer than two such classes are left out: nothing is to be told apart.
    """
    labels, classes = {}, {}
    for name, said in values.items():
        known = class_numbers([one for one, p in zip(said, part, strict=True) if p == TRAIN], LEAST)[1]
        if len(known) > 1:
            place = {one: number for number, one in enumerate(known)}
            labels[name] = np.array([place.get(one, -1) for one in said], np.int64)
            classes[name] = len(known)
    return labels, classes


def sizes(known: Task, k: int = 10) -> dict[str, float]:
    """What the task looks like before any model: sizes, and what can be had by chance.

    "shared ...": of a test query, the gallery's photographs with the target's caption, itself among them. "chance":
    hit rate at k in random order, the own source left out. "unseen": share of the test queries whose target's caption
    no training photograph has. "guess": of the test queries with a change text, the share of the commonest target
    caption, averaged: what who sees the change text alone, and knew all answers, could say at best.
    Raises ValueError on k < 1.
    """
    goods, test = known.goods, known.test
    gallery = Counter(goods.captions[row] for row in goods.rows(TEST))
    shared = np.array([gallery[caption] for caption in test.full])
    chance = First(np.zeros_like(shared), np.full(len(test), gallery.total() - 1), shared).hits(k)
    trained = {goods.captions[row] for row in goods.rows(TRAIN)}
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for change, full in zip(test.change, test.full, strict=True):
        answers[change][full] += 1
    found = {f"{name} photographs": len(goods.rows(part)) for part, name in enumerate(("train", "valid", "test"))}
    found |= {"train queries": len(known.train), "valid queries": len(known.valid), "test queries": len(test)}
    return found | {
        "products": len(np.unique(goods.product)), "captions": len(set(goods.captions)),
        "captions of the gallery": len(gallery), "changes": len(set(known.train.change)),
        "changes tested": len(answers), "shared mean": shared.mean(), "shared median": float(np.median(shared)),
        "shared max": int(shared.max()), "chance": chance.mean(),
        "unseen": float(np.mean([caption not in trained for caption in test.full])),
        "guess": sum(max(some.values()) for some in answers.values()) / len(test),
    }  # fmt: skip


def _refuse_queries(goods: Goods, part: int, some: Asked) -> None:
    number, lengths = len(some), {len(some.source), len(some.target), len(some.full), len(some.change)}
    if len(lengths) > 1 or not number:
        raise ValueError(f"{goods.name}: {number} sources, {len(some.target)} targets, {len(some.full)} and "
                         f"{len(some.change)} texts; expected as many of each, and one at least")  # fmt: skip
    for query in range(number):
        where = f"{goods.name}, part {part}, query {query}"
        for name, row in (("source", some.source[query]), ("target", some.target[query])):
            if not 0 <= row < len(goods.captions) or goods.part[row] != part:
                raise ValueError(f"{where}: {name} {row} is no photograph of the part; expected one of it")
        source, target = (goods.captions[row] for row in (some.source[query], some.target[query]))
        if source == target or some.full[query] != target or not some.change[query].split():
            texts = f"{some.full[query]!r} and {some.change[query]!r}"
            raise ValueError(
                f"{where}: {source!r} -> {target!r}, texts {texts}; expected another caption, and that whole"
            )
