"""The AUC of a withheld item: by hand, against loops over pairs, laws, bounds of the sampled one, speed, refusals."""

import time
import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import roc_auc_score

from likeness.metrics.auc import auc_each, matched_auc_each, pair_loop, sampled_auc_each

TIES = ["half", "strict", "optimistic"]
WORTH = {"half": 0.5, "strict": 0.0, "optimistic": 1.0}
EXACT = 1e-12  # counts are whole numbers: only the division rounds


def case(seed, users=25, items=40, levels=6, dtype=np.float32, own=True):
    """Scores with many ties; each user has 1 to 8 items, the target among them only where `own`."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(-levels, levels, (users, items)).astype(dtype)
    if np.dtype(dtype).kind == "f":
        scores[rng.random(scores.shape) < 0.1] = -np.inf
    target = rng.integers(0, items, users)
    taken = np.zeros((users, items), bool)
    for u in range(users):
        taken[u, rng.choice(items, rng.integers(1, 9), replace=False)] = True
        taken[u, target[u]] = own
    return scores, target, sparse.csr_matrix(taken)


def naive(scores, target, excluded, compared, ties):
    """compared(u) -> items, with repeats."""
    taken, shares = excluded.toarray(), []
    for u, t in enumerate(target):
        worth = [
            1.0 if scores[u, j] < scores[u, t] else WORTH[ties] if scores[u, j] == scores[u, t] else 0.0
            for j in compared(u)
            if not taken[u, j] and j != t
        ]
        shares.append(sum(worth) / len(worth) if worth else np.nan)
    return np.array(shares)


def none(users, items):
    return sparse.csr_matrix((users, items), dtype=bool)


def test_by_hand():
    """User 0: target 5.0 against 1, 5, 9, inf; item 1 is excluded. User 1: all are excluded but a tie of -inf."""
    scores = np.array([[5.0, 8, 1, 5, 9, np.inf], [2.0, -np.inf, 3, 4, 5, -np.inf]])
    target, taken = np.array([0, 1]), sparse.csr_matrix([[1, 1, 0, 0, 0, 0], [1, 0, 1, 1, 1, 0]], dtype=bool)
    assert auc_each(scores, target, taken, ties="strict").tolist() == [0.25, 0.0]
    assert auc_each(scores, target, taken, ties="half").tolist() == [0.375, 0.5]
    assert auc_each(scores, target, taken, ties="optimistic").tolist() == [0.5, 1.0]
    assert pair_loop(scores, target, taken).tolist() == [0.25, 0.0]
    only = np.array([True, False, True, True, False, False])
    assert np.array_equal(auc_each(scores, target, taken, rivals=only), [0.75, np.nan], equal_nan=True)


def test_matched_by_hand():
    """Targets 3, 1, 3, 0. User 0 meets 1 and 0; user 1 meets 3 twice and 0; user 2 has item 1, so 0 alone."""
    scores = np.array([[4.0, 6, 0, 5], [7, 8, 0, 8], [3, 9, 0, 3], [1, 0, 0, 2]])
    target = np.array([3, 1, 3, 0])
    taken = sparse.csr_matrix(([True], ([2], [1])), shape=(4, 4))
    assert matched_auc_each(scores, target, taken).tolist() == [0.5, pytest.approx(2 / 3), 0.5, pytest.approx(1 / 3)]
    assert matched_auc_each(scores, target, taken, ties="strict").tolist() == [0.5, pytest.approx(1 / 3), 0, 1 / 3]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.uint8])
@pytest.mark.parametrize("own", [True, False])
def test_all_items_equal_the_loops(seed, dtype, own):
    scores, target, taken = case(seed, dtype=np.int64 if dtype == np.uint8 else dtype, own=own)
    scores = scores.astype(dtype)
    for ties in TIES:
        want = naive(scores, target, taken, lambda u: range(40), ties)
        assert auc_each(scores, target, taken, ties=ties) == pytest.approx(want, abs=EXACT)
    assert np.array_equal(pair_loop(scores, target, taken), auc_each(scores, target, taken, ties="strict"))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ties", TIES)
def test_some_rivals_and_matched_equal_the_loops(seed, ties):
    scores, target, taken = case(seed)
    rivals = np.random.default_rng(seed).random(40) < 0.6
    want = naive(scores, target, taken, lambda u: np.flatnonzero(rivals), ties)
    want[~rivals[target]] = np.nan
    found = auc_each(scores, target, taken, rivals=rivals, ties=ties)
    assert found == pytest.approx(want, abs=EXACT, nan_ok=True)
    assert 0 < np.isnan(found).sum() < len(found)
    want = naive(scores, target, taken, lambda u: [t for v, t in enumerate(target) if v != u], ties)
    assert matched_auc_each(scores, target, taken, ties=ties) == pytest.approx(want, abs=EXACT, nan_ok=True)


@pytest.mark.parametrize("seed", range(3))
def test_scikit_learn_counts_ties_by_half_too(seed):
    scores, target, taken = case(seed)
    for user, share in enumerate(auc_each(scores, target, taken)):
        kept = ~taken[[user]].toarray()[0]
        kept[target[user]] = True
        row = np.maximum(scores[user], -100)[kept]  # it refuses -inf
        assert share == pytest.approx(roc_auc_score(np.arange(40)[kept] == target[user], row), abs=EXACT)


@pytest.mark.parametrize("seed", range(3))
def test_laws(seed):
    scores, target, taken = case(seed)
    half, strict, optimistic = (auc_each(scores, target, taken, ties=ties) for ties in TIES)
    assert half == pytest.approx((strict + optimistic) / 2, abs=EXACT)
    assert auc_each(-scores, target, taken) == pytest.approx(1 - half, abs=EXACT)  # a scale turned round
    assert np.array_equal(auc_each(np.exp2(scores.astype(np.float64)), target, taken), half)  # any rising function
    order = np.random.default_rng(seed).permutation(40)
    where = np.argsort(order)
    assert np.array_equal(auc_each(scores[:, order], where[target], taken[:, order]), half)
    assert np.array_equal(auc_each(scores[5:9], target[5:9], taken[5:9]), half[5:9])
    assert np.array_equal(auc_each(np.asfortranarray(scores), target, taken), half)
    assert np.array_equal(auc_each(scores, target, taken, rivals=np.ones(40, bool)), half)
    for worth, ties in ((0.5, "half"), (0, "strict"), (1, "optimistic")):
        assert (auc_each(np.zeros((25, 40)), target, taken, ties=ties) == worth).all()
    excluded = scores.copy()
    excluded[taken.toarray() & (np.arange(40) != target[:, None])] = np.inf
    assert np.array_equal(auc_each(excluded, target, taken), half)  # what is excluded has no say


def test_scores_are_compared_as_they_are_given():
    """1 + 2^-40 is above 1 in float64 and equal to it in float32; 2^53 + 1 above 2^53 as an integer alone."""
    target, taken = np.array([0]), none(1, 2)
    fine = np.array([[1 + 2.0**-40, 1.0]])
    assert auc_each(fine, target, taken).tolist() == [1.0]
    assert auc_each(fine.astype(np.float32), target, taken).tolist() == [0.5]
    assert auc_each(np.array([[2**53 + 1, 2**53]]), target, taken).tolist() == [1.0]


@pytest.mark.parametrize("seed", range(5))
def test_a_score_that_is_the_same_for_all_users_has_a_matched_auc_of_a_half(seed):
    rng = np.random.default_rng(seed)
    same = np.broadcast_to(rng.integers(0, 5, 60), (50, 60))
    distinct = rng.permutation(60)[:50]
    assert matched_auc_each(same, distinct, none(50, 60)).mean() == pytest.approx(0.5, abs=EXACT)
    repeated = rng.integers(0, 12, 50)
    share, rivals = matched_auc_each(same, repeated, none(50, 60)), 50 - np.bincount(repeated)[repeated]
    assert np.average(share, weights=rivals) == pytest.approx(0.5, abs=EXACT)
    assert share.mean() == pytest.approx(0.5, abs=0.05)
    assert abs(auc_each(same, np.full(50, same[0].argmin()), none(50, 60)).mean() - 0.5) > 0.2  # all items: no such law


@np.errstate(all="raise")
def test_nobody_to_compare_with_is_nan():
    scores, target = np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([0, 0])
    taken = sparse.csr_matrix([[True, True], [True, False]])
    for found in (
        auc_each(scores, target, taken), pair_loop(scores, target, taken),
        sampled_auc_each(scores, target, taken, np.random.default_rng(0), many=2),
    ):  # fmt: skip
        assert np.array_equal(found, [np.nan, 0.0], equal_nan=True)
    assert np.isnan(matched_auc_each(scores, target, taken)).all()
    assert np.isnan(auc_each(scores, target, taken, rivals=np.zeros(2, bool))).all()


def test_entries_of_false_and_entries_twice_exclude_once_or_not():
    scores, target = np.array([[2.0, 1.0, 3.0, 4.0]]), np.array([0])
    false = sparse.csr_matrix((np.array([False, True]), ([0, 0], [2, 3])), shape=(1, 4))
    twice = sparse.csr_matrix((np.ones(3, bool), np.array([3, 3, 0]), np.array([0, 3])), shape=(1, 4))
    assert auc_each(scores, target, false).tolist() == auc_each(scores, target, twice).tolist() == [0.5]
    assert twice.nnz == 3  # the argument is left as it was


def test_a_sample_of_all_items_is_exact():
    scores, target, taken = case(3)
    for ties in TIES:
        found = sampled_auc_each(scores, target, taken, np.random.default_rng(0), many=40, ties=ties)
        assert np.array_equal(found, auc_each(scores, target, taken, ties=ties))


def test_the_sampled_auc_is_unbiased_and_as_coarse_as_it_says():
    """600 draws of 10 of 40 for each of 25 users: five standard errors, of what was drawn itself."""
    scores, target, taken = case(4)
    rng = np.random.default_rng(0)
    draws = np.array([sampled_auc_each(scores, target, taken, rng, many=10) for _ in range(600)])
    want = auc_each(scores, target, taken, ties="strict")
    error = draws.std(axis=0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(axis=0) - want) <= 5 * error + EXACT).all()
    assert 0.05 < draws.std(axis=0).mean() < 0.5 / np.sqrt(8)  # 10 drawn, about 9 left of them
    again = sampled_auc_each(scores, target, taken, np.random.default_rng(7), many=10)
    assert np.array_equal(again, sampled_auc_each(scores, target, taken, np.random.default_rng(7), many=10))


def test_the_published_sample_may_meet_the_validation_item():
    """Published, the other withheld item is a rival like any: here it wins always, so it alone costs a share."""
    users, items = 50, 20
    scores = np.zeros((users, items))
    scores[:, 0], scores[:, 1] = 1, 2  # test item, validation item
    history = none(users, items)
    taken = sparse.csr_matrix((np.ones(users, bool), (np.arange(users), np.ones(users, int))), shape=(users, items))
    target = np.zeros(users, int)
    assert sampled_auc_each(scores, target, taken, np.random.default_rng(0), many=items).tolist() == [1.0] * users
    found = sampled_auc_each(scores, target, history, np.random.default_rng(0), many=items)
    assert found == pytest.approx(18 / 19, abs=EXACT)


def test_it_is_much_faster_than_the_loop_and_holds_a_row_at_a_time():
    """887 x 16,581, as hm; the loop runs for 12 users and is scaled; the least of three runs of each, taken in turn."""
    users, items, some = 887, 16581, 12
    rng = np.random.default_rng(0)
    scores, target = rng.standard_normal((users, items), np.float32), rng.integers(0, items, users)
    rows, columns = np.repeat(np.arange(users), 30), rng.integers(0, items, 30 * users)
    taken = sparse.csr_matrix((np.ones(30 * users, bool), (rows, columns)), shape=(users, items))
    loops, fast = [], []
    for _ in range(3):
        start = time.process_time()
        want = pair_loop(scores[:some], target[:some], taken[:some])
        between = time.process_time()
        found = auc_each(scores, target, taken, ties="strict")
        loops.append((between - start) * users / some)
        fast.append(time.process_time() - between)
    assert np.array_equal(found[:some], want)
    assert min(loops) / min(fast) > 50  # 195 to 280 measured on two busy cores; timings shake, hence a quarter
    tracemalloc.start()
    auc_each(scores, target, taken)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6  # the scores are 59 MB: this is a few copies of the 27,000 excluded pairs, and a row


BAD = [
    ({"scores": np.zeros(4)}, r"scores \(4,\), float64: expected \(U, N\)"),
    ({"scores": np.zeros((2, 4), bool)}, "bool: expected"),
    ({"scores": np.zeros((2, 4), complex)}, "complex128: expected"),
    ({"target": np.array([0])}, r"targets \(1,\), int64 from 0 to 0: expected \(2,\) items from 0 to 3"),
    ({"target": np.array([0, 4])}, "from 0 to 4: expected"),
    ({"target": np.array([-1, 3])}, "from -1 to 3: expected"),
    ({"target": np.array([0.0, 1.0])}, "float64 from 0.0 to 1.0"),
    ({"excluded": none(2, 5)}, r"excluded \(2, 5\): expected a sparse matrix \(2, 4\)"),
    ({"excluded": np.zeros((2, 4), bool)}, "expected a sparse matrix"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_arguments_are_refused(change, message):
    given = {"scores": np.zeros((2, 4)), "target": np.array([0, 3]), "excluded": none(2, 4)} | change
    for function in (auc_each, matched_auc_each, pair_loop):
        with pytest.raises(ValueError, match=message):
            function(**given)
    with pytest.raises(ValueError, match=message):
        sampled_auc_each(**given, rng=np.random.default_rng(0), many=2)


def test_other_ties_rivals_and_samples_are_refused():
    scores, target, taken = case(0)
    with pytest.raises(ValueError, match="ties 'mean': expected one of half, strict, optimistic"):
        auc_each(scores, target, taken, ties="mean")
    for rivals in (np.ones(39, bool), np.ones(40), np.arange(40)):
        with pytest.raises(ValueError, match=r"rivals .* expected \(40,\) bool"):
            auc_each(scores, target, taken, rivals=rivals)
    for many in (0, 41):
        with pytest.raises(ValueError, match=f"{many} of 40 items to draw: expected 1 to 40"):
            sampled_auc_each(scores, target, taken, np.random.default_rng(0), many=many)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_is_refused_and_named(dtype):
    scores, target, taken = case(1, dtype=dtype)
    scores[7, 11] = np.nan
    rivals = np.arange(40) != 11
    calls = [
        lambda: auc_each(scores, target, taken),
        lambda: auc_each(scores, target, taken, rivals=rivals),
        lambda: matched_auc_each(scores, target, taken),
        lambda: sampled_auc_each(scores, target, taken, np.random.default_rng(0), many=1),
        lambda: pair_loop(scores, target, taken),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="user 7, item 11: score NaN"):
            call()
