"""Table 1 and Figure 3: every row trained over seeds, every curve drawn by the same trained models."""

from __future__ import annotations

from dataclasses import dataclass

import fastcluster
import pandas as pd

from likeness.data.points import CLUSTERS, Level
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import (
    DATASETS,
    LEVELS,
    METRICS,
    MODELS,
    NOISES,
    Protocol,
    Trained,
    curve_sets,
    restore,
    score,
    test,
    test_sets,
    train,
)
from likeness.studies.parallel import run_all

LINKAGES = ("single", "average", "complete", "ward")


@dataclass(frozen=True)
class Rows:
    """All trained rows.

    table : one line a dataset, level, model, seed and metric; ``value`` the mean over the test sets, ``sd`` the
        unbiased standard deviation over them, as printed
    curves : one line a dataset, method, noise, seed and metric, of the models trained at the easy level
    models : the trained models, by (dataset, level, model, seed)
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    models: dict[tuple[str, str, str, int], Trained]


def train_rows(p: Parameters) -> Rows:
    """Train and test the 16 rows of Table 1 over ``p.seeds`` seeds, and draw their curves of Figure 3."""
    protocol = Protocol.of(p)
    # the DGCNN takes longest: first, so that the last worker is not left alone with one
    tasks = [
        (protocol, dataset, level, model, seed)
        for model in reversed(MODELS)
        for seed in range(p.seeds)
        for dataset in DATASETS
        for level in LEVELS
    ]
    done = list(run_all(_one_row, tasks, p.jobs))
    return Rows(
        table=pd.concat([table for _, table, _ in done], ignore_index=True),
        curves=pd.concat([curve for _, _, curve in done if len(curve)], ignore_index=True),
        models={(t.dataset, t.level, t.model, t.seed): t for t, _, _ in done},
    )


def _one_row(
    p: Protocol, dataset: str, level: Level, model: str, seed: int
) -> tuple[Trained, pd.DataFrame, pd.DataFrame]:
    trained = train(p, dataset, level, model, seed)
    net = restore(p, trained)
    table = summary(test(net, test_sets(p, dataset, seed), dataset)).assign(
        dataset=dataset, level=level, model=model, seed=seed
    )
    curves = [
        summary(test(net, curve_sets(p, dataset, noise, p.curve_samples, seed), dataset)).assign(
            dataset=dataset, method=model, noise=noise, seed=seed
        )
        for noise in (NOISES if level == "easy" else ())
    ]
    return trained, table, pd.concat(curves) if curves else pd.DataFrame()


def summary(scores: list[dict[str, float]]) -> pd.DataFrame:
    """Mean and unbiased standard deviation of each metric over point sets: columns metric, value, sd."""
    frame = pd.DataFrame(scores)[list(METRICS)]
    return pd.DataFrame({"metric": METRICS, "value": frame.mean().to_numpy(), "sd": frame.std(ddof=1).to_numpy()})


def classical_curves(p: Parameters) -> pd.DataFrame:
    """Scores of the four linkages on ``p.classical_samples`` sets a noise value: one line a set and metric."""
    tasks = [(Protocol.of(p), dataset, noise, p.classical_samples) for dataset in DATASETS for noise in NOISES]
    return pd.concat(run_all(_one_noise, tasks, p.jobs), ignore_index=True)


def _one_noise(p: Protocol, dataset: str, noise: float, count: int) -> pd.DataFrame:
    lines = []
    for sample, points in enumerate(curve_sets(p, dataset, noise, count, "classical")):
        for method in LINKAGES:
            scores = score(fastcluster.linkage(points.x, method), points.y, CLUSTERS[dataset])
            lines += [(dataset, method, noise, sample, metric, value) for metric, value in scores.items()]
    return pd.DataFrame(lines, columns=["dataset", "method", "noise", "sample", "metric", "value"])


def long_table(table: pd.DataFrame) -> pd.DataFrame:
    """Means and standard deviations of Table 1 as one tidy column: metric becomes ari_k, ari_k_sd, ..."""
    sds = table.assign(metric=table.metric + "_sd", value=table.sd)
    return pd.concat([table, sds], ignore_index=True).drop(columns="sd")


def as_printed(curves: pd.DataFrame) -> pd.DataFrame:
    """Curves with the metric names of the printed figure: ari@k for ari_k."""
    return curves.assign(metric=curves.metric.str.replace("_k", "@k"))
