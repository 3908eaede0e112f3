"""What a build refuses: numbers typed into prose, printed numbers nobody judges, errata without evidence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jupytext

from likeness.report.claims import Paper, closest, looks_like_id
from likeness.report.printed import is_number, need, read_table

#: A number with a decimal point: 0.938, .938, 99.9; no part of a word, a version 1.2.3 or a date 1.2.2026.
_DECIMAL: Final = re.compile(r"(?<![\w.])[-+−]?\d*\.\d+(?![\w]*\.\d)")
#: Words after which a number is a label and no result.
_LABEL: Final = re.compile(
    r"(?:§|Sections?|Sec\.|Figures?|Fig\.|Tables?|Eq\.|eq\.|Equations?|Chapters?)[  ]\(?$"
)
#: What is not prose, in the order in which it is taken out. Every match is blanked, its lines kept.
_NOT_PROSE: Final = tuple(
    re.compile(pattern, re.DOTALL | re.MULTILINE)
    for pattern in (
        r"\A---\n.*?\n---$",  # front matter
        # directives without prose; {note} and the like have it
        r"^(?P<f>`{3,}|~{3,}|:{3,})\{(?:math|bibliography|raw|code|toctree)[^\n]*\n.*?^(?P=f)[ \t]*$",
        r"^(?P<g>`{3,}|~{3,})[ \t]*(?!\{)[^\n]*\n.*?^(?P=g)[ \t]*$",  # a code fence
        r"^(?:`{3,}|~{3,}|:{3,})[ \t]*(?:\{[\w:-]+\}|$)",  # the marks around a directive's prose
        r"^:[\w-]+:[^\n]*$",  # an option of a directive
        r"\{\{.*?\}\}|\{%.*?%\}|<#.*?#>",  # Jinja
        r"\{[\w:-]+\}`+[^`]*`+",  # a role: citation, reference, math
        r"(?P<c>`+)(?:(?!`).)*?(?P=c)",  # a code span
        r"\$\$.*?\$\$|(?<![\\$])\$(?!\s)(?:\\.|[^$\\\n])+?\$",  # math
        r"(?<=\])\([^)\s]*\)|(?<=\])\[[^\]]*\]|^\[[^\]]+\]:[^\n]*$|https?://[^\s)>]*",  # links
        r"</?[a-zA-Z][^<>\n]*>",  # HTML tags
        r"\bdoi:\S+|\b10\.\d{4,}/\S+|\barXiv:\S+",
    )
)
_JINJA: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_STRING: Final = re.compile(r"\"[^\"]*\"|'[^']*'")


def audit_prose(text: str, where: str, first_line: int = 1) -> list[str]:
    """Decimal numbers that stand in prose: one message a number, with file, line and number.

    Code, math, links, citations, labels ("Section 3.2") and Jinja are no prose; a number typed into Jinja is.

    >>> audit_prose("We reach .938.", "index.md")
    ['index.md, line 1: the number .938 is typed into prose; glue it from a result, like {{ ours("id") }}']
    """
    found = _smuggled(_blank(text, _NOT_PROSE[:3]))
    prose = _blank(text, _NOT_PROSE)
    for m in _DECIMAL.finditer(prose):
        if not _LABEL.search(prose[max(0, m.start() - 14) : m.start()]):
            found.append((m.start(), m.group()))
    return [
        f"{where}, line {first_line + text.count(chr(10), 0, at)}: the number {number} is typed into prose; "
        'glue it from a result, like {{ ours("id") }}'
        for at, number in sorted(found)
    ]


def audit_notebook(file: Path) -> list[str]:
    """`audit_prose` over the markdown cells of a notebook in percent format, with the lines of the file."""
    text = file.read_text(encoding="utf-8")
    lines, at, found = text.splitlines(), 0, []
    for cell in jupytext.reads(text, fmt="py:percent").cells:
        if cell.cell_type != "markdown":
            continue
        # a cell's lines are comments in the file: look its first line up from where the last cell ended
        first = next((line for line in cell.source.splitlines() if line.strip()), "")
        while at < len(lines) and lines[at].removeprefix("#").strip() != first.strip():
            at += 1
        skipped = len(cell.source) - len(cell.source.lstrip("\n"))
        found += audit_prose(cell.source, str(file), at + 1 - skipped)
        at = at + 1 if at < len(lines) else 0
    return found


def audit_claims(paper: Paper, results: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a paper's declarations lack, one message each: coverage of the printed numbers, evidence of the
    errata.

    Parameters
    ----------
    results : the records and runs that there are; an id named as evidence must be in one of them. Without any
        the ids cannot be looked up yet.
    """
    known = {value["id"] for result in results for value in result["values"]}
    return [*_uncovered(paper), *_unproved(paper, known)]


