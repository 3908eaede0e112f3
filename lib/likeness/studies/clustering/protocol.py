"""How a model of the clustering chapter is trained and scored: one protocol for every table and figure.

Random numbers: every data set, test set and training run draws from its own generator, derived from the base seed
and a name, so that methods of one seed share their data (paired comparisons) and no result depends on the order or
the number of processes in which runs are made.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from likeness.data.points import CLUSTERS, Level, PointSet, draw_at, draw_set, label_mask
from likeness.metrics.clustering import best_ari, scores_at_k
from likeness.models.clustering.decoding import decode_circle
from likeness.models.clustering.networks import SimilarityModel, build
from likeness.models.clustering.training import History, LabelledSet, TrainingOptions, fit
from likeness.report.progress import tick
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.devices import device_of

DATASETS = ("circles", "moons", "blobs", "aniso")
MODELS = ("mlp", "dgcnn")
LEVELS: tuple[Level, ...] = ("easy", "hard")
METRICS = ("ari_k", "purity_k", "nmi_k", "ari")
NOISES = tuple(round(0.01 * i, 2) for i in range(17))  # the axis of Figure 3
#: Table 1: margin 1.0 on circles and moons, .2 on blobs and anisotropics.
MARGINS = {"circles": 1.0, "moons": 1.0, "blobs": 0.2, "aniso": 0.2}
#: The oracle "Ari" searches k' = 1 ... k + 4 (published code; checked against Figure 3's classical curves).
ORACLE_EXTRA = 4


@dataclass(frozen=True)
class Protocol:
    """The parameters of a run that a trained and tested model depends on, and no other: results are kept by them."""

    seed: int
    epochs: int
    train_samples: int
    validation_samples: int
    test_samples: int
    curve_samples: int
    points: tuple[int, int]
    label_share: float
    hidden: int
    temperature: float
    device: str

    @classmethod
    def of(cls, p: Parameters) -> Protocol:
        """The part of a run's parameters that matters here."""
        return cls(
            seed=p.seed,
            epochs=p.epochs,
            train_samples=p.train_samples,
            validation_samples=p.validation_samples,
            test_samples=p.test_samples,
            curve_samples=p.curve_samples,
            points=(p.points_low, p.points_high),
            label_share=p.label_share,
            hidden=p.hidden,
            temperature=p.temperature,
            device=p.device,
        )


@dataclass(frozen=True)
class Recipe:
    """What may be switched in training; the defaults are this chapter's base."""

    options: dict[str, Any] = field(default_factory=dict)  # of TrainingOptions
    output: str = "activated"
    labels: str = "per-class"
    points: tuple[int, int] | None = None
    epochs_factor: int = 1


@dataclass(frozen=True)
class Trained:
    """A trained model with where it came from. ``state`` is a plain dict of tensors."""

    dataset: str
    level: str
    model: str
    seed: int
    state: dict[str, torch.Tensor]
    history: History


def generator(base: int, *names: object) -> np.random.Generator:
    """Independent generator for a purpose: ``generator(0, "test", "circles", 3)``."""
    return np.random.default_rng([base, zlib.crc32("/".join(map(str, names)).encode())])


def labelled(sets: Sequence[PointSet], share: float, rng: np.random.Generator, mode: str) -> list[LabelledSet]:
    """Point sets with the labels of a share of their points known."""
    return [LabelledSet.of(s.x, s.y, label_mask(s.y, share, rng, mode=mode)) for s in sets]  # type: ignore[arg-type]


def training_data(
    p: Protocol, dataset: str, level: Level, seed: int, recipe: Recipe
) -> tuple[list[LabelledSet], list[LabelledSet]]:
    """(training, validation) samples of one seed; the same for every model and, but for its own switch, recipe."""
    points = recipe.points or p.points
    rng = generator(p.seed, "train", dataset, level, seed)
    sets = draw_set(dataset, level, p.train_samples, rng, points)
    held_out = draw_set(dataset, level, p.validation_samples, rng, points)
    mask_rng = generator(p.seed, "labels", dataset, level, seed)
    train = labelled(sets, p.label_share, mask_rng, recipe.labels)
    return train, labelled(held_out, p.label_share, mask_rng, recipe.labels)


def test_sets(p: Protocol, dataset: str, seed: int) -> list[PointSet]:
    """Test sets of a seed, always at the hard level; the same for both models, both levels and every recipe."""
    rng = generator(p.seed, "test", dataset, seed)
    return draw_set(dataset, "hard", p.test_samples, rng, p.points)


def curve_sets(p: Protocol, dataset: str, noise: float, count: int, seed: object) -> list[PointSet]:
    """``count`` sets at one noise value of Figure 3."""
    rng = generator(p.seed, "curve", dataset, noise, seed)
    return draw_at(dataset, noise, count, rng, p.points)


def fresh_model(p: Protocol, name: str, seed: int, output: str = "activated") -> SimilarityModel:
    """Untrained model of a seed; torch's generator is restored afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(p.seed, "weights", name, seed).integers(2**31)))
        return build(name, hidden=p.hidden, output=output)  # type: ignore[arg-type]


def train(
    p: Protocol, dataset: str, level: Level, model: str, seed: int, recipe: Recipe | None = None
) -> Trained:
    """Train one model by the paper's protocol (or a switched recipe)."""
    recipe = recipe or Recipe()
    device = device_of(p.device)
    samples, held_out = training_data(p, dataset, level, seed, recipe)
    epochs = p.epochs * recipe.epochs_factor
    base = TrainingOptions(margin=MARGINS[dataset], temperature=p.temperature, epochs=epochs)
    options = replace(base, **recipe.options)
    net = fresh_model(p, model, seed, recipe.output).to(device)
    rng = torch.Generator().manual_seed(int(generator(p.seed, "steps", dataset, level, seed).integers(2**31)))
    history = fit(
        net,
        [s.to(device) for s in samples],
        [s.to(device) for s in held_out],
        options,
        rng=rng,
        on_epoch=lambda done, most: tick(f"{dataset}/{level}/{model}/{seed}", done, most),
    )
    state = {name: value.detach().cpu().clone() for name, value in net.state_dict().items()}
    return Trained(dataset, level, model, seed, state, history)


def restore(p: Protocol, trained: Trained, output: str = "activated") -> SimilarityModel:
    """The trained model, in evaluation mode, on the CPU."""
    net = build(trained.model, hidden=p.hidden, output=output)  # type: ignore[arg-type]
    net.load_state_dict(trained.state)
    return net.eval()


@torch.no_grad()
def directions(net: SimilarityModel, x: np.ndarray) -> np.ndarray:
    """Unit directions (n, 2) float64 of points (n, d)."""
    return net.directions(torch.from_numpy(x).float()).double().numpy()


def score(tree: np.ndarray, y: np.ndarray, k: int) -> dict[str, float]:
    """The four columns of Table 1 of one dendrogram: ari_k, purity_k, nmi_k, ari (best over k' <= k + 4)."""
    return {**scores_at_k(tree, y, k), "ari": best_ari(tree, y, min(k + ORACLE_EXTRA, len(y)))[0]}


def test(net: SimilarityModel, sets: Sequence[PointSet], dataset: str) -> list[dict[str, float]]:
    """Scores of a trained model on each point set."""
    return [score(decode_circle(with_angle(directions(net, s.x))), s.y, CLUSTERS[dataset]) for s in sets]


def with_angle(u: np.ndarray) -> np.ndarray:
    """A network that maps a point to exactly zero gives it no direction: lay it at angle 0, as the code's 0/0 guard."""
    return np.where(np.any(u, axis=1, keepdims=True), u, [1.0, 0.0])
