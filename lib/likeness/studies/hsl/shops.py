"""Public photographs in the form of `sets`: display names or catalogue words, cells of photographs as objects.

An object is one of the 4 x 4 cells of a photograph that is not background; its feature is that of a convolutional
network trained on another task: type, colour, gender and usage of the training products of `fashion_small`. For `hm` it
has thus seen another shop altogether.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from likeness.data import fashion_small, hm, registry
from likeness.data.images import Images
from likeness.data.registry import SOURCES
from likeness.data.shop_photos import SIDE, photographs
from likeness.data.shop_pools import Pool, pools
from likeness.data.shop_texts import class_numbers, fashion_small_texts, hm_texts, split
from likeness.data.wardrobe.garments import stream
from likeness.data.wardrobe.pools import QUERIES
from likeness.models.photo_encoder import CELLS, PhotoEncoder, foreground, grid_features, train_encoder
from likeness.models.weights import arrays, filled
from likeness.report.progress import tick
from likeness.studies.hsl.sets import Pools, Seen, Sets, Setting
from likeness.studies.parallel import run_all

#: Shares of the products for training, choosing the epoch, and reporting. H&M's catalogue is small and its keys are
#: rare, so that pools need more of it; its encoder takes none.
PARTS: Final = {"fashion_small": (0.6, 0.1, 0.3), "hm": (0.5, 0.15, 0.35)}
#: What the encoder learns to tell, and how rare a class may be.
TASKS: Final = ("type", "colour", "gender", "usage")
_LEAST: Final = 20
#: Photographs that the encoder learns from, and epochs.
LEARNT, EPOCHS = 10_000, 5


@dataclass(frozen=True)
class ShopSetting(Setting):
    """As `Setting`, of one shop."""

    shop: str


def there(shops: Sequence[str]) -> tuple[str, ...]:
    """Those shops whose photographs, and the encoder's, are below LIKENESS_DATA; hashes not looked at."""
    return tuple(shop for shop in shops if all(registry.here(*SOURCES[name].files) for name in {shop, "fashion_small"}))


def load(setting: ShopSetting, jobs: int = 0) -> Sets:
    """Training pairs and pools of one shop.

    A part of a shop gives as many pools as can be made of it, `setting.valid` or `setting.test` at most.

    Raises FileNotFoundError where photographs are not below LIKENESS_DATA (both shops need those of fashion_small, for
    the encoder), ValueError where a shop has fewer products than are asked for, or no pool can be made.
    """
    if setting.shop not in PARTS:
        raise ValueError(f"shop {setting.shop!r}: expected one of {', '.join(PARTS)}")
    frame, images = _shop(setting.shop)
    train, valid, test = split(frame, setting.seed, PARTS[setting.shop])
    if setting.train > len(train):
        raise ValueError(f"{setting.train} training pairs: {setting.shop} has {len(train)} training products")
    rows = stream(setting.seed, "shop pairs").permutation(len(train))[: setting.train]
    train = train.iloc[np.sort(rows)]
    encoder = _encoder(setting.seed, jobs)
    seen = _see(encoder, images, train["id"].tolist())
    asked = []
    for part, count in ((valid, setting.valid), (test, setting.test)):
        asked.append(_asked(frame, encoder, images, pools(setting.seed, part)[: count - count % QUERIES]))
    return Sets(seen, tuple(train["text"]), asked[0], asked[1], "public")


def _shop(name: str) -> tuple[pd.DataFrame, Images[str]]:
    if name == "hm":
        goods = hm.load()
        return hm_texts(goods.articles), goods.images
    products = fashion_small.load()
    return fashion_small_texts(products.styles), products.images


def _encoder(seed: int, jobs: int) -> PhotoEncoder:
    """Trained on the training products of fashion_small, and on no other; kept like every finished task."""
    state, classes = next(run_all(_train, [(seed, LEARNT, EPOCHS)], jobs))
    return filled(PhotoEncoder(classes), state)


def _train(seed: int, learnt: int, epochs: int) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Weights of the encoder, and the number of classes of every task."""
    frame, images = _shop("fashion_small")
    train = split(frame, seed, PARTS["fashion_small"])[0]
    train = train.iloc[np.sort(stream(seed, "shop encoder").permutation(len(train))[:learnt])]
    labels = {task: class_numbers(train[task].tolist(), _LEAST) for task in TASKS}
    shown = photographs(images, train["id"].tolist(), SIDE).transpose(0, 3, 1, 2)
    encoder = train_encoder(
        shown, {task: numbers for task, (numbers, _) in labels.items()}, epochs=epochs, seed=seed,
        progress=lambda done, of, _: tick("encoder", done, of), device="cpu",
    )  # fmt: skip
    return arrays(encoder), {task: len(names) for task, (_, names) in labels.items()}


def _see(encoder: PhotoEncoder, images: Images[str], ids: Sequence[str]) -> Seen:
    """Cells of photographs that are not background, from the upper left, with their boxes in pixels."""
    shown = photographs(images, ids, SIDE)
    there = foreground(shown, CELLS)  # (n, 4, 4)
    grid = grid_features(encoder, shown.transpose(0, 3, 1, 2))
    top, left = np.indices((CELLS, CELLS)) * (SIDE // CELLS)
    corner = np.stack([top, left, top + SIDE // CELLS, left + SIDE // CELLS], axis=2).astype(np.float32)
    boxes = np.broadcast_to(corner, (len(shown), *corner.shape))[there]
    return Seen(grid[there], boxes, there.sum(axis=(1, 2)).cumsum())


def _asked(frame: pd.DataFrame, encoder: PhotoEncoder, images: Images[str], made: list[Pool]) -> Pools:
    blocks = [sorted(pool.members) for pool in made[::QUERIES]]
    numbers = np.array(blocks)  # (B, M), labels of the frame
    seen = _see(encoder, images, frame["id"].loc[numbers.ravel()].tolist())
    keys = frame["key"].loc[numbers.ravel()].tolist()
    anywhere = np.array([[key == pool.key for key in keys] for pool in made])
    words, texts = [" / ".join(pool.key) for pool in made], [pool.text for pool in made]
    return Pools.of(seen, numbers, texts, [pool.relevant for pool in made], anywhere, words)
