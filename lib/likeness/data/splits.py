r"""Who took what, and which of it is withheld: leave-one-out splits at random, by time, and without shared baskets.

Section IV-A of [1]: users with fewer than five items are discarded; of each other user one action is withheld for
validation, :math:`\mathcal V_u`, another for testing, :math:`\mathcal T_u`, both at random; the remaining ones,
:math:`\mathcal P_u`, are for training.

References
----------
.. [1] Kang, Fang, Wang, McAuley, "Visually-Aware Fashion Recommendation and Design with Generative Image Models",
   ICDM 2017.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

#: Distinct items that a user must have: fewer make him inactive (section IV-A, "Dataset").
LEAST: Final = 5
#: Training observations below which an item is cold (section IV-C): `split.observations() < COLD`.
COLD: Final = 5
#: Actions that a split needs of a user: one each for training, validation and test.
_NEEDED: Final = 3


@dataclass(frozen=True, eq=False)
class Actions:
    """Who took what and when: each pair once, sorted by user, then item.

    user, item, day : (n,) int64. Users and items are numbered from 0 without gaps: each has an action. day is that of
        the pair's first action, a count from any day 0.
    users, items : how many there are.
    item_ids : (items,) int64 or str, rising: the caller's name of each item, by which its photograph is found.

    Raises ValueError where the arrays are not so; `actions` makes them so.
    """

    user: np.ndarray
    item: np.ndarray
    day: np.ndarray
    users: int
    items: int
    item_ids: np.ndarray

    def __post_init__(self) -> None:
        """Refuse what is not as described."""
        lengths = [len(self.user), len(self.item), len(self.day)]
        if len(set(lengths)) > 1 or len(self.item_ids) != self.items:
            raise ValueError(
                f"users, items and days of lengths {lengths}, {len(self.item_ids)} ids of {self.items} items: expected "
                "three of one length, and an id for each item"
            )
        for name, numbers, count in (("user", self.user, self.users), ("item", self.item, self.items)):
            if numbers.dtype.kind not in "iu" or not np.array_equal(np.unique(numbers), np.arange(count)):
                raise ValueError(f"{name}s {numbers} ({numbers.dtype}): expected 0 to {count - 1}, each, and no other")
        _refuse_unsorted("actions", _keys(self.user, self.item, self.items))


@dataclass(frozen=True, eq=False)
class Split:
    """Training pairs and two withheld items of each of U users, of N items.

    train : (n, 2) int64, user and item, each pair once, sorted by user, then item. A user may be without any
        (`without_companions`), an item too: it is unseen.
    valid, test : (U,) int64, one item of each user; they differ, and neither is among the user's in train.

    Raises ValueError where the arrays are not so.
    """

    users: int
    items: int
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray

    def __post_init__(self) -> None:
        """Refuse what is not as described."""
        if self.train.ndim != 2 or self.train.shape[1] != 2 or not self.valid.shape == self.test.shape == (self.users,):
            shapes = f"train {self.train.shape}, valid {self.valid.shape}, test {self.test.shape}"
            raise ValueError(f"{shapes}: expected (n, 2), and ({self.users},) twice")
        user, item = self.train.T
        for name, numbers, count in (
            ("users of train", user, self.users), ("items of train", item, self.items),
            ("valid", self.valid, self.items), ("test", self.test, self.items),
        ):  # fmt: skip
            if numbers.dtype.kind not in "iu" or (numbers.size and not 0 <= numbers.min() <= numbers.max() < count):
                raise ValueError(f"{name}: {numbers} ({numbers.dtype}), expected whole numbers from 0 to {count - 1}")
        keys = _keys(user, item, self.items)
        _refuse_unsorted("train", keys)
        everyone = np.arange(self.users)
        again = self.valid == self.test
        for held in (self.valid, self.test):
            again = again | np.isin(_keys(everyone, held, self.items), keys)
        if again.any():
            one = int(again.argmax())
            raise ValueError(
                f"user {one}: validation item {self.valid[one]} and test item {self.test[one]} are the same, or one is "
                "in train: expected two items that are not; remove repeated actions first"
            )

    def history(self) -> sparse.csr_matrix:
        """Which user has which item in training: (U, N) bool, P_u alone."""
        return self._matrix(self.train)

    def taken(self) -> sparse.csr_matrix:
        """Which user has which item at all: (U, N) bool, P_u, V_u and T_u; nothing of it is a rival of a test item."""
        everyone = np.arange(self.users)
        held = [np.column_stack([everyone, items]) for items in (self.valid, self.test)]
        return self._matrix(np.concatenate([self.train, *held]))

    def observations(self) -> np.ndarray:
        """Training pairs of each item, (N,) int64: its popularity; 0 is unseen, fewer than `COLD` is cold."""
        return np.bincount(self.train[:, 1], minlength=self.items).astype(np.int64)

    def _matrix(self, pairs: np.ndarray) -> sparse.csr_matrix:
        return sparse.csr_matrix((np.ones(len(pairs), bool), tuple(pairs.T)), shape=(self.users, self.items))


def actions(user: npt.ArrayLike, item: npt.ArrayLike, day: npt.ArrayLike, least: int = LEAST) -> Actions:
    """Keep the first action on each item of each user with at least `least` distinct items, and renumber.

    Users with fewer go, then the items that nobody has left; nothing is repeated after that, so an item may be left
    with one action. New numbers are in sorted order of the given ids: the result does not depend on the order in which
    actions are given.

    user, item : (n,) integers >= 0, or texts. day : (n,) integers >= 0, or dates since 1970-01-01 (datetime64; hours
    are dropped). Raises ValueError on unequal lengths, negative numbers, other types (so on missing values), and where
    nobody has `least`.

    >>> a = actions([7, 7, 7, 2], [30, 10, 30, 10], [5, 6, 1, 0], least=2)
    >>> a.item.tolist(), a.day.tolist(), a.item_ids.tolist()
    ([0, 1], [6, 1], [10, 30])
    """
    people, things, days = _ids("user", user), _ids("item", item), _days("day", day)
    if not len(people) == len(things) == len(days):
        raise ValueError(f"{len(people)} users, {len(things)} items, {len(days)} days: expected as many of each")
    _, who = np.unique(people, return_inverse=True)
    names, what = np.unique(things, return_inverse=True)
    order = np.lexsort((days, what, who))
    who, what, days = who[order], what[order], days[order]
    keys = _keys(who, what, len(names))
    first = np.diff(keys, prepend=-1) > 0
    who, what, days = who[first], what[first], days[first]
    many = np.bincount(who, minlength=1)
    active = many[who] >= least
    if not active.any():
        raise ValueError(f"the most distinct items of a user are {many.max()}: expected {least} or more of someone")
    users, who = np.unique(who[active], return_inverse=True)
    left, what = np.unique(what[active], return_inverse=True)
    return Actions(who, what, days[active], len(users), len(left), names[left])


def random_split(a: Actions, rng: np.random.Generator) -> Split:
    """Withhold two actions of each user at random (section IV-A): every ordered pair of them is equally likely.

    Uses one permutation of the n actions. Raises ValueError on a user who would keep no training action.
    """
    return _split(a, np.lexsort((rng.permutation(len(a.user)), a.user)))


def timed_split(a: Actions, rng: np.random.Generator) -> Split:
    """Withhold each user's last action for testing and the last but one for validation.

    The day of an action is that of the pair's first. `rng` orders the actions of one day, by one permutation of all.
    Raises ValueError on a user who would keep no training action.
    """
    return _split(a, np.lexsort((rng.permutation(len(a.user)), a.day, a.user)))


def without_companions(a: Actions, s: Split) -> Split:
    """Remove from train what the user took on the first day of the withheld test item or of the validation item.

    What is bought together tends to be alike, or one thing in two colours: companions give the withheld item away. The
    withheld items stay as they are. A pair counts on its first day alone: an item that was taken before and again on
    that day stays in train.

    Users whose whole history is of those days keep no training row. They are neither left as they were, which would
    leave the leak, nor dropped, so that both splits have the same users and items; a method knows nothing of them, and
    must give them scores all the same. To leave them out of a mean: `np.diff(split.history().indptr) > 0` are the rest.
    Raises ValueError on a split that is not of these actions.
    """
    user, item = s.train.T
    days, everyone = _days_of(a, s, user, item), np.arange(s.users)
    shared = np.zeros(len(days), bool)
    for held in (s.test, s.valid):
        shared |= days == _days_of(a, s, everyone, held)[user]
    return replace(s, train=s.train[~shared])


def companions(a: Actions, s: Split) -> np.ndarray:
    """Which users have a training item of the day of their test item: (U,) bool. Raises as `without_companions`."""
    user, item = s.train.T
    shared = _days_of(a, s, user, item) == _days_of(a, s, np.arange(s.users), s.test)[user]
    return np.asarray(np.bincount(user[shared], minlength=s.users) > 0)


def table2(a: Actions) -> dict[str, int]:
    """The row of Table II: users, items and interactions (training, validation and test together)."""
    return {"users": a.users, "items": a.items, "interactions": len(a.user)}


def _split(a: Actions, order: np.ndarray) -> Split:
    """Withhold the last action of each user in this order for testing, and the one before it for validation."""
    many = np.bincount(a.user, minlength=a.users)
    if many.min() < _NEEDED:
        one = int(many.argmin())
        raise ValueError(f"user {one} has {many[one]} actions: expected {_NEEDED} or more; choose a larger `least`")
    end = np.cumsum(many)
    test, valid = order[end - 1], order[end - 2]
    kept = np.ones(len(order), bool)
    kept[test] = kept[valid] = False
    return Split(a.users, a.items, np.column_stack([a.user, a.item])[kept], a.item[valid], a.item[test])


def _days_of(a: Actions, s: Split, user: np.ndarray, item: np.ndarray) -> np.ndarray:
    """Days of pairs, found among the actions."""
    keys, wanted = _keys(a.user, a.item, a.items), _keys(user, item, a.items)
    place = np.searchsorted(keys, wanted)
    if (a.users, a.items) != (s.users, s.items) or not np.array_equal(keys[np.minimum(place, len(keys) - 1)], wanted):
        raise ValueError(
            f"a split of {s.users} users and {s.items} items, actions of {a.users} and {a.items}: expected a split of "
            "these very actions"
        )
    return a.day[place]


def _keys(user: np.ndarray, item: np.ndarray, items: int) -> np.ndarray:
    """One number for each pair, in the order of user, then item."""
    return np.asarray(user.astype(np.int64) * items + item.astype(np.int64))


def _refuse_unsorted(name: str, keys: np.ndarray) -> None:
    if (np.diff(keys) <= 0).any():
        at = int(np.argmax(np.diff(keys) <= 0)) + 1
        raise ValueError(f"{name}: row {at} does not follow row {at - 1}; expected each pair once, by user, then item")


def _ids(name: str, values: npt.ArrayLike) -> np.ndarray:
    found = np.asarray(values)
    if found.dtype.kind == "O" and all(isinstance(value, str) for value in found.ravel()):
        found = found.astype(str)  # texts of a table arrive as objects
    return found if found.dtype.kind == "U" and found.ndim == 1 else _numbers(name, found)


def _days(name: str, values: npt.ArrayLike) -> np.ndarray:
    found = np.asarray(values)
    return _numbers(name, found.astype("M8[D]").astype(np.int64) if found.dtype.kind == "M" else found)


def _numbers(name: str, found: np.ndarray) -> np.ndarray:
    if found.ndim != 1 or not found.size or found.dtype.kind not in "iu" or found.min() < 0:
        least = f", the least {found.min()}" if found.size and found.dtype.kind in "iu" else ""
        raise ValueError(f"{name} {found.shape}, {found.dtype}{least}: expected (n,) whole numbers >= 0, n >= 1")
    return found.astype(np.int64)
