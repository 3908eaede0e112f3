"""LXMERT as a matcher: each side by itself, then layers of attention across. Rival [10] of Table 1 of HSL is one.

References
----------
[1] Tan, Bansal, "LXMERT: learning cross-modality encoder representations from transformers", EMNLP 2019, and its code
    airsplay/lxmert.
[2] Zhang et al., KDD2020_mutilmodalities, 2020: reference [10] of HSL.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from likeness.models.hsl.encoders import Transformer
from likeness.models.hsl.inputs import Images, Texts
from likeness.models.hsl.joint import Encoded, JointMatcher, PlacedWords, score_head
from likeness.models.hsl.matcher import Size


class LXMERT(JointMatcher):
    """Language layers, object layers, then cross-modality layers; the score is read off the language's [CLS].

    **Not pretrained**: [2] fine-tunes the published weights of [1], which has 9 language, 5 object and 5 cross-modality
    layers. Here 2, 5 and 2: with those inside the cross-modality layers, words pass 4 layers of self-attention and
    objects 6, as in HSL. [1] adds the position of its box to every object; no model of the table is given boxes.

    Parameters
    ----------
    text_layers, object_layers, cross_layers : of each kind
    negatives, seed : see `JointMatcher`
    """

    def __init__(
        self,
        size: Size,
        *,
        text_layers: int = 2,
        object_layers: int = 5,
        cross_layers: int = 2,
        negatives: int = 3,
        seed: int = 0,
    ) -> None:
        super().__init__(negatives=negatives, seed=seed)
        if cross_layers < 1:
            raise ValueError(f"cross_layers {cross_layers}: expected 1 or more, or no word sees an object")
        self.words = PlacedWords(size)
        self.word_norm = nn.LayerNorm(size.width)
        self.cls = nn.Parameter(torch.randn(size.width))  # as large as a normalised word
        self.object_in = nn.Linear(size.features, size.width)
        self.object_norm = nn.LayerNorm(size.width)
        self.dropout = nn.Dropout(size.dropout)
        self.text_encoder = Transformer(size, text_layers)
        self.object_encoder = Transformer(size, object_layers)
        self.exchanges = nn.ModuleList(CrossModality(size) for _ in range(cross_layers - 1))
        self.last = CrossModality(size, objects_too=False)
        self.head = score_head(size.width)

    def encode_images(self, images: Images) -> Encoded:
        """Objects through their own layers."""
        x = self.dropout(self.object_norm(self.object_in(images.objects)))
        return Encoded(self.object_encoder(x, images.present), images.present)

    def encode_texts(self, texts: Texts) -> Encoded:
        """[CLS] and words through their own layers."""
        x = self.dropout(self.word_norm(self.words(texts.words)))
        start = Encoded(x, texts.present).behind(self.cls)
        return Encoded(self.text_encoder(start.vectors, start.present), start.present)

    def compare(self, objects: Encoded, words: Encoded) -> Tensor:
        """Scores of P pairs, (P,)."""
        for exchange in self.exchanges:
            words, objects = exchange(words, objects)
        words, _ = self.last(words, objects)
        return self.head(words.vectors[:, 0]).squeeze(1)


class CrossModality(nn.Module):
    """Cross-attention both ways, then for each side self-attention and a feed-forward net (figure 1 of [1]).

    The attention from words to objects and the one back are one module, as in the code of [1]; its equations name two.

    Parameters
    ----------
    objects_too : false leaves the objects as they are: of the last layer nothing reads them, and [1] computes them
        for its pretraining only
    """

    def __init__(self, size: Size, *, objects_too: bool = True) -> None:
        super().__init__()
        self.cross = nn.MultiheadAttention(size.width, size.heads, size.dropout, batch_first=True)
        self.dropout = nn.Dropout(size.dropout)
        self.norm = nn.LayerNorm(size.width)
        self.of_words = Transformer(size, 1)
        self.of_objects = Transformer(size, 1) if objects_too else None

    def forward(self, words: Encoded, objects: Encoded) -> tuple[Encoded, Encoded]:
        """Words and objects of P pairs, each after a look at the other as it was."""
        heard = Encoded(self.of_words(self._look(words, objects), words.present), words.present)
        if self.of_objects is None:
            return heard, objects
        return heard, Encoded(self.of_objects(self._look(objects, words), objects.present), objects.present)

    def _look(self, x: Encoded, at: Encoded) -> Tensor:
        seen, _ = self.cross(x.vectors, at.vectors, at.vectors, key_padding_mask=~at.present, need_weights=False)
        return self.norm(x.vectors + self.dropout(seen))
