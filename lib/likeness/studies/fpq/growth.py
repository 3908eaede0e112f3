"""Figures 7, 8 and 9 and Table 2: time, accuracy and memory of every engine against the size of its database.

Every measurement is a fresh process, as peak memory is that of a process.
"""

from __future__ import annotations

import gc
import multiprocessing
import resource
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd

from likeness.report.progress import TASKS, tick
from likeness.studies.fpq.parameters import Parameters
from likeness.studies.fpq.scores import scores
from likeness.studies.fpq.sets import TOPK, Setting, cores, exact, load

#: Engines of the figures, the paper's three rows first.
FIGURES: Final = ("published-pq", "published-fpq", "scikit-learn", "pq", "fpq", "faiss-pq", "faiss-fastscan",
                  "faiss-ivfpq", "nanopq", "exact")  # fmt: skip
#: Printed rows of Table 2 and the engine that answers to each.
TABLE2: Final = {"PQ (Java)": "published-pq", "FPQ (Java)": "published-fpq", "Sklearn (Python)": "scikit-learn"}


def run_growth(p: Parameters, engines: Sequence[str] = FIGURES) -> pd.DataFrame:
    """Every engine at every size: columns engine, n, metric, value.

    Metrics: train_s, encode_s, search_s, total_s (wall clock; search is of all queries), train_cpu_s, acc_100, acc_1
    (percent), recall_1 ... overlap_100, distortion, bits (a vector), peak_mb (of the process), own_mb (above what it
    held with the data loaded). 2^20 bytes are 1 MB.
    """
    threads, setting, lines = cores(p), Setting.of(p), []
    jobs = [(n, engine) for n in p.sizes for engine in engines]
    for done, (n, engine) in enumerate(jobs):
        tick(TASKS, done, len(jobs))
        found = fresh(engine, replace(setting, train=n), threads)
        lines += [(engine, n, metric, value) for metric, value in found.items()]
    return pd.DataFrame(lines, columns=["engine", "n", "metric", "value"])


def fresh(engine: str, setting: Setting, threads: int) -> dict[str, float]:
    """`measure` in a process of its own."""
    # forked from a server that holds the imports alone: this process's memory stays out of it, the imports' seconds too
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["likeness.studies.fpq.engines", "nanopq"])
    with ProcessPoolExecutor(1, mp_context=server) as pool:
        return pool.submit(measure, engine, setting, threads).result()


def measure(engine: str, setting: Setting, threads: int) -> dict[str, float]:
    """Build an engine on the setting's database, search its queries, score what was found."""
    from likeness.studies.fpq.engines import Job, build, clocks

    sets = load(setting)
    job = Job(setting.m, setting.k, setting.seed, threads)
    few = sets.x[: max(2 * setting.k, TOPK)]
    build(engine, few, job).search(sets.queries[:1], 1)  # compiles and starts what it must
    gc.collect()
    forget_peak()
    before = resident_mb("VmRSS")
    built = build(engine, sets.x, job)
    found, search = clocks(lambda: built.search(sets.queries, TOPK))
    peak = resident_mb("VmHWM")  # before the exact search, which needs memory of its own
    return {
        "train_s": built.train.wall,
        "encode_s": built.encode.wall,
        "search_s": search.wall,
        "total_s": built.train.wall + built.encode.wall + search.wall,
        "train_cpu_s": built.train.cpu,
        **scores(found, exact(setting), sets),
        "distortion": built.distortion,
        "bits": float(built.bits),
        "peak_mb": peak,
        "own_mb": peak - before,
    }


def forget_peak() -> None:
    """Let the peak of this process begin anew (Linux), so that what loading the data took does not hide the engine."""
    with suppress(OSError):  # elsewhere the peak is that of the whole process
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def resident_mb(field: str) -> float:
    """VmRSS (now) or VmHWM (peak) of this process in MB.

    Not `ru_maxrss`, which on Linux begins with the peak of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def table2(frame: pd.DataFrame, printed: pd.DataFrame) -> pd.DataFrame:
    """Printed rows of Table 2 beside ours at the largest size: columns model, quantity, printed, ours.

    printed : columns model, seconds_train_and_test, memory_mb, accuracy_percent. Ours: total_s, peak_mb, acc_100.
    """
    largest = frame[frame.n == frame.n.max()].pivot_table(index="engine", columns="metric", values="value")
    ours = {"seconds_train_and_test": "total_s", "memory_mb": "peak_mb", "accuracy_percent": "acc_100"}
    lines = [
        (row["model"], quantity, float(row[quantity]), float(largest.loc[TABLE2[row["model"]], metric]))
        for row in printed.to_dict("records")
        for quantity, metric in ours.items()
        if TABLE2[row["model"]] in largest.index
    ]
    return pd.DataFrame(lines, columns=["model", "quantity", "printed", "ours"])
