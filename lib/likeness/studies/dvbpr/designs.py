"""Table IV: what four sources return to a shopper for a category, and what that is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from likeness.data.wardrobe.garments import stream
from likeness.metrics.images import as_photographs, opposite_ssim
from likeness.models.dvbpr.design import Start, choose, maximise, retrieve
from likeness.models.dvbpr.dvbpr import DVBPR, item_vectors
from likeness.models.dvbpr.gan import samples
from likeness.models.weights import filled
from likeness.report.progress import tick
from likeness.studies.dvbpr.fits import Outcome, Plan, divide, network
from likeness.studies.dvbpr.gans import CODES, Gan
from likeness.studies.dvbpr.parameters import Parameters
from likeness.studies.dvbpr.people import People, gender_of, worth
from likeness.studies.dvbpr.reader import Reader
from likeness.studies.parallel import run_all

#: Rows of Table IV, and the designs without eq. 11's sampling: the three of the highest objective.
SOURCES: Final = ("real", "generated", "retrieved", "designed", "designed-top")
#: Images that a source returns.
RETURNED: Final = 3
#: Rate of Adam on z' in the published code.
RATE: Final = 0.05
#: Trials of a task.
_CHUNK: Final = 2


@dataclass(frozen=True, eq=False)
class Atelier:
    """What a design needs: a division's recommender, its vectors of all photographs, generative pair and reader.

    weights : of the recommender, by name. vectors (N, K). held (U,) : test items, whose categories are asked for.
    """

    people: People
    plan: Plan
    weights: Mapping[str, np.ndarray]
    vectors: np.ndarray
    held: np.ndarray
    gan: Gan
    reader: Reader

    def recommender(self) -> DVBPR:
        """The network and the users, ready for use, on the CPU."""
        return rebuilt(self.people, self.plan, self.weights)


@dataclass(frozen=True)
class TrialPlan:
    """Trials `first` ... `first + count` - 1; `about` names the atelier."""

    about: str
    first: int
    count: int
    eta: float
    starts: int
    steps: int
    start: Start
    seed: int
    sources: tuple[str, ...] = SOURCES


@dataclass(frozen=True, eq=False)
class Trials:
    """Of T trials, by source. users, categories (T,).

    images (T, 3, s, s, 3) uint8. preference, taste (T, 3) : the model's score, and the shopper's true taste as the
    reader sees the image. diversity (T,). kinds (T, 3, classes) : the classifier's probabilities. exact (T, 3) : true
    taste of the garments themselves, of the two sources that return photographs.
    """

    users: np.ndarray
    categories: np.ndarray
    images: dict[str, np.ndarray]
    preference: dict[str, np.ndarray]
    taste: dict[str, np.ndarray]
    diversity: dict[str, np.ndarray]
    kinds: dict[str, np.ndarray]
    exact: dict[str, np.ndarray]


def rebuilt(people: People, plan: Plan, weights: Mapping[str, np.ndarray]) -> DVBPR:
    """A trained model of `fits` from its kept weights, on the CPU."""
    return filled(network(plan, people, None), weights)


def open_atelier(people: People, plan: Plan, outcome: Outcome, gan: Gan, reader: Reader) -> Atelier:
    """Bring together what was trained. Raises ValueError where the outcome has no weights."""
    if outcome.weights is None:
        raise ValueError(f"{plan}: expected kept weights")
    vectors = item_vectors(rebuilt(people, plan, outcome.weights), people.photos)
    held = divide(people, plan.seed, plan.split, plan.number).test
    return Atelier(people, plan, outcome.weights, vectors, held, gan, reader)


def run_trials(
    p: Parameters, atelier: Atelier, trials: int, *, eta: float = 1.0, starts: int | None = None,
    steps: int | None = None, start: Start = "code", sources: tuple[str, ...] = SOURCES,
) -> Trials:  # fmt: skip
    """A shopper at random and the category of the shopper's test item, `trials` times; the same ones whatever is asked.

    A source returns the same, whatever other sources are asked.

    starts, steps : those of `p` unless given. start : "code": z = z' from N(0, .25); "paper": z = tanh(z'), z from
    U(-1, 1)
    """
    about = f"{atelier.plan} {atelier.gan.plan}"
    starts, steps = (p.starts if starts is None else starts), (p.steps if steps is None else steps)
    whole = TrialPlan(about, 0, 0, eta, starts, steps, start, p.seed, sources)
    plans = [replace(whole, first=k, count=min(_CHUNK, trials - k)) for k in range(0, trials, _CHUNK)]
    return _joined(list(run_all(some_trials, [(plan,) for plan in plans], p.jobs, given=(atelier,))))


def some_trials(atelier: Atelier, plan: TrialPlan) -> Trials:
    """The trials of a task."""
    people, users, categories = atelier.people, [], []
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in plan.sources}
    rows: dict[str, list[np.ndarray]] = {}
    model = atelier.recommender()
    generator, discriminator = atelier.gan.networks()
    side, latent = people.photos.shape[2], CODES[atelier.gan.plan.kind][1]
    for number in range(plan.first, plan.first + plan.count):
        tick("designs", number - plan.first + 1, plan.count)
        rng = stream(plan.seed, "trial", number)
        user = int(rng.integers(people.actions.users))
        category = int(people.category[atelier.held[user]])
        users.append(user)
        categories.append(category)
        theta = model.theta[user].detach()
        members = people.members(people.categories[category])
        codes, climbs = (torch.Generator().manual_seed(int(one)) for one in rng.integers(2**31, size=2))
        for name, some in (
            ("real", rng.choice(members, RETURNED, replace=False)),
            ("retrieved", retrieve(theta.numpy(), atelier.vectors, members)[:RETURNED]),
        ):
            if name in plan.sources:
                rows.setdefault(name, []).append(some)
                images = people.photos[some].transpose(0, 2, 3, 1)
                found[name].append((images, atelier.vectors[some] @ theta.numpy()))
        if "generated" in plan.sources:
            images = samples(generator, [category] * RETURNED, latent, codes)
            found["generated"].append((images, _preference(model, images, user, side)))
        if {"designed", "designed-top"} & set(plan.sources):
            made = maximise(theta, model.phi, generator, discriminator, category, eta=plan.eta, starts=plan.starts,
                            steps=plan.steps, rate=RATE, start=plan.start, rng=climbs, side_phi=side)  # fmt: skip
            picked = {"designed": choose(made.objective, RETURNED, rng), "designed-top": np.arange(RETURNED)}
            for name, some in picked.items():
                if name in plan.sources:
                    found[name].append((as_photographs(made.images[some]), made.preference[some]))
    return _judged(atelier, np.array(users), np.array(categories), found, rows)


def _preference(model: DVBPR, images: np.ndarray, user: int, side: int) -> np.ndarray:
    """theta . phi of photographs (n, s, s, 3) uint8, enlarged to the recommender's side where smaller: (n,)."""
    larger = images.repeat(side // images.shape[1], axis=1).repeat(side // images.shape[1], axis=2)
    vectors = item_vectors(model, np.ascontiguousarray(larger.transpose(0, 3, 1, 2)))
    return np.asarray(vectors @ model.theta[user].detach().numpy())


def _judged(
    atelier: Atelier, users: np.ndarray, categories: np.ndarray, found: dict[str, list[tuple[np.ndarray, np.ndarray]]],
    rows: dict[str, list[np.ndarray]],
) -> Trials:  # fmt: skip
    images = {name: np.stack([shown for shown, _ in some]) for name, some in found.items()}
    preference = {name: np.stack([liked for _, liked in some]) for name, some in found.items()}
    diversity = {name: np.array([opposite_ssim(one) for one in some]) for name, some in images.items()}
    kinds, taste = {}, {}
    for name, some in images.items():
        flat = some.reshape(-1, *some.shape[2:])
        kinds[name] = atelier.reader.kinds(flat).reshape(*some.shape[:2], -1)
        looks = atelier.reader.looks(flat).reshape(*some.shape[:2], -1)
        taste[name] = np.stack([_worth(atelier, *one) for one in zip(users, categories, looks, strict=True)])
    exact = {name: np.stack([_exact(atelier, *one) for one in zip(users, categories, some, strict=True)])
             for name, some in rows.items()}  # fmt: skip
    return Trials(users, categories, images, preference, taste, diversity, kinds, exact)


def _worth(atelier: Atelier, user: int, category: int, looks: np.ndarray) -> np.ndarray:
    """True taste (n,) of a user for looks (n, F) of a category."""
    world, name = atelier.people.world, atelier.people.categories[category]
    if world is None:
        raise ValueError(f"{atelier.people.name}: nobody knows the true tastes; expected the wardrobe")
    return worth(world, np.array([user]), looks, np.full(len(looks), gender_of(name)))[0]


def _exact(atelier: Atelier, user: int, category: int, items: np.ndarray) -> np.ndarray:
    world = atelier.people.world
    return _worth(atelier, user, category, world.looks[items]) if world is not None else np.full(len(items), np.nan)


def _joined(parts: list[Trials]) -> Trials:
    def by_source(name: str) -> dict[str, np.ndarray]:
        return {key: np.concatenate([getattr(part, name)[key] for part in parts]) for key in getattr(parts[0], name)}

    users, categories = (np.concatenate([getattr(part, name) for part in parts]) for name in ("users", "categories"))
    names = ("images", "preference", "taste", "diversity", "kinds", "exact")
    return Trials(users, categories, *(by_source(name) for name in names))
