"""The image encoder of a task, learnt from a shop's attributes, and what its frozen part makes of the photographs.

DeiT-S comes from ImageNet, which cannot be had here. What stands in for it learns to tell the attributes of the
training photographs of the task's shop, or of another one: for `hm` of `fashion_small`. Every row of a task begins with
the same weights, and none but the last block and the head are trained further: "11 of 12 blocks frozen", in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from likeness.models.compose.encoders import ImageEncoder, small_vit, tokens
from likeness.models.compose.pretraining import pretrain
from likeness.models.weights import arrays, filled
from likeness.report.progress import tick
from likeness.studies.compose.parameters import Parameters
from likeness.studies.compose.tasks import TRAIN, Goods
from likeness.studies.devices import device_of
from likeness.studies.parallel import run_all


@dataclass(frozen=True)
class Sizes:
    """Of the image encoder: pixels of a photograph and a patch each way, numbers of a feature, blocks."""

    side: int
    patch: int
    width: int
    layers: int


@dataclass(frozen=True, eq=False)
class Eyes:
    """Weights of an encoder by name, and its `tokens` (N, T, w) float16 of all photographs of a task."""

    about: str
    sizes: Sizes
    weights: Mapping[str, np.ndarray] = field(repr=False)
    tokens: np.ndarray = field(repr=False)

    def encoder(self) -> ImageEncoder:
        """The encoder, ready to learn further, on the CPU."""
        return filled(_untrained(self.sizes), self.weights)


def open_eyes(p: Parameters, goods: Goods, school: Goods | None = None) -> Eyes:
    """Teach an encoder with the training photographs of a shop and look at all photographs of `goods`.

    school : the shop whose attributes it learns; that of `goods` by default. Raises ValueError where it has none.
    """
    learnt = goods if school is None else school
    if not learnt.labels:
        raise ValueError(f"{learnt.name}: no attributes to learn from; expected another shop as `school`")
    sizes, device = Sizes(p.side, p.patch, p.width, p.layers), str(device_of(p.device))
    plan = (learnt.about, sizes, p.pretrain_epochs, p.seed, device)
    weights = next(run_all(_learn, [plan], p.jobs, given=(learnt,)))
    encoder = filled(_untrained(sizes), weights)
    return Eyes(f"eyes of {plan}", sizes, weights, tokens(encoder, goods.photos, device=device))


def _learn(school: Goods, _about: str, sizes: Sizes, epochs: int, seed: int, device: str) -> dict[str, np.ndarray]:
    encoder, rows = _untrained(sizes), school.rows(TRAIN)
    labels = {name: numbers[rows] for name, numbers in school.labels.items()}
    pretrain(encoder, school.photos[rows], labels, epochs=epochs, seed=seed, device=device,
             progress=lambda done, of, _: tick("image encoder", done, of))  # fmt: skip
    return arrays(encoder)


def _untrained(sizes: Sizes) -> ImageEncoder:
    return small_vit(sizes.side, sizes.patch, sizes.width, sizes.layers, sizes.width)
