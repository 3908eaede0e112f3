"""The wardrobe's texts in the papers' own files: Fashion200k's label and query lines, KDD Cup 2020's answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from likeness.data.wardrobe.garments import Garment
from likeness.data.wardrobe.pools import Pool

#: Second field of a label line, a detector's score of the garment in the picture: a drawing holds nothing else.
SCORE: Final = 1.0


def image_path(garment: Garment) -> str:
    """Where Fashion200k would keep the picture: women/tops/t-shirts/12/12_0.jpeg, without white space.

    As there, every path with "shirts/" in it is a shirt or a t-shirt.

    >>> from likeness.data.wardrobe.garments import garment
    >>> image_path(garment(0, 3)).split("/")[-2:]
    ['3', '3_0.jpeg']
    """
    kind = garment.kind if garment.kind.endswith("s") and garment.kind != "dress" else _plural(garment.kind)
    folders = (garment.gender, garment.category, kind, str(garment.number), f"{garment.number}_0.jpeg")
    return "/".join(folder.replace(" ", "_") for folder in folders)


def label_line(garment: Garment, caption: str) -> str:
    """A line of labels/*.txt, without its end: image path, detection score and caption, tab separated.

    Raises ValueError on a caption that is empty or holds a tab or the end of a line.
    """
    if not caption.strip() or "\t" in caption or len(caption.splitlines()) != 1:
        raise ValueError(f"caption {caption!r} of garment {garment.number}: expected one line of words without tabs")
    return f"{image_path(garment)}\t{SCORE:.6f}\t{caption}"


def label_file(category: str, split: str) -> str:
    """Name of the label file of a category; the split is told by "train" or "test" in it. Raises on another split."""
    if split not in ("train", "test"):
        raise ValueError(f"split {split!r}: expected 'train' or 'test'")
    return f"labels/{category}_{split}_detect_all.txt"


def query_lines(garments: Sequence[Garment], pairs: Iterable[tuple[int, int]]) -> list[str]:
    """Lines of test_queries.txt: paths of source and target, one pair (source row, target row) a line."""
    return [f"{image_path(garments[source])} {image_path(garments[target])}" for source, target in pairs]


def answers(pools: Sequence[Pool]) -> dict[str, list[int]]:
    """valid_answer.json of KDD Cup 2020: by the number of the query, from 1, the product numbers that answer it."""
    return {str(number): sorted(pool.relevant) for number, pool in enumerate(pools, start=1)}


def _plural(kind: str) -> str:
    return f"{kind}es" if kind.endswith("ss") else f"{kind}s"
