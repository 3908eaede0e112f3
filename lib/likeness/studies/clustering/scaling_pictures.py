"""Figures of the study of large sets, drawn small, so that their letters can be read on a telephone."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from likeness.studies.clustering.pictures import COLOURS, METHODS, NAMES
from likeness.studies.clustering.protocol import DATASETS, MODELS
from likeness.studies.clustering.scaling_cost import growth
from likeness.studies.figures import name_sizes

#: Inches; a telephone shows 5 inches at about seven tenths of their size.
WIDTH = 5.0
FONT = 10
MARKERS = dict(zip(METHODS, "v^<>os", strict=True))


def figure_quality(frame: pd.DataFrame, metric: str = "ari_k") -> Figure:
    """Score against points, a panel a data set; solid: all points; dashed: the networks on a sample.

    frame : of `scaling.run_quality`; lines join the means over seeds, bars reach from the least to the largest.
    """
    with plt.rc_context({"font.size": FONT, "legend.fontsize": FONT, "axes.titlesize": FONT + 1}):
        fig, axes = plt.subplots(2, 2, figsize=(WIDTH, 6.0), sharex=True, sharey=True)
        for axis, dataset in zip(axes.flat, DATASETS, strict=True):
            for method in METHODS:
                for way, style in (("all", "-"), ("few", "--")):
                    key = (frame.dataset == dataset) & (frame.method == method) & (frame.way == way)
                    if (shown := frame[key & (frame.metric == metric)]).empty:
                        continue  # a linkage has one way
                    runs = shown.groupby("n")["value"]
                    mean = runs.mean()
                    axis.errorbar(mean.index, mean, [mean - runs.min(), runs.max() - mean], fmt=style, lw=1.3, ms=4,
                                  color=COLOURS[method], marker=MARKERS[method] if style == "-" else "", elinewidth=0.8,
                                  label=method if style == "-" else f"{method}, sample")  # fmt: skip
            axis.set(title=dataset, xscale="log", ylim=(-0.05, 1.05))
            name_sizes(axis, sorted(set(frame.n)))
        fig.supylabel(NAMES[metric], fontsize=FONT)
        fig.supxlabel("points", fontsize=FONT)
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncol=3,
                   columnspacing=1.0, handlelength=1.8, frameon=False)  # fmt: skip
        fig.tight_layout()
    return fig


def figure_cost(frame: pd.DataFrame) -> Figure:
    """Processor seconds against points by method, and of the circle decoding alone; exponents in the legend.

    frame : of `scaling_cost.run_cost`; medians over repeats.
    """
    slopes = growth(frame).groupby(["method", "part"]).exponent.mean()
    lines = [(m, "total", "-", m) for m in METHODS] + [(MODELS[0], "hierarchy", ":", "circle decoding")]
    with plt.rc_context({"font.size": FONT, "legend.fontsize": FONT}):
        fig, axis = plt.subplots(figsize=(WIDTH, 4.6))
        for method, part, style, label in lines:
            seconds = frame[(frame.method == method) & (frame.part == part)].groupby("n").seconds.median()
            label = f"{label}: $n^{{{slopes[method, part]:.2f}}}$"
            axis.plot(seconds.index, seconds, style, marker=MARKERS[method], ms=4, color=COLOURS[method], label=label)
        axis.set(xscale="log", yscale="log", xlabel="points", ylabel="processor seconds")
        name_sizes(axis, sorted(set(frame.n)))
        fig.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncol=2, columnspacing=1.0, frameon=False)
        fig.tight_layout()
    return fig
