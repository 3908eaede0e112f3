r"""Factor models of Table III: BPR-MF, factorisation machines and VBPR, of one form.

.. math:: x_{u,i} = b_i + p_u^T q_i

with biases, user vectors and item vectors as each defines them. The offset :math:`\alpha` and the user's bias
:math:`\beta_u` of eq. 1 and 2 cancel between two items of a user (the paper's section III-B), so they are left out.

**Features** f are (N, D) real, one row an item, centred and of norm about 1 (`visrank.unit_rows` makes such): the first
weights and the learning rates are those of factors of that size.

References
----------
[1] Rendle et al., BPR, UAI 2009. [2] Rendle, Factorization machines, ICDM 2010.
[3] Kula, LightFM, 2015: how Kang et al. (ICDM 2017, section IV-B) ran FM. [4] He & McAuley, VBPR, AAAI 2016.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor, nn

Pulled = Literal["rows", "lightfm"]


class Parts(NamedTuple):
    """What the scores of a batch are made of.

    user (B, P), item (B, m, P) and bias (B, m): p_u, q_i and b_i. squares (B,): squared norm of the rows of each user
    and its items that L2 pulls to 0. shared: the same of weights that all items share, a scalar.
    """

    user: Tensor
    item: Tensor
    bias: Tensor
    squares: Tensor
    shared: Tensor

    def scores(self) -> Tensor:
        """x = b + p.q, (B, m)."""
        return self.bias + (self.user[:, None] * self.item).sum(dim=2)


class FactorModel(nn.Module):
    """Users' factors (U, K') and items' factors and biases (N, K'' + 1), which `fit` trains.

    Weights are uniform in (-.5, .5) / K, drawn on the CPU from `seed`, biases 0: as LightFM and implicit begin.
    Tables have sparse gradients: a step moves the rows of its batch alone (see `fitting.fit`).
    """

    def __init__(self, users: int, items: int, factors: int, of_user: int, of_item: int, seed: int) -> None:
        super().__init__()
        if min(users, items, factors, of_item) < 1:
            raise ValueError(f"{users} users, {items} items, {factors} factors: expected one or more of each")
        self.users, self.items, self.factors = users, items, factors
        self._rng = torch.Generator().manual_seed(seed)
        self.user_table = nn.Embedding(users, of_user, sparse=True, _weight=self._drawn(users, of_user))
        table = self._drawn(items, of_item + 1)
        table[:, -1] = 0.0
        self.item_table = nn.Embedding(items, of_item + 1, sparse=True, _weight=table)  # gamma_i, and b_i as last

    def parts(self, users: Tensor, items: Tensor) -> Parts:
        """What scores users (B,) and items (B, m), int64, are made of."""
        user, row = self.user_table(users), self.item_table(items)
        item, bias = self._item(row, items)
        squares = user.square().sum(dim=1) + row.square().sum(dim=(1, 2))
        return Parts(user, item, bias, squares, self._shared())

    def score(self, users: Tensor, items: Tensor) -> Tensor:
        """x of users (B,) int64 and as many items: (B,)."""
        if users.shape != items.shape or users.ndim != 1:
            raise ValueError(f"users {tuple(users.shape)}, items {tuple(items.shape)}: expected (B,) of both")
        return self.parts(users, items[:, None]).scores()[:, 0]

    @torch.no_grad()
    def all_scores(self) -> np.ndarray:
        """x of every user and item: (U, N) float32."""
        every = torch.arange(self.items, device=self.user_table.weight.device)
        item, bias = self._item(self.item_table.weight, every)
        return (bias + self.user_table.weight @ item.T).float().cpu().numpy()

    def _item(self, row: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """q_i (..., P) and b_i (...) from the table's rows (..., K'' + 1) and the numbers (...) of the items."""
        raise NotImplementedError

    def _shared(self) -> Tensor:
        """Squared norm of the shared weights that L2 pulls to 0."""
        return self.user_table.weight.new_zeros(())

    def _drawn(self, *shape: int) -> Tensor:
        return (torch.rand(shape, generator=self._rng) - 0.5) / self.factors


