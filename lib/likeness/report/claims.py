"""A paper's claims, errata and silences, read from ``paper.yaml`` and checked."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likeness.report.paper_file import check_form, closest, read_yaml
from likeness.report.printed import ClaimError, Printed, expand
from likeness.report.schema import ARGS, CARD, NUMBER_RULES, PAPER

__all__ = [
    "Claim",
    "ClaimError",
    "Erratum",
    "Paper",
    "Printed",
    "Silence",
    "closest",
    "load_paper",
    "looks_like_id",
]


@dataclass(frozen=True)
class Claim:
    """One claim of a paper: what it says, where, and the rule that judges it.

    ``presets`` and ``chips`` name the runs and the data that may decide it. ``printed`` holds one entry a
    printed number; it is empty for a sentence.
    """

    id: str
    where: str
    text: str
    kind: str
    rule: str
    args: Mapping[str, Any]
    reason: str
    presets: tuple[str, ...]
    chips: tuple[str, ...]
    printed: tuple[Printed, ...]
    spec: Mapping[str, Any]

    @property
    def sentence(self) -> bool:
        """Whether the claim is judged as a whole and not number by number."""
        return self.rule not in NUMBER_RULES

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Pairs of ids of the rule ``greater``, ``each`` filled in."""
        return _pairs(self.args) if self.rule == "greater" else ()

    @property
    def uses(self) -> tuple[str, ...]:
        """Ids of the values that a sentence is judged by."""
        if self.rule == "within":
            value = self.args["value"]
            return (value,) if isinstance(value, str) else tuple(value)
        return tuple(dict.fromkeys(name for pair in self.pairs for name in pair))


@dataclass(frozen=True)
class Erratum:
    """A place where the paper and the facts differ: ``right`` is what is so.

    ``evidence`` holds ids of values, or references as text.
    """

    id: str
    where: str
    says: str
    right: str
    evidence: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Silence:
    """What the paper leaves unsaid: what it does say, our choice, and its effect (a value id or a text)."""

    about: str
    paper: str
    choice: str
    effect: str


@dataclass(frozen=True)
class Paper:
    """Everything that a room declares about its paper."""

    name: str
    title: str
    outcome: str
    citation: Mapping[str, Any]
    claims: tuple[Claim, ...]
    errata: tuple[Erratum, ...]
    silences: tuple[Silence, ...]
    file: Path

    @property
    def card(self) -> bool:
        """Whether the room is a data card: it rebuilds no paper, and its claims are promises of our own."""
        return self.outcome == CARD

    def claim(self, id: str) -> Claim:
        """The claim of that id. Raises ClaimError naming the closest."""
        for claim in self.claims:
            if claim.id == id:
                return claim
        raise ClaimError(f"claim {id!r}: {closest(id, [c.id for c in self.claims])}")


def load_paper(file: Path) -> Paper:
    """Read and check a ``paper.yaml`` and the printed numbers that it names.

    Raises
    ------
    FileNotFoundError : no such file
    ClaimError : not YAML, a field that is missing, unknown or of the wrong form (file, claim, field and what
        was expected are named), a doubled id
    """
    if not file.is_file():
        raise FileNotFoundError(
            f"{file}: expected the paper's citation and claims; write it (book: how a verdict is made)"
        )
    raw = read_yaml(file)
    check_form(raw, PAPER, raw, str(file))
    if raw["paper"] != file.parent.name:
        raise ClaimError(
            f"{file}: paper: {raw['paper']!r}, expected {file.parent.name!r}, the name of its room"
        )
    claims = tuple(_claim(entry, file) for entry in raw["claims"])
    errata = tuple(
        Erratum(e["id"], e["where"], e["says"], e["is"], tuple(e["evidence"]), e["source"])
        for e in raw.get("errata") or ()
    )
    for what, ids in (("claim", [c.id for c in claims]), ("erratum", [e.id for e in errata])):
        _refuse_double(ids, f"{file}: {what}")
    rows = [p.id for c in claims for p in c.printed] + [c.id for c in claims if c.sentence]
    _refuse_double(rows, f"{file}: ledger row")
    silences = tuple(Silence(**s) for s in raw.get("silences") or ())
    return Paper(raw["paper"], raw["title"], raw["outcome"], raw["citation"], claims, errata, silences, file)


def looks_like_id(text: str) -> bool:
    """Whether a text is meant as the id of a value: parts joined by slashes, no space.

    >>> looks_like_id("table1/circles/ari_k"), looks_like_id("eq. 3"), looks_like_id("https://a.b/c")
    (True, False, False)
    """
    return re.fullmatch(r"[a-z0-9_.@+-]+(/[a-z0-9_.@+-]+)+", text) is not None


def _claim(entry: Mapping[str, Any], file: Path) -> Claim:
    where = f"{file}: claim {entry['id']}"
    args = entry.get("args", {})
    check_form(args, ARGS[entry["rule"]], None, f"{where}: args of rule {entry['rule']}")
    by_number = entry["rule"] in NUMBER_RULES
    if by_number != ("printed" in entry):
        needs = "expected printed numbers" if by_number else "judges a sentence: expected no printed numbers"
        raise ClaimError(f"{where}: field printed: rule {entry['rule']} {needs}")
    spec = entry.get("printed", {})
    printed = expand(spec, file.parent, where) if by_number else ()
    if entry["rule"] == "sampling" and any(p.n is None for p in printed):
        raise ClaimError(
            f"{where}: field printed.n: rule sampling expected the number of samples behind a printed mean"
        )
    for column in args.get("siblings", ()):
        if printed and column not in printed[0].key:
            raise ClaimError(f"{where}: field args.siblings: {column!r}: {closest(column, printed[0].key)}")
    if entry["rule"] == "greater":
        _check_each(args, where)
    if entry["rule"] == "within" and args.get("low") is None and args.get("high") is None:
        raise ClaimError(f"{where}: field args: rule within expected low, high or both")
    decides = entry["decides"]
    names = ("id", "where", "text", "kind", "rule", "reason")
    fixed = {name: entry[name] for name in names}
    return Claim(
        **fixed,
        args=args,
        presets=tuple(decides["presets"]),
        chips=tuple(decides["chips"]),
        printed=printed,
        spec=spec,
    )


def _check_each(args: Mapping[str, Any], where: str) -> None:
    try:
        pairs = _pairs(args)
    except KeyError as error:
        raise ClaimError(f"{where}: field args.each: expected values for {error} of the pairs") from None
    for a, b in pairs:
        if a == b:
            raise ClaimError(f"{where}: field args.pairs: {a} is compared with itself; name two values")


def _pairs(args: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    each = args.get("each", {})
    fillings = [dict(zip(each, cells, strict=True)) for cells in itertools.product(*each.values())]
    made = [(a.format(**f), b.format(**f)) for a, b in args["pairs"] for f in fillings]
    return tuple(dict.fromkeys(made))


def _refuse_double(names: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ClaimError(f"{where} {name!r} is there twice; give each its own id")
        seen.add(name)
