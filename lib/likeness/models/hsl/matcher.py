"""What training and evaluation ask of a model of the table, and the losses more than one of them uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.models.hsl.inputs import Images, Texts

#: Softmax over images for each text (published code), or over texts for each image (eq. 9-10).
Direction = Literal["images", "texts"]


@dataclass(frozen=True)
class Size:
    """How wide a model is; the defaults are the paper's (section 3.1.2) and its code's. A preset may shrink them.

    features, words : numbers of an object's feature vector, rows of the vocabulary
    width : of every encoder; heads, hidden : of its transformer layers; embed : of the common spaces
    word_width : of the word vectors (300, as GloVe; they start at random here, GloVe 42B is not to be had)
    """

    features: int
    words: int
    width: int = 512
    heads: int = 4
    hidden: int = 2048
    embed: int = 1024
    word_width: int = 300
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """Refuse widths that do not divide into heads and halves (a bi-GRU has two)."""
        least = min(self.features, self.words, self.width, self.heads, self.hidden, self.embed, self.word_width)
        if least < 1 or self.width % self.heads or self.width % 2:
            raise ValueError(f"{self}: expected numbers of 1 or more, and for width an even multiple of the heads")


class Matcher(nn.Module):
    """A model that gives every pair of an image and a text a similarity, and a loss on a batch of pairs."""

    def similarities(self, images: Images, texts: Texts) -> Tensor:
        """Similarity of every image to every text, (N, T) float; larger is more alike."""
        raise NotImplementedError

    def loss(self, images: Images, texts: Texts, same: Tensor) -> Tensor:
        """Loss of N pairs (image i, text i), a scalar.

        same : (N, N) bool, which texts say the same (the diagonal is true): such are no negatives of each other.
        """
        raise NotImplementedError


def projection_matching(similarity: Tensor, same: Tensor, direction: Direction) -> Tensor:
    r"""Softmax over the batch of the similarities of pairs.

    .. math:: L = \frac1N \sum_i -\log \frac{\exp \sigma(I_i, T_i)}{\sum_j \exp \sigma(I_i, T_j)}
        \quad\text{(eq. 9, 10: "texts")},\qquad
        L = \frac1N \sum_i -\log \frac{\exp \sigma(I_i, T_i)}{\sum_j \exp \sigma(I_j, T_i)} \quad\text{("images")}

    *literal*: direction "texts"; *corrected*: "images", as the published code has it and as retrieval by text needs.
    The paper calls it the projection matching of Zhang and Lu, which is a divergence between two distributions: it is
    InfoNCE on the lengths of projections.

    Parameters
    ----------
    similarity : (N, N), rows images, columns texts
    same : (N, N) bool, symmetric, pairs left out of the sums but for the diagonal
    """
    if direction not in ("images", "texts"):
        raise ValueError(f"direction {direction!r}: expected 'images' or 'texts'")
    one_s_own = torch.eye(len(similarity), dtype=torch.bool, device=similarity.device)
    logits = similarity.masked_fill(same & ~one_s_own, -torch.inf)
    if direction == "images":
        logits = logits.T
    return F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))


def hinges(similarity: Tensor, same: Tensor, margin: float, *, hardest: bool) -> Tensor:
    r"""Hinge losses of both directions, a mean over the N pairs.

    .. math:: \frac1N \sum_i \Big( \sum_{j \ne i} [m - s_{ii} + s_{ij}]_+ + \sum_{j \ne i} [m - s_{ii} + s_{ji}]_+ \Big)

    (VSE0); with ``hardest`` the largest hinge in place of each inner sum (VSE++).

    Parameters
    ----------
    similarity : (N, N), rows images, columns texts
    same : (N, N) bool, pairs that are no negatives, the diagonal among them
    """
    own = similarity.diagonal()
    of_image = (margin - own[:, None] + similarity).clamp(min=0).masked_fill(same, 0.0)  # other texts
    of_text = (margin - own[None, :] + similarity).clamp(min=0).masked_fill(same, 0.0)  # other images
    if hardest:
        return (of_image.amax(dim=1) + of_text.amax(dim=0)).mean()
    return (of_image.sum() + of_text.sum()) / len(similarity)
