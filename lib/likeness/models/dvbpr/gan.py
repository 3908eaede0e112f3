"""The conditional least-squares GAN of section III-C: generator, discriminator, losses (eq. 7) and samples.

Both networks are those of LSGAN [2], whose generator doubles a first map of 7 x 7 four times, to 112 pixels. The
published code [3] starts from 4 x 4, for 64 pixels. Figure 2 of [1], for 128 pixels, is a picture that our copy of the
paper lacks; **our reading** is the same network with a first map of 8 x 8: side / 16 in general, and as much before
the discriminator's linear layer. `Generator(6)` is *as printed*, `Generator(6, side=64, latent=256)` *as coded*.
First weights, slopes of rectifiers and constants of normalisations are those of [3]; [1] is silent on them.

References
----------
[1] Kang, Fang, Wang, McAuley, ICDM 2017, section III-C, Figure 2 and eq. 7.
[2] Mao, Li, Xie, Lau, Wang, Smolley, "Least squares generative adversarial networks", ICCV 2017.
[3] kang205/DVBPR, GAN/model.py and GAN/ops.py. Where TensorFlow's SAME pads an odd number, it pads the other side more
    than torch does: its networks are these in a mirror, along both axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import skip_init

Up = Literal["transposed", "nearest"]
Latent = Literal["uniform", "normal"]

#: The generator's layers after the linear one: channels, and whether the map's side is doubled.
_GROWING: Final = ((256, True), (256, False), (256, True), (256, False), (128, True), (64, True))
#: Channels of the discriminator's convolutions; each halves the side.
_SHRINKING: Final = (64, 128, 256, 512)
#: By how much four doublings, or halvings, change a side.
_FOLD: Final = 16
#: Channels of the generator's first map.
_FIRST: Final = 256
#: Standard deviation of first weights; the discriminator's convolutions draw none further than two of them from 0.
_DEVIATION: Final = 0.02
#: Slope of the rectifiers below 0.
_LEAK: Final = 0.2
#: Share of a batch in the running mean and variance of a normalisation.
_MOMENTUM: Final = 0.1
#: Half of the largest value of a pixel.
_HALF: Final = 127.5
#: Images at once where no gradient is kept.
_STREAM: Final = 256


class Generator(nn.Module):
    """G(z, c): a code and a category to an image (Figure 2, as read above).

    The code and a one-hot category go through a linear layer to 256 maps of side / 16, then through 3 x 3 layers: 256
    channels at side / 8 twice, 256 at side / 4 twice, 128 at side / 2, 64 at the side itself, and three colours with a
    tanh. All but the last are normalised over the batch and rectified.

    Parameters
    ----------
    categories : number of categories, at least 1
    side : of an image in pixels, a multiple of 16; 128 as printed, 64 as coded
    width : factor of all numbers of channels (.25 is 16 in place of 64), rounded; none may fall below 1
    latent : numbers d of a code; 100 as printed, 256 as coded
    up : "transposed" convolutions, as coded; "nearest" doubles by repeating pixels and convolves, a **departure** that
        leaves no checkerboard
    rng : draws the first weights; torch's current generator where it is None

    Raises ValueError on other values.
    """

    def __init__(
        self,
        categories: int,
        side: int = 128,
        width: float = 1.0,
        latent: int = 100,
        up: Up = "transposed",
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        _check(categories, side)
        if latent < 1 or up not in get_args(Up):
            raise ValueError(f"{latent} numbers a code, up {up!r}: expected 1 or more, one of {get_args(Up)}")
        self.categories, self.side, self.width, self.latent, self.up = categories, side, width, latent, up
        self._first = side // _FOLD
        channels = _channels(_FIRST, width)
        self.linear = skip_init(nn.Linear, latent + categories, channels * self._first**2)
        layers: list[nn.Module] = [_normal(channels), _rectifier()]
        for wide, doubles in _GROWING:
            outputs = _channels(wide, width)
            layers += [*_layer(channels, outputs, doubles, up), _normal(outputs), _rectifier()]
            channels = outputs
        self.body = nn.Sequential(*layers, *_layer(channels, 3, False, up), nn.Tanh())
        _start(self, rng, cut=False)

    def forward(self, z: Tensor, category: Tensor) -> Tensor:
        """Images: z (B, d) float and category (B,) int64 -> (B, 3, side, side) in [-1, 1].

        Raises ValueError on other shapes and on a category that is not in 0..C - 1.
        """
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"codes of shape {tuple(z.shape)}: expected (B, {self.latent})")
        x = self.linear(torch.cat([z, _one_hot(category, self.categories, z)], dim=1))
        x = x.view(len(z), -1, self._first, self._first)  # (B, 256, side / 16, side / 16)
        return self.body(_laid_out(x))


class Discriminator(nn.Module):
    """D(x, c): how real an image of a category is; trained towards 1 for photographs and 0 for generated images.

    5 x 5 convolutions of stride 2 to 64, 128, 256 and 512 channels, rectified, all but the first normalised over the
    batch, then one linear unit on the last map. The category joins the input of **each** convolution as one-hot maps:
    the image and the first three feature maps, as [3] has it.

    categories, side, width, rng : as the generator's. Raises ValueError on other values.
    """

    def __init__(
        self, categories: int, side: int = 128, width: float = 1.0, rng: torch.Generator | None = None
    ) -> None:
        super().__init__()
        _check(categories, side)
        self.categories, self.side, self.width = categories, side, width
        wide = [_channels(channels, width) for channels in _SHRINKING]
        self.convolutions = nn.ModuleList(
            skip_init(nn.Conv2d, inputs + categories, outputs, 5, stride=2, padding=2)
            for inputs, outputs in zip((3, *wide), wide, strict=False)
        )
        self.normals = nn.ModuleList([nn.Identity(), *(_normal(channels) for channels in wide[1:])])
        self.linear = skip_init(nn.Linear, wide[-1] * (side // _FOLD) ** 2, 1)
        _start(self, rng, cut=True)

    def forward(self, x: Tensor, category: Tensor) -> Tensor:
        """Scores: x (B, 3, side, side) in [-1, 1] and category (B,) int64 -> (B,).

        Raises ValueError on other shapes and on a category that is not in 0..C - 1.
        """
        if x.ndim != 4 or x.shape[1:] != (3, self.side, self.side):
            raise ValueError(f"images of shape {tuple(x.shape)}: expected (B, 3, {self.side}, {self.side})")
        maps = _one_hot(category, self.categories, x)[:, :, None, None]  # (B, C, 1, 1)
        for convolution, normal in zip(self.convolutions, self.normals, strict=True):
            x = _laid_out(torch.cat([x, maps.to(x.dtype).expand(-1, -1, *x.shape[2:])], dim=1))
            x = F.leaky_relu(normal(convolution(x)), _LEAK)
        return self.linear(x.flatten(1)).squeeze(1)


def real_loss(score: Tensor) -> Tensor:
    """What eq. 9 and 10 subtract: [D(x, c) - 1]^2, the shape of the scores, at least 0.

    >>> real_loss(torch.tensor([1.0, 0.0, -1.0])).tolist()
    [0.0, 1.0, 4.0]
    """
    return (score - 1.0).square()


def discriminator_loss(real: Tensor, fake: Tensor, *, halved: bool = False) -> Tensor:
    r"""Loss of D, first line of eq. 7: scores of photographs (n,) and of generated images (m,) to a scalar.

    .. math:: V(D) = \mathbb{E} [D(x, c) - 1]^2 + \mathbb{E} [D(G(z, c), c)]^2

    halved : half of it, as coded; Adam does not feel the difference but for the constant in its denominator

    >>> float(discriminator_loss(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])))
    2.5
    """
    loss = real_loss(real).mean() + fake.square().mean()
    return loss / 2 if halved else loss


def generator_loss(fake: Tensor) -> Tensor:
    r"""Loss of G, second line of eq. 7: scores of generated images (n,) to a scalar.

    .. math:: V(G) = \mathbb{E} [D(G(z, c), c) - 1]^2

    >>> float(generator_loss(torch.tensor([0.0, 2.0])))
    1.0
    """
    return real_loss(fake).mean()


def draw_latent(rng: torch.Generator, n: int, latent: int, kind: Latent) -> Tensor:
    """Codes z (n, latent) float32, on the CPU: "uniform" in (-1, 1), as printed, or "normal" N(0, 1), as coded.

    Raises ValueError on another kind.
    """
    if kind == "uniform":
        return torch.rand(n, latent, generator=rng) * 2.0 - 1.0
    if kind == "normal":
        return torch.randn(n, latent, generator=rng)
    raise ValueError(f"latent {kind!r}: expected one of {get_args(Latent)}")


@torch.no_grad()
def samples(
    generator: Generator, categories: np.ndarray | Sequence[int], kind: Latent, rng: torch.Generator
) -> np.ndarray:
    """Images of given categories as photographs: categories (n,) integers -> (n, side, side, 3) uint8.

    Codes are drawn on the CPU; the running means of the normalisation are used, and the generator is afterwards in the
    mode in which it came. Raises ValueError on other categories or another kind of code.
    """
    of = np.asarray(categories)
    if of.ndim != 1 or (of.size and of.dtype.kind not in "iu"):
        raise ValueError(f"categories of shape {of.shape}, {of.dtype}: expected (n,) integers")
    z = draw_latent(rng, len(of), generator.latent, kind)
    device, before = generator.linear.weight.device, generator.training
    found = np.empty((len(of), generator.side, generator.side, 3), np.uint8)
    generator.eval()
    try:
        for start in range(0, len(of), _STREAM):
            part = slice(start, start + _STREAM)
            x = generator(z[part].to(device), torch.from_numpy(of[part].astype(np.int64)).to(device))
            pixels = (x.float() * _HALF + _HALF).round().to(torch.uint8)
            found[part] = pixels.permute(0, 2, 3, 1).cpu().numpy()
    finally:
        generator.train(before)
    return found


def _check(categories: int, side: int) -> None:
    if categories < 1 or side < _FOLD or side % _FOLD:
        raise ValueError(f"{categories} categories, side {side}: expected 1 or more, a multiple of {_FOLD}")


def _channels(wide: int, width: float) -> int:
    """Channels of a layer of a narrower or wider network."""
    found = round(wide * width) if 0.0 < width < float("inf") else 0
    if found < 1:
        raise ValueError(f"width {width}: {wide} channels would be {found}, expected 1 or more; take a larger width")
    return found


def _normal(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, momentum=_MOMENTUM)


def _rectifier() -> nn.LeakyReLU:
    return nn.LeakyReLU(_LEAK, inplace=True)


def _layer(inputs: int, outputs: int, doubles: bool, up: Up) -> list[nn.Module]:
    """A 3 x 3 layer of the generator."""
    if up == "transposed":
        stride = 2 if doubles else 1
        sizes = {"stride": stride, "padding": 1, "output_padding": stride - 1}
        return [skip_init(nn.ConvTranspose2d, inputs, outputs, 3, **sizes)]
    convolution = skip_init(nn.Conv2d, inputs, outputs, 3, padding=1)
    return [nn.Upsample(scale_factor=2), convolution] if doubles else [convolution]


def _start(network: nn.Module, rng: torch.Generator | None, *, cut: bool) -> None:
    """First weights: normal about 0, convolutions cut at two deviations where `cut`; biases 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            if cut and not isinstance(layer, nn.Linear):
                far = 2 * _DEVIATION
                nn.init.trunc_normal_(layer.weight, std=_DEVIATION, a=-far, b=far, generator=rng)
            else:
                nn.init.normal_(layer.weight, std=_DEVIATION, generator=rng)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # every layer here has one


def _one_hot(category: Tensor, categories: int, like: Tensor) -> Tensor:
    """Checked categories (B,) as (B, C), in the type of `like`, which has as many rows."""
    if category.shape != like.shape[:1] or category.dtype != torch.int64:
        said = f"{tuple(category.shape)}, {category.dtype}"
        raise ValueError(f"categories of shape {said}: expected ({len(like)},) int64")
    if len(category) and not 0 <= int(category.min()) <= int(category.max()) < categories:
        said = f"{int(category.min())}..{int(category.max())}"
        raise ValueError(f"categories {said}: expected numbers from 0 to {categories - 1}")
    return F.one_hot(category, categories).to(like.dtype)


def _laid_out(x: Tensor) -> Tensor:
    """Channels last in memory on a CPU, which convolves them fastest so."""
    return x.contiguous(memory_format=torch.channels_last) if x.device.type == "cpu" else x
