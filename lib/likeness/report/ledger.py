"""The ledger: every printed number and every claim of a paper, beside ours, with a verdict."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from likeness.report.claims import Claim, Paper, Printed, load_paper
from likeness.report.judge import Measured, judge, siblings
from likeness.report.records import read_results, write_atomically
from likeness.report.rooms import Room
from likeness.report.rules import UNTESTABLE, VERDICTS, Decision
from likeness.report.values import Value

#: The record that decides, where there is one: the paper's own scale.
DECIDING: Final = "full"


@dataclass(frozen=True)
class Row:
    """One row of the ledger: a printed number, or a claim that is a sentence (its id is the claim's).

    ``ours``, ``low``, ``high``, ``n``, ``chip`` are of this run, ``record_*`` of the committed full record;
    ``verdict`` is the record's where that decides, else the run's, and ``note`` says what it rests on.
    ``uses`` holds the ids that the verdict depends on.
    """

    id: str
    claim: str
    where: str
    kind: str
    printed: float | None
    text: str
    decimals: int
    ours: float | None
    low: float | None
    high: float | None
    n: int | None
    chip: str
    record: float | None
    record_low: float | None
    record_high: float | None
    record_n: int | None
    verdict_run: str
    verdict_record: str
    verdict: str
    note: str
    key: Mapping[str, str] = field(default_factory=dict)
    uses: tuple[str, ...] = ()


def join(room: Room, results: Mapping[str, Any] | None, record: Mapping[str, Any] | None) -> list[Row]:
    """Every ledger row of a room, from its ``paper.yaml``, a run and the full record (None: missing)."""
    return join_paper(load_paper(room.yaml), results, record)


def join_paper(
    paper: Paper, results: Mapping[str, Any] | None, record: Mapping[str, Any] | None
) -> list[Row]:
    """As `join`, for a paper that is loaded already."""
    run, full = Measured.of(results), Measured.of(record)
    return [row for claim in paper.claims for row in _claim_rows(claim, run, full)]


def load_record(room: Room, preset: str = DECIDING) -> dict[str, Any] | None:
    """The committed record of a preset, its hash verified; None where there is none.

    Raises
    ------
    RecordError : edited, truncated, or of another paper or preset
    """
    file = room.records / f"{preset}.json"
    return of_room(room, file, preset) if file.is_file() else None


def of_room(room: Room, file: Path, preset: str | None = None) -> dict[str, Any]:
    """Results in a file. Raises ValueError where they are not of this room (and of that preset)."""
    results = read_results(file)
    if results["paper"] != room.name:
        raise ValueError(
            f"{file}: results of {results['paper']!r}, expected {room.name!r}; give the file of that paper"
        )
    if preset is not None and results["preset"] != preset:
        raise ValueError(
            f"{file}: results of preset {results['preset']!r}, expected {preset!r}; "
            "make it again with --record"
        )
    return results


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Rows by verdict, every verdict named, in the order of `VERDICTS`."""
    found = Counter(row.verdict for row in rows)
    return {verdict: found[verdict] for verdict in VERDICTS}


def write_ledger(folder: Path, name: str, rows: Sequence[Row]) -> None:
    """Write ``<name>.json`` and ``<name>.csv``; files that are right already are left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    table = io.StringIO()
    columns = [f.name for f in fields(Row) if f.name not in ("key", "uses")]
    writer = csv.DictWriter(table, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    texts = {
        "csv": table.getvalue(),
        "json": json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n",
    }
    for suffix, text in texts.items():
        file = folder / f"{name}.{suffix}"
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            write_atomically(file, text)


def _claim_rows(claim: Claim, results: Measured | None, record: Measured | None) -> list[Row]:
    ours: Mapping[str, Value] = results.values if results else {}
    theirs: Mapping[str, Value] = record.values if record else {}
    rows = []
    for number in claim.printed if not claim.sentence else (None,):
        run, full = judge(claim, number, results), judge(claim, number, record)
        name = number.id if number else claim.id
        best, by = (full, "full record") if full.verdict != UNTESTABLE else (run, "this run")
        used = (name, *(s.id for s in siblings(claim, number))) if number else claim.uses
        rows.append(
            Row(
                id=name,
                claim=claim.id,
                where=claim.where,
                kind=claim.kind,
                printed=best.printed,
                text=number.text if number else "",
                decimals=number.decimals if number else 3,
                ours=run.ours,
                low=run.low,
                high=run.high,
                n=_n(ours, used, number),
                chip=_chip(ours, theirs, used, number),
                record=full.ours,
                record_low=full.low,
                record_high=full.high,
                record_n=_n(theirs, used, number),
                verdict_run=run.verdict,
                verdict_record=full.verdict,
                verdict=best.verdict,
                note=_why(full, run, by),
                key=dict(number.key) if number else {},
                uses=used,
            )  # fmt: skip
        )
    return rows


def _why(full: Decision, run: Decision, by: str) -> str:
    if full.verdict == UNTESTABLE and run.verdict == UNTESTABLE:
        return f"full record: {full.note}; this run: {run.note}"
    return f"{by}: {(full if by == 'full record' else run).note}"


def _n(values: Mapping[str, Value], used: Sequence[str], number: Printed | None) -> int | None:
    """Runs behind a printed number's value; of a sentence the fewest behind any of its values."""
    found = [values[name].n for name in (used[:1] if number else used) if name in values]
    return min(found) if found else None


def _chip(a: Mapping[str, Value], b: Mapping[str, Value], used: Sequence[str], number: Printed | None) -> str:
    names = used[:1] if number else used
    return " ".join(sorted({v[name].chip for v in (a, b) for name in names if name in v}))


def check_command(papers: list[str], results: Path | None) -> int:
    """``likeness check``: exit code 0 fine, 1 claims moved, 2 something is corrupt or incomplete."""
    from rich.console import Console

    from likeness.report.check import check  # it imports this module

    # a log has no width: ids cut to 80 columns could not be looked up
    width = None if sys.stdout.isatty() else 240
    return check(papers, results, Console(soft_wrap=True, width=width), Console(stderr=True, soft_wrap=True))
