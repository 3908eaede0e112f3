"""Small computations that an erratum rests on."""

from __future__ import annotations

import geoopt
import numpy as np
import pandas as pd
import torch
from fastcluster import linkage

from likeness.data.points import CLUSTERS, Anisotropy, sample
from likeness.metrics.clustering import scores_at_k
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import Protocol, curve_sets, generator

#: Where the two candidate shears of the anisotropic set differ most for Ward's linkage: its least printed std.
STD = 0.08


def anisotropies(p: Parameters) -> pd.DataFrame:
    """Ward's ARI@k on the anisotropic set by either shear: columns variant, sample, value.

    The paper prints the data in its Figure 1 and does not say how they are made. ``two-step`` is read in the
    published code, ``global`` is the usual single linear map.
    """
    lines = []
    variants: tuple[Anisotropy, ...] = ("two-step", "global")
    for variant in variants:
        rng = generator(p.seed, "shear", variant)
        for index in range(p.classical_samples):
            n = int(rng.integers(p.points_low, p.points_high, endpoint=True))
            x, y = sample("aniso", n, STD, rng, anisotropy=variant)
            found = scores_at_k(linkage(x, "ward"), y, CLUSTERS["aniso"])["ari_k"]
            lines.append((variant, index, found))
    return pd.DataFrame(lines, columns=["variant", "sample", "value"])


def ties(p: Parameters) -> pd.DataFrame:
    """Purity@k of complete linkage on noise-free circles, in double and in single precision: columns precision, sample,
    value.

    Without noise the points lie evenly, so that many distances are equal and rounding decides which pair is merged.
    """
    lines = []
    for index, points in enumerate(curve_sets(Protocol.of(p), "circles", 0.0, p.classical_samples, "classical")):
        for precision in ("float64", "float32"):
            tree = linkage(points.x.astype(precision).astype(np.float64), "complete")
            found = scores_at_k(tree, points.y, CLUSTERS["circles"])["purity_k"]
            lines.append((precision, index, found))
    return pd.DataFrame(lines, columns=["precision", "sample", "value"])


def bending(p: Parameters, pairs: int = 1000) -> pd.DataFrame:
    """Largest Euclidean distance of a geodesic of the disk from its chord: columns pair, kind, value.

    ``collinear``: pairs on one diameter, on the same side of the origin, so not antipodal; ``general``: any two
    points. geoopt draws the geodesics.
    """
    rng = generator(p.seed, "geodesics")
    ball = geoopt.PoincareBall()
    steps = torch.linspace(0.0, 1.0, 33, dtype=torch.float64)[:, None, None]  # (33, 1, 1)
    found = []
    for kind in ("collinear", "general"):
        angle = rng.uniform(0.0, 2.0 * np.pi, (pairs, 2))
        if kind == "collinear":
            angle[:, 1] = angle[:, 0]
        radius = np.sqrt(rng.uniform(0.0, 0.9, (pairs, 2)))
        ends = torch.from_numpy(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1))  # (pairs, 2, 2)
        path = ball.geodesic(steps, ends[:, 0], ends[:, 1]).numpy()  # (33, pairs, 2)
        chord = (ends[:, 1] - ends[:, 0]).numpy()
        offset = path - ends[:, 0].numpy()
        across = np.abs(offset[..., 0] * chord[:, 1] - offset[..., 1] * chord[:, 0]) / np.linalg.norm(chord, axis=1)
        found.append(pd.DataFrame({"pair": range(pairs), "kind": kind, "value": across.max(axis=0)}))
    return pd.concat(found, ignore_index=True)
