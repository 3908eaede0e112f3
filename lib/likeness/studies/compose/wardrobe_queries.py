"""The wardrobe's queries: garments as shops photograph them, and captions of what their pictures show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import ATTRIBUTES, Garment, catalogue
from likeness.studies.compose.draws import AttributeQueries, GroupQueries, task
from likeness.studies.compose.tasks import Goods, Task, numbered, part_of
from likeness.studies.dvbpr.people import drawn

#: What a caption of `wardrobe` says, in order. A second colour is left out, so that one attribute turns any pattern
#: into any other; fit, length, neckline and heel, so that garments share captions.
CAPTION: Final = ("gender", "colour", "pattern", "sleeve", "kind")
#: Hats are drawn the same for everyone but, of some, for children.
_HATS: Final = "hats"


def wardrobe(seed: int, garments: int, train: int, test: int, side: int, jobs: int = 0) -> Task:
    """Queries of Fashion200k's kind ("replace black with red") between captions ("men red striped short sleeve shirt").

    Raises ValueError where garments are too few for parts and queries, and on a side outside 16 to 1024.
    """
    some = seen(seed, garments)
    said = [tuple(getattr(one, name) for name in CAPTION) for one in some]
    goods = _goods("wardrobe", seed, some, said, side, jobs)
    return task(goods, lambda rows: AttributeQueries(said, rows), seed, train, test)


def wardrobe_changes(seed: int, garments: int, train: int, test: int, side: int, jobs: int = 0) -> Task:
    """Queries between garments that differ in one group of attributes ("same but in red"); captions say all of them.

    The text alone does not say what is to stay: here the source's picture is needed. The garments, photographs and
    parts are those of `wardrobe`. Raises as `wardrobe`.
    """
    some = seen(seed, garments)
    said = [tuple(getattr(one, name) for name in ATTRIBUTES) for one in some]
    goods = _goods("wardrobe-changes", seed, some, said, side, jobs)
    return task(goods, lambda rows: GroupQueries(some, rows, seed), seed, train, test)


def seen(seed: int, number: int) -> list[Garment]:
    """The first garments of a seed as pictures show them: no gender of hats. Raises ValueError on fewer than one."""
    if number < 1:
        raise ValueError(f"{number} garments: expected 1 or more")
    return [replace(one, gender="") if one.category == _HATS else one for one in catalogue(seed, number)]


def _goods(name: str, seed: int, some: list[Garment], said: Sequence[tuple[str, ...]], side: int, jobs: int) -> Goods:
    number = np.arange(len(some))
    part = part_of(number, seed)
    captions = tuple(" ".join(value for value in one if value) for one in said)
    labels, classes = numbered({task: [getattr(one, task) for one in some] for task in CAPTION}, part)
    photos = drawn(seed, [one.number for one in some], side, jobs)
    about = f"{name} {seed} {len(some)} {side}"
    return Goods(name, about, "generated", np.ascontiguousarray(photos), captions, part, number, labels, classes)
