"""Triplet loss and HypHC loss of the clustering paper, on similarities that are being learned.

References
----------
[1] Gigli, Marcotegui, Velasco-Forero, GSI 2021, eq. 1-4.
[2] Chami, Gu, Chatziafratis, Re, "From Trees to Continuous Embeddings and Back", NeurIPS 2020.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

Variant = Literal["corrected", "literal"]
Reduction = Literal["mean", "sum"]

#: artanh and the square root have infinite slopes at 1 and 0; float32 keeps about 7 digits below 1.
_EDGE = 1e-6


def cosine(directions: Tensor) -> Tensor:
    """Similarity of eq. 4: u (n, 2) unit rows -> s (n, n) in [-1, 1] (the paper's codomain R+ is an erratum)."""
    return directions @ directions.T


class Pairs(NamedTuple):
    """All unordered pairs (a, p) of one class among l labelled points, and their negatives."""

    anchor: Tensor  # (P,) int64
    positive: Tensor  # (P,) int64
    negative: Tensor  # (P, l) float, 1 where point n is of another class


def same_class_pairs(labels: Tensor) -> Pairs:
    """Pairs from labels (l,) int64; with their negatives they stand for every labelled triplet.

    Raises
    ------
    ValueError : when no triplet exists (one class only, or no class with two points)
    """
    same = labels[:, None] == labels[None, :]
    anchor, positive = same.triu(1).nonzero(as_tuple=True)
    if len(anchor) == 0 or bool(same.all()):
        raise ValueError(
            f"no triplet can be formed from {len(labels)} labelled points in {len(labels.unique())} classes: "
            "label at least two points of one class and one of another"
        )
    return Pairs(anchor, positive, (~same[anchor]).float())


def triplet_loss(
    s: Tensor, pairs: Pairs, margin: float, *, variant: Variant = "corrected", reduction: Reduction = "mean"
) -> Tensor:
    r"""Triplet loss over all labelled triplets.

    .. math::
        \mathcal L = \mathrm{mean}_{(a,p,n):\,\ell>0}\ \ell_{apn},\qquad
        \ell_{apn} = \max(s_{an} - s_{ap} + \alpha,\ 0)

    Parameters
    ----------
    s : (l, l) similarities of the labelled points (cosine, -1 ... 1)
    pairs : of their labels, see `same_class_pairs`
    margin : alpha > 0
    variant : ``"corrected"`` as above, and as the published code has it; ``"literal"`` is eq. 3 as printed,
        ``max(s_ap - s_an + alpha, 0)``, which with a *similarity* pushes members of a class apart
    reduction : ``"mean"`` over the violating triplets (published code); ``"sum"`` over all (eq. 3 as printed)

    Returns
    -------
    scalar >= 0; exactly 0 (with zero gradient) when no triplet violates the margin
    """
    sign = 1.0 if variant == "corrected" else -1.0
    s_ap = s[pairs.anchor, pairs.positive][:, None]  # (P, 1)
    # a pair serves twice, each of its points being the anchor once
    violations = [
        torch.relu(sign * (s.index_select(0, end) - s_ap) + margin) * pairs.negative  # (P, l)
        for end in (pairs.anchor, pairs.positive)
    ]
    total = violations[0].sum() + violations[1].sum()
    if reduction == "sum":
        return total
    count = torch.count_nonzero(violations[0]) + torch.count_nonzero(violations[1])
    return total / count.clamp(min=1)


def labelled_triples(labels: Tensor, per_anchor: int, generator: torch.Generator) -> Tensor:
    """Triples (anchor, positive, negative) by label, ``per_anchor`` an anchor with replacement (published code).

    Returns (l * per_anchor, 3) int64; anchors alone in their class draw none.
    """
    pairs = same_class_pairs(labels)
    same = (labels[:, None] == labels[None, :]).double()
    others = same.clone().fill_diagonal_(0.0)
    rows = torch.cat([pairs.anchor, pairs.positive]).unique()  # anchors that have a positive
    draw_p = torch.multinomial(others[rows], per_anchor, replacement=True, generator=generator)
    draw_n = torch.multinomial(1.0 - same[rows], per_anchor, replacement=True, generator=generator)
    return torch.stack([rows.repeat_interleave(per_anchor), draw_p.reshape(-1), draw_n.reshape(-1)], dim=1)


def random_triples(n: int, count: int, generator: torch.Generator) -> Tensor:
    """``count`` triples of three different points out of n, uniformly: the sampling of [2]. (count, 3) int64."""
    if n < 3:
        raise ValueError(f"a triple needs three points, got {n}")
    i = torch.randint(n, (count,), generator=generator)
    j = (i + torch.randint(1, n, (count,), generator=generator)) % n
    low, high = torch.minimum(i, j), torch.maximum(i, j)
    k = torch.randint(n - 2, (count,), generator=generator)
    k = k + (k >= low).long()  # skip the two that are taken
    k = k + (k >= high).long()
    return torch.stack([i, j, k], dim=1)


def lca_depth(w: Tensor, radius: Tensor) -> Tensor:
    r"""Depth of the hyperbolic LCA of two points at the same radius r.

    .. math::
        d_o(z_i \vee z_j) = \operatorname{artanh}\!\Big(\sqrt{w_{ij}}\,\frac{2r}{1+r^2}\Big),
        \qquad w_{ij} = \tfrac12(1+\cos\theta_{ij})

    The foot of the perpendicular from the origin halves the angle: in that right triangle
    ``tanh(leg) = cos(theta/2) tanh(hypotenuse)``, ``cos(theta/2) = sqrt(w)`` and
    ``tanh(2 artanh r) = 2r / (1 + r^2)``. It grows with w: decoding by LCA is decoding by angle.

    Parameters
    ----------
    w : any shape, in [0, 1]
    radius : (1,) in (0, 1)
    """
    top = 2 * radius / (1 + radius**2)
    # sqrt has an infinite slope at 0 (antipodal points): hold w away from it
    return torch.atanh((w.clamp(_EDGE, 1.0).sqrt() * top).clamp(max=1 - _EDGE))


def hyphc_loss(s: Tensor, radius: Tensor, triples: Tensor, temperature: float, *, detach: bool = False) -> Tensor:
    r"""Continuous Dasgupta cost of eq. 1 over given triples, with learned similarities.

    .. math::
        \mathrm{mean}_{ijk}\big(w_{ij}+w_{ik}+w_{jk}-\langle w_{ijk},
        \sigma_\tau(d_o(z_i\vee z_j), d_o(z_i\vee z_k), d_o(z_j\vee z_k))\rangle\big) + \mathrm{mean}_{ij} w_{ij}

    The paper prints sums over all i, j, k; the mean over sampled triples is the published code's and differs by a
    constant factor.

    Parameters
    ----------
    s : (m, m) cosine of the points; weights are w = (1 + s) / 2
    radius : (1,) learned radius
    triples : (t, 3) int64 indices into s
    temperature : tau > 0 (.1 in Table 1)
    detach : hold the weights fixed inside the loss (not what the paper or its code does)

    Returns
    -------
    scalar >= 0
    """
    if len(triples) == 0:
        raise ValueError("the HypHC loss needs at least one triple")
    m = len(s)
    w, depth = _weights_and_depths(s, radius, detach)
    table = torch.stack([w, depth], dim=-1).reshape(m * m, 2)
    i, j, k = triples.T
    rows = table.index_select(0, torch.cat([i * m + j, i * m + k, j * m + k])).reshape(3, -1, 2)
    return _triple_cost(rows[..., 0], rows[..., 1], temperature).mean() + w.mean()


def hyphc_loss_all(
    s: Tensor,
    radius: Tensor,
    pairs: Pairs,
    temperature: float,
    *,
    detach: bool = False,
    reduction: Reduction = "mean",
) -> Tensor:
    """`hyphc_loss` over **every** labelled triple (a, p, n): the expectation of the published code's sampling.

    It costs less than sampling 1000 triples an anchor, because rows are gathered instead of single entries.
    Parameters as there, with ``pairs`` of the labels of the m points; ``reduction="sum"``: both means become the sums
    that eq. 1 prints, which weighs the two terms and the triplet loss against each other by how many there are.
    """
    w, depth = _weights_and_depths(s, radius, detach)
    a, p = pairs.anchor, pairs.positive
    stacked = [
        torch.stack([t[a, p][:, None].expand_as(pairs.negative), t.index_select(0, a), t.index_select(0, p)])
        for t in (w, depth)
    ]  # (3, P, m) each
    cost = _triple_cost(stacked[0], stacked[1], temperature) * pairs.negative
    if reduction == "sum":
        return cost.sum() + w.sum()
    return cost.sum() / pairs.negative.sum() + w.mean()


def _weights_and_depths(s: Tensor, radius: Tensor, detach: bool) -> tuple[Tensor, Tensor]:
    w = (1 + s).clamp(0, 2) / 2  # (m, m)
    return (w.detach() if detach else w), lca_depth(w, radius)


def _triple_cost(weight: Tensor, depth: Tensor, temperature: float) -> Tensor:
    """Sum of the three weights less their softmax average, (3, ...) -> (...)."""
    return weight.sum(0) - (weight * torch.softmax(depth / temperature, dim=0)).sum(0)
