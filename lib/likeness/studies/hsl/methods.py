"""The rows of the chapter's tables: which model each is, and what of the data and the schedule belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from likeness.models.hsl.coattention import MCAN
from likeness.models.hsl.cross_attention import LXMERT
from likeness.models.hsl.hsl import BOTH, HSL, Granularity, Shape, Switches
from likeness.models.hsl.matcher import Matcher, Size
from likeness.models.hsl.scan import SCAN
from likeness.models.hsl.single_stream import VisualBERT
from likeness.models.hsl.vse import VSE
from likeness.models.hsl.word_matching import WordMatching


@dataclass(frozen=True)
class Method:
    """A row: builds its model from a size, and, where it draws negatives of its own, from how many and a seed.

    every_object : keeps all boxes of an image, not the largest alone. ends : marks of start and end count as words.
    decay : of the learning rate, an epoch
    """

    build: Callable[[Size, int, int], Matcher]
    every_object: bool = False
    ends: bool = True
    decay: float = 0.9


def _hsl(shape: Shape | None = None, **given: object) -> Method:
    switches = Switches(**given)  # type: ignore[arg-type]  # names and values are those of the table below
    return Method(lambda size, *_: HSL(size, shape=shape, switches=switches))


#: Table 1, first the general methods, then those made for products; HSL with bi-GRUs belongs to the first group.
TABLE1: Final[dict[str, Method]] = {
    "vse0": Method(lambda size, *_: VSE(size, hardest=False)),
    "vse-pp": Method(lambda size, *_: VSE(size, hardest=True)),
    "scan": Method(lambda size, *_: SCAN(size)),
    "hsl-gru": Method(lambda size, *_: HSL(size, kind="gru")),
    "mcan": Method(lambda size, many, seed: MCAN(size, negatives=many, seed=seed)),
    "visualbert": Method(lambda size, many, seed: VisualBERT(size, negatives=many, seed=seed)),
    "lxmert": Method(lambda size, many, seed: LXMERT(size, negatives=many, seed=seed)),
    "word-matching": Method(lambda size, *_: WordMatching(size)),
    "hsl": _hsl(),
}

_GRANULARITIES: Final[dict[str, tuple[Granularity, ...]]] = {"object": ("object",), "image": ("image",), "both": BOTH}
_LEVELS: Final = {"1": (1,), "2": (2,), "1+2": (1, 2)}
#: Table 2, by levels and granularity; its last row is "hsl".
TABLE2: Final[dict[str, Method]] = {
    f"{levels}/{name}": _hsl(Shape(scored=scored, granularities=granularities))
    for levels, scored in _LEVELS.items()
    for name, granularities in _GRANULARITIES.items()
}
#: More levels, which the paper says do not help; and two levels in the layers of one (3 of images, 2 of texts).
DEPTHS: Final[dict[str, Method]] = {
    "3-levels": _hsl(Shape(levels=3)),
    "4-levels": _hsl(Shape(levels=4)),
    "2-levels-shallow": _hsl(Shape(levels=2, image_layers=(2, 1), text_layers=(1, 1))),
}
#: One switch each, from the published code to what the paper prints or leaves open.
SWITCHES: Final[dict[str, Method]] = {
    "direction-texts": _hsl(direction="texts"),
    "positions": _hsl(positions=True),
    "attention-own": _hsl(attention="own"),
    "branch-plain": _hsl(branch="plain"),
    "all-objects": Method(lambda size, *_: HSL(size), every_object=True),
    "no-ends": Method(lambda size, *_: HSL(size), ends=False),
    "text-normalised": _hsl(normalised_text=True),
    "aggregate-max": _hsl(aggregate="max"),
    "decay-literal": Method(lambda size, *_: HSL(size), decay=0.1),
    "as-printed": Method(
        lambda size, *_: HSL(size, switches=Switches(direction="texts", attention="own", branch="plain")),
        every_object=True, ends=False, decay=0.1,
    ),
}  # fmt: skip


def method(name: str) -> Method:
    """A row by its name. Raises ValueError naming all."""
    known = {**TABLE1, **TABLE2, **DEPTHS, **SWITCHES}
    if name not in known:
        raise ValueError(f"method {name!r}: expected one of {', '.join(known)}")
    return known[name]
