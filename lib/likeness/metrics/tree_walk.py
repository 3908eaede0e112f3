"""Loops over a scipy linkage matrix, compiled: class counts of its nodes and scores of its top cuts.

Inputs are checked by `likeness.metrics.clustering`, the module to import. z (n - 1, 4) float64,
y (n,) int64 in 0..classes-1, every class present.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def first_bad_merge(z: np.ndarray) -> int:
    """First row that merges no two existing, unmerged clusters or lies below the row before; -1: none."""
    n = len(z) + 1
    free = np.ones(2 * n - 1, dtype=np.bool_)
    for i in range(n - 1):
        if i > 0 and z[i, 2] < z[i - 1, 2]:
            return i
        for child in (z[i, 0], z[i, 1]):
            if child < 0 or child >= n + i or child != np.floor(child) or not free[int(child)]:
                return i
            free[int(child)] = False
    return -1


@njit(cache=True)
def node_counts(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Points of each class below each node, (2n - 1, classes) float64 (exact up to 2^53)."""
    n = len(y)
    counts = np.zeros((2 * n - 1, y.max() + 1))
    for i in range(n):
        counts[i, y[i]] = 1.0
    for i in range(n - 1):
        counts[n + i] = counts[int(z[i, 0])] + counts[int(z[i, 1])]
    return counts


@njit(cache=True)
def _add(sums: np.ndarray, row: np.ndarray, sign: float) -> None:
    """Add a cluster with class counts `row` to the sums that the three scores need, or take it away."""
    size = row.sum()
    sums[1] += sign * size * (size - 1.0) / 2.0  # pairs together in the clustering
    sums[2] += sign * row.max()  # majority
    sums[4] += sign * size * np.log(size)
    for count in row:
        if count > 0.0:
            sums[0] += sign * count * (count - 1.0) / 2.0  # pairs together in both
            sums[3] += sign * count * np.log(count)


@njit(cache=True)
def walk(z: np.ndarray, y: np.ndarray, k_max: int) -> np.ndarray:
    """ARI, purity and NMI after undoing the top 0..k_max-1 merges, (k_max, 3), in O((n + k_max) classes)."""
    n = len(y)
    counts = node_counts(z, y)
    whole = counts[2 * n - 2]
    together = (whole * (whole - 1.0)).sum() / 2.0  # pairs together in y
    pairs = n * (n - 1.0) / 2.0
    h_y = np.log(n) - (whole * np.log(whole)).sum() / n
    sums = np.zeros(5)
    _add(sums, whole, 1.0)
    out = np.empty((k_max, 3))
    for c in range(k_max):
        if c > 0:
            top = n - 1 - c
            _add(sums, counts[n + top], -1.0)
            _add(sums, counts[int(z[top, 0])], 1.0)
            _add(sums, counts[int(z[top, 1])], 1.0)
        fp, fn = sums[1] - sums[0], together - sums[0]
        tn = pairs - sums[0] - fp - fn
        if fp == 0.0 and fn == 0.0:
            out[c, 0] = 1.0
        else:
            below = (sums[0] + fn) * (fn + tn) + (sums[0] + fp) * (fp + tn)
            out[c, 0] = 2.0 * (sums[0] * tn - fn * fp) / below
        out[c, 1] = sums[2] / n
        if len(whole) == 1 or c == 0:  # scikit-learn: a single cluster matches a single class alone
            out[c, 2] = 1.0 if len(whole) == 1 and c == 0 else 0.0
        else:
            h_pred = np.log(n) - sums[4] / n
            mutual = h_y + h_pred - (np.log(n) - sums[3] / n)  # H(Y) + H(P) - H(Y, P)
            out[c, 2] = max(mutual, 0.0) / np.sqrt(h_y * h_pred)
    return out
