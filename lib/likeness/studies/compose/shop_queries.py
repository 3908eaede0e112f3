"""Queries of real shops: fashion_small, H&M, and Fashion200k for whoever has it.

Photographs of fashion_small and H&M may not be published, numbers and plots may. Some photographs stand in a shop under
several names, the same to the last of 64 x 64 pixels: 417 of 30,611 in fashion_small, 57 of 11,725 in hm. The names
that share one are one product here, or a test photograph would be among those learnt from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from likeness.data.fashion200k import SHIRTS, Catalogue, Image, image_file, read_labels
from likeness.data.fashion200k_queries import TrainingQueries, modification, read_test_queries
from likeness.data.fashion_small import FashionSmall
from likeness.data.hm import HM
from likeness.data.images import Images, decode
from likeness.data.shop_photos import photographs
from likeness.data.shop_texts import UNSAID, fashion_small_texts, hm_texts
from likeness.data.wardrobe.garments import stream
from likeness.studies.compose.draws import AttributeQueries, ColourQueries, asked, task
from likeness.studies.compose.tasks import PARTS, TEST, TRAIN, VALID, Asked, Goods, Task, numbered, part_of

#: What a caption of fashion_small says, in order.
CAPTION: Final = ("gender", "colour", "type", "usage")
#: What an encoder learns to tell.
TASKS: Final = ("type", "colour", "gender", "usage")


def fashion_small(shop: FashionSmall, seed: int, train: int, test: int, side: int) -> Task:
    """Queries of Fashion200k's kind between captions "men navy blue casual shoes casual"; whole attributes change.

    A usage that is not said is left out. Raises ValueError on too few products for parts and queries, KeyError and
    ValueError on photographs as `photographs`.
    """
    frame = fashion_small_texts(shop.styles)
    photos = _seen(shop.images, frame["id"].tolist(), side)
    said = [tuple("" if one in UNSAID else one.lower() for one in row) for row in frame[list(CAPTION)].to_numpy()]
    product, part = _parts(frame["group"].tolist(), photos, seed)
    captions = tuple(" ".join(value for value in one if value) for one in said)
    labels, classes = numbered({name: frame[name].tolist() for name in TASKS}, part)
    about = f"fashion_small {seed} {side}"
    goods = Goods("fashion_small", about, "public", photos, captions, part, product, labels, classes)
    return task(goods, lambda rows: AttributeQueries(said, rows), seed, train, test)


def hm(shop: HM, seed: int, train: int, test: int, side: int) -> Task:
    """Queries for the same product in another colour; captions "black solid dress", texts "replace black with red".

    The product is that of the shop's code; what two codes share is one product when parts are made, not when queries
    are. No labels: the encoder is another shop's. Raises as `fashion_small`.
    """
    frame = hm_texts(shop.articles)
    photos = _seen(shop.images, frame["id"].tolist(), side)
    product, part = _parts(frame["group"].tolist(), photos, seed)
    said = [(a.lower(), b.lower(), c.lower()) for a, b, c in frame[["colour", "pattern", "type"]].to_numpy()]
    goods = Goods("hm", f"hm {seed} {side}", "public", photos, tuple(frame["text"]), part, product)
    code = pd.factorize(frame["group"])[0]
    return task(goods, lambda rows: ColourQueries(code, said, rows), seed, train, test)


def fashion200k(root: Path, seed: int, train: int, test: int, side: int, within: str = SHIRTS) -> Task:
    """Fashion200k in its official layout, by default the shirts of ComposeTransformers: its split and test queries.

    Training queries are those of `TrainingQueries`; of the training products (folders of photographs), as many as
    `PARTS` says are for validation. A training product that the test split has, too, is left out. Test queries beyond
    `test` are left out at random; the order is the file's. No labels.
    Raises FileNotFoundError and ValueError as `read_labels` and `read_test_queries`; ValueError on too few products or
    queries.
    """
    learnt, tested = (read_labels(root, which, within=within) for which in ("train", "test"))
    sold = {_product(image) for image in tested.images}
    learnt = replace(learnt, images=tuple(image for image in learnt.images if _product(image) not in sold))
    images = (*learnt.images, *tested.images)
    paths = [image.path for image in images]
    product, part = _official(learnt.images, tested.images, seed)
    photos = _seen(_Files(root, paths), paths, side)
    captions = tuple(image.caption for image in images)
    digest = blake2b(repr([(image.path, image.caption) for image in images]).encode() + photos.tobytes(), digest_size=8)
    about = f"fashion200k {within} {seed} {side} {digest.hexdigest()}"
    goods = Goods("fashion200k", about, "paper", photos, captions, part, product)
    rngs = [stream(seed, "compose", goods.name, k) for k in (TRAIN, VALID, TEST)]
    drawn, chosen = (
        asked(goods, _OfCatalogue(learnt, goods.rows(k)), number, rngs[k])
        for k, number in ((TRAIN, train), (VALID, test))
    )
    return Task(goods, drawn, chosen, _published(goods, tested, len(learnt.images), test, rngs[TEST]))


class _OfCatalogue:
    """`TrainingQueries` of some rows of a catalogue, in the catalogue's numbers."""

    def __init__(self, catalogue: Catalogue, rows: np.ndarray) -> None:
        self._made = TrainingQueries(replace(catalogue, images=tuple(catalogue.images[row] for row in rows)))
        self._rows, self._captions = rows, [image.caption for image in catalogue.images]
        self.modifiable = rows[self._made.modifiable]

    def target(self, source: int, rng: np.random.Generator) -> int:
        """A row at random for a row of `modifiable`."""
        return int(self._rows[self._made.draw(int(np.searchsorted(self._rows, source)), rng).target])

    def change(self, source: int, target: int) -> str:
        """The text that leads from a source to a target of its."""
        return modification(self._captions[source], self._captions[target])


