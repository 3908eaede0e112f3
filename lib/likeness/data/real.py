"""Real labelled point sets for hierarchical clustering, prepared as HypHC's code prepares them.

References
----------
.. [1] Chami, Gu, Chatziafratis, Ré, "From Trees to Continuous Embeddings and Back: Hyperbolic
   Hierarchical Clustering", NeurIPS 2020; the preparation is read in its code (datasets/loading.py).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.preprocessing import StandardScaler, normalize

from likeness.data.registry import locate

#: The sets that `load` knows; all but zoo come with scikit-learn.
NAMES = ("iris", "wine", "digits", "zoo")
_ZOO_COLUMNS = 18


@dataclass(frozen=True, eq=False)
class RealSet:
    """A real point set: x (n, d) float64 as published, y (n,) int64 in 0..k-1, and its name."""

    x: np.ndarray
    y: np.ndarray
    name: str


def load(name: str) -> RealSet:
    """Load iris (150, 4), wine (178, 13), digits (1797, 64) or zoo (101, 16), unscaled.

    zoo is read from the folder named by LIKENESS_DATA, its hash checked.
    Raises ValueError on an unknown name or a file with another hash, FileNotFoundError where zoo is not
    there (the message says how to get it).

    >>> load("iris").x.shape
    (150, 4)
    """
    bundled = {"iris": load_iris, "wine": load_wine, "digits": load_digits}
    if name == "zoo":
        return _zoo()
    if name not in bundled:
        raise ValueError(f"data set {name!r}: expected one of {', '.join(NAMES)}")
    x, y = bundled[name](return_X_y=True)
    return RealSet(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.int64), name)


def prepare(x: np.ndarray) -> np.ndarray:
    """Z-score the columns (population standard deviation), then scale each row to length 1.

    A constant column becomes 0 (HypHC's code would divide by zero: digits has three such pixels). A row
    that equals the column means has no direction and stays 0. x (n, d) -> (n, d) float64.
    Raises ValueError on fewer than two rows, no column, or NaN.
    """
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] < 2 or x.shape[1] < 1:
        raise ValueError(f"points of shape {x.shape}: expected (n, d) with n >= 2 and d >= 1")
    if not np.isfinite(x).all():
        raise ValueError("NaN or infinite coordinates: expected finite points; drop or impute such rows")
    return np.asarray(normalize(StandardScaler().fit_transform(x)))


def similarity(rows: np.ndarray) -> np.ndarray:
    r"""Pairwise similarity :math:`w = (1 + \cos)/2` of unit rows, in [0, 1], its diagonal 1.

    rows (n, d), as `prepare` returns them; a zero row has cosine 0, so w = 1/2, with all others.
    Returns (n, n) float64, symmetric. Raises ValueError on rows longer than 1, NaN included.
    """
    rows = np.asarray(rows, dtype=np.float64)
    if rows.ndim != 2 or not np.all((rows**2).sum(axis=1) <= 1.0 + 1e-9):
        raise ValueError(f"rows of shape {rows.shape}: expected (n, d) unit rows, no NaN; call prepare")
    cosine = rows @ rows.T
    w = np.clip((1.0 + (cosine + cosine.T) / 2.0) / 2.0, 0.0, 1.0)  # rounding leaves [-1, 1] and symmetry
    np.fill_diagonal(w, 1.0)
    return np.asarray(w)


def _zoo() -> RealSet:
    with locate("zoo").open(encoding="ascii", newline="") as stream:
        table = [row for row in csv.reader(stream) if row]
    wrong = [row[0] for row in table if len(row) != _ZOO_COLUMNS]
    if wrong:
        raise ValueError(f"zoo: rows {wrong} do not have {_ZOO_COLUMNS} fields; get the file again")
    numbers = np.array([row[1:] for row in table], dtype=np.float64)  # the name comes first, the class last
    return RealSet(numbers[:, :-1], numbers[:, -1].astype(np.int64) - 1, "zoo")
