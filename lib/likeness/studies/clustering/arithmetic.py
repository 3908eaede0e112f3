"""Audit of the paper's printed numbers that needs no training: is each one possible, and do they agree?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from likeness.data.points import CLUSTERS

#: smallest value a metric can take on one sample; the adjusted Rand index is bounded below by -.5
LOWEST = {"ari_k": -0.5, "nmi_k": 0.0, "ari": 0.0}
ROUNDING = 0.0005


def largest_sd(mean: float, low: float, high: float, n: int) -> float:
    """Largest unbiased standard deviation of n values in [low, high] with a given mean (Bhatia-Davis).

    ``sqrt((high - mean) (mean - low) n / (n - 1))``, reached when every value sits at an end.
    """
    return float(np.sqrt(max((high - mean) * (mean - low), 0.0) * n / (n - 1)))


def audit_table1(table: pd.DataFrame, n: int = 200) -> pd.DataFrame:
    """Checks of every printed cell: one line a check with the numbers it compares and whether it holds.

    - a standard deviation no larger than the mean allows, for scores in their range;
    - the oracle "Ari" (best over k' <= k + 4, k among them) at least the mean ARI@k, up to rounding;
    - purity at least 1/k.
    """
    lines = []
    for row in table.to_dict("records"):
        where = f"{row['dataset']}/{row['level']}/{row['model']}"
        for metric in ("ari_k", "purity_k", "nmi_k", "ari"):
            low = LOWEST.get(metric, 1 / row["k"])
            bound = largest_sd(row[metric], low, 1.0, n)
            lines.append((where, f"sd of {metric} is possible", row[f"{metric}_sd"], bound,
                          row[f"{metric}_sd"] <= bound + ROUNDING))
        lines.append((where, "best ARI >= ARI@k", row["ari"], row["ari_k"], row["ari"] >= row["ari_k"] - ROUNDING))
        lines.append((where, "purity >= 1/k", row["purity_k"], 1 / row["k"], row["purity_k"] >= 1 / row["k"]))
    return pd.DataFrame(lines, columns=["cell", "check", "left", "right", "holds"])


def audit_fig3(curves: pd.DataFrame, n: int = 20) -> pd.DataFrame:
    """The same checks on every point of Figure 3 (coordinates read off a vector figure: tolerance .002)."""
    tolerance = 0.002
    lines = []
    for row in curves.to_dict("records"):
        where = f"{row['dataset']}/{row['metric']}/{row['method']}/{row['noise']}"
        low = LOWEST.get(row["metric"].replace("@", "_"), 1 / CLUSTERS[row["dataset"]])
        bound = largest_sd(row["mean"], low, 1.0, n)
        lines.append((where, "sd is possible", row["sd"], bound, row["sd"] <= bound + tolerance))
    wide = curves.pivot_table(index=["dataset", "method", "noise"], columns="metric", values="mean").dropna()
    for key, best, at_k in zip(wide.index, wide["ari"], wide["ari@k"], strict=True):
        lines.append(("/".join(map(str, key)), "best ARI >= ARI@k", best, at_k, best >= at_k - tolerance))
    return pd.DataFrame(lines, columns=["cell", "check", "left", "right", "holds"])


def table_against_curves(table: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Table 1's easy rows against the mean of the published curve of the same model.

    On circles and moons the test noise of Table 1 is uniform on 0 ... .16: the mean over the 17 noise values
    estimates it. On blobs and anisotropics the test std is fixed at .16: the last point of the curve does. ``se``
    adds the sampling errors of both (200 test sets; 20 sets a noise value).
    """
    lines = []
    easy = table[table.level == "easy"]
    for row in easy.to_dict("records"):
        for metric in ("ari_k", "purity_k", "nmi_k", "ari"):
            mask = (curves.dataset == row["dataset"]) & (curves.method == row["model"])
            curve = curves[mask & (curves.metric == metric.replace("_k", "@k"))]
            points = curve if row["k"] <= 4 else curve[curve.noise == curve.noise.max()]
            error = np.sqrt((points.sd**2 / 20).sum()) / len(points)
            se = float(np.hypot(error, row[f"{metric}_sd"] / np.sqrt(200)))
            difference = row[metric] - points["mean"].mean()
            lines.append((row["dataset"], row["model"], metric, row[metric], points["mean"].mean(), se,
                          difference / se))
    return pd.DataFrame(lines, columns=["dataset", "model", "metric", "table1", "fig3", "se", "z"])


def slug(check: str) -> str:
    """Name of a check as part of an id: "best ARI >= ARI@k" becomes best-ari-ari@k."""
    return "-".join("".join(c if c.isalnum() or c in "@_" else " " for c in check.lower()).split())
