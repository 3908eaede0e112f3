"""``likeness build``: from rooms and pages to HTML."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from likeness.report.audit import audit_claims, audit_notebook, audit_prose
from likeness.report.chapter import Chapter
from likeness.report.claims import ClaimError
from likeness.report.ledger import write_ledger
from likeness.report.rooms import project_root, rooms
from likeness.report.staging import staged, write

#: Packages whose version can change the pages.
BUILDERS: Final = (
    "jupyter-book",
    "Sphinx",
    "sphinx-book-theme",
    "myst-nb",
    "myst-parser",
    "sphinxcontrib-bibtex",
)
FINE, FAILED = 0, 1


def build_command() -> int:
    """``likeness build``: exit code 0, or 1 with what is wrong (our audit, or Sphinx's warnings)."""
    console, errors = Console(soft_wrap=True), Console(stderr=True)
    try:
        return build(project_root(), console, errors)
    except (ValueError, FileNotFoundError) as error:
        errors.print(f"[bold red]build:[/] {escape(str(error))}", highlight=False)
        return FAILED


def build(root: Path, console: Console, errors: Console) -> int:
    """Stage the sources, and make ``_build/html`` of them unless it is made already.

    Raises
    ------
    ValueError : a typed number, a printed number that nobody judges, an unknown id: all of them at once
    """
    chapters = _chapters(root, console)
    problems = audit(root, chapters)
    if problems:
        raise ClaimError("\n".join(problems))
    for chapter in chapters:
        write_ledger(root / "_build" / "ledger", chapter.name, chapter.rows)
    source, html, stamp = (
        root / "_build" / "source",
        root / "_build" / "html",
        root / "_build" / "html.sha256",
    )
    files = staged(root, chapters)
    write(source, files)
    wanted = fingerprint(files)
    if (html / "index.html").is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        console.print(
            "build: up to date (pages, results, claims, builder unchanged): _build/html/index.html",
            highlight=False,
        )
        return FINE
    stamp.unlink(missing_ok=True)
    start = time.monotonic()
    code, log = sphinx(source, root, html)
    if code:
        errors.print(f"[bold red]build:[/] Sphinx found something wrong (all of it: {log})", highlight=False)
        errors.print(escape(_complaints(log)), highlight=False)
        return FAILED
    stamp.write_text(wanted, encoding="utf-8")
    console.print(
        f"build: {len(chapters)} chapter{'s' if len(chapters) != 1 else ''} "
        f"in {time.monotonic() - start:.0f} s: "
        "_build/html/index.html",
        highlight=False,
    )
    return FINE


def audit(root: Path, chapters: Sequence[Chapter]) -> list[str]:
    """Everything that the book may not say or leave out, one message each."""
    found = []
    for page in sorted((root / "book").glob("*.md")):
        found += audit_prose(page.read_text(encoding="utf-8"), f"book/{page.name}")
    for chapter in chapters:
        found += audit_notebook(chapter.room.notebook)
        found += audit_claims(chapter.paper, [r for r in (chapter.record, chapter.results) if r])
    return found


def sphinx(source: Path, output: Path, html: Path) -> tuple[int, Path]:
    """Run jupyter-book afresh: a warm build keeps old pages and hides old warnings. (exit code, log file)."""
    for stale in (html, html.parent / ".doctrees"):
        shutil.rmtree(stale, ignore_errors=True)
    # the folder of this interpreter: the command is found without an activated environment
    program = Path(sys.executable).with_name("jupyter-book")
    command = [
        str(program),
        "build",
        str(source),
        "--path-output",
        str(output),
        "-W",
        "-n",
        "--all",
        "--keep-going",
    ]
    log = html.parent / "build.log"
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "JUPYTER_PLATFORM_DIRS": "1"}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, check=False
    )
    # jupyter-book colours its output even in a file
    log.write_text(re.sub(r"\x1b\[[\d;]*m", "", done.stdout), encoding="utf-8")
    return done.returncode, log


def fingerprint(files: Mapping[str, str | bytes]) -> str:
    """Hash of everything that the HTML is made of."""
    digest = hashlib.sha256()
    for name in BUILDERS:
        digest.update(f"{name} {metadata.version(name)}\n".encode())
    for name, content in sorted(files.items()):
        data = content.encode() if isinstance(content, str) else content
        digest.update(f"{name} {hashlib.sha256(data).hexdigest()}\n".encode())
    return digest.hexdigest()


def _chapters(root: Path, console: Console) -> list[Chapter]:
    chapters = []
    for room in rooms(root):
        if room.results.is_file() and room.executed.is_file():
            chapters.append(Chapter.load(room))
        else:
            console.print(
                f"build: without {room.name}: not run yet (likeness run {room.name})", highlight=False
            )
    if not chapters:
        raise FileNotFoundError(f"{root / 'paper_runs'}: no chapter has been run; run `likeness run` first")
    return chapters


def _complaints(log: Path) -> str:
    lines = log.read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if "WARNING" in line or "ERROR" in line or "Error" in line]
    return "\n".join(found[:40] or lines[-20:])
