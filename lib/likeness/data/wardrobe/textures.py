"""Textures: the cloth of a garment, its pattern in two colours and its weave, and the emblem of a logo print."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import COLOURS, Garment, stream
from likeness.data.wardrobe.outlines import ellipse, points

#: Where the emblem of a logo print sits (x, y) and how large it is, by kind or else category, in their own squares.
EMBLEM_PLACES: Final = {
    "tops": (0.0, 0.275, 0.046), "jackets": (0.048, 0.268, 0.024), "dresses": (0.0, 0.280, 0.042),
    "bottoms": (-0.055, 0.465, 0.022), "skirt": (0.05, 0.52, 0.030), "shoes": (0.24, -0.20, 0.075),
    "heels": (0.84, -0.085, 0.045),
    "boots": (0.24, -0.74, 0.110), "sandals": (0.75, -0.115, 0.035), "cap": (0.67, 0.35, 0.085),
    "sun hat": (0.5, 0.30, 0.10), "beanie": (0.5, 0.50, 0.055),
}  # fmt: skip
#: Threads of leaves and flower hearts, next to the two colours of a floral cloth.
_LEAF: Final = np.array([86, 122, 70], np.float32)
_HEART: Final = np.array([226, 190, 84], np.float32)
#: Cells of the random table of a floral cloth, which repeats after so many flowers each way.
_CELLS: Final = 8
#: How coarse the pattern is in squares other than that of the body, in which a shoe or hat is as large as a torso.
_COARSE: Final = {"shoes": 1.9, "hats": 2.0}


#: Standard deviations of a dye: a share of the colour's light, and levels of all and of single channels.
_DEPTH: Final = 0.10
_LIFT: Final = 10.0
_HUE: Final = 6.0
#: How much greyer indigo is than other dyes.
_FADED: Final = 0.25
#: Where two colours meet in a colour block: x, and the highest and lowest y.
_SPLITS: Final = {
    "tops": (0.0, 0.29, 0.42), "jackets": (0.0, 0.29, 0.45), "dresses": (0.0, 0.34, 0.50), "bottoms": (0.0, 0.48, 0.70),
    "shoes": (0.5, -0.28, -0.14), "hats": (0.5, 0.26, 0.44),
}  # fmt: skip


@dataclass(frozen=True)
class Cloth:
    """What a garment is made of: the same in all its pictures.

    depth, hue (3,) : how the dye of this garment differs (`dyed`). colour, second : sRGB float32 (3,). period : of the
    pattern, in lengths of its square. angle : radians.
    style, phase, weave : choices among variants of a pattern, each in [0, 1). cells : (8, 8, 4) float32 in [0, 1).
    middle, split : x of the middle of a garment of its kind and y where two colours meet. knit, denim : how strong
    these weaves are.
    """

    pattern: str
    depth: float
    hue: np.ndarray
    colour: np.ndarray
    second: np.ndarray
    period: float
    angle: float
    style: float
    phase: float
    weave: float
    cells: np.ndarray
    middle: float
    split: float
    knit: float
    denim: float


def cloth(seed: int, g: Garment) -> Cloth:
    """The cloth of a garment. All random numbers are drawn whatever the attributes are, so that each stands alone."""
    rng = stream(seed, "cloth", g.number)
    size, tilt, style, phase, weave = rng.random(5)
    depth, hue = rng.standard_normal(), rng.standard_normal(3)  # no two dyers mix one navy
    cells = rng.random((_CELLS, _CELLS, 4), dtype=np.float32)
    base, second = (dyed(np.array(COLOURS[c or g.colour]), depth, hue) for c in (g.colour, g.second))
    if g.kind == "jeans":
        base = base + _FADED * (base.mean() - base)
    coarse = _COARSE.get(g.category, 1.0)
    middle, top, bottom = _SPLITS[g.category]
    return Cloth(
        g.pattern, depth, hue, base.astype(np.float32), second.astype(np.float32),
        coarse * (0.024 + 0.040 * size),
        _angle(g.pattern, tilt), style, phase, weave, cells,
        middle=middle, split=top + phase * (bottom - top),
        knit={"sweater": 0.16, "beanie": 0.20}.get(g.kind, 0.0), denim=float(g.kind == "jeans"),
    )  # fmt: skip


def dyed(colour: np.ndarray, depth: float, hue: np.ndarray) -> np.ndarray:
    """A colour (3,) as one dyer makes it: lighter or darker by `depth`, of another hue by `hue`, both in deviations.

    So wide that neighbours among `COLOURS` overlap: a picture alone cannot always tell navy from black.
    """
    return np.clip(colour * (1.0 + _DEPTH * depth) + _LIFT * depth + _HUE * hue, 4, 250)


def _angle(pattern: str, tilt: float) -> float:
    """Stripes mostly lie, some stand, few slant; other patterns are straight."""
    if pattern == "striped":
        return 0.0 if tilt < 0.55 else math.pi / 2 if tilt < 0.85 else math.pi / 4
    return math.pi / 4 if pattern == "checked" and tilt > 0.85 else 0.0


def paint(made: Cloth, u: np.ndarray, v: np.ndarray, pixel: float) -> np.ndarray:
    """The cloth at places (u to the right, v down) of the garment's square: sRGB float32 (H, W, 3).

    u, v : (H, W) float32. pixel : how far apart neighbours are; details below it fade to their mean.
    """
    c, s = np.float32(math.cos(made.angle)), np.float32(math.sin(made.angle))
    along, across = u * c + v * s, v * c - u * s
    cover = {
        "striped": _striped, "checked": _checked, "dotted": _dotted, "zigzag": _zigzag, "colour block": _block,
    }.get(made.pattern)  # fmt: skip
    if made.pattern == "floral":
        rgb = _floral(made, along, across, pixel)
    elif cover is None:
        rgb = np.broadcast_to(made.colour, (*u.shape, 3))
    else:
        rgb = made.colour + cover(made, along, across, pixel)[..., None] * (made.second - made.colour)
    return rgb * _weave(made, u, v, pixel)[..., None]


def _triangle(x: np.ndarray) -> np.ndarray:
    """A wave of period 1 from 1 down to 0 and back."""
    return np.abs((x - np.floor(x)) * np.float32(2) - np.float32(1))


def _step(x: np.ndarray, soft: float) -> np.ndarray:
    """0 below zero, 1 above, a ramp of width `soft` between them."""
    return np.clip(x * np.float32(1 / soft) + np.float32(0.5), 0, 1)


def _bands(x: np.ndarray, period: float, share: float, pixel: float) -> np.ndarray:
    """Stripes across x that cover a share of the period."""
    return _step(np.float32(share) - _triangle(x * np.float32(1 / period)), 0.04 + 2 * pixel / period)


def _striped(made: Cloth, _along: np.ndarray, across: np.ndarray, pixel: float) -> np.ndarray:
    share = 0.5 if made.style < 0.55 else 0.26 if made.style < 0.85 else 0.72
    return _bands(across + np.float32(made.phase * made.period), made.period, share, pixel)


def _checked(made: Cloth, along: np.ndarray, across: np.ndarray, pixel: float) -> np.ndarray:
    """Two sets of stripes woven through each other; with a fine line of its own in half of the cloths."""
    period = made.period * 1.25
    a, b = _bands(along, period, 0.5, pixel), _bands(across, period, 0.5, pixel)
    cover = (a + b) * np.float32(0.5)
    if made.style < 0.5:
        fine = np.maximum(_bands(along, period * 2, 0.08, pixel), _bands(across, period * 2, 0.08, pixel))
        cover = np.maximum(cover, fine)
    return cover


def _dotted(made: Cloth, along: np.ndarray, across: np.ndarray, pixel: float) -> np.ndarray:
    period = np.float32(made.period * 0.9)
    row = np.floor(across / period)
    x = along / period + np.float32(0.5) * (row - np.float32(2) * np.floor(row * np.float32(0.5)))
    dx, dy = x - np.floor(x) - np.float32(0.5), across / period - row - np.float32(0.5)
    soft = 0.05 + pixel / float(period)
    radius = math.sqrt(max((0.24 + 0.1 * made.style) ** 2 - soft**2 / 12, 0.0))  # a soft rim adds pi soft^2 / 12
    return _step(np.float32(radius) - np.sqrt(dx * dx + dy * dy), soft)


def _zigzag(made: Cloth, along: np.ndarray, across: np.ndarray, pixel: float) -> np.ndarray:
    rise = np.float32(made.period * (0.45 + 0.5 * made.style))
    return _bands(across + rise * _triangle(along / np.float32(made.period * 1.4)), made.period, 0.48, pixel * 1.4)


def _block(made: Cloth, along: np.ndarray, across: np.ndarray, pixel: float) -> np.ndarray:
    """The second colour below a height, on one side, or below a slant."""
    low = made.split
    if made.style < 0.6:
        edge = across - np.float32(low)
    elif made.style < 0.8:
        edge = along - np.float32(made.middle)
    else:
        edge = (across - np.float32(low)) * np.float32(0.8) + (along - np.float32(made.middle)) * np.float32(0.6)
    return _step(edge, 0.003 + pixel)


def _floral(made: Cloth, along: np.ndarray, across: np.ndarray, pixel: float) -> np.ndarray:
    """One flower a cell, at a random place and of a random size in it: five petals, a heart and two leaves."""
    period = made.period * 1.35
    x, y = along / np.float32(period), across / np.float32(period)
    column, row = np.floor(x), np.floor(y)
    own = made.cells[row.astype(np.int64) % _CELLS, column.astype(np.int64) % _CELLS]  # (H, W, 4)
    size = np.float32(0.24) + np.float32(0.12) * own[..., 2]
    dx = (x - column - np.float32(0.36) - np.float32(0.28) * own[..., 0]) / size
    dy = (y - row - np.float32(0.36) - np.float32(0.28) * own[..., 1]) / size
    soft = 0.12 + pixel / period / 0.3
    leaves = np.maximum(_disc(dx, dy, 0.95, 0.75, 0.42, soft), _disc(dx, dy, -0.85, 0.8, 0.42, soft))
    petals = np.zeros_like(dx)
    for k in range(5):
        turn = 2 * math.pi * k / 5 - math.pi / 2
        petals = np.maximum(petals, _disc(dx, dy, 0.58 * math.cos(turn), 0.58 * math.sin(turn), 0.46, soft))
    rgb = made.colour + (leaves * np.float32(0.75))[..., None] * (_LEAF - made.colour)
    rgb = rgb + petals[..., None] * (made.second * (np.float32(0.9) + np.float32(0.2) * own[..., 3:]) - rgb)
    return rgb + _disc(dx, dy, 0.0, 0.0, 0.26, soft)[..., None] * (_HEART - rgb)


def _disc(dx: np.ndarray, dy: np.ndarray, x: float, y: float, radius: float, soft: float) -> np.ndarray:
    dx, dy = dx - np.float32(x), dy - np.float32(y)
    return _step(np.float32(radius) - np.sqrt(dx * dx + dy * dy), soft)


def _weave(made: Cloth, u: np.ndarray, v: np.ndarray, pixel: float) -> np.ndarray:
    """Light and dark of the threads: cables of a knit, the twill and the worn thighs of denim."""
    level = np.ones_like(u)
    if made.knit:
        period = 0.016 + 0.020 * made.weave
        period *= 2.0 if made.period > 0.07 else 1.0
        level -= np.float32(made.knit) * (_bands(u, period, 0.35, pixel) - np.float32(0.3))
    if made.denim:
        level -= np.float32(0.10) * (_bands(u + v, 0.009, 0.5, pixel) - np.float32(0.5))
        thigh = np.clip(1 - np.abs(np.abs(u) - np.float32(0.052)) / np.float32(0.035), 0, 1)
        level += (
            np.float32(0.30 * made.weave) * thigh * np.clip(1 - np.abs(v - np.float32(0.62)) / np.float32(0.16), 0, 1)
        )
    return level


def emblem(made: Cloth, g: Garment) -> list[np.ndarray]:
    """The polygons of the garment's logo, at its place."""
    x, y, size = EMBLEM_PLACES[g.kind if g.kind in EMBLEM_PLACES else g.category]
    t = np.arange(10) * (math.pi / 5)
    star = np.column_stack([np.sin(t), -np.cos(t)]) * np.where(np.arange(10) % 2, 0.45, 1.0)[:, None]
    shapes = (
        [star],
        [ellipse(0, 0, 0.9, 0.9)],
        [points((-1, 0.8), (0, -0.9), (1, 0.8))],
        [points((0.2, -1), (-0.6, 0.15), (-0.05, 0.15), (-0.25, 1), (0.6, -0.2), (0.05, -0.2))],
        [points((-1, -0.7), (1, -0.7), (1, -0.3), (-1, -0.3)), points((-1, 0.0), (0.6, 0.0), (0.6, 0.4), (-1, 0.4))],
        [points((-1, 0.8), (-0.35, -0.5), (0.0, 0.1), (0.4, -0.9), (1, 0.8))],
        [points((-0.9, -0.8), (-0.5, -0.8), (-0.5, 0.8), (-0.9, 0.8)), ellipse(0.35, 0, 0.6, 0.8)],
        [points((0, 0.9), (-0.9, -0.1), (-0.6, -0.75), (0, -0.4), (0.6, -0.75), (0.9, -0.1))],
    )
    chosen = shapes[int(made.style * len(shapes))]
    return [outline * (size * (0.8 + 0.4 * made.phase)) + np.array([x, y]) for outline in chosen]
