"""Table III: every method on every division of a set of people, each with the same number of settings tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from likeness.studies.devices import device_of
from likeness.studies.dvbpr.evaluation import SETTINGS
from likeness.studies.dvbpr.features import Features
from likeness.studies.dvbpr.fits import (
    DEEP,
    FEATURED,
    LEARNED,
    SWITCHES,
    TABLE3,
    UNAWARE,
    Outcome,
    Plan,
    Sizes,
    one_fit,
)
from likeness.studies.dvbpr.gaps import interval
from likeness.studies.dvbpr.parameters import Parameters
from likeness.studies.dvbpr.people import People
from likeness.studies.dvbpr.settings import Choice, grid
from likeness.studies.parallel import run_all

#: Rows beside those of the paper: the peer, the other reading of VisRank, and two departures of DVBPR.
BESIDE: Final = ("implicit-bpr", "visrank-euclidean", "visrank-border", "dvbpr-shared", "dvbpr-warm")
ROWS: Final = (*TABLE3, *BESIDE)
#: Rows that a second source of features is tried on: all of the paper's, and the warm start.
OWN: Final = (*TABLE3, "dvbpr-warm")
#: The row whose weights are kept, of division 0, for the designs.
KEPT: Final = "dvbpr"


@dataclass(frozen=True, eq=False)
class Table:
    """Outcomes by (method, division), and the setting that the validation items of division 0 chose for each method."""

    name: str
    split: str
    chip: str
    outcomes: dict[tuple[str, int], Outcome]
    choices: dict[str, Choice]

    def methods(self) -> list[str]:
        """Rows in the order in which they were asked for."""
        return list(dict.fromkeys(method for method, _ in self.outcomes))

    def auc(self, method: str, setting: str = "all") -> np.ndarray:
        """(S, U) of a method, NaN where a user has none. Raises ValueError on a method that is not in the table."""
        if method not in self.methods():
            raise ValueError(f"method {method!r} of {self.name}: expected one of {', '.join(self.methods())}")
        return np.array([one.auc[setting] for (name, _), one in self.outcomes.items() if name == method])

    def validation(self, method: str) -> float:
        """Mean AUC of the validation items over the divisions, each at its best epoch."""
        return float(np.mean([one.valid.max() for (name, _), one in self.outcomes.items() if name == method]))

    def best(self, methods: Sequence[str]) -> str:
        """The one that does best on the validation items."""
        return max((name for name in methods if name in self.methods()), key=self.validation)


def run_table(
    p: Parameters, people: People, features: Features | None, split: str = "random",
    methods: Sequence[str] = ROWS, known: dict[str, Choice] | None = None,
) -> Table:  # fmt: skip
    """Fit the methods on `p.splits` divisions ("timed": one).

    Every learned method tries the same cells of the grid on division 0 and keeps the best by its validation items; the
    variants of DVBPR take the one that it chose.
    known : choices made before, which are not made again
    """
    settled = {name: choice for name, choice in (known or {}).items() if name in methods}
    tried = {
        (name, choice): (name, 0, choice)
        for name in methods if name in LEARNED and name not in settled for choice in grid(p.tries)
    }  # fmt: skip
    first = _fit(p, people, features, split, list(tried.values()))
    for name in dict.fromkeys(name for name, _ in tried):
        settled[name] = max(grid(p.tries), key=lambda choice: first[name, 0, choice].valid.max())
    divisions = range(1 if split == "timed" else p.splits)
    nothing = Choice(0, 0.0)  # to be chosen, for what learns nothing
    chosen = {name: settled.get(name, settled.get(KEPT, nothing) if name in DEEP else nothing) for name in methods}
    wanted = [(name, number, chosen[name]) for name, number in product(methods, divisions)]
    found = first | _fit(p, people, features, split, [key for key in wanted if key not in first])
    outcomes = {(name, number): found[name, number, choice] for name, number, choice in wanted}
    return Table(people.name, split, people.chip, outcomes, settled)


def pairs() -> list[tuple[str, str]]:
    """Every comparison that a sentence of the paper or of this chapter makes: the first less the second."""
    found = [("dvbpr", name) for name in TABLE3 if name != "dvbpr"]
    found += [(name, "best-rival") for name in ("dvbpr", "dvbpr-shared", "dvbpr-warm")]
    found += [(name, "best-unaware") for name in ("dvbpr", "visrank")]
    found += [("fm", "bpr-mf"), ("vbpr", "bpr-mf"), ("bpr-mf", "implicit-bpr"), ("visrank-euclidean", "visrank")]
    found += [("visrank", "visrank-border"), ("visrank-border", "best-method")]
    return [*found, ("dvbpr-shared", "dvbpr"), ("dvbpr-warm", "dvbpr-shared")]


def run_switches(p: Parameters, people: People, features: Features | None, choice: Choice) -> Table:
    """DVBPR beside itself with one thing changed, all at the setting that it chose."""
    names = ("dvbpr", *SWITCHES)
    return run_table(beside(p), people, features, "random", names, dict.fromkeys(names, choice))


def beside(p: Parameters) -> Parameters:
    """The parameters of the side rows, which have fewer divisions."""
    return replace(p, splits=min(p.side_splits, p.splits))


def _fit(
    p: Parameters, people: People, features: Features | None, split: str, keys: Sequence[tuple[str, int, Choice]]
) -> dict[tuple[str, int, Choice], Outcome]:
    order = sorted(keys, key=lambda key: key[0] not in DEEP)  # the longest first, so that no worker is left with one
    plans = [_plan(p, people, features, split, *key) for key in order]
    made = run_all(one_fit, [(plan,) for plan in plans], p.jobs, given=(people, features))
    return dict(zip(order, made, strict=True))


def _plan(
    p: Parameters, people: People, features: Features | None, split: str, name: str, number: int, choice: Choice
) -> Plan:
    sizes = Sizes(p.epochs, p.deep_epochs, p.deep_rate, p.batch, p.width)
    about = f"{people.about} {features.about if features and name in FEATURED else ''}"
    keep = name == KEPT and number == 0
    return Plan(about, split, number, name, choice, sizes, p.seed, str(device_of(p.device)), keep)


def means(table: Table, seed: int) -> pd.DataFrame:
    """Every AUC: columns setting, method, value, low, high, n; what no user has is left out."""
    def lines() -> Iterator[tuple[str, str, float, float, float, int]]:
        for method, setting in product(table.methods(), SETTINGS):
            own = table.auc(method, setting)
            if np.isfinite(own).any():
                found = interval(own, seed, f"{table.name} {table.split} {setting} {method}")
                yield setting, method, *found, int(np.isfinite(own).sum())

    return pd.DataFrame(lines(), columns=["setting", "method", "value", "low", "high", "n"])


def gaps(table: Table, pairs: Sequence[tuple[str, str]], seed: int) -> pd.DataFrame:
    """Paired differences: columns setting, first, second, value, low, high, n.

    A second of "best-rival" is the best by validation of the paper's other methods, "best-unaware" of those that see no
    pictures, "best-method" of all of the paper's.
    """
    stand_in = {"best-rival": [m for m in TABLE3 if m != "dvbpr"], "best-unaware": UNAWARE, "best-method": TABLE3}

    def lines() -> Iterator[tuple[str, str, str, float, float, float, int]]:
        for (first, second), setting in product(pairs, SETTINGS):
            other = table.best(stand_in[second]) if second in stand_in else second
            apart = table.auc(first, setting) - table.auc(other, setting)
            if np.isfinite(apart).any():
                found = interval(apart, seed, f"{table.name} {table.split} {setting} {first} - {second}")
                yield setting, first, second, *found, int(np.isfinite(apart).sum())

    return pd.DataFrame(lines(), columns=["setting", "first", "second", "value", "low", "high", "n"])


def spread(table: Table) -> pd.DataFrame:
    """Mean AUC over all items and users, a line a division: columns method, division, value."""
    lines = [(name, number, np.nanmean(one.auc["all"])) for (name, number), one in table.outcomes.items()]
    return pd.DataFrame(lines, columns=["method", "division", "value"])


def sampled_minus_all(table: Table, seed: int, method: str = "dvbpr") -> tuple[float, float, float]:
    """What a hundred sampled items in place of all change, of one method, with its interval."""
    return interval(table.auc(method, "sampled") - table.auc(method), seed, f"{table.name} sampled - all {method}")


def kept(p: Parameters, people: People, table: Table) -> tuple[Plan, Outcome]:
    """The plan and outcome whose weights were kept, for the designs."""
    return _plan(p, people, None, table.split, KEPT, 0, table.choices[KEPT]), table.outcomes[KEPT, 0]


def order(table: Table) -> pd.DataFrame:
    """Kendall's tau-b between the order of the paper's methods over all items and that of another way to count."""
    points = {s: [np.nanmean(table.auc(m, s)) for m in TABLE3 if m in table.methods()] for s in SETTINGS
              if np.isfinite(table.auc("poprank", s)).any()}  # fmt: skip
    lines = [(s, kendalltau(points["all"], other).statistic) for s, other in points.items() if s != "all"]
    return pd.DataFrame(lines, columns=["setting", "value"])


def shown(table: Table, found: pd.DataFrame) -> pd.DataFrame:
    """A row a method: AUC in each setting, the setting chosen, best epochs, learnt numbers. found : of `means`."""
    wide = found.pivot_table(index="method", columns="setting", values="value", sort=False)
    chosen = {name: f"K {c.factors}, {c.l2:g}" for name, c in table.choices.items()}
    wide["setting"] = [chosen.get(name, "") for name in wide.index]
    wide["epochs"] = [", ".join(str(one.epoch) for (m, _), one in table.outcomes.items() if m == name)
                      for name in wide.index]  # fmt: skip
    wide["learnt"] = [table.outcomes[name, 0].parameters for name in wide.index]
    return wide
