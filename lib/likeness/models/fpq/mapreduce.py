"""Codebooks and codes by MapReduce on Dask, from shards of files that need not fit into memory.

What [1]_ names ("do in parallel with MapReduce/Multithreading") and its code does not have. Every iteration maps
`lloyd.partial` over the shards, for all subspaces at once so that a shard is read once, reduces by `lloyd.merge` in a
tree, and moves the centroids here. A worker holds one shard and its partial sums, whatever the number of shards. What a
lost worker was doing or had done is done again by another: every task, the one that carries the centroids included, can
be repeated.

References
----------
.. [1] He, "Hashing-based Approximate Nearest-Neighbor Search for Large-scale Image Retrieval", Algorithm 2.
.. [2] Zhao, Ma, He, "Parallel K-Means Clustering Based on MapReduce", CloudCom 2009.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from distributed import Client, KilledWorker, LocalCluster, wait

from likeness.data.vectors import Shard, read
from likeness.models.fpq import store
from likeness.models.fpq.lloyd import Lloyd, Partial, Rule, merge, partial
from likeness.models.fpq.pq import PQ, check_sizes, check_vectors, subvectors

#: Partial sums that one reduce task takes.
FAN_IN: Final = 8


@contextmanager
def connect(address: str | None = None, workers: int = 2, *, timeout_s: float = 10.0) -> Iterator[Client]:
    """A Dask client: of the scheduler at `address` (``tcp://host:8786``), or of `workers` local processes.

    Workers of a remote scheduler must see the files of the shards, and the folder of an index, under the same paths.

    Raises
    ------
    ConnectionError : no scheduler answers within timeout_s, or it has no workers.
    ValueError : workers < 1.
    """
    if address is None:
        if workers < 1:
            raise ValueError(f"workers = {workers}: expected at least one")
        options = {"threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
        with LocalCluster(n_workers=workers, **options) as cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(address, timeout=timeout_s)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"no Dask scheduler at {address!r} ({error}); start one by `dask scheduler`, "
            "or give no address for workers on this machine"
        ) from error
    with client:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            raise ConnectionError(f"the scheduler at {address} has no workers; start some by `dask worker {address}`")
        yield client


def fit(
    shards: Sequence[Shard], m: int, k: int, rng: np.random.Generator, client: Client, *, rule: Rule | None = None
) -> PQ:
    """Train M codebooks of K on all rows of the shards: what `PQ.fit` gives on them in memory, to rounding.

    Parameters
    ----------
    shards : of `vectors.shards`; together (N, D), the order of their rows counts.
    m, k, rng, rule : as in `PQ.fit`. With the same generator it starts from the same rows.
    client : of `connect`.

    Raises
    ------
    ValueError : no shard, M > D, K > N, NaN in a shard, a damaged file.
    FileNotFoundError : a worker does not see a file.
    RuntimeError : workers died again and again on one task.
    """
    if not shards:
        raise ValueError("no shards: expected at least one; see `vectors.shards`")
    n, d = sum(len(s) for s in shards), read(_row(shards[0], 0)).shape[1]
    check_sizes(n, d, m, k)
    first = check_vectors(_take(shards, rng.choice(n, size=k, replace=False)))
    states = [Lloyd(subvectors(first, m, j), rule or Rule()) for j in range(m)]
    checked = False
    while running := {j: state.centroids for j, state in enumerate(states) if state.running}:
        held = client.submit(_hold, running, pure=False)
        maps = [client.submit(_map, s, m, held, states[0].rule, not checked, pure=False) for s in shards]
        for j, part in _finish(_reduce(client, maps)).items():
            states[j].step(part)
        checked = True
    return PQ.of(states, d)


def encode(shards: Sequence[Shard], pq: PQ, folder: Path | str, client: Client) -> store.Stored:
    """Encode all shards into an index at `folder`, one file of codes a shard, and open it.

    A quantizer whose codes depend on the rows before (`FPQ`) counts anew in every shard: corrected OpenIndexing then
    keeps a centroid to at most c N / K entries and one more a shard.

    Raises as `store.build` (a full disk: nothing is left) and as `fit`.
    """

    def fill(half: Path) -> None:
        held = client.submit(_hold, pq, pure=False)
        tasks = [client.submit(_encode, s, held, half.resolve(), i, pure=False) for i, s in enumerate(shards)]
        wait(tasks)  # for all of them, also after an error: none may write into a folder that is being removed
        for task in tasks:
            _finish(task)

    store.build(folder, pq, fill)
    return store.load(folder)


def _hold(value: Any) -> Any:
    """A task and not scattered data: scattered data that a lost worker held cannot be made again."""
    return value


def _map(shard: Shard, m: int, centroids: dict[int, np.ndarray], rule: Rule, check: bool) -> dict[int, Partial]:
    """Partial sums of one shard for the subspaces that still run."""
    x = read(shard)
    if check:
        check_vectors(x)
    return {j: partial(subvectors(x, m, j), c, rule) for j, c in centroids.items()}


def _encode(shard: Shard, pq: PQ, half: Path, number: int) -> None:
    store.write_part(half, number, pq, pq.encode(read(shard)))


def _merge(*parts: dict[int, Partial]) -> dict[int, Partial]:
    return {j: merge([p[j] for p in parts]) for j in parts[0]}


def _reduce(client: Client, tasks: list[Any]) -> Any:
    """A tree of merges, neighbours first: the order of the rows is kept."""
    while len(tasks) > 1:
        groups = [tasks[b : b + FAN_IN] for b in range(0, len(tasks), FAN_IN)]
        tasks = [client.submit(_merge, *group, pure=False) for group in groups]
    return tasks[0]


def _finish(task: Any) -> Any:
    try:
        return task.result()
    except KilledWorker as error:
        raise RuntimeError(
            f"workers died again and again on one task ({error}); if memory ran out, cut smaller shards"
        ) from error


def _row(shard: Shard, i: int) -> Shard:
    return Shard(shard.path, shard.begin + i, shard.begin + i + 1)


def _take(shards: Sequence[Shard], rows: np.ndarray) -> np.ndarray:
    """Some rows by their number over all shards, in the order asked for: (len(rows), D)."""
    starts = np.cumsum([0, *(len(s) for s in shards)])
    where = np.searchsorted(starts, rows, side="right") - 1
    return np.vstack([read(_row(shards[s], int(r - starts[s]))) for s, r in zip(where, rows, strict=True)])
