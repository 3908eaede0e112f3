r"""Scores of flat and hierarchical clusterings.

Two sets of functions: scikit-learn's scores on flat labels, and scores read straight off a linkage
matrix. The second set exists for speed: `fcluster` plus three scores of scikit-learn cost 2.2 ms a
tree of 250 points and the search for the best of 13 cuts 10 ms (one core, 2026); one walk down the class
counts of the tree costs 0.03 and 0.06 ms, and the book scores tens of thousands of trees. The
tests hold it to `fcluster` and scikit-learn within 1e-12.

References
----------
.. [1] Gigli, Marcotegui, Velasco-Forero, GSI 2021, hal-03228070 (writes "Average Rand Index" for the
   *Adjusted* Rand Index).
.. [2] Hubert, Arabie, "Comparing partitions", Journal of Classification 2, 1985 (ARI).
.. [3] Dasgupta, "A cost function for similarity-based hierarchical clustering", STOC 2016.
.. [4] Heller, Ghahramani, "Bayesian hierarchical clustering", ICML 2005 (dendrogram purity).
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from likeness.metrics.tree_walk import first_bad_merge, node_counts, walk


def ari(y: np.ndarray, pred: np.ndarray) -> float:
    """Adjusted Rand Index of two labellings [2]_: 1 equal, about 0 by chance, at least -0.5.

    y, pred (n,) integers, n >= 2. Raises ValueError on fewer than two points or lengths that differ.

    >>> ari(np.array([0, 0, 1, 1]), np.array([5, 5, 3, 3]))
    1.0
    """
    y, pred = _labels(y), _labels(pred, len(y))
    return float(adjusted_rand_score(y, pred))


def nmi(y: np.ndarray, pred: np.ndarray) -> float:
    r"""Normalised mutual information, :math:`I(Y;P) / \sqrt{H(Y) H(P)}` (geometric average), in [0, 1].

    Two labellings of a single cluster each score 1, one such labelling against another 0 (scikit-learn).
    y, pred (n,) integers, n >= 2. Raises ValueError as `ari` does.
    """
    y, pred = _labels(y), _labels(pred, len(y))
    return float(normalized_mutual_info_score(y, pred, average_method="geometric"))


def purity(y: np.ndarray, pred: np.ndarray) -> float:
    """Share of points whose class is the majority class of their cluster, in (0, 1].

    Ties of the majority do not matter: only its size counts. It never falls as clusters are split.
    y, pred (n,) integers, n >= 2. Raises ValueError as `ari` does.

    >>> purity(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    0.75
    """
    y, pred = _labels(y), _labels(pred, len(y))
    classes = int(y.max()) + 1
    table = np.bincount(pred * classes + y, minlength=classes * (int(pred.max()) + 1))
    return float(table.reshape(-1, classes).max(axis=1).sum() / len(y))  # table (clusters, classes)


def scores_at_k(z: np.ndarray, y: np.ndarray, k: int) -> dict[str, float]:
    """Scores of the partition that `fcluster(z, k, "maxclust")` cuts from a tree.

    Where merges tie at the cut, scipy gives fewer than k clusters, and so does this.

    Parameters
    ----------
    z : (n - 1, 4) scipy linkage matrix, heights not falling.
    y : (n,) integer class labels.
    k : number of clusters, 1 <= k <= n.

    Returns
    -------
    {"ari_k", "purity_k", "nmi_k"}: as `ari`, `purity`, `nmi` of y and that partition.

    Raises
    ------
    ValueError : not a tree over len(y) >= 2 points, NaN, falling heights, k outside 1..n.
    """
    z, y = _tree(z, y)
    _check_k(k, len(y))
    row = walk(z, y, k)[_clusters_at(z[:, 2], k) - 1]
    return {"ari_k": float(row[0]), "purity_k": float(row[1]), "nmi_k": float(row[2])}


def best_ari(z: np.ndarray, y: np.ndarray, k_max: int) -> tuple[float, int]:
    """Best ARI over the cuts of a tree into k' = 1..k_max clusters, and the smallest such k'.

    The oracle "Ari" of Table 1, where the authors' code takes k_max = k + 4 and starts at 0: a tree that
    never beats chance scores (0.0, 1). Cuts as in `scores_at_k`. Raises ValueError as `scores_at_k` does.
    """
    z, y = _tree(z, y)
    _check_k(k_max, len(y))
    rows = walk(z, y, k_max)
    best, best_k = 0.0, 1
    for k in range(1, k_max + 1):
        score = float(rows[_clusters_at(z[:, 2], k) - 1, 0])
        if score > best:
            best, best_k = score, k
    return best, best_k


def dasgupta_cost(z: np.ndarray, w: np.ndarray) -> float:
    r"""Dasgupta's cost of a tree [3]_, over ordered pairs as HypHC's code counts it; lower is better.

    .. math:: C = \sum_{i \ne j} w_{ij} \, |\mathrm{leaves}(i \vee j)|
                = 2 \sum_{\text{nodes } A \cup B} (|A| + |B|) \, w(A, B)

    Parameters: z (n - 1, 4) scipy linkage matrix; w (n, n) symmetric similarities, the diagonal is
    ignored. Returns a float, between 4 and 2 n times the sum of w over unordered pairs when w >= 0.
    O(n^2) time, one copy of w. Raises ValueError on a bad tree, or w of another shape, with NaN or not
    symmetric.
    """
    w = np.asarray(w, dtype=np.float64)
    if w.ndim != 2 or w.shape[0] != w.shape[1]:
        raise ValueError(f"similarities of shape {w.shape}: expected a square (n, n) matrix")
    z, _ = _tree(z, np.zeros(len(w), dtype=np.int64))
    if not np.isfinite(w).all():
        raise ValueError("NaN or infinite similarities: expected finite w; look at what made them")
    if not np.allclose(w, w.T):
        raise ValueError("w is not symmetric: expected w[i, j] == w[j, i]; use (w + w.T) / 2")
    between = w.copy()  # between[a, b]: summed similarity of the clusters that sit in rows a and b
    n = len(w)
    row, size = np.arange(2 * n - 1), np.ones(2 * n - 1)
    cost = 0.0
    for step, (left, right) in enumerate(z[:, :2].astype(np.int64)):
        a, b = row[left], row[right]
        size[n + step] = size[left] + size[right]
        cost += size[n + step] * between[a, b]
        between[a] += between[b]
        between[:, a] += between[:, b]
        row[n + step] = a
    return float(2.0 * cost)


def dendrogram_purity(z: np.ndarray, y: np.ndarray) -> float:
    r"""Mean purity of the LCA over all pairs of the same class [4]_, exact, in (0, 1]; O(n * classes).

    .. math:: \frac{1}{|P|} \sum_{(i,j) \in P} \frac{|\mathrm{leaves}(i \vee j) \cap C_{y_i}|}
              {|\mathrm{leaves}(i \vee j)|}, \qquad P = \{i < j : y_i = y_j\}

    A node that joins A and B is the LCA of A_c * B_c pairs of class c. The tree is taken as binary, as
    scipy writes it: merges of equal height count in the order of the matrix.

    Parameters: z (n - 1, 4) scipy linkage matrix, y (n,) integer labels.
    Raises ValueError on a bad tree or when no class has two points.
    """
    z, y = _tree(z, y)
    counts = node_counts(z, y)  # (2n - 1, classes)
    if counts[-1].max() < 2:
        raise ValueError("no class has two points: expected at least one pair of equal labels")
    left, right = counts[z[:, 0].astype(np.int64)], counts[z[:, 1].astype(np.int64)]  # (n - 1, classes)
    pairs, joined = left * right, left + right
    total = (pairs * joined / joined.sum(axis=1, keepdims=True)).sum()
    return float(total / pairs.sum())


def _labels(y: np.ndarray, n: int | None = None) -> np.ndarray:
    """Labels renumbered 0..classes-1, (n,) int64, after the checks."""
    y = np.asarray(y)
    if y.ndim != 1 or len(y) < 2:
        raise ValueError(f"labels of shape {y.shape}: expected (n,) with n >= 2; one point is no clustering")
    if n is not None and len(y) != n:
        raise ValueError(f"{len(y)} labels for {n} points: expected one label a point")
    if not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"labels of type {y.dtype}: expected integers (no NaN); encode them first")
    return np.unique(y, return_inverse=True)[1].astype(np.int64)


def _tree(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y = _labels(y)
    z = np.ascontiguousarray(z, dtype=np.float64)
    if z.shape != (len(y) - 1, 4):
        raise ValueError(f"linkage matrix of shape {z.shape} for {len(y)} labels: expected ({len(y) - 1}, 4)")
    if not np.isfinite(z).all():
        raise ValueError("NaN or infinite entries in the linkage matrix: expected finite numbers")
    bad = first_bad_merge(z)
    if bad >= 0:
        raise ValueError(
            f"merge {bad} of the linkage matrix, {z[bad].tolist()}, joins a cluster that does not exist yet "
            "or was joined before, or lies lower than the merge before it: expected scipy's order of merges"
        )
    return z, y


def _check_k(k: int, n: int) -> None:
    if not 1 <= k <= n:
        raise ValueError(f"k = {k} clusters of {n} points: expected 1 <= k <= {n}")


def _clusters_at(heights: np.ndarray, k: int) -> int:
    """Clusters that fcluster's maxclust gives: no merge as high as the last one it must keep is undone."""
    n = len(heights) + 1
    if k == n:
        return n
    return n - int(np.searchsorted(heights, heights[n - k - 1], side="right"))
