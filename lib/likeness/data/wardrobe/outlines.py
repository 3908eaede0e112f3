"""Outlines: garments, people and things as polygons in a unit square, shaped by the attributes.

Clothes lie on an upright body: x = 0 is its middle, y runs down from the top of the head (0) to the soles (1); the
shoulders are at 0.17, the waist at 0.385, the crotch at 0.53. Shoes and hats have their own square.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

RGB = tuple[int, int, int]
#: An angle of the upper arm and one of the forearm, radians from straight down, outwards; left in the picture, right.
Arms = tuple[tuple[float, float], tuple[float, float]]
HANGING: Final[Arms] = ((0.38, 0.22), (0.38, 0.22))

#: Points that stand for a quarter to half a turn of a curve: at 512 pixels a corner between them is under half a pixel.
_CURVE: Final = 9
_T: Final = np.linspace(0.0, 1.0, _CURVE)[:, None]
#: Places between two anchors of a spline.
_S: Final = np.arange(4)[:, None] / 4


@dataclass(frozen=True)
class Part:
    """A filled polygon, or a line where stroke > 0.

    outline : (N, 2) float64. name : what a detector may report it as ("sleeve", "collar", ...), "" for a detail.
    cloth : it carries the pattern of the garment; `colour` is then not used, `shade` and `turn` (radians) are.
    stroke : width of a line along the outline, 0 for an area. relief : how round it looks, 0 for flat.
    """

    outline: np.ndarray
    colour: RGB = (0, 0, 0)
    name: str = ""
    cloth: bool = False
    shade: float = 1.0
    turn: float = 0.0
    stroke: float = 0.0
    relief: float = 0.0


@dataclass(frozen=True)
class Build:
    """Half-widths of a body at the shoulder, chest, waist and hip, in heights of the body; whether it is a child's."""

    shoulder: float
    chest: float
    waist: float
    hip: float
    child: bool = False


#: Adults are about eight heads high and a quarter as wide; children are stubbier.
BUILDS: Final = {
    "women": Build(0.099, 0.082, 0.066, 0.092),
    "men": Build(0.122, 0.099, 0.087, 0.093),
    "girls": Build(0.112, 0.097, 0.088, 0.102, child=True),
    "boys": Build(0.120, 0.105, 0.099, 0.103, child=True),
}
#: Width of a garment in widths of the body below it.
EASE: Final = {"slim fit": 0.97, "": 1.06, "regular fit": 1.1, "loose fit": 1.34}


def worn(gender: str, fit: str) -> Build:
    """The build of a garment: of the body in it, with the ease of the fit; a loose waist hangs from the chest."""
    body, ease = BUILDS[gender], EASE[fit]
    waist = max(body.waist * ease, body.chest * 1.28 if fit == "loose fit" else 0.0)
    shoulder = body.shoulder * {"slim fit": 0.97, "loose fit": 1.1}.get(fit, 1.0)
    return replace(body, shoulder=shoulder, chest=body.chest * ease, waist=waist, hip=max(body.hip * ease, waist))


def points(*xy: tuple[float, float]) -> np.ndarray:
    """Corners (N, 2) float64."""
    return np.array(xy, dtype=np.float64)


def bend(a: tuple[float, float], pull: tuple[float, float], b: tuple[float, float]) -> np.ndarray:
    """A curve from a to b that leaves towards `pull` and arrives from it (quadratic Bezier), (9, 2)."""
    return (1 - _T) ** 2 * np.array(a) + 2 * _T * (1 - _T) * np.array(pull) + _T**2 * np.array(b)


def along(*anchors: tuple[float, float]) -> np.ndarray:
    """A smooth line through all anchors (Catmull-Rom spline), (4 * (len(anchors) - 1) + 1, 2)."""
    p = np.array([anchors[0], *anchors, anchors[-1]], dtype=np.float64)
    a, b, c, d = (p[k : len(p) - 3 + k, None] for k in range(4))  # (pieces, 1, 2)
    curve = b + 0.5 * _S * (c - a + _S * (2 * a - 5 * b + 4 * c - d + _S * (3 * (b - c) + d - a)))
    return np.vstack([curve.reshape(-1, 2), p[-1:]])


def mirrored(right: np.ndarray) -> np.ndarray:
    """Close a right half, from its top to its bottom, by the left one."""
    return np.vstack([right, right[::-1] * np.array([-1.0, 1.0])])


def sided(outline: np.ndarray, side: int) -> np.ndarray:
    """The outline, mirrored at x = 0 where side is -1."""
    return outline * np.array([side, 1.0])


def ellipse(x: float, y: float, rx: float, ry: float) -> np.ndarray:
    """A whole ellipse as a polygon (28, 2)."""
    t = np.arange(28) * (2 * math.pi / 28)
    return np.column_stack([x + rx * np.cos(t), y + ry * np.sin(t)])


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """A rectangle (4, 2)."""
    return points((left, top), (right, top), (right, bottom), (left, bottom))


def tube(line: np.ndarray, widths: Sequence[float]) -> np.ndarray:
    """A limb or sleeve: the area around a line (N, 2) with half-widths at equal steps along it."""
    n = len(line)
    w = np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(widths)), widths)[:, None]
    way = np.gradient(line, axis=0)
    way /= np.hypot(way[:, 0], way[:, 1])[:, None]
    normal = np.column_stack([way[:, 1], -way[:, 0]]) * w
    return np.vstack([line + normal, (line - normal)[::-1]])


def arm_line(build: Build, arms: Arms, side: int, reach: float = 1.0) -> np.ndarray:
    """The middle of an arm from inside the shoulder to `reach` of its length (1 is the wrist), (N, 2)."""
    upper, fore = arms[0 if side < 0 else 1]
    start = np.array([build.shoulder - 0.020, 0.194])
    elbow = start + 0.158 * np.array([math.sin(upper), math.cos(upper)])
    wrist = elbow + 0.148 * np.array([math.sin(fore), math.cos(fore)])
    whole = bend(tuple(start), tuple(elbow), tuple(wrist))
    bow = 0.5 * whole + 0.5 * np.vstack([np.linspace(start, elbow, 5), np.linspace(elbow, wrist, 5)[1:]])
    at = np.linspace(0, (len(bow) - 1) * reach, 8)
    line = np.column_stack([np.interp(at, np.arange(len(bow)), bow[:, k]) for k in (0, 1)])
    return sided(line, side)


def tone(colour: RGB, factor: float) -> RGB:
    """A colour darker (factor < 1) or lighter."""
    return (
        min(255, round(colour[0] * factor)),
        min(255, round(colour[1] * factor)),
        min(255, round(colour[2] * factor)),
    )


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """Between two colours: share 0 is a, 1 is b."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def seam(line: np.ndarray, colour: RGB, width: float = 0.003) -> Part:
    """A thin line."""
    return Part(line, colour, stroke=width)


def edge_of(colour: RGB) -> RGB:
    """The colour of seams on a cloth: darker, on very dark cloth lighter."""
    return tone(colour, 0.72) if max(colour) > 70 else mix(colour, (120, 120, 124), 0.35)
