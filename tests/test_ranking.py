"""Scores of ranked lists and votes, against loops over queries."""

import math

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

from likeness.metrics.ranking import accuracy, overlap_at, rates, recall_at, vote


def lists(seed, q=30, n=60, r=12):
    rng = np.random.default_rng(seed)
    return np.array([rng.permutation(n)[:r] for _ in range(q)]), np.array([rng.permutation(n)[:r] for _ in range(q)])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 3, 12])
def test_recalls_equal_the_loops(seed, k):
    found, exact = lists(seed)
    found[::4, 0] = exact[::4, 0]
    found[1, -2:] = -1
    hit = [1 if exact[i][0] in found[i][:k].tolist() else 0 for i in range(30)]
    assert recall_at(found, exact, k) == pytest.approx(sum(hit) / 30)
    common = [len(set(found[i][:k].tolist()) & set(exact[i][:k].tolist())) for i in range(30)]
    assert overlap_at(found, exact, k) == pytest.approx(sum(common) / 30 / k)


def test_laws_of_recall():
    found, exact = lists(9)
    values = [recall_at(found, exact, k) for k in range(1, 13)]
    assert values == sorted(values)
    assert recall_at(exact, exact, 1) == overlap_at(exact, exact, 12) == 1.0
    assert recall_at(found, exact, 1) == overlap_at(found, exact, 1)
    assert overlap_at(exact[:, ::-1], exact, 12) == 1.0
    holes = np.full((30, 12), -1)
    assert recall_at(holes, exact, 12) == overlap_at(holes, exact, 12) == 0.0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 5, 12])
def test_vote_equals_the_loop(seed, k):
    found, _ = lists(seed)
    labels = np.random.default_rng(seed).integers(0, 4, 60)
    found[2, 1:] = -1
    want = []
    for row in found:
        count: dict[int, int] = {}
        for i in row[:k]:
            if i >= 0:
                count[int(labels[i])] = count.get(int(labels[i]), 0) + 1
        want.append(min(c for c, v in count.items() if v == max(count.values())))
    assert vote(found, labels, k).tolist() == want


def test_votes_by_hand():
    labels = np.array([7, 7, 2, 2, 9], np.uint8)
    assert vote(np.array([[4, 0, 1]]), labels, 3).tolist() == [7]
    assert vote(np.array([[4, 0, 1]]), labels, 1).tolist() == [9]
    assert vote(np.array([[0, 2, 1, 3]]), labels, 4).tolist() == [2]  # equally many: the smallest
    assert vote(np.array([[4, -1, -1]]), labels, 3).tolist() == [9]  # holes are no votes
    assert accuracy(np.array([7, 2, 9, 2]), np.array([7, 2, 2, 2])) == 0.75


def naive(truth, predicted, literal):
    tp = fp = tn = fn = 0
    for t, p in zip(truth, predicted, strict=True):
        if p == 0:
            tp, fp = tp + (t == 0), fp + (t != 0)
        elif (t == p) if literal else (t != 0):
            tn += 1
        else:
            fn += 1
    if literal:
        return tp / (tp + fn), fp / (fp + fn), (tp + tn) / (tp + tn + fp + fn)
    return tp / (tp + fn), fp / (fp + tn), tp / (tp + fp)


@pytest.mark.parametrize("seed", range(5))
def test_rates_equal_the_loops_and_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 10, 300)
    predicted = np.where(rng.random(300) < 0.7, truth, rng.integers(0, 10, 300))
    assert rates(truth, predicted) == pytest.approx(naive(truth, predicted, False))
    assert rates(truth, predicted, variant="literal") == pytest.approx(naive(truth, predicted, True))
    assert rates(truth, predicted).recall == pytest.approx(recall_score(truth == 0, predicted == 0))
    assert rates(truth, predicted).precision == pytest.approx(precision_score(truth == 0, predicted == 0))
    assert rates(truth, predicted, variant="literal").precision == pytest.approx(accuracy(truth, predicted))


def test_rates_by_hand():
    truth, predicted = np.array([0, 0, 0, 3, 3, 5, 5]), np.array([0, 0, 4, 0, 3, 3, 5])
    # literal: TP 2; FP 1 (the 3 taken for 0); TN 2; FN 2 (the 0 taken for 4 and the 5 taken for 3)
    assert rates(truth, predicted, variant="literal") == pytest.approx((2 / 4, 1 / 3, 4 / 7))
    assert rates(truth, predicted) == pytest.approx((2 / 3, 1 / 4, 2 / 3))
    none = rates(np.array([1, 2]), np.array([1, 2]))
    assert math.isnan(none.recall)
    assert none.fallout == 0.0
    assert math.isnan(none.precision)


FOUND, EXACT = lists(0)
LABELS = np.zeros(60, int)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: recall_at(FOUND, EXACT, 13), r"k = 13 of neighbours \(30, 12\)"),
        (lambda: recall_at(FOUND, EXACT, 0), "k = 0"),
        (lambda: recall_at(FOUND[0], EXACT, 1), r"\(12,\)"),
        (lambda: recall_at(FOUND, EXACT[:2], 1), r"shape \(2, 12\): expected \(30, 1 or more\)"),
        (lambda: overlap_at(FOUND, EXACT[:, :3], 4), r"shape \(30, 3\): expected \(30, 4 or more\)"),
        (lambda: vote(FOUND, LABELS[:30], 12), "for 30 labels: expected 0..29"),
        (lambda: vote(np.array([[-2]]), LABELS, 1), "rows from -2"),
        (lambda: vote(np.array([[0], [-1]]), LABELS, 1), "at least one a query"),
        (lambda: vote(FOUND, LABELS - 1, 1), "integers >= 0"),
        (lambda: vote(FOUND, LABELS * 0.5, 1), "float64"),
        (lambda: vote(FOUND, LABELS, 13), "k = 13"),
        (lambda: accuracy(LABELS, LABELS[:5]), r"\(60,\) and \(5,\)"),
        (lambda: accuracy(LABELS[:0], LABELS[:0]), "N >= 1"),
        (lambda: rates(LABELS, LABELS, variant="printed"), "'printed'"),
        (lambda: rates(LABELS, LABELS[:5]), r"\(5,\)"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
