r"""Digits of 28 x 28 pixels made from scikit-learn's real 8 x 8 ones by affine and elastic deformation.

A stand-in of MNIST's size where MNIST is not there: nothing is downloaded. Each image is a real digit, enlarged, then
read at displaced places

.. math:: u(p) = A (p - o) + t + \alpha \, (G_\sigma * \epsilon)(p)

with a random rotation, scale, shear and shift (A, t) and smoothed noise of alpha pixels root mean square [1]_. Training
and test images are made from different originals.

References
----------
.. [1] Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks", ICDAR 2003 (elastic distortion).
.. [2] Alpaydin, Kaynak, "Optical Recognition of Handwritten Digits", UCI, doi:10.24432/C50P49 (the originals).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, zoom
from sklearn.datasets import load_digits

from likeness.data.mnist import SIDE, Digits, Part

#: Most images that may be asked for: MNIST's size.
MOST: Final = {"train": 60_000, "test": 10_000}
#: The originals of each part: no test image has a training image's original.
ORIGINALS: Final = {"train": slice(0, 1437), "test": slice(1437, 1797)}
#: Images made at once; also what makes the first n images the same whatever n is.
_BATCH: Final = 1000
#: The 8 x 8 digit fills this many pixels of 28, as MNIST's digits fill 20.
_INNER: Final = 20


@dataclass(frozen=True)
class Deformation:
    """How far images are deformed, as standard deviations or (last) as widths in pixels.

    rotation : radians. scale, shear : shares. shift : pixels. elastic : root mean square displacement in pixels of
    noise smoothed by a Gaussian of width smooth.
    """

    rotation: float = 0.08
    scale: float = 0.05
    shear: float = 0.06
    shift: float = 0.4
    elastic: float = 0.5
    smooth: float = 4.0


def make(part: Part, n: int, seed: int = 0, how: Deformation | None = None) -> Digits:
    """The first n deformed digits of a part: x (n, 784) uint8, y (n,) int64, chip "generated".

    For one seed the first images are the same whatever n is. Classes come about equally often, in random order.

    Raises ValueError on an unknown part, or n outside 1..60,000 (train) or 1..10,000 (test).

    >>> make("train", 3).x.shape
    (3, 784)
    """
    if part not in MOST or not 1 <= n <= MOST[part]:
        most = f"1 to {MOST['train']} of 'train' or {MOST['test']} of 'test'"
        raise ValueError(f"{n} images of {part!r}: expected {most}")
    images, labels = _originals()
    images, labels = images[ORIGINALS[part]], labels[ORIGINALS[part]]
    x, y = np.empty((n, SIDE * SIDE), np.uint8), np.empty(n, np.int64)
    for begin in range(0, n, _BATCH):
        rng = np.random.default_rng([seed, list(MOST).index(part), begin])
        which = rng.integers(0, len(images), _BATCH)
        places = _places(rng, how or Deformation())
        many = min(_BATCH, n - begin)
        x[begin : begin + many] = _look(images[which[:many]], places[:, :many]).reshape(many, -1)
        y[begin : begin + many] = labels[which[:many]]
    return Digits(x, y, "generated")


@cache
def _originals() -> tuple[np.ndarray, np.ndarray]:
    """All real digits at 28 x 28, (1797, 28, 28) float32 in 0..255, and their labels."""
    small, labels = load_digits(return_X_y=True)
    large = zoom(small.reshape(-1, 8, 8), (1, _INNER / 8, _INNER / 8), order=3, grid_mode=True, mode="nearest")
    large = np.clip(large * (255.0 / 16.0), 0.0, 255.0).astype(np.float32)
    edge = (SIDE - _INNER) // 2
    return np.pad(large, ((0, 0), (edge, edge), (edge, edge))), labels.astype(np.int64)


def _places(rng: np.random.Generator, how: Deformation) -> np.ndarray:
    """Where each pixel of a batch is read: (2, B, 28, 28), rows and columns."""
    angle = rng.normal(0.0, how.rotation, _BATCH)
    scale = np.exp(rng.normal(0.0, how.scale, (2, _BATCH)))
    shear = rng.normal(0.0, how.shear, _BATCH)
    shift = rng.normal(0.0, how.shift, (2, _BATCH))
    cos, sin = np.cos(angle), np.sin(angle)
    a = np.array([[cos * scale[0], (shear * cos - sin) * scale[1]], [sin * scale[0], (shear * sin + cos) * scale[1]]])
    middle = (SIDE - 1) / 2.0
    grid = np.indices((SIDE, SIDE)) - middle  # (2, 28, 28)
    places = np.einsum("abn,bij->anij", a, grid) + middle + shift[:, :, None, None]
    noise = gaussian_filter(rng.normal(size=(2, _BATCH, SIDE, SIDE)), (0, 0, how.smooth, how.smooth), mode="constant")
    return np.asarray(places + how.elastic * noise / np.sqrt((noise**2).mean()))


def _look(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """images (b, 28, 28) read at places (2, b, 28, 28) by linear interpolation, zero outside: (b, 28, 28) uint8."""
    which = np.broadcast_to(np.arange(len(images), dtype=np.float64)[:, None, None], places.shape[1:])
    read = map_coordinates(images, np.stack([which, *places]), order=1, mode="constant")
    return np.rint(read).astype(np.uint8)
