"""The real sets that stand beside the wardrobe, each None where its files are not below LIKENESS_DATA."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar

import numpy as np
import pandas as pd

from likeness.data import fashion_small, hm, kddcup_small, registry
from likeness.data.registry import SOURCES, locate
from likeness.data.wardrobe.purchases import Interactions

#: What a table shows in place of a set that is not there.
ABSENT: Final = "not here"
#: Pictures with 1, 2, ... 10 boxes in the test file of KDD Cup 2020. Written anew here, and not taken from the
#: generator (`scenes.BOXES`), which could be changed without a comparison with itself noticing.
BOXES: Final = (5665, 5415, 4734, 3547, 2634, 1977, 1488, 928, 716, 524)
#: Table II of DVBPR (Kang et al., ICDM 2017): users, items, interactions.
TABLE2: Final = {
    "amazon-fashion": (64_583, 234_892, 513_367), "amazon-women": (97_678, 347_591, 827_678),
    "amazon-men": (34_244, 110_636, 254_870), "tradesy": (33_864, 326_393, 655_409),
}  # fmt: skip
_RECORDS: Final = "kddcup2020/train_records_1000.jsonl"
_QUERIES: Final = "kddcup2020/train_queries_printed.txt"
#: Master categories of fashion_small that are garments.
_WORN: Final = ("Apparel", "Footwear")
T = TypeVar("T")


def here(name: str, *paths: str) -> bool:
    """Whether files of a set (all of them, where none are named) are below LIKENESS_DATA; hashes not looked at."""
    return registry.here(*(paths or SOURCES[name].files))


def _or_none(name: str, load: Callable[[], T], *paths: str) -> T | None:
    return load() if here(name, *paths) else None


def printed_boxes() -> np.ndarray:
    """Boxes of the pictures of KDD Cup 2020's test file that have at most ten, as far as they are known: (27628,)."""
    return np.repeat(np.arange(1, len(BOXES) + 1), BOXES)


def record_boxes() -> np.ndarray | None:
    """Boxes (1000,) of the records of KDD Cup 2020 that are known."""
    return _or_none("kddcup2020", lambda: np.array([len(r.boxes) for r in _records()]), _RECORDS)


def query_words() -> np.ndarray | None:
    """Words (23256,) of the printed queries of KDD Cup 2020."""
    return _or_none("kddcup2020", _query_words, _QUERIES)


@lru_cache(maxsize=1)
def styles() -> pd.DataFrame | None:
    """Garments of fashion_small with a photograph: name, kind, colour, gender."""
    return _or_none("fashion_small", _styles)


def purchases() -> Interactions | None:
    """Purchases of `hm`, users and items numbered from 0, days from the first."""
    return _or_none("hm", _purchases)


def _records() -> list[kddcup_small.MinedRecord]:
    return list(kddcup_small.read_mined(locate("kddcup2020", _RECORDS)))


def _query_words() -> np.ndarray:
    return np.array([len(text.split()) for text in kddcup_small.read_queries(locate("kddcup2020", _QUERIES))])


def _styles() -> pd.DataFrame:
    table = fashion_small.load().styles
    worn = table[table.photo & table.masterCategory.isin(_WORN)]
    names = {"productDisplayName": "name", "articleType": "kind", "baseColour": "colour", "gender": "gender"}
    return worn[list(names)].rename(columns=names).astype(str).reset_index(drop=True)


def _purchases() -> Interactions:
    bought = hm.load().purchases
    day = (bought["date"] - bought["date"].min()).dt.days
    return Interactions(
        pd.factorize(bought["user"])[0].astype(np.int64),
        pd.factorize(bought["item"])[0].astype(np.int64),
        day.to_numpy(np.int64),
    )
