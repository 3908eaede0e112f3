"""Spread independent tasks over processes, one thread each, and keep what is done."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import joblib

from likeness.data.whole_files import whole
from likeness.report.fingerprint import closure, file_sha256
from likeness.report.progress import TASKS, tick
from likeness.report.provenance import WORK
from likeness.report.rooms import project_root

Result = TypeVar("Result")

#: Folder of finished tasks; "off" keeps nothing. It is the user's own, so that its pickles are.
CACHE_VARIABLE = "LIKENESS_CACHE"


def run_all(
    task: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], jobs: int = 0, *, given: tuple[Any, ...] = ()
) -> Iterator[Result]:
    """Yield ``task(*given, *a)`` for every a, in order.

    Two processes with two threads each ran five times slower than with one each, hence one thread a worker. The
    results do not depend on ``jobs``: every task derives its own seed. A finished task is kept on disk under the hash
    of the library code it can reach and of its arguments, so that an interrupted run goes on where it stopped; the
    provenance of the run says how much of its work was found so.

    Parameters
    ----------
    arguments : tuples of values whose repr says all that the task depends on
    jobs : worker processes; 0: one a core; 1: this process
    given : what all tasks read and their arguments determine, so that it is no part of the hash; workers share its
        large arrays by memory map
    """
    workers = min(jobs or joblib.cpu_count(), max(len(arguments), 1))
    folder, code = _folder(), _code_of(task.__module__)
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1) if workers > 1 else nullcontext():
        tick(TASKS, 0, len(arguments))
        parallel = joblib.Parallel(n_jobs=workers, return_as="generator")
        done = parallel(joblib.delayed(_kept)(task, given, a, folder, code) for a in arguments)
        for number, (result, seconds, kept) in enumerate(done, start=1):
            WORK.add(seconds, kept=kept)
            tick(TASKS, number, len(arguments))
            yield result


def _kept(
    task: Callable[..., Result], given: tuple[Any, ...], arguments: tuple[Any, ...], folder: Path | None, code: str
) -> tuple[Result, float, bool]:
    """(result, processor seconds it took, whether it was kept from an earlier run)."""
    if folder is None:
        return *_timed(task, (*given, *arguments)), False
    name = hashlib.sha256(f"{code} {task.__qualname__} {arguments!r}".encode()).hexdigest()
    path = folder / f"{name}.joblib"
    if path.is_file():
        return *joblib.load(path), True
    result = _timed(task, (*given, *arguments))
    folder.mkdir(parents=True, exist_ok=True)
    with whole(path) as half:  # a killed run leaves no broken file under this name
        joblib.dump(result, half)
    return *result, False


def _timed(task: Callable[..., Result], arguments: tuple[Any, ...]) -> tuple[Result, float]:
    import torch

    torch.set_num_threads(1)
    begun = time.process_time()
    return task(*arguments), time.process_time() - begun


def _folder() -> Path | None:
    given = os.environ.get(CACHE_VARIABLE)
    if given == "off":
        return None
    return Path(given) if given else project_root() / "_build" / "cache"


@cache
def _code_of(module: str) -> str:
    """Hash of every module in reach that can change a result: `report` and the declaration of defaults cannot."""
    reach = closure([f"import {module}", f"import {__name__}"])
    used = {n: p for n, p in reach.items() if ".report" not in n and not n.endswith(".parameters")}
    return hashlib.sha256(repr([(n, file_sha256(used[n])) for n in sorted(used)]).encode()).hexdigest()
