"""FPQ: product quantization with its codebooks made side by side and its codes spread by OpenIndexing.

References
----------
.. [1] He, "Hashing-based Approximate Nearest-Neighbor Search for Large-scale Image Retrieval", section III.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from likeness.models.fpq.lloyd import Rule
from likeness.models.fpq.open_indexing import C, Variant, limit, open_index
from likeness.models.fpq.pq import PQ


@dataclass(frozen=True, eq=False)
class FPQ(PQ):
    """A product quantizer that encodes by OpenIndexing. Table and search are PQ's: only codes differ.

    c, variant : of `open_indexing.open_index`. As the codes depend on the order of the rows and on how many they are,
    a whole database must be encoded in one call.

    >>> x = np.random.default_rng(0).normal(size=(60, 5))
    >>> fpq = FPQ.fit(x, 2, 4, np.random.default_rng(0), c=1.0)
    >>> np.bincount(fpq.encode(x)[:, 0]).tolist()
    [15, 15, 15, 15]
    """

    c: float = C
    variant: Variant = "corrected"

    @classmethod
    def fit(
        cls,
        x: np.ndarray,
        m: int,
        k: int,
        rng: np.random.Generator,
        *,
        rule: Rule | None = None,
        jobs: int = 1,
        c: float = C,
        variant: Variant = "corrected",
    ) -> Self:
        """Train as `PQ.fit`, on `jobs` threads, and encode later with this c and variant. Raises as both do."""
        limit(1, m, k, c, variant=variant)  # refuse a wrong c before the training, not after it
        pq = PQ.fit(x, m, k, rng, rule=rule, jobs=jobs)
        return cls(pq.codebooks, pq.dim, pq.iterations, c, variant)

    def encode(self, x: np.ndarray, *, jobs: int = 1) -> np.ndarray:
        """OpenIndexing of x (N, D) in the order of its rows: codes (N, M) uint8 or uint16."""
        return open_index(self, x, self.c, variant=self.variant, jobs=jobs).codes
