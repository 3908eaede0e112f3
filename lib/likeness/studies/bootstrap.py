"""Bootstraps of a mean over trainings and queries, alike queries together.

References
----------
.. [1] Davison, Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8.
.. [2] Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2), 2007.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from likeness.report.tidy import LEVEL

#: Fewest draws of a bootstrap: of 100, two or three lie beyond each end of a 95 % interval.
FEWEST_DRAWS: Final = 100
#: Weights (draws x queries) that are held at once, 8 bytes each: 32 MB.
_AT_ONCE: Final = 2**22


class Interval(NamedTuple):
    """A difference, and the ends of its 95 % interval."""

    difference: float
    low: float
    high: float


def paired_differences(scores_a: np.ndarray, scores_b: np.ndarray) -> np.ndarray:
    """The first less the second, (S, Q) float64, of two (S, Q) with the same seeds and queries in the same places.

    Raises ValueError on other shapes, an empty one, NaN or infinity.
    """
    a, b = np.asarray(scores_a, np.float64), np.asarray(scores_b, np.float64)
    if a.ndim != 2 or a.shape != b.shape or not a.size:
        raise ValueError(f"scores of shapes {a.shape} and {b.shape}: expected two of (seeds, queries), not empty")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("NaN or infinite scores: expected a finite score of every query from every seed")
    return np.asarray(a - b)


def paired_bootstrap(
    scores_a: np.ndarray,
    scores_b: np.ndarray,
    groups: Sequence[object] | np.ndarray,
    draws: int,
    rng: np.random.Generator,
    *,
    within: bool = True,
) -> Interval:
    """Mean difference of two systems with its 95 % percentile interval, over new seeds and new groups of queries.

    Every draw takes seeds with replacement, and independently of them groups with replacement; of each group that it
    takes, queries with replacement, as many as the group has. Both systems are read at the same seeds and queries. The
    mean is over queries, so that a group counts by its size.

    `scipy.stats.bootstrap` resamples one axis of independent values, and `report.tidy.t_interval` is for means over
    runs: neither keeps alike queries together, nor crosses them with seeds.

    Parameters
    ----------
    scores_a, scores_b : (S, Q), as of `paired_differences`
    groups : (Q,) numbers or strings, the relevance key or block of each query; queries without one get each their own
    draws : at least 100
    within : False takes groups whole. The variance within groups is in that between their means already, so drawing
        queries as well counts it twice [1]_: on the safe side, by little where the queries of a group are much alike

    The residual too is counted up to three times (by seeds, by queries, by both) [2]_, which widens it. But S seeds
    show only (S - 1) / S of their variance, and percentiles know no Student's t: with two or three seeds of which the
    difference depends, or fewer than about twenty groups, the interval is too narrow. With S = 1 it holds for this one
    training. Raises ValueError on other shapes, NaN, fewer than two groups, fewer than 100 draws.
    """
    d = paired_differences(scores_a, scores_b)
    return bootstraps(d[None], groups, draws, rng, within=within)[0]


def bootstraps(
    values: np.ndarray, groups: Sequence[object] | np.ndarray, draws: int, rng: np.random.Generator, *, within: bool
) -> list[Interval]:
    """Means of several measures of one system or difference, values (M, S, Q), with intervals from the same draws.

    All else as `paired_bootstrap`, which is this for one difference.
    """
    d, labels = np.asarray(values, np.float64), np.asarray(groups)
    if d.ndim != 3 or not d.size or not np.isfinite(d).all():
        raise ValueError(f"values of shape {d.shape}: expected (measures, seeds, queries), not empty, all finite")
    if labels.shape != d.shape[2:]:
        raise ValueError(f"groups of shape {labels.shape}: expected one for each of the {d.shape[2]} queries")
    _, label, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(sizes) < 2 or draws < FEWEST_DRAWS:
        raise ValueError(f"{len(sizes)} groups, {draws} draws: expected 2 groups and {FEWEST_DRAWS} draws or more")
    d = d[:, :, np.argsort(label, kind="stable")]  # the queries of a group side by side
    seeds, queries = d.shape[1:]
    found = []
    for some in np.array_split(np.arange(draws), math.ceil(draws * queries / _AT_ONCE)):
        of_seed = _picks(rng, len(some), seeds)
        of_query = _query_weights(rng, _picks(rng, len(some), len(sizes)), sizes, within)
        # for each measure and draw: sum over s, q of of_seed[s] * of_query[q] * d[s, q]
        totals = np.stack([((of_seed @ one) * of_query).sum(axis=1) for one in d])
        found.append(totals / (seeds * of_query.sum(axis=1)))
    ends = np.quantile(np.concatenate(found, axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return [Interval(float(one.mean()), float(low), float(high)) for one, low, high in zip(d, *ends, strict=True)]


def _picks(rng: np.random.Generator, draws: int, n: int) -> np.ndarray:
    """How often each of n is taken in n picks with replacement, (draws, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=draws)


def _query_weights(rng: np.random.Generator, taken: np.ndarray, sizes: np.ndarray, within: bool) -> np.ndarray:
    """How often each query is taken, (draws, Q), queries in the order of their groups; taken (draws, G), sizes (G,)."""
    if not within:
        return np.repeat(taken, sizes, axis=1)
    weights = np.empty((len(taken), int(sizes.sum())), taken.dtype)
    first = np.cumsum(sizes) - sizes
    for size in np.unique(sizes):
        alike = np.flatnonzero(sizes == size)
        # A group that is taken c times has c * size picks among its queries.
        picks = rng.multinomial(taken[:, alike] * size, np.full(size, 1 / size))  # (draws, groups of this size, size)
        weights[:, first[alike][:, None] + np.arange(size)] = picks
    return weights
