"""Figures of the DVBPR chapter, drawn small, so that their letters can be read on a telephone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from likeness.studies import figures
from likeness.studies.dvbpr.designs import RETURNED, Trials
from likeness.studies.dvbpr.gans import SHOWN, Gan
from likeness.studies.dvbpr.table3 import Table
from likeness.studies.dvbpr.walks import KEPT, Novelty, Walk
from likeness.studies.figures import MARKERS, TEN, WIDTH, legend_below

#: Shoppers of Figure 5.
ROWS: Final = 6
#: Epochs whose samples are shown, at most.
_EPOCHS: Final = 4


def bars(frame: pd.DataFrame, label: str, settings: Sequence[str]) -> Figure:
    """AUC of every method in some settings. frame : of `table3.means`, columns setting, method, value, low, high."""
    methods = list(dict.fromkeys(frame.method))
    groups = {setting: frame[frame.setting == setting].set_index("method") for setting in settings}
    fig = figures.bars(groups, methods, label, columns=4)
    fig.axes[0].axvline(0.5, color="grey", lw=0.8)
    return fig


def learning(table: Table, log: pd.DataFrame, methods: Sequence[str]) -> Figure:
    """AUC of the validation items after each epoch of division 0; the published log of test AUC beside it."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.8))
    axis.plot(log.epoch, log.test_auc, color="grey", ls="--", marker=".", label="published log, Amazon Fashion")
    for j, name in enumerate(methods):
        valid = table.outcomes[name, 0].valid
        axis.plot(np.arange(1, len(valid) + 1), valid, color=TEN[j], marker=MARKERS[j], ms=4, label=name)
    axis.axhline(0.5, color="grey", lw=0.8)
    axis.set(xlabel="epoch", ylabel="AUC")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_below(fig, 2)
    fig.tight_layout()
    return fig


def quality(gans: Sequence[Gan]) -> Figure:
    """Inception score of samples after each epoch; the epoch that was kept is ringed."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.2))
    for j, gan in enumerate(gans):
        epochs, score = np.arange(1, len(gan.quality) + 1), gan.quality[:, 0]
        axis.plot(epochs, score, color=TEN[j], marker=MARKERS[j], ms=4, label=gan.plan.kind)
        axis.plot(gan.epoch, score[gan.epoch - 1], "o", ms=11, mfc="none", mec=TEN[j])
    axis.set(xlabel="epoch", ylabel="inception score")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(frameon=False)
    fig.tight_layout()
    return fig


def epochs(gan: Gan, categories: Sequence[str]) -> Figure:
    """Samples of the same codes after some epochs, the last of them the one that was kept: a row a category."""
    chosen = np.unique(np.geomspace(1, gan.epoch, min(_EPOCHS, gan.epoch)).round().astype(int))
    fig, axes = plt.subplots(1, len(chosen), figsize=(WIDTH, 0.4 + 1.2 * WIDTH / len(chosen)), squeeze=False)
    for axis, epoch in zip(axes[0], chosen, strict=True):
        axis.imshow(_tiled(gan.grids[epoch - 1].reshape(len(categories), SHOWN, *gan.grids.shape[2:])[:, :4]))
        axis.set_title(f"epoch {epoch}", fontsize=9)
        axis.axis("off")
    fig.tight_layout()
    return fig


def neighbours(found: Novelty, categories: Sequence[str], shown: int = 5) -> Figure:
    """Figure 4: samples, and below each the nearest training photograph."""
    fig, axes = plt.subplots(len(categories), 1, figsize=(WIDTH, 2.35 * len(categories) * WIDTH / 5.6))
    for axis, name, made, near in zip(axes, categories, found.images, found.nearest, strict=True):
        axis.imshow(_tiled(np.stack([made[:shown], near[:shown]])))
        axis.set_ylabel(name, fontsize=8)
        side = made.shape[1]
        axis.set(xticks=[], yticks=[side / 2, 1.5 * side])
        axis.set_yticklabels(["sample", "nearest"], fontsize=7)
    fig.tight_layout()
    return fig


def returned(trials: Trials, categories: Sequence[str]) -> Figure:
    """Figure 5: for the first shoppers, the three best photographs and three designs, with the model's preference."""
    rows = min(ROWS, len(trials.users))
    fig, axes = plt.subplots(rows, 2 * RETURNED, figsize=(WIDTH, 1.25 * rows))
    for row, trial in zip(axes, range(rows), strict=True):
        for part, source in enumerate(("retrieved", "designed")):
            for k in range(RETURNED):
                axis = row[part * RETURNED + k]
                axis.imshow(trials.images[source][trial, k])
                axis.set(xticks=[], yticks=[])
                axis.set_xlabel(f"{trials.preference[source][trial, k]:.2f}", fontsize=8, labelpad=1)
        row[0].set_ylabel(categories[trials.categories[trial]].replace("'s ", "'s\n"), fontsize=7)
    axes[0, 1].set_title("photographs", fontsize=9)
    axes[0, RETURNED + 1].set_title("designs", fontsize=9)
    fig.tight_layout(w_pad=0.2, h_pad=0.4)
    return fig


def walk(one: Walk) -> Figure:
    """Figure 6: a prototype, and what it becomes for six shoppers after 0 to 50 steps, with the preference."""
    rows, columns = one.kept.shape[:2]
    fig, axes = plt.subplots(rows, columns + 1, figsize=(WIDTH, 1.02 * rows))
    for k, row in enumerate(axes):
        row[0].imshow(one.prototype)
        row[0].set_xlabel(f"{one.own[k]:.2f}", fontsize=7, labelpad=1)
        for axis, image, step in zip(row[1:], one.kept[k], KEPT, strict=True):
            axis.imshow(image)
            axis.set_xlabel(f"{one.path[k, step]:.2f}", fontsize=7, labelpad=1)
        for axis in row:
            axis.set(xticks=[], yticks=[])
    for axis, name in zip(axes[0], ("photograph", *(f"step {step}" for step in KEPT)), strict=True):
        axis.set_title(name, fontsize=7)
    fig.tight_layout(w_pad=0.1, h_pad=0.3)
    return fig


def trade(frame: pd.DataFrame) -> Figure:
    """Figure 3: preference, quality and diversity of the designs against eta. frame : of `table4.curve`."""
    names = list(dict.fromkeys(frame.column))
    fig, axes = plt.subplots(len(names), 1, figsize=(WIDTH, 1.5 * len(names) + 0.4), sharex=True)
    for j, (axis, name) in enumerate(zip(axes, names, strict=True)):
        one = frame[frame.column == name]
        places = np.arange(len(one))
        span = [one.value - one.low, one.high - one.value]
        axis.errorbar(places, one.value, span, color=TEN[j], marker=MARKERS[j], ms=5)
        axis.set_ylabel(name, fontsize=9)
    axes[-1].set_xticks(places, [f"{eta:g}" for eta in one.eta])
    axes[-1].set_xlabel("eta")
    fig.tight_layout()
    return fig


def _tiled(images: np.ndarray) -> np.ndarray:
    """(rows, columns, s, s, 3) as one picture."""
    rows, columns, side = images.shape[:3]
    return images.transpose(0, 2, 1, 3, 4).reshape(rows * side, columns * side, 3)
