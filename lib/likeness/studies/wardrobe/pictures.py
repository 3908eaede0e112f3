"""Figures of the data card: pictures of the wardrobe, and its histograms beside the real ones."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from likeness.data.wardrobe import figures, garments
from likeness.data.wardrobe.drawing import draw
from likeness.data.wardrobe.garments import Garment
from likeness.studies.figures import WIDTH, legend_below, t_bars

#: Colours that a shown picture keeps: the sensor's noise makes up most of a file and nothing of what is seen.
_COLOURS: Final = 40
#: Names of the classes that are drawn, of the 33 of KDD Cup 2020.
CLASSES: Final = {
    figures.TOP: "top", figures.SKIRT_OR_DRESS: "dress or skirt", figures.BOTTOM: "bottom", figures.BAG: "bag",
    figures.SHOES: "shoes", figures.ACCESSORY: "accessory", figures.FURNITURE: "furniture",
    figures.DECORATION: "decoration", figures.LIGHTING: "lighting", figures.DIGITAL: "digital",
    figures.CLOTHES_PART: "part of clothes", figures.FACE: "face", figures.ARM: "arm", figures.HAIR: "hair",
    figures.HAND: "hand",
}  # fmt: skip
#: Attributes that a row of pictures varies, with their values.
VARIED: Final[dict[str, tuple[str, ...]]] = {
    "neckline": garments.NECKLINES, "sleeve": garments.SLEEVES, "pattern": garments.PATTERNS, "heel": garments.HEELS,
}  # fmt: skip
#: A pixel has changed where a channel differs by more than so many of 255 levels.
_SEEN: Final = 8
#: Lines that one method's marks lie below the other's in the figure of all tasks.
_APART: Final = 0.07
#: Garments whose changed pixels are counted.
_COUNTED: Final = 10
#: Classes that a scene must have to be the one that is shown.
_SHOWN: Final = 6
#: First numbers that are tried for a garment that a figure starts from.
_TRIED: Final = 3_000


def sheet(seed: int, rows: int = 5, columns: int = 5) -> Figure:
    """The first garments of a world."""
    worn = list(garments.catalogue(seed, rows * columns))
    return _grid([draw(seed, one, 80).image for one in worn], columns)


def views(seed: int, count: int = 8) -> Figure:
    """One garment in several photographs."""
    one = starting(seed, "neckline")
    return _grid([draw(seed, one, 128, view).image for view in range(count)], 4)


def varied(seed: int, name: str) -> Figure:
    """One garment with every value of one attribute, all else the same."""
    made = [draw(seed, one, 128).image for one in variants(starting(seed, name), name)]
    return _grid(made, 4 if len(made) % 4 == 0 else 3, VARIED[name])


def scene(seed: int, size: int = 320) -> Figure:
    """One picture with the boxes of its objects and their classes."""
    worn = garments.catalogue(seed, _TRIED)
    one = next(g for g in worn if len({b.label for b in draw(seed, g, 64).objects}) >= _SHOWN)
    picture = draw(seed, one, size)
    fig, axis = plt.subplots(figsize=(WIDTH, WIDTH))
    axis.imshow(_plain(picture.image), interpolation="none")
    for box, colour in zip(picture.objects, plt.get_cmap("tab10")(np.arange(len(picture.objects)) % 10), strict=True):
        axis.add_patch(Rectangle((box.left - 0.5, box.top - 0.5), box.right - box.left, box.bottom - box.top,
                                 fill=False, lw=2, color=colour))  # fmt: skip
        axis.text(box.left + 2, box.top + 2, CLASSES[box.label], va="top", fontsize=9, color="white",
                  bbox={"facecolor": colour, "edgecolor": "none", "pad": 1})  # fmt: skip
    axis.set_axis_off()
    fig.tight_layout()
    return fig


def starting(seed: int, name: str) -> Garment:
    """The first t-shirt or pair of boots of a world that is not dark, made plain: what a figure starts from."""
    kind = "boots" if name == "heel" else "t-shirt"
    numbers = (garments.garment(seed, n) for n in range(_TRIED))
    light = (one for one in numbers if one.colour not in ("black", "navy"))
    found = next(one for one in light if one.kind == kind and one.gender == "women")
    return replace(found, pattern="solid", second="")


def variants(start: Garment, name: str) -> list[Garment]:
    """The garment with every value of an attribute; a pattern brings a second colour."""
    second = "navy" if start.colour != "navy" else "white"
    changes: list[dict[str, Any]] = [{name: value} for value in VARIED[name]]
    if name == "pattern":
        changes = [{**one, "second": "" if one[name] == "solid" else second} for one in changes]
    return [replace(start, **one) for one in changes]


def changed(seed: int) -> pd.DataFrame:
    """Share of a picture that differs between the first two values of an attribute: columns name, number, value."""
    rows = []
    for name, values in VARIED.items():
        owners = (one for one in garments.catalogue(seed, _TRIED) if getattr(one, name) in values)
        for one in itertools.islice(owners, _COUNTED):
            first, second = (draw(seed, g, 128).image.astype(int) for g in variants(one, name)[:2])
            value = float((np.abs(first - second).max(axis=2) > _SEEN).mean())
            rows.append({"name": name, "number": one.number, "value": value})
    return pd.DataFrame(rows)


def histograms(ours: pd.DataFrame, theirs: pd.DataFrame, what: str, label: str) -> Figure:
    """Shares by bin: the wardrobe's bars with their interval over worlds beside those of the real sets."""
    mine, real = ours[ours.what == what], theirs[theirs.what == what]
    bins, sources = list(dict.fromkeys(mine.bin)), ["wardrobe", *dict.fromkeys(real.source)]
    fig, axis = plt.subplots(figsize=(WIDTH, 3.2))
    wide = 0.8 / len(sources)
    for place, source in enumerate(sources):
        at = np.arange(len(bins)) + wide * (place - (len(sources) - 1) / 2)
        frame = mine if source == "wardrobe" else real[real.source == source]
        means, spans = t_bars(frame.loc[frame.bin == one, "value"] for one in bins)
        axis.bar(at, means, wide, yerr=spans if source == "wardrobe" else None, label=source)
    axis.set_xticks(range(len(bins)), bins)
    axis.set(xlabel=label, ylabel="share", ylim=(0, None))
    axis.legend(frameon=False)
    fig.tight_layout()
    return fig


