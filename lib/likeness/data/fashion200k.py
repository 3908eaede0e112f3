"""Fashion200k in its official layout: label files, the images that they name, and the test queries.

::

    <root>/labels/*.txt         image path, detection score, caption, tab separated; "train" or "test" in its name
    <root>/women/...            the images
    <root>/test_queries.txt     source path and target path, separated by blanks

Paths come from outside: one that leaves the root, also by a symbolic link, is refused. Captions are untrusted text,
kept as they are but for `clean`. Training queries are made in `likeness.data.fashion200k_queries`.

References
----------
.. [1] Han et al., "Automatic Spatially-aware Fashion Concept Discovery", ICCV 2017 (the data).
.. [2] Vo et al., "Composing Text and Image for Image Retrieval", CVPR 2019; cleaning, parents and modification texts
   are those of its code (datasets.py), which ComposeTransformers (Tran, Hoang, 2022) took over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from likeness.data.strict_text import BadField, Skipped, lines, parsed, shown, text

SPLITS: Final = ("train", "test")
#: Shirts and t-shirts: the subset of ComposeTransformers is every path with this in it.
SHIRTS: Final = "shirts/"
#: Signs that a caption may hold, and the words that the published code puts in their place.
MARKS: Final = {".": "dotmark", "?": "questionmark", "&": "andmark", "*": "starmark"}
#: Bytes of a line: paths and captions are some hundred; room for a long caption.
_LONGEST_LINE: Final = 2**16
_IMAGES: Final = "women"


@dataclass(frozen=True)
class Image:
    """One labelled image: its path below the root, the score of the garment detector, and its cleaned caption."""

    path: str
    score: float
    caption: str


@dataclass(frozen=True)
class Catalogue:
    """The images of one split in the order of the label files (by name), and the rows left out, by field."""

    root: Path
    split: str
    within: str
    images: tuple[Image, ...]
    skipped: Skipped


def clean(caption: str) -> str:
    """A caption as the published code cleans it: blanks at its ends taken off, four signs turned into words.

    Nothing else is touched: markup stays text, two blanks stay two.

    >>> clean(" black & white no. 5 ")
    'black andmark white nodotmark 5'
    """
    caption = caption.strip()
    for sign, word in MARKS.items():
        caption = caption.replace(sign, word)
    return caption


def read_labels(
    root: Path | str, split: str, *, within: str = "", need_files: bool = True, skip: bool = False
) -> Catalogue:
    """Read all label files of a split.

    within : keep only paths that contain it; `SHIRTS` is the subset of ComposeTransformers.
    need_files : every image must be there, inside the root. False reads captions without the photographs.
    skip : leave bad rows out and count them in `skipped` {field: rows}, whose `first` has the first message of each
        field: "row" (not three fields), "image path" (climbs out of the root, or is no path), "image file" (missing, or
        out of the root by a link), "image twice", "score", "caption" (empty after cleaning, or no UTF-8).

    Raises
    ------
    FileNotFoundError : no such root, or no label file of the split in it.
    ValueError : another split; a label file whose name says both; without `skip` file, row and field of a bad row.
    """
    root = Path(root)
    skipped = Skipped()
    seen: set[str] = set()

    def parse(line: bytes) -> Image | None:
        image = _image(line)
        if within not in image.path:
            return None
        if need_files:
            image_file(root, image.path)
        if image.path in seen:
            raise BadField("image twice", f"{shown(image.path)} has a label already; keep one of them")
        seen.add(image.path)
        return image

    images = [
        image
        for path in _label_files(root, split)
        for image in parsed(path, lines(path, _LONGEST_LINE), parse, skipped if skip else None)
        if image is not None
    ]
    return Catalogue(root, split, within, tuple(images), skipped)


def image_file(root: Path | str, path: str) -> Path:
    """The file of an image, all links followed.

    Raises ValueError on a path that is absolute, climbs by "..", does not begin with women/, or ends outside of the
    root by a link; and where there is no such file.
    """
    relative = _relative(path)
    try:
        top = Path(root).resolve()
        file = (top / relative).resolve()
        there = file.is_file()
    except (OSError, RuntimeError, ValueError) as error:  # name too long, links in a ring, a name that no disk takes
        raise BadField("image file", f"{shown(path)} cannot be looked for ({type(error).__name__})") from error
    if not file.is_relative_to(top):
        raise BadField("image file", f"{shown(path)} leads out of {top} by a link; expected the image itself below it")
    if not there:
        raise BadField("image file", f"{shown(path)}: no such file below {top}")
    return file


def _relative(path: str) -> PurePosixPath:
    parts = path.split("/")
    climbs = any(part in ("", ".", "..") for part in parts)
    if parts[0] != _IMAGES or len(parts) < 2 or climbs or not path.isprintable():
        raise BadField("image path", f"{shown(path)}: expected {_IMAGES}/<category>/.../<image> without '..'")
    if "\\" in path:
        raise BadField("image path", f"{shown(path)}: expected '/' between folders")
    return PurePosixPath(path)


def _image(line: bytes) -> Image:
    fields = line.split(b"\t")
    if len(fields) != 3:
        raise BadField("row", f"{len(fields)} fields, expected image path, detection score, caption")
    path = text("image path", fields[0])
    _relative(path)
    try:
        score = float(fields[1])
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise BadField("score", f"{shown(fields[1])}: expected a finite number")
    return Image(path, score, clean(text("caption", fields[2])))


def _label_files(root: Path, split: str) -> list[Path]:
    if split not in SPLITS:
        raise ValueError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
    folder = root / "labels"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; expected the label files of Fashion200k in it")
    named = sorted(p for p in folder.glob("*.txt") if not p.name.startswith(".") and p.is_file())
    both = [p.name for p in named if all(s in p.name for s in SPLITS)]
    if both:
        raise ValueError(f"{folder}: {both} say both train and test: expected one of them in a file's name")
    mine = [p for p in named if split in p.name]
    if not mine:
        raise FileNotFoundError(f"{folder}: no .txt with {split!r} in its name among {len(named)}; is it complete?")
    return mine
