"""Training of the factor models, by BPR or WARP loss and row-wise Adam, with one budget for all.

References
----------
[1] Rendle et al., BPR, UAI 2009: the loss, and figure 4, whose step pulls the rows of its triple alone to 0.
[2] Weston et al., WSABIE, IJCAI 2011. [3] LightFM, ``fit_warp``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeVar, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from likeness.models.dvbpr.factors import FactorModel
from likeness.models.dvbpr.sampling import Drawn, Weights, first_violators, history_of, negatives, rank_weights

Loss = Literal["bpr", "warp"]
Model = TypeVar("Model", bound=FactorModel)
#: Negatives that WARP tries for a pair at most, LightFM's default; a pair without a violator among them teaches
#: nothing. WSABIE goes on to N - 1. With ten, r = (N - 1) // Q lies within a factor of ten and weights are much alike.
TRIALS: Final = 10


@dataclass(frozen=True)
class Tuning:
    """How a factor model is trained; the paper tunes K in {10, 30, 50} and l2 in {0, .001, .01, .1, 1, 10, 30}.

    factors : K. l2 : of `objective`. rate : of Adam. epochs : passes through the pairs. batch : pairs a step
    """

    factors: int
    l2: float
    rate: float
    epochs: int
    batch: int = 1024

    def __post_init__(self) -> None:
        """Refuse what cannot train."""
        if min(self.factors, self.epochs, self.batch) < 1 or not self.l2 >= 0 or not self.rate > 0:
            raise ValueError(f"{self}: expected factors, epochs and batch >= 1, l2 >= 0, rate > 0")


def bpr_loss(scores: Tensor) -> Tensor:
    r"""Minus the logarithm of the chance that i comes before j [1] (eq. 5): scores (B, 2) of i and j -> (B,) > 0.

    .. math:: -\ln \sigma(x_{u,i} - x_{u,j})

    >>> bpr_loss(torch.tensor([[0.0, 0.0], [3.0, 1.0]]))
    tensor([0.6931, 0.1269])
    """
    return F.softplus(scores[:, 1] - scores[:, 0])


def warp_loss(scores: Tensor, weights: Tensor) -> Tensor:
    r"""Weighted hinge [2] of a positive and its violator: scores (B, 2) of i and j, weights (B,) -> (B,) >= 0.

    .. math:: L(r) \, \max(0, 1 - x_{u,i} + x_{u,j})

    >>> warp_loss(torch.tensor([[2.0, 1.5], [2.0, 0.5]]), torch.tensor([3.0, 3.0]))
    tensor([1.5000, 0.0000])
    """
    return weights * F.relu(1.0 - scores[:, 0] + scores[:, 1])


def objective(model: FactorModel, users: Tensor, items: Tensor, l2: float, weights: Tensor | None = None) -> Tensor:
    r"""What is minimised, summed over the triples of a batch, a scalar.

    .. math:: \sum_{(u,i,j)} \ell(x_{u,i}, x_{u,j}) + \frac{\lambda}{2} \bigl(\|\Theta_u\|^2 + \|\Theta_i\|^2 +
        \|\Theta_j\|^2 + \|\Theta\|^2\bigr)

    the rows of the triple and the shared weights that the model regularises: the half makes lambda the one of the step
    of [1], of LightFM and of implicit, theta += rate * (... - lambda theta).

    users : (B,) int64. items : (B, 2) int64, i and j. weights : (B,) for the WARP loss, None for BPR
    """
    parts = model.parts(users, items)
    scores = parts.scores()
    losses = bpr_loss(scores) if weights is None else warp_loss(scores, weights)
    return losses.sum() + 0.5 * l2 * (parts.squares.sum() + len(users) * parts.shared)


def fit(
    model: Model,
    pairs: np.ndarray,
    tuning: Tuning,
    seed: int,
    after: Callable[[int, Model], None],
    *,
    loss: Loss = "bpr",
    drawn: Drawn = "uniform",
    variant: Weights = "coded",
) -> list[float]:
    """Train in place on who took what; mean objective a pair, of each epoch, before its steps.

    Every epoch goes once through the pairs in a new order, with new negatives for each. Rows of users and items are
    moved by torch's SparseAdam, shared weights by Adam: a row without a pair in the batch stays as it is, momentum
    included, so that a step costs the same whatever N is. Order and negatives are drawn on the CPU from `seed`.

    Parameters
    ----------
    pairs : (n, 2) int, user and item, of training alone; what is among them is never a negative
    after : called with (epoch, model) after each epoch, from 1
    loss : "bpr"; "warp", the first of `TRIALS` negatives that violates the margin 1, weighted by its estimated rank
    drawn : how negatives are drawn, see `sampling.negatives`; WARP's by the literature and LightFM are "uniform"
    variant : of WARP's weights, see `sampling.rank_weights`

    Raises
    ------
    ValueError : pairs out of range, other factors than the model's, an unknown loss
    FloatingPointError : the objective is not finite; the epoch is named
    """
    if loss not in get_args(Loss) or tuning.factors != model.factors:
        raise ValueError(
            f"loss {loss!r}, {tuning.factors} factors: expected {' or '.join(get_args(Loss))}, and {model.factors} "
            "factors as the model has"
        )
    history = history_of(pairs, model.users, model.items)
    pairs, rng = np.asarray(pairs, np.int64), np.random.default_rng(seed)
    device = model.user_table.weight.device
    optimisers = _optimisers(model, tuning.rate)
    losses = []
    for epoch in range(1, tuning.epochs + 1):
        order = pairs[rng.permutation(len(pairs))]
        tried = negatives(rng, order[:, 0], history, TRIALS if loss == "warp" else 1, drawn=drawn)  # (n, T)
        triples = torch.from_numpy(np.concatenate([order, tried], axis=1)).to(device)  # (n, 2 + T)
        of_warp = variant if loss == "warp" else None
        total = sum(_step(model, batch, tuning.l2, optimisers, of_warp) for batch in triples.split(tuning.batch))
        losses.append(float(total) / len(pairs))
        if not np.isfinite(losses[-1]):
            raise FloatingPointError(f"the loss became {losses[-1]} in epoch {epoch}: lower the rate, {tuning.rate}")
        after(epoch, model)
    return losses


def _step(
    model: FactorModel, batch: Tensor, l2: float, optimisers: list[torch.optim.Optimizer], variant: Weights | None
) -> Tensor:
    """One step on rows of user, item and tried negatives (B, 2 + T); the objective, summed."""
    users, items, weights = batch[:, 0], batch[:, 1:], None
    if variant is not None:
        users, items, weights = _violations(model, users, items, variant)
        if not len(users):
            return batch.new_zeros((), dtype=torch.float32)
    for optimiser in optimisers:
        optimiser.zero_grad(set_to_none=True)
    total = objective(model, users, items, l2, weights)
    (total / len(batch)).backward()
    for optimiser in optimisers:
        optimiser.step()
    return total.detach()


@torch.no_grad()
def _violations(model: FactorModel, users: Tensor, items: Tensor, variant: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Of users (B,) and items (B, 1 + T), those with a violator: users (b,), i and j (b, 2), weights (b,)."""
    scores = model.parts(users, items).scores().cpu().numpy()
    rows, columns = first_violators(scores[:, 0], scores[:, 1:])
    weights = torch.from_numpy(rank_weights(columns + 1, model.items, variant=variant))
    at, column = torch.from_numpy(rows).to(users.device), torch.from_numpy(columns + 1).to(users.device)
    chosen = torch.stack([items[at, 0], items[at, column]], dim=1)
    return users[at], chosen, weights.to(users.device, model.user_table.weight.dtype)


def _optimisers(model: FactorModel, rate: float) -> list[torch.optim.Optimizer]:
    tables = [model.user_table.weight, model.item_table.weight]
    shared = [weight for weight in model.parameters() if all(weight is not table for table in tables)]
    found: list[torch.optim.Optimizer] = [torch.optim.SparseAdam(tables, lr=rate)]
    return [*found, torch.optim.Adam(shared, lr=rate)] if shared else found
