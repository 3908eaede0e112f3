r"""Scores of retrieval by image and text: hit rates, precision, and the quantity printed as precision in [1].

Here "R@k" and "P@k" are the names of Table 1 in [1]; its code [2] computes neither recall nor precision:

- R@k is `hit_rate`: the share of queries with a relevant image among the first k (as TIRG and ComposeAE count too).
  `recall` is what eq. 4.2 says.
- P@k is `printed_precision`: an average precision over the **order of the queries** in a file. `precision` is what
  eq. 4.1 says.

**Ties.** Candidates of equal score come in random order, and every figure is the exact expectation over these orders
(McSherry and Najork, ECIR 2008); so it never depends on the order of the candidates, and equal scores for all give
chance. Scores are compared as they are given: two photographs with one feature vector tie if their scores are equal to
the last bit, which a matrix product does not promise; round them first where that matters.

**The source.** The candidate that is a query's own source image is left out of the list, even if it is relevant.

Arguments common to all: scores (Q, n) real, larger is better, finite; relevant (Q, n) bool; source (Q,) integers, the
candidate to leave out, -1 for none.

References
----------
[1] Tran, Hoang, "ComposeTransformers", 2022, eq. 4.1-4.2 and Table 1.
[2] Its code, hoangtv2000/Clothing_MMRetrieval, tester/test_retrieval.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

Order = Literal["independent", "shuffled"]

#: By how much a share may miss a whole number of hits, a query: far above rounding, far below half a hit of a million.
_WHOLE = 1e-9


class First(NamedTuple):
    """Where the first relevant candidate of each query may stand, three arrays (Q,) int64; see `first_relevant`.

    above : candidates of a higher score than the best relevant one
    tied : candidates of its score, itself among them; 0 where no candidate is relevant
    relevant : the relevant ones of these
    """

    above: np.ndarray
    tied: np.ndarray
    relevant: np.ndarray

    def hits(self, k: int) -> np.ndarray:
        r"""Probability that one of the first k is relevant, (Q,) float64; 0 or 1 where nothing ties.

        .. math:: 1 - \binom{g - r}{j} \Big/ \binom{g}{j}, \qquad j = \min(\max(k - a, 0), g)

        for a above, and r relevant of g that tie. Raises ValueError on k < 1.
        """
        if k < 1:
            raise ValueError(f"k = {k}: expected 1 or more")
        drawn = np.clip(k - self.above, 0, self.tied)
        missed = np.ones(len(drawn))
        for step in range(int(drawn.max(initial=0))):  # the j-th place of the tie goes to an irrelevant one
            others = np.maximum(self.tied - step, 1)
            missed *= np.where(step < drawn, np.maximum(self.tied - self.relevant - step, 0) / others, 1.0)
        return 1.0 - missed

    def ranks(self) -> np.ndarray:
        """Expected rank, (Q,) float64 from 1: a + (g + 1) / (r + 1); infinite where no candidate is relevant."""
        ranks = self.above + (self.tied + 1) / (self.relevant + 1)
        return np.where(self.relevant > 0, ranks, np.inf)


def first_relevant(scores: np.ndarray, relevant: np.ndarray, *, source: np.ndarray | None = None) -> First:
    """The best relevant candidate of each query: what stands above it, and what ties with it.

    Raises ValueError on shapes that do not fit, scores that are not finite, relevance that is not bool, and sources
    outside -1 .. n - 1.

    >>> first = first_relevant(np.array([[3, 2, 2, 1]]), np.array([[False, True, False, False]]))
    >>> first.ranks().tolist(), first.hits(2).tolist()
    ([2.5], [0.5])
    """
    scores, relevant, listed = _lists(scores, relevant, source)
    relevant = relevant & listed
    best = np.where(relevant, scores, -np.inf).max(axis=1, keepdims=True)
    tied = (scores == best) & listed
    above = (scores > best) & listed & np.isfinite(best)  # of no relevant candidate there is no rank
    return First(above.sum(axis=1), tied.sum(axis=1), (tied & relevant).sum(axis=1))


def hit_rate(scores: np.ndarray, relevant: np.ndarray, k: int, *, source: np.ndarray | None = None) -> float:
    """Share of queries with at least one relevant candidate among the first k ("R@k" in [1]), in [0, 1].

    Never falls as k grows. A query without any relevant candidate is a miss. Raises as `first_relevant` and on k < 1.

    >>> hit_rate(np.array([[3, 2, 1], [3, 2, 1]]), np.array([[0, 1, 1], [1, 0, 0]], bool), 1)
    0.5
    """
    return float(first_relevant(scores, relevant, source=source).hits(k).mean())


def precision(scores: np.ndarray, relevant: np.ndarray, k: int, *, source: np.ndarray | None = None) -> float:
    r"""Mean share of relevant candidates among the first k (eq. 4.1), in [0, 1].

    .. math:: P@k = \frac1Q \sum_q \frac{|\{\text{relevant among the first } k\}|}{k}

    Equal to `hit_rate` at k = 1, never below `hit_rate` / k, never above it. Raises as `first_relevant`, and where k is
    not from 1 to the number of candidates of every query.
    """
    return float(precisions(scores, relevant, k, source=source).mean())


def precisions(scores: np.ndarray, relevant: np.ndarray, k: int, *, source: np.ndarray | None = None) -> np.ndarray:
    """`precision` of each query, (Q,) in [0, 1]. Raises as it does."""
    return _found(scores, relevant, k, source)[0] / k


def recall(scores: np.ndarray, relevant: np.ndarray, k: int, *, source: np.ndarray | None = None) -> float:
    """Mean share of a query's relevant candidates that are among the first k (eq. 4.2), in [0, 1].

    Queries without any relevant candidate are left out; NaN if none is left. Equal to `hit_rate` if every query has
    exactly one. Raises as `precision`.
    """
    each = recalls(scores, relevant, k, source=source)
    return float(np.nanmean(each)) if np.isfinite(each).any() else float("nan")


def recalls(scores: np.ndarray, relevant: np.ndarray, k: int, *, source: np.ndarray | None = None) -> np.ndarray:
    """`recall` of each query, (Q,) in [0, 1], NaN where nothing is relevant. Raises as `precision`."""
    found, there = _found(scores, relevant, k, source)
    return np.where(there > 0, found / np.maximum(there, 1), np.nan)


def printed_precision(hits: np.ndarray) -> float:
    r"""What [1] prints as P@k: average precision over the order of the queries, in [0, 1].

    .. math:: \frac1N \sum_{i=1}^N h_i\, \frac{h_1 + \dots + h_i}{i}

    hits (N,), in the order of the file: bool, does query i have a relevant image among its first k? Or probabilities of
    hits that do not depend on each other, as of `First.hits`: then the expectation. .5 if the first half of many
    queries hits and the second does not, (1 - ln 2) / 2 = .1534 the other way round.
    Raises ValueError on no hits, another shape, or values outside [0, 1].

    >>> printed_precision(np.array([True, False, True, False]))  # (1 + 2/3) / 4
    0.41666666666666663
    """
    hits = np.asarray(hits, np.float64)
    if hits.ndim != 1 or not len(hits) or not ((hits >= 0) & (hits <= 1)).all():
        raise ValueError(f"hits of shape {hits.shape}: expected (N,), N >= 1, all in [0, 1]")
    before = np.cumsum(hits) - hits
    return float((hits * (1 + before) / np.arange(1, len(hits) + 1)).mean())  # E[h h] = E[h] for h of 0 and 1


def expected_printed(rate: float, queries: int, *, order: Order = "independent") -> float:
    r"""Expectation of `printed_precision` at a hit rate R, for N queries in random order: about R squared.

    .. math:: R^2 + R (1 - R) \frac{H_N}{N}, \qquad H_N = 1 + \frac12 + \dots + \frac1N

    where each query hits with probability R by itself ("independent"). Where exactly R N of the queries hit and all
    their orders are equally likely ("shuffled"), it is lower by :math:`R (1 - R) (1 - H_N / N) / (N - 1)`, at most
    .00021 for 1,200 queries. Raises ValueError on R outside [0, 1], N < 1, and "shuffled" where R N is no integer.

    >>> round(expected_printed(0.5, 2), 4), expected_printed(0.5, 2, order="shuffled")
    (0.4375, 0.375)
    """
    if not 0.0 <= rate <= 1.0 or queries < 1 or order not in ("independent", "shuffled"):
        raise ValueError(
            f"rate {rate}, {queries} queries, order {order!r}: expected [0, 1], 1 or more, 'independent' or 'shuffled'"
        )
    share, spread = float((1.0 / np.arange(1, queries + 1)).mean()), rate * (1.0 - rate)  # share = H_N / N
    if order == "independent":
        return rate**2 + spread * share
    _count(rate, queries)
    return rate**2 + spread * (share - (1.0 - share) / max(queries - 1, 1))


def printed_bounds(rate: float, queries: int) -> tuple[float, float]:
    r"""Least and largest value of `printed_precision` where H = R N of N queries hit: the hits last, and first.

    .. math:: \frac1N \sum_{j=1}^H \frac{j}{N - H + j} = R - (1 - R)(H_N - H_{N - H}), \qquad R

    The least tends to :math:`R + (1 - R) \ln(1 - R)`. Raises ValueError as `expected_printed` ("shuffled").

    >>> printed_bounds(0.5, 2)
    (0.25, 0.5)
    """
    hits = _count(rate, queries)
    return float((np.arange(1, hits + 1) / np.arange(queries - hits + 1, queries + 1)).sum() / queries), hits / queries


def chance(relevant: np.ndarray, k: int, *, source: np.ndarray | None = None) -> tuple[float, float]:
    """Expectations of `hit_rate` and `precision` for a random order of the candidates. Raises as `precision`.

    >>> chance(np.array([[True, False, False, False]]), 2)
    (0.5, 0.25)
    """
    scores = np.zeros(np.shape(relevant))
    return hit_rate(scores, relevant, k, source=source), precision(scores, relevant, k, source=source)


def by_caption(wanted: Sequence[str], captions: Sequence[str]) -> np.ndarray:
    """Relevance (Q, n) bool as in [2]: a candidate's caption is, character by character, that of the target.

    >>> by_caption(["red shirt"], ["red shirt", "red shirt ", "red shirt"]).tolist()
    [[True, False, True]]
    """
    number = {caption: i for i, caption in enumerate(dict.fromkeys(captions))}
    of_wanted = np.array([number.get(caption, -1) for caption in wanted], np.int64)
    return of_wanted[:, None] == np.array([number[caption] for caption in captions], np.int64)


def by_item(wanted: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Relevance (Q, n) bool of the exact item: wanted (Q,) and items (n,) are codes of articles.

    >>> by_item(np.array([7]), np.array([7, 8])).tolist()
    [[True, False]]
    """
    return np.asarray(wanted)[:, None] == np.asarray(items)


