"""How far the first row of Table 1 and its curve in Figure 3 vary from run to run."""

from __future__ import annotations

import pandas as pd

from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import METRICS, Protocol
from likeness.studies.clustering.rows import Rows, _one_row
from likeness.studies.parallel import run_all

ROW = ("circles", "easy", "mlp")


def run_variance(p: Parameters, rows: Rows) -> pd.DataFrame:
    """Scores of ``p.variance_seeds`` runs of one model: columns seed, metric, source (table1 or fig3), value.

    ``fig3`` is the mean of the run's own curve over the 17 noise values: for a model trained without noise it
    estimates the same expectation as the column of Table 1, whose test noise is uniform over the same interval.
    Seeds that `train_rows` has trained are taken from there.
    """
    protocol = Protocol.of(p)
    more = [(protocol, *ROW, seed) for seed in range(p.seeds, p.variance_seeds)]
    done = list(run_all(_one_row, more, p.jobs))
    key = ["dataset", "level", "model"]
    tables = pd.concat([rows.table[(rows.table[key] == ROW).all(axis=1)]] + [t for _, t, _ in done])
    curves = pd.concat([rows.curves[(rows.curves.dataset == ROW[0]) & (rows.curves.method == ROW[2])]]
                       + [c for _, _, c in done])
    table = tables[["seed", "metric", "value"]].assign(source="table1")
    curve = curves.groupby(["seed", "metric"], as_index=False)["value"].mean().assign(source="fig3")
    both = pd.concat([table, curve], ignore_index=True)
    return both[both.seed < p.variance_seeds]


def likelihood_of_printed(frame: pd.DataFrame, table1: pd.DataFrame, fig3: pd.DataFrame) -> pd.DataFrame:
    """Where each printed value lies among our runs.

    Parameters
    ----------
    frame : of `run_variance`
    table1, fig3 : the paper's printed numbers

    Returns
    -------
    one line a source and metric: printed, mean and sd of our runs, share of our runs at or below the printed value,
    standardised distance z = (printed - mean) / sd
    """
    row = table1[(table1[["dataset", "level", "model"]] == ROW).all(axis=1)].iloc[0]
    curve = fig3[(fig3.dataset == ROW[0]) & (fig3.method == ROW[2])].groupby("metric")["mean"].mean()
    lines = []
    for source in ("table1", "fig3"):
        for metric in METRICS:
            printed = float(row[metric] if source == "table1" else curve[metric.replace("_k", "@k")])
            ours = frame[(frame.source == source) & (frame.metric == metric)].value
            mean, sd = ours.mean(), ours.std(ddof=1)
            lines.append(
                {
                    "source": source,
                    "metric": metric,
                    "printed": printed,
                    "mean": mean,
                    "sd": sd,
                    "at_or_below": float((ours <= printed).mean()),
                    "z": (printed - mean) / sd,
                    "n": len(ours),
                }
            )
    return pd.DataFrame(lines)
