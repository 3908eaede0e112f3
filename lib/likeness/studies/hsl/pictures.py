"""Figures of the HSL chapter, drawn small, so that their letters can be read on a telephone."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from likeness.data.wardrobe.drawing import draw
from likeness.data.wardrobe.garments import garment
from likeness.studies.figures import MARKERS, TEN, WIDTH, legend_below, t_bars
from likeness.studies.hsl.trainings import CUTS, Trainings

#: Figure 4: queries, pictures of each, pixels of a side.
QUERIES, BEST, PIXELS = 4, 5, 72
RIGHT, WRONG = "#1a9850", "#d73027"


def cuts(frame: pd.DataFrame) -> Figure:
    """Figure 3: nDCG@k of every method against k. frame : of `curves`."""
    fig, axis = plt.subplots(figsize=(WIDTH, 4.4))
    for j, name in enumerate(dict.fromkeys(frame.method)):
        one = frame[frame.method == name]
        means, spans = t_bars(one.loc[one.k == k, "value"] for k in CUTS)
        axis.errorbar(CUTS, means, spans, color=TEN[j], marker=MARKERS[j], ms=5, elinewidth=0.8,
                      lw=2 if name.startswith("hsl") else 1.2, label=name,
                      ls="-" if name.startswith("hsl") else "--")  # fmt: skip
    axis.set(xlabel="k", ylabel="nDCG@k", xticks=CUTS)
    legend_below(fig, 3, columnspacing=1.0)
    fig.tight_layout()
    return fig


def learning(frame: pd.DataFrame, names: Sequence[str]) -> Figure:
    """nDCG@5 of the test queries against the epoch, mean over seeds. frame : of `histories`."""
    fig, axis = plt.subplots(figsize=(WIDTH, 4.2))
    for j, name in enumerate(names):
        mean = frame[frame.method == name].groupby("epoch").test.mean()
        axis.plot(mean.index, mean, color=TEN[j], marker=MARKERS[j], ms=4, label=name)
    axis.set(xlabel="epoch", ylabel="nDCG@5", xticks=sorted(set(frame.epoch)))
    legend_below(fig, 3)
    fig.tight_layout()
    return fig


def ranked(trained: Trainings, seed: int, name: str = "hsl") -> Figure:
    """Figure 4: for queries from the best served to the worst, the five best pictures, right ones framed green.

    The queries are those at the first, second, third and last quarter of nDCG@5, of the first training: not chosen by
    eye.
    """
    one, pools = trained.outcomes[name, 0], trained.sets.test
    order = np.argsort(-trained.ndcg(name)[0], kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, QUERIES).round().astype(int)]
    fig, axes = plt.subplots(QUERIES, BEST, figsize=(WIDTH, 1.5 * QUERIES))
    for row, query in zip(axes, chosen.tolist(), strict=True):
        block, within = divmod(query, pools.relevant.shape[1])
        for axis, place in zip(row, np.argsort(-one.scores[query], kind="stable")[:BEST], strict=True):
            axis.imshow(draw(seed, garment(seed, int(pools.numbers[block, place])), PIXELS).image)
            right = pools.relevant[block, within, place]
            axis.set(xticks=[], yticks=[])
            for spine in axis.spines.values():
                spine.set(color=RIGHT if right else WRONG, linewidth=3)
            axis.set_xlabel("right" if right else "wrong", fontsize=8, labelpad=2)
        row[0].set_title(f"\"{pools.texts[query]}\"", loc="left", fontsize=9)
    fig.subplots_adjust(left=0.02, right=0.98, top=0.95, bottom=0.04, wspace=0.08, hspace=0.45)
    return fig


def pools_of(frame: pd.DataFrame) -> Figure:
    """In how many pools products are: relevant and not. frame : of `real_lists.pools_histogram`."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.2))
    for j, (relevant, one) in enumerate(frame.groupby("relevant")):
        label = "relevant" if relevant else "not relevant"
        axis.plot(one.pools, one.share, color=TEN[j], marker=MARKERS[j], ms=5, label=label)
    axis.set(xlabel="pools that a product is in", ylabel="share of entries", yscale="log")
    axis.legend(frameon=False)
    fig.tight_layout()
    return fig


def real_curves(ours: pd.DataFrame) -> Figure:
    """nDCG@k of the orders of the real lists. ours : columns system, k, value."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.6))
    for j, (system, one) in enumerate(ours.groupby("system", sort=False)):
        mean = one.groupby("k").value.mean()
        axis.plot(mean.index, mean, color=TEN[j], marker=MARKERS[j], ms=5, label=system)
    axis.set(xlabel="k", ylabel="nDCG@k", xticks=CUTS)
    legend_below(fig, 3)
    fig.tight_layout()
    return fig
