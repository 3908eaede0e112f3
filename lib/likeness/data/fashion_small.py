"""Fashion Product Images (Small): 44,446 products of a shop, 30,617 with a photograph of 60 x 80 pixels here.

For research: its photographs may not be published, numbers and plots may.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from likeness.data.archives import ZipImages
from likeness.data.tables import data_file, new_id, number, rows

#: Columns of styles.csv. The last, the display name, may contain commas that nothing quotes (in the registered copy
#: none does, and two names that hold an inch sign stand in quotes, as a CSV writer put them).
COLUMNS: Final = (
    "id", "gender", "masterCategory", "subCategory", "articleType", "baseColour", "season", "year", "usage",
    "productDisplayName",
)  # fmt: skip
_ID: Final = re.compile(r"[0-9]{1,10}")
_CLOSED: Final = ["gender", "masterCategory", "subCategory", "articleType", "baseColour", "season", "usage"]


@dataclass(frozen=True, eq=False)
class FashionSmall:
    """Products and photographs.

    styles : `COLUMNS` (id and display name str, year Int16 with NA, the rest category, "" where there is none and "NA"
        where the shop wrote it), and photo bool, in the order of the file. Display names are as the file has them,
        quotes included.
    images : id -> JPEG bytes, lazy. without_photo : styles whose photo is False; they are kept.
    without_row : photographs that no row describes.
    """

    styles: pd.DataFrame
    images: ZipImages
    without_photo: int
    without_row: int


def load(root: Path | str | None = None) -> FashionSmall:
    """Load the products from the data folder, hashes checked, or from a folder `root` in the same layout, unchecked.

    Raises
    ------
    FileNotFoundError : a file is missing; the message says how to get it.
    ValueError : a file of another hash or layout, naming file, row and field.
    """
    path, photos = (data_file("fashion_small", f"fashion_small/{name}", root) for name in ("styles.csv", "images.zip"))
    images = ZipImages(photos)
    known: dict[str, int] = {}
    found: list[list[str]] = []
    years: list[int | None] = []
    for row, fields in rows(path, COLUMNS, ","):
        new_id(path, row, "id", fields[0], _ID, known)
        years.append(_year(path, row, fields[7]))
        found.append(fields)
    styles = pd.DataFrame(found, columns=list(COLUMNS), dtype="str")
    styles["year"] = pd.array(years, dtype="Int16")
    styles[_CLOSED] = styles[_CLOSED].astype("category")
    styles["photo"] = [key in images for key in known]
    with_photo = int(styles["photo"].sum())
    return FashionSmall(styles, images, len(styles) - with_photo, len(images) - with_photo)


def _year(path: Path, row: int, text: str) -> int | None:
    """A year of four digits, or None where the field is empty."""
    return number(path, row, "year", text, digits=4) if text else None
