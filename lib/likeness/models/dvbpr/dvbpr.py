r"""DVBPR: a user's taste against what a network sees in the photograph, and the loss that trains both.

.. math:: x_{u,i} = \theta_u^\top \Phi(X_i) \tag{6}

References
----------
[1] Kang, Fang, Wang, McAuley, ICDM 2017, eq. 3-6; code kang205/DVBPR, whose loss and start are followed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.models.photographs import check_photographs, layout, sent

#: Half of the largest value of a pixel.
_HALF: Final = 127.5
#: theta starts uniform in [0, 1) / 100.
_START: Final = 100.0
#: Photographs at once where no gradient is kept.
BLOCK: Final = 256

Variant = Literal["coded", "literal"]


class DVBPR(nn.Module):
    r"""Eq. 6: theta (U, K), which starts uniform in [0, .01), and a network of photographs.

    The bias of the network's last layer cancels in eq. 4: rounding alone moves it, here and in the published code. A
    user's scores are thus known up to a constant: their order and differences mean something, their ratios do not.

    Parameters
    ----------
    phi : any module (B, 3, s, s) in [-1, 1] -> (B, K); `CNNF`, or `Warm`
    users, factors : U and K
    items : N, for the terms of eq. 2 that eq. 3 leaves out, a bias of each item and K factors that no photograph shows,
        :math:`x_{u,i} = \theta_u^\top \Phi(X_i) + \gamma_u^\top \gamma_i + \beta_i`; 0, as in the paper, has none
    rng : draws theta and gamma, alike, on the CPU; None is torch's current generator

    Inside, the terms lengthen the vectors: a user's is (theta, gamma_u, 1), a photograph's (Phi, gamma_i, beta_i).
    """

    def __init__(
        self, phi: nn.Module, users: int, factors: int, *, items: int = 0, rng: torch.Generator | None = None
    ) -> None:
        super().__init__()
        if users < 1 or factors < 1 or items < 0:
            raise ValueError(f"{users} users, {factors} factors, {items} items: expected 1 or more, 0 or more items")
        made = getattr(phi, "factors", factors)
        if made != factors:
            raise ValueError(f"a network of {made} factors for users of {factors}: expected as many of both")
        self.phi = phi
        self.theta = nn.Parameter(torch.rand(users, factors, generator=rng) / _START)
        self.terms = items > 0
        if self.terms:
            self.gamma_user = nn.Parameter(torch.rand(users, factors, generator=rng) / _START)
            self.gamma_item = nn.Parameter(torch.rand(items, factors, generator=rng) / _START)
            self.beta = nn.Parameter(torch.zeros(items))

    def vectors(self, x: Tensor) -> Tensor:
        """Phi(X): x (B, 3, s, s) in [-1, 1] -> (B, K)."""
        return self.phi(x)

    def score(self, users: Tensor, x: Tensor) -> Tensor:
        """Eq. 6 without the terms of eq. 2: users (B,) int64, their photographs x (B, 3, s, s) -> (B,), unbounded."""
        return (self.theta[users] * self.phi(x)).sum(dim=1)

    def of_users(self, users: Tensor | slice) -> tuple[Tensor, Tensor]:
        """What items are multiplied by, (B, K) or (B, 2 K + 1) with the terms, and what of it is learnt."""
        theta = self.theta[users]
        if not self.terms:
            return theta, theta
        learnt = torch.cat([theta, self.gamma_user[users]], dim=1)
        return torch.cat([learnt, learnt.new_ones(len(learnt), 1)], dim=1), learnt

    def of_items(self, items: Tensor | slice, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B, K) of the photographs of items, lengthened by the terms, and what of it is learnt by item."""
        if not self.terms:
            return vectors, vectors[:, :0]
        own = torch.cat([self.gamma_item[items], self.beta[items][:, None]], dim=1)
        return torch.cat([vectors, own], dim=1), own

    def weights(self) -> list[nn.Parameter]:
        """What weight decay is for: filters and matrices of the network; no biases, no scales of normalisations."""
        return [w for w in self.phi.parameters() if w.ndim > 1]


