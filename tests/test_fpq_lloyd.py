"""k-means as map and reduce: by hand, against a loop, against scikit-learn, and laws of splitting the rows."""

import faiss
import numpy as np
import pytest
from sklearn.cluster import KMeans

from likeness.models.fpq.lloyd import BLOCK, CHUNK, Lloyd, Rule, distinct, kmeans, merge, nearest, partial, update


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def naive_nearest(x, c):
    cell, cost = [], []
    for row in x.astype(float):
        d = [sum((row - centre) ** 2) for centre in c.astype(float)]
        cell.append(int(np.argmin(d)))
        cost.append(min(d))
    return cell, cost


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 7, CHUNK, CHUNK + 1])
def test_nearest_equals_the_loop(dtype, n):
    x, c = rng(n).normal(size=(n, 3)).astype(dtype), rng(9).normal(size=(5, 3)).astype(dtype)
    cell, cost = nearest(x, c)
    want_cell, want_cost = naive_nearest(x, c)
    assert cell.shape == cost.shape == (n,)
    assert cell.tolist() == want_cell
    np.testing.assert_allclose(cost, want_cost, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-6)


def test_nearest_takes_the_first_of_equal_centroids_and_any_real_type():
    c = np.array([[9.0, 9.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    for dtype in (np.uint8, np.int32, np.float32, np.float64):
        cell, cost = nearest(np.array([[1, 0], [1, 1]], dtype), c)
        assert cell.tolist() == [1, 1]
        assert cost.tolist() == [0.0, 1.0]


def test_single_precision_survives_data_far_from_the_origin():
    x = rng().normal(size=(300, 4)) + 4096.0
    c = x[:20]
    cell, _ = nearest(x, c.astype(np.float32))
    assert np.mean(cell == nearest(x, c)[0]) > 0.99  # without the shift: 0.3


def test_partial_by_hand():
    x = np.array([[0.0], [2.0], [10.0], [13.0]])
    part = partial(x, np.array([[1.0], [10.0], [99.0]]), Rule(precision="float64"))
    assert part.sums.tolist() == [[2.0], [23.0], [0.0]]
    assert part.counts.tolist() == [2, 2, 0]
    assert part.costs.tolist() == [1 + 1, 0 + 9, 0]
    old = np.array([[1.0], [10.0], [99.0]])
    assert update(part, old, "keep").tolist() == [[1.0], [11.5], [99.0]]
    assert update(part, old, "zero").tolist() == [[1.0], [11.5], [0.0]]
    apart = 1.5 / 1024  # the costliest cell parts; its rows are 1.5 from their mean
    np.testing.assert_allclose(update(part, old, "split"), [[1.0], [11.5 - apart], [11.5 + apart]], rtol=1e-12)


def test_split_takes_the_costliest_cells_and_none_of_equal_rows():
    x = np.array([[0.0], [4.0], [10.0], [12.0], [20.0], [20.0]])
    start = np.array([[2.0], [11.0], [20.0], [99.0], [98.0], [97.0]])
    new = update(partial(x, start, Rule(precision="float64")), start, "split")
    assert np.round(new.ravel()).tolist() == [2.0, 11.0, 20.0, 2.0, 11.0, 97.0]  # nothing is left to part for the third
    assert new[2] == 20.0


def test_a_split_cell_around_zero_parts():
    x = np.array([[-1.0, 0.0], [1.0, 0.0]])
    state = kmeans(x, np.array([[0.0, 0.0], [9.0, 9.0]]), Rule(precision="float64"))
    assert sorted(state.centroids[:, 0]) == [-1.0, 1.0]  # faiss's factor on the centroid would leave both at zero


@pytest.mark.parametrize("repeated", [np.float32, np.uint8])
def test_repeated_rows_count_as_often_as_they_are_there(repeated):
    x = rng(4).integers(0, 9, (700, 2)).astype(repeated)
    start, rule = x[:12].astype(float), Rule(max_iter=9, precision="float64")
    loop = Lloyd(start, rule)
    while loop.running:
        loop.step(partial(x, loop.centroids, rule))  # every row, as often as it is there
    found = kmeans(x, start, rule)
    np.testing.assert_allclose(found.centroids, loop.centroids, rtol=1e-12)
    assert found.cost == pytest.approx(loop.cost)


def test_distinct_rows_give_back_all_rows():
    x = rng().integers(0, 3, (200, 3))
    rows, count = distinct(x)
    assert count.sum() == 200
    assert len({tuple(r) for r in rows.tolist()}) == len(rows)
    assert sorted(np.repeat(rows, count, axis=0).tolist()) == sorted(x.tolist())


def test_more_rows_than_a_block():
    x = rng().normal(size=(2 * BLOCK + 5, 2))
    start = x[:7]
    state = kmeans(x, start, Rule(max_iter=1, precision="float64"))
    cell = nearest(x, start)[0]
    np.testing.assert_allclose(state.centroids, [x[cell == k].mean(axis=0) for k in range(7)], rtol=1e-10)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("empty", ["split", "keep", "zero"])
def test_splitting_the_rows_changes_nothing(seed, empty):
    x = rng(seed).integers(0, 256, (400, 6)).astype(np.uint8)  # sums of whole numbers: equal to the last bit
    start = np.vstack([x[:5], x[:3] * 0 + 255]).astype(np.float64)
    rule = Rule(empty=empty, precision="float64")
    whole = partial(x, start, rule)
    cuts = np.sort(rng(seed).choice(np.arange(1, 400), 3, replace=False))
    split = merge([partial(p, start, rule) for p in np.split(x, cuts)])
    for a, b in zip(whole, split, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    np.testing.assert_array_equal(whole.sums, split.sums)
    nested = merge([merge([partial(p, start, rule) for p in np.split(x, cuts)[:2]]), *[
        partial(p, start, rule) for p in np.split(x, cuts)[2:]]])  # fmt: skip
    np.testing.assert_array_equal(nested.sums, whole.sums)


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_scikit_learn(seed):
    x = rng(seed).normal(size=(500, 4))
    start = x[rng(seed).choice(500, 12, replace=False)]
    peer = KMeans(12, init=start, n_init=1, max_iter=300, tol=0, algorithm="lloyd").fit(x)
    mine = kmeans(x, start, Rule(max_iter=300, precision="float64"))
    assert mine.converged
    np.testing.assert_allclose(mine.centroids, peer.cluster_centers_, atol=1e-10)
    assert mine.cost == pytest.approx(peer.inertia_ / 500)


def test_empty_cells_are_filled_as_well_as_faiss_fills_them():
    x = np.repeat(rng(3).normal(size=(400, 4)), 5, axis=0).astype(np.float32)
    mine, theirs = [], []
    for seed in range(5):
        start = x[np.repeat(rng(seed).choice(2000, 20, replace=False), 3)]  # two of three cells begin empty
        mine.append(kmeans(x, start, Rule()).cost)
        peer = faiss.Kmeans(4, 60, niter=25, seed=seed, min_points_per_centroid=1)
        peer.train(x, init_centroids=start)
        theirs.append(peer.obj[-1] / len(x))
    assert np.mean(mine) < 1.02 * np.mean(theirs)


@pytest.mark.parametrize("empty", ["split", "keep"])
def test_the_cost_never_rises(empty):
    x = rng(1).normal(size=(600, 3))
    state, rule = Lloyd(x[:30], Rule(max_iter=200, empty=empty, precision="float64")), Rule(empty=empty)
    costs = []
    while state.running:
        state.step(partial(x, state.centroids, rule))
        costs.append(state.cost)
    assert state.converged
    assert np.all(np.diff(costs) <= 1e-12)
    assert len(costs) == state.iterations


def test_tolerance_and_limit_stop_it():
    x = rng(1).normal(size=(600, 3))
    full = kmeans(x, x[:30], Rule(max_iter=500, precision="float64"))
    early = kmeans(x, x[:30], Rule(max_iter=500, tol=0.01, precision="float64"))
    short = kmeans(x, x[:30], Rule(max_iter=3))
    assert early.converged
    assert early.iterations < full.iterations
    assert early.cost < 1.1 * full.cost
    assert (short.iterations, short.converged) == (3, False)


def test_more_centroids_than_different_rows():
    x = np.repeat([[0.0], [1.0]], 20, axis=0)
    state = kmeans(x, x[:5], Rule(max_iter=50))
    assert state.converged
    assert state.cost == 0.0
    assert {0.0, 1.0} <= set(state.centroids.ravel().tolist())


def test_the_last_centroid_gets_nothing_when_the_rule_says_so():
    x = np.array([[0.0], [1.0], [9.0]])
    state = kmeans(x, np.array([[0.0], [9.0]]), Rule(empty="zero", last=False))
    assert state.centroids.ravel().tolist() == pytest.approx([10 / 3, 0.0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_iter": 0}, "max_iter = 0.*at least 1"),
        ({"tol": -0.1}, "tol = -0.1"),
        ({"tol": float("nan")}, "tol = nan"),
        ({"empty": "drop"}, "'drop'.*'split'"),
        ({"precision": "float16"}, "'float16'"),
        ({"last": False}, "last=False with empty='split'"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        Rule(**options)
