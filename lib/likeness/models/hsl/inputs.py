"""What every model takes: images as padded sets of object features, texts as padded rows of word numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from torch import Tensor

#: Objects of an image that the published code keeps, the largest boxes (the paper does not say so).
LIMIT: Final = 20


@dataclass(frozen=True, eq=False)
class Images:
    """Objects of N images: objects (N, n, d0) float32, present (N, n) bool; each image has at least one."""

    objects: Tensor
    present: Tensor

    @classmethod
    def of(
        cls, features: Sequence[np.ndarray], boxes: Sequence[np.ndarray] | None = None, *, limit: int | None = LIMIT
    ) -> Self:
        """Pad objects to the longest image.

        An image without objects gets one, of zeros: a model then says what it says of nothing. Of more than `limit`
        the largest boxes are kept, the earlier of equal ones; without boxes the first.

        Parameters
        ----------
        features : per image (n_i, d0) real
        boxes : per image (n_i, 4): top, left, bottom, right; None: no sizes are known
        limit : objects of an image at most; None keeps all

        Raises ValueError, naming the image, on no image, another width, boxes that do not fit or have no inside, a
        limit below 1, or a number that is not finite in float32.
        """
        if not len(features) or (limit is not None and limit < 1):
            raise ValueError(f"{len(features)} images, limit {limit}: expected one or more of both")
        if boxes is not None and len(boxes) != len(features):
            raise ValueError(f"{len(boxes)} lists of boxes for {len(features)} images: expected as many")
        with np.errstate(over="ignore"):  # what is too large for float32 is refused below
            seen = [np.asarray(one, np.float32) for one in features]
        width = {one.shape[-1] if one.ndim == 2 else -1 for one in seen}
        for at, one in enumerate(seen):
            if len(width) != 1 or one.ndim != 2 or not np.isfinite(one).all():
                raise ValueError(
                    f"image {at}: features of shape {one.shape}, widths {sorted(width)}: expected (n, d0), one d0 for "
                    "all images, all finite"
                )
        kept = [
            one[:limit] if boxes is None else one[np.argsort(-_areas(at, boxes[at], len(one)), kind="stable")[:limit]]
            for at, one in enumerate(seen)
        ]
        most = max(1, *(len(one) for one in kept))
        objects = np.zeros((len(kept), most, width.pop()), np.float32)
        present = np.zeros((len(kept), most), bool)
        present[:, 0] = True
        for row, one in enumerate(kept):
            objects[row, : len(one)] = one
            present[row, : len(one)] = True
        return cls(torch.from_numpy(objects), torch.from_numpy(present))

    def rows(self, index: Tensor | np.ndarray | Sequence[int]) -> Images:
        """Some of the images, padded no further than the longest of them needs."""
        index = torch.as_tensor(index, device=self.present.device)
        present = self.present[index]
        longest = int(present.sum(dim=1).max())
        return Images(self.objects[index, :longest], present[:, :longest])

    def to(self, device: torch.device | str) -> Images:
        """The same on a device."""
        return Images(self.objects.to(device), self.present.to(device))

    def __len__(self) -> int:
        """Number of images."""
        return len(self.objects)


@dataclass(frozen=True, eq=False)
class Texts:
    """Words of N texts: words (N, m) int64, numbers of a `Vocabulary`, present (N, m) bool; at least one each."""

    words: Tensor
    present: Tensor

    @classmethod
    def of(cls, numbers: Sequence[Sequence[int]]) -> Self:
        """Pad rows of word numbers. Raises ValueError on no text, one without words, or a number below 0."""
        if not len(numbers) or not all(len(one) and min(one) >= 0 for one in numbers):
            raise ValueError("texts: expected one or more, each of at least one word, numbers from 0")
        most = max(len(one) for one in numbers)
        words = torch.zeros(len(numbers), most, dtype=torch.int64)
        present = torch.zeros(len(numbers), most, dtype=torch.bool)
        for row, one in enumerate(numbers):
            words[row, : len(one)] = torch.tensor(one)
            present[row, : len(one)] = True
        return cls(words, present)

    def rows(self, index: Tensor | np.ndarray | Sequence[int]) -> Texts:
        """Some of the texts, padded no further than the longest of them needs."""
        index = torch.as_tensor(index, device=self.present.device)
        present = self.present[index]
        longest = int(present.sum(dim=1).max())
        return Texts(self.words[index, :longest], present[:, :longest])

    def to(self, device: torch.device | str) -> Texts:
        """The same on a device."""
        return Texts(self.words.to(device), self.present.to(device))

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.words)


def equal_texts(texts: Texts) -> Tensor:
    """Which texts say the same, (N, N) bool, the diagonal included: none of them is a negative of another."""
    words = torch.where(texts.present, texts.words, -1)
    return (words[:, None] == words[None, :]).all(dim=2)


def mean_of_present(x: Tensor, present: Tensor) -> Tensor:
    """Mean over what is there: x (N, n, d), present (N, n) bool -> (N, d)."""
    weights = present.to(x.dtype).unsqueeze(2)
    return (x * weights).sum(dim=1) / weights.sum(dim=1)


def _areas(at: int, boxes: np.ndarray, count: int) -> np.ndarray:
    """Of each box of an image, (n,) float64."""
    sides = np.asarray(boxes, np.float64)
    if sides.shape != (count, 4) or not np.isfinite(sides).all() or (sides[:, 2:] < sides[:, :2]).any():
        raise ValueError(
            f"image {at}: boxes of shape {sides.shape}: expected ({count}, 4), top <= bottom, left <= right, all finite"
        )
    return np.asarray((sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1]))
