"""Photographs (N, 3, s, s) uint8 on their way to a network: checked, a batch at a time, mirrored and moved."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

#: Pixels by which training moves a photograph each way at most: a sixteenth of 64.
SHIFT: Final = 4


def check_photographs(photos: np.ndarray) -> None:
    """Raises ValueError on anything but (N, 3, s, s) uint8."""
    square = isinstance(photos, np.ndarray) and photos.ndim == 4 and photos.shape[2] == photos.shape[3] > 0
    if not square or photos.shape[1] != 3 or photos.dtype != np.uint8:
        said = f"{photos.shape}, {photos.dtype}" if isinstance(photos, np.ndarray) else type(photos).__name__
        raise ValueError(f"photographs of {said}: expected an array (N, 3, s, s) of uint8")


def layout(device: torch.device) -> torch.memory_format:
    """Channels last is what CPUs convolve fastest."""
    return torch.channels_last if device.type == "cpu" else torch.contiguous_format


def sent(photos: np.ndarray, rows: np.ndarray | slice, device: torch.device | str) -> Tensor:
    """Some photographs, (n, 3, s, s) uint8, on the device."""
    return torch.from_numpy(np.array(photos[rows])).to(device)


def shaken(x: Tensor, rng: torch.Generator) -> Tensor:
    """Each photograph mirrored or not and moved by up to `SHIFT` pixels each way; what comes in repeats the border.

    x (n, 3, s, s) of any kind and place, rng on the CPU, so that a seed means the same on every device.
    """
    n, _, side, _ = x.shape
    flip = torch.rand(n, generator=rng) < 0.5
    move = torch.randint(-SHIFT, SHIFT + 1, (2, n, 1), generator=rng)
    rows, columns = (torch.arange(side) + move).clamp(0, side - 1)  # (n, s) each
    columns = torch.where(flip[:, None], columns.flip(1), columns)
    rows, columns = rows.to(x.device), columns.to(x.device)
    which = torch.arange(n, device=x.device)[:, None, None]
    moved = x.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]]  # (n, s, s, 3), channels last in memory
    return moved.permute(0, 3, 1, 2).contiguous(memory_format=layout(x.device))
