r"""Training of a composition, with the end of alpha and with beta, on queries (source image, text) and target images.

AdamW on batches of queries, by `losses.total`. Text and code of the paper differ in the rate's fall: halved "for every
3 epochs" by hand (*literal*), or after each epoch whose mean loss is not below the best so far, down to 5e-6 (*coded*).
"The learning rate of the image model" is half the rest; as coded, that is its transformer: alpha's linear head goes at
the full rate.

References
----------
[1] Tran, Hoang, "ComposeTransformers", 2022, section 4.2, Figure 5.
[2] Its code, hoangtv2000/Clothing_MMRetrieval: trainer/engine.py, trainer/trainer.py, config/config.yml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from likeness.models.compose.losses import Objective, total
from likeness.models.compose.retrieval import Retrieval, asked, sent_words, some, vectors
from likeness.models.safely import check_finite, last_good

__all__ = ["COLUMNS", "Retrieval", "Schedule", "Switch", "Triples", "asked", "train", "vectors"]

#: Least rate of the *coded* fall, in [2].
LEAST: Final = 5e-6
#: Columns of what `train` returns: the loss as it is made smaller, and its parts without their weights.
COLUMNS: Final = ("epoch", "step", "batch", "rate", "loss", "base", "image", "text", "symmetry")


@dataclass(frozen=True, eq=False)
class Triples:
    """n queries and what they are to find.

    source, target : (n,) int64, rows of the tokens
    words : (n, L) int64 of `SmallText.encode`, or features (n, h) real
    groups, sources : (n,) integers or None, rows with equal targets, and with equal source images

    Raises ValueError on other shapes and dtypes, and on fewer than two queries.
    """

    source: np.ndarray
    target: np.ndarray
    words: np.ndarray
    groups: np.ndarray | None = None
    sources: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check them."""
        n = len(self.source)
        for name in ("source", "target", "groups", "sources"):
            of = getattr(self, name)
            if of is not None and (of.shape != (n,) or of.dtype.kind not in "iu" or n < 2):
                raise ValueError(f"{name} of shape {of.shape}, {of.dtype}: expected ({n},) integers, two or more")
        if self.words.ndim != 2 or len(self.words) != n or self.words.dtype.kind not in "if":
            raise ValueError(f"words {self.words.shape}, {self.words.dtype}: expected ({n}, L) int64 or ({n}, h) real")

    def __len__(self) -> int:
        """Number of queries."""
        return len(self.source)


@dataclass(frozen=True)
class Switch:
    """Another batch and a constant rate from an epoch on; of Figure 5 by default."""

    epoch: int = 14
    batch: int = 16
    rate: float = 5e-6

    def __post_init__(self) -> None:
        """Refuse what cannot train."""
        if self.epoch < 2 or self.batch < 2 or not 0 < self.rate < np.inf:
            raise ValueError(f"{self}: expected epoch >= 2, batch >= 2 and a rate above 0")


@dataclass(frozen=True)
class Schedule:
    """AdamW on random batches of queries; the defaults are [1]'s.

    epochs : passes over all queries. batch, rate : 32 and 5e-4, until the `switch`
    image_rate : factor of the rate of alpha's transformer, but not of its head
    halve : "literal": epochs after which the rate is halved, again and again; 0: never. "coded" does not read it
    variant : of the rate's fall, "literal" or "coded"
    groups : whether rows with equal targets, or sources, are kept from being negatives; they are not as published
    """

    epochs: int
    batch: int = 32
    rate: float = 5e-4
    image_rate: float = 0.5
    weight_decay: float = 1e-6
    halve: int = 3
    switch: Switch | None = None
    groups: bool = True
    variant: Literal["literal", "coded"] = "literal"

    def __post_init__(self) -> None:
        """Refuse what cannot train."""
        if self.epochs < 1 or self.batch < 2 or self.halve < 0 or not 0 < self.rate < np.inf:
            raise ValueError(f"{self}: expected epochs >= 1, batch >= 2, halve >= 0, rate > 0")
        if not 0 <= self.image_rate < np.inf or not 0 <= self.weight_decay < np.inf:
            raise ValueError(f"{self}: expected image_rate >= 0 and weight_decay >= 0")
        if self.variant not in ("literal", "coded"):
            raise ValueError(f"{self}: expected variant 'literal' or 'coded'")


@dataclass
class _Run:
    """All that an epoch works on."""

    model: Retrieval
    tokens: np.ndarray
    triples: Triples
    schedule: Schedule
    objective: Objective
    optimiser: torch.optim.Optimizer
    rng: torch.Generator  # of order and negatives
    dice: Tensor  # state of torch's generator: dropout
    plateau: torch.optim.lr_scheduler.ReduceLROnPlateau
    views: int
    lines: list[dict[str, float]] = field(default_factory=list)


