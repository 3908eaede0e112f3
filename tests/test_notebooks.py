"""What every chapter's notebook must be: a list of calls, with every parameter named once."""

import dataclasses
import re
from pathlib import Path

import jupytext
import pytest

from likeness.report.parameters import papers, parameters_of

ROOMS = Path(__file__).parents[1] / "paper_runs"
#: Lines of code that a cell may have; the parameter cell lists as many as there are.
LONGEST = 12

pytestmark = pytest.mark.parametrize("paper", [p for p in papers() if (ROOMS / p).is_dir()])


def text(paper: str) -> str:
    return (ROOMS / paper / f"{paper}.py").read_text(encoding="utf-8")


def test_names_every_parameter_once(paper: str) -> None:
    cell = text(paper).split('tags=["parameters"]')[1].split("# %%")[0]
    names = re.findall(r"^(\w+) = ", cell, flags=re.M)
    assert sorted(names) == sorted(f.name for f in dataclasses.fields(parameters_of(paper)))


def test_only_calls(paper: str) -> None:
    assert not re.search(r"^\s*(def|class) ", text(paper), flags=re.M)


def test_cells_are_short(paper: str) -> None:
    cells = jupytext.reads(text(paper), fmt="py:percent").cells
    code = [c for c in cells if c.cell_type == "code" and "parameters" not in c.metadata.get("tags", [])]
    assert max(len(c.source.splitlines()) for c in code) <= LONGEST


def test_ends_with_finish_and_the_ending(paper: str) -> None:
    cells = jupytext.reads(text(paper), fmt="py:percent").cells
    assert [c.source for c in cells if c.cell_type == "code"][-1] == "run.finish()"
    assert "{{ ending() }}" in cells[-1].source
