"""Outlines of shoes and hats.

A shoe stands in its own square: x runs from the heel (0) to the toe (1), y down, 0 is the ground. A hat sits on a head
whose middle is at (0.5, 0.62) and which is 0.6 high: eyes at about 0.62, chin at 0.92.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import COLOURS, Garment
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
)  # fmt: skip

#: How high the heel lifts the foot, in lengths of the shoe.
_LIFT: Final = {"flat": 0.035, "": 0.035, "low heel": 0.115, "high heel": 0.300}
#: Length of a shoe to its height: children's are stubby.
_STUB: Final = {"women": 1.0, "men": 1.06, "girls": 0.80, "boys": 0.84}
_RUBBER: Final[RGB] = (236, 234, 228)
_LEATHER: Final[RGB] = (62, 48, 40)


def lift(g: Garment) -> float:
    """How high the heel of a shoe is, in lengths of the shoe."""
    return _LIFT[g.heel]


def shoe(g: Garment) -> list[Part]:
    """Parts of one shoe seen from the side, the hindmost first."""
    make = {"sneakers": _sneaker, "heels": _pump, "boots": _boot, "sandals": _sandal}[g.kind]
    return stubby(make(g), g)


def stubby(parts: list[Part], g: Garment) -> list[Part]:
    """Parts in the square of a shoe, as long as the shoes of its wearers are to their height."""
    shape = np.array([_STUB[g.gender], 1.0])
    middle = np.array([0.5 * (1 - _STUB[g.gender]), 0.0])
    return [replace(p, outline=p.outline * shape + middle) for p in parts]


def _line_of_sole(lift: float) -> np.ndarray:
    """The foot's lower side from the heel to the toe."""
    return along(
        (0.03, -lift),
        (0.20, -lift * 0.96),
        (0.45, -lift * 0.50 - 0.012),
        (0.70, -0.022),
        (0.88, -0.022),
        (0.99, -0.035),
    )


def _heel(lift: float, colour: RGB, thick: float) -> Part:
    back, front = (0.025, -lift - 0.01), (0.20, -lift + 0.005)
    return Part(
        np.vstack([points(back), bend((0.055, -lift * 0.5), (0.06, -lift * 0.3), (0.055, 0.0)),
                   points((0.055 + thick, 0.0)), bend((0.06 + thick, -lift * 0.4), (0.08 + thick, -lift * 0.9),
                                                      front)]),
        colour, "heel", relief=0.6,
    )  # fmt: skip


def _pump(g: Garment) -> list[Part]:
    lift, colour = _LIFT[g.heel], COLOURS[g.colour]
    sole = _line_of_sole(lift)
    top = along((1.0, -0.045), (0.93, -0.105), (0.78, -0.150), (0.66, -0.172 - lift * 0.1))
    throat = bend((0.66, -0.172 - lift * 0.1), (0.30, -lift * 0.75 - 0.055), (0.075, -lift - 0.205))
    back = bend((0.075, -lift - 0.205), (-0.01, -lift - 0.14), (0.03, -lift))
    far = bend((0.66, -0.172 - lift * 0.1), (0.34, -lift * 0.75 - 0.135), (0.085, -lift - 0.212))
    lining = Part(np.vstack([throat, far[::-1]]), mix(tone(colour, 0.5), (188, 158, 128), 0.55), "inside", relief=0.4)
    thick = 0.022 if g.heel == "high heel" else 0.11
    under = [seam(sole + np.array([0.0, 0.006]), tone(_LEATHER, 0.8), 0.014)]
    if g.heel == "flat":
        under.append(Part(box(0.03, -0.04, 0.24, 0.0), _LEATHER))
    else:
        under.append(_heel(lift, tone(colour, 0.78), thick))
    return [*under, lining, Part(np.vstack([sole, top, throat, back]), cloth=True, relief=1.5)]


