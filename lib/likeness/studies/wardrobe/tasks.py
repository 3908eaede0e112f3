"""Does the wardrobe tell methods apart? Chance, the nearest picture, a linear probe and the ceiling on every task."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from likeness.data.wardrobe import garments as wardrobe
from likeness.data.wardrobe.garments import stream
from likeness.studies.parallel import run_all
from likeness.studies.wardrobe import changing, finding, recommending
from likeness.studies.wardrobe.looks import Looks, look, nearest, probe, recognised
from likeness.studies.wardrobe.parameters import Parameters

ATTRIBUTES: Final = ("kind", "colour", "pattern", "sleeve", "neckline", "heel")
#: Attributes that are asked of what should not know them.
HIDDEN: Final = ("kind", "colour")
#: Part of the pictures that a probe learns from; it is asked about the rest.
LEARNT: Final = 0.7
#: A class that has fewer pictures is left out of the question, so that both parts have some.
_LEAST: Final = 4
#: First number of the garments that are searched: none of those that a probe has learnt from.
_APART: Final = 1_000_000
#: Garments to choose from, a pool or a change: few share their look, and pools take 6 of a kind and look.
_A_POOL, _A_CHANGE = 40, 40


def run_tasks(p: Parameters) -> pd.DataFrame:
    """All tasks in all worlds: columns seed, task, about, method, value."""
    sizes = (p.drawn, p.heels, p.pools, p.changes, p.customers)
    found = run_all(one_world, [(p.seed + k, *sizes) for k in range(p.seeds)], p.jobs)
    return pd.concat(list(found), ignore_index=True)


def one_world(seed: int, drawn: int, heels: int, pools: int, changes: int, customers: int) -> pd.DataFrame:
    """All tasks in one world; the arguments are the parameters of those names."""
    learnt = look(seed, list(wardrobe.catalogue(seed, drawn)))
    shoes = look(seed, _shoes(seed, drawn, heels))
    both = [recognise(seed, learnt, name) for name in ATTRIBUTES if name != "heel"]
    frames = [*both, recognise(seed, shoes, "heel"), *(leaks(seed, learnt, name) for name in HIDDEN)]
    every = list(wardrobe.catalogue(seed, _A_POOL * pools + 1_000, _APART))
    frames.append(finding.run_pools(seed, learnt, every, pools))
    frames.append(changing.run_changes(seed, learnt, every[: _A_CHANGE * changes + 1_000], changes))
    frames.append(recommending.run_shop(seed, learnt, customers))
    return pd.concat(frames, ignore_index=True).assign(seed=seed)


def gaps(found: pd.DataFrame) -> pd.DataFrame:
    """How far the frequency prior of the pools is from equal scores, by world: columns seed, value."""
    wide = found[found.task == "query"].pivot_table(index="seed", columns="method", values="value")
    return (wide.frequency - wide.chance).rename("value").reset_index()


def recognise(seed: int, seen: Looks, name: str) -> pd.DataFrame:
    """Tell an attribute of garments that have it: share recognised, mean over its values."""
    train, test = split(seed, seen, name)
    truth = test.column(name)
    near = train.column(name)[nearest(train.pixels, test.pixels)]
    fitted = probe().fit(train.features, train.column(name)).predict(test.features)
    scores = {
        "chance": 1.0 / len(np.unique(truth)),
        "nearest": recognised(truth, near),
        "probe": recognised(truth, fitted),
        "ceiling": 1.0,
    }
    return frame("attribute", name, scores)


def leaks(seed: int, seen: Looks, name: str) -> pd.DataFrame:
    """An attribute from the picture's border and from the garment's number, above chance: 0 where nothing leaks."""
    train, test = split(seed, seen, name)
    truth = test.column(name)
    sources = {"border": (train.border, test.border), "number": (_digits(train), _digits(test))}
    found = {
        source: recognised(truth, probe().fit(a, train.column(name)).predict(b)) - 1.0 / len(np.unique(truth))
        for source, (a, b) in sources.items()
    }
    return frame("leak", name, found)


def split(seed: int, seen: Looks, name: str) -> tuple[Looks, Looks]:
    """Two parts of the garments that have an attribute, each with every value; rare values are left out."""
    values = seen.column(name)
    names, count = np.unique(values, return_counts=True)
    kept = [one for one, many in zip(names, count, strict=True) if one and many >= _LEAST]
    rng, train, test = stream(seed, "split", name), [], []
    for one in kept:
        rows = rng.permutation(np.flatnonzero(values == one))
        cut = round(LEARNT * len(rows))
        train += rows[:cut].tolist()
        test += rows[cut:].tolist()
    return seen.rows(np.array(sorted(train))), seen.rows(np.array(sorted(test)))


def frame(task: str, about: str, scores: dict[str, float]) -> pd.DataFrame:
    """Rows task, about, method, value."""
    return pd.DataFrame({"task": task, "about": about, "method": list(scores), "value": list(scores.values())})


def _shoes(seed: int, drawn: int, heels: int) -> list[wardrobe.Garment]:
    """The first `heels` garments after those drawn that have a heel."""
    found: list[wardrobe.Garment] = []
    number = drawn
    while len(found) < heels:
        one = wardrobe.garment(seed, number)
        found += [one] if one.heel else []
        number += 1
    return found


def _digits(seen: Looks) -> np.ndarray:
    """What can be read off the numbers (n, 12): the number, its remainders by small primes, its lowest bits."""
    number = np.array([one.number for one in seen.garments])
    return np.column_stack([number, *(number % k for k in (3, 5, 7, 11, 13)), *(number >> k & 1 for k in range(6))])
