r"""Composition of an image and a text into one vector that is compared with the target image: six of them.

z (B, d) is what alpha makes of the source image (eq. 2.1), q (B, h) what beta makes of the text (eq. 2.2); theta (B, d)
is compared with alpha(y), by cosine. Of each model the published code is followed ([2], [4] and [5]), with any d and h
in place of its 512 or 384. The text of [1] leaves depth, dropout and normalisation open, so there is nothing that it
and the code would compute otherwise, but for misprints: before eq. 3.5 it calls the image "text features" and the text
"target image features". By section 2.3 gamma takes images and mu takes texts, in `reverse` as well.

All start from torch's current generator. In training all but `ImageOnly` and `TextOnly` need two rows or more: they
normalise over the batch, and what they do to a row then depends on the other rows.

References
----------
[1] Tran, Hoang, "ComposeTransformers", 2022, sections 2.3-2.4.
[2] Its code, hoangtv2000/Clothing_MMRetrieval, img_text_composition_model/.
[3] Vo, Jiang, Sun, Murphy, Li, Fei-Fei, Hays, "Composing text and image for image retrieval", CVPR 2019.
[4] Its code, google/tirg, img_text_composition_models.py.
[5] Anwaar, Labintcev, Kleinsteuber, "Compositional learning of image-text query for image retrieval", WACV 2021, and
    its code ecom-research/ComposeAE.
"""

from __future__ import annotations

from typing import Final

from likeness.models.compose.plain import TIRG, Composition, Concatenation, ImageOnly, TextOnly
from likeness.models.compose.turning import ComposeAE, ComposeTransformers, Rotation

__all__ = [
    "NAMES", "TIRG", "ComposeAE", "ComposeTransformers", "Composition", "Concatenation", "ImageOnly", "Rotation",
    "TextOnly", "build",
]  # fmt: skip

_KINDS: Final[dict[str, type[Composition]]] = {
    "image": ImageOnly,
    "text": TextOnly,
    "concatenation": Concatenation,
    "tirg": TIRG,
    "compose-ae": ComposeAE,
    "compose-transformers": ComposeTransformers,
}
#: What `build` knows, baselines first, then by year.
NAMES: Final = tuple(_KINDS)


def build(name: str, image: int, text: int) -> Composition:
    """The composition of that name, of `NAMES`, for image features of width d and text features of width h.

    Raises ValueError on another name, and as the composition does.

    >>> sum(p.numel() for p in build("compose-transformers", 384, 384).parameters())
    1186945
    """
    if name not in _KINDS:
        raise ValueError(f"composition {name!r}: expected one of {', '.join(NAMES)}")
    return _KINDS[name](image, text)
