"""What a run of the chapter works on: people, features, photographs for the generators, and who judges designs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from likeness.data.registry import SOURCES, here
from likeness.data.splits import companions
from likeness.studies.dvbpr import people as sets
from likeness.studies.dvbpr.features import Features, features
from likeness.studies.dvbpr.fits import divide
from likeness.studies.dvbpr.gans import Kind
from likeness.studies.dvbpr.parameters import Parameters
from likeness.studies.dvbpr.people import People, standing
from likeness.studies.dvbpr.reader import Reader, reader

#: A seed of the wardrobe whose garments neither shoppers nor encoders see: fresh photographs for Figure 4.
_FRESH = 20_000


def load(p: Parameters) -> dict[str, People]:
    """The wardrobe, and those of `p.real` whose files, and the photographs that features are learnt from, are here."""
    found = {"wardrobe": shoppers(p, p.side)}
    for name in p.real:
        if here(*SOURCES[name].files, *SOURCES[name].unhashed, *SOURCES["fashion_small"].files):
            found[name] = _real(name, p.side)
    return found


def shoppers(p: Parameters, side: int) -> People:
    """The wardrobe's, with photographs of so many pixels each way."""
    return sets.wardrobe(p.seed, p.users, sets.GARMENTS * p.users, side, p.jobs)


def _real(name: str, side: int) -> People:
    if name in sets.RELEASED:
        people, split = sets.amazon(name, side)
        return replace(people, released=split)
    return sets.hm(side) if name == "hm" else sets.clothing(side)


def features_of(p: Parameters, people: People, source: str = "other-shop") -> Features:
    """Features of a set of people."""
    return features(people, source, p.seed, p.jobs, most=p.catalogue)


def to_generate(p: Parameters, shop: People) -> Mapping[Kind, People]:
    """Photographs for each kind of generator; a third kind, of larger ones, where `p.printed_side` says so."""
    found: dict[Kind, People] = {"coded": shop, "printed": shop}
    if p.printed_side != p.side:
        found["printed-large"] = shoppers(p, p.printed_side)
    return found


def fresh(p: Parameters, shop: People) -> People:
    """As many garments of another catalogue as the shop has, which nobody has bought."""
    goods = sets.goods(p.seed + _FRESH, len(shop.photos))
    photos = sets.drawn(p.seed + _FRESH, [one.number for one in goods], p.side, p.jobs)
    category = np.array([sets.category_of(one) for one in goods], dtype=np.int64)
    return replace(shop, photos=photos, category=category, garments=tuple(goods), world=None)


def reader_of(p: Parameters) -> Reader:
    """The network that says what pictures show: it judges designs, and its classes of garments are the quality's."""
    return reader(p.seed, p.jobs, most=p.catalogue)


def sizes(known: Mapping[str, People], seed: int) -> pd.DataFrame:
    """A row a set: people, items, interactions, and shares of a random division's test items."""
    lines = []
    for name, people in known.items():
        split, found = divide(people, seed, "random", 0), standing(people.actions, seed)
        basket = companions(people.actions, split).mean()
        lines.append((name, people.actions.users, people.actions.items, len(people.actions.user), found["an item"],
                      found["a user"], found["cold"], found["unseen"], basket, found["popularity"]))  # fmt: skip
    columns = ["people", "users", "items", "interactions", "an item", "median of a user", "cold", "unseen",
               "same day as one in training", "AUC of popularity"]  # fmt: skip
    return pd.DataFrame(lines, columns=columns).set_index("people")
