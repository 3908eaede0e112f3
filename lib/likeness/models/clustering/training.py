"""Training of a similarity model on a family of point sets, one set a step.

References
----------
[1] Gigli, Marcotegui, Velasco-Forero, GSI 2021. Learning rate, schedule, stopping rule: published code, not the paper.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import geoopt
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likeness.models.clustering.losses import (
    Pairs,
    Reduction,
    Variant,
    cosine,
    hyphc_loss,
    hyphc_loss_all,
    labelled_triples,
    random_triples,
    same_class_pairs,
    triplet_loss,
)
from likeness.models.clustering.networks import (
    SCALE_MAX,
    SCALE_MIN,
    SimilarityModel,
    parameters_by_geometry,
    put_everything_on_the_ball,
)


@dataclass(frozen=True)
class TrainingOptions:
    """What a training run does; the defaults are this project's reading of the paper, each switch named there."""

    margin: float = 1.0
    temperature: float = 0.1
    epochs: int = 100
    patience: int = 50
    learning_rate: float = 1e-3
    min_learning_rate: float = 1e-4
    plateau_patience: int = 10
    triples_per_anchor: int = 1000
    sign: Variant = "corrected"
    triples: Literal["all", "sampled", "random"] = "all"
    manifold: Literal["radius", "everything"] = "radius"
    detach_weights: bool = False
    reduction: Reduction = "mean"
    triplet_weight: float = 1.0
    hyphc_weight: float = 1.0
    keep: Literal["last", "best"] = "last"

    def __post_init__(self) -> None:
        """Refuse a sum over sampled triples: it would depend on how many are drawn."""
        if self.reduction == "sum" and self.triples != "all":
            raise ValueError(f"reduction 'sum' with triples {self.triples!r}: expected triples 'all'")


@dataclass(frozen=True)
class LabelledSet:
    """One training sample: x (n, d) float32; index (l,) of the labelled points, labels (l,), and their pairs."""

    x: Tensor
    known: Tensor
    labels: Tensor
    pairs: Pairs

    @classmethod
    def of(cls, x: NDArray[np.float64], y: NDArray[np.int64], known: NDArray[np.bool_]) -> LabelledSet:
        """Sample from arrays: x (n, d), y (n,), known (n,) which labels may be used.

        Raises ValueError on NaN and on lengths that differ.
        """
        if not len(x) == len(y) == len(known):
            raise ValueError(
                f"{len(x)} points, {len(y)} labels, {len(known)} marks of known ones: expected as many of each"
            )
        if not np.isfinite(x).all():
            raise ValueError("a point set has NaN or infinite coordinates: drop or impute those points first")
        index = torch.from_numpy(np.flatnonzero(known))
        labels = torch.from_numpy(y).long()[index]
        return cls(torch.from_numpy(x).float(), index, labels, same_class_pairs(labels))

    def to(self, device: torch.device) -> LabelledSet:
        """Copy on a device."""
        pairs = Pairs(*(t.to(device) for t in self.pairs))
        return LabelledSet(self.x.to(device), self.known.to(device), self.labels.to(device), pairs)


@dataclass(frozen=True)
class History:
    """Mean loss by epoch, and the learning rate in force; ``stopped`` is the number of epochs that ran."""

    train: list[float]
    validation: list[float]
    learning_rate: list[float]

    @property
    def stopped(self) -> int:
        """Epochs that ran."""
        return len(self.train)


def loss_of(model: SimilarityModel, sample: LabelledSet, options: TrainingOptions, rng: torch.Generator) -> Tensor:
    """Eq. 2: HypHC loss plus triplet loss of one sample (weights 1 and 1). Scalar."""
    directions = model.directions(sample.x)  # all points: BatchNorm and the DGCNN see the unlabelled ones too
    s = cosine(directions.index_select(0, sample.known))
    triplet = triplet_loss(s, sample.pairs, options.margin, variant=options.sign, reduction=options.reduction)
    return options.triplet_weight * triplet + options.hyphc_weight * _hyphc(model, directions, s, sample, options, rng)


