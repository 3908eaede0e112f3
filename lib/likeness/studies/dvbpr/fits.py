"""One method on one division of a set of people: trained, chosen by the validation items, judged by the test items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from likeness.data import splits
from likeness.data.splits import Split
from likeness.data.wardrobe.garments import stream
from likeness.models.dvbpr.cnnf import CNNF, SIDE, Padding, Warm
from likeness.models.dvbpr.dvbpr import DVBPR, all_scores
from likeness.models.dvbpr.factors import BPRMF, FM, VBPR, FactorModel
from likeness.models.dvbpr.fitting import Tuning, fit
from likeness.models.dvbpr.peers import implicit_bpr
from likeness.models.dvbpr.training import Schedule, train
from likeness.models.dvbpr.visrank import Measure, poprank, unit_rows, visrank
from likeness.models.weights import arrays
from likeness.report.progress import tick
from likeness.studies.dvbpr.evaluation import evaluate, validation
from likeness.studies.dvbpr.features import Features, border
from likeness.studies.dvbpr.people import People
from likeness.studies.dvbpr.settings import Choice

#: Rate of Adam for the methods that see no pixels, and of SGD for implicit's: the libraries' usual ones.
RATE, PEER_RATE = 0.01, 0.05
#: Stride of conv1: 4 for the paper's 224 pixels; of 64 that would leave 1 x 1 before full6.
PAPER_STRIDE, SMALL_STRIDE = 4, 2
#: The columns of Table III, in its order, and ours beside them.
TABLE3: Final = ("rand", "poprank", "warp", "bpr-mf", "visrank", "fm", "vbpr", "dvbpr")
UNAWARE: Final = ("poprank", "warp", "bpr-mf")
#: Those that see what a network made of the photographs, so that another source of features changes them.
FEATURED: Final = ("visrank", "visrank-euclidean", "fm", "vbpr", "dvbpr-warm")
#: Those that choose a setting on the validation items. That of DVBPR is lambda_theta; its variants take what it chose.
LEARNED: Final = ("warp", "bpr-mf", "implicit-bpr", "fm", "vbpr", "dvbpr")


@dataclass(frozen=True)
class Switch:
    """Where a row of DVBPR departs from the paper: what its name says, and nothing else.

    factors, l2_theta : in place of the setting that was chosen. terms : the item biases and factors of eq. 2. shared :
    all negatives of a batch serve every positive. warm : layers and first weights of the network of the features.
    """

    factors: int | None = None
    l2_theta: float | None = None
    padding: Padding = "printed"
    dropout: float = 0.5
    decay: float = 1e-3
    terms: bool = False
    shared: bool = False
    warm: bool = False


#: Rows of DVBPR. The first is the paper's; K and conv1's padding differ in the published code.
DEEP: Final = {
    "dvbpr": Switch(),
    "dvbpr-shared": Switch(shared=True),
    "dvbpr-warm": Switch(shared=True, warm=True),
    "k-100": Switch(factors=100),
    "padding-same": Switch(padding="same"),
    "as-coded": Switch(factors=100, padding="same"),
    "no-dropout": Switch(dropout=0.0),
    "no-decay": Switch(decay=0.0),
    "lambda-0": Switch(l2_theta=0.0),
    "item-terms": Switch(terms=True),
}
SWITCHES: Final = tuple(DEEP)[3:]


@dataclass(frozen=True)
class Sizes:
    """What a preset shrinks."""

    epochs: int
    deep_epochs: int
    deep_rate: float
    batch: int
    width: float


@dataclass(frozen=True)
class Plan:
    """All that a fit depends on but the people and their features, which `about` names; its repr names it in the cache.

    keep : the weights of the chosen epoch are part of the outcome
    """

    about: str
    split: str
    number: int
    method: str
    choice: Choice
    sizes: Sizes
    seed: int
    device: str
    keep: bool = False


@dataclass(frozen=True, eq=False)
class Outcome:
    """valid (E,), mean AUC of the validation items after each epoch; epoch, the best one, from 1 (0: nothing to train).

    auc : setting -> (U,) of the test items, as `evaluate`. weights : of the best epoch, by name, where kept.
    """

    valid: np.ndarray
    epoch: int
    auc: dict[str, np.ndarray]
    parameters: int
    weights: dict[str, np.ndarray] | None


def divide(people: People, seed: int, split: str, number: int) -> Split:
    """Division `number`: "random" or "timed" leave-one-out, or "alone": random, companions left out of training.

    A set that was released with its division has that one alone, whatever is asked.
    """
    if people.released is not None:
        return people.released
    rng = stream(seed, "division", number)
    if split == "timed":
        return splits.timed_split(people.actions, rng)
    found = splits.random_split(people.actions, rng)
    return splits.without_companions(people.actions, found) if split == "alone" else found


def one_fit(people: People, features: Features | None, plan: Plan) -> Outcome:
    """Train, look at the validation items after every epoch, and evaluate the best on the test items.

    Raises ValueError on an unknown method, FloatingPointError where a loss is not finite.
    """
    split = divide(people, plan.seed, plan.split, plan.number)
    best = _Best(split)
    parameters = 0
    if plan.method in DEEP:
        parameters = _deep(people, features, split, plan, best)
    elif plan.method in LEARNED:
        parameters = _factors(features, split, plan, best)
    else:
        best.see(0, _fixed(people, features, split, plan))
    rng = stream(plan.seed, "sampled", plan.number)
    return Outcome(np.array(best.valid), best.epoch, evaluate(best.scores, split, rng), parameters, best.weights)


class _Best:
    """The scores of the best epoch so far, by the validation items."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.valid: list[float] = []
        self.epoch, self.scores = 0, np.empty(0)
        self.weights: dict[str, np.ndarray] | None = None

    def see(self, epoch: int, scores: np.ndarray, weights: Callable[[], dict[str, np.ndarray]] | None = None) -> None:
        """Scores (U, N) after an epoch."""
        self.valid.append(validation(scores, self.split))
        if len(self.valid) == 1 or self.valid[-1] > max(self.valid[:-1]):
            self.epoch, self.scores = epoch, scores
            self.weights = weights() if weights else None


