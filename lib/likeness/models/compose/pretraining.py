"""Training of alpha on what a shop's catalogue says of its photographs, in place of ImageNet; see `encoders`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from likeness.models.compose.encoders import ImageEncoder
from likeness.models.labels import Progress, learn, lessons
from likeness.models.photographs import check_photographs, sent

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
    progress: Progress | None = None,
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
    y = lessons(photos, labels, epochs=epochs, batch=batch, rate=rate)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        heads = {task: nn.Linear(encoder.width, int(of.max()) + 1).to(device) for task, of in y.items()}
    trained = encoder.trained
    encoder.to(device).freeze(encoder.blocks).train()
    encoder.body.embeddings.requires_grad_(True)
    weights = [*encoder.body.parameters(), *(w for head in heads.values() for w in head.parameters())]
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=DECAY, fused=True)

    def read(x: Tensor) -> dict[str, Tensor]:
        token = encoder.first(encoder.embedded(x), encoder.blocks)
        return {task: head(token) for task, head in heads.items()}

    try:
        learn(read, optimiser, photos, y, epochs=epochs, batch=batch, rate=rate, seed=seed, device=device,
              progress=progress)  # fmt: skip
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
        encoder.first(encoder.start(sent(photos, slice(k, k + _STREAM), device)), encoder.trained)
        for k in range(0, len(photos), _STREAM)
    ]
    read = torch.cat(parts)
    found = {task: head(read).argmax(dim=1).cpu().numpy() for task, head in heads.items()}
    known = {task: np.asarray(labels[task]) >= 0 for task in found}
    return {
        task: float((of == labels[task])[known[task]].mean()) if known[task].any() else float("nan")
        for task, of in found.items()
    }
