"""Photographs of garments: a picture and what a detector finds in it.

A picture shows a garment (`outlines`) of a cloth (`textures`) in a scene (`scenes`). It depends on the attributes that
pictures carry and on random numbers, and on nothing else: not on the price, not on the usage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from likeness.data.wardrobe.backgrounds import background
from likeness.data.wardrobe.canvas import Canvas, Thing
from likeness.data.wardrobe.detections import Box, detect
from likeness.data.wardrobe.garments import Garment, stream
from likeness.data.wardrobe.scenes import Scene, scene
from likeness.data.wardrobe.staging import stage

#: Sizes of pictures, in pixels: below, no neckline is left; above, there is nothing more to see.
SIZES: Final = range(16, 1025)
#: A picture is drawn on at least so many pixels each way and then scaled down.
_DRAWN: Final = 120


@dataclass(frozen=True)
class Picture:
    """image : (H, W, 3) uint8 sRGB. objects : what a detector reports, the garment first."""

    image: np.ndarray
    objects: tuple[Box, ...]


def draw(seed: int, garment: Garment, size: int, view: int = 0) -> Picture:
    """Photograph number `view` >= 0 of a garment, `size` pixels each way.

    The same at every size but for the sensor's noise. Raises ValueError on a size outside `SIZES` or a negative view.

    >>> from likeness.data.wardrobe.garments import garment
    >>> picture = draw(0, garment(0, 0), 64)
    >>> picture.image.shape, picture.image.dtype
    ((64, 64, 3), dtype('uint8'))
    """
    if size not in SIZES or view < 0:
        raise ValueError(f"size {size}, view {view}: expected a size from {SIZES[0]} to {SIZES[-1]} and a view >= 0")
    shot = scene(seed, garment.number, view)
    things = stage(seed, garment, shot)
    image, owner = render(shot, things, size)
    return Picture(image, detect(shot, things, owner, size))


def render(shot: Scene, things: list[Thing], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the things of a scene, the hindmost first.

    Returns the image (size, size, 3) uint8 and the owners (128, 128) uint8: k where thing k - 1 is seen, 0 where none.
    """
    canvas = Canvas(size, max(2, -(-_DRAWN // size)), shot.light, stream(*shot.key[:1], "folds", *shot.key[1:]))
    background(canvas, shot)
    for number, thing in enumerate(things, start=1):
        canvas.put(thing, number)
    return _develop(shot, *canvas.scaled()), np.asarray(canvas.owner)


def _develop(shot: Scene, rgb: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Light, exposure and cast on the colours, then blur and noise of the camera: uint8."""
    size = len(rgb)
    at = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size) - np.float32(0.5)
    fall = 1 + np.float32(0.22) * (np.float32(shot.light[0]) * at[None, :] + np.float32(shot.light[1]) * at[:, None])
    gain = np.array(shot.cast, np.float32) * np.float32(shot.exposure)
    lit = (
        (rgb * light + np.float32(26) * (light - 1)) * fall[..., None] * gain
    )  # cloth gleams a little, black cloth too
    flat = Image.fromarray(np.clip(lit + np.float32(0.5), 0, 255).astype(np.uint8))
    flat = flat.filter(ImageFilter.GaussianBlur(shot.blur * size / 64))
    noise = stream(*shot.key[:1], "grain", *shot.key[1:], size).standard_normal((size, size, 3), dtype=np.float32)
    return np.clip(np.rint(np.asarray(flat, np.float32) + np.float32(shot.grain) * noise), 0, 255).astype(np.uint8)
