"""Scores without a loop over pairs: eq. 12 as one inner product.

With the mean over objects (eq. 4) every part of the hierarchical similarity is linear in the text vector:

.. math:: s(I, T) = \\sum_l \\lambda_l \\Big( \\Big\\langle \\frac1n \\sum_k \\frac{v^l_k}{|v^l_k|}, q^l_1 \\Big\\rangle
    + \\Big\\langle \\frac{v^l}{|v^l|}, q^l_2 \\Big\\rangle \\Big) = \\langle x_I, y_T \\rangle,

so that images can be encoded once and searched by any index for inner products. With the maximum over objects the
object parts are no inner products; their means then serve as a first stage.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from likeness.models.hsl.hsl import HSL, ImageCode, TextCode
from likeness.models.hsl.inputs import Images, Texts, mean_of_present

#: Images or texts that are encoded at once.
_CHUNK = 512


@torch.no_grad()
def image_vectors(model: HSL, images: Images) -> np.ndarray:
    """x_I of N images, (N, parts * E) float32: mean object and whole image of every scored level, side by side."""
    found = []
    for rows in torch.arange(len(images)).split(_CHUNK):
        found.append(image_side(model.encode_images(images.rows(rows))))
    return np.asarray(torch.cat(found).float().cpu().numpy())


@torch.no_grad()
def text_vectors(model: HSL, texts: Texts) -> np.ndarray:
    """y_T of T texts, (T, parts * E) float32, in the order of `image_vectors`, each times lambda of its level."""
    weights = [model.weights[level - 1] for level in model.scored]
    found = []
    for rows in torch.arange(len(texts)).split(_CHUNK):
        found.append(text_side(model.encode_texts(texts.rows(rows)), weights))
    return np.asarray(torch.cat(found).float().cpu().numpy())


def image_side(code: ImageCode) -> Tensor:
    """x_I of encoded images, (N, parts * E): mean object and whole image, level by level."""
    means = [None if one is None else mean_of_present(one, code.present) for one in code.objects]
    return _side_by_side(means, code.whole)


def text_side(code: TextCode, weights: Sequence[float]) -> Tensor:
    """y_T of encoded texts, (T, parts * E), each level times its lambda."""
    objects, whole = (
        [None if one is None else weight * one for weight, one in zip(weights, ones, strict=True)] for ones in code
    )
    return _side_by_side(objects, whole)


def _side_by_side(objects: list[Tensor | None], whole: list[Tensor | None]) -> Tensor:
    """By level, objects first; what a model lacks is left out."""
    pairs = zip(objects, whole, strict=True)
    return torch.cat([one for pair in pairs for one in pair if one is not None], dim=1)
