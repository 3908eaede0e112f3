r"""OpenIndexing: codes that leave crowded centroids for other ones (eq. 3 and Algorithm 1 of [1]_).

Algorithm 1 cannot be run as printed: it never counts (`map` is read, not written) and has no code for a centroid that
is not full (`c` is set in the full case alone). The text around it says both, and so does the published code; "literal"
is what they agree on. Three ways are told apart:

============ =============== ================= ============================================
variant      counts          limit             a full centroid gives way to
============ =============== ================= ============================================
literal      one table for   eq. 3, c N M / K; the second nearest, however full it is
             all subspaces   checked with >
published    the same        the same          the running minimum before the nearest in
                                               the order of the centroids (the code's bug)
corrected    one a subspace  ceil(c N / K),    the nearest one that has room
                             never exceeded
============ =============== ================= ============================================

References
----------
.. [1] He, "Hashing-based Approximate Nearest-Neighbor Search for Large-scale Image Retrieval", and its code (2023).
"""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple

import numpy as np
from numba import njit

from likeness.models.fpq.lloyd import CHUNK
from likeness.models.fpq.pq import PQ, check_vectors, over_parts, subvectors

Variant = Literal["corrected", "literal", "published"]

#: The constant c of eq. 3 in the published code; the paper says only c >= 1.
C: Final = 2.0
VARIANTS: Final = ("corrected", "literal", "published")


class OpenCodes(NamedTuple):
    """Codes and what OpenIndexing did to get them."""

    codes: np.ndarray  # (N, M) uint8 or uint16
    moved: int  # entries that are not the nearest centroid
    limit: float  # against which the counts were held


def limit(n: int, m: int, k: int, c: float = C, *, variant: Variant = "corrected") -> float:
    r"""How many entries a centroid may hold.

    .. math:: \text{Limit} = \frac{c\,N\,M}{K}\ \text{(literal, eq. 3)}, \qquad
              \Big\lceil \frac{c\,N}{K} \Big\rceil\ \text{(corrected)}

    Eq. 3 fits its shared table, whose mean count is N M / K, but then no single cell is limited. Counting a subspace
    at a time the mean is N / K. Rounded up, all K cells together have room for all N.

    >>> limit(50_000, 30, 256, variant="literal"), limit(50_000, 30, 256)
    (11718.75, 391)

    Raises ValueError on c < 1 (NaN included) or an unknown variant.
    """
    if not (math.isfinite(c) and c >= 1.0):
        raise ValueError(f"c = {c}: expected a finite factor >= 1; below 1 the cells cannot hold all the data")
    if variant not in VARIANTS:
        raise ValueError(f"variant {variant!r}: expected one of {', '.join(VARIANTS)}")
    return math.ceil(c * n / k) if variant == "corrected" else c * n * m / k


def open_index(
    pq: PQ, x: np.ndarray, c: float = C, *, variant: Variant = "corrected", most: float | None = None, jobs: int = 1
) -> OpenCodes:
    """Encode x (N, D) in the order of its rows, at most about `limit` entries a centroid.

    Parameters
    ----------
    pq : the quantizer, K >= 2.
    c : of eq. 3, >= 1.
    variant : see the table at the head of this module.
    most : a limit in place of eq. 3 (the published code divides whole numbers: 2 * (N * M // K)).
    jobs : threads, one a subspace at a time; counting in one shared table is not shared out. Same result.

    Raises
    ------
    ValueError : K = 1, c < 1, an unknown variant, vectors that `PQ.encode` would refuse, and for "corrected" a limit
        that leaves no room for all rows.
    """
    x = check_vectors(x, pq.dim)
    if pq.k < 2:
        raise ValueError("K = 1: expected at least two centroids; OpenIndexing needs another one to go to")
    printed = limit(len(x), pq.m, pq.k, c, variant=variant)  # also refuses a wrong c or variant
    bound = printed if most is None else most
    if variant == "corrected":
        if int(bound) * pq.k < len(x):
            raise ValueError(f"{pq.k} centroids of at most {bound} entries cannot hold {len(x)} rows; raise the limit")
        codes, moved = _probe(pq, x, int(bound), jobs)
    else:
        first, second = candidates(pq, x, running=variant == "published", jobs=jobs)
        codes, moved = _share(first, second, pq.k, bound)
    return OpenCodes(codes.astype(pq.code_type), moved, bound)


