"""What the paper never tried: real labelled points, with the rivals that its readers would have asked for.

One split of a set: the labels of 30 % of every class are shown to the methods that learn. **Every** method then builds
its tree on the other points alone, so that no score counts a point whose label was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from likeness.data.points import label_mask
from likeness.data.real import NAMES, RealSet, load, prepare, similarity
from likeness.data.registry import data_root
from likeness.metrics.clustering import dasgupta_cost, dendrogram_purity, scores_at_k
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import generator
from likeness.studies.clustering.real_trees import METHODS, RealProtocol, grow
from likeness.studies.parallel import run_all

METRICS = ("dendrogram_purity", "cost", "cost_ratio", "ari_k", "nmi_k")
_COLUMNS = ["dataset", "method", "seed", "metric", "value", "n", "d", "k"]
_SIZES = ["n", "d", "k", "labels", "in_tree"]


@dataclass(frozen=True)
class RealScores:
    """All scores, and which sets they are of.

    scores : one line a dataset, method, seed (of the split) and metric: value, and n (points in the tree), d, k
    sets : one line a set: n, d, k, labels shown, points in the tree; `left_out` says why a set is missing, else ""
    """

    scores: pd.DataFrame
    sets: pd.DataFrame

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the sets that were left out."""
        return tuple(self.sets.loc[self.sets.left_out != "", "dataset"])


def run_real(p: Parameters, datasets: Sequence[str] = NAMES) -> RealScores:
    """Score every method on ``p.real_seeds`` splits of every set; a set whose file is not here is left out, by name.

    Raises
    ------
    ValueError : an unknown set, a file with another content than its publisher's, or a ``label_share`` that leaves too
        few points to score
    FileNotFoundError : LIKENESS_DATA names no folder (a typing error is not a missing set)
    """
    data_root()
    protocol, lines = RealProtocol.of(p), list[dict[str, object]]()
    for name in datasets:
        try:
            lines.append(_sizes(protocol, load(name)))
        except FileNotFoundError as error:
            lines.append({"dataset": name, "left_out": str(error)})
    sets = pd.DataFrame(lines, columns=["dataset", *_SIZES, "left_out"]).astype(dict.fromkeys(_SIZES, "Int64"))
    here = sets[sets.left_out == ""].sort_values("n", ascending=False).dataset  # the long tasks first
    done = list(run_all(_one_split, [(protocol, name, seed) for name in here for seed in range(p.real_seeds)], p.jobs))
    return RealScores(pd.concat(done, ignore_index=True) if done else pd.DataFrame(columns=_COLUMNS), sets)


def split(p: RealProtocol, data: RealSet, seed: int) -> np.ndarray:
    """Which labels are shown, (n,) bool: ``label_share`` of every class at random; the others make the tree."""
    return label_mask(data.y, p.label_share, generator(p.seed, "real-split", data.name, seed))


def scores(trees: dict[str, np.ndarray], w: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    r"""Scores of trees over the same points, "average" among them: columns method, metric, value.

    .. math:: \mathrm{cost} = \frac{\sum_{i \ne j} w_{ij} |\mathrm{leaves}(i \vee j)|}{n \sum_{i \ne j} w_{ij}}
              \in \Big[\frac{2}{n}, 1\Big]

    is Dasgupta's cost as the share of all points that lie below a pair's LCA, averaged with the weights: for weights
    that are all equal it is 2(n + 1)/(3n), whatever the tree. cost_ratio is to average linkage's. The flat scores cut
    at the true number of classes. w (n, n) similarities, y (n,) labels.
    """
    worst, k = len(y) * (w.sum() - np.trace(w)), len(np.unique(y))
    costs = {method: dasgupta_cost(tree, w) for method, tree in trees.items()}
    lines = []
    for method, tree in trees.items():
        got = scores_at_k(tree, y, k) | {"dendrogram_purity": dendrogram_purity(tree, y)}
        got |= {"cost": costs[method] / worst, "cost_ratio": costs[method] / costs["average"]}
        lines += [(method, metric, got[metric]) for metric in METRICS]
    return pd.DataFrame(lines, columns=["method", "metric", "value"])


def paired(frame: pd.DataFrame, base: str) -> pd.DataFrame:
    """Difference of every other method to ``base`` on the same split; rows and columns otherwise as in the scores."""
    if base not in METHODS:
        raise ValueError(f"method {base!r}: expected one of {', '.join(METHODS)}")
    keys = ["dataset", "seed", "metric"]
    reference = frame[frame.method == base].set_index(keys).value
    rest = frame[frame.method != base].copy()
    rest["value"] = rest.value.to_numpy() - reference.reindex(pd.MultiIndex.from_frame(rest[keys])).to_numpy()
    return rest


def describe(frame: pd.DataFrame, metric: str = "dendrogram_purity") -> pd.DataFrame:
    """One metric by method (rows) and data set (columns), mean over splits, with the words for each method."""
    if metric not in METRICS:
        raise ValueError(f"metric {metric!r}: expected one of {', '.join(METRICS)}")
    table = frame[frame.metric == metric].pivot_table(index="method", columns="dataset", values="value", sort=False)
    table = table.reindex(index=list(METHODS), columns=[name for name in NAMES if name in table])
    table.insert(0, "what it is", [METHODS[name] for name in table.index])
    return table


def _sizes(p: RealProtocol, data: RealSet) -> dict[str, object]:
    known = split(p, data, 0)  # the numbers are the same in every split
    if (np.bincount(data.y[~known], minlength=2) >= 2).sum() < 2:
        raise ValueError(
            f"label_share = {p.label_share}: expected two points without a label in at least two classes of "
            f"{data.name}, to score; lower it"
        )
    sizes = (len(data.y), data.x.shape[1], len(np.unique(data.y)), known.sum(), (~known).sum())
    return {"dataset": data.name, "left_out": "", **dict(zip(_SIZES, sizes, strict=True))}


def _one_split(p: RealProtocol, name: str, seed: int) -> pd.DataFrame:
    data = load(name)
    known = split(p, data, seed)
    with threadpool_limits(1):  # as in a worker of many: the same bits, and no threads that wait for each other
        trees = grow(p, name, data.x, known, data.y[known], seed)
        w, y = similarity(prepare(data.x)[~known]), data.y[~known]
    sizes = {"n": len(y), "d": data.x.shape[1], "k": len(np.unique(y))}
    return scores(trees, w, y).assign(dataset=name, seed=seed, **sizes)[_COLUMNS]
