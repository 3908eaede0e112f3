"""An index on the disk: a folder with codebooks and codes that is there whole or not at all.

`<folder>/index.json` (dim, parts, their rows), `codebooks.npy` (M, K, Ds) float32, `iterations.npy` (M,), and
`codes-00000.npy`, ... (n, M) uint8 or uint16, one a shard. Codes are mapped, not loaded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from likeness.data.vectors import layout, open_vectors, write
from likeness.data.whole_files import whole
from likeness.models.fpq.pq import PQ

_ABOUT: Final = "index.json"


@dataclass(frozen=True, eq=False)
class Stored:
    """An opened index: the quantizer, and the codes of each shard as maps (n, M)."""

    pq: PQ
    parts: list[np.ndarray]

    def __len__(self) -> int:
        """How many vectors it holds."""
        return sum(len(part) for part in self.parts)

    def codes(self) -> np.ndarray:
        """All codes in memory, (N, M), in the order of the shards."""
        return np.concatenate(self.parts)


def save(folder: Path | str, pq: PQ, codes: Iterable[np.ndarray]) -> None:
    """Write an index from blocks of codes (n, M). Raises ValueError on foreign codes, OSError as `build`."""

    def fill(half: Path) -> None:
        for i, block in enumerate(codes):
            write_part(half, i, pq, block)

    build(folder, pq, fill)


def build(folder: Path | str, pq: PQ, fill: Callable[[Path], None]) -> None:
    """Make an index: `fill` writes its parts by `write_part` into a folder that becomes `folder` when all are there.

    Raises
    ------
    FileNotFoundError : the folder's parent is not there.
    OSError : no room on the disk, or a folder of this name that is not empty; nothing is left behind.
    """
    with whole(folder) as half:
        half.mkdir()
        fill(half)
        rows = [layout(part).n for part in sorted(half.glob("codes-*.npy"))]
        np.save(half / "codebooks.npy", pq.codebooks)
        np.save(half / "iterations.npy", pq.iterations)
        (half / _ABOUT).write_text(json.dumps({"dim": pq.dim, "rows": rows}), encoding="utf-8")


def write_part(half: Path, number: int, pq: PQ, codes: np.ndarray) -> None:
    """Write the codes (n, M) of shard `number`; again after a lost worker, with the same result."""
    write(_part(half, number), pq.check_codes(codes).astype(pq.code_type))


def load(folder: Path | str) -> Stored:
    """Open an index.

    Raises
    ------
    FileNotFoundError : no index of this name, or one of its files is missing.
    ValueError : a part is damaged, or holds other codes than the index says.
    """
    folder = Path(folder)
    about_file = folder / _ABOUT
    if not about_file.is_file():
        raise FileNotFoundError(f"{folder}: no index there (no {_ABOUT}); make one by `save` or `mapreduce.encode`")
    about = json.loads(about_file.read_text(encoding="utf-8"))
    pq = PQ(np.load(folder / "codebooks.npy"), about["dim"], np.load(folder / "iterations.npy"))
    parts = [open_vectors(_part(folder, i)) for i in range(len(about["rows"]))]
    for i, (part, rows) in enumerate(zip(parts, about["rows"], strict=True)):
        if part.shape != (rows, pq.m) or part.dtype != pq.code_type:
            raise ValueError(
                f"{_part(folder, i)}: {part.dtype} {part.shape}, expected {pq.code_type} ({rows}, {pq.m}); "
                "it belongs to another index: build this one again"
            )
    return Stored(pq, parts)


def _part(folder: Path, number: int) -> Path:
    return folder / f"codes-{number:05d}.npy"
