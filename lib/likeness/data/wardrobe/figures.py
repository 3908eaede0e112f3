"""What holds a garment: a person, a tailor's dummy; as (class, parts) in the square of the body, hindmost first."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import COLOURS, Garment
from likeness.data.wardrobe.lower import lower
from likeness.data.wardrobe.outlines import (
    BUILDS,
    RGB,
    Arms,
    Build,
    Part,
    along,
    arm_line,
    bend,
    box,
    ellipse,
    mirrored,
    mix,
    points,
    seam,
    sided,
    tone,
    tube,
)  # fmt: skip
from likeness.data.wardrobe.scenes import Scene
from likeness.data.wardrobe.upper import upper

#: Ids of the 33 classes of the KDD Cup 2020 multimodal track that are drawn.
TOP, SKIRT_OR_DRESS, BOTTOM, BAG, SHOES, ACCESSORY = 0, 1, 2, 3, 4, 5
FURNITURE, DECORATION, LIGHTING, DIGITAL, CLOTHES_PART = 9, 12, 19, 22, 27
FACE, ARM, HAIR, HAND = 29, 30, 31, 32

Figure = list[tuple[int | None, list[Part]]]
_LINEN: Final[RGB] = (206, 196, 180)
_CHIN: Final = 0.134


def person(scene: Scene, g: Garment, arms: Arms) -> Figure:
    """A whole person below a garment, dressed in other plain clothes where the garment leaves them bare."""
    body, pick = BUILDS[g.gender], scene.choices
    figure: Figure = [(HAIR, _hair_behind(scene, g.gender)), (None, _trunk(body, scene.skin))]
    colours = list(COLOURS)
    other = replace(g, colour=colours[int(pick[0] * len(colours))], pattern="solid", second="", fit="slim fit")
    if g.category == "bottoms":
        sleeve = ("short sleeve", "long sleeve", "sleeveless")[int(pick[1] * 3)]
        top = replace(other, kind="t-shirt", category="tops", sleeve=sleeve, neckline="round neck", length="regular")
        figure += [_arm(body, arms, side, scene.skin) for side in (-1, 1)]
        figure.append((TOP, plain(upper(top, arms))))
    else:
        if g.category != "dresses":
            kind = "skirt" if g.gender in ("women", "girls") and pick[1] < 0.3 else "trousers"
            figure.append((None, _bare_legs(body, scene.skin)))
            below = lower(replace(other, kind=kind, category="bottoms", length="regular"))
            figure.append((SKIRT_OR_DRESS if kind == "skirt" else BOTTOM, plain(below)))
        else:
            figure.append((None, _bare_legs(body, scene.skin)))
        figure += [_arm(body, arms, side, scene.skin) for side in (-1, 1)]
    figure += [_hand(body, arms, side, scene.skin) for side in (-1, 1)]
    figure.append((SHOES, _feet(tone(scene.dye, 0.8))))
    return [*figure, *head(scene, g.gender)]


def dummy(g: Garment) -> Figure:
    """A tailor's dummy of linen: a trunk on a pole, or legs."""
    body = BUILDS[g.gender]
    if g.category == "bottoms":
        return [
            (None, _bare_legs(body, _LINEN)),
            (None, [Part(box(-body.waist, 0.33, body.waist, 0.42), _LINEN, relief=1.0)]),
        ]
    pole = [Part(box(-0.007, 0.5, 0.007, 0.97), (92, 78, 66)), Part(ellipse(0.0, 0.97, 0.10, 0.014), (84, 70, 58))]
    return [(None, pole), (None, [*_trunk(body, _LINEN), Part(ellipse(0.0, 0.118, 0.026, 0.008), (128, 96, 70))])]


def plain(parts: list[Part]) -> list[Part]:
    """Garment parts without what is seen only through an empty neck."""
    return [p for p in parts if p.name != "inside"]


