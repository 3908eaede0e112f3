"""Clustering scores: hand-worked cases, naive loops, scikit-learn, and laws over many seeds."""

from itertools import combinations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from likeness.metrics.clustering import (
    ari,
    best_ari,
    dasgupta_cost,
    dendrogram_purity,
    nmi,
    purity,
    scores_at_k,
)

#: Points 0, 1 | 2, 3 merge at 1 and 2, their union at 5.
TREE = np.array([[0.0, 1.0, 1.0, 2.0], [2.0, 3.0, 2.0, 2.0], [4.0, 5.0, 5.0, 4.0]])


def random_case(seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    x = rng.normal(size=(n, 2))
    if ties:
        x = np.round(x)
    method = ["single", "average", "complete", "ward"][seed % 4]
    return linkage(x, method), rng.integers(0, rng.integers(1, 6), n)


def leaves_of(z: np.ndarray) -> list[set[int]]:
    n = len(z) + 1
    below = [{i} for i in range(n)]
    for a, b in z[:, :2].astype(int):
        below.append(below[a] | below[b])
    return below


def lca_leaves(z: np.ndarray, i: int, j: int) -> set[int]:
    return min((s for s in leaves_of(z) if i in s and j in s), key=len)


def naive_ari(y, p) -> float:
    pairs = list(combinations(range(len(y)), 2))
    same_y = sum(y[i] == y[j] for i, j in pairs)
    same_p = sum(p[i] == p[j] for i, j in pairs)
    both = sum(y[i] == y[j] and p[i] == p[j] for i, j in pairs)
    chance = same_y * same_p / len(pairs)
    top = (same_y + same_p) / 2
    return 1.0 if top == chance else (both - chance) / (top - chance)


def naive_purity(y, p) -> float:
    n = len(y)
    return sum(max(sum(y[i] == c for i in range(n) if p[i] == g) for c in set(y)) for g in set(p)) / n


def naive_nmi(y, p) -> float:
    n = len(y)
    share = lambda rows: len(rows) / n  # noqa: E731
    mutual = 0.0
    for c in set(y):
        for g in set(p):
            both = share([i for i in range(n) if y[i] == c and p[i] == g])
            if both:
                a, b = share([i for i in range(n) if y[i] == c]), share([i for i in range(n) if p[i] == g])
                mutual += both * np.log(both / (a * b))
    entropy = [-sum(q * np.log(q) for c in set(v) for q in [list(v).count(c) / n]) for v in (y, p)]
    return mutual / np.sqrt(entropy[0] * entropy[1])


@pytest.mark.parametrize("seed", range(20))
def test_flat_scores_equal_naive_loops(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 25))
    y, p = rng.integers(0, 3, n), rng.integers(0, 4, n)
    y[:2], p[:2] = [0, 1], [0, 1]  # both have two clusters, so that no entropy is 0
    assert ari(y, p) == pytest.approx(naive_ari(y.tolist(), p.tolist()), abs=1e-12)
    assert purity(y, p) == pytest.approx(naive_purity(y.tolist(), p.tolist()), abs=1e-12)
    assert nmi(y, p) == pytest.approx(naive_nmi(y.tolist(), p.tolist()), abs=1e-12)


def test_flat_scores_by_hand():
    y, p = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    # 6 pairs: 2 together in y, 3 in p, 1 in both; chance 1, top 2.5 -> 0
    assert ari(y, p) == pytest.approx(0.0)
    assert purity(y, p) == 0.75
    h_p = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    mutual = 0.25 * np.log(2) + 0.25 * np.log(0.25 / (0.5 * 0.75)) + 0.5 * np.log(0.5 / (0.5 * 0.75))
    assert nmi(y, p) == pytest.approx(mutual / np.sqrt(np.log(2) * h_p))  # geometric, not arithmetic
    assert ari(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])) == -0.5


