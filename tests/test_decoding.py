"""Hyperbolic LCA and the two decoders, against geometry done another way and against scipy."""

import geoopt
import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import fcluster, is_valid_linkage, linkage
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import squareform

from likeness.models.clustering.decoding import (
    decode_circle,
    decode_lca,
    lca_depth,
    lca_depth_equal_radius,
)
from likeness.studies.clustering.decoding_race import race, same_clusters

BALL = geoopt.PoincareBall()


def disk(rng: np.random.Generator, n: int, top: float = 0.95) -> np.ndarray:
    angle, radius = rng.uniform(0, 2 * np.pi, n), top * np.sqrt(rng.uniform(0, 1, n))
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def circle(angle: np.ndarray, radius: float = 1.0) -> np.ndarray:
    return radius * np.column_stack([np.cos(angle), np.sin(angle)])


def searched_depth(u: np.ndarray, v: np.ndarray) -> float:
    """Least distance from the origin along geoopt's geodesic, by numerical search."""
    start, end = torch.from_numpy(u), torch.from_numpy(v)

    def depth(t: float) -> float:
        return float(BALL.dist0(BALL.geodesic(torch.tensor(t, dtype=torch.float64), start, end)))

    found = minimize_scalar(depth, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-10})
    return min(float(found.fun), depth(0.0), depth(1.0))


def angular_linkage(angle: np.ndarray) -> np.ndarray:
    """scipy's single linkage on the angle between all pairs."""
    turn = np.abs(angle[:, None] - angle[None, :]) % (2 * np.pi)
    away = np.minimum(turn, 2 * np.pi - turn)
    np.fill_diagonal(away, 0.0)
    return linkage(squareform(away, checks=False), "single")


def co_membership(flat: np.ndarray) -> np.ndarray:
    return flat[:, None] == flat[None, :]


def assert_same_cuts(a: np.ndarray, b: np.ndarray, ks=None) -> None:
    n = len(a) + 1
    for k in ks or range(1, n + 1):
        left, right = fcluster(a, k, "maxclust"), fcluster(b, k, "maxclust")
        assert np.array_equal(co_membership(left), co_membership(right)), f"k = {k} of n = {n}"


def test_lca_depth_equals_a_search_along_the_geodesic():
    rng = np.random.default_rng(0)
    u, v = disk(rng, 40), disk(rng, 40)
    got = lca_depth(u, v)
    assert got.shape == (40,)
    np.testing.assert_allclose(got, [searched_depth(a, b) for a, b in zip(u, v, strict=True)], atol=1e-7)


def test_lca_depth_by_the_orthogonal_circle():
    # the circle through (.5, 0) and (0, .5) at right angles to the unit circle has its centre at (1.25, 1.25)
    nearest = np.sqrt(2 * 1.25**2) - np.sqrt(2 * 1.25**2 - 1)
    got = lca_depth(np.array([0.5, 0.0]), np.array([0.0, 0.5]))
    assert got == pytest.approx(2 * np.arctanh(nearest), rel=1e-12)


@pytest.mark.parametrize("turn", np.linspace(0, 2 * np.pi, 13))
def test_points_collinear_with_the_origin(turn):
    way = np.array([np.cos(turn), np.sin(turn)])
    for a, b in ((0.3, 0.8), (0.8, 0.3), (0.5, 0.5), (0.0, 0.4), (1e-9, 0.9)):
        same_side = lca_depth(a * way, b * way)
        assert same_side == pytest.approx(2 * np.arctanh(min(a, b)), abs=1e-12)  # the nearer one is the LCA
        assert lca_depth(a * way, -b * way) == pytest.approx(0.0, abs=1e-12)  # the origin lies between


def test_laws_of_the_lca_depth():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        u, v = disk(rng, 200, 0.999), disk(rng, 200, 0.999)
        d = lca_depth(u, v)
        ends = 2 * np.arctanh(np.linalg.norm([u, v], axis=2))
        assert np.all(d >= 0)
        assert np.all(d <= ends.min(axis=0))
        np.testing.assert_allclose(lca_depth(v, u), d, atol=1e-10)
        np.testing.assert_allclose(lca_depth(u, u), ends[0], rtol=1e-12)
        c, s = np.cos(1.0), np.sin(1.0)
        spin = np.array([[c, -s], [s, c]])
        np.testing.assert_allclose(lca_depth(u @ spin, v @ spin), d, atol=1e-8)
        # Gromov: the depth is the Gromov product up to a constant, here log 2
        apart = BALL.dist(torch.from_numpy(u), torch.from_numpy(v)).numpy()
        product = (ends.sum(axis=0) - apart) / 2
        assert np.all(d >= product - 1e-8)
        assert np.all(d <= product + np.log(2) + 1e-8)


def test_lca_depth_broadcasts():
    rng = np.random.default_rng(1)
    u, v = disk(rng, 3), disk(rng, 4)
    table = lca_depth(u[:, None], v[None])
    assert table.shape == (3, 4)
    assert table[2, 1] == lca_depth(u[2], v[1])


