"""How far the first row of Table 1 and its curve in Figure 3 vary from run to run."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import METRICS, Protocol
from likeness.studies.clustering.rows import Rows, _one_row
from likeness.studies.parallel import run_all

ROW = ("circles", "easy", "mlp")
SOURCES = ("table1", "fig3", "difference")


def run_variance(p: Parameters, rows: Rows) -> pd.DataFrame:
    """Scores of ``p.variance_seeds`` runs of one model: columns seed, metric, source (of `SOURCES`), value.

    ``fig3`` is the mean of the run's own curve over the 17 noise values: for a model trained without noise it
    estimates the same expectation as the column of Table 1, whose test noise is uniform over the same interval.
    ``difference`` is the first less the second of one and the same run. Seeds that `train_rows` has trained are taken
    from there.
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
    pair = table.merge(curve, on=["seed", "metric"])
    gap = pair.assign(value=pair.value_x - pair.value_y, source="difference")[["seed", "metric", "source", "value"]]
    found = pd.concat([table, curve, gap], ignore_index=True)
    return found[found.seed < p.variance_seeds]


def likelihood_of_printed(frame: pd.DataFrame, table1: pd.DataFrame, fig3: pd.DataFrame) -> pd.DataFrame:
    """Where each printed value lies among our runs.

    Parameters
    ----------
    frame : of `run_variance`
    table1, fig3 : the paper's printed numbers

    Returns
    -------
    one line a source and metric: printed; mean and sd of our n runs; rank, the share of our runs at or below the
    printed value; z = (printed - mean) / sd; and p, how likely one more run of ours lies at least as far away,

    .. math:: p = 2\\,P\\big(t_{n-1} \\ge |y - m| / (s \\sqrt{1 + 1/n})\\big)
    """
    row = table1[(table1[["dataset", "level", "model"]] == ROW).all(axis=1)].iloc[0]
    curve = fig3[(fig3.dataset == ROW[0]) & (fig3.method == ROW[2])].groupby("metric")["mean"].mean()
    lines = []
    for source in SOURCES:
        for metric in METRICS:
            theirs = {"table1": float(row[metric]), "fig3": float(curve[metric.replace("_k", "@k")])}
            printed = theirs.get(source, theirs["table1"] - theirs["fig3"])
            ours = frame[(frame.source == source) & (frame.metric == metric)].value
            n, mean, sd = len(ours), ours.mean(), ours.std(ddof=1)
            z = (printed - mean) / sd
            p = 2 * stats.t.sf(abs(z) / np.sqrt(1 + 1 / n), n - 1)
            lines.append((source, metric, printed, mean, sd, float((ours <= printed).mean()), z, p, n))
    columns = ["source", "metric", "printed", "mean", "sd", "rank", "z", "p", "n"]
    return pd.DataFrame(lines, columns=columns)
