r"""Scores of ranked lists: neighbours against the exact ones, and the classes that they vote for.

References
----------
.. [1] He, "Hashing-based Approximate Nearest-Neighbor Search for Large-scale Image Retrieval", eq. 4-7.
.. [2] Jegou, Douze, Schmid, "Product Quantization for Nearest Neighbor Search", PAMI 2011 (recall@R).
.. [3] Jarvelin, Kekalainen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002.
.. [4] McSherry, Najork, "Computing information retrieval performance measures efficiently in the presence of tied
   scores", ECIR 2008.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

Variant = Literal["corrected", "literal"]


class Rates(NamedTuple):
    """recall, fallout and precision of "is it class 0", in [0, 1]; NaN where nothing could be counted."""

    recall: float
    fallout: float
    precision: float


def recall_at(found: np.ndarray, exact: np.ndarray, k: int) -> float:
    r"""Share of the queries whose exact nearest neighbour is among the first k found [2]_.

    .. math:: \mathrm{recall@}k = \frac1Q \sum_q [\,e_{q1} \in \{f_{q1}, \dots, f_{qk}\}\,]

    found (Q, R) and exact (Q, E) row numbers, nearest first, R >= k, E >= 1; -1 in `found` is a hole. In [0, 1], and
    never falls as k grows. Where two rows are equally near, only the one that `exact` names counts.
    Raises ValueError on other shapes or k.

    >>> recall_at(np.array([[4, 7], [1, 2]]), np.array([[7], [1]]), 1)
    0.5
    """
    found, exact = _lists(found, exact, k, 1)
    return float((found[:, :k] == exact[:, :1]).any(axis=1).mean())


def overlap_at(found: np.ndarray, exact: np.ndarray, k: int) -> float:
    r"""Share of the k exact nearest neighbours that are among the first k found ("k-recall@k").

    .. math:: \frac1{Qk} \sum_q |\{f_{q1}, \dots, f_{qk}\} \cap \{e_{q1}, \dots, e_{qk}\}|

    Arguments as in `recall_at`, E >= k, no row twice in a list. In [0, 1]; equal to `recall_at` for k = 1.
    Raises ValueError on other shapes or k.

    >>> overlap_at(np.array([[4, 7], [1, 2]]), np.array([[7, 9], [2, 1]]), 2)
    0.75
    """
    found, exact = _lists(found, exact, k, k)
    hits = sum(len(np.intersect1d(f[f >= 0], e)) for f, e in zip(found[:, :k], exact[:, :k], strict=True))
    return hits / (k * len(found))


def vote(found: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Class that most of the first k neighbours have; of classes with equally many votes the smallest.

    found (Q, R) rows of the training set, -1 a hole without a vote; labels (N,) integers >= 0; 1 <= k <= R.
    Returns (Q,) int64. The paper's rule is k = 100. Raises ValueError on rows outside 0..N - 1, on other shapes or k,
    and on a query without any vote.

    >>> vote(np.array([[0, 1, 2]]), np.array([5, 3, 3]), 3).tolist()
    [3]
    """
    found, labels = np.asarray(found), np.asarray(labels)
    _check_k(found, k)
    near = found[:, :k]
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or (labels.size and labels.min() < 0):
        raise ValueError(f"labels of shape {labels.shape}, {labels.dtype}: expected (N,) integers >= 0")
    if near.min() < -1 or near.max() >= len(labels) or (near < 0).all(axis=1).any():
        raise ValueError(
            f"rows from {near.min()} to {near.max()} for {len(labels)} labels: expected 0..{len(labels) - 1}, "
            "and at least one a query"
        )
    classes = int(labels.max()) + 1
    cast = np.where(near < 0, classes, labels.astype(np.int64)[near])  # holes vote for a class beyond all
    query = np.arange(len(near))[:, None] * (classes + 1)
    votes = np.bincount((query + cast).ravel(), minlength=len(near) * (classes + 1)).reshape(len(near), -1)
    return np.asarray(votes[:, :classes].argmax(axis=1))


def accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    r"""Share of right predictions, :math:`A = C / N` (eq. 4): truth and predicted (N,) integers -> [0, 1].

    Raises ValueError on no rows or lengths that differ.
    """
    truth, predicted = _pair(truth, predicted)
    return float((truth == predicted).mean())


