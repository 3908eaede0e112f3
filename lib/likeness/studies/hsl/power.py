r"""Could the test have told? Queries, seeds and intervals for the difference of two systems on the same queries.

Scores are matrices (S, Q): a system trained from S seeds, each scored on the same Q queries. Their difference is taken
as a sum of independent parts, a two-way crossed layout with one value a cell [1]_:

.. math:: d_{sq} = \mu + a_s + b_q + e_{sq}, \qquad
          \mathrm{Var}(\bar d) = \sigma_a^2 / S + \sigma_b^2 / Q + \sigma_e^2 / (SQ)

More queries do nothing against :math:`\sigma_a^2 / S`, and more seeds nothing against :math:`\sigma_b^2 / Q`.

References
----------
.. [1] Searle, Casella, McCulloch, "Variance Components", 1992, chapter 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special, stats

#: Queries of the real validation set.
REAL_QUERIES: Final = 496


@dataclass(frozen=True)
class Components:
    """Mean and variances of a difference: of queries, of seeds, and the residual (their interaction, and noise).

    The variances are unbiased, so one that is near 0 may come out negative; the methods then take it for 0.
    """

    mean: float
    query: float
    seed: float
    residual: float

    def query_sd(self, seeds: int) -> float:
        """Standard deviation over queries of the difference averaged over this many seeds: for `needed_queries`."""
        return math.sqrt(max(self.query, 0.0) + max(self.residual, 0.0) / seeds)

    def seed_sd(self, queries: int = REAL_QUERIES) -> float:
        """Standard deviation over seeds of the difference averaged over these fixed queries: for `needed_seeds`."""
        return math.sqrt(max(self.seed, 0.0) + max(self.residual, 0.0) / queries)

    def error(self, seeds: int, queries: int) -> float:
        """Standard error of the mean difference where both seeds and queries are samples."""
        return math.sqrt(max(self.seed, 0.0) / seeds + self.query_sd(seeds) ** 2 / queries)


def components(difference: np.ndarray) -> Components:
    r"""Variance components by the method of moments [1]_.

    .. math:: \hat\sigma_e^2 = M_e, \quad \hat\sigma_a^2 = (M_a - M_e) / Q, \quad \hat\sigma_b^2 = (M_b - M_e) / S

    with the mean squares of seeds M_a, of queries M_b, and of what both leave, M_e, on (S - 1)(Q - 1) degrees of
    freedom. difference (S, Q), of `paired_differences`, S and Q at least 2: one seed cannot tell a query's own
    difference from its noise. Queries count as independent here; alike ones are for `paired_bootstrap`.
    Raises ValueError on another shape, NaN or infinity.

    >>> components(np.array([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]))
    Components(mean=1.5, query=1.0, seed=0.5, residual=0.0)
    """
    d = np.asarray(difference, np.float64)
    if d.ndim != 2 or min(d.shape) < 2 or not np.isfinite(d).all():
        raise ValueError(f"differences of shape {d.shape}: expected (seeds, queries), 2 or more of each, finite")
    seeds, queries = d.shape
    of_seed, of_query = d.mean(axis=1), d.mean(axis=0)
    left = d - of_seed[:, None] - of_query[None, :] + d.mean()  # (S, Q)
    residual = float((left**2).sum() / ((seeds - 1) * (queries - 1)))
    seed = of_seed.var(ddof=1) - residual / queries
    query = of_query.var(ddof=1) - residual / seeds
    return Components(float(d.mean()), float(query), float(seed), residual)


def standard_error(values: np.ndarray) -> float:
    """Standard error of the mean of (Q,) independent values, Q >= 2. Raises ValueError on another shape or NaN."""
    x = np.asarray(values, np.float64)
    if x.ndim != 1 or len(x) < 2 or not np.isfinite(x).all():
        raise ValueError(f"values of shape {x.shape}: expected (Q,) with Q >= 2, finite")
    return float(x.std(ddof=1) / math.sqrt(len(x)))


def sd_of_difference(sd: float, correlation: float) -> float:
    r"""Standard deviation of the difference of two scores of a query that have the same sd and this correlation.

    .. math:: \sigma_d = \sigma \sqrt{2 (1 - \rho)}

    Correlation 0 is what an unpaired comparison has to assume. Raises ValueError on sd < 0, or outside [-1, 1].

    >>> round(sd_of_difference(1.0, 0.5), 12)
    1.0
    """
    if not (0 <= sd < math.inf and -1 <= correlation <= 1):
        raise ValueError(f"sd {sd}, correlation {correlation}: expected sd >= 0 and a correlation in [-1, 1]")
    return sd * math.sqrt(2 * (1 - correlation))


def needed_queries(difference: float, sd: float, power: float = 0.8, alpha: float = 0.05) -> int:
    r"""Independent queries from which a two-sided paired test at level alpha finds a difference with this power.

    .. math:: n = \lceil ((z_{1 - \alpha/2} + z_p)\, \sigma_d / \delta)^2 \rceil

    The normal approximation (no statsmodels in requirements.lock): about two queries too few, of numbers that are in
    the hundreds and more; for a few seeds, where Student's t matters, see `needed_seeds`.

    Parameters
    ----------
    difference : true difference of the means, not 0; its sign does not matter
    sd : standard deviation over queries of the paired difference, `Components.query_sd` or `sd_of_difference`
    power, alpha : alpha < power < 1, 0 < alpha < 1

    Raises ValueError on others. At least 2.

    >>> needed_queries(0.5, 1.0)
    32
    """
    _check(difference, sd)
    if not 0 < alpha < power < 1:
        raise ValueError(f"power {power}, alpha {alpha}: expected 0 < alpha < power < 1")
    z = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    return max(2, math.ceil((z * sd / difference) ** 2))


def power_of(n: int, difference: float, sd: float, alpha: float = 0.05) -> float:
    """Power in (0, 1] of the two-sided paired t test on n >= 2 normal differences, by the noncentral F of t^2."""
    _check(difference, sd)
    if n < 2 or not 0 < alpha < 1:
        raise ValueError(f"n = {n}, alpha {alpha}: expected n >= 2 and 0 < alpha < 1")
    if sd == 0:
        return 1.0
    limit, shift = stats.t.ppf(1 - alpha / 2, n - 1), difference / sd * math.sqrt(n)
    missed = float(special.ncfdtr(1, n - 1, shift**2, limit**2))
    # scipy has NaN for some shifts beyond 35. Around them nothing is missed, to the last digit, at any alpha >= 1e-4.
    return 1.0 if math.isnan(missed) else 1.0 - missed


def needed_seeds(difference: float, sd: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Fewest pairs of training runs from which the two-sided paired t test finds a difference with this power.

    As `needed_queries`, but sd is that over seeds of the difference of mean scores, `Components.seed_sd`: the queries
    are fixed, so the answer is about these queries and no others. Exact for normal differences.

    >>> needed_seeds(0.5, 1.0)
    34
    """
    n = needed_queries(difference, sd, power, alpha)  # with a known sd: never more than the t test needs
    while power_of(n, difference, sd, alpha) < power:
        n += 1
    return n


def _check(difference: float, sd: float) -> None:
    if not math.isfinite(difference) or difference == 0 or not 0 <= sd < math.inf:
        raise ValueError(f"difference {difference}, sd {sd}: expected a finite difference that is not 0, and sd >= 0")
