"""The image encoder of a task, learnt from a shop's attributes, and what its frozen part makes of the photographs.

DeiT-S comes from ImageNet, which cannot be had here. What stands in for it learns to tell the attributes of the
training photographs of the task's shop, or of another one: for `hm` of `fashion_small`. Every row of a task begins with
the same weights, and none but the last block and the head are trained further: "11 of 12 blocks frozen", in the paper.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from likeness.data.registry import data_root
from likeness.data.wardrobe.garments import stream
from likeness.models.compose.augmentation import augmented
from likeness.models.compose.encoders import ImageEncoder, deit_small, small_vit, tokens
from likeness.models.compose.pretraining import pretrain
from likeness.models.weights import arrays, filled
from likeness.report.progress import tick
from likeness.studies.compose.parameters import Parameters
from likeness.studies.compose.tasks import TRAIN, Goods, Task
from likeness.studies.compose.texts import Lexicon, lexicon
from likeness.studies.devices import device_of
from likeness.studies.parallel import run_all

#: Folder below LIKENESS_DATA with the weights of facebook/deit-small-patch16-224, and its file.
WEIGHTS: Final = "deit_small"
_FILE: Final = "model.safetensors"
#: Photographs that an encoder learns from, at most.
SCHOOL: Final = 10_000
#: Augmented views of a training photograph. The frozen blocks see each once, where the paper augments at every meeting.
VIEWS: Final = 4


@dataclass(frozen=True)
class Sizes:
    """Of the image encoder: which, pixels of a photograph and a patch each way, numbers of a feature, blocks."""

    image: str
    side: int
    patch: int
    width: int
    layers: int


@dataclass(frozen=True, eq=False)
class Taught:
    """Weights of an image encoder by name, and what they depend on."""

    about: str
    sizes: Sizes
    weights: Mapping[str, np.ndarray] = field(repr=False)

    def encoder(self) -> ImageEncoder:
        """The encoder, ready to learn further, on the CPU."""
        return filled(_untrained(self.sizes), self.weights)


@dataclass(frozen=True, eq=False)
class Eyes:
    """An encoder, and its `tokens` (N, T, w) float16 of all photographs of a task.

    lexicon : features of the task's texts, where the text encoder is frozen. views (VIEWS N, T, w) : tokens of
    augmented training photographs, where they are wanted
    """

    about: str
    taught: Taught
    tokens: np.ndarray = field(repr=False)
    lexicon: Lexicon | None = None
    views: np.ndarray | None = field(default=None, repr=False)


def teach(p: Parameters, schools: Mapping[str, Goods]) -> dict[str, Taught]:
    """An image encoder of each school, taught the attributes of its training photographs, of `SCHOOL` at most.

    "deit" is DeiT-S with the weights below LIKENESS_DATA (`WEIGHTS`), the same for all, if they are there.
    Raises ValueError on a school without attributes.
    """
    sizes, device, folder = Sizes(p.image, p.side, p.patch, p.width, p.layers), str(device_of(p.device)), _weights()
    if p.image == "deit" and folder is not None:
        with (folder / _FILE).open("rb") as file:
            told = hashlib.file_digest(file, "sha256").hexdigest()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(p.seed)  # of the head
            read = Taught(f"{folder.name} {told} {p.seed}", sizes, arrays(deit_small(p.width, weights=folder)))
        return dict.fromkeys(schools, read)
    if dull := [name for name, goods in schools.items() if not goods.labels]:
        raise ValueError(f"{', '.join(dull)}: no attributes to learn from; expected another shop as school")
    plans = [(name, goods.about, sizes, p.pretrain_epochs, SCHOOL, p.seed, device) for name, goods in schools.items()]
    made = run_all(_learn, plans, p.jobs, given=(dict(schools),))
    return {name: Taught(f"{plan}", sizes, found) for (name, *_), plan, found in zip(plans, plans, made, strict=True)}


def open_eyes(p: Parameters, task: Task, taught: Taught) -> Eyes:
    """What an encoder's frozen part makes of a task's photographs, and the task's texts, where they are read before."""
    seen = tokens(taught.encoder(), task.goods.photos, device=device_of(p.device))
    return Eyes(f"eyes of {taught.about}, {p.text} text", taught, seen, lexicon(p, task))


def with_views(p: Parameters, task: Task, eyes: Eyes) -> Eyes:
    """The same with augmented views of the training photographs; of others the views stay empty."""
    encoder, rows, photographs = eyes.taught.encoder(), task.goods.rows(TRAIN), len(task.goods.photos)
    views = np.zeros((VIEWS * photographs, *eyes.tokens.shape[1:]), eyes.tokens.dtype)
    for view in range(VIEWS):
        photos = augmented(task.goods.photos[rows], torch.Generator().manual_seed(p.seed + view))
        views[view * photographs + rows] = tokens(encoder, photos, device=device_of(p.device))
    return replace(eyes, views=views)


def _weights() -> Path | None:
    """The folder with the published weights, if it is there."""
    root = data_root()
    return root / WEIGHTS if root is not None and (root / WEIGHTS / _FILE).is_file() else None


def _learn(
    schools: Mapping[str, Goods], name: str, _about: str, sizes: Sizes, epochs: int, most: int, seed: int, device: str
) -> dict[str, np.ndarray]:
    school, encoder = schools[name], _untrained(sizes, seed)
    rows = school.rows(TRAIN)
    rows = np.sort(stream(seed, "school").permutation(rows)[:most])
    labels = {task: numbers[rows] for task, numbers in school.labels.items()}
    pretrain(encoder, school.photos[rows], labels, epochs=epochs, seed=seed, device=device,
             progress=lambda done, of, _: tick(f"image encoder, {name}", done, of))  # fmt: skip
    return arrays(encoder)


def _untrained(sizes: Sizes, seed: int = 0) -> ImageEncoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if sizes.image == "deit":
            return deit_small(sizes.width)
        return small_vit(sizes.side, sizes.patch, sizes.width, sizes.layers, sizes.width)
