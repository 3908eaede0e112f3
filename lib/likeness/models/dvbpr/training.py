r"""Joint training of DVBPR's network and users.

A step maximises, over a batch of triples (u, i, j), eq. 5 as the published code has it:

.. math:: \sum_{b=1}^B \ln \sigma(\theta_u^\top (\Phi(X_i) - \Phi(X_j)))
    - \tfrac12 \lambda_W \sum_w |w|^2 - \tfrac12 \lambda_\theta \sum_{b=1}^B |\theta_{u_b}|^2

It is a **sum** over the batch. Adam does not see a common factor, but against a mean the decay of the weights, once a
step, would weigh 128 times as much. TensorFlow 1.3's Adam moves the users that are not in a batch too, by their
momentum; so does torch's on a dense theta.

References
----------
[1] Kang, Fang, Wang, McAuley, ICDM 2017, section III-B, IV-B; code kang205/DVBPR: Adam 1e-4, batches of 128, 20 epochs.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from likeness.data.whole_files import whole
from likeness.models.dvbpr.dvbpr import DVBPR, Variant, pair_losses, penalty, scaled
from likeness.models.dvbpr.sampling import negatives
from likeness.models.photographs import check_photographs, layout
from likeness.models.safely import check_finite, last_good
from likeness.models.weights import saved

#: Photographs hashed at once, so that a memory-mapped array is never held whole.
_HASHED: Final = 1024
#: What torch and zip raise on a file that is none of theirs.
_DAMAGE: Final = (pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class Schedule:
    """Adam on batches of triples; the defaults are the code's.

    epochs : passes over as many triples as there are training pairs
    batch, rate : 128 and 1e-4; the last batch of an epoch may be smaller
    l2_theta, weight_decay : lambda_theta and lambda_W, 1 and 1e-3 in the paper and the code
    negatives : "one" a positive, as printed and coded; "shared": every positive meets the negatives of the whole batch
        but those in its user's history, a departure
    half : compute the network in bfloat16 where a layer can; vectors, theta, loss and all that is kept stay float32
    draw : "pairs": each training pair once an epoch, in random order; "users": a user at random, then one of the user's
        items, as [1] and its code, which give a user of 5 actions as many triples as one of 50
    variant : of the penalties, "coded" (halved squares) or "literal" (eq. 5 as printed, not halved)
    """

    epochs: int
    batch: int = 128
    rate: float = 1e-4
    l2_theta: float = 1.0
    weight_decay: float = 1e-3
    negatives: Literal["one", "shared"] = "one"
    half: bool = False
    draw: Literal["pairs", "users"] = "pairs"
    variant: Variant = "coded"

    def __post_init__(self) -> None:
        """Refuse what cannot train."""
        if self.epochs < 1 or self.batch < 1 or not 0 < self.rate < np.inf:
            raise ValueError(f"{self}: expected epochs >= 1, batch >= 1, rate > 0")
        if not 0 <= self.l2_theta < np.inf or not 0 <= self.weight_decay < np.inf:
            raise ValueError(f"{self}: expected l2_theta >= 0 and weight_decay >= 0")
        if self.negatives not in ("one", "shared") or self.draw not in ("pairs", "users"):
            raise ValueError(f"{self}: expected negatives 'one' or 'shared', draw 'pairs' or 'users'")
        if self.variant not in ("coded", "literal"):
            raise ValueError(f"{self}: expected variant 'coded' or 'literal'")


@dataclass
class _Run:
    """All that a training goes on from: what a checkpoint holds."""

    model: DVBPR
    optimiser: torch.optim.Optimizer
    order: np.random.Generator  # of pairs and negatives
    dice: Tensor  # state of torch's generator: dropout
    losses: list[float] = field(default_factory=list)


def train(
    model: DVBPR,
    photos: np.ndarray,
    pairs: np.ndarray,
    history: csr_matrix,
    schedule: Schedule,
    seed: int,
    after: Callable[[int, DVBPR], None],
    *,
    checkpoint: Path | None = None,
) -> list[float]:
    r"""Train in place, where the model is; by epoch, the mean of :math:`-\ln \sigma` over triples, no penalties.

    An item that occurs more than once in a batch passes the network once, and so with one mask of dropout, where the
    code draws one for each side and triple. Pairs, negatives and dropout are drawn from `seed`, on the CPU; torch's own
    generator is left as it was. The model is left in evaluation mode.

    Parameters
    ----------
    photos : (N, 3, s, s) uint8, and stay so in memory
    pairs : (n, 2) integers, user and item of each training action
    history : (U, N), not 0 where no negative may be drawn; holds all `pairs`
    after : called with the number of each epoch that is done, from 1, and the model in evaluation mode
    checkpoint : a file, written whole before the first epoch and after each (when `after` has returned). Where it is
        there training goes on from it, whatever the weights of `model`, and ends as if it had not been interrupted, on
        the CPU bit for bit; `after` is not called again for the epochs that it holds. More `epochs` than before are
        fine, all else must be as it was

    Raises
    ------
    ValueError : shapes, ranges or pairs that do not fit; a checkpoint that is damaged or of another training
    FileNotFoundError : no folder for the checkpoint
    FloatingPointError : a loss or weights that are not finite; the epoch and step are named, and the model is as it was
        after the last good epoch
    """
    pairs = _checked(model, photos, pairs, history)
    model.phi.to(memory_format=layout(model.theta.device))  # type: ignore[call-overload]  # torch's stubs lack it
    optimiser = torch.optim.Adam(model.parameters(), lr=schedule.rate, fused=True)
    run = _Run(model, optimiser, np.random.default_rng(seed), torch.Generator().manual_seed(seed).get_state())
    about = {}
    if checkpoint is not None:
        about = _about(model, photos, pairs, history, schedule, seed)
        if checkpoint.exists():
            _resume(run, checkpoint, about, schedule.epochs)
        else:
            _save(run, checkpoint, about)
    model.eval()
    for epoch in range(len(run.losses) + 1, schedule.epochs + 1):
        with last_good(model):
            run.losses.append(_epoch(run, photos, pairs, history, schedule, epoch))
        after(epoch, model)
        if checkpoint is not None:
            _save(run, checkpoint, about)
    return run.losses


def step_cost(
    model: DVBPR,
    photos: np.ndarray,
    triples: tuple[np.ndarray, np.ndarray, np.ndarray],
    history: csr_matrix,
    schedule: Schedule,
) -> tuple[Tensor, Tensor]:
    """Losses (B,) of the triples (users, items, negatives: (B,) integers each), and what a step makes smaller.

    That is their sum and the penalties, a scalar. Each photograph passes the network once.
    """
    users, liked, other = triples
    items, where = np.unique(np.concatenate([liked, other]), return_inverse=True)
    x = scaled(photos, items, model.theta)
    with torch.autocast(x.device.type, torch.bfloat16, enabled=schedule.half):
        y = model.vectors(x)
    rows = torch.from_numpy(where.reshape(2, -1)).to(x.device)
    sides = (y.to(model.theta.dtype).index_select(0, side) for side in rows)  # (B, K) each
    numbers = (torch.from_numpy(of).to(x.device) for of in (liked, other))
    (x_i, own_i), (x_j, own_j) = (model.of_items(*one) for one in zip(numbers, sides, strict=True))
    x_u, own_u = model.of_users(torch.from_numpy(users).to(x.device))
    taken = None
    if schedule.negatives == "shared":
        taken = torch.from_numpy(history[users][:, other].toarray() != 0).to(x.device)  # (B, B)
    losses = pair_losses(x_u, x_i, x_j, taken)
    own = torch.cat([part.flatten() for part in (own_u, own_i, own_j)])
    kept = penalty(own, model.weights(), schedule.l2_theta, schedule.weight_decay, variant=schedule.variant)
    return losses, losses.sum() + kept


def _epoch(
    run: _Run, photos: np.ndarray, pairs: np.ndarray, history: csr_matrix, schedule: Schedule, epoch: int
) -> float:
    """One pass; the mean loss of a triple."""
    run.model.train()
    drawn = _drawn(pairs, schedule.draw, run.order)
    batches = [drawn[start : start + schedule.batch] for start in range(0, len(drawn), schedule.batch)]
    total = 0.0
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.set_state(run.dice)
        for step, (users, liked) in enumerate((batch.T for batch in batches), 1):
            triples = users, liked, negatives(run.order, users, history)
            losses, cost = step_cost(run.model, photos, triples, history, schedule)
            check_finite(cost, "loss", epoch, f"{step} of {len(batches)}", schedule.rate)
            run.optimiser.zero_grad(set_to_none=True)
            cost.backward()
            run.optimiser.step()
            total += losses.sum().item()
        run.dice = torch.default_generator.get_state()
    last = f"{len(batches)} of {len(batches)}"
    for weights in run.model.parameters():  # the last step may have spoilt them after a finite loss
        check_finite(weights.detach().sum(), "sum of some weights", epoch, last, schedule.rate)
    return total / len(drawn)


def _drawn(pairs: np.ndarray, draw: str, rng: np.random.Generator) -> np.ndarray:
    """As many (user, item) as there are pairs, (n, 2), in random order."""
    if draw == "pairs":
        return pairs[rng.permutation(len(pairs))]
    by_user = pairs[np.argsort(pairs[:, 0], kind="stable")]
    _, first, many = np.unique(by_user[:, 0], return_index=True, return_counts=True)
    who = rng.integers(len(first), size=len(pairs))
    return by_user[first[who] + rng.integers(many[who])]


def _checked(model: DVBPR, photos: np.ndarray, pairs: np.ndarray, history: csr_matrix) -> np.ndarray:
    """The pairs as int64, when all fits together."""
    check_photographs(photos)
    pairs, shape = np.asarray(pairs), (len(model.theta), len(photos))
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu" or not len(pairs):
        raise ValueError(f"pairs of shape {pairs.shape}, {pairs.dtype}: expected some, (n, 2) integers")
    if history.shape != shape:
        raise ValueError(f"a history of shape {history.shape}: expected {shape}, users of the model and photographs")
    if pairs.min() < 0 or (pairs.max(axis=0) >= shape).any():
        raise ValueError(f"pairs up to {pairs.max(axis=0).tolist()}, least {pairs.min()}: expected 0 ... below {shape}")
    if not (known := np.asarray(history[pairs[:, 0], pairs[:, 1]]).ravel() != 0).all():
        user, item = pairs[~known][0].tolist()
        raise ValueError(f"user {user}, item {item} is no part of the history: it could be drawn as its own negative")
    return pairs.astype(np.int64)


def _about(
    model: DVBPR, photos: np.ndarray, pairs: np.ndarray, history: csr_matrix, schedule: Schedule, seed: int
) -> dict[str, str]:
    """What a training is of: two are the same where all of this is."""
    data = hashlib.sha256()
    for numbers in (pairs, history.sorted_indices().indices, history.indptr):
        data.update(np.ascontiguousarray(numbers, np.int64).data)
    for start in range(0, len(photos), _HASHED):
        data.update(np.ascontiguousarray(photos[start : start + _HASHED]).data)
    fields = {name: str(value) for name, value in asdict(schedule).items() if name != "epochs"}
    shapes = {name: f"{tuple(w.shape)} {w.dtype}" for name, w in model.state_dict().items()}
    network = {f"line {k} of the network": line.strip() for k, line in enumerate(str(model.phi).splitlines(), 1)}
    more = {"device": model.theta.device.type, "seed": str(seed), "data": data.hexdigest()}
    return fields | shapes | network | more


def _save(run: _Run, path: Path, about: dict[str, str]) -> None:
    state = {
        "about": about,
        "model": run.model.state_dict(),
        "optimiser": run.optimiser.state_dict(),
        "order": json.dumps(run.order.bit_generator.state),
        "dice": run.dice,
        "losses": run.losses,
    }
    with whole(path) as half:
        torch.save(state, half)


def _resume(run: _Run, path: Path, about: dict[str, str], epochs: int) -> None:
    """Bring a run to where its checkpoint is."""
    state = _loaded(path)
    if other := [name for name in about | state["about"] if about.get(name) != state["about"].get(name)]:
        said = f"{other[0]} is {state['about'].get(other[0])} there, {about.get(other[0])} here"
        raise ValueError(f"checkpoint {path} is of another training ({said}): delete it, or name another file")
    if len(state["losses"]) > epochs:
        raise ValueError(f"checkpoint {path} has {len(state['losses'])} epochs: expected at most {epochs}; delete it")
    run.model.load_state_dict(state["model"])
    run.optimiser.load_state_dict(state["optimiser"])
    run.order.bit_generator.state = json.loads(state["order"])
    run.dice, run.losses = state["dice"], list(state["losses"])


def _loaded(path: Path) -> dict[str, Any]:
    """What `_save` wrote."""
    wanted = {"about", "model", "optimiser", "order", "dice", "losses"}
    try:
        state = saved(path)
        if not isinstance(state, dict) or set(state) != wanted:
            raise ValueError("it holds other things")
    except _DAMAGE as error:
        raise ValueError(f"{path}: no checkpoint of `train`, or a damaged one ({error}): delete it") from error
    return state
