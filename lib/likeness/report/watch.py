"""Progress of a run on the screen: paper, cell, training. Bars in a terminal, a line every 15 s elsewhere."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from rich.console import Console

#: Seconds between two plain lines, and between two looks into the progress file.
LINE_EVERY: Final = 15.0
LOOK_EVERY: Final = 0.5


class Tally:
    """Steps done and to do, summed over the tasks that told of themselves since `restart`."""

    def __init__(self, path: Path) -> None:
        """Read what `likeness.report.progress.tick` appends to ``path``."""
        self._path, self._offset, self._rest = path, 0, b""
        self._tasks: dict[str, tuple[int, int]] = {}

    def restart(self) -> None:
        """Forget the tasks: a new cell trains anew, perhaps under the same names."""
        self.read()
        self._tasks.clear()

    def read(self) -> tuple[int, int]:
        """(done, total) over all tasks, after reading what was appended since the last look."""
        if self._path.is_file():
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                fresh = stream.read()
            self._offset += len(fresh)
            *lines, self._rest = (self._rest + fresh).split(b"\n")  # the last one may still be being written
            for line in lines:
                told = json.loads(line)
                self._tasks[told["task"]] = (told["done"], told["total"])
        return sum(d for d, _ in self._tasks.values()), sum(t for _, t in self._tasks.values())


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
                self._bars.reset(self._rows["training"], visible=False, total=None)
        self._show()

    def _loop(self) -> None:
        while not self._stop.wait(LOOK_EVERY):
            self._show()

    def _show(self) -> None:
        with self._lock:
            done, total = self._tally.read()
            if self._bars:
                text = f"{self._title}: {self._heading}"
                self._bars.update(self._rows["cell"], completed=max(self._at - 1, 0), description=text)
                if total:
                    self._bars.update(self._rows["training"], completed=done, total=total, visible=True)
            elif time.monotonic() - self._said >= LINE_EVERY:
                self._said = time.monotonic()
                self._console.print(self._line(done, total), markup=False, highlight=False, soft_wrap=True)

    def _line(self, done: int, total: int) -> str:
        text = f"{self._title}: cell {self._at}/{self._cells} {self._heading}".rstrip()
        if total:
            text += f", training {done}/{total}"
        if 0 < done < total:
            left = (time.monotonic() - self._began) * (total - done) / done
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
