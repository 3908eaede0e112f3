"""Detections: the boxes that a detector would report of a staged picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.data.wardrobe.canvas import Thing
from likeness.data.wardrobe.figures import CLOTHES_PART
from likeness.data.wardrobe.garments import stream
from likeness.data.wardrobe.outlines import Part
from likeness.data.wardrobe.scenes import Scene

#: Of the picture, what must be seen of a thing for a detector to find it.
_SEEN: Final = 0.0012
#: Errors of the sides of a box, in lengths of the box: of a first and of a second detection of one thing.
_ERROR: Final = 0.015
_SECOND_ERROR: Final = 0.08
#: Parts of a garment that a detector reports of their own.
_NAMED: Final = ("sleeve", "collar", "print", "leg", "hood", "heel", "sole", "pompom", "neckline")


@dataclass(frozen=True)
class Box:
    """What was found: rows top ... bottom - 1, columns left ... right - 1 of the picture, and one of the 33 classes."""

    top: int
    left: int
    bottom: int
    right: int
    label: int


def detect(shot: Scene, things: list[Thing], owner: np.ndarray, size: int) -> tuple[Box, ...]:
    """`shot.count` boxes, the garment's first, all inside the picture and none empty.

    Things and parts come in random order; where a picture has more, some are missed; where it has fewer, some are
    found twice.
    """
    seed, *rest = shot.key
    rng = stream(seed, "detector", *rest)
    seen = np.bincount(owner.ravel(), minlength=len(things) + 1)[1:] / owner.size
    article = next(thing for thing in things if thing.cloth is not None)
    others = [
        (extent(thing, thing.parts), thing.label)
        for thing, share in zip(things, seen, strict=True)
        if thing is not article and thing.label is not None and share > _SEEN
    ]
    pieces = [(extent(article, (p,)), CLOTHES_PART) for p in article.parts if p.name in _NAMED]
    others += [(sides, label) for sides, label in pieces if _area(sides) > _SEEN]
    found = [(extent(article, article.parts), article.label or 0)]
    found += [others[k] for k in rng.permutation(len(others))[: shot.count - 1].tolist()]
    firsts = len(found)
    found += [found[int(rng.integers(firsts))] for _ in range(shot.count - firsts)]
    errors = [_ERROR] * firsts + [_SECOND_ERROR] * (shot.count - firsts)
    return tuple(
        _box(sides + _spans(sides) * error * rng.standard_normal(4), label, size)
        for (sides, label), error in zip(found, errors, strict=True)
    )


def extent(thing: Thing, parts: tuple[Part, ...]) -> np.ndarray:
    """Top, left, bottom, right of parts of a thing, cut at the border, in parts of the picture: float64 (4,)."""
    xy = thing.place.to_picture(np.vstack([p.outline for p in parts]))
    (left, top), (right, bottom) = np.clip(xy.min(axis=0), 0, 1).tolist(), np.clip(xy.max(axis=0), 0, 1).tolist()
    return np.array([top, left, bottom, right])


def _area(sides: np.ndarray) -> float:
    return float((sides[2] - sides[0]) * (sides[3] - sides[1]))


def _spans(sides: np.ndarray) -> np.ndarray:
    """Height, width, height, width."""
    return np.tile(sides[2:] - sides[:2], 2)


def _box(sides: np.ndarray, label: int, size: int) -> Box:
    """Whole pixels inside the picture, at least one each way."""
    low = np.clip(np.floor(sides[:2] * size), 0, size - 1).astype(int)
    high = np.clip(np.ceil(sides[2:] * size), low + 1, size).astype(int)
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]), label)