def head(scene: Scene, gender: str, hair: bool = True) -> Figure:
    """A face and the hair around it."""
    skin = scene.skin
    dark, lips = mix(skin, (40, 28, 26), 0.75), mix(skin, (150, 50, 56), 0.45)
    parts = [
        Part(
            mirrored(
                along((0.0, 0.012), (0.036, 0.026), (0.0425, 0.070), (0.035, 0.106), (0.015, 0.130), (0.0, _CHIN))
            ),
            skin,
            relief=1.3,
        )
    ]
    for side in (-1, 1):
        parts.append(Part(sided(ellipse(0.0175, 0.072, 0.0085, 0.0058), side), tone(skin, 0.86)))
        parts.append(Part(sided(ellipse(0.0175, 0.0725, 0.0050, 0.0030), side), dark))
        parts.append(
            seam(
                sided(bend((0.009, 0.0625), (0.018, 0.0575), (0.027, 0.0625)), side), mix(skin, scene.hair, 0.7), 0.0028
            )
        )
    parts.append(seam(bend((0.003, 0.070), (0.008, 0.090), (-0.003, 0.094)), tone(skin, 0.82), 0.0028))
    parts.append(
        Part(
            np.vstack(
                [
                    bend((-0.012, 0.1085), (0.0, 0.1045), (0.012, 0.1085)),
                    bend((0.012, 0.1085), (0.0, 0.1160), (-0.012, 0.1085)),
                ]
            ),
            lips,
        )
    )
    front = mirrored(
        np.vstack(
            [
                along((0.0, -0.004), (0.030, 0.002), (0.048, 0.035), (0.046, 0.072)),
                bend((0.046, 0.072), (0.036, 0.030), (0.0, 0.034)),
            ]
        )
    )
    if scene.choices[2] < 0.5:
        front = front + np.where(front[:, 1:] > 0.02, np.array([0.006, 0.0]), 0.0)  # a parting at the side
    figure: Figure = [(FACE, _grown(parts, gender))]
    return [*figure, (None, _grown([Part(front, scene.hair, relief=0.8)], gender))] if hair else figure


def _hair_behind(scene: Scene, gender: str) -> list[Part]:
    """Long, half long, a bun or short; the short is commoner with men."""
    pick = scene.choices[3] + (0.45 if gender in ("men", "boys") else 0.0)
    dome = mirrored(along((0.0, -0.006), (0.034, 0.0), (0.051, 0.036), (0.047, 0.085), (0.0, 0.10)))
    parts = [Part(dome, scene.hair, relief=0.9)]
    if pick < 0.5:
        low = 0.215 if pick < 0.28 else 0.150
        locks = mirrored(
            along((0.0, 0.0), (0.045, 0.02), (0.056, 0.09), (0.062, low - 0.02), (0.040, low), (0.0, low - 0.01))
        )
        parts.append(Part(locks, tone(scene.hair, 0.92), relief=0.9))
    elif pick < 0.62:
        parts.append(Part(ellipse(0.0, -0.020, 0.024, 0.022), scene.hair, relief=1.0))
    return _grown(parts, gender)


def _grown(parts: list[Part], gender: str) -> list[Part]:
    """Heads of children are larger for their bodies."""
    if not BUILDS[gender].child:
        return parts
    about = np.array([0.0, _CHIN])
    return [replace(p, outline=about + (p.outline - about) * np.array([1.22, 1.15])) for p in parts]


def _trunk(body: Build, skin: RGB) -> list[Part]:
    neck = 0.031 if body.shoulder > 0.115 and not body.child else 0.026
    right = np.vstack([
        [(0.0, 0.112), (neck, 0.112)], bend((neck, 0.112), (neck, 0.162), (neck * 1.7, 0.170)),
        bend((body.shoulder * 0.8, 0.176), (body.shoulder, 0.18), (body.shoulder, 0.205)),
        along((body.chest, 0.26), (body.chest * 0.97, 0.30), (body.waist, 0.385), (body.hip, 0.49),
              (body.hip * 0.5, 0.54), (0.0, 0.54)),
    ])  # fmt: skip
    return [
        Part(mirrored(right), skin, relief=0.9),
        seam(bend((-0.05, 0.176), (0.0, 0.19), (0.05, 0.176)), tone(skin, 0.88), 0.003),
    ]


