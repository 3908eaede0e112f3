r"""Product quantization: split a vector, quantize each part by its own codebook, keep the numbers of the centroids.

Differences from the standard libraries: any M <= D (faiss and nanopq need M to divide D; here the last parts are padded
with zeros, as the published code of [2]_ does), any K <= 65,536 (faiss: powers of two), ties go to the first.

References
----------
.. [1] Jegou, Douze, Schmid, "Product Quantization for Nearest Neighbor Search", PAMI 2011.
.. [2] He, "Hashing-based Approximate Nearest-Neighbor Search for Large-scale Image Retrieval", eq. 2-3 (codebook).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self, TypeVar

import numpy as np
from joblib import Parallel, delayed
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from likeness.models.fpq.lloyd import Lloyd, Rule, kmeans, nearest

T = TypeVar("T")

#: Distances held at once by `PQ.search`.
_SEARCH_CELLS: Final = 1 << 22


@dataclass(frozen=True, eq=False)
class PQ:
    """A trained product quantizer.

    codebooks : (M, K, Ds) float32, Ds = ceil(D / M); where M does not divide D the last parts end in zeros.
    dim : D, the length of a vector.
    iterations : (M,) int64, assignments that each codebook took: what its training cost.
    """

    codebooks: np.ndarray
    dim: int
    iterations: np.ndarray

    @classmethod
    def fit(
        cls, x: np.ndarray, m: int, k: int, rng: np.random.Generator, *, rule: Rule | None = None, jobs: int = 1
    ) -> Self:
        """Train M codebooks on x (N, D) real numbers, finite.

        All codebooks start from the same K random rows, as in the published code.

        Parameters
        ----------
        m, k : parts and centroids a part, 1 <= M <= D, 1 <= K <= min(N, 65536).
        rule : of k-means; default `Rule()`.
        jobs : threads, one a subspace at a time. The result does not depend on it.

        Raises
        ------
        ValueError : another shape or type, NaN, M > D, K > N.
        """
        x = check_vectors(x)
        check_sizes(len(x), x.shape[1], m, k)
        return cls.fit_from(x, m, rng.choice(len(x), size=k, replace=False), rule=rule, jobs=jobs)

    @classmethod
    def fit_from(cls, x: np.ndarray, m: int, rows: np.ndarray, *, rule: Rule | None = None, jobs: int = 1) -> Self:
        """`fit` from given rows of x: rows (K,) int start every codebook. For runs that must start alike."""
        x = check_vectors(x)
        check_sizes(len(x), x.shape[1], m, len(rows))
        chosen = rule or Rule()

        def train(j: int) -> Lloyd:
            part = subvectors(x, m, j)
            return kmeans(part, part[rows], chosen)

        return cls.of(over_parts(train, m, jobs), x.shape[1])

    @classmethod
    def of(cls, runs: list[Lloyd], dim: int) -> Self:
        """The quantizer whose M codebooks are the centroids of M finished k-means."""
        codebooks = np.stack([run.centroids for run in runs]).astype(np.float32)
        return cls(codebooks, dim, np.array([run.iterations for run in runs]))

    @property
    def m(self) -> int:
        """M, the number of parts."""
        return int(self.codebooks.shape[0])

    @property
    def k(self) -> int:
        """K, centroids in a codebook."""
        return int(self.codebooks.shape[1])

    @property
    def bits(self) -> int:
        """Bits of one code as they are stored here: 8 or 16 a part."""
        return 8 * self.m * self.code_type.itemsize

    @property
    def code_type(self) -> np.dtype:
        """Type of the codes: uint8 up to K = 256, else uint16."""
        return np.dtype(np.uint8 if self.k <= 256 else np.uint16)

    def pad(self, x: np.ndarray) -> np.ndarray:
        """x (N, D) -> (N, M Ds) float32, zeros at the end: what an engine without padding must be given."""
        x = check_vectors(x, self.dim)
        out = np.zeros((len(x), self.m * self.codebooks.shape[2]), np.float32)
        out[:, : self.dim] = x
        return out

    def encode(self, x: np.ndarray, *, jobs: int = 1) -> np.ndarray:
        """Number of the nearest centroid of each part: x (N, D) -> codes (N, M) uint8 or uint16, on `jobs` threads.

        Raises ValueError on NaN, another type, or vectors of another length.
        """
        x = check_vectors(x, self.dim)
        codes = np.empty((len(x), self.m), self.code_type)

        def fill(j: int) -> None:
            codes[:, j] = nearest(subvectors(x, self.m, j), self.codebooks[j])[0]

        over_parts(fill, self.m, jobs)
        # for j in range(M): for i in range(N): codes[i, j] = argmin_k |x[i, part j] - codebooks[j, k]|^2
        return codes

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Concatenate the centroids that codes (N, M) name: (N, D) float32. Raises ValueError on foreign codes."""
        codes = self.check_codes(codes)
        return np.asarray(self.codebooks[np.arange(self.m), codes].reshape(len(codes), -1)[:, : self.dim])

    def dtable(self, queries: np.ndarray) -> np.ndarray:
        """Squared distances of the parts of queries (Q, D) to all centroids: (Q, M, K) float64.

        By differences, not by the expanded square: nothing cancels. Parts and centroids count with their padding.
        """
        q = self.pad(queries).reshape(len(queries), self.m, -1)
        return np.stack([cdist(q[:, j], self.codebooks[j], "sqeuclidean") for j in range(self.m)], axis=1)

    def search(self, queries: np.ndarray, codes: np.ndarray, topk: int) -> tuple[np.ndarray, np.ndarray]:
        r"""Asymmetric search of all codes, the reference for the engines (for work, see `engines.to_index_pq`).

        .. math:: d(q, n) = \sum_m \|q_m - c_{m, code_{nm}}\|^2

        queries (Q, D), codes (N, M), 1 <= topk <= N -> distances (Q, topk) float64 ascending, rows (Q, topk) int64;
        of equal distances the smaller row comes first.
        """
        codes = self.check_codes(codes)
        if not 1 <= topk <= len(codes):
            raise ValueError(f"topk = {topk} of {len(codes)} codes: expected 1 <= topk <= {len(codes)}")
        step = max(1, _SEARCH_CELLS // len(codes))
        found = [
            smallest(_sums(self.dtable(queries[b : b + step]), codes), topk) for b in range(0, len(queries), step)
        ]
        return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])

    def check_codes(self, codes: np.ndarray) -> np.ndarray:
        """Codes (N, M) of this quantizer, or ValueError."""
        codes = np.asarray(codes)
        if codes.ndim != 2 or codes.shape[1] != self.m or not np.issubdtype(codes.dtype, np.integer):
            raise ValueError(f"codes of shape {codes.shape}, {codes.dtype}: expected (N, {self.m}) integers")
        if codes.size and (int(codes.min()) < 0 or int(codes.max()) >= self.k):
            span = f"{codes.min()} to {codes.max()}"
            raise ValueError(f"codes from {span}: expected 0..{self.k - 1}; whose codes are they?")
        return codes


