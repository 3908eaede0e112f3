"""Has a number, or a claim, moved since it was recorded?

References
----------
[1] Hahn, Meeker, "Statistical Intervals", Wiley 1991, ch. 4: prediction interval for the mean of further
observations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scipy import stats

from likeness.report.ledger import Row
from likeness.report.rules import CONTRADICTED, REPRODUCED
from likeness.report.values import Value, values_of

#: One and two threads differ in the 6th digit (measured): a smaller difference is no change of the code.
RELATIVE: Final = 1e-6
#: Level of the interval that a rerun should stay in: of 2,000 values, two leave it by chance.
LEVEL: Final = 0.999
#: Kinds whose verdict is a sentence: that it is turned around is news even where no single value has moved.
SENTENCES: Final = ("ordering", "qualitative", "exact", "arithmetic")


@dataclass(frozen=True)
class MovedClaim:
    """A row of the ledger whose verdict is no longer the recorded one."""

    id: str
    printed: str
    recorded: str
    now: str
    why: str


def moved(recorded: Value, now: Value) -> str:
    """Why a value has moved; empty where it has not.

    What is deterministic may differ by 1e-6 of itself. What is a mean over n_1 recorded runs must stay within

    .. math:: m \\pm t_{n_1-1,\\,0.9995}\\; s\\, \\sqrt{1/n_1 + 1/n_2}

    for a mean over n_2 fresh ones. Seconds, megabytes and their ratios belong to the machine and never move;
    where the spread is not known, or where the two are of other data, nothing can be said.
    """
    if recorded.machine or now.machine or recorded.chip != now.chip:
        return ""
    difference = abs(now.value - recorded.value)
    if difference <= RELATIVE * max(abs(recorded.value), abs(now.value)):
        return ""
    if recorded.deterministic:
        return f"{recorded.id}: deterministic, differs by {difference:.3g}"
    if recorded.sd is None or recorded.n < 2:
        return ""
    half = (
        float(stats.t.ppf((1 + LEVEL) / 2, recorded.n - 1))
        * recorded.sd
        * math.sqrt(1 / recorded.n + 1 / now.n)
    )
    if difference <= half:
        return ""
    return f"{recorded.id}: differs by {difference:.3g}, {LEVEL:.1%} of reruns stay within {half:.3g}"


def moved_values(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Recorded values that have moved or are gone: {id: why}."""
    old, new = values_of(recorded), values_of(now)
    found = {
        name: moved(value, new[name]) if name in new else f"{name}: the run has no such value"
        for name, value in old.items()
    }
    return {name: why for name, why in found.items() if why}


def moved_claims(recorded: Sequence[Row], now: Sequence[Row], values: Mapping[str, str]) -> list[MovedClaim]:
    """Rows whose verdict by this run is not that of the record of the same preset.

    A verdict that differs counts where one of its values has moved. A sentence that turns from "reproduced" to
    "contradicted" or back counts always; one that comes to lean, or ceases to, does not: with three seeds another
    processor's rounding is enough for that (measured: AVX-512 against AVX2).

    Parameters
    ----------
    recorded, now : rows joined with the record, and with the run, as the run (their ``verdict_run`` counts)
    values : of `moved_values`
    """
    found = []
    for old, new in zip(recorded, now, strict=True):
        if old.verdict_run == new.verdict_run:
            continue
        reasons = [values[name] for name in new.uses if name in values]
        if not reasons and flips(old, new):
            reasons = ["the sentence flips, though no value left its interval: " + new.note]
        if reasons:
            why = reasons[0] + (f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else "")
            found.append(MovedClaim(new.id, new.text, old.verdict_run, new.verdict_run, why))
    return found


def flips(old: Row, new: Row) -> bool:
    """Whether a sentence was reproduced and is contradicted now, or the other way round."""
    return new.kind in SENTENCES and {old.verdict_run, new.verdict_run} == {REPRODUCED, CONTRADICTED}


def leaning(recorded: Sequence[Row], now: Sequence[Row], moves: Sequence[MovedClaim]) -> list[str]:
    """Sentences whose verdict differs though they have not moved, as "id: recorded -> now"."""
    found = {move.id for move in moves}
    return [
        f"{new.id}: {old.verdict_run} -> {new.verdict_run}"
        for old, new in zip(recorded, now, strict=True)
        if new.kind in SENTENCES and old.verdict_run != new.verdict_run and new.id not in found
    ]
