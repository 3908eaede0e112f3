"""nDCG: by hand, against scikit-learn and a loop over all orders, laws, and the curves of the real files."""

import csv
import itertools
import math
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from likeness.data.kddcup_answers import judged, read_answers, read_scores, score_file_ndcg
from likeness.data.registry import VARIABLE
from likeness.metrics.ranking import ndcg_at, ndcg_each

D2, D3, D4 = 1 / math.log2(3), 0.5, 1 / math.log2(5)  # discounts of ranks 2, 3 and 4; that of rank 1 is 1


def one(scores, relevant, k):
    return ndcg_at([np.array(scores)], [np.array(relevant)], k)


@pytest.mark.parametrize(
    ("scores", "relevant", "k", "want"),
    [
        ([4, 3, 2, 1], [1, 0, 0, 0], 1, 1.0),
        ([4, 3, 2, 1], [0, 1, 0, 0], 1, 0.0),
        ([4, 3, 2, 1], [0, 1, 0, 0], 2, D2),
        ([1, 2, 3, 4], [1, 0, 0, 1], 4, (1 + D4) / (1 + D2)),
        ([4, 3, 2, 1], [1, 0, 1, 1], 2, 1 / (1 + D2)),  # the ideal has min(k, R) = 2 ranks
        ([4, 3, 2, 1], [0, 0, 1, 0], 9, D3),  # k beyond the list
        ([2, 2], [1, 0], 1, 0.5),  # a tie: first or second, each in half of the orders
        ([2, 2, 1], [1, 0, 0], 2, (1 + D2) / 2),
        ([5, 1, 1, 1], [0, 1, 1, 0], 2, (2 / 3 * D2) / (1 + D2)),
        ([0, 0, 0, 0], [0, 1, 0, 0], 4, (1 + D2 + D3 + D4) / 4),
        ([-math.inf, 3], [1, 0], 2, D2),
    ],
)
def test_by_hand(scores, relevant, k, want):
    assert one(scores, relevant, k) == pytest.approx(want, abs=1e-15)


def test_a_mean_of_ratios():
    scores, relevant = [np.array([3, 2, 1]), np.array([1, 2])], [np.array([0, 1, 1]), np.array([1, 0])]
    each = ndcg_each(scores, relevant, 2)
    np.testing.assert_allclose(each, [D2 / (1 + D2), D2], atol=1e-15)
    assert ndcg_at(scores, relevant, 2) == pytest.approx((D2 / (1 + D2) + D2) / 2)
    assert ndcg_at(scores, relevant, 2) != pytest.approx(2 * D2 / (2 + D2))  # the ratio of sums


def draw(seed, distinct=None):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 31))
    relevant = rng.random(n) < 0.3
    relevant[rng.integers(n)] = True
    return (rng.standard_normal(n) if distinct is None else rng.integers(0, distinct, n)), relevant


@pytest.mark.parametrize("k", [1, 5, 30])
def test_equals_scikit_learn_with_and_without_ties(k):
    for seed in range(60):
        scores, relevant = draw(seed, None if seed % 2 else 4)
        want = ndcg_score(relevant[None].astype(float), scores[None].astype(float), k=k)
        assert one(scores, relevant, k) == pytest.approx(want, abs=1e-12)


def loop(scores, relevant, k):
    """The mean over all orders that the scores allow."""
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, sum(relevant)) + 1))
    found = []
    for order in itertools.permutations(range(len(scores))):
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order)):
            found.append(sum(relevant[i] / math.log2(rank + 1) for rank, i in enumerate(order[:k], 1)) / ideal)
    return sum(found) / len(found)


@pytest.mark.parametrize("seed", range(12))
def test_equals_the_loop_over_all_orders(seed):
    rng = np.random.default_rng(seed)
    scores, relevant = rng.integers(0, 3, 6).tolist(), [1, *rng.integers(0, 2, 5).tolist()]
    for k in (1, 2, 4, 6):
        assert one(scores, relevant, k) == pytest.approx(loop(scores, relevant, k), abs=1e-12)


