"""Which defect of the published code costs what: the order of the codebooks, and OpenIndexing.

{ordered, scheduled on P workers, random} x {none, published, literal, corrected}, on codebooks trained as published.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from likeness.models.fpq import published
from likeness.models.fpq.engines import to_index_pq
from likeness.models.fpq.open_indexing import VARIANTS, C, cell_counts, open_index
from likeness.models.fpq.pq import PQ
from likeness.studies.fpq.engines import lost
from likeness.studies.fpq.parameters import Parameters
from likeness.studies.fpq.scores import scores
from likeness.studies.fpq.sets import TOPK, Sets, Setting, exact, generator, load
from likeness.studies.parallel import run_all

#: What OpenIndexing does; "none" is plain encoding.
OPENINGS: Final = ("none", *VARIANTS)


def run_defects(p: Parameters) -> pd.DataFrame:
    """Every order of the codebooks and every opening: columns seed, order, opening, metric, value.

    Orders: "ordered", "P=<workers>" (one worker is no race: the order of the queue), "random". Metrics as in `scores`,
    and distortion, fullest (most entries of a cell over their mean), empty (cells without entry), moved (share of
    entries that are not at their nearest centroid), foreign (share of codebooks on a subspace that is not theirs).

    A seed is another 256 starting rows; seed 0 has the published ones.
    """
    setting = Setting.of(p)
    tasks = [(setting, seed, p.workers) for seed in range(p.seeds)]
    return pd.concat(run_all(_one_seed, tasks, p.jobs), ignore_index=True)


def _one_seed(setting: Setting, seed: int, workers: tuple[int, ...]) -> pd.DataFrame:
    sets = load(setting)
    pq = published.fit(sets.x, setting.m, setting.k, seed=published.SEED + seed)
    lines = []
    for order, places in orders(pq, workers, seed, setting).items():
        raced = published.reorder(pq, places)
        foreign = float((places != np.arange(pq.m)).mean())
        for opening in OPENINGS:
            found = {**state(raced, sets, opening, exact(setting)), "foreign": foreign}
            lines += [(seed, order, opening, metric, value) for metric, value in found.items()]
    return pd.DataFrame(lines, columns=["seed", "order", "opening", "metric", "value"])


def orders(pq: PQ, workers: tuple[int, ...], seed: int, setting: Setting) -> dict[str, np.ndarray]:
    """Which codebook each subspace gets, (M,), by the name of the order."""
    return {
        "ordered": np.arange(pq.m),
        **{f"P={w}": published.completion_order(pq.iterations, w) for w in workers},
        "random": generator(setting.seed, "random order", seed).permutation(pq.m),
    }


def state(pq: PQ, sets: Sets, opening: str, exact_rows: np.ndarray, c: float = C) -> dict[str, float]:
    """Encode the database, search the queries, and say how the cells are filled."""
    if opening == "none":
        codes, moved = pq.encode(sets.x), 0
    else:
        codes, moved, _ = open_index(pq, sets.x, c, variant=opening)  # type: ignore[arg-type]
    counts = cell_counts(codes, pq.k)
    found = to_index_pq(pq, codes).search(sets.queries, TOPK)[1]
    return {
        **scores(found, exact_rows, sets),
        "distortion": lost(sets.x, pq.decode(codes)),
        "fullest": float(counts.max() * pq.k / len(codes)),
        "empty": float((counts == 0).sum()),
        "moved": moved / codes.size,
    }


def costs(frame: pd.DataFrame, metric: str = "acc_100") -> pd.DataFrame:
    """Paired loss of each state to (ordered, none) of the same seed: columns seed, order, opening, value.

    Positive: that state has less of the metric.
    """
    one = frame[frame.metric == metric]
    base = one[(one.order == "ordered") & (one.opening == "none")].set_index("seed").value
    return one.assign(value=one.seed.map(base) - one.value).drop(columns="metric")
