"""Backgrounds: what a garment hangs before or lies on."""

from __future__ import annotations

import numpy as np
from PIL import Image

from likeness.data.wardrobe.canvas import NORMAL, Canvas
from likeness.data.wardrobe.garments import stream
from likeness.data.wardrobe.outlines import RGB, tone
from likeness.data.wardrobe.scenes import Scene


def background(canvas: Canvas, shot: Scene) -> None:
    """Fill the canvas with the background of a scene."""
    seed, *rest = shot.key
    rng = stream(seed, "background", *rest)
    n, draw = canvas.n, canvas.pen
    draw.rectangle((0, 0, n, n), fill=shot.wall)
    if shot.background == "gradient":
        ends = np.array(
            [[tone(shot.wall, rng.uniform(0.95, 1.1))], [tone(shot.wall, rng.uniform(0.62, 0.86))]], np.uint8
        )
        canvas.colour.paste(Image.fromarray(ends).resize((n, n), Image.Resampling.BICUBIC))
    elif shot.background == "wall and floor":
        line = rng.uniform(0.66, 0.92) * n
        draw.rectangle((0, line, n, n), fill=shot.floor)
        draw.rectangle((0, line - 0.022 * n, n, line), fill=tone(shot.wall, 1.08))
        draw.line((0, line, n, line), fill=tone(shot.floor, 0.6), width=max(1, round(0.006 * n)))
        _mottle(canvas, rng, (12, 3), 5)
    elif shot.background == "wood":
        _planks(canvas, shot.floor, rng)
    elif shot.background == "carpet":
        draw.rectangle((0, 0, n, n), fill=shot.floor)
        _mottle(canvas, rng, (64, 64), 11)
    if shot.background in ("studio", "gradient"):
        _mottle(canvas, rng, (4, 4), 5)


def _mottle(canvas: Canvas, rng: np.random.Generator, cells: tuple[int, int], depth: float) -> None:
    """Uneven light: a random grid of (rows, columns), smoothed."""
    grid = np.clip(NORMAL + depth * rng.standard_normal(cells), 0, 255).astype(np.uint8)
    canvas.shade.paste(Image.fromarray(grid).resize((canvas.n, canvas.n), Image.Resampling.BICUBIC))


def _planks(canvas: Canvas, colour: RGB, rng: np.random.Generator) -> None:
    """Planks with a grain along them, upright or lying."""
    n, planks = canvas.n, int(rng.integers(4, 9))
    draw, upright = canvas.pen, rng.random() < 0.5
    for k, level in enumerate(rng.uniform(0.84, 1.14, planks)):
        a, b = k * n / planks, (k + 1) * n / planks
        draw.rectangle((a, 0, b, n) if upright else (0, a, n, b), fill=tone(colour, level))
        draw.line((a, 0, a, n) if upright else (0, a, n, a), fill=tone(colour, 0.55), width=max(1, round(0.008 * n)))
    _mottle(canvas, rng, (3, 60) if upright else (60, 3), 9)
