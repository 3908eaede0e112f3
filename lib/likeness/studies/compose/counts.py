"""What the numbers of Table 1 count: precision, recall and hits of one trained row, and the formula of the release."""

from __future__ import annotations

import zlib
from itertools import pairwise

import numpy as np
import pandas as pd

from likeness.metrics.hits import expected_printed, printed_precision
from likeness.studies.compose.rows import Row
from likeness.studies.compose.table1 import DRAWS, MEAN, Table, mean_of
from likeness.studies.compose.tasks import CUTS

#: Of the intervals of what random orders, and new queries, would give.
_ENDS = (0.025, 0.975)


def printed(table: Table, row: Row, orders: int, seed: int) -> pd.DataFrame:
    """The quantity printed as P@k, of the first training, at every cut.

    Columns k, hit (R), square (R^2), expected (of random orders), file (in the order of the queries), mean, low, high
    (of `orders` random orders; 95 % of them lie between), precision (of eq. 4.1).
    """
    one, lines = table.of(row)[0], []
    rng = np.random.default_rng([seed, zlib.crc32(b"orders of the queries")])
    for at, k in enumerate(CUTS):
        hits = one.hit[at]
        shuffled = [printed_precision(rng.permutation(hits)) for _ in range(orders)]
        rate, (low, high) = float(hits.mean()), np.quantile(shuffled, _ENDS)
        lines.append((k, rate, rate**2, expected_printed(rate, len(hits)), printed_precision(hits),
                      float(np.mean(shuffled)), low, high, float(one.precision[at].mean())))  # fmt: skip
    names = ["k", "hit", "square", "expected", "file", "mean", "low", "high", "precision"]
    return pd.DataFrame(lines, columns=names)


def rises(table: Table, row: Row, seed: int) -> pd.DataFrame:
    """From one cut to the next: columns measure, step, value, low, high, n.

    "precision" is eq. 4.1's, with the intervals of Table 1; "printed" is the release's formula, of the first training,
    whose intervals are over new queries in new orders.
    """
    steps = [f"{low}-{high}" for low, high in pairwise(CUTS)]
    precision = np.diff(table.score(row, "precision"), axis=0)
    found = mean_of(table.task, precision, seed, f"{row} rise")
    lines = [("precision", step, *one) for step, one in zip(steps, found, strict=True)]
    hits = table.of(row)[0].hit
    rng = np.random.default_rng([seed, zlib.crc32(b"new queries")])
    queries = hits.shape[1]
    drawn = [hits[:, rng.integers(queries, size=queries)] for _ in range(DRAWS)]
    apart = np.diff([[printed_precision(one) for one in some] for some in drawn], axis=1)
    own = np.diff([printed_precision(one) for one in hits])
    for at, step in enumerate(steps):
        low, high = np.quantile(apart[:, at], _ENDS)
        lines.append(("printed", step, float(own[at]), min(low, own[at]), max(high, own[at]), queries))
    return pd.DataFrame(lines, columns=["measure", "step", *MEAN])


def differences(table: Table, row: Row, seed: int) -> pd.DataFrame:
    """A hit less the share of relevant images found, and less a hit of the target: name, value, low, high, n."""
    hit = table.score(row)
    at_50, at_10 = CUTS.index(50), CUTS.index(10)
    apart = np.stack([hit[at_50] - table.score(row, "recall")[at_50], hit[at_10] - table.score(row, "item")[at_10]])
    names, found = ("hit-less-recall/50", "hit-less-item/10"), mean_of(table.task, apart, seed, f"{row} counts")
    lines = [(name, *one) for name, one in zip(names, found, strict=True)]
    return pd.DataFrame(lines, columns=["name", *MEAN])

