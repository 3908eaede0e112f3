"""One gallery for everybody: hits by its size, of the same queries and the same trained rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from likeness.data.wardrobe.garments import stream
from likeness.metrics.hits import by_caption, by_item, first_relevant
from likeness.models.compose.training import Retrieval, asked, vectors
from likeness.models.weights import filled
from likeness.report.progress import tick
from likeness.studies.compose.eyes import Eyes
from likeness.studies.compose.fits import CHOOSING, Part, network
from likeness.studies.compose.parameters import Parameters
from likeness.studies.compose.rows import Row
from likeness.studies.compose.table1 import Table, mean_of
from likeness.studies.compose.tasks import CUTS, TEST, Task

#: Photographs in the gallery of the paper.
PAPER: Final = 2_646
#: Larger galleries than a shop has are left out, and all of it comes last.
SIZES: Final = (100, 300, 1_000, PAPER, 10_000, 30_000)
#: Galleries drawn of each size.
GALLERIES: Final = 5


@dataclass(frozen=True, eq=False)
class Found:
    """Hits (Q,) of a row's queries at a cut, in one gallery; measure "hit", by the caption, or "item"."""

    composition: str
    size: int
    gallery: int
    measure: str
    k: int
    hits: np.ndarray


def sizes(photographs: int) -> list[int]:
    """The sizes that a shop can show, the whole of it last."""
    return [*(n for n in SIZES if n < photographs), photographs]


def restored(p: Parameters, table: Table, eyes: Eyes, row: Row) -> Retrieval:
    """The first training of a row whose weights were kept. Raises ValueError where they were not."""
    weights = table.of(row)[0].weights
    if weights is None:
        raise ValueError(f"{row}: its weights were not kept")
    return filled(network(table.task, eyes, row, p.text_layers, p.seed), weights)


def run_galleries(p: Parameters, table: Table, eyes: Eyes, rows: Sequence[Row]) -> list[Found]:
    """Hits of the test queries in galleries of several sizes.

    A query's list has its target, never its source, and `size` photographs of the shop, at random and the same for all
    queries. They come from every part: no query asks for those that were trained on, but they are better known.
    """
    found: list[Found] = []
    for number, row in enumerate(rows, 1):
        found += _of_row(table.task, restored(p, table, eyes, row), eyes, row, p.seed)
        tick("galleries", number, len(rows))
    return found


def means(found: Sequence[Found]) -> pd.DataFrame:
    """Hit rates: columns composition, size, gallery, measure, k, value."""
    lines = [(f.composition, f.size, f.gallery, f.measure, f.k, float(f.hits.mean())) for f in found]
    return pd.DataFrame(lines, columns=["composition", "size", "gallery", "measure", "k", "value"])


def gap(task: Task, found: Sequence[Found], row: Row, seed: int) -> tuple[float, float, float, int]:
    """Hits at 10 among as many photographs as in the paper (or the most that are fewer) less among all, by caption.

    Of the first galleries, with an interval over queries, those together that want one caption, and their number.
    """
    ours = {f.size: f.hits for f in found
            if (f.composition, f.gallery, f.measure, f.k) == (row.composition, 0, "hit", CHOOSING)}  # fmt: skip
    most = max(ours)
    few = max((n for n in ours if n <= PAPER and n < most), default=most)
    return mean_of(task, (ours[few] - ours[most])[None, None], seed, "size of the gallery")[0]


def _of_row(task: Task, model: Retrieval, eyes: Eyes, row: Row, seed: int) -> Iterator[Found]:
    part, photographs, captions = Part(task, task.test, TEST, row), len(task.goods.photos), task.goods.captions
    queries = asked(model, eyes.tokens, part.source, model.encode(part.texts))
    scores = queries @ vectors(model, eyes.tokens).T  # (Q, N)
    wanted = {
        "hit": by_caption([captions[t] for t in task.test.target], captions),
        "item": by_item(task.test.target, np.arange(photographs)),
    }
    for size in sizes(photographs):
        for gallery in range(1 if size == photographs else GALLERIES):
            listed = _lists(task, size, stream(seed, "gallery", size, gallery))  # (Q, size)
            here = listed == part.source[:, None]
            place = np.where(here.any(axis=1), here.argmax(axis=1), -1)
            some = np.take_along_axis(scores, listed, axis=1)
            for measure, relevant in wanted.items():
                first = first_relevant(some, np.take_along_axis(relevant, listed, axis=1), source=place)
                yield from (Found(row.composition, size, gallery, measure, k, first.hits(k)) for k in CUTS)


def _lists(task: Task, size: int, rng: np.random.Generator) -> np.ndarray:
    """For each query `size` different photographs, its target among them: (Q, size)."""
    listed = np.tile(rng.permutation(len(task.goods.photos))[:size], (len(task.test.target), 1))
    missing = ~(listed == task.test.target[:, None]).any(axis=1)
    listed[missing, 0] = task.test.target[missing]
    return listed
