"""Beyond the paper: encode once, search with faiss. How much nDCG does a first stage by inner products keep?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import faiss
import numpy as np
import pandas as pd

from likeness.metrics.ranking import ndcg_at
from likeness.studies.hsl.runs import SEARCHED, TOP, Codes
from likeness.studies.hsl.trainings import Trainings

#: Pictures that the first stage hands on to eq. 12.
HANDED: Final = (10, 30, 100)
#: Bytes of a compressed picture: sub-vectors of 8 bits, or of 4 bits each where a gallery is small.
BYTES: Final = (8, 32)
#: Rows that k-means of 256 centroids needs to mean anything (faiss warns below 39 a centroid; it works from 256).
_ENOUGH: Final = 256


def run_search(trained: Trainings) -> pd.DataFrame:
    """nDCG@5 over all test pictures: columns aggregate, way, seed, value.

    Ways: "exact" (eq. 12 of every pair), "inner" (one inner product), "object", "image" (the parts of that granularity
    alone), "pq-<bytes>" (inner products of compressed pictures), and each of "image" and "inner" followed by eq. 12 on
    the best 10, 30, 100: "image-then-10".
    """
    lines = []
    for aggregate, name in zip(("mean", "max"), SEARCHED, strict=True):
        for seed, one in enumerate(trained.of(name)):
            codes = one.codes
            if codes is None:
                raise ValueError(f"{name}, seed {seed}: trained without codes")
            wanted = trained.sets.test.anywhere
            lines += [(aggregate, way, seed, value) for way, value in _ways(codes, wanted)]
    return pd.DataFrame(lines, columns=["aggregate", "way", "seed", "value"])


def largest_difference(trained: Trainings, name: str = SEARCHED[0]) -> float:
    """Between eq. 12 and the inner product, over all pairs and seeds, in parts of the spread of the similarities."""
    codes = [one.codes for one in trained.of(name)]
    return max(float(np.abs(c.y @ c.x.T - c.exact).max() / c.exact.std()) for c in codes if c is not None)


def _ways(codes: Codes, wanted: np.ndarray) -> Iterator[tuple[str, float]]:
    def points(scores: np.ndarray) -> float:
        return ndcg_at(list(scores), list(wanted), TOP)

    stages = {"inner": _inner(codes, slice(None))}
    width = codes.x.shape[1] // 4  # object and image of level 1, then of level 2
    stages["object"] = _inner(codes, np.r_[0:width, 2 * width : 3 * width])
    stages["image"] = _inner(codes, np.r_[width : 2 * width, 3 * width : 4 * width])
    yield "exact", points(codes.exact)
    yield from ((name, points(scores)) for name, scores in stages.items())
    for name in ("inner", "image"):
        for many in HANDED:
            if many < codes.exact.shape[1]:
                yield f"{name}-then-{many}", points(_reranked(stages[name], codes.exact, many))
    for size in BYTES:
        yield f"pq-{size}", points(_compressed(codes, size))


def _inner(codes: Codes, columns: slice | np.ndarray) -> np.ndarray:
    return np.asarray(codes.y[:, columns] @ codes.x[:, columns].T)


def _reranked(first: np.ndarray, exact: np.ndarray, many: int) -> np.ndarray:
    """The best `many` of each query by eq. 12, all others behind them as equals."""
    best = np.argpartition(-first, many, axis=1)[:, :many]
    out = np.full_like(exact, exact.min() - 1.0)
    np.put_along_axis(out, best, np.take_along_axis(exact, best, axis=1), axis=1)
    return out


def _compressed(codes: Codes, size: int) -> np.ndarray:
    """Inner products with pictures of `size` bytes each, every picture ranked."""
    n, d = codes.x.shape
    bits = 8 if n >= _ENOUGH else 4
    index = faiss.IndexPQ(d, size * 8 // bits, bits, faiss.METRIC_INNER_PRODUCT)
    index.pq.cp.min_points_per_centroid = 1  # a small gallery is meant to be small
    index.train(codes.x)
    index.add(codes.x)
    scores, rows = index.search(codes.y, n)
    out = np.empty((len(codes.y), n), np.float32)
    np.put_along_axis(out, rows, scores, axis=1)
    return out
