"""The audit: typed numbers, numbers that nobody judges, errata without evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_book
from likeness.report.audit import audit_claims, audit_notebook, audit_prose
from likeness.report.claims import load_paper
from likeness.report.records import read_results

TYPED = {
    "We reach 0.938 here.": "0.938",
    "We reach .938.": ".938",
    "about 99.9 % of them": "99.9",
    "minus -1.5 degrees": "-1.5",
    "- a list: 2.5x faster": "2.5",
    "| cell | 0.5 |": "0.5",
    "# Heading 1.5": "1.5",
    "**0.25**": "0.25",
    "a < 0.5 and b > 3": "0.5",
    "```{note}\nIt is 0.5 here.\n```": "0.5",
    ":::{admonition} Title\nIt is 0.5 here.\n:::": "0.5",
    "[a link 0.5](https://example.org/)": "0.5",
    "a role {math}`x` and 0.5": "0.5",
    "{{ 0.5 }}": "0.5",
    "{{ '%.2f' % 0.73 }}": "0.73",
    '{{ "0.938" }}': "0.938",
    "costs \\$1.5 and \\$3": "1.5",
}
FREE = [
    "Table 1 has 16 rows and 8 columns, 95 % of them.",
    "`0.938` in code, ``a `0.5` b`` too",
    "```python\nx = 0.5\n```",
    "~~~\n0.5\n~~~",
    "```{math}\n0.5\n```",
    "$m = 0.2$ and $$ 0.5 $$",
    "$$\nx = 0.5\n$$",
    '{{ ours("table1/x/0.08", ".2f") }}',
    "{% for x in [1] %}{% endfor %}",
    "[paper](https://example.org/v1.5/0.5.html) and https://example.org/0.5",
    "{cite}`a0.5`",
    "doi:10.1234/5.6 and 10.24432/C56C76 and arXiv:2005.02819",
    "version 1.2.3 of 1.2.2026",
    "Section 3.2, Fig. 4.1, eq. (2.5), § 1.1",
    '<img alt="x" width="0.5">',
    "The end of a sentence.5 words",
    "---\ntitle: 0.5\n---\ntext",
]


@pytest.mark.parametrize("text", TYPED)
def test_a_typed_number_is_found(text):
    (message,) = audit_prose(text, "book/x.md")
    assert f"the number {TYPED[text]} is typed into prose" in message


@pytest.mark.parametrize("text", FREE)
def test_what_is_no_typed_number(text):
    assert audit_prose(text, "book/x.md") == []


def test_line_numbers():
    text = "one\n\n```\n0.1\n```\nsix 0.6\n"
    (message,) = audit_prose(text, "book/x.md")
    assert message.startswith("book/x.md, line 6: the number 0.6 ")


def test_notebook_prose_alone_with_the_lines_of_the_file(tmp_path):
    file = tmp_path / "x.py"
    file.write_text(
        "# %% [markdown]\n# # Title\n#\n# fine\n\n"
        "# %%\nx = 0.5  # a comment of 0.7\n\n"
        "# %% [markdown]\n# We get 0.9.\n",
        encoding="utf-8",
    )
    (message,) = audit_notebook(file)
    assert f"{file}, line 10: the number 0.9 " in message


@pytest.fixture
def room(tmp_path: Path):
    return small_book.make_room(tmp_path)


def problems(room, old="", new="", file=None, results=True):
    file = file or room.yaml
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return audit_claims(load_paper(room.yaml), [read_results(room.results)] if results else [])


def test_the_room_as_it_stands_is_complete(room):
    assert problems(room) == []
    assert audit_notebook(room.notebook) == []


def test_a_column_that_no_claim_judges(room):
    found = problems(room, "columns: [ari_k, nmi_k]", "columns: [ari_k]")
    assert len(found) == 16  # nmi_k and nmi_k_sd of 8 lines
    assert "printed/table1.csv, line 2, column nmi_k: no claim judges the printed 0.846" in found[0]


def test_lines_that_a_filter_leaves_out(room):
    found = problems(room, "rounding: 0.0005", "rounding: 0.0005\n      filter: {dataset: [moons]}")
    assert len(found) == 2
    assert "fig3.csv, line 2, column mean: no claim judges the printed 1.0" in found[0]


def test_a_number_that_two_claims_judge(room):
    again = (
        "  - id: again\n    where: x\n    text: x\n    kind: exact\n    rule: equal\n    reason: x\n"
        "    decides: {presets: [full], chips: [paper]}\n"
        '    printed: {file: printed/fig3.csv, id: "again/{dataset}/{noise}", column: mean}\nerrata:\n'
    )
    found = problems(room, "errata:\n", again)
    assert len(found) == 4
    assert "2 claims judge this number" in found[0]


def test_a_file_that_no_claim_names(room):
    (room.printed / "table9.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert problems(room) == [f"{room.yaml}: printed/table9.csv: no claim judges its numbers"]


def test_errata_need_evidence(room):
    evidence = 'evidence: [switch/eq3/literal, "https://example.org/code#loss"]'
    found = problems(room, evidence, "evidence: []")
    assert any("erratum eq3-sign: no evidence" in f for f in found)
    assert any("source computed, but no value id" in f for f in found)


def test_evidence_must_be_there(room):
    found = problems(room, "evidence: [switch/eq3/literal", "evidence: [switch/eq3/literl")
    assert found == [
        f"{room.yaml}: erratum eq3-sign: evidence 'switch/eq3/literl': no such value: "
        "did you mean 'switch/eq3/literal'?"
    ]


def test_before_any_run_ids_cannot_be_looked_up(room):
    assert (
        problems(room, "evidence: [switch/eq3/literal", "evidence: [switch/eq3/literl", results=False) == []
    )


def test_the_effect_of_a_silence_must_be_there(room):
    found = problems(room, "effect: switch/eq3/literal", "effect: switch/eq3/missing")
    assert len(found) == 1
    assert "silence, effect 'switch/eq3/missing'" in found[0]
