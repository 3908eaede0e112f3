"""The stacked encoders of a level: transformer layers or a bi-GRU, over padded sets or sequences.

References
----------
[1] Vaswani et al., "Attention is all you need", NeurIPS 2017.
[2] Ma et al., ICASSP 2021, section 3.1.2.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from likeness.models.hsl.matcher import Size

Kind = Literal["transformer", "gru"]


def encoder(kind: Kind, size: Size, layers: int) -> nn.Module:
    """A level: module mapping x (N, n, width), present (N, n) bool to (N, n, width).

    The transformer has `layers` post-norm layers; the bi-GRU has one, as [2] says, whatever `layers` is.
    """
    if kind == "gru":
        return BiGRU(size.width)
    if kind == "transformer":
        return Transformer(size, layers)
    raise ValueError(f"encoder {kind!r}: expected 'transformer' or 'gru'")


class Transformer(nn.Module):
    """torch's post-norm encoder layers (ReLU), which see only what is present.

    Each layer starts from weights of its own: torch's stack of layers would start all from copies of one.
    """

    def __init__(self, size: Size, layers: int) -> None:
        super().__init__()
        widths = (size.width, size.heads, size.hidden, size.dropout)
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(*widths, batch_first=True) for _ in range(layers))

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Objects or words (N, n, width) -> the same shape."""
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=~present)
        return x


class Decoder(nn.Module):
    """torch's post-norm decoder layers: a sequence or set attends to itself and to another. Weights as above."""

    def __init__(self, size: Size, layers: int) -> None:
        super().__init__()
        widths = (size.width, size.heads, size.hidden, size.dropout)
        self.layers = nn.ModuleList(nn.TransformerDecoderLayer(*widths, batch_first=True) for _ in range(layers))

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        *,
        memory_present: Tensor,
        present: Tensor | None = None,
        hidden: Tensor | None = None,
    ) -> Tensor:
        """x (N, n, width), memory (N, m, width) -> (N, n, width).

        present : of x, (N, n) bool, None for all; hidden : (n, n) bool, true where a place may not look
        """
        away = None if present is None else ~present
        for layer in self.layers:
            x = layer(x, memory, tgt_mask=hidden, tgt_key_padding_mask=away, memory_key_padding_mask=~memory_present)
        return x


class BiGRU(nn.Module):
    """One layer of a GRU in both directions; the two halves of the width stand side by side."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Objects or words (N, n, width) -> the same shape, zeros where nothing is present."""
        packed = pack_padded_sequence(x, present.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=x.shape[1])
        return torch.as_tensor(out)


def positions(n: int, width: int) -> Tensor:
    r"""Sinusoids of [1], (n, width): :math:`\sin(p / 10000^{2i/d})` in even columns, cosines in odd ones."""
    place = torch.arange(n, dtype=torch.float32).unsqueeze(1)
    rate = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10_000.0) / width))
    found = torch.zeros(n, width)
    found[:, 0::2] = torch.sin(place * rate)
    found[:, 1::2] = torch.cos(place * rate)
    return found
