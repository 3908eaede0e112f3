"""The generative models: conditional LSGANs of the wardrobe's photographs, as coded and as printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch

from likeness.metrics.images import inception_score
from likeness.models.dvbpr.gan import Discriminator, Generator, Latent, samples
from likeness.models.dvbpr.gan_training import GanSchedule, train_gan
from likeness.models.weights import arrays, filled
from likeness.report.progress import tick
from likeness.studies.devices import device_of
from likeness.studies.dvbpr.parameters import Parameters
from likeness.studies.dvbpr.people import People
from likeness.studies.dvbpr.reader import Reader
from likeness.studies.parallel import run_all

Kind = Literal["coded", "printed", "printed-large"]
#: Samples of a category that are scored after each epoch: the rule that chooses the epoch.
SCORED: Final = 100
#: Rows of the grid of samples: one a category, of so many samples, always of the same codes.
SHOWN: Final = 6
#: Numbers of a code and how they are drawn: of the published code, and as printed. The third is the second for larger
#: photographs than the recommender sees: as large as printed, where time allows.
CODES: Final[dict[Kind, tuple[int, Latent]]] = {
    "coded": (256, "normal"), "printed": (100, "uniform"), "printed-large": (100, "uniform"),
}  # fmt: skip


@dataclass(frozen=True)
class GanPlan:
    """All that a model depends on but the photographs and the reader, which `about` names."""

    about: str
    kind: Kind
    width: float
    epochs: int
    batch: int
    rate: float
    seed: int
    device: str


@dataclass(frozen=True, eq=False)
class Gan:
    """A trained pair, of the epoch (from 1) whose samples had the best quality.

    quality (E, 2) : inception score and its standard deviation over ten parts, after each epoch; losses (E, 2) of D and
    G. grids (E, C * SHOWN, s, s, 3) uint8 : samples of the same codes after each epoch. generator, discriminator :
    weights by name.
    """

    plan: GanPlan
    side: int
    categories: int
    epoch: int
    quality: np.ndarray
    losses: np.ndarray
    grids: np.ndarray
    generator: Mapping[str, np.ndarray]
    discriminator: Mapping[str, np.ndarray]

    def networks(self) -> tuple[Generator, Discriminator]:
        """Both networks, ready for use, on the CPU."""
        generator, discriminator = _networks(self.plan, self.side, self.categories)
        return filled(generator, self.generator), filled(discriminator, self.discriminator)


def run_gans(p: Parameters, shown: Mapping[Kind, People], reader: Reader) -> dict[Kind, Gan]:
    """Train each kind on its photographs.

    The rule that ends a training was fixed beforehand: `p.gan_epochs` epochs (`p.large_epochs` of the large one), of
    which the one is kept whose samples the classifier scores best. reader : `sets.reader_of(p)`, which `p.seed` and
    `p.catalogue` determine
    """
    device, how = str(device_of(p.device)), (p.gan_batch, p.gan_rate)
    epochs = {kind: p.large_epochs if kind == "printed-large" else p.gan_epochs for kind in shown}
    plans = [
        GanPlan(f"{people.about}, reader {p.catalogue}", kind, p.gan_width, epochs[kind], *how, p.seed, device)
        for kind, people in shown.items()
    ]
    plans.sort(key=lambda plan: -shown[plan.kind].photos.size)  # the longest first, so that no worker is left with it
    made = run_all(one_gan, [(plan,) for plan in plans], p.jobs, given=(dict(shown), reader))
    by_kind = {plan.kind: gan for plan, gan in zip(plans, made, strict=True)}
    return {kind: by_kind[kind] for kind in shown}


def one_gan(shown: Mapping[Kind, People], reader: Reader, plan: GanPlan) -> Gan:
    """Train on the photographs of a kind, and look at samples after every epoch."""
    people = shown[plan.kind]
    side, categories = people.photos.shape[2], len(people.categories)
    latent = CODES[plan.kind][1]
    generator, discriminator = _networks(plan, side, categories)
    quality: list[tuple[float, float]] = []
    grids: list[np.ndarray] = []
    best: tuple[float, int, dict[str, np.ndarray], dict[str, np.ndarray]] = (-1.0, 0, {}, {})
    wanted = np.arange(categories).repeat(SCORED)

    def after(epoch: int, g: Generator, d: Discriminator) -> None:
        nonlocal best
        tick(f"generator, {plan.kind}", epoch, plan.epochs)
        rng = torch.Generator().manual_seed(plan.seed)  # the same codes after every epoch
        made = samples(g, wanted, latent, rng)  # (C * SCORED, s, s, 3)
        shuffled = np.random.default_rng(plan.seed).permutation(len(made))
        quality.append(inception_score(reader.kinds(made)[shuffled]))
        grids.append(made.reshape(categories, SCORED, *made.shape[1:])[:, :SHOWN].reshape(-1, *made.shape[1:]))
        if quality[-1][0] > best[0]:
            best = (quality[-1][0], epoch, arrays(g), arrays(d))

    schedule = GanSchedule(plan.epochs, plan.batch, plan.rate, latent=latent, halved=plan.kind == "coded", half=True)
    losses = train_gan(generator, discriminator, people.photos, people.category, schedule, plan.seed, after,
                       device=plan.device)  # fmt: skip
    _, epoch, of_g, of_d = best
    return Gan(plan, side, categories, epoch, np.array(quality), losses, np.array(grids), of_g, of_d)


def _networks(plan: GanPlan, side: int, categories: int) -> tuple[Generator, Discriminator]:
    rng = torch.Generator().manual_seed(plan.seed)
    generator = Generator(categories, side, plan.width, CODES[plan.kind][0], rng=rng)
    return generator, Discriminator(categories, side, plan.width, rng=rng)
