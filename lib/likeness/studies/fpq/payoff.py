"""From which size a quantizer pays: searches of ever more rows, a query alone and queries in a batch."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
import psutil

from likeness.report.progress import TASKS, tick
from likeness.report.tidy import t_interval
from likeness.studies.fpq.engines import Job, build, clocks
from likeness.studies.fpq.parameters import Parameters
from likeness.studies.fpq.sets import TOPK, Setting, cores, generator, load

#: Exact search, which needs no quantizer, and those of faiss's engines that a user would take in its place.
ENGINES: Final = ("exact", "faiss-pq", "faiss-fastscan", "faiss-ivfpq")
#: Queries asked one by one, and queries of a batch at most.
ALONE, BATCH = 50, 1_000
#: How a query comes, by the metric of its seconds.
WAYS: Final = {"one_s": "one query at a time", "batch_s": "in a batch"}


def run_payoff(p: Parameters) -> pd.DataFrame:
    """Every engine at every size: columns engine, n, repeat, metric, value.

    Metrics: one_s and batch_s (seconds of a query, `race_repeats` times), and once a size build_s (train and encode)
    and bits (of a row, an inverted file with its number). Recall is the business of other tables.
    """
    lines = []
    jobs = [(n, engine) for n in p.payoff_sizes for engine in ENGINES]
    for done, (n, engine) in enumerate(jobs):
        tick(TASKS, done, len(jobs))
        lines += [(engine, n, *line) for line in _measured(engine, n, p)]
    return pd.DataFrame(lines, columns=["engine", "n", "repeat", "metric", "value"])


def _measured(engine: str, n: int, p: Parameters) -> list[tuple[int, str, float]]:
    x, queries = rows(n, p)
    built = build(engine, x, Job(p.parts, p.centroids, p.seed, cores(p)))
    number = 64 if engine == "faiss-ivfpq" else 0
    lines = [(0, "build_s", built.train.wall + built.encode.wall), (0, "bits", float(built.bits + number))]
    alone = queries[:ALONE]
    for repeat in range(p.race_repeats):
        one = clocks(lambda: [built.search(q[None], TOPK) for q in alone])[1]
        batch = clocks(lambda: built.search(queries, TOPK))[1]
        lines += [(repeat, "one_s", one.wall / len(alone)), (repeat, "batch_s", batch.wall / len(queries))]
    return lines


def rows(n: int, p: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """n digits and queries, (n, D) and (Q, D) float32: the database over again, each copy a little apart."""
    setting = Setting.of(p)
    data = load(setting) if n >= setting.train else load(replace(setting, train=n))
    rng = generator(setting.seed, "payoff")
    x = np.resize(data.x, (n, data.x.shape[1]))
    for begin in range(len(data.x), n, len(data.x)):
        copy = x[begin : begin + len(data.x)]
        copy += rng.integers(-2, 3, copy.shape, dtype=np.int8)
    return x, data.queries[:BATCH]


def speedups(frame: pd.DataFrame) -> pd.DataFrame:
    """Seconds of exact search over those of each quantizer, by repeat: columns engine, n, repeat, way, value."""
    seconds = frame[frame.metric.isin(WAYS)]
    exact = seconds[seconds.engine == "exact"].set_index(["n", "repeat", "metric"]).value
    rest = seconds[seconds.engine != "exact"].rename(columns={"metric": "way"})
    keys = pd.MultiIndex.from_frame(rest[["n", "repeat", "way"]])
    return rest.assign(value=exact.reindex(keys).to_numpy() / rest.value.to_numpy())


def pays_from(frame: pd.DataFrame) -> pd.DataFrame:
    """The smallest size from which on a quantizer is faster than exact search: columns engine, way, rows, queries.

    Faster: the 95 % interval of the speedup lies above 1, there and at every larger size. rows: as text, "no size"
    where it is at none. queries: how many repay the building at the largest size, "no number" where none do.
    """
    mean = {key: float(runs.mean()) for key, runs in frame.groupby(["engine", "n", "metric"])["value"]}
    ratio = dict(iter(speedups(frame).groupby(["engine", "way", "n"])["value"]))
    sizes, lines = sorted(set(frame.n)), []
    for engine in dict.fromkeys(frame.engine[frame.engine != "exact"]):
        for way, words in WAYS.items():
            faster = [(t_interval(ratio[engine, way, n])[1] or 0.0) > 1.0 for n in sizes]
            pays = next((f"{n:,}" for i, n in enumerate(sizes) if all(faster[i:])), "no size")
            saved = mean["exact", sizes[-1], way] - mean[engine, sizes[-1], way]
            repaid = math.ceil(mean[engine, sizes[-1], "build_s"] / saved) if saved > 0.0 else None
            lines.append((engine, words, pays, "no number" if repaid is None else f"{repaid:,}"))
    return pd.DataFrame(lines, columns=["engine", "way", "rows", "queries"])


def stops(frame: pd.DataFrame) -> pd.DataFrame:
    """Where each engine stops: columns engine, bytes_a_row, rows_in_memory, gb_of_a_billion, rows_in_a_second.

    rows_in_memory : of this machine, all of it. rows_in_a_second : that one query reads at the rate of the largest size
    measured (of an inverted file, that it need not read).
    """
    largest = frame[frame.n == frame.n.max()]
    at = largest.pivot_table(index="engine", columns="metric", values="value", sort=False)
    bytes_a_row = at.bits / 8
    return pd.DataFrame(
        {
            "bytes_a_row": bytes_a_row,
            "rows_in_memory": memory() / bytes_a_row,
            "gb_of_a_billion": bytes_a_row,  # 10^9 rows in 10^9 bytes
            "rows_in_a_second": frame.n.max() / at.one_s,
        }
    ).reset_index()


def memory() -> int:
    """Bytes of this machine's memory."""
    return int(psutil.virtual_memory().total)
