"""Hierarchical similarity learning: similarities at several levels and two granularities.

References
----------
[1] Ma et al., "Hierarchical Similarity Learning for Language-based Product Image Retrieval", ICASSP 2021.
[2] Vaswani et al., "Attention is all you need", NeurIPS 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.models.hsl.encoders import Kind, encoder, positions
from likeness.models.hsl.inputs import Images, Texts, mean_of_present
from likeness.models.hsl.matcher import Direction, Matcher, Size, projection_matching

Granularity = Literal["object", "image"]
BOTH: Final[tuple[Granularity, ...]] = ("object", "image")
#: Layers of a level (section 3.1.2).
IMAGE_LAYERS, TEXT_LAYERS = 3, 2
#: lambda of the levels below the highest, and of the highest (section 3.1.2 has two levels: .5 and 1).
LOWER, HIGHEST = 0.5, 1.0


@dataclass(frozen=True)
class Switches:
    """Where the published code and the paper differ; the defaults follow the code.

    direction : softmax over "images" for each text (code) or over "texts" for each image (eq. 9, 10)
    positions : whether words are told apart by place; neither the code nor the equations do so, though section 2.1.1
        speaks of sequential relation
    attention : one module "shared" by all levels (code) or each level its "own" (eq. 6 read strictly)
    branch : "deep" (code: ReLU of the object embedding, Linear, attention, Linear) or "plain" (eq. 6-8)
    normalised_text : whether text vectors have length 1, which makes eq. 5 a cosine
    aggregate : "mean" (eq. 4) or "max" over the objects
    """

    direction: Direction = "images"
    positions: bool = False
    attention: Literal["shared", "own"] = "shared"
    branch: Literal["deep", "plain"] = "deep"
    normalised_text: bool = False
    aggregate: Literal["mean", "max"] = "mean"


class Shape(NamedTuple):
    """What of the hierarchy a model has.

    levels : stacked encoders a modality; scored : levels whose similarities count, from 1, None for all
    granularities : of "object", "image"; image_layers, text_layers : transformer layers of each level
    """

    levels: int = 2
    scored: tuple[int, ...] | None = None
    granularities: tuple[Granularity, ...] = BOTH
    image_layers: tuple[int, ...] | None = None
    text_layers: tuple[int, ...] | None = None


class ImageCode(NamedTuple):
    """What images are encoded to, one entry a scored level: objects (N, n, E) of length 1, whole (N, E) of length 1.

    present (N, n) bool: which objects there are. A granularity that the model lacks is None.
    """

    objects: list[Tensor | None]
    whole: list[Tensor | None]
    present: Tensor


class TextCode(NamedTuple):
    """What texts are encoded to, one entry a scored level: for objects and for the whole image, (T, E) each."""

    objects: list[Tensor | None]
    whole: list[Tensor | None]


class HSL(Matcher):
    """Eq. 1-12 of [1], with stacked transformers (post-norm, no positions) or bi-GRUs.

    Parameters
    ----------
    size : widths; shape : levels and granularities; kind : of the stacked encoders; switches : paper or code
    """

    def __init__(
        self,
        size: Size,
        *,
        shape: Shape | None = None,
        kind: Kind = "transformer",
        switches: Switches | None = None,
    ) -> None:
        super().__init__()
        self.size, self.shape, self.switches = size, shape or Shape(), switches or Switches()
        levels = self.shape.levels
        self.scored = _scored(self.shape)
        self.weights = level_weights(levels)
        image_layers = self.shape.image_layers or (IMAGE_LAYERS,) * levels
        text_layers = self.shape.text_layers or (TEXT_LAYERS,) * levels
        if levels < 1 or len(image_layers) != levels or len(text_layers) != levels:
            raise ValueError(f"{self.shape}: expected as many numbers of layers as levels, and a level")
        self.object_in = nn.Linear(size.features, size.width)
        self.word_vectors = nn.Embedding(size.words, size.word_width, padding_idx=0)
        self.word_in = nn.Linear(size.word_width, size.width)
        deepest = max(self.scored)  # a level that nothing asks for is not built
        self.image_levels = nn.ModuleList(encoder(kind, size, n) for n in image_layers[:deepest])
        self.text_levels = nn.ModuleList(encoder(kind, size, n) for n in text_layers[:deepest])
        shared = _attention(size) if self.switches.attention == "shared" else None
        self.heads = nn.ModuleList(
            Head(size, self.shape.granularities, self.switches, shared) for _ in self.scored
        )

    def encode_images(self, images: Images) -> ImageCode:
        """Unit vectors of objects and of whole images at every scored level."""
        x = self.object_in(images.objects)
        objects, whole = [], []
        for level, encode in enumerate(self.image_levels, start=1):
            x = encode(x, images.present)  # eq. 1, 2
            if level in self.scored:
                of_objects, of_image = self._head(level).see(x, images.present)
                objects.append(of_objects)
                whole.append(of_image)
        return ImageCode(objects, whole, images.present)

    def encode_texts(self, texts: Texts) -> TextCode:
        """Text vectors of both granularities at every scored level."""
        x = self.word_in(self.word_vectors(texts.words))
        if self.switches.positions:
            x = x + positions(x.shape[1], x.shape[2]).to(x)
        objects, whole = [], []
        for level, encode in enumerate(self.text_levels, start=1):
            x = encode(x, texts.present)  # eq. 3
            if level in self.scored:
                of_objects, of_image = self._head(level).read(mean_of_present(x, texts.present))
                objects.append(of_objects)
                whole.append(of_image)
        return TextCode(objects, whole)

    def _head(self, level: int) -> Head:
        return cast(Head, self.heads[self.scored.index(level)])  # nn.ModuleList forgets what it holds

    def parts(self, images: ImageCode, texts: TextCode) -> list[tuple[float, Tensor]]:
        """(lambda of the level, similarities (N, T)) of every scored level and granularity."""
        found = []
        for at, level in enumerate(self.scored):
            weight = self.weights[level - 1]
            seen, asked = images.objects[at], texts.objects[at]
            if seen is not None and asked is not None:
                found.append((weight, object_similarity(seen, images.present, asked, self.switches.aggregate)))
            seen, asked = images.whole[at], texts.whole[at]
            if seen is not None and asked is not None:
                found.append((weight, seen @ asked.T))  # eq. 8
        return found

    def similarities(self, images: Images, texts: Texts) -> Tensor:
        """Eq. 12, (N, T)."""
        parts = self.parts(self.encode_images(images), self.encode_texts(texts))
        return torch.stack([weight * part for weight, part in parts]).sum(dim=0)

    def loss(self, images: Images, texts: Texts, same: Tensor) -> Tensor:
        """Eq. 11: the losses of all levels and granularities, each by itself."""
        parts = self.parts(self.encode_images(images), self.encode_texts(texts))
        direction = self.switches.direction
        return torch.stack([w * projection_matching(part, same, direction) for w, part in parts]).sum()


class Head(nn.Module):
    """From the encodings of one level to its two common spaces (section 2.2)."""

    def __init__(
        self, size: Size, granularities: Sequence[Granularity], switches: Switches, shared: nn.Module | None
    ) -> None:
        super().__init__()
        self.granularities, self.switches = tuple(granularities), switches
        unknown = [one for one in self.granularities if one not in BOTH]
        if unknown or not self.granularities:
            raise ValueError(f"granularities {self.granularities}: expected some of {BOTH}")
        deep = switches.branch == "deep"
        if "object" in self.granularities or deep:
            self.of_object = nn.Linear(size.width, size.embed)
        self.dropout = nn.Dropout(size.dropout)
        if "object" in self.granularities:
            self.query_of_object = nn.Linear(size.width, size.embed)
        if "image" in self.granularities:
            self.attention = shared or _attention(size)
            self.back = nn.Linear(size.embed, size.width) if deep else None
            self.of_image = nn.Linear(size.width, size.embed)
            self.query_of_image = nn.Linear(size.width, size.embed)

    def see(self, x: Tensor, present: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Objects (N, n, width) -> unit vectors of objects (N, n, E) and of the image (N, E)."""
        objects, whole, embedded = None, None, None
        if "object" in self.granularities or self.switches.branch == "deep":
            embedded = self.of_object(x)
        if "object" in self.granularities and embedded is not None:
            objects = F.normalize(self.dropout(embedded), dim=2)  # v / |v| of eq. 5
        if "image" in self.granularities:
            if self.back is not None and embedded is not None:
                x = self.back(F.relu(embedded))
            scores = self.attention(x).squeeze(2).masked_fill(~present, -torch.inf)  # eq. 6
            summed = (scores.softmax(dim=1).unsqueeze(2) * x).sum(dim=1)  # eq. 7
            whole = F.normalize(self.dropout(self.of_image(summed)), dim=1)
        return objects, whole

    def read(self, mean: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Mean word (T, width) -> text vectors (T, E) for objects and for images."""
        objects = self.query_of_object(mean) if "object" in self.granularities else None
        whole = self.query_of_image(mean) if "image" in self.granularities else None
        if self.switches.normalised_text:
            objects = None if objects is None else F.normalize(objects, dim=1)
            whole = None if whole is None else F.normalize(whole, dim=1)
        return objects, whole


def level_weights(levels: int) -> list[float]:
    """lambda of every level, the highest last.

    >>> level_weights(2)
    [0.5, 1.0]
    """
    return [LOWER] * (levels - 1) + [HIGHEST]


def object_similarity(seen: Tensor, present: Tensor, asked: Tensor, aggregate: Literal["mean", "max"]) -> Tensor:
    r"""Eq. 4 and 5: :math:`\sigma(I, T) = \frac1n \sum_k v_k \cdot q / |v_k|`, or the largest over k.

    A mean of inner products is the inner product with the mean, so that eq. 4 needs no pair of object and text.

    Parameters
    ----------
    seen : (N, n, E) of length 1; present : (N, n) bool; asked : (T, E)

    Returns
    -------
    (N, T)
    """
    if aggregate == "mean":
        # 1 / n * sum_k <v_k, q>, for all k, N and T
        return mean_of_present(seen, present) @ asked.T
    every = (seen @ asked.T).masked_fill(~present.unsqueeze(2), -torch.inf)  # (N, n, T)
    return every.amax(dim=1)


def _attention(size: Size) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size.width, size.width), nn.ReLU(), nn.Linear(size.width, 1))


def _scored(shape: Shape) -> tuple[int, ...]:
    scored = tuple(range(1, shape.levels + 1)) if shape.scored is None else shape.scored
    if not scored or len(set(scored)) != len(scored) or not all(1 <= one <= shape.levels for one in scored):
        raise ValueError(f"scored levels {scored}: expected some of 1 ... {shape.levels}, each once")
    return tuple(sorted(scored))
