"""``likeness check``: the ledger of every paper, and whether a claim has moved since it was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from likeness.report.audit import audit_claims
from likeness.report.claims import ClaimError, Paper, load_paper
from likeness.report.ledger import DECIDING, counts, join_paper, load_record, of_room, write_ledger
from likeness.report.moved import MovedClaim, leaning, moved_claims, moved_values
from likeness.report.records import read_results
from likeness.report.rooms import Room, project_root, room_of, rooms

#: Exit codes of the command.
FINE, MOVED, BAD_INPUT = 0, 1, 2


def check(papers: Sequence[str], results: Path | None, console: Console, errors: Console) -> int:
    """Join, compare, report: 0 fine, 1 claims moved, 2 something cannot be read or is incomplete.

    Parameters
    ----------
    papers : short names; none at all: every room
    results : file of a run, else each room's own ``results.json``
    """
    try:
        found = [move for room, file in _wanted(papers, results) for move in check_room(room, file, console)]
    except (ValueError, FileNotFoundError) as error:
        errors.print(f"[bold red]check:[/] {_plain(str(error))}", highlight=False)
        return BAD_INPUT
    if not found:
        return FINE
    table = Table(title=f"{len(found)} moved")
    for head in ("claim or number", "printed", "recorded", "now", "why"):
        table.add_column(head, overflow="fold")
    for move in found:
        table.add_row(*map(_plain, (move.id, move.printed, move.recorded, move.now, move.why)))
    console.print(table)
    return MOVED


def check_room(room: Room, file: Path | None, console: Console) -> list[MovedClaim]:
    """Check the claims, the committed records and the newest run of one room; write its ledger.

    Raises
    ------
    ValueError : a claim, a printed number or a record is incomplete or corrupt
    """
    paper, record = load_paper(room.yaml), load_record(room)
    results = of_room(room, file) if file else None
    problems = audit_claims(paper, [r for r in (record, results) if r is not None])
    if problems:
        raise ClaimError("; ".join(problems))
    for other in sorted(room.records.glob("*.json")) if room.records.is_dir() else ():
        load_record(room, other.stem)  # an edited record is an error, whichever preset it is of
    rows = join_paper(paper, results, record)
    write_ledger(room.root / "_build" / "ledger", room.name, rows)
    said = ", ".join(f"{n} {verdict}" for verdict, n in counts(rows).items() if n)
    have = ([f"{DECIDING} record"] if record else []) + ([f"{results['preset']} run"] if results else [])
    console.print(
        f"{room.name}: {len(rows)} rows from {' and '.join(have) or 'nothing yet'}: {said}", highlight=False
    )
    if results is None:
        console.print(
            f"{room.name}: no run to compare; make one with: likeness run {room.name}", highlight=False
        )
        return []
    return _compare(room, paper, results, console)


def _compare(room: Room, paper: Paper, results: dict[str, Any], console: Console) -> list[MovedClaim]:
    preset = str(results["preset"])
    recorded = load_record(room, preset)
    if recorded is None:
        console.print(
            f"{room.name}: no record of preset {preset}: nothing to compare the run with", highlight=False
        )
        return []
    values = moved_values(recorded, results)
    then, now = join_paper(paper, recorded, None), join_paper(paper, results, None)
    moves = moved_claims(then, now, values)
    fresh = len({v["id"] for v in results["values"]} - {v["id"] for v in recorded["values"]})
    console.print(
        f"{room.name}: of {len(recorded['values'])} recorded values of preset {preset} {len(values)} moved, "
        f"{fresh} are new; {len(moves)} verdicts moved with them",
        highlight=False,
    )
    for line in leaning(then, now, moves):
        console.print(_plain(f"{room.name}: no value left its interval, yet {line}"), highlight=False)
    return moves


def _wanted(papers: Sequence[str], results: Path | None) -> list[tuple[Room, Path | None]]:
    root = project_root()
    if results is None:
        chosen = [room_of(name, root) for name in papers] or rooms(root)
        if not chosen:
            raise FileNotFoundError(f"{root / 'paper_runs'}: expected at least one room with a notebook")
        return [(room, room.results if room.results.is_file() else None) for room in chosen]
    of = str(read_results(results)["paper"])
    if list(papers) not in ([], [of]):
        raise ValueError(
            f"--results {results} is of {of}, not of {', '.join(papers)}; give that paper or none"
        )
    return [(room_of(of, root), results)]


def _plain(text: str) -> str:
    """Text that rich shall not take for its markup."""
    return escape(text)
