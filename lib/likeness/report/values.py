"""Measured values as the rules need them: mean, interval, runs, spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

#: Units of what a machine's speed or memory decides: two hosts may differ without any change of the code.
MACHINE_UNITS: Final = ("s", "ratio", "MB")
#: Those of them that no printed number of another machine can be held against.
HOST_UNITS: Final = ("s", "MB")


@dataclass(frozen=True)
class Value:
    """One value of a run.

    Attributes
    ----------
    value : mean over the runs
    low, high : 95 % t interval of that mean; None where there is one run
    n : number of runs
    runs : the runs' own values in the order of their seeds, None where they were not kept
    sd : unbiased standard deviation of the runs; 0 for what is deterministic, None where it is not known
    """

    id: str
    value: float
    low: float | None
    high: float | None
    n: int
    unit: str
    chip: str
    deterministic: bool
    runs: tuple[float, ...] | None
    sd: float | None

    @property
    def machine(self) -> bool:
        """Whether the host decides this value."""
        return self.unit in MACHINE_UNITS

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Value:
        """Value of one entry of ``results.json``."""
        runs = None if entry["runs"] is None else tuple(float(r) for r in entry["runs"])
        deterministic = entry["spread"] == "none"
        return cls(
            id=entry["id"],
            value=float(entry["value"]),
            low=entry["low"],
            high=entry["high"],
            n=int(entry["n"]),
            unit=entry["unit"],
            chip=entry["chip"],
            deterministic=deterministic,
            runs=runs,
            sd=0.0 if deterministic else _sd(runs, entry),
        )


def _sd(runs: tuple[float, ...] | None, entry: Mapping[str, Any]) -> float | None:
    if entry.get("sd") is not None:
        return float(entry["sd"])
    return float(np.std(runs, ddof=1)) if runs is not None and len(runs) > 1 else None


def values_of(results: Mapping[str, Any] | None) -> dict[str, Value]:
    """Values of a run by id; none where there are no results."""
    return {} if results is None else {entry["id"]: Value.of(entry) for entry in results["values"]}
