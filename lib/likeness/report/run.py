"""A run, seen from inside a notebook: strict parameters in, named values, tables and figures out.

The second code cell of every chapter::

    from likeness.report.run import start

    run = start("clustering", globals())
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, SupportsFloat

from likeness.report import exhibits, provenance
from likeness.report.fingerprint import data_hashes
from likeness.report.parameters import BaseParameters, ParameterError, parameters_of
from likeness.report.records import SCHEMA, RecordError, check_value, read_results, write_results
from likeness.report.rooms import Room, project_root
from likeness.report.tidy import single_value, values_of

if TYPE_CHECKING:
    import pandas as pd

#: Names the folder that a run writes to; `likeness run` sets it.
OUT_VARIABLE: Final = "LIKENESS_OUT"
_PLAIN: Final = (type(None), bool, int, float, complex, str, bytes, list, tuple, dict, set)
_SHELL: Final = ("In", "Out")  # the notebook shell's own lists


def start(paper: str, names: Mapping[str, object]) -> Run:
    """Begin a run with the parameters that stand in the notebook, before any work.

    Every plain value (number, text, list, None ...) in ``names`` whose name has no leading underscore is
    taken for a parameter: that is how an injected name that papermill only warns of is caught.

    Parameters
    ----------
    names : ``globals()`` of the notebook; None stands for "as the preset says"

    Raises
    ------
    ParameterError : unknown, mistyped or out of range; names the closest parameter
    """
    # tqdm, which torch_geometric brings, asks every notebook for a widget that no page of the book can show
    warnings.filterwarnings("ignore", message="IProgress not found")
    # joblib renews a worker that has grown, as torch's do, and says so by a path of this machine
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")
    given = {name: value for name, value in names.items() if _is_parameter(name, value)}
    try:
        params = parameters_of(paper).resolve(given)
    except ParameterError as error:
        error.add_note("Whatever plain value stands in the notebook above `start` is taken for a parameter.")
        raise
    try:
        room = Room(project_root(), paper)
    except FileNotFoundError:  # a downloaded notebook with an installed library: it runs, but has no records
        room = None
    run = Run(paper, params, _folder(paper, params), room if room and room.notebook.is_file() else None)
    if not os.environ.get(OUT_VARIABLE):
        run.log(f"Results of this run go to {run.out.relative_to(Path.cwd())}/")
    return run


class Run:
    """Values, tables and figures of one run, and the folder they go to.

    Attributes: ``paper``, ``params`` (the validated dataclass), ``out`` (folder).
    """

    def __init__(self, paper: str, params: BaseParameters, out: Path, room: Room | None = None) -> None:
        """Make the folder; without a room there is neither code hash nor record."""
        self.paper, self.params, self.out = paper, params, out
        self._room = room
        self._values: dict[str, dict[str, Any]] = {}
        self._exhibits: set[str] = set()
        self._finished = False
        self._beginning = provenance.begin(room)
        out.mkdir(parents=True, exist_ok=True)

    @property
    def seed(self) -> int:
        """Base seed: the parameter ``seed``. Derive every generator of the run from it."""
        return int(self.params.asdict()["seed"])  # type: ignore[call-overload]

    def log(self, text: str) -> None:
        """Say something in the notebook; shown again as "last log lines" should a cell fail."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def values(
        self,
        frame: pd.DataFrame,
        id: str,
        value: str = "value",
        *,
        over: str | None = "seed",
        unit: str = "",
        chip: str,
        keep_runs: bool = True,
    ) -> None:
        """Store one value per group of a tidy frame: the mean over its rows and its 95 % t interval.

        .. math:: \\bar x \\pm t_{n-1,\\,0.975}\\, s / \\sqrt{n}

        Parameters
        ----------
        id : id with columns as placeholders, ``"table1/{dataset}/{level}/{metric}"``; they make the groups
        value : column of the numbers
        over : column that tells the rows of a group apart (seed, sample); one row alone has no interval.
            None: exactly one row a group, a number without chance
        keep_runs : False drops the single numbers and keeps mean, sd and n: for thousands of samples

        Raises
        ------
        RecordError : NaN, an id that is malformed or taken, rows of a group that ``over`` does not tell apart
        """
        self._store(values_of(frame, id, value, over=over, unit=unit, chip=chip, keep_runs=keep_runs))

    def value(
        self,
        id: str,
        value: SupportsFloat,
        *,
        low: float | None = None,
        high: float | None = None,
        n: int = 1,
        unit: str = "",
        chip: str,
        runs: Sequence[float] | None = None,
    ) -> None:
        """Store one value as it is; without interval and runs it counts as a number without chance."""
        self._store([single_value(id, value, low=low, high=high, n=n, unit=unit, chip=chip, runs=runs)])

    def table(self, name: str, frame: pd.DataFrame, caption: str) -> None:
        """Keep a table as ``tables/<name>.csv`` and show it."""
        self._claim(f"table {name}", name, caption=caption)
        exhibits.save_table(self.out / "tables", name, frame)
        exhibits.show(exhibits.table_html(frame, caption), caption)

    def figure(self, name: str, fig: Any, caption: str, alt: str) -> None:
        """Keep a matplotlib figure as ``figures/<name>.svg`` and ``.png``, show it, close it.

        Parameters
        ----------
        alt : what the figure shows, for those who do not see it
        """
        self._claim(f"figure {name}", name, caption=caption, alt=alt)
        svg, png = exhibits.save_figure(self.out / "figures", name, fig)
        exhibits.show(exhibits.figure_html(svg, png, caption, alt), caption)

    def recorded(self, preset: str) -> pd.DataFrame | None:
        """Values of the committed record of a preset, None where there is none.

        Columns id, value, low, high, n, unit, chip, runs.

        Raises
        ------
        RecordError : the record was edited or truncated
        """
        import pandas as pd

        path = self._room.records / f"{preset}.json" if self._room else None
        if path is None or not path.is_file():
            return None
        columns = ["id", "value", "low", "high", "n", "unit", "chip", "runs"]
        return pd.DataFrame(read_results(path)["values"]).reindex(columns=columns)

    def finish(self) -> None:
        """Write ``results.json`` and say so in one line."""
        if not self._values:
            raise RecordError(f"{self.paper}: the run has no values; store some with run.values(...)")
        results = write_results(self.out / "results.json", self._results())
        (self.out / "results.partial.json").unlink(missing_ok=True)
        self._finished = True
        took = results["provenance"]["seconds"]
        self.log(f"{self.paper}, preset {self.params.preset}: {len(self._values):,} values in {took:.0f} s")

    def _store(self, entries: Sequence[dict[str, Any]]) -> None:
        if self._finished:
            raise RecordError(
                f"value {entries[0]['id']}: stored after run.finish(); move finish() to the last cell"
            )
        fresh: dict[str, dict[str, Any]] = {}
        for entry in entries:
            check_value(entry)
            if entry["id"] in self._values or entry["id"] in fresh:
                raise RecordError(f"value {entry['id']}: this id is taken; every value needs its own")
            fresh[entry["id"]] = entry
        self._values |= fresh
        write_results(self.out / "results.partial.json", {**self._results(), "partial": True})

    def _claim(self, exhibit: str, name: str, **texts: str) -> None:
        exhibits.check_exhibit(name, **texts)
        if exhibit in self._exhibits:
            raise ValueError(f"{exhibit}: this name is taken; every table and figure needs its own")
        self._exhibits.add(exhibit)

    def _results(self) -> dict[str, Any]:
        params = self.params.asdict()
        return {
            "schema": SCHEMA,
            "paper": self.paper,
            "preset": self.params.preset,
            "data": data_hashes(self.paper),
            "params": params,
            "seeds": {name: v for name, v in params.items() if name == "seed" or name.endswith("seeds")},
            "values": list(self._values.values()),
            "provenance": provenance.collect(self._beginning, self.paper, self.params.device),
        }


def _is_parameter(name: str, value: object) -> bool:
    own = name.startswith(("_", "PAPERMILL_")) or name in _SHELL
    return not own and isinstance(value, _PLAIN)


def _folder(paper: str, params: BaseParameters) -> Path:
    given = os.environ.get(OUT_VARIABLE)
    if given:
        return Path(given)
    text = json.dumps(params.asdict(), sort_keys=True)
    return Path.cwd() / "runs" / f"{paper}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
