"""What scoring and training cost: ratios within one run, on codes and batches of the same size."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import faiss
import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from likeness.models.hsl.hsl import HSL, IMAGE_LAYERS, TEXT_LAYERS, ImageCode, TextCode, level_weights
from likeness.models.hsl.inputs import LIMIT, Images, Texts, equal_texts
from likeness.models.hsl.scoring import image_side, text_side
from likeness.studies.hsl.parameters import Parameters
from likeness.studies.hsl.runs import sizes

#: Turns of every contestant, one after the other; the first of each is not counted.
TURNS: Final = 4
#: Pairs that the loop over pairs does, and queries that the loop over queries does: the rest is in proportion.
PAIRS, QUERIES = 2_000, 10
#: Numbers of a feature, words of the vocabulary and of a text in the training race: those of the wardrobe, about.
FEATURES, WORDS, LENGTH = 512, 500, 6
LEVELS: Final = 2


def run_scoring(p: Parameters) -> pd.DataFrame:
    """Scores of all queries and pictures from the same codes: columns way, turn, value (seconds for all pairs).

    Ways: "pairs" (eq. 4, 5, 8, 12 pair by pair), "queries" (all pictures at once, query by query), "product" (ours: one
    matrix product, the means over objects included), "faiss" (the best hundred from a flat index of the means).
    """
    images, texts = codes(p)
    x, y = product_vectors(images, texts)
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(x)
    n, q = len(x), len(y)
    rng = np.random.default_rng(p.seed)
    some = list(zip(rng.integers(n, size=PAIRS).tolist(), rng.integers(q, size=PAIRS).tolist(), strict=True))
    few = min(QUERIES, q)
    ways: dict[str, tuple[Callable[[], object], float]] = {
        "pairs": (lambda: [pair(images, texts, i, t) for i, t in some], n * q / PAIRS),
        "queries": (lambda: [one_query(images, texts, t) for t in range(few)], q / few),
        "product": (lambda: np.matmul(*_flip(product_vectors(images, texts))), 1.0),
        "faiss": (lambda: index.search(y, min(100, n)), 1.0),
    }
    return _timed(ways)


def run_step(p: Parameters) -> pd.DataFrame:
    """A training step: columns way ("hsl", "encoders"), turn, value (seconds)."""
    torch.manual_seed(p.seed)
    images = Images(torch.rand(p.batch, LIMIT, FEATURES), torch.ones(p.batch, LIMIT, dtype=torch.bool))
    texts = Texts(torch.randint(4, WORDS, (p.batch, LENGTH)), torch.ones(p.batch, LENGTH, dtype=torch.bool))
    size = sizes(p.width, FEATURES, WORDS)
    model = HSL(size).train()

    def layer() -> nn.TransformerEncoderLayer:
        return nn.TransformerEncoderLayer(size.width, size.heads, size.hidden, size.dropout, batch_first=True)

    pair_of = nn.ModuleList(
        nn.TransformerEncoder(layer(), LEVELS * n, enable_nested_tensor=False) for n in (IMAGE_LAYERS, TEXT_LAYERS)
    )
    seen, said = torch.rand(p.batch, LIMIT, size.width), torch.rand(p.batch, LENGTH, size.width)
    steps = {
        "hsl": _step(model, lambda: model.loss(images, texts, equal_texts(texts))),
        "encoders": _step(pair_of, lambda: pair_of[0](seen).mean() + pair_of[1](said).mean()),
    }
    return _timed({name: (step, 1.0) for name, step in steps.items()})


def ratios(found: pd.DataFrame, over: str) -> pd.DataFrame:
    """Seconds of every way over those of one, turn by turn: columns way, turn, value."""
    wide = found.pivot_table(index="turn", columns="way", values="value")
    return wide.div(wide[over], axis=0).drop(columns=over).melt(ignore_index=False).reset_index()


def codes(p: Parameters) -> tuple[ImageCode, TextCode]:
    """Unit vectors at random in place of encoded pictures, `LIMIT` objects each, and text vectors: two levels."""
    draw = torch.Generator().manual_seed(p.seed)
    width, n, q = 2 * p.width, p.race_pictures, p.race_queries

    def unit(*shape: int) -> Tensor:
        return nn.functional.normalize(torch.randn(*shape, generator=draw), dim=-1)

    present = torch.ones(n, LIMIT, dtype=torch.bool)
    images = ImageCode([unit(n, LIMIT, width) for _ in range(LEVELS)], [unit(n, width) for _ in range(LEVELS)], present)
    asked = [torch.randn(q, width, generator=draw) for _ in range(2 * LEVELS)]
    return images, TextCode([*asked[:LEVELS]], [*asked[LEVELS:]])


def pair(images: ImageCode, texts: TextCode, image: int, text: int) -> float:
    """Eq. 12 of one pair, as it is written."""
    total = 0.0
    for weight, objects, whole, of_object, of_image in _levels(images, texts):
        lengths = [float(objects[image, k] @ of_object[text]) for k in range(objects.shape[1])]
        total += weight * (sum(lengths) / len(lengths) + float(whole[image] @ of_image[text]))
    return total


def one_query(images: ImageCode, texts: TextCode, text: int) -> Tensor:
    """Eq. 12 of one query and all pictures, every object looked at."""
    total = torch.zeros(len(images.present))
    for weight, objects, whole, of_object, of_image in _levels(images, texts):
        total += weight * ((objects @ of_object[text]).mean(dim=1) + whole @ of_image[text])
    return total


def product_vectors(images: ImageCode, texts: TextCode) -> tuple[np.ndarray, np.ndarray]:
    """(pictures (N, d), texts (T, d)) whose inner products are eq. 12."""
    return image_side(images).numpy(), text_side(texts, level_weights(LEVELS)).numpy()


def _levels(images: ImageCode, texts: TextCode) -> Iterator[tuple[float, Tensor, Tensor, Tensor, Tensor]]:
    """Of each level: lambda, objects, whole pictures, and the text vectors for either."""
    codes = zip(level_weights(LEVELS), images.objects, images.whole, texts.objects, texts.whole, strict=True)
    for weight, objects, whole, of_object, of_image in codes:
        if objects is None or whole is None or of_object is None or of_image is None:
            raise ValueError("codes: expected both granularities")
        yield weight, objects, whole, of_object, of_image


def _flip(vectors: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return vectors[1], vectors[0].T


def _step(model: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        loss().backward()
        optimiser.step()

    return step


def _timed(ways: dict[str, tuple[Callable[[], object], float]]) -> pd.DataFrame:
    """Turn by turn, every way once a turn."""
    lines = []
    for turn in range(TURNS + 1):
        for name, (work, times) in ways.items():
            begun = time.perf_counter()
            work()
            if turn:
                lines.append((name, turn, (time.perf_counter() - begun) * times))
    return pd.DataFrame(lines, columns=["way", "turn", "value"])
