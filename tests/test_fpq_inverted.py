"""OpenIndexing in an inverted file: faiss finds what the loop finds, lists and codes keep their limits."""

import math

import numpy as np
import pytest

from likeness.models.fpq.engines import set_nprobe
from likeness.models.fpq.inverted import Coarse, Open, residuals
from likeness.models.fpq.lloyd import Rule
from likeness.models.fpq.open_indexing import cell_counts
from likeness.models.fpq.pq import PQ


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def clustered(n=900, d=10, seed=0):
    """Three crowded clusters of five: lists of very different lengths."""
    centre = rng(seed).normal(size=(5, d)) * 4
    which = rng(seed + 1).choice(5, n, p=[0.5, 0.3, 0.1, 0.05, 0.05])
    return (centre[which] + rng(seed + 2).normal(size=(n, d))).astype(np.float32)


X = clustered()
TRAINED = Coarse.fit(X, 12, 3, 16, rng(3), rule=Rule(max_iter=10))
WAYS = {
    "plain": Open(),
    "lists": Open(lists=1.0),
    "codes": Open(codes=1.0),
    "codes a list": Open(codes=1.0, scope="list"),
    "both": Open(lists=1.2, codes=1.2),
    "literal": Open(lists=1.0, codes=1.0, variant="literal"),
}


@pytest.mark.parametrize("way", WAYS)
def test_faiss_finds_what_our_search_finds(way):
    file = TRAINED.fill(X, WAYS[way])
    index, rebuilt = file.index(), file.decode()
    assert index.ntotal == 900
    for nprobe in (1, 4, 12):
        set_nprobe(index, nprobe)
        theirs, their_rows = index.search(X[:25], 10)
        ours, rows = file.search(X[:25], 10, nprobe)
        np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-3)
        for i in range(25):
            there = ((X[i] - rebuilt[their_rows[i]]) ** 2).sum(axis=1)
            np.testing.assert_allclose(there, ours[i], rtol=1e-3, atol=1e-3)
            clear = ours[i, -1] - ours[i] > 1e-3  # beyond that, which of equally far rows come is anyone's choice
            assert set(rows[i][clear].tolist()) <= set(their_rows[i].tolist())


@pytest.mark.parametrize("nprobe", [1, 2, 12])
@pytest.mark.parametrize("way", ["plain", "both"])
def test_our_search_equals_a_loop_over_decoded_rows(way, nprobe):
    file = TRAINED.fill(X, WAYS[way])
    rebuilt = file.decode().astype(float)
    ours, rows = file.search(X[:9], 30, nprobe)
    for i, q in enumerate(X[:9].astype(float)):
        probed = sorted(range(12), key=lambda one: sum((q - file.centroids[one]) ** 2))[:nprobe]  # noqa: B023
        want = sorted((sum((q - rebuilt[n]) ** 2), n) for n in range(900) if file.lists[n] in probed)[:30]
        np.testing.assert_allclose(ours[i][: len(want)], [far for far, _ in want], rtol=1e-4, atol=1e-4)
        assert (rows[i] >= 0).sum() == len(want)


def test_few_rows_leave_holes():
    file = TRAINED.fill(X[:3])
    distance, rows = file.search(X[:1], 5, 12)
    assert sorted(rows[0].tolist()) == [-1, -1, 0, 1, 2]
    assert np.isinf(distance[0][rows[0] < 0]).all()


def test_limits_hold_where_they_are_set():
    plain, lists = TRAINED.fill(X), TRAINED.fill(X, Open(lists=1.0))
    assert lists.sizes().tolist() == [75] * 12
    assert plain.sizes().max() > 75
    assert plain.sizes().sum() == 900
    codes = TRAINED.fill(X, Open(codes=1.0))
    assert codes.counts().max() <= math.ceil(900 / 16) < plain.counts().max()
    np.testing.assert_array_equal(codes.lists, plain.lists)
    split = TRAINED.fill(X, Open(codes=1.0, scope="list"))
    for one in range(12):
        inside = split.lists == one
        if inside.any():
            assert cell_counts(split.codes[inside], 16).max() <= math.ceil(inside.sum() / 16)
    assert not np.array_equal(split.codes, codes.codes)


def test_plain_lists_and_codes_are_the_nearest():
    file = TRAINED.fill(X)
    far = ((X[:, None] - file.centroids[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(file.lists, far.argmin(axis=1))
    left = X - file.centroids[file.lists]
    np.testing.assert_array_equal(file.codes, TRAINED.residual.encode(left))


def test_a_moved_row_is_coded_from_the_list_it_went_to():
    coarse = PQ(np.array([[[0.0], [10.0]]], np.float32), 1, np.array([1]))
    residual = PQ(np.array([[[0.0], [1.0], [-9.0]]], np.float32), 1, np.array([1]))
    file = Coarse(coarse, residual).fill(np.array([[0.0], [1.0]]), Open(lists=1.0))
    assert file.lists.tolist() == [0, 1]  # one row a list, so the second goes to 10
    assert file.codes.ravel().tolist() == [0, 2]
    assert file.decode().ravel().tolist() == [0.0, 1.0]
    for dtype in (np.uint8, np.float64):
        left = residuals(coarse, np.array([[3]], dtype), np.array([1]))
        assert (left.tolist(), left.dtype) == ([[-7.0]], np.float32)


def test_balance_costs_distortion():
    lost = {way: float(((X - TRAINED.fill(X, how).decode()) ** 2).sum(axis=1).mean()) for way, how in WAYS.items()}
    assert lost["plain"] < lost["codes"]
    assert lost["plain"] < lost["lists"]


def test_training_uses_the_residuals():
    """At equal bits, residuals to 12 lists are coded better than the vectors themselves."""
    pq = PQ.fit(X, 3, 16, rng(3), rule=Rule(max_iter=10))
    lost = ((X - pq.decode(pq.encode(X))) ** 2).sum(axis=1).mean()
    assert ((X - TRAINED.fill(X).decode()) ** 2).sum(axis=1).mean() < lost


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Open(scope="all"), "'all': expected one of file, list"),
        (lambda: TRAINED.fill(X, Open(lists=0.5)), "c = 0.5"),
        (lambda: TRAINED.fill(X, Open(codes=0.5, scope="list")), "c = 0.5"),
        (lambda: TRAINED.fill(X[:, :3]), "length 3: expected 10"),
        (lambda: TRAINED.fill(X * np.nan), "NaN"),
        (lambda: TRAINED.fill(X).search(X[:1], 1, 13), "nprobe = 13.*<= 12"),
        (lambda: TRAINED.fill(X).search(X[:1], 0, 1), "topk = 0"),
        (lambda: TRAINED.fill(X).search(X[:1, :2], 1, 1), "length 2"),
        (lambda: Coarse.fit(X[:5], 6, 1, 1, rng()), "K = 6 centroids from N = 5"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
