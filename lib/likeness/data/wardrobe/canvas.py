"""A canvas: polygons with cloth, relief and shadows in a picture of any size.

Colours, light and owners are three images of 8 bits and drawn by integer arithmetic, three or more times as large as
the picture; the light meets the colours once they are scaled down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from likeness.data.wardrobe.outlines import RGB, Part
from likeness.data.wardrobe.textures import Cloth, paint

#: The light image at normal light.
NORMAL: Final = 128
#: Pixels of the image of owners: too few would lose small things, and all sizes of a picture must agree on it.
OWNERS: Final = 128

#: Pixels of the image of folds, which are soft: it is scaled to the canvas.
_FOLDS: Final = 96


@dataclass(frozen=True)
class Placing:
    """Where a square lies in the picture: (x, y) goes to (a x' - b y + x0, b x' + a y + y0) with x' = flip x.

    a, b : cosine and sine of the turn, times the size. flip : 1, or -1 where the square is mirrored.
    """

    a: float
    b: float
    x0: float
    y0: float
    flip: int = 1

    @property
    def size(self) -> float:
        """Length of the square's side in the picture."""
        return math.hypot(self.a, self.b)

    def to_picture(self, xy: np.ndarray) -> np.ndarray:
        """Points (N, 2) of the square as parts of the picture."""
        x, y = xy[:, 0] * self.flip, xy[:, 1]
        return np.column_stack([self.a * x - self.b * y + self.x0, self.b * x + self.a * y + self.y0])

    def to_square(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of the picture in the square; float32."""
        dx, dy, scale = x - np.float32(self.x0), y - np.float32(self.y0), 1 / (self.a**2 + self.b**2)
        a, b = np.float32(self.a * scale), np.float32(self.b * scale)
        return (a * dx + b * dy) * np.float32(self.flip), a * dy - b * dx


def placing(turn: float, size: float, middle: tuple[float, float], at: tuple[float, float], mirror: bool) -> Placing:
    """The placing that turns and scales a square and puts its point `middle` at `at` of the picture."""
    a, b, flip = size * math.cos(turn), size * math.sin(turn), -1 if mirror else 1
    x, y = middle[0] * flip, middle[1]
    return Placing(a, b, at[0] - a * x + b * y, at[1] - b * x - a * y, flip)


@dataclass(frozen=True)
class Thing:
    """Something drawn as one.

    label : its class; None where no detector would report it. parts : the hindmost first. cloth : of the garment alone.
    height : above what is behind, in parts of the picture: how soft and far its shadow is. folds : their strength.
    """

    label: int | None
    parts: tuple[Part, ...]
    place: Placing
    cloth: Cloth | None = None
    height: float = 0.0
    folds: float = 0.0


class Canvas:
    """Three images of n x n pixels, n = size * over."""

    def __init__(self, size: int, over: int, light: tuple[float, float], rng: np.random.Generator) -> None:
        self.size, self.over, self.n = size, over, size * over
        self.light = light
        self.colour = Image.new("RGB", (self.n, self.n))
        self.shade = Image.new("L", (self.n, self.n), NORMAL)
        self.owner = Image.new("L", (OWNERS, OWNERS), 0)
        self.pen, self.owner_pen = ImageDraw.Draw(self.colour), ImageDraw.Draw(self.owner)
        self.folds = _folds(rng, self.n)

    def put(self, thing: Thing, number: int) -> None:
        """Draw a thing over what is there; `number` > 0 marks the pixels that it owns."""
        placed = [thing.place.to_picture(p.outline) for p in thing.parts]
        areas = [xy for p, xy in zip(thing.parts, placed, strict=True) if not p.stroke]
        if thing.height and areas:
            self._shadow(areas, thing.height)
        for part, xy in zip(thing.parts, placed, strict=True):
            width = part.stroke * thing.place.size
            if part.stroke:
                self._line(xy, part.colour, width)
                _line(self.owner_pen, xy * OWNERS, number, width * OWNERS)
                continue
            self._area(part, xy, thing)
            self.owner_pen.polygon((xy * OWNERS).ravel().tolist(), fill=number)

    def _area(self, part: Part, xy: np.ndarray, thing: Thing) -> None:
        corners = self._crop(xy)
        if corners is None:
            return
        if not part.cloth and not part.relief:
            self.pen.polygon((xy * self.n).ravel().tolist(), fill=part.colour)
            return
        left, top, right, bottom = corners
        mask = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(mask).polygon((xy * self.n - np.array([left, top])).ravel().tolist(), fill=255)
        fold = self.folds[top:bottom, left:right] * np.float32(thing.folds)
        if part.cloth and thing.cloth is not None:
            self.colour.paste(self._cloth(part, thing.place, thing.cloth, corners, fold), (left, top), mask)
        else:
            self.colour.paste(part.colour, (left, top), mask)
        if part.relief:
            relief = _relief(mask, part.relief, self.light, self.n, fold)
            self.shade.paste(relief, (left, top), mask)

    def _cloth(
        self, part: Part, place: Placing, cloth: Cloth, corners: tuple[int, int, int, int], fold: np.ndarray
    ) -> Image.Image:
        left, top, right, bottom = corners
        x = (np.arange(left, right, dtype=np.float32) + np.float32(0.5)) / np.float32(self.n)
        y = (np.arange(top, bottom, dtype=np.float32) + np.float32(0.5)) / np.float32(self.n)
        u, v = place.to_square(x[None, :], y[:, None])
        u, v = u + np.float32(0.04) * fold, v + np.float32(0.06) * fold
        if part.turn:
            cx, cy = (np.float32(c) for c in part.outline.mean(axis=0))
            c, s = np.float32(math.cos(part.turn)), np.float32(math.sin(part.turn))
            u, v = cx + c * (u - cx) - s * (v - cy), cy + s * (u - cx) + c * (v - cy)
        rgb = paint(cloth, u, v, 1 / (self.n * place.size)) * np.float32(part.shade)
        return Image.fromarray(np.clip(rgb + np.float32(0.5), 0, 255).astype(np.uint8))

    def _line(self, xy: np.ndarray, colour: RGB, width: float) -> None:
        """A line; one thinner than a pixel covers it in part."""
        wide = width * self.n
        if wide >= 1:
            _line(self.pen, xy * self.n, colour, wide)
            return
        corners = self._crop(xy)
        if corners is not None:
            left, top, right, bottom = corners
            mask = Image.new("L", (right - left, bottom - top))
            _line(ImageDraw.Draw(mask), xy * self.n - np.array([left, top]), round(255 * wide), 1)
            self.colour.paste(colour, (left, top), mask)

    def _shadow(self, outlines: list[np.ndarray], height: float) -> None:
        """Darken what lies behind: a wide soft shadow away from the light, and a narrow one where things touch."""
        reach = height * self.n
        away = np.array([-self.light[0], -self.light[1]]) * height * 0.7
        corners = self._crop(np.vstack(outlines) + away, round(2.5 * reach) + 2)
        if corners is None:
            return
        left, top, right, bottom = corners
        mask = Image.new("L", (right - left, bottom - top))
        draw = ImageDraw.Draw(mask)
        for xy in outlines:
            draw.polygon(((xy + away) * self.n - np.array([left, top])).ravel().tolist(), fill=110)
        mask = mask.filter(ImageFilter.GaussianBlur(reach))
        self.shade.paste(30, (left, top), mask)

    def _crop(self, xy: np.ndarray, more: int = 1) -> tuple[int, int, int, int] | None:
        """The pixels around points, or None if all are outside the picture."""
        left, top = (max(0, math.floor(c) - more) for c in (xy.min(axis=0) * self.n).tolist())
        right, bottom = (min(self.n, math.ceil(c) + more) for c in (xy.max(axis=0) * self.n).tolist())
        return (left, top, right, bottom) if left < right and top < bottom else None

    def scaled(self) -> tuple[np.ndarray, np.ndarray]:
        """Colours (size, size, 3) and light (size, size, 1; 1 is normal), float32."""
        rgb = np.asarray(self.colour.reduce(self.over), np.float32)
        return rgb, np.asarray(self.shade.reduce(self.over), np.float32)[..., None] / np.float32(NORMAL)


def _line(pen: ImageDraw.ImageDraw, xy: np.ndarray, fill: RGB | int, width: float) -> None:
    pen.line(xy.ravel().tolist(), fill=fill, width=max(1, round(width)), joint="curve")


def _relief(mask: Image.Image, strength: float, light: tuple[float, float], n: int, fold: np.ndarray) -> Image.Image:
    """The light on a rounded area: edges towards the light are bright, those away from it dark, and folds."""
    reach = max(1, round(min(0.030 * n, 0.16 * min(mask.size))))
    soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(reach)), np.float32)
    padded = np.pad(soft, reach, mode="edge")
    across = padded[reach:-reach, 2 * reach :] - padded[reach:-reach, : -2 * reach]
    down = padded[2 * reach :, reach:-reach] - padded[: -2 * reach, reach:-reach]
    lx, ly = np.float32(light[0]), np.float32(light[1])
    level = (soft - 255) * np.float32(0.16) - (lx * across + ly * down) * np.float32(0.14)
    level = NORMAL + np.float32(strength) * level * np.float32(0.5) + 64 * fold
    return Image.fromarray(np.clip(level + np.float32(0.5), 0, 255).astype(np.uint8))


def _folds(rng: np.random.Generator, n: int) -> np.ndarray:
    """Soft dark and light bands over the picture, about -1 ... 1: (n, n) float32, the same at every n."""
    coarse = np.clip(128 + 34 * rng.standard_normal((6, 10)), 0, 255).astype(np.uint8)
    wide = Image.fromarray(coarse).resize((_FOLDS, _FOLDS), Image.Resampling.BICUBIC)
    crease = Image.new("L", (_FOLDS, _FOLDS), 128)
    pen = ImageDraw.Draw(crease)
    for x, y, dx, dy, bow, level in zip(*rng.random((6, 14)), strict=True):
        a, b = np.array([x, y]), np.array([x + 0.36 * (dx - 0.5), y + 0.12 + 0.22 * dy])
        middle = (a + b) / 2 + np.array([0.12 * (bow - 0.5), 0])
        t = np.linspace(0, 1, 6)[:, None]
        line = (1 - t) ** 2 * a + 2 * t * (1 - t) * middle + t**2 * b
        _line(pen, line * _FOLDS, int(128 + (70 if level > 0.5 else -70)), 0.012 * _FOLDS)
    crease = crease.filter(ImageFilter.GaussianBlur(0.010 * _FOLDS))
    both = np.asarray(wide, np.float32) * np.float32(0.9) + np.asarray(crease, np.float32) * np.float32(1.1)
    small = Image.fromarray((both - np.float32(256)) / np.float32(128))
    return np.asarray(small.resize((n, n), Image.Resampling.BICUBIC))
