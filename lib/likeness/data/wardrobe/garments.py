"""Garments: which there are, and which attributes go together.

A garment is drawn along a chain of tables, each attribute given those before it:

    gender -> kind (with its category) -> usage -> colour -> pattern -> second colour
           -> sleeve, length, neckline, fit, heel (where the kind has them) -> price

Number i of a seed is drawn from (seed, i) alone, so that a catalogue of any size is a stream, any part of it can be
made anywhere, and a larger catalogue begins with the smaller one. Kinds, colours and patterns have long tails: weights
fall like 1 / rank, and most combinations of a large catalogue are seen once.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

#: Shares of the catalogue.
GENDERS: Final = {"women": 0.55, "men": 0.30, "girls": 0.08, "boys": 0.07}

#: Fill colours of the drawings, sRGB. The order is that of their frequency.
COLOURS: Final[dict[str, tuple[int, int, int]]] = {
    "black": (28, 28, 32), "white": (240, 240, 236), "blue": (52, 92, 168), "grey": (132, 134, 138),
    "navy": (28, 38, 74), "red": (186, 34, 44), "beige": (214, 196, 164), "pink": (230, 150, 172),
    "green": (58, 122, 74), "brown": (108, 72, 46), "yellow": (232, 202, 70), "purple": (112, 64, 136),
    "orange": (228, 124, 44), "olive": (104, 108, 58), "turquoise": (62, 170, 172), "burgundy": (104, 24, 44),
    "cream": (244, 232, 206), "mint": (166, 214, 188),
}  # fmt: skip
#: Likewise; "solid" has no second colour, all others have one.
PATTERNS: Final = ("solid", "striped", "logo print", "floral", "checked", "dotted", "zigzag", "colour block")

SLEEVES: Final = ("short sleeve", "long sleeve", "sleeveless", "three-quarter sleeve")
NECKLINES: Final = ("round neck", "v-neck", "collar", "turtleneck", "boat neck")
LENGTHS: Final = ("regular", "cropped", "long")
FITS: Final = ("regular fit", "slim fit", "loose fit")
HEELS: Final = ("flat", "low heel", "high heel")
USAGES: Final = ("casual", "formal", "sports", "party")


@dataclass(frozen=True)
class Kind:
    """A type of garment: its category, who wears it (weights by gender), its base price, and what it is made of.

    parts : attributes that it has, of "sleeve", "neckline", "length", "fit", "heel". usages : weights of `USAGES`.
    sleeves : the sleeves it comes with, where not all.
    """

    category: str
    women: float
    men: float
    price: float
    usages: tuple[float, float, float, float]
    parts: tuple[str, ...] = ()
    sleeves: tuple[str, ...] = SLEEVES


_UPPER = ("sleeve", "neckline", "length", "fit")
#: Every kind, by name, in the order of its frequency. Weights of women and men; children take those of their elders.
KINDS: Final[dict[str, Kind]] = {
    "t-shirt": Kind("tops", 10, 14, 15, (0.75, 0.0, 0.2, 0.05), _UPPER, ("short sleeve", "long sleeve", "sleeveless")),
    "jeans": Kind("bottoms", 7, 9, 45, (0.95, 0.0, 0.0, 0.05), ("length", "fit")),
    "dress": Kind("dresses", 10, 0, 50, (0.5, 0.15, 0.0, 0.35), ("sleeve", "neckline", "length")),
    "shirt": Kind("tops", 4, 9, 35, (0.45, 0.5, 0.0, 0.05), ("sleeve", "length", "fit"), SLEEVES[:2]),
    "blouse": Kind("tops", 7, 0, 32, (0.5, 0.35, 0.0, 0.15), ("sleeve", "neckline", "length")),
    "sneakers": Kind("shoes", 5, 7, 60, (0.6, 0.0, 0.4, 0.0)),
    "trousers": Kind("bottoms", 5, 6, 40, (0.5, 0.45, 0.0, 0.05), ("length", "fit")),
    "sweater": Kind("tops", 6, 6, 42, (0.85, 0.1, 0.0, 0.05), ("neckline", "length", "fit")),
    "skirt": Kind("bottoms", 6, 0, 30, (0.6, 0.2, 0.0, 0.2), ("length",)),
    "jacket": Kind("jackets", 4, 5, 80, (0.7, 0.1, 0.15, 0.05), ("length", "fit")),
    "shorts": Kind("bottoms", 4, 5, 25, (0.65, 0.0, 0.35, 0.0), ("fit",)),
    "hoodie": Kind("tops", 3, 6, 38, (0.7, 0.0, 0.3, 0.0), ("length", "fit")),
    "tank top": Kind("tops", 4, 2, 12, (0.6, 0.0, 0.35, 0.05), ("neckline", "length", "fit")),
    "heels": Kind("shoes", 4, 0, 70, (0.2, 0.35, 0.0, 0.45), ("heel",)),
    "coat": Kind("jackets", 3, 3, 120, (0.6, 0.35, 0.0, 0.05), ("length", "fit")),
    "boots": Kind("shoes", 3, 3, 95, (0.85, 0.1, 0.0, 0.05), ("heel",)),
    "cap": Kind("hats", 1.5, 3, 16, (0.7, 0.0, 0.3, 0.0)),
    "leggings": Kind("bottoms", 3, 0.2, 20, (0.5, 0.0, 0.5, 0.0), ("length",)),
    "sandals": Kind("shoes", 2, 1.5, 35, (0.8, 0.0, 0.1, 0.1), ("heel",)),
    "sun hat": Kind("hats", 1.5, 0.5, 22, (0.8, 0.0, 0.0, 0.2)),
    "beanie": Kind("hats", 1, 1, 14, (0.8, 0.0, 0.2, 0.0)),
    "jumpsuit": Kind("dresses", 1.5, 0.1, 55, (0.6, 0.1, 0.0, 0.3), ("sleeve", "neckline", "fit")),
}  # fmt: skip
CATEGORIES: Final = tuple(dict.fromkeys(kind.category for kind in KINDS.values()))
#: Attributes of a garment that pictures carry and texts may name, in the order in which a caption names them.
ATTRIBUTES: Final = ("gender", "fit", "length", "colour", "pattern", "second", "sleeve", "neckline", "heel", "kind")


@dataclass(frozen=True)
class Garment:
    """One article. What a kind does not have is "" (a t-shirt's heel). price is in whole units of money."""

    number: int
    gender: str
    category: str
    kind: str
    usage: str
    colour: str
    pattern: str
    second: str
    sleeve: str
    length: str
    neckline: str
    fit: str
    heel: str
    price: int


def garment(seed: int, number: int) -> Garment:
    """Number `number` >= 0 of the catalogue of a seed.

    >>> garment(0, 3) == garment(0, 3), garment(0, 3) == garment(1, 3)
    (True, False)
    """
    if number < 0:
        raise ValueError(f"garment {number}: expected a number >= 0")
    rng = stream(seed, "garment", number)
    gender = _one(rng, GENDERS)
    kind = _one(rng, {name: k.women if gender in ("women", "girls") else k.men for name, k in KINDS.items()})
    made = KINDS[kind]
    usage = _one(rng, dict(zip(USAGES, made.usages, strict=True)))
    colour = _one(rng, _colours(gender, usage))
    pattern = _one(rng, _patterns(kind, usage, gender))
    second = "" if pattern == "solid" else _one(rng, {c: w for c, w in _colours(gender, usage).items() if c != colour})
    has = {
        "sleeve": _one(rng, _tail(made.sleeves)),
        "length": _one(rng, _tail(LENGTHS)),
        "neckline": _one(rng, _tail(NECKLINES)),
        "fit": _one(rng, _tail(FITS)),
        "heel": _one(rng, _heels(kind, usage)),
    }
    has |= {name: "" for name in has if name not in made.parts}
    price = max(1, round(made.price * _worth(usage, pattern, gender) * float(rng.lognormal(0.0, 0.35))))
    return Garment(number, gender, made.category, kind, usage, colour, pattern, second, price=price, **has)


def catalogue(seed: int, size: int, begin: int = 0) -> Iterator[Garment]:
    """Garments begin ... begin + size - 1 of a seed, one after the other."""
    return (garment(seed, number) for number in range(begin, begin + size))


def stream(seed: int, *names: object) -> np.random.Generator:
    """Random numbers of one place in the wardrobe: no result depends on the order in which others are made."""
    return np.random.default_rng([seed, *(zlib.crc32(repr(name).encode()) for name in names)])


def _one(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """One name at random, by weight: by a single number of the stream, whatever is chosen."""
    bounds = np.cumsum(list(weights.values()))
    return list(weights)[int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))]


