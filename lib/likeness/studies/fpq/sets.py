"""What the studies of the chapter run on: digits, their exact neighbours, and how both follow from the parameters."""

from __future__ import annotations

import multiprocessing
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import faiss
import numpy as np

from likeness.data import deformed_digits, mnist
from likeness.data.registry import here
from likeness.studies.fpq.parameters import Parameters

#: Neighbours that are searched: the paper's class is the majority of so many.
TOPK = 100


@dataclass(frozen=True)
class Setting:
    """The parameters that a single result depends on, and no other: results are kept by them."""

    data: str
    train: int
    test: int
    m: int
    k: int
    seed: int

    @classmethod
    def of(cls, p: Parameters) -> Setting:
        """The part of a run's parameters that matters here; "auto" is settled."""
        return cls(settle(p.data), p.train, p.test, p.parts, p.centroids, p.seed)


@dataclass(frozen=True, eq=False)
class Sets:
    """Database x (N, D) float32 with classes y (N,), queries (Q, D) float32 with classes truth (Q,); their chip."""

    x: np.ndarray
    y: np.ndarray
    queries: np.ndarray
    truth: np.ndarray
    chip: str


def cores(p: Parameters) -> int:
    """Threads that a study uses: ``jobs``, or all cores of the machine where it is 0."""
    return p.jobs or multiprocessing.cpu_count()


def settle(data: str) -> str:
    """ "mnist" or "deformed" for "auto": MNIST where all its files are below LIKENESS_DATA."""
    if data != "auto":
        return data
    files = [path for pair in mnist.FILES.values() for path in pair]
    return "mnist" if here(*files) else "deformed"


@lru_cache(maxsize=2)
def load(setting: Setting) -> Sets:
    """The first `train` and `test` rows of the two parts, unscaled pixels 0..255. Raises as the loaders do."""
    if setting.data == "mnist":
        train, test = mnist.load("train"), mnist.load("test")
    else:
        train = deformed_digits.make("train", setting.train, setting.seed)
        test = deformed_digits.make("test", setting.test, setting.seed)
    n, q = setting.train, setting.test
    if n > len(train.x) or q > len(test.x):
        raise ValueError(f"{n} rows and {q} queries of {setting.data}: it has {len(train.x)} and {len(test.x)}")
    return Sets(train.x[:n].astype(np.float32), train.y[:n], test.x[:q].astype(np.float32), test.y[:q], train.chip)


@lru_cache(maxsize=2)
def exact(setting: Setting) -> np.ndarray:
    """The `TOPK` exact nearest rows of every query, (Q, TOPK) int64, by faiss's flat index."""
    sets = load(setting)
    index = faiss.IndexFlatL2(sets.x.shape[1])
    index.add(sets.x)
    return np.asarray(index.search(sets.queries, TOPK)[1])


def generator(base: int, *names: Any) -> np.random.Generator:
    """Random numbers of one place: no result depends on the order in which others are made.

    >>> bool(generator(0, "a").random() == generator(0, "b").random())
    False
    """
    return np.random.default_rng([base, *(zlib.crc32(repr(name).encode()) for name in names)])
