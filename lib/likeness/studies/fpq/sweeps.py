"""Where OpenIndexing helps: over c, M and K, on digits, on clustered and on uniform data."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import faiss
import numpy as np
import pandas as pd
from sklearn.datasets import make_blobs

from likeness.models.fpq.open_indexing import VARIANTS, cell_counts, open_index
from likeness.models.fpq.pq import PQ
from likeness.studies.fpq.defects import state
from likeness.studies.fpq.parameters import Parameters
from likeness.studies.fpq.sets import TOPK, Sets, Setting, cores, exact, generator, load
from likeness.studies.parallel import run_all

#: Kinds of data of the sweep over c. The synthetic ones have as many rows and the width of a small image.
KINDS: Final = ("digits", "clustered", "uniform")
WIDTH, BLOBS = 64, 40


def run_factors(p: Parameters) -> pd.DataFrame:
    """c of eq. 3 by kind of data: columns kind, variant, c, seed, metric, value.

    Variant "none" (c is then 0) and the three of `open_index`. Metrics as in `defects.run_defects`; accuracy is of the
    classes of the data, which uniform data have at random.
    """
    setting = Setting.of(p)
    tasks = [(setting, kind, seed, p.factors) for kind in KINDS for seed in range(p.seeds)]
    return pd.concat(run_all(_factors, tasks, p.jobs), ignore_index=True)


def run_shapes(p: Parameters) -> pd.DataFrame:
    """M at the K of the setting, and K at its M, on digits.

    Columns swept ("M" or "K"), m, k, opening, seed, metric, value. Openings "none" and "corrected" at c = 2. K
    above N is left out.
    """
    setting = Setting.of(p)
    shapes = [("M", m, setting.k) for m in p.parts_swept] + [("K", setting.m, k) for k in p.centroids_swept]
    possible = [(swept, m, k) for swept, m, k in shapes if k <= setting.train]
    tasks = [(replace(setting, m=m, k=k), swept, seed) for swept, m, k in possible for seed in range(p.seeds)]
    return pd.concat(run_all(_shape, tasks, p.jobs), ignore_index=True)


def run_balance(p: Parameters) -> pd.DataFrame:
    """Entries of every cell on digits: columns opening, part, cell (its number), entries, of one training."""
    setting = Setting.of(p)
    sets = load(setting)
    pq = PQ.fit(sets.x, setting.m, setting.k, generator(setting.seed, "balance"), jobs=cores(p))
    frames = []
    ways: dict[str, np.ndarray] = {"none": pq.encode(sets.x)}
    ways |= {variant: open_index(pq, sets.x, variant=variant).codes for variant in VARIANTS}
    for opening, codes in ways.items():
        counts = cell_counts(codes, pq.k)  # (M, K)
        part, cell = np.indices(counts.shape)
        frames.append(
            pd.DataFrame({"opening": opening, "part": part.ravel(), "cell": cell.ravel(), "entries": counts.ravel()})
        )
    return pd.concat(frames, ignore_index=True)


def fullest_shared(balance: pd.DataFrame) -> pd.DataFrame:
    """Entries of the fullest place of one table for all parts, as the published code counts: columns opening, value.

    balance : of `run_balance`. A place is a number of a cell, whatever the part.
    """
    shared = balance.groupby(["opening", "cell"], sort=False).entries.sum()
    return shared.groupby("opening", sort=False).max().rename("value").reset_index()


def sets_of(kind: str, setting: Setting, seed: int) -> tuple[Sets, np.ndarray]:
    """Data of one kind and the exact neighbours of its queries, (Q, 100)."""
    if kind == "digits":
        return load(setting), exact(setting)
    rng, n, q = generator(setting.seed, kind, seed), setting.train, setting.test
    if kind == "clustered":
        x, y = make_blobs(n + q, WIDTH, centers=BLOBS, cluster_std=1.0, random_state=int(rng.integers(2**31)))
    else:
        x, y = rng.uniform(size=(n + q, WIDTH)), rng.integers(0, 10, n + q)
    x = x.astype(np.float32)
    index = faiss.IndexFlatL2(WIDTH)
    index.add(x[:n])
    return Sets(x[:n], y[:n], x[n:], y[n:], "generated"), np.asarray(index.search(x[n:], TOPK)[1])


def _factors(setting: Setting, kind: str, seed: int, factors: tuple[float, ...]) -> pd.DataFrame:
    sets, rows = sets_of(kind, setting, seed)
    m = min(setting.m, sets.x.shape[1])
    pq = PQ.fit(sets.x, m, setting.k, generator(setting.seed, "factors", seed))
    lines = [("none", 0.0, metric, value) for metric, value in state(pq, sets, "none", rows).items()]
    for variant in VARIANTS:
        for c in factors:
            lines += [(variant, c, metric, value) for metric, value in state(pq, sets, variant, rows, c).items()]
    frame = pd.DataFrame(lines, columns=["variant", "c", "metric", "value"])
    return frame.assign(kind=kind, seed=seed)


def _shape(setting: Setting, swept: str, seed: int) -> pd.DataFrame:
    sets = load(replace(setting, m=0, k=0))  # one key for all shapes: the data are loaded once a process
    rows = exact(replace(setting, m=0, k=0))
    pq = PQ.fit(sets.x, setting.m, setting.k, generator(setting.seed, "shapes", seed))
    lines = [
        (opening, metric, value)
        for opening in ("none", "corrected")
        for metric, value in state(pq, sets, opening, rows).items()
    ]
    frame = pd.DataFrame(lines, columns=["opening", "metric", "value"])
    return frame.assign(swept=swept, m=setting.m, k=setting.k, seed=seed)