def pair_losses(theta: Tensor, liked: Tensor, other: Tensor, taken: Tensor | None = None) -> Tensor:
    r"""What each positive adds to the loss, (B,) >= 0: eq. 4 and the first term of eq. 5.

    .. math:: -\ln \sigma(\theta_u^\top (\Phi_i - \Phi_j))

    theta, liked (B, K): the users of a batch and vectors of their positives. other (B, K): a negative each.

    With `taken` (B, M) bool all the M negatives `other` (M, K) serve every positive, a **departure from the paper**:
    the mean of the above over the j that are not in the user's history, so that a positive weighs as much against the
    penalties as with one negative. Raises ValueError where a user has none left.
    """
    if taken is None:
        return -F.logsigmoid((theta * (liked - other)).sum(dim=1))
    if (left := (~taken).sum(dim=1)).min() < 1:
        raise ValueError("a user of the batch has taken all its negatives: expected at least one that is new to each")
    x = (theta * liked).sum(dim=1, keepdim=True) - theta @ other.T  # (B, M)
    return (-F.logsigmoid(x)).masked_fill(taken, 0.0).sum(dim=1) / left


def penalty(
    theta: Tensor, weights: Iterable[Tensor], l2_theta: float, weight_decay: float, *, variant: Variant = "coded"
) -> Tensor:
    r"""Regulariser of a step, the second term of eq. 5: a scalar >= 0, to be added to the **sum** of a batch's losses.

    .. math:: c\,\Big(\lambda_\theta \sum_{b=1}^B |\theta_{u_b}|^2 + \lambda_W \sum_w |w|^2\Big)

    theta (B, K): of the batch, a user who occurs twice counts twice, so that lambda_theta is by triple, whatever B; the
    network's weights count once a step, so that their decay is by B triples: a mean over the batch in place of the sum
    would make it 128 times as strong. *coded*: c = 1/2, `tf.nn.l2_loss`. *literal*: c = 1, eq. 5 as printed.

    >>> float(penalty(torch.ones(2, 3), [torch.ones(4)], 1.0, 0.5)), float(penalty(torch.ones(2, 3), [], 1.0, 0.5))
    (4.0, 3.0)
    """
    if variant not in ("coded", "literal"):
        raise ValueError(f"variant {variant!r}: expected 'coded' or 'literal'")
    total = l2_theta * theta.square().sum()
    if weight_decay:
        total = total + weight_decay * sum(w.square().sum() for w in weights)
    return total / 2 if variant == "coded" else total


def scaled(photos: np.ndarray, rows: np.ndarray | slice, like: Tensor) -> Tensor:
    """Some photographs where `like` is and of its dtype: (N, 3, s, s) uint8 -> (n, 3, s, s) in [-1, 1].

    They travel as uint8. Channels last on a CPU.
    """
    x = sent(photos, rows, like.device).to(like.dtype)
    return ((x - _HALF) / _HALF).contiguous(memory_format=layout(like.device))


@torch.no_grad()
def item_vectors(model: DVBPR, photos: np.ndarray, *, half: bool = False, block: int = BLOCK) -> np.ndarray:
    """Phi of all photographs: (N, 3, s, s) uint8 -> (N, K) float32, without dropout; the model's mode stays as it was.

    With the terms of eq. 2 lengthened by them, (N, 2 K + 1); the photographs are then those of all its items, in order.
    half : compute in bfloat16 where a layer can. block : photographs at once; sums differ by it in the last bits.
    Raises ValueError on another array.
    """
    check_photographs(photos)
    before = [m.training for m in model.modules()]
    found = np.empty((len(photos), model.of_users(slice(0, 1))[0].shape[1]), np.float32)
    model.eval()
    try:
        for start in range(0, len(photos), block):
            x = scaled(photos, slice(start, start + block), model.theta)
            with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
                y = model.vectors(x)
            found[start : start + block] = model.of_items(slice(start, start + block), y.float())[0].cpu().numpy()
    finally:
        for module, mode in zip(model.modules(), before, strict=True):
            module.training = mode
    return found


def all_scores(model: DVBPR, photos: np.ndarray, *, half: bool = False, block: int = BLOCK) -> np.ndarray:
    """Eq. 6 for every user and photograph: (N, 3, s, s) uint8 -> (U, N) float32. As `item_vectors` otherwise."""
    users = model.of_users(slice(None))[0].detach().float().cpu().numpy()
    return users @ item_vectors(model, photos, half=half, block=block).T
