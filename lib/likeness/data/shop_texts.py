"""Products of two real shops with a text and a key each: what queries and their relevance are made of.

Two products with one key are equally good answers. Texts that customers typed are not to be had: a product's own text,
of a product that is not among the candidates, stands for the query.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import pandas as pd

#: Columns of every frame; each shop has attributes beside them.
COLUMNS: Final = ("id", "text", "key", "type", "colour", "group")
#: What the shops write where they do not say.
UNSAID: Final = ("", "NA", "Unknown", "undefined")

_FASHION_SMALL: Final = {
    "articleType": "type", "baseColour": "colour", "gender": "gender", "subCategory": "subcategory", "usage": "usage",
    "season": "season",
}  # fmt: skip
_HM: Final = {
    "product_type_name": "type", "colour_group_name": "colour", "graphical_appearance_name": "pattern",
    "product_group_name": "category", "garment_group_name": "section", "index_group_name": "department",
}  # fmt: skip
#: A sentence ends at a mark that white space and a capital letter follow: not at "approx. 4 cm".
_END: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")

Text = Literal["attributes", "description"]


def fashion_small_texts(styles: pd.DataFrame) -> pd.DataFrame:
    """Garments and shoes with a photograph, of `fashion_small.load().styles`, in its order.

    Columns, all str but the key: id; text, the display name; key (gender, type, colour); type; colour; group, the
    display name in lower case, which many products share; gender, subcategory, usage, season. White space is single.
    Left out are products that do not say one of the key, or have no name. The index counts rows from 0.
    """
    chosen = styles[styles["photo"] & styles["masterCategory"].isin(["Apparel", "Footwear"])]
    frame = _renamed(chosen, "id", _FASHION_SMALL)
    frame["text"] = _tidy(chosen["productDisplayName"])
    frame["group"] = frame["text"].str.lower()
    return _said(frame, ("gender", "type", "colour"))


def hm_texts(articles: pd.DataFrame, text: Text = "attributes") -> pd.DataFrame:
    """Articles with a photograph, of `hm.load().articles`, in its order.

    Columns, all str but the key: id; text; key (colour, pattern, type); type; colour; group, the product code, which
    all colours of a product share; pattern, category, section, department.

    text : "attributes": "colour pattern type" in lower case, which says what the key says and no more; "description":
        the first sentence, which hardly ever says the colour
    Left out are articles that do not say one of the key, or have no such text. The index counts rows from 0.
    Raises ValueError on another `text`.
    """
    chosen = articles[articles["photo"]]
    frame = _renamed(chosen, "article_id", _HM)
    frame["group"] = chosen["product_code"].astype(str)
    if text == "attributes":
        frame["text"] = (frame["colour"] + " " + frame["pattern"] + " " + frame["type"]).str.lower()
    elif text == "description":
        frame["text"] = [first_sentence(one) for one in chosen["detail_desc"]]
    else:
        raise ValueError(f"text {text!r}: expected 'attributes' or 'description'")
    return _said(frame, ("colour", "pattern", "type"))


def first_sentence(text: str) -> str:
    """A text up to the first end of a sentence, without that mark; white space is single.

    >>> first_sentence("Cap with a peak of approx. 7 cm. Lined.")
    'Cap with a peak of approx. 7 cm'
    """
    return _END.split(" ".join(text.split()), maxsplit=1)[0].rstrip(".!? ")


def split(frame: pd.DataFrame, seed: int, parts: tuple[float, ...] = (0.8, 0.1, 0.1)) -> tuple[pd.DataFrame, ...]:
    """Parts of a frame, by default for training, validation and test, in random order of groups; none is in two parts.

    parts : shares of the rows, > 0, of sum 1; met to within the largest group. Rows keep their index and order.
    Raises ValueError on other shares, a group that is missing, and too few groups to give every part a row.
    """
    shares = np.asarray(parts, float)
    if shares.ndim != 1 or not (shares > 0).all() or not np.isclose(shares.sum(), 1):
        raise ValueError(f"parts {parts}: expected shares > 0 of sum 1")
    if frame["group"].isna().any():
        raise ValueError(f"row {frame.index[frame['group'].isna()][0]} has no group: expected one for every row")
    codes, groups = pd.factorize(frame["group"], sort=True)  # sorted: the split does not depend on the order of rows
    order = np.random.default_rng(seed).permutation(len(groups))
    sizes = np.bincount(codes, minlength=len(groups))[order]
    middle = (np.cumsum(sizes) - sizes / 2) / max(len(frame), 1)
    part = np.empty(len(groups), np.int64)
    part[order] = np.searchsorted(np.cumsum(shares)[:-1], middle, side="right")
    of_row = part[codes]
    empty = np.setdiff1d(np.arange(len(shares)), of_row)
    if len(empty):
        raise ValueError(f"{len(groups)} groups leave part {empty[0]} of {parts} empty: give more products")
    return tuple(frame[of_row == number] for number in range(len(shares)))


def class_numbers(values: Sequence[str], least: int = 1) -> tuple[np.ndarray, list[str]]:
    """Labels for a classifier: numbers (N,) int64 into the sorted names, -1 where unsaid or rarer than `least`.

    >>> class_numbers(["Red", "NA", "Blue", "Red"], least=2)
    (array([ 0, -1, -1,  0]), ['Red'])
    """
    series = pd.Series(list(values), dtype=object)
    count = series[~series.isin(UNSAID)].value_counts()
    names = sorted(count.index[count >= least])
    return pd.Index(names, dtype=object).get_indexer(series).astype(np.int64), names


def _renamed(chosen: pd.DataFrame, identity: str, columns: dict[str, str]) -> pd.DataFrame:
    frame = chosen[[identity, *columns]].astype(str)
    return frame.rename(columns={identity: "id", **columns})


def _tidy(texts: pd.Series) -> pd.Series:
    return texts.astype(str).str.split().str.join(" ")


def _said(frame: pd.DataFrame, key: tuple[str, ...]) -> pd.DataFrame:
    """The rows that have a text and every column of the key, with the key; common columns first."""
    said = (frame["text"] != "") & ~frame[list(key)].isin(UNSAID).any(axis=1)
    frame = frame[said].reset_index(drop=True)
    frame["key"] = list(zip(*(frame[name] for name in key), strict=True))
    return frame[[*COLUMNS, *(name for name in frame.columns if name not in COLUMNS)]]
