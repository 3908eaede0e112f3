"""Progress of long loops, told through a file, so that worker processes of a kernel can tell it too."""

from __future__ import annotations

import json
import os
from typing import Final

#: Names the file; where it is unset nothing is told.
VARIABLE: Final = "LIKENESS_PROGRESS"
#: Name under which a list of tasks tells how many of them are done: what the time left is reckoned from.
TASKS: Final = "tasks"


def tick(task: str, done: int, total: int) -> None:
    """Say that ``done`` of ``total`` steps (epochs, samples) of a named task are done.

    One line is appended in one write: several processes may tell at once. Without the variable
    LIKENESS_PROGRESS nothing happens.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return
    line = json.dumps({"task": task, "done": int(done), "total": int(total)}) + "\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError:  # progress must never be the reason why hours of training are lost
        return
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)
