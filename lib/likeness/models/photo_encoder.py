"""A small convolutional network for photographs, trained on what a shop's catalogue says of them.

No pretrained weights can be had here. What the papers take from networks trained on ImageNet or COCO comes from this
one, trained on another task (type, colour, gender, usage) and, where it matters, on another shop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.models.labels import Progress, learn, lessons
from likeness.models.photographs import check_photographs, layout, sent

#: Channels of the convolutions: four halve a side of 64 pixels to 4.
CHANNELS: Final = (32, 64, 128, 256)
#: Cells along a side of `grid_features` and `foreground`.
CELLS: Final = 4
#: Largest learning rate of the one-cycle schedule, Adam's usual one twice.
RATE: Final = 2e-3
#: Photographs at once where no gradient is kept.
_STREAM: Final = 256
#: Half of the largest value of a pixel.
_HALF: Final = 127.5
#: Pixels at each side whose median is the background.
_BORDER: Final = 2
#: A pixel is not background where a channel is further from it than this, of 255: more than JPEG adds to a plain wall.
_DIFFERS: Final = 24
#: A cell is not background where this share of its pixels is not: 7.8 and 7.4 of 16 cells in the two shops.
_SHARE: Final = 0.25


class PhotoEncoder(nn.Module):
    """Plain 3 x 3 convolutions of stride 2, each with batch normalisation and a rectifier; a linear head a task.

    tasks : names and numbers of classes. channels : of the convolutions; the last is the width C of a feature.
    The weights are as torch's current generator draws them; `train_encoder` takes a seed.
    """

    def __init__(self, tasks: Mapping[str, int], channels: Sequence[int] = CHANNELS) -> None:
        super().__init__()
        if not channels or min(channels) < 1 or not tasks or min(tasks.values()) < 2:
            raise ValueError(f"channels {tuple(channels)}, tasks {dict(tasks)}: expected some, of two classes or more")
        sides = zip((3, *channels), channels, strict=False)
        self.body = nn.Sequential(*(_layer(inputs, outputs) for inputs, outputs in sides))
        self.tasks = tuple(tasks)
        self.width = channels[-1]
        # a list: as names of modules, "type" and others are taken
        self.heads = nn.ModuleList(nn.Linear(self.width, classes) for classes in tasks.values())

    def forward(self, x: Tensor) -> Tensor:
        """Feature map: x (n, 3, s, s) uint8, or real in [0, 255] -> (n, C, h, h) float32 >= 0; h = 4 for s = 64."""
        return self.body(x.float() / _HALF - 1.0)

    def logits(self, x: Tensor) -> dict[str, Tensor]:
        """Scores of the classes of each task, (n, classes), from the mean over the feature map."""
        pooled = self(x).mean(dim=(2, 3))
        return {task: head(pooled) for task, head in zip(self.tasks, self.heads, strict=True)}


def train_encoder(
    images: np.ndarray,
    labels: Mapping[str, np.ndarray],
    *,
    epochs: int,
    seed: int,
    channels: Sequence[int] = CHANNELS,
    batch: int = 128,
    progress: Progress | None = None,
    device: torch.device | str,
) -> PhotoEncoder:
    """Train an encoder by Adam and the one-cycle schedule on mirrored and moved photographs; it is ready for use.

    Photographs stay uint8 in memory and go to the device a batch at a time. First weights, order, mirroring and moves
    are drawn on the CPU, so that a seed means the same on every device; sums differ in the last bits.

    Parameters
    ----------
    images : (N, 3, s, s) uint8, N >= 2
    labels : task -> (N,) integers, classes from 0, -1 unknown; at least two classes a task
    batch : photographs a step, at least 2; a remainder is shared out, so that none is a batch of one
    progress : called with (epochs done, epochs in all, mean loss of the epoch)

    Raises ValueError on other shapes, dtypes or labels, and on fewer than one epoch; FloatingPointError where the loss
    is not finite.
    """
    y = lessons(images, labels, epochs=epochs, batch=batch, rate=RATE)
    device = torch.device(device)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also reseed the GPU, which nothing restores
        encoder = PhotoEncoder({task: int(of.max()) + 1 for task, of in y.items()}, channels)
    encoder.to(device).to(memory_format=layout(device))  # type: ignore[call-overload]  # torch's stubs lack it
    optimiser = torch.optim.Adam(encoder.parameters(), lr=RATE)
    learn(encoder.logits, optimiser, images, y, epochs=epochs, batch=batch, rate=RATE, seed=seed, device=device,
          progress=progress)  # fmt: skip
    return encoder.eval()


def grid_features(encoder: PhotoEncoder, images: np.ndarray) -> np.ndarray:
    """Features of the 4 x 4 cells of photographs: images (N, 3, s, s) uint8 -> (N, 4, 4, C) float32, all >= 0.

    The last feature map, averaged to 4 x 4; [:, 0, 0] is the upper left cell. Computed where the encoder is.
    Raises ValueError on another array, and where the map is smaller than 4 x 4.
    """
    found = []
    for maps in _maps(encoder, images):
        if maps.shape[2] < CELLS:
            pixels, side = images.shape[2], maps.shape[2]
            raise ValueError(f"{pixels} pixels give a map of side {side}, expected {CELLS} or more: enlarge them")
        found.append(F.adaptive_avg_pool2d(maps, CELLS).permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(found) if found else np.empty((0, CELLS, CELLS, encoder.width), np.float32)


def vector_features(encoder: PhotoEncoder, images: np.ndarray) -> np.ndarray:
    """One feature a photograph, the mean over the last map: images (N, 3, s, s) uint8 -> (N, C) float32, all >= 0.

    Raises ValueError on another array.
    """
    found = [maps.mean(dim=(2, 3)).cpu().numpy() for maps in _maps(encoder, images)]
    return np.concatenate(found) if found else np.empty((0, encoder.width), np.float32)


def foreground(images: np.ndarray, cells: int = CELLS) -> np.ndarray:
    """Which cells of photographs are not background: images (N, s, s, 3) uint8 -> (N, cells, cells) bool.

    The background is the median of the border, by channel: what is worn may reach the border, if not along half of it.
    A cell counts where a quarter of its pixels differ from it by more than 24 of 255 in some channel; where none does,
    the one that differs most on average, so that there always is one. What is white on white is found badly.
    Raises ValueError on another array, or a side that is no multiple of `cells`.

    >>> wall = np.full((1, 8, 8, 3), 255, np.uint8)
    >>> wall[0, 2:4, 4:6] = 0
    >>> np.argwhere(foreground(wall)[0]).tolist()
    [[1, 2]]
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.shape[1] != images.shape[2] or images.dtype != np.uint8:
        raise ValueError(f"photographs of shape {images.shape}, {images.dtype}: expected (N, s, s, 3) uint8")
    side = images.shape[1]
    if cells < 1 or side % cells or side < 2 * _BORDER:
        raise ValueError(f"photographs of {side} pixels, {cells} cells: expected a multiple, at least {2 * _BORDER}")
    found = np.zeros((len(images), cells, cells), bool)
    for start in range(0, len(images), _STREAM):
        found[start : start + _STREAM] = _foreground(images[start : start + _STREAM], cells)
    return found


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)  # the normalisation has a bias
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


