r"""alpha, the image encoder: a vision transformer and the head of the published code.

.. math:: \alpha(x) = \mathrm{Dropout}(W\, \mathrm{GELU}(\mathrm{LN}(x_L)_{CLS}) + b) \in \mathbb{R}^d \tag{2.1}

x_L are the tokens behind the last block. Text and code differ: section 2.1 has a "convolution stem in the first
Transformer block"; the code [2] has none, and neither has anything here. "Freeze 11/12 blocks" (section 4.2) is here
what it says: patches, positions and all blocks but the last stay; see `readings` for what the code freezes.

What is frozen is computed once (`tokens`). Importing this module imports `transformers`, which takes seconds: do it
late.

References
----------
[1] Tran, Hoang, "ComposeTransformers", 2022, sections 2.1, 4.2.
[2] Its code, hoangtv2000/Clothing_MMRetrieval, img_model/vit_extractor.py, config/config.yml.
[3] Touvron et al., "Training data-efficient image transformers", ICML 2021; timm's deit_small_patch16_224.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import DeiTModel, ViTConfig, ViTModel

from likeness.models.dvbpr.cnnf import Dropout
from likeness.models.photographs import check_photographs, sent

#: Numbers a head of attention. DeiT-S has 64; as many heads as DeiT-Ti, 3, at half its width.
HEAD: Final = 32
#: Dropout of the head, in [2].
_DROPOUT: Final = 0.25
#: Mean and standard deviation of a channel for networks trained here: bytes go to [-1, 1].
_HALF: Final = (0.5, 0.5, 0.5)
#: Those of ImageNet, which DeiT was trained with and [2] takes.
_IMAGENET: Final = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_BYTE: Final = 255.0
#: Largest number of float16: a token above it would be cached as infinity.
_LARGEST: Final = float(np.finfo(np.float16).max)


class ImageEncoder(nn.Module):
    """A vision transformer, of which the last blocks, the last normalisation and the head of eq. 2.1 learn.

    Parameters
    ----------
    body : without a pooler. What it computes for one photograph must not depend on others
    d : width of the features
    trained : blocks that learn, the last ones; 0 to all. Patches and positions never do, but in `pretrain`
    mean, std : of a channel of photographs in [0, 1], taken off and divided by

    side : pixels along a side of a photograph. width : w of a token. blocks : their number.
    The head starts from torch's current generator. Raises ValueError on a body with a pooler or another `trained` or d.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        body: ViTModel | DeiTModel,
        d: int,
        trained: int = 1,
        *,
        mean: Sequence[float] = _HALF,
        std: Sequence[float] = _HALF,
    ) -> None:
        super().__init__()
        if body.pooler is not None or d < 1:
            raise ValueError(f"width {d}, pooler {body.pooler}: expected 1 or more, and a body without a pooler")
        self.body = body
        self.side, self.width, self.blocks = body.config.image_size, body.config.hidden_size, len(body.layers)
        self.head = nn.Sequential(nn.GELU(), nn.Linear(self.width, d), Dropout(_DROPOUT))
        for name, of in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(of).view(1, 3, 1, 1), persistent=False)
        self.freeze(trained)

    def freeze(self, trained: int) -> Self:
        """Let the last `trained` blocks learn and nothing before them. Raises ValueError outside 0 to `blocks`."""
        if not 0 <= trained <= self.blocks:
            raise ValueError(f"{trained} blocks that learn: expected 0 to {self.blocks}")
        self.requires_grad_(True)
        self.trained = trained
        for part in self._frozen():
            part.requires_grad_(False)
        return self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """As torch's; what is frozen stays in evaluation mode."""
        super().train(mode)
        for part in self._frozen():
            part.eval()
        return self

    def embedded(self, x: Tensor) -> Tensor:
        """Photographs x (B, 3, s, s) uint8, or real in [0, 255] -> tokens (B, T, w) that enter the first block."""
        return self.body.embeddings((x.to(self.mean.dtype) / _BYTE - self.mean) / self.std)

    @torch.no_grad()
    def start(self, x: Tensor) -> Tensor:
        """What is frozen: x (B, 3, s, s) uint8 -> tokens (B, T, w) that enter the first block that learns.

        Raises ValueError on another side.
        """
        found = self.embedded(x)
        for block in self.body.layers[: self.blocks - self.trained]:
            found = block(found)
        return found

    def finish(self, tokens: Tensor) -> Tensor:
        """The blocks that learn, and the head: tokens (B, T, w) of `start`, in any precision -> (B, d)."""
        return self.head(self.first(tokens, self.trained))

    def first(self, tokens: Tensor, last: int) -> Tensor:
        """The normalised CLS token (B, w) behind the last blocks, of tokens (B, T, w) that enter them."""
        tokens = tokens.to(self.mean.dtype)
        for block in self.body.layers[self.blocks - last : -1]:
            tokens = block(tokens)
        return self.body.layernorm(first_token(self.body.layers[-1], tokens) if last else tokens[:, 0])

    def forward(self, x: Tensor) -> Tensor:
        """Features of photographs: x (B, 3, s, s) uint8 -> (B, d). Raises ValueError on another side."""
        return self.finish(self.start(x))

    def _frozen(self) -> list[nn.Module]:
        return [self.body.embeddings, *self.body.layers[: self.blocks - self.trained]]


