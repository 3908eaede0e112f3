"""Figure 5: the four losses by step, with batches and rate that fall at epoch 14 and without."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Final

import numpy as np
import pandas as pd

from likeness.models.compose.training import Schedule, Switch
from likeness.studies.compose.eyes import Eyes
from likeness.studies.compose.fits import Outcome, Wanted, fit_all, schedule
from likeness.studies.compose.parameters import Parameters
from likeness.studies.compose.rows import Row
from likeness.studies.compose.table1 import MEAN, mean_of
from likeness.studies.compose.tasks import CUTS, Task

#: The published training: 16 epochs, of which the 14th is the first with batches of 16 and a rate of 5e-6. Table 1 has
#: rows for the epochs before and at the end.
EPOCHS: Final = 16
PRINTED: Final = (13, 16)
SWITCHED: Final = Switch()
LOSSES: Final = ("base", "symmetry", "image", "text")


def schedules(p: Parameters) -> dict[str, Schedule]:
    """As published; without the switch; with one half of it alone: smaller batches, or a smaller rate."""
    constant = replace(schedule(p), epochs=EPOCHS)
    due = p.rate / 2 ** ((SWITCHED.epoch - 1) // constant.halve)
    return {
        "switched": replace(constant, switch=SWITCHED),
        "constant": constant,
        "small-batch": replace(constant, switch=replace(SWITCHED, rate=due)),
        "small-rate": replace(constant, switch=replace(SWITCHED, batch=p.batch)),
    }


def run_curves(p: Parameters, task: Task, eyes: Eyes) -> dict[str, list[Outcome]]:
    """The paper's model on the published text with each schedule, `p.runs` times; equal up to epoch 13."""
    task = replace(task, train=task.train.first(p.curve_train))
    whens = schedules(p)
    made = fit_all(p, task, eyes, [Wanted(Row(), when, run) for when in whens.values() for run in range(p.runs)])
    return {name: made[k * p.runs : (k + 1) * p.runs] for k, name in enumerate(whens)}


def rates(found: dict[str, list[Outcome]]) -> pd.DataFrame:
    """Hit rates of the test queries after epochs 13 and 16: columns schedule, run, epoch, k, value."""
    lines = [
        (name, run, epoch, k, float(one.tested[epoch - 1, at].mean()))
        for name, runs in found.items() for run, one in enumerate(runs)
        for epoch in PRINTED for at, k in enumerate(CUTS)
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=["schedule", "run", "epoch", "k", "value"])


def gains(task: Task, found: dict[str, list[Outcome]], seed: int) -> pd.DataFrame:
    """Hits after epoch 16 less after 13: columns schedule, k, value, low, high, n. Intervals as in Table 1."""
    apart = {name: _after(runs, PRINTED[1]) - _after(runs, PRINTED[0]) for name, runs in found.items()}
    return _intervals(task, apart, seed, "schedule")


def switch_gains(task: Task, found: dict[str, list[Outcome]], seed: int) -> pd.DataFrame:
    """Hits after epoch 16 with the switch less with another schedule: columns against, k, value, low, high, n."""
    switched = _after(found["switched"], PRINTED[1])
    apart = {name: switched - _after(runs, PRINTED[1]) for name, runs in found.items() if name != "switched"}
    return _intervals(task, apart, seed, "against")


def jumps(found: dict[str, list[Outcome]]) -> pd.DataFrame:
    """Mean loss of the epoch after the switch less that of the epoch before: columns schedule, run, loss, value."""
    lines = []
    for (name, runs), loss in product(found.items(), LOSSES):
        for run, one in enumerate(runs):
            mean = one.steps.groupby("epoch")[loss].mean()
            lines.append((name, run, loss, float(mean[SWITCHED.epoch] - mean[SWITCHED.epoch - 1])))
    return pd.DataFrame(lines, columns=["schedule", "run", "loss", "value"])


def losses(found: dict[str, list[Outcome]], parts: int = 4) -> pd.DataFrame:
    """The first training of each schedule, means of parts of an epoch: columns schedule, epoch, loss, value."""
    frames = []
    for name, runs in found.items():
        steps = runs[0].steps.copy()
        place = steps.groupby("epoch").cumcount() / steps.groupby("epoch").epoch.transform("size")
        steps["epoch"] = steps.epoch - 1 + (np.floor(place * parts) + 0.5) / parts
        mean = steps.groupby("epoch")[list(LOSSES)].mean().reset_index()
        frames.append(mean.melt(id_vars="epoch", var_name="loss", value_name="value").assign(schedule=name))
    return pd.concat(frames, ignore_index=True)


def _after(runs: list[Outcome], epoch: int) -> np.ndarray:
    """Hits (K, S, Q) after an epoch."""
    return np.stack([one.tested[epoch - 1] for one in runs], axis=1).astype(float)


def _intervals(task: Task, apart: dict[str, np.ndarray], seed: int, column: str) -> pd.DataFrame:
    lines = []
    for name, values in apart.items():
        made = mean_of(task, values, seed, f"{column} {name}")
        lines += [(name, k, *one) for k, one in zip(CUTS, made, strict=True)]
    return pd.DataFrame(lines, columns=[column, "k", *MEAN])