def tasks(frame: pd.DataFrame) -> Figure:
    """Every method on every task, 95 % interval over worlds. frame : of `run_tasks`, leaks left out."""
    frame = frame.assign(line=frame.task + ": " + frame.about)
    lines, methods = list(dict.fromkeys(frame.line)), list(dict.fromkeys(frame.method))
    fig, axis = plt.subplots(figsize=(WIDTH, 0.5 * len(lines) + 1.8))
    for number, (method, marker) in enumerate(zip(methods, itertools.cycle("|sod*^PDXv"), strict=False)):
        one = frame[frame.method == method]
        places = [k for k, line in enumerate(lines) if (one.line == line).any()]
        means, spans = t_bars(one.loc[one.line == lines[k], "value"] for k in places)
        lower = [k + _APART * (number - len(methods) / 2) for k in places]  # so that no interval hides another
        axis.errorbar(means, lower, xerr=spans, fmt=marker, ms=6, label=method, elinewidth=1)
    axis.set_yticks(range(len(lines)), lines)
    axis.invert_yaxis()
    axis.set(xlabel="score of the task", xlim=(0, 1.03))
    legend_below(fig, 3)
    fig.tight_layout()
    return fig


def _grid(images: Sequence[np.ndarray], columns: int, names: Sequence[str] = ()) -> Figure:
    rows = -(-len(images) // columns)
    side = WIDTH / columns
    fig, axes = plt.subplots(rows, columns, figsize=(WIDTH, rows * (side + (0.25 if names else 0))), squeeze=False)
    for place, axis in enumerate(axes.flat):
        axis.set_axis_off()
        if place < len(images):
            axis.imshow(_plain(images[place]), interpolation="none")
            axis.set_title(names[place] if names else "", fontsize=9, pad=2)
    fig.tight_layout(pad=0.2)
    return fig


def _plain(image: np.ndarray) -> np.ndarray:
    """The picture in few colours, so that the page stays small."""
    few = Image.fromarray(image).quantize(_COLOURS, dither=Image.Dither.NONE)
    return np.asarray(few.convert("RGB"))
