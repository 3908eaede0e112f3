r"""AUC of one withheld item for each user: against all items, against others' withheld items, against a sample.

Section IV-A of [1]_. For a user u with test item :math:`t_u`, scores :math:`x_{u,j}` and the excluded items
:math:`E_u = \mathcal P_u \cup \mathcal V_u \cup \mathcal T_u`:

.. math:: AUC_u = \frac{1}{|R_u|} \sum_{j \in R_u} \xi(x_{u,t_u} > x_{u,j}), \qquad
          R_u = \mathcal I \setminus E_u, \qquad AUC = \frac{1}{|\mathcal U|} \sum_u AUC_u

so that :math:`R_u`, the rivals, are the j of the paper's pairs :math:`(i, j) \in \mathcal D_u`. What a rival with the
*same* score counts decides over scores that are often equal, above all popularity:

============ ===================== ========================================================================
ties         a tie counts          ..
============ ===================== ========================================================================
"half"       1/2                   the expectation over a random order of equal scores; the default
"strict"     0                     the paper's indicator, and its code's ``T[i] > T[j]``: a constant gets 0
"optimistic" 1                     a constant gets 1
============ ===================== ========================================================================

Scores are compared exactly as given, in their own type, float or integer; -inf and inf are allowed, NaN is refused.
The functions return one value a user, (U,) float64 in [0, 1], NaN where there is nobody to compare with: take
`np.nanmean` of it, and spreads over users.

References
----------
.. [1] Kang, Fang, Wang, McAuley, "Visually-Aware Fashion Recommendation and Design with Generative Image Models",
   ICDM 2017; published code kang205/DVBPR, DVBPR/main.py.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

import numpy as np
from scipy import sparse

Ties = Literal["half", "strict", "optimistic"]
#: The comparisons whose mean is the share; a half for a tie is the mean of nothing and of one.
_RULES: Final = {"half": (np.less, np.less_equal), "strict": (np.less,), "optimistic": (np.less_equal,)}
#: Rivals that the published code draws for each user.
SAMPLED: Final = 100


class _Case(NamedTuple):
    """Checked arguments."""

    scores: np.ndarray  # (U, N)
    target: np.ndarray  # (U,)
    own: np.ndarray  # (U,) the target's score
    who: np.ndarray  # users of the excluded pairs, rising; the pairs of the targets come after them, again rising
    item: np.ndarray  # items of these pairs; each pair stands once


def auc_each(
    scores: np.ndarray,
    target: np.ndarray,
    excluded: sparse.csr_matrix,
    *,
    rivals: np.ndarray | None = None,
    ties: Ties = "half",
) -> np.ndarray:
    """Share of a user's rivals that score below the withheld item (the equation above), exact, for every user.

    Whole rows are counted, and what the excluded list has counted is taken off again: one row is in memory at a time,
    and no mask. Users do not depend on each other, so they may be given in parts.

    Parameters
    ----------
    scores : (U, N) float or integer, of user and item; rows may repeat one row (`np.broadcast_to`).
    target : (U,) integers, the withheld item; it is never its own rival, excluded or not.
    excluded : (U, N) sparse, true where the user has the item: `Split.taken`.
    rivals : (N,) bool, the items that are compared; all by default. A user whose target is not among them gets NaN. For
        the paper's cold items `split.observations() < COLD`; `== 0` for unseen, `> 0` for seen ones.
    ties : see the head of this module.

    Raises ValueError on other shapes, types, items or ties, and on NaN, naming user and item.

    >>> taken = sparse.csr_matrix([[True, False, False, True]])
    >>> auc_each(np.array([[9.0, 1.0, 2.0, 2.0]]), np.array([3]), taken).tolist()  # 1 is below, 2 ties, 9 is excluded
    [0.75]
    """
    case = _case(scores, target, excluded, ties)
    if rivals is None:
        return _shares(case, None, ties)
    rivals = np.asarray(rivals)
    if rivals.dtype != np.bool_ or rivals.shape != case.scores.shape[1:]:
        raise ValueError(f"rivals {rivals.shape}, {rivals.dtype}: expected ({case.scores.shape[1]},) bool")
    share = _shares(case, np.flatnonzero(rivals), ties)
    share[~rivals[case.target]] = np.nan
    return share


def matched_auc_each(
    scores: np.ndarray, target: np.ndarray, excluded: sparse.csr_matrix, *, ties: Ties = "half"
) -> np.ndarray:
    r"""Share of the *other users' withheld items* that score below the user's own.

    .. math:: R_u = \{t_v : v \neq u,\ t_v \notin E_u,\ t_v \neq t_u\}, \text{ each as often as it occurs}

    Against all items a leave-one-out split is biased: the withheld item has lost an observation, its rivals keep
    theirs, so popularity is turned against the answer. Here every rival has lost one too. A score that is the same for
    all users has expectation 1/2. Without exclusions and with ties="half" this is exact, as each pair of users is
    counted once from either side: the mean is 1/2 if all targets differ, and otherwise the mean weighted by
    :math:`|R_u|` is. The user's own items, which are left out, are no random ones: they move it a little (on `hm` the
    popularity of items has .5007, against .396 among all items).

    Arguments and errors as in `auc_each`, all users at once.

    >>> same = np.broadcast_to(np.array([3.0, 1.0, 2.0]), (3, 3))
    >>> matched_auc_each(same, np.array([0, 1, 2]), sparse.csr_matrix((3, 3), dtype=bool)).tolist()
    [1.0, 0.0, 0.5]
    """
    case = _case(scores, target, excluded, ties)
    return _shares(case, case.target, ties)


def sampled_auc_each(
    scores: np.ndarray,
    target: np.ndarray,
    excluded: sparse.csr_matrix,
    rng: np.random.Generator,
    *,
    many: int = SAMPLED,
    ties: Ties = "strict",
) -> np.ndarray:
    """Share of a few drawn rivals that score below the withheld item, as the published code has it.

    For each user in turn `many` of all N items are drawn without replacement; those that are excluded, or the target,
    are then passed over, not replaced. So a user is compared with `many` rivals or a few fewer: an unbiased estimate of
    `auc_each`, of standard error up to .05 a user for 100.

    The published code leaves out the items of training and the withheld item that it scores, but **not** the other
    withheld one: pass `Split.history` for that, and `Split.taken` for the paper's text.

    Other arguments and errors as in `auc_each`; ValueError too unless 1 <= many <= N.
    """
    case = _case(scores, target, excluded, ties)
    users, items = case.scores.shape
    if not 1 <= many <= items:
        raise ValueError(f"{many} of {items} items to draw: expected 1 to {items}")
    ends = np.searchsorted(case.who[:-users], np.arange(users + 1))
    barred = np.zeros(items, bool)
    share = np.full(users, np.nan)
    for user in range(users):
        drawn = rng.choice(items, many, replace=False, shuffle=False)
        held = [case.item[ends[user] : ends[user + 1]], case.target[user]]
        for out in held:
            barred[out] = True
        left = _row(case, user)[drawn[~barred[drawn]]]
        for out in held:  # one array for all users: clearing a whole one would cost more than the draw
            barred[out] = False
        if len(left):
            share[user] = _below(left, case.own[user], ties) / len(left)
    return share


def pair_loop(scores: np.ndarray, target: np.ndarray, excluded: sparse.csr_matrix) -> np.ndarray:
    """Compare pair by pair, as the equation stands (strict): slow, for tests and for the race with `auc_each`.

    The loop of the published code over all items, a line that it has commented out for the sample. Over a list instead
    of a numpy row it takes two thirds of the time. Arguments and errors as in `auc_each`.
    """
    case = _case(scores, target, excluded, "strict")
    out: list[set[int]] = [set() for _ in case.target]
    for user, item in zip(case.who.tolist(), case.item.tolist(), strict=True):
        out[user].add(item)
    shares = []
    for user, i in enumerate(case.target.tolist()):
        row, won, pairs = _row(case, user), 0, 0
        for j in range(len(row)):
            if j in out[user]:
                continue
            if row[i] > row[j]:
                won += 1
            pairs += 1
        shares.append(won / pairs if pairs else np.nan)
    return np.array(shares)


def _shares(case: _Case, columns: np.ndarray | None, ties: Ties) -> np.ndarray:
    """The share for rivals `columns`, an item as often as it stands there, less the pairs to leave out."""
    users, items = case.scores.shape
    times = np.ones(items) if columns is None else np.bincount(columns, minlength=items).astype(np.float64)
    below = np.empty(users)
    for user in range(users):
        row = _row(case, user)
        below[user] = _below(row if columns is None else row[columns], case.own[user], ties)
    score, own, often = case.scores[case.who, case.item], case.own[case.who], times[case.item]
    won = np.mean([compare(score, own) for compare in _RULES[ties]], axis=0)
    below -= np.bincount(case.who, often * won, users)  # halves below 2^52: exact
    left = times.sum() - np.bincount(case.who, often, users)
    return np.divide(below, left, out=np.full(users, np.nan), where=left > 0)


def _below(row: np.ndarray, own: np.ndarray, ties: Ties) -> float:
    """How many of a row are below, ties by their rule."""
    counts = [np.count_nonzero(compare(row, own)) for compare in _RULES[ties]]
    return sum(counts) / len(counts)


def _row(case: _Case, user: int) -> np.ndarray:
    row: np.ndarray = case.scores[user]
    if np.isnan(row.max()):  # a maximum is NaN where any score is, and costs no array
        raise ValueError(f"user {user}, item {int(np.isnan(row).argmax())}: score NaN, expected a number or -inf")
    return row


def _case(scores: np.ndarray, target: np.ndarray, excluded: sparse.csr_matrix, ties: str) -> _Case:
    scores, target = np.asarray(scores), np.asarray(target)
    if scores.ndim != 2 or not scores.size or scores.dtype.kind not in "fiu":
        raise ValueError(f"scores {scores.shape}, {scores.dtype}: expected (U, N) real numbers, U and N >= 1")
    users, items = scores.shape
    if target.shape != (users,) or target.dtype.kind not in "iu" or target.min() < 0 or target.max() >= items:
        span = f" from {target.min()} to {target.max()}" if target.size else ""
        raise ValueError(
            f"targets {target.shape}, {target.dtype}{span}: expected ({users},) items from 0 to {items - 1}"
        )
    if not sparse.issparse(excluded) or excluded.shape != scores.shape:
        raise ValueError(f"excluded {np.shape(excluded)}: expected a sparse matrix {scores.shape} of user and item")
    if ties not in get_args(Ties):
        raise ValueError(f"ties {ties!r}: expected one of {', '.join(get_args(Ties))}")
    target, everyone = target.astype(np.int64), np.arange(users)
    who, item = _pairs(sparse.csr_matrix(excluded))
    others = item != target[who]  # a target is left out once, whether it is listed or not
    who, item = np.concatenate([who[others], everyone]), np.concatenate([item[others], target])
    return _Case(scores, target, scores[everyone, target], who, item)


def _pairs(listed: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Users and items of the entries that are true, each pair once, by user."""
    if not listed.has_canonical_format:
        listed = listed.copy()
        listed.sum_duplicates()
    true = listed.data != 0
    return np.repeat(np.arange(listed.shape[0]), np.diff(listed.indptr))[true], listed.indices.astype(np.int64)[true]