def _found(
    scores: np.ndarray, relevant: np.ndarray, k: int, source: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Expected number of relevant candidates among the first k, and their number in the list, (Q,) each."""
    scores, relevant, listed = _lists(scores, relevant, source)
    fewest = int(listed.sum(axis=1).min())
    if not 1 <= k <= fewest:
        raise ValueError(f"k = {k}: expected 1 to {fewest}, the fewest candidates of a query")
    relevant, known = relevant & listed, np.where(listed, scores, -np.inf)
    last = -np.partition(-known, k - 1, axis=1)[:, k - 1 : k]  # the k-th largest score
    above, tied = known > last, known == last
    places = (k - above.sum(axis=1)) / tied.sum(axis=1)
    return (above & relevant).sum(axis=1) + places * (tied & relevant).sum(axis=1), relevant.sum(axis=1)


def _lists(
    scores: np.ndarray, relevant: np.ndarray, source: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, relevance, and which candidates are listed at all, (Q, n) each."""
    scores, relevant = np.asarray(scores), np.asarray(relevant)
    if scores.ndim != 2 or not scores.size or scores.shape != relevant.shape or relevant.dtype != bool:
        raise ValueError(
            f"scores {scores.shape}, relevance {relevant.shape} {relevant.dtype}: expected (Q, n) both, bool, not empty"
        )
    if not np.isfinite(scores).all():
        raise ValueError(f"{(~np.isfinite(scores)).sum()} scores are not finite: expected all to be")
    listed = np.ones(scores.shape, bool)
    if source is not None:
        source = np.asarray(source)
        if source.shape != scores.shape[:1] or source.dtype.kind not in "iu":
            raise ValueError(f"sources {source.shape}, {source.dtype}: expected ({len(scores)},) integers")
        if source.min() < -1 or source.max() >= scores.shape[1]:
            raise ValueError(f"sources {source.min()} to {source.max()}: expected -1 to {scores.shape[1] - 1}")
        has = np.flatnonzero(source >= 0)
        listed[has, source[has]] = False
    return scores, relevant, listed


def _count(rate: float, queries: int) -> int:
    """How many of the queries hit."""
    hits = round(rate * queries) if queries >= 1 else -1
    if not 0 <= hits <= queries or abs(hits - rate * queries) > _WHOLE * queries:
        raise ValueError(f"rate {rate} of {queries} queries: expected a share of them, as of a whole number of hits")
    return hits