def _bare_legs(body: Build, skin: RGB) -> list[Part]:
    line = bend((body.hip * 0.52, 0.47), (0.052, 0.7), (0.046, 0.955))
    return [
        Part(tube(sided(line, side), [0.047, 0.043, 0.032, 0.030, 0.019, 0.016]), skin, relief=1.2) for side in (-1, 1)
    ]


def _feet(colour: RGB) -> list[Part]:
    foot = along((0.030, 0.945), (0.026, 0.985), (0.046, 0.999), (0.074, 0.990), (0.062, 0.945))
    return [Part(sided(foot, side), colour, relief=1.0) for side in (-1, 1)]


def _arm(body: Build, arms: Arms, side: int, skin: RGB) -> tuple[int, list[Part]]:
    return ARM, [Part(tube(arm_line(body, arms, side), [0.030, 0.027, 0.023, 0.021, 0.015]), skin, relief=1.2)]


def _hand(body: Build, arms: Arms, side: int, skin: RGB) -> tuple[int, list[Part]]:
    line = arm_line(body, arms, side)
    way = (line[-1] - line[-2]) / np.hypot(*(line[-1] - line[-2]))
    palm = np.array([line[-1] + way * t for t in (-0.008, 0.012, 0.032, 0.060)])
    thumb = np.array([palm[1], palm[2] + np.array([-side * 0.017, 0.0])])
    return HAND, [
        Part(tube(palm, [0.015, 0.020, 0.018, 0.007]), skin, relief=1.0),
        Part(tube(thumb, [0.008, 0.005]), skin),
    ]


def legs_above_shoes(scene: Scene, g: Garment, lift: float) -> Figure:
    """A foot in a shoe and the leg above it, bare or in trousers, in the square of the shoe."""
    if g.kind == "boots":
        leg = tube(points((0.235, -0.9 - lift), (0.25, -1.9)), [0.15, 0.17])
        figure: Figure = [(None, [Part(leg, scene.skin, relief=1.2)])]
    else:
        foot = np.vstack([
            along((0.04, -lift), (0.03, -lift - 0.10), (0.09, -lift - 0.30), (0.08, -1.9)), points((0.40, -1.9)),
            along((0.335, -0.45 - lift), (0.42, -0.30 - lift * 0.8), (0.62, -0.16 - lift * 0.3), (0.86, -0.10),
                  (0.96, -0.045), (0.7, -0.03)),
        ])  # fmt: skip
        figure = [(None, [Part(foot, scene.skin, relief=1.1)])]
    if scene.choices[4] < 0.5:
        hem = -1.02 - lift if g.kind == "boots" else -0.50 - lift
        cloth = tube(points((0.22, hem), (0.24, -1.9)), [0.21, 0.24])
        hemline = seam(cloth[[0, -1]] + np.array([0.0, -0.04]), tone(scene.dye, 0.7), 0.01)
        figure.append((BOTTOM, [Part(cloth, scene.dye, relief=1.3), hemline]))
    return figure


def bust(scene: Scene, g: Garment) -> Figure:
    """Head and shoulders below a hat, in the square of the hat."""
    body = BUILDS[g.gender]
    arms: Arms = ((0.3, 0.2), (0.3, 0.2))
    top = replace(g, kind="t-shirt", category="tops", sleeve="short sleeve", neckline="round neck", length="regular",
                  fit="regular fit", pattern="solid", second="",
                  colour=list(COLOURS)[int(scene.choices[0] * len(COLOURS))])  # fmt: skip
    figure: Figure = [
        (HAIR, _hair_behind(scene, g.gender)),
        (None, _trunk(body, scene.skin)),
        (TOP, plain(upper(top, arms))),
    ]
    figure += head(scene, g.gender)
    size = 4.6 if not body.child else 3.95
    return [(label, [_on_head(p, size) for p in parts]) for label, parts in figure]


def _on_head(part: Part, size: float) -> Part:
    about = np.array([0.0, _CHIN])
    return replace(part, outline=np.array([0.5, 0.96]) + (part.outline - about) * size, stroke=part.stroke * size)
