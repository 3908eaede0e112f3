"""Vectors in files larger than memory: .npy, .fvecs, .bvecs and .ivecs by memory map, in shards.

A .?vecs file is a row of records, each the length D as a little-endian int32 and then D numbers: float32, uint8 or
int32 [1]_. Of every file the header is read and held against the length of the file before anything is allocated.

References
----------
.. [1] Jegou, Douze, Schmid, http://corpus-texmex.irisa.fr, "File formats".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy

from likeness.data.whole_files import whole

#: Numbers of a record, by the ending of the file.
RECORDS: Final[dict[str, np.dtype]] = {".fvecs": np.dtype("<f4"), ".bvecs": np.dtype("u1"), ".ivecs": np.dtype("<i4")}
#: Records whose length is looked at when a file is opened; `read` looks at all that it reads.
_SAMPLE: Final = 64


@dataclass(frozen=True)
class Layout:
    """How a checked file lies on the disk: N rows of D numbers of a type, `skip` bytes before the first record.

    head : bytes of each record before its numbers (4 in .?vecs, else 0).
    """

    path: Path
    n: int
    d: int
    dtype: np.dtype
    skip: int
    head: int

    @property
    def record(self) -> int:
        """Bytes of a record."""
        return self.head + self.d * self.dtype.itemsize


@dataclass(frozen=True)
class Shard:
    """Rows begin..end - 1 of a file: what one task of a MapReduce reads."""

    path: Path
    begin: int
    end: int

    def __len__(self) -> int:
        """How many rows."""
        return self.end - self.begin


def layout(path: Path | str) -> Layout:
    """Read and check the header of a file of vectors.

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : another ending; a file that is empty, cut short or too long for its header, of another shape, type
        or order; records of different lengths (a sample of them is looked at).
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected .npy, {', '.join(RECORDS)}")
    if path.suffix == ".npy":
        return _npy_layout(path)
    if path.suffix not in RECORDS:
        raise ValueError(f"{path}: ends in {path.suffix!r}, expected .npy, {', '.join(RECORDS)}")
    return _records_layout(path)


def open_vectors(path: Path | str) -> np.ndarray:
    """A file of vectors as a read-only map (N, D) in the type of the file; nothing is loaded. Raises as `layout`."""
    at = layout(path)
    if not at.head:
        return np.memmap(at.path, at.dtype, "r", at.skip, (at.n, at.d))
    raw = np.memmap(at.path, np.uint8, "r", shape=(at.n, at.record))
    return np.asarray(raw[:, at.head :].view(at.dtype))


def read(shard: Shard) -> np.ndarray:
    """Rows of a shard in memory: (len(shard), D), all lengths of records checked.

    Plain reading, not the map: pages of a map count as memory of the process until the system takes them back.
    Raises as `layout`, and ValueError on rows that the file does not have.
    """
    at = layout(shard.path)
    if not 0 <= shard.begin < shard.end <= at.n:
        raise ValueError(f"{at.path}: rows {shard.begin} to {shard.end} of {at.n}: expected 0 <= begin < end <= N")
    raw = np.fromfile(at.path, np.uint8, len(shard) * at.record, offset=at.skip + shard.begin * at.record)
    records = raw.reshape(len(shard), at.record)
    if at.head:
        _check_heads(at, records[:, : at.head], shard.begin)
        records = np.ascontiguousarray(records[:, at.head :])
    return records.view(at.dtype)


def shards(paths: Path | str | Sequence[Path | str], rows: int) -> list[Shard]:
    """Cut files into shards of at most `rows` rows, in the order of the files and rows; their paths are absolute.

    Raises ValueError on rows < 1, no file, files of different D or type; else as `layout`.
    """
    listed = [paths] if isinstance(paths, Path | str) else list(paths)
    if rows < 1 or not listed:
        raise ValueError(f"{len(listed)} files in shards of {rows} rows: expected at least one file and one row")
    found = [layout(Path(path).resolve()) for path in listed]
    for at in found[1:]:
        if (at.d, at.dtype) != (found[0].d, found[0].dtype):
            raise ValueError(
                f"{at.path} holds D = {at.d}, {at.dtype}, {found[0].path} D = {found[0].d}, {found[0].dtype}: "
                "expected vectors of one length and type"
            )
    return [Shard(at.path, b, min(b + rows, at.n)) for at in found for b in range(0, at.n, rows)]


