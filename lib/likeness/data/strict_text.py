"""Text files from outside, a record a line: read within a bound of memory, every error with its file, row and field.

Rows are counted as lines of the file: the first line, a header included, is row 1.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

T = TypeVar("T")
#: No JSON file of these data sets comes near it (the largest known has 0.6 MB); a larger one is another file.
_LARGEST_JSON: Final = 8 * 2**20
#: Digits of a whole number that an int64 holds whatever they are.
_DIGITS: Final = re.compile(rb"[0-9]{1,18}")


class BadField(ValueError):
    """A field that is not what it should be; `parsed` adds the file and the row."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(f"{field}: {what}")
        self.field = field


class Skipped(Counter[str]):
    """How many rows were left out, by the field that was wrong; `first` holds the first message of each field."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[str, str] = {}

    def add(self, error: BadField, message: str) -> None:
        """Count a row that was left out."""
        self[error.field] += 1
        self.first.setdefault(error.field, message)

    def forget(self) -> None:
        """Begin anew."""
        self.clear()
        self.first.clear()


def lines(path: Path, longest: int) -> Iterator[tuple[int, bytes]]:
    """Rows of a file (gzipped where its name ends in .gz): its number and its bytes, the line end included.

    Holds about two lines in memory, whatever the file unpacks to.

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : a line of more than `longest` bytes; a .gz that is damaged or cut short.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a text file")
    row = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            while line := stream.readline(longest + 1):
                row += 1
                if len(line) > longest:
                    raise ValueError(f"{path}: row {row} has more than {longest:,} bytes; is it another format?")
                yield row, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: after row {row}: {error}; the file is damaged or cut short, get it again") from error


def parsed(
    path: Path,
    rows: Iterable[tuple[int, bytes]],
    parse: Callable[[bytes], T],
    skipped: Skipped | None = None,
) -> Iterator[T]:
    r"""What `parse` makes of each row, its line end (\n or \r\n) taken off.

    A row for which it raises BadField is counted in `skipped`, or raised as ValueError with file and row if there is
    none. The last row may lack its line end, as it does in multimodal_labels.txt as published.
    """
    for row, line in rows:
        try:
            found = parse(line.removesuffix(b"\n").removesuffix(b"\r"))
        except BadField as error:
            message = f"{path}: row {row}, {error}"
            if skipped is None:
                raise ValueError(message) from error
            skipped.add(error, message)
            continue
        yield found


def whole_number(field: str, given: bytes, least: int = 0) -> int:
    """Plain ASCII digits as a number of at least `least` and at most 18 digits; raises BadField.

    >>> whole_number("product_id", b"102851856")
    102851856
    """
    if not _DIGITS.fullmatch(given) or int(given) < least:
        raise BadField(field, f"{shown(given)}: expected a whole number, {least} or more")
    return int(given)


def text(field: str, given: bytes) -> str:
    """UTF-8 as text, kept as it is; raises BadField on other bytes and on nothing but blanks."""
    try:
        found = given.decode()
    except UnicodeDecodeError as error:
        raise BadField(field, f"{shown(given)} is no UTF-8 ({error.reason} at byte {error.start})") from error
    if not found.strip():
        raise BadField(field, "empty; expected at least one word")
    return found


def shown(given: object) -> str:
    """A value as an error message shows it: short, and harmless whatever it holds."""
    most = 60  # enough to find it by, short enough for one line of a terminal
    said = repr(given[: most + 1] if isinstance(given, bytes | str) else given)
    return said if len(said) <= most else f"{said[:most]}..."


def json_value(field: str, given: bytes) -> Any:
    """JSON as plain values; raises BadField on what is none, a key that occurs twice, NaN, or too deep a nesting."""
    try:
        return json.loads(given.decode(), object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadField(field, f"{shown(given)} is no JSON that is accepted here ({error})") from error


def json_file(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises FileNotFoundError, or ValueError on anything else than one object."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a JSON file")
    if path.stat().st_size > _LARGEST_JSON:
        raise ValueError(f"{path}: {path.stat().st_size:,} bytes, expected at most {_LARGEST_JSON:,}: another file?")
    try:
        found = json_value("content", path.read_bytes())
    except BadField as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: holds a {type(found).__name__}, expected an object {{...}}")
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key, n in Counter(key for key, _ in pairs).items() if n > 1)
        raise ValueError(f"key {shown(twice)} occurs more than once")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number here")
