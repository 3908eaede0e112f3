"""How the cost of a hierarchy grows with the number of points: the networks and their circle decoding, the linkages."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd
import torch

from likeness.models.clustering.decoding import decode_circle
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import MODELS, Protocol, restore
from likeness.studies.clustering.rows import LINKAGES, Rows
from likeness.studies.clustering.scaling import embed, large_sets, linkage

Result = TypeVar("Result")

#: The points and the models that are timed.
DATASET = "circles"
#: A call that takes less is made again, and the least counts.
SHORT_S, MOST_CALLS = 0.05, 5
#: Below this many points the fixed cost of a call hides its growth.
GROWS_FROM = 1_000


def sizes(p: Parameters) -> list[int]:
    """``large_n`` and its half, quarter and eighth, in ascending order."""
    return [p.large_n // 8, p.large_n // 4, p.large_n // 2, p.large_n]


def run_cost(p: Parameters, rows: Rows) -> pd.DataFrame:
    """Processor seconds by method: columns method, part (embedding, hierarchy, total), n, repeat, seconds.

    One process, one thread, methods in turn at every size, each repeat on fresh points and starting with another
    method: a busy machine slows all of them alike. Nothing is kept from earlier runs.
    """
    nets = {m: restore(Protocol.of(p), rows.models[DATASET, "hard", m, 0]) for m in MODELS}
    embeddings = {m: partial(embed, net) for m, net in nets.items()}
    methods, lines = (*MODELS, *LINKAGES), []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for method in methods:  # loads and compiles what the first call must
            _parts(method, embeddings.get(method), large_sets(p.seed, DATASET, 100, 0, 1)[0].x)
        for repeat in range(p.cost_repeats):
            turn = repeat % len(methods)
            for n in sizes(p):
                x = large_sets(p.seed, DATASET, n, repeat, 1)[0].x
                for method in (*methods[turn:], *methods[:turn]):
                    parts = _parts(method, embeddings.get(method), x)
                    lines += [(method, part, n, repeat, seconds) for part, seconds in parts.items()]
    finally:
        torch.set_num_threads(threads)
    return pd.DataFrame(lines, columns=["method", "part", "n", "repeat", "seconds"])


def _parts(method: str, embedding: Callable[[np.ndarray], np.ndarray] | None, x: np.ndarray) -> dict[str, float]:
    if embedding is None:
        return {"total": timed(lambda: linkage(x, method))[1]}
    u, first = timed(lambda: embedding(x))
    second = timed(lambda: decode_circle(u))[1]
    return {"embedding": first, "hierarchy": second, "total": first + second}


def timed(call: Callable[[], Result]) -> tuple[Result, float]:
    """Result and processor seconds of a call, the least of several where it is short."""
    least = float("inf")
    for _ in range(MOST_CALLS):
        begun = time.process_time()
        result = call()
        least = min(least, time.process_time() - begun)
        if least > SHORT_S:
            break
    return result, least


def growth(frame: pd.DataFrame) -> pd.DataFrame:
    """Exponent b of the cost, seconds ~ n^b: columns method, part, repeat, exponent.

    The least-squares slope of log seconds on log n over the sizes from 1,000 on, or from a quarter of the largest
    where that is less, for each repeat: its spread over them is its uncertainty.

    Raises
    ------
    ValueError : fewer than two sizes
    """
    if frame.n.nunique() < 2:
        raise ValueError(f"sizes {sorted(set(frame.n))}: expected at least two, for a slope")
    large = frame[frame.n >= min(GROWS_FROM, frame.n.max() / 4)]
    lines = [
        (*key, np.polyfit(np.log(group.n.to_numpy(float)), np.log(group.seconds), 1)[0])
        for key, group in large.groupby(["method", "part", "repeat"], sort=False)
    ]
    return pd.DataFrame(lines, columns=["method", "part", "repeat", "exponent"])


def describe(frame: pd.DataFrame) -> pd.DataFrame:
    """Median seconds by method and part (rows) and number of points (columns), and the mean exponent."""
    keys = ["method", "part"]
    table = frame.pivot_table(index=keys, columns="n", values="seconds", aggfunc="median", sort=False)
    table.columns = [f"{n} points, s" for n in table.columns]
    table["exponent"] = growth(frame).groupby(keys).exponent.mean()
    return table.reset_index()
