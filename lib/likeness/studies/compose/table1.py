"""Table 1 on one set of queries: every composition, loss and text, and what is asked of them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, Literal

import numpy as np
import pandas as pd

from likeness.models.compose.composition import NAMES
from likeness.studies.bootstrap import bootstraps
from likeness.studies.compose.eyes import Eyes
from likeness.studies.compose.fits import CHOOSING, Outcome, Wanted, fit_all, schedule
from likeness.studies.compose.parameters import Parameters
from likeness.studies.compose.rows import BASES, COMPOSING, MODEL, TEXTS, Row, same
from likeness.studies.compose.tasks import CUTS, Task, Text
from likeness.studies.compose.texts import REVEALED

Measure = Literal["hit", "precision", "recall", "item", "other_hit", "other_item"]
#: Bootstrap draws of an interval.
DRAWS: Final = 2_000
#: Where the paper's schedule stands among the cuts.
_AT: Final = CUTS.index(CHOOSING)
#: Who stands in for a rival: the best by the validation queries.
RIVALS: Final = tuple(name for name in COMPOSING if name != MODEL)
BASELINES: Final = ("image", "text")
#: Columns of what `mean_of` gives.
MEAN: Final = ("value", "low", "high", "n")


@dataclass(frozen=True, eq=False)
class Table:
    """Outcomes by (row, run) on a task."""

    task: Task
    outcomes: dict[tuple[Row, int], Outcome]

    def rows(self) -> list[Row]:
        """In the order in which they were asked for."""
        return list(dict.fromkeys(row for row, _ in self.outcomes))

    def of(self, row: Row) -> list[Outcome]:
        """The trainings of a row. Raises ValueError where there is none."""
        found = [one for (name, _), one in self.outcomes.items() if name == same(row)]
        if not found:
            raise ValueError(f"{row}: not in the table of {self.task.goods.name}")
        return found

    def texts(self) -> list[Text]:
        """Those that are asked."""
        return [text for text in TEXTS if Row(text=text) in self.rows()]

    def score(self, row: Row, measure: Measure = "hit") -> np.ndarray:
        """(K, S, Q): cuts, trainings, test queries."""
        return np.stack([getattr(one, measure) for one in self.of(row)], axis=1)

    def validation(self, row: Row) -> float:
        """Mean over trainings of the best epoch's hit rate at 10 on the validation queries."""
        return float(np.mean([one.valid.max() for one in self.of(row)]))

    def best(self, names: Sequence[str], like: Row) -> Row:
        """The composition of these that the validation queries prefer, all else as in `like`."""
        return max((replace(like, composition=name) for name in names), key=self.validation)


def run_table(p: Parameters, task: Task, eyes: Eyes, rows: Sequence[Row], runs: int, keep: Sequence[Row] = ()) -> Table:
    """Train every row `runs` times, all with the same queries, encoder and epochs.

    keep : rows of whose first training the weights are kept
    """
    keys = [(row, run) for row in dict.fromkeys(map(same, rows)) for run in range(runs)]
    made = fit_all(p, task, eyes, [Wanted(row, schedule(p), run, run == 0 and row in keep) for row, run in keys])
    return Table(task, dict(zip(keys, made, strict=True)))


def means(table: Table, seed: int) -> pd.DataFrame:
    """Hits, precision and hits of the very target at every cut: columns composition, base, text, measure, k, value,
    low, high, n.

    Intervals over trainings and queries, those together that want the same caption.
    """
    lines = []
    for row in table.rows():
        measures: tuple[Measure, ...] = ("hit", "precision", "item")
        found = mean_of(table.task, np.concatenate([table.score(row, one) for one in measures]), seed, f"{row}")
        names = [(measure, k) for measure in measures for k in CUTS]
        lines += [(row.composition, row.base, row.text, *name, *one) for name, one in zip(names, found, strict=True)]
    return pd.DataFrame(lines, columns=["composition", "base", "text", "measure", "k", *MEAN])


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """Hits at every cut, and by item and precise at 10: a row a composition, loss and text. found : of `means`."""
    chosen = found[(found.measure == "hit") | (found.k == CHOOSING)]
    chosen = chosen.assign(column=chosen.measure + "@" + chosen.k.astype(str))
    keys = ["text", "base", "composition"]
    return chosen.pivot_table(index=keys, columns="column", values="value", sort=False).rename_axis(columns=None)


