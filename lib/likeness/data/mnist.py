"""MNIST from idx files below LIKENESS_DATA: 60,000 + 10,000 digits of 28 x 28 pixels in their original order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from likeness.data.idx import read_idx
from likeness.data.registry import locate

Part = Literal["train", "test"]

#: Images and labels of each part, below the data folder.
FILES: Final = {
    "train": ("mnist/train-images-idx3-ubyte.gz", "mnist/train-labels-idx1-ubyte.gz"),
    "test": ("mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz"),
}
#: Pixels along a side.
SIDE: Final = 28


@dataclass(frozen=True, eq=False)
class Digits:
    """Images x (n, 784) uint8, 0..255, row by row; labels y (n,) int64, 0..9; and where they come from."""

    x: np.ndarray
    y: np.ndarray
    chip: str


def load(part: Part) -> Digits:
    """The training or the test part of MNIST; the paper's 50,000 rows are the first ones of its file.

    Raises
    ------
    FileNotFoundError : no data folder, or no MNIST in it; the message says how to get it.
    ValueError : an unknown part, files with another hash, or files that do not belong together.
    """
    if part not in FILES:
        raise ValueError(f"part {part!r}: expected one of {', '.join(FILES)}")
    images, labels = (read_idx(locate("mnist", path)) for path in FILES[part])
    bytes_only = images.dtype == labels.dtype == np.uint8
    if images.shape[1:] != (SIDE, SIDE) or labels.shape != images.shape[:1] or not bytes_only:
        raise ValueError(f"MNIST {part}: images {images.shape}, labels {labels.shape}: they do not belong together")
    return Digits(images.reshape(len(images), -1), labels.astype(np.int64), "paper")
