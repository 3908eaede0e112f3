"""Learning what a catalogue says of photographs: several classifications at once, some of them unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from likeness.models.photographs import check_photographs, sent, shaken

#: Label of a photograph of which a task knows nothing.
UNKNOWN: Final = -1

#: Called with (epochs done, epochs in all, mean loss of the epoch).
Progress = Callable[[int, int, float], None]


def multi_task_loss(logits: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> Tensor:
    r"""Sum over tasks of the mean cross-entropy of the photographs whose class is known.

    .. math:: L = \sum_t \frac{1}{|\{i : y_{ti} \ge 0\}|} \sum_{i : y_{ti} \ge 0} -\log p_t(y_{ti} \mid x_i)

    logits (n, classes) and labels (n,) int64 a task, -1 where unknown; a task of which nothing is known adds 0.
    """
    total = torch.zeros((), device=next(iter(logits.values())).device)
    for task, scores in logits.items():
        known = (labels[task] != UNKNOWN).sum().clamp(min=1)  # a mean over nothing would be NaN
        total = total + F.cross_entropy(scores, labels[task], ignore_index=UNKNOWN, reduction="sum") / known
    return total


def lessons(
    photos: np.ndarray, labels: Mapping[str, np.ndarray], *, epochs: int, batch: int, rate: float
) -> dict[str, Tensor]:
    """Labels as `learn` takes them, (N,) int64 a task.

    photos (N, 3, s, s) uint8; labels (N,) integers a task, classes from 0, -1 unknown, two classes at least. Raises
    ValueError on others, fewer than two photographs or a batch of one, no epoch, or a rate that is not above 0.
    """
    check_photographs(photos)
    n = len(photos)
    if not labels:
        raise ValueError("no task: expected labels of one or more")
    for task, of in labels.items():
        of = np.asarray(of)
        if of.shape != (n,) or of.dtype.kind not in "iu" or (n and of.min() < UNKNOWN):
            raise ValueError(f"labels of {task!r}: {of.dtype} of shape {of.shape}, expected ({n},) integers >= -1")
        if len(np.unique(of[of != UNKNOWN])) < 2:
            raise ValueError(f"labels of {task!r}: fewer than two classes are known, so it teaches nothing; drop it")
    if epochs < 1 or batch < 2 or n < 2 or not 0 < rate < np.inf:
        said = f"{epochs} epochs, batches of {batch}, {n} photographs, rate {rate}"
        raise ValueError(f"{said}: expected 1, 2, 2 or more, and a rate above 0")
    return {task: torch.from_numpy(np.asarray(of).astype(np.int64)) for task, of in labels.items()}


def learn(
    read: Callable[[Tensor], Mapping[str, Tensor]],
    optimiser: torch.optim.Optimizer,
    photos: np.ndarray,
    labels: Mapping[str, Tensor],
    *,
    epochs: int,
    batch: int,
    rate: float,
    seed: int,
    device: torch.device | str,
    progress: Progress | None = None,
) -> None:
    """Steps of the optimiser on `multi_task_loss` by the one-cycle schedule up to `rate`, photographs `shaken`.

    Photographs stay uint8 in memory and go to the device a batch at a time; order, mirroring and moves are drawn on the
    CPU. What is left of an epoch is shared out, so that none is a batch of one.

    read : photographs (n, 3, s, s) uint8, on the device -> scores of the classes of each task, (n, classes)
    labels : of `lessons`, which has refused what cannot train

    Raises FloatingPointError where the loss of an epoch is not finite.
    """
    rng, steps = torch.Generator().manual_seed(seed), max(1, len(photos) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps)
    for epoch in range(1, epochs + 1):
        total = torch.zeros((), device=device)
        for rows in torch.randperm(len(photos), generator=rng).tensor_split(steps):
            x = shaken(sent(photos, rows.numpy(), device), rng)
            loss = multi_task_loss(read(x), {task: of[rows].to(device) for task, of in labels.items()})
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.detach()
        mean = float(total) / steps
        if not np.isfinite(mean):
            advice = f"try a rate below {rate}, or larger batches"
            raise FloatingPointError(f"the loss became {mean} in epoch {epoch}: {advice}")
        if progress:
            progress(epoch, epochs, mean)
