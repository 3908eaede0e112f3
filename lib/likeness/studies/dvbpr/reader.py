r"""What a picture shows, for pictures that are no garment: attributes read off by a network, worth by the true taste.

A design has no attributes, so `shoppers` cannot say what it is worth. A `PhotoEncoder` that learnt every attribute from
the catalogue photographs of other garments gives probabilities, and the look is their expectation,

.. math:: \hat x = \sum_a \sum_v p_a(v \mid \mathrm{picture})\, x_{a,v}

with :math:`x_{a,v}` the look of value v of attribute a alone. A taste is linear in the look, so that
:math:`\hat x^\top \theta` is the expected taste, whatever attributes have to do with each other. How far it is from the
truth on photographs of garments is measured by `agreement`; what a reader that never saw a bad drawing says of one is
not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from likeness.data.shop_photos import SIDE
from likeness.data.wardrobe.garments import ATTRIBUTES, KINDS, Garment
from likeness.data.wardrobe.shoppers import look
from likeness.models.photo_encoder import train_encoder
from likeness.studies.dvbpr.features import Kept, kept, other_garments, resized, restored, told
from likeness.studies.parallel import run_all

#: What a taste depends on but gender, which the category of a design says.
READ: Final = tuple(name for name in ATTRIBUTES if name != "gender")
#: Photographs that the reader learns from, epochs, and photographs of a step. It learns slowly: of 4,000 photographs,
#: 12 epochs in steps of 128 reach a correlation ("taste" of `agreement`) of .72, in steps of 32 .76, and 24 epochs .82
#: (.81 "within"), on the 2,493 items of 278 shoppers.
LEARNT, EPOCHS = 10_000, 24
_BATCH: Final = 32
#: Photographs at once where nothing is learnt.
_STREAM: Final = 256
#: A t-shirt of which nothing is said: what it adds to a look is taken off again.
_NOTHING: Final = Garment(0, "women", "tops", "t-shirt", "", "", "", "", "", "", "", "", "", 1)


@dataclass(frozen=True, eq=False)
class Reader:
    """Pictures are (n, s, s, 3) uint8 of any side; `side` is that of the photographs that the reader learnt from.

    encoder : weights and numbers of classes. values : of each attribute the names of its classes; "" is what a kind
    does not have.
    """

    encoder: Kept
    values: dict[str, tuple[str, ...]]
    side: int

    def probabilities(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
        """Of the values of each attribute: (n, values) float32 each, rows of sum 1. Raises ValueError as `resized`."""
        if pictures.ndim != 4 or pictures.shape[3] != 3:
            raise ValueError(f"pictures of shape {pictures.shape}: expected (n, s, s, 3)")
        photos, encoder = resized(pictures.transpose(0, 3, 1, 2), self.side), restored(*self.encoder)
        found = {name: np.empty((len(photos), len(of)), np.float32) for name, of in self.values.items()}
        with torch.no_grad():
            for start in range(0, len(photos), _STREAM):
                some = slice(start, start + _STREAM)
                for name, scores in encoder.logits(torch.from_numpy(np.array(photos[some]))).items():
                    found[name][some] = scores.softmax(dim=1).numpy()
        return found

    def kinds(self, pictures: np.ndarray) -> np.ndarray:
        """Probabilities of the kinds, (n, kinds) float32: the classifier of an inception score."""
        return self.probabilities(pictures)["kind"]

    def looks(self, pictures: np.ndarray) -> np.ndarray:
        """Expected looks (n, F) float64, in the columns of `shoppers.look`."""
        read = self.probabilities(pictures)
        return np.asarray(sum(read[name].astype(np.float64) @ _looks(name, of) for name, of in self.values.items()))


def reader(seed: int, jobs: int = 0, *, most: int = LEARNT, epochs: int = EPOCHS, side: int = SIDE) -> Reader:
    """A reader that learnt garments which no shopper of this seed sees; as every finished task it is kept.

    most, epochs : photographs that it learns from, and how often. side : of the photographs, 16 or more.
    """
    shown, some = other_garments(seed, most, side, jobs)
    values = {name: tuple(sorted({getattr(one, name) for one in some})) for name in READ}
    plain = [name for name, of in values.items() if len(of) < 2]
    if plain:
        raise ValueError(f"{most} photographs have one value of {', '.join(plain)}: expected two or more; give more")
    encoder = next(run_all(_learn, [(seed, most, epochs, side)], jobs, given=(shown, _labels(some, values))))
    return Reader(encoder, values, side)


def agreement(read: Reader, pictures: np.ndarray, garments: Sequence[Garment], tastes: np.ndarray) -> dict[str, float]:
    """How well the reader reads photographs (n, s, s, 3) of garments (n,) that it has not seen, for tastes (B, F).

    "taste": mean over users of the correlation of expected and true taste over the garments; "within": of the same
    within each gender and category, where the means of each are taken off; and of each attribute the share
    that is read rightly where the kind has it. Raises ValueError on unequal numbers, or fewer than two.
    """
    if len(pictures) != len(garments) or len(garments) < 2:
        raise ValueError(f"{len(pictures)} photographs of {len(garments)} garments: expected as many, two at least")
    said, true = tastes @ read.looks(pictures).T, tastes @ look(garments).T
    group = np.unique([f"{one.gender} {one.category}" for one in garments], return_inverse=True)[1]
    within = _correlation(_less_means(said, group), _less_means(true, group))
    found = {"taste": _correlation(said, true), "within": within}
    for name, p in read.probabilities(pictures).items():
        named = np.array([getattr(one, name) for one in garments])
        right = np.array(read.values[name])[p.argmax(axis=1)] == named
        found[name] = float(right[named != ""].mean()) if (named != "").any() else float("nan")
    return found


def _learn(
    shown: np.ndarray, labels: dict[str, np.ndarray], seed: int, _most: int, epochs: int, _side: int
) -> Kept:
    return kept(train_encoder(shown, labels, epochs=epochs, seed=seed, batch=_BATCH, progress=told, device="cpu"))


def _labels(garments: Sequence[Garment], values: dict[str, tuple[str, ...]]) -> dict[str, np.ndarray]:
    return {name: np.array([of.index(getattr(one, name)) for one in garments]) for name, of in values.items()}


def _looks(name: str, values: Sequence[str]) -> np.ndarray:
    """(values, F): the look of each value of an attribute and of nothing else."""
    if name == "kind":
        return look([replace(_NOTHING, kind=one, category=KINDS[one].category) for one in values])
    alone = [replace(_NOTHING, **{name: one}) for one in values]  # type: ignore[arg-type]  # all of READ are texts
    return look(alone) - look([_NOTHING])


def _less_means(rows: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Rows (B, n) less their means over each group of columns."""
    member = np.eye(int(group.max()) + 1)[group]  # (n, groups)
    return np.asarray(rows - (rows @ member / member.sum(axis=0)) @ member.T)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over rows (B, n) of Pearson's correlation."""
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    return float(((a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))).mean())
