"""Progress of a run on the screen: paper, cell, training. Bars in a terminal, a line every 15 s elsewhere."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from likeness.report.progress import TASKS

if TYPE_CHECKING:
    from rich.console import Console

#: Seconds between two plain lines, and between two looks into the progress file.
LINE_EVERY: Final = 15.0
LOOK_EVERY: Final = 0.5


class Told(NamedTuple):
    """What a cell has told: (done, total) of its tasks, and of the epochs of the task that spoke last."""

    tasks: tuple[int, int] = (0, 0)
    steps: tuple[int, int] = (0, 0)
    name: str = ""

    @property
    def share(self) -> float:
        """How much of the cell's work is done, as far as it is known: tasks where there are any, else steps."""
        done, total = self.tasks if self.tasks[1] else self.steps
        return done / total if total else 0.0


class Tally:
    """What the tasks of a cell have told since `restart`."""

    def __init__(self, path: Path) -> None:
        """Read what `likeness.report.progress.tick` appends to ``path``."""
        self._path, self._offset, self._rest = path, 0, b""
        self._told = Told()

    def restart(self) -> None:
        """Forget the tasks: a new cell trains anew, perhaps under the same names."""
        self.read()
        self._told = Told()

    def read(self) -> Told:
        """What is known after reading what was appended since the last look."""
        if self._path.is_file():
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                fresh = stream.read()
            self._offset += len(fresh)
            *lines, self._rest = (self._rest + fresh).split(b"\n")  # the last one may still be being written
            for line in lines:
                told = json.loads(line)
                at = (told["done"], told["total"])
                if told["task"] == TASKS:
                    self._told = self._told._replace(tasks=at)
                else:
                    self._told = self._told._replace(steps=at, name=told["task"])
        return self._told


class Watch:
    """Show the progress of one notebook while the ``with`` block runs; `cell` tells it which cell starts."""

    def __init__(self, console: Console, title: str, cells: int, path: Path) -> None:
        """Show on a console: a title, how many cells there are, and what the file ``path`` tells."""
        self._console, self._title, self._cells = console, title, cells
        self._tally = Tally(path)
        self._at, self._heading = 0, ""
        self._began = self._said = time.monotonic()
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._bars = _bars(console) if console.is_terminal else None
        self._rows: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Start to show."""
        if self._bars:
            self._bars.start()
            self._rows = {
                "cell": self._bars.add_task(self._title, total=self._cells),
                "tasks": self._bars.add_task("  tasks", total=None, visible=False),
                "training": self._bars.add_task("  training", total=None, visible=False),
            }
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bars away."""
        self._stop.set()
        self._thread.join()
        if self._bars:
            self._bars.stop()

    def cell(self, number: int, heading: str) -> None:
        """Cell ``number`` (from 1) under a heading starts now."""
        with self._lock:
            self._tally.restart()
            self._at, self._heading, self._began = number, heading, time.monotonic()
            if self._bars:
                for row in ("tasks", "training"):
                    self._bars.reset(self._rows[row], visible=False, total=None)
        self._show()

    def _loop(self) -> None:
        while not self._stop.wait(LOOK_EVERY):
            self._show()

    def _show(self) -> None:
        with self._lock:
            told = self._tally.read()
            if self._bars:
                text = f"{self._title}: {self._heading}"
                self._bars.update(self._rows["cell"], completed=max(self._at - 1, 0), description=text)
                for row, (done, total) in (("tasks", told.tasks), ("training", told.steps)):
                    if total:
                        words = f"  {row} {told.name}" if row == "training" else f"  {row}"
                        self._bars.update(
                            self._rows[row], completed=done, total=total, visible=True, description=words
                        )
            elif time.monotonic() - self._said >= LINE_EVERY:
                self._said = time.monotonic()
                self._console.print(self._line(told), markup=False, highlight=False, soft_wrap=True)

    def _line(self, told: Told) -> str:
        text = f"{self._title}: cell {self._at}/{self._cells} {self._heading}".rstrip()
        if told.tasks[1]:
            text += ", task {}/{}".format(*told.tasks)
        if told.steps[1]:
            text += ", {} epoch {}/{}".format(told.name, *told.steps)
        if 0.0 < told.share < 1.0:
            left = (time.monotonic() - self._began) * (1.0 - told.share) / told.share
            text += f", about {left:.0f} s left"
        return text


def _bars(console: Console) -> Any:
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
    )
    return progress.Progress(*columns, console=console, transient=True)
