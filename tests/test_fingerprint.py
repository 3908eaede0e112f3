"""What a run depends on: found from sources alone, and nothing else counts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from likeness.report import fingerprint as fp
from likeness.report.rooms import Room
from toy_project import Project, make_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The toy project, read as if its package were the one in use."""
    made = make_project(tmp_path)
    monkeypatch.setattr(fp, "PACKAGE", tmp_path / "lib" / "likeness")
    monkeypatch.setattr(fp, "data_hashes", lambda paper: {})
    return made


def of(project: Project, paper: str, **params: object) -> dict[str, object]:
    return fp.fingerprint(Room(project.root, paper), params)


def test_the_closure_holds_what_a_notebook_reaches_and_no_more(project: Project) -> None:
    modules = set(fp.code_hashes(Room(project.root, "alpha")))
    reached = {
        "likeness",
        "likeness.studies.alpha.protocol",
        "likeness.studies.alpha.parameters",
        "likeness.models",
    }
    assert reached <= modules
    assert {
        "likeness.models.alpha",
        "likeness.models.shared",
    } <= modules  # both inside functions, the second through
    assert {"likeness.report.run", "likeness.report.records", "likeness.report.progress"} <= modules
    assert not {
        m
        for m in modules
        if "beta" in m or m.endswith((".own", ".execute", ".kernel", ".watch", "likeness.cli"))
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import likeness.models.alpha", {"likeness.models.alpha", "likeness.models.shared"}),
        ("import likeness.models.alpha as a, os", {"likeness.models.alpha"}),
        ("from likeness.models import alpha", {"likeness.models.alpha"}),
        ("from likeness.models.alpha import score", {"likeness.models.alpha"}),
        ("def f():\n    if 1:\n        from likeness.models import own", {"likeness.models.own"}),
        ("import_module('likeness.models.own')", {"likeness.models.own"}),
        ("%matplotlib inline\n!ls\nimport likeness.models.own", {"likeness.models.own"}),
        ("from likeness.models.relative import x", {"likeness.models.own", "likeness.models.shared"}),
        ("from likeness.models import deep", {"likeness.models.deep.inner", "likeness.models.own"}),
    ],
)
def test_every_form_of_import_counts(project: Project, source: str, expected: set[str]) -> None:
    project.module("models/relative").write_text("from . import own\nfrom .shared import OFFSET\n")
    project.module("models/deep/__init__").parent.mkdir()
    project.module("models/deep/__init__").write_text("from .inner import x\n")
    project.module("models/deep/inner").write_text("from .. import own\n")
    found = fp.closure([source])
    assert expected <= set(found)
    assert {"likeness", "likeness.models"} <= set(found)  # packages run too
    assert ("likeness.models.own" in found) == ("likeness.models.own" in expected)


def test_text_that_names_no_module_is_no_import(project: Project) -> None:
    assert fp.closure(["x = 'likeness.none'\nimport numpy\nfrom likely.models import alpha"]) == {
        "likeness": project.module("__init__")
    }


def test_import_cycles_end(project: Project) -> None:
    project.module("models/shared").write_text("import likeness.models.alpha\nOFFSET = 0\n")
    assert "likeness.models.alpha" in fp.closure(["import likeness.models.shared"])


def test_nothing_is_imported_to_find_out(project: Project) -> None:
    project.module("models/alpha").write_text("raise SystemExit('imported')\n")
    before = set(sys.modules)
    of(project, "alpha")
    assert "likeness.models.alpha" not in set(sys.modules) - before


def edit_prose(p: Project) -> None:
    p.edit(p.room("alpha") / "alpha.py", "Prose about alpha.", "Better prose.\n#\n# ## A new section")
    (p.room("alpha") / "paper.yaml").write_text("paper: alpha\n")


def edit_other(p: Project) -> None:
    p.module("models/own").write_text("OFFSET = 9\n")
    p.edit(p.room("beta") / "beta.py", "p = run.params", "p = run.params; q = p")


@pytest.mark.parametrize("change", [edit_prose, edit_other, lambda p: None])
def test_what_does_not_count(project: Project, change: Callable[[Project], None]) -> None:
    before = of(project, "alpha", seeds=3)
    change(project)
    assert fp.what_changed(before, of(project, "alpha", seeds=3)) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda p: p.module("models/shared").write_text("OFFSET = 1\n"),
            "code changed (likeness.models.shared)",
        ),
        (
            lambda p: p.module("studies/alpha/parameters").write_text("\n"),
            "code changed (likeness.studies.alpha.para",
        ),
        (lambda p: p.module("models/shared").unlink(), "code changed (likeness.models.shared)"),
        (lambda p: p.edit(p.room("alpha") / "alpha.py", "weigh(p)", "weigh( p)"), "notebook code changed"),
        (lambda p: p.edit(p.room("alpha") / "alpha.py", ' tags=["parameters"]', ""), "notebook code changed"),
        (
            lambda p: (p.room("alpha") / "printed" / "more.csv").write_text("a\n"),
            "printed numbers changed (more.csv)",
        ),
        (
            lambda p: (p.room("alpha") / "records" / "full.json").write_text("{}"),
            "records changed (full.json)",
        ),
        (lambda p: (p.root / "requirements.lock").write_text("numpy==3\n"), "requirements.lock changed"),
        (lambda p: (p.root / "requirements.lock").unlink(), "requirements.lock changed"),
    ],
)
def test_what_counts_is_named(project: Project, change: Callable[[Project], object], why: str) -> None:
    before = of(project, "alpha", seeds=3)
    change(project)
    said = fp.what_changed(before, of(project, "alpha", seeds=3))
    assert len(said) == 1
    assert said[0].startswith(why)


def test_parameters_and_data_count(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = of(project, "alpha", seeds=3, scale=1.0)
    assert fp.what_changed(before, of(project, "alpha", seeds=5, scale=1.0)) == [
        "parameters changed (seeds: 3 -> 5)"
    ]
    monkeypatch.setattr(fp, "data_hashes", lambda paper: {"uci/zoo.data": "ab"})
    assert fp.what_changed(before, of(project, "alpha", seeds=3, scale=1.0)) == [
        "data changed (uci/zoo.data)"
    ]
    assert fp.what_changed(None, before) == ["no earlier run"]


def test_many_changes_are_summed_up(project: Project) -> None:
    before = of(project, "alpha")
    before["code"] = {}
    (said,) = fp.what_changed(before, of(project, "alpha"))
    assert said.startswith("code changed (likeness, ")
    assert said.endswith("more)")


def test_the_registry_tells_the_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    assert fp.data_hashes("clustering") == {}
    (tmp_path / "uci" / "zoo").mkdir(parents=True)
    (tmp_path / "uci" / "zoo" / "zoo.data").write_text("bear\n")
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path))
    assert list(fp.data_hashes("clustering")) == ["uci/zoo/zoo.data"]
