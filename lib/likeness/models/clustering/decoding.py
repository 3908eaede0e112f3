r"""From points of the Poincaré disk to a hierarchy: the hyperbolic lowest common ancestor (LCA).

All formulas are for curvature -1, where :math:`d_o(x) = 2\,\mathrm{artanh}\|x\|` (section 2.1 of [1]_).
The LCA of two points is the point of their geodesic segment that lies closest to the origin; its depth
is its distance from the origin. Pairs with a deep LCA merge first.

References
----------
.. [1] Gigli, Marcotegui, Velasco-Forero, GSI 2021, hal-03228070.
.. [2] Chami, Gu, Chatziafratis, Ré, "From Trees to Continuous Embeddings and Back: Hyperbolic
   Hierarchical Clustering", NeurIPS 2020.
.. [3] Ratcliffe, "Foundations of Hyperbolic Manifolds", sections 3.5 (right triangles) and 6.1
   (the projective disk).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.cluster.hierarchy import linkage

TWO_PI = 2.0 * np.pi


def lca_depth(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    r"""Hyperbolic distance from the origin to the LCA of u and v.

    .. math:: d_o(u \vee v) = \mathrm{artanh}\,\min_{t \in [0,1]} \|(1-t)\,\kappa(u) + t\,\kappa(v)\|,
              \qquad \kappa(x) = 2x / (1 + \|x\|^2)

    :math:`\kappa` maps the Poincaré disk to the projective (Klein) disk, where geodesics are straight,
    distance from the origin is :math:`\mathrm{artanh}\|\cdot\|`, and right angles *with diameters* are
    Euclidean: the closest point of the geodesic segment is the closest point of a straight segment.
    Points collinear with the origin need no special case ("antipodal" in the paper is too narrow: the
    geodesic is straight for all of them). Where an end point is closest, its depth is computed in the
    Poincaré disk, which keeps full precision near the boundary.

    Parameters: u, v (..., 2) float64, norms < 1, broadcast against each other.
    Returns (...) float64, 0 <= depth <= min(d_o(u), d_o(v)).
    Raises ValueError on NaN, a last axis that is not 2, or points outside the open disk.

    >>> depth = lca_depth(np.array([0.5, 0.0]), np.array([0.0, 0.5]))
    >>> bool(np.isclose(depth, np.arctanh(0.8 * np.sqrt(0.5))))
    True
    """
    u, v = _disk_points(u), _disk_points(v)
    su, sv = (u**2).sum(-1), (v**2).sum(-1)
    a = 2.0 * u / (1.0 + su)[..., None]  # kappa(u), (..., 2)
    e = 2.0 * v / (1.0 + sv)[..., None] - a  # the chord from kappa(u) to kappa(v), (..., 2)
    length2 = (e**2).sum(-1)
    t = -(a * e).sum(-1) / np.where(length2 > 0.0, length2, 1.0)  # where along the chord the foot lies
    ends = 2.0 * np.arctanh(np.sqrt(np.minimum(su, sv)))
    # |a + t e| and not |a x e| / |e|: an error in t moves the foot across its own direction: it hardly counts
    foot = np.sqrt(((a + t[..., None] * e) ** 2).sum(-1))
    inside = (t > 0.0) & (t < 1.0) & (foot < 1.0)
    depth = np.where(inside, np.minimum(np.arctanh(np.where(inside, foot, 0.0)), ends), ends)
    return np.asarray(depth)


def lca_depth_equal_radius(w: np.ndarray, r: float) -> np.ndarray:
    r"""LCA depth of two points at the same Euclidean radius r, from their similarity.

    .. math:: d_o(u \vee v) = \mathrm{artanh}\Big(\sqrt{w}\;\frac{2r}{1+r^2}\Big), \qquad
              w = \tfrac12 (1 + \cos\theta)

    The LCA m halves the angle :math:`\theta` and meets the geodesic at a right angle, so (o, m, u) is a
    right hyperbolic triangle with hypotenuse :math:`a = d_o(u) = 2\,\mathrm{artanh}\,r`, angle
    :math:`\theta/2` at o and adjacent side the depth: :math:`\tanh d = \cos(\theta/2) \tanh a`. Insert
    :math:`\cos(\theta/2) = \sqrt{w}` and :math:`\tanh(2\,\mathrm{artanh}\,r) = 2r/(1+r^2)`. The depth
    grows with w: at equal radius, single linkage on the angle is the LCA decoding.

    Parameters: w (...) in [0, 1]; r in [0, 1). Returns (...) float64 in [0, 2 artanh r].
    Raises ValueError on values outside these ranges, NaN included.
    """
    w = np.asarray(w, dtype=np.float64)
    if not np.all((w >= 0.0) & (w <= 1.0)):
        raise ValueError("similarities w outside [0, 1] or NaN: expected (1 + cos) / 2; clip rounding first")
    if not 0.0 <= r < 1.0:
        raise ValueError(f"r = {r}: expected a radius in [0, 1) of the Poincaré disk")
    return np.asarray(np.arctanh(np.sqrt(w) * (2.0 * r / (1.0 + r * r))))


def decode_lca(z: np.ndarray) -> np.ndarray:
    r"""Hierarchy of points in the disk: single linkage on the depth of the LCA (any radii), O(n^2).

    Heights are :math:`\max_i d_o(z_i) - d_o(z_i \vee z_j)`: the deepest leaf is at 0, the root on top.

    Parameters: z (n, 2) float64, n >= 2, norms < 1.
    Returns a scipy linkage matrix (n - 1, 4) float64. Memory: one condensed matrix, 4 n^2 bytes.
    Raises ValueError on fewer than two points, NaN, points outside the disk, or another shape.
    """
    z = _disk_points(_plane_points(z))
    n = len(z)
    top = 2.0 * np.arctanh(np.sqrt((z**2).sum(-1).max()))
    height = np.empty(n * (n - 1) // 2)
    at = 0
    for i in range(n - 1):  # row by row: all pairs at once would hold a dozen n x n arrays
        height[at : at + n - 1 - i] = top - lca_depth(z[i], z[i + 1 :])
        at += n - 1 - i
    return np.asarray(linkage(height, "single"))


def decode_circle(points: np.ndarray) -> np.ndarray:
    """Hierarchy of points at equal radius: single linkage on the angle between them, O(n log n).

    On a circle the minimum spanning tree is the chain of neighbours without the largest gap: sort the
    angles, drop that gap, merge the neighbours by ascending gap. The flat clusterings are those of
    `decode_lca` on the same directions at one common radius, and of scipy's single linkage on angles.

    Parameters
    ----------
    points : (n, 2) directions of any positive length, or (n,) angles in radians, any turn; n >= 2.

    Returns
    -------
    scipy linkage matrix (n - 1, 4) float64; heights are angles in [0, pi], equal gaps merge in the
    order of their angle.

    Raises
    ------
    ValueError : fewer than two points, NaN or infinity, a zero vector, another shape.

    >>> decode_circle(np.array([0.1, 6.2, 3.0])).round(2).tolist()
    [[0.0, 1.0, 0.18, 2.0], [2.0, 3.0, 2.9, 3.0]]
    """
    angle = _angles(points)
    order = _sorted_places(angle)
    ring = angle[order]
    gap = np.append(np.diff(ring), ring[0] + TWO_PI - ring[-1])  # gap[i] lies after point i
    cut = int(np.argmax(gap))  # the chain starts after the largest gap
    order, gap = np.roll(order, -cut - 1), np.roll(gap, -cut - 1)[:-1]
    merges = _sorted_places(gap)
    return np.asarray(_chain_linkage(order, gap, merges))


def _sorted_places(key: np.ndarray) -> np.ndarray:
    """Stable argsort, (n,). numpy's default sort is 5 times faster here but leaves ties to the machine."""
    order = np.argsort(key)
    _settle_ties(order, key)
    return order


