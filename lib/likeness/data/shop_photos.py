"""Photographs of a shop's products as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image

from likeness.data.images import Images

#: Side of a photograph, pixels.
SIDE: Final = 64


def photographs(images: Images[str], ids: Sequence[str], side: int = SIDE) -> np.ndarray:
    """Photographs of some products: (N, side, side, 3) uint8, in the order of the ids.

    Each is resized to a square, whatever its shape: what is upright gets wider, by the same factor in a whole shop.
    `.transpose(0, 3, 1, 2)` is what `PhotoEncoder` takes. Memory: 12 KB a photograph of 64 pixels.

    Raises KeyError on an id without a photograph, ValueError on a damaged one or a side below 1.
    """
    if side < 1:
        raise ValueError(f"side {side}: expected 1 or more")
    found = np.empty((len(ids), side, side, 3), np.uint8)
    for row, key in enumerate(ids):
        photograph = Image.fromarray(images.array(key))
        found[row] = np.asarray(photograph.resize((side, side), Image.Resampling.BILINEAR))
    return found
