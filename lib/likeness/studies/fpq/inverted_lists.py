"""OpenIndexing inside an inverted file, which the paper gave up: does it work, and what is it worth?

An inverted file reads the ``NPROBE`` lists nearest to a query. Lists of equal length make every query cost the same;
the price is that a row may lie in a list that is not its nearest.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from likeness.models.fpq.engines import set_nprobe
from likeness.models.fpq.inverted import Coarse, Inverted, Open
from likeness.models.fpq.pq import smallest
from likeness.studies.fpq.engines import NPROBE, lists_of, lost
from likeness.studies.fpq.parameters import Parameters
from likeness.studies.fpq.scores import scores
from likeness.studies.fpq.sets import TOPK, Sets, Setting, exact, generator, load
from likeness.studies.parallel import run_all

#: Where OpenIndexing acts, by the name in the tables.
PLACES: Final[dict[str, Open]] = {
    "none": Open(),
    "lists, c = 1": Open(lists=1.0),
    "lists, c = 2": Open(lists=2.0),
    "codes of the file": Open(codes=2.0),
    "codes of each list": Open(codes=2.0, scope="list"),
    "codes, literal": Open(codes=2.0, variant="literal"),
}


def run_inverted(p: Parameters) -> pd.DataFrame:
    """Every place on the same trained file: columns place, seed, metric, value.

    Metrics as in `scores`, and distortion, longest (rows of the longest list over the mean), read (share of the
    database that a query reads), read_most (the same of the costliest query).
    """
    tasks = [(Setting.of(p), seed) for seed in range(p.seeds)]
    return pd.concat(run_all(_one_seed, tasks, p.jobs), ignore_index=True)


def _one_seed(setting: Setting, seed: int) -> pd.DataFrame:
    sets, rows = load(setting), exact(setting)
    trained = Coarse.fit(sets.x, lists_of(len(sets.x)), setting.m, setting.k, generator(setting.seed, "inverted", seed))
    lines = [
        (place, metric, value)
        for place, how in PLACES.items()
        for metric, value in _measured(trained.fill(sets.x, how), sets, rows).items()
    ]
    return pd.DataFrame(lines, columns=["place", "metric", "value"]).assign(seed=seed)


def _measured(file: Inverted, sets: Sets, rows: np.ndarray) -> dict[str, float]:
    index, nprobe = file.index(), min(NPROBE, len(file.centroids))
    set_nprobe(index, nprobe)
    found = index.search(np.ascontiguousarray(sets.queries, np.float32), TOPK)[1]
    probed = smallest(file.trained.coarse.dtable(sets.queries)[:, 0], nprobe)[1]  # (Q, nprobe)
    read = file.sizes()[probed].sum(axis=1) / len(sets.x)
    return {
        **scores(found, rows, sets),
        "distortion": lost(sets.x, file.decode()),
        "longest": float(file.sizes().max() / file.sizes().mean()),
        "read": float(read.mean()),
        "read_most": float(read.max()),
    }


def slug(place: str) -> str:
    """Name of a place in an id.

    >>> slug("lists, c = 1")
    'lists-c-1'
    """
    return "-".join(place.replace(",", "").replace("=", "").split())
