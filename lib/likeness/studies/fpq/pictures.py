"""Figures of the FPQ chapter, drawn small, so that their letters can be read on a telephone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from likeness.studies.figures import MARKERS, TEN, WIDTH, legend_below, name_sizes, t_bars
from likeness.studies.fpq.growth import FIGURES
from likeness.studies.fpq.payoff import WAYS

COLOURS: Final = dict(zip(FIGURES, TEN, strict=True))
MARKER_OF: Final = dict(zip(FIGURES, MARKERS, strict=True))
#: What a figure of growth shows of an engine, in the order of the paper's Figures 7, 8 and 9.
WORDS: Final = {
    "total_s": "seconds, train + encode + search",
    "acc_100": "accuracy, vote of 100 (%)",
    "acc_1": "accuracy, 1-NN (%)",
    "own_mb": "peak memory above the data (MB)",
    "peak_mb": "peak memory of the process (MB)",
}


def growth(frame: pd.DataFrame, metric: str) -> Figure:
    """One metric of every engine against the rows of its database, with 95 % intervals. frame : of `run_growth`."""
    fig, axis = plt.subplots(figsize=(WIDTH, 4.6))
    sizes = sorted(set(frame.n))
    for engine in FIGURES:
        line = frame[(frame.engine == engine) & (frame.metric == metric)]
        means, spans = t_bars(line.loc[line.n == n, "value"] for n in sizes)
        published = engine.startswith("published")
        axis.errorbar(sizes, means, spans, color=COLOURS[engine], marker=MARKER_OF[engine], ms=5, elinewidth=0.8,
                      lw=2 if published else 1.2, ls="-" if published else "--", label=engine)  # fmt: skip
    axis.set_xscale("log")
    name_sizes(axis, sizes)
    axis.set(xlabel="rows of the database", ylabel=WORDS[metric])
    if metric.endswith(("_s", "_mb")):
        axis.set_yscale("log")
    legend_below(fig, 3, columnspacing=1.0)
    fig.tight_layout()
    return fig


def defects(frame: pd.DataFrame) -> Figure:
    """Loss of accuracy of every order (lines) and opening (colours). frame : of `defects.costs`."""
    order = list(dict.fromkeys(frame.order))
    openings = list(dict.fromkeys(frame.opening))
    fig, axis = plt.subplots(figsize=(WIDTH, 0.55 * len(order) + 1.4))
    for j, opening in enumerate(openings):
        one = frame[frame.opening == opening]
        means, spans = t_bars(one.loc[one.order == name, "value"] for name in order)
        places = [i + 0.16 * (j - (len(openings) - 1) / 2) for i in range(len(order))]
        axis.errorbar(means, places, xerr=spans, fmt=MARKERS[j], ms=5, color=TEN[j], elinewidth=1.2, label=opening)
    axis.axvline(0, color="grey", lw=0.8)
    axis.set_yticks(range(len(order)), order)
    axis.invert_yaxis()
    axis.set(xlabel="percentage points lost, vote of 100")
    legend_below(fig, 4, title="OpenIndexing")
    fig.tight_layout()
    return fig


def balance(frame: pd.DataFrame) -> Figure:
    """Entries of the cells of every part, fullest first. frame : of `sweeps.run_balance`."""
    openings = list(dict.fromkeys(frame.opening))
    fig, axes = plt.subplots(2, 2, figsize=(WIDTH, 5.0), sharex=True, sharey=True)
    for axis, opening in zip(axes.flat, openings, strict=True):
        for _, part in frame[frame.opening == opening].groupby("part"):
            fullest_first = part.entries.sort_values(ascending=False)
            axis.plot(range(1, len(part) + 1), fullest_first, color=TEN[0], lw=0.7, alpha=0.6)
        axis.axhline(frame.entries.mean(), color=TEN[1], lw=1.2, ls="--")
        axis.set(title=f"OpenIndexing: {opening}", yscale="symlog", xscale="log")
    fig.supxlabel("cell of a part, fullest first")
    fig.supylabel("entries")
    fig.tight_layout()
    return fig


def swept(frame: pd.DataFrame, x: str, split: str, metrics: Mapping[str, str], logarithmic: bool = True) -> Figure:
    """Means and 95 % intervals over seeds of some metrics (panels) against x, a colour a value of ``split``."""
    fig, axes = plt.subplots(len(metrics), 1, figsize=(WIDTH, 2.5 * len(metrics) + 0.6), sharex=True, squeeze=False)
    names = list(dict.fromkeys(frame[split]))
    for axis, (metric, words) in zip(axes.flat, metrics.items(), strict=True):
        for j, name in enumerate(names):
            one = frame[(frame.metric == metric) & (frame[split] == name)]
            places = sorted(set(one[x]))
            means, spans = t_bars(one.loc[one[x] == place, "value"] for place in places)
            axis.errorbar(places, means, spans, color=TEN[j], marker=MARKERS[j], ms=4, lw=1.2, label=str(name))
        axis.set_ylabel(words)
    if logarithmic:
        axes[-1, 0].set_xscale("log", base=2)
        name_sizes(axes[-1, 0], sorted(set(frame[x])))
    axes[-1, 0].set_xlabel(x)
    legend_below(fig, 4, axes[0, 0])
    fig.tight_layout()
    return fig


def votes(frame: pd.DataFrame) -> Figure:
    """Accuracy of exact search against the number of voters; where it is the printed one. frame : of `votes`."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.4))
    axis.plot(frame.k, frame.value, color=TEN[0], lw=1.2)
    hit = frame[frame.printed]
    axis.plot(hit.k, hit.value, "X", color=TEN[1], ms=9, label="the printed value")
    axis.set(xlabel="neighbours that vote", ylabel="accuracy (%)", xscale="log")
    if len(hit):
        axis.legend(frameon=False)
    fig.tight_layout()
    return fig


