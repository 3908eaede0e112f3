"""Where things stand on disk: one room a paper, ``paper_runs/<paper>/``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from likeness.report.parameters import unknown

#: Chapters of the book, in reading order; rooms that are not listed follow by name.
ORDER: Final = ("clustering", "fpq", "hsl", "dvbpr", "compose", "wardrobe")
ROOT_VARIABLE: Final = "LIKENESS_ROOT"


@dataclass(frozen=True)
class Room:
    """The folder of one paper: what is written by hand, what is committed, and what a run leaves."""

    root: Path
    name: str

    @property
    def path(self) -> Path:
        """The room's folder."""
        return self.root / "paper_runs" / self.name

    @property
    def notebook(self) -> Path:
        """The notebook's only source, jupytext percent format."""
        return self.path / f"{self.name}.py"

    @property
    def yaml(self) -> Path:
        """Citation, claims, errata, silences."""
        return self.path / "paper.yaml"

    @property
    def printed(self) -> Path:
        """Folder of the paper's own numbers."""
        return self.path / "printed"

    @property
    def records(self) -> Path:
        """Folder of the committed results, one JSON a preset."""
        return self.path / "records"

    @property
    def executed(self) -> Path:
        """The executed notebook that a run leaves."""
        return self.path / f"{self.name}.ipynb"

    @property
    def results(self) -> Path:
        """The values that a run leaves."""
        return self.path / "results.json"


def project_root() -> Path:
    """Folder of the project: LIKENESS_ROOT, or the nearest one with ``pyproject.toml`` and ``paper_runs``.

    Looked for upwards from the current directory, then from this package.

    Raises
    ------
    FileNotFoundError : there is none, or LIKENESS_ROOT names none
    """
    given = os.environ.get(ROOT_VARIABLE, "").strip()
    if given:
        root = Path(given).expanduser().resolve()
        if not (root / "paper_runs").is_dir():
            raise FileNotFoundError(
                f"{ROOT_VARIABLE}={given}: expected a folder that holds paper_runs; correct it"
            )
        return root
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            if (folder / "pyproject.toml").is_file() and (folder / "paper_runs").is_dir():
                return folder
    raise FileNotFoundError(
        f"no project above {Path.cwd()}: expected a folder with pyproject.toml and paper_runs; "
        f"change into the repository or set {ROOT_VARIABLE}"
    )


def rooms(root: Path | None = None) -> list[Room]:
    """All rooms that have a notebook, in the order of the book."""
    root = root or project_root()
    found = {p.name for p in (root / "paper_runs").iterdir() if (p / f"{p.name}.py").is_file()}
    names = [n for n in ORDER if n in found] + sorted(found.difference(ORDER))
    return [Room(root, name) for name in names]


def room_of(paper: str, root: Path | None = None) -> Room:
    """The room of one paper.

    Raises
    ------
    ParameterError : it has none; the closest one is named
    """
    by_name = {room.name: room for room in rooms(root)}
    if paper not in by_name:
        unknown("paper", paper, by_name)
    return by_name[paper]
