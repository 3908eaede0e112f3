"""Run the notebooks of the rooms: validate, skip what is up to date, execute, keep what was computed.

A run works in a folder of its own; only a run that finished replaces the results that were there.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from likeness.report import fingerprint as fp
from likeness.report.kernel import Job, RunFailed, execute
from likeness.report.parameters import BaseParameters, ParameterError, parameters_of
from likeness.report.records import read_results, write_atomically, write_results
from likeness.report.rooms import project_root, room_of, rooms

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from rich.console import Console

#: Parameters that say where a run computes, not what: they may differ in a record.
MACHINE: Final = frozenset({"device", "jobs"})
_FOLDERS: Final = ("tables", "figures")


def plan(
    papers: Sequence[str], pairs: Sequence[str], preset: str | None, out: Path | None, record: bool = False
) -> list[Job]:
    """Jobs of a command line, all validated before any work.

    Parameters
    ----------
    papers : short names; none: every room
    pairs : ``name=value`` texts, the same for all papers
    out : folder for the results instead of the room (a folder in it for each paper, if there are several)

    Raises
    ------
    ParameterError : unknown paper, preset or parameter; a value out of range; a record of changed parameters
    """
    root = project_root()
    chosen = [room_of(p, root) for p in dict.fromkeys(papers)] if papers else rooms(root)
    if not chosen:
        raise ParameterError(
            f"{root / 'paper_runs'} holds no notebook: expected paper_runs/<paper>/<paper>.py"
        )
    jobs = []
    for room in chosen:
        kind = parameters_of(room.name)
        given = kind.parse(pairs)
        if preset is not None and given.setdefault("preset", preset) != preset:
            raise ParameterError(f"--preset {preset}, but -p preset={given['preset']}: give one of them")
        params = kind.resolve(given)
        if record:
            _refuse_changed(kind, params)
        own = room.path if out is None else out.resolve() / (room.name if len(chosen) > 1 else "")
        jobs.append(Job(room, given, params, own))
    return jobs


def run_all(
    jobs: Sequence[Job], console: Console, *, record: bool, force: bool, only_plan: bool
) -> list[RunFailed]:
    """Run the jobs that are due, one after the other, and say of each why it runs or is skipped.

    A failure does not keep the others from running; the failures are returned.
    """
    failures = []
    for i, job in enumerate(jobs, start=1):
        current = fp.fingerprint(job.room, job.params.asdict())
        why = ["asked for by --force"] if force else reasons(job, current)
        due = f"{'would run' if only_plan else 'runs'}, {'; '.join(why)}"
        same = "up to date (code, notebook, parameters, data, lock unchanged), skipped"
        _say(console, f"{job.name}: {due if why else same}")
        if only_plan:
            continue
        try:
            results = run_job(job, console, f"{job.name} ({i}/{len(jobs)})", current) if why else None
        except RunFailed as failure:
            failures.append(failure)
            _say(console, f"{job.name}: failed")
            continue
        if results is not None:
            took = results["provenance"]["seconds"]
            file = job.out / "results.json"
            _say(console, f"{job.name}: {len(results['values']):,} values in {took:.0f} s, {file}")
        if record:
            kept = keep_record(job, results or read_results(job.out / "results.json"))
            _say(console, f"{job.name}: {kept}")
    return failures


def reasons(job: Job, current: Mapping[str, Any]) -> list[str]:
    """Why a job is due; empty: its results are up to date.

    Parameters
    ----------
    current : fingerprint of the job as it stands
    """
    stamp = _read_stamp(_stamp(job))
    if stamp is None:
        return ["no earlier run"]
    changed = fp.what_changed(stamp["fingerprint"], current)
    gone = [name for name in stamp["outputs"] if not (job.out / name).is_file()]
    if gone:
        changed.append(f"missing: {gone[0]}" + (f" and {len(gone) - 1} more" if len(gone) > 1 else ""))
    elif fp.file_sha256(job.out / "results.json") != stamp["results"]:
        changed.append("results.json was edited")
    return changed


def run_job(job: Job, console: Console, title: str, current: Mapping[str, Any]) -> dict[str, Any]:
    """Execute one notebook and put its results in place; return them.

    Raises
    ------
    RunFailed : a cell failed. Earlier results stay; ``<paper>.failed.ipynb`` and, where it got so far,
        ``results.partial.json`` are added.
    """
    with _staging(job) as staging:
        finished = execute(job, staging, console, title)
        results = _verified(job, staging)
        _put_in_place(job, staging, finished)
    _write_stamp(job, current)
    return results


def keep_record(job: Job, results: Mapping[str, Any]) -> str:
    """Copy results to ``records/<preset>.json``, its figures beside it, to be committed; say so in words."""
    path = job.room.records / f"{job.params.preset}.json"
    figures = path.with_suffix("")
    write_results(path, results)
    shutil.rmtree(figures, ignore_errors=True)
    for svg in sorted((job.out / "figures").glob("*.svg")):
        figures.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(svg, figures / svg.name)
    stamp = _read_stamp(_stamp(job))
    if stamp is not None:  # the record is an input too; writing it must not make its own run out of date
        _write_stamp(job, stamp["fingerprint"] | {"records": fp.record_hashes(job.room)})
    dirty = results["provenance"]["dirty"]
    note = " (from code that is not committed: commit, then run again with --force)" if dirty else ""
    return f"recorded as {path.relative_to(job.room.root)}{note}"


def _verified(job: Job, staging: Path) -> dict[str, Any]:
    if not (staging / "results.json").is_file():
        raise RunFailed(f"{job.name}: the notebook wrote no results; call run.finish() in its last cell")
    results = read_results(staging / "results.json")
    if results["paper"] != job.name or results["params"] != job.params.asdict():
        raise RunFailed(
            f"{job.name}: the notebook ran as {results['paper']} with {results['params']}, not as asked"
        )
    return results


def _put_in_place(job: Job, staging: Path, finished: NotebookNode) -> None:
    import nbformat

    for key in ("input_path", "output_path"):  # of this machine; the page is for others
        finished.metadata.papermill.pop(key, None)
    nbformat.write(finished, staging / job.room.executed.name)
    _stamp(job).unlink(missing_ok=True)  # should this be interrupted, the next run starts anew
    for name in _FOLDERS:
        shutil.rmtree(job.out / name, ignore_errors=True)
    for name in (*_FOLDERS, job.room.executed.name, "results.json"):
        if (staging / name).exists():
            (staging / name).replace(job.out / name)
    for name in (f"{job.name}.failed.ipynb", "results.partial.json"):
        (job.out / name).unlink(missing_ok=True)


@contextmanager
def _staging(job: Job) -> Iterator[Path]:
    """Folder for the run in progress; what it leaves when it fails is kept beside the earlier results."""
    import psutil

    staging = job.out / ".running"
    owner = staging / "pid"
    if owner.is_file() and psutil.pid_exists(int(owner.read_text() or 0)):
        raise ParameterError(
            f"{job.name} is already running into {job.out} (process {owner.read_text()}); use --out"
        )
    shutil.rmtree(staging, ignore_errors=True)  # of a run that was killed
    staging.mkdir(parents=True)
    owner.write_text(str(os.getpid()))
    try:
        yield staging
    finally:
        left = {
            job.room.executed.name: f"{job.name}.failed.ipynb",
            "results.partial.json": "results.partial.json",
        }
        for name, kept in left.items():
            if (staging / name).is_file():
                (staging / name).replace(job.out / kept)
        shutil.rmtree(staging, ignore_errors=True)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _refuse_changed(kind: type[BaseParameters], params: BaseParameters) -> None:
    usual = kind.resolve({"preset": params.preset}).asdict()
    changed = [
        name for name, value in params.asdict().items() if value != usual[name] and name not in MACHINE
    ]
    if changed:
        raise ParameterError(
            f"--record keeps the numbers of preset {params.preset}, but {', '.join(changed)} was changed; "
            "leave it out, or keep this run with --out"
        )


def _stamp(job: Job) -> Path:
    return job.out / ".stamp.json"


def _write_stamp(job: Job, current: Mapping[str, Any]) -> None:
    names = [job.room.executed.name, "results.json"]
    names += [
        str(p.relative_to(job.out)) for f in _FOLDERS for p in sorted((job.out / f).glob("*")) if p.is_file()
    ]
    stamp = {
        "fingerprint": dict(current),
        "results": fp.file_sha256(job.out / "results.json"),
        "outputs": names,
    }
    write_atomically(_stamp(job), json.dumps(stamp, indent=1, sort_keys=True) + "\n")


def _read_stamp(path: Path) -> dict[str, Any] | None:
    try:
        stamp = json.loads(path.read_text(encoding="utf-8"))
        return stamp if {"fingerprint", "results", "outputs"} <= stamp.keys() else None
    except (OSError, ValueError, AttributeError):  # none, or damaged: run again
        return None
