"""Models that look at an image and a text together: a pair has a score, its two sides alone have no place in a space.

Such a model reads every pair anew. The two-tower models of the table get N * N similarities of a batch for the price
of N images and N texts; here each of them costs the common layers once more. So a text is told apart from a few drawn
images of its batch and not from all: the batches are the same for all methods, the negatives in them are not.

None of the models of the table is pretrained and none is given boxes: HSL takes no geometry, and the table is to
compare ways of matching.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.models.hsl.encoders import positions
from likeness.models.hsl.inputs import Images, Texts
from likeness.models.hsl.matcher import Matcher, Size

#: Pairs compared at once by `similarities`: of 30 objects and words at hidden width 2048 about 130 MB a layer.
COMPARED_TOGETHER: Final = 512


@dataclass(frozen=True, eq=False)
class Encoded:
    """Vectors of the objects of images or of the words of texts: vectors (N, n, width), present (N, n) bool."""

    vectors: Tensor
    present: Tensor

    def rows(self, index: Tensor) -> Encoded:
        """Some of them, also repeated, padded no further than the longest needs."""
        present = self.present[index]
        longest = int(present.sum(dim=1).max())
        return Encoded(self.vectors[index, :longest], present[:, :longest])

    def behind(self, first: Tensor) -> Encoded:
        """The same with one vector (width,) in front of each, such as [CLS]: (N, 1 + n, width)."""
        vectors = torch.cat([first.expand(len(self.vectors), 1, -1), self.vectors], dim=1)
        return Encoded(vectors, F.pad(self.present, (1, 0), value=True))


class JointMatcher(Matcher):
    """Base of the models that compare the objects of an image with the words of a text, pair by pair.

    A model says how it encodes images, how texts, each by itself and therefore once for all pairs, and how it compares
    the two.

    Parameters
    ----------
    negatives : drawn images that a text is told apart from in training, 1 or more
    seed : of these draws, whose generator the model keeps; it is no part of `state_dict`
    """

    def __init__(self, *, negatives: int = 3, seed: int = 0) -> None:
        super().__init__()
        if negatives < 1:
            raise ValueError(f"negatives {negatives}: expected 1 or more, a softmax over one image teaches nothing")
        self.negatives = negatives
        self.draws = torch.Generator().manual_seed(seed)

    def encode_images(self, images: Images) -> Encoded:
        """All that can be said of images without a text."""
        raise NotImplementedError

    def encode_texts(self, texts: Texts) -> Encoded:
        """All that can be said of texts without an image."""
        raise NotImplementedError

    def compare(self, objects: Encoded, words: Encoded) -> Tensor:
        """Scores of P encoded pairs, row by row: (P,) float, larger is more alike."""
        raise NotImplementedError

    def score(self, images: Images, texts: Texts) -> Tensor:
        """Scores of N pairs (image i, text i), (N,) float. Raises ValueError on other numbers of both."""
        if len(images) != len(texts):
            raise ValueError(f"{len(images)} images, {len(texts)} texts: expected pairs, as many of both")
        return self.compare(self.encode_images(images), self.encode_texts(texts))

    def similarities(self, images: Images, texts: Texts) -> Tensor:
        """Scores of all pairs, (N, T) float; `COMPARED_TOGETHER` pairs at a time bound the memory without gradients."""
        objects, words = self.encode_images(images), self.encode_texts(texts)
        pairs = torch.arange(len(images) * len(texts), device=objects.present.device)
        parts = [
            self.compare(objects.rows(some // len(texts)), words.rows(some % len(texts)))
            for some in pairs.split(COMPARED_TOGETHER)
        ]
        return torch.cat(parts).view(len(images), len(texts))

    def loss(self, images: Images, texts: Texts, same: Tensor) -> Tensor:
        r"""Which of a few images is the text's own: softmax cross-entropy, a mean over the N texts.

        .. math:: L = \frac1N \sum_i -\log \frac{\exp s(I_i, T_i)}{\exp s(I_i, T_i) + \sum_{j \in D_i} \exp s(I_j, T_i)}

        The direction is that of the published HSL, images for each text. :math:`D_i` are `negatives` images drawn from
        the batch, see `draw_negatives`. A text for which the batch has none adds 0: a batch of one pair, or of equal
        texts, has loss 0 and no gradient.

        Parameters
        ----------
        same : (N, N) bool, which texts say the same: their images are no negatives of each other
        """
        if not len(images) == len(texts) == len(same):
            raise ValueError(f"{len(images)} images, {len(texts)} texts, {len(same)} rows of same: expected one number")
        objects, words = self.encode_images(images), self.encode_texts(texts)
        drawn, found = draw_negatives(same, self.negatives, self.draws)
        own = torch.arange(len(same), device=same.device).unsqueeze(1)
        image = torch.cat([own, drawn], dim=1)  # (N, 1 + negatives), the own one first
        text, place = F.pad(found, (1, 0), value=True).nonzero(as_tuple=True)
        scores = self.compare(objects.rows(image[text, place]), words.rows(text))
        logits = scores.new_full(image.shape, -torch.inf).index_put((text, place), scores)
        return F.cross_entropy(logits, torch.zeros_like(own.squeeze(1)))


def draw_negatives(same: Tensor, negatives: int, draws: torch.Generator) -> tuple[Tensor, Tensor]:
    """For each of N texts, images of other texts of the batch, each of them equally likely, none twice.

    Drawn on the CPU, so that a GPU is given the same ones.

    Parameters
    ----------
    same : (N, N) bool, symmetric

    Returns
    -------
    drawn : (N, k) int64, numbers of images, k the smaller of `negatives` and N - 1
    found : (N, k) bool, false where the batch has fewer images of other texts; the number there means nothing
    """
    excluded = same.cpu() | torch.eye(len(same), dtype=torch.bool)
    keys = torch.rand(same.shape, generator=draws).masked_fill(excluded, -1.0)  # the largest of equal draws: a sample
    largest, drawn = keys.topk(min(negatives, len(same) - 1), dim=1)
    return drawn.to(same.device), (largest >= 0).to(same.device)


class PlacedWords(nn.Module):
    """Word vectors brought to the width of the model, with sinusoids that tell their places apart.

    BERT, and so VisualBERT and LXMERT, learns a vector for each of 512 places. Sinusoids know no longest text and are
    those of the other models here.
    """

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.vectors = nn.Embedding(size.words, size.word_width, padding_idx=0)
        self.to_width = nn.Linear(size.word_width, size.width)

    def forward(self, words: Tensor) -> Tensor:
        """Word numbers (N, m) int64 -> (N, m, width)."""
        x = self.to_width(self.vectors(words))
        return x + positions(x.shape[1], x.shape[2]).to(x)


def score_head(width: int) -> nn.Sequential:
    """Score of a [CLS] vector (P, width) -> (P, 1), after BERT's pooler: Linear, tanh, Linear.

    The last has no bias: added to all scores alike, it would change neither the softmax nor the order.
    """
    return nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1, bias=False))
