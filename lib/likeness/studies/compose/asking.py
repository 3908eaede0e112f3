"""What the trained rows answer: to test queries, and to a picture and a sentence of the reader's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import stream
from likeness.models.compose.retrieval import Retrieval
from likeness.models.compose.training import asked, vectors
from likeness.models.hsl.vocabulary import tokens as words_of
from likeness.studies.compose.eyes import Eyes
from likeness.studies.compose.galleries import restored
from likeness.studies.compose.parameters import Parameters
from likeness.studies.compose.queries import picture
from likeness.studies.compose.rows import Row
from likeness.studies.compose.table1 import Table
from likeness.studies.compose.tasks import TEST, Task

#: Photographs of an answer, and test queries that a page shows.
SHOWN: Final = 5
EXAMPLES: Final = 5


@dataclass(frozen=True, eq=False)
class Question:
    """A picture (3, s, s) uint8 and a sentence; the caption that is wanted, if known, and the own row, if any."""

    picture: np.ndarray
    sentence: str
    wanted: str = ""
    source: int = -1


@dataclass(frozen=True, eq=False)
class Answer:
    """What a row answers to a question: photographs (n, s, s, 3), their captions and cosines, the best first."""

    row: Row
    question: Question
    photographs: np.ndarray
    captions: tuple[str, ...]
    cosines: np.ndarray


def own_question(p: Parameters, task: Task) -> Question:
    """`p.picture` and `p.sentence`; for what is not given, those of a test query, at random.

    Raises FileNotFoundError and ValueError on a picture that cannot be read.
    """
    number = int(stream(p.seed, "asked").integers(len(task.test)))
    source = int(task.test.source[number])
    sentence = p.sentence or task.test.change[number]
    if p.picture:
        return Question(picture(Path(p.picture), p.side), sentence)
    wanted = "" if p.sentence else task.goods.captions[task.test.target[number]]
    return Question(task.goods.photos[source], sentence, wanted, source)


def unknown_words(task: Task, sentence: str) -> tuple[str, ...]:
    """Words of a sentence that no training text has."""
    known = {word for text in (*task.train.full, *task.train.change) for word in words_of(text)}
    return tuple(word for word in words_of(sentence) if word not in known)


def examples(p: Parameters, table: Table, eyes: Eyes, row: Row) -> list[Answer]:
    """What a row answers to the first test queries that want different captions."""
    task, model = table.task, restored(p, table, eyes, row)
    texts, gallery = task.test.texts(row.text), _gallery(task, eyes, model)
    first = {task.goods.captions[target]: number for number, target in reversed(list(enumerate(task.test.target)))}
    found = []
    for number in sorted(first.values())[:EXAMPLES]:
        source, wanted = int(task.test.source[number]), task.goods.captions[task.test.target[number]]
        asks = Question(task.goods.photos[source], texts[number], wanted, source)
        found.append(_answer(task, gallery, model, row, asks))
    return found


def ask(p: Parameters, table: Table, eyes: Eyes, rows: Sequence[Row]) -> list[Answer]:
    """What each row answers to `own_question`. Raises as it does."""
    asks, found = own_question(p, table.task), []
    for row in rows:
        model = restored(p, table, eyes, row)
        found.append(_answer(table.task, _gallery(table.task, eyes, model), model, row, asks))
    return found


def _gallery(task: Task, eyes: Eyes, model: Retrieval) -> np.ndarray:
    """Test photographs as they are searched, (n, d)."""
    return vectors(model, eyes.tokens[task.goods.rows(TEST)])


def _answer(task: Task, gallery: np.ndarray, model: Retrieval, row: Row, asks: Question) -> Answer:
    """The nearest test photographs, the question's own left out."""
    query = asked(model, model.see(asks.picture[None]), np.zeros(1, np.int64), model.encode([asks.sentence]))
    cosines, rows = (query @ gallery.T)[0], task.goods.rows(TEST)
    others = np.flatnonzero(rows != asks.source)
    best = others[np.argsort(-cosines[others], kind="stable")[:SHOWN]]
    photographs = task.goods.photos[rows[best]].transpose(0, 2, 3, 1)
    return Answer(row, asks, photographs, tuple(task.goods.captions[at] for at in rows[best]), cosines[best])
