"""What purchases look like, for a table beside real ones; and how well they could be predicted at best."""

from __future__ import annotations

from typing import Final

import numpy as np

from likeness.data.splits import COLD, LEAST
from likeness.data.wardrobe.garments import stream
from likeness.data.wardrobe.purchases import Interactions
from likeness.data.wardrobe.shoppers import World, moods, on_sale, parts, truth

#: Quantiles of purchases per user and per item that are reported.
QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
#: What `ceiling` reports.
_KNOWN: Final = ("mood", "truth", "dateless", "personal", "taste", "popularity", "fame", "price", "gender")
#: Days on which the chances of someone who does not know the date are averaged: about one a month of two years.
_DATES: Final = 24
#: Users whose utilities for all garments are held at once.
_BATCH: Final = 50


def statistics(interactions: Interactions, seed: int = 0, least: int = LEAST) -> dict[str, float]:
    """Numbers of a set of purchases, in the order of a table; shares are in [0, 1].

    Counted over users with `least` different items or more, each pair of user and item once (its first purchase).
    "cold" and "unseen" are shares of held-out items that fewer than 5, or no, training pairs have, one random item of
    each user held out; "companions" is the share of pairs that have another of the same user on the same day;
    "items gini" is 0 where all items that occur do so equally often.

    Raises ValueError where no user has so many items.
    """
    user, item, day = _pairs(interactions, least)
    of_users = np.unique(user, return_counts=True)[1]
    items, row, of_items = np.unique(item, return_inverse=True, return_counts=True)
    held = _held_out(user, stream(seed, "held out"))
    training = of_items - np.bincount(row[held], minlength=len(items))
    together = np.unique(np.stack([user, day]), axis=1, return_inverse=True, return_counts=True)
    size = together[2][together[1].ravel()]
    table: dict[str, float] = {"users": len(of_users), "items": len(items), "interactions": len(user)}
    table |= {f"per user {q:g}": float(np.quantile(of_users, q)) for q in QUANTILES}
    table |= {f"per item {q:g}": float(np.quantile(of_items, q)) for q in QUANTILES}
    return table | {
        "per user mean": float(of_users.mean()),
        "per item mean": float(of_items.mean()),
        "per item most": int(of_items.max()),
        "items seen once": float((of_items == 1).mean()),
        "items seen < 5": float((of_items < COLD).mean()),
        "items gini": gini(of_items),
        "cold": float((training[row[held]] < COLD).mean()),
        "unseen": float((training[row[held]] == 0).mean()),
        "companions": float((size > 1).mean()),
        "per shopping day": float(together[2].mean()),
    }


def gini(counts: np.ndarray) -> float:
    r"""Gini coefficient :math:`\sum_{ij} |c_i - c_j| / (2 n \sum c)` of counts (n,) >= 0, in [0, 1).

    Raises ValueError where there are none, or all are 0.

    >>> gini(np.array([1, 1, 1])), gini(np.array([0, 0, 0, 8]))
    (0.0, 0.75)
    """
    counts = np.sort(np.asarray(counts, dtype=np.float64))
    n = len(counts)
    if not n or counts.sum() <= 0 or counts[0] < 0:
        raise ValueError(f"{n} counts: expected numbers >= 0, not all 0")
    return float((2.0 * np.arange(1, n + 1) - n - 1.0) @ counts / (n * counts.sum()))


def auc(scores: np.ndarray, target: int, excluded: np.ndarray) -> float:
    """Share of the other items that score below the target, half of those that score the same; in [0, 1].

    scores (N,), minus infinity allowed; excluded : rows that do not count (the user's other items; the target may be
    among them). NaN where nothing is left to compare.

    >>> auc(np.array([3.0, 1.0, 3.0, 9.0]), 0, np.array([3]))
    0.75
    """
    other = np.ones(len(scores), bool)
    other[excluded] = False
    other[target] = False
    rest = scores[other]
    if not len(rest):
        return float("nan")
    return float(((rest < scores[target]).sum() + 0.5 * (rest == scores[target]).sum()) / len(rest))


def ceiling(world: World, interactions: Interactions, held: np.ndarray) -> dict[str, float]:
    """Mean AUC over all garments, of what is known of the world, for held-out purchases `held` (rows of them).

    The user's other purchases are excluded, ties count half. What is known, best first:

    - "mood": utility and the mood of that day. The ceiling: only Gumbel noise is left.
    - "truth": `truth`, that is user, date, what is on sale. The ceiling of who does not look at the day's companions.
    - "dateless": the chance of a purchase averaged over all dates: the ceiling of who does not know the date.
    - "personal": taste, price and gender on that day: the ceiling of who knows the user and the look, not the fame.
    - "taste", "popularity", "price", "gender": the parts of the truth alone, on that day; "fame": popularity without
      season.

    Raises ValueError where nothing is held out.
    """
    held = np.asarray(held)
    if not len(held):
        raise ValueError("no held-out purchase: expected at least one")
    everything, found = np.arange(len(world.fame)), []
    own = _own(interactions)
    for begin in range(0, len(held), _BATCH):
        rows = held[begin : begin + _BATCH]
        user, day = interactions.user[rows], interactions.day[rows]
        known = parts(world, user, everything, day)
        known["personal"] = known["taste"] + known["price"] + known["gender"]
        known["truth"] = known["personal"] + known["popularity"]
        known["mood"] = known["truth"] + moods(world, user, day) @ world.looks.T
        known["dateless"] = chances(world, user)
        known["fame"] = np.broadcast_to(world.fame, known["truth"].shape)
        for b, row in enumerate(rows):
            target, others = int(interactions.item[row]), own[int(user[b])]
            found.append({name: auc(scores[b], target, others) for name, scores in known.items()})
    return {name: float(np.mean([one[name] for one in found])) for name in _KNOWN}


def chances(world: World, user: np.ndarray) -> np.ndarray:
    """Chance (B, N) of each garment to be bought by users (B,) on an unknown date, moods aside; rows sum to 1."""
    dates = (np.arange(_DATES) + 0.5) * world.habits.days / _DATES
    total = np.zeros((len(user), len(world.fame)))
    for date in dates:
        items = on_sale(world, date)
        worth = truth(world, user, items, np.full(len(user), date))
        worth = np.exp(worth - worth.max(axis=1, keepdims=True))
        total[:, items] += worth / worth.sum(axis=1, keepdims=True) / _DATES
    return total


def _pairs(interactions: Interactions, least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """User, item and day of each pair's first purchase, of users with `least` items or more."""
    order = np.argsort(interactions.day, kind="stable")
    pairs = np.stack([interactions.user, interactions.item])[:, order]
    first = order[np.unique(pairs, axis=1, return_index=True)[1]]
    many = np.bincount(interactions.user[first])
    keep = np.sort(first[many[interactions.user[first]] >= least])
    if not len(keep):
        raise ValueError(f"{len(interactions)} purchases: no user has {least} different items")
    return interactions.user[keep], interactions.item[keep], interactions.day[keep]


def _held_out(user: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One random row of each user."""
    order = rng.permutation(len(user))
    return order[np.unique(user[order], return_index=True)[1]]


def _own(interactions: Interactions) -> dict[int, np.ndarray]:
    order = np.argsort(interactions.user, kind="stable")
    users, begin = np.unique(interactions.user[order], return_index=True)
    return dict(zip(users.tolist(), np.split(interactions.item[order], begin[1:]), strict=True))