@pytest.mark.parametrize("seed", range(10))
def test_flat_scores_ignore_names_and_order(seed):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 4, 30), rng.integers(0, 5, 30)
    order, names = rng.permutation(30), rng.permutation(100)[:5] - 50
    for score in (ari, purity, nmi):
        assert score(y[order], p[order]) == pytest.approx(score(y, p), abs=1e-12)
        assert score(y, names[p]) == pytest.approx(score(y, p), abs=1e-12)
        assert score(y, y) == pytest.approx(1.0)
    assert -0.5 <= ari(y, p) <= 1.0
    assert 0.0 < purity(y, p) <= 1.0
    assert 0.0 <= nmi(y, p) <= 1.0


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_scores_of_a_tree_equal_fcluster_and_scikit_learn(seed, ties):
    z, y = random_case(seed, ties)
    best, best_k = 0.0, 1
    for k in range(1, len(y) + 1):
        flat = fcluster(z, k, "maxclust")
        got = scores_at_k(z, y, k)
        assert got["ari_k"] == pytest.approx(adjusted_rand_score(y, flat), abs=1e-12)
        assert got["purity_k"] == pytest.approx(purity(y, flat), abs=1e-12)
        want = normalized_mutual_info_score(y, flat, average_method="geometric")
        assert got["nmi_k"] == pytest.approx(want, abs=1e-12)
        if adjusted_rand_score(y, flat) > best + 1e-12:
            best, best_k = adjusted_rand_score(y, flat), k
        assert best_ari(z, y, k) == (pytest.approx(best, abs=1e-12), best_k)


def test_scores_of_a_large_tree_equal_scikit_learn():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 2))
    z, y = linkage(x, "ward"), rng.integers(0, 9, 3000)
    flat = fcluster(z, 9, "maxclust")
    got = scores_at_k(z, y, 9)
    assert got["ari_k"] == pytest.approx(adjusted_rand_score(y, flat), abs=1e-12)
    assert got["nmi_k"] == pytest.approx(nmi(y, flat), abs=1e-12)


def test_scores_of_a_tree_by_hand():
    y = np.array([0, 0, 1, 1])
    assert scores_at_k(TREE, y, 2) == {"ari_k": 1.0, "purity_k": 1.0, "nmi_k": pytest.approx(1.0)}
    assert scores_at_k(TREE, y, 1) == {"ari_k": 0.0, "purity_k": 0.5, "nmi_k": 0.0}
    assert scores_at_k(TREE, y, 4)["purity_k"] == 1.0
    assert best_ari(TREE, y, 4) == (1.0, 2)
    tied = TREE.copy()
    tied[:, 2] = 1.0
    assert scores_at_k(tied, y, 3) == scores_at_k(tied, y, 1)  # scipy cuts no tie either


def test_best_ari_starts_at_zero():
    y = np.array([0, 1, 0, 1])  # every cut of TREE is at or below chance
    assert best_ari(TREE, y, 3) == (0.0, 1)  # one cluster scores 0, so nothing is ever below it
    assert scores_at_k(TREE, y, 2)["ari_k"] == -0.5


@pytest.mark.parametrize("seed", range(10))
def test_more_clusters_never_lower_purity_and_the_oracle_is_no_worse(seed):
    z, y = random_case(seed, ties=False)
    values = [scores_at_k(z, y, k)["purity_k"] for k in range(1, len(y) + 1)]
    assert np.all(np.diff(values) >= -1e-12)
    for k in range(1, len(y) + 1):
        assert best_ari(z, y, len(y))[0] >= scores_at_k(z, y, k)["ari_k"] - 1e-12


def test_dasgupta_cost_by_hand():
    w = np.zeros((4, 4))
    w[0, 1] = w[1, 0] = 1.0  # joined by a node of 2 leaves
    w[2, 3] = w[3, 2] = 10.0  # joined by the other node of 2 leaves
    w[0, 2] = w[2, 0] = 100.0  # joined by the root, 4 leaves
    np.fill_diagonal(w, 7.0)  # does not count
    assert dasgupta_cost(TREE, w) == 2 * (2 * 1 + 2 * 10 + 4 * 100)


@pytest.mark.parametrize("seed", range(12))
def test_dasgupta_cost_equals_the_loop_over_ordered_pairs(seed):
    z, y = random_case(seed, ties=bool(seed % 2))
    n = len(y)
    w = np.random.default_rng(seed).uniform(size=(n, n))
    w = w + w.T
    want = sum(w[i, j] * len(lca_leaves(z, i, j)) for i in range(n) for j in range(n) if i != j)
    before = w.copy()
    assert dasgupta_cost(z, w) == pytest.approx(want, rel=1e-12)
    np.testing.assert_array_equal(w, before)


