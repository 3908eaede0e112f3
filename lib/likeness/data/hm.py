"""The sample of H&M's purchases: 1,364 people, 17,033 items with photographs, and 11,800 catalogue entries.

For research: its photographs may not be published, numbers and plots may.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pandas as pd

from likeness.data.archives import ZipImages
from likeness.data.strict_text import json_file
from likeness.data.tables import data_file, new_id, number, refuse, rows

#: The catalogue's columns; all but the first three and the last are kept as categories.
ARTICLE_COLUMNS: Final = (
    "article_id", "product_code", "prod_name", "product_type_name", "product_group_name",
    "graphical_appearance_name", "colour_group_name", "perceived_colour_value_name", "perceived_colour_master_name",
    "index_group_name", "garment_group_name", "detail_desc",
)  # fmt: skip
PURCHASE_COLUMNS: Final = ("user", "item", "date", "channel")
#: Names of the two sets of images: items of the purchases, items of the catalogue.
SETS: Final = ("v1", "v2")
_ID: Final = re.compile(r"[0-9]{10}")
_CODE: Final = re.compile(r"[0-9]{1,10}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CHANNELS: Final = ("1", "2")


@dataclass(frozen=True, eq=False)
class HM:
    """Tables, sets of ids and photographs. Ids are strings of ten digits, most with a leading zero.

    articles : `ARTICLE_COLUMNS` (id, code, name and description str, "" where there is none; the rest category),
        and photo bool.
    purchases : user int64, item str, date datetime64, channel int8 (1 shop, 2 online), photo bool; in the order of
        the file, which is by date; a pair that was bought again is there again.
    sets : "v1", "v2" -> ids. images : id -> JPEG bytes, lazy.
    articles_without_photo, purchases_without_photo : rows whose photo is False; they are kept.
    """

    articles: pd.DataFrame
    purchases: pd.DataFrame
    sets: dict[str, tuple[str, ...]]
    images: ZipImages
    articles_without_photo: int
    purchases_without_photo: int


def load(root: Path | str | None = None) -> HM:
    """Load the sample from the data folder, hashes checked, or from a folder `root` in the same layout, unchecked.

    Raises
    ------
    FileNotFoundError : a file is missing; the message says how to get it.
    ValueError : a file of another hash or layout, naming file, row and field.
    """
    articles, purchases, sets, photos = (
        data_file("hm", f"hm/{name}", root)
        for name in ("articles_v2.tsv", "interactions_v1.tsv", "image_sets.json", "images96.zip")
    )
    images = ZipImages(photos)
    catalogue, bought = _articles(articles, images), _purchases(purchases, images)
    return HM(
        catalogue, bought, _sets(sets, images), images,
        int((~catalogue["photo"]).sum()), int((~bought["photo"]).sum()),
    )  # fmt: skip


def _articles(path: Path, images: ZipImages) -> pd.DataFrame:
    known: dict[str, int] = {}
    found: list[list[str]] = []
    for row, fields in rows(path, ARTICLE_COLUMNS, "\t"):
        new_id(path, row, "article_id", fields[0], _ID, known)
        if not _CODE.fullmatch(fields[1]):
            refuse(path, row, "product_code", fields[1], "1 to 10 digits")
        if "\t" in fields[-1]:
            refuse(path, row, "detail_desc", fields[-1], "a text without a tab: the row has too many fields")
        found.append(fields)
    table = pd.DataFrame(found, columns=list(ARTICLE_COLUMNS), dtype="str")
    closed = list(ARTICLE_COLUMNS[3:-1])
    table[closed] = table[closed].astype("category")
    return table.assign(photo=[item in images for item in known])


def _purchases(path: Path, images: ZipImages) -> pd.DataFrame:
    users, items, days, channels = [], [], [], []
    for row, (user, item, day, channel) in rows(path, PURCHASE_COLUMNS, "\t"):
        users.append(number(path, row, "user", user))
        if not _ID.fullmatch(item):
            refuse(path, row, "item", item, f"an id of the form {_ID.pattern}")
        if channel not in _CHANNELS:
            refuse(path, row, "channel", channel, "1 or 2")
        items.append(item)
        days.append(_day(path, row, day))
        channels.append(int(channel))
    return pd.DataFrame(
        {
            "user": pd.Series(users, dtype="int64"),
            "item": pd.Series(items, dtype="str"),
            "date": pd.to_datetime(pd.Series(days)),
            "channel": pd.Series(channels, dtype="int8"),
            "photo": [item in images for item in items],
        }
    )


def _day(path: Path, row: int, text: str) -> date:
    if not _DATE.fullmatch(text):  # fromisoformat alone would take 20200922 and 2020-W39-2
        refuse(path, row, "date", text, "a day as YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        refuse(path, row, "date", text, "a day of the calendar")


def _sets(path: Path, images: ZipImages) -> dict[str, tuple[str, ...]]:
    found = json_file(path)
    if tuple(sorted(found)) != SETS:
        raise ValueError(f"{path}: expected an object with the lists {SETS}")
    for name, ids in found.items():
        if not isinstance(ids, list) or not all(isinstance(i, str) and _ID.fullmatch(i) for i in ids):
            raise ValueError(f"{path}: {name}: expected a list of ids of the form {_ID.pattern}")
        if len(set(ids)) != len(ids):
            raise ValueError(f"{path}: {name}: {len(ids) - len(set(ids))} ids are there twice")
        if missing := [i for i in ids if i not in images]:
            raise ValueError(f"{path}: {name}: {len(missing)} ids, {missing[0]} first, have no image in {images.path}")
    return {name: tuple(found[name]) for name in SETS}
