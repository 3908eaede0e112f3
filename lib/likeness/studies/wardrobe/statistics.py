"""Statistics of the wardrobe beside those of the real sets: boxes, words, captions, attributes, purchases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd

from likeness.data.wardrobe import garments as wardrobe
from likeness.data.wardrobe.language import caption, query
from likeness.data.wardrobe.purchases import shop
from likeness.data.wardrobe.scenes import scene
from likeness.data.wardrobe.shop_statistics import statistics
from likeness.data.wardrobe.shoppers import Habits, open_world
from likeness.studies.parallel import run_all
from likeness.studies.wardrobe import real
from likeness.studies.wardrobe.parameters import Parameters

#: Most words of a query that is counted by itself; the next bin holds all longer ones.
MOST_WORDS: Final = 9
#: Values of an attribute whose shares are compared, the most frequent first.
RANKS: Final = 10
CHIPS: Final = {"wardrobe": "generated", "records": "paper", "printed": "paper", "queries": "paper",
                "fashion_small": "public", "hm": "public"}  # fmt: skip
#: Sets that stand beside the wardrobe in the tables of captions, and of purchases.
CAPTIONED: Final = ("wardrobe", "fashion_small")
SHOPS: Final = ("wardrobe", "hm", "amazon-fashion", "amazon-women", "amazon-men", "tradesy")


def run_texts(p: Parameters) -> pd.DataFrame:
    """Counts in every world: columns seed, what, bin, source = wardrobe, value (a share, or a count for captions)."""
    done = run_all(describe, [(p.seed + k, p.texts) for k in range(p.seeds)], p.jobs)
    return pd.concat(list(done), ignore_index=True)


def describe(seed: int, size: int) -> pd.DataFrame:
    """Boxes, words of queries, captions and shares of kinds and colours of the first `size` garments of a world."""
    worn = list(wardrobe.catalogue(seed, size))
    boxes = np.array([scene(seed, number, 0).count for number in range(size)])
    words = np.array([len(query(seed, one).text.split()) for one in worn])
    said = [caption(seed, one) for one in worn]
    parts = [histogram("boxes", boxes, len(real.BOXES)), histogram("words", words, MOST_WORDS), captions(said),
             shares("kind", [one.kind for one in worn]), shares("colour", [one.colour for one in worn])]  # fmt: skip
    return pd.concat(parts, ignore_index=True).assign(source="wardrobe", seed=seed)


def real_texts(p: Parameters) -> pd.DataFrame:
    """The same of the real sets that are here, and of the printed boxes: columns what, bin, source, value."""
    parts = [histogram("boxes", real.printed_boxes(), len(real.BOXES)).assign(source="printed")]
    boxes, words, styles = real.record_boxes(), real.query_words(), real.styles()
    if boxes is not None:
        parts.append(histogram("boxes", boxes, len(real.BOXES)).assign(source="records"))
    if words is not None:
        parts.append(histogram("words", words, MOST_WORDS).assign(source="queries"))
    if styles is not None:
        some = styles.iloc[: p.texts]  # as many: the share that is distinct falls with the number
        parts += [captions(list(some["name"])).assign(source="fashion_small")]
        parts += [shares(name, list(styles[name])).assign(source="fashion_small") for name in ("kind", "colour")]
    return pd.concat(parts, ignore_index=True)


def histogram(what: str, counts: np.ndarray, most: int) -> pd.DataFrame:
    """Shares of 1 ... `most` among the counts that are at most so many: rows what, bin, value."""
    inside = np.asarray(counts)[np.asarray(counts) <= most]
    found = np.bincount(inside, minlength=most + 1)[1:] / max(len(inside), 1)
    return pd.DataFrame({"what": what, "bin": [str(k) for k in range(1, most + 1)], "value": found})


def captions(said: Sequence[str]) -> pd.DataFrame:
    """How many captions are distinct, as a share; pictures of the commonest; mean words."""
    _, count = np.unique(np.array(said, dtype=str), return_counts=True)
    found = {
        "distinct": len(count) / len(said),
        "images-a-caption": len(said) / len(count),
        "most": float(count.max()) / len(said),
        "words": float(np.mean([len(one.split()) for one in said])),
    }
    return pd.DataFrame({"what": "captions", "bin": list(found), "value": list(found.values())})


def shares(what: str, values: Sequence[str]) -> pd.DataFrame:
    """Shares of the `RANKS` most frequent values, by rank: names differ between the sets."""
    found = pd.Series(values).value_counts(normalize=True).to_numpy()
    found = np.pad(found, (0, max(0, RANKS - len(found))))[:RANKS]
    return pd.DataFrame({"what": what, "bin": [str(k) for k in range(1, RANKS + 1)], "value": found})


def distances(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Total variation distance of every histogram to the real ones: columns what, source, seed, value in [0, 1]."""
    rows = []
    for (what, source), other in theirs[theirs.what.isin(("boxes", "words"))].groupby(["what", "source"]):
        want = other.set_index("bin").value
        for seed, one in ours[ours.what == what].groupby("seed"):
            apart = float((one.set_index("bin").value - want).abs().sum()) / 2
            rows.append({"what": what, "source": source, "seed": seed, "value": apart})
    return pd.DataFrame(rows)


def run_shops(p: Parameters) -> pd.DataFrame:
    """Statistics of the purchases of every world: columns seed, number, value, source = wardrobe."""
    done = run_all(buy, [(p.seed + k, p.shop, p.shoppers) for k in range(p.seeds)], p.jobs)
    return pd.concat(list(done), ignore_index=True)


def buy(seed: int, size: int, shoppers: int) -> pd.DataFrame:
    """Statistics of one world's purchases."""
    world = open_world(seed, list(wardrobe.catalogue(seed, size)), Habits(users=shoppers))
    return _numbers(statistics(shop(world), seed), "wardrobe").assign(seed=seed)


def real_shops() -> pd.DataFrame:
    """The same of `hm`, where it is here: columns number, value, source."""
    bought = real.purchases()
    return _numbers({} if bought is None else statistics(bought), "hm")


def printed_shops() -> pd.DataFrame:
    """What Table II of DVBPR says of its sets: columns source, number, value; means follow from the counts."""
    names = ["users", "items", "interactions"]
    table = pd.DataFrame.from_dict(real.TABLE2, orient="index", columns=names).rename_axis("source").reset_index()
    means = {"per-user-mean": table.interactions / table.users, "per-item-mean": table.interactions / table["items"]}
    return table.assign(**means).melt("source", [*names, *means], "number").astype({"value": float})


def by_chip(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """(chip, rows) of a frame, as `Run.values` takes them; a source without a chip of its own is a paper's."""
    yield from ((str(chip), part) for chip, part in frame.groupby(frame.source.map(lambda s: CHIPS.get(s, "paper"))))


def beside(ours: pd.DataFrame, *theirs: pd.DataFrame, row: str, sets: Sequence[str]) -> pd.DataFrame:
    """A row a number, a column a set, as text; a set that is not there says so, a number that it lacks is empty."""
    both = pd.concat([ours, *theirs], ignore_index=True)
    means = both.pivot_table(index=row, columns="source", values="value", sort=False)
    wide = means.reindex(columns=list(sets)).map(lambda x: f"{x:,.4g}" if pd.notna(x) else "")
    absent = [name for name in sets if name not in means.columns]
    wide[absent] = real.ABSENT
    return wide.rename_axis(columns=None)


def _numbers(found: dict[str, float], source: str) -> pd.DataFrame:
    names = [name.replace("<", "under").replace(" ", "-") for name in found]
    return pd.DataFrame({"number": names, "value": list(found.values()), "source": source})
