"""ComposeTransformers and ComposeAE: the text turns the image; see `composition`.

[1] to [5] are the references of `composition`.
"""

from __future__ import annotations

from typing import ClassVar, Final

import torch
from torch import Tensor, nn

from likeness.models.compose.plain import FIRST_WEIGHTS, Composition, rectified
from likeness.models.dvbpr.cnnf import Dropout

#: Dropout of gamma in [5], and of gamma and of rho in [2].
_GAMMA_AE, _GAMMA, _RHO = 0.5, 0.3, 0.25
#: Numbers along the width to which rho_conv pools each of its channels.
_POOLED: Final = 16


class Rotation(nn.Module):
    r"""phi: the numbers of an image, turned by angles that the text gives (eq. 2.3-2.5).

    .. math:: \hat z = \gamma(z),\quad \hat q = \mu(q),\quad
              \phi = [\hat z \cos \hat q,\ \pm\hat z \sin \hat q] \in \mathbb{R}^{2d}

    These are real and imaginary part of :math:`\hat z e^{\pm i\hat q}`; no complex number is computed. The sign is +,
    and - in `reverse` (eq. 3.4, "i = -1").

    Parameters
    ----------
    before, between : dropout of gamma, ahead of its first Linear and behind it
    """

    def __init__(self, image: int, text: int, *, before: float = 0.0, between: float = 0.0) -> None:
        super().__init__()
        self.gamma = nn.Sequential(
            nn.BatchNorm1d(image), Dropout(before), nn.Linear(image, image), Dropout(between), nn.ReLU(),
            nn.Linear(image, image),
        )  # fmt: skip
        self.mu = nn.Sequential(nn.BatchNorm1d(text), nn.Linear(text, image), nn.ReLU(), nn.Linear(image, image))

    def forward(self, z: Tensor, q: Tensor, sign: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """z hat, q hat, and the two halves of phi, each (B, d)."""
        length, angle = self.gamma(z), self.mu(q)
        return length, angle, length * angle.cos(), sign * length * angle.sin()


class _Turning(Composition):
    """What `ComposeAE` and `ComposeTransformers` share: theta and theta* differ by a sign, and both are decoded."""

    d_image: nn.Module
    d_text: nn.Module

    def compose(self, z: Tensor, q: Tensor) -> Tensor:
        """Theta = rho(phi), eq. 2.6."""
        return self._turned(z, q, 1.0)

    def reconstruct(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """d_image(theta) (B, d) and d_text(theta) (B, h), eq. 2.7-2.8."""
        return self.d_image(theta), self.d_text(theta)

    def reverse(self, z_target: Tensor, q: Tensor) -> Tensor:
        r"""theta* = rho(phi*), eq. 3.4-3.5: :math:`\phi^* = [\hat z \cos\hat q, -\hat z \sin\hat q]`.

        The layers are those of `compose`, and so are the running means of their normalisation, as published: in
        training, steps that turn forth and back by turns leave rho with a mean of the sines near 0 (-1 / 19 of what
        it is, at torch's momentum), and a test, which only turns forth, then subtracts that.
        """
        self._check(z_target, q)
        return self._turned(z_target, q, -1.0)

    def _turned(self, z: Tensor, q: Tensor, sign: float) -> Tensor:
        raise NotImplementedError


class ComposeAE(_Turning):
    r"""Two rotations with weights of their own, mapped to the space of images by rho and by rho_conv [5].

    .. math:: \theta = w_r\, \rho(\phi) + w_c\, \rho_{conv}(\hat z, \hat q, z, \mathrm{Re}\,\phi', \mathrm{Im}\,\phi')

    w_c and w_r are learned from 1 and 10. rho_conv takes its five vectors as channels of one sequence of length d: a
    convolution of width 3, the maxima of 16 stretches of it, and rho's layers on those. It convolves along the
    **numbers of a feature vector**, whose order means nothing. The code has 64 channels, for d = 512 alone; 2 d / 16
    are the same there, and those of [2]'s own (unused) rho_conv at d = 384, and fit any d that 8 divides.

    Raises ValueError where 8 does not divide d.
    """

    def __init__(self, image: int, text: int) -> None:
        super().__init__(image, text)
        channels, rest = divmod(2 * image, _POOLED)
        if rest:
            raise ValueError(f"width {image} of an image: expected a multiple of {_POOLED // 2}, for rho_conv")
        self.turn, self.turn_conv = (Rotation(image, text, between=_GAMMA_AE) for _ in range(2))
        self.rho, self.rho_conv = (rectified(2 * image, image, image) for _ in range(2))
        self.stretches = nn.Sequential(nn.Conv1d(5, channels, 3, padding=1), nn.AdaptiveMaxPool1d(_POOLED))
        self.weights = nn.Parameter(torch.tensor(FIRST_WEIGHTS))
        self.d_image, self.d_text = rectified(image, image, image), rectified(image, text, text)

    def _turned(self, z: Tensor, q: Tensor, sign: float) -> Tensor:
        linear = self.rho(torch.cat(self.turn(z, q, sign)[2:], dim=1))
        length, angle, real, imaginary = self.turn_conv(z, q, sign)
        stretches = self.stretches(torch.stack([length, angle, z, real, imaginary], dim=1))  # (B, d / 8, 16)
        return self.weights[1] * linear + self.weights[0] * self.rho_conv(stretches.flatten(1))


class ComposeTransformers(_Turning):
    r"""The paper's composition: one rotation, one linear map, no rho_conv (sections 2.3-2.4; layers of [2]).

    .. math:: \theta = a\, \rho([\hat z \cos\hat q,\ \hat z \sin\hat q]),\quad
              \hat z = \gamma(z),\quad \hat q = \mu(q)

    gamma is BN, Dropout .3, Linear, ReLU, Linear; mu the same without dropout; rho is BN, ReLU, Dropout .25, Linear;
    d_image and d_text are BN, ReLU, Linear. a is learned from 10 and **inert**: theta is normalised before it is
    compared, and BN undoes a in the reconstructions. At d = h = 384 the paper counts .89 M numbers of the composition
    and .3 M of the reconstruction; here 889,728 (and a) and 297,216.
    """

    first_scale: ClassVar[float] = 1.0

    def __init__(self, image: int, text: int) -> None:
        super().__init__(image, text)
        self.turn = Rotation(image, text, before=_GAMMA)
        self.rho = nn.Sequential(nn.BatchNorm1d(2 * image), nn.ReLU(), Dropout(_RHO), nn.Linear(2 * image, image))
        self.a = nn.Parameter(torch.tensor(FIRST_WEIGHTS[1]))
        self.d_image = nn.Sequential(nn.BatchNorm1d(image), nn.ReLU(), nn.Linear(image, image))
        self.d_text = nn.Sequential(nn.BatchNorm1d(image), nn.ReLU(), nn.Linear(image, text))

    def _turned(self, z: Tensor, q: Tensor, sign: float) -> Tensor:
        return self.a * self.rho(torch.cat(self.turn(z, q, sign)[2:], dim=1))
