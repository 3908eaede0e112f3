"""Figures of the ComposeTransformers chapter, drawn small, so that their letters can be read on a telephone."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Final

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from likeness.models.compose.composition import NAMES
from likeness.studies import figures
from likeness.studies.compose.asking import Answer
from likeness.studies.compose.curves import SWITCHED
from likeness.studies.compose.tasks import CUTS
from likeness.studies.figures import MARKERS, TEN, WIDTH, legend_below, name_sizes

#: What a curve of Figure 5 is called.
_LOSSES: Final = {"base": "base", "symmetry": "rotational symmetry", "image": "image reconstruction",
                  "text": "text reconstruction"}  # fmt: skip
#: Letters of a line of a caption below a photograph.
_LETTERS: Final = 16


def bars(found: pd.DataFrame, measure: str = "hit", k: int = 10) -> Figure:
    """A measure of every composition, by loss and text. found : of `table1.means`."""
    chosen = found[(found.measure == measure) & (found.k == k)]
    first = chosen.text[chosen.composition != "image"].iloc[0]  # the image alone sees no text: beside the first
    chosen = chosen.assign(text=chosen.text.where(chosen.composition != "image", first))
    groups = {f"{text} text, {base}": one.set_index("composition")
              for (text, base), one in chosen.groupby(["text", "base"], sort=False)}  # fmt: skip
    return figures.bars(groups, NAMES, f"hit rate at {k}" if measure == "hit" else f"{measure} at {k}", columns=2)


def precisions(found: pd.DataFrame) -> Figure:
    """True precision, what is printed as precision, and R squared by k. found : of `table1.printed`."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.4))
    lines = {"hit": "hit rate (printed as R@k)", "precision": "precision", "file": "printed as P@k, in file order",
             "square": "hit rate squared"}  # fmt: skip
    for j, (name, label) in enumerate(lines.items()):
        axis.plot(found.k, found[name], color=TEN[j], marker=MARKERS[j], ms=5, ls="--" if name == "square" else "-",
                  label=label)  # fmt: skip
    axis.fill_between(found.k, found.low, found.high, color=TEN[2], alpha=0.25, lw=0, label="95 % of query orders")
    axis.set_xscale("log")
    name_sizes(axis, CUTS)
    axis.set(xlabel="k", ylabel="share", ylim=(0, 1))
    legend_below(fig, 2)
    fig.tight_layout()
    return fig


def losses(lines: pd.DataFrame) -> Figure:
    """Figure 5: four losses by epoch for each schedule. lines : of `curves.losses`."""
    fig, axes = plt.subplots(2, 2, figsize=(WIDTH, 4.6), sharex=True)
    for axis, (name, label) in zip(axes.flat, _LOSSES.items(), strict=True):
        for j, (schedule, one) in enumerate(lines[lines.loss == name].groupby("schedule", sort=False)):
            axis.plot(one.epoch, one.value, color=TEN[j], ls=("-", "--", ":", "-.")[j], label=schedule)
        axis.axvline(SWITCHED.epoch - 1, color="grey", lw=0.8)
        axis.set_title(label, fontsize=9)
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    for axis in axes[1]:
        axis.set_xlabel("epoch")
    legend_below(fig, 2, axes[0, 0])
    fig.tight_layout()
    return fig


def reveal(frames: dict[str, pd.DataFrame]) -> Figure:
    """Hits by the share of the caption that the query says. frames : name -> of `table1.revealed`."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.2))
    for j, (name, one) in enumerate(frames.items()):
        axis.errorbar(one.share, one.value, yerr=[one.value - one.low, one.high - one.value], color=TEN[j],
                      marker=MARKERS[j], ms=5, label=name)  # fmt: skip
    axis.set(xlabel="share of the caption's words in the query", ylabel="hit rate at 10")
    axis.legend(frameon=False)
    fig.tight_layout()
    return fig


def galleries(found: pd.DataFrame, k: int = 10) -> Figure:
    """Hit rates by the size of the gallery, by caption and by item. found : of `galleries.means`."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.4))
    chosen = found[found.k == k]
    for j, (name, of_row) in enumerate(chosen.groupby("composition", sort=False)):
        for measure, style in (("hit", "-"), ("item", ":")):
            mean = of_row[of_row.measure == measure].groupby("size")["value"].mean()
            label = f"{name}, {'same caption' if measure == 'hit' else 'the very item'}"
            axis.plot(mean.index, mean, color=TEN[j], marker=MARKERS[j], ms=4, ls=style, label=label)
    axis.set_xscale("log")
    name_sizes(axis, chosen["size"].unique())
    axis.set(xlabel="photographs in the gallery", ylabel=f"hit rate at {k}")
    legend_below(fig, 2)
    fig.tight_layout()
    return fig


def race(found: pd.DataFrame) -> Figure:
    """Milliseconds a query against the share of the exact ten that is found. found : of `answers.run_race`."""
    fig, axis = plt.subplots(figsize=(WIDTH, 3.2))
    for j, (name, one) in enumerate(found.groupby("way", sort=False)):
        ms, recall = (one[one.metric == metric]["value"] for metric in ("ms", "recall"))
        middle, high = ms.median(), recall.mean() if len(recall) else 1.0
        span = [[middle - ms.min()], [ms.max() - middle]]
        axis.errorbar(middle, high, xerr=span, color=TEN[j], marker=MARKERS[j], ms=6, ls="", label=name)
    axis.set_xscale("log")
    axis.set(xlabel="milliseconds a query", ylabel="share of the exact ten", ylim=(0, 1.05))
    legend_below(fig, 3)
    fig.tight_layout()
    return fig


def answers(found: Sequence[Answer]) -> Figure:
    """A line an answer: the picture and sentence that are asked, and the first photographs; right captions in bold."""
    columns = 1 + max(len(one.photographs) for one in found)
    fig, axes = plt.subplots(len(found), columns, figsize=(WIDTH, 1.7 * len(found)), squeeze=False)
    for line, one in zip(axes, found, strict=True):
        for axis in line:
            axis.set(xticks=[], yticks=[])
        line[0].imshow(one.question.picture.transpose(1, 2, 0))
        line[0].set_ylabel(one.row.composition.replace("-", "\n"), fontsize=8)
        line[0].set_xlabel(fill(f"“{one.question.sentence}”", _LETTERS), fontsize=6, labelpad=2, fontstyle="italic")
        for axis, photograph, caption in zip(line[1:], one.photographs, one.captions, strict=False):
            axis.imshow(photograph)
            right = {"color": TEN[2], "fontweight": "bold"} if caption == one.question.wanted else {}
            axis.set_xlabel(fill(caption, _LETTERS), fontsize=6, labelpad=2, **right)
    fig.tight_layout(w_pad=0.2, h_pad=0.4)
    return fig