@njit(cache=True)
def _settle_ties(order: np.ndarray, key: np.ndarray) -> None:
    """Put the places of equal keys in ascending order, in place."""
    begin = 0
    for i in range(1, len(order) + 1):
        if i == len(order) or key[order[i]] != key[order[begin]]:
            if i - begin > 1:
                order[begin:i] = np.sort(order[begin:i])
            begin = i


@njit(cache=True)
def _chain_linkage(order: np.ndarray, gap: np.ndarray, merges: np.ndarray) -> np.ndarray:
    """Linkage matrix of a chain: join the intervals left and right of gap[i], i in the order of `merges`.

    order (n,) point at each place of the chain; gap (n - 1,); merges (n - 1,). A cluster is an interval, so
    its two ends are all that is kept: no union-find with paths to compress.
    """
    n = len(order)
    start = np.arange(n)  # start[i]: where the interval that ends at i begins
    end = np.arange(n)  # end[i]: where the interval that begins at i ends
    name = order.copy()  # name[i]: the cluster's number, valid at the place where the interval begins
    out = np.empty((n - 1, 4))
    for step in range(n - 1):
        i = merges[step]
        left, right = start[i], end[i + 1]
        a, b = name[left], name[i + 1]
        out[step, 0], out[step, 1] = min(a, b), max(a, b)
        out[step, 2] = gap[i]
        out[step, 3] = right - left + 1
        start[right], end[left], name[left] = left, right, n + step
    return out


def _angles(points: np.ndarray) -> np.ndarray:
    """Angles in [0, 2 pi], (n,), of directions (n, 2) or of angles (n,)."""
    points = np.asarray(points, dtype=np.float64)
    if points.ndim == 1:
        _check_many(points)
        return np.asarray(np.mod(points, TWO_PI))
    points = _plane_points(points)
    zero = np.flatnonzero((points[:, 0] == 0.0) & (points[:, 1] == 0.0))
    if len(zero):
        raise ValueError(f"direction {zero[0]} is the zero vector: expected a direction; drop such points")
    angle = np.arctan2(points[:, 1], points[:, 0])
    return np.asarray(np.where(angle < 0.0, angle + TWO_PI, angle))


def _plane_points(z: np.ndarray) -> np.ndarray:
    z = np.asarray(z, dtype=np.float64)
    if z.ndim != 2 or z.shape[1] != 2:
        raise ValueError(f"points of shape {z.shape}: expected (n, 2) points of the plane")
    _check_many(z)
    return z


def _check_many(z: np.ndarray) -> None:
    if len(z) < 2:
        raise ValueError(f"{len(z)} points: expected at least 2; a hierarchy needs two leaves")
    if not np.isfinite(z).all():
        raise ValueError("NaN or infinite coordinates: expected finite points; look at what made them")


def _disk_points(z: np.ndarray) -> np.ndarray:
    z = np.asarray(z, dtype=np.float64)
    if z.ndim == 0 or z.shape[-1] != 2:
        raise ValueError(f"points of shape {z.shape}: expected (..., 2) points of the Poincaré disk")
    norm2 = (z**2).sum(-1)
    if not np.all(norm2 < 1.0):  # also refuses NaN
        raise ValueError("points outside the open unit disk, or NaN: expected norms < 1; project them first")
    return z
