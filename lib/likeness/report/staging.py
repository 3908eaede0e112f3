"""The sources of the book as Sphinx reads them: markdown filled in, notebooks with their newest prose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jupytext
import nbformat
import yaml

from likeness.report.chapter import Chapter
from likeness.report.claims import ClaimError
from likeness.report.downloads import FOLDER, downloads
from likeness.report.pages import Pages

#: Files that Sphinx copies beside the pages as they are. MathJax is among them and not among the static
#: files, because jupyter-book would load every static script on every page, besides where there is math.
EXTRA: Final = "extra"


def staged(root: Path, chapters: Sequence[Chapter]) -> dict[str, str | bytes]:
    """Every file of the staged book: path below the source folder -> content.

    Raises
    ------
    ValueError : a page names what is not there; a notebook whose code is no longer what was run
    FileNotFoundError : a part of the book is missing
    """
    book, pages = root / "book", Pages(chapters)
    if not (book / "index.md").is_file():
        raise FileNotFoundError(f"{book / 'index.md'}: expected the first page of the book")
    files: dict[str, str | bytes] = {}
    for page in sorted(book.glob("*.md")):
        files[page.name] = pages.render(page.read_text(encoding="utf-8"), f"book/{page.name}")
    for chapter in chapters:
        files[f"paper_runs/{chapter.name}/{chapter.name}.ipynb"] = _text(merge(chapter, pages))
        for found in downloads(chapter).values():
            files |= {f"{EXTRA}/{FOLDER}/{chapter.name}/{name}": file.read_bytes() for name, file in found}
    assets = [p for name in ("_static", "_templates") for p in (book / name).rglob("*")]
    for file in sorted(p for p in assets if p.is_file()):
        name = file.relative_to(book).as_posix()
        files[f"{EXTRA}/{name}" if "mathjax" in file.parts else name] = file.read_bytes()
    files["references.bib"] = (book / "references.bib").read_text(encoding="utf-8")
    files["_config.yml"] = (root / "_config.yml").read_text(encoding="utf-8")
    files["_toc.yml"] = toc((root / "_toc.yml").read_text(encoding="utf-8"), files)
    return files


def write(folder: Path, files: Mapping[str, str | bytes]) -> bool:
    """Bring a folder to hold exactly these files, leaving alone what is right; whether anything changed."""
    changed = False
    for name, content in files.items():
        file, wanted = folder / name, content.encode() if isinstance(content, str) else content
        if not file.is_file() or file.read_bytes() != wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(wanted)
            changed = True
    for file in [p for p in folder.rglob("*") if p.is_file()]:
        if file.relative_to(folder).as_posix() not in files:
            file.unlink()
            changed = True
    return changed


def toc(text: str, files: Mapping[str, object]) -> str:
    """The table of contents without the chapters that are not there yet.

    Raises
    ------
    ClaimError : a page or chapter that no entry names
    """
    table = yaml.safe_load(text)
    pages = {
        re.sub(r"\.(md|ipynb)$", "", n)
        for n in files
        if n.endswith((".md", ".ipynb")) and not n.startswith(f"{EXTRA}/")
    }
    for part in table.get("parts", []):
        part["chapters"] = [entry for entry in part["chapters"] if entry["file"] in pages]
    table["parts"] = [part for part in table.get("parts", []) if part["chapters"]]
    named = {table["root"], *(entry["file"] for part in table["parts"] for entry in part["chapters"])}
    if pages - named:
        raise ClaimError(f"_toc.yml: no entry names {', '.join(sorted(pages - named))}; add it to a part")
    return yaml.safe_dump(table, sort_keys=False, allow_unicode=True)


def merge(chapter: Chapter, pages: Pages) -> nbformat.NotebookNode:
    """The executed notebook with the prose of its source as it is now, filled in.

    Prose may change without a run; code may not: its outputs would no longer be its own.

    Raises
    ------
    ClaimError : a code cell of the source is not the one that was run
    """
    room = chapter.room
    source = jupytext.read(room.notebook)
    ran = nbformat.read(room.executed, as_version=4)
    code = [cell for cell in ran.cells if cell.cell_type == "code"]
    injected = {id(c) for c in code if "injected-parameters" in c.metadata.get("tags", [])}
    wanted = [cell.source for cell in source.cells if cell.cell_type == "code"]
    if wanted != [cell.source for cell in code if id(cell) not in injected]:
        raise ClaimError(
            f"{room.notebook}: its code is not what {room.executed.name} was run with; "
            f"run `likeness run {room.name}` first"
        )
    left, cells = list(code), list[nbformat.NotebookNode]()
    for cell in source.cells:
        if cell.cell_type == "markdown":
            where = f"{room.notebook.relative_to(room.root)}, cell that begins {cell.source.strip()[:40]!r}"
            cells.append(
                nbformat.v4.new_markdown_cell(pages.render(cell.source, where, chapter.name), id=_id(cells))
            )
        elif cell.cell_type == "code":
            while left and id(left[0]) in injected:
                cells.append(_shown(left.pop(0), cells))
            cells.append(_shown(left.pop(0), cells))
    metadata = {key: ran.metadata[key] for key in ("kernelspec", "language_info") if key in ran.metadata}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _shown(cell: nbformat.NotebookNode, before: Sequence[Any]) -> nbformat.NotebookNode:
    """A code cell with its outputs in full and its code behind a button, without what no reader needs."""
    tags = [tag for tag in cell.metadata.get("tags", []) if tag not in ("parameters", "injected-parameters")]
    if not {"hide-input", "show-input", "remove-input", "remove-cell"} & set(tags):
        tags.append("hide-input")
    kept = nbformat.v4.new_code_cell(
        cell.source, outputs=cell.outputs, id=_id(before), metadata={"tags": tags}
    )
    kept.execution_count = cell.execution_count
    return kept


def _id(before: Sequence[Any]) -> str:
    """Cell ids by position: random ones would make every build look changed."""
    return f"cell-{len(before)}"


def _text(notebook: nbformat.NotebookNode) -> str:
    return nbformat.writes(notebook) + "\n"
