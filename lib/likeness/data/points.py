"""The four planar point-set generators of Gigli, Marcotegui and Velasco-Forero (GSI 2021).

Facts that the paper does not state (the second pair of moons, the nine centres, the anisotropy) were
read in the authors' package HPCS [2]_ and in the vector figures of the paper [1]_.

References
----------
.. [1] Gigli, Marcotegui, Velasco-Forero, "End-to-End Similarity Learning and Hierarchical Clustering
   for unfixed size datasets", GSI 2021, hal-03228070.
.. [2] HPCS (2022), the authors' later package; its clustering code has since been removed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from sklearn.datasets import make_blobs, make_circles, make_moons

Anisotropy = Literal["two-step", "global"]
Level = Literal["easy", "hard"]
LabelMode = Literal["per-class", "first"]

#: Number of clusters k of each data set.
CLUSTERS: Final[dict[str, int]] = {"circles": 2, "moons": 4, "blobs": 9, "aniso": 9}
#: Ratio of the inner to the outer radius of `circles`.
FACTOR: Final = 0.5
#: Shift of the second pair of moons, on both axes.
MOON_SHIFT: Final = 2.0
#: The nine centres of `blobs`, the grid {-1, 0, 1}^2, (9, 2).
CENTRES: Final = np.array([(a, b) for a in (-1.0, 0.0, 1.0) for b in (-1.0, 0.0, 1.0)])
#: The matrix A of the anisotropic set; points are rows, x <- x A.
SHEAR: Final = np.array([[0.6, -0.6], [-0.4, 0.8]])
#: Largest noise of the hard level of circles and moons; cluster std of blobs and aniso, easy and hard.
MAX_NOISE: Final = 0.16
CLUSTER_STD: Final[dict[str, float]] = {"easy": 0.08, "hard": 0.16}


@dataclass(frozen=True, eq=False)
class PointSet:
    """One sample: points, their labels, and the noise they were drawn with.

    x (n, 2) float64; y (n,) int64 in 0..k-1; noise is the standard deviation handed to the generator
    (circles, moons: added noise; blobs, aniso: the clusters' own, before the shear).
    """

    x: np.ndarray
    y: np.ndarray
    noise: float


def sample(
    name: str, n: int, noise: float, rng: np.random.Generator, *, anisotropy: Anisotropy = "two-step"
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one sample of a data set, its rows in random order.

    - circles: n points, n // 2 on the outer circle (label 0) and the rest on the inner one (label 1).
    - moons: 2 (n // 2) points: `make_moons(n // 2)` and *the same points* shifted by (2, 2), labels + 2;
      an odd n therefore gives n - 1 points.
    - blobs: n points on nine centres; the first n mod 9 centres have one point more.
    - aniso: blobs, sheared as `anisotropy` says (see `shear`).

    Parameters
    ----------
    name : one of `CLUSTERS`.
    n : number of points asked for, at least the number of clusters.
    noise : standard deviation, finite and >= 0.
    rng : its next integer seeds scikit-learn's generator.

    Returns
    -------
    x (n, 2) float64, y (n,) int64 in 0..k-1, every class present.

    Raises
    ------
    ValueError : unknown name or anisotropy, negative or NaN noise, n below the number of clusters.

    >>> x, y = sample("moons", 9, 0.0, np.random.default_rng(0))
    >>> x.shape, np.bincount(y).tolist()
    ((8, 2), [2, 2, 2, 2])
    """
    k = _clusters(name)
    _check_noise(noise)
    if n < k:
        raise ValueError(f"n = {n} points for the {k} clusters of {name!r}: expected n >= {k}; ask for more")
    if name == "aniso":
        x, y = _blobs(n, noise, rng)
        return shear(x, y, variant=anisotropy), y
    return _GENERATORS[name](n, noise, rng)


def shear(x: np.ndarray, y: np.ndarray, *, variant: Anisotropy = "two-step") -> np.ndarray:
    r"""Make isotropic blobs anisotropic.

    `two-step` is what the authors ran and did not print: with :math:`m_c` the *scalar* mean of all
    coordinates of cluster c, first :math:`x \leftarrow (x - m_c) A + x` in each cluster, then
    :math:`x \leftarrow x A` everywhere. `global` is the well-known single :math:`x \leftarrow x A`.

    x (n, 2) float64, y (n,) integer labels -> (n, 2) float64; x is not changed. Source: HPCS (code); the
    paper states neither. Raises ValueError on an unknown variant.
    """
    if variant not in ("two-step", "global"):
        raise ValueError(f"anisotropy {variant!r}: expected 'two-step' or 'global'")
    out: np.ndarray = np.array(x, dtype=np.float64)
    if variant == "two-step":
        for c in np.unique(y):
            rows = y == c
            out[rows] = (x[rows] - x[rows].mean()) @ SHEAR + x[rows]  # the mean over points and axes
    return np.asarray(out @ SHEAR)


def draw_noise(name: str, level: Level, rng: np.random.Generator) -> float:
    """Noise of one sample: circles/moons 0 (easy) or U(0, .16) (hard); blobs/aniso .08 or .16.

    Raises ValueError on an unknown name or level. Source: section 4 of [1]_.
    """
    _clusters(name)
    if level not in CLUSTER_STD:
        raise ValueError(f"level {level!r}: expected 'easy' or 'hard'")
    if name in ("blobs", "aniso"):
        return CLUSTER_STD[level]
    return float(rng.uniform(0.0, MAX_NOISE)) if level == "hard" else 0.0


def draw_set(
    name: str,
    level: Level,
    count: int,
    rng: np.random.Generator,
    points: tuple[int, int] = (200, 300),
    *,
    anisotropy: Anisotropy = "two-step",
) -> list[PointSet]:
    """Draw `count` samples at a level of difficulty, each of points[0]..points[1] points, both included.

    (200, 300) is the paper's text; (150, 299) is what the authors' `randint(150, 300)` gives.
    Raises ValueError on an unknown name or level, count < 1, or an empty or too small range of points.
    """
    _check_count(count, points)
    return [_draw_one(name, draw_noise(name, level, rng), rng, points, anisotropy) for _ in range(count)]


def draw_at(
    name: str,
    noise: float,
    count: int,
    rng: np.random.Generator,
    points: tuple[int, int] = (200, 300),
    *,
    anisotropy: Anisotropy = "two-step",
) -> list[PointSet]:
    """Draw `count` samples at one fixed noise, as the axis of Fig. 3 asks (on blobs and aniso: the std).

    Raises as `draw_set` does, and on a negative or NaN noise.
    """
    _check_count(count, points)
    return [_draw_one(name, noise, rng, points, anisotropy) for _ in range(count)]


def label_mask(
    y: np.ndarray, share: float, rng: np.random.Generator, *, mode: LabelMode = "per-class"
) -> np.ndarray:
    """Choose the points whose labels are known.

    `per-class` (the authors' code): in every class round(share * size) points at random, but at least
    two where the class has two, since an anchor needs a positive. `first` (the paper's text): the first
    round(share * n) points, at least 2; a class may then be left without labels, and `rng` is not used.

    Parameters: y (n,) integers 0..k-1; share in (0, 1]. Returns (n,) bool.
    Raises ValueError on share outside (0, 1], an empty y, a class without points, an unknown mode, or
    when `first` reaches a single class of several (no negative exists).
    """
    y = np.asarray(y)
    if not 0.0 < share <= 1.0:  # also refuses NaN
        raise ValueError(f"share = {share}: expected a share of labelled points in (0, 1]")
    sizes = _class_sizes(y)
    mask = np.zeros(len(y), dtype=bool)
    if mode == "per-class":
        for c, size in enumerate(sizes):
            known = max(round(share * size), min(2, int(size)))
            mask[rng.choice(np.flatnonzero(y == c), size=known, replace=False)] = True
    elif mode == "first":
        mask[: max(round(share * len(y)), min(2, len(y)))] = True
        if len(sizes) > 1 and len(np.unique(y[mask])) < 2:
            raise ValueError(
                f"the first {int(mask.sum())} of {len(y)} points all have label {y[0]}: expected at least "
                "two classes; shuffle the points, raise the share, or use mode='per-class'"
            )
    else:
        raise ValueError(f"mode {mode!r}: expected 'per-class' or 'first'")
    return mask


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31 - 1))  # scikit-learn takes an int or the old RandomState, no Generator


