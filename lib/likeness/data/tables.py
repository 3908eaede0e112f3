"""Text tables from outside, row by row, each fault named by file, row and field; text is kept as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

from likeness.data.registry import locate
from likeness.data.strict_text import lines, shown

#: Bytes of the longest row: the longest real one has 2 KB.
MOST_ROW: Final = 1 << 16
#: Digits of a number that fits 64 bits for certain.
_MOST_DIGITS: Final = 18


def data_file(name: str, path: str, root: Path | str | None) -> Path:
    """The file of a data set: below `root` where one is given (no hash is checked), else by `registry.locate`.

    Raises FileNotFoundError where it is not there, and ValueError as `locate`.
    """
    if root is None:
        return locate(name, path)
    file = Path(root) / path
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file; expected {path} of {name} below the folder {root}")
    return file


def rows(path: Path, columns: tuple[str, ...], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of a UTF-8 table whose first line are `columns`: (number of the line, from 2; fields).

    A line is cut at its first len(columns) - 1 separators, so that the last field may contain more of them. There is
    no quoting. Lines end in LF or CR LF. One row is in memory at a time.

    Raises ValueError on an empty file, other columns, no row, a row with too few fields, too long, or not UTF-8.
    """
    count = 0
    for count, raw in lines(path, MOST_ROW):
        try:
            line = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: row {count} is not UTF-8 ({error.reason}, byte {error.start})") from error
        if count == 1:
            _check_columns(path, line.split(separator), columns)
            continue
        fields = line.split(separator, len(columns) - 1)
        if len(fields) != len(columns):
            raise ValueError(f"{path}: row {count} has {len(fields)} fields, expected {len(columns)}: {columns}")
        yield count, fields
    if count < 2:
        held = "no row" if count else "empty"
        raise ValueError(f"{path}: {held}, expected the columns {columns} and rows below them")


def refuse(path: Path, row: int, field: str, value: str, expected: str) -> NoReturn:
    """Raise the ValueError of a field."""
    raise ValueError(f"{path}: row {row}, {field} {shown(value)}: expected {expected}")


def number(path: Path, row: int, field: str, value: str, digits: int = _MOST_DIGITS) -> int:
    """A field of 1 to `digits` plain digits as an integer >= 0; ValueError on anything else.

    >>> number(Path("t.csv"), 2, "year", "2012")
    2012
    """
    if not (value.isascii() and value.isdigit() and len(value) <= digits):
        refuse(path, row, field, value, f"1 to {digits} digits")
    return int(value)


def new_id(path: Path, row: int, field: str, value: str, form: re.Pattern[str], known: dict[str, int]) -> str:
    """An id of the form, not in `known` {id: its row}, to which it is added; ValueError else."""
    if not form.fullmatch(value):
        refuse(path, row, field, value, f"an id of the form {form.pattern}")
    if value in known:
        refuse(path, row, field, value, f"an id that is new; row {known[value]} has it already")
    known[value] = row
    return value


def _check_columns(path: Path, found: list[str], columns: tuple[str, ...]) -> None:
    if tuple(found) != columns:
        unknown = [shown(c) for c in found if c not in columns][:5]
        missing = [c for c in columns if c not in found]
        raise ValueError(
            f"{path}: row 1 has other columns (unknown: {', '.join(unknown)}; missing: {', '.join(missing)}), "
            f"expected {columns} in this order"
        )
