"""Execute one notebook in a kernel by papermill, watch its cells, and tell a failure in a reader's terms."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from likeness.report import fingerprint, progress
from likeness.report.parameters import BaseParameters, ParameterError
from likeness.report.rooms import ROOT_VARIABLE, Room
from likeness.report.watch import Watch

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from rich.console import Console

#: Log lines that an error shows.
LOG_LINES: Final = 10
#: Length of "/tmp12345678/kernel-5" with some to spare, and of the longest path that a socket may have (macOS).
_IPC_NAME: Final = 24
_LONGEST_SOCKET: Final = 103
_CELL: Final = re.compile(r"Cell In ?\[(\d+)\], line (\d+)")
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class RunFailed(RuntimeError):
    """A cell failed; the message names paper, cell, line and the last log lines."""


@dataclass(frozen=True)
class Job:
    """One room to run: parameters (as given, and resolved), the folder for its results."""

    room: Room
    given: dict[str, object]
    params: BaseParameters
    out: Path

    @property
    def name(self) -> str:
        """Short name of the paper."""
        return self.room.name


def execute(job: Job, staging: Path, console: Console, title: str) -> NotebookNode:
    """Execute the notebook of a job into a folder; return it with its outputs.

    Raises
    ------
    RunFailed : a cell failed, or the kernel died
    ParameterError : no cell is tagged `parameters`
    """
    import jupytext
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    notebook = jupytext.read(job.room.notebook)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    outline = _outline(notebook, job.room.notebook)
    output, told = staging / job.room.executed.name, staging / "progress.jsonl"
    at = 0
    cells = max(number for number, _ in outline)

    def begins(cell: NotebookNode, cell_index: int) -> None:  # noqa: ARG001  both passed by name
        nonlocal at
        at = cell_index
        watch.cell(*outline[cell_index])

    with Watch(console, title, cells, told) as watch, _environment(job, staging, told), _transport() as transport:
        try:
            return papermill.execute_notebook(
                notebook,
                str(output).replace("{", "{{").replace("}", "}}"),  # papermill formats the path
                parameters={**job.given, "preset": job.params.preset},
                kernel_name="python3",
                progress_bar=False,
                cwd=str(job.room.root),
                on_cell_execute=begins,
                config=transport,
            )
        except PapermillExecutionError as error:
            number, line = outline[error.cell_index], _line_of(error)
            what = f"{error.ename}: {_COLOUR.sub('', error.evalue)}"
            source = error.source
        except DeadKernelError:
            number, line, what, source = outline[at], None, "the kernel died; was there enough memory?", ""
    raise RunFailed(_story(job, number, line, source, what, output))


@contextmanager
def _transport() -> Iterator[Any]:
    """Talk to the kernel through files, not open ports, where the system's limit on their paths allows.

    They lie in a folder of their own: by itself the kernel manager puts them into the current one and leaves them.
    """
    from traitlets.config import Config

    if not hasattr(socket, "AF_UNIX") or len(tempfile.gettempdir()) + _IPC_NAME > _LONGEST_SOCKET:
        yield Config(KernelManager={"transport": "tcp"})
        return
    with tempfile.TemporaryDirectory(prefix="", ignore_cleanup_errors=True) as folder:
        yield Config(KernelManager={"transport": "ipc", "ip": f"{folder}/kernel"})


def _outline(notebook: NotebookNode, path: Path) -> list[tuple[int, str]]:
    """(number of the code cell or 0, nearest heading above) of each cell, as papermill will have them."""
    outline, heading, number, injected = [], "", 0, False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            titles = re.findall(r"^#+\s+(.+?)\s*$", cell.source, flags=re.MULTILINE)
            heading = titles[-1] if titles else heading
        number += cell.cell_type == "code"
        outline.append((number if cell.cell_type == "code" else 0, heading))
        if "parameters" in cell.metadata.get("tags", ()) and not injected:
            outline.append((number, heading))  # the injected cell belongs to the one that it overrides
            injected = True
    if not injected:
        raise ParameterError(
            f'{path}: no cell is tagged `parameters`; write `# %% tags=["parameters"]` above it'
        )
    return outline


def _line_of(error: Any) -> int | None:
    found = _CELL.findall(_COLOUR.sub("", "\n".join(error.traceback)))
    own = [int(line) for count, line in found if int(count) == error.exec_count]
    return own[0] if own else None


def _story(job: Job, cell: tuple[int, str], line: int | None, source: str, what: str, output: Path) -> str:
    import nbformat

    number, heading = cell
    lines = source.splitlines()
    where = f"cell {number}" + (f' ("{heading}")' if heading else "")
    if line is not None and line <= len(lines):
        where += f", line {line}: {lines[line - 1].strip()}"
    text = [f"{job.name}: {where}", f"  {what}"]
    if output.is_file():
        cells = nbformat.read(output, as_version=4).cells
        streams = (o.text for c in cells for o in c.get("outputs", ()) if o.output_type == "stream")
        said = "".join(streams).splitlines()[-LOG_LINES:]
        text += ["  last log lines:", *(f"    {one}" for one in said)] if said else ["  nothing was logged"]
    text.append(f"  what ran is in {job.out / f'{job.name}.failed.ipynb'}; earlier results are untouched")
    return "\n".join(text)


@contextmanager
def _environment(job: Job, staging: Path, told: Path) -> Iterator[None]:
    """Variables that the kernel and its workers inherit; one thread each, else two slow each other down."""
    library = str(fingerprint.PACKAGE.parent)
    values = {
        "LIKENESS_OUT": str(staging),
        progress.VARIABLE: str(told),
        ROOT_VARIABLE: str(job.room.root),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        "PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "0"),
        "PYTHONPATH": os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH", "")])),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
