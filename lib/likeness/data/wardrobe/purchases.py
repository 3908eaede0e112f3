"""Purchases: what the shoppers of a world take from what is on sale, in baskets, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import stream
from likeness.data.wardrobe.shoppers import World, moods, on_sale, truth

#: The date of day 0; any would do.
FIRST_DAY: Final = np.datetime64("2018-09-20")


@dataclass(frozen=True, eq=False)
class Interactions:
    """Purchases in the order of their days: user, item and day (n,) int64; rows of items are those of the world.

    Raises ValueError where they are not three of one length, none negative.
    """

    user: np.ndarray
    item: np.ndarray
    day: np.ndarray

    def __post_init__(self) -> None:
        """Refuse columns that do not fit together."""
        columns = (self.user, self.item, self.day)
        if len({x.shape for x in columns}) != 1 or self.user.ndim != 1 or any((x < 0).any() for x in columns):
            raise ValueError(f"purchases of shapes {[x.shape for x in columns]}: expected three of (n,), none negative")

    def __len__(self) -> int:
        """How many."""
        return len(self.user)

    @property
    def date(self) -> np.ndarray:
        """Dates (n,) datetime64[D]: day 0 is `FIRST_DAY`."""
        return FIRST_DAY + self.day.astype("timedelta64[D]")


def shop(world: World) -> Interactions:
    """All purchases of all users, in the order of days, then users, then as chosen.

    The purchases of a user fall into shopping days of geometric size, on different days at random. On each of them the
    user takes the garments on sale of highest utility, mood and Gumbel noise included: a garment once a day at most.

    Raises ValueError where fewer garments are on sale on a day than one user wants.
    """
    user, day, size = _baskets(world)
    feelings = moods(world, user, day)
    found = []
    for date in range(world.habits.days):
        rows = np.flatnonzero(day == date)
        items = on_sale(world, date)
        if not len(rows):
            continue
        if size[rows].max() > len(items):
            wanted = size[rows].max()
            raise ValueError(f"day {date}: {len(items)} garments on sale, {wanted} wanted: give more garments")
        worth = truth(world, user[rows], items, day[rows]) + feelings[rows] @ world.looks[items].T
        taken = choose(stream(world.seed, "chance", date), worth, size[rows])
        found += [(user[row], items[item], date) for row, many in zip(rows, taken, strict=True) for item in many]
    columns = np.array(found, dtype=np.int64).reshape(-1, 3).T.copy()
    return Interactions(*columns)


def choose(rng: np.random.Generator, utility: np.ndarray, size: np.ndarray) -> list[np.ndarray]:
    """Columns taken in each row, `size` (B,) of them one after the other, by softmax of the utilities (B, n) left.

    The Gumbel trick: the largest of V + Gumbel noise are such choices. Here by exponentials, of which the smallest of
    E / exp(V) are the same and cost less.
    """
    worth = utility - utility.max(axis=1, keepdims=True)
    wait = rng.standard_exponential(utility.shape) * np.exp(-worth)  # in float32 a wait of 0 would come up too often
    most = int(size.max())
    first = np.argpartition(wait, most - 1, axis=1)[:, :most]
    order = np.take_along_axis(first, np.argsort(np.take_along_axis(wait, first, axis=1), axis=1), axis=1)
    return [row[:many] for row, many in zip(order, size, strict=True)]


def _baskets(world: World) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """User, day and size of each basket, (baskets,) each, users in order, no user twice on a day."""
    user, day, size = [], [], []
    for row, many in enumerate(world.activity):
        rng = stream(world.seed, "baskets", row)
        ends = np.cumsum(rng.geometric(1.0 / world.habits.basket, many))
        ends = np.minimum(ends[: np.searchsorted(ends, many) + 1], many)  # the last basket takes what is left
        size += np.diff(ends, prepend=0).tolist()
        user += [row] * len(ends)
        day += np.sort(rng.choice(world.habits.days, len(ends), replace=False)).tolist()
    return np.array(user), np.array(day), np.array(size)
