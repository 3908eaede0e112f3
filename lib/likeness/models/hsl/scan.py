r"""Stacked cross attention, text to image: each word looks for its objects, and is compared with what it finds (SCAN).

With objects :math:`v_k`, words :math:`e_j` and their cosines :math:`s_{kj}`:

.. math:: \bar s_{kj} = \frac{[s_{kj}]_+}{\sqrt{\sum_{j'} [s_{kj'}]_+^2}}, \qquad
    \alpha_{kj} = \frac{\exp \lambda \bar s_{kj}}{\sum_{k'} \exp \lambda \bar s_{k'j}}, \qquad
    a_j = \sum_k \alpha_{kj} v_k, \qquad R_j = \cos(e_j, a_j),

and a pair's similarity is the mean of :math:`R_j` over the words, or :math:`\frac1\mu \log \sum_j \exp \mu R_j`.

The published code differs from the paper in two places, and is followed in both: it has a LeakyReLU of slope .1 for
:math:`[\cdot]_+`, and its objects have length 1 before they are summed to :math:`a_j`.

References
----------
[1] Lee, Chen, Hua, Hu, He, "Stacked cross attention for image-text matching", ECCV 2018, arXiv:1803.08024, and its code
    kuanghuei/SCAN.
[2] Ma et al., ICASSP 2021, section 3.2: Table 1.
"""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from likeness.models.hsl.inputs import Images, Texts
from likeness.models.hsl.matcher import Matcher, Size, hinges
from likeness.models.hsl.vse import MARGIN, WordGRU, checked_margin, unit, xavier_linear

#: lambda and mu of the text-to-image models of [1].
SHARPNESS: Final = 9.0
POOLED_SHARPNESS: Final = 6.0
#: Slope below 0 of the published [.]_+.
SLOPE: Final = 0.1
#: Least squared length of an attended vector: published, the product of the lengths is 1e-8 or more.
_LEAST_SQUARED: Final = 1e-16
#: Cosines of objects and words held at once: 64 MiB of float32, of which a handful of copies are alive.
HELD_TOGETHER: Final = 2**24

Pooling = Literal["mean", "logsumexp"]


class SCAN(Matcher):
    """SCAN t-i of [1]: Linear on objects, a bi-GRU on words whose directions are averaged; the hardest negative counts.

    Word states and objects have length 1. Marks of start and end are words to it, as they are in [1]. The loss is a
    mean over the batch, that of [1] a sum: see `VSE`, and `vse` on how such a loss can fail to train.

    Parameters
    ----------
    pooling : over the words, "mean" (AVG in [1]) or "logsumexp" (LSE); [2] does not say which it ran
    margin : of the hinges, above 0
    """

    def __init__(self, size: Size, *, pooling: Pooling = "mean", margin: float = MARGIN) -> None:
        super().__init__()
        if pooling not in ("mean", "logsumexp"):
            raise ValueError(f"pooling {pooling!r}: expected 'mean' or 'logsumexp'")
        self.pooling, self.margin = pooling, checked_margin(margin)
        self.of_object = xavier_linear(size.features, size.embed)
        self.words = WordGRU(size, both_ways=True)

    def encode_images(self, images: Images) -> Tensor:
        """Objects (N, n, embed), of length 1."""
        return unit(self.of_object(images.objects), dim=2)

    def encode_texts(self, texts: Texts) -> Tensor:
        """Words (T, m, embed), of length 1, zeros where there is none."""
        states, _ = self.words(texts)
        return unit(states, dim=2)

    def similarities(self, images: Images, texts: Texts) -> Tensor:
        """Pooled cosines (N, T): in [-1, 1] by the mean; by logsumexp log(m) / mu more for a text of m words.

        Some texts at a time, so that scoring takes bounded memory; a training step keeps all for its gradient.
        """
        objects, words = self.encode_images(images), self.encode_texts(texts)
        step = max(1, HELD_TOGETHER // (len(images) * objects.shape[1] * words.shape[1]))
        columns = []
        for some, there in zip(words.split(step), texts.present.split(step), strict=True):
            found = found_by_words(objects, images.present, some, there)
            columns.append(pooled(found, there, self.pooling))
        return torch.cat(columns, dim=1)

    def loss(self, images: Images, texts: Texts, same: Tensor) -> Tensor:
        """Hinges in both directions, each of the hardest negative of the batch."""
        return hinges(self.similarities(images, texts), same, self.margin, hardest=True)


def found_by_words(objects: Tensor, objects_present: Tensor, words: Tensor, words_present: Tensor) -> Tensor:
    r"""Cosine R of every word with what it attends to in every image, (N, T, m); 0 where there is no word.

    The attended vectors, N T m of them, are not formed: with :math:`G_{kk'} = \langle v_k, v_{k'} \rangle`

    .. math:: \langle e_j, a_j \rangle = \sum_k \alpha_{kj} s_{kj}, \qquad
        |a_j|^2 = \sum_{kk'} \alpha_{kj} G_{kk'} \alpha_{k'j}.

    Parameters
    ----------
    objects : (N, n, E), words : (T, m, E) float, of length 1 or 0; what is present : (N, n), (T, m) bool
    """
    texts, longest, width = words.shape
    words = words.masked_fill(~words_present.unsqueeze(2), 0.0)  # no part of any sum over words
    cosine = words.reshape(texts * longest, width) @ objects.transpose(1, 2)  # (N, T * m, n)
    clipped = F.leaky_relu(cosine, SLOPE).unflatten(1, (texts, longest))  # (N, T, m, n)
    share = unit(clipped, dim=2).flatten(1, 2)  # (N, T * m, n): lengths over the words of one text, for each object
    attention = (SHARPNESS * share).masked_fill(~objects_present.unsqueeze(1), -torch.inf).softmax(dim=2)
    gram = objects @ objects.transpose(1, 2)  # (N, n, n)
    squared = ((attention @ gram) * attention).sum(dim=2)  # (N, T * m)
    found = (attention * cosine).sum(dim=2) / squared.clamp(min=_LEAST_SQUARED).sqrt()
    return found.unflatten(1, (texts, longest))


def pooled(found: Tensor, present: Tensor, pooling: Pooling) -> Tensor:
    """Over the words of each text: found (N, T, m), present (T, m) bool -> (N, T)."""
    if pooling == "mean":
        return (found * present).sum(dim=2) / present.sum(dim=1)
    return (POOLED_SHARPNESS * found).masked_fill(~present, -torch.inf).logsumexp(dim=2) / POOLED_SHARPNESS