@torch.no_grad()
def _maps(encoder: PhotoEncoder, images: np.ndarray) -> Iterator[Tensor]:
    """Feature maps, some photographs at a time; the encoder is afterwards in the mode in which it came."""
    check_photographs(images)
    device, before = next(encoder.parameters()).device, encoder.training
    encoder.eval()
    try:
        for start in range(0, len(images), _STREAM):
            x = sent(images, slice(start, start + _STREAM), device)
            yield encoder(x.contiguous(memory_format=layout(device)))
    finally:
        encoder.train(before)


def _foreground(images: np.ndarray, cells: int) -> np.ndarray:
    n, side = images.shape[:2]
    edge = np.ones((side, side), bool)
    edge[_BORDER:-_BORDER, _BORDER:-_BORDER] = False
    wall = np.median(images[:, edge], axis=1)  # (n, 3)
    far = np.abs(images - wall[:, None, None].astype(np.float32)).max(axis=3)  # (n, s, s)
    cell = far.reshape(n, cells, side // cells, cells, side // cells)
    found = (cell > _DIFFERS).mean(axis=(2, 4)) >= _SHARE
    most = cell.mean(axis=(2, 4)).reshape(n, -1).argmax(axis=1)
    found.reshape(n, -1)[np.arange(n), most] |= ~found.any(axis=(1, 2))
    return found

