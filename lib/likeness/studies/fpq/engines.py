"""The engines of Figures 7-9, Table 2 and the race, each as: train, encode, search."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import faiss
import numpy as np
from sklearn.neighbors import NearestNeighbors

from likeness.models.fpq import published
from likeness.models.fpq.engines import nbits, padded, set_nprobe, to_index_pq
from likeness.models.fpq.lloyd import Rule
from likeness.models.fpq.open_indexing import open_index
from likeness.models.fpq.pq import PQ, smallest
from likeness.studies.fpq.sets import generator

Search = Callable[[np.ndarray, int], np.ndarray]
#: Probed lists of an inverted file.
NPROBE = 8


class Took(NamedTuple):
    """Seconds of wall clock, and of the processor in all threads."""

    wall: float
    cpu: float


@dataclass(frozen=True, eq=False)
class Built:
    """An index: what training and encoding took, how it is searched, its size and its loss.

    search : queries (Q, D), topk -> rows (Q, topk). bits : of the code of one vector (an inverted file also keeps its
    number, 64 bits). distortion : mean squared error of a decoded row, 0 for exact engines, NaN where the engine does
    not decode. iterations : of k-means, summed over the parts; NaN where the engine does not say.
    """

    train: Took
    encode: Took
    search: Search
    bits: int
    distortion: float
    iterations: float = math.nan


@dataclass(frozen=True)
class Job:
    """What an engine is given: M, K, seed and threads."""

    m: int
    k: int
    seed: int
    jobs: int = 1


def build(engine: str, x: np.ndarray, job: Job) -> Built:
    """Build one of `ENGINES` on x (N, D) float32. Raises ValueError on an unknown name."""
    if engine not in ENGINES:
        raise ValueError(f"engine {engine!r}: expected one of {', '.join(ENGINES)}")
    faiss.omp_set_num_threads(job.jobs)
    return ENGINES[engine](x, job)


def clocks(call: Callable[[], Any]) -> tuple[Any, Took]:
    """Result of a call and what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return result, Took(time.perf_counter() - wall, time.process_time() - cpu)


def _ours(opening: str | None, rule: Rule | None = None) -> Callable[[np.ndarray, Job], Built]:
    """PQ, or FPQ where OpenIndexing is given."""

    def make(x: np.ndarray, job: Job) -> Built:
        rng = generator(job.seed, "fit")
        pq, train = clocks(lambda: PQ.fit(x, job.m, job.k, rng, rule=rule, jobs=job.jobs))

        def encode() -> np.ndarray:
            return pq.encode(x, jobs=job.jobs) if opening is None else _open(pq, x, opening, job.jobs)

        codes, coded = clocks(encode)
        index = to_index_pq(pq, codes)
        bits = pq.m * nbits(pq.k)
        return Built(train, coded, _faiss_search(index), bits, lost(x, pq.decode(codes)), float(pq.iterations.sum()))

    return make


def _published(opening: str | None) -> Callable[[np.ndarray, Job], Built]:
    """The published code with its codebooks in order: k-means to the end, its starting rows, its plain codes."""

    def make(x: np.ndarray, job: Job) -> Built:
        pq, train = clocks(lambda: published.fit(x, job.m, job.k, seed=published.SEED + job.seed, jobs=job.jobs))

        def encode() -> np.ndarray:
            return published.encode(pq, x, jobs=job.jobs) if opening is None else _open(pq, x, opening, job.jobs)

        codes, coded = clocks(encode)
        index, loss = to_index_pq(pq, codes), lost(x, pq.decode(codes))
        return Built(train, coded, _faiss_search(index), 8 * pq.m, loss, float(pq.iterations.sum()))

    return make


def _flat(x: np.ndarray, job: Job) -> Built:  # noqa: ARG001  every engine takes a job
    index = faiss.IndexFlatL2(x.shape[1])
    _, coded = clocks(lambda: index.add(x))
    return Built(Took(0.0, 0.0), coded, _faiss_search(index), 32 * x.shape[1], 0.0)


def _scikit_learn(x: np.ndarray, job: Job) -> Built:
    index, coded = clocks(lambda: NearestNeighbors(algorithm="brute", n_jobs=job.jobs).fit(x))

    def search(queries: np.ndarray, topk: int) -> np.ndarray:
        return np.asarray(index.kneighbors(queries, topk, return_distance=False))

    return Built(Took(0.0, 0.0), coded, search, 32 * x.shape[1], 0.0)


