"""Readings of "11 of 12 blocks frozen": which of them has the 6.7 M numbers that the paper says learn.

References
----------
[1] Tran, Hoang, "ComposeTransformers", 2022, section 4.2: 45.7 M in all, 6.7 M that learn.
[2] Its code, hoangtv2000/Clothing_MMRetrieval: img_model/vit_extractor.py, config/config.yml (freeze_block 10).
"""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import torch
from torch import nn
from transformers import BertConfig, BertModel

from likeness.models.compose.composition import build
from likeness.models.compose.encoders import deit_small

#: all-MiniLM-L6: 12 heads, 6 layers of width 384, 30,522 pieces of words.
_MINILM: Final[dict[str, Any]] = {
    "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
    "vocab_size": 30522, "max_position_embeddings": 512,
}  # fmt: skip
_MILLION: Final = 1e6


def readings(d: int = 384) -> pd.DataFrame:
    """Numbers that learn, and numbers in all, of alpha, MiniLM and the paper's composition, in millions, by reading.

    All readings let the composition, its reconstructions, s, alpha's head and the last normalisation learn. "as coded"
    is `freeze_layers` of [2] with its freeze_block of 10: blocks 0 to 8 are frozen, and the **attention** of block 9;
    patches, positions and CLS are not. Nothing is computed but shapes. Columns "trainable" and "total".

    >>> readings().round(2).loc[["last block", "as coded"]].to_dict("index")
    {'last block': {'trainable': 3.11, 'total': 45.71}, 'as coded': {'trainable': 6.44, 'total': 45.71}}
    """
    with torch.device("meta"):
        alpha, text = deit_small(d), BertModel(BertConfig(**_MINILM))
        composition = build("compose-transformers", d, 384)
    body: Any = alpha.body
    patches = body.embeddings.patch_embeddings
    always = sum(_count(of) for of in (alpha.head, body.layernorm, composition)) + 1  # s
    block, started, positions = _count(body.layers[0]), _count(patches), _count(body.embeddings) - _count(patches)
    learns = {
        "head and composition": 0,
        "last block": block,
        "last block, patches and positions": block + started + positions,
        "last 2 blocks": 2 * block,
        "last 3 blocks": 3 * block,
        "last 3 blocks and positions": 3 * block + positions,
        "last 3 blocks, patches and positions": 3 * block + positions + started,
        "as coded": 3 * block - _count(body.layers[0].attention) + positions + started,
    }
    total = _count(alpha) + _count(text) + _count(composition) + 1
    rows = {name: {"trainable": (many + always) / _MILLION, "total": total / _MILLION} for name, many in learns.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("reading")


def parts(d: int = 384) -> dict[str, float]:
    """Millions of parameters of the paper's parts, of all of them, and of what learns where one block does.

    >>> {name: round(millions, 2) for name, millions in parts().items()}  # doctest: +NORMALIZE_WHITESPACE
    {'image': 21.81, 'text': 22.71, 'composition': 0.89, 'reconstruction': 0.3, 'total': 45.71, 'trainable': 3.11}
    """
    with torch.device("meta"):
        alpha, text = deit_small(d), BertModel(BertConfig(**_MINILM))
        composition: Any = build("compose-transformers", d, 384)
    rebuilt = _count(composition.d_image) + _count(composition.d_text)
    counted = {
        "image": _count(alpha), "text": _count(text), "composition": _count(composition) - rebuilt,
        "reconstruction": rebuilt,
    }  # fmt: skip
    by_reading = readings(d).to_dict("index")["last block"]
    found = {name: many / _MILLION for name, many in counted.items()}
    return found | {name: float(by_reading[name]) for name in ("total", "trainable")}


def _count(part: nn.Module) -> int:
    return sum(weights.numel() for weights in part.parameters())