@pytest.mark.parametrize("r", [0.0, 1e-3, 0.3, 0.9, 0.999])
def test_equal_radius_formula_is_the_general_one(r):
    angle = np.linspace(0.0, 2 * np.pi, 50)
    w = np.clip((1 + np.cos(angle)) / 2, 0, 1)
    general = lca_depth(np.array([r, 0.0]), circle(angle, r))
    np.testing.assert_allclose(lca_depth_equal_radius(w, r), general, atol=1e-9)
    if r:
        assert np.all(np.diff(lca_depth_equal_radius(np.linspace(0, 1, 50), r)) > 0)  # monotone in w


@pytest.mark.parametrize("seed", range(8))
def test_decode_lca_is_single_linkage_by_definition(seed):
    """Naive union of clusters by the deepest LCA between them, at free radii."""
    z = disk(np.random.default_rng(seed), 14)
    tree = decode_lca(z)
    clusters = {frozenset([i]) for i in range(len(z))}
    top = max(2 * np.arctanh(np.linalg.norm(p)) for p in z)
    for row in tree:
        pairs = [(a, b) for a in clusters for b in clusters if min(a) < min(b)]
        depth, a, b = max(
            ((max(float(lca_depth(z[i], z[j])) for i in a for j in b), a, b) for a, b in pairs),
            key=lambda item: item[0],
        )
        assert row[2] == pytest.approx(top - depth, abs=1e-12)
        assert row[3] == len(a | b)
        clusters = clusters - {a, b} | {a | b}
        flat = fcluster(tree, len(clusters), "maxclust")
        assert {frozenset(np.flatnonzero(flat == c).tolist()) for c in set(flat)} == clusters


@pytest.mark.parametrize("seed", range(60))
def test_three_decoders_agree_on_every_cut(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 70))
    angle = rng.uniform(-10, 10, n)
    if seed % 3 == 0:  # clusters, one of them across the angle 0
        angle = rng.choice([0.0, 1.0, 3.5], n) + rng.normal(0, 0.1, n)
    ours = decode_circle(angle)
    scipys = angular_linkage(angle)
    assert is_valid_linkage(ours)
    np.testing.assert_allclose(ours[:, 2], scipys[:, 2], atol=1e-12)
    assert_same_cuts(ours, scipys)
    for radius in (1e-3, 0.5, 0.99):
        assert_same_cuts(ours, decode_lca(circle(angle, radius)))
    np.testing.assert_allclose(decode_circle(circle(angle, 3.0))[:, 2], ours[:, 2], atol=1e-12)
    assert_same_cuts(decode_circle(circle(angle) * rng.uniform(0.1, 9, (n, 1))), ours)


@pytest.mark.parametrize("seed", range(30))
def test_ties_and_duplicates_agree_with_scipy_wherever_a_cut_exists(seed):
    rng = np.random.default_rng(seed)
    steps = 64  # angles on a grid, so that gaps are equal; a power of two keeps them exactly so
    n = int(rng.integers(2, 60))
    angle = rng.integers(0, steps, n) * (2 * np.pi / steps)
    ours, scipys = decode_circle(angle), angular_linkage(angle)
    assert is_valid_linkage(ours)
    np.testing.assert_allclose(ours[:, 2], scipys[:, 2], atol=1e-12)
    lca = decode_lca(circle(angle, 0.5))
    for height in (np.arange(0, 16) + 0.5) * (2 * np.pi / steps):  # between the possible gaps
        want = co_membership(fcluster(scipys, height, "distance"))
        assert np.array_equal(co_membership(fcluster(ours, height, "distance")), want)
        # rounding breaks ties of depth, so the tree by LCA is cut by its number of merges
        merges = n - len(np.unique(fcluster(ours, height, "distance")))
        by_count = np.column_stack([lca[:, :2], np.arange(1.0, n), lca[:, 3]])
        assert np.array_equal(co_membership(fcluster(by_count, merges + 0.5, "distance")), want)


def test_by_hand_with_wrap_around():
    # on the clock: 11:50, 12:10 and 3 o'clock; the pair across 12 is 20 minutes = 2 pi / 18 apart
    turn = np.array([710 / 720, 10 / 720, 180 / 720]) * 2 * np.pi
    tree = decode_circle(turn)
    np.testing.assert_allclose(tree[:, 2], [2 * np.pi * 20 / 720, 2 * np.pi * 170 / 720])
    assert tree[:, [0, 1, 3]].tolist() == [[0, 1, 2], [2, 3, 3]]


@pytest.mark.parametrize("angle", [[0, 0], [1.0, 1.0, 1.0, 1.0], [0, np.pi], [0, 2 * np.pi], [-1e-18, 1e-18]])
def test_degenerate_sets(angle):
    tree = decode_circle(np.array(angle))
    assert is_valid_linkage(tree)
    np.testing.assert_allclose(tree[:, 2], angular_linkage(np.array(angle))[:, 2], atol=1e-12)


