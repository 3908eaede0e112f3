"""Augmentation of photographs as section 4.2 of the paper prints it, each part with a chance of one half.

References
----------
[1] Tran, Hoang, "ComposeTransformers", 2022, section 4.2. "15 degrees of translation" has no meaning and is left out;
    the release turns by 10 degrees and moves by .15.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from likeness.models.photographs import check_photographs, sent

#: Largest turn in radians, largest move as a share of the side, and range of the scale.
TURN, MOVE, SCALES = math.radians(5.0), 0.1, (0.85, 1.15)
#: Weights of a Gaussian of width 1 on 5 pixels, of which the blur is the product.
_BLUR: Final = tuple(math.exp(-(x**2) / 2) for x in (-2, -1, 0, 1, 2))
_CHANCE: Final = 0.5
_BATCH: Final = 512


def augmented(photos: np.ndarray, rng: torch.Generator) -> np.ndarray:
    """Photographs (N, 3, s, s) uint8, each turned, moved, scaled, mirrored and blurred, or not; what comes in is black.

    rng : on the CPU. Raises ValueError on another array.
    """
    check_photographs(photos)
    found = np.empty_like(photos)
    for start in range(0, len(photos), _BATCH):
        some = slice(start, start + _BATCH)
        found[some] = _augmented(sent(photos, some, "cpu").float(), rng).round().to(torch.uint8).numpy()
    return found


def _augmented(x: Tensor, rng: torch.Generator) -> Tensor:
    n = len(x)

    def drawn(low: float, high: float, otherwise: float) -> Tensor:
        """Uniform numbers (n,), or what changes nothing."""
        value = low + (high - low) * torch.rand(n, generator=rng)
        return torch.where(torch.rand(n, generator=rng) < _CHANCE, value, otherwise)

    turn, scale = drawn(-TURN, TURN, 0.0), drawn(*SCALES, 1.0)
    across, down = drawn(-MOVE, MOVE, 0.0), drawn(-MOVE, MOVE, 0.0)
    mirror = torch.where(torch.rand(n, generator=rng) < _CHANCE, -1.0, 1.0)
    cosine, sine = torch.cos(turn) / scale, torch.sin(turn) / scale
    # from places of the result to places of x; affine_grid counts a side from -1 to 1
    rows = [mirror * cosine, -sine, 2 * across, mirror * sine, cosine, 2 * down]
    grid = F.affine_grid(torch.stack(rows, dim=1).view(n, 2, 3), list(x.shape), align_corners=False)
    moved = F.grid_sample(x, grid, padding_mode="zeros", align_corners=False)
    weights = torch.tensor(_BLUR) / sum(_BLUR)
    kernel = torch.outer(weights, weights).expand(3, 1, 5, 5)
    blurred = F.conv2d(F.pad(moved, (2, 2, 2, 2), mode="reflect"), kernel, groups=3)
    blur = torch.rand(n, generator=rng) < _CHANCE
    return torch.where(blur[:, None, None, None], blurred, moved).clamp(0, 255)
