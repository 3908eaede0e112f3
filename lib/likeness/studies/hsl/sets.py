"""What the models of the chapter are trained on and asked: pairs to learn from, and pools to rank."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from likeness.data.wardrobe import garments as wardrobe
from likeness.data.wardrobe.garments import Garment
from likeness.data.wardrobe.language import matches, query
from likeness.data.wardrobe.pools import QUERIES, Pool, pools
from likeness.data.wardrobe.regions import regions
from likeness.studies.parallel import run_all

#: First numbers of the garments of the held-out and of the test pools: none is a training garment.
VALID_FIRST, TEST_FIRST = 1_000_000, 2_000_000
#: Garments that a pool is chosen from (`pools` needs about 15 a pool; more makes more kinds of query possible).
_A_POOL: Final = 40
#: Garments that one task draws.
_CHUNK: Final = 100


@dataclass(frozen=True)
class Setting:
    """The parameters that the data depends on, and no other."""

    seed: int
    train: int
    valid: int
    test: int


@dataclass(frozen=True, eq=False)
class Seen:
    """Objects of n pictures, one after another: features (sum, d) float32, boxes (sum, 4) float32, ends (n,) int64."""

    features: np.ndarray
    boxes: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, parts: Sequence[Self]) -> Seen:
        """Pictures of several parts, in order."""
        counts = [np.diff(part.ends, prepend=0) for part in parts]
        return cls(
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.boxes for part in parts]),
            np.concatenate(counts).cumsum(),
        )

    def each(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Features and boxes by picture."""
        return np.split(self.features, self.ends[:-1]), np.split(self.boxes, self.ends[:-1])


@dataclass(frozen=True, eq=False)
class Pools:
    """Queries of B blocks: each block's Q queries share M pictures.

    seen : the B * M pictures, block after block; texts (B * Q) likewise
    relevant (B, Q, M) bool, of a query's own pool; anywhere (B * Q, B * M) bool, of all pictures
    keys (B * Q): what a query wants, in words; numbers (B, M) of the pictures, to draw them
    """

    seen: Seen
    texts: tuple[str, ...]
    relevant: np.ndarray
    anywhere: np.ndarray
    keys: tuple[str, ...]
    numbers: np.ndarray

    @classmethod
    def of(
        cls,
        seen: Seen,
        numbers: np.ndarray,
        texts: Sequence[str],
        wanted: Sequence[Collection[int]],
        anywhere: np.ndarray,
        keys: Sequence[str],
    ) -> Pools:
        """From blocks of numbered pictures (B, M), and of each query its text, the numbers that answer it, its key."""
        rows = numbers.repeat(QUERIES, axis=0)
        relevant = np.array([np.isin(row, list(some)) for row, some in zip(rows, wanted, strict=True)])
        return cls(seen, tuple(texts), relevant.reshape(len(numbers), QUERIES, -1), anywhere, tuple(keys), numbers)

    @property
    def answers(self) -> np.ndarray:
        """Which pictures of its block answer each query, (B * Q, M) bool."""
        return self.relevant.reshape(-1, self.relevant.shape[2])

    @property
    def blocks(self) -> np.ndarray:
        """Block of each query, (B * Q,)."""
        return np.repeat(np.arange(len(self.relevant)), self.relevant.shape[1])


@dataclass(frozen=True, eq=False)
class Sets:
    """Training pairs (picture i, text i), and pools to choose an epoch by and to report."""

    train: Seen
    texts: tuple[str, ...]
    valid: Pools
    test: Pools
    chip: str


def load(setting: Setting, jobs: int = 0) -> Sets:
    """Draw, describe and ask: garments, one query each, and pools of garments that no training pair shows."""
    train = tuple(range(setting.train))
    valid = _pools(setting.seed, VALID_FIRST, setting.valid)
    test = _pools(setting.seed, TEST_FIRST, setting.test)
    wanted = [*train, *_members(valid), *_members(test)]
    chunks = [tuple(wanted[i : i + _CHUNK]) for i in range(0, len(wanted), _CHUNK)]
    seen = Seen.of(list(run_all(_see, [(setting.seed, chunk) for chunk in chunks], jobs)))
    cut = len(train) + len(_members(valid))
    parts = [_cut(seen, a, b) for a, b in ((0, len(train)), (len(train), cut), (cut, len(wanted)))]
    texts = tuple(query(setting.seed, wardrobe.garment(setting.seed, number)).text for number in train)
    asked = [_asked(setting.seed, made, part) for made, part in ((valid, parts[1]), (test, parts[2]))]
    return Sets(parts[0], texts, asked[0], asked[1], "generated")


def _pools(seed: int, first: int, count: int) -> list[Pool]:
    shelf: list[Garment] = list(wardrobe.catalogue(seed, _A_POOL * count + 1_000, first))
    return pools(seed, shelf, count)


def _members(made: list[Pool]) -> list[int]:
    """Garments of every block, once, in ascending order within a block."""
    return [number for pool in made[::QUERIES] for number in sorted(pool.members)]


def _asked(seed: int, made: list[Pool], seen: Seen) -> Pools:
    numbers = np.array(_members(made)).reshape(len(made) // QUERIES, -1)  # (B, M)
    shown = [wardrobe.garment(seed, number) for number in numbers.ravel().tolist()]
    anywhere = np.array([[matches(pool.query, one) for one in shown] for pool in made])
    keys = ["; ".join(f"{name} {value}" for name, value in pool.query.key) for pool in made]
    texts = [pool.query.text for pool in made]
    return Pools.of(seen, numbers, texts, [pool.relevant for pool in made], anywhere, keys)


def _see(seed: int, numbers: tuple[int, ...]) -> Seen:
    found = [regions(seed, wardrobe.garment(seed, number)) for number in numbers]
    ends = np.cumsum([len(one.boxes) for one in found])
    return Seen(np.concatenate([one.features for one in found]), np.concatenate([one.boxes for one in found]), ends)


def _cut(seen: Seen, first: int, last: int) -> Seen:
    """Pictures first ... last - 1."""
    low = int(seen.ends[first - 1]) if first else 0
    high = int(seen.ends[last - 1])
    return Seen(seen.features[low:high], seen.boxes[low:high], seen.ends[first:last] - low)
