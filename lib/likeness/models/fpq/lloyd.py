r"""k-means as a map and a reduce: one Lloyd iteration from sums that can be added up over any split of the rows.

    map:     rows, centroids -> `Partial`: the sum and the number of the rows nearest to each centroid
    reduce:  Partial, Partial -> Partial
    update:  Partial -> new centroids

One thread, one worker a subspace and Dask over shards all run this code (Algorithm 2 of [1]_; its step 15 stores the
assignment Z where it must store the means mu). scikit-learn's and faiss's k-means cannot: neither takes its sums from
elsewhere, and neither treats empty cells as the published code does.

References
----------
.. [1] He, "Hashing-based Approximate Nearest-Neighbor Search for Large-scale Image Retrieval", and its code (2023).
.. [2] Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory, 1982.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from scipy.sparse import csr_array

Empty = Literal["relocate", "keep", "zero"]
Precision = Literal["float32", "float64"]

#: Rows a matrix product takes at once: its (rows, K) result then stays in the second-level cache.
CHUNK: Final = 1024
#: Rows that one partial sum reads at once; bounds the memory of a map over a shard.
BLOCK: Final = 16384


@dataclass(frozen=True)
class Rule:
    """How k-means is run.

    max_iter : assignments at most.
    tol : stop when an iteration lowers the distortion by less than this share; 0: until no centroid moves.
    empty : what an empty cell becomes. "relocate": the row farthest from its centroid (scikit-learn's rule); "keep":
        it stays where it is; "zero": the zero vector (published code).
    last : False: no row is ever assigned to the last centroid (published code).
    precision : of the distances. Sums are float64 in any case, so that they hardly depend on how rows are split.
    """

    max_iter: int = 25
    tol: float = 0.0
    empty: Empty = "relocate"
    last: bool = True
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Refuse values that cannot be."""
        if self.max_iter < 1:
            raise ValueError(f"max_iter = {self.max_iter}: expected at least 1 iteration")
        if not 0.0 <= self.tol < 1.0:
            raise ValueError(f"tol = {self.tol}: expected a share in [0, 1)")
        if self.empty not in ("relocate", "keep", "zero"):
            raise ValueError(f"empty = {self.empty!r}: expected 'relocate', 'keep' or 'zero'")
        if self.precision not in ("float32", "float64"):
            raise ValueError(f"precision = {self.precision!r}: expected 'float32' or 'float64'")
        if not self.last and self.empty == "relocate":
            raise ValueError("last=False with empty='relocate': the last cell would be filled for ever; use 'zero'")


class Partial(NamedTuple):
    """What one split of the rows says about K cells."""

    sums: np.ndarray  # (K, d) float64, sum of the rows nearest to each centroid
    counts: np.ndarray  # (K,) int64, how many they are
    cost: float  # summed squared distance of the rows to their centroids
    far_cost: np.ndarray  # (t,) float64 descending, t <= K: squared distance of the rows farthest from their centroids
    far_cell: np.ndarray  # (t,) int64, the cell of those rows
    far_row: np.ndarray  # (t, d) float64, those rows


def nearest(x: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Nearest centroid of each row and the squared distance to it; of equal ones the first.

    .. math:: \arg\min_k \|x - c_k\|^2 = \arg\min_k \big(\tfrac12\|c_k\|^2 - \langle x, c_k \rangle\big)

    One matrix product a chunk of rows, the norms riding along as one more column. Computed in the type of the
    centroids; in float32 both sides are first shifted to about the mean centroid, which keeps small differences
    between large numbers. The shift is a round number, so that of small whole numbers all results, and so ties, are
    exact.

    x (n, d) any real type, centroids (K, d) float32 or float64 -> (n,) int64, (n,) float64 >= 0.

    >>> nearest(np.array([[0.0], [3.0]]), np.array([[1.0], [4.0]]))[0].tolist()
    [0, 1]
    """
    n, d = x.shape
    k, dtype = len(centroids), centroids.dtype
    shift = _round_mean(centroids) if dtype == np.float32 else np.zeros(d, dtype)
    c = centroids - shift
    table = np.vstack([-c.T, 0.5 * (c**2).sum(axis=1)])  # (d + 1, K)
    block = np.ones((min(CHUNK, max(n, 1)), d + 1), dtype)
    score = np.empty((len(block), k), dtype)
    cell, cost = np.empty(n, np.int64), np.empty(n)
    for begin in range(0, n, CHUNK):
        rows = slice(begin, min(begin + CHUNK, n))
        b = rows.stop - begin
        np.subtract(x[rows], shift, out=block[:b, :d], dtype=dtype, casting="unsafe")
        np.matmul(block[:b], table, out=score[:b])
        score[:b].argmin(axis=1, out=cell[rows])
        inside = block[:b, :d]
        best = score[np.arange(b), cell[rows]]
        cost[rows] = np.einsum("ij,ij->i", inside, inside) + 2.0 * best
    return cell, np.maximum(cost, 0.0)  # rounding can leave a small negative square


def _round_mean(centroids: np.ndarray) -> np.ndarray:
    """The mean centroid (d,), rounded to multiples of a power of two not above the spread of the centroids."""
    mean = centroids.mean(axis=0, dtype=np.float64)
    spread = np.abs(centroids - mean).max()
    unit = 2.0 ** (np.frexp(spread)[1] - 1)  # a half where all centroids are equal
    return np.asarray(np.rint(mean / unit) * unit).astype(centroids.dtype)


def partial(x: np.ndarray, centroids: np.ndarray, rule: Rule) -> Partial:
    """The map: sums, counts and farthest rows of x (n, d) for centroids (K, d). Reads `BLOCK` rows at a time."""
    return merge(
        [_partial_block(x[b : b + BLOCK], centroids, rule) for b in range(0, len(x), BLOCK)]
        or [_partial_block(x, centroids, rule)]
    )


def merge(parts: Iterable[Partial]) -> Partial:
    """The reduce. Give the parts in the order of their rows: of equally far rows the first is kept."""
    listed = list(parts)
    if len(listed) == 1:
        return listed[0]
    k = len(listed[0].counts)
    far_cost = np.concatenate([p.far_cost for p in listed])
    order = np.argsort(-far_cost, kind="stable")[:k]
    return Partial(
        np.sum([p.sums for p in listed], axis=0),
        np.sum([p.counts for p in listed], axis=0),
        float(sum(p.cost for p in listed)),
        far_cost[order],
        np.concatenate([p.far_cell for p in listed])[order],
        np.concatenate([p.far_row for p in listed])[order],
    )


def update(part: Partial, centroids: np.ndarray, empty: Empty) -> np.ndarray:
    """The means of the cells, (K, d) in the type of `centroids`; empty cells as `Rule.empty` says."""
    sums, counts = part.sums, part.counts
    if empty == "relocate" and (counts == 0).any():
        sums, counts = _relocate(part)
    filled = counts > 0
    new = np.zeros(centroids.shape) if empty == "zero" else centroids.astype(np.float64)
    new[filled] = sums[filled] / counts[filled, None]
    return new.astype(centroids.dtype)


class Lloyd:
    """One k-means under way: ask `running`, give `step` the merged map of `centroids`.

    centroids (K, d): the current ones. iterations: assignments so far. cost: distortion (mean squared distance) of
    the last assignment. converged: whether it stopped by itself.
    """

    def __init__(self, start: np.ndarray, rule: Rule) -> None:
        """Begin at `start` (K, d)."""
        self.rule = rule
        self.centroids = np.ascontiguousarray(start, dtype=rule.precision)
        self.iterations, self.cost, self.converged = 0, np.inf, False

    @property
    def running(self) -> bool:
        """Whether another step is needed."""
        return not self.converged and self.iterations < self.rule.max_iter

    def step(self, part: Partial) -> None:
        """Move the centroids to the means of `part`, which `partial` made of the current centroids."""
        new = update(part, self.centroids, self.rule.empty)
        cost = part.cost / max(int(part.counts.sum()), 1)
        gained = self.cost - cost
        still = np.array_equal(new, self.centroids)
        enough = self.rule.tol > 0.0 and np.isfinite(self.cost) and gained <= self.rule.tol * self.cost
        self.converged = bool(still or enough)
        self.centroids, self.cost = new, cost
        self.iterations += 1


def kmeans(x: np.ndarray, start: np.ndarray, rule: Rule) -> Lloyd:
    """Lloyd's iteration [2]_ on rows in memory: x (n, d), start (K, d). Returns the finished `Lloyd`."""
    state = Lloyd(start, rule)
    while state.running:
        state.step(partial(x, state.centroids, rule))
    return state


def _partial_block(x: np.ndarray, centroids: np.ndarray, rule: Rule) -> Partial:
    k = len(centroids)
    cell, cost = nearest(x, centroids if rule.last else centroids[:-1])
    member = csr_array((np.ones(len(x)), cell, np.arange(len(x) + 1)), shape=(len(x), k))
    t = min(k, len(x)) if rule.empty == "relocate" else 0
    far = np.argpartition(cost, len(x) - t)[len(x) - t :] if 0 < t < len(x) else np.arange(t)
    far = np.sort(far)  # partition leaves any order; equal distances must come in the order of the rows
    far = far[np.argsort(-cost[far], kind="stable")]
    return Partial(
        np.asarray(member.T @ x.astype(np.float64)),
        np.bincount(cell, minlength=k),
        float(cost.sum()),
        cost[far],
        cell[far],
        x[far].astype(np.float64),
    )


def _relocate(part: Partial) -> tuple[np.ndarray, np.ndarray]:
    """Give each empty cell the farthest row that its own cell can spare."""
    sums, counts = part.sums.copy(), part.counts.copy()
    empty = iter(np.flatnonzero(counts == 0))
    for cost, cell, row in zip(part.far_cost, part.far_cell, part.far_row, strict=True):
        if counts[cell] < 2:
            continue
        if cost <= 0.0 or (target := next(empty, None)) is None:
            break
        sums[cell] -= row
        counts[cell] -= 1
        sums[target], counts[target] = row, 1
    return sums, counts
