"""VisualBERT as a matcher: words and objects in one transformer. Rival [9] of Table 1 of HSL also builds on it.

References
----------
[1] Li, Yatskar, Yin, Hsieh, Chang, "VisualBERT: a simple and performant baseline for vision and language",
    arXiv:1908.03557, 2019.
[2] Huang, Yang, Lin, KDD_WinnieTheBest, 2020: reference [9] of HSL.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from likeness.models.hsl.encoders import Transformer
from likeness.models.hsl.inputs import Images, Texts
from likeness.models.hsl.joint import Encoded, JointMatcher, PlacedWords, score_head
from likeness.models.hsl.matcher import Size

#: Rows of the segment embedding.
_WORDS, _OBJECTS = 0, 1
_SEGMENTS: Final = 2


class VisualBERT(JointMatcher):
    """One transformer over [CLS], words and objects; the score is read off [CLS].

    A word is its vector, its place and its segment; an object its projected features and its segment, without a place,
    as in [1] where no alignment of words and objects is given ([2] numbers the objects on behind the words).

    **Not pretrained**: [1] starts from BERT's base weights (12 layers) and trains on captions first, [2] from those of
    BERT large (24). This is their architecture with the budget of the table: 10 layers, as many as HSL has for both
    sides. Every pair runs through all of them.

    Parameters
    ----------
    layers : of the one transformer
    negatives, seed : see `JointMatcher`
    """

    def __init__(self, size: Size, *, layers: int = 10, negatives: int = 3, seed: int = 0) -> None:
        super().__init__(negatives=negatives, seed=seed)
        if layers < 1:
            raise ValueError(f"layers {layers}: expected 1 or more, or [CLS] sees nothing")
        self.words = PlacedWords(size)
        self.object_in = nn.Linear(size.features, size.width)
        self.segments = nn.Embedding(_SEGMENTS, size.width)
        self.cls = nn.Parameter(torch.randn(size.width))  # as large as a normalised word
        self.norm = nn.LayerNorm(size.width)
        self.dropout = nn.Dropout(size.dropout)
        self.stream = Transformer(size, layers)
        self.head = score_head(size.width)

    def encode_images(self, images: Images) -> Encoded:
        """Objects as the transformer takes them."""
        x = self.object_in(images.objects) + self.segments.weight[_OBJECTS]
        return Encoded(self.dropout(self.norm(x)), images.present)

    def encode_texts(self, texts: Texts) -> Encoded:
        """[CLS] and words as the transformer takes them."""
        x = self.words(texts.words) + self.segments.weight[_WORDS]
        return Encoded(self.dropout(self.norm(x)), texts.present).behind(self.cls)

    def compare(self, objects: Encoded, words: Encoded) -> Tensor:
        """Scores of P pairs, (P,)."""
        x = torch.cat([words.vectors, objects.vectors], dim=1)  # (P, 1 + m + n, width)
        x = self.stream(x, torch.cat([words.present, objects.present], dim=1))
        return self.head(x[:, 0]).squeeze(1)
