"""The record files of KDD Cup 2020 "Multimodalities Recall" in their official layout: queries and boxes of products.

Tab separated, a header row, quoting off; plain or .gz. Three fields are base64 of little-endian arrays: boxes float32
(num_boxes, 4), features float32 (num_boxes, 2048), class_labels int64 (num_boxes,). The numbers of a box are top, left,
bottom, right, in pixels: they stay inside all of 1,000 known images; read as x1, y1, x2, y2 they leave every fifth.
"""

from __future__ import annotations

import base64
import binascii
import gzip
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from likeness.data.strict_text import BadField, Skipped, lines, parsed, shown, text, whole_number
from likeness.data.whole_files import whole

#: Columns of the official header.
COLUMNS: Final = (
    "product_id", "image_h", "image_w", "num_boxes", "boxes", "features", "class_labels", "query", "query_id",
)  # fmt: skip
#: Numbers of a region feature.
FEATURES: Final = 2048
#: Object classes, 0..32; their names stand in multimodal_labels.txt.
CLASSES: Final = 33
#: Bytes of a line. A box takes about 11 KB, the most boxes known are 43 (0.5 MB): room for 380.
LONGEST_LINE: Final = 4 * 2**20


@dataclass(frozen=True, eq=False)
class Record:
    """One (image, query) pair.

    height, width : of the image, in pixels.
    boxes (n, 4) float32 : top, left, bottom, right in pixels; 0 <= top <= bottom <= height, left and right alike.
    features (n, 2048) float32, finite, or None where they were not read.
    class_labels (n,) int64 in 0..32.
    query : as in the file; untrusted text.
    The arrays are read-only.
    """

    product_id: int
    height: int
    width: int
    boxes: np.ndarray
    features: np.ndarray | None
    class_labels: np.ndarray
    query: str
    query_id: int


class Records:
    """The records of a file, read one at a time as they are iterated over; every iteration begins anew.

    path : .tsv or .tsv.gz; the columns may stand in any order, others are passed over.
    features : False leaves the features undecoded and unchecked; the column may then be missing.
    skip : leave bad rows out and count them in `skipped` {field: rows}, whose `first` has the first message of each
        field. Both tell of the latest iteration. The field "row" stands for a wrong number of fields.

    A plain file that was cut short ends in a bad row, unless the cut fell within the digits of the last field: nothing
    in the row tells of that.

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : file, row and field of what is wrong. Damage that ends the reading (header, .gz, a line of more than
        4 MiB) raises with `skip` as well.
    """

    def __init__(self, path: Path | str, *, features: bool = True, skip: bool = False) -> None:
        self.path = Path(path)
        self.features = features
        self.skip = skip
        self.skipped = Skipped()
        self._header = _header(self.path, features)

    def __iter__(self) -> Iterator[Record]:
        """Read the file from its first record on."""
        self.skipped.forget()
        rows = lines(self.path, LONGEST_LINE)
        next(rows)  # the header
        yield from parsed(self.path, rows, self._record, self.skipped if self.skip else None)

    def _record(self, line: bytes) -> Record:
        fields = line.split(b"\t")
        if fields == self._header:
            raise BadField("row", "the header again; were two files joined?")
        if len(fields) != len(self._header):
            raise BadField("row", f"{len(fields)} fields, expected {len(self._header)} as in the header")
        at = dict(zip(self._header, fields, strict=True))
        n = whole_number("num_boxes", at[b"num_boxes"], 1)
        record = Record(
            whole_number("product_id", at[b"product_id"]),
            whole_number("image_h", at[b"image_h"], 1),
            whole_number("image_w", at[b"image_w"], 1),
            _array("boxes", at[b"boxes"], np.dtype("<f4"), (n, 4)),
            _array("features", at[b"features"], np.dtype("<f4"), (n, FEATURES)) if self.features else None,
            _array("class_labels", at[b"class_labels"], np.dtype("<i8"), (n,)),
            text("query", at[b"query"]),
            whole_number("query_id", at[b"query_id"]),
        )
        check(record)
        return record


