"""Queries drawn from the captions, products or attributes of one part: a photograph, and what to change in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

import numpy as np

from likeness.data.wardrobe.garments import Garment, stream
from likeness.data.wardrobe.modifications import GROUPS, instruction
from likeness.studies.compose.tasks import Asked, Goods, Task

#: Draws one after another without a new pair before `asked` leaves it at what it has: of a small part, nearly all.
_PATIENCE: Final = 1000
T = TypeVar("T")


class Draws(Protocol):
    """Where queries from the rows of one part lead; modifiable (m,) int64: the rows that have a target, rising."""

    modifiable: np.ndarray

    def target(self, source: int, rng: np.random.Generator) -> int:
        """A row at random for a row of `modifiable`."""

    def change(self, source: int, target: int) -> str:
        """The text that leads from a source to a target of its."""


class AttributeQueries:
    """Queries of Fashion200k's kind, with whole attributes in place of words: "replace navy blue with black".

    A parent of a caption is the caption less one attribute; a random parent of those with another child, a random such
    child, a random photograph of it. "navy blue" is one attribute, and no attribute takes the place of another kind.

    said : the attributes of each photograph, in the order of the caption, "" where there is none: that is nobody's
        sibling there. rows : those of the part.
    Raises ValueError where no two captions are siblings.
    """

    def __init__(self, said: Sequence[tuple[str, ...]], rows: np.ndarray) -> None:
        self._said = said
        self._images: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row in rows.tolist():
            self._images[said[row]].append(row)
        self._children: dict[tuple[int, tuple[str, ...]], list[tuple[str, ...]]] = defaultdict(list)
        for one in self._images:
            for place in _said(one):
                self._children[_parent(one, place)].append(one)
        self._places = {
            one: [place for place in _said(one) if len(self._children[_parent(one, place)]) > 1] for one in self._images
        }
        self.modifiable = np.array([row for row in rows.tolist() if self._places[said[row]]], np.int64)
        if not len(self.modifiable):
            raise ValueError(f"{len(rows)} captions: expected two at least that differ in one attribute; give more")

    def target(self, source: int, rng: np.random.Generator) -> int:
        """A row at random for a row of `modifiable`."""
        one = self._said[source]
        siblings = self._children[_parent(one, _one_of(self._places[one], rng))]
        return _one_of(self._images[_one_of([child for child in siblings if child != one], rng)], rng)

    def change(self, source: int, target: int) -> str:
        """The text that leads from a source to a target of its."""
        said = zip(self._said[source], self._said[target], strict=True)
        gone, come = next((gone, come) for gone, come in said if gone != come)
        return f"replace {gone} with {come}"


class GroupQueries:
    """Queries of the wardrobe's own kind: garments that differ in one group of attributes, "same but in red".

    The pairs of `modifications.changes`, but drawn from a list, so that each can be asked once: a group at random of
    those in which the source has a partner, a partner at random, the instruction of the seed.
    Raises ValueError where no two garments are partners.
    """

    def __init__(self, garments: Sequence[Garment], rows: np.ndarray, seed: int) -> None:
        self._garments, self._seed = garments, seed
        self._partners: dict[int, list[list[int]]] = defaultdict(list)
        for group in GROUPS:
            others = [name for names in GROUPS if names != group for name in names]
            alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
            for row in rows.tolist():
                alike[tuple(getattr(garments[row], name) for name in others)].append(row)
            for some in alike.values():
                for row in some:
                    own = [getattr(garments[row], name) for name in group]
                    partners = [other for other in some if [getattr(garments[other], name) for name in group] != own]
                    if partners:
                        self._partners[row].append(partners)
        self.modifiable = np.array(sorted(self._partners), np.int64)
        if not len(self.modifiable):
            raise ValueError(f"{len(rows)} garments: expected two at least that differ in one group; give more")

    def target(self, source: int, rng: np.random.Generator) -> int:
        """A row at random for a row of `modifiable`."""
        return _one_of(_one_of(self._partners[source], rng), rng)

    def change(self, source: int, target: int) -> str:
        """The text that leads from a source to a target of its."""
        return instruction(self._seed, self._garments[source], self._garments[target])


class ColourQueries:
    """Queries for the same product in another colour: "replace black with red".

    A partner has the source's product, type and pattern and another colour, so that the text says all that changes.

    product : of each photograph. said : colour, pattern and type of each. rows : those of the part.
    Raises ValueError where no product has two colours.
    """

    def __init__(self, product: np.ndarray, said: Sequence[tuple[str, str, str]], rows: np.ndarray) -> None:
        self._said = said
        alike: dict[tuple[int, str, str], list[int]] = defaultdict(list)
        for row in rows.tolist():
            alike[(int(product[row]), *said[row][1:])].append(row)
        self._partners = {
            row: partners
            for some in alike.values()
            for row in some
            if (partners := [other for other in some if said[other][0] != said[row][0]])
        }
        self.modifiable = np.array(sorted(self._partners), np.int64)
        if not len(self.modifiable):
            raise ValueError(f"{len(rows)} photographs: expected one product at least in two colours; give more")

    def target(self, source: int, rng: np.random.Generator) -> int:
        """A row at random for a row of `modifiable`."""
        return _one_of(self._partners[source], rng)

    def change(self, source: int, target: int) -> str:
        """The text that leads from a source to a target of its."""
        return f"replace {self._said[source][0]} with {self._said[target][0]}"


def asked(goods: Goods, draws: Draws, count: int, rng: np.random.Generator) -> Asked:
    """`count` queries from sources at random, each pair of source and target once; fewer where there are not so many.

    Fewer queries of one seed are the first of more. Raises ValueError on count < 1.
    """
    if count < 1:
        raise ValueError(f"{count} queries: expected 1 or more")
    found: dict[tuple[int, int], None] = {}
    stale = 0
    while len(found) < count and stale < _PATIENCE:
        source = int(draws.modifiable[rng.integers(len(draws.modifiable))])
        pair = source, draws.target(source, rng)
        stale = stale + 1 if pair in found else 0
        found[pair] = None
    sources, targets = np.array(list(found), np.int64).T
    full, change = tuple(goods.captions[row] for row in targets), tuple(draws.change(*pair) for pair in found)
    return Asked(np.ascontiguousarray(sources), np.ascontiguousarray(targets), full, change)


def task(goods: Goods, draws: Callable[[np.ndarray], Draws], seed: int, train: int, test: int) -> Task:
    """A task of `train` training queries, and `test` each to choose and to test by, at most."""
    learnt, chosen, tested = (
        asked(goods, draws(goods.rows(part)), number, stream(seed, "compose", goods.name, part))
        for part, number in enumerate((train, test, test))
    )
    return Task(goods, learnt, chosen, tested)


def _said(attributes: tuple[str, ...]) -> list[int]:
    return [place for place, one in enumerate(attributes) if one]


def _parent(attributes: tuple[str, ...], place: int) -> tuple[int, tuple[str, ...]]:
    return place, attributes[:place] + attributes[place + 1 :]


def _one_of(given: Sequence[T], rng: np.random.Generator) -> T:
    return given[int(rng.integers(len(given)))]
