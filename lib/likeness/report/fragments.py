"""Tables of the ledger as HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from likeness.report.claims import ClaimError, closest
from likeness.report.html import render, templates
from likeness.report.ledger import Row, counts
from likeness.report.rules import REPRODUCED, UNTESTABLE

Only = Mapping[str, str | Sequence[str]]


def verdict_label(rows: Sequence[Row]) -> Markup:
    """One label for one row, a label with its count for each verdict of several."""
    macros = templates().get_template("_macros.html.j2").module
    label = macros.verdict(rows[0].verdict) if len(rows) == 1 else macros.verdicts(counts(rows))  # type: ignore[attr-defined]
    return Markup(str(label).strip())  # noqa: S704  rendered by an autoescaped template


def ledger_table(
    rows: Sequence[Row],
    prefix: str,
    keys: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    caption: str = "",
    only: Only | None = None,
) -> Markup:
    """Printed numbers beside the full record and this run, with intervals, chip and verdict.

    Parameters
    ----------
    prefix : first part of the ids, ``table1``
    keys : key columns that name a line; all of them where None
    columns : cells of the key ``column``. Several of them make a table with one column each, the numbers
        stacked in its cells
    only : key column -> the cell or cells to show

    Raises
    ------
    ClaimError : nothing to show, an unknown key or cell (the closest is named)
    """
    found = _chosen(rows, prefix, only or {})
    known = list(found[0].key)
    names = [k for k in known if k != "column"] if keys is None else list(keys)
    _refuse_unknown("key column", names, known)
    if columns is not None:
        _refuse_unknown("column", columns, sorted({row.key.get("column", "") for row in found}))
        found = [row for row in found if row.key.get("column") in columns]
    stacked = columns is not None and len(columns) > 1
    ours = "our full record and this run" if stacked else "ours"
    caption = caption or f"{found[0].where}: printed, and {ours}, with the 95 % interval of the mean"
    if columns is not None and stacked:
        lines = _lines(found, names)
        cells = [(line, [_one(group, column) for column in columns]) for line, group in lines]
        chips = {row.chip for row in found}
        shared = chips.pop() if len(chips) == 1 else ""  # one chip for all is said once, below the table
        return render("pivot", caption=caption, keys=names, columns=columns, lines=cells, chip=shared)
    shown = names if columns is not None or "column" not in known else [*names, "column"]
    return render("ledger", caption=caption, keys=shown, rows=found)


def count_table(
    rows: Sequence[Row],
    prefix: str,
    keys: Sequence[str],
    columns: str,
    caption: str = "",
    only: Only | None = None,
) -> Markup:
    """How many numbers are reproduced: a line a combination of ``keys``, a column a cell of ``columns``."""
    found = _chosen(rows, prefix, only or {})
    _refuse_unknown("key column", [*keys, columns], list(found[0].key))
    heads = list(dict.fromkeys(row.key[columns] for row in found))
    lines = [
        (line, [_tally([row for row in group if row.key[columns] == head]) for head in heads])
        for line, group in _lines(found, keys)
    ]
    caption = caption or f"{found[0].where}: printed numbers that are reproduced"
    return render("counts", caption=caption, keys=list(keys), columns=heads, lines=lines)


def agreement_table(rows: Sequence[Row], preset: str, recorded: str = "full") -> Markup:
    """Verdicts of this run beside those of the full record: a line a claim, and which verdicts differ.

    Rows that one of the two may not decide are counted apart: there is nothing to compare.
    """
    lines = []
    for (claim, where), group in _groups(rows):
        both = [r for r in group if UNTESTABLE not in (r.verdict_run, r.verdict_record)]
        changes = Counter((r.verdict_record, r.verdict_run) for r in both if r.verdict_record != r.verdict_run)
        same = sum(r.verdict_record == r.verdict_run for r in both)
        lines.append((claim, where, same, len(both), len(group) - len(both), changes.most_common()))
    caption = f"Verdicts of the {recorded} record against those of this run (preset {preset})"
    return render("agreement", caption=caption, lines=lines, preset=preset)


def _groups(rows: Sequence[Row]) -> list[tuple[tuple[str, str], list[Row]]]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.claim, row.where), []).append(row)
    return list(groups.items())


def _chosen(rows: Sequence[Row], prefix: str, only: Only) -> list[Row]:
    found = [row for row in rows if row.id.startswith(f"{prefix}/") and row.key]
    if not found:
        known = sorted({row.id.split("/")[0] for row in rows if row.key})
        raise ClaimError(f"ledger {prefix!r}: no printed number begins so; {closest(prefix, known)}")
    for name, cells in only.items():
        _refuse_unknown("key column", [name], list(found[0].key))
        wanted = [cells] if isinstance(cells, str) else list(cells)
        _refuse_unknown(name, wanted, sorted({row.key[name] for row in found}))
        found = [row for row in found if row.key[name] in wanted]
    return found


def _lines(rows: Sequence[Row], keys: Sequence[str]) -> list[tuple[list[str], list[Row]]]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.key[k] for k in keys), []).append(row)
    return [(list(cells), group) for cells, group in groups.items()]


def _one(group: Sequence[Row], column: str) -> Row | None:
    found = [row for row in group if row.key.get("column") == column]
    if len(found) > 1:
        raise ClaimError(
            f"{len(found)} numbers in one cell, like {found[0].id} and {found[1].id}; name more keys in rows="
        )
    return found[0] if found else None


def _tally(rows: Sequence[Row]) -> tuple[int, int]:
    return sum(row.verdict == REPRODUCED for row in rows), len(rows)


def _refuse_unknown(what: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ClaimError(f"{what} {name!r}: {closest(name, known)}")