def _fixed(people: People, features: Features | None, split: Split, plan: Plan) -> np.ndarray:
    """Scores (U, N) of what learns nothing from the purchases but counts and means."""
    if plan.method == "rand":
        return stream(plan.seed, "rand", plan.number).random((split.users, split.items))
    if plan.method == "poprank":
        return np.broadcast_to(poprank(split.observations()).astype(np.float64), (split.users, split.items))
    if plan.method == "visrank-border":
        return visrank(border(people.photos), split.history())
    if features is not None and plan.method in ("visrank", "visrank-euclidean"):
        measure: Measure = "euclidean" if plan.method.endswith("euclidean") else "cosine"
        return visrank(features.vectors, split.history(), measure=measure)
    known = ", ".join(dict.fromkeys((*TABLE3, *FEATURED, "visrank-border", *LEARNED, *DEEP)))
    raise ValueError(f"method {plan.method!r} on {plan.about}: expected one of {known}; features where it sees them")


def _factors(features: Features | None, split: Split, plan: Plan, best: _Best) -> int:
    """Train one of the methods that see no pixels; how many numbers it learns."""
    k, l2, seed = plan.choice.factors, plan.choice.l2, plan.seed + plan.number
    if plan.method == "implicit-bpr":
        epochs = plan.sizes.epochs
        best.see(epochs, implicit_bpr(split.train, split.users, split.items, k, l2, PEER_RATE, epochs, seed))
        return (split.users + split.items) * (k + 1)
    if plan.method in ("fm", "vbpr"):
        if features is None:
            raise ValueError(f"{plan.method} on {plan.about}: expected features")
        made = FM if plan.method == "fm" else VBPR
        model: FactorModel = made(split.users, unit_rows(features.vectors), k, seed)
    else:
        model = BPRMF(split.users, split.items, k, seed)
    tuning = Tuning(k, l2, RATE, plan.sizes.epochs)

    def after(epoch: int, model: FactorModel) -> None:
        tick(plan.method, epoch, tuning.epochs)
        best.see(epoch, model.all_scores())

    fit(model, split.train, tuning, seed, after, loss="warp" if plan.method == "warp" else "bpr")
    return sum(p.numel() for p in model.parameters())


def _deep(people: People, features: Features | None, split: Split, plan: Plan, best: _Best) -> int:
    """Train one of the rows of `DEEP`; how many numbers it learns."""
    switch, sizes, seed = DEEP[plan.method], plan.sizes, plan.seed + plan.number
    model = network(plan, people, features).to(torch.device(plan.device))
    schedule = Schedule(
        sizes.deep_epochs, sizes.batch, sizes.deep_rate,
        l2_theta=plan.choice.l2 if switch.l2_theta is None else switch.l2_theta, weight_decay=switch.decay,
        negatives="shared" if switch.shared else "one", half=True, draw="users",
    )  # fmt: skip

    def after(epoch: int, model: DVBPR) -> None:
        tick(plan.method, epoch, schedule.epochs)
        best.see(epoch, all_scores(model, people.photos, half=True), (lambda: arrays(model)) if plan.keep else None)

    train(model, people.photos, split.train, split.history(), schedule, seed, after)
    return sum(p.numel() for p in model.parameters())


def network(plan: Plan, people: People, features: Features | None) -> DVBPR:
    """The untrained model of a row of `DEEP`."""
    users, side = people.actions.users, people.photos.shape[2]
    switch, rng = DEEP[plan.method], torch.Generator().manual_seed(plan.seed + plan.number)
    k = switch.factors or plan.choice.factors
    if switch.warm:
        if features is None:
            raise ValueError(f"{plan.method} on {plan.about}: expected features with the network that they are of")
        return DVBPR(Warm(features.network(), k, rng=rng), users, k, rng=rng)
    stride = PAPER_STRIDE if side == SIDE else SMALL_STRIDE
    phi = CNNF(k, side, plan.sizes.width, switch.padding, stride, switch.dropout, rng=rng)
    return DVBPR(phi, users, k, items=people.actions.items if switch.terms else 0, rng=rng)