def _sneaker(g: Garment) -> list[Part]:
    colour = COLOURS[g.colour]
    line = edge_of(colour)
    sole = np.vstack([bend((0.0, -0.12), (-0.02, -0.02), (0.03, 0.0)), points((0.86, 0.0)), bend((0.92, -0.005),
                                                                                                 (1.02, -0.03),
                                                                                                 (1.02, -0.095)),
                      along((0.98, -0.085), (0.60, -0.075), (0.30, -0.09), (0.0, -0.12))])  # fmt: skip
    ankle = bend((0.05, -0.43), (0.20, -0.36), (0.40, -0.435))
    upper = np.vstack([along((0.01, -0.09), (0.015, -0.25), (0.05, -0.43)), ankle,
                       along((0.40, -0.435), (0.58, -0.30), (0.75, -0.215), (0.93, -0.175), (1.0, -0.08)),
                       [(0.5, -0.06)]])  # fmt: skip
    cap = np.vstack(
        [along((0.80, -0.075), (0.82, -0.15), (0.86, -0.19)), along((0.86, -0.19), (0.96, -0.16), (1.0, -0.08))]
    )
    tongue = points((0.37, -0.42), (0.36, -0.50), (0.47, -0.47), (0.60, -0.29))
    parts = [
        Part(ellipse(0.22, -0.425, 0.165, 0.035), tone(colour, 0.4), "inside"),
        Part(tongue, tone(colour, 0.80), relief=0.4),
        Part(upper, cloth=True, relief=1.4),
        Part(cap, mix(tone(colour, 0.9), _RUBBER, 0.25), relief=0.6),
        seam(along((0.30, -0.10), (0.36, -0.25), (0.42, -0.40)), line, 0.008),
        seam(along((0.02, -0.24), (0.12, -0.20), (0.18, -0.10)), line, 0.008),
        Part(sole, _RUBBER if max(colour) < 225 else (206, 200, 190), "sole", relief=0.7),
        seam(along((0.02, -0.045), (0.5, -0.03), (1.0, -0.05)), (190, 186, 178), 0.008),
    ]
    laces = _RUBBER if max(colour) < 200 else tone(colour, 0.6)
    for k in range(4):
        x, y = 0.42 + 0.06 * k, -0.395 + 0.047 * k
        parts.append(Part(points((x - 0.045, y + 0.045), (x + 0.035, y - 0.025)), laces, stroke=0.018))
    return parts


def _boot(g: Garment) -> list[Part]:
    lift, colour = _LIFT[g.heel], COLOURS[g.colour]
    sole = _line_of_sole(lift)
    high = -0.98 - lift
    front = along(
        (1.0, -0.05),
        (0.93, -0.135),
        (0.78, -0.195),
        (0.62, -0.27 - lift * 0.3),
        (0.47, -0.46 - lift * 0.6),
        (0.44, high),
    )
    back = along((0.03, high), (0.05, -0.5 - lift), (0.075, -0.33 - lift), (0.02, -0.14 - lift), (0.03, -lift))
    top = bend((0.44, high), (0.25, high + 0.05), (0.03, high))
    thick = 0.03 if g.heel == "high heel" else 0.15
    under = [Part(sole + np.array([0.0, 0.008]), tone(_LEATHER, 0.6), stroke=0.030)]
    under.append(
        _heel(lift, tone(_LEATHER, 0.75), thick)
        if lift > 0.05
        else Part(box(0.03, -0.05, 0.26, 0.0), tone(_LEATHER, 0.6))
    )
    shaft = Part(np.vstack([sole, front, top, back]), cloth=True, relief=1.6)
    ankle = [
        seam(along((0.07, -0.34 - lift), (0.25, -0.30 - lift), (0.60, -0.28 - lift * 0.3)), edge_of(colour), 0.008)
    ]
    hole = Part(np.vstack([top, bend((0.03, high), (0.22, high - 0.035), (0.44, high))]), tone(colour, 0.38), "inside")
    zip_ = seam(points((0.20, -0.36 - lift), (0.22, high + 0.05)), edge_of(colour), 0.007)
    return [*under, hole, shaft, *ankle, zip_]


