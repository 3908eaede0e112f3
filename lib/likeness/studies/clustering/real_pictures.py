"""Figure of the study of real sets, drawn small, so that its letters can be read on a telephone."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from likeness.studies.clustering.real_trees import LEARNERS, METHODS
from likeness.studies.clustering.scaling_pictures import FONT, WIDTH
from likeness.studies.figures import t_bars

#: A column a metric: its words, and where a line marks what it is measured against.
COLUMNS = {"dendrogram_purity": ("dendrogram purity", 1.0), "cost_ratio": ("cost / average's", 1.0)}
#: Inches of a line of a panel, and of what stands above and below it.
LINE, REST = 0.2, 0.5
#: Marker and colour of the methods that are shown no label, and of those that are.
KINDS = {"no labels": ("o", sns.color_palette("colorblind")[0]), "labels": ("s", sns.color_palette("colorblind")[1])}


def figure(frame: pd.DataFrame) -> Figure:
    """Dendrogram purity and Dasgupta cost relative to average linkage, a row of panels a set and a line a method.

    frame : `scores` of `real_sets.run_real`; dots are means over splits, bars the 95 % t interval of the mean.
    Raises ValueError where the frame is empty.
    """
    if frame.empty:
        raise ValueError("no scores to draw: expected at least one data set; see `sets.left_out` for what is missing")
    names = list(frame.groupby("dataset").n.first().sort_values().index)
    with plt.rc_context({"font.size": FONT, "legend.fontsize": FONT, "axes.titlesize": FONT}):
        size = (WIDTH, len(names) * (LINE * len(METHODS) + REST) + REST)
        fig, axes = plt.subplots(len(names), len(COLUMNS), figsize=size, sharex="col", sharey=True, squeeze=False)
        for line, name in zip(axes, names, strict=True):
            for axis, metric in zip(line, COLUMNS, strict=True):
                _panel(axis, frame[(frame.dataset == name) & (frame.metric == metric)], COLUMNS[metric][1])
            n, k = frame.loc[frame.dataset == name, ["n", "k"]].iloc[0]
            line[0].set_title(f"{name}: {n:,} points, {k} classes", loc="left")
        axes[0, 0].invert_yaxis()
        for axis, (words, _) in zip(axes[-1], COLUMNS.values(), strict=True):
            axis.set_xlabel(words)
        axes[0, 0].set_xlim(0, 1.03)
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncol=2,
                   frameon=False)  # fmt: skip
        fig.tight_layout()
    return fig


def _panel(axis: plt.Axes, frame: pd.DataFrame, mark: float) -> None:
    axis.axvline(mark, color="grey", lw=0.8)
    for kind, (marker, colour) in KINDS.items():
        lines = [i for i, method in enumerate(METHODS) if (method in LEARNERS) == (kind == "labels")]
        means, spans = t_bars(frame.loc[frame.method == list(METHODS)[i], "value"] for i in lines)
        axis.errorbar(means, lines, xerr=spans, fmt=marker, ms=4, lw=0, elinewidth=1.2,
                      color=colour, label=kind)  # fmt: skip
    axis.set_yticks(range(len(METHODS)), list(METHODS))
    axis.grid(axis="y", lw=0.3)
