"""Every training of the chapter, and what is read off them: tables, curves over k, gaps with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from likeness.metrics.ranking import ndcg_each
from likeness.models.hsl.training import Schedule
from likeness.studies.devices import device_of
from likeness.studies.hsl import shops
from likeness.studies.hsl.methods import DEPTHS, SWITCHES, TABLE1, TABLE2
from likeness.studies.hsl.parameters import Parameters
from likeness.studies.hsl.runs import TOP, Outcome, Plan, one_run
from likeness.studies.hsl.sets import Sets, Setting, load
from likeness.studies.parallel import run_all

#: Figure 3.
CUTS: Final = (5, 10, 15, 20, 25, 30)
#: The row of Table 2 that is the whole model.
WHOLE: Final = "1+2/both"
#: Rows of the paper, and those that have fewer trainings.
ROWS: Final = (*TABLE1, *(name for name in TABLE2 if name != WHOLE))
FURTHER: Final = (*DEPTHS, *SWITCHES)


@dataclass(frozen=True, eq=False)
class Trainings:
    """Outcomes by (name, seed), the pools they rank, and the rate of each method of Table 1."""

    sets: Sets
    outcomes: dict[tuple[str, int], Outcome]
    rates: dict[str, float]

    def of(self, name: str) -> list[Outcome]:
        """Trainings of a row, by seed."""
        row = "hsl" if name == WHOLE else name
        return [one for (found, _), one in self.outcomes.items() if found == row]

    def ndcg(self, name: str, k: int = TOP) -> np.ndarray:
        """nDCG@k of a row, (seeds, queries), each training at the epoch that its held-out queries chose."""
        relevant = list(self.sets.test.relevant.reshape(len(self.sets.test.texts), -1))
        return np.array([ndcg_each(list(one.scores), relevant, k) for one in self.of(name)])

    def both(self, first: str, second: str, k: int = TOP) -> tuple[np.ndarray, np.ndarray]:
        """`ndcg` of two rows over the seeds that both have."""
        a, b = self.ndcg(first, k), self.ndcg(second, k)
        seeds = min(len(a), len(b))
        return a[:seeds], b[:seeds]


def run_trainings(p: Parameters, shop: str | None = None) -> Trainings:
    """Train every row over its seeds; all see the same pairs in the same batches for as many epochs.

    shop : one of `p.shops`, for Tables 1 and 2 alone; None: the wardrobe
    The rate of a method is the one of `p.rates` whose first training does best on the held-out queries; every row that
    is an HSL takes the rate of HSL.
    """
    setting = Setting(p.seed, p.train, p.valid, p.test)
    if shop is None:
        sets = load(setting, p.jobs)
    else:
        setting = shops.ShopSetting(p.seed, p.train, p.valid, p.test, shop)
        sets = shops.load(setting, p.jobs)
    tried = _train(p, setting, sets, [(name, 0, rate) for name in TABLE1 for rate in p.rates])
    best = {name: max(p.rates, key=lambda rate: _held_out(tried[name, 0, rate])) for name in TABLE1}
    trainings = p.seeds if shop is None else min(p.shop_seeds, p.seeds)
    keys = [(name, seed) for seed in range(trainings) for name in ROWS]
    if shop is None:
        keys += [(name, seed) for seed in range(min(p.switch_seeds, p.seeds)) for name in FURTHER]
    wanted = [(name, seed, best.get(name, best["hsl"])) for name, seed in keys]
    found = tried | _train(p, setting, sets, [key for key in wanted if key not in tried])
    return Trainings(sets, {(name, seed): found[name, seed, rate] for name, seed, rate in wanted}, best)


def _train(
    p: Parameters, setting: Setting, sets: Sets, keys: Sequence[tuple[str, int, float]]
) -> dict[tuple[str, int, float], Outcome]:
    device = str(device_of(p.device))
    plans = [
        Plan(setting, name, p.seed + seed, p.width, p.objects, p.negatives, Schedule(p.epochs, p.batch, rate), device)
        for name, seed, rate in keys
    ]
    return dict(zip(keys, run_all(one_run, [(plan,) for plan in plans], p.jobs, given=(sets,)), strict=True))


def _held_out(one: Outcome) -> float:
    return float(one.history[:, 0].max())


def chance(trained: Trainings, k: int = TOP) -> float:
    """nDCG@k of equal scores: the expectation of a random order."""
    relevant = list(trained.sets.test.relevant.reshape(len(trained.sets.test.texts), -1))
    return float(ndcg_each([np.zeros(len(one)) for one in relevant], relevant, k).mean())


def summary(trained: Trainings, names: Sequence[str]) -> pd.DataFrame:
    """A row a method: mean and standard deviation of nDCG@5 over trainings, epochs chosen, rate, learnt numbers."""
    lines = []
    for name in names:
        own, points = trained.of(name), trained.ndcg(name).mean(axis=1)
        epochs = ", ".join(str(one.epoch) for one in own)
        lines.append((name, points.mean(), points.std(ddof=1), epochs, trained.rates[name], own[0].parameters))
    columns = ["method", "nDCG@5", "sd", "epochs", "rate", "learnt numbers"]
    return pd.DataFrame(lines, columns=columns).set_index("method")


def table(trained: Trainings, names: Sequence[str], k: int = TOP) -> pd.DataFrame:
    """nDCG@k: columns method, seed, value."""
    lines = [(name, seed, value) for name in names for seed, value in enumerate(trained.ndcg(name, k).mean(axis=1))]
    return pd.DataFrame(lines, columns=["method", "seed", "value"])


def curves(trained: Trainings, names: Sequence[str]) -> pd.DataFrame:
    """Figure 3: columns method, k, seed, value."""
    return pd.concat([table(trained, names, k).assign(k=k) for k in CUTS], ignore_index=True)


def histories(trained: Trainings) -> pd.DataFrame:
    """Every epoch of every training: columns method, seed, epoch, valid, test."""
    def lines() -> Iterator[tuple[str, int, int, float, float]]:
        for (name, seed), one in trained.outcomes.items():
            for epoch, (valid, test) in enumerate(one.history.tolist(), start=1):
                yield name, seed, epoch, valid, test

    return pd.DataFrame(lines(), columns=["method", "seed", "epoch", "valid", "test"])
