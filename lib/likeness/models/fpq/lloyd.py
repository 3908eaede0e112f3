r"""k-means as a map and a reduce: one Lloyd iteration from sums that can be added up over any split of the rows.

    map:     rows, centroids -> `Partial`: the sum and the number of the rows nearest to each centroid
    reduce:  Partial, Partial -> Partial
    update:  Partial -> new centroids

One thread, one worker a subspace and Dask over shards all run this code (Algorithm 2 of [1]_; its step 15 stores the
assignment Z where it must store the means mu). scikit-learn's and faiss's k-means cannot: neither takes its sums from
elsewhere, and neither treats empty cells as the published code does. Rows that are equal are counted, not repeated: in
memory (`kmeans`) an iteration sees every distinct row once, which on images with margins saves a third of the work.

References
----------
.. [1] He, "Hashing-based Approximate Nearest-Neighbor Search for Large-scale Image Retrieval", and its code (2023).
.. [2] Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory, 1982.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Self

import numpy as np
from scipy.sparse import csr_array

Empty = Literal["split", "keep", "zero"]
Precision = Literal["float32", "float64"]

#: Rows a matrix product takes at once: its (rows, K) result then stays in the second-level cache.
CHUNK: Final = 1024
#: Rows that one partial sum reads at once; bounds the memory of a map over a shard.
BLOCK: Final = 16384
#: How far the halves of a split cell lie from its mean, in root mean squared distances of its rows (faiss: of its mean,
#: so that a cell around zero would never part).
_APART: Final = 1 / 1024
#: A share of the greatest cost that may be no more than rounding.
_ROUNDING: Final = 1e-6


@dataclass(frozen=True)
class Rule:
    """How k-means is run.

    max_iter : assignments at most.
    tol : stop when an iteration lowers the distortion by less than this share; 0: until no centroid moves.
    empty : what an empty cell becomes. "split": half of the cell of greatest cost (faiss's rule, which draws the cell);
        "keep": it stays where it is; "zero": the zero vector (published code).
    last : False: no row is ever assigned to the last centroid (published code).
    precision : of the distances. Sums are float64 in any case, so that they hardly depend on how rows are split.
    """

    max_iter: int = 25
    tol: float = 0.0
    empty: Empty = "split"
    last: bool = True
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Refuse values that cannot be."""
        if self.max_iter < 1:
            raise ValueError(f"max_iter = {self.max_iter}: expected at least 1 iteration")
        if not 0.0 <= self.tol < 1.0:
            raise ValueError(f"tol = {self.tol}: expected a share in [0, 1)")
        if self.empty not in ("split", "keep", "zero"):
            raise ValueError(f"empty = {self.empty!r}: expected 'split', 'keep' or 'zero'")
        if self.precision not in ("float32", "float64"):
            raise ValueError(f"precision = {self.precision!r}: expected 'float32' or 'float64'")
        if not self.last and self.empty == "split":
            raise ValueError("last=False with empty='split': the last cell would be filled for ever; use 'zero'")


class Partial(NamedTuple):
    """What one split of the rows says about K cells."""

    sums: np.ndarray  # (K, d) float64, sum of the rows nearest to each centroid
    counts: np.ndarray  # (K,) int64, how many they are
    costs: np.ndarray  # (K,) float64, summed squared distance of those rows to the centroid


class Rows(NamedTuple):
    """Rows made ready for assignments: shifted, in the type of the centroids, what does not change computed once."""

    block: np.ndarray  # (n, d + 1), the rows less `shift`, and a column of ones
    square: np.ndarray  # (n,) squared length of the shifted rows
    shift: np.ndarray  # (d,)
    weight: np.ndarray  # (n,) float64, how many rows each one stands for

    @classmethod
    def of(cls, x: np.ndarray, shift: np.ndarray, weight: np.ndarray | None = None) -> Self:
        """x (n, d) of any real type, shift (d,) in the type of the centroids."""
        n, d = x.shape
        block = np.ones((n, d + 1), shift.dtype)
        np.subtract(x, shift, out=block[:, :d], dtype=shift.dtype, casting="unsafe")
        inside = block[:, :d]
        w = np.ones(n) if weight is None else weight.astype(np.float64)
        return cls(block, np.einsum("ij,ij->i", inside, inside), shift, w)


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
    shift = _shift(centroids)
    found = [_assign(Rows.of(block, shift), centroids) for block in _blocks(x)]
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


def _blocks(x: np.ndarray) -> Iterator[np.ndarray]:
    """x `BLOCK` rows at a time; one empty block of no rows."""
    return (x[b : b + BLOCK] for b in range(0, max(len(x), 1), BLOCK))


def _assign(rows: Rows, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`nearest` of rows made ready: cell (n,) int64, cost (n,) float64."""
    n, k = len(rows.block), len(centroids)
    c = centroids - rows.shift
    table = np.vstack([-c.T, 0.5 * (c**2).sum(axis=1)])  # (d + 1, K)
    score = np.empty((min(CHUNK, n), k), rows.block.dtype)
    cell, best = np.empty(n, np.int64), np.empty(n, rows.block.dtype)
    number = np.arange(len(score))
    for begin in range(0, n, CHUNK):
        chunk = slice(begin, min(begin + CHUNK, n))
        part = score[: chunk.stop - begin]
        np.matmul(rows.block[chunk], table, out=part)
        part.argmin(axis=1, out=cell[chunk])
        best[chunk] = part[number[: len(part)], cell[chunk]]
    cost = rows.square.astype(np.float64) + 2.0 * best
    return cell, np.maximum(cost, 0.0, out=cost)  # rounding can leave a small negative square


def _shift(centroids: np.ndarray) -> np.ndarray:
    """What rows and centroids are moved by before they are multiplied: (d,) in the type of the centroids."""
    return _round_mean(centroids) if centroids.dtype == np.float32 else np.zeros(centroids.shape[1])


def _round_mean(centroids: np.ndarray) -> np.ndarray:
    """The mean centroid (d,), rounded to multiples of a power of two not above the spread of the centroids."""
    mean = centroids.mean(axis=0, dtype=np.float64)
    spread = np.abs(centroids - mean).max()
    unit = 2.0 ** (np.frexp(spread)[1] - 1)  # a half where all centroids are equal
    return np.asarray(np.rint(mean / unit) * unit).astype(centroids.dtype)


def partial(x: np.ndarray, centroids: np.ndarray, rule: Rule) -> Partial:
    """The map: sums, counts and costs of x (n, d) for centroids (K, d). Reads `BLOCK` rows at a time."""
    shift = _shift(centroids)
    return merge(_partial(Rows.of(block, shift), centroids, rule) for block in _blocks(x))


def merge(parts: Iterable[Partial]) -> Partial:
    """The reduce: the sums of all fields."""
    listed = list(parts)
    return listed[0] if len(listed) == 1 else Partial(*(np.sum(field, axis=0) for field in zip(*listed, strict=True)))


def update(part: Partial, centroids: np.ndarray, empty: Empty) -> np.ndarray:
    """The means of the cells, (K, d) in the type of `centroids`; empty cells as `Rule.empty` says."""
    filled = part.counts > 0
    new = np.zeros(centroids.shape) if empty == "zero" else centroids.astype(np.float64)
    new[filled] = part.sums[filled] / part.counts[filled, None]
    if empty == "split":
        moved = ((new - centroids) ** 2).sum(axis=1)
        _split(new, part.counts, part.costs - part.counts * moved)  # about the mean it is that much less
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
        cost = float(part.costs.sum()) / max(int(part.counts.sum()), 1)
        gained = self.cost - cost
        still = np.array_equal(new, self.centroids)
        enough = self.rule.tol > 0.0 and np.isfinite(self.cost) and gained <= self.rule.tol * self.cost
        self.converged = bool(still or enough)
        self.centroids, self.cost = new, cost
        self.iterations += 1


def kmeans(x: np.ndarray, start: np.ndarray, rule: Rule) -> Lloyd:
    """Lloyd's iteration [2]_ on rows in memory: x (n, d), start (K, d). Returns the finished `Lloyd`."""
    state = Lloyd(start, rule)
    shift = _shift(state.centroids)
    blocks = [Rows.of(block, shift, weight) for block, weight in zip(*map(_blocks, distinct(x)), strict=True)]
    while state.running:
        state.step(merge(_partial(rows, state.centroids, rule) for rows in blocks))
    return state


def distinct(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows of x (n, d) in the order of their first places, and how often each is there.

    >>> [a.tolist() for a in distinct(np.array([[3, 3], [1, 2], [3, 3]]))]
    [[[3, 3], [1, 2]], [2, 1]]
    """
    x = np.ascontiguousarray(x)
    whole = x.view(np.dtype((np.void, x.dtype.itemsize * x.shape[1]))).ravel()  # a row as one item: quick to sort
    _, first, count = np.unique(whole, return_index=True, return_counts=True)
    order = np.argsort(first)
    return x[first[order]], count[order]


def _partial(rows: Rows, centroids: np.ndarray, rule: Rule) -> Partial:
    n, k = len(rows.block), len(centroids)
    cell, cost = _assign(rows, centroids if rule.last else centroids[:-1])
    member = csr_array((rows.weight, cell, np.arange(n + 1)), shape=(n, k))
    sums = np.asarray(member.T @ rows.block.astype(np.float64))  # (K, d + 1), the ones count
    counts = sums[:, -1]
    return Partial(
        sums[:, :-1] + counts[:, None] * rows.shift,
        counts.astype(np.int64),
        np.bincount(cell, weights=rows.weight * cost, minlength=k),
    )


def _split(centroids: np.ndarray, counts: np.ndarray, costs: np.ndarray) -> None:
    """Part the cells of greatest cost in two, one for each empty cell as far as they go.

    centroids (K, d) float64 are changed in place; counts (K,); costs (K,) of the rows about their means.
    """
    empty = np.flatnonzero(counts == 0)
    costly = np.argsort(-costs, kind="stable")[: len(empty)]
    costly = costly[costs[costly] > _ROUNDING * costs.max()]  # a cell of equal rows has no halves
    empty = empty[: len(costly)]
    d = centroids.shape[1]
    apart = _APART * np.sqrt(costs[costly] / counts[costly] / d)
    step = apart[:, None] * np.where(np.arange(d) % 2 == 0, 1.0, -1.0)
    centroids[empty] = centroids[costly] + step
    centroids[costly] -= step
