"""Figures of the clustering chapter."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import DATASETS, METRICS, curve_sets
from likeness.studies.clustering.rows import Protocol
from likeness.studies.figures import t_bars

METHODS = ("single", "average", "complete", "ward", "mlp", "dgcnn")
NAMES = {"ari_k": "ARI@k", "purity_k": "purity@k", "nmi_k": "NMI@k", "ari": "best ARI"}
#: Nine classes and the four clusters more that a best cut may have; no grey, which stands for mixed branches.
_TEN = sns.color_palette("tab10")
CLASSES = ListedColormap([*_TEN[:7], *_TEN[8:], *sns.color_palette("dark", 4)])
COLOURS = dict(zip(METHODS, sns.color_palette("colorblind", len(METHODS)), strict=True))


def samples(p: Parameters, noises: tuple[float, ...] = (0.0, 0.08, 0.16)) -> Figure:
    """Samples of the four generators at three noise values, like Fig. 1."""
    fig, axes = plt.subplots(len(noises), len(DATASETS), figsize=(9, 6.6), squeeze=False)
    for i, noise in enumerate(noises):
        for j, dataset in enumerate(DATASETS):
            points = curve_sets(Protocol.of(p), dataset, noise, 1, "figure 1")[0]
            axes[i, j].scatter(*points.x.T, c=CLASSES(points.y), s=6)
            axes[i, j].set(xticks=[], yticks=[], aspect="equal", title=f"{dataset}, {noise:g}")
    fig.tight_layout()
    return fig


def curves(learned: pd.DataFrame, classical: pd.DataFrame, printed: pd.DataFrame, dataset: str) -> Figure:
    """Figure 3 of one data set: ours as lines with the 95 % interval of the mean, the printed means as circles."""
    ours = pd.concat([classical, learned], ignore_index=True)
    ours = ours[ours.dataset == dataset]
    fig, axes = plt.subplots(2, 2, figsize=(9, 6.6), sharex=True)
    for axis, metric in zip(axes.flat, METRICS, strict=True):
        for method in METHODS:
            mine = ours[(ours.metric == metric) & (ours.method == method)].groupby("noise")["value"]
            mean, error = mine.mean(), 1.96 * mine.sem()
            axis.plot(mean.index, mean, color=COLOURS[method], label=method, lw=1.5)
            axis.fill_between(mean.index, mean - error, mean + error, color=COLOURS[method], alpha=0.2, lw=0)
            key = (printed.dataset == dataset) & (printed.metric == metric.replace("_k", "@k"))
            theirs = printed[key & (printed.method == method)]
            axis.plot(theirs.noise, theirs["mean"], "o", color=COLOURS[method], ms=3.5, mfc="none")
        axis.set(title=NAMES[metric], xlabel="noise")
    axes[0, 0].legend(fontsize=8)
    fig.tight_layout()
    return fig


def residuals(learned: pd.DataFrame, classical: pd.DataFrame, printed: pd.DataFrame) -> pd.DataFrame:
    """Ours less printed, by data set, method and metric: mean, root mean square and largest over the noise values."""
    keys = ["dataset", "method", "metric", "noise"]
    ours = pd.concat([classical, learned]).groupby(keys)["value"].mean()
    theirs = printed.assign(metric=printed.metric.str.replace("@k", "_k")).set_index(keys)["mean"]
    gap = (ours - theirs).dropna().groupby(keys[:3])
    largest = gap.agg(lambda d: d.iloc[np.abs(d.to_numpy()).argmax()])
    root = gap.agg(lambda d: float(np.sqrt((d**2).mean())))
    table = pd.DataFrame({"points": gap.size(), "mean": gap.mean(), "rms": root, "largest": largest})
    return table.reset_index()


def variance(frame: pd.DataFrame, likelihood: pd.DataFrame) -> Figure:
    """Every run of the first row of Table 1 as a dot, the printed values as crosses."""
    fig, axis = plt.subplots(figsize=(9, 3.6))
    shown = frame[frame.source != "difference"].assign(what=frame.metric.map(NAMES))
    sns.stripplot(shown, x="what", y="value", hue="source", dodge=True, size=4, alpha=0.6, ax=axis)
    for position, metric in enumerate(METRICS):
        for shift, source in ((-0.2, "table1"), (0.2, "fig3")):
            line = likelihood[(likelihood.source == source) & (likelihood.metric == metric)]
            label = "printed" if (position, source) == (0, "table1") else None
            axis.plot(position + shift, line.printed, "kx", ms=10, mew=2, label=label)
    axis.set(xlabel="", ylabel="score")
    axis.legend()
    fig.tight_layout()
    return fig


def effects(frame: pd.DataFrame, order: Sequence[str], metric: str = "ari_k") -> Figure:
    """Paired difference of every switch to the base, mean and 95 % t interval over seeds, by data set."""
    shown = frame[frame.metric == metric]
    fig, axis = plt.subplots(figsize=(7, 0.45 * len(order) + 1.2))
    sns.pointplot(
        shown, y="switch", x="value", hue="dataset", order=order, hue_order=DATASETS, palette="colorblind",
        errorbar=_ends, dodge=0.5, linestyle="none", markersize=4, err_kws={"lw": 1.2}, ax=axis,
    )  # fmt: skip
    axis.axvline(0, color="grey", lw=0.8)
    axis.set(xlabel=f"change of {NAMES[metric]} against the base", ylabel="")
    axis.legend(title=None, fontsize=9, loc="lower left")
    axis.grid(axis="y", lw=0.4)
    fig.tight_layout()
    return fig


def _ends(runs: pd.Series) -> tuple[float, float]:
    (mean,), ((below,), (above,)) = t_bars([runs])
    return mean - below, mean + above


def race(frame: pd.DataFrame) -> Figure:
    """Seconds against points, by decoder."""
    fig, axis = plt.subplots(figsize=(7, 4))
    done = frame[np.isfinite(frame.best_s)]
    sns.lineplot(done, x="n", y="best_s", hue="peer", marker="o", ax=axis)
    axis.set(xscale="log", yscale="log", xlabel="points", ylabel="seconds")
    fig.tight_layout()
    return fig