@pytest.mark.parametrize("distinct", [None, 5])
def test_laws(distinct):
    rng = np.random.default_rng(0)
    for seed in range(40):
        scores, relevant = draw(seed, distinct)
        order = rng.permutation(len(scores))
        for k in (1, 5, len(scores)):
            value = one(scores, relevant, k)
            assert 0.0 <= value <= 1.0
            assert one(scores[order], relevant[order], k) == pytest.approx(value, abs=1e-12)  # whatever the order
            assert one(3.0 * scores + 7, relevant, k) == pytest.approx(value, abs=1e-12)  # only ranks count
            assert one(relevant, relevant, k) == pytest.approx(1.0, abs=1e-15)  # the relevance itself is ideal
            raised = np.where(relevant, scores + 1, scores)  # to move up what is relevant cannot hurt
            assert one(raised, relevant, k) >= value - 1e-12
        worst = one(-relevant.astype(float), relevant, len(scores))
        assert worst <= one(scores, relevant, len(scores)) + 1e-12


def test_types_of_scores_and_relevance_do_not_matter():
    want = one([0.0, 2.0, 1.0], [0, 0, 1], 3)
    for dtype in (np.uint8, np.int32, np.float16, np.float32):
        assert one(np.array([0, 2, 1], dtype), [0, 0, 1], 3) == want
    assert one([0, 2, 1], [False, False, True], 3) == one([0, 2, 1], [0.0, 0.0, 1.0], 3) == want


@pytest.mark.parametrize(
    ("scores", "relevant", "k", "message"),
    [
        ([[1, 2]], [[1, 0]], 0, "k = 0"),
        ([], [], 1, "0 lists of scores"),
        ([[1, 2]], [[1, 0], [0, 1]], 1, "1 lists of scores, 2 of relevance"),
        ([[1, 2], [1, 2]], [[1, 0], [1]], 1, r"query 1: scores \(2,\), relevance \(1,\)"),
        ([[1, math.nan]], [[1, 0]], 1, "no NaN"),
        ([[1, 2]], [[0, 0]], 1, r"query 0: relevance \[0\].*at least one 1"),
        ([[1, 2]], [[0, 2]], 1, r"relevance \[0 2\]"),
        ([[1, 2]], [[0, -1]], 1, r"relevance \[-1  0\]"),
        ([[]], [[]], 1, "at least one 1"),
    ],
)
def test_refusals(scores, relevant, k, message):
    with pytest.raises(ValueError, match=message):
        ndcg_each([np.array(s) for s in scores], [np.array(r) for r in relevant], k)


def test_a_score_file_by_hand(tmp_path):
    scores, answers = tmp_path / "scores.txt", tmp_path / "answers.json"
    scores.write_text("7,[[0.25, '103'], [0.5, '104']]\n8,[[1, '9'], [2, '3'], [0, '4']]\n")
    answers.write_text('{"8": [9, 3], "7": [103]}')
    assert score_file_ndcg(scores, answers, 1) == 0.5
    assert score_file_ndcg(scores, answers, 2) == pytest.approx((D2 + 1) / 2)
    for text, message in {
        '{"7": [103]}': "1 queries such as 8 are missing in the answers",
        '{"7": [103], "8": [9], "9": [1]}': "1 queries such as 9 are missing in the scores",
        '{"7": [103, 5], "8": [9]}': r"query 7: its answers \[5\] have no score",
        '{"7": []}': "answers.json: query '7', products",
    }.items():
        answers.write_text(text)
        with pytest.raises(ValueError, match=message) as caught:
            score_file_ndcg(scores, answers, 1)
        assert str(answers) in str(caught.value)


FOLDER = Path(os.environ.get(VARIABLE) or "/nowhere", "kddcup2020")
real = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{VARIABLE} holds no kddcup2020")
CURVES = FOLDER.resolve().parents[1] / "reference" / "hsl_real_ndcg.csv"
KS = (5, 10, 15, 20, 25, 30)


