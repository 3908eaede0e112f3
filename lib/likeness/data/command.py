"""The command ``likeness data``: which data sets there are and which are here, their hashes, and fetching them."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from likeness.data.fetch import PAUSE, Wanted, fetch, wanted
from likeness.data.registry import SOURCES, VARIABLE, Source, content_sha256, data_root
from likeness.report.parameters import unknown

#: Characters of a line where there is no terminal whose width must be kept to.
_PIPE_WIDTH: Final = 400
#: Exit code of a command that the user stopped.
STOPPED: Final = 130
#: Why a set has no registered files, by its kind.
_NO_FILES: Final = {
    "package": "comes with an installed package",
    "generator": "is drawn anew by this project's code",
    "unhashed": "no hash of its files is known to this project",
}


def list_command() -> int:
    """Print all data sets, what they may be used for, and which are here. Nothing is opened. Returns 0.

    Raises FileNotFoundError where LIKENESS_DATA names no folder.
    """
    root = data_root()
    table = _table("Data sets", "name", "chapters", "chip", "here?", "size", "terms", "where it comes from")
    for s in SOURCES.values():
        table.add_row(s.name, ", ".join(s.papers), s.chip, _state(s, root), _size(s), s.terms, s.source)
    where = f"{VARIABLE}={root}" if root else f"{VARIABLE} is not set: only what is installed or generated is here"
    _print(table, f"{where}. 'here' is by name: `likeness data verify` checks the content.")
    return 0


def verify_command(names: Sequence[str]) -> int:
    """Hash the registered files that are here and print which are right. Returns the exit code.

    0: every file that is here is right and, where data sets are named, none of their files is missing; else 1.
    Raises ValueError on an unknown name, a set without registered files, no data folder, or one that holds none of
    them.
    """
    chosen = [_source(name) for name in dict.fromkeys(names)] or [s for s in SOURCES.values() if s.files]
    for s in chosen:
        if not s.files:
            raise ValueError(f"{s.name}: {_NO_FILES[s.kind]}; there is nothing to verify")
    root = _root(None)
    paths = [(s, path) for s in chosen for path in s.files]
    if not names and not any((root / path).is_file() for _, path in paths):
        raise ValueError(
            f"{VARIABLE}={root}: none of the {len(paths)} registered files is there; is it the right folder?"
        )
    table = _table("Registered files", "data set", "file", "size", "content")
    counts = {"ok": 0, "differs": 0, "missing": 0}
    with _progress() as progress:
        for s, path in paths:
            state, found = _checked(s, path, root, progress)
            counts[state] += 1
            table.add_row(s.name, path, decimal(s.sizes[path]), state + found)
    _print(table, f"{root}: " + ", ".join(f"{n} {state}" for state, n in counts.items()))
    return 1 if counts["differs"] or (names and counts["missing"]) else 0


def fetch_command(
    name: str, to: Path | None, yes: bool, *, in_clear: Collection[str] = (), pause: float = PAUSE
) -> int:
    """Download the files of a data set that are not here yet, after consent to its terms. Returns the exit code.

    0: all are in their place and right; 1: declined, or one could not be fetched; 130: stopped by the user.

    Parameters
    ----------
    to : folder to save in; None: the one that LIKENESS_DATA names
    yes : the terms are accepted: do not ask
    in_clear, pause : see `fetch`

    Raises ValueError where there is nothing to download (the message says whom to ask, under what terms), no folder, or
    nobody to ask for consent; FileNotFoundError where the folder cannot be.
    """
    source = _source(name)
    if not source.files and not source.unhashed:
        typer.echo(f"{name}: {_NO_FILES[source.kind]} ({source.source}; {source.terms}); there is nothing to fetch")
        return 0
    if not source.downloads:
        raise ValueError(_ask_for(source))
    root = _root(to)
    try:
        missing = [file for file in wanted(source, root) if not file.is_there()]
        if missing and not _consent(source, missing, yes):
            typer.echo("declined: nothing was fetched", err=True)
            return 1
        if missing and not _fetch_all(missing, in_clear, pause):
            return STOPPED
    except OSError as error:
        typer.echo(f"likeness: {error}", err=True)
        return 1
    done = f"fetched and checked {len(missing)} of {len(source.files)}" if missing else "all files are here and right"
    hint = "" if to is None else f"; set {VARIABLE}={root} to use them"
    typer.echo(f"{name}: {done}, in {root}{hint}")
    return 0


def _source(name: str) -> Source:
    return SOURCES[name] if name in SOURCES else unknown("data set", name, SOURCES)


def _root(to: Path | None) -> Path:
    if to is not None:
        if not to.is_dir():
            raise FileNotFoundError(f"{to}: expected an existing folder to save in; make it first")
        return to.resolve()
    root = data_root()
    if root is None:
        raise ValueError(f"{VARIABLE} is not set: expected the folder of the real data; set it")
    return root


def _ask_for(source: Source) -> str:
    places = ", ".join(source.files or source.unhashed)
    checked = "" if source.files else " No hash of them is known: they are read unchecked."
    return (
        f"{source.name} cannot be fetched: {source.ask}. Ask: {source.source}. Terms: {source.terms}. "
        f"What is needed below {VARIABLE}: {places} ({source.layout}).{checked}"
    )


def _state(source: Source, root: Path | None) -> str:
    if source.kind in ("package", "generator"):
        return {"package": "installed", "generator": "generated"}[source.kind]
    paths = [*source.files, *source.unhashed]
    there = 0 if root is None else sum((root / path).exists() for path in paths)
    state = "not here" if not there else "here" if there == len(paths) else f"in part ({there} of {len(paths)})"
    return f"{state}, no hash" if there and source.unhashed else state


def _size(source: Source) -> str:
    return decimal(sum(source.sizes.values())) if source.sizes else source.size or "-"


def _checked(source: Source, path: str, root: Path, progress: Progress) -> tuple[str, str]:
    """State of a file ("ok", "differs" or "missing"), and what was found where it differs."""
    task = progress.add_task(path, total=source.sizes[path])
    try:
        if not (root / path).is_file():
            return "missing", ""
        found = content_sha256(root / path, tell=lambda done: progress.update(task, completed=done))
    except OSError as error:
        return "differs", f": cannot be read ({error.strerror})"
    finally:
        progress.remove_task(task)
    right = source.files[path]
    return ("ok", "") if found == right else ("differs", f": sha256 {found}, expected {right}")


def _consent(source: Source, missing: Sequence[Wanted], yes: bool) -> bool:
    """Show what would be fetched and on what terms, and ask."""
    lines = [f"{source.name}: {source.what}", f"from   {source.source}", f"terms  {source.terms}"]
    for f in missing:
        instead = ", in place of one that differs" if f.target.exists() else ""
        lines.append(f"file   {f.target} <- {f.download.url} (at most {decimal(f.download.at_most)}{instead})")
    typer.echo("\n".join(lines))
    if yes:
        return True
    if not sys.stdin.isatty():
        raise ValueError(f"{source.name}: nobody to ask for consent to its terms (no terminal); accept them with --yes")
    return typer.confirm("Fetch on these terms?")


def _fetch_all(files: Sequence[Wanted], in_clear: Collection[str], pause: float) -> bool:
    """Fetch one file after another; False where the user stopped it, which is said with what is kept."""
    try:
        with _progress() as progress:
            for file in files:
                task = progress.add_task(file.target.name, total=None)

                def tell(done: int, total: int | None, task: TaskID = task) -> None:
                    progress.update(task, completed=done, total=total)

                fetch(file, tell, in_clear=in_clear, pause=pause)
    except KeyboardInterrupt:
        left = "".join(file.part.leave() for file in files)
        typer.echo(f"likeness: stopped; {left}run again to go on", err=True)
        return False
    return True


@contextmanager
def _progress() -> Iterator[Progress]:
    """Bars on stderr, gone when all is done; none where stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        yield progress


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column == "size" else "left")
    return table


def _print(table: Table, below: str) -> None:
    console = Console()
    if not console.is_terminal:  # in a pipe there is no width to respect, and cut words cannot be searched
        console.width = _PIPE_WIDTH
    console.print(table, markup=False)
    console.print(below, markup=False, highlight=False, soft_wrap=True)