@pytest.mark.parametrize("n", [2, 3, 10, 50])
def test_every_tree_of_equal_similarities_costs_the_same(n):
    # Dasgupta's clique: (n^3 - n) / 3 over unordered pairs, whatever the tree
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=(n, 3))
        for method in ("single", "complete"):
            cost = dasgupta_cost(linkage(x, method), np.ones((n, n)))
            assert cost == pytest.approx(2 * (n**3 - n) / 3)


def test_dendrogram_purity_by_hand():
    assert dendrogram_purity(TREE, np.array([0, 0, 1, 1])) == 1.0
    assert dendrogram_purity(TREE, np.array([0, 1, 0, 1])) == 0.5
    # pairs (0,1): LCA {0,1}, purity 1; (0,2), (1,2): the root, 3/4 -> (1 + 3/4 + 3/4) / 3
    assert dendrogram_purity(TREE, np.array([0, 0, 0, 1])) == pytest.approx(2.5 / 3)


@pytest.mark.parametrize("seed", range(20))
def test_dendrogram_purity_equals_the_loop_over_pairs(seed):
    z, y = random_case(seed, ties=bool(seed % 2))
    pairs = [(i, j) for i, j in combinations(range(len(y)), 2) if y[i] == y[j]]
    if not pairs:
        pytest.skip("no two points of one class in this draw")
    want = np.mean([np.mean([y[m] == y[i] for m in lca_leaves(z, i, j)]) for i, j in pairs])
    got = dendrogram_purity(z, y)
    assert got == pytest.approx(want, abs=1e-12)
    assert 0.0 < got <= 1.0 + 1e-12
    assert dendrogram_purity(z, 40 - 3 * y) == pytest.approx(got, abs=1e-12)


Y = np.array([0, 0, 1, 1])
NAN_TREE = np.where(TREE == 5.0, np.nan, TREE)
TWICE = np.array([[0.0, 1.0, 1.0, 2.0], [0.0, 3.0, 2.0, 2.0], [4.0, 5.0, 5.0, 4.0]])
LATER = np.array([[0.0, 6.0, 1.0, 2.0], [2.0, 3.0, 2.0, 2.0], [4.0, 5.0, 5.0, 4.0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ari(np.array([], dtype=int), np.array([], dtype=int)), "n >= 2"),
        (lambda: nmi(np.array([1]), np.array([1])), "n >= 2"),
        (lambda: purity(Y, Y[:3]), "3 labels for 4 points"),
        (lambda: ari(Y, np.array([0, 1, np.nan, 1])), "float64: expected integers"),
        (lambda: scores_at_k(TREE, Y, 0), "k = 0 clusters of 4"),
        (lambda: scores_at_k(TREE, Y, 5), "k = 5 clusters of 4"),
        (lambda: best_ari(TREE, Y, 5), "k = 5 clusters of 4"),
        (lambda: best_ari(TREE, Y, 0), "k = 0"),
        (lambda: scores_at_k(TREE, Y[:3], 2), r"shape \(3, 4\) for 3 labels"),
        (lambda: scores_at_k(np.empty((0, 4)), Y[:1], 1), "n >= 2"),
        (lambda: scores_at_k(NAN_TREE, Y, 2), "NaN"),
        (lambda: scores_at_k(TREE[[1, 0, 2]] * [1, 1, -1, 1], Y, 2), "lower than the merge before"),
        (lambda: dendrogram_purity(TWICE, Y), "merge 1 .*was joined before"),
        (lambda: dendrogram_purity(LATER, Y), "merge 0 .*does not exist yet"),
        (lambda: dendrogram_purity(TREE, np.arange(4)), "no class has two points"),
        (lambda: dasgupta_cost(TREE, np.ones((4, 3))), "square"),
        (lambda: dasgupta_cost(TREE, np.ones((3, 3))), "for 3 labels"),
        (lambda: dasgupta_cost(TREE, np.full((4, 4), np.nan)), "NaN"),
        (lambda: dasgupta_cost(TREE, np.triu(np.ones((4, 4)))), "not symmetric"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
