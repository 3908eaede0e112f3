"""The idx format of MNIST, plain or gzipped.

Two zero bytes, a byte for the type, a byte for the number of axes, the axes as big-endian int32, then the numbers [1]_.

References
----------
.. [1] LeCun, Cortes, Burges, "The MNIST database of handwritten digits", section "File formats".
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from pathlib import Path
from typing import Final

import numpy as np

#: Type byte -> type of the numbers, big-endian.
TYPES: Final = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
#: What deflate can blow a byte up to at most: a header that promises more than this is wrong.
_MOST_DEFLATE: Final = 1032


def read_idx(path: Path | str) -> np.ndarray:
    """Read an idx file (gzipped where its name ends in .gz) into an array of the shape and type of its header.

    The header is held against the length of the file before anything is allocated. The length of a gzipped file is the
    one at its end (modulo 2^32), and no more than 1,032 times its size.

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : not an idx file, cut short, too long, or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected an idx file, plain or .gz")
    packed = path.suffix == ".gz"
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            dtype, shape = _header(path, stream)
            begin = 4 + 4 * len(shape)
            size = begin + math.prod(shape) * dtype.itemsize
            _check_length(path, size, packed)
            raw = stream.read(size - begin + 1)  # one more than there should be
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: {error}; the file is damaged or cut short, get it again") from error
    if len(raw) != size - begin:
        raise ValueError(f"{path}: its header {shape} says {size - begin:,} bytes, it holds others; get it again")
    return np.frombuffer(raw, dtype).reshape(shape)


def _header(path: Path, stream: io.BufferedIOBase) -> tuple[np.dtype, tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or magic[3] < 1:
        raise ValueError(f"{path}: begins with {magic.hex(' ')!r}, expected 00 00 <type> <axes>: no idx file")
    axes = stream.read(4 * magic[3])
    if len(axes) < 4 * magic[3]:
        raise ValueError(f"{path}: ends within its header; get it again")
    shape = tuple(int(n) for n in np.frombuffer(axes, ">i4"))
    if min(shape) < 1:
        raise ValueError(f"{path}: shape {shape}: expected at least 1 along every axis")
    return np.dtype(TYPES[magic[2]]), shape


def _check_length(path: Path, size: int, packed: bool) -> None:
    """Refuse a file that cannot hold `size` bytes, header included."""
    there = path.stat().st_size
    if not packed:
        wrong = there != size
    else:
        with path.open("rb") as stream:
            stream.seek(-4, 2)
            there, at_most = int.from_bytes(stream.read(4), "little"), there * _MOST_DEFLATE
        wrong = there != size % 2**32 or size > at_most
    if wrong:
        raise ValueError(f"{path}: {there:,} bytes, its header says {size:,}: cut short or mislabelled; get it again")
