"""What every composition is, three baselines, and TIRG; see `composition`.

[1] to [5] are the references of `composition`.
"""

from __future__ import annotations

from typing import ClassVar, Final

import torch
from torch import Tensor, nn

from likeness.models.dvbpr.cnnf import Dropout

#: Where the two learned weights of [4], [5] and [2] start: of the gated image or rho_conv, and of the residual or rho.
FIRST_WEIGHTS: Final = (1.0, 10.0)
#: Dropout of `Concatenation` [4].
_DROPOUT: Final = 0.1


class Composition(nn.Module):
    """theta of an image z (B, d) and a text q (B, h), to be compared with alpha(y) by cosine; the length means nothing.

    Parameters
    ----------
    image, text : the widths d and h, 1 or more

    Raises ValueError on other widths, at the start or in a batch, and on unequal numbers of images and texts.
    """

    #: Where the learned length s of the normalised features starts, in the published code of the model.
    first_scale: ClassVar[float] = 4.0

    def __init__(self, image: int, text: int) -> None:
        super().__init__()
        if min(image, text) < 1:
            raise ValueError(f"widths {image} of an image and {text} of a text: expected 1 or more")
        self.image, self.text = image, text

    def forward(self, z: Tensor, q: Tensor) -> Tensor:
        """z (B, d), q (B, h) -> theta (B, d)."""
        self._check(z, q)
        return self.compose(z, q)

    def compose(self, z: Tensor, q: Tensor) -> Tensor:
        """What a model makes of a batch of the right shapes."""
        raise NotImplementedError

    def reconstruct(self, theta: Tensor) -> tuple[Tensor, Tensor] | None:
        """d_image(theta) (B, d) and d_text(theta) (B, h), eq. 2.7-2.8; None where a model has neither."""

    def reverse(self, z_target: Tensor, q: Tensor) -> Tensor | None:
        """theta* (B, d): the target image turned back by the text, eq. 3.4-3.5; None where a model turns nothing."""

    def _check(self, z: Tensor, q: Tensor) -> None:
        if z.ndim != 2 or z.shape[1] != self.image or q.shape != (len(z), self.text):
            raise ValueError(
                f"images {tuple(z.shape)} and texts {tuple(q.shape)}: "
                f"expected (B, {self.image}) and (B, {self.text}) with the same B"
            )


class ImageOnly(Composition):
    """theta = z: what the source image finds without the text. It has nothing to learn."""

    def compose(self, z: Tensor, q: Tensor) -> Tensor:  # noqa: ARG002
        """The image itself."""
        return z


class TextOnly(Composition):
    """theta = W q + b: what the text finds without the image.

    [4] compares q itself with the target: its text encoder learns, and is as wide as the image's. Here a text may have
    another width, and its encoder may be frozen, so that a Linear has to carry it over.
    """

    def __init__(self, image: int, text: int) -> None:
        super().__init__(image, text)
        self.linear = nn.Linear(text, image)

    def compose(self, z: Tensor, q: Tensor) -> Tensor:  # noqa: ARG002
        """The text, carried over to the space of images."""
        return self.linear(q)


class Concatenation(Composition):
    """A perceptron on [z, q], the baseline "Concat" of [4]: BN, ReLU, Linear, BN, ReLU, Dropout, Linear."""

    def __init__(self, image: int, text: int) -> None:
        super().__init__(image, text)
        both = image + text
        self.perceptron = nn.Sequential(
            nn.BatchNorm1d(both), nn.ReLU(), nn.Linear(both, both),
            nn.BatchNorm1d(both), nn.ReLU(), Dropout(_DROPOUT), nn.Linear(both, image),
        )  # fmt: skip

    def compose(self, z: Tensor, q: Tensor) -> Tensor:
        """The perceptron's output."""
        return self.perceptron(torch.cat([z, q], dim=1))


class TIRG(Composition):
    r"""The image, gated by image and text, and a residual.

    .. math:: \theta = w_g\, \sigma(f_g([z, q])) \odot z + w_r\, f_r([z, q])

    (eq. 1-3 of [3], on vectors.) f_g is BN, ReLU, Linear; f_r is BN, ReLU, Linear, ReLU, Linear; w_g and w_r are
    learned from 1 and 10. So it is in the class "TIRG" of [4]. Section 3 of [3] has a gate of two layers, of 3 x 3
    convolutions in the variant on feature maps; the code's gate on vectors has one.
    """

    def __init__(self, image: int, text: int) -> None:
        super().__init__(image, text)
        both = image + text
        self.gate = nn.Sequential(nn.BatchNorm1d(both), nn.ReLU(), nn.Linear(both, image))
        self.residual = rectified(both, both, image)
        self.weights = nn.Parameter(torch.tensor(FIRST_WEIGHTS))

    def compose(self, z: Tensor, q: Tensor) -> Tensor:
        """Gated image and residual."""
        both = torch.cat([z, q], dim=1)
        return self.weights[0] * self.gate(both).sigmoid() * z + self.weights[1] * self.residual(both)


def rectified(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """BN, ReLU, Linear, ReLU, Linear: the perceptron that [4] and [5] use throughout."""
    return nn.Sequential(
        nn.BatchNorm1d(inputs), nn.ReLU(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
    )
