"""Data in shards, by MapReduce: measured to millions of vectors, and on paper to a billion."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from likeness.data.vectors import shards, write
from likeness.models.fpq import mapreduce
from likeness.models.fpq.engines import nbits
from likeness.models.fpq.lloyd import Rule
from likeness.studies.fpq.growth import resident_mb
from likeness.studies.fpq.parameters import Parameters
from likeness.studies.fpq.sets import cores, generator

#: Generated vectors of the width of SIFT's, in whole numbers as those are, so that a file is a real .bvecs.
WIDTH, CLUSTERS = 128, 1_000
#: M and K on them: 8 bytes a vector.
PARTS, CENTROIDS = 8, 256


def run_scaling(p: Parameters) -> pd.DataFrame:
    """Codebooks and codes of ever more vectors: columns n, metric, value.

    Metrics: train_s, encode_s (wall clock), data_mb and index_mb (on the disk), worker_mb (largest peak of a worker),
    worker_growth_mb (over its peak after the first shard), workers (how many). Files are made in a temporary folder,
    which goes; workers of a scheduler elsewhere must see it under the same path.
    """
    lines = []
    rule = Rule(max_iter=p.scale_iterations)
    with (
        tempfile.TemporaryDirectory(prefix="likeness-") as name,
        mapreduce.connect(None if p.scheduler == "local" else p.scheduler, cores(p)) as client,
    ):
        for n in sorted(p.scale_sizes):
            path, index = Path(name) / f"{n}.bvecs", Path(name) / f"{n}.index"
            write(path, blocks(n, p.shard, p.seed))
            cut = shards(path, p.shard)
            mapreduce.fit(cut[:1], PARTS, CENTROIDS, generator(p.seed, "warm"), client, rule=rule)
            warm = peaks(client)
            begun = time.perf_counter()
            pq = mapreduce.fit(cut, PARTS, CENTROIDS, generator(p.seed, "scaling"), client, rule=rule)
            trained = time.perf_counter()
            mapreduce.encode(cut, pq, index, client)
            encoded = time.perf_counter()
            after = peaks(client)
            values = {
                "train_s": trained - begun,
                "encode_s": encoded - trained,
                "data_mb": path.stat().st_size / 2**20,
                "index_mb": sum(f.stat().st_size for f in index.iterdir()) / 2**20,
                "worker_mb": max(after.values()),
                "worker_growth_mb": max(after[w] - warm.get(w, 0.0) for w in after),
                "workers": float(len(after)),
            }
            lines += [(n, metric, value) for metric, value in values.items()]
            path.unlink()
    return pd.DataFrame(lines, columns=["n", "metric", "value"])


def blocks(n: int, rows: int, seed: int) -> Iterator[np.ndarray]:
    """n vectors around `CLUSTERS` centres, (rows, 128) uint8 at a time; the same for every n as far as they go."""
    centre = generator(seed, "centres").integers(0, 256, (CLUSTERS, WIDTH))
    for begin in range(0, n, rows):
        rng = generator(seed, "block", begin, rows)
        noise = rng.integers(-20, 21, (rows, WIDTH))
        block = np.clip(centre[rng.integers(0, CLUSTERS, rows)] + noise, 0, 255).astype(np.uint8)
        yield block[: n - begin]


def peaks(client: Any) -> dict[str, float]:
    """Peak memory of each worker in MB."""
    return dict(client.run(resident_mb, "VmHWM"))


def on_paper(n: int, d: int, m: int, k: int, iterations: int, *, workers: int, gflops: float) -> dict[str, float]:
    r"""Cost and memory of an index of n vectors by formula.

    .. math:: t = \frac{2\,n\,K\,D\,(\text{iterations} + 1)}{\text{workers} \cdot \text{FLOP/s}}, \qquad
              \text{codes} = \frac{n\,M\,\lceil\log_2 K\rceil}{8}, \qquad \text{raw} = 4\,n\,D

    The assignment is all that grows: updates cost n D additions, one part in 2 K. One more pass encodes. gflops: 10^9
    multiplications and additions a second of one worker, as measured by `fit_rate`.

    Returns seconds, codes_gb, raw_gb, codebooks_mb, scan_s (of one query that reads all codes at 10^9 codes of a part
    a second). GB are 10^9 bytes, MB 10^6.
    """
    return {
        "seconds": 2.0 * n * k * d * (iterations + 1) / (workers * gflops * 1e9),
        "codes_gb": n * m * nbits(k) / 8 / 1e9,
        "raw_gb": 4.0 * n * d / 1e9,
        "codebooks_mb": 4.0 * k * d / 1e6,
        "scan_s": n * m / 1e9,
    }


def fit_rate(frame: pd.DataFrame, p: Parameters) -> float:
    """GFLOP/s of one worker in the largest training of `run_scaling`: what `on_paper` takes."""
    n = int(frame.n.max())
    at = frame[frame.n == n].set_index("metric").value
    return float(2.0 * n * CENTROIDS * WIDTH * p.scale_iterations / at["train_s"] / at["workers"] / 1e9)