def train(
    model: Retrieval,
    tokens: np.ndarray,
    triples: Triples,
    schedule: Schedule,
    objective: Objective,
    seed: int,
    after: Callable[[int, Retrieval], None],
    *,
    views: int = 1,
    device: torch.device | str = "cpu",
) -> pd.DataFrame:
    """Train in place, on the device; a line a step, of `COLUMNS`, NaN for parts that there are not.

    Order, negatives and dropout are drawn from `seed`, on the CPU; torch's own generator is left as it was. A batch
    that holds nothing to compare is left out: one row, as batch normalisation refuses it too, or rows all of one group
    or one source. `step` counts those taken, from 1 in every epoch. The model is left in evaluation mode.

    Parameters
    ----------
    tokens : (N, T, w) of `encoders.tokens`; of several views of each photograph, (views N, T, w), all of the first view
        first
    views : whenever a photograph is met, source or target, one of these is drawn
    after : called with the number of each epoch that is done, from 1, and the model in evaluation mode

    Raises
    ------
    ValueError : rows outside the tokens, words of another kind than the model reads, no batch with anything to compare
    FloatingPointError : a loss or weights that are not finite; the epoch and step are named, and the model is as it was
        after the last good epoch
    """
    _check(model, tokens, triples, views)
    model.to(device).eval()
    fast = [w for w in model.image.body.parameters() if w.requires_grad]
    known = {id(w) for w in fast}
    rest = [w for w in model.parameters() if w.requires_grad and id(w) not in known]
    groups: list[dict[str, Any]] = [{"params": rest}, {"params": fast, "lr": schedule.rate * schedule.image_rate}]
    optimiser = torch.optim.AdamW(groups, lr=schedule.rate, weight_decay=schedule.weight_decay, fused=True)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=0, min_lr=LEAST)
    rng = torch.Generator().manual_seed(seed)
    dice = torch.Generator().manual_seed(seed + 1).get_state()  # not of `rng` again: masks would follow the order
    run = _Run(model, tokens, triples, schedule, objective, optimiser, rng, dice, plateau, views)
    for epoch in range(1, schedule.epochs + 1):
        with last_good(model):
            _epoch(run, epoch)
        after(epoch, model)
    lines = pd.DataFrame(run.lines, columns=list(COLUMNS))
    return lines.astype(dict.fromkeys(("epoch", "step", "batch"), np.int64))


def _epoch(run: _Run, epoch: int) -> None:
    """One pass; the rate falls ahead of it (*literal*, and at the switch) or behind it (*coded*)."""
    schedule, groups = run.schedule, run.optimiser.param_groups
    switch = schedule.switch if schedule.switch is not None and epoch >= schedule.switch.epoch else None
    size = schedule.batch if switch is None else switch.batch
    if switch is not None:
        groups[0]["lr"], groups[1]["lr"] = switch.rate, switch.rate * schedule.image_rate
    elif schedule.variant == "literal" and schedule.halve and epoch > 1 and (epoch - 1) % schedule.halve == 0:
        for group in groups:
            group["lr"] /= 2
    rate = groups[0]["lr"]
    run.model.train()
    losses = []
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.set_state(run.dice)
        for step, rows in enumerate(_batches(run, size), 1):
            losses.append(_step(run, rows, epoch, step))
        run.dice = torch.default_generator.get_state()
    if not losses:
        raise ValueError(f"epoch {epoch}: no batch of {size} holds two groups and two sources: take more rows")
    for name, weights in run.model.named_parameters():  # the last step may have spoilt them after a finite loss
        check_finite(weights.detach().sum(), f"sum of {name}", epoch, f"{len(losses)}", rate)
    if schedule.variant == "coded" and switch is None:
        run.plateau.step(float(np.mean(losses)))


def _step(run: _Run, rows: np.ndarray, epoch: int, step: int) -> float:
    """One batch of queries; its loss."""
    model, triples, rate = run.model, run.triples, run.optimiser.param_groups[0]["lr"]
    both = some(run.tokens, _seen(run, np.concatenate([triples.source[rows], triples.target[rows]])), model)
    z, target = model.image.finish(both).chunk(2)
    q = model.said(sent_words(triples.words[rows], model))
    loss, parts = total(
        model.composition, z, q, target, scale=model.scale, rng=run.rng, groups=_of(triples.groups, rows, run),
        sources=_of(triples.sources, rows, run), objective=run.objective,
    )  # fmt: skip
    check_finite(loss, "loss", epoch, f"{step}", rate)
    run.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    run.optimiser.step()
    values = torch.stack([loss.detach(), *parts.values()]).tolist()  # one transfer
    line: dict[str, Any] = dict(zip(("loss", *parts), values, strict=True))
    run.lines.append({"epoch": epoch, "step": step, "batch": len(rows), "rate": rate} | line)
    return values[0]


def _batches(run: _Run, size: int) -> Iterator[np.ndarray]:
    """All queries in random order, less the batches that hold nothing to compare."""
    for rows in torch.randperm(len(run.triples), generator=run.rng).split(size):
        kinds = [_of(of, rows.numpy(), run) for of in (run.triples.groups, run.triples.sources)]
        if len(rows) > 1 and all(kind is None or (kind != kind[0]).any() for kind in kinds):
            yield rows.numpy()


def _seen(run: _Run, rows: np.ndarray) -> np.ndarray:
    """Rows of the tokens: of photographs, each in a view at random."""
    if run.views == 1:
        return rows
    view = torch.randint(run.views, (len(rows),), generator=run.rng).numpy()
    return rows + view * (len(run.tokens) // run.views)


def _of(values: np.ndarray | None, rows: np.ndarray, run: _Run) -> Tensor | None:
    """Groups or sources of a batch, where the schedule looks at them."""
    return None if values is None or not run.schedule.groups else torch.from_numpy(values[rows].astype(np.int64))


def _check(model: Retrieval, tokens: np.ndarray, triples: Triples, views: int) -> None:
    model.check(tokens)
    if views < 1 or len(tokens) % views:
        raise ValueError(f"{views} views in {len(tokens)} rows of tokens: expected 1 or more, each of all photographs")
    rows, photographs = np.concatenate([triples.source, triples.target]), len(tokens) // views
    if rows.min() < 0 or rows.max() >= photographs:
        raise ValueError(f"rows {rows.min()} to {rows.max()} of {photographs} photographs: expected 0 to one less")
