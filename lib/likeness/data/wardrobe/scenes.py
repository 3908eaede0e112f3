"""Scenes: where and how a garment is photographed. Nothing here knows the garment.

A scene is drawn from (seed, number, view) alone, so that background, pose, light and clutter tell nothing of what is
shown, and each view of a garment is another photograph of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import stream
from likeness.data.wardrobe.outlines import RGB, Arms

#: Images with 1, 2, ... 10 boxes among those of the KDD Cup 2020 multimodal track.
BOXES: Final = (5665, 5415, 4734, 3547, 2634, 1977, 1488, 928, 716, 524)
#: Beyond ten boxes each further number is so much rarer: this brings the mean to the published 4.01.
TAIL: Final = 0.70
MOST_BOXES: Final = 40

BACKGROUNDS: Final = {"studio": 0.34, "gradient": 0.20, "wall and floor": 0.20, "wood": 0.14, "carpet": 0.12}
PROPS: Final = (
    "bag", "belt", "hat", "sunglasses", "shoes", "watch", "necklace", "plant", "chair", "vase", "frame", "lamp",
    "phone",
    "scarf",
)  # fmt: skip
#: Middles of the places around the garment, as (x, y) of the picture.
_PLACES: Final = (
    (0.13, 0.84), (0.87, 0.84), (0.12, 0.48), (0.88, 0.48), (0.13, 0.14), (0.87, 0.14), (0.36, 0.93), (0.64, 0.93),
)  # fmt: skip
_WALLS: Final = ((240, 240, 238), (236, 234, 230), (226, 224, 220), (205, 208, 212), (214, 205, 192), (188, 196, 200),
                 (206, 196, 196), (160, 164, 160), (232, 222, 206), (176, 162, 148), (120, 126, 134))  # fmt: skip
_FLOORS: Final = ((150, 118, 88), (186, 160, 128), (120, 94, 74), (168, 164, 158), (96, 92, 90), (200, 186, 166))
_DYES: Final = ((60, 62, 70), (150, 110, 80), (188, 60, 58), (70, 96, 140), (222, 214, 200), (92, 120, 88),
                (190, 150, 90),
                (120, 84, 110), (40, 44, 54), (170, 172, 176))  # fmt: skip
SKINS: Final = ((238, 204, 180), (224, 182, 152), (196, 148, 114), (150, 104, 76), (104, 70, 52))
HAIRS: Final = ((38, 30, 28), (66, 46, 34), (112, 78, 48), (176, 140, 88), (140, 136, 132), (120, 56, 34))


@dataclass(frozen=True)
class Prop:
    """A thing beside the garment: its middle and height in parts of the picture, turn in radians, and colour."""

    name: str
    x: float
    y: float
    size: float
    turn: float
    colour: RGB


@dataclass(frozen=True)
class Scene:
    """One photograph but for what is shown.

    count : boxes that the detector reports. display : in [0, 1), how the garment is held; what that means depends on
    the kind. turn (radians), scale, x, y, mirror : pose. light : where it comes from, (x, y) of length 1. exposure,
    cast (3,) : factors of the colours. blur : pixels of a picture 64 wide. grain : standard deviation of the sensor's
    noise in levels. choices : (16,) numbers in [0, 1) for everything else, such as the hair. cover : what hides a part
    of the garment: "arm", "bag" or "". detector : key of the detector's random numbers.
    """

    count: int
    display: float
    background: str
    wall: RGB
    floor: RGB
    turn: float
    scale: float
    x: float
    y: float
    mirror: bool
    arms: Arms
    light: tuple[float, float]
    exposure: float
    cast: tuple[float, float, float]
    blur: float
    grain: float
    skin: RGB
    hair: RGB
    dye: RGB
    cover: str
    props: tuple[Prop, ...]
    choices: tuple[float, ...]
    key: tuple[int, int, int]


def scene(seed: int, number: int, view: int) -> Scene:
    """The scene of a picture."""
    rng = stream(seed, "scene", number, view)
    slope = rng.uniform(-0.9, 0.9)
    return Scene(
        count=_count(rng),
        display=float(rng.random()),
        background=str(rng.choice(list(BACKGROUNDS), p=list(BACKGROUNDS.values()))),
        wall=_near(rng, _WALLS, 12),
        floor=_near(rng, _FLOORS, 14),
        turn=float(rng.normal(0.0, 0.05)),
        scale=float(rng.uniform(0.84, 1.12)),
        x=float(rng.normal(0.0, 0.035)),
        y=float(rng.normal(0.0, 0.030)),
        mirror=bool(rng.random() < 0.5),
        arms=(_arm(rng), _arm(rng)),
        light=(float(slope), -float(np.sqrt(1.0 - slope * slope))),
        exposure=float(np.clip(rng.normal(1.0, 0.17), 0.6, 1.4)),
        cast=_cast(rng),
        blur=float(rng.uniform(0.10, 0.42)),
        grain=float(rng.uniform(1.0, 4.0)),
        skin=_near(rng, SKINS, 8),
        hair=_near(rng, HAIRS, 10),
        dye=_near(rng, _DYES, 16),
        cover=("arm", "bag", "")[min(2, int(rng.random() / 0.06))],
        props=_props(rng),
        choices=tuple(rng.random(16).tolist()),
        key=(seed, number, view),
    )


def _count(rng: np.random.Generator) -> int:
    """How many boxes, as the published counts fall; a geometric tail up to `MOST_BOXES`."""
    rest = MOST_BOXES - len(BOXES)
    weights = np.array([*BOXES, *(BOXES[-1] * TAIL**k for k in range(1, rest + 1))])
    bounds = np.cumsum(weights)
    return 1 + int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))


def _near(rng: np.random.Generator, colours: tuple[RGB, ...], spread: float) -> RGB:
    """A colour near one of the given: lighter or darker, and a third as much of another hue."""
    base = colours[int(rng.integers(len(colours)))]
    shift = spread * (rng.standard_normal() + rng.standard_normal(3) / 3)
    red, green, blue = (int(c) for c in np.clip(np.rint(base + shift), 8, 250))
    return red, green, blue


def _arm(rng: np.random.Generator) -> tuple[float, float]:
    upper = float(np.clip(rng.normal(0.34, 0.10), 0.18, 0.62))
    return upper, upper + float(np.clip(rng.normal(-0.10, 0.22), -0.55, 0.30))


def _cast(rng: np.random.Generator) -> tuple[float, float, float]:
    """Warm or cold light, and a little of green or magenta."""
    warm, green = rng.normal(0.0, 0.045), rng.normal(0.0, 0.012)
    return float(1 + warm), float(1 + green), float(1 - warm)


def _props(rng: np.random.Generator) -> tuple[Prop, ...]:
    """One thing for every place around the garment, in random order; a picture takes as many as it needs."""
    return tuple(
        Prop(
            PROPS[int(rng.integers(len(PROPS)))],
            _PLACES[place][0] + float(rng.normal(0, 0.025)),
            _PLACES[place][1] + float(rng.normal(0, 0.025)),
            float(rng.uniform(0.20, 0.32)),
            float(rng.normal(0, 0.18)),
            _near(rng, _DYES, 16),
        )
        for place in rng.permutation(len(_PLACES)).tolist()
    )