def _circles(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = make_circles(n, factor=FACTOR, noise=noise, random_state=_seed(rng))
    return x, y.astype(np.int64)


def _moons(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = make_moons(n // 2, noise=noise, random_state=_seed(rng))
    order = rng.permutation(2 * len(x))  # else "the first l points" would never reach the second pair
    return np.vstack([x, x + MOON_SHIFT])[order], np.concatenate([y, y + 2]).astype(np.int64)[order]


def _blobs(n: int, noise: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = make_blobs(n, centers=CENTRES, cluster_std=noise, random_state=_seed(rng))[:2]
    return x, y.astype(np.int64)


_GENERATORS: Final = {"circles": _circles, "moons": _moons, "blobs": _blobs}


def _draw_one(
    name: str, noise: float, rng: np.random.Generator, points: tuple[int, int], anisotropy: Anisotropy
) -> PointSet:
    n = int(rng.integers(points[0], points[1], endpoint=True))
    x, y = sample(name, n, noise, rng, anisotropy=anisotropy)
    return PointSet(x, y, float(noise))


def _clusters(name: str) -> int:
    if name not in CLUSTERS:
        raise ValueError(f"data set {name!r}: expected one of {', '.join(CLUSTERS)}")
    return CLUSTERS[name]


def _check_noise(noise: float) -> None:
    if not (math.isfinite(noise) and noise >= 0.0):
        raise ValueError(f"noise = {noise}: expected a finite standard deviation >= 0")


def _check_count(count: int, points: tuple[int, int]) -> None:
    if count < 1:
        raise ValueError(f"count = {count} samples: expected at least 1")
    if points[0] > points[1]:
        raise ValueError(f"points = {points}: expected (fewest, most) with fewest <= most")


def _class_sizes(y: np.ndarray) -> np.ndarray:
    if y.ndim != 1 or y.size == 0 or not np.issubdtype(y.dtype, np.integer) or y.min() < 0:
        raise ValueError(f"labels of shape {y.shape}, {y.dtype}: expected (n,) integers >= 0 with n >= 1")
    sizes = np.bincount(y)
    if not sizes.all():
        missing = np.flatnonzero(sizes == 0).tolist()
        raise ValueError(f"no point has label {missing}: expected all of 0..{len(sizes) - 1}; renumber y")
    return sizes