def _sandal(g: Garment) -> list[Part]:
    lift, colour = _LIFT[g.heel], COLOURS[g.colour]
    sole = _line_of_sole(lift)
    thick = 0.028 if g.heel == "high heel" else 0.13
    parts = (
        [_heel(lift, tone(_LEATHER, 0.9), thick)]
        if lift > 0.05
        else [Part(box(0.02, -0.045, 0.26, 0.0), tone(_LEATHER, 0.9))]
    )
    parts += [
        Part(sole + np.array([0.0, 0.004]), tone(_LEATHER, 0.85), "sole", stroke=0.045),
        Part(sole - np.array([0.0, 0.016]), (188, 150, 110), stroke=0.020),
    ]
    back = np.vstack(
        [
            bend((0.02, -lift - 0.02), (0.0, -lift - 0.16), (0.05, -lift - 0.25)),
            bend((0.115, -lift - 0.24), (0.08, -lift - 0.14), (0.12, -lift - 0.02)),
        ]
    )
    parts.append(Part(back, cloth=True, relief=0.8))
    parts.append(
        Part(
            along(
                (0.08, -lift - 0.235),
                (0.23, -lift * 0.95 - 0.29),
                (0.40, -lift * 0.6 - 0.215),
                (0.45, -lift * 0.5 - 0.03),
            ),
            tone(colour, 0.85),
            stroke=0.030,
        )
    )
    toe = np.vstack([along((0.60, -0.03), (0.63, -0.125), (0.74, -0.155), (0.87, -0.12), (0.93, -0.03)),
                     along((0.82, -0.03), (0.78, -0.075), (0.70, -0.08), (0.67, -0.03))])  # fmt: skip
    return [*parts, Part(toe, cloth=True, relief=1.0)]


def hat(g: Garment) -> list[Part]:
    """Parts of a cap, sun hat or beanie, the hindmost first."""
    colour = COLOURS[g.colour]
    line = edge_of(colour)
    if g.kind == "cap":
        crown = np.vstack([along((0.17, 0.53), (0.16, 0.33), (0.32, 0.15), (0.52, 0.12), (0.72, 0.20), (0.80, 0.37),
                                 (0.80, 0.53)),
                           bend((0.80, 0.53), (0.48, 0.60), (0.17, 0.53))])  # fmt: skip
        brim = np.vstack([bend((0.44, 0.535), (0.64, 0.46), (0.80, 0.46)), along((0.80, 0.46), (1.02, 0.53),
                                                                                 (1.10, 0.62)),
                          bend((1.10, 0.62), (0.84, 0.56), (0.44, 0.57))])  # fmt: skip
        return [
            Part(crown, cloth=True, relief=1.4),
            seam(along((0.50, 0.12), (0.56, 0.30), (0.57, 0.52)), line, 0.008),
            seam(along((0.50, 0.12), (0.30, 0.28), (0.26, 0.54)), line, 0.008),
            Part(ellipse(0.50, 0.12, 0.028, 0.016), tone(colour, 0.8)),
            Part(brim, cloth=True, shade=0.80, relief=0.8),
            seam(bend((0.52, 0.55), (0.84, 0.53), (1.06, 0.60)), line, 0.006),
        ]
    if g.kind == "sun hat":
        crown = mirrored(
            np.vstack([along((0.0, 0.14), (0.17, 0.15), (0.255, 0.25), (0.29, 0.46)), [(0.0, 0.52)]])
        ) + np.array([0.5, 0.0])
        band = mirrored(
            np.vstack(
                [bend((0.0, 0.425), (0.18, 0.42), (0.283, 0.385)), bend((0.293, 0.47), (0.18, 0.51), (0.0, 0.515))]
            )
        ) + np.array([0.5, 0.0])
        brim = mirrored(
            along((0.0, 0.36), (0.34, 0.39), (0.58, 0.47), (0.52, 0.55), (0.26, 0.62), (0.0, 0.64))
        ) + np.array([0.5, 0.0])
        ribbon = COLOURS[g.second] if g.second else tone(colour, 0.55)
        return [
            Part(brim, cloth=True, shade=0.94, relief=1.0),
            Part(crown, cloth=True, relief=1.4),
            Part(band, ribbon, relief=0.5),
        ]
    dome = mirrored(
        np.vstack([along((0.0, 0.10), (0.17, 0.13), (0.275, 0.28), (0.30, 0.50)), [(0.0, 0.54)]])
    ) + np.array([0.5, 0.0])
    cuff = mirrored(
        np.vstack(
            [
                bend((0.0, 0.44), (0.18, 0.44), (0.310, 0.405)),
                along((0.310, 0.405), (0.325, 0.49), (0.305, 0.57)),
                bend((0.305, 0.57), (0.18, 0.60), (0.0, 0.60)),
            ]
        )
    ) + np.array([0.5, 0.0])
    parts = [Part(dome, cloth=True, relief=1.4), Part(cuff, cloth=True, shade=0.84, relief=0.9)]
    if g.gender in ("girls", "boys"):
        parts.append(
            Part(
                ellipse(0.5, 0.085, 0.085, 0.080),
                COLOURS[g.second] if g.second else tone(colour, 0.9),
                "pompom",
                relief=1.3,
            )
        )
    return parts
