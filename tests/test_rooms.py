"""Where things stand, and which code a result comes from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from likeness.report.parameters import ParameterError
from likeness.report.provenance import begin, commit_of, device_in_use
from likeness.report.rooms import Room, project_root, room_of, rooms


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of four rooms, one of them without a notebook, with the current directory inside it."""
    for name in ("zebra", "hsl", "clustering", "draft"):
        (tmp_path / "paper_runs" / name).mkdir(parents=True)
        if name != "draft":
            (tmp_path / "paper_runs" / name / f"{name}.py").write_text("# %%\n1\n")
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.delenv("LIKENESS_ROOT", raising=False)
    monkeypatch.chdir(tmp_path / "paper_runs" / "hsl")
    return tmp_path


def test_rooms_come_in_the_order_of_the_book(root: Path) -> None:
    assert project_root() == root
    assert [room.name for room in rooms()] == ["clustering", "hsl", "zebra"]
    room = room_of("hsl")
    assert (room.notebook.name, room.executed.name, room.yaml.name) == ("hsl.py", "hsl.ipynb", "paper.yaml")
    assert {p.parent for p in (room.notebook, room.results, room.records, room.printed)} == {room.path}
    with pytest.raises(ParameterError, match="unknown paper 'draft'"):
        room_of("draft")


def test_the_root_may_be_named(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setenv("LIKENESS_ROOT", str(root))
    assert project_root() == root
    monkeypatch.setenv("LIKENESS_ROOT", str(root / "nowhere"))
    with pytest.raises(FileNotFoundError, match="expected a folder that holds paper_runs"):
        project_root()


def test_a_result_names_its_commit_and_whether_code_differed(root: Path) -> None:
    room = Room(root, "hsl")
    assert commit_of(room) == (None, None)

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(
            ["git", *who, *arguments], cwd=root, check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    head = git("rev-parse", "HEAD").strip()
    assert commit_of(room) == (head, False)
    (root / "paper_runs" / "hsl" / "results.json").write_text("{}")  # results are no code
    (root / "paper_runs" / "zebra" / "zebra.py").write_text("# %%\n2\n")  # nor is another chapter
    assert commit_of(room) == (head, False)
    (root / "lib").mkdir()
    (root / "lib" / "new.py").write_text("")
    assert commit_of(room) == (head, True)
    begun = begin(room)
    assert (begun.code["commit"], begun.code["dirty"], len(begun.code["code_sha256"])) == (head, True, 64)
    assert set(begin(None).code.values()) == {None}


def test_the_device_is_the_cpu_where_it_is_asked_for() -> None:
    assert device_in_use("cpu") == "cpu"