class _Files(Images[str]):
    """Photographs below a root, by their paths."""

    def __init__(self, root: Path, paths: Sequence[str]) -> None:
        self._files = {path: image_file(root, path) for path in paths}

    def __getitem__(self, key: str) -> bytes:
        return self._files[key].read_bytes()

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def where(self, key: str) -> str:
        """The file."""
        return str(self._files[key])

    def array(self, key: str) -> np.ndarray:
        """As of any `Images`, but that the size of the file is looked at before it is read."""
        return decode(self._files[key])


def _seen(images: Images[str], ids: Sequence[str], side: int) -> np.ndarray:
    return np.ascontiguousarray(photographs(images, ids, side).transpose(0, 3, 1, 2))


def _parts(groups: Sequence[str], photos: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Product and part of each photograph: rows of one group, or of one photograph to the last pixel, go together."""
    shown = [blake2b(photo.tobytes(), digest_size=16).hexdigest() for photo in photos]
    group, photo = (pd.factorize(np.array(one, dtype=object))[0] for one in (groups, shown))
    n, far = len(group), group.max(initial=-1) + 1
    ends = group, far + photo  # groups and photographs are nodes, each row an edge between them
    graph = coo_array((np.ones(n), ends), shape=(far + n, far + n))
    product = connected_components(graph, directed=False)[1][group].astype(np.int64)
    return product, part_of(product, seed)


def _official(learnt: Sequence[Image], tested: Sequence[Image], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Product and part of the training photographs, then of the test ones."""
    product = pd.factorize(np.array([_product(image) for image in (*learnt, *tested)]))[0].astype(np.int64)
    valid = PARTS[VALID] / (PARTS[TRAIN] + PARTS[VALID])
    known = part_of(product[: len(learnt)], seed, (1 - valid, valid))
    return product, np.concatenate([known, np.full(len(tested), TEST, np.int64)])


def _published(goods: Goods, tested: Catalogue, begin: int, most: int, rng: np.random.Generator) -> Asked:
    """The published queries, `most` of them at most, in their order; rows of the test split begin at `begin`."""
    queries = read_test_queries(tested).queries
    if most < 1 or not queries:
        raise ValueError(f"{most} of {len(queries)} published queries of {tested.root}: expected 1 or more")
    some = [queries[k] for k in np.sort(rng.permutation(len(queries))[:most])]
    source, target = (np.array([getattr(one, end) for one in some], np.int64) + begin for end in ("source", "target"))
    return Asked(source, target, tuple(goods.captions[row] for row in target), tuple(one.modification for one in some))


def _product(image: Image) -> str:
    return image.path.rpartition("/")[0]
