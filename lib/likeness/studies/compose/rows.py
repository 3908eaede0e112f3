"""Rows of the chapter's tables: which composition, which loss, which text, and what is changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from likeness.models.compose.composition import NAMES, Composition
from likeness.models.compose.losses import Base, Objective, Weights
from likeness.studies.compose.tasks import Text

TEXTS: Final[tuple[Text, ...]] = ("full", "change")
BASES: Final[tuple[Base, ...]] = ("triplet", "softmax")
#: The paper's model.
MODEL: Final = "compose-transformers"
#: What sees a picture and a text; the others see one of them.
COMPOSING: Final = NAMES[2:]
#: The set of queries whose texts are changes alone.
CHANGES: Final = "wardrobe-changes"
#: Compositions whose answers are looked at more closely.
SHOWN: Final = (MODEL, "tirg", "text")


@dataclass(frozen=True)
class Row:
    """A composition trained with a base loss on a text; `switch` names an entry of `SWITCHES`."""

    composition: str = MODEL
    base: Base = "triplet"
    text: Text = "full"
    switch: str = ""


@dataclass(frozen=True)
class Switch:
    """What a reading changes: the objective, whether equal captions repel, the first scale, augmented photographs."""

    objective: Objective = Objective()
    groups: bool = True
    scale: float | None = None
    augmented: bool = False


#: Other readings than the published code's, each alone; "" is the code's, but that equal captions do not repel and that
#: photographs are seen as they are.
SWITCHES: Final = {
    "": Switch(),
    "eq31": Switch(Objective(variant="literal")),
    "true-gradient": Switch(Objective(gradient="true")),
    "symmetry-01": Switch(Objective(weights=Weights(symmetry=0.01))),
    "sum": Switch(Objective(reduction="sum")),
    "sign-literal": Switch(Objective(sign="literal")),
    "no-groups": Switch(groups=False),
    "scale-4": Switch(scale=4.0),
    "no-reconstruction": Switch(Objective(weights=Weights(image=0.0, text=0.0))),
    "no-symmetry": Switch(Objective(weights=Weights(symmetry=0.0))),
    "base-only": Switch(Objective(weights=Weights(image=0.0, text=0.0, symmetry=0.0))),
    "augmented": Switch(augmented=True),
}


def objective(row: Row) -> Objective:
    """What a row trains."""
    return replace(SWITCHES[row.switch].objective, base=row.base)


def first_scale(row: Row) -> float | None:
    """Where the learned length s starts: None is the composition's own.

    The paper's model has 1 and was never trained with the softmax, in which s = 1 tells hardly anything apart: there
    all start as TIRG and ComposeAE do.
    """
    own = SWITCHES[row.switch].scale
    return own if own is not None or row.base == "triplet" else Composition.first_scale


def rows_of(name: str) -> list[Row]:
    """Every composition with every loss and text, on a set of queries.

    `image` sees no text and stands once. Where the target differs from the picture in one attribute, the full caption
    would leave nothing to the picture: there the change alone is asked.
    """
    texts: tuple[Text, ...] = ("change",) if name == CHANGES else TEXTS
    found = [Row(one, base, text) for text, base, one in product(texts, BASES, NAMES)]
    return list(dict.fromkeys(map(same, found)))


def same(row: Row) -> Row:
    """The row that stands for it: a composition of the image alone does not see which text is asked."""
    return replace(row, text="full") if row.composition == "image" else row


def kept(name: str) -> list[Row]:
    """Rows of a set whose weights are kept: `SHOWN`, with the paper's loss and, if asked, text."""
    text: Text = "change" if name == CHANGES else "full"
    return [Row(one, "triplet", text) for one in SHOWN]


def switched(name: str) -> list[Row]:
    """The paper's model as coded and in every other reading, on the published text; of changes, without symmetry."""
    if name == CHANGES:
        return [Row(text="change"), Row(text="change", switch="no-symmetry")]
    return [Row(switch=name) for name in SWITCHES]
