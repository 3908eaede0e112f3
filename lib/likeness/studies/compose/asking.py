"""A query with a picture and a sentence of the reader's own, and what the trained rows answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likeness.data.wardrobe.garments import stream
from likeness.models.compose.encoders import tokens
from likeness.models.compose.training import asked, vectors
from likeness.models.hsl.vocabulary import tokens as words_of
from likeness.studies.compose.eyes import Eyes
from likeness.studies.compose.galleries import restored
from likeness.studies.compose.parameters import Parameters
from likeness.studies.compose.queries import picture
from likeness.studies.compose.rows import Row
from likeness.studies.compose.table1 import Table
from likeness.studies.compose.tasks import TEST

#: Photographs of an answer.
SHOWN = 5


@dataclass(frozen=True, eq=False)
class Answer:
    """What a row answers to a picture (s, s, 3) uint8 and a sentence: photographs (n, s, s, 3), captions, cosines.

    unknown : words of the sentence that no training text has. wanted : the caption that was looked for, where known.
    """

    row: Row
    picture: np.ndarray
    sentence: str
    photographs: np.ndarray
    captions: tuple[str, ...]
    cosines: np.ndarray
    unknown: tuple[str, ...]
    wanted: str = ""


def ask(p: Parameters, table: Table, eyes: Eyes, rows: Sequence[Row]) -> list[Answer]:
    """Ask every row with `p.picture` and `p.sentence`, among the test photographs.

    Without a picture of the reader's own, one test query's stands for it; without a sentence, its change.
    Raises FileNotFoundError and ValueError on a picture that cannot be read.
    """
    task, number = table.task, int(stream(p.seed, "asked").integers(len(table.task.test.source)))
    own = bool(p.picture)
    shown = picture(Path(p.picture), p.side) if own else task.goods.photos[task.test.source[number]]
    sentence = p.sentence or task.test.change[number]
    wanted = "" if own or p.sentence else task.goods.captions[task.test.target[number]]
    gallery = task.goods.rows(TEST)
    if not own:
        gallery = gallery[gallery != task.test.source[number]]
    answers = []
    for row in rows:
        model = restored(p, table, eyes, row)
        seen = tokens(model.image, shown[None], device="cpu")
        query = asked(model, seen, np.zeros(1, np.int64), model.encode([sentence]))
        cosines = (query @ vectors(model, eyes.tokens[gallery]).T)[0]
        best = np.argsort(-cosines, kind="stable")[:SHOWN]
        known = {word for text in (*task.train.full, *task.train.change) for word in words_of(text)}
        unknown = tuple(word for word in words_of(sentence) if word not in known)
        answers.append(Answer(
            row, shown.transpose(1, 2, 0), sentence, task.goods.photos[gallery[best]].transpose(0, 2, 3, 1),
            tuple(task.goods.captions[at] for at in gallery[best]), cosines[best], unknown, wanted,
        ))  # fmt: skip
    return answers
