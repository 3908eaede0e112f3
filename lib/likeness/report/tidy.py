"""From a tidy frame to the values of a record: one value a group, with the interval of its mean."""

from __future__ import annotations

import string
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, SupportsFloat

from likeness.report.records import RecordError, check_value

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

#: Share of intervals that hold the mean of infinitely many runs.
LEVEL: Final = 0.95


def t_interval(
    runs: ArrayLike, level: float = LEVEL
) -> tuple[float, float | None, float | None, float | None]:
    r"""(mean, low, high, sd) of runs: the t interval of the mean. One run has a mean only.

    .. math:: \bar x \pm t_{n-1,\,(1+l)/2}\, s / \sqrt{n}

    >>> [round(x, 3) for x in t_interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484, 1.0]
    """
    import numpy as np
    from scipy.special import stdtrit

    x = np.asarray(runs, dtype=float)
    if len(x) < 2:
        return float(x.mean()), None, None, None
    mean, sd = float(x.mean()), float(x.std(ddof=1))
    half = float(stdtrit(len(x) - 1, (1 + level) / 2)) * sd / len(x) ** 0.5
    return mean, mean - half, mean + half, sd


def values_of(
    frame: pd.DataFrame,
    id: str,
    value: str = "value",
    *,
    over: str | None = "seed",
    unit: str = "",
    chip: str,
    keep_runs: bool = True,
) -> list[dict[str, Any]]:
    """Values of the groups of a tidy frame; the options are those of `likeness.report.run.Run.values`.

    Raises
    ------
    RecordError : a column is missing, NaN, a malformed id, rows of a group that ``over`` does not tell apart
    """
    for column in (value, *([over] if over else [])):
        if column not in frame.columns:
            raise RecordError(f"no column {column!r}; the columns are {', '.join(map(str, frame.columns))}")
    made = []
    for name, group in _groups(frame, id):
        if over is None:
            if len(group) != 1:
                raise RecordError(
                    f"value {name}: {len(group)} rows where one was expected; name the column over="
                )
            made.append(single_value(name, group[value].iloc[0], unit=unit, chip=chip))
            continue
        if group[over].duplicated().any():
            twice = group[over][group[over].duplicated()].iloc[0]
            raise RecordError(
                f"value {name}: {over} {twice} has several rows; add a placeholder to the id or average"
            )
        runs = [float(x) for x in group.sort_values(over)[value]]
        mean, low, high, sd = t_interval(runs)
        entry = {
            "id": name,
            "value": mean,
            "low": low,
            "high": high,
            "n": len(runs),
            "unit": unit,
            "chip": chip,
        }
        entry |= {"spread": over, "sd": sd, "runs": runs}
        check_value(entry)  # before runs are dropped
        made.append(entry if keep_runs else entry | {"runs": None})
    return made


def single_value(
    id: str,
    value: SupportsFloat,
    *,
    low: float | None = None,
    high: float | None = None,
    n: int = 1,
    unit: str = "",
    chip: str,
    runs: Sequence[float] | None = None,
) -> dict[str, Any]:
    """One value as it is; without interval and runs it counts as a number without chance (spread "none")."""
    numbers = None if runs is None else [float(x) for x in runs]
    if numbers is not None and n not in (1, len(numbers)):
        raise RecordError(f"value {id}: n = {n}, but {len(numbers)} runs are given; leave n out")
    entry = {
        "id": id,
        "value": float(value),
        "low": None if low is None else float(low),
        "high": None if high is None else float(high),
        "n": int(n) if numbers is None else len(numbers),
        "unit": unit,
        "chip": chip,
        "spread": "none" if low is None and numbers is None else "given",
        "sd": None if numbers is None or len(numbers) < 2 else t_interval(numbers)[3],
        "runs": numbers,
    }
    check_value(entry)
    return entry


def _groups(frame: pd.DataFrame, id: str) -> Iterator[tuple[str, pd.DataFrame]]:
    keys: list[Hashable] = list(dict.fromkeys(name for _, name, _, _ in string.Formatter().parse(id) if name))
    missing = [key for key in keys if key not in frame.columns]
    if missing:
        raise RecordError(
            f"id {id!r}: no column {missing[0]!r}; the columns are {', '.join(map(str, frame.columns))}"
        )
    if frame.empty:
        raise RecordError(f"id {id!r}: the frame has no rows")
    if not keys:
        yield id, frame
        return
    if frame[keys].isna().any(axis=None):
        raise RecordError(f"id {id!r}: a key is missing (NaN) in the columns {', '.join(map(str, keys))}")
    for cell, group in frame.groupby(keys, sort=False, observed=True):
        yield id.format(**dict(zip(map(str, keys), cell, strict=True))), group
