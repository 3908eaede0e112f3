"""Negatives, WARP's ranks, VisRank and PopRank of the DVBPR chapter: naive loops, laws, cases by hand."""

import math

import numpy as np
import pytest
from scipy import sparse, stats

from likeness.models.dvbpr.sampling import first_violators, history_of, negatives, rank_weights
from likeness.models.dvbpr.visrank import poprank, unit_rows, visrank


def some_history(users=40, items=15, seed=0):
    """Users with 1 to N - 1 items each, the last with N - 1."""
    rng = np.random.default_rng(seed)
    many = np.append(rng.integers(1, items, users - 1), items - 1)
    return history_of(np.array([(u, i) for u, n in enumerate(many) for i in rng.permutation(items)[:n]]), users, items)


def test_history_by_hand():
    found = history_of(np.array([[1, 3], [0, 2], [1, 0], [1, 3]], np.int32), 3, 4)
    assert found.toarray().tolist() == [[0, 0, 1, 0], [1, 0, 0, 1], [0, 0, 0, 0]]
    assert (found.dtype, found.nnz) == (bool, 3)
    assert found.indices.tolist() == [2, 0, 3]


@pytest.mark.parametrize("drawn", ["uniform", "observed"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_negatives_are_never_of_the_history(drawn, shuffled):
    history = some_history()
    if shuffled:  # a row's items in falling order, as scipy may leave them
        history = history[:, ::-1][:, ::-1].tocsr()
        history.indices, history.has_sorted_indices = np.concatenate([r.indices[::-1] for r in history]), False
    took = history.toarray()
    users = np.random.default_rng(1).integers(0, 40, 3000)
    one = negatives(np.random.default_rng(2), users, history, drawn=drawn)
    many = negatives(np.random.default_rng(2), users, history, 4, drawn=drawn)
    assert (one.shape, one.dtype, many.shape) == ((3000,), np.int64, (3000, 4))
    assert not took[users, one].any()
    assert not took[users[:, None], many].any()
    last = many[users == 39]
    assert len(last)
    assert (last == np.flatnonzero(~took[39])).all()  # one item is left
    assert (negatives(np.random.default_rng(2), users, history, 4, drawn=drawn) == many).all()
    assert negatives(np.random.default_rng(0), users[:0], history).shape == (0,)
    assert (negatives(np.random.default_rng(0), users[:9], sparse.csr_matrix((40, 15), dtype=bool), 5) < 15).all()


def test_negatives_are_uniform_over_the_rest_and_do_not_depend_on_each_other():
    """Chi-square of pairs of draws; over seeds its p-values are uniform themselves, so that no seed is picked."""
    history = some_history()
    took = history.toarray()
    for user in (0, 7, 20):
        free = ~took[user]
        chances = []
        for seed in range(100):
            found = negatives(np.random.default_rng(seed), np.full(3000, user), history, 2)
            counts = np.bincount(found @ [15, 1], minlength=225)
            assert counts[~np.outer(free, free).ravel()].sum() == 0
            chances.append(stats.chisquare(counts[np.outer(free, free).ravel()]).pvalue)
        assert stats.kstest(chances, "uniform").pvalue > 1e-3  # three tests


def test_observed_negatives_are_drawn_as_often_as_they_are_taken():
    history = some_history()
    history = sparse.hstack([history, sparse.csr_matrix((40, 2), dtype=bool)]).tocsr()  # two that nobody took
    took, often = history.toarray(), np.bincount(history.indices, minlength=17)
    counts = np.bincount(
        negatives(np.random.default_rng(0), np.full(20000, 3), history, drawn="observed"), minlength=17
    )
    rest = ~took[3] & (often > 0)
    assert counts[~rest].sum() == 0
    assert stats.chisquare(counts[rest], 20000 * often[rest] / often[rest].sum()).pvalue > 1e-3
    assert stats.chisquare(counts[rest]).pvalue < 1e-9


def test_rank_weights_by_hand():
    trials = np.array([1, 3, 4, 10, 11])  # of 11 items: ranks 10, 3, 2, 1, 0
    np.testing.assert_allclose(
        rank_weights(trials, 11, variant="literal"), [7381 / 2520, 11 / 6, 1.5, 1, 0], rtol=1e-12
    )
    np.testing.assert_allclose(rank_weights(trials, 11), [math.log(10), math.log(3), math.log(2), 0, 0], rtol=1e-12)
    assert rank_weights(np.array([1, 2]), 50_000).tolist() == [10.0, 10.0]  # ln 49,999 = 10.8
    every = np.arange(1, 2001)
    for variant in ("literal", "coded"):
        weights = rank_weights(every, 2000, variant=variant)
        assert (np.diff(weights) <= 0).all()
        for q in (1, 2, 7, 500, 1999):
            rank = math.floor((2000 - 1) / q)
            want = sum(1 / j for j in range(1, rank + 1)) if variant == "literal" else min(10, math.log(max(1, rank)))
            assert weights[q - 1] == pytest.approx(want, abs=1e-12)
    assert rank_weights(np.array([1]), 10**6, variant="literal")[0] == pytest.approx(
        math.log(10**6) + 0.57722, abs=1e-5
    )


def test_first_violators_by_a_loop():
    rng = np.random.default_rng(0)
    positive, tried = rng.normal(2, 1, 500), rng.normal(0, 1, (500, 10))
    rows, columns = first_violators(positive, tried)
    want = []
    for b in range(500):
        for t in range(10):
            if tried[b, t] > positive[b] - 1:  # as LightFM's fit_warp asks
                want.append((b, t))
                break
    assert 50 < len(want) < 450
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == want
    rows, columns = first_violators(np.array([np.nan, 5.0]), np.array([[0.0, 0.0], [0.0, np.nan]]))
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [0, 1])  # what is no number must reach the loss


def test_the_estimated_rank_is_of_the_size_of_the_rank():
    """Mean trials are N / (rank); the estimate is too large on average, as E[1/Q] > 1/E[Q], and right in the median."""
    rng, items, rank = np.random.default_rng(0), 1001, 100
    trials = rng.geometric(rank / (items - 1), 20000)
    assert items // trials.mean() == pytest.approx(rank, rel=0.03)
    assert 1 < np.median((items - 1) // trials) / rank < 1.6  # the median of a geometric variable is ln 2 of its mean


@pytest.mark.parametrize("measure", ["cosine", "raw cosine", "euclidean"])
def test_visrank_by_a_loop(measure):
    rng = np.random.default_rng(0)
    history = history_of(np.array([[0, 1], [0, 4], [2, 3], [2, 0], [2, 6]]), 3, 7)
    f = rng.normal(2, 1, (7, 5))
    shift = f.mean(axis=0) if measure == "cosine" else 0
    found = visrank(f, history, centred=measure == "cosine", measure=measure.split()[-1])
    assert (found.shape, found.dtype) == ((3, 7), np.float32)
    for u, took in enumerate(([1, 4], [], [0, 3, 6])):
        for i in range(7):
            likeness = []
            for j in took:
                a, b = f[i] - shift, f[j] - shift
                likeness.append(-math.dist(a, b) if measure == "euclidean" else a @ b / math.hypot(*a) / math.hypot(*b))
            # float32: scores of about 3 at most
            assert found[u, i] == pytest.approx(np.mean(likeness) if took else 0, abs=1e-6)


def test_visrank_streams_through_the_distances(monkeypatch):
    f, history = np.random.default_rng(0).normal(size=(15, 4)), some_history()
    whole = visrank(f, history, measure="euclidean")
    monkeypatch.setattr("likeness.models.dvbpr.visrank._STREAM", 4)
    np.testing.assert_allclose(visrank(f, history, measure="euclidean"), whole, atol=1e-6)


def test_visrank_does_not_see_scale_origin_or_rotation():
    rng = np.random.default_rng(1)
    f, history = rng.gamma(2, 1, (15, 6)).astype(np.float32), some_history()
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0].astype(np.float32)
    moved = 40 * f + rng.normal(0, 100, 6).astype(np.float32)
    want = visrank(f, history)
    np.testing.assert_allclose(visrank(moved, history), want, atol=1e-4)  # float32 keeps 7 of the digits of 300 + 40 f
    np.testing.assert_allclose(visrank(f @ turn, history), want, atol=1e-5)
    assert np.abs(visrank(moved, history, centred=False) - visrank(f, history, centred=False)).max() > 0.1
    euclidean = visrank(f, history, measure="euclidean")
    assert (euclidean <= 0).all()
    np.testing.assert_allclose(visrank(moved, history, measure="euclidean"), 40 * euclidean, rtol=1e-4, atol=1e-3)


def test_unit_rows():
    f = np.random.default_rng(0).normal(5, 2, (30, 4))
    found = unit_rows(f)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    wide = f - f.mean(axis=0)
    np.testing.assert_allclose(found, wide / np.linalg.norm(wide, axis=1, keepdims=True), atol=1e-6)
    assert (unit_rows(np.full((7, 3), 0.1)) == 0).all()  # alike: the rounding of the mean is no direction
    assert (unit_rows(np.zeros((2, 3)), centred=False) == 0).all()
    assert np.linalg.norm(unit_rows(np.array([[1e-30, 0.0], [0.0, 1e-30]]), centred=False), axis=1).tolist() == [1, 1]


def test_poprank():
    found = poprank(np.array([3, 0, 1]))
    assert (found.tolist(), found.dtype) == ([3, 0, 1], np.float32)


PAIRS = np.array([[0, 0], [0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: history_of(PAIRS.T, 2, 2), r"\(2, 3\), int64: expected \(n, 2\)"),
        (lambda: history_of(PAIRS.astype(float), 2, 2), "float64"),
        (lambda: history_of(PAIRS[:0], 2, 2), r"\(0, 2\)"),
        (lambda: history_of(PAIRS, 1, 2), r"to \[1, 1\]: expected users below 1"),
        (lambda: history_of(PAIRS - 1, 2, 2), r"from \[-1, -1\]"),
        (
            lambda: negatives(np.random.default_rng(0), np.array([1, 0]), history_of(PAIRS, 2, 2)),
            "user 0 .* all 2 items",
        ),
        (
            lambda: negatives(np.random.default_rng(0), np.array([0]), history_of(PAIRS, 2, 9), drawn="observed"),
            "all 2",
        ),
        (lambda: negatives(np.random.default_rng(0), np.array([2]), history_of(PAIRS, 2, 9)), "users from 2 to 2"),
        (lambda: negatives(np.random.default_rng(0), np.array([-1]), history_of(PAIRS, 2, 9)), "users from -1"),
        (lambda: negatives(np.random.default_rng(0), np.array([0.0]), history_of(PAIRS, 2, 9)), "float64"),
        (lambda: negatives(np.random.default_rng(0), np.array([0]), history_of(PAIRS, 2, 9), 0), "0 a user"),
        (lambda: negatives(np.random.default_rng(0), np.array([0]), history_of(PAIRS, 2, 9), drawn="x"), "drawn 'x'"),
        (lambda: rank_weights(np.array([0]), 9), r"trials \[0\]"),
        (lambda: rank_weights(np.array([1]), 1), "1 items"),
        (lambda: rank_weights(np.array([1]), 9, variant="log"), "variant 'log'"),
        (lambda: visrank(np.ones((3, 2)), history_of(PAIRS, 2, 2)), "3 features of 2 items"),
        (lambda: visrank(np.ones((2, 2)), history_of(PAIRS, 2, 2), measure="l1"), "measure 'l1'"),
        (lambda: visrank(np.array([[np.nan], [1.0]]), history_of(PAIRS, 2, 2)), "finite"),
        (lambda: visrank(np.ones(2), history_of(PAIRS, 2, 2)), r"shape \(2,\)"),
        (lambda: unit_rows(np.array([["a"]])), "<U1"),
        (lambda: poprank(np.array([0.5])), "float64"),
        (lambda: poprank(np.array([-1])), "counts"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
