"""A picture and a change: how often the wanted garment is among the first ten of a gallery."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from likeness.data.wardrobe.garments import Garment, stream
from likeness.data.wardrobe.modifications import GROUPS, Change, changes, differences
from likeness.studies.wardrobe.finding import learn, wished
from likeness.studies.wardrobe.looks import Looks, distances, look

#: A hit is among so many.
TOP: Final = 10


def run_changes(seed: int, learnt: Looks, garments: list[Garment], count: int) -> pd.DataFrame:
    """Hits of every ranking of the gallery, which is all sources and targets: columns task, about, method, value.

    A hit is a garment with all of the target's attributes; the source itself does not count. chance: random order.
    text: garments that have what the text names, in random order. nearest: the small picture of the source. probe:
    likeness of the features to the source, and its scores of what the text names. ceiling: the true attributes.
    """
    asked = changes(seed, garments, count)
    numbers = sorted({row for one in asked for row in (one.source, one.target)})
    seen, place = look(seed, [garments[row] for row in numbers]), {row: k for k, row in enumerate(numbers)}
    unit = seen.features - seen.features.mean(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True) + 1e-12
    apart = distances(seen.pixels, seen.pixels)
    probes = learn(learnt, {name for group in GROUPS for name in group})
    rng = stream(seed, "ties")
    hits: dict[str, list[bool]] = {name: [] for name in ("chance", "text", "nearest", "probe", "ceiling")}
    for one in asked:
        source, target = place[one.source], place[one.target]
        wanted = named(one, garments)
        right = np.array([not differences(garments[one.target], other) for other in seen.garments])
        has = np.array([all(getattr(g, name) == v for name, v in wanted.items()) for g in seen.garments], float)
        scores = {
            "chance": np.zeros(len(numbers)),
            "text": has,
            "nearest": -apart[source],
            "probe": unit @ unit[source] + _standard(wished(probes, seen, wanted)),
            "ceiling": right.astype(float),
        }
        for name, score in scores.items():
            hits[name].append(_hit(rng, score, right, source))
        if not right[target]:
            raise ValueError(f"change {one}: the target is not its own answer")
    found = {name: float(np.mean(one)) for name, one in hits.items()}
    return pd.DataFrame({"task": "change", "about": "hit10", "method": list(found), "value": list(found.values())})


def named(one: Change, garments: list[Garment]) -> dict[str, str]:
    """What the text names: the target's values, where it has any, of the attributes that change."""
    groups = differences(garments[one.source], garments[one.target])
    values = {name: getattr(garments[one.target], name) for group in groups for name in group}
    return {name: value for name, value in values.items() if value}


def _hit(rng: np.random.Generator, score: np.ndarray, right: np.ndarray, source: int) -> bool:
    """Whether a right one is among the first, the source left out, ties in random order."""
    order = np.lexsort([rng.random(len(score)), -score])
    return bool(right[order[order != source][:TOP]].any())


def _standard(score: np.ndarray) -> np.ndarray:
    spread = score.std()
    return np.asarray((score - score.mean()) / spread if spread else score * 0.0)
