"""Items that a user has not taken, drawn at random, and WARP's choice among them.

References
----------
[1] Rendle et al., BPR, UAI 2009, section 4.1: negatives are drawn uniformly.
[2] Weston et al., WSABIE, IJCAI 2011, eq. 5 and algorithm 1; ref. 41 of Kang et al., ICDM 2017.
[3] LightFM (ref. 43 of Kang et al., who ran WARP and FM with it): its ``fit_warp`` and ``fit_bpr``.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
from scipy import sparse

Drawn = Literal["uniform", "observed"]
Weights = Literal["literal", "coded"]
#: Largest weight of a pair in LightFM, "for numerical stability".
_CEILING: Final = 10.0


def history_of(pairs: np.ndarray, users: int, items: int) -> sparse.csr_matrix:
    """Who took what: pairs (n, 2) int of user and item -> (U, N) bool, rows sorted, each pair once.

    Raises ValueError on pairs of another shape or type, none at all, or numbers out of range.

    >>> history_of(np.array([[1, 0], [0, 2], [0, 1]]), 2, 3).toarray().astype(int)
    array([[0, 1, 1],
           [1, 0, 0]])
    """
    pairs = np.asarray(pairs)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu" or not len(pairs):
        raise ValueError(f"pairs of shape {pairs.shape}, {pairs.dtype}: expected (n, 2) integers, user and item, n > 0")
    if pairs.min() < 0 or (pairs.max(axis=0) >= (users, items)).any():
        low, high = pairs.min(axis=0).tolist(), pairs.max(axis=0).tolist()
        raise ValueError(f"pairs from {low} to {high}: expected users below {users} and items below {items}, from 0")
    there = np.ones(len(pairs), bool)
    found = sparse.csr_matrix((there, (pairs[:, 0], pairs[:, 1])), shape=(users, items))
    found.sum_duplicates()
    return found


def negatives(
    rng: np.random.Generator,
    users: np.ndarray,
    history: sparse.csr_matrix,
    many: int | None = None,
    *,
    drawn: Drawn = "uniform",
) -> np.ndarray:
    """Items that are not in the users' histories, each drawn by itself, what is in the history being drawn anew.

    Parameters
    ----------
    users : (B,) int, from 0
    history : (U, N), stored where the user took the item (in training)
    many : how many a user; None for one, without an axis of its own
    drawn : "uniform", every item alike (the BPR paper, and LightFM's WARP); "observed", in proportion to how often an
        item was taken (LightFM's and implicit's BPR): an item that nobody took is then never a negative

    Returns (B,) or (B, many) int64. Raises ValueError on users or an option out of range, and on a user who has taken
    all that can be drawn.

    >>> history = history_of(np.array([[0, 0], [0, 1], [1, 2]]), 2, 3)
    >>> negatives(np.random.default_rng(0), np.array([0, 0]), history, 3).tolist()
    [[2, 2, 2], [2, 2, 2]]
    """
    users = np.asarray(users)
    _check_drawing(users, history, many, drawn)
    codes = _codes(history)
    users = (users if many is None else np.repeat(users[:, None], many, axis=1)).astype(np.int64)
    found = _draws(rng, history, users.shape, drawn)
    wrong = np.flatnonzero(_among(users.ravel() * history.shape[1] + found.ravel(), codes))
    while len(wrong):
        found.flat[wrong] = _draws(rng, history, wrong.shape, drawn)
        wrong = wrong[_among(users.flat[wrong] * history.shape[1] + found.flat[wrong], codes)]
    return found


def rank_weights(trials: np.ndarray, items: int, *, variant: Weights = "coded") -> np.ndarray:
    r"""WARP's weight of a pair, from how many negatives were tried until one violated the margin.

    .. math:: \Bigl\lfloor \frac{N - 1}{Q} \Bigr\rfloor = r, \qquad
        L(r) = \sum_{j=1}^{r} \frac{1}{j} \;\text{[2]}, \qquad L(r) = \min(10, \ln \max(1, r)) \;\text{[3]}

    trials : (B,) int, Q >= 1. items : N >= 2. variant : "literal", the first; "coded", the second, LightFM's, which the
    paper ran; they differ by about .58 where r is large. Returns (B,) float64, >= 0.
    Raises ValueError on fewer trials than one or fewer items than two.

    >>> rank_weights(np.array([1, 4, 9]), 9, variant="literal").round(3).tolist()
    [2.718, 1.5, 0.0]
    >>> rank_weights(np.array([1, 4, 9]), 9).round(3).tolist()
    [2.079, 0.693, 0.0]
    """
    trials = np.asarray(trials)
    if items < 2 or (trials.size and trials.min() < 1) or variant not in get_args(Weights):
        raise ValueError(f"trials {trials}, {items} items, variant {variant!r}: expected >= 1, >= 2, literal or coded")
    rank = (items - 1) // trials
    if variant == "coded":
        return np.minimum(_CEILING, np.log(np.maximum(1, rank)))
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, items))])  # L(0) ... L(N - 1)
    return harmonic[rank]


def first_violators(positive: np.ndarray, tried: np.ndarray, margin: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Which negative, of those tried in turn, is the first within the margin of the positive, or above it.

    positive : (B,) scores. tried : (B, T) scores of negatives, T >= 1, in the order of their trials.
    Returns the rows that have one, (b,) int64 ascending, and its column, (b,) int64; its trials are column + 1.

    >>> rows, columns = first_violators(np.array([2.0, 2.0, 2.0]), np.array([[0, 1.5], [0.5, 1], [1.1, 3]]))
    >>> rows.tolist(), columns.tolist()
    ([0, 2], [1, 0])
    """
    violates = ~(tried <= positive[:, None] - margin)  # (B, T); where a score is NaN too: training must not look done
    rows = np.flatnonzero(violates.any(axis=1))
    return rows, violates[rows].argmax(axis=1)


def _codes(history: sparse.csr_matrix) -> np.ndarray:
    """user * N + item of each taken pair, (n,) int64, ascending."""
    user = np.repeat(np.arange(history.shape[0], dtype=np.int64), np.diff(history.indptr))
    return np.sort(user * history.shape[1] + history.indices)


def _among(some: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Which of `some` are in the ascending `codes`: about three times as fast as numpy.isin, which sorts both."""
    at = np.searchsorted(codes, some)
    return codes[np.minimum(at, len(codes) - 1)] == some if len(codes) else np.zeros(some.shape, bool)


def _draws(rng: np.random.Generator, history: sparse.csr_matrix, shape: tuple[int, ...], drawn: Drawn) -> np.ndarray:
    if drawn == "uniform":
        return rng.integers(history.shape[1], size=shape)
    return history.indices[rng.integers(len(history.indices), size=shape)].astype(np.int64)


def _check_drawing(users: np.ndarray, history: sparse.csr_matrix, many: int | None, drawn: Drawn) -> None:
    """Refuse what would draw for ever, or out of range."""
    if drawn not in get_args(Drawn) or (many is not None and many < 1):
        raise ValueError(f"drawn {drawn!r}, {many} a user: expected {' or '.join(get_args(Drawn))}, one or more")
    if users.ndim != 1 or users.dtype.kind not in "iu":
        raise ValueError(f"users of shape {users.shape}, {users.dtype}: expected (B,) integers")
    if users.size and not 0 <= users.min() <= users.max() < history.shape[0]:
        raise ValueError(f"users from {users.min()} to {users.max()}: expected from 0, below {history.shape[0]}")
    there = history.shape[1] if drawn == "uniform" else len(np.unique(history.indices))
    full = users[np.diff(history.indptr)[users] >= there]
    if len(full):
        raise ValueError(f"user {full[0]} has taken all {there} items that can be drawn: no negative; leave them out")