def write(path: Path | str, blocks: np.ndarray | Iterable[np.ndarray]) -> None:
    """Write vectors (N, D), or blocks of them one after another, to a file whose ending says how.

    .npy keeps the type of the first block; .fvecs, .bvecs, .ivecs have their own, to which numbers must convert without
    loss of kind. The file is there whole or not at all.

    Raises
    ------
    ValueError : another ending, no block, blocks of different shape, numbers that do not fit the type.
    OSError : no room on the disk.
    """
    path = Path(path)
    if path.suffix != ".npy" and path.suffix not in RECORDS:
        raise ValueError(f"{path}: ends in {path.suffix!r}, expected .npy, {', '.join(RECORDS)}")
    stream = iter([blocks] if isinstance(blocks, np.ndarray) else blocks)
    first = next(stream, None)
    if first is None or first.ndim != 2 or not first.shape[1]:
        raise ValueError(f"{path}: expected blocks of vectors (n, D), D >= 1")
    dtype = RECORDS.get(path.suffix, first.dtype)
    with whole(path) as half, half.open("wb") as out:
        if path.suffix == ".npy":
            npy.write_array_header_1_0(out, _header((0, first.shape[1]), dtype))
        n = 0
        for block in chain([first], stream):
            rows = _as_type(path, block, first.shape[1], dtype)
            if path.suffix != ".npy":
                heads = np.full((len(rows), 1), rows.shape[1], "<i4").view(np.uint8)
                rows = np.hstack([heads, rows.view(np.uint8).reshape(len(rows), -1)])
            out.write(rows.tobytes())
            n += len(rows)
        if path.suffix == ".npy":  # numpy leaves room in the header for the number of rows to grow
            out.seek(0)
            npy.write_array_header_1_0(out, _header((n, first.shape[1]), dtype))


def _npy_layout(path: Path) -> Layout:
    with path.open("rb") as stream:
        try:
            version = npy.read_magic(stream)
            reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
            shape, fortran, dtype = reader(stream)
        except (ValueError, KeyError) as error:
            raise ValueError(f"{path}: no readable .npy header ({error}); save it again by numpy.save") from error
        skip = stream.tell()
    if len(shape) != 2 or not all(shape) or fortran or dtype.kind not in "iuf":
        order = "Fortran" if fortran else "C"
        raise ValueError(f"{path}: {dtype} {shape} in {order} order: expected (N, D) real numbers in C order, none 0")
    at = Layout(path, shape[0], shape[1], dtype, skip, 0)
    _check_length(at)
    return at


def _records_layout(path: Path) -> Layout:
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(4)
    d = int.from_bytes(head, "little", signed=True) if len(head) == 4 else 0
    if d < 1:
        raise ValueError(f"{path}: {size} bytes, first length {d}: expected D >= 1; is it a {path.suffix} file?")
    at = Layout(path, 0, d, RECORDS[path.suffix], 0, 4)
    n = size // at.record
    at = Layout(path, n, d, at.dtype, 0, 4)
    _check_length(at)
    with path.open("rb", buffering=0) as stream:  # no map: the system would map 64 KB around every length
        for row in np.unique(np.linspace(0, n - 1, min(n, _SAMPLE)).astype(np.int64)).tolist():
            stream.seek(row * at.record)
            _check_heads(at, np.frombuffer(stream.read(4), np.uint8), row)
    return at


def _check_length(at: Layout) -> None:
    size, want = at.path.stat().st_size, at.skip + at.n * at.record
    if size != want:
        raise ValueError(
            f"{at.path}: {size:,} bytes, but its header says D = {at.d}, {at.record} bytes a record"
            f"{f' and {at.n:,} records: {want:,} bytes' if not at.head else ''}; "
            "it was cut short or is another format: get it again"
        )


def _check_heads(at: Layout, heads: np.ndarray, begin: int) -> None:
    lengths = np.ascontiguousarray(heads).view("<i4").ravel()
    wrong = np.flatnonzero(lengths != at.d)
    if len(wrong):
        row = int(wrong[0])
        raise ValueError(
            f"{at.path}: record {begin + row} has length {lengths[row]}, the first one {at.d}: "
            "it is damaged or another format; get it again"
        )


def _header(shape: tuple[int, int], dtype: np.dtype) -> dict[str, Any]:
    return {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}


def _as_type(path: Path, block: np.ndarray, d: int, dtype: np.dtype) -> np.ndarray:
    if block.ndim != 2 or block.shape[1] != d:
        raise ValueError(f"{path}: a block of shape {block.shape}, expected (n, {d})")
    if dtype.kind in "iu" and block.dtype != dtype:
        span = np.iinfo(dtype)
        if block.dtype.kind not in "iu" or (block.size and not span.min <= block.min() <= block.max() <= span.max):
            raise ValueError(f"{path}: {block.dtype} numbers do not fit {dtype}, the type of {path.suffix or 'it'}")
    return np.ascontiguousarray(block, dtype)