def gaps(table: Table, seed: int) -> pd.DataFrame:
    """Paired differences at 10: columns base, text, first, second, measure, value, low, high.

    The model over every rival, over the best of the others that compose ("best-rival") and of the two that do not
    ("best-baseline"); TIRG over the model's elder ComposeAE; every other composition over the text alone.
    """
    lines = []
    for text in table.texts():
        for base in BASES:
            like = Row(MODEL, base, text)
            stand_in = {"best-rival": table.best(RIVALS, like), "best-baseline": table.best(BASELINES, like)}
            pairs = [(MODEL, name) for name in (*(one for one in NAMES if one != MODEL), *stand_in)]
            pairs += [("tirg", "compose-ae")]
            pairs += [(name, "text") for name in COMPOSING if name != MODEL]
            for first, second in pairs:
                a, b = replace(like, composition=first), stand_in.get(second, replace(like, composition=second))
                for measure, found in _apart(table, a, b, seed):
                    lines.append((base, text, first, second, measure, *found))
    return pd.DataFrame(lines, columns=["base", "text", "first", "second", "measure", *MEAN])


def loss_gaps(table: Table, seed: int) -> pd.DataFrame:
    """Softmax less triplet at 10: columns text, composition, measure, value, low, high."""
    lines = [
        (text, name, measure, *found) for text in table.texts() for name in NAMES
        for measure, found in _apart(table, Row(name, "softmax", text), Row(name, "triplet", text), seed)
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=["text", "composition", "measure", *MEAN])


def text_gaps(table: Table, seed: int) -> pd.DataFrame:
    """The full caption less the change alone, at 10, where both are asked: columns base, composition, measure, ..."""
    if len(table.texts()) < len(TEXTS):
        return pd.DataFrame(columns=["base", "composition", "measure", *MEAN])
    lines = [
        (base, name, measure, *found) for base in BASES for name in NAMES if name != "image"
        for measure, found in _apart(table, Row(name, base, "full"), Row(name, base, "change"), seed)
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=["base", "composition", "measure", *MEAN])


def switch_gaps(table: Table, seed: int) -> pd.DataFrame:
    """Each other reading less the published code's, hits at 10: columns switch, value, low, high, n."""
    others = [row for row in table.rows() if row.switch]
    lines = [(row.switch, *_apart(table, row, replace(row, switch=""), seed)[0][1]) for row in others]
    return pd.DataFrame(lines, columns=["switch", *MEAN])


def redundancy(table: Table, seed: int) -> pd.DataFrame:
    """Hits at 10 with the own source, with another query's, and the difference, of the rows with the paper's loss.

    Columns composition, text, measure (hit or item), whose ("own", "other" or "gap"), value, low, high, n.
    """
    lines = []
    whose: tuple[tuple[Measure, Measure], ...] = (("hit", "other_hit"), ("item", "other_item"))
    for row, (own, other) in product([row for row in table.rows() if row.base == "triplet"], whose):
        a, b = table.score(row, own)[_AT], table.score(row, other)[_AT]
        found = mean_of(table.task, np.stack([a, b, a - b]), seed, f"{row} source {own}")
        names = zip(("own", "other", "gap"), found, strict=True)
        lines += [(row.composition, row.text, own, name, *one) for name, one in names]
    return pd.DataFrame(lines, columns=["composition", "text", "measure", "whose", *MEAN])


def revealed(table: Table, row: Row, seed: int) -> pd.DataFrame:
    """Hits at 10 by the share of the text's words that the query has: columns share, value, low, high."""
    score = np.stack([one.reveal for one in table.of(row)], axis=1)  # (5, S, Q)
    found = mean_of(table.task, score, seed, f"{row} revealed")
    return pd.DataFrame([(s, *one) for s, one in zip(REVEALED, found, strict=True)], columns=["share", *MEAN])


def selection(table: Table) -> pd.DataFrame:
    """The best epoch by the test queries less the validation's choice: columns row, k, value; a line a training."""
    lines = [
        (number, k, float(one.tested[:, at].mean(axis=1).max() - one.tested[one.epoch - 1, at].mean()))
        for number, one in enumerate(table.outcomes.values()) for at, k in enumerate(CUTS)
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=["training", "k", "value"])


def _apart(table: Table, a: Row, b: Row, seed: int) -> list[tuple[str, tuple[float, float, float, int]]]:
    """Hits at 10 by caption and by item, the first less the second."""
    measures: tuple[Measure, ...] = ("hit", "item")
    stacked = np.stack([table.score(a, one)[_AT] - table.score(b, one)[_AT] for one in measures])
    return list(zip(measures, mean_of(table.task, stacked, seed, f"{a} - {b}"), strict=True))


def mean_of(task: Task, values: np.ndarray, seed: int, name: str) -> list[tuple[float, float, float, int]]:
    """Of measures (M, S, Q), the mean of each with its interval, and n: trainings times queries."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return [(*one, values[0].size) for one in bootstraps(values, task.alike, DRAWS, rng, within=False)]