def race(frame: pd.DataFrame) -> Figure:
    """Seconds of every peer, trained, encoded and searched, all repeats as dots. frame : of `race.run_race`."""
    steps = {"train_s": "train", "encode_s": "encode", "search_s": "search"}
    peers = list(dict.fromkeys(frame.peer))
    fig, axes = plt.subplots(1, len(steps), figsize=(WIDTH, 0.35 * len(peers) + 1.2), sharey=True)
    for axis, (metric, words) in zip(axes, steps.items(), strict=True):
        for i, peer in enumerate(peers):
            seconds = frame[(frame.metric == metric) & (frame.peer == peer)].value
            axis.plot(seconds[seconds > 0], [i] * int((seconds > 0).sum()), "o", ms=4, color=TEN[0], alpha=0.7)
        axis.set(title=words, xscale="log")
        axis.xaxis.set_minor_formatter(NullFormatter())  # a short axis has no room for 4 x 10^-1
        axis.grid(axis="y", lw=0.3)
    axes[0].set_yticks(range(len(peers)), peers)
    axes[0].invert_yaxis()
    axes[1].set_xlabel("seconds")
    fig.tight_layout()
    return fig


def payoff(frame: pd.DataFrame) -> Figure:
    """Seconds of a query against the rows, alone and in a batch. frame : of `payoff.run_payoff`."""
    fig, axes = plt.subplots(1, len(WAYS), figsize=(WIDTH, 3.4), sharey=True)
    sizes = sorted(set(frame.n))
    for axis, (metric, words) in zip(axes, WAYS.items(), strict=True):
        for engine in dict.fromkeys(frame.engine):
            line = frame[(frame.engine == engine) & (frame.metric == metric)]
            means, spans = t_bars(line.loc[line.n == n, "value"] for n in sizes)
            axis.errorbar(sizes, means, spans, color=COLOURS[engine], marker=MARKER_OF[engine], ms=5, lw=1.2,
                          label=engine)  # fmt: skip
        axis.set(title=words, xscale="log", yscale="log")
        name_sizes(axis, sizes)
        axis.tick_params(axis="x", rotation=45)
    fig.supxlabel("rows of the database")
    axes[0].set_ylabel("seconds of a query")
    legend_below(fig, 4, axes[0], columnspacing=1.0)
    fig.tight_layout()
    return fig
