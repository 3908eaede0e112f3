r"""Soft-margin triplet losses; see `losses`, also for where text and code differ.

References
----------
[1] Tran, Hoang, "ComposeTransformers", 2022, section 3.
[2] Its code, hoangtv2000/Clothing_MMRetrieval: triplet_loss/, img_text_composition_model/, trainer/.
[3] google/tirg, torch_functions.py and img_text_composition_models.py (batch classification as well).
[4] ecom-research/ComposeAE, main.py.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Variant = Literal["coded", "literal"]
Gradient = Literal["half", "true"]
Sign = Literal["corrected", "literal"]

#: Negatives drawn for an anchor, in [2] and [3].
NEGATIVES: Final = 3


def soft_triplet(
    query: Tensor,
    target: Tensor,
    *,
    scale: Tensor | float,
    rng: torch.Generator,
    groups: Tensor | None = None,
    negatives: int = NEGATIVES,
    variant: Variant = "coded",
    gradient: Gradient | None = None,
) -> Tensor:
    r"""Soft-margin triplet loss, eq. 3.1: a mean over triplets of anchor, its own vector and a negative.

    .. math:: L = \frac1T \sum_{(a, p, n)} \log\big(1 + \exp(f (\cos(a, n) - \cos(a, p)))\big)

    *literal*: f = 1, anchors are the queries, negatives other rows' targets. *coded*: f = 2 s^2, anchors are queries
    and targets, negatives all vectors of other rows. Negatives of an anchor are drawn without replacement; where it
    has fewer than `negatives`, it takes them all.

    Parameters
    ----------
    query, target : (N, d) float, of any length
    scale : s, a number or a tensor that learns; *literal* has no s and does not read it
    rng : on the CPU, draws the negatives
    groups : (N,) integers, rows of one group (equal texts, say) are no negatives of each other; none are, by default,
        as published. Then a row still has only its own vector as positive
    gradient : "half" is the published backward pass, the default of *coded*; "true" is that of *literal*. The value is
        the same

    Returns a scalar above 0. Raises ValueError on other shapes or names, and where no row has a negative.
    """
    return _soft_margin(query, target, 1.0, scale, rng, groups, negatives, variant, gradient)


def symmetry(
    theta_star: Tensor,
    z: Tensor,
    *,
    scale: Tensor | float,
    rng: torch.Generator,
    groups: Tensor | None = None,
    negatives: int = NEGATIVES,
    variant: Variant = "coded",
    gradient: Gradient | None = None,
    sign: Sign = "corrected",
) -> Tensor:
    r"""Rotational symmetry loss: the target image, turned back by the text, is to find the source image (eq. 3.6).

    *corrected*, and coded: `soft_triplet` of theta* and z. *literal*: as printed, with the exponent's sign reversed,

    .. math:: \log\big(1 + \exp(\cos(\theta^\star_i, z_i) - \cos(\theta^\star_i, z_j))\big),

    which is least where theta* is opposite to its own source. Arguments as of `soft_triplet`; groups are of the rows
    with equal **sources**. Raises as it does.
    """
    if sign not in ("corrected", "literal"):
        raise ValueError(f"sign {sign!r}: expected 'corrected' or 'literal'")
    turn = 1.0 if sign == "corrected" else -1.0
    return _soft_margin(theta_star, z, turn, scale, rng, groups, negatives, variant, gradient)


def draw_negatives(allowed: Tensor, negatives: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """For each anchor some of its negatives, uniformly and without replacement.

    allowed (A, C) bool, on the CPU -> columns (A, M) int64 and which of them are allowed (A, M) bool, where M is
    `negatives` or C if that is less. An anchor with fewer than M negatives gets all of them.
    Raises ValueError on negatives < 1.
    """
    if negatives < 1:
        raise ValueError(f"{negatives} negatives: expected 1 or more")
    keys = torch.rand(allowed.shape, generator=rng).masked_fill(~allowed, torch.inf)
    lowest = keys.topk(min(negatives, allowed.shape[1]), dim=1, largest=False)
    return lowest.indices, lowest.values.isfinite()


class _HalfGradient(torch.autograd.Function):
    """A loss whose gradient is halved: what the backward pass of [2] and [3] does, where d |a - p|^2 lacks its 2."""

    @staticmethod
    def forward(ctx: Any, loss: Tensor) -> Tensor:  # noqa: ARG004
        """The loss as it is."""
        return loss.view_as(loss)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        """Half of the gradient."""
        return gradients[0] / 2


def _soft_margin(
    query: Tensor,
    target: Tensor,
    turn: float,
    scale: Tensor | float,
    rng: torch.Generator,
    groups: Tensor | None,
    negatives: int,
    variant: Variant,
    gradient: Gradient | None,
) -> Tensor:
    """Both triplet losses; `turn` is the sign of the exponent."""
    if variant not in ("coded", "literal") or gradient not in ("half", "true", None):
        raise ValueError(f"variant {variant!r}, gradient {gradient!r}: expected 'coded' or 'literal', 'half' or 'true'")
    group, n = checked_rows(query, target, groups), len(query)
    anchors, others = F.normalize(query, dim=1), F.normalize(target, dim=1)
    factor: Tensor | float = 1.0
    if variant == "coded":
        anchors = others = torch.cat([anchors, others])  # (2N, d)
        group, factor = group.repeat(2), 2 * scale**2
    cosines = anchors @ others.T  # (A, C): (2N, 2N) or (N, N)
    own = torch.arange(len(others)).roll(n)  # i belongs to i + N, and i + N to i; a roll by N of N moves nothing
    columns, there = draw_negatives(group[:, None] != group, negatives, rng)
    if not there.any():
        raise ValueError(f"{n} rows in {len(group.unique())} groups: expected two groups or more, for negatives")
    of_pair, of_negative = (cosines.gather(1, at.to(cosines.device)) for at in (own[:, None], columns))
    exponents = turn * factor * (of_negative - of_pair)  # (A, M)
    loss = -F.logsigmoid(-exponents[there.to(cosines.device)]).mean()  # exact for large exponents, unlike log(1 + exp)
    half = gradient == "half" or (gradient is None and variant == "coded")
    return _HalfGradient.apply(loss) if half else loss


def checked_rows(query: Tensor, target: Tensor, groups: Tensor | None) -> Tensor:
    """The group of each row, on the CPU."""
    if query.ndim != 2 or query.shape != target.shape or not len(query):
        raise ValueError(f"queries {tuple(query.shape)}, targets {tuple(target.shape)}: expected two of (N, d), N >= 1")
    if groups is None:
        return torch.arange(len(query))
    if groups.shape != query.shape[:1] or groups.is_floating_point():
        raise ValueError(f"groups {tuple(groups.shape)}, {groups.dtype}: expected ({len(query)},) integers")
    return groups.cpu()
