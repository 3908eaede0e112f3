"""Progress told through a file and shown as bars or, away from a terminal, as rare plain lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from likeness.report.progress import TASKS, tick
from likeness.report.watch import Tally, Told, Watch
from likeness.studies.parallel import run_all


def test_progress_knows_the_tasks_and_the_epoch_of_the_one_that_spoke_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told.jsonl"
    monkeypatch.delenv("LIKENESS_PROGRESS", raising=False)
    tick("a", 1, 10)
    assert not told.exists()
    monkeypatch.setenv("LIKENESS_PROGRESS", str(told))
    tally = Tally(told)
    assert tally.read() == Told((0, 0), (0, 0), "")
    for task, done, total in (("a", 1, 10), (TASKS, 1, 4), ("b", 5, 10)):
        tick(task, done, total)
    assert tally.read() == Told((1, 4), (5, 10), "b")
    assert tally.read().share == 0.25
    with told.open("a") as stream:
        stream.write('{"task": "a", "done": 9')  # half a line, as a reader may find it
    assert tally.read() == Told((1, 4), (5, 10), "b")
    with told.open("a") as stream:
        stream.write(', "total": 10}\n')
    assert tally.read() == Told((1, 4), (9, 10), "a")
    tally.restart()
    assert tally.read() == Told((0, 0), (0, 0), "")
    tick("c", 1, 2)
    assert tally.read().share == 0.5  # epochs alone, where no tasks are known
    monkeypatch.setenv("LIKENESS_PROGRESS", str(tmp_path / "no" / "such" / "folder"))
    tick("c", 2, 2)  # telling must never fail


def test_tasks_that_are_spread_over_processes_tell_how_many_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIKENESS_PROGRESS", str(tmp_path / "told"))
    monkeypatch.setenv("LIKENESS_CACHE", "off")
    seen = []
    tally = Tally(tmp_path / "told")
    for _ in run_all(divmod, [(7, 2), (9, 4), (5, 5)], jobs=1):
        seen.append(tally.read().tasks)
    assert (seen, tally.read().tasks) == ([(1, 3), (2, 3), (3, 3)], (3, 3))


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_by_cell_and_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setenv("LIKENESS_PROGRESS", str(tmp_path / "told"))
    monkeypatch.setattr("likeness.report.watch.LINE_EVERY", 0.0)
    with (tmp_path / "screen").open("w") as screen:
        console = Console(file=screen, force_terminal=terminal, width=120)
        with Watch(console, "alpha (1/2)", 5, tmp_path / "told") as watch:
            watch.cell(2, "Table 1")
            tick(TASKS, 3, 4)
            tick("mlp/0", 30, 60)
            watch._show()
    text = (tmp_path / "screen").read_text()
    assert "alpha (1/2)" in text
    assert "Table 1" in text
    if terminal:
        assert "training mlp/0" in text
        assert "30/60" in text
        assert "3/4" in text
        assert "1/5" in text  # one cell is done
    else:
        assert "cell 2/5 Table 1, task 3/4, mlp/0 epoch 30/60, about 0 s left" in text


def test_plain_lines_come_at_most_every_15_seconds(tmp_path: Path) -> None:
    with (tmp_path / "screen").open("w") as screen:
        console = Console(file=screen, force_terminal=False, width=120)
        with Watch(console, "alpha (1/1)", 2, tmp_path / "told") as watch:
            for number in (1, 2):
                watch.cell(number, "x")
            assert (tmp_path / "screen").read_text() == ""
            watch._said -= 15
            watch._show()
            watch._show()
    assert (tmp_path / "screen").read_text() == "alpha (1/1): cell 2/2 x\n"
