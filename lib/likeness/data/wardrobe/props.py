"""Things that lie, stand or hang beside a garment in a picture; each in a square of its own, -0.5 ... 0.5 both ways."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from likeness.data.wardrobe.outlines import (
    RGB,
    Part,
    along,
    bend,
    box,
    edge_of,
    ellipse,
    mirrored,
    mix,
    points,
    seam,
    tone,
    tube,
)  # fmt: skip

_STEEL: Final[RGB] = (176, 178, 182)
_GOLD: Final[RGB] = (200, 168, 96)
_WOOD: Final[RGB] = (150, 112, 76)


def prop(name: str, colour: RGB) -> list[Part]:
    """The parts of a thing by its name in `scenes.PROPS`, the hindmost first."""
    return _MAKERS[name](colour)


def _bag(colour: RGB) -> list[Part]:
    body = mirrored(
        np.vstack(
            [
                [(0.0, -0.08)],
                along((0.30, -0.08), (0.36, 0.10), (0.40, 0.38)),
                bend((0.40, 0.38), (0.38, 0.46), (0.0, 0.46)),
            ]
        )
    )
    flap = mirrored(
        np.vstack(
            [
                [(0.0, -0.09)],
                along((0.31, -0.09), (0.33, 0.02), (0.22, 0.14)),
                bend((0.22, 0.14), (0.1, 0.18), (0.0, 0.18)),
            ]
        )
    )
    handle = mirrored(along((0.0, -0.46), (0.13, -0.42), (0.19, -0.28), (0.20, -0.08)))
    return [
        Part(handle, tone(colour, 0.72), stroke=0.045),
        Part(body, colour, relief=1.4),
        Part(flap, tone(colour, 0.86), relief=0.8),
        Part(box(-0.04, 0.13, 0.04, 0.21), _GOLD),
    ]


def _belt(colour: RGB) -> list[Part]:
    return [
        Part(
            along(
                (-0.42, 0.05), (-0.2, -0.30), (0.22, -0.28), (0.38, 0.05), (0.12, 0.30), (-0.24, 0.26), (-0.40, 0.02)
            ),
            colour,
            stroke=0.10,
            relief=0.6,
        ),
        Part(along((0.28, 0.22), (0.38, 0.05), (0.40, -0.06)), tone(colour, 0.8), stroke=0.10),
        Part(np.vstack([box(-0.50, -0.06, -0.33, 0.14), points((-0.50, -0.06))]), _STEEL, stroke=0.04),
    ]


def _hat(colour: RGB) -> list[Part]:
    crown = mirrored(np.vstack([bend((0.0, -0.30), (0.24, -0.34), (0.26, 0.05)), [(0.0, 0.10)]]))
    return [
        Part(ellipse(0.0, 0.10, 0.50, 0.17), tone(colour, 0.94), relief=1.0),
        Part(crown, colour, relief=1.4),
        Part(tube(bend((-0.26, 0.03), (0.0, 0.14), (0.26, 0.03)), [0.035, 0.035]), tone(colour, 0.5)),
    ]


def _sunglasses(colour: RGB) -> list[Part]:
    frame = tone(colour, 0.45)
    parts = [Part(points((x, -0.10), (1.15 * x, -0.22)), frame, stroke=0.035) for x in (-0.42, 0.42)]
    for x in (-0.23, 0.23):
        parts += [
            Part(ellipse(x, 0.0, 0.215, 0.165), frame),
            Part(ellipse(x, 0.0, 0.175, 0.13), (52, 54, 62), relief=0.8),
        ]
        parts.append(Part(points((x - 0.10, 0.01), (x - 0.02, -0.08)), (128, 132, 142), stroke=0.025))
    return [*parts, Part(bend((-0.06, -0.05), (0.0, -0.10), (0.06, -0.05)), frame, stroke=0.04)]


def _shoes(colour: RGB) -> list[Part]:
    parts = []
    for x, y in ((0.06, -0.16), (-0.06, 0.14)):
        at = np.array([x, y])
        upper = np.vstack([along((-0.38, 0.10), (-0.38, -0.08), (-0.33, -0.15)), bend((-0.33, -0.15), (-0.2, -0.04),
                                                                                      (-0.02, -0.13)),
                           along((-0.02, -0.13), (0.18, -0.03), (0.38, 0.02), (0.42, 0.11))])  # fmt: skip
        sole = points((-0.40, 0.09), (0.44, 0.09), (0.42, 0.15), (-0.39, 0.15))
        parts += [
            Part(upper + at, colour, relief=1.2),
            Part(sole + at, (222, 218, 210) if max(colour) < 190 else _WOOD),
        ]
    return parts


def _watch(colour: RGB) -> list[Part]:
    strap = tube(bend((-0.05, -0.48), (0.05, 0.0), (-0.05, 0.48)), [0.07, 0.11, 0.11, 0.07])
    return [
        Part(strap, tone(colour, 0.8), relief=0.9),
        Part(ellipse(0.0, 0.0, 0.19, 0.19), _STEEL, relief=0.9),
        Part(ellipse(0.0, 0.0, 0.15, 0.15), (240, 240, 236)),
        seam(points((-0.07, -0.05), (0.0, 0.0), (0.02, -0.10)), (40, 40, 44), 0.02),
    ]


def _necklace(_colour: RGB) -> list[Part]:
    return [
        Part(
            along(
                (-0.20, -0.46), (-0.30, -0.15), (-0.16, 0.18), (0.0, 0.28), (0.16, 0.18), (0.30, -0.15), (0.20, -0.46)
            ),
            _GOLD,
            stroke=0.035,
        ),
        Part(ellipse(0.0, 0.34, 0.075, 0.095), mix(_GOLD, (120, 40, 60), 0.6), relief=0.8),
    ]


def _plant(colour: RGB) -> list[Part]:
    parts = []
    for k, (x, y) in enumerate(
        ((-0.40, -0.20), (0.40, -0.16), (-0.22, -0.42), (0.24, -0.44), (0.0, -0.50), (-0.34, 0.04), (0.34, 0.06))
    ):
        leaf = tube(bend((0.0, 0.16), (x * 0.3, y * 0.7 - 0.1), (x, y)), [0.012, 0.06, 0.075, 0.05, 0.004])
        parts.append(Part(leaf, (58 + 9 * (k % 3), 98 + 11 * (k % 4), 56 + 6 * (k % 3)), relief=0.7))
    pot = points((-0.20, 0.12), (0.20, 0.12), (0.15, 0.48), (-0.15, 0.48))
    return [*parts, Part(pot, mix(colour, (214, 206, 196), 0.5), relief=1.2)]


def _chair(_colour: RGB) -> list[Part]:
    dark = tone(_WOOD, 0.8)
    legs = [
        Part(points((x, y), (1.12 * x, 0.5)), dark, stroke=0.045)
        for x, y in ((-0.24, 0.0), (0.24, 0.0), (-0.30, 0.06), (0.30, 0.06))
    ]
    back = [Part(points((x, -0.48), (x, 0.0)), _WOOD, stroke=0.045) for x in (-0.23, 0.23)]
    rails = [Part(points((-0.23, y), (0.23, y)), _WOOD, stroke=0.05) for y in (-0.44, -0.30, -0.16)]
    seat = points((-0.24, -0.04), (0.24, -0.04), (0.32, 0.08), (-0.32, 0.08))
    return [*legs, *back, *rails, Part(seat, tone(_WOOD, 1.12), relief=0.8)]


def _vase(colour: RGB) -> list[Part]:
    body = mirrored(
        along((0.0, -0.20), (0.09, -0.20), (0.07, -0.06), (0.22, 0.14), (0.18, 0.40), (0.10, 0.48), (0.0, 0.48))
    )
    stems = [seam(bend((0.0, -0.16), (x * 0.2, -0.3), (x, -0.44)), (104, 116, 76), 0.018) for x in (-0.2, 0.04, 0.22)]
    buds = [Part(ellipse(x, -0.45, 0.05, 0.045), (214, 186, 170), relief=0.6) for x in (-0.2, 0.04, 0.22)]
    return [*stems, *buds, Part(body, mix(colour, (226, 220, 212), 0.45), relief=1.5)]


def _frame(colour: RGB) -> list[Part]:
    hill = np.vstack(
        [along((-0.24, 0.16), (-0.08, 0.0), (0.06, 0.10), (0.24, -0.04)), points((0.24, 0.32), (-0.24, 0.32))]
    )
    return [
        Part(box(-0.36, -0.46, 0.36, 0.46), tone(_WOOD, 0.6), relief=0.6),
        Part(box(-0.31, -0.41, 0.31, 0.41), (238, 236, 230)),
        Part(box(-0.24, -0.32, 0.24, 0.32), mix(colour, (214, 216, 220), 0.6)),
        Part(hill, tone(colour, 0.85)),
    ]


def _lamp(colour: RGB) -> list[Part]:
    return [
        Part(points((0.0, -0.1), (0.0, 0.46)), _STEEL, stroke=0.035),
        Part(ellipse(0.0, 0.46, 0.18, 0.035), tone(_STEEL, 0.8)),
        Part(
            points((-0.13, -0.48), (0.13, -0.48), (0.26, -0.06), (-0.26, -0.06)),
            mix(colour, (246, 232, 200), 0.7),
            relief=1.2,
        ),
    ]


def _phone(colour: RGB) -> list[Part]:
    return [
        Part(box(-0.22, -0.44, 0.22, 0.44), tone(colour, 0.5), relief=0.5),
        Part(box(-0.19, -0.38, 0.19, 0.38), (36, 40, 48)),
        Part(points((-0.19, -0.38), (0.08, -0.38), (-0.19, 0.10)), (62, 68, 80)),
    ]


def _scarf(colour: RGB) -> list[Part]:
    """Laid in a loop, its ends hanging side by side."""
    loop = tube(
        along((-0.16, 0.06), (-0.24, -0.26), (0.0, -0.42), (0.24, -0.26), (0.14, 0.06)), [0.07, 0.10, 0.09, 0.10, 0.07]
    )
    ends = [tube(along((x * 0.3, 0.0), (x * 0.8, 0.20), (x, 0.42)), [0.06, 0.085, 0.10]) for x in (-0.15, 0.11)]
    fringe = [seam(points((x, 0.42), (x, 0.50)), edge_of(colour), 0.014) for x in np.linspace(-0.22, 0.18, 9)]
    knot = ellipse(0.0, 0.03, 0.12, 0.085)
    return [
        Part(loop, tone(colour, 0.85), relief=1.2),
        *fringe,
        *(Part(end, tone(colour, level), relief=1.1) for end, level in zip(ends, (0.9, 1.0), strict=True)),
        Part(knot, colour, relief=1.1),
    ]


_MAKERS: Final[dict[str, Callable[[RGB], list[Part]]]] = {
    "bag": _bag, "belt": _belt, "hat": _hat, "sunglasses": _sunglasses, "shoes": _shoes, "watch": _watch,
    "necklace": _necklace, "plant": _plant, "chair": _chair, "vase": _vase, "frame": _frame, "lamp": _lamp,
    "phone": _phone, "scarf": _scarf,
}  # fmt: skip


def hanging(kind: int, colour: RGB) -> list[Part]:
    """A garment seen nearly edge-on on a rail, hook at (0, -0.5): 0 a top, 1 a dress, 2 trousers."""
    low = (0.28, 0.46, 0.40)[kind]
    wide = (0.090, 0.085, 0.055)[kind]
    shape = mirrored(
        along((0.0, -0.42), (0.035, -0.41), (wide * 0.8, -0.32), (wide, 0.0), (wide * 1.15, low), (0.0, low + 0.01))
    )
    hook = along((0.0, -0.40), (0.0, -0.47), (0.018, -0.50), (0.0, -0.515))
    return [seam(hook, _STEEL, 0.012), Part(shape, colour, relief=1.2)]


def clothes_hanger(half: float, y: float) -> list[Part]:
    """A hanger for shoulders `half` wide on each side at height y, in the square of the body."""
    bar = along(
        (-half, y + 0.012), (-half * 0.55, y - 0.012), (0.0, y - 0.034), (half * 0.55, y - 0.012), (half, y + 0.012)
    )
    turn = np.linspace(0.5, -1.1, 9) * math.pi
    hook = np.column_stack([0.016 * np.cos(turn), y - 0.078 + 0.016 * np.sin(turn)])
    neck = points((0.0, y - 0.034), (0.0, y - 0.060))
    return [Part(np.vstack([neck, hook]), _STEEL, stroke=0.006), Part(bar, _WOOD, stroke=0.014, relief=0.5)]