def _tail(names: tuple[str, ...]) -> dict[str, float]:
    """Weights that fall like 1 / rank."""
    return {name: 1.0 / rank for rank, name in enumerate(names, start=1)}


def _colours(gender: str, usage: str) -> dict[str, float]:
    weights = _tail(tuple(COLOURS))
    more = {
        "formal": {"black": 2.5, "white": 2.0, "navy": 2.5, "grey": 1.5},
        "party": {"red": 2.5, "burgundy": 2.5, "purple": 2.0, "black": 1.5},
        "sports": {"orange": 2.0, "yellow": 2.0, "turquoise": 2.0},
        "casual": {},
    }[usage]
    less = {"men": {"pink": 0.2, "purple": 0.4, "mint": 0.3}, "girls": {"pink": 4.0, "black": 0.4}}.get(gender, {})
    return {name: weight * more.get(name, 1.0) * less.get(name, 1.0) for name, weight in weights.items()}


def _patterns(kind: str, usage: str, gender: str) -> dict[str, float]:
    weights = _tail(PATTERNS)
    weights["solid"] *= 1.5 if usage != "formal" else 4.0
    if kind in ("jeans", "leggings", "heels", "boots", "sandals"):
        weights["solid"] *= 6.0
    if usage == "formal":
        weights["logo print"] = 0.0
    if kind in ("t-shirt", "hoodie", "cap", "tank top"):
        weights["logo print"] *= 3.0
    if kind in ("dress", "blouse", "skirt"):
        weights["floral"] *= 3.0
        weights["logo print"] *= 0.1
    if kind == "shirt":
        weights["checked"] *= 4.0
    if gender in ("men", "boys"):
        weights["floral"] *= 0.2
    return weights


def _heels(kind: str, usage: str) -> dict[str, float]:
    if kind == "heels":
        return {"low heel": 1.0, "high heel": 3.0 if usage == "party" else 1.0}
    return {"flat": 3.0, "low heel": 2.0, "high heel": 0.5}


def _worth(usage: str, pattern: str, gender: str) -> float:
    dear = {"formal": 1.5, "party": 1.3, "sports": 1.1, "casual": 1.0}[usage]
    return dear * (1.1 if pattern != "solid" else 1.0) * (0.6 if gender in ("girls", "boys") else 1.0)
