"""Regions: what an object detector and its features would give of a picture of the wardrobe."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from likeness.data.wardrobe.drawing import Picture, draw
from likeness.data.wardrobe.encoder import features
from likeness.data.wardrobe.garments import Garment

#: Pixels along a side of the picture that regions are seen in: a neckline is then about ten of them.
SIZE: Final = 128


class Regions(NamedTuple):
    """The objects of one picture, in the form of KDD Cup 2020's records.

    boxes (n, 4) float32: top, left, bottom, right in pixels. features (n, 512) float32, of the pixels in the box alone.
    labels (n,) int64, of the 33 classes.
    """

    boxes: np.ndarray
    features: np.ndarray
    labels: np.ndarray


def regions(seed: int, garment: Garment, *, view: int = 0, size: int = SIZE) -> Regions:
    """Draw a garment (`drawing.draw`) and encode what a detector would see, 1 to 40 objects."""
    return of(draw(seed, garment, size, view))


def of(picture: Picture) -> Regions:
    """The regions of a picture that is drawn already."""
    boxes = np.array([(b.top, b.left, b.bottom, b.right) for b in picture.objects], np.float32).reshape(-1, 4)
    labels = np.array([b.label for b in picture.objects], np.int64)
    return Regions(boxes, features(picture.image, boxes), labels)
