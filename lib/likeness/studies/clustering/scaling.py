"""Sets larger than those a model was trained on, and how the cost grows with the number of points."""

from __future__ import annotations

import time
from collections.abc import Callable

import fastcluster
import numpy as np
import pandas as pd

from likeness.data.points import CLUSTERS, draw_at
from likeness.models.clustering.decoding import decode_circle
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import DATASETS, MODELS, Protocol, directions, generator, restore, score
from likeness.studies.clustering.rows import LINKAGES, Rows

#: noise of the large sets: half way along the axis of Figure 3, where methods differ
NOISE = 0.08


def sizes(p: Parameters) -> list[int]:
    """250 (what the models were trained on) and then up to ``large_n``, about a factor of three apart."""
    steps = [n for n in (250, 1_000, 3_000, 10_000, 30_000) if n < p.large_n]
    return [*steps, p.large_n]


def run_scaling(p: Parameters, rows: Rows) -> pd.DataFrame:
    """Scores and seconds of models trained on small sets (hard level) and of the linkages, on ever larger ones.

    Columns dataset, method, n, seed, ari_k, purity_k, nmi_k, ari, seconds (embedding and hierarchy together, best of
    two). The linkages are given the same sets; they are run in this same process, one thread.
    """
    lines = []
    for dataset in DATASETS:
        for seed in range(p.seeds):
            for n in sizes(p):
                rng = generator(p.seed, "scaling", dataset, n, seed)
                points = draw_at(dataset, NOISE, 1, rng, (n, n))[0]
                for method in (*MODELS, *LINKAGES):
                    hierarchy = _hierarchy(p, rows, dataset, method, seed)
                    tree, seconds = _timed(hierarchy, points.x)
                    scores = score(tree, points.y, CLUSTERS[dataset])
                    lines.append({"dataset": dataset, "method": method, "n": n, "seed": seed, **scores,
                                  "seconds": seconds})
    return pd.DataFrame(lines)


def _hierarchy(
    p: Parameters, rows: Rows, dataset: str, method: str, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    if method in LINKAGES:
        # linkage_vector needs no n x n matrix, but offers no average or complete linkage
        if method in ("single", "ward"):
            return lambda x: fastcluster.linkage_vector(x, method)
        return lambda x: fastcluster.linkage(x, method)
    net = restore(Protocol.of(p), rows.models[dataset, "hard", method, seed])
    return lambda x: decode_circle(directions(net, x))


def _timed(hierarchy: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> tuple[np.ndarray, float]:
    best = np.inf
    for _ in range(2 if len(x) <= 3_000 else 1):
        start = time.perf_counter()
        tree = hierarchy(x)
        best = min(best, time.perf_counter() - start)
    return tree, best


def growth(frame: pd.DataFrame) -> pd.DataFrame:
    """Exponent of the cost in n, by method: slope of log seconds on log n over the sizes from 1,000 on."""
    large = frame[frame.n >= min(1_000, frame.n.max() // 2)]
    lines = []
    for (method, seed), group in large.groupby(["method", "seed"]):
        mean = group.groupby("n").seconds.mean()
        if len(mean) > 1:
            lines.append((method, seed, np.polyfit(np.log(mean.index), np.log(mean), 1)[0]))
    return pd.DataFrame(lines, columns=["method", "seed", "exponent"])
