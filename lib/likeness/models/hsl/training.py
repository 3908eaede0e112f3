"""Training of a matcher on pairs of an image and a text.

References
----------
[1] Ma et al., ICASSP 2021, section 3.1.2; gradient clipping and the decay of .9: published code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from likeness.models.hsl.inputs import Images, Texts, equal_texts
from likeness.models.hsl.matcher import Matcher


@dataclass(frozen=True)
class Schedule:
    """Adam on random batches of pairs.

    decay : factor of the learning rate after each epoch; *corrected* .9 (code), *literal* .1 ("decayed by 0.1")
    clip : largest norm of a gradient
    """

    epochs: int = 30
    batch: int = 256
    rate: float = 2e-4
    decay: float = 0.9
    clip: float = 2.0

    def __post_init__(self) -> None:
        """Refuse what cannot train."""
        if self.epochs < 1 or self.batch < 2 or not self.rate > 0 or not 0 < self.decay <= 1 or not self.clip > 0:
            raise ValueError(f"{self}: expected epochs >= 1, batch >= 2, rate and clip > 0, decay in (0, 1]")


def train(
    model: Matcher,
    images: Images,
    texts: Texts,
    schedule: Schedule,
    seed: int,
    after: Callable[[int], None] | None = None,
) -> list[float]:
    """Train in place on pairs (image i, text i); mean loss of each epoch.

    Every epoch goes once through the pairs in an order drawn from `seed`; a rest of fewer than two pairs is left out,
    as it holds no negative. The model is left in evaluation mode.

    Parameters
    ----------
    images, texts : N of each, on the model's device
    after : called with the number of each epoch that is done, from 1, the model in evaluation mode

    Raises
    ------
    ValueError : other numbers of images and texts, fewer than two, or a loss that is no number (the epoch is named)
    """
    if len(images) != len(texts) or len(images) < 2:
        raise ValueError(f"{len(images)} images and {len(texts)} texts: expected as many of both, two or more")
    order = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=schedule.rate, fused=True)
    decay = torch.optim.lr_scheduler.ExponentialLR(optimiser, schedule.decay)
    losses = []
    for epoch in range(1, schedule.epochs + 1):
        model.train()
        parts = torch.randperm(len(images), generator=order).split(schedule.batch)
        steps = [_step(model, images, texts, rows, optimiser, schedule.clip) for rows in parts if len(rows) > 1]
        total = torch.stack(steps)
        decay.step()
        model.eval()
        losses.append(float(total.mean()))
        if not total.isfinite().all():
            raise ValueError(f"epoch {epoch}: loss {losses[-1]}: training diverged; try a rate below {schedule.rate}")
        if after is not None:
            after(epoch)
    return losses


def _step(
    model: Matcher,
    images: Images,
    texts: Texts,
    rows: torch.Tensor,
    optimiser: torch.optim.Optimizer,
    clip: float,
) -> torch.Tensor:
    """One batch; its loss."""
    some, said = images.rows(rows), texts.rows(rows)
    optimiser.zero_grad(set_to_none=True)
    loss = model.loss(some, said, equal_texts(said))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimiser.step()
    return loss.detach()
