r"""Into faiss and back: codebooks and codes of a quantizer become an index that scans them at faiss's speed.

What faiss cannot do itself is brought about by what is put in: a vector that M does not divide gets its zeros from a
transform before the index, and a codebook whose size is no power of two is filled up with centroids that no code names.
So the neighbours are those of `PQ.search`, up to the rounding of single precision.

References
----------
.. [1] Douze et al., "The Faiss library", 2024; its `IndexPQ`, `IndexIVFPQ`, `RemapDimensionsTransform`.
"""

from __future__ import annotations

from typing import Any, Final

import faiss
import numpy as np

from likeness.models.fpq.pq import PQ

#: faiss's ProductQuantizer takes codebooks of 2 to 2^16 centroids.
_MOST_BITS: Final = 16


def to_index_pq(pq: PQ, codes: np.ndarray) -> Any:
    """An exhaustive index of codes (N, M): faiss `IndexPQ`, behind a transform where vectors need padding.

    Its ``search(queries, topk)`` takes queries (Q, D) float32 and returns squared distances (Q, topk) float32 and rows
    (Q, topk) int64, -1 where topk > N.

    Raises ValueError on codes that are not this quantizer's.
    """
    codes = pq.check_codes(codes)
    m, _, ds = pq.codebooks.shape
    index = faiss.IndexPQ(m * ds, m, nbits(pq.k))
    _set_codebooks(index.pq, pq)
    index.is_trained = True
    index.add_sa_codes(pack(codes, pq.k))
    return padded(index, pq)


def from_index_pq(index: Any) -> tuple[PQ, np.ndarray]:
    """Quantizer and codes (N, M) of a trained faiss `IndexPQ`: what faiss trains, OpenIndexing can encode.

    `PQ.iterations` is 25 (faiss's own limit, which it always reaches) where the index does not say otherwise.
    """
    if not isinstance(index, faiss.IndexPQ) or not index.is_trained:
        raise ValueError(f"{type(index).__name__}: expected a trained faiss IndexPQ")
    m, k, ds = index.pq.M, index.pq.ksub, index.pq.dsub
    books = faiss.vector_to_array(index.pq.centroids).reshape(m, k, ds)
    packed = faiss.vector_to_array(index.codes).reshape(index.ntotal, index.code_size)
    codes = faiss.unpack_bitstrings(packed, m, index.pq.nbits) if len(packed) else np.empty((0, m))
    pq = PQ(books, index.d, np.full(m, index.pq.cp.niter))
    return pq, codes.astype(pq.code_type)


def to_index_ivfpq(pq: PQ, coarse: np.ndarray, lists: np.ndarray, codes: np.ndarray) -> Any:
    """An inverted file of residual codes: faiss `IndexIVFPQ`, behind a transform where vectors need padding.

    Parameters
    ----------
    pq : the quantizer of residuals, shared by all lists as in faiss.
    coarse : (L, D) centroids of the lists.
    lists : (N,) int in 0..L-1, the list of each row; it need not be the nearest one.
    codes : (N, M) codes of each row less the centroid of its list.

    Set ``nprobe`` by `set_nprobe`. Raises ValueError on shapes that do not fit, or codes or lists out of range.
    """
    codes = pq.check_codes(codes)
    coarse, lists = np.asarray(coarse, np.float32), np.asarray(lists)
    if coarse.ndim != 2 or coarse.shape[1] != pq.dim or lists.shape != (len(codes),):
        raise ValueError(
            f"centroids {coarse.shape}, lists {lists.shape}, codes {codes.shape}: expected (L, {pq.dim}), (N,), (N, M)"
        )
    if len(lists) and not 0 <= lists.min() <= lists.max() < len(coarse):
        raise ValueError(f"lists from {lists.min()} to {lists.max()}: expected 0..{len(coarse) - 1}")
    m, _, ds = pq.codebooks.shape
    flat = faiss.IndexFlatL2(m * ds)
    flat.add(pq.pad(coarse))
    index: Any = faiss.IndexIVFPQ(flat, m * ds, len(coarse), m, nbits(pq.k))
    index.is_trained = True
    _set_codebooks(index.pq, pq)
    index.precompute_table()  # for speed; after the codebooks, as it holds products of them
    packed, swig = pack(codes, pq.k), faiss.swig_ptr
    for one in range(len(coarse)):
        rows = np.flatnonzero(lists == one).astype(np.int64)
        if len(rows):
            part = np.ascontiguousarray(packed[rows])
            index.invlists.add_entries(one, len(rows), swig(rows), swig(part))
    index.ntotal = len(codes)
    return padded(index, pq)


def set_nprobe(index: Any, nprobe: int) -> None:
    """Let an index of `to_index_ivfpq` scan the nprobe nearest lists, 1 <= nprobe."""
    if nprobe < 1:
        raise ValueError(f"nprobe = {nprobe}: expected at least 1 list")
    faiss.extract_index_ivf(index).nprobe = nprobe


def padded(index: Any, pq: PQ) -> Any:
    """The index behind zeros that lengthen vectors of D to M Ds numbers; the index itself where none are needed."""
    if index.d == pq.dim:
        return index
    remap: Any = faiss.RemapDimensionsTransform  # its stub knows only one of its constructors
    return faiss.IndexPreTransform(remap(pq.dim, index.d, False), index)


def nbits(k: int) -> int:
    """Bits of a code of K centroids in faiss, 1..16.

    >>> nbits(256), nbits(257), nbits(1)
    (8, 9, 1)
    """
    if not 1 <= k <= 1 << _MOST_BITS:
        raise ValueError(f"K = {k}: expected 1..{1 << _MOST_BITS}")
    return max(1, (k - 1).bit_length())


def pack(codes: np.ndarray, k: int) -> np.ndarray:
    """Codes (N, M) as faiss stores them: (N, ceil(M nbits / 8)) uint8."""
    bits = nbits(k)
    if bits == 8:
        return np.ascontiguousarray(codes, np.uint8)
    return np.asarray(faiss.pack_bitstrings(np.ascontiguousarray(codes, np.int32), bits))


def _set_codebooks(target: Any, pq: PQ) -> None:
    """Write codebooks (M, K, Ds) into a faiss ProductQuantizer, filled up to a power of two with zeros."""
    m, k, ds = pq.codebooks.shape
    books = np.zeros((m, 1 << nbits(k), ds), np.float32)
    books[:, :k] = pq.codebooks
    faiss.copy_array_to_vector(books.ravel(), target.centroids)
