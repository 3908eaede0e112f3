"""Staging and building: prose merged, steps skipped, everything wrong refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
import yaml
from rich.console import Console

import small_book
from likeness.report.build import build, build_command
from likeness.report.chapter import Chapter
from likeness.report.claims import ClaimError
from likeness.report.pages import Pages
from likeness.report.records import write_results
from likeness.report.staging import merge, staged, toc, write


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIKENESS_ROOT", str(tmp_path))
    return small_book.make_project(tmp_path)


@pytest.fixture
def pages(room):
    return Pages([Chapter.load(room)])


def test_merge_takes_new_prose_and_old_outputs(room, pages):
    text = room.notebook.read_text(encoding="utf-8")
    room.notebook.write_text(text.replace("## Claims", "## Claims, in new words"), encoding="utf-8")
    made = merge(Chapter.load(room), pages)
    prose = [c.source for c in made.cells if c.cell_type == "markdown"]
    assert any("Claims, in new words" in p for p in prose)
    assert prose[0].startswith("# [Re] Similarity learning")
    code = [c for c in made.cells if c.cell_type == "code"]
    assert [len(c.outputs) for c in code] == [0, 0, 0, 2, 1]
    assert all("hide-input" in c.metadata["tags"] for c in code)  # however short: a page looks one way
    nbformat.validate(made)


def test_merge_refuses_code_that_was_not_run(room, pages):
    room.notebook.write_text(
        room.notebook.read_text(encoding="utf-8").replace("epochs = None", "epochs = 3"), encoding="utf-8"
    )
    with pytest.raises(ClaimError, match="run `likeness run clustering` first"):
        merge(Chapter.load(room), pages)


def test_staging_twice_gives_the_same_bytes(room):
    first, second = (staged(room.root, [Chapter.load(room)]) for _ in range(2))
    assert first == second
    folder = room.root / "_build" / "source"
    assert write(folder, first) is True
    (folder / "old.md").write_text("gone", encoding="utf-8")
    before = (folder / "index.md").stat().st_mtime_ns
    assert write(folder, first) is True
    assert not (folder / "old.md").exists()
    assert (folder / "index.md").stat().st_mtime_ns == before
    assert write(folder, first) is False


def test_toc_leaves_out_what_is_not_there_and_refuses_what_it_forgot(room):
    text = (room.root / "_toc.yml").read_text(encoding="utf-8")
    files = dict.fromkeys(["index.md", "data.md"], "")
    table = yaml.safe_load(toc(text, files))
    assert [entry["file"] for part in table["parts"] for entry in part["chapters"]] == ["data"]
    with pytest.raises(ClaimError, match="no entry names extra-page"):
        toc(text, files | {"extra-page.md": ""})


def test_build_says_all_that_is_wrong_at_once(room, capsys):
    page = room.root / "book" / "index.md"
    page.write_text(page.read_text(encoding="utf-8") + "\nWe reach 0.938.\n", encoding="utf-8")
    (room.printed / "table9.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert build_command() == 1
    said = capsys.readouterr().err
    assert "book/index.md, line" in said
    assert "the number 0.938 is typed into prose" in said
    assert "table9.csv: no claim judges its numbers" in said
    assert not (room.root / "_build" / "html").exists()


def test_build_without_any_run(room, capsys):
    room.results.unlink()
    assert build_command() == 1
    said = capsys.readouterr()
    assert "without clustering: not run yet" in said.out
    assert "run `likeness run` first" in said.err


@pytest.mark.slow
def test_build_skips_rebuilds_and_fails(room, capsys):
    html_file = room.root / "_build" / "html" / "index.html"
    assert build_command() == 0
    assert "1 chapter in" in capsys.readouterr().out
    made = html_file.stat().st_mtime_ns
    assert build_command() == 0
    assert "up to date" in capsys.readouterr().out
    assert html_file.stat().st_mtime_ns == made
    # new prose: HTML again
    page = room.root / "book" / "data.md"
    page.write_text(page.read_text(encoding="utf-8") + "\nOne more sentence.\n", encoding="utf-8")
    assert build_command() == 0
    assert "1 chapter in" in capsys.readouterr().out
    assert "One more sentence." in (html_file.parent / "data.html").read_text(encoding="utf-8")
    # a new number: HTML again
    write_results(room.results, small_book.results(small_book.values(3, shift=0.001), seeds=3))
    assert build_command() == 0
    assert "1 chapter in" in capsys.readouterr().out
    # a warning of Sphinx fails the build, again and again
    page.write_text(page.read_text(encoding="utf-8") + "\n{ref}`nowhere`\n", encoding="utf-8")
    for _ in range(2):
        assert build_command() == 1
        assert "nowhere" in capsys.readouterr().err


def test_a_new_builder_rebuilds(room, monkeypatch):
    from likeness.report import build as module

    calls = []

    def fake(source, output, html_folder):
        calls.append(source)
        html_folder.mkdir(parents=True, exist_ok=True)
        (html_folder / "index.html").write_text("x", encoding="utf-8")
        return 0, html_folder / "log"

    monkeypatch.setattr(module, "sphinx", fake)
    quiet = Console(quiet=True)
    build(room.root, quiet, quiet)
    build(room.root, quiet, quiet)
    assert len(calls) == 1
    monkeypatch.setattr(module.metadata, "version", lambda name: "99")
    build(room.root, quiet, quiet)
    assert len(calls) == 2
    shutil.rmtree(room.root / "_build" / "html")
    build(room.root, quiet, quiet)
    assert len(calls) == 3
