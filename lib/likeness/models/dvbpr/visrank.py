"""Scores without training: popularity, and likeness to what the user took (VisRank).

References
----------
[1] Kang et al., ICDM 2017, section IV-B: "Images are ranked according to their average distance to items bought by the
user"; which distance, of which scaling of the features, is not said.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
from scipy import sparse
from sklearn.metrics import euclidean_distances

Measure = Literal["cosine", "euclidean"]
#: Items whose distances to all others are held at once: 8 MB for each thousand others.
_STREAM: Final = 1024


def poprank(observations: np.ndarray) -> np.ndarray:
    """How often each item was taken in training, the same for every user: observations (N,) int -> (N,) float32.

    Most items of a sparse set tie; what a tie counts is the metric's. Raises ValueError on others than counts.

    >>> poprank(np.array([2, 0, 5])).tolist()
    [2.0, 0.0, 5.0]
    """
    observations = np.asarray(observations)
    if observations.ndim != 1 or observations.dtype.kind not in "iu" or (observations < 0).any():
        raise ValueError(f"{observations.dtype} of shape {observations.shape}: expected (N,) counts, integers >= 0")
    return observations.astype(np.float32)


def unit_rows(features: np.ndarray, *, centred: bool = True) -> np.ndarray:
    r"""Features with the mean item taken away, each of norm 1: (N, D) real -> (N, D) float32.

    .. math:: (f_i - \bar f) / \|f_i - \bar f\|

    A row that is 0 stays 0 (where centred: that lies within float64's rounding of the mean).
    centred : take the mean away; CNN features are all >= 0, so that without it all cosines are alike.
    Raises ValueError on another array, or a value that is not finite.

    >>> unit_rows(np.array([[0.0, 1.0], [6.0, 9.0]]))
    array([[-0.6, -0.8],
           [ 0.6,  0.8]], dtype=float32)
    """
    f = _checked(features)
    size = np.abs(f).max(initial=0.0)
    f = f - f.mean(axis=0) if centred else f
    norm = np.linalg.norm(f, axis=1, keepdims=True)
    rounding = np.finfo(np.float64).eps * size * np.sqrt(f.shape[1] * len(f)) if centred else 0.0
    return np.divide(f, norm, out=np.zeros_like(f), where=norm > rounding).astype(np.float32)


def visrank(
    features: np.ndarray, history: sparse.csr_matrix, *, centred: bool = True, measure: Measure = "cosine"
) -> np.ndarray:
    r"""Average likeness of each item to those that the user took, VisRank [1]: (U, N) float32.

    .. math:: x_{u,i} = \frac{1}{|I_u|} \sum_{j \in I_u} s(f_i, f_j), \qquad
        s = \frac{f_i^T f_j}{\|f_i\| \|f_j\|} \quad\text{or}\quad s = -\|f_i - f_j\|

    features : (N, D) real, one row an item
    history : (U, N), stored where the user took the item; a user without any scores 0 everywhere
    centred : of the cosine alone, see `unit_rows`; the result does not depend on the features' scale and origin then
    measure : "cosine", in [-1, 1]; "euclidean", on the features as they come, the paper's words taken plainly: <= 0

    Raises ValueError on other features, another number of them than of items, or an unknown measure.

    >>> took = sparse.csr_matrix(np.array([[True, True, False]]))
    >>> visrank(np.array([[0.0, 0.0], [6.0, 8.0], [3.0, 4.0]]), took, measure="euclidean").tolist()
    [[-5.0, -5.0, -5.0]]
    """
    f = _checked(features)
    if measure not in get_args(Measure) or len(f) != history.shape[1]:
        known = " or ".join(get_args(Measure))
        raise ValueError(
            f"{len(f)} features of {history.shape[1]} items, measure {measure!r}: expected one an item, {known}"
        )
    if measure == "cosine":
        unit = unit_rows(f, centred=centred)
        return (_means(history) @ unit @ unit.T).astype(np.float32)  # the mean of cosines is one with the mean vector
    return _mean_distances(f, history)


def _means(history: sparse.csr_matrix) -> sparse.csr_matrix:
    """(U, N) float32 whose rows average over what the user took."""
    counts = np.diff(history.indptr)
    share = np.repeat(1.0 / np.maximum(1, counts), counts).astype(np.float32)
    return sparse.csr_matrix((share, history.indices, history.indptr), shape=history.shape)


def _mean_distances(f: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
    """Minus the mean distance, some of the taken items at a time: all distances would not fit."""
    found, mean = np.zeros(history.shape, np.float32), _means(history).tocsc()
    f = f - f.mean(axis=0)  # moves no distance, and makes the squares that scikit-learn subtracts smaller
    taken = np.unique(history.indices)
    for some in np.split(taken, range(_STREAM, len(taken), _STREAM)):
        found -= mean[:, some] @ euclidean_distances(f[some], f)
    return found


def _checked(features: np.ndarray) -> np.ndarray:
    """Features (N, D) as float64, in which taking the mean away loses nothing that is left in float32."""
    f = np.asarray(features)
    if f.ndim != 2 or f.dtype.kind not in "fiu" or not f.size or not np.isfinite(f).all():
        raise ValueError(f"features of shape {f.shape}, {f.dtype}: expected (N, D) finite real numbers, N and D >= 1")
    return f.astype(np.float64)
