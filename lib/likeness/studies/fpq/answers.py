"""From the studies to the values that claims name: Table 2, what each defect costs, and what FPQ's speed is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from likeness.report.progress import TASKS, tick
from likeness.studies.fpq import scaling
from likeness.studies.fpq.defects import costs
from likeness.studies.fpq.growth import fresh
from likeness.studies.fpq.parameters import Parameters
from likeness.studies.fpq.sets import TOPK, Setting, cores

#: The paper's Table 1 names an i7-7700HQ, whose eight threads its thread pool takes all.
PRINTED_WORKERS: Final = "p8"
#: Rows at which threads are compared: enough for the training to outweigh the start of a process.
THREADS_AT: Final = 10_000
PUBLISHED: Final = ("published-pq", "published-fpq")


def by_unit(frame: pd.DataFrame, column: str = "metric") -> Iterator[tuple[str, pd.DataFrame]]:
    """The lines of each unit, (unit, frame): seconds and megabytes belong to the machine, scores do not."""
    unit = frame[column].map(_unit)
    yield from ((str(name), lines) for name, lines in frame.groupby(unit, sort=False))


def _unit(metric: str) -> str:
    ends = {"_s": "s", "_mb": "MB", "bits": "bit", "seconds_train_and_test": "s"}
    other = "%" if metric.startswith("acc") else "score"
    return next((unit for end, unit in ends.items() if metric.endswith(end)), other)


def slug(order: str) -> str:
    """Name of an order in an id: "P=8" becomes "p8"."""
    return order.lower().replace("=", "")


def table2_accuracies(defects: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of the paper's two rows over other starting rows: columns model, seed, value.

    PQ (Java) is the published code without its race and without OpenIndexing, FPQ (Java) that with both, on the eight
    workers of the paper's machine. Empty for a row whose state was not run.
    """
    states = {"pq-java": ("ordered", "none"), "fpq-java": (PRINTED_WORKERS, "published")}
    accuracy = defects[defects.metric == "acc_100"]
    found = [
        accuracy[(accuracy.order == order) & (accuracy.opening == opening)].assign(model=model)
        for model, (order, opening) in states.items()
    ]
    return pd.concat(found)[["model", "seed", "value"]]


def exact_vote(votes: pd.DataFrame) -> float:
    """Accuracy of the vote of 100 exact neighbours, the "Sklearn" row by the paper's own rule."""
    return float(votes.loc[votes.k == TOPK, "value"].iloc[0])


def table2_machine(growth: pd.DataFrame) -> pd.DataFrame:
    """Seconds and memory of the three rows at the largest size: columns model, quantity, repeat, value."""
    largest = growth[growth.n == growth.n.max()]
    engines = {"published-pq": "pq-java", "published-fpq": "fpq-java", "scikit-learn": "sklearn-python"}
    quantities = {"total_s": "seconds_train_and_test", "own_mb": "memory_mb"}
    here = largest[largest.engine.isin(engines) & largest.metric.isin(quantities)]
    return here.assign(model=here.engine.map(engines), quantity=here.metric.map(quantities))[
        ["model", "quantity", "repeat", "value"]
    ]


def accuracy_gains(growth: pd.DataFrame) -> pd.DataFrame:
    """Points of accuracy between the smallest and the largest database: columns engine, repeat, value."""
    accuracy = growth[growth.metric == "acc_100"].pivot_table(index=["engine", "repeat"], columns="n", values="value")
    return (accuracy[accuracy.columns.max()] - accuracy[accuracy.columns.min()]).rename("value").reset_index()


def iteration_exponents(growth: pd.DataFrame) -> pd.DataFrame:
    """b of iterations ~ n^b, by least squares of logarithms over the sizes: columns engine, repeat, value."""
    counted = growth[(growth.metric == "iterations") & growth.value.notna()]
    lines = [
        (engine, repeat, float(np.polyfit(np.log(runs.n), np.log(runs.value), 1)[0]))
        for (engine, repeat), runs in counted.groupby(["engine", "repeat"], sort=False)
    ]
    return pd.DataFrame(lines, columns=["engine", "repeat", "value"])


def losses(defects: pd.DataFrame) -> pd.DataFrame:
    """Points of accuracy lost against codebooks in order without OpenIndexing: columns order, opening, seed, value."""
    lost = costs(defects)
    return lost[(lost.order != "ordered") | (lost.opening != "none")]


def opening_costs(defects: pd.DataFrame) -> pd.DataFrame:
    """Points that OpenIndexing alone costs, codebooks in order: columns opening, seed, value."""
    lost = costs(defects)
    return lost[(lost.order == "ordered") & (lost.opening != "none")][["opening", "seed", "value"]]


def on_paper(p: Parameters, gflops: float) -> pd.DataFrame:
    """`scaling.on_paper` from a million to a billion vectors, a line each."""
    sizes = (10**6, 10**7, 10**8, 10**9)
    shape = (scaling.WIDTH, scaling.PARTS, scaling.CENTROIDS, p.scale_iterations)
    return pd.DataFrame([{"n": n, **scaling.on_paper(n, *shape, workers=cores(p), gflops=gflops)} for n in sizes])


def run_threads(p: Parameters) -> pd.DataFrame:
    """PQ and FPQ as published, on one thread and on all: columns engine, threads, repeat, metric (wall, cpu), value.

    Both are given the same threads, so that what FPQ saves and what its threads save can be told apart; a repeat has
    other starting rows, the same for both.
    """
    at, lines = replace(Setting.of(p), train=min(p.train, THREADS_AT)), []
    runs = [(r, t, e) for r in range(p.race_repeats) for t in sorted({1, cores(p)}) for e in PUBLISHED]
    for done, (repeat, threads, engine) in enumerate(runs):
        tick(TASKS, done, len(runs))
        found = fresh(engine, at, threads, repeat)
        took = {"wall": found["train_s"], "cpu": found["train_cpu_s"]}
        lines += [(engine, threads, repeat, metric, value) for metric, value in took.items()]
    return pd.DataFrame(lines, columns=["engine", "threads", "repeat", "metric", "value"])


def work_ratios(threads: pd.DataFrame) -> pd.DataFrame:
    """What FPQ saves, by repeat: columns name, repeat, value.

    work : PQ's over FPQ's processor seconds on one thread. threads : FPQ's seconds on one thread over those on all.
    """
    at = threads.pivot_table(index="repeat", columns=["engine", "threads", "metric"], values="value")
    most = int(threads.threads.max())
    ratio = {
        "work": at["published-pq", 1, "cpu"] / at["published-fpq", 1, "cpu"],
        "threads": at["published-fpq", 1, "wall"] / at["published-fpq", most, "wall"],
    }
    return pd.DataFrame(ratio).reset_index().melt("repeat", var_name="name")