def rates(truth: np.ndarray, predicted: np.ndarray, *, variant: Variant = "corrected") -> Rates:
    r"""Recall, fallout and precision of class 0 against the rest (eq. 5-7 of [1]_).

    ========= ==================================== =========================================
    ..        corrected                            literal
    ========= ==================================== =========================================
    recall    TP / (TP + FN)                       the same (eq. 5)
    fallout   FP / (FP + TN)                       FP / (FP + FN) (eq. 6)
    precision TP / (TP + FP)                       (TP + TN) / (TP + TN + FP + FN) (eq. 7)
    TN        not 0, predicted not 0               not 0, predicted as what it is
    FN        0, predicted not 0                   any wrong prediction that is not 0
    ========= ==================================== =========================================

    The literal counts are those of the text: "a correct prediction results in T, while an incorrect prediction results
    in F", 0 is P. So a 3 taken for a 5 is a "false negative", and eq. 7 is accuracy. As defined it is neither.

    truth, predicted (N,) integer classes >= 0. Raises ValueError on no rows, lengths that differ, another variant.

    >>> rates(np.array([0, 0, 1, 2]), np.array([0, 1, 0, 1]), variant="literal")
    Rates(recall=0.3333333333333333, fallout=0.3333333333333333, precision=0.25)
    """
    truth, predicted = _pair(truth, predicted)
    if variant not in ("corrected", "literal"):
        raise ValueError(f"variant {variant!r}: expected 'corrected' or 'literal'")
    zero, said = truth == 0, predicted == 0
    tp, fp = int((zero & said).sum()), int((~zero & said).sum())
    if variant == "corrected":
        tn, fn = int((~zero & ~said).sum()), int((zero & ~said).sum())
        return Rates(_share(tp, fn), _share(fp, tn), _share(tp, fp))
    right = truth == predicted
    tn, fn = int((right & ~said).sum()), int((~right & ~said).sum())
    return Rates(_share(tp, fn), _share(fp, fn), (tp + tn) / (tp + tn + fp + fn))


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else float("nan")


def _pair(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.ndim != 1 or truth.shape != predicted.shape or not len(truth):
        raise ValueError(f"classes of shapes {truth.shape} and {predicted.shape}: expected two of (N,), N >= 1")
    return truth, predicted


def _lists(found: np.ndarray, exact: np.ndarray, k: int, needed: int) -> tuple[np.ndarray, np.ndarray]:
    found, exact = np.asarray(found), np.asarray(exact)
    _check_k(found, k)
    if exact.ndim != 2 or len(exact) != len(found) or exact.shape[1] < needed:
        raise ValueError(f"exact neighbours of shape {exact.shape}: expected ({len(found)}, {needed} or more)")
    return found, exact


def _check_k(found: np.ndarray, k: int) -> None:
    if found.ndim != 2 or not len(found) or not 1 <= k <= found.shape[1]:
        raise ValueError(f"k = {k} of neighbours {found.shape}: expected (Q, R) with Q >= 1 and 1 <= k <= R")


def ndcg_each(scores: Sequence[np.ndarray], relevant: Sequence[np.ndarray], k: int) -> np.ndarray:
    r"""Normalised discounted cumulative gain of every query, binary relevance [3]_.

    .. math:: \mathrm{nDCG@}k = \sum_{r=1}^{k} \frac{[\,d_r \text{ relevant}\,]}{\log_2(r + 1)}
              \Big/ \sum_{r=1}^{\min(k, R)} \frac{1}{\log_2(r + 1)}

    d_r is the candidate at rank r, R the number of relevant ones. Ties: candidates of equal score share the mean
    discount of the ranks that they fill together, which is the expectation over all orders of them [4]_; so the result
    depends on the scores and never on the order in which candidates are given, and equal scores for all give
    the expectation of a random order.

    scores, relevant : for each query (n,), highest score first; n may differ between queries, and be below k.
    relevant is bool, or 0 and 1, and at least one is. Scores are compared as float64. Returns (Q,) float64 in [0, 1].
    Raises ValueError on k < 1, no query, lengths that differ, NaN, a query without a relevant candidate.

    >>> ndcg_each([np.array([0.9, 0.5, 0.1])], [np.array([0, 1, 0])], 2).round(4).tolist()
    [0.6309]
    """
    if k < 1 or not len(scores) or len(scores) != len(relevant):
        lists = f"{len(scores)} lists of scores, {len(relevant)} of relevance"
        raise ValueError(f"k = {k}, {lists}: expected k >= 1 and as many of one as of the other, at least one")
    return np.array([_ndcg(q, s, r, k) for q, (s, r) in enumerate(zip(scores, relevant, strict=True))])


def ndcg_at(scores: Sequence[np.ndarray], relevant: Sequence[np.ndarray], k: int) -> float:
    """Mean of `ndcg_each` over the queries (of ratios, not a ratio of sums), in [0, 1]. Raises as it does.

    >>> ndcg_at([np.array([2, 1]), np.array([2, 1])], [np.array([1, 0]), np.array([0, 1])], 1)
    0.5
    """
    return float(ndcg_each(scores, relevant, k).mean())


def _ndcg(query: int, scores: np.ndarray, relevant: np.ndarray, k: int) -> float:
    scores, relevant = np.asarray(scores, np.float64), np.asarray(relevant)
    if scores.ndim != 1 or scores.shape != relevant.shape or np.isnan(scores).any():
        shapes = f"scores {scores.shape}, relevance {relevant.shape}"
        raise ValueError(f"query {query}: {shapes}: expected two of (n,), no NaN")
    if not ((relevant == 0) | (relevant == 1)).all() or not relevant.any():
        raise ValueError(f"query {query}: relevance {np.unique(relevant)}: expected 0 and 1, and at least one 1")
    discount = 1 / np.log2(np.arange(len(scores)) + 2)
    discount[k:] = 0.0
    _, tie, size = np.unique(-scores, return_inverse=True, return_counts=True)
    shared = np.add.reduceat(discount, np.cumsum(size) - size) / size  # of each group of equal scores
    ideal = np.sort(discount[: np.count_nonzero(relevant)])
    return float(min(np.sort(shared[tie][relevant.astype(bool)]).sum() / ideal.sum(), 1.0))
