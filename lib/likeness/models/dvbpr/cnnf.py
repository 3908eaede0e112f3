r"""The network Phi of DVBPR: CNN-F, and a warm start in its place.

========  ========  ========  ========  ========  =======  =======  =====
conv1     conv2     conv3     conv4     conv5     full6    full7    full8
========  ========  ========  ========  ========  =======  =======  =====
64x11x11  256x5x5   256x3x3   256x3x3   256x3x3   4096     4096     K
st. 4     st. 1     st. 1     st. 1     st. 1     dropout  dropout  --
pad 0     pad 2     pad 1     pad 1     pad 1
x2 pool   x2 pool   --        --        x2 pool
========  ========  ========  ========  ========  =======  =======  =====

That is the table of [1], section III-A. A rectifier follows each layer but the last; there is no local response
normalisation, which [2] has after conv1 and conv2: neither [1] nor its code names one. [2] pools 3 x 3 at stride 2; the
published code, which is followed, reads "x2 pool" as 2 x 2.

References
----------
[1] Kang, Fang, Wang, McAuley, "Visually-aware fashion recommendation and design with generative image models", ICDM
    2017, section III-A; code kang205/DVBPR (TensorFlow 1.3).
[2] Chatfield, Simonyan, Vedaldi, Zisserman, "Return of the devil in the details", BMVC 2014, table 1.
"""

from __future__ import annotations

import copy
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.models.photo_encoder import PhotoEncoder

#: Filters of conv1 ... conv5 and units of full6, full7 at width 1.
CHANNELS: Final = (64, 256, 256, 256, 256)
UNITS: Final = 4096
#: Side of the filters of conv1, and of those of conv2 ... conv5.
FIRST_KERNEL: Final = 11
KERNELS: Final = (5, 3, 3, 3)
#: Side of an image in the paper.
SIDE: Final = 224

Padding = Literal["printed", "same"]


