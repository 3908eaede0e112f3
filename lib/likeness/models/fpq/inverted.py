r"""OpenIndexing inside an inverted file, which [1]_ tried for days and gave up.

An inverted file keeps each row in the list of a coarse centroid and codes what is left, the residual

.. math:: r_n = x_n - g_{\ell(n)}, \qquad
          d(q, n) = \sum_m \|(q - g_{\ell(n)})_m - c_{m, code_{nm}}\|^2

There are two places for OpenIndexing, and both work, because faiss takes any list and any code for a row:

- *lists*: the coarse quantizer is a product quantizer with M = 1, so Algorithm 1 applies as it is. Lists of at most
  ceil(c N / L) rows bound the time of a query, which is what balance is for. The one thing that must not be done is to
  code the residual to the *nearest* centroid of a row that went to another list: the distance is then that of another
  point. (Whether this is what failed in [1]_ is not known: that code is not public.)
- *codes*: of residuals; counted over the whole file, or anew in each list. In a list of fewer rows than centroids the
  limit of the second way is c or 2 c, so that rows that resemble each other are pushed apart.

References
----------
.. [1] He, "Hashing-based Approximate Nearest-Neighbor Search for Large-scale Image Retrieval", section III.A.
.. [2] Jegou, Douze, Schmid, "Product Quantization for Nearest Neighbor Search", PAMI 2011, section IV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np

from likeness.models.fpq.engines import to_index_ivfpq
from likeness.models.fpq.lloyd import Rule
from likeness.models.fpq.open_indexing import Variant, cell_counts, open_index
from likeness.models.fpq.pq import PQ, check_vectors, smallest

Scope = Literal["file", "list"]
SCOPES: Final = ("file", "list")


@dataclass(frozen=True)
class Open:
    """Where OpenIndexing acts.

    lists, codes : c of eq. 3 (>= 1) for the lists and for the codes; None: the nearest one, as faiss does it.
    scope : whether entries of a code are counted over the whole file or in each list.
    variant : of `open_indexing.open_index`. "literal" shares one count table among the subspaces.
    """

    lists: float | None = None
    codes: float | None = None
    scope: Scope = "file"
    variant: Variant = "corrected"

    def __post_init__(self) -> None:
        """Refuse an unknown scope; c and variant are checked where they are used."""
        if self.scope not in SCOPES:
            raise ValueError(f"scope {self.scope!r}: expected one of {', '.join(SCOPES)}")


@dataclass(frozen=True, eq=False)
class Coarse:
    """The trained half of an inverted file: L lists, and a quantizer of what is left after them.

    coarse : PQ with M = 1 and K = L over whole vectors. residual : PQ of residuals, shared by all lists.
    """

    coarse: PQ
    residual: PQ

    @classmethod
    def fit(
        cls, x: np.ndarray, lists: int, m: int, k: int, rng: np.random.Generator, *, rule: Rule | None = None,
        jobs: int = 1,
    ) -> Self:  # fmt: skip
        """Train on x (N, D): L = lists coarse centroids, then M codebooks of K on the residuals to the nearest ones.

        Raises ValueError as `PQ.fit` does: L > N, K > N, M > D, NaN, ...
        """
        coarse = PQ.fit(x, 1, lists, rng, rule=rule, jobs=jobs)
        left = residuals(coarse, x, coarse.encode(x)[:, 0])
        return cls(coarse, PQ.fit(left, m, k, rng, rule=rule, jobs=jobs))

    def fill(self, x: np.ndarray, how: Open | None = None, *, jobs: int = 1) -> Inverted:
        """Put x (N, D) into the lists in the order of its rows and code its residuals."""
        chosen = how or Open()
        x = check_vectors(x, self.coarse.dim)
        lists = _codes(self.coarse, x, chosen.lists, chosen.variant, jobs)[:, 0].astype(np.int64)
        left = residuals(self.coarse, x, lists)  # to the list it went to, not to the nearest one
        if chosen.codes is None or chosen.scope == "file":
            return Inverted(self, lists, _codes(self.residual, left, chosen.codes, chosen.variant, jobs))
        codes = np.empty((len(x), self.residual.m), self.residual.code_type)
        for one in np.unique(lists):
            inside = lists == one
            codes[inside] = _codes(self.residual, left[inside], chosen.codes, chosen.variant, jobs)
        return Inverted(self, lists, codes)


@dataclass(frozen=True, eq=False)
class Inverted:
    """A filled inverted file: the list of each row, lists (N,) int64, and its codes (N, M)."""

    trained: Coarse
    lists: np.ndarray
    codes: np.ndarray

    def index(self) -> Any:
        """The same file as a faiss `IndexIVFPQ`; scan more than one list by `engines.set_nprobe`."""
        return to_index_ivfpq(self.trained.residual, self.centroids, self.lists, self.codes)

    @property
    def centroids(self) -> np.ndarray:
        """Coarse centroids (L, D) float32."""
        return np.asarray(self.trained.coarse.codebooks[0])

    def decode(self) -> np.ndarray:
        """What the file knows of its rows: (N, D) float32, list centroid plus decoded residual."""
        return np.asarray(self.centroids[self.lists] + self.trained.residual.decode(self.codes))

    def sizes(self) -> np.ndarray:
        """Rows in each list: (L,) int64."""
        return np.bincount(self.lists, minlength=len(self.centroids))

    def counts(self) -> np.ndarray:
        """Entries of each residual centroid: (M, K) int64."""
        return cell_counts(self.codes, self.trained.residual.k)

    def search(self, queries: np.ndarray, topk: int, nprobe: int) -> tuple[np.ndarray, np.ndarray]:
        """The reference for faiss: scan the nprobe nearest lists of each query; ties go to the smaller row.

        queries (Q, D) -> squared distances (Q, topk) float64 and rows (Q, topk) int64; inf and -1 where the lists
        hold fewer rows than topk.
        """
        queries = check_vectors(queries, self.trained.coarse.dim)
        lists = len(self.centroids)
        if not 1 <= nprobe <= lists or topk < 1:
            raise ValueError(f"nprobe = {nprobe}, topk = {topk}: expected 1 <= nprobe <= {lists} and topk >= 1")
        probed = smallest(self.trained.coarse.dtable(queries)[:, 0], nprobe)[1]  # (Q, nprobe)
        distance, rows = np.full((len(queries), topk), np.inf), np.full((len(queries), topk), -1)
        for i, query in enumerate(queries):
            inside = np.flatnonzero(np.isin(self.lists, probed[i]))
            far = np.empty(len(inside))
            for one in probed[i]:  # one table a list: the residual of the query differs
                here = self.lists[inside] == one
                table = self.trained.residual.dtable((query - self.centroids[one])[None])[0]  # (M, K)
                far[here] = table[np.arange(len(table)), self.codes[inside[here]]].sum(axis=1)
            best = np.argsort(far, kind="stable")[:topk]
            distance[i, : len(best)], rows[i, : len(best)] = far[best], inside[best]
        return distance, rows


def residuals(coarse: PQ, x: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """x (N, D) less the coarse centroids of lists (N,): (N, D) float32."""
    return np.asarray(x.astype(np.float32) - coarse.codebooks[0][lists])


def _codes(pq: PQ, x: np.ndarray, c: float | None, variant: Variant, jobs: int) -> np.ndarray:
    return pq.encode(x, jobs=jobs) if c is None else open_index(pq, x, c, variant=variant, jobs=jobs).codes