def test_even_circle_merges_in_the_order_of_the_angle():
    # exact quarters of a grid: every gap ties, the first largest one is dropped, the rest merge in order
    tree = decode_circle(np.array([3.0, 0.0, 1.0, 2.0]))
    assert tree[:, :2].tolist() == [[1.0, 2.0], [3.0, 4.0], [0.0, 5.0]]
    assert tree[:, 2].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("seed", range(10))
def test_turning_mirroring_and_renaming_change_no_cluster(seed):
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, 40)
    tree = decode_circle(angle)
    assert_same_cuts(decode_circle(angle + 1.234), tree)
    assert_same_cuts(decode_circle(-angle), tree)
    order = rng.permutation(40)
    for k in (2, 5, 17):
        flat, renamed = fcluster(tree, k, "maxclust"), fcluster(decode_circle(angle[order]), k, "maxclust")
        assert np.array_equal(co_membership(renamed), co_membership(flat[order]))


def test_a_million_points_and_their_total_turn():
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 10**6)
    tree = decode_circle(circle(angle))
    ring = np.sort(angle)
    largest = max(np.diff(ring).max(), ring[0] + 2 * np.pi - ring[-1])
    assert tree[:, 2].sum() == pytest.approx(2 * np.pi - largest)  # the n gaps make a full turn
    assert np.all(np.diff(tree[:, 2]) >= 0)
    assert tree[-1, 3] == 10**6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: decode_circle(np.empty((0, 2))), "0 points"),
        (lambda: decode_circle(np.array([1.0])), "1 points"),
        (lambda: decode_circle(np.array([[1.0, 0.0], [np.nan, 0.0]])), "NaN"),
        (lambda: decode_circle(np.array([0.0, np.inf])), "NaN or infinite"),
        (lambda: decode_circle(np.array([[1.0, 0.0], [0.0, 0.0]])), "direction 1 is the zero vector"),
        (lambda: decode_circle(np.ones((4, 3))), r"\(4, 3\)"),
        (lambda: decode_circle(np.float64(3.0)), r"\(n, 2\)"),
        (lambda: decode_lca(np.empty((0, 2))), "0 points"),
        (lambda: decode_lca(np.array([[0.1, 0.2]])), "1 points"),
        (lambda: decode_lca(np.array([[0.1, 0.2], [np.nan, 0.2]])), "NaN"),
        (lambda: decode_lca(np.array([[0.1, 0.2], [1.0, 0.0]])), "outside the open unit disk"),
        (lambda: decode_lca(np.zeros((3, 3))), r"\(3, 3\)"),
        (lambda: lca_depth(np.array([0.1, 0.2, 0.3]), np.zeros(3)), r"\(3,\)"),
        (lambda: lca_depth(np.array([0.9, 0.9]), np.zeros(2)), "outside the open unit disk"),
        (lambda: lca_depth_equal_radius(np.array([1.1]), 0.5), r"outside \[0, 1\]"),
        (lambda: lca_depth_equal_radius(np.array([np.nan]), 0.5), "NaN"),
        (lambda: lca_depth_equal_radius(np.array([0.5]), 1.0), "r = 1.0"),
        (lambda: race([1], 1, 1.0, rng=np.random.default_rng(0)), "sizes >= 2"),
        (lambda: race([], 1, 1.0, rng=np.random.default_rng(0)), "expected sizes"),
        (lambda: race([10], 0, 1.0, rng=np.random.default_rng(0)), "repeats 0"),
        (lambda: race([10], 1, float("nan"), rng=np.random.default_rng(0)), "limit nan"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_race_times_what_it_can_and_says_what_it_cannot():
    frame = race([2, 300, 40_000], 2, 1.0, rng=np.random.default_rng(0)).set_index(["n", "peer"])
    assert len(frame) == 12
    assert frame.loc[300, "same"].tolist() == [True] * 4
    small = frame.loc[[2, 300]]
    assert (small["best_s"] > 0).all()
    assert (small["median_s"] >= small["best_s"]).all()
    assert (small["why"] == "").all()
    assert frame.loc[(300, "scipy"), "ratio"] == pytest.approx(
        frame.loc[(300, "scipy"), "median_s"] / frame.loc[(300, "circle"), "median_s"]
    )
    assert frame.loc[(40_000, "circle"), "same"] is True
    assert frame.loc[(40_000, "scipy"), "why"] == "6 GiB of distances"
    assert frame.loc[(40_000, "fastcluster-vector"), "why"].endswith("s expected")
    assert frame.loc[(40_000, "scipy"), "repeats"] == 0
    assert np.isnan(frame.loc[(40_000, "scipy"), "median_s"])


def test_race_would_notice_other_clusters():
    angle = np.random.default_rng(3).uniform(0, 2 * np.pi, 200)
    points = circle(angle)
    assert same_clusters(linkage(points, "single"), decode_circle(points))
    assert not same_clusters(linkage(points, "average"), decode_circle(points))