class CNNF(nn.Module):
    """CNN-F: (B, 3, side, side) in [-1, 1] -> (B, factors), unbounded. The module's head has the layers.

    Weights start as Xavier has them, uniform within sqrt(6 / (fan in + fan out)), biases at 0, both as in the code.

    Parameters
    ----------
    factors : K, 50 in the paper, 100 in the code
    side : of an image, 224 in the paper
    width : factor of the numbers of filters and of units of full6, full7; 1 is the paper's
    padding : "printed": none at conv1, and a pooling drops an odd last row, which leaves 6 x 6 of 224 pixels; "same":
        TensorFlow's SAME, as coded, at conv1 and at the poolings, which leaves 7 x 7
    stride : of conv1, 4 in the paper; 2 keeps more of a small image (of 64 pixels 3 x 3 instead of 1 x 1)
    dropout : probability with which a unit of full6, full7 is dropped in training
    rng : draws the weights; None is torch's current generator

    Raises ValueError on a side that leaves no pixels (it names the least one) and on other nonsense.

    >>> CNNF(50, side=64, width=1 / 16, stride=2)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 50])
    """

    def __init__(
        self,
        factors: int,
        side: int = SIDE,
        width: float = 1.0,
        padding: Padding = "printed",
        stride: int = 4,
        dropout: float = 0.5,
        *,
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if factors < 1 or not 0 < width < float("inf") or not 0 <= dropout < 1:
            raise ValueError(f"{factors} factors, width {width}, dropout {dropout}: expected >= 1, > 0, in [0, 1)")
        self.side, self.factors = side, factors
        left = sides(side, stride, padding)[-1]
        channels, units = [_scaled(n, width) for n in CHANNELS], _scaled(UNITS, width)
        first = nn.utils.skip_init(nn.Conv2d, 3, channels[0], FIRST_KERNEL, stride=stride)
        rest = [
            nn.utils.skip_init(nn.Conv2d, inputs, outputs, kernel, padding=kernel // 2)
            for inputs, outputs, kernel in zip(channels, channels[1:], KERNELS, strict=False)
        ]
        pool, relu = nn.MaxPool2d(2, ceil_mode=padding == "same"), nn.ReLU()
        self.convolutions = nn.Sequential(
            _SamePad(FIRST_KERNEL, stride) if padding == "same" else nn.Identity(),
            first, relu, pool, rest[0], relu, pool, rest[1], relu, rest[2], relu, rest[3], relu, pool,
        )  # fmt: skip
        self.full = nn.Sequential(
            _linear(left * left * channels[-1], units), relu, Dropout(dropout),
            _linear(units, units), relu, Dropout(dropout), _linear(units, factors),
        )  # fmt: skip
        _xavier(self, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Phi(X): x (B, 3, side, side) in [-1, 1] -> (B, K). Raises ValueError on another shape."""
        if x.ndim != 4 or tuple(x.shape[1:]) != (3, self.side, self.side):
            raise ValueError(f"images of shape {tuple(x.shape)}: expected (B, 3, {self.side}, {self.side})")
        return self.full(self.convolutions(x).flatten(1))


class Warm(nn.Module):
    """A departure from the paper: the body of a trained encoder, the mean over its map, and a linear layer.

    (B, 3, s, s) in [-1, 1] -> (B, factors). The body is a copy, trained further; the encoder stays as it is. It is what
    the encoder applies to pixels x / 127.5 - 1, so it takes the same photographs as `CNNF` does.

    Parameters
    ----------
    encoder : trained on another task, and where it matters on another shop
    rng : draws the linear layer, Xavier's as in `CNNF`; None is torch's current generator
    """

    def __init__(self, encoder: PhotoEncoder, factors: int, *, rng: torch.Generator | None = None) -> None:
        super().__init__()
        if factors < 1:
            raise ValueError(f"{factors} factors: expected 1 or more")
        self.factors = factors
        self.body = copy.deepcopy(encoder.body)
        self.head = _linear(encoder.width, factors)
        _xavier(self.head, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Phi(X): x (B, 3, s, s) in [-1, 1] -> (B, K)."""
        return self.head(self.body(x).mean(dim=(2, 3)))


class Dropout(nn.Module):
    """Dropout whose masks are drawn on the CPU, by torch's current generator: a seed means the same on every device."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """In training, zero with probability p, else x / (1 - p); outside of it x."""
        if not self.training or self.p == 0:
            return x
        kept = torch.empty(x.shape).bernoulli_(1 - self.p).div_(1 - self.p)
        return x * kept.to(device=x.device, dtype=x.dtype)

    def extra_repr(self) -> str:
        """What a checkpoint compares."""
        return f"p={self.p}"


def sides(side: int, stride: int = 4, padding: Padding = "printed") -> tuple[int, int, int, int]:
    """Sides of the maps after conv1 and after each of the three poolings.

    Raises ValueError where nothing is left, and on a stride or padding that does not exist.

    >>> sides(224), sides(224, padding="same"), sides(64, stride=2)
    ((54, 27, 13, 6), (56, 28, 14, 7), (27, 13, 6, 3))
    """
    if stride < 1 or padding not in ("printed", "same"):
        raise ValueError(f"stride {stride}, padding {padding!r}: expected 1 or more, 'printed' or 'same'")
    if padding == "same":
        least, found = 1, [-(-side // stride)]
    else:
        least, found = FIRST_KERNEL + 7 * stride, [(side - FIRST_KERNEL) // stride + 1]  # 8 pixels are halved to 1
    if side < least:
        said = f"a side of {side} pixels with stride {stride} and padding {padding!r} leaves none after the poolings"
        raise ValueError(f"{said}: expected {least} or more; enlarge the images or take a smaller stride")
    for _ in range(3):
        found.append(-(-found[-1] // 2) if padding == "same" else found[-1] // 2)
    return found[0], found[1], found[2], found[3]


class _SamePad(nn.Module):
    """Zeros around an image as TensorFlow's SAME has them: the odd one below and to the right."""

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        side = x.shape[-1]
        missing = max((-(-side // self.stride) - 1) * self.stride + self.kernel - side, 0)
        before, after = missing // 2, missing - missing // 2
        return F.pad(x, (before, after, before, after))


def _scaled(number: int, width: float) -> int:
    return max(1, round(number * width))


def _linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.utils.skip_init(nn.Linear, inputs, outputs)


def _xavier(module: nn.Module, rng: torch.Generator | None) -> None:
    """All the weights and biases of a network of convolutions and linear layers."""
    for name, parameter in module.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.xavier_uniform_(parameter, generator=rng)