def _hyphc(
    model: SimilarityModel,
    directions: Tensor,
    s: Tensor,
    sample: LabelledSet,
    options: TrainingOptions,
    rng: torch.Generator,
) -> Tensor:
    tau, detach, radius = options.temperature, options.detach_weights, model.radius()
    if options.triples == "all":
        return hyphc_loss_all(s, radius, sample.pairs, tau, detach=detach, reduction=options.reduction)
    if options.triples == "sampled":
        triples = labelled_triples(sample.labels.cpu(), options.triples_per_anchor, rng)
    else:
        s = cosine(directions)  # unlabelled points take part
        triples = random_triples(len(s), options.triples_per_anchor * len(sample.labels), rng)
    return hyphc_loss(s, radius, triples.to(s.device), tau, detach=detach)


def optimisers(model: SimilarityModel, options: TrainingOptions) -> list[torch.optim.Optimizer]:
    """Adam for the network and Riemannian Adam for what lives on the ball (``manifold="everything"``: all of it)."""
    if options.manifold == "everything":
        put_everything_on_the_ball(model)
    flat, ball = parameters_by_geometry(model)
    chosen: list[torch.optim.Optimizer] = [geoopt.optim.RiemannianAdam(ball, lr=options.learning_rate)]
    if flat:
        chosen.append(torch.optim.Adam(flat, lr=options.learning_rate, fused=True))
    return chosen


def fit(
    model: SimilarityModel,
    train: Sequence[LabelledSet],
    validation: Sequence[LabelledSet],
    options: TrainingOptions,
    *,
    rng: torch.Generator,
    on_epoch: Callable[[int, int], None] | None = None,
) -> History:
    """Train in place; the **last** weights are kept, as in the published code (``keep="best"``: of the best epoch).

    One sample a step, in a fresh random order an epoch. The learning rate is halved when the validation loss has not
    improved for 10 epochs; training stops when it has not for ``patience``.

    Parameters
    ----------
    train, validation : samples, of any sizes
    rng : order of the samples and draw of the triples
    on_epoch : called with (epochs done, epochs at most)

    Raises
    ------
    ValueError : no sample
    FloatingPointError : the loss is not finite; the model is left at the weights of the last finished epoch
    """
    if not train or not validation:
        raise ValueError(f"training needs samples, got {len(train)} for training and {len(validation)} for validation")
    optims = optimisers(model, options)
    plateaus = [
        torch.optim.lr_scheduler.ReduceLROnPlateau(
            o, factor=0.5, patience=options.plateau_patience, min_lr=options.min_learning_rate
        )
        for o in optims
    ]
    history = History([], [], [])
    best, since_best, best_state = float("inf"), 0, model.state_dict()
    held_out_seed = int(torch.randint(2**31, (1,), generator=rng))
    for epoch in range(options.epochs):
        before = copy.deepcopy(model.state_dict())
        loss = _one_epoch(model, train, options, optims, rng)
        held_out = _mean_loss(model, validation, options, torch.Generator().manual_seed(held_out_seed))
        if not np.isfinite([loss, held_out]).all():
            model.load_state_dict(before)
            raise FloatingPointError(f"the loss became {loss} in epoch {epoch + 1}: lower the learning rate")
        history.train.append(loss)
        history.validation.append(held_out)
        history.learning_rate.append(optims[0].param_groups[0]["lr"])
        for plateau in plateaus:
            plateau.step(held_out)
        since_best = 0 if held_out < best else since_best + 1
        if held_out < best:
            best, best_state = held_out, copy.deepcopy(model.state_dict())
        if on_epoch:
            on_epoch(epoch + 1, options.epochs)
        if since_best >= options.patience:
            break
    if options.keep == "best":
        model.load_state_dict(best_state)
    return history


def _one_epoch(
    model: SimilarityModel,
    train: Sequence[LabelledSet],
    options: TrainingOptions,
    optims: Sequence[torch.optim.Optimizer],
    rng: torch.Generator,
) -> float:
    model.train()
    total = 0.0
    for index in torch.randperm(len(train), generator=rng).tolist():
        loss = loss_of(model, train[index], options, rng)
        for optimiser in optims:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for optimiser in optims:
            optimiser.step()
        with torch.no_grad():
            model.scale.clamp_(SCALE_MIN, SCALE_MAX)
        total += loss.item()
    return total / len(train)


@torch.no_grad()
def _mean_loss(
    model: SimilarityModel, samples: Sequence[LabelledSet], options: TrainingOptions, rng: torch.Generator
) -> float:
    model.eval()
    return sum(loss_of(model, sample, options, rng).item() for sample in samples) / len(samples)
