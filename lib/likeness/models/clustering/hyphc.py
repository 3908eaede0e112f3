r"""HypHC as a peer: a hierarchy of n given points by direct embedding, no network and no labels.

Two things differ from the published code. It draws each pair equally often and a third point that may
equal one of the two; here triples of three different points are drawn uniformly. And it keeps its best state
as ``best_model = model.state_dict()``, which references the live weights, so that "the best" is always the
last state; here the best state is a **copy**, and the cost of the last one is reported beside it.

References
----------
.. [1] Chami, Gu, Chatziafratis, Ré, "From Trees to Continuous Embeddings and Back: Hyperbolic
   Hierarchical Clustering", NeurIPS 2020; presets and defect: its repository HazyResearch/HypHC.
.. [2] Gigli, Marcotegui, Velasco-Forero, GSI 2021, eq. 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

import geoopt
import numpy as np
import torch
from torch import Tensor

from likeness.metrics.clustering import dasgupta_cost
from likeness.models.clustering.decoding import decode_lca
from likeness.models.clustering.losses import random_triples

#: Bounds of the common radius in the published code.
MIN_RADIUS: Final = 1e-2
MAX_RADIUS: Final = 1.0 - 1e-3
#: Below this a squared length counts as 0: the slope of a square root is infinite there.
_TINY: Final = 1e-30
_EDGE: Final = 1e-12


@dataclass(frozen=True)
class HypHCOptions:
    """How an embedding is trained; the defaults are the published preset of zoo.

    radius: "shared", one trained radius for all leaves, as the published code has it; "free", each leaf
    anywhere in the disk, as eq. 1 is written.
    """

    temperature: float = 0.1
    learning_rate: float = 1e-3
    batch: int = 256
    triples: int = 100_000
    epochs: int = 50
    patience: int = 30
    anneal_every: int = 50
    anneal_factor: float = 0.5
    init_size: float = 5e-2
    radius: Literal["shared", "free"] = "shared"

    def __post_init__(self) -> None:
        """Refuse values that cannot train."""
        positive = ("temperature", "learning_rate", "batch", "triples", "epochs", "patience", "anneal_every")
        for name in positive:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} = {getattr(self, name)}: expected a value > 0")
        if not 0.0 < self.init_size < 1.0:
            raise ValueError(f"init_size = {self.init_size}: expected a radius in (0, 1)")
        if self.radius not in ("shared", "free"):
            raise ValueError(f"radius = {self.radius!r}: expected 'shared' or 'free'")


_ZOO: Final = HypHCOptions()
#: zoo and iris as published; wine and digits, which it does not try, with zoo's (our choice).
PRESETS: Final[dict[str, HypHCOptions]] = {
    "zoo": _ZOO,
    "iris": replace(
        _ZOO, temperature=5e-2, learning_rate=5e-4, batch=512, triples=50_000, patience=20, anneal_every=30
    ),
    "wine": _ZOO,
    "digits": _ZOO,
}


@dataclass(frozen=True, eq=False)
class HypHCFit:
    """A trained hierarchy.

    z (n, 2) the best embedding and linkage (n - 1, 4) its tree; cost its Dasgupta cost, reached after
    best_epoch epochs (from 1); last_cost what the weights of the last epoch give; costs after each epoch
    that ran, loss the mean continuous cost of each.
    """

    z: np.ndarray
    linkage: np.ndarray
    cost: float
    best_epoch: int
    last_cost: float
    costs: tuple[float, ...]
    loss: tuple[float, ...]


def lca_depth_torch(u: Tensor, v: Tensor) -> Tensor:
    r"""Differentiable `likeness.models.clustering.decoding.lca_depth`: any radii, curvature -1.

    .. math:: d_o(u \vee v) = \mathrm{artanh}\,\min_{t \in [0,1]} \|(1-t)\,\kappa(u) + t\,\kappa(v)\|,
              \qquad \kappa(x) = 2x / (1 + \|x\|^2)

    t is held constant in the gradient: it is a minimiser, so its own derivative counts nothing (envelope
    theorem). u, v (..., 2), norms < 1 -> (...).
    """
    a = 2.0 * u / (1.0 + u.square().sum(-1, keepdim=True))  # (..., 2) on the projective disk
    b = 2.0 * v / (1.0 + v.square().sum(-1, keepdim=True))
    e = b - a
    with torch.no_grad():
        t = -(a * e).sum(-1, keepdim=True) / e.square().sum(-1, keepdim=True).clamp_min(_TINY)
        t = t.clamp(0.0, 1.0)  # (..., 1)
    norm = (a + t * e).square().sum(-1).clamp_min(_TINY).sqrt()
    return torch.atanh(norm.clamp_max(1.0 - _EDGE))


def triple_cost(z: Tensor, w: Tensor, triples: Tensor, temperature: float) -> Tensor:
    r"""Continuous Dasgupta cost of eq. 1 with fixed similarities, its mean over triples.

    .. math:: \mathrm{mean}_{ijk}\; w_{ij} + w_{ik} + w_{jk} - \langle (w_{ij}, w_{ik}, w_{jk}),
              \sigma_\tau(d_o(z_i \vee z_j), d_o(z_i \vee z_k), d_o(z_j \vee z_k)) \rangle

    The term :math:`\sum_{ij} w_{ij}` of eq. 1 is left out: with fixed w it is a constant.
    z (n, 2), w (n, n), triples (T, 3) int64 -> scalar, between 0 and 3 for w in [0, 1].
    """
    left, right = triples[:, [0, 0, 1]], triples[:, [1, 2, 2]]  # (T, 3): the pairs ij, ik, jk
    weight = w[left, right]  # (T, 3)
    share = torch.softmax(lca_depth_torch(z[left], z[right]) / temperature, dim=-1)  # (T, 3)
    return (weight.sum(-1) - (weight * share).sum(-1)).mean()


def fit_hyphc(
    w: np.ndarray,
    options: HypHCOptions,
    *,
    rng: torch.Generator,
    on_epoch: Callable[[int, int], None] | None = None,
) -> HypHCFit:
    """Embed n points by their similarities and decode the tree of the lowest Dasgupta cost met on the way.

    Riemannian Adam on the Poincaré disk, float64. After each epoch the tree is decoded by `decode_lca` and
    scored; training stops when the cost has not improved for ``patience`` epochs.

    Parameters
    ----------
    w : (n, n) symmetric similarities, n >= 3.
    options : see `PRESETS`.
    rng : initial points, triples and their order.
    on_epoch : called with (epochs done, epochs at most).

    Raises
    ------
    ValueError : w of another shape, NaN, not symmetric, or fewer than three points.
    FloatingPointError : the embedding is not finite any more.
    """
    weights = _checked(w)
    n = len(weights)
    embedding, radius, optimiser = _start(n, options, rng)
    triples = random_triples(n, options.triples, rng)
    costs: list[float] = []
    losses: list[float] = []
    cost, best_epoch, best_z, best_tree = float("inf"), 0, np.empty((n, 2)), np.empty((n - 1, 4))
    for epoch in range(1, options.epochs + 1):
        losses.append(_one_epoch(embedding, radius, weights, triples, options, optimiser, rng))
        z = _place(embedding, radius).detach().numpy().copy()  # a copy: the live weights move on
        if not np.isfinite(z).all():
            raise FloatingPointError(f"embedding not finite after epoch {epoch}: lower the learning rate")
        tree = decode_lca(z)
        costs.append(dasgupta_cost(tree, w))
        if costs[-1] < cost:
            cost, best_epoch, best_z, best_tree = costs[-1], epoch, z, tree
        if on_epoch:
            on_epoch(epoch, options.epochs)
        if epoch - best_epoch >= options.patience:
            break
        if epoch % options.anneal_every == 0:
            options = _annealed(options, optimiser)
    return HypHCFit(best_z, best_tree, cost, best_epoch, costs[-1], tuple(costs), tuple(losses))


def _checked(w: np.ndarray) -> Tensor:
    w = np.asarray(w, dtype=np.float64)
    if w.ndim != 2 or w.shape[0] != w.shape[1] or len(w) < 3:
        raise ValueError(f"similarities of shape {w.shape}: expected (n, n), n >= 3 for a triple")
    if not np.isfinite(w).all() or not np.allclose(w, w.T):
        raise ValueError("similarities with NaN, infinity, or not symmetric: expected finite w = w.T")
    return torch.from_numpy(w.copy())


def _start(
    n: int, options: HypHCOptions, rng: torch.Generator
) -> tuple[Tensor, Tensor | None, torch.optim.Optimizer]:
    ball = geoopt.PoincareBall()
    start = options.init_size * (2.0 * torch.rand(n, 2, generator=rng, dtype=torch.float64) - 1.0)
    embedding = geoopt.ManifoldParameter(ball.projx(start), manifold=ball)
    radius = None
    if options.radius == "shared":  # a point of the one-dimensional ball, as the published code treats it
        size = torch.tensor([options.init_size], dtype=torch.float64)
        radius = geoopt.ManifoldParameter(size, manifold=ball)
    parameters = [embedding] if radius is None else [embedding, radius]
    return embedding, radius, geoopt.optim.RiemannianAdam(parameters, lr=options.learning_rate)


def _place(embedding: Tensor, radius: Tensor | None) -> Tensor:
    """Leaves in the disk, (n, 2)."""
    if radius is None:
        return embedding
    return torch.nn.functional.normalize(embedding, dim=1) * radius.clamp(MIN_RADIUS, MAX_RADIUS)


def _one_epoch(
    embedding: Tensor,
    radius: Tensor | None,
    weights: Tensor,
    triples: Tensor,
    options: HypHCOptions,
    optimiser: torch.optim.Optimizer,
    rng: torch.Generator,
) -> float:
    total = 0.0
    for rows in torch.randperm(len(triples), generator=rng).split(options.batch):
        loss = triple_cost(_place(embedding, radius), weights, triples[rows], options.temperature)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(rows)
    return total / len(triples)


def _annealed(options: HypHCOptions, optimiser: torch.optim.Optimizer) -> HypHCOptions:
    """Temperature and learning rate fall together, as in the published code."""
    for group in optimiser.param_groups:
        group["lr"] *= options.anneal_factor
    return replace(options, temperature=options.temperature * options.anneal_factor)
