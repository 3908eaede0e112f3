"""Training of alpha on what a shop's catalogue says of its photographs, in place of ImageNet; see `encoders`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import torch
from torch import nn

from likeness.models.compose.encoders import ImageEncoder
from likeness.models.dvbpr.dvbpr import check_photographs
from likeness.models.photo_encoder import _classes, _shaken, multi_task_loss

#: Largest rate of the one-cycle schedule. On 2,500 drawn garments, 15 epochs, one seed, 1e-3 and 4e-3 recognised the
#: kind of .04 and .05 fewer of 500 others (standard error of each: .02).
RATE: Final = 2e-3
#: Decay of the weights, of AdamW, as DeiT has it.
DECAY: Final = 0.05
#: Photographs whose labels are predicted at once.
_STREAM: Final = 256


def pretrain(
    encoder: ImageEncoder,
    photos: np.ndarray,
    labels: Mapping[str, np.ndarray],
    *,
    epochs: int,
    seed: int,
    rate: float = RATE,
    batch: int = 32,
    device: torch.device | str,
    progress: Callable[[int, int, float], None] | None = None,
) -> dict[str, nn.Linear]:
    """Train all blocks, patches and positions on labels, by AdamW and the one-cycle schedule; then freeze as before.

    A linear layer a task reads the normalised CLS token; the head of eq. 2.1 is not touched. Photographs are mirrored
    and moved as in `photo_encoder.train_encoder`, order and moves drawn on the CPU.

    Parameters
    ----------
    photos : (N, 3, s, s) uint8, N >= 2
    labels : task -> (N,) integers, classes from 0, -1 unknown; at least two classes a task
    batch : photographs a step, at least 2; a remainder is shared out
    progress : called with (epochs done, epochs in all, mean loss of the epoch)

    Returns
    -------
    The linear layers by task, for `accuracies`; the encoder is on the device, in evaluation mode.

    Raises ValueError on other shapes, dtypes, sides or labels, no epochs, or a rate that is none; FloatingPointError
    where the loss is not finite.
    """
    check_photographs(photos)
    y = _classes(labels, len(photos))
    if epochs < 1 or batch < 2 or len(photos) < 2 or not 0 < rate < np.inf:
        said = f"{epochs} epochs, batches of {batch}, {len(photos)} photographs, rate {rate}"
        raise ValueError(f"{said}: expected 1, 2, 2 or more, and a rate above 0")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        heads = {task: nn.Linear(encoder.width, int(of.max()) + 1).to(device) for task, of in y.items()}
    trained, rng, steps = encoder.trained, torch.Generator().manual_seed(seed), max(1, len(photos) // batch)
    encoder.to(device).freeze(encoder.blocks).train()
    encoder.body.embeddings.requires_grad_(True)
    weights = [*encoder.body.parameters(), *(w for head in heads.values() for w in head.parameters())]
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps)
    try:
        for epoch in range(1, epochs + 1):
            total = torch.zeros((), device=device)
            for rows in torch.randperm(len(photos), generator=rng).tensor_split(steps):
                x = _shaken(torch.from_numpy(np.array(photos[rows.numpy()])).to(device), rng)
                read = encoder.first(encoder.embedded(x), encoder.blocks)
                logits = {task: head(read) for task, head in heads.items()}
                loss = multi_task_loss(logits, {task: of[rows].to(device) for task, of in y.items()})
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                schedule.step()
                total += loss.detach()
            if not np.isfinite(mean := float(total) / steps):
                raise FloatingPointError(f"the loss became {mean} in epoch {epoch}: try a rate below {rate}")
            if progress:
                progress(epoch, epochs, mean)
    finally:
        encoder.freeze(trained).eval()
    return heads


@torch.no_grad()
def accuracies(
    encoder: ImageEncoder, heads: Mapping[str, nn.Linear], photos: np.ndarray, labels: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Share of the photographs of known class for which it is the likeliest, by task; NaN where none is known.

    photos (N, 3, s, s) uint8; labels (N,) integers, -1 unknown. Raises ValueError on other photographs.
    """
    check_photographs(photos)
    device = encoder.mean.device
    parts = [
        encoder.first(encoder.start(torch.from_numpy(np.array(photos[k : k + _STREAM])).to(device)), encoder.trained)
        for k in range(0, len(photos), _STREAM)
    ]
    read = torch.cat(parts)
    found = {task: head(read).argmax(dim=1).cpu().numpy() for task, head in heads.items()}
    known = {task: np.asarray(labels[task]) >= 0 for task in found}
    return {
        task: float((of == labels[task])[known[task]].mean()) if known[task].any() else float("nan")
        for task, of in found.items()
    }
