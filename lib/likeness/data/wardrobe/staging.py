"""Staging: which things a scene shows around a garment, and where all of them stand."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from likeness.data.wardrobe import figures as fig
from likeness.data.wardrobe.canvas import Placing, Thing, placing
from likeness.data.wardrobe.ends import hat, lift, shoe, stubby
from likeness.data.wardrobe.garments import COLOURS, Garment
from likeness.data.wardrobe.lower import lower
from likeness.data.wardrobe.outlines import Arms, Part, along, tone, tube, worn
from likeness.data.wardrobe.props import clothes_hanger, hanging, prop
from likeness.data.wardrobe.scenes import Prop, Scene
from likeness.data.wardrobe.textures import cloth, dyed, emblem
from likeness.data.wardrobe.upper import upper

#: Middle and height of what a picture of a kind shows, in its square: the same for all lengths, so that these are seen.
_FRAMES: Final = {
    "coat": (0.0, 0.465, 0.74), "dress": (0.0, 0.500, 0.82), "jumpsuit": (0.0, 0.540, 0.86),
    "shorts": (0.0, 0.510, 0.36),
    "skirt": (0.0, 0.610, 0.58), "heels": (0.48, -0.25, 1.10), "boots": (0.46, -0.55, 1.35),
    "sandals": (0.46, -0.22, 1.10),
    "sneakers": (0.46, -0.27, 1.10), "cap": (0.60, 0.36, 1.00), "sun hat": (0.5, 0.38, 1.22),
    "beanie": (0.5, 0.35, 0.78),
}  # fmt: skip
_FRAMES_BY_CATEGORY: Final = {"tops": (0.0, 0.340, 0.47), "jackets": (0.0, 0.350, 0.50), "bottoms": (0.0, 0.680, 0.64)}
#: Of a picture's height, what the frame fills.
_FILL: Final = 0.86
#: How the parts of a garment share the displays: upper ends of the intervals of `Scene.display`. The rest is a person.
_DISPLAYS: Final = {"flat": 0.22, "plain": 0.40, "hanger": 0.50, "dummy": 0.60}
#: A person is at least so many objects.
_PEOPLE: Final = 4
_LABELS: Final = {
    "tops": fig.TOP,
    "jackets": fig.TOP,
    "dresses": fig.SKIRT_OR_DRESS,
    "bottoms": fig.BOTTOM,
    "shoes": fig.SHOES,
    "hats": fig.ACCESSORY,
}
_PROP_LABELS: Final = {
    "bag": fig.BAG, "shoes": fig.SHOES, "plant": fig.DECORATION, "chair": fig.FURNITURE, "vase": fig.DECORATION,
    "frame": fig.DECORATION, "lamp": fig.LIGHTING, "phone": fig.DIGITAL,
}  # fmt: skip


def stage(seed: int, g: Garment, shot: Scene) -> list[Thing]:
    """All things of a picture, the hindmost first. The garment is the one with a cloth."""
    display = _display(g, shot)
    place = _place(g, shot, display)
    arms = _arms(shot, display)
    behind = _holder(g, shot, display, arms)
    parts = _parts(g, arms)
    if display in ("person", "dummy") and g.category not in ("shoes", "hats"):
        parts = fig.plain(parts)
    if g.category == "shoes":
        parts = _pair(parts, shot)
    made = cloth(seed, g)
    parts = [replace(p, colour=_rgb(dyed(np.array(p.colour), made.depth, made.hue))) for p in parts]
    if g.pattern == "logo print":
        logo = [Part(outline, _rgb(made.second), "print") for outline in emblem(made, g)]
        parts = [*parts, *logo]
    height = 0.012 if display == "flat" else 0.022
    folds = {"shoes": 0.12, "hats": 0.2}.get(g.category, 0.42)
    article = Thing(_label(g), tuple(parts), place, made, height, folds)
    figure = [Thing(label, tuple(some), place, None, 0.014, 0.15) for label, some in behind]
    return [*around(shot), *figure, article, *before(shot)]


def _label(g: Garment) -> int:
    return fig.SKIRT_OR_DRESS if g.kind == "skirt" else _LABELS[g.category]


def _rgb(colour: np.ndarray) -> tuple[int, int, int]:
    red, green, blue = (int(c) for c in colour)
    return red, green, blue


def _display(g: Garment, shot: Scene) -> str:
    """flat, plain (nothing holds it), hanger, dummy or person; what has no such display is shown plain."""
    name = next((n for n, end in _DISPLAYS.items() if shot.display < end), "person")
    if name == "person" and shot.count < _PEOPLE:
        return "plain"
    if g.category in ("shoes", "hats") and name in ("hanger", "dummy"):
        return "plain"
    return "plain" if name == "hanger" and g.category == "bottoms" else name


def _place(g: Garment, shot: Scene, display: str) -> Placing:
    x, y, height = _FRAMES.get(g.kind) or _FRAMES_BY_CATEGORY[g.category]
    size = _FILL * shot.scale / height
    if g.gender in ("girls", "boys"):
        size *= 0.84
    if display == "person":
        size *= 0.92
    turn = shot.turn * (4.0 if display == "flat" else 1.0 if display == "plain" else 0.4)
    return placing(turn, size, (x, y), (0.5 + shot.x, 0.5 + shot.y), shot.mirror)


def _arms(shot: Scene, display: str) -> Arms:
    """On a table sleeves lie further apart than arms hang."""
    more = {"flat": 0.22, "person": -0.02, "hanger": -0.12}.get(display, 0.0)
    (a, b), (c, d) = shot.arms
    return (a + more, b + more), (c + more, d + more)


def _parts(g: Garment, arms: Arms) -> list[Part]:
    if g.category == "shoes":
        return shoe(g)
    if g.category == "hats":
        return hat(g)
    return lower(g) if g.category == "bottoms" else upper(g, arms)


def _pair(parts: list[Part], shot: Scene) -> list[Part]:
    """The second shoe of a pair, behind the first."""
    if shot.choices[5] < 0.25:
        return parts
    away = np.array([-0.05 - 0.12 * shot.choices[6], -0.10 - 0.12 * shot.choices[7]])
    return [*(replace(p, outline=p.outline * 0.96 + away) for p in parts), *parts]


def _holder(g: Garment, shot: Scene, display: str, arms: Arms) -> fig.Figure:
    if display == "hanger":
        return [(None, clothes_hanger(worn(g.gender, g.fit).shoulder * 0.92, 0.165))]
    if display == "dummy":
        return fig.dummy(g)
    if display != "person":
        return []
    if g.category == "shoes":
        return [(label, stubby(parts, g)) for label, parts in fig.legs_above_shoes(shot, g, lift(g))]
    return fig.bust(shot, g) if g.category == "hats" else fig.person(shot, g, arms)


def around(shot: Scene) -> list[Thing]:
    """Things behind and beside: as many as the boxes ask for beyond a garment, a person and parts of both.

    Like `before`, it knows the scene alone: what stands around a garment must not tell what it is.
    """
    person = shot.count >= _PEOPLE and shot.display >= max(_DISPLAYS.values())
    wanted = shot.count - 1 - person * _PEOPLE
    some = min(len(shot.props), round(wanted * (0.35 + 0.65 * shot.choices[8])))
    things = _rail(shot, min(12, wanted - 4)) if wanted > 6 else []
    for p in shot.props[: max(0, some)]:
        things.append(_thing(p))
    return things


def _thing(p: Prop) -> Thing:
    place = placing(p.turn, p.size, (0.0, 0.0), (p.x, p.y), False)
    return Thing(_PROP_LABELS.get(p.name, fig.ACCESSORY), tuple(prop(p.name, p.colour)), place, None, 0.014)


def _rail(shot: Scene, number: int) -> list[Thing]:
    """Clothes on a rail at the back."""
    height, things = 0.05 + 0.08 * shot.choices[9], []
    bar = Part(np.array([[-0.1, height], [1.1, height]]), (120, 120, 124), stroke=0.014)
    things.append(Thing(None, (bar,), Placing(1.0, 0.0, 0.0, 0.0)))
    names = list(COLOURS)
    for k in range(number):
        dice = (shot.choices[10] * 977 + k * 0.6180339887) % 1.0  # the golden ratio spreads them
        kind = int(dice * 3)
        x = (k + 0.5 + 0.5 * (dice - 0.5)) / number
        colour = tone(COLOURS[names[int((dice * 131) % 1.0 * len(names))]], 0.9)
        place = placing(0.03 * (dice - 0.5), 0.62, (0.0, -0.5), (x, height), False)
        things.append(
            Thing((fig.TOP, fig.SKIRT_OR_DRESS, fig.BOTTOM)[kind], tuple(hanging(kind, colour)), place, None, 0.010)
        )
    return things


def before(shot: Scene) -> list[Thing]:
    """What is in front of the garment at times: the arm of somebody, a bag."""
    if shot.cover == "bag":
        side = 0.24 if shot.choices[11] < 0.5 else 0.76
        p = Prop("bag", side, 0.62 + 0.24 * shot.choices[12], 0.34, shot.turn, shot.dye)
        return [replace(_thing(p), height=0.02)]
    if shot.cover == "arm":
        side = -1 if shot.choices[11] < 0.5 else 1
        y = 0.45 + 0.4 * shot.choices[12]
        line = along((0.5 + side * 0.62, y + 0.12), (0.5 + side * 0.42, y + 0.02), (0.5 + side * 0.22, y - 0.02))
        fingers = along((0.5 + side * 0.225, y - 0.02), (0.5 + side * 0.16, y - 0.03), (0.5 + side * 0.10, y - 0.015))
        flat = Placing(1.0, 0.0, 0.0, 0.0)
        arm = Thing(fig.ARM, (Part(tube(line, [0.062, 0.05, 0.036]), shot.skin, relief=1.2),), flat, None, 0.02)
        hand = Thing(fig.HAND, (Part(tube(fingers, [0.034, 0.046, 0.022]), shot.skin, relief=1.0),), flat, None, 0.01)
        return [arm, hand]
    return []
