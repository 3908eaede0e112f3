"""What is said about garments: captions as in Fashion200k, queries as in KDD Cup 2020, and what a query means.

Both are drawn from (seed, number of the garment, purpose) alone. A caption names attributes in a fixed order and leaves
some out. A query is short and noisy, in the machine-translated English of a shop's search box: a few attributes, by
their names or by synonyms, words that mean nothing, unknown words and misspellings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.data.wardrobe.garments import ATTRIBUTES, COLOURS, Garment, stream

#: How often a caption names an attribute that the garment has. Colour and pattern lead, as in Fashion200k.
NAMED: Final = {
    "gender": 0.2, "fit": 0.35, "length": 0.6, "colour": 0.9, "pattern": 0.8, "second": 0.15,
    "sleeve": 0.4, "neckline": 0.3, "heel": 0.5, "kind": 1.0,
}  # fmt: skip
#: What goes without saying: never in a caption.
USUAL: Final = ("regular", "regular fit", "solid")

_HUES: Final = {
    "grey": ("grey", "gray"), "navy": ("navy", "navy blue"), "beige": ("beige", "apricot"),
    "brown": ("brown", "coffee"),
    "olive": ("olive", "army green"), "turquoise": ("turquoise", "teal"), "burgundy": ("burgundy", "wine red"),
    "cream": ("cream", "off-white"), "purple": ("purple", "violet"), "pink": ("pink", "rose"),
}  # fmt: skip
#: Wordings of a query, by attribute and value. No two values share one. A value that is not here is never asked for.
WORDINGS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "gender": {
        "women": ("ms.", "women's", "ladies", "for women"), "men": ("mr.", "men's", "male", "for men"),
        "girls": ("girls", "girl's", "for girls"), "boys": ("boys", "boy's", "for boys"),
    },
    "fit": {"slim fit": ("slim fit", "slim"), "loose fit": ("loose fit", "loose")},
    "length": {"cropped": ("cropped", "crop"), "long": ("long", "maxi")},
    "colour": {name: _HUES.get(name, (name,)) for name in COLOURS},
    "pattern": {
        "solid": ("plain", "solid colour"), "striped": ("striped", "stripes"),
        "logo print": ("logo print", "letter print"),
        "floral": ("floral", "flowers"), "checked": ("checked", "plaid"), "dotted": ("dotted", "polka dot"),
        "zigzag": ("zigzag", "chevron"), "colour block": ("colour block", "stitching"),
    },
    "second": {name: tuple(f"with {hue}" for hue in _HUES.get(name, (name,))) for name in COLOURS},
    "sleeve": {
        "short sleeve": ("short sleeve", "short-sleeved"), "long sleeve": ("long sleeve", "long-sleeved"),
        "sleeveless": ("sleeveless",), "three-quarter sleeve": ("three-quarter sleeve", "seven-point sleeve"),
    },
    "neckline": {
        "round neck": ("round neck", "crew neck"), "v-neck": ("v-neck", "v neck"), "collar": ("collar", "lapel"),
        "turtleneck": ("turtleneck", "high collar"), "boat neck": ("boat neck", "bateau"),
    },
    "heel": {"flat": ("flat", "flat-bottomed"), "low heel": ("low heel",), "high heel": ("high heel", "high-heeled")},
    "kind": {
        "t-shirt": ("t-shirt", "tee", "tshirt"), "jeans": ("jeans", "denims"), "dress": ("dress", "gown"),
        "shirt": ("shirt", "button-down"), "blouse": ("blouse", "tunic"), "sneakers": ("sneakers", "trainers"),
        "trousers": ("trousers", "pants", "slacks"), "sweater": ("sweater", "jumper", "pullover"),
        "skirt": ("skirt", "skirts"), "jacket": ("jacket", "jackets"), "shorts": ("shorts", "bermudas"),
        "hoodie": ("hoodie", "hooded sweatshirt"), "tank top": ("tank top", "vest"), "heels": ("heels", "pumps"),
        "coat": ("coat", "overcoat"), "boots": ("boots", "booties"), "cap": ("cap", "baseball cap"),
        "leggings": ("leggings", "tights"), "sandals": ("sandals", "slides"), "sun hat": ("sun hat", "straw hat"),
        "beanie": ("beanie", "knit hat"), "jumpsuit": ("jumpsuit", "romper"),
    },
}  # fmt: skip
#: Words that mean nothing here: no value of any attribute, and drawn whatever the garment is.
FILLERS: Final = (
    "new", "2020", "flagship store", "autumn and winter", "spring and summer", "korean version of", "direct mail",
    "official", "genuine", "fashion", "hot sale", "free shipping", "wild", "student", "retro", "original",
    "temperament", "limited edition", "ins style", "european and american", "trendy", "comfortable", "home",
    "thin section", "counter",
)  # fmt: skip
#: How often a query names an attribute beside the kind, as weights; how many it tries to name.
ASKED: Final = {
    "gender": 4.0, "colour": 4.0, "pattern": 2.0, "sleeve": 1.5, "heel": 1.5, "neckline": 1.0, "length": 1.0,
    "fit": 1.0, "second": 0.3,
}  # fmt: skip
COUNTS: Final = {1: 0.45, 2: 0.4, 3: 0.15}
#: Shares of queries by number of words: those of the 23,256 printed queries of KDD Cup 2020, rounded.
WORDS: Final = {2: 0.03, 3: 0.325, 4: 0.355, 5: 0.17, 6: 0.075, 7: 0.03, 8: 0.015}
#: Shares of queries in no order, of queries with an unknown word, and of misspelt words among those long enough.
SHUFFLED: Final = 0.25
UNKNOWN: Final = 0.12
MISSPELT: Final = 0.04
#: A slip that a published page should not show.
_UNFIT: Final = "shit"
#: A word is long enough where this many letters stand between its first and its last character, which stay right.
_INNER: Final = 2


@dataclass(frozen=True)
class Query:
    """A query and what it names: `text`, and the value `wanted` of each attribute that it names.

    Raises ValueError where nothing is wanted, or an attribute outside `ATTRIBUTES`.
    """

    text: str
    wanted: dict[str, str]

    def __post_init__(self) -> None:
        """Refuse what no garment could match or miss."""
        unknown = [name for name in self.wanted if name not in ATTRIBUTES]
        if unknown or not self.wanted:
            raise ValueError(f"query {self.text!r} wants {self.wanted}: expected some of {', '.join(ATTRIBUTES)}")

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """What is wanted, in order: queries of one key have the same relevant garments; their errors go together."""
        return tuple(sorted(self.wanted.items()))


def caption(seed: int, garment: Garment) -> str:
    """The caption of a garment: words of some of its attributes, in the order of `ATTRIBUTES`, the kind last.

    A second colour is named only behind its pattern. Garments that are alike often share a caption.

    >>> from likeness.data.wardrobe.garments import garment
    >>> caption(0, garment(0, 9)) == caption(0, garment(0, 9))
    True
    """
    draws = stream(seed, "caption", garment.number).random(len(ATTRIBUTES))
    said = {name: getattr(garment, name) for name, draw in zip(ATTRIBUTES, draws, strict=True) if draw < NAMED[name]}
    if "pattern" not in said:
        said.pop("second", None)
    return " ".join(value for value in said.values() if value and value not in USUAL)


def query(seed: int, garment: Garment, number: int = 0) -> Query:
    """A query that a garment answers: its kind and at least one more attribute. Number 0, 1, ... are different draws.

    Attributes are named until the length drawn for the query is full; fillers take the room that is left. `wanted`
    holds what is meant, however misspelt.
    """
    rng = stream(seed, "query", garment.number, number)
    length = _one(rng, WORDS)
    wanted, phrases = _wishes(rng, garment, length)
    room = length - sum(len(phrase.split()) for phrase in phrases)
    noise = [_unknown(rng)] if room > 0 and rng.random() < UNKNOWN else []
    room -= len(noise)
    while room > 0:
        fitting = [filler for filler in FILLERS if len(filler.split()) <= room and filler not in noise]
        noise.append(str(rng.choice(fitting)))
        room -= len(noise[-1].split())
    pieces = noise + phrases
    if rng.random() < SHUFFLED:
        pieces = [pieces[i] for i in rng.permutation(len(pieces))]
    words = " ".join(pieces).split()
    text = " ".join(misspelt(rng, w) if long_enough(w) and rng.random() < MISSPELT else w for w in words)
    return Query(text, wanted)


def matches(query: Query, garment: Garment) -> bool:
    """Whether a garment has every value that a query names.

    >>> from likeness.data.wardrobe.garments import garment
    >>> one = garment(0, 3)
    >>> matches(Query("any", {"kind": one.kind}), one), matches(Query("any", {"colour": "none"}), one)
    (True, False)
    """
    return all(getattr(garment, name) == value for name, value in query.wanted.items())


def long_enough(word: str) -> bool:
    """Whether a word may be misspelt: two letters or more inside it.

    >>> long_enough("coat"), long_enough("ms."), long_enough("2020")
    (True, False, False)
    """
    return sum(letter.isalpha() for letter in word[1:-1]) >= _INNER


def misspelt(rng: np.random.Generator, word: str) -> str:
    """A word with two neighbouring letters swapped, one dropped or one doubled, the first and last left in place.

    So a plural does not become a singular. Never the word itself. Raises ValueError on a word that is too short.
    """
    if not long_enough(word):
        raise ValueError(f"word {word!r}: expected {_INNER} letters or more inside it")
    return str(rng.choice(_misspellings(word)[str(rng.choice(["swap", "drop", "double"]))]))


def _misspellings(word: str) -> dict[str, list[str]]:
    inner = [i for i in range(1, len(word) - 1) if word[i].isalpha()]
    drops = [slip for i in inner if _UNFIT not in (slip := word[:i] + word[i + 1 :])]
    swaps = [
        word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in inner if i + 1 in inner and word[i] != word[i + 1]
    ]
    return {"swap": swaps or drops, "drop": drops, "double": [word[:i] + word[i] + word[i:] for i in inner]}


def _wishes(rng: np.random.Generator, garment: Garment, length: int) -> tuple[dict[str, str], list[str]]:
    """What a query names, and how: the kind, one attribute, and more of them while the words are not too many."""
    open_to = [name for name in ASKED if getattr(garment, name) in WORDINGS[name]]
    weights = np.array([ASKED[name] for name in open_to])
    many = min(_one(rng, COUNTS), len(open_to))
    names = [str(name) for name in rng.choice(open_to, many, replace=False, p=weights / weights.sum())]
    phrases = {"kind": _wording(rng, garment, "kind")}
    for place, name in enumerate(names):
        phrase = _wording(rng, garment, name)
        if place == 0 or len(" ".join([*phrases.values(), phrase]).split()) <= length:
            phrases[name] = phrase
    ordered = [name for name in ATTRIBUTES if name in phrases]
    return {name: getattr(garment, name) for name in ordered}, [phrases[name] for name in ordered]


def _wording(rng: np.random.Generator, garment: Garment, name: str) -> str:
    return str(rng.choice(WORDINGS[name][getattr(garment, name)]))


def _unknown(rng: np.random.Generator) -> str:
    """A word of two or three syllables that stands nowhere else: a brand, a place, a failure of the translation."""
    syllables = ["".join(rng.choice(list(letters)) for letters in ("bdfghjklmnrstwxyz", "aeiou"))
                 for _ in range(int(rng.integers(2, 4)))]  # fmt: skip
    return "".join(syllables) + str(rng.choice(["", "n", "ng"]))


def _one(rng: np.random.Generator, shares: dict[int, float]) -> int:
    return int(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