class BPRMF(FactorModel):
    r"""Matrix factorisation [1] (eq. 1), also under the WARP loss.

    .. math:: x_{u,i} = \beta_i + \gamma_u^T \gamma_i

    factors : K >= 1. Raises ValueError on fewer users, items or factors than one.
    """

    def __init__(self, users: int, items: int, factors: int, seed: int) -> None:
        super().__init__(users, items, factors, factors, factors, seed)

    def _item(self, row: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        return row[..., :-1], row[..., -1]


class FM(FactorModel):
    r"""Factorisation machine [2] with the interactions user x item and user x feature alone, as a LightFM hybrid [3].

    .. math:: x_{u,i} = \beta_i + w^T f_i + \gamma_u^T (\gamma_i + V^T f_i)

    An item is the sum of its own embedding and of its features', weighted; all K factors serve both.

    features : (N, D) real, see the module. factors : K >= 1.
    pulled : what L2 pulls to 0. "rows": gamma and beta alone, so that FM and VBPR are treated alike; "lightfm": w and
        V (D, K) too, as ``item_alpha`` does. All triples share these and each pulls, so a lambda that is small for a
        row that a few of them touch is large here.

    Raises ValueError on other features, fewer factors than one, or an unknown option.
    """

    def __init__(self, users: int, features: np.ndarray, factors: int, seed: int, *, pulled: Pulled = "rows") -> None:
        if pulled not in get_args(Pulled):
            raise ValueError(f"pulled {pulled!r}: expected {' or '.join(get_args(Pulled))}")
        super().__init__(users, len(features), factors, factors, factors, seed)
        self.features: Tensor
        self.register_buffer("features", _checked(features))
        first = self._drawn(self.features.shape[1], factors + 1)
        first[:, -1] = 0.0
        self.weights = nn.Parameter(first)  # V, and w as last
        self.pulled = pulled

    def _item(self, row: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        both = row + self.features[items] @ self.weights  # of the batch's items, not of all N
        return both[..., :-1], both[..., -1]

    def _shared(self) -> Tensor:
        return self.weights.square().sum() if self.pulled == "lightfm" else super()._shared()


class VBPR(FactorModel):
    r"""Visual BPR [4] (eq. 2).

    .. math:: x_{u,i} = \beta_i + \gamma_u^T \gamma_i + \theta_u^T (E f_i) \;[+\; \beta'^T f_i]

    K is shared as in [4], half and half: gamma has K - K // 2 and theta K // 2. E (K // 2, D) and beta' are not pulled
    to 0: [4] sets their lambda to 0 throughout.

    visual_bias : with beta'.f, which [4] has and eq. 2 of Kang et al. has not
    features : (N, D) real, see the module. factors : K >= 2.
    Raises ValueError on other features, or fewer factors than two.
    """

    def __init__(self, users: int, features: np.ndarray, factors: int, seed: int, *, visual_bias: bool = True) -> None:
        if factors < 2:
            raise ValueError(f"{factors} factors: expected two or more, half for gamma and half for theta")
        super().__init__(users, len(features), factors, factors, factors - factors // 2, seed)
        self.features: Tensor
        self.register_buffer("features", _checked(features))
        depth, visual = self.features.shape[1], factors // 2
        self.embedding = nn.Parameter(self._drawn(depth, visual))  # E, transposed
        self.visual_bias = nn.Parameter(torch.zeros(depth)) if visual_bias else None

    def _item(self, row: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        f = self.features[items]  # (..., D)
        bias = row[..., -1] if self.visual_bias is None else row[..., -1] + f @ self.visual_bias
        return torch.cat([row[..., :-1], f @ self.embedding], dim=-1), bias


def _checked(features: np.ndarray) -> Tensor:
    features = np.asarray(features)
    if features.ndim != 2 or features.dtype.kind != "f" or not features.size or not np.isfinite(features).all():
        kind = f"{features.shape}, {features.dtype}"
        raise ValueError(f"features of shape {kind}: expected (N, D) finite real numbers, N and D >= 1")
    return torch.from_numpy(features.astype(np.float32))
