"""Training of the conditional GAN, which stops and goes on where it stopped.

References
----------
[1] Kang, Fang, Wang, McAuley, ICDM 2017, eq. 7 and section IV: batches of 64, about 25 epochs.
[2] kang205/DVBPR, GAN/main.py and GAN/model.py: Adam, its constants, batches of 16, what a step is.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor

from likeness.data.whole_files import whole
from likeness.models.dvbpr.gan import (
    Discriminator,
    Generator,
    Latent,
    discriminator_loss,
    draw_latent,
    generator_loss,
)
from likeness.models.weights import saved

#: What `train_gan` calls after each epoch; True ends the training.
After = Callable[[int, Generator, Discriminator], bool | None]


@dataclass(frozen=True)
class GanSchedule:
    """Adam on both networks, one step each a batch. The defaults are as printed, or as coded where [1] is silent.

    batch : photographs a step; 64 as printed, 16 as coded
    rate, betas : Adam's, as coded
    latent : how codes are drawn: "uniform" as printed, "normal" as coded
    halved : half of the discriminator's loss, as coded
    half : convolve in bfloat16 where torch's autocast does; weights, sums of gradients and losses stay float32
    """

    epochs: int = 25
    batch: int = 64
    rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.99)
    latent: Latent = "uniform"
    halved: bool = False
    half: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot train."""
        if self.epochs < 1 or self.batch < 2 or not 0.0 < self.rate < math.inf:
            raise ValueError(f"{self}: expected epochs >= 1, batch >= 2 (it is normalised), a finite rate > 0")
        if len(self.betas) != 2 or not all(0.0 <= beta < 1.0 for beta in self.betas):
            raise ValueError(f"betas {self.betas}: expected two numbers in [0, 1)")
        if self.latent not in get_args(Latent):
            raise ValueError(f"latent {self.latent!r}: expected one of {get_args(Latent)}")


def train_gan(
    generator: Generator,
    discriminator: Discriminator,
    photos: np.ndarray,
    categories: np.ndarray,
    schedule: GanSchedule,
    seed: int,
    after: After | None = None,
    *,
    device: torch.device | str,
    checkpoint: Path | None = None,
) -> np.ndarray:
    """Train both networks in place; mean losses of D and of G by epoch (epochs, 2) float64.

    An epoch goes once through the photographs in a fresh order; a rest smaller than a batch is left out ([2] draws as
    many with replacement). A step, as in [2]: codes are drawn, the generated images take the categories of the batch's
    photographs, which are drawn as p(c) is; D takes a step on eq. 7, then G takes one **on the same codes** against
    the new D. Photographs and generated images go through D apart, each normalised by its own means.

    Parameters
    ----------
    photos : (N, 3, s, s) uint8, s the networks' side, N at least a batch; they go to the device a batch at a time
    categories : (N,) integers from 0
    seed : order and codes, drawn on the CPU; first weights are the caller's
    after : called with (epochs done, generator, discriminator), both in evaluation mode; where it returns True, the
        training ends there
    checkpoint : file that holds everything after each epoch for which `after` has returned. Where it is there,
        training goes on from it, on a CPU to the last bit; `after` is not called again for epochs that it holds

    Raises
    ------
    ValueError : other shapes, types or categories; a checkpoint that is damaged or of another training
    FileNotFoundError : no folder for the checkpoint
    FloatingPointError : a loss or a weight is not finite; epoch and step are named, and both networks are as they were
        after the last good epoch
    """
    x, of = _checked(generator, discriminator, photos, categories, schedule)
    if checkpoint is not None and not Path(checkpoint).parent.is_dir():
        raise FileNotFoundError(f"{checkpoint}: there is no folder {Path(checkpoint).parent} for it; make it first")
    run = _Run(generator.to(device), discriminator.to(device), schedule, torch.Generator().manual_seed(seed))
    about = _about(run, x, of, seed) if checkpoint is not None else {}
    if checkpoint is not None and Path(checkpoint).is_file():
        run.load(Path(checkpoint), about)
    while len(run.losses) < schedule.epochs and not run.ended:
        run.losses.append(_epoch(run, x, of, torch.device(device)))
        generator.eval(), discriminator.eval()
        if after is not None:
            run.ended = bool(after(len(run.losses), generator, discriminator))
        if checkpoint is not None:
            run.save(Path(checkpoint), about)
    generator.eval(), discriminator.eval()
    return np.array(run.losses, dtype=np.float64).reshape(-1, 2)


