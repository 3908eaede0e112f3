"""What is trained and what searches: alpha, beta, a composition and s, on the tokens of photographs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.models.compose import encoders
from likeness.models.compose.composition import Composition
from likeness.models.compose.encoders import ImageEncoder
from likeness.models.compose.texts import SmallText


class Retrieval(nn.Module):
    """Queries and targets as vectors of one space, to be compared by cosine.

    Parameters
    ----------
    image : copied, so that several models may start from one
    text : None where texts come as features (B, h) of an encoder that is frozen
    frozen : what makes those features of texts, for `encode`
    composition : of widths d of the image and h of the text
    scale : s, the length that the losses give unit vectors, from which it learns; by default the composition's own

    Raises ValueError on widths that do not fit, or a scale that is not above 0.
    """

    def __init__(
        self,
        image: ImageEncoder,
        text: SmallText | None,
        composition: Composition,
        scale: float | None = None,
        *,
        frozen: Callable[[Sequence[str]], np.ndarray] | None = None,
    ) -> None:
        super().__init__()
        first = composition.first_scale if scale is None else scale
        made = image.head[1].out_features
        if made != composition.image or (text is not None and text.h != composition.text) or not 0 < first < math.inf:
            said = f"features of {made} numbers and {text.h if text else 'any'} of texts, scale {first}"
            raise ValueError(f"{said}: expected {composition.image}, {composition.text} and a scale above 0")
        self.image, self.text, self.composition = copy.deepcopy(image), text, composition
        self.frozen = frozen
        self.scale = nn.Parameter(torch.tensor(float(first)))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """What `said` takes: numbers of the words of texts (N, L) int64, or features (N, h) of the frozen encoder.

        Raises ValueError where there is neither.
        """
        reads = self.frozen if self.text is None else self.text.encode
        if reads is None:
            raise ValueError("this model reads features of texts: expected `frozen`, the encoder that makes them")
        return reads(texts)

    def see(self, photos: np.ndarray) -> np.ndarray:
        """Tokens (N, T, w) of photographs (N, 3, s, s) uint8, as `encoders.tokens`, where the model is."""
        return encoders.tokens(self.image, photos, device=self.scale.device)

    def said(self, words: Tensor) -> Tensor:
        """q (B, h): of numbers of words (B, L) int64, or of features (B, h) themselves. Raises ValueError on others."""
        if words.is_floating_point() != (self.text is None):
            reads = "features (B, h) real" if self.text is None else "words (B, L) int64"
            raise ValueError(f"words of {words.dtype}: expected {reads}, which this model reads")
        return words if self.text is None else self.text(words)

    def queries(self, tokens: Tensor, words: Tensor) -> Tensor:
        """theta (B, d) of tokens (B, T, w) of source images and their texts, as of `said`."""
        return self.composition(self.image.finish(tokens), self.said(words))

    def targets(self, tokens: Tensor) -> Tensor:
        """alpha (B, d) of tokens (B, T, w)."""
        return self.image.finish(tokens)

    def check(self, tokens: np.ndarray) -> None:
        """Raise ValueError on tokens that are not (N, T, w) real."""
        if tokens.ndim != 3 or tokens.shape[2] != self.image.width or tokens.dtype.kind != "f":
            raise ValueError(f"tokens {tokens.shape}, {tokens.dtype}: expected (N, T, {self.image.width}) real")


def vectors(model: Retrieval, tokens: np.ndarray, *, batch: int = 512) -> np.ndarray:
    """Photographs as they are searched: tokens (N, T, w) -> (N, d) float32 of length 1. Raises as `check`."""
    model.check(tokens)
    return _all(model, lambda rows: model.targets(some(tokens, rows, model)), len(tokens), batch)


def asked(
    model: Retrieval, tokens: np.ndarray, source: np.ndarray, words: np.ndarray, *, batch: int = 512
) -> np.ndarray:
    """Queries as they search: rows (Q,) of tokens and their words or features -> (Q, d) float32 of length 1.

    Raises ValueError as `check`, on another number of words than of rows, and on words of another kind than the model
    reads.
    """
    model.check(tokens)
    if source.ndim != 1 or len(source) != len(words):
        raise ValueError(f"{source.shape} sources and {len(words)} texts: expected (Q,) and Q")
    return _all(
        model,
        lambda rows: model.queries(some(tokens, source[rows], model), sent_words(words[rows], model)),
        len(source),
        batch,
    )


def some(tokens: np.ndarray, rows: np.ndarray | slice, model: Retrieval) -> Tensor:
    """Some tokens, where the model is, in their precision."""
    return torch.from_numpy(np.array(tokens[rows])).to(model.scale.device)


def sent_words(words: np.ndarray, model: Retrieval) -> Tensor:
    """Words as int64, features as float32, where the model is."""
    return torch.from_numpy(words.astype(np.float32 if words.dtype.kind == "f" else np.int64)).to(model.scale.device)


@torch.no_grad()
def _all(model: Retrieval, some_vectors: Callable[[slice], Tensor], n: int, batch: int) -> np.ndarray:
    """Unit vectors of rows 0 to n, a batch at a time; the model is afterwards in the mode in which it came."""
    before, found = model.training, np.empty((n, model.composition.image), np.float32)
    model.eval()
    try:
        for start in range(0, n, batch):
            rows = slice(start, start + batch)
            found[rows] = F.normalize(some_vectors(rows), dim=1).cpu().numpy()
    finally:
        model.train(before)
    return found
