"""Files that a chapter offers for download."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from likeness.report.chapter import Chapter

#: Folder of the downloads below the top of the book.
FOLDER: Final = "downloads"


def downloads(chapter: Chapter) -> dict[str, list[tuple[str, Path]]]:
    """Files by group: (name below the paper's folder of downloads, source). Only what is there."""
    room, ledger = chapter.room, chapter.room.root / "_build" / "ledger"
    recorded = room.records / "full"
    groups = {
        "notebook": [(f"{room.name}.ipynb", room.executed), (f"{room.name}.py", room.notebook)],
        "values of this run (JSON)": [("results.json", room.results)],
        "ledger": [(f"ledger.{end}", ledger / f"{room.name}.{end}") for end in ("csv", "json")],
        "claims": [("paper.yaml", room.yaml)],
        "records (JSON)": _all(room.records, "*.json", "record-"),
        "tables of this run (CSV)": _all(room.path / "tables", "*.csv", "tables/"),
        "printed numbers (CSV)": _all(room.printed, "*.csv", "printed/"),
        "figures of this run (SVG)": _all(room.path / "figures", "*.svg", "figures/"),
        "figures of the full record (SVG)": _all(recorded, "*.svg", "record-figures/"),
    }
    kept = {
        group: [(name, file) for name, file in files if file.is_file()] for group, files in groups.items()
    }
    return {group: files for group, files in kept.items() if files}


def links(chapter: Chapter) -> list[tuple[str, list[tuple[str, str]]]]:
    """(group, [(name to show, link from the top of the book)])."""
    return [
        (group, [(name.rpartition("/")[2], f"{FOLDER}/{chapter.name}/{name}") for name, _ in files])
        for group, files in downloads(chapter).items()
    ]


def _all(folder: Path, pattern: str, prefix: str) -> list[tuple[str, Path]]:
    return [(prefix + file.name, file) for file in sorted(folder.glob(pattern))] if folder.is_dir() else []
