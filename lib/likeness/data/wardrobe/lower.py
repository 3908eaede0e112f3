"""Outlines of what is worn on the legs: trousers, jeans, shorts, leggings and skirts."""

from __future__ import annotations

from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import COLOURS, Garment
from likeness.data.wardrobe.outlines import (
    RGB,
    Build,
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
    sided,
    tone,
    worn,
)  # fmt: skip

#: The hem, by length: of long trousers, leggings, skirts.
_HEMS: Final = {
    "trousers": {"cropped": 0.815, "regular": 0.925, "long": 0.985},
    "leggings": {"cropped": 0.760, "regular": 0.920, "long": 0.970},
    "skirt": {"cropped": 0.575, "regular": 0.690, "long": 0.900},
}
#: Half-width of a trouser leg at its hem, by fit.
_ANKLES: Final = {"slim fit": 0.025, "regular fit": 0.037, "loose fit": 0.054}
_WAIST: Final = 0.385
_THREAD: Final[RGB] = (196, 138, 72)
_BRASS: Final[RGB] = (176, 148, 96)


def lower(g: Garment) -> list[Part]:
    """Parts of trousers, jeans, shorts, leggings or a skirt, the hindmost first."""
    colour = COLOURS[g.colour]
    build = worn(g.gender, g.fit or "slim fit")
    if g.kind == "skirt":
        return _skirt(g, worn(g.gender, ""))
    if g.kind == "leggings":
        return legs(build, _HEMS["leggings"][g.length], 0.0225, colour) + _band(build, colour, 0.032)
    if g.kind == "shorts":
        wide = {"slim fit": 0.048, "regular fit": 0.057, "loose fit": 0.072}[g.fit] * build.hip / 0.1
        return legs(build, 0.640, wide, colour) + _band(build, colour, 0.020) + _details(g, build, colour)
    ankle = _ANKLES[g.fit] * (1.2 if build.child else 1.0)
    return (
        legs(build, _HEMS["trousers"][g.length], ankle, colour)
        + _band(build, colour, 0.019)
        + _details(g, build, _THREAD if g.kind == "jeans" else colour)
    )


def legs(build: Build, hem: float, ankle: float, colour: RGB) -> list[Part]:
    """Two trouser legs from the waist to the hem, `ankle` their half-width there."""
    parts = []
    at = 0.048 + 0.35 * max(0.0, ankle - 0.03) + (0.006 if build.child else 0.0)  # the middle of a leg at its hem
    share = (hem - 0.53) / 0.45
    middle = build.hip * 0.54 + (at - build.hip * 0.54) * share
    half = build.hip * 0.50 + (ankle - build.hip * 0.50) * min(1.0, share + 0.1)
    for side in (-1, 1):
        outer = along((build.waist * 1.01, _WAIST), (build.hip, 0.475), (build.hip * 0.98, 0.55), (middle + half, hem))
        inner = along((middle - half, hem), (build.hip * 0.05, 0.575), (0.0, 0.53))
        foot = bend((middle + half, hem), (middle, hem + 0.010), (middle - half, hem))
        leg = sided(np.vstack([[(0.0, _WAIST)], outer, foot, inner]), side)
        parts.append(Part(leg, name="leg", cloth=True, turn=0.05 * side, relief=1.15))
        parts.append(seam(sided(foot + np.array([0.0, -0.012]), side), edge_of(colour), 0.0025))
    return [*parts, seam(points((0.0, 0.40), (0.001, 0.53)), edge_of(colour), 0.003)]


def _band(build: Build, colour: RGB, height: float) -> list[Part]:
    wide = build.waist * 1.015
    area = box(-wide, _WAIST - 0.004, wide, _WAIST + height)
    rim = seam(points((-wide, _WAIST + height), (wide, _WAIST + height)), edge_of(colour), 0.003)
    return [Part(area, cloth=True, shade=0.88), rim]


def _details(g: Garment, build: Build, thread: RGB) -> list[Part]:
    """Pockets, fly, belt loops, a button; on jeans in the colour of the thread."""
    colour = COLOURS[g.colour]
    line = mix(colour, thread, 0.7) if g.kind == "jeans" else edge_of(colour)
    top, parts = _WAIST + 0.020, []
    for side in (-1, 1):
        pocket = bend((build.waist * 0.55, top), (build.waist * 0.62, top + 0.045), (build.hip * 0.97, top + 0.050))
        parts.append(seam(sided(pocket, side), line, 0.0035))
        parts.append(
            Part(sided(box(build.waist * 0.58, _WAIST - 0.006, build.waist * 0.66, top), side), tone(colour, 0.8))
        )
    fly = bend((0.014, top), (0.016, top + 0.055), (0.0, top + 0.075))
    button = Part(ellipse(0.002, _WAIST + 0.008, 0.0052, 0.0052), _BRASS if g.kind == "jeans" else tone(colour, 0.55))
    return [*parts, seam(fly, line, 0.003), button]


def _skirt(g: Garment, build: Build) -> list[Part]:
    hem, colour = _HEMS["skirt"][g.length], COLOURS[g.colour]
    wide = build.hip * 1.12 + 0.22 * (hem - 0.49)
    side = along((build.waist * 1.01, _WAIST), (build.hip * 1.05, 0.475), (wide, hem))
    low = bend((wide, hem), (wide * 0.5, hem + 0.020), (0.0, hem + 0.018))
    shape = mirrored(np.vstack([[(0.0, _WAIST)], side, low]))
    pleats = []
    for x in (-0.62, -0.22, 0.18, 0.58):
        pleats.append(
            seam(
                along((x * build.waist, 0.42), (x * build.hip * 1.15, 0.5), (x * wide * 1.1, hem)),
                edge_of(colour),
                0.0028,
            )
        )
    hemline = seam(mirrored(low - np.array([0.0, 0.010]))[: 2 * len(low)], edge_of(colour), 0.0025)
    return [Part(shape, cloth=True, relief=1.2), *pleats, hemline, *_band(build, colour, 0.022)]
