"""Queries of Fashion200k: "replace A with B" between captions that share a parent, and the published test pairs.

A parent of a caption is the caption with one word removed (`likeness.data.captions`). The published code (see
`likeness.data.fashion200k`) removes the word as a substring, which damages other words; `variant="corrected"` removes
the word.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from likeness.data.captions import Variant, check_variant, parents
from likeness.data.fashion200k import Catalogue
from likeness.data.strict_text import BadField, Skipped, lines, parsed, shown, text

T = TypeVar("T")
#: Bytes of a line of test_queries.txt, two paths of some hundred.
_LONGEST_LINE: Final = 2**16


@dataclass(frozen=True)
class Query:
    """An image, what to change in it, and an image that shows the change: rows of `Catalogue.images` and the text."""

    source: int
    target: int
    modification: str


@dataclass(frozen=True)
class PublishedQueries:
    """The queries of test_queries.txt in its order, and the rows left out, by field."""

    queries: tuple[Query, ...]
    skipped: Skipped


def modification(source: str, target: str, *, variant: Variant = "corrected") -> str:
    """The text "replace A with B" between two captions.

    corrected: A holds all words that the source has more often than the target, B the other way round, each in the
    order of its caption. literal: the first word that the other caption does not have, or the last if there is none.
    Raises ValueError on another variant; corrected: where A or B would be empty; literal: on an empty caption.

    >>> modification("red silk dress", "blue silk dress")
    'replace red with blue'
    """
    check_variant(variant)
    if variant == "corrected":
        a, b = _surplus(source, target), _surplus(target, source)
    else:
        a, b = _first_other(source, target), _first_other(target, source)
    if not a or not b:
        raise ValueError(f"captions {shown(source)} and {shown(target)}: expected words in each that the other lacks")
    return f"replace {a} with {b}"


class TrainingQueries:
    """Draws training queries: a random parent of a caption, a random sibling under it, a random image of that.

    modifiable (m,) : the rows of images whose caption has a sibling. corrected: captions of the same words in another
    order are no siblings, since no word tells them apart; literal: they are.

    Raises ValueError on another variant, or a catalogue without a pair of siblings.
    """

    def __init__(self, catalogue: Catalogue, *, variant: Variant = "corrected") -> None:
        self.variant = variant
        self._captions = [image.caption for image in catalogue.images]
        self._images: dict[str, list[int]] = {}
        for row, caption in enumerate(self._captions):
            self._images.setdefault(caption, []).append(row)
        self._children: dict[str, list[str]] = {}
        for caption in self._images:
            for parent in parents(caption, variant=variant):
                self._children.setdefault(parent, []).append(caption)
        self._parents: dict[str, list[str]] = {}
        for parent, children in self._children.items():
            if len({self._key(child) for child in children}) > 1:  # then each of them has a sibling
                for child in children:
                    self._parents.setdefault(child, []).append(parent)
        self.modifiable = np.array([r for r, c in enumerate(self._captions) if c in self._parents], np.int64)
        if not len(self.modifiable):
            raise ValueError(f"{len(self._captions)} captions: expected two at least that differ in one word")

    def draw(self, source: int, rng: np.random.Generator) -> Query:
        """A query from an image. Raises ValueError on a source that is not in `modifiable`."""
        if not 0 <= source < len(self._captions) or self._captions[source] not in self._parents:
            raise ValueError(f"image {source}: its caption has no sibling; expected one of `modifiable`")
        caption = self._captions[source]
        siblings = self._children[_one_of(self._parents[caption], rng)]
        while self._key(sibling := _one_of(siblings, rng)) == self._key(caption):
            pass
        text = modification(caption, sibling, variant=self.variant)
        return Query(source, _one_of(self._images[sibling], rng), text)

    def _key(self, caption: str) -> tuple[str, ...]:
        return tuple(sorted(caption.split())) if self.variant == "corrected" else (caption,)


def read_test_queries(catalogue: Catalogue, *, variant: Variant = "corrected", skip: bool = False) -> PublishedQueries:
    """Read <root>/test_queries.txt; of a catalogue of a subset, the pairs with both images in it.

    skip : leave bad rows out and count them in `skipped`, whose `first` has the first message of each field: "row" (not
        two paths), "source" and "target" (not among the images of the catalogue), "caption" (see `modification`).

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : another variant; without `skip` file, row and field of a bad row.
    """
    check_variant(variant)
    path = Path(catalogue.root) / "test_queries.txt"
    rows = {image.path: row for row, image in enumerate(catalogue.images)}
    skipped = Skipped()

    def parse(line: bytes) -> Query | None:
        pair = text("row", line).split()
        if len(pair) != 2:
            raise BadField("row", f"{len(pair)} paths, expected source and target")
        if not all(catalogue.within in p for p in pair):
            return None
        for field, image in zip(("source", "target"), pair, strict=True):
            if image not in rows:
                raise BadField(field, f"{shown(image)} is not among the {len(rows)} images of {catalogue.split}")
        source, target = (rows[p] for p in pair)
        captions = (catalogue.images[row].caption for row in (source, target))
        try:
            return Query(source, target, modification(*captions, variant=variant))
        except ValueError as error:
            raise BadField("caption", str(error)) from error

    read = parsed(path, lines(path, _LONGEST_LINE), parse, skipped if skip else None)
    return PublishedQueries(tuple(query for query in read if query is not None), skipped)


def _surplus(caption: str, other: str) -> str:
    left = Counter(caption.split()) - Counter(other.split())
    found = []
    for word in caption.split():
        if left[word] > 0:
            left[word] -= 1
            found.append(word)
    return " ".join(found)


def _first_other(caption: str, other: str) -> str:
    words, others = caption.split(), other.split()
    return next((word for word in words if word not in others), words[-1] if words else "")


def _one_of(given: list[T], rng: np.random.Generator) -> T:
    return given[rng.integers(len(given))]
