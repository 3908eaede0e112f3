"""Parents of captions: what queries of Fashion200k's kind are made by, on its own captions and on the wardrobe's.

References
----------
.. [1] Vo et al., "Composing Text and Image for Image Retrieval", CVPR 2019, section 4 and its code (datasets.py).
"""

from __future__ import annotations

from typing import Literal

Variant = Literal["corrected", "literal"]


def parents(caption: str, *, variant: Variant = "corrected") -> tuple[str, ...]:
    """A caption less one word, for each of its words; each parent once, in the order of the words.

    corrected removes the word, literal, as the published code does, every occurrence of its letters. Raises ValueError
    on another variant.

    >>> parents("a black shirt")
    ('black shirt', 'a shirt', 'a black')
    >>> parents("a black shirt", variant="literal")
    ('blck shirt', 'a shirt', 'a black')
    """
    check_variant(variant)
    words = caption.split()
    if variant == "corrected":
        found = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]
    else:
        found = [caption.replace(word, "").replace("  ", " ").strip() for word in words]
    return tuple(dict.fromkeys(found))


def check_variant(variant: str) -> None:
    """Raise ValueError unless the variant is one of `Variant`."""
    if variant not in ("corrected", "literal"):
        raise ValueError(f"variant {variant!r}: expected 'corrected' or 'literal'")
