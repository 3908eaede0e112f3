"""The Clothing dataset (full): 5,756 photographs by people of their own garments, CC0: they may be shown.

Each garment has one contributor, and the background gives the contributor away: good for loaders and pictures, no
evidence of taste.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from likeness.data.archives import ZipImages
from likeness.data.tables import data_file, new_id, number, refuse, rows

COLUMNS: Final = ("image", "sender_id", "label", "kids")
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRUTH: Final = {"False": False, "True": True}


@dataclass(frozen=True, eq=False)
class Clothing:
    """Labels and photographs.

    labels : image str (a UUID), sender_id int64, label category, kids bool, photo bool, in the order of the file.
    images : UUID -> JPEG bytes, lazy. without_photo : labels whose photo is False; they are kept.
    without_row : photographs that no row describes.
    """

    labels: pd.DataFrame
    images: ZipImages
    without_photo: int
    without_row: int


def load(root: Path | str | None = None) -> Clothing:
    """Load the set from the data folder, hashes checked, or from a folder `root` in the same layout, unchecked.

    Raises
    ------
    FileNotFoundError : a file is missing; the message says how to get it.
    ValueError : a file of another hash or layout, naming file, row and field.
    """
    path, photos = (data_file("clothing", f"clothing/{name}", root) for name in ("images.csv", "images96.zip"))
    images = ZipImages(photos)
    known: dict[str, int] = {}
    senders, labels, kids = [], [], []
    for row, (image, sender, label, kid) in rows(path, COLUMNS, ","):
        new_id(path, row, "image", image, _ID, known)
        senders.append(number(path, row, "sender_id", sender))
        if kid not in _TRUTH:
            refuse(path, row, "kids", kid, "True or False")
        labels.append(label)
        kids.append(_TRUTH[kid])
    photo = [key in images for key in known]
    table = pd.DataFrame(
        {
            "image": pd.Series(list(known), dtype="str"),
            "sender_id": pd.Series(senders, dtype="int64"),
            "label": pd.Categorical(labels),
            "kids": kids,
            "photo": photo,
        }
    )
    return Clothing(table, images, len(photo) - sum(photo), len(images) - sum(photo))