def check(record: Record) -> None:
    """Raise BadField (a ValueError) that names the field of a record that is not as `Record` says."""
    n = len(record.class_labels)
    shapes = {"class_labels": (record.class_labels, (n,)), "boxes": (record.boxes, (n, 4))}
    if record.features is not None:
        shapes["features"] = (record.features, (n, FEATURES))
    for field, (array, shape) in shapes.items():
        if array.shape != shape or not n:
            raise BadField(field, f"shape {array.shape}, expected {shape} and at least one box")
    _check_boxes(record.boxes, record.height, record.width)
    labels = record.class_labels
    if labels.min() < 0 or labels.max() >= CLASSES:
        raise BadField("class_labels", f"from {labels.min()} to {labels.max()}, expected 0..{CLASSES - 1}")
    if record.features is not None and not np.isfinite(record.features).all():
        raise BadField("features", "NaN or infinite, expected finite numbers")
    if not record.query.strip() or any(c in record.query for c in "\t\n"):
        raise BadField("query", f"{shown(record.query)}: expected at least one word, no tab, no line end")


def write_records(path: Path | str, records: Iterable[Record]) -> None:
    """Write records in the official layout, gzipped where the name ends in .gz; the same records give the same bytes.

    boxes and features are written as float32, class_labels as int64. The file is there whole or not at all.

    Raises
    ------
    ValueError : a record without features, or not as `Record` says; the message counts records from 1.
    FileNotFoundError : no folder to write in. OSError : no room on the disk.
    """
    path = Path(path)
    with whole(path) as half, ExitStack() as stack:
        out: BinaryIO | gzip.GzipFile = stack.enter_context(half.open("wb"))
        if path.suffix == ".gz":  # without a name and a time in its head
            out = stack.enter_context(gzip.GzipFile("", "wb", fileobj=out, mtime=0))
        out.write("\t".join(COLUMNS).encode() + b"\n")
        for number, record in enumerate(records, 1):
            try:
                out.write(_line(record))
            except BadField as error:
                raise ValueError(f"{path}: record {number}, {error}") from error


def _header(path: Path, features: bool) -> list[bytes]:
    first = next(lines(path, LONGEST_LINE), None)
    if first is None:
        raise ValueError(f"{path}: empty; expected a header row with {', '.join(COLUMNS)}")
    header = first[1].rstrip(b"\r\n").split(b"\t")
    wanted = [name.encode() for name in COLUMNS if features or name != "features"]
    for name in wanted:
        if header.count(name) != 1:
            raise ValueError(
                f"{path}: row 1, header: {header.count(name)} columns {name.decode()!r}, expected one; "
                f"it reads {shown(first[1])}"
            )
    return header


def _array(field: str, given: bytes, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    try:
        raw = base64.b64decode(given, validate=True)
    except binascii.Error as error:
        raise BadField(field, f"{shown(given)} is no base64 ({error})") from error
    size = dtype.itemsize
    for n in shape:  # not by numpy, which would wrap around
        size *= n
    if len(raw) != size:
        raise BadField(field, f"{len(raw):,} bytes, expected {size:,} for num_boxes = {shape[0]:,}")
    return np.frombuffer(raw, dtype).reshape(shape)


def _check_boxes(boxes: np.ndarray, height: int, width: int) -> None:
    top, left, bottom, right = boxes.T
    down = (top >= 0) & (bottom >= top) & (bottom <= height)
    inside = down & (left >= 0) & (right >= left) & (right <= width)
    if not inside.all():  # NaN is inside nothing
        i = int(np.flatnonzero(~inside)[0])
        wanted = f"expected top, left, bottom, right within {height} x {width} pixels"
        raise BadField("boxes", f"box {i} is {boxes[i].tolist()}, {wanted}")


def _line(record: Record) -> bytes:
    if record.features is None:
        raise BadField("features", "None, expected numbers; read the record with its features")
    boxes, features = np.asarray(record.boxes, "<f4"), np.asarray(record.features, "<f4")
    labels = np.asarray(record.class_labels)
    if labels.dtype.kind not in "iu":
        raise BadField("class_labels", f"{labels.dtype}, expected whole numbers")
    check(replace(record, boxes=boxes, features=features, class_labels=labels))
    numbers = {"product_id": record.product_id, "image_h": record.height, "image_w": record.width}
    numbers |= {"num_boxes": len(labels), "query_id": record.query_id}
    packed = {"boxes": boxes, "features": features, "class_labels": labels.astype("<i8")}
    fields = {name: base64.b64encode(array.tobytes()) for name, array in packed.items()}
    for name, number in numbers.items():
        fields[name] = str(number).encode()
        whole_number(name, fields[name], int(name.startswith("image")))
    try:
        fields["query"] = record.query.encode()
    except UnicodeEncodeError as error:
        raise BadField("query", f"{shown(record.query)} cannot be written as UTF-8 ({error.reason})") from error
    return b"\t".join(fields[name] for name in COLUMNS) + b"\n"