def first_token(block: Any, tokens: Tensor) -> Tensor:
    """What a block of `transformers`' ViT or DeiT makes of the first token alone: (B, T, w) -> (B, w).

    Equals ``block(tokens)[:, 0]``. Behind the last block no other token is read, so that no other need be computed:
    with 17 tokens, 2.6 multiplications a token in place of 12. Dropout in a block, which ViT and DeiT do not have, is
    left out.
    """
    attention, (n, _, width) = block.attention, tokens.shape
    x = block.layernorm_before(tokens)
    rows = (attention.q_proj(x[:, :1]), attention.k_proj(x), attention.v_proj(x))
    q, k, v = (of.view(n, -1, attention.num_attention_heads, attention.head_dim).transpose(1, 2) for of in rows)
    seen = F.scaled_dot_product_attention(q, k, v, scale=attention.scaling)  # (B, heads, 1, w / heads)
    x = attention.o_proj(seen.reshape(n, width)) + tokens[:, 0]
    return block.mlp(block.layernorm_after(x)) + x


def small_vit(side: int, patch: int, width: int, layers: int, d: int, trained: int = 1) -> ImageEncoder:
    """A vision transformer that a CPU can train: heads of 32, hidden layers of 4 w. Starts from torch's generator.

    Raises ValueError where `patch` does not divide `side` or 32 not `width`, and on fewer than one block.
    """
    if patch < 1 or side < patch or side % patch or width < HEAD or width % HEAD or layers < 1:
        said = f"side {side}, patch {patch}, width {width}, {layers} layers"
        raise ValueError(f"{said}: expected a multiple of the patch, a multiple of {HEAD}, and one layer or more")
    body = ViTModel(_config(side, patch, width, layers, width // HEAD), add_pooling_layer=False)
    return ImageEncoder(body, d, trained)


def deit_small(d: int = 384, trained: int = 1, weights: Path | None = None) -> ImageEncoder:
    """DeiT-S for photographs of 224 pixels: 12 blocks, width 384, 6 heads; 21.7 M numbers and the head [3].

    `transformers` has it as a **ViT**, since its "DeiT" is the distilled one, with a token more; so has the checkpoint
    facebook/deit-small-patch16-224, which [2] takes from torch.hub. Nothing is resized.

    weights : a local folder with model.safetensors of it; otherwise weights are drawn. No code of it is run, its
        config.json is not read, nothing is downloaded

    Raises FileNotFoundError where the folder has no such file, ValueError where it is damaged or of another network.
    """
    config = _config(224, 16, 384, 12, 6)
    body = ViTModel(config, add_pooling_layer=False) if weights is None else _loaded(weights, config)
    return ImageEncoder(body, d, trained, mean=_IMAGENET[0], std=_IMAGENET[1])


@torch.no_grad()
def tokens(encoder: ImageEncoder, photos: np.ndarray, *, device: torch.device | str, batch: int = 256) -> np.ndarray:
    """What `start` makes of all photographs, (N, 3, s, s) uint8 -> (N, T, w) float16; the encoder goes to the device.

    float16 keeps 11 bits: vectors move by some 1e-4 of their length. Raises ValueError on another array, and where a
    token is too large for it.
    """
    check_photographs(photos)
    encoder.to(device)
    found: list[np.ndarray] = []
    for start in range(0, len(photos), batch):
        x = encoder.start(sent(photos, slice(start, start + batch), device))
        if not x.abs().max() <= _LARGEST:  # so written, NaN is caught too
            raise ValueError(f"a token of {x.abs().max().item():.4g}: expected at most {_LARGEST:.4g}, for float16")
        found.append(x.to(torch.float16).cpu().numpy())
    blank = (0, encoder.body.embeddings.position_embeddings.shape[1], encoder.width)
    return np.concatenate(found) if found else np.empty(blank, np.float16)


def _config(side: int, patch: int, width: int, layers: int, heads: int) -> ViTConfig:
    return ViTConfig(
        image_size=side, patch_size=patch, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=4 * width, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip


def _loaded(folder: Path, config: ViTConfig) -> ViTModel:
    """Weights of a folder in a body of this configuration, all of them."""
    if not (folder / "model.safetensors").is_file():
        raise FileNotFoundError(f"{folder / 'model.safetensors'} is missing: expected weights of DeiT-S there, or None")
    try:
        loaded: Any = ViTModel.from_pretrained(  # with this switch a pair
            folder, config=config, add_pooling_layer=False, local_files_only=True, use_safetensors=True,
            output_loading_info=True,
        )  # fmt: skip
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ValueError(f"{folder}: damaged weights, or of another network ({error})") from error
    body, told = loaded
    if missing := sorted(told["missing_keys"]):  # these would have been drawn at random, with a warning
        raise ValueError(f"{folder}: {len(missing)} weights of DeiT-S are missing, {missing[0]} among them")
    return body
