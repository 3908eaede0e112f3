"""What figures of several chapters share: width, colours, legends, bars, axes that name sizes, differences in lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from likeness.report.tidy import t_interval

#: Inches: drawn small, so that the letters can be read on a telephone.
WIDTH: Final = 5.6
#: Lines are told apart by colour and marker.
TEN: Final = sns.color_palette("colorblind", 10)
MARKERS: Final = "os^vD<>PX*"
#: Between the lines of one row of `bars`, in rows.
_STEP: Final = 0.16

#: Sizes on a logarithmic axis that are closer than this factor: the names of both would touch.
_TOUCH: Final = 1.3


def legend_below(fig: Figure, columns: int, axis: Axes | None = None, **more: Any) -> None:
    """A legend below the axes of a figure, where it hides nothing: of all axes, or of one that stands for them."""
    told = axis.get_legend_handles_labels() if axis is not None else ()
    fig.legend(*told, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncol=columns, frameon=False, **more)


def bars(groups: Mapping[str, pd.DataFrame], names: Sequence[str], label: str, columns: int) -> Figure:
    """A row a name, in it a mean with its interval a group. groups : label -> frame by name: value, low, high."""
    fig, axis = plt.subplots(figsize=(WIDTH, 0.46 * len(names) + 1.2))
    for j, (group, found) in enumerate(groups.items()):
        line = found.reindex(list(names))
        places = np.arange(len(names)) + _STEP * (j - (len(groups) - 1) / 2)
        span = [line.value - line.low, line.high - line.value]
        axis.errorbar(line.value, places, xerr=span, fmt=MARKERS[j], ms=4, color=TEN[j], elinewidth=1.2, label=group)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set(xlabel=label)
    legend_below(fig, columns)
    fig.tight_layout()
    return fig


def t_bars(groups: Iterable[pd.Series]) -> tuple[list[float], list[list[float]]]:
    """Mean of each group of runs, and how far its 95 % t interval reaches (below, above): what `errorbar` takes.

    One run alone has a bar of length 0; of no run the mean is NaN, which is not drawn.
    """
    means, below, above = [], [], []
    for runs in groups:
        mean, low, high, _ = t_interval(runs) if len(runs) else (float("nan"), None, None, None)
        means.append(mean)
        below.append(0.0 if low is None else mean - low)
        above.append(0.0 if high is None else high - mean)
    return means, [below, above]


def name_sizes(axis: Axes, sizes: Iterable[float]) -> None:
    """Name the sizes that were run along a logarithmic x axis, and no others: 250, 1k, 50k, 10M.

    Of two whose names would touch the larger is named.
    """
    rising = sorted(sizes)
    axis.set_xticks([n for n, larger in zip(rising, [*rising[1:], np.inf], strict=True) if larger > _TOUCH * n])
    axis.xaxis.set_major_formatter(FuncFormatter(lambda n, _: short(n)))
    axis.xaxis.set_minor_formatter(NullFormatter())


def short(n: float) -> str:
    """A size as an axis names it.

    >>> short(250), short(3_000), short(10**7)
    ('250', '3k', '10M')
    """
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if n >= unit:
            return f"{n / unit:.3g}{name}"
    return f"{n:.3g}"


def gaps(frame: pd.DataFrame, label: str) -> Figure:
    """Differences with their intervals, one a line. frame : columns name, value, low, high."""
    fig, axis = plt.subplots(figsize=(WIDTH, 0.34 * len(frame) + 1.0))
    places = np.arange(len(frame))
    span = [frame.value - frame.low, frame.high - frame.value]
    axis.errorbar(frame.value, places, xerr=span, fmt="o", ms=5, color=TEN[0], elinewidth=1.4)
    axis.axvline(0, color="grey", lw=0.8)
    axis.set_yticks(places, frame.name)
    axis.invert_yaxis()
    axis.set(xlabel=label)
    axis.xaxis.set_major_locator(MaxNLocator(5))
    fig.tight_layout()
    return fig
