"""The climb of eq. 10: codes of a generator that go up in preference, as many at once as memory allows.

References
----------
[1] Kang, Fang, Wang, McAuley, ICDM 2017, section III-D, and its published code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.models.dvbpr.gan import Discriminator, Generator, real_loss

#: Codes z at once: with a network at 224 pixels some gigabytes of activations.
BLOCK: Final = 256
#: Largest |z| of which atanh is taken, the float32 next to 1. U(-1, 1) in float32 is -1 once in 2^24 draws, which is
#: once in 2,600 queries of 64 starts of 100 numbers, and atanh(-1) is infinite; at the edge |z'| is 8.7.
EDGE: Final = 1 - 2**-24


@dataclass(frozen=True, eq=False)
class Designs:
    """Pictures made for a query, highest objective first: m of them; with a leading axis B where queries came as one.

    images : (m, 3, s, s) in [-1, 1], in the generator's precision as all that follows
    z : (m, d) what the generator was given; in [-1, 1] but under `start="code"`
    preference : (m,) theta . phi(image), any real number
    realness : (m,) L_real = [D - 1]^2 >= 0, **a loss**: 0 is what D takes for real
    objective : (m,) preference - eta * realness
    path : (steps + 1, m) preference at the start and after each step; its last row is `preference`
    objective_path : (steps + 1, m) objective likewise
    kept : step -> (m, 3, s, s) images after that many steps, of the steps asked for; row j is image j throughout
    """

    images: np.ndarray
    z: np.ndarray
    preference: np.ndarray
    realness: np.ndarray
    objective: np.ndarray
    path: np.ndarray
    objective_path: np.ndarray
    kept: Mapping[int, np.ndarray]

    def query(self, number: int) -> Designs:
        """Those of one query, of several that came as one."""
        one: dict[str, Any] = {of.name: getattr(self, of.name)[number] for of in fields(self) if of.name != "kept"}
        return Designs(**one, kept={step: images[number] for step, images in self.kept.items()})


@dataclass(frozen=True, eq=False)
class Objective:
    """What eq. 9 maximises: the networks, on one device and in one precision, phi's side and eta, finite and >= 0."""

    phi: nn.Module
    generator: Generator
    discriminator: Discriminator
    side: int
    eta: float

    def __post_init__(self) -> None:
        """Refuse another eta or side."""
        if not 0 <= self.eta < math.inf or self.side < 1:
            raise ValueError(f"eta {self.eta}, side {self.side}: expected eta finite and >= 0, side >= 1")

    def __call__(self, z: Tensor, theta: Tensor, category: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Preference (R,), L_real (R,) and images (R, 3, s, s) of z (R, d), theta (R, K), category (R,) int64."""
        images = self.generator(z, category)
        vectors, said = self.phi(upscale(images, self.side)), self.discriminator(images, category)
        if vectors.shape != theta.shape or said.shape != theta.shape[:1]:  # would broadcast, to R x R even
            shapes = f"phi gives {tuple(vectors.shape)}, the discriminator {tuple(said.shape)}"
            raise ValueError(f"{shapes}: expected {tuple(theta.shape)} as theta has, and {tuple(theta.shape[:1])}")
        return (theta * vectors).sum(dim=1), real_loss(said), images


@dataclass(frozen=True)
class Climb:
    """How eq. 10 is climbed.

    steps, rate : of Adam
    squashed : z = tanh(z') (paper), or z = z' (code)
    keep_steps : after how many steps images are kept, 0 to `steps`
    block : codes at once
    """

    steps: int
    rate: float
    squashed: bool = True
    keep_steps: Collection[int] = ()
    block: int = BLOCK

    def __post_init__(self) -> None:
        """Refuse what cannot climb."""
        if self.steps < 0 or not 0 < self.rate < math.inf or self.block < 1:
            raise ValueError(f"{self}: expected steps >= 0, a finite rate > 0 and blocks of 1 or more")
        if not all(0 <= step <= self.steps for step in self.keep_steps):
            raise ValueError(f"images of steps {sorted(self.keep_steps)}: expected steps from 0 to {self.steps}")


def ascend(free: Tensor, theta: Tensor, category: Tensor, objective: Objective, climb: Climb) -> Designs:
    """Climb from given z', each code its own way: Designs with the axis B, those of the last step, ranked.

    free (B, m, d), theta (B, K), category (B,) int64; they are brought to the device and precision of the generator.
    Raises ValueError where a network gives another shape, FloatingPointError where the objective is not finite.
    """
    queries, many, _ = free.shape
    like = next(objective.generator.parameters())
    rows = (
        free.flatten(0, 1).to(like),
        theta.repeat_interleave(many, 0).to(like),
        category.repeat_interleave(many, 0).to(like.device),
    )
    with at_rest(objective.phi, objective.generator, objective.discriminator):
        blocks = zip(*(of.split(climb.block) for of in rows), strict=True)
        parts = [_climbed(begun, users, classes, objective, climb) for begun, users, classes in blocks]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    # stable: of equal ones the earlier start comes first
    order = np.argsort(-found["objective"].reshape(queries, many), axis=1, kind="stable")
    rank = np.arange(queries)[:, None], order
    ranked = {name: of.reshape(queries, many, *of.shape[1:])[rank] for name, of in found.items()}
    for name in ("path", "objective_path"):
        ranked[name] = ranked[name].swapaxes(1, 2)  # (B, steps + 1, m)
    kept = {step: ranked.pop(_images_of(step)) for step in sorted(set(climb.keep_steps))}
    return Designs(**ranked, kept=kept)


def _climbed(
    free: Tensor, theta: Tensor, category: Tensor, objective: Objective, climb: Climb
) -> dict[str, np.ndarray]:
    """The fields of Designs of some codes, one a row: paths are (R, steps + 1)."""
    preferences, losses, found = [], [], {}

    def value(free: Tensor, step: int) -> Tensor:
        z = torch.tanh(free) if climb.squashed else free
        preference, loss, images = objective(z, theta, category)
        preferences.append(preference.detach())
        losses.append(loss.detach())
        if step in climb.keep_steps:
            found[_images_of(step)] = _numpy(images)
        if step == climb.steps:
            found.update(images=_numpy(images), z=_numpy(z))
        return preference - objective.eta * loss

    climbed(free, value, climb.steps, climb.rate)
    path, realness = torch.stack(preferences, dim=1), torch.stack(losses, dim=1)
    objective_path = path - objective.eta * realness
    finite = objective_path.isfinite().all(dim=0)
    if not finite.all():
        step = int((~finite).nonzero()[0])
        raise FloatingPointError(
            f"the objective is not finite at step {step} of {climb.steps}: take a rate below {climb.rate}; "
            "at step 0, look at the networks' weights and theta"
        )
    found.update(path=_numpy(path), objective_path=_numpy(objective_path), preference=_numpy(path[:, -1]))
    return found | {"realness": _numpy(realness[:, -1]), "objective": _numpy(objective_path[:, -1])}


def climbed(free: Tensor, value: Callable[[Tensor, int], Tensor], steps: int, rate: float) -> Tensor:
    """Adam upwards with torch's betas: free (R, d) after some steps, without a gradient; what is given stays as it is.

    `value(free, step)` gives (R,), of which element r depends on row r alone, and is called steps + 1 times, the last
    time for its own sake. As Adam works on each number by itself, rows climb as they would alone.
    """
    free = free.clone().requires_grad_()
    optimiser = torch.optim.Adam([free], lr=rate, maximize=True)
    for step in range(steps):
        with torch.enable_grad():
            (free.grad,) = torch.autograd.grad(value(free, step).sum(), free)
        optimiser.step()
    free = free.detach()
    with torch.no_grad():
        value(free, steps)
    return free


@contextmanager
def at_rest(*networks: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients for weights; afterwards each part and each weight is as it was before."""
    modes = [(part, part.training) for network in networks for part in network.modules()]
    wanted = [(weight, weight.requires_grad) for network in networks for weight in network.parameters()]
    try:
        for network in networks:
            network.eval().requires_grad_(False)
        yield
    finally:
        for part, training in modes:
            part.training = training
        for weight, wants in wanted:
            weight.requires_grad_(wants)


def to_free(z: Tensor) -> Tensor:
    r"""z' of a z in [-1, 1], of any shape: :math:`\tanh^{-1} z = \frac12 [\ln(1 + z) - \ln(1 - z)]`, always finite.

    What is nearer to -1 or 1 than `EDGE` is taken to be there.

    >>> to_free(torch.tensor([-1.0, 0.0, 0.5], dtype=torch.float64)).numpy().round(4).tolist()
    [-8.6643, 0.0, 0.5493]
    """
    return torch.atanh(z.clamp(-EDGE, EDGE))


def upscale(x: Tensor, side: int) -> Tensor:
    """Delta of eq. 9: x (R, 3, s, s) -> (R, 3, side, side), side >= s, by the nearest neighbour; as it is where s fits.

    Pixel i of the result is pixel floor(i s / side), as in TensorFlow, in which the published code is written.
    Raises ValueError on a smaller side.
    """
    if x.shape[-1] > side:
        raise ValueError(f"images of side {x.shape[-1]} to {side}: expected as much or more; train phi on larger ones")
    return x if x.shape[-1] == side else F.interpolate(x, size=(side, side), mode="nearest")


def downscale(x: Tensor, side: int) -> Tensor:
    """Nabla of eq. 12: x (R, 3, s, s) -> (R, 3, side, side), side <= s; as it is where s fits.

    The paper does not say how. **A mean over the area of each pixel is our reading**: the nearest neighbour would drop
    rows and columns. Raises ValueError on a larger side.
    """
    if x.shape[-1] < side:
        raise ValueError(f"images of side {x.shape[-1]} to {side}: expected as much or less; give a larger photograph")
    return x if x.shape[-1] == side else F.interpolate(x, size=(side, side), mode="area")


def _images_of(step: int) -> str:
    return f"images of step {step}"


def _numpy(x: Tensor) -> np.ndarray:
    return x.detach().cpu().numpy()
