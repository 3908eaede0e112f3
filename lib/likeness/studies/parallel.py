"""Spread independent tasks over processes, one thread each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar

import joblib

Result = TypeVar("Result")


def run_all(task: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], jobs: int = 0) -> Iterator[Result]:
    """Yield ``task(*a)`` for every a, in order.

    Two processes with two threads each ran five times slower than with one each, hence one thread a worker. The
    results do not depend on ``jobs``: every task derives its own seed.

    Parameters
    ----------
    jobs : worker processes; 0: one a core; 1: this process
    """
    workers = min(jobs or joblib.cpu_count(), max(len(arguments), 1))
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1) if workers > 1 else nullcontext():
        parallel = joblib.Parallel(n_jobs=workers, return_as="generator")
        yield from parallel(joblib.delayed(_single_threaded)(task, a) for a in arguments)


def _single_threaded(task: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
    import torch

    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return task(*arguments)
