"""The next purchase: AUC of baselines over the drawn garments, beside what knowledge of the world would reach."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from likeness.data.splits import LEAST
from likeness.data.wardrobe.garments import stream
from likeness.data.wardrobe.purchases import Interactions, shop
from likeness.data.wardrobe.shop_statistics import auc, ceiling
from likeness.data.wardrobe.shoppers import Habits, open_world
from likeness.studies.wardrobe.looks import RIDGE, Looks

#: What is known of the world, as the card names it.
KNOWN: Final = {"dateless": "ceiling-undated", "truth": "ceiling-dated", "mood": "ceiling-mood"}


def run_shop(seed: int, seen: Looks, customers: int) -> pd.DataFrame:
    """Mean AUC over held-out purchases, one of each user with five garments: columns task, about, method, value.

    chance: random numbers. popularity: training purchases. nearest: the most alike feature among the user's others.
    probe: ridge regression of what the user has on the features of all garments. ceiling-...: what the world knows
    without the date, with it, and with the mood of that day.
    """
    world = open_world(seed, seen.garments, Habits(users=customers))
    bought = distinct(shop(world))
    held = hold_out(seed, bought)
    scores = _scores(seed, seen, bought, held, customers)
    own = {u: bought.item[bought.user == u] for u in np.unique(bought.user[held])}
    found = {
        name: float(np.mean([auc(score[bought.user[k]], int(bought.item[k]), own[bought.user[k]]) for k in held]))
        for name, score in scores.items()
    }
    best = ceiling(world, bought, held)
    found |= {word: best[name] for name, word in KNOWN.items()}
    return pd.DataFrame({"task": "shop", "about": "auc", "method": list(found), "value": list(found.values())})


def distinct(bought: Interactions) -> Interactions:
    """Each pair of user and garment once, its first purchase."""
    pairs = np.stack([bought.user, bought.item])
    first = np.sort(np.unique(pairs, axis=1, return_index=True)[1])
    return Interactions(bought.user[first], bought.item[first], bought.day[first])


def hold_out(seed: int, bought: Interactions) -> np.ndarray:
    """Rows (users,): a random purchase of each user with `LEAST` garments or more."""
    order = stream(seed, "card", "held out").permutation(len(bought))
    user, first, many = np.unique(bought.user[order], return_index=True, return_counts=True)
    if not (many >= LEAST).any():
        raise ValueError(f"{len(user)} users, none with {LEAST} garments: give more customers")
    return np.asarray(order[first[many >= LEAST]])


def _scores(seed: int, seen: Looks, bought: Interactions, held: np.ndarray, users: int) -> dict[str, np.ndarray]:
    """Scores (U, N) of the baselines, which know the purchases that are not held out."""
    has = np.zeros((users, len(seen.garments)))
    kept = np.setdiff1d(np.arange(len(bought)), held)
    has[bought.user[kept], bought.item[kept]] = 1.0
    x = seen.features.astype(np.float64)
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-12)
    unit = x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-12)
    alike = unit @ unit.T
    near = np.array([alike[row > 0].max(axis=0, initial=-1.0) for row in has])
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ has.T)  # (512, U)
    return {
        "chance": stream(seed, "card", "chance").random(has.shape),
        "popularity": np.broadcast_to(has.sum(axis=0), has.shape),
        "nearest": near,
        "probe": (x @ weights).T,
    }
