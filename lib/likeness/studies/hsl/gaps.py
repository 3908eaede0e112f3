"""Differences of rows, their intervals over queries and seeds, and what it takes to see one."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from likeness.studies.bootstrap import paired_bootstrap, paired_differences
from likeness.studies.hsl.methods import DEPTHS, SWITCHES, TABLE1, TABLE2
from likeness.studies.hsl.power import (
    REAL_QUERIES,
    Components,
    components,
    needed_queries,
    needed_seeds,
    sd_of_difference,
    standard_error,
)
from likeness.studies.hsl.trainings import CUTS, ROWS, WHOLE, Trainings, over_same_seeds

DRAWS: Final = 2_000
#: Table 2's full model less its best single granularity: .7448 - .7412.
PRINTED_GAP: Final = 0.7448 - 0.7412
#: Rivals with a GRU, which HSL with bi-GRUs is compared with (section 3.2); all others are compared with HSL.
GENERAL: Final = ("vse0", "vse-pp", "scan")
PRODUCT: Final = tuple(name for name in TABLE1 if name not in (*GENERAL, "hsl-gru", "hsl"))
#: Groups of rivals. To outperform a group is to outperform its best, which held-out queries name: a rival that its
#: budget leaves at chance proves nothing.
GROUPS: Final = {"best-general": GENERAL, "best-product": PRODUCT, "best-rival": (*GENERAL, *PRODUCT)}
AGAINST: Final = (("hsl-gru", "best-general"), ("hsl", "best-product"), ("hsl", "best-rival"))


def pairs() -> list[tuple[str, str]]:
    """Every comparison that a sentence of the paper or of this chapter makes: the first less the second."""
    found = [("hsl-gru", name) for name in GENERAL] + [("hsl", name) for name in TABLE1 if name != "hsl"]
    found += [(WHOLE, name) for name in TABLE2 if name != WHOLE]
    for levels in ("1", "2"):
        found += [(f"{levels}/both", f"{levels}/{one}") for one in ("object", "image")]
    found += [(f"{levels}/object", f"{levels}/image") for levels in ("1", "2", "1+2")]
    found += [("2/both", "1/both")]
    found += [(name, "hsl") for name in (*DEPTHS, *SWITCHES)]
    return found


def run_gaps(trained: Trainings, seed: int) -> pd.DataFrame:
    """Every gap in nDCG@5, and at every k that of HSL over its rivals: columns first, second, k, value, low, high, n.

    Intervals: paired bootstraps over seeds and whole groups of queries, once those that share a pool and once those
    that want the same; the wider one. n : seeds times queries.
    """
    there = {name for name, _ in trained.outcomes} | {WHOLE}
    at_five = [(first, second, CUTS[0]) for first, second in pairs() if {first, second} <= there]
    further = [("hsl", name, k) for name in TABLE1 if name != "hsl" for k in CUTS[1:]]
    rivals = {name: best_of(trained, group) for name, group in GROUPS.items()}
    over_best = [(first, name, k) for first, name in AGAINST for k in CUTS]
    alike = trained.sets.test.blocks, np.asarray(trained.sets.test.keys)
    ndcg = cache(trained.ndcg)  # a row is compared with many others
    lines = []
    for first, second, k in (*at_five, *further, *over_best):
        a, b = over_same_seeds(ndcg(first, k), ndcg(rivals.get(second, second), k))
        rng = np.random.default_rng([seed, zlib.crc32(f"{first} {second} {k}".encode())])
        found = [paired_bootstrap(a, b, groups, DRAWS, rng, within=False) for groups in alike]
        widest = max(found, key=lambda one: one[2] - one[1])
        lines.append((slug(first), slug(second), k, *widest, a.size))
    return pd.DataFrame(lines, columns=["first", "second", "k", "value", "low", "high", "n"])


def best_of(trained: Trainings, group: Sequence[str]) -> str:
    """The method of a group that does best on the held-out queries, mean over trainings of the best epoch."""
    return max(group, key=lambda name: np.mean([one.history[:, 0].max() for one in trained.of(name)]))


def slug(name: str) -> str:
    """A row's name as one part of an id.

    >>> slug("1+2/both")
    '1+2-both'
    """
    return name.replace("/", "-")


def selection(trained: Trainings) -> pd.DataFrame:
    """What choosing the epoch on the reported queries is worth: columns method, seed, value.

    The best of the epochs on the test queries less the test score at the epoch that the held-out queries choose.
    """
    lines = [
        (name, seed, float(one.history[:, 1].max() - one.history[one.epoch - 1, 1]))
        for (name, seed), one in trained.outcomes.items()
    ]
    return pd.DataFrame(lines, columns=["method", "seed", "value"])


def selected(trained: Trainings) -> pd.DataFrame:
    """The same over all rows of Tables 1 and 2, a seed a line: columns seed, value."""
    found = selection(trained)
    return found[found.method.isin(ROWS)].groupby("seed").value.mean().reset_index()


def split_of(trained: Trainings, first: str, second: str) -> Components:
    """Where the variance of a gap comes from: queries, seeds, and the rest."""
    return components(paired_differences(*trained.both(first, second)))


def needs(found: Components, seeds: Sequence[int]) -> pd.DataFrame:
    """What tells the printed gap with 80 % power, were all else as here: columns needed, number.

    First queries, a line a number of trainings; last the trainings that do on the real number of queries.
    """
    lines: list[tuple[str, float]] = [
        (f"queries, with {many} training{'s' * (many > 1)} of each", needed_queries(PRINTED_GAP, found.query_sd(many)))
        for many in seeds
    ]
    lines.append((f"trainings of each, on {REAL_QUERIES} queries", needed_seeds(PRINTED_GAP, found.seed_sd())))
    return pd.DataFrame(lines, columns=["needed", "number"])


def unpaired_queries(ndcg: np.ndarray) -> int:
    """Queries that tell the printed gap from two independent means with the spread of these scores (Q,)."""
    sd = standard_error(ndcg) * np.sqrt(len(ndcg))
    return needed_queries(PRINTED_GAP, sd_of_difference(float(sd), 0.0))