@pytest.fixture(scope="module")
def files():
    scores, answers = read_scores(FOLDER / "validscore_lxmert_20box.txt"), read_answers(FOLDER / "valid_answer.json")
    return scores, answers, *judged(scores, answers)


def rarity(scores, answers):
    """Minus the number of pools that a product is in: the prior that looks at neither image nor text."""
    count = Counter(product for pool in scores.values() for product in pool.products.tolist())
    return [-np.array([count[p] for p in scores[query].products.tolist()]) for query in answers]


@real
def test_the_real_score_file(files):
    *_, given, relevant = files
    path = FOLDER / "validscore_lxmert_20box.txt", FOLDER / "valid_answer.json"
    assert score_file_ndcg(*path, 5) == ndcg_at(given, relevant, 5) == pytest.approx(0.6993, abs=5e-5)
    each = ndcg_each(given, relevant, 5)
    assert each.std(ddof=1) / math.sqrt(len(each)) == pytest.approx(0.0138, abs=5e-5)  # the standard error of the sheet
    for tied, flags in zip(given, relevant, strict=True):  # 90 queries have ties, none that matters
        first = one(-np.argsort(np.argsort(-tied, kind="stable"), kind="stable"), flags, 5)
        assert first == pytest.approx(one(tied, flags, 5), abs=1e-12)


@real
def test_the_prior_finds_what_it_should_not(files):
    scores, answers, _, relevant = files
    assert ndcg_at(rarity(scores, answers), relevant, 5) == pytest.approx(0.5550, abs=5e-5)  # mean over orders of ties
    assert ndcg_at([np.zeros(len(r)) for r in relevant], relevant, 5) == pytest.approx(0.2027, abs=5e-5)
    count = Counter(product for pool in scores.values() for product in pool.products.tolist())
    once = [count[product] == 1 for products in answers.values() for product in products]
    assert (sum(once), len(once)) == (2895, 2952)  # why: a relevant product is in one pool, as 98 in 100 are


@real
def test_equal_scores_give_the_closed_form_of_a_random_order(files):
    *_, relevant = files
    for k in KS:
        want = []
        for flags in relevant:
            gain = [1 / math.log2(rank + 1) for rank in range(1, len(flags) + 1)][:k]
            want.append(flags.mean() * sum(gain) / sum(gain[: int(flags.sum())]))
        assert ndcg_at([np.zeros(len(r)) for r in relevant], relevant, k) == pytest.approx(np.mean(want), abs=1e-12)


@real
@pytest.mark.skipif(not CURVES.is_file(), reason="no reference/hsl_real_ndcg.csv beside the data")
def test_the_reference_curves(files):
    """The sheet's two baselines were drawn, ours are expectations: they may differ by the error of the draws."""
    scores, answers, given, relevant = files
    with CURVES.open(newline="") as stream:
        sheet = [[float(row[f"ndcg{k}"]) for k in KS] for row in csv.DictReader(stream)]
    rng, rare = np.random.default_rng(0), rarity(scores, answers)
    shuffled = [ndcg_at([rng.random(len(r)) for r in relevant], relevant, 5) for _ in range(20)]
    broken = [ndcg_at([c + rng.random(len(c)) / 2 for c in rare], relevant, 5) for _ in range(20)]
    # Of one draw, at k = 5, where it is largest. The sheet has the mean of 200 random orders and one order of the ties.
    errors = np.std(shuffled, ddof=1) / math.sqrt(200), np.std(broken, ddof=1)
    for at, k in enumerate(KS):
        assert ndcg_at(given, relevant, k) == pytest.approx(sheet[2][at], abs=5e-5)
        assert abs(ndcg_at([np.zeros(len(r)) for r in relevant], relevant, k) - sheet[0][at]) < 4 * errors[0]
        assert abs(ndcg_at(rare, relevant, k) - sheet[1][at]) < 3 * errors[1]
