"""What queries say: parts of captions, and, where the text encoder is frozen, the features of every text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import stream
from likeness.models.compose.texts import MiniLM
from likeness.studies.compose.parameters import Parameters
from likeness.studies.compose.tasks import Task
from likeness.studies.parallel import run_all

#: Shares of the words of a text that a query is left with.
REVEALED: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Features (h,) float32 of texts by a frozen encoder, which read them once."""

    features: Mapping[str, np.ndarray]
    h: int

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Features (N, h) of texts. Raises ValueError on one that was not read."""
        if unread := [text for text in texts if text not in self.features]:
            raise ValueError(f"{len(unread)} texts were not read beforehand, {unread[0]!r} among them")
        return np.stack([self.features[text] for text in texts])


def lexicon(p: Parameters, task: Task) -> Lexicon | None:
    """Every text of a task, and the reader's own sentence, by all-MiniLM; None where texts have an encoder that learns.

    Raises FileNotFoundError where the optional packages are missing.
    """
    if p.text == "small":
        return None
    said = [*task.train.full, *task.train.change, p.sentence]
    for some in (task.valid, task.test):
        for texts in (some.full, some.change):
            said += [one for share in REVEALED for one in revealed(texts, share, p.seed)]
    features = next(run_all(_read, [(tuple(dict.fromkeys(said)),)], p.jobs))
    return Lexicon(features, MiniLM.h)


def revealed(texts: Sequence[str], share: float, seed: int) -> tuple[str, ...]:
    """Texts with this share of their words, rounded, at random and in order; more keep what fewer do."""
    kept: list[str] = []
    for number, text in enumerate(texts):
        words = text.split()
        chosen = stream(seed, "revealed", number).permutation(len(words))[: round(share * len(words))]
        kept.append(" ".join(words[at] for at in sorted(chosen)))
    return tuple(kept)


def _read(texts: tuple[str, ...]) -> dict[str, np.ndarray]:
    return dict(zip(texts, MiniLM().encode(texts), strict=True))
