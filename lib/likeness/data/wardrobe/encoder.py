"""A small fixed image encoder: what stands in for the detector's features of KDD Cup 2020.

Four convolutions, trained on another task (`tools/train_encoder.py`): which of 17 sorts of garment a photograph of the
CC0 set `clothing` shows. It has seen no drawing of the wardrobe and none of its attributes; what a feature says of a
drawn object comes from its pixels alone. The weights lie beside this file, in half precision.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

#: Side of a crop, pixels, and channels of the four convolutions.
SIDE: Final = 48
CHANNELS: Final = (16, 32, 64, 128)
#: Average pooling to so many cells along a side: a feature keeps roughly what is where.
CELLS: Final = 2
#: Length of a feature.
WIDTH: Final = CHANNELS[-1] * CELLS**2
WEIGHTS: Final = Path(__file__).with_name("encoder.npz")


class Encoder(nn.Module):
    """Crops (n, 3, SIDE, SIDE) float32 in [0, 1] -> features (n, WIDTH) float32, all >= 0."""

    def __init__(self) -> None:
        """Weights as torch draws them; see `load`."""
        super().__init__()
        sides = zip((3, *CHANNELS), CHANNELS, strict=False)
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in sides)

    def forward(self, x: Tensor) -> Tensor:
        """Convolutions of stride 2, each rectified, then average pooling: (n, 128, 3, 3) -> (n, 512)."""
        x = 2.0 * x - 1.0
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
        return F.adaptive_avg_pool2d(x, CELLS).flatten(1)

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Self:
        """The trained encoder. Raises FileNotFoundError or ValueError where its file is not there or not its own."""
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file; it comes with the package, tools/train_encoder.py makes it")
        encoder = cls()
        with np.load(path, allow_pickle=False) as stored:
            found = {name: torch.from_numpy(stored[name].astype(np.float32)) for name in stored.files}
        wanted = {name: tuple(w.shape) for name, w in encoder.state_dict().items()}
        if {name: tuple(w.shape) for name, w in found.items()} != wanted:
            raise ValueError(f"{path}: holds other weights than {wanted}; install the package anew")
        encoder.load_state_dict(found)
        return encoder.eval()


@lru_cache(maxsize=1)
def _encoder() -> Encoder:
    return Encoder.load()


@torch.no_grad()
def features(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """What the encoder says of some boxes of a picture.

    image (H, W, 3) uint8; boxes (n, 4) real: top, left, bottom, right in pixels, each of at least one pixel inside the
    picture. Each is cut out, resized to `SIDE` and encoded: (n, WIDTH) float32.
    Raises ValueError on other shapes or a box outside.
    """
    image, boxes = np.asarray(image), np.asarray(boxes)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"image of shape {image.shape}, {image.dtype}: expected (H, W, 3) uint8")
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes of shape {boxes.shape}: expected (n, 4)")
    if not len(boxes):
        return np.empty((0, WIDTH), np.float32)
    crops = np.stack([_crop(image, box) for box in boxes])
    x = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255.0
    return np.asarray(_encoder()(x).numpy())


def _crop(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The part of a box, (SIDE, SIDE, 3) uint8."""
    top, left = np.floor(box[:2]).astype(int)
    bottom, right = np.ceil(box[2:]).astype(int)
    if not (0 <= top < bottom <= image.shape[0] and 0 <= left < right <= image.shape[1]):
        raise ValueError(f"box {box.tolist()}: expected top < bottom, left < right inside {image.shape[:2]}")
    part = Image.fromarray(image[top:bottom, left:right])
    return np.asarray(part.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
