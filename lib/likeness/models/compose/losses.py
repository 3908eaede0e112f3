r"""Losses of image + text retrieval: soft-margin triplets, batch softmax, reconstruction, rotational symmetry.

Rows of a batch belong together: query i is to find target i. Vectors are brought to length 1 (one of zeros stays) and
compared by cosine; s is the learned length that the published code gives them afterwards.

Where text [1] and code [2] differ:

=================== ================================== ==========================================================
..                  literal [1]                        coded [2], as in TIRG [3]
=================== ================================== ==========================================================
exponent (3.1)      cos(neg) - cos(pos)                2 s^2 (cos(neg) - cos(pos)): squared distances at length s
anchors             the N queries                      all 2 N vectors, so that queries repel queries as well
gradient            of eq. 3.1                         half of the loss's own: the backward pass drops a factor 2
symmetry (3.6)      pushes theta* away from its source draws it there (here `sign`, as [1] surely means that)
reconstruction      sum over the numbers of a vector   mean (`reduction`): 1 / 384 of the sum
weight of symmetry  .1, "from the original paper"      .1; the original, ComposeAE [4], has .01
=================== ================================== ==========================================================

Eq. 3.1 has a floor: cosines differ by 2 at most, so that it stays above log(1 + exp(-2)) = .1269. Half the gradient of
two parts out of four doubles the weight of the reconstructions, .1, against them.

References
----------
[1] Tran, Hoang, "ComposeTransformers", 2022, section 3.
[2] Its code, hoangtv2000/Clothing_MMRetrieval: triplet_loss/, img_text_composition_model/, trainer/.
[3] google/tirg, torch_functions.py and img_text_composition_models.py (batch classification as well).
[4] ecom-research/ComposeAE, main.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from likeness.models.compose.composition import Composition
from likeness.models.compose.triplets import NEGATIVES, Gradient, Sign, Variant, checked_rows, soft_triplet, symmetry

__all__ = [
    "COMPOSE_AE", "NEGATIVES", "Base", "Gradient", "Objective", "Reduction", "Sign", "Variant", "Weights",
    "batch_softmax", "reconstruction", "soft_triplet", "symmetry", "total",
]  # fmt: skip

Reduction = Literal["mean", "sum"]
Base = Literal["triplet", "softmax"]


def batch_softmax(query: Tensor, target: Tensor, *, scale: Tensor | float, groups: Tensor | None = None) -> Tensor:
    r"""Batch classification of TIRG and, on Fashion200k, of ComposeAE: the softmax over the targets of the batch.

    .. math:: L = \frac1N \sum_i -\log \frac{\exp(s^2 \cos(q_i, t_i))}{\sum_j \exp(s^2 \cos(q_i, t_j))}

    Arguments as of `soft_triplet`; rows of i's group other than i are left out of the sum over j. Returns a scalar of
    0 or more. Raises ValueError on other shapes.
    """
    group = checked_rows(query, target, groups).to(query.device)
    logits = scale**2 * F.normalize(query, dim=1) @ F.normalize(target, dim=1).T  # (N, N)
    same = (group[:, None] == group).fill_diagonal_(False)
    return F.cross_entropy(logits.masked_fill(same, -torch.inf), torch.arange(len(query), device=query.device))


def reconstruction(x: Tensor, x_hat: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    r"""Squared error of a reconstruction, eq. 3.2-3.3 (the second is printed as :math:`L_{RI}` once more).

    .. math:: L = \frac1N \sum_i |x_i - \hat x_i|^2 \quad\text{("sum", literal)},\qquad
              L = \frac1{Nd} \sum_i |x_i - \hat x_i|^2 \quad\text{("mean", coded)}

    x, x_hat (N, d). As published, x passes gradients on as well: an image encoder that learns is drawn towards features
    that are easy to rebuild. Raises ValueError on shapes that differ or another reduction.

    >>> import torch
    >>> x = torch.zeros(1, 4)
    >>> reconstruction(x, x + 1).item(), reconstruction(x, x + 1, reduction="sum").item()
    (1.0, 4.0)
    """
    if x.ndim != 2 or x.shape != x_hat.shape or reduction not in ("mean", "sum"):
        raise ValueError(
            f"vectors {tuple(x.shape)} and {tuple(x_hat.shape)}, reduction {reduction!r}: "
            "expected two of (N, d), and 'mean' or 'sum'"
        )
    mean = F.mse_loss(x_hat, x)
    return mean if reduction == "mean" else mean * x.shape[1]


@dataclass(frozen=True)
class Weights:
    """Weights of the four parts, eq. 3.7: finite and 0 or more. Parts of weight 0 are not computed, but for the base.

    Raises ValueError on other weights.
    """

    base: float = 1.0
    image: float = 0.1
    text: float = 0.1
    symmetry: float = 0.1

    def __post_init__(self) -> None:
        """Check them."""
        if not all(0.0 <= getattr(self, field.name) < math.inf for field in fields(self)):
            raise ValueError(f"{self}: expected finite weights of 0 or more")


#: Of ComposeAE's code [4], "the original paper" of which [1] says that it took its own.
COMPOSE_AE: Final = Weights(symmetry=0.01)


@dataclass(frozen=True)
class Objective:
    """What `total` adds up; by default what [2] trains. `base` "softmax" holds for the symmetry loss too, as in [4].

    Raises ValueError on a literal sign with "softmax": eq. 3.6 is of triplets.
    """

    base: Base = "triplet"
    weights: Weights = Weights()
    negatives: int = NEGATIVES
    variant: Variant = "coded"
    gradient: Gradient | None = None
    sign: Sign = "corrected"
    reduction: Reduction = "mean"

    def __post_init__(self) -> None:
        """Check what no loss would."""
        if self.base not in ("triplet", "softmax") or (self.base == "softmax" and self.sign != "corrected"):
            raise ValueError(f"base {self.base!r}, sign {self.sign!r}: expected 'triplet', or 'softmax', 'corrected'")


def total(
    composition: Composition,
    z: Tensor,
    q: Tensor,
    target: Tensor,
    *,
    scale: Tensor | float,
    rng: torch.Generator,
    groups: Tensor | None = None,
    sources: Tensor | None = None,
    objective: Objective = Objective(),  # noqa: B008  # frozen
) -> tuple[Tensor, dict[str, Tensor]]:
    r"""Loss of a batch, eq. 3.7: :math:`L = L_{base} + w_I L_{RI} + w_T L_{RT} + w_S L_{sym}`.

    Parameters
    ----------
    z, q, target : features of source images (N, d), of texts (N, h) and of target images (N, d), not normalised
    groups, sources : (N,) integers each, rows with equal targets (or texts), and rows with equal source images: no
        negatives of each other in the base loss, and in the symmetry loss

    Returns
    -------
    The loss, and its parts without weights or gradients: "base", and "image", "text", "symmetry" where the composition
    has them and their weight is not 0.
    """
    weights = objective.weights
    theta = composition(z, q)
    parts = {"base": _compare(theta, target, objective, "corrected", scale, rng, groups)}
    rebuilt = composition.reconstruct(theta) if weights.image or weights.text else None
    for name, x, x_hat in zip(("image", "text"), (z, q), rebuilt or (), strict=False):
        if getattr(weights, name):
            parts[name] = reconstruction(x, x_hat, reduction=objective.reduction)
    theta_star = composition.reverse(target, q) if weights.symmetry else None
    if theta_star is not None:
        parts["symmetry"] = _compare(theta_star, z, objective, objective.sign, scale, rng, sources)
    loss = torch.stack([getattr(weights, name) * part for name, part in parts.items()]).sum()
    return loss, {name: part.detach() for name, part in parts.items()}


def _compare(
    query: Tensor,
    target: Tensor,
    objective: Objective,
    sign: Sign,
    scale: Tensor | float,
    rng: torch.Generator,
    groups: Tensor | None,
) -> Tensor:
    """`symmetry`, which without a sign of its own is `soft_triplet`, or `batch_softmax`."""
    if objective.base == "softmax":
        return batch_softmax(query, target, scale=scale, groups=groups)
    return symmetry(
        query, target, scale=scale, rng=rng, groups=groups, negatives=objective.negatives, variant=objective.variant,
        gradient=objective.gradient, sign=sign,
    )  # fmt: skip
