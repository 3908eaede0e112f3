"""Figure 6: garments that the generator comes near to, and what they become for a shopper; Figure 4: what is new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import torch
from scipy.stats import binomtest

from likeness.data.wardrobe.garments import stream
from likeness.metrics.images import as_photographs, memorisation, nearest_l1, shares_nearest
from likeness.models.dvbpr.gan import samples
from likeness.models.dvbpr.prototype import fit_prototype, tailor
from likeness.report.progress import tick
from likeness.studies.dvbpr.designs import RATE, Atelier
from likeness.studies.dvbpr.gans import CODES, Gan
from likeness.studies.dvbpr.parameters import Parameters
from likeness.studies.dvbpr.people import People
from likeness.studies.parallel import run_all

#: Categories of the prototypes: the paper's figure has t-shirts and trousers.
CATEGORIES: Final = ("women's tops", "men's bottoms")
#: Shoppers a prototype, as in the figure.
SHOPPERS: Final = 6
#: Steps of the climb whose images are kept, and its length: columns (b0) to (b50).
KEPT: Final = (0, 10, 20, 30, 40, 50)
STEPS: Final = 50
#: Eq. 12, of which the paper says nothing: starts, steps and rate of Adam.
FIT_STARTS, FIT_STEPS, FIT_RATE = 16, 200, 0.05
#: Samples of a category in Figure 4's numbers.
SAMPLES: Final = 50
#: Pairs of photographs of a category, for the distance between two of its garments.
_PAIRS: Final = 500


@dataclass(frozen=True)
class WalkPlan:
    """One prototype; `about` names the atelier."""

    about: str
    category: str
    number: int
    seed: int


@dataclass(frozen=True, eq=False)
class Walk:
    """A prototype and its ways for six shoppers.

    prototype (s, s, 3) uint8, the photograph; kept (6, len(KEPT), s, s, 3) uint8; users (6,); path (6, STEPS + 1) :
    preference after each step; spread (6,) : standard deviation of the user's preference over the photographs of the
    category; own (6,) : preference for the photograph itself. l1 (6, len(KEPT)) : mean absolute difference to the
    photograph, over the median of that between two photographs of the category.
    """

    category: str
    users: np.ndarray
    prototype: np.ndarray
    kept: np.ndarray
    path: np.ndarray
    spread: np.ndarray
    own: np.ndarray
    l1: np.ndarray


def run_walks(p: Parameters, atelier: Atelier, prototypes: int) -> list[Walk]:
    """So many prototypes of each category, garments at random."""
    about = f"{atelier.plan} {atelier.gan.plan}"
    plans = [WalkPlan(about, category, k, p.seed) for category in CATEGORIES for k in range(prototypes)]
    return list(run_all(one_walk, [(plan,) for plan in plans], p.jobs, given=(atelier,)))


def one_walk(atelier: Atelier, plan: WalkPlan) -> Walk:
    """Come near to a garment by eq. 12, then climb by eq. 10 for six shoppers at random.

    Raises ValueError on an unknown category.
    """
    people, rng = atelier.people, stream(plan.seed, "walk", plan.category, plan.number)
    members = people.members(plan.category)
    item, users = int(rng.choice(members)), rng.choice(people.actions.users, SHOPPERS, replace=False)
    dice = torch.Generator().manual_seed(int(rng.integers(2**31)))
    model, category = atelier.recommender(), people.categories.index(plan.category)
    generator, discriminator = atelier.gan.networks()
    photo = people.photos[item].astype(np.float32) / 127.5 - 1.0
    found = fit_prototype(photo, generator, category, starts=FIT_STARTS, steps=FIT_STEPS, rate=FIT_RATE, rng=dice)
    tick(f"prototype of {plan.category}", 1, 1)
    theta = model.theta[users].detach()
    made = tailor(found.free, theta, model.phi, generator, discriminator, category, steps=STEPS, rate=RATE,
                  side_phi=people.photos.shape[2], keep_steps=KEPT)  # fmt: skip
    kept = np.stack([as_photographs(made.kept[step][:, 0]) for step in KEPT], axis=1)  # (6, len(KEPT), s, s, 3)
    liked = atelier.vectors[members] @ theta.numpy().T  # (n, 6)
    shown = people.photos[item].transpose(1, 2, 0)
    away = np.abs(kept.astype(float) - shown).mean(axis=(2, 3, 4)) / _apart(people.photos[members], rng)
    return Walk(
        plan.category, users, shown, kept, made.path[:, :, 0], liked.std(axis=0, ddof=1),
        atelier.vectors[item] @ theta.numpy().T, away,
    )  # fmt: skip


def _apart(photos: np.ndarray, rng: np.random.Generator) -> float:
    """Median over pairs of photographs of their mean absolute difference."""
    a, b = (rng.integers(len(photos), size=_PAIRS) for _ in range(2))
    far = [np.abs(photos[i].astype(float) - photos[j]).mean() for i, j in zip(a, b, strict=True) if i != j]
    return float(np.median(far))


def gains(walks: list[Walk]) -> pd.DataFrame:
    """Preference after each kept step less that of the fitted prototype: columns step, walk, value, sds, l1.

    Means over the shoppers of a walk: they share its prototype, so that they do not count as so many observations.
    sds : in standard deviations of the user's preference.
    """
    lines = [
        (step, k, gain, gain / spread, away)
        for k, walk in enumerate(walks)
        for path, spread, l1 in zip(walk.path, walk.spread, walk.l1, strict=True)
        for step, gain, away in zip(KEPT, path[list(KEPT)] - path[0], l1, strict=True)
    ]
    found = pd.DataFrame(lines, columns=["step", "walk", "value", "sds", "l1"])
    return found.groupby(["step", "walk"], as_index=False).mean()


@dataclass(frozen=True, eq=False)
class Novelty:
    """Samples of a generator beside what it learnt from.

    images (C, n, s, s, 3) uint8, nearest likewise: the nearest training photographs of the category by l1. same : share
    of samples whose nearest is the same by l2. memorised, median : of `metrics.images.memorisation`, whose null, fresh
    photographs, has .05 and .5. A share is (value, low, high) over the n samples.
    """

    images: np.ndarray
    nearest: np.ndarray
    same: tuple[float, float, float]
    memorised: tuple[float, float, float]
    median: tuple[float, float, float]
    n: int


def novelty(gan: Gan, people: People, fresh: People, seed: int, many: int = SAMPLES) -> Novelty:
    """Figure 4 and its null: `many` samples a category. fresh : people of another catalogue, whose garments are new."""
    generator, _ = gan.networks()
    rng = torch.Generator().manual_seed(seed)
    latent, train = CODES[gan.plan.kind][1], people.photos.transpose(0, 2, 3, 1)
    held = fresh.photos.transpose(0, 2, 3, 1)
    images, near, same, tails, medians = [], [], [], [], []
    for category in range(len(people.categories)):
        made = samples(generator, [category] * many, latent, rng)
        own = train[people.category == category]
        rows, _ = nearest_l1(made, own)
        told = memorisation(made, held[fresh.category == category], own)
        images.append(made)
        near.append(own[rows])
        same.append(shares_nearest(made, own))
        tails.append(told.below_tail)
        medians.append(told.below_median)
    n = many * len(images)
    return Novelty(np.stack(images), np.stack(near), _share(same, n), _share(tails, n), _share(medians, n), n)


def _share(parts: list[float], n: int) -> tuple[float, float, float]:
    """A mean of shares of equally many of n samples, with Wilson's 95 % interval."""
    value = float(np.mean(parts))
    found = binomtest(round(value * n), n).proportion_ci(method="wilson")
    return value, float(found.low), float(found.high)
