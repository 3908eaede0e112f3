"""Sets much larger than those a model was trained on: does it keep its scores, and what does it cost?

The paper offers its networks for point sets of any size and tests them on the sizes it trained on. Here the models
of `rows` (hard level, sets of 200-300 points) are given ever larger sets at one noise, beside the linkages.
The cost is in `scaling_cost`, the figures are in `scaling_pictures`: a new colour must not cost a new run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import fastcluster
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from likeness.data.points import CLUSTERS, PointSet, draw_at
from likeness.models.clustering.decoding import decode_circle
from likeness.models.clustering.networks import SimilarityModel
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import (
    DATASETS,
    METRICS,
    MODELS,
    Protocol,
    Trained,
    directions,
    generator,
    restore,
    score,
    with_angle,
)
from likeness.studies.clustering.rows import LINKAGES, Rows
from likeness.studies.parallel import run_all

#: Half way along the axis of Figure 3.
NOISE = 0.08
#: Most sets a size and seed, as a multiple of ``large_samples``.
MOST_SETS = 10
#: How a network may treat n points. Each way differs from the one before in one thing, so that their differences
#: are the price of a tree of all points and the price of a neighbourhood of all points. The points left out join
#: their nearest sampled point, in the plane. The other control, k = 10 n / 250 neighbours, is not run: it is another
#: network (a maximum over more messages than it was trained with), and at 10,000 points it holds 2 GB of messages.
WAYS = {
    "all": "all points embedded, all in the tree",
    "few-decoded": "all points embedded, a sample of training size in the tree",
    "few": "a sample of training size embedded, and in the tree",
}


@dataclass(frozen=True)
class Net:
    """A trained model as an argument of `run_all`, which keeps results by the repr of their arguments.

    The repr of `Trained` prints tensors, and torch shortens those: models that differ may print alike. So this one
    names the weights by a hash of their content; their shapes, which it covers, also tell the width.
    """

    protocol: Protocol
    trained: Trained

    def __repr__(self) -> str:
        """Where the model comes from and the hash of its weights."""
        sha = hashlib.sha256()
        for name, value in sorted(self.trained.state.items()):
            array = np.ascontiguousarray(value.numpy())
            sha.update(f"{name} {array.dtype} {value.shape}".encode() + array.tobytes())
        t = self.trained
        return f"Net({t.dataset}/{t.level}/{t.model}/{t.seed}, {sha.hexdigest()})"


def sizes(p: Parameters) -> list[int]:
    """Points a set: the middle of the training sizes, then 1,000 and 3,000, 10,000 and so on up to ``large_n``.

    Steps closer than a factor of two to either end are left out.

    Raises
    ------
    ValueError : ``large_n`` is not above the sizes of training
    """
    small = (p.points_low + p.points_high) // 2
    if p.large_n <= p.points_high:
        raise ValueError(
            f"large_n = {p.large_n}: expected more than points_high = {p.points_high}, the largest set of training"
        )
    steps = [n for n in (1_000, 3_000, 10_000, 30_000) if 2 * small <= n <= p.large_n / 2]
    return [small, *steps, p.large_n]


def count(p: Parameters, n: int) -> int:
    """Sets of n points a seed: a small set says less, so that all sizes get about as many points, within a limit."""
    return p.large_samples * max(1, min(MOST_SETS, p.large_n // n))


def large_sets(base: int, dataset: str, n: int, seed: int, many: int) -> list[PointSet]:
    """The sets of one size and seed, the same for all methods (moons: one point less where n is odd)."""
    return draw_at(dataset, NOISE, many, generator(base, "scaling", dataset, n, seed), (n, n))


def run_quality(p: Parameters, rows: Rows) -> pd.DataFrame:
    """Scores of every method on ever larger sets: columns dataset, method, way, n, seed, metric, value.

    ``value`` is the mean over the sets of a seed. The seed is that of the training and of the sets; the linkages are
    given the same sets. Average and complete linkage hold 4 n^2 bytes of distances: 400 MB a worker at 10,000 points.
    """
    protocol, (small, *_) = Protocol.of(p), sizes(p)
    tasks = [
        (p.seed, dataset, n, seed, count(p, n), small, method)
        for n in reversed(sizes(p))  # the longest first
        for dataset in DATASETS
        for seed in range(p.seeds)
        for method in (*(Net(protocol, rows.models[dataset, "hard", m, seed]) for m in MODELS), *LINKAGES)
    ]
    return pd.concat(run_all(_one_size, tasks, p.jobs), ignore_index=True)


def _one_size(base: int, dataset: str, n: int, seed: int, many: int, small: int, method: Net | str) -> pd.DataFrame:
    k, lines = CLUSTERS[dataset], []
    net = restore(method.protocol, method.trained) if isinstance(method, Net) else None
    for sample, points in enumerate(large_sets(base, dataset, n, seed, many)):
        if net is None:
            trees = {"all": linkage(points.x, str(method))}
        else:
            rng = generator(base, "scaling/few", dataset, n, seed, sample)
            trees = three_ways(partial(embed, net), points.x, small, rng)
        lines += [(way, m, value) for way, t in trees.items() for m, value in score(t, points.y, k).items()]
    frame = pd.DataFrame(lines, columns=["way", "metric", "value"])
    frame = frame.groupby(["way", "metric"], as_index=False, sort=False).mean()
    name = method.trained.model if isinstance(method, Net) else method
    return frame.assign(dataset=dataset, method=name, n=n, seed=seed)


def embed(net: SimilarityModel, x: np.ndarray) -> np.ndarray:
    """Directions (n, 2) float64 of points (n, 2); a point that the network maps to zero lies at angle 0."""
    return with_angle(directions(net, x))


def linkage(x: np.ndarray, method: str) -> np.ndarray:
    """Linkage matrix of points (n, 2); single and Ward without the n x n distances, which the others need."""
    build = fastcluster.linkage_vector if method in ("single", "ward") else fastcluster.linkage
    return np.asarray(build(x, method))


def three_ways(
    embedding: Callable[[np.ndarray], np.ndarray], x: np.ndarray, small: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Linkage matrices (n - 1, 4) of points x (n, 2) by each of `WAYS`; one tree where n <= small, for all of them."""
    u = embedding(x)
    whole = decode_circle(u)
    if len(x) <= small:
        return dict.fromkeys(WAYS, whole)
    few = rng.choice(len(x), small, replace=False)
    host = cKDTree(x[few]).query(x)[1]
    return {
        "all": whole,
        "few-decoded": hang(decode_circle(u[few]), few, host),
        "few": hang(decode_circle(embedding(x[few])), few, host),
    }


