"""Pictures of garments as a baseline sees them: small pixels, their border, and a feature of the garment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from likeness.data.wardrobe import regions
from likeness.data.wardrobe.drawing import draw
from likeness.data.wardrobe.garments import Garment

#: Side of the small picture of the pixel baselines.
SMALL: Final = 16
#: Weight of the probe's ridge: about the number of pictures it learns from, which holds 512 features in check.
RIDGE: Final = 300.0


@dataclass(frozen=True, eq=False)
class Looks:
    """Of n garments: pixels (n, 3 SMALL^2) and border (n, 12 (SMALL - 1)) in [0, 1]; features (n, 512); boxes (n,)."""

    garments: tuple[Garment, ...]
    pixels: np.ndarray
    border: np.ndarray
    features: np.ndarray
    boxes: np.ndarray

    def rows(self, which: np.ndarray) -> Looks:
        """Those of some rows."""
        chosen = tuple(self.garments[k] for k in which)
        return Looks(chosen, self.pixels[which], self.border[which], self.features[which], self.boxes[which])

    def column(self, name: str) -> np.ndarray:
        """Values (n,) of an attribute."""
        return np.array([getattr(one, name) for one in self.garments])


def look(seed: int, garments: Sequence[Garment]) -> Looks:
    """Draw each garment once and see it. The feature is that of the first box, the garment's own."""
    small, features, boxes = [], [], []
    for one in garments:
        picture = draw(seed, one, regions.SIZE)
        seen = regions.of(picture)
        reduced = Image.fromarray(picture.image).resize((SMALL, SMALL), Image.Resampling.BOX)
        small.append(np.asarray(reduced, np.float32) / 255.0)
        features.append(seen.features[0])
        boxes.append(len(seen.boxes))
    pixels = np.stack(small)  # (n, S, S, 3)
    ring = np.ones((SMALL, SMALL), bool)
    ring[1:-1, 1:-1] = False
    n = len(pixels)
    return Looks(tuple(garments), pixels.reshape(n, -1), pixels[:, ring].reshape(n, -1), np.stack(features),
                 np.array(boxes))  # fmt: skip


def probe() -> Pipeline:
    """An untrained linear probe: standardised inputs, ridge regression to the classes, rare ones weighted up."""
    return make_pipeline(StandardScaler(), RidgeClassifier(alpha=RIDGE, class_weight="balanced"))


def recognised(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean over the classes of the share recognised, in [0, 1]; one answer for all has 1 / classes.

    >>> recognised(np.array(["a", "a", "a", "b"]), np.array(["a", "a", "a", "a"]))
    0.5
    """
    return float(np.mean([(predicted[truth == one] == one).mean() for one in np.unique(truth)]))


def nearest(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Row of `train` (n, D) nearest to each row of `test` (m, D) by Euclidean distance: (m,) int64."""
    return np.asarray(distances(test, train).argmin(axis=1))


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances (m, n) of rows of a (m, D) and b (n, D)."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return np.asarray((a**2).sum(axis=1)[:, None] - 2.0 * a @ b.T + (b**2).sum(axis=1))
