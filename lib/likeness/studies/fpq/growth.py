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

import numpy as np
import pandas as pd

from likeness.report.progress import TASKS, tick
from likeness.studies.fpq.parameters import Parameters
from likeness.studies.fpq.scores import scores
from likeness.studies.fpq.sets import TOPK, Setting, cores, exact, load

#: Engines of the figures, the paper's three rows first.
FIGURES: Final = ("published-pq", "published-fpq", "scikit-learn", "pq", "fpq", "faiss-pq", "faiss-fastscan",
                  "faiss-ivfpq", "nanopq", "exact")  # fmt: skip


def run_growth(p: Parameters, engines: Sequence[str] = FIGURES) -> pd.DataFrame:
    """Every engine at every size, `growth_repeats` times: columns engine, n, repeat, metric, value.

    A repeat has other starting rows; engines that draw none differ in seconds and megabytes alone.

    Metrics: train_s, encode_s, search_s, total_s (wall clock; search is of all queries), train_cpu_s, acc_100, acc_1
    (percent), recall_1 ... overlap_100, distortion, bits (a vector), iterations (of k-means, all parts), peak_mb (of
    the process), own_mb (above what it held with the data loaded). 2^20 bytes are 1 MB.
    """
    lines = []
    jobs = [(n, engine, repeat) for n in p.sizes for engine in engines for repeat in range(p.growth_repeats)]
    for done, (n, engine, repeat) in enumerate(jobs):
        tick(TASKS, done, len(jobs))
        found = fresh(engine, replace(Setting.of(p), train=n), cores(p), repeat)
        lines += [(engine, n, repeat, metric, value) for metric, value in found.items()]
    return pd.DataFrame(lines, columns=["engine", "n", "repeat", "metric", "value"])


def fresh(engine: str, setting: Setting, threads: int, repeat: int = 0) -> dict[str, float]:
    """`measure` in a process of its own."""
    # forked from a server that holds the imports alone: this process's memory stays out of it, the imports' seconds too
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["likeness.studies.fpq.engines", "nanopq"])
    with ProcessPoolExecutor(1, mp_context=server) as pool:
        return pool.submit(measure, engine, setting, threads, repeat, exact(setting)).result()


def measure(engine: str, setting: Setting, threads: int, repeat: int, neighbours: np.ndarray) -> dict[str, float]:
    """Build an engine on the setting's database, search its queries, score what was found by the exact neighbours."""
    from likeness.studies.fpq.engines import Job, build, clocks

    sets = load(setting)
    job = Job(setting.m, setting.k, setting.seed + repeat, threads)
    few = sets.x[: max(2 * setting.k, TOPK)]
    build(engine, few, job).search(sets.queries[:1], 1)  # compiles and starts what it must
    gc.collect()
    forget_peak()
    before = resident_mb("VmRSS")
    built = build(engine, sets.x, job)
    found, search = clocks(lambda: built.search(sets.queries, TOPK))
    peak = resident_mb("VmHWM")
    return {
        "train_s": built.train.wall,
        "encode_s": built.encode.wall,
        "search_s": search.wall,
        "total_s": built.train.wall + built.encode.wall + search.wall,
        "train_cpu_s": built.train.cpu,
        **scores(found, neighbours, sets),
        "distortion": built.distortion,
        "bits": float(built.bits),
        "iterations": built.iterations,
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