def _uncovered(paper: Paper) -> list[str]:
    """Printed numbers with no ledger row, or with more than one."""
    judged = Counter(p.cell for claim in paper.claims for p in claim.printed)
    by_file: dict[str, list[Mapping[str, Any]]] = {}
    for claim in paper.claims:
        if "file" in claim.spec:
            by_file.setdefault(claim.spec["file"], []).append(claim.spec)
    found = []
    for name, specs in by_file.items():
        rows = read_table(paper.file.parent, name, str(paper.file))
        known = _accounted(specs)
        need(rows, sorted(known), str(paper.file), name)
        for line, row in rows:
            for column, cell in row.items():
                times = judged[(name, line, column)]
                at = f"{paper.file}: {name}, line {line}, column {column}"
                if times > 1:
                    found.append(f"{at}: {times} claims judge this number")
                if times == 0 and column not in known and is_number(cell):
                    found.append(f"{at}: no claim judges the printed {cell}")
    folder = paper.file.parent / "printed"
    files = {f"printed/{file.name}" for file in folder.glob("*.csv")} if folder.is_dir() else set()
    return found + [
        f"{paper.file}: {name}: no claim judges its numbers" for name in sorted(files - by_file.keys())
    ]


def _accounted(specs: Iterable[Mapping[str, Any]]) -> set[str]:
    """Columns that hold no result of their own: keys, settings, and spreads of other numbers."""
    names: set[str] = set()
    for spec in specs:
        columns = [spec["column"]] if "column" in spec else spec["columns"]
        names |= set(re.findall(r"\{(\w+)\}", spec["id"])) - {"column"}
        names |= set(spec.get("settings", [])) | set(spec.get("filter", {}))
        names |= {spec["sd"].format(column=c) for c in columns} if "sd" in spec else set()
    return names


def _unproved(paper: Paper, known: set[str]) -> list[str]:
    found = []
    for erratum in paper.errata:
        at = f"{paper.file}: erratum {erratum.id}"
        if not erratum.evidence:
            found.append(f"{at}: no evidence; name the value ids, or where it can be read")
        if erratum.source == "computed" and not any(looks_like_id(e) for e in erratum.evidence):
            found.append(f"{at}: source computed, but no value id among its evidence")
        named = [e for e in erratum.evidence if looks_like_id(e)]
        found += [
            f"{at}: evidence {e!r}: no such value: {closest(e, known)}"
            for e in named
            if known and e not in known
        ]
    effects = [s.effect for s in paper.silences if looks_like_id(s.effect)]
    found += [
        f"{paper.file}: silence, effect {e!r}: no such value: {closest(e, known)}"
        for e in effects
        if known and e not in known
    ]
    return found


def _smuggled(text: str) -> list[tuple[int, str]]:
    """Numbers typed into Jinja expressions: (position, number). Formats and ids are texts and stay out."""
    found = []
    for expression in _JINJA.finditer(text):
        inner = expression.group(1)
        if not _STRING.fullmatch(inner.strip()):  # a text alone is shown as it stands
            inner = _blank(inner, (_STRING,))
        found += [(expression.start(1) + m.start(), m.group()) for m in _DECIMAL.finditer(inner)]
    return found


def _blank(text: str, patterns: Iterable[re.Pattern[str]]) -> str:
    """The text with every match blanked; lengths and lines stay."""
    for pattern in patterns:
        text = pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    return text