def _faiss(make: Callable[[int, int, Job, int], Any]) -> Callable[[np.ndarray, Job], Built]:
    """An index of faiss, trained by itself, on vectors padded to a multiple of M."""

    def built(x: np.ndarray, job: Job) -> Built:
        shape = _shape(x, job)
        wide = shape.pad(x)
        index = make(wide.shape[1], nbits(job.k), job, len(x))
        _, train = clocks(lambda: index.train(wide))
        _, coded = clocks(lambda: index.add(wide))
        loss = lost(wide, _decoded(index, len(x)))
        return Built(train, coded, _faiss_search(padded(index, shape)), 8 * index.code_size, loss)

    return built


def _index_pq(d: int, bits: int, job: Job, n: int) -> Any:  # noqa: ARG001  as the others
    return _seeded(faiss.IndexPQ(d, job.m, bits), job)


def _fast_scan(d: int, bits: int, job: Job, n: int) -> Any:  # noqa: ARG001
    """As many bits a vector, in parts of four: what faiss scans in registers."""
    parts = job.m * bits // 4
    parts = next(m for m in range(parts, 0, -1) if d % m == 0)
    return _seeded(faiss.IndexPQFastScan(d, parts, 4), job)


def _ivf_pq(d: int, bits: int, job: Job, n: int) -> Any:
    lists = lists_of(n)
    index = faiss.IndexIVFPQ(faiss.IndexFlatL2(d), d, lists, job.m, bits)
    set_nprobe(index, min(NPROBE, lists))
    return _seeded(index, job)


def _seeded(index: Any, job: Job) -> Any:
    for training in (index.pq.cp, *([index.cp] if isinstance(index, faiss.IndexIVF) else [])):
        training.seed = 1234 + job.seed
        training.min_points_per_centroid = 1  # else it warns, and trains all the same
    return index


def _decoded(index: Any, n: int) -> np.ndarray | None:
    try:
        if isinstance(index, faiss.IndexIVF):
            index.make_direct_map()
        return np.asarray(index.reconstruct_n(0, n))
    except RuntimeError:  # faiss: this index does not decode
        return None


def _nanopq(x: np.ndarray, job: Job) -> Built:
    import nanopq

    peer = nanopq.PQ(job.m, job.k, verbose=False)
    shape = _shape(x, job)
    wide = shape.pad(x)
    with warnings.catch_warnings():
        # the peer leaves cells of constant pixels empty, once a part: the distortion tells, a line a part does not
        warnings.filterwarnings("ignore", message="One of the clusters is empty")
        _, train = clocks(lambda: peer.fit(wide, seed=job.seed))
    codes, coded = clocks(lambda: peer.encode(wide))

    def search(queries: np.ndarray, topk: int) -> np.ndarray:
        far = (peer.dtable(q).adist(codes)[None] for q in shape.pad(queries))
        return np.concatenate([smallest(line, topk)[1] for line in far])

    bits = job.m * 8 * np.dtype(peer.code_dtype).itemsize
    return Built(train, coded, search, bits, lost(wide, peer.decode(codes)))


def lists_of(n: int) -> int:
    """Lists of an inverted file of n rows: their square root."""
    return max(1, round(math.sqrt(n)))


def _shape(x: np.ndarray, job: Job) -> PQ:
    """A quantizer of the job's shape with nothing in it: what pads x for a peer."""
    return PQ(np.empty((job.m, 1, -(-x.shape[1] // job.m)), np.float32), x.shape[1], np.empty(job.m))


def lost(x: np.ndarray, decoded: np.ndarray | None) -> float:
    """Mean squared distance of rows to what they decode to; NaN without decoded rows."""
    if decoded is None:
        return float("nan")
    step = 4096
    total = sum(float(((x[b : b + step] - decoded[b : b + step]) ** 2).sum()) for b in range(0, len(x), step))
    return total / len(x)


def _open(pq: PQ, x: np.ndarray, variant: Any, jobs: int) -> np.ndarray:
    return open_index(pq, x, variant=variant, jobs=jobs).codes


def _faiss_search(index: Any) -> Search:
    return lambda queries, topk: np.asarray(index.search(np.ascontiguousarray(queries, np.float32), topk)[1])


#: Name -> builder. "published-..." are the paper's code with codebooks in order; what its race costs is another study.
ENGINES: Final[dict[str, Callable[[np.ndarray, Job], Built]]] = {
    "exact": _flat,
    "scikit-learn": _scikit_learn,
    "pq": _ours(None),
    "fpq": _ours("corrected"),
    "fpq-literal": _ours("literal"),
    "published-pq": _published(None),
    "published-fpq": _published("published"),
    "faiss-pq": _faiss(_index_pq),
    "faiss-fastscan": _faiss(_fast_scan),
    "faiss-ivfpq": _faiss(_ivf_pq),
    "nanopq": _nanopq,
}
