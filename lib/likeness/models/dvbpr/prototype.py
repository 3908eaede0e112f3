r"""Tailoring: find a photograph among what the generator can draw (eq. 12), then climb from there (eq. 10).

The published code has neither. Figure 6 shows the images after 0 to 50 steps.

References
----------
[1] Kang, Fang, Wang, McAuley, ICDM 2017, section III-D, "Adjusting Existing Items".
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from likeness.models.dvbpr.ascent import BLOCK, Climb, Designs, Objective, ascend, at_rest, climbed, downscale
from likeness.models.dvbpr.design import draw_free, queries
from likeness.models.dvbpr.gan import Discriminator, Generator


class Prototype(NamedTuple):
    """What the generator draws that is nearest to a photograph.

    free : (d,) z' of it, on the CPU
    image : (3, s, s) in [-1, 1], G(tanh z')
    l1 : (steps + 1,) sum of absolute differences at the start and after each step, in units of [-1, 1]; over 3 s^2 it
        is the mean, in [0, 2]
    """

    free: Tensor
    image: np.ndarray
    l1: np.ndarray


def fit_prototype(
    image: np.ndarray | Tensor,
    generator: Generator,
    category: int,
    *,
    starts: int,
    steps: int,
    rate: float,
    rng: torch.Generator,
) -> Prototype:
    r"""Find a code whose image is nearest to a photograph (eq. 12).

    .. math:: \min_{z'} \lVert G_c(\tanh z') - \nabla X_{query} \rVert_1

    The paper says neither from where nor how it descends. **Our reading** is that of eq. 10: Adam, several starts from
    z ~ U(-1, 1) side by side, and of their last steps the one with the smallest error. The generator is in evaluation
    mode meanwhile and afterwards as it came.

    image (3, S, S) real in [-1, 1], S at least the generator's side s; `downscale` brings it there. `rng` of the CPU.
    Raises ValueError on another image or numbers, FloatingPointError where the error is not finite.
    """
    query = torch.as_tensor(image)
    if query.ndim != 3 or query.shape[0] != 3 or query.shape[1] != query.shape[2] or not query.is_floating_point():
        raise ValueError(f"image of shape {tuple(query.shape)}, {query.dtype}: expected (3, S, S) real in [-1, 1]")
    if not query.abs().max() <= 1:  # a NaN too
        raise ValueError(f"image from {query.min():g} to {query.max():g}: expected [-1, 1], (x - 127.5) / 127.5")
    if starts < 1 or category < 0:
        raise ValueError(f"{starts} starts, category {category}: expected 1 or more, 0 or more")
    climb = Climb(steps, rate)
    like = next(generator.parameters())
    wanted = query[None].to(like)
    categories = torch.full((starts,), category, dtype=torch.int64, device=like.device)
    errors: list[Tensor] = []
    shown: list[Tensor] = []

    def nearness(free: Tensor, step: int) -> Tensor:
        images = generator(torch.tanh(free), categories)
        error = (images - downscale(wanted, images.shape[-1])).abs().sum(dim=(1, 2, 3))
        errors.append(error.detach())
        if step == climb.steps:
            shown.append(images)
        return -error

    with at_rest(generator):
        free = climbed(draw_free(rng, starts, generator.latent, "paper").to(like), nearness, climb.steps, climb.rate)
    l1 = torch.stack(errors).cpu()
    if not l1.isfinite().all():
        raise FloatingPointError(f"the error is not finite: take a rate below {rate}, or look at the weights")
    best = int(l1[-1].argmin())
    return Prototype(free[best].cpu(), shown[0][best].cpu().numpy(), l1[:, best].numpy())


def tailor(
    free: Tensor,
    theta: Tensor | np.ndarray,
    phi: nn.Module,
    generator: Generator,
    discriminator: Discriminator,
    category: int,
    *,
    eta: float = 1.0,
    steps: int,
    rate: float,
    side_phi: int,
    keep_steps: Collection[int] = (),
    block: int = BLOCK,
) -> Designs:
    """Alter one picture for a user, or for several: the climb of `design.maximise` from z' of a prototype (Figure 6).

    free (d,), as `fit_prototype` gives it; theta (K,), or (B, K) with a leading axis B in all that is returned; all
    else as in `maximise`. Returns Designs with m = 1. Nothing but the number of steps keeps the result near the
    prototype: eq. 10 has no term for it. Raises as `maximise`.
    """
    if free.ndim != 1:
        raise ValueError(f"z' of shape {tuple(free.shape)}: expected (d,), of one prototype")
    users, categories = queries(theta, category if theta.ndim == 1 else [category] * len(theta))
    begun = free.expand(len(users), 1, -1)
    climb = Climb(steps, rate, keep_steps=keep_steps, block=block)
    made = ascend(begun, users, categories, Objective(phi, generator, discriminator, side_phi, eta), climb)
    return made if theta.ndim == 2 else made.query(0)
