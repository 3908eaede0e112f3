"""Texts that turn one garment into another: "replace white with striped", and "same but in red".

The first kind is Fashion200k's [1]_: two captions with a common parent, the differing words, a random garment of each.
The second names what the target has where two garments differ in a stated number of attributes.

References
----------
.. [1] Vo et al., "Composing Text and Image for Image Retrieval", CVPR 2019, section 4 and its code (Fashion200k).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from likeness.data.captions import parents
from likeness.data.wardrobe.garments import Garment, stream

#: Attributes that change together: a garment with a pattern has a second colour, one without has none.
GROUPS: Final = (
    ("gender",), ("fit",), ("length",), ("colour",), ("pattern", "second"), ("sleeve",), ("neckline",), ("heel",),
    ("kind",),
)  # fmt: skip
#: What stands around the change; all are to be read as "the source, but".
TEMPLATES: Final = ("same but {}", "{} instead", "the same {}", "i want this {}")
#: Draws for each pair asked for, before `changes` gives up: few garments have a partner for a rare attribute.
_PATIENCE: Final = 1000


@dataclass(frozen=True)
class Change:
    """A query of image and text: rows of the source and the target in the sequence that was given, and the text."""

    source: int
    target: int
    text: str


def families(captions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Parents with two or more children, and their children, each caption once, in the order of their coming.

    >>> families(["red cap", "blue cap", "red coat", "tie"])["cap"]
    ('red cap', 'blue cap')
    """
    children: dict[str, list[str]] = defaultdict(list)
    for caption in dict.fromkeys(captions):
        for parent in parents(caption):
            children[parent].append(caption)
    return {parent: tuple(found) for parent, found in children.items() if len(found) > 1}


def replacement(source: str, target: str) -> str:
    """What to replace by what: the one word that only the source has, and the one that only the target has.

    Raises ValueError where they do not differ in one word each.

    >>> replacement("white t-shirt", "striped t-shirt")
    'replace white with striped'
    """
    gone, come = _differing(source, target)
    if len(gone) != 1 or len(come) != 1:
        raise ValueError(f"{source!r} -> {target!r}: {gone} against {come}; expected captions with one other word each")
    return f"replace {gone[0]} with {come[0]}"


def replacements(seed: int, captions: Sequence[str], count: int) -> list[Change]:
    """`count` changes in the manner of Fashion200k among garments with these captions.

    A source at random among those that have siblings; a parent of it, a sibling, and a garment of that caption at
    random. Raises ValueError where no two captions are siblings.
    """
    known = families(captions)
    rows: dict[str, list[int]] = defaultdict(list)
    for row, caption in enumerate(captions):
        rows[caption].append(row)
    homes = {caption: [parent for parent in parents(caption) if parent in known] for caption in rows}
    sources = [row for row, caption in enumerate(captions) if any(_siblings(caption, p, known) for p in homes[caption])]
    if not sources and count:
        raise ValueError(f"{len(captions)} captions, none with a sibling: expected two that differ in one word")
    rng = stream(seed, "replacements")
    found: list[Change] = []
    while len(found) < count:
        source = sources[rng.integers(len(sources))]
        caption = captions[source]
        siblings = _siblings(caption, homes[caption][rng.integers(len(homes[caption]))], known)
        if siblings:
            sibling = siblings[rng.integers(len(siblings))]
            target = rows[sibling][rng.integers(len(rows[sibling]))]
            found.append(Change(source, target, replacement(caption, sibling)))
    return found


def differences(source: Garment, target: Garment) -> tuple[tuple[str, ...], ...]:
    """The groups of attributes in which two garments differ, as a picture shows it (usage and price do not count)."""
    return tuple(group for group in GROUPS if _values(source, group) != _values(target, group))


def instruction(seed: int, source: Garment, target: Garment) -> str:
    """What to say to get from one garment to another: "same but in red", "with long sleeves and cropped instead".

    Names what the target has in every group where they differ. Raises ValueError where they do not differ.
    """
    differing = differences(source, target)
    if not differing:
        raise ValueError(f"garments {source.number} and {target.number} look the same: expected a difference")
    rng = stream(seed, "instruction", source.number, target.number)
    phrases = " and ".join(_phrase(source, target, group) for group in differing)
    return TEMPLATES[rng.integers(len(TEMPLATES))].format(phrases)


def changes(seed: int, garments: Sequence[Garment], count: int, differing: int = 1) -> list[Change]:
    """`count` pairs of garments that differ in exactly `differing` groups of attributes, with their instructions.

    Source and groups are drawn first, evenly, so that rare changes are not lost among the colours; then the target.
    Raises ValueError on `differing` outside 1 .. 9, or where the garments have too few such pairs.
    """
    if not 1 <= differing <= len(GROUPS):
        raise ValueError(f"pairs that differ in {differing} groups: expected 1 to {len(GROUPS)}")
    choices = list(combinations(GROUPS, differing))
    alike = [_alike(garments, choice) for choice in choices]
    rng = stream(seed, "changes", differing)
    found: list[Change] = []
    for _ in range(_PATIENCE * count if garments else 0):
        if len(found) == count:
            break
        source, which = int(rng.integers(len(garments))), int(rng.integers(len(choices)))
        start = garments[source]
        near = alike[which][_rest(start, choices[which])]
        targets = [row for row in near if differences(start, garments[row]) == choices[which]]
        if targets:
            target = targets[rng.integers(len(targets))]
            found.append(Change(source, target, instruction(seed, start, garments[target])))
    if len(found) < count:
        raise ValueError(f"{len(found)} of {count} pairs found among {len(garments)} garments: give more garments")
    return found


def _differing(source: str, target: str) -> tuple[list[str], list[str]]:
    a, b = Counter(source.split()), Counter(target.split())  # "long ... long sleeve" has a word twice
    return list((a - b).elements()), list((b - a).elements())


def _siblings(caption: str, parent: str, known: dict[str, tuple[str, ...]]) -> list[str]:
    """Other children of the parent; not those of the same words in another order, which no word replaces."""
    return [other for other in known[parent] if any(_differing(caption, other))]


def _values(garment: Garment, group: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(getattr(garment, name) for name in group)


def _rest(garment: Garment, left_out: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(_values(garment, group) for group in GROUPS if group not in left_out)


def _alike(
    garments: Sequence[Garment], left_out: tuple[tuple[str, ...], ...]
) -> dict[tuple[tuple[str, ...], ...], list[int]]:
    found = defaultdict(list)
    for row, one in enumerate(garments):
        found[_rest(one, left_out)].append(row)
    return found


def _phrase(source: Garment, target: Garment, group: tuple[str, ...]) -> str:
    name = group[0]
    value = getattr(target, name)
    if name == "pattern":
        if source.pattern == target.pattern:
            return f"with {target.second} in the pattern"
        return "plain" if value == "solid" else f"{value} with {target.second}"
    if name == "kind":
        return f"as {value}" if value.endswith("s") and value != "dress" else f"as a {value}"
    plain = {"sleeveless": "sleeveless", "flat": "flat", "regular": "of regular length"}
    forms = {"gender": "for {}", "fit": "in {}", "colour": "in {}", "sleeve": "with {}s", "neckline": "with a {}",
             "heel": "with a {}", "length": "{}"}  # fmt: skip
    return plain.get(value) or (forms[name].format(value) if value else f"without {name}")