def hang(tree: np.ndarray, few: np.ndarray, host: np.ndarray) -> np.ndarray:
    """Tree of n points from a tree of m of them: every other point hangs beside its host at height 0.

    Parameters
    ----------
    tree : (m - 1, 4) linkage matrix
    few : (m,) which of the n points its leaves are
    host : (n,) the place in ``few`` of every point's host

    Returns
    -------
    (n - 1, 4) linkage matrix; a cut into at most m clusters is the cut of ``tree``, every point with its host
    """
    n, m = len(host), len(few)
    out = np.zeros((n - 1, 4))
    node, size = few.astype(np.int64), np.ones(2 * m - 1, dtype=np.int64)
    for step, i in enumerate(np.setdiff1d(np.arange(n), few)):
        h = host[i]
        size[h] += 1
        out[step] = min(node[h], i), max(node[h], i), 0.0, size[h]
        node[h] = n + step
    node = np.concatenate([node, 2 * n - m + np.arange(m - 1)])  # the merges of the few come last
    for step, (a, b, height, _) in enumerate(tree):
        pair = [int(a), int(b)]
        size[m + step] = size[pair].sum()
        out[n - m + step] = node[pair].min(), node[pair].max(), height, size[m + step]
    return out


def change(frame: pd.DataFrame) -> pd.DataFrame:
    """Score at the largest size less the score at the size of training, paired by seed."""
    wide = _wide(frame, ["dataset", "method", "way", "seed", "metric"], "n")
    return (wide[wide.columns.max()] - wide[wide.columns.min()]).rename("value").reset_index()


def causes(frame: pd.DataFrame) -> pd.DataFrame:
    """What the networks gain at the largest size, on the same sets and seeds, by seeing less: column cause.

    ``tree``: a tree of a sample instead of all points; ``neighbourhood``: embedding that sample alone as well. An MLP
    embeds every point by itself: its second gain is zero.
    """
    large = frame[(frame.n == frame.n.max()) & frame.method.isin(MODELS)]
    wide = _wide(large, ["dataset", "method", "seed", "metric"], "way")
    gains = {"tree": wide["few-decoded"] - wide["all"], "neighbourhood": wide["few"] - wide["few-decoded"]}
    long = [gain.rename("value").reset_index().assign(cause=cause) for cause, gain in gains.items()]
    return pd.concat(long, ignore_index=True)


def describe(frame: pd.DataFrame, metric: str = "ari_k") -> pd.DataFrame:
    """One metric by data set, method and way (rows) and number of points (columns), mean over seeds."""
    if metric not in METRICS:
        raise ValueError(f"metric {metric!r}: expected one of {', '.join(METRICS)}")
    wide = _wide(frame[frame.metric == metric], ["dataset", "method", "way"], "n")
    wide.columns = [f"{n:,} points" for n in wide.columns]
    return wide.reset_index()


def _wide(frame: pd.DataFrame, keys: list[str], columns: str) -> pd.DataFrame:
    """Mean value by keys, in their order of first appearance, and by an ascending column."""
    return frame.pivot_table(index=keys, columns=columns, values="value", sort=False).sort_index(axis=1)
