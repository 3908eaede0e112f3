"""The paper's own numbers: from the CSV files of a room to one entry a printed number."""

from __future__ import annotations

import csv
import math
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any


class ClaimError(ValueError):
    """A ``paper.yaml``, or a file that it names, that is corrupt, incomplete or contradicts itself."""


@dataclass(frozen=True)
class Printed:
    """One printed number.

    Attributes
    ----------
    text, value : as printed, and as a number
    decimals : decimals that the paper shows (trailing zeros that a CSV lost included)
    rounding : half a unit of the last printed digit, or the half-width of reading it off a figure
    sd, n : printed standard deviation and number of samples behind the number, where the paper gives them
    key : the cells that name it, by column
    cell : (file, line, column) that it stands in, None where ``paper.yaml`` itself holds it
    """

    id: str
    text: str
    value: float
    decimals: int
    rounding: float
    sd: float | None = None
    n: int | None = None
    key: Mapping[str, str] = field(default_factory=dict)
    cell: tuple[str, int, str] | None = None


def expand(spec: Mapping[str, Any], folder: Path, where: str) -> tuple[Printed, ...]:
    """All printed numbers of a claim, in the order of the file.

    Parameters
    ----------
    spec : the claim's ``printed``
    folder : the room
    where : names file and claim in errors

    Raises
    ------
    ClaimError : no such file or column, a cell that is no number, no line that passes the filter
    """
    if "values" in spec:
        return tuple(
            _number(id=str(name), text=str(text), spec=spec, where=where)
            for name, text in spec["values"].items()
        )
    rows = read_table(folder, spec["file"], where)
    fields = _fields(spec["id"])
    columns = [spec["column"]] if "column" in spec else spec["columns"]
    sds = {c: spec["sd"].format(column=c) for c in columns} if "sd" in spec else {}
    settings = spec.get("settings", [])
    need(
        rows,
        [*(fields - {"column"}), *spec.get("filter", {}), *columns, *sds.values(), *settings],
        where,
        spec["file"],
    )
    found = []
    for line, row in rows:
        if not all(
            row[c].lower() in [str(v).lower() for v in kept] for c, kept in spec.get("filter", {}).items()
        ):
            continue
        for column in columns:
            key = {name: row[name].lower() for name in sorted(fields - {"column"})}
            if "column" in fields:
                key["column"] = column.lower()
            sd = None
            if column in sds:
                sd = float(
                    _decimal(row[sds[column]], f"{where}: {spec['file']}, line {line}, column {sds[column]}")
                )
            found.append(
                _number(
                    spec["id"].format(**key), row[column], spec, where, sd, key, (spec["file"], line, column)
                )
            )
    if not found:
        raise ClaimError(
            f"{where}: printed.filter {spec.get('filter')}: no line of {spec['file']} passes it; correct it"
        )
    return tuple(found)


def read_table(folder: Path, name: str, where: str) -> list[tuple[int, dict[str, str]]]:
    """Lines of a CSV of a room as texts, with their line numbers; the first line names the columns.

    Raises
    ------
    ClaimError : no such file below the room, no line, a line with too many or too few cells
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ClaimError(f"{where}: printed.file {name!r}: expected a CSV file below {folder}; there is none")
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        rows = [(reader.line_num, row) for row in reader]
    if not rows:
        raise ClaimError(f"{where}: {name}: expected a header line and at least one line of numbers")
    for line, row in rows:
        if None in row or None in row.values():
            raise ClaimError(
                f"{where}: {name}, line {line}: expected {len(reader.fieldnames or ())} cells; mend the line"
            )
    return rows


def need(rows: list[tuple[int, dict[str, str]]], columns: list[str], where: str, name: str) -> None:
    """Raise `ClaimError` for the first column that the table lacks."""
    there = list(rows[0][1])
    for column in columns:
        if column not in there:
            raise ClaimError(f"{where}: column {column!r}: {name} has {', '.join(there)}; correct the name")


def is_number(text: str) -> bool:
    """Whether a cell is a finite number.

    >>> is_number("0.871"), is_number("mlp"), is_number("nan")
    (True, False, False)
    """
    try:
        return Decimal(text.strip()).is_finite()
    except InvalidOperation:
        return False


def _decimal(text: str, where: str) -> Decimal:
    if not is_number(text):
        raise ClaimError(f"{where}: {text!r}: expected a number as printed, like 0.871")
    return Decimal(text.strip())


def _number(
    id: str,
    text: str,
    spec: Mapping[str, Any],
    where: str,
    sd: float | None = None,
    key: Mapping[str, str] | None = None,
    cell: tuple[str, int, str] | None = None,
) -> Printed:
    at = f"{where}: {cell[0]}, line {cell[1]}, column {cell[2]}" if cell else f"{where}: printed.values.{id}"
    number = _decimal(text, at)
    decimals = _decimals(number, spec)
    return Printed(
        id=id,
        # a CSV keeps 0.18 of a printed 0.180: the paper's own digits come back here
        text=text.strip()
        if number.as_tuple().exponent == -decimals or "rounding" in spec
        else f"{number:.{decimals}f}",
        value=float(number),
        decimals=decimals,
        rounding=float(spec["rounding"]) if "rounding" in spec else 0.5 * 10.0**-decimals,
        sd=sd,
        n=spec.get("n"),
        key=key or {},
        cell=cell,
    )


def _decimals(number: Decimal, spec: Mapping[str, Any]) -> int:
    shown = max(0, -int(number.as_tuple().exponent))
    if "decimals" in spec:
        return int(spec["decimals"])
    if "significant" in spec:
        magnitude = math.floor(math.log10(abs(number))) if number else 0
        # digits beyond the last significant one would not be rounding but other numbers: never round what is
        # printed
        return max(shown, int(spec["significant"]) - 1 - magnitude)
    return shown


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}