def discriminator_step(
    discriminator: Discriminator,
    optimiser: torch.optim.Optimizer,
    real: Tensor,
    fake: Tensor,
    category: Tensor,
    schedule: GanSchedule,
) -> Tensor:
    """One step of D on photographs and generated images, (B, 3, s, s), of the same categories (B,); its loss."""
    with torch.autocast(real.device.type, torch.bfloat16, enabled=schedule.half):
        scores = discriminator(real, category), discriminator(fake.detach(), category)
    loss = discriminator_loss(scores[0].float(), scores[1].float(), halved=schedule.halved)
    return _step(optimiser, loss)


def generator_step(
    discriminator: Discriminator,
    optimiser: torch.optim.Optimizer,
    fake: Tensor,
    category: Tensor,
    schedule: GanSchedule,
) -> Tensor:
    """One step of G, whose images (B, 3, s, s) still know how they came about; its loss. D's weights stay."""
    discriminator.requires_grad_(False)  # nobody wants its gradients here
    try:
        with torch.autocast(fake.device.type, torch.bfloat16, enabled=schedule.half):
            score = discriminator(fake, category)
        return _step(optimiser, generator_loss(score.float()))
    finally:
        discriminator.requires_grad_(True)


class _Run:
    """What changes while a GAN trains: networks, optimisers, random numbers, losses, and whether it was ended."""

    def __init__(self, g: Generator, d: Discriminator, schedule: GanSchedule, rng: torch.Generator) -> None:
        self.g, self.d, self.schedule, self.rng = g, d, schedule, rng
        self.losses: list[tuple[float, float]] = []
        self.ended = False
        self.of_g = torch.optim.Adam(g.parameters(), schedule.rate, schedule.betas, fused=True)
        self.of_d = torch.optim.Adam(d.parameters(), schedule.rate, schedule.betas, fused=True)
        self.keepers: list[Any] = [g, d, self.of_g, self.of_d]  # what has a state

    def save(self, path: Path, about: dict[str, Any]) -> None:
        """Write everything, whole or not at all."""
        with whole(path) as half:
            done = {"losses": self.losses, "ended": self.ended, "rng": self.rng.get_state()}
            torch.save({"about": about, "states": [each.state_dict() for each in self.keepers], **done}, half)

    def load(self, path: Path, about: dict[str, Any]) -> None:
        """Go on from a file. Raises ValueError where it is damaged or of another training, nothing of it taken."""
        advice = "delete it to train from the start, or name another file"
        try:
            held = saved(path)
            theirs, states, losses = held["about"], held["states"], [tuple(row) for row in held["losses"]]
            differs = sorted(key for key in about.keys() | theirs.keys() if about.get(key) != theirs.get(key))
        except OSError:
            raise
        except Exception as error:  # torch lets out whatever its unpickler stumbles over
            said = f"damaged, or no checkpoint of a GAN ({type(error).__name__})"
            raise ValueError(f"{path}: {said}: {advice}") from error
        if differs:
            said = ", ".join(f"{key} {theirs.get(key)!r}, here {about.get(key)!r}" for key in differs)
            raise ValueError(f"{path} is of another training: {said}; {advice}")
        if len(losses) > self.schedule.epochs:
            raise ValueError(f"{path} holds {len(losses)} epochs, {self.schedule.epochs} were asked for: {advice}")
        for each, state in zip(self.keepers, states, strict=True):
            each.load_state_dict(state)
        self.rng.set_state(held["rng"])
        self.losses, self.ended = losses, held["ended"]


