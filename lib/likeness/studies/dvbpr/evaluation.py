"""What a matrix of scores is worth: the AUC of each user, counted in every way that is in use.

all, strict, optimistic : over all items, ties half, lost, won. cold, unseen, seen : among items with fewer than five,
no, one or more training observations, for users whose test item is one. cold-target : such a one among all items.
matched : among the other users' test items. sampled : among a hundred items, or all where there are fewer, drawn as the
published code does, which leaves the validation item in; ties lost.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from likeness.data.splits import COLD, Split
from likeness.data.wardrobe.garments import stream
from likeness.metrics.auc import SAMPLED, auc_each, matched_auc_each, pair_loop, sampled_auc_each

SETTINGS: Final = ("all", "strict", "optimistic", "cold", "cold-target", "unseen", "seen", "matched", "sampled")
#: Turns of the race.
TURNS: Final = 3
#: Of the users, those that the slow way is timed on; each costs it the same.
_SLOW_USERS: Final = 40


def evaluate(scores: np.ndarray, split: Split, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """AUC (U,) float64 of each user for each of `SETTINGS`, NaN where a user has none. scores (U, N)."""
    taken, observed, test = split.taken(), split.observations(), split.test
    groups = {"cold": observed < COLD, "unseen": observed == 0, "seen": observed > 0}
    found = {"all": auc_each(scores, test, taken)}
    found |= {name: auc_each(scores, test, taken, ties=name) for name in ("strict", "optimistic")}
    found |= {name: auc_each(scores, test, taken, rivals=rivals) for name, rivals in groups.items()}
    found["cold-target"] = np.where(groups["cold"][test], found["all"], np.nan)
    found["matched"] = matched_auc_each(scores, test, taken)
    found["sampled"] = sampled_auc_each(scores, test, as_coded(split), rng, many=min(SAMPLED, split.items))
    return found


def validation(scores: np.ndarray, split: Split) -> float:
    """Mean AUC of the validation items; the test items are not known, and rivals like any other."""
    known = split.history() + held(split.valid, split.items)
    return float(auc_each(scores, split.valid, csr_matrix(known)).mean())


def ratios(raced: pd.DataFrame) -> pd.DataFrame:
    """How many times as long as counting by rows, in each turn: columns way, turn, value."""
    wide = raced.pivot_table(index="turn", columns="way", values="value")
    found = wide.drop(columns="rows").div(wide["rows"], axis=0)
    return found.reset_index().melt(id_vars="turn", var_name="way", value_name="value")


def as_coded(split: Split) -> csr_matrix:
    """What the published code does not draw: training and test items, not the validation item."""
    return csr_matrix(split.history() + held(split.test, split.items))


def held(items: np.ndarray, many: int) -> csr_matrix:
    """(U, many) bool with one item a user."""
    users = len(items)
    return csr_matrix((np.ones(users, bool), (np.arange(users), items)), shape=(users, many))


def race(users: int, items: int, seed: int) -> pd.DataFrame:
    """Seconds a user of counting the AUC: columns way, turn, value; "pairs" as the equation is written.

    Scores are normal numbers; every user has ten items. The loop over pairs counts a part of the users.
    """
    rng = stream(seed, "auc race")
    scores = rng.standard_normal((users, items), dtype=np.float32)
    own = np.array([rng.choice(items, min(10, items - 1), replace=False) for _ in range(users)])  # (U, 10)
    rows = np.repeat(np.arange(users), own.shape[1])
    taken = csr_matrix((np.ones(own.size, bool), (rows, own.ravel())), shape=scores.shape)
    target, some = own[:, 0], slice(0, min(users, _SLOW_USERS))

    def lines() -> Iterator[tuple[str, int, float]]:
        for turn in range(TURNS):
            begun = time.perf_counter()
            fast = auc_each(scores, target, taken, ties="strict")
            yield "rows", turn, (time.perf_counter() - begun) / users
            begun = time.perf_counter()
            slow = pair_loop(scores[some], target[some], taken[some])
            yield "pairs", turn, (time.perf_counter() - begun) / len(slow)
            if (apart := np.abs(fast[some] - slow).max()) > 1e-12:
                raise ValueError(f"the two ways differ by {apart:.2g}: expected 1e-12 or less")

    return pd.DataFrame(lines(), columns=["way", "turn", "value"])
