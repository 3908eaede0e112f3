"""Catalogue photographs: a garment alone before a plain light wall, as shops show what they sell.

`drawing` photographs garments as life does: on people, on tables, half hidden. A shop's own picture is made to be
looked at: upright, in the middle, filling the picture, lit from all sides, with nothing beside it. It is made of the
same pieces.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from likeness.data.wardrobe.canvas import Thing
from likeness.data.wardrobe.drawing import SIZES, render
from likeness.data.wardrobe.garments import Garment
from likeness.data.wardrobe.outlines import HANGING, RGB, Arms
from likeness.data.wardrobe.scenes import Scene, scene
from likeness.data.wardrobe.staging import stage

#: Of the picture's longer side, what the garment fills: the rest is for its shadow and for the eye.
FILL: Final = 0.88
#: The wall of every picture, near white: a white garment must stand out from it.
WALL: Final[RGB] = (247, 247, 247)
#: A background of this name is no other than the wall; "studio" would have uneven light.
_BARE: Final = "bare"
#: Lies within the displays that `staging` reads as "plain": nothing holds the garment.
_PLAIN: Final = 0.30
#: Light from above, a fifth as directed as in other photographs: the wall is then even to 6 of 255 levels each way.
_LIGHT: Final = (0.0, -0.20)
#: Of the turn of a free hand, and of how far its arms are from hanging, what a stylist leaves.
_TURN: Final = 0.25
_ARMS: Final = 0.35
#: The sharp, clean picture of a studio, in the units of `Scene`.
_BLUR, _GRAIN = 0.15, 1.0
#: Place among `Scene.choices` of the one shoe or two.
_PAIR: Final = 5


def studio(seed: int, garment: Garment, size: int) -> np.ndarray:
    """The catalogue photograph of a garment: (size, size, 3) uint8, sRGB.

    One for each garment of a seed; the longer side of the garment is `FILL` of the picture, so that lengths show by the
    shape alone, as in shops. Shoes are shown one of a pair, toe to the right. The same at every size but for the noise.
    6 ms at 64 pixels, 11 at 128. Raises ValueError on a size outside `SIZES`.

    >>> from likeness.data.wardrobe.garments import garment
    >>> picture = studio(0, garment(0, 0), 64)
    >>> picture.shape, picture.dtype, bool((picture[:2] > 235).all())
    ((64, 64, 3), dtype('uint8'), True)
    """
    if size not in SIZES:
        raise ValueError(f"size {size}: expected {SIZES[0]} to {SIZES[-1]} pixels")
    shot = _shot(scene(seed, garment.number, 0))
    return render(shot, [_framed(thing) for thing in stage(seed, garment, shot)], size)[0]


def _shot(drawn: Scene) -> Scene:
    """What a studio makes of a scene: folds and a little of the pose stay."""
    choices = (*drawn.choices[:_PAIR], 0.0, *drawn.choices[_PAIR + 1 :])
    return replace(
        drawn, count=1, display=_PLAIN, background=_BARE, wall=WALL, turn=_TURN * drawn.turn, scale=1.0, x=0.0, y=0.0,
        mirror=False, arms=(_near(drawn.arms, 0), _near(drawn.arms, 1)), light=_LIGHT, exposure=1.0,
        cast=(1.0, 1.0, 1.0), blur=_BLUR, grain=_GRAIN, cover="", props=(), choices=choices,
    )  # fmt: skip


def _near(arms: Arms, side: int) -> tuple[float, float]:
    """An arm near to hanging."""
    (upper, lower), (high, low) = arms[side], HANGING[side]
    return high + _ARMS * (upper - high), low + _ARMS * (lower - low)


def _framed(thing: Thing) -> Thing:
    """The same thing in the middle of the picture and as large as fits."""
    place = thing.place
    xy = np.vstack([place.to_picture(part.outline) for part in thing.parts])
    low, high = xy.min(axis=0), xy.max(axis=0)
    grow = float(FILL / (high - low).max())
    x, y = (0.5 - grow * (low + high) / 2.0).tolist()
    moved = replace(place, a=grow * place.a, b=grow * place.b, x0=grow * place.x0 + x, y0=grow * place.y0 + y)
    return replace(thing, place=moved)
