"""The sentences about Figure 3 ("small noise", "high noise", "overall") as numbers: means of the curves over bands."""

from __future__ import annotations

import pandas as pd

from likeness.studies.clustering.protocol import NOISES

#: The paper names no bound: the lower third of its noise axis, the upper third, and all of it.
BANDS = {"small": NOISES[:6], "high": NOISES[-6:], "all": NOISES}


def band_means(curves: pd.DataFrame, over: str) -> pd.DataFrame:
    """Mean of every curve over each band, by training seed or sample: columns dataset, method, metric, band, value.

    Parameters
    ----------
    curves : columns dataset, method, noise, metric, value and the one named by ``over``
    over : "seed" (learned methods) or "sample" (linkages: the i-th set at every noise value is one draw)
    """
    keys = ["dataset", "method", "metric", over]
    found = [
        curves[curves.noise.isin(noises)].groupby(keys, as_index=False)["value"].mean().assign(band=band)
        for band, noises in BANDS.items()
    ]
    return pd.concat(found, ignore_index=True)


def compare(
    learned: pd.DataFrame, classical: pd.DataFrame, printed: pd.DataFrame, metric: str = "ari_k"
) -> pd.DataFrame:
    """Printed and our band means of one metric: one line a data set and method, two columns a band.

    Parameters
    ----------
    learned, classical : of `band_means`
    printed : the points of Figure 3; a curve with a point that could not be read in a band has no mean there
    """
    both = pd.concat([classical, learned])
    ours = both[both.metric == metric].groupby(["dataset", "method", "band"], sort=False)["value"].mean()
    points = printed[printed.metric == metric.replace("_k", "@k")]
    rows = {}
    for band, noises in BANDS.items():
        inside = points[points.noise.isin(noises)].groupby(["dataset", "method"])["mean"]
        whole = inside.mean().where(inside.size() == len(noises))
        rows[f"{band}, printed"] = whole
        rows[f"{band}, ours"] = ours.xs(band, level="band")
    return pd.DataFrame(rows)
