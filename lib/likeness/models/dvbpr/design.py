r"""Preference maximisation: which pictures a user is to like most, found among photographs or made.

For a user u and a category c, eq. 8 looks through the photographs X_c, eq. 9 through what a generator can draw:

.. math:: \hat\delta(u, c) = \operatorname{argmax}_{e \in G(\cdot, c)}
          \theta_u^\top \Phi(\Delta e) - \eta\, [D(e, c) - 1]^2

Neither says that a person would like the picture: preference is the model's own, and so is what counts as real.

References
----------
[1] Kang, Fang, Wang, McAuley, "Visually-aware fashion recommendation and design with generative image models", ICDM
    2017, section III-D, and its published code, which has eq. 10 alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor, nn

from likeness.models.dvbpr.ascent import BLOCK, Climb, Designs, Objective, ascend, downscale, to_free, upscale
from likeness.models.dvbpr.gan import Discriminator, Generator, draw_latent

__all__ = ["Designs", "Start", "choose", "downscale", "draw_free", "maximise", "queries", "retrieve", "upscale"]

Start = Literal["paper", "code"]

#: Starts a query, m in the paper; its code has 16.
STARTS: Final = 64
#: Standard deviation of z' at the start, in the published code.
_SPREAD: Final = 0.5


def maximise(
    theta: Tensor | np.ndarray,
    phi: nn.Module,
    generator: Generator,
    discriminator: Discriminator,
    category: int | Sequence[int] | np.ndarray | Tensor,
    *,
    eta: float = 1.0,
    starts: int = STARTS,
    steps: int,
    rate: float,
    start: Start = "paper",
    rng: torch.Generator,
    side_phi: int,
    keep_steps: Collection[int] = (),
    block: int = BLOCK,
) -> Designs:
    r"""Make pictures for a user and a category from m starts (eq. 9, solved as eq. 10).

    .. math:: \max_{z'} \theta_u^\top \Phi[\Delta G_c(\tanh z')] - \eta\, [D_c(G_c(\tanh z')) - 1]^2

    "We solve via gradient ascent" (paper): Adam on z', as the code has it (rate .05, 10 steps; Figure 6 has 50). Each
    start climbs by itself, those of all queries side by side. The paper takes the objective "after optimization": the
    pictures are those of the **last step**, not of the best one; `objective_path` shows the difference. Without a step
    they are draws of the generator, Table IV's G(., c). Meanwhile all networks are in evaluation mode and their weights
    without gradients; afterwards they are as they came.

    Parameters
    ----------
    theta : (K,) one user, or (B, K): B queries at once, and a leading axis B in all that is returned
    phi : (R, 3, side_phi, side_phi) in [-1, 1] -> (R, K); images of fewer pixels are enlarged by `upscale`
    category : integers >= 0: one, or (B,) of them
    eta : weight of L_real, 1 in the paper
    starts : m, of each query
    start : *paper* z = tanh(z') from U(-1, 1); *code* z = z' from N(0, .5^2), which nothing bounds
    rng : of the CPU; a query draws the same starts alone and in a batch, and for each device
    keep_steps : after how many steps images are kept: 0 (the start) to `steps`
    block : codes at once, which bounds the networks' memory. What is returned takes B m 3 s^2 floats beside: ask for as
        many queries at once as fit

    Raises ValueError on other shapes, numbers or starts; FloatingPointError where the objective is not finite.

    Source: [1], section III-D.
    """
    if starts < 1:
        raise ValueError(f"{starts} starts: expected 1 or more")
    users, categories = queries(theta, category)
    climb = Climb(steps, rate, start == "paper", keep_steps, block)
    free = torch.stack([draw_free(rng, starts, generator.latent, start) for _ in users])
    made = ascend(free, users, categories, Objective(phi, generator, discriminator, side_phi, eta), climb)
    return made if theta.ndim == 2 else made.query(0)


def draw_free(rng: torch.Generator, many: int, latent: int, start: Start) -> Tensor:
    """Starts z' (many, latent) float32, finite: atanh of U(-1, 1) (*paper*), or N(0, .5^2) (*code*).

    Raises ValueError on another start.
    """
    if start == "paper":
        return to_free(draw_latent(rng, many, latent, "uniform"))
    if start == "code":
        return draw_latent(rng, many, latent, "normal") * _SPREAD
    raise ValueError(f"start {start!r}: expected 'paper' or 'code'")


def queries(theta: Tensor | np.ndarray, category: int | Sequence[int] | np.ndarray | Tensor) -> tuple[Tensor, Tensor]:
    """Checked users (B, K) and categories (B,) int64 of theta (K,) or (B, K) and as many categories.

    Raises ValueError where there are other shapes, none, or categories that are no integers >= 0.
    """
    users, categories = torch.as_tensor(theta).detach(), torch.as_tensor(category)
    if users.ndim not in (1, 2) or not users.numel() or categories.shape != users.shape[:-1]:
        shapes = f"theta {tuple(users.shape)}, category {tuple(categories.shape)}"
        raise ValueError(f"{shapes}: expected (K,) and one number, or (B, K) and (B,)")
    if categories.is_floating_point() or categories.dtype == torch.bool or categories.min() < 0:
        raise ValueError(f"categories {categories.tolist()}: expected integers >= 0")
    return torch.atleast_2d(users), torch.atleast_1d(categories).long()


def retrieve(theta: np.ndarray, vectors: np.ndarray, members: np.ndarray) -> np.ndarray:
    r"""Photographs of a category, those first that the model says a user prefers; eq. 8 is the first.

    .. math:: \delta(u, c) = \operatorname{argmax}_{e \in X_c} \theta_u^\top \Phi(e)

    theta (K,), vectors (N, K) of all photographs, members (n,) integers: the rows of X_c. Returns (n,), the same rows;
    of equal ones, those first that come first in `members`. Raises ValueError on other shapes and on a NaN.

    >>> retrieve(np.array([1.0]), np.array([[3.0], [1.0], [2.0]]), np.array([1, 2])).tolist()
    [2, 1]
    """
    theta, vectors, members = np.asarray(theta, np.float64), np.asarray(vectors), np.asarray(members)
    if theta.ndim != 1 or vectors.ndim != 2 or vectors.shape[1:] != theta.shape:
        raise ValueError(f"theta {theta.shape}, vectors {vectors.shape}: expected (K,) and (N, K)")
    if members.ndim != 1 or not len(members) or members.dtype.kind not in "iu":
        raise ValueError(f"members {members.shape}, {members.dtype}: expected (n,) integers, n >= 1")
    if members.min() < 0 or members.max() >= len(vectors):
        raise ValueError(f"members {members.min()} to {members.max()}: expected rows of the {len(vectors)} vectors")
    preference = vectors[members] @ theta
    if np.isnan(preference).any():
        raise ValueError(f"preference for row {members[np.isnan(preference)][0]} is NaN: look at its vector and theta")
    return members[np.argsort(-preference, kind="stable")]


def choose(objective: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    r"""Draw k of m pictures with the probabilities of eq. 11, without replacement, in the order drawn.

    .. math:: p(e_t) = \frac{\exp(\hat x_{u,e_t})}{\sum_{d=1}^m \exp(\hat x_{u,e_d})}

    The paper does not say whether a picture may come twice. **Not twice is our reading**, as the draw is there for
    diversity: each next picture is drawn by eq. 11 over those that are left. It is done by adding Gumbel noise and
    taking the k largest, which is the same draw and takes no exponential of a large objective.

    objective (m,) finite, 1 <= k <= m. Returns (k,) row numbers, no two equal. Raises ValueError otherwise.
    """
    objective = np.asarray(objective, np.float64)
    if objective.ndim != 1 or not np.isfinite(objective).all() or not 1 <= k <= len(objective):
        raise ValueError(f"k = {k} of objectives {objective.shape}: expected (m,) finite numbers and 1 <= k <= m")
    # less the largest: added to 1e17, noise would be rounded away
    noisy = objective - objective.max() + rng.gumbel(size=len(objective))
    return np.argsort(-noisy, kind="stable")[:k]
