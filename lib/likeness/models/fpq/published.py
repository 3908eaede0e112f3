r"""What the published code [1]_ does and its text does not, each defect on its own.

- `java_rows`: the K starting rows (`java.util.Random(42)`, in the order of a `HashSet`), the same for every subspace.
- `RULE`: k-means until no centroid moves, empty cells become the zero vector, the last centroid is never assigned.
- `encode`: plain PQ does not give the last centroid when it encodes either (FPQ does).
- `completion_order`, `reorder`: finished codebooks land in a shared list in the order in which they finish, so that
  they are used for other subspaces (the race).
- the wrong second nearest centroid: `open_indexing.open_index(variant="published")`.

References
----------
.. [1] github.com/RepublicHo/AlgoEngineering3022, FPQ.java and KMeans.java (2023).
.. [2] `java.util.Random` and `java.util.HashSet`, Java SE 17 API specification.
.. [3] Graham, "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 1969 (list scheduling).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from likeness.models.fpq.lloyd import Rule
from likeness.models.fpq.pq import PQ, check_sizes, check_vectors

#: k-means as published. It has no limit of iterations; no run of the chapter comes near this one.
RULE: Final = Rule(max_iter=100_000, tol=0.0, empty="zero", last=False, precision="float64")
#: Parts, centroids and seed of the published experiment (a comment there says 8 parts).
M, K, SEED = 30, 256, 42


def fit(x: np.ndarray, m: int = M, k: int = K, *, seed: int = SEED, jobs: int = 1) -> PQ:
    """The codebooks of the published code, in order (before its race): x (N, D) -> PQ."""
    x = check_vectors(x)
    check_sizes(len(x), x.shape[1], m, k)
    return PQ.fit_from(x, m, java_rows(len(x), k, seed), rule=RULE, jobs=jobs)


def encode(pq: PQ, x: np.ndarray, *, jobs: int = 1) -> np.ndarray:
    """Codes of the published plain PQ, whose loop ends before the last centroid: (N, M) as `PQ.encode`, all < K - 1."""
    if pq.k < 2:
        raise ValueError("K = 1: expected at least two centroids; without the last one none is left")
    return replace(pq, codebooks=pq.codebooks[:, :-1]).encode(x, jobs=jobs).astype(pq.code_type)


def java_rows(n: int, k: int, seed: int = SEED) -> np.ndarray:
    """K different rows of n in the order of the published code's set: (K,) int64, 1 <= K <= n.

    Java turns a bucket of more than eight numbers into a tree of another order. That is not modelled: buckets are as
    many as numbers or more, and the numbers random.

    >>> java_rows(60, 16)[:8].tolist()
    [32, 2, 3, 36, 5, 38, 43, 44]
    """
    if not 1 <= k <= n:
        raise ValueError(f"K = {k} rows of n = {n}: expected 1 <= K <= n")
    draw = _java_ints(n, seed)
    drawn: dict[int, None] = {}  # a set that keeps the order of insertion
    while len(drawn) < k:
        drawn[next(draw)] = None
    buckets = 16
    while k > 0.75 * buckets:  # the table doubles above this load
        buckets *= 2
    return np.array(sorted(drawn, key=lambda i: (i ^ (i >> 16)) & (buckets - 1)))  # sorted() is stable


def completion_order(cost: Sequence[float] | np.ndarray, workers: int) -> np.ndarray:
    """Order in which M tasks finish on P workers that take them from a queue in order [3]_.

    cost (M,) >= 0, for example iterations x rows; workers P >= 1 -> (M,) int64, the task that finishes first, second,
    ... Tasks that finish at once come in their own order. One worker: 0..M-1.

    >>> completion_order([5, 1, 1, 1], 2).tolist()
    [1, 2, 3, 0]
    """
    seconds = np.asarray(cost, dtype=np.float64)
    if seconds.ndim != 1 or not np.all(seconds >= 0.0):  # also refuses NaN
        raise ValueError(f"costs of shape {seconds.shape}: expected (M,) numbers >= 0")
    if workers < 1:
        raise ValueError(f"workers = {workers}: expected at least 1")
    free = [0.0] * workers  # when each worker is free
    end = np.empty(len(seconds))
    for task, length in enumerate(seconds):
        end[task] = heapq.heappop(free) + length
        heapq.heappush(free, end[task])
    return np.argsort(end, kind="stable")


def reorder(pq: PQ, order: np.ndarray) -> PQ:
    """The race: subspace j gets the codebook of subspace order[j]. order (M,), a permutation of 0..M-1.

    `completion_order` gives the order of P workers, ``rng.permutation(M)`` a random one.
    """
    order = np.asarray(order)
    if order.shape != (pq.m,) or not np.array_equal(np.sort(order), np.arange(pq.m)):
        raise ValueError(f"order {order.tolist()}: expected a permutation of 0..{pq.m - 1}")
    return replace(pq, codebooks=pq.codebooks[order], iterations=pq.iterations[order])


def _java_ints(bound: int, seed: int) -> Iterator[int]:
    """Endless `nextInt(bound)` of java.util.Random(seed): a 48-bit linear congruential generator [2]_."""
    state = (seed ^ 0x5DEECE66D) & ((1 << 48) - 1)
    while True:
        state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        bits = state >> 17  # 31 bits
        if bound & (bound - 1) == 0:
            yield (bound * bits) >> 31
        elif bits - bits % bound + bound - 1 < 1 << 31:  # else the top of the range would favour small numbers
            yield bits % bound
