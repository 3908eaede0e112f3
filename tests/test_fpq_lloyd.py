"""k-means as map and reduce: by hand, against a loop, against scikit-learn, and laws of splitting the rows."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from likeness.models.fpq.lloyd import CHUNK, Lloyd, Rule, kmeans, merge, nearest, partial, update


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
    assert part.cost == 1 + 1 + 0 + 9
    assert part.far_cost.tolist() == [9.0, 1.0, 1.0]
    assert part.far_row.tolist() == [[13.0], [0.0], [2.0]]  # equally far: in the order of the rows
    assert part.far_cell.tolist() == [1, 0, 0]
    old = np.array([[1.0], [10.0], [99.0]])
    assert update(part, old, "keep").tolist() == [[1.0], [11.5], [99.0]]
    assert update(part, old, "zero").tolist() == [[1.0], [11.5], [0.0]]
    assert update(part, old, "relocate").tolist() == [[1.0], [10.0], [13.0]]


def test_a_row_that_is_alone_in_its_cell_is_not_taken_from_it():
    x = np.array([[0.0], [0.5], [50.0]])
    start = np.array([[0.0], [40.0], [-9.0]])
    part = partial(x, start, Rule(precision="float64"))
    assert part.far_row[0] == 50.0
    assert update(part, start, "relocate").tolist() == [[0.0], [50.0], [0.5]]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("empty", ["relocate", "keep", "zero"])
def test_splitting_the_rows_changes_nothing(seed, empty):
    x = rng(seed).integers(0, 256, (400, 6)).astype(np.uint8)  # sums of whole numbers: equal to the last bit
    start = np.vstack([x[:5], x[:3] * 0 + 255]).astype(np.float64)
    rule = Rule(empty=empty, precision="float64")
    whole = partial(x, start, rule)
    cuts = np.sort(rng(seed).choice(np.arange(1, 400), 3, replace=False))
    split = merge([partial(p, start, rule) for p in np.split(x, cuts)])
    for a, b in zip(whole, split, strict=True):
        np.testing.assert_array_equal(a, b)
    nested = merge([merge([partial(p, start, rule) for p in np.split(x, cuts)[:2]]), *[
        partial(p, start, rule) for p in np.split(x, cuts)[2:]]])  # fmt: skip
    np.testing.assert_array_equal(nested.far_row, whole.far_row)


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_scikit_learn(seed):
    x = rng(seed).normal(size=(500, 4))
    start = x[rng(seed).choice(500, 12, replace=False)]
    peer = KMeans(12, init=start, n_init=1, max_iter=300, tol=0, algorithm="lloyd").fit(x)
    mine = kmeans(x, start, Rule(max_iter=300, precision="float64"))
    assert mine.converged
    np.testing.assert_allclose(mine.centroids, peer.cluster_centers_, atol=1e-10)
    assert mine.cost == pytest.approx(peer.inertia_ / 500)


def test_empty_cells_as_scikit_learn_fills_them():
    x = rng(3).normal(size=(300, 2))
    start = np.vstack([x[:4], np.full((3, 2), 50.0)])  # three cells that nobody is near to
    peer = KMeans(7, init=start, n_init=1, max_iter=1, tol=0, algorithm="lloyd").fit(x)
    mine = kmeans(x, start, Rule(max_iter=1, precision="float64"))
    np.testing.assert_allclose(
        mine.centroids[np.lexsort(mine.centroids.T)],
        peer.cluster_centers_[np.lexsort(peer.cluster_centers_.T)],
        atol=1e-10,
    )


@pytest.mark.parametrize("empty", ["relocate", "keep"])
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
    assert set(state.centroids.ravel().tolist()) == {0.0, 1.0}


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
        ({"empty": "drop"}, "'drop'.*'relocate'"),
        ({"precision": "float16"}, "'float16'"),
        ({"last": False}, "last=False with empty='relocate'"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        Rule(**options)
