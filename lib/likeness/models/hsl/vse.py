"""Visual-semantic embeddings: one vector an image, one a text, hinge losses (VSE0, VSE++).

From a random start the hardest negatives can draw all similarities together: the loss then stays near twice the margin,
.4, for many epochs (fartashf/vsepp, issue 27, where it is a sum and so times the batch). SCAN has the same loss. Later
code trains its first epoch on all negatives; neither [1] nor SCAN does so, and nor do the models here.

References
----------
[1] Faghri, Fleet, Kiros, Fidler, "VSE++: Improving visual-semantic embeddings with hard negatives", BMVC 2018,
    arXiv:1707.05612, and its code fartashf/vsepp.
[2] Ma et al., ICASSP 2021, section 3.2: Table 1.
"""

from __future__ import annotations

import math
from typing import Final

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from likeness.models.hsl.inputs import Images, Texts, mean_of_present
from likeness.models.hsl.matcher import Matcher, Size, hinges

#: How much more alike a pair is to be than a pair that does not belong together, in [1] and in SCAN.
MARGIN: Final = 0.2
#: Word vectors start uniform in [-WORDS, WORDS], in [1] and in SCAN.
WORDS: Final = 0.1


class VSE(Matcher):
    r"""Inner product of an image vector and a text vector: :math:`s(I, T) = \langle f(I), g(T) / |g(T)| \rangle`.

    f is a Linear, g the last state of a GRU of one layer and one direction. [1] has one feature vector an image, of
    length 1; there are only features of objects here, and **their mean, of whatever length, is our reading** of it.
    Marks of start and end are words to the GRU, as they are in [1]. The loss is a mean over the batch, that of [1] a
    sum: Adam hardly sees the factor, but the clipping of gradients does.

    Parameters
    ----------
    hardest : true is VSE++, which also gives image vectors the length 1, so that s is a cosine: the hardest negative of
        the batch counts. False is VSE0 as the code of [1] trains it (`--no_imgnorm`): all negatives count, and image
        vectors keep their length
    margin : of the hinges, above 0
    """

    def __init__(self, size: Size, *, hardest: bool, margin: float = MARGIN) -> None:
        super().__init__()
        self.hardest, self.margin = hardest, checked_margin(margin)
        self.of_image = xavier_linear(size.features, size.embed)
        self.words = WordGRU(size, both_ways=False)

    def encode_images(self, images: Images) -> Tensor:
        """Image vectors (N, embed), of length 1 in VSE++."""
        x = self.of_image(mean_of_present(images.objects, images.present))
        return unit(x, dim=1) if self.hardest else x

    def encode_texts(self, texts: Texts) -> Tensor:
        """Text vectors (T, embed), of length 1."""
        _, last = self.words(texts)
        return unit(last, dim=1)

    def similarities(self, images: Images, texts: Texts) -> Tensor:
        """Inner products, (N, T); in VSE++ cosines."""
        return self.encode_images(images) @ self.encode_texts(texts).T

    def loss(self, images: Images, texts: Texts, same: Tensor) -> Tensor:
        """Hinges in both directions: the sum over the negatives (VSE0) or the largest (VSE++)."""
        return hinges(self.similarities(images, texts), same, self.margin, hardest=self.hardest)


class WordGRU(nn.Module):
    """Word vectors and a GRU of one layer over them, as in [1] and SCAN: hidden states as wide as the common space.

    Parameters
    ----------
    both_ways : read backwards too and average the two states of every word (SCAN)
    """

    def __init__(self, size: Size, *, both_ways: bool) -> None:
        super().__init__()
        self.vectors = nn.Embedding(size.words, size.word_width)
        nn.init.uniform_(self.vectors.weight, -WORDS, WORDS)
        self.gru = nn.GRU(size.word_width, size.embed, batch_first=True, bidirectional=both_ways)

    def forward(self, texts: Texts) -> tuple[Tensor, Tensor]:
        """States after every word (T, m, embed), zeros where there is none, and after the last (T, embed)."""
        lengths = texts.present.sum(dim=1).cpu()  # torch wants them there
        packed = pack_padded_sequence(self.vectors(texts.words), lengths, batch_first=True, enforce_sorted=False)
        out, last = self.gru(packed)  # last (directions, T, embed)
        states, _ = pad_packed_sequence(out, batch_first=True, total_length=texts.words.shape[1])
        return states.unflatten(2, (len(last), -1)).mean(dim=2), last.mean(dim=0)


def xavier_linear(inputs: int, outputs: int) -> nn.Linear:
    r"""A Linear as [1] and SCAN start it: weights uniform within :math:`\sqrt{6 / (inputs + outputs)}`, no bias yet."""
    made = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(made.weight)
    nn.init.zeros_(made.bias)
    return made


def unit(x: Tensor, *, dim: int) -> Tensor:
    """Vectors along a dimension, brought to length 1; one of zeros stays as it is and passes no gradient.

    An image without objects is such a vector until the bias has moved; the code of [1] would divide it by 0.

    >>> import torch
    >>> unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), dim=1).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    nothing = (x == 0).all(dim=dim, keepdim=True)
    return F.normalize(x.masked_fill(nothing, 0.0), dim=dim)


def checked_margin(margin: float) -> float:
    """The margin. Raises ValueError where it is not above 0 and finite."""
    if not 0.0 < margin < math.inf:
        raise ValueError(f"margin {margin}: expected a finite number above 0")
    return margin
