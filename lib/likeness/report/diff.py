"""``likeness diff``: two runs of one paper side by side, as one HTML file that needs no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from likeness.report.chapter import decimals
from likeness.report.claims import load_paper
from likeness.report.facts import provenance_lines
from likeness.report.html import data_uri, fixed, render
from likeness.report.ledger import Row, join_paper
from likeness.report.moved import RELATIVE
from likeness.report.records import read_results, write_atomically
from likeness.report.rooms import project_root, room_of
from likeness.report.rules import difference
from likeness.report.values import Value, values_of

FINE, BAD_INPUT = 0, 2
_SUFFIXES: Final = (".svg", ".png")  # the first that is there is shown


@dataclass(frozen=True)
class Compared:
    """One value of two runs; ``beyond``: whether they differ by more than their spread, None: unknown."""

    id: str
    a: str
    b: str
    change: str
    beyond: bool | None


def diff_command(a: Path, b: Path, out: Path) -> int:
    """``likeness diff A B``: exit code 0, or 2 where a run cannot be read or the papers differ."""
    console, errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    try:
        page = diff(a, b)
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, page + "\n")
    except (ValueError, FileNotFoundError) as error:
        errors.print(f"[bold red]diff:[/] {escape(str(error))}", highlight=False)
        return BAD_INPUT
    console.print(f"diff: {escape(str(out))}", highlight=False)
    return FINE


def diff(a: Path, b: Path) -> str:
    """The page of two runs: parameters, values, claims, figures, provenance.

    Parameters
    ----------
    a, b : run folders, or their results.json

    Raises
    ------
    FileNotFoundError, ValueError : no results there, an edited record, runs of different papers
    """
    files = [path / "results.json" if path.is_dir() else path for path in (a, b)]
    first, second = (read_results(file) for file in files)
    if first["paper"] != second["paper"]:
        raise ValueError(
            f"{a} is a run of {first['paper']}, {b} of {second['paper']}; expected two runs of one paper"
        )
    claims, why_none = compare_claims(str(first["paper"]), first, second)
    params = {
        name: (r["params"] for r in (first, second)) for name in {**first["params"], **second["params"]}
    }
    lines = [(name, *(str(p.get(name, "–")) for p in both)) for name, both in params.items()]
    return render(
        "diff",
        paper=first["paper"],
        names=(str(a), str(b)),
        presets=(first["preset"], second["preset"]),
        params=[line for line in lines if line[1] != line[2]],
        same=sum(line[1] == line[2] for line in lines),
        values=compare_values(first, second),
        claims=claims,
        why_none=why_none,
        figures=_figures(files[0].parent, files[1].parent),
        provenance=provenance_lines([first, second]),
    )


def compare_values(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Compared]:
    """Every value of either run, those that differ beyond their spread first."""
    a, b = values_of(first), values_of(second)
    found = [_compared(name, a.get(name), b.get(name)) for name in {**a, **b}]
    return sorted(found, key=lambda c: c.beyond is not True)


def compare_claims(
    paper: str, first: Mapping[str, Any], second: Mapping[str, Any]
) -> tuple[list[tuple[Row, Row]], str]:
    """Ledger rows whose verdict by the one run is not that by the other, or why they cannot be compared."""
    try:
        declared = load_paper(room_of(paper, project_root()).yaml)
    except FileNotFoundError as error:  # two result files sent by somebody, with no repository around them
        return [], str(error)
    rows = zip(join_paper(declared, first, None), join_paper(declared, second, None), strict=True)
    return [(x, y) for x, y in rows if x.verdict_run != y.verdict_run], ""


def _compared(name: str, a: Value | None, b: Value | None) -> Compared:
    if a is None or b is None:
        return Compared(name, _text(a), _text(b), "only in one run", None)
    # not paired: the two runs need not share their seeds
    mean, low, high = difference(b, a, paired=False)
    shown = f"{mean:+.3g}"
    if a.sd is None or b.sd is None:
        return Compared(name, _text(a), _text(b), shown, None)
    beyond = not low <= 0 <= high and abs(mean) > RELATIVE * max(abs(a.value), abs(b.value))
    return Compared(name, _text(a), _text(b), shown, beyond)


def _text(value: Value | None) -> str:
    if value is None:
        return "–"
    places = decimals(value.value)
    interval = ""
    if value.low is not None and value.high is not None:
        interval = f" [{fixed(value.low, places)}, {fixed(value.high, places)}]"
    return f"{fixed(value.value, places)}{interval} {value.unit}".strip()


def _figures(a: Path, b: Path) -> list[tuple[str, str | None, str | None]]:
    """(name, image of a, image of b) of every figure of either run; None where a run lacks it."""
    found = [_images(folder / "figures") for folder in (a, b)]
    names = sorted({*found[0], *found[1]})
    return [(name, *(data_uri(f[name]) if name in f else None for f in found)) for name in names]  # type: ignore[misc]


def _images(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for suffix in _SUFFIXES:
        for file in sorted(folder.glob(f"*{suffix}")) if folder.is_dir() else ():
            files.setdefault(file.stem, file)
    return files
