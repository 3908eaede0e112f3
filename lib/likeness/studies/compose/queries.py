"""What the models of the chapter learn and are asked, by the name of the data set, and a reader's own photograph."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from likeness.data import fashion_small as small_shop
from likeness.data import hm as hm_shop
from likeness.data import registry
from likeness.data.images import decode
from likeness.data.registry import SOURCES, VARIABLE, data_root
from likeness.data.shop_photos import SIDE
from likeness.studies.compose import shop_queries as shops
from likeness.studies.compose import wardrobe_queries as drawings
from likeness.studies.compose.tasks import Asked, Goods, Task, sizes

__all__ = ["WAYS", "Asked", "Goods", "Task", "here", "load", "picture", "sizes"]

WAYS: Final = ("wardrobe", "wardrobe-changes", "fashion_small", "hm", "fashion200k")
_DRAWN: Final = {"wardrobe": drawings.wardrobe, "wardrobe-changes": drawings.wardrobe_changes}


def load(name: str, *, seed: int, garments: int, train: int, test: int, side: int = SIDE, jobs: int = 0) -> Task:
    """Goods and queries of one of `WAYS`; equal arguments give equal queries.

    garments : photographs of the wardrobes; the others have as many as they have.
    train, test : queries, at most; as many choose the epoch as are tested. side : pixels of a photograph each way.
    jobs : processes that draw garments, 0 for one a core.

    Raises
    ------
    FileNotFoundError : a file of the set is not below LIKENESS_DATA; the message says how to get it.
    ValueError : another name, too few photographs, fewer than one query asked for, a damaged file or photograph.
    """
    _check(name)
    if name in _DRAWN:
        return _DRAWN[name](seed, garments, train, test, side, jobs)
    if name == "fashion_small":
        return shops.fashion_small(small_shop.load(), seed, train, test, side)
    if name == "hm":
        return shops.hm(hm_shop.load(), seed, train, test, side)
    root = data_root()
    if root is None:
        source = SOURCES[name].source
        raise FileNotFoundError(f"{name}: {VARIABLE} is not set; get {SOURCES[name].layout} from {source} and set it")
    return shops.fashion200k(root / name, seed, train, test, side)


def here(names: Iterable[str] = WAYS) -> tuple[str, ...]:
    """Those of some data sets that can be had: the wardrobes, and those whose files are below LIKENESS_DATA.

    Raises ValueError on a name outside `WAYS`, FileNotFoundError where LIKENESS_DATA names no folder.
    """
    return tuple(name for name in names if _is_here(name))


def picture(path: Path | str, side: int = SIDE) -> np.ndarray:
    """A reader's own photograph as the models take it: (3, side, side) uint8.

    Scaled to fit, not stretched, in the middle of a square whose border has the median colour of the photograph's own.
    Upright, without transparency and in three colours as `images.decode` makes it.

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : no JPEG, PNG, GIF or BMP, one that is damaged or too large, or a side below 1.
    """
    if side < 1:
        raise ValueError(f"side {side}: expected 1 pixel or more")
    seen = decode(Path(path))
    height, width = seen.shape[:2]
    scale = side / max(height, width)
    high, wide = max(1, round(scale * height)), max(1, round(scale * width))
    edge = np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]])
    square = np.empty((side, side, 3), np.uint8)
    square[:] = np.median(edge, axis=0)
    top, left = (side - high) // 2, (side - wide) // 2
    small = Image.fromarray(seen).resize((wide, high), Image.Resampling.BILINEAR)
    square[top : top + high, left : left + wide] = np.asarray(small)
    return np.ascontiguousarray(square.transpose(2, 0, 1))


def _is_here(name: str) -> bool:
    _check(name)
    if name in _DRAWN:
        return True
    root = data_root()
    paths = (*SOURCES[name].files, *SOURCES[name].unhashed)
    return registry.here(*SOURCES[name].files) and root is not None and all((root / path).exists() for path in paths)


def _check(name: str) -> None:
    if name not in WAYS:
        raise ValueError(f"data set {name!r}: expected one of {', '.join(WAYS)}")
