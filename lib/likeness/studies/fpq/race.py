"""Peers in one run: building an index at equal distortion, and searching it.

All peers run in one process, in turns, each repeat beginning with another one: a busy machine slows all alike, and
only ratios within one run are worth reading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

from likeness.models.fpq.lloyd import CHUNK, nearest
from likeness.studies.fpq.engines import Built, Job, build, clocks
from likeness.studies.fpq.parameters import Parameters
from likeness.studies.fpq.scores import scores
from likeness.studies.fpq.sets import TOPK, Setting, cores, exact, load

#: Ours first. "exact" needs no training: it is there for the search.
PEERS: Final = ("pq", "fpq", "faiss-pq", "faiss-fastscan", "faiss-ivfpq", "nanopq", "exact")
#: Distortions this far apart, mean over repeats, count as equal.
EQUAL: Final = 0.01
#: Expected before anything was timed (ratios of seconds, theirs over ours, at equal distortion).
EXPECTED: Final = {("nanopq", "build_s"): 5.0, ("faiss-pq", "train_s"): 1.0, ("faiss-pq", "encode_s"): 5.0}
#: Queries that nanopq searches, which takes them one by one: its seconds are scaled to all of them.
_SLOW_QUERIES: Final = 200


def run_race(p: Parameters) -> pd.DataFrame:
    """Every peer `race_repeats` times: columns peer, repeat, metric, value.

    Metrics: train_s, encode_s, build_s (both), search_s (wall clock; search of all queries), train_cpu_s, encode_cpu_s
    (processor, all threads: less shaken by a busy machine), distortion, bits, and the scores. All peers are given the
    same threads; nanopq uses one of them, as it knows no more.
    """
    setting, lines = Setting.of(p), []
    sets, rows, threads = load(setting), exact(setting), cores(p)
    for repeat in range(p.race_repeats):
        turn = repeat % len(PEERS)
        for peer in (*PEERS[turn:], *PEERS[:turn]):
            built = build(peer, sets.x, Job(setting.m, setting.k, setting.seed + repeat, threads))
            many = min(_SLOW_QUERIES, len(sets.queries)) if peer == "nanopq" else len(sets.queries)
            found, took = clocks(_searching(built, sets.queries[:many]))
            values = {
                "train_s": built.train.wall,
                "encode_s": built.encode.wall,
                "build_s": built.train.wall + built.encode.wall,
                "train_cpu_s": built.train.cpu,
                "encode_cpu_s": built.encode.cpu,
                "search_s": took.wall * len(sets.queries) / many,
                "distortion": built.distortion,
                "bits": float(built.bits),
            }
            if many == len(sets.queries):
                values |= scores(found, rows, sets)
            lines += [(peer, repeat, metric, value) for metric, value in values.items()]
    return pd.DataFrame(lines, columns=["peer", "repeat", "metric", "value"])


def ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """Seconds of each peer over ours ("pq"), by repeat: columns peer, repeat, metric, ratio."""
    seconds = frame[frame.metric.str.endswith("_s")]
    ours = seconds[seconds.peer == "pq"].set_index(["repeat", "metric"]).value
    theirs = seconds[seconds.peer != "pq"]
    keys = pd.MultiIndex.from_frame(theirs[["repeat", "metric"]])
    return theirs.assign(ratio=theirs.value.to_numpy() / ours.reindex(keys).to_numpy()).drop(columns="value")


def expectations(frame: pd.DataFrame) -> pd.DataFrame:
    """What was expected of the race beside the median ratio found: columns expected, found, distortion, holds.

    distortion : theirs over ours, mean over repeats. holds : the ratio is reached, and by equal quantizers (`EQUAL`).
    """
    table = ratios(frame)
    loss = frame[frame.metric == "distortion"].groupby("peer")["value"].mean()
    lines = []
    for (peer, metric), least in EXPECTED.items():
        here = table[(table.peer == peer) & (table.metric == metric)]
        found = float(here.ratio.median())
        share = float(loss[peer] / loss["pq"])
        holds = found >= least and abs(share - 1.0) <= EQUAL
        lines.append((f"{metric} of {peer} at least {least:g}x ours", found, share, holds))
    return pd.DataFrame(lines, columns=["expected", "found", "distortion", "holds"])


def run_limits(p: Parameters) -> pd.DataFrame:
    """Where the time of an assignment goes: columns step, seconds, share, of one pass over all parts.

    The multiply-add limit is the bare matrix product of all rows with all centroids, N K D multiply-adds, in the same
    chunks; beside it the product with argmin, and the whole assignment.
    """
    setting = Setting.of(p)
    x = load(setting).x
    ds = -(-x.shape[1] // setting.m)
    middle = setting.m // 2 * ds  # the first parts of an image are margin
    part = np.ascontiguousarray(x[:, middle : middle + ds])
    book = part[: setting.k].copy()
    steps = {
        "multiply-adds": lambda: _product(part, book, False),
        "with argmin": lambda: _product(part, book, True),
        "assignment": lambda: nearest(part, book),
    }
    lines = []
    for name, call in steps.items():
        seconds = setting.m * min(clocks(call)[1].wall for _ in range(3))
        lines.append((name, seconds))
    frame = pd.DataFrame(lines, columns=["step", "seconds"])
    return frame.assign(share=frame.seconds / frame.seconds.max())


def _product(x: np.ndarray, book: np.ndarray, least: bool) -> None:
    score = np.empty((CHUNK, len(book)), np.float32)
    for begin in range(0, len(x), CHUNK):
        block = x[begin : begin + CHUNK]
        np.matmul(block, book.T, out=score[: len(block)])
        if least:
            score[: len(block)].argmin(axis=1)


def _searching(built: Built, queries: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: built.search(queries, TOPK)