def _epoch(run: _Run, photos: np.ndarray, categories: Tensor, device: torch.device) -> tuple[float, float]:
    """One epoch; its mean losses."""
    before = copy.deepcopy((run.g.state_dict(), run.d.state_dict()))
    run.g.train(), run.d.train()
    schedule, steps = run.schedule, len(photos) // run.schedule.batch
    order = torch.randperm(len(photos), generator=run.rng)[: steps * schedule.batch]
    found = []
    for rows in order.split(schedule.batch):
        z = draw_latent(run.rng, schedule.batch, run.g.latent, schedule.latent).to(device)
        real = torch.from_numpy(photos[rows.numpy()]).to(device).float() / 127.5 - 1.0
        category = categories[rows].to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=schedule.half):
            fake = run.g(z, category)  # G does not change before its own step: the same images serve both
        of_d = discriminator_step(run.d, run.of_d, real, fake, category, schedule)
        of_g = generator_step(run.d, run.of_g, fake, category, schedule)
        found.append(torch.stack([of_d, of_g]))
    losses = torch.stack(found).double().cpu()  # (steps, 2); looked at once an epoch, as a look at a GPU waits for it
    good = losses.isfinite().all(dim=1)
    whole_weights = all(w.isfinite().all() for net in (run.g, run.d) for w in net.state_dict().values())
    if not (good.all() and whole_weights):
        run.g.load_state_dict(before[0]), run.d.load_state_dict(before[1])
        run.g.eval(), run.d.eval()
        step = int(good.long().argmin()) if not good.all() else steps - 1
        said = f"epoch {len(run.losses) + 1}, step {step + 1}: losses {losses[step].tolist()}"
        raise FloatingPointError(f"{said}, or weights after it that are not finite: try a rate below {schedule.rate}")
    return float(losses[:, 0].mean()), float(losses[:, 1].mean())


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> Tensor:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    return loss.detach()


def _about(run: _Run, photos: np.ndarray, categories: Tensor, seed: int) -> dict[str, Any]:
    """What a checkpoint must share with the training that goes on from it: all but the number of epochs."""
    g, d = run.g, run.d
    shape = {"categories": g.categories, "side": g.side, "latent numbers": g.latent, "up": g.up}
    data = hashlib.sha256(photos.tobytes() + categories.numpy().tobytes()).hexdigest()
    settings = {key: value for key, value in asdict(run.schedule).items() if key != "epochs"}
    return {**shape, "widths": (g.width, d.width), **settings, "seed": seed, "data": data}


def _checked(
    g: Generator, d: Discriminator, photos: np.ndarray, categories: np.ndarray, schedule: GanSchedule
) -> tuple[np.ndarray, Tensor]:
    """Photographs as they are, and categories (N,) int64."""
    if (g.side, g.categories) != (d.side, d.categories):
        said = f"side {g.side}, {g.categories} categories, and side {d.side}, {d.categories} categories"
        raise ValueError(f"a generator of {said} for the discriminator: expected the same")
    photos, of = np.asarray(photos), np.asarray(categories)
    if photos.ndim != 4 or photos.shape[1:] != (3, g.side, g.side) or photos.dtype != np.uint8:
        raise ValueError(f"photographs of {photos.shape}, {photos.dtype}: expected (N, 3, {g.side}, {g.side}) uint8")
    if len(photos) < schedule.batch:
        raise ValueError(f"{len(photos)} photographs for batches of {schedule.batch}: expected at least one batch")
    if of.shape != (len(photos),) or of.dtype.kind not in "iu" or of.min() < 0 or of.max() >= g.categories:
        said = f"{of.dtype} of shape {of.shape}" + (f", {of.min()}..{of.max()}" if of.size else "")
        raise ValueError(f"categories {said}: expected ({len(photos)},) integers from 0 to {g.categories - 1}")
    return photos, torch.from_numpy(of.astype(np.int64))