def candidates(
    pq: PQ, x: np.ndarray, *, running: bool = False, jobs: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest and second nearest centroid of each part (Find2MinCluster): two (N, M) int64 arrays.

    With running=True the second is what the published loop leaves there: the smallest of the distances *before* the
    nearest centroid, or centroid 0 where the nearest is centroid 0 (so that it gives way to itself).
    Of equal distances the first counts. The nearest ones are those of `PQ.encode`, so that codes differ from plain
    ones by OpenIndexing alone, not by rounding.
    """
    first = PQ.encode(pq, x, jobs=jobs).astype(np.int64)  # not FPQ.encode, which ends up here
    second = np.empty_like(first)

    def fill(j: int) -> None:
        part = subvectors(x, pq.m, j)
        for begin in range(0, len(x), CHUNK):
            rows = slice(begin, begin + CHUNK)
            second[rows, j] = _second(part[rows], pq.codebooks[j], first[rows, j], running)

    over_parts(fill, pq.m, jobs)
    return first, second


def _second(x: np.ndarray, book: np.ndarray, near: np.ndarray, running: bool) -> np.ndarray:
    """x (n, Ds), book (K, Ds), near (n,) the nearest centroids -> (n,) int64."""
    book = book.astype(np.float64)
    score = 0.5 * (book**2).sum(axis=1) - x.astype(np.float64) @ book.T  # (n, K), half the distance less |x|^2 / 2
    number = np.arange(len(book))
    score[number >= near[:, None] if running else number == near[:, None]] = np.inf
    return np.asarray(score.argmin(axis=1))  # 0 where all are hidden


def cell_counts(codes: np.ndarray, k: int) -> np.ndarray:
    """How many entries each centroid holds: codes (N, M) -> (M, K) int64.

    >>> cell_counts(np.array([[0, 1], [0, 0]]), 2).tolist()
    [[2, 0], [1, 1]]
    """
    return np.stack([np.bincount(column, minlength=k) for column in np.asarray(codes).T])


def _probe(pq: PQ, x: np.ndarray, most: int, jobs: int) -> tuple[np.ndarray, int]:
    """Corrected: row by row, the nearest centroid with room."""
    codes = PQ.encode(pq, x, jobs=jobs).astype(np.int64)  # not FPQ.encode, which calls this

    def fill(j: int) -> int:
        part = np.ascontiguousarray(subvectors(x, pq.m, j), dtype=np.float64)
        return int(_probe_part(part, pq.codebooks[j].astype(np.float64), codes[:, j], most))

    return codes, sum(over_parts(fill, pq.m, jobs))


@njit(cache=True, nogil=True)
def _probe_part(x: np.ndarray, book: np.ndarray, code: np.ndarray, most: int) -> int:
    """x (N, Ds), book (K, Ds); code (N,): the nearest centroids, moved in place where those are full."""
    count = np.zeros(len(book), np.int64)
    moved = 0
    for i in range(len(x)):
        if count[code[i]] >= most:
            best, where = np.inf, -1
            for k in range(len(book)):
                if count[k] < most:
                    distance = 0.0
                    for a in range(x.shape[1]):
                        distance += (x[i, a] - book[k, a]) ** 2
                    if distance < best:
                        best, where = distance, k
            code[i] = where
            moved += 1
        count[code[i]] += 1
    return moved


@njit(cache=True)
def _share(first: np.ndarray, second: np.ndarray, k: int, most: float) -> tuple[np.ndarray, int]:
    """Algorithm 1: one table for all subspaces, rows outside, subspaces inside. first, second (N, M)."""
    count = np.zeros(k, np.int64)
    codes = first.copy()
    moved = 0
    for i in range(first.shape[0]):
        for j in range(first.shape[1]):
            if count[codes[i, j]] > most:
                codes[i, j] = second[i, j]
                moved += codes[i, j] != first[i, j]
            count[codes[i, j]] += 1
    return codes, moved
