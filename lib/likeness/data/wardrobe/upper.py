"""Outlines of what is worn on the upper body: tops, jackets, dresses and the upper half of a jumpsuit."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import COLOURS, Garment
from likeness.data.wardrobe.lower import legs
from likeness.data.wardrobe.outlines import (
    RGB,
    Arms,
    Build,
    Part,
    along,
    arm_line,
    bend,
    box,
    edge_of,
    ellipse,
    mirrored,
    mix,
    points,
    seam,
    sided,
    tone,
    tube,
    worn,
)  # fmt: skip

#: Where the neck leaves the shoulders.
_NECK: Final = 0.156
#: Half-width and depth of the opening, by neckline.
_OPENINGS: Final = {
    "round neck": (0.046, 0.034), "v-neck": (0.045, 0.100), "collar": (0.041, 0.036), "turtleneck": (0.037, 0.012),
    "boat neck": (0.080, 0.020),
}  # fmt: skip
#: How far down a sleeve reaches, in lengths of the arm.
_REACH: Final = {"short sleeve": 0.40, "three-quarter sleeve": 0.72, "long sleeve": 1.0}
#: The hem, by length: of tops, jackets, coats, dresses.
_HEMS: Final = {
    "tops": {"cropped": 0.395, "regular": 0.505, "long": 0.590},
    "jacket": {"cropped": 0.415, "regular": 0.515, "long": 0.590},
    "coat": {"cropped": 0.600, "regular": 0.710, "long": 0.850},
    "dress": {"cropped": 0.590, "regular": 0.700, "long": 0.920},
}
_DARK_METAL: Final[RGB] = (96, 92, 86)


def upper(g: Garment, arms: Arms) -> list[Part]:
    """Parts of a top, jacket, dress or jumpsuit, the hindmost first; those named "inside" are hidden by a body."""
    build, colour = worn(g.gender, g.fit), COLOURS[g.colour]
    if g.kind == "blouse":
        build = worn(g.gender, "regular fit")
    neck = {"shirt": "collar", "jacket": "collar", "coat": "collar", "hoodie": "round neck"}.get(g.kind, g.neckline)
    sleeve = g.sleeve or ("sleeveless" if g.kind == "tank top" else "long sleeve")
    hem = _HEMS.get(g.kind, _HEMS["tops"])[g.length] if g.length else 0.43
    opening = _opening(neck)
    parts = [Part(_inside(neck), tone(colour, 0.42), "inside")]
    if g.kind == "hoodie":
        parts.append(_hood(colour))
    if sleeve != "sleeveless":
        parts += [p for side in (-1, 1) for p in _sleeve(g, build, arms, side, _REACH[sleeve])]
    if g.kind == "jumpsuit":
        parts += legs(build, 0.93, 0.040 * build.hip / 0.092, colour)
    if g.kind == "dress":
        parts.append(Part(_skirt(build, hem), cloth=True, relief=1.1))
    torso = 0.395 if g.kind in ("dress", "jumpsuit") else hem
    shape = _torso(build, opening, torso, sleeve, _strap(g, neck))
    parts.append(Part(shape, cloth=True, relief=1.0))
    parts += _finish(g, build, neck, opening, torso)
    return parts


def _opening(neck: str) -> np.ndarray:
    """The right half of the neck opening, from the middle of the front to the shoulder."""
    half, depth = _OPENINGS[neck]
    low, side = (0.0, _NECK + depth), (half, _NECK + 0.004)
    if neck in ("v-neck", "collar"):
        return bend(low, (half * 0.62, _NECK + depth * 0.45), side)
    return bend(low, (half * 0.95, _NECK + depth), side)


def _inside(neck: str) -> np.ndarray:
    """The back of the garment, seen through the opening."""
    half, _ = _OPENINGS[neck]
    return mirrored(
        np.vstack([bend((0.0, _NECK + 0.012), (half * 0.7, _NECK + 0.012), (half, _NECK)), _opening(neck)[::-1]])
    )


def _strap(g: Garment, neck: str) -> float:
    """Where the shoulder ends in a sleeveless garment, in widths of the shoulder."""
    if g.kind == "tank top":
        return 0.95 if neck == "boat neck" else 0.72
    return 0.96 if neck == "boat neck" else 0.86


def _torso(build: Build, opening: np.ndarray, hem: float, sleeve: str, strap: float) -> np.ndarray:
    bare = sleeve == "sleeveless"
    end = (build.shoulder * strap if bare else build.shoulder, 0.172 if bare else 0.180)
    pit = (build.chest, 0.262 if bare else 0.250)
    hip = build.waist + (build.hip - build.waist) * min(1.0, max(0.0, (hem - 0.385) / 0.105))
    flank = [(build.chest * 0.985, 0.30), (build.waist, 0.385)] if hem > 0.40 else []
    low = [(build.hip, 0.49)] if hem > 0.50 else []
    flare = 0.006 * (hem > 0.50)
    side = along(pit, *flank, *low, (hip + flare, hem))
    bottom = bend((hip + flare, hem), (hip * 0.5, hem + 0.010), (0.0, hem + 0.008))
    return mirrored(np.vstack([opening, bend(end, (end[0] * (0.80 if bare else 0.90), 0.225), pit), side, bottom]))


def _sleeve(g: Garment, build: Build, arms: Arms, side: int, reach: float) -> list[Part]:
    wide = {"slim fit": 0.88, "loose fit": 1.28}.get(g.fit, 1.0) * (1.12 if build.child else 1.0)
    wide *= {"coat": 1.2, "jacket": 1.14, "hoodie": 1.16, "sweater": 1.12, "blouse": 1.1}.get(g.kind, 1.0)
    line = arm_line(build, arms, side, reach)
    cuff = 0.046 - 0.019 * reach + (0.010 if g.kind == "blouse" and reach > 0.5 else 0.0)
    turn = -arms[0 if side < 0 else 1][0] * side
    shape = tube(line, [0.024 * wide, 0.039 * wide, 0.041 * wide, (0.5 * 0.044 + 0.5 * cuff) * wide, cuff * wide])
    parts = [Part(shape, name="sleeve", cloth=True, turn=turn, relief=0.9)]
    if g.kind in ("sweater", "hoodie", "jacket", "shirt", "blouse") and reach == 1.0:
        ends = tube(line[-2:] + 0.25 * (line[-1] - line[-2]), [cuff * wide * 0.86, cuff * wide * 0.80])
        parts.append(Part(ends, cloth=True, shade=0.86, turn=turn + math.pi / 2, relief=0.4))
    else:
        across = tube(line[-2:] - 0.22 * (line[-1] - line[-2]), [cuff * wide, cuff * wide])
        parts.append(seam(across[1:3], edge_of(COLOURS[g.colour])))
    return parts


def _skirt(build: Build, hem: float) -> np.ndarray:
    wide = build.hip * 1.10 + 0.20 * (hem - 0.49)
    side = along((build.waist * 1.01, 0.385), (build.hip * 1.04, 0.47), (wide, hem))
    return mirrored(np.vstack([[(0.0, 0.385)], side, bend((wide, hem), (wide * 0.5, hem + 0.022), (0.0, hem + 0.018))]))


def _hood(colour: RGB) -> Part:
    rim = along((0.030, 0.205), (0.072, 0.165), (0.060, 0.118), (0.0, 0.104))
    return Part(mirrored(rim[::-1]), tone(colour, 0.88), "hood", relief=1.0)


def _finish(g: Garment, build: Build, neck: str, opening: np.ndarray, hem: float) -> list[Part]:
    """Seams, bands, collars, closures and pockets."""
    colour = COLOURS[g.colour]
    line = edge_of(colour)
    parts = []
    if g.sleeve != "sleeveless" and g.kind != "tank top":
        for side in (-1, 1):
            pit = bend((build.shoulder, 0.180), (build.shoulder * 0.90, 0.225), (build.chest, 0.250))
            parts.append(seam(sided(pit, side), line, 0.0025))
    around = np.vstack([opening[::-1] * np.array([-1.0, 1.0]), opening])
    if neck in ("round neck", "v-neck", "boat neck"):
        rib = 0.013 if g.kind in ("t-shirt", "sweater", "hoodie") else 0.007
        parts.append(Part(around, tone(colour, 0.80) if max(colour) > 70 else line, "neckline", stroke=rib))
    if neck == "turtleneck":
        parts += _turtleneck(colour)
    if g.kind in ("dress", "jumpsuit"):
        parts.append(Part(box(-build.waist * 1.02, 0.381, build.waist * 1.02, 0.396), cloth=True, shade=0.78))
    elif g.kind in ("sweater", "hoodie"):
        parts.append(Part(box(-build.hip * 0.99, hem - 0.020, build.hip * 0.99, hem + 0.008), cloth=True, shade=0.85))
    else:
        hip = build.waist + (build.hip - build.waist) * min(1.0, max(0.0, (hem - 0.385) / 0.105))
        parts.append(seam(bend((-hip, hem - 0.009), (0.0, hem + 0.004), (hip, hem - 0.009)), line, 0.0025))
    if g.kind in ("jacket", "coat"):
        return parts + _front(g, build, hem)
    if g.kind == "hoodie":
        return parts + _pouch(colour, hem)
    if g.kind == "shirt":
        parts += _placket(colour, 0.185, hem)
        parts.append(
            seam(
                points((0.030, 0.268), (0.062, 0.268), (0.062, 0.305), (0.046, 0.313), (0.030, 0.305), (0.030, 0.268)),
                line,
            )
        )
    if neck == "collar":
        parts += _placket(colour, 0.19, 0.29) if g.kind != "shirt" else []
        parts += _collar(colour, 0.0 if g.kind == "shirt" else 0.004)
    return parts


def _turtleneck(colour: RGB) -> list[Part]:
    roll = mirrored(along((0.0, 0.112), (0.030, 0.110), (0.037, 0.135), (0.042, 0.166), (0.020, 0.176), (0.0, 0.178)))
    fold = bend((-0.038, 0.150), (0.0, 0.160), (0.038, 0.150))
    return [Part(roll, tone(colour, 0.92), "collar", relief=0.9), seam(fold, edge_of(colour), 0.004)]


def _collar(colour: RGB, spread: float) -> list[Part]:
    flap = points((0.0, 0.196), (0.030, 0.226), (0.060 + spread, 0.190), (0.041, 0.147), (0.034, 0.150))
    parts = [Part(sided(flap, side), tone(colour, 0.94), relief=0.7) for side in (-1, 1)]
    parts += [seam(sided(flap[:4], side), edge_of(colour), 0.004) for side in (-1, 1)]
    return [*parts, Part(points((-0.062, 0.147), (0.062, 0.226)), colour, "collar")]


def _placket(colour: RGB, top: float, bottom: float) -> list[Part]:
    pale = (236, 234, 226) if max(colour) < 190 else tone(colour, 0.55)
    edges = [seam(points((x, top), (x, bottom)), edge_of(colour)) for x in (-0.010, 0.010)]
    return edges + [Part(ellipse(0.0, y, 0.0042, 0.0042), pale) for y in np.arange(top + 0.03, bottom - 0.005, 0.042)]


def _front(g: Garment, build: Build, hem: float) -> list[Part]:
    """An open-topped front: lapels on a coat, a zip on a jacket, pockets."""
    colour = COLOURS[g.colour]
    line = edge_of(colour)
    if g.kind == "jacket":
        parts = [Part(points((0.0, 0.19), (0.0, hem)), mix(colour, _DARK_METAL, 0.6), stroke=0.009)]
        parts += [seam(points((0.0, 0.19), (0.0, hem)), (188, 186, 180), 0.003), *_collar(colour, 0.006)]
        slant = points((0.040, 0.405), (0.062, 0.360))
        if hem < 0.45:
            slant = points((0.036, 0.368), (0.058, 0.330))
        parts += [seam(sided(slant, side), line, 0.006) for side in (-1, 1)]
        band = box(-build.hip * 0.97, hem - 0.018, build.hip * 0.97, hem + 0.008)
        return [*parts, Part(band, cloth=True, shade=0.84)]
    lapel = points((0.004, 0.305), (0.060, 0.232), (0.050, 0.214), (0.072, 0.204), (0.040, 0.146), (0.030, 0.158))
    parts = [seam(points((0.012, 0.30), (0.014, hem)), line, 0.004)]
    parts += [Part(sided(lapel, side), tone(colour, 0.90), relief=0.8) for side in (-1, 1)]
    parts += [seam(sided(lapel[:5], side), line, 0.0035) for side in (-1, 1)]
    parts.append(Part(points((-0.072, 0.146), (0.072, 0.305)), colour, "collar"))
    buttons = [(x, y) for x in (-0.028, 0.034) for y in (0.335, 0.395, 0.455)]
    parts += [
        Part(ellipse(x, y, 0.0065, 0.0065), tone(colour, 0.5) if max(colour) > 70 else _DARK_METAL) for x, y in buttons
    ]
    flaps = [box(0.046, 0.478, 0.084, 0.494), box(-0.084, 0.478, -0.046, 0.494)]
    return parts + [Part(flap, tone(colour, 0.82)) for flap in flaps]


def _pouch(colour: RGB, hem: float) -> list[Part]:
    low = hem - 0.024
    pouch = points(
        (-0.034, low - 0.085),
        (0.034, low - 0.085),
        (0.064, low - 0.03),
        (0.064, low),
        (-0.064, low),
        (-0.064, low - 0.03),
    )
    cord = (232, 230, 224) if max(colour) < 190 else tone(colour, 0.6)
    cords = [seam(along((s * 0.018, 0.192), (s * 0.022, 0.23), (s * 0.019, 0.272)), cord, 0.005) for s in (-1, 1)]
    return [seam(np.vstack([pouch, pouch[:1]]), edge_of(colour), 0.0035), *cords]
