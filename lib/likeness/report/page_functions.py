"""What markdown may call: numbers glued from results, tables of the ledger, the book's scoreboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from likeness.report.chapter import CHAPTER, TOP, Chapter, authors
from likeness.report.claims import ClaimError, closest
from likeness.report.downloads import links
from likeness.report.facts import provenance_lines, score_facts
from likeness.report.fragments import agreement_table, count_table, ledger_table, verdict_label
from likeness.report.html import data_uri, render
from likeness.report.ledger import counts


@dataclass(frozen=True)
class BookFunctions:
    """Functions of the pages around the chapters."""

    chapters: Sequence[Chapter]

    def names(self) -> dict[str, Callable[..., object]]:
        """The functions by the name that markdown calls them by."""
        return {
            "scoreboard": self.scoreboard,
            "environment_table": self.environment_table,
            "data_table": self.data_table,
            "errata_table": self.errata_table,
            "papers": lambda: [chapter.name for chapter in self.chapters],
        }

    def scoreboard(self) -> Markup:
        """Papers x claims with counts by verdict, chips, time and machine; links to the chapters. No data cards."""
        papers = [chapter for chapter in self.chapters if not chapter.paper.card]
        entries = [
            {
                "name": c.name,
                "paper": c.paper,
                "page": TOP + c.page,
                "authors": authors(c.paper.citation["authors"]),
                "counts": counts(c.rows),
                "lines": c.claim_entries(),
                "facts": score_facts(c),
            }
            for c in papers
        ]
        rows = [row for c in papers for row in c.rows]
        return render("scoreboard", entries=entries, total=len(rows), totals=counts(rows))

    def environment_table(self) -> Markup:
        """Versions, host and hashes of every run and record in the book."""
        named = [
            (f"{c.name}, {kind}", r)
            for c in self.chapters
            for kind, r in (("full record", c.record), ("this run", c.results))
            if r
        ]
        return render(
            "provenance",
            heads=[name for name, _ in named],
            lines=provenance_lines([results for _, results in named]),
            caption="Where the numbers of this book were computed",
        )

    def data_table(self) -> Markup:
        """Data sets of the chapters that are in the book."""
        from likeness.data.registry import SOURCES

        pages = {c.name: TOP + c.page for c in self.chapters}
        sources = [
            {
                **{name: getattr(s, name) for name in ("name", "chip", "what", "source", "terms", "unhashed")},
                "used": [(p, pages[p]) for p in s.papers if p in pages],
                "files": sorted(s.files.items()),
            }
            for s in SOURCES.values()
            if not pages.keys().isdisjoint(s.papers)
        ]
        return render("data", sources=sources)

    def errata_table(self) -> Markup:
        """Errata of all papers."""
        return render(
            "errata",
            entries=_errata(self.chapters),
            several=True,
            caption="Errata of all papers in this book",
        )


@dataclass(frozen=True)
class ChapterFunctions:
    """Functions of a chapter's markdown; ``of`` is "run" (this run) or "record" (the committed full one)."""

    chapter: Chapter

    def names(self) -> dict[str, Callable[..., object]]:
        """The functions by the name that markdown calls them by."""
        chosen = (
            "title", "citation", "ours", "record", "printed", "interval", "param", "n", "verdict", "count",
            "best", "ledger_table", "count_table", "claims_table", "errata_table", "silences_table",
            "agreement_table", "record_figure", "ending",
        )  # fmt: skip
        return {name: getattr(self, name) for name in chosen}

    def title(self) -> str:
        """Outcome and title of the chapter, "[Re] ..."."""
        return f"{self.chapter.paper.outcome} {self.chapter.paper.title}"

    def citation(self) -> Markup:
        """The paper's reference."""
        cited = self.chapter.paper.citation
        return render("citation", citation=cited, authors=authors(cited["authors"]))

    def ours(self, id: str, fmt: str = ".3f") -> str:
        """A value of this run."""
        return format(self.chapter.value(id).value, fmt)

    def record(self, id: str, fmt: str = ".3f") -> str:
        """A value of the full record."""
        return format(self.chapter.value(id, "record").value, fmt)

    def best(self, id: str, fmt: str = ".3f") -> str:
        """A value of the full record where it has it, else of this run: for prose that is true of either."""
        return format(self.chapter.best(id).value, fmt)

    def printed(self, id: str) -> str:
        """A number as the paper prints it."""
        return self.chapter.row(id).text

    def interval(self, id: str, fmt: str = ".3f", of: str = "run") -> str:
        """The 95 % interval of a value."""
        value = self.chapter.value(id, of)
        if value.low is None or value.high is None:
            raise ClaimError(f"id {id!r}: one run has no interval; show the value with ours(...)")
        return f"[{format(value.low, fmt)}, {format(value.high, fmt)}]"

    def param(self, name: str, of: str = "run") -> object:
        """A parameter of the run, or of the record."""
        results = self.chapter.record if of == "record" else self.chapter.results
        params: Mapping[str, object] = {} if results is None else results["params"]
        if name not in params:
            raise ClaimError(f"parameter {name!r}: {closest(name, params)}")
        return params[name]

    def n(self, id: str, of: str = "run") -> int:
        """Runs behind a value."""
        return self.chapter.value(id, of).n

    def verdict(self, id: str) -> Markup:
        """Label of a claim (counts by verdict where it has many numbers), or of one row of the ledger."""
        claims = {claim.id: claim for claim in self.chapter.paper.claims}
        if id in claims:
            return verdict_label(self.chapter.of_claim(claims[id]))
        if id not in self.chapter.by_id:
            raise ClaimError(
                f"id {id!r}: no such claim or row; {closest(id, [*claims, *self.chapter.by_id])}"
            )
        return verdict_label([self.chapter.row(id)])

    def count(
        self, verdict: str | None = None, claim: str | None = None, prefix: str = "", **key: str
    ) -> int:
        """Rows of the ledger with that verdict, of that claim, whose id begins so, with these key cells."""
        if verdict is not None and verdict not in counts([]):
            raise ClaimError(f"verdict {verdict!r}: {closest(verdict, counts([]))}")
        rows = self.chapter.rows if claim is None else self.chapter.of_claim(self.chapter.paper.claim(claim))
        return sum(
            verdict in (None, row.verdict)
            and row.id.startswith(prefix)
            and all(row.key.get(k) == v for k, v in key.items())
            for row in rows
        )

    def ledger_table(
        self,
        prefix: str,
        rows: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        caption: str = "",
        **only: str | Sequence[str],
    ) -> Markup:
        """Printed numbers beside ours; see `fragments.ledger_table`."""
        return ledger_table(self.chapter.rows, prefix, rows, columns, caption, only)

    def count_table(
        self, prefix: str, rows: Sequence[str], columns: str, caption: str = "", **only: str
    ) -> Markup:
        """How many numbers of each cell are reproduced; see `fragments.count_table`."""
        return count_table(self.chapter.rows, prefix, rows, columns, caption, only)

    def claims_table(self) -> Markup:
        """Every claim: what it says, by which rule and why, and its verdicts."""
        told = "What is promised" if self.chapter.paper.card else "What the paper claims"
        return render("claims", entries=self.chapter.claim_entries(), caption=f"{told}, and what became of it")

    def errata_table(self) -> Markup:
        """What the paper says and what is so, with the evidence."""
        return render(
            "errata",
            entries=_errata([self.chapter]),
            several=False,
            caption="Errata, with the evidence for each",
        )

    def silences_table(self) -> Markup:
        """What the paper does not say, our choice, and its effect."""
        entries = [
            {"silence": s, "effect": self.chapter.shown(s.effect)} for s in self.chapter.paper.silences
        ]
        return render("silences", entries=entries)

    def agreement_table(self) -> Markup:
        """Does this run's preset change a verdict of the full record? See `fragments.agreement_table`."""
        if self.chapter.record is None:
            return Markup("<p>There is no full record to compare this run with.</p>")
        return agreement_table(self.chapter.rows, str(self.chapter.results["preset"]))

    def record_figure(self, name: str, caption: str, alt: str) -> Markup:
        """A committed figure of the full record."""
        folder = self.chapter.room.records / "full"
        known = {file.stem: file for file in sorted(folder.glob("*.svg"))} if folder.is_dir() else {}
        if name not in known:
            raise ClaimError(f"figure {name!r}: no {name}.svg in {folder}; {closest(name, known)}")
        if not (alt.strip() and caption.strip()):
            raise ClaimError(f"figure {name!r}: expected a caption and an alt text that says what it shows")
        return render("figure", source=data_uri(known[name]), caption=caption, alt=alt)

    def ending(self) -> Markup:
        """The end of every chapter: rerun command, downloads, provenance."""
        runs = [
            (k, r) for k, r in (("full record", self.chapter.record), ("this run", self.chapter.results)) if r
        ]
        return render(
            "ending",
            commands=self.chapter.commands(),
            downloads=[(g, [(n, CHAPTER + link) for n, link in found]) for g, found in links(self.chapter)],
            heads=[name for name, _ in runs],
            lines=provenance_lines([results for _, results in runs]),
            caption="Provenance of the numbers on this page",
        )


def _errata(chapters: Sequence[Chapter]) -> list[dict[str, Any]]:
    return [
        {"paper": c.name, "page": TOP + c.page, "erratum": e, "evidence": [c.shown(x) for x in e.evidence]}
        for c in chapters
        for e in c.paper.errata
    ]
