"""One chapter as the pages see it: its paper, its newest run, its full record, its ledger."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from likeness.report.claims import Claim, ClaimError, Paper, closest, load_paper, looks_like_id
from likeness.report.html import fixed
from likeness.report.ledger import Row, counts, join_paper, load_record, of_room
from likeness.report.parameters import parameters_of
from likeness.report.rooms import Room
from likeness.report.values import Value, values_of

#: Where a page stands that a link leads from: the top of the book, or the folder of a chapter.
TOP: Final = ""
CHAPTER: Final = "../../"
#: Below this size a number is written with an exponent.
TINY: Final = 1e-4


@dataclass(frozen=True)
class Chapter:
    """A room with results. ``record`` is the committed full record, None where there is none."""

    room: Room
    paper: Paper
    results: Mapping[str, Any]
    record: Mapping[str, Any] | None

    @classmethod
    def load(cls, room: Room) -> Chapter:
        """Read a room. Raises ValueError or FileNotFoundError where something is missing or corrupt."""
        return cls(room, load_paper(room.yaml), of_room(room, room.results), load_record(room))

    @property
    def name(self) -> str:
        """Short name of the paper."""
        return self.room.name

    @property
    def page(self) -> str:
        """The chapter's page, seen from the top of the book."""
        return f"paper_runs/{self.name}/{self.name}.html"

    @cached_property
    def rows(self) -> list[Row]:
        """The ledger."""
        return join_paper(self.paper, self.results, self.record)

    @cached_property
    def by_id(self) -> dict[str, Row]:
        """Rows of the ledger by id."""
        return {row.id: row for row in self.rows}

    @cached_property
    def run_values(self) -> dict[str, Value]:
        """Values of this run."""
        return values_of(self.results)

    @cached_property
    def record_values(self) -> dict[str, Value]:
        """Values of the full record; empty where there is none."""
        return values_of(self.record)

    def value(self, id: str, of: str = "run") -> Value:
        """A value of the run, or of the record. Raises ClaimError naming the closest id."""
        known = {"run": self.run_values, "record": self.record_values}
        if of not in known:
            raise ClaimError(f"of={of!r}: expected 'run' or 'record'")
        if of == "record" and self.record is None:
            raise ClaimError(
                f"id {id!r}: {self.name} has no full record; make it with likeness run --preset full --record"
            )
        if id not in known[of]:
            raise ClaimError(f"id {id!r}: the {of} has no such value; {closest(id, known[of])}")
        return known[of][id]

    def row(self, id: str) -> Row:
        """A row of the ledger. Raises ClaimError naming the closest id."""
        if id not in self.by_id:
            raise ClaimError(f"id {id!r}: the ledger has no such row; {closest(id, self.by_id)}")
        return self.by_id[id]

    def best(self, id: str) -> Value:
        """A value of the record where it is there, else of the run."""
        return self.record_values[id] if id in self.record_values else self.value(id)

    def of_claim(self, claim: Claim) -> list[Row]:
        """Rows of one claim."""
        return [row for row in self.rows if row.claim == claim.id]

    def claim_entries(self) -> list[dict[str, Any]]:
        """One entry a claim: the claim, its counts by verdict, the chips of its data, notes worth reading."""
        entries = []
        for claim in self.paper.claims:
            rows = self.of_claim(claim)
            # the notes of thousands of numbers stand in the tables; a sentence has but one
            notes = [row.note for row in rows] if claim.sentence else []
            chips = " ".join(sorted({chip for row in rows for chip in row.chip.split()}))
            entries.append({"claim": claim, "counts": counts(rows), "chips": chips, "notes": notes})
        return entries

    def shown(self, reference: str) -> dict[str, str | None]:
        """A piece of evidence: a value id with its value, or a text as it is."""
        if not looks_like_id(reference):
            return {"name": reference, "value": None}
        value = self.best(reference)
        spread = [] if value.low is None or value.high is None else [value.low, value.high]
        if 0.0 < abs(value.value) < TINY:
            mean, *ends = (f"{number:.1e}" for number in (value.value, *spread))
        else:
            mean, *ends = (fixed(number, decimals(value.value)) for number in (value.value, *spread))
        text = mean + (f" [{', '.join(ends)}]" if ends else "")
        return {"name": reference, "value": f"{text} {value.unit}".strip()}

    def commands(self) -> list[str]:
        """The commands that make this run again: through ``likeness``, and through plain papermill."""
        params, preset = self.results["params"], str(self.results["preset"])
        usual = parameters_of(self.name).resolve({"preset": preset}).asdict()
        given = {name: value for name, value in params.items() if usual.get(name, value) != value}
        texts = {
            n: ",".join(map(str, v)) if isinstance(v, (list, tuple)) else str(v) for n, v in given.items()
        }
        options = "".join(f" -p {name}={text}" for name, text in texts.items())
        notebook = f"{self.room.path.relative_to(self.room.root).as_posix()}/{self.name}.ipynb"
        plain = "".join(
            f" -p {name} {text}" for name, text in texts.items() if not isinstance(given[name], (list, tuple))
        )
        return [
            f"likeness run {self.name} --preset {preset}{options}",
            f"papermill {notebook} rerun.ipynb -p preset {preset}{plain}",
        ]


def decimals(value: float, significant: int = 3) -> int:
    """Decimals that show so many significant digits; a whole number is never cut.

    >>> decimals(0.1033), decimals(579.0), decimals(0.0)
    (3, 0, 2)
    """
    return max(0, significant - 1 - (math.floor(math.log10(abs(value))) if value else 0))


def authors(names: list[str]) -> str:
    """Authors of a citation in one line.

    >>> authors(["A", "B", "C"]), authors(["A"])
    ('A, B and C', 'A')
    """
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
