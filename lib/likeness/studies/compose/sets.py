"""What a run of the chapter works on: sets of queries, what they look like, and who sees the photographs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from likeness.studies.compose.eyes import Eyes, open_eyes, teach
from likeness.studies.compose.parameters import Parameters
from likeness.studies.compose.queries import here, load, sizes
from likeness.studies.compose.tasks import Task

#: Always there: both ways to ask of the wardrobe.
DRAWN = ("wardrobe", "wardrobe-changes")
#: The set from whose attributes the image encoder of another one learns. Both of the wardrobe have one catalogue.
SCHOOLS = {"wardrobe-changes": "wardrobe", "hm": "fashion_small", "fashion200k": "fashion_small"}


def load_all(p: Parameters) -> dict[str, Task]:
    """The wardrobe's two sets, and those of `p.real` whose files, and their schools', are below LIKENESS_DATA."""
    there = set(here((*p.real, *SCHOOLS.values()))) if p.real else set()
    real = [name for name in p.real if {name, SCHOOLS.get(name, name)} <= there]
    return {name: _load(p, name) for name in (*DRAWN, *real)}


def look(p: Parameters, known: Mapping[str, Task]) -> dict[str, Eyes]:
    """Each set's image encoder, with what its frozen part makes of the photographs."""
    school_of = {name: SCHOOLS.get(name, name) for name in known}
    schools = {name: (known.get(name) or _load(p, name)).goods for name in dict.fromkeys(school_of.values())}
    taught = teach(p, schools)
    return {name: open_eyes(p, task, taught[school_of[name]]) for name, task in known.items()}


def described(known: Mapping[str, Task]) -> pd.DataFrame:
    """A column a set: what `queries.sizes` counts."""
    return pd.DataFrame({name: sizes(task) for name, task in known.items()})


def _load(p: Parameters, name: str) -> Task:
    return load(name, seed=p.seed, garments=p.garments, train=p.train, test=p.test, side=p.side, jobs=p.jobs)