def subvectors(x: np.ndarray, m: int, j: int) -> np.ndarray:
    """Part j of M of x (N, D): (N, Ds), Ds = ceil(D / M), zeros beyond column D (eq. 2 of [2]_). A view where whole.

    >>> subvectors(np.array([[1, 2, 3]]), 2, 1).tolist()
    [[3, 0]]
    """
    ds = -(-x.shape[1] // m)
    part = x[:, j * ds : (j + 1) * ds]
    if part.shape[1] == ds:
        return part
    return np.pad(part, ((0, 0), (0, ds - part.shape[1])))


def over_parts(work: Callable[[int], T], m: int, jobs: int) -> list[T]:
    """work(j) for each of M parts on `jobs` threads, each with one BLAS thread; results in the order of the parts."""
    if jobs < 1:
        raise ValueError(f"jobs = {jobs}: expected at least one thread")
    if jobs == 1:
        return [work(j) for j in range(m)]
    with threadpool_limits(1):
        return list(Parallel(n_jobs=jobs, backend="threading")(delayed(work)(j) for j in range(m)))


def smallest(distance: np.ndarray, topk: int) -> tuple[np.ndarray, np.ndarray]:
    """The topk smallest of each row of distance (Q, N), ascending, ties by place: values and places, both (Q, topk)."""
    places = np.empty((len(distance), topk), np.int64)
    bound = np.partition(distance, topk - 1, axis=1)[:, topk - 1]
    for i, row in enumerate(distance):
        candidates = np.flatnonzero(row <= bound[i])  # ascending, so that a stable sort keeps ties in order
        places[i] = candidates[np.argsort(row[candidates], kind="stable")[:topk]]
    return np.take_along_axis(distance, places, axis=1), places


def check_vectors(x: np.ndarray, dim: int | None = None) -> np.ndarray:
    """x as (N, D) finite real numbers with N >= 1, D >= 1 (D = dim where given), or ValueError."""
    x = np.asarray(x)
    if x.ndim != 2 or not x.size:
        raise ValueError(f"vectors of shape {x.shape}: expected (N, D) with N >= 1 and D >= 1")
    if dim is not None and x.shape[1] != dim:
        raise ValueError(f"vectors of length {x.shape[1]}: expected {dim}, the length the quantizer was trained on")
    if x.dtype.kind not in "iuf":
        raise ValueError(f"vectors of type {x.dtype}: expected real numbers (float32, float64, uint8, ...)")
    if x.dtype.kind == "f" and not all(np.isfinite(x[b : b + 65536]).all() for b in range(0, len(x), 65536)):
        raise ValueError("NaN or infinite values in the vectors: expected finite numbers; drop or repair such rows")
    return x


def check_sizes(n: int, d: int, m: int, k: int) -> None:
    """Refuse M parts of D numbers, or K centroids of N rows, that cannot be."""
    if not 1 <= m <= d:
        raise ValueError(f"M = {m} parts of vectors of length D = {d}: expected 1 <= M <= D")
    if not 1 <= k <= min(n, 65536):
        raise ValueError(f"K = {k} centroids from N = {n} rows: expected 1 <= K <= min(N, 65536)")


def _sums(tables: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """tables (Q, M, K), codes (N, M) -> (Q, N)."""
    total = np.zeros((len(tables), len(codes)))
    for j in range(codes.shape[1]):
        total += tables[:, j, codes[:, j]]
    return total
