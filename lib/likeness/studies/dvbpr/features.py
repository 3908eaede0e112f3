"""Fixed features of photographs, for the methods that learn none: a network trained elsewhere, and the control.

The paper's rivals see ImageNet's features. No such weights can be had here, so a `PhotoEncoder` is trained on another
task: to tell what a catalogue says. The features are the means over its last map, uncentred and of any scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from likeness.data import fashion_small, hm
from likeness.data.shop_photos import SIDE, photographs
from likeness.data.shop_texts import class_numbers, fashion_small_texts, hm_texts, split
from likeness.data.wardrobe.garments import Garment, stream
from likeness.models.photo_encoder import PhotoEncoder, train_encoder, vector_features
from likeness.models.weights import arrays, filled
from likeness.report.progress import tick
from likeness.studies.dvbpr.people import People, drawn, goods
from likeness.studies.parallel import run_all

SOURCES: Final = ("other-shop", "own-catalogue", "border")
#: What an encoder learns to tell, by the shop that it learns from.
TASKS: Final = {
    "fashion_small": ("type", "colour", "gender", "usage"),
    "hm": ("type", "colour", "pattern", "department"),
    "wardrobe": ("kind", "colour", "pattern", "gender"),
}
#: Photographs that it learns from, at most, and epochs; a rarer class than `_LEAST` is not told apart.
LEARNT, EPOCHS = 10_000, 5
_LEAST: Final = 20
#: Shares of the products of fashion_small, as in the HSL chapter: the first is for the encoder.
_PARTS: Final = (0.6, 0.1, 0.3)
#: The border: side of the small picture, and pixels of the ring around it.
SMALL: Final = 16
RING: Final = 2
#: What the seed of a wardrobe is raised by for the garments that an encoder learns from: no study goes so far.
OTHER: Final = 10_000


#: Weights of an encoder by name, and the number of classes of every task.
Kept = tuple[dict[str, np.ndarray], dict[str, int]]


@dataclass(frozen=True, eq=False)
class Features:
    """vectors (N, D) float32 of the items. about : what they were made of, for the cache.

    encoder : weights and numbers of classes of the network that made them, as `kept`; None for the border.
    """

    source: str
    about: str
    vectors: np.ndarray
    encoder: Kept | None

    def network(self) -> PhotoEncoder:
        """The network, on the CPU and ready for use, for a warm start. Raises ValueError where there is none."""
        if self.encoder is None:
            raise ValueError(f"features {self.about!r}: no network made them; expected another source")
        return restored(*self.encoder)


def features(
    people: People, source: str, seed: int, jobs: int = 0, *, most: int = LEARNT, epochs: int = EPOCHS
) -> Features:
    """Features of the items of a set of people.

    "other-shop": of an encoder that learnt fashion_small's training products, or, for the wardrobe, the catalogue
    photographs of garments of another seed. "own-catalogue", of `hm` alone: of one that learnt what H&M's catalogue
    (set v2) says; it holds 24 % of the items themselves, but nothing of who bought what. "border": of the photograph's
    border alone (`border`), which shows no taste unless the photographer does.

    seed : of the encoder's training. most, epochs : photographs that it learns from, and how often. Encoders see
    photographs of 64 pixels, or fewer where the set's have fewer.
    Raises ValueError on another source or one that the set does not have, FileNotFoundError where the photographs that
    an encoder learns from are not below LIKENESS_DATA.
    """
    if source == "border":
        return Features(source, source, border(people.photos), None)
    if source not in SOURCES or (source == "own-catalogue" and people.name != "hm"):
        raise ValueError(
            f"source {source!r} for {people.name}: expected one of {', '.join(SOURCES)}; own-catalogue for hm alone"
        )
    side = min(SIDE, people.photos.shape[-1])
    shop = "hm" if source == "own-catalogue" else "wardrobe" if people.name == "wardrobe" else "fashion_small"
    encoder = learnt(shop, seed, most, epochs, side, jobs)
    vectors = vector_features(restored(*encoder), resized(people.photos, side))
    return Features(source, f"{source} {shop} {seed} {most} {epochs} {side}", vectors, encoder)


def learnt(shop: str, seed: int, most: int, epochs: int, side: int = SIDE, jobs: int = 0) -> Kept:
    """The encoder that a shop's catalogue teaches by `most` photographs, or all; kept as every finished task is.

    Raises ValueError on a shop that is not in `TASKS`.
    """
    if shop not in TASKS:
        raise ValueError(f"shop {shop!r}: expected one of {', '.join(TASKS)}")
    if shop != "wardrobe":
        return next(run_all(_learn_shop, [(shop, seed, most, epochs, side)], jobs))
    shown, some = other_garments(seed, most, side, jobs)  # before, so that many processes draw
    labels = {task: [getattr(one, task) for one in some] for task in TASKS[shop]}
    return next(run_all(_learn_drawn, [(seed, most, epochs, side)], jobs, given=(shown, labels)))


def other_garments(seed: int, number: int, side: int, jobs: int = 0) -> tuple[np.ndarray, list[Garment]]:
    """Catalogue photographs (n, 3, side, side) uint8 of garments that no shopper of the seed sees, and these."""
    some = goods(seed + OTHER, number)
    return drawn(seed + OTHER, [one.number for one in some], side, jobs), some


def restored(state: Mapping[str, np.ndarray], classes: Mapping[str, int]) -> PhotoEncoder:
    """An encoder from its weights and the number of classes of every task."""
    return filled(PhotoEncoder(classes), state)


def kept(encoder: PhotoEncoder) -> Kept:
    """Weights of an encoder and the number of classes of every task, as `restored` takes them."""
    state = arrays(encoder)
    return state, {task: state[f"heads.{k}.weight"].shape[0] for k, task in enumerate(encoder.tasks)}


def _learn_drawn(
    shown: np.ndarray, labels: Mapping[str, Sequence[str]], seed: int, _most: int, epochs: int, _side: int
) -> Kept:
    return _learn(shown, labels, seed, epochs)


def _learn_shop(shop: str, seed: int, most: int, epochs: int, side: int) -> Kept:
    if shop == "hm":
        sample = hm.load()
        frame, images = hm_texts(sample.articles), sample.images
    else:
        products = fashion_small.load()
        frame, images = split(fashion_small_texts(products.styles), seed, _PARTS)[0], products.images
    frame = frame.iloc[np.sort(stream(seed, "catalogue").permutation(len(frame))[:most])]
    shown = photographs(images, frame["id"].tolist(), side).transpose(0, 3, 1, 2)
    return _learn(shown, {task: frame[task].tolist() for task in TASKS[shop]}, seed, epochs)


def _learn(shown: np.ndarray, labels: Mapping[str, Sequence[str]], seed: int, epochs: int) -> Kept:
    numbers = {task: class_numbers(said, _LEAST)[0] for task, said in labels.items()}
    return kept(train_encoder(shown, numbers, epochs=epochs, seed=seed, progress=told, device="cpu"))


def told(done: int, of: int, _loss: float) -> None:
    """Say how far a training of an encoder is."""
    tick("encoder", done, of)


def border(photos: np.ndarray) -> np.ndarray:
    """The border of photographs and nothing else: (N, 3, s, s) uint8 -> (N, 342) float32 in [0, 1].

    The outer two pixels of the picture scaled to 16 x 16 (336 numbers), mean and standard deviation of each channel of
    them. Raises ValueError on another array, or a side below 16.
    """
    if photos.shape[-1] < SMALL:
        raise ValueError(f"photographs of {photos.shape[-1]} pixels: expected {SMALL} or more")
    small = resized(photos, SMALL).astype(np.float32) / 255.0
    ring = np.ones((SMALL, SMALL), bool)
    ring[RING:-RING, RING:-RING] = False
    edge = small[:, :, ring]  # (N, 3, 112)
    return np.concatenate([edge.reshape(len(edge), -1), edge.mean(axis=2), edge.std(axis=2)], axis=1)


def resized(photos: np.ndarray, side: int) -> np.ndarray:
    """Photographs of another side: (N, 3, s, s) -> (N, 3, side, side) uint8; those of this side as they are.

    Smaller ones are means of what each pixel covers, larger ones repeat pixels. Raises ValueError on another array.
    """
    if photos.ndim != 4 or photos.shape[1] != 3 or photos.shape[2] != photos.shape[3] or photos.dtype != np.uint8:
        raise ValueError(f"photographs of shape {photos.shape}, {photos.dtype}: expected (N, 3, s, s) uint8")
    if photos.shape[2] == side:
        return photos
    found = np.empty((len(photos), 3, side, side), np.uint8)
    for row, photo in enumerate(photos):
        small = Image.fromarray(np.ascontiguousarray(photo.transpose(1, 2, 0)))
        found[row] = np.asarray(small.resize((side, side), Image.Resampling.BOX)).transpose(2, 0, 1)
    return found
