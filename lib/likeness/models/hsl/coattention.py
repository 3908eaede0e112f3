"""MCAN as a matcher: the words guide the attention of the objects. Rival [9] of Table 1 of HSL builds on it.

References
----------
[1] Yu, Yu, Cui, Tao, Tian, "Deep modular co-attention networks for visual question answering", CVPR 2019 (the
    encoder-decoder form), and its code MILVLG/mcan-vqa.
[2] Huang, Yang, Lin, KDD_WinnieTheBest, 2020: reference [9] of HSL.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from likeness.models.hsl.encoders import Decoder, Transformer
from likeness.models.hsl.inputs import Images, Texts
from likeness.models.hsl.joint import Encoded, JointMatcher
from likeness.models.hsl.matcher import Size


class MCAN(JointMatcher):
    """Self-attention on words; self-attention and attention guided by the words on objects; one score of both.

    A layer of guided attention, self-attention, then attention to the last representation of the words, then a
    feed-forward net, is torch's decoder layer with objects as target and words as memory. An LSTM tells the places of
    words apart, as in [1].

    [1] has 6 layers of each kind, 8 heads, and classifies answers; [2] has 12 of each, 1024 wide, no LSTM, the word
    vectors of RoBERTa, boxes and class labels, and reads both sides, their product and their distance.
    This is [1] with one score, with as many layers for words and objects as HSL.

    Parameters
    ----------
    text_layers, object_layers : of self-attention on words, of guided attention on objects
    negatives, seed : see `JointMatcher`
    """

    def __init__(
        self, size: Size, *, text_layers: int = 4, object_layers: int = 6, negatives: int = 3, seed: int = 0
    ) -> None:
        super().__init__(negatives=negatives, seed=seed)
        if object_layers < 1:
            raise ValueError(f"object_layers {object_layers}: expected 1 or more, or no object hears a word")
        self.word_vectors = nn.Embedding(size.words, size.word_width, padding_idx=0)
        self.lstm = nn.LSTM(size.word_width, size.width, batch_first=True)
        self.text_encoder = Transformer(size, text_layers)
        self.object_in = nn.Linear(size.features, size.width)
        self.guided = Decoder(size, object_layers)
        self.words_to_one = AttentionalReduction(size)
        self.objects_to_one = AttentionalReduction(size)
        # biases here would shift the scores of all pairs alike: neither the softmax nor the order would change
        self.head = nn.Sequential(nn.LayerNorm(size.embed, bias=False), nn.Linear(size.embed, 1, bias=False))

    def encode_images(self, images: Images) -> Encoded:
        """Objects in the width of the model; all else depends on the words."""
        return Encoded(self.object_in(images.objects), images.present)

    def encode_texts(self, texts: Texts) -> Encoded:
        """Words through LSTM and self-attention; what pads stands behind, where a forward LSTM comes last."""
        x, _ = self.lstm(self.word_vectors(texts.words))
        return Encoded(self.text_encoder(x, texts.present), texts.present)

    def compare(self, objects: Encoded, words: Encoded) -> Tensor:
        """Scores of P pairs, (P,)."""
        x = self.guided(objects.vectors, words.vectors, memory_present=words.present, present=objects.present)
        both = self.objects_to_one(x, objects.present) + self.words_to_one(words.vectors, words.present)
        return self.head(both).squeeze(1)


class AttentionalReduction(nn.Module):
    """Attentional reduction of [1]: the weights of a sum are a masked softmax of an MLP; then a linear layer."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Linear(size.width, size.width),
            nn.ReLU(),
            nn.Dropout(size.dropout),
            nn.Linear(size.width, 1, bias=False),  # a softmax does not see a bias
        )
        self.merge = nn.Linear(size.width, size.embed)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Vectors x (N, n, width), present (N, n) bool -> (N, embed)."""
        weights = self.weigh(x).squeeze(2).masked_fill(~present, -torch.inf).softmax(dim=1)  # (N, n)
        return self.merge((weights.unsqueeze(2) * x).sum(dim=1))
