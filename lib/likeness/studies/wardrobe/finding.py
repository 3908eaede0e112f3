"""Pictures for a query: what text-blind rankings, crude pixels and a linear probe reach in pools of 30."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from likeness.data.wardrobe.garments import Garment
from likeness.data.wardrobe.language import Query, matches
from likeness.data.wardrobe.pools import pools
from likeness.metrics.ranking import ndcg_at
from likeness.studies.wardrobe.looks import Looks, distances, look, probe

#: The papers' cut.
TOP = 5


def run_pools(seed: int, learnt: Looks, garments: list[Garment], count: int) -> pd.DataFrame:
    """nDCG@5 of every ranking: columns task, about, method, value.

    chance: all scores equal. frequency: garments that are in fewer pools first. nearest: distance of the small picture
    to the mean of the learnt garments that answer. probe: its scores of the values wanted, added. ceiling: the truth.
    """
    made = pools(seed, garments, count)
    of_number = {one.number: one for one in garments}
    numbers = sorted({number for pool in made for number in pool.members})
    seen, row = look(seed, [of_number[number] for number in numbers]), {n: k for k, n in enumerate(numbers)}
    often = Counter(number for pool in made for number in pool.members)
    probes = learn(learnt, {name for pool in made for name in pool.query.wanted})
    points: dict[str, list[np.ndarray]] = {name: [] for name in ("chance", "frequency", "nearest", "probe", "ceiling")}
    relevant = []
    for pool in made:
        members = seen.rows(np.array([row[number] for number in pool.members]))
        relevant.append(np.array([number in pool.relevant for number in pool.members]))
        points["chance"].append(np.zeros(len(pool.members)))
        points["frequency"].append(-np.array([often[number] for number in pool.members], float))
        points["nearest"].append(-distances(members.pixels, prototype(learnt, pool.query)).ravel())
        points["probe"].append(wished(probes, members, pool.query.wanted))
        points["ceiling"].append(np.array([matches(pool.query, one) for one in members.garments], float))
    scores = {name: ndcg_at(one, relevant, TOP) for name, one in points.items()}
    return pd.DataFrame({"task": "query", "about": "ndcg5", "method": list(scores), "value": list(scores.values())})


def prototype(learnt: Looks, asked: Query) -> np.ndarray:
    """Mean small picture (1, D) of the learnt garments that answer; of those of the kind, of all, where none does."""
    kind = Query(asked.text, {"kind": asked.wanted["kind"]})
    for one in (asked, kind):
        rows = [k for k, garment in enumerate(learnt.garments) if matches(one, garment)]
        if rows:
            return np.asarray(learnt.pixels[rows].mean(axis=0, keepdims=True))
    return np.asarray(learnt.pixels.mean(axis=0, keepdims=True))


def learn(learnt: Looks, names: set[str]) -> dict[str, Pipeline]:
    """A probe for each attribute, of the garments that have it."""
    fitted = {}
    for name in sorted(names):
        values = learnt.column(name)
        has = values != ""
        fitted[name] = probe().fit(learnt.features[has], values[has])
    return fitted


def wished(probes: dict[str, Pipeline], members: Looks, wanted: dict[str, str]) -> np.ndarray:
    """Sum (n,) of the probes' scores of the wanted values; a value that none has learnt counts nothing."""
    total = np.zeros(len(members.garments))
    for name, value in wanted.items():
        classes = list(probes[name].classes_)
        if value in classes:
            scores = probes[name].decision_function(members.features)
            two = len(classes) == 2  # of two classes there is one column, that of the second
            total += (scores if value == classes[1] else -scores) if two else scores[:, classes.index(value)]
    return total
