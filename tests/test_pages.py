"""What markdown may call: numbers, tables, escaping, unknown names."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import small_book
from likeness.report.chapter import Chapter
from likeness.report.downloads import links
from likeness.report.pages import PageError, Pages
from likeness.report.staging import staged

ROW = "table1/circles/easy/mlp/ari_k"


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIKENESS_ROOT", str(tmp_path))
    return small_book.make_project(tmp_path)


@pytest.fixture
def pages(room):
    return Pages([Chapter.load(room)])


def render(pages: Pages, text: str) -> str:
    return pages.render(text, "page.md", "clustering")


class Tags(HTMLParser):
    """Open and closed tags must match; texts are kept."""

    VOID = frozenset({"img", "br", "meta", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open, self.seen, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def parsed(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    return tags


FUNCTIONS = (
    "scoreboard()", "environment_table()", "data_table()", "errata_table()", "claims_table()",
    "silences_table()", "agreement_table()", "ending()",
    'ledger_table("table1")', 'ledger_table("table1", columns=["ari_k"])',
    'ledger_table("table1", columns=["ari_k", "nmi_k"])', 'ledger_table("fig3", noise="0.08")',
    'count_table("fig3", rows=["dataset"], columns="noise")', "citation()",
    'verdict("table1-means")', 'record_figure("curves", "Curves <i>x</i>", "Two curves")',
)  # fmt: skip


@pytest.mark.parametrize("call", FUNCTIONS)
def test_fragments_are_whole_blocks_of_html_with_nothing_unescaped(pages, call):
    made = render(pages, "{{ " + call + " }}")
    tags = parsed(made)
    assert "script" not in tags.seen
    assert "i" not in tags.seen
    assert "\n\n" not in made, "an empty line would end the block of HTML in markdown"
    assert re.match(r"<(figure|div|p|span)[ >]", made)
    if call.split("(")[0] in ("scoreboard", "claims_table", "errata_table"):
        assert small_book.HOSTILE in tags.text  # shown, as text


def test_a_data_card_promises_and_is_no_paper_of_the_scoreboard(pages, room):
    told = "What the paper claims, and what became of it"
    assert told in render(pages, "{{ claims_table() }}")
    assert "of 1 paper, each" in render(pages, "{{ scoreboard() }}")
    room.yaml.write_text(room.yaml.read_text().replace('outcome: "[Re]"', 'outcome: "[Data]"'))
    card = Pages([Chapter.load(room)])
    assert "What is promised, and what became of it" in render(card, "{{ claims_table() }}")
    assert told not in render(card, "{{ claims_table() }}")
    assert "0 printed numbers and claims of 0 papers" in render(card, "{{ scoreboard() }}")


def test_numbers_in_prose(pages, room):
    chapter = Chapter.load(room)
    value, recorded = chapter.value(ROW), chapter.value(ROW, "record")
    shown = {
        f"ours('{ROW}')": f"{value.value:.3f}",
        f"ours('{ROW}', '.1f')": f"{value.value:.1f}",
        f"record('{ROW}', '.4f')": f"{recorded.value:.4f}",
        f"printed('{ROW}')": "0.871",
        f"interval('{ROW}')": f"[{value.low:.3f}, {value.high:.3f}]",
        f"interval('{ROW}', of='record')": f"[{recorded.low:.3f}, {recorded.high:.3f}]",
        f"n('{ROW}')": "3",
        f"n('{ROW}', of='record')": "5",
        f"best('{ROW}', '.4f')": f"{recorded.value:.4f}",
        "best('speed/ratio', '.0f')": "579",
        "param('seeds')": "3",
        "param('seeds', of='record')": "5",
    }
    for call, text in shown.items():
        assert render(pages, "{{ " + call + " }}") == text


def test_agreement_names_what_differs_between_the_presets(pages, room):
    rows = Chapter.load(room).rows
    both = [r for r in rows if "not testable here" not in (r.verdict_run, r.verdict_record)]
    made = parsed(render(pages, "{{ agreement_table() }}")).text
    for claim in {r.claim for r in both}:
        group = [r for r in both if r.claim == claim]
        assert f"{sum(r.verdict_run == r.verdict_record for r in group)} of {len(group)}" in made
    (room.records / "full.json").unlink()
    alone = Pages([Chapter.load(room)])
    assert "no full record" in render(alone, "{{ agreement_table() }}")


def test_count(pages):
    expected = {
        "": 22,
        'claim="table1-means"': 16,
        'prefix="fig3/"': 4,
        'model="mlp", column="ari_k"': 4,
        'verdict="contradicted"': 1,
    }
    for given, number in expected.items():
        assert render(pages, "{{ count(" + given + ") }}") == str(number)


def test_ledger_table_holds_printed_record_run_and_verdict(pages, room):
    chapter = Chapter.load(room)
    made = parsed(
        render(
            pages,
            '{{ ledger_table("table1", columns=["ari_k"], dataset="circles", level="easy", model="mlp") }}',
        )
    ).text
    row = chapter.row(ROW)
    for shown in (
        "0.871",
        f"{row.record:.3f}",
        f"[{row.low:.3f}, {row.high:.3f}]",
        "n=5",
        "reproduced",
        "paper",
        "half-width",
    ):
        assert shown in made
    assert "0.919" not in made  # another row


WRONG = {
    'ours("table1/circles/easy/mlp/ari")': ROW,
    'record("switch/eq3/litral")': "switch/eq3/literal",
    'printed("table1/circles/easy/mpl/ari_k")': ROW,
    'param("epoch")': "epochs",
    'verdict("table1-mean")': "table1-means",
    'count(claim="fst")': "fast",
    'count(verdict="reproducd")': "reproduced",
    'ledger_table("tabel1")': "table1",
    'ledger_table("table1", rows=["modle"])': "model",
    'ledger_table("table1", columns=["ari"])': "ari_k",
    'ledger_table("table1", level="hrd")': "hard",
    'record_figure("curve", "c", "a")': "curves",
}


@pytest.mark.parametrize("call", WRONG)
def test_unknown_names_are_errors_with_page_line_and_the_closest(pages, call):
    with pytest.raises(PageError) as caught:
        render(pages, "fine\n\nand {{ " + call + " }}")
    assert str(caught.value).startswith("page.md, line 3: ")
    assert f"did you mean '{WRONG[call]}'?" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ ourz('x') }}", "'ourz' is undefined"),
        ("{{ typo }}", "'typo' is undefined"),
        ("{{ ours() }}", "missing 1 required"),
        ("{{ ours( }}", "page.md, line 1"),
        ("{{ ours('speed/ratio', '.3q') }}", "format"),
        ("{{ interval('speed/ratio') }}", "one run has no interval"),
        ("{{ record_figure('curves', 'c', ' ') }}", "an alt text"),
        ("{{ ledger_table('table1', rows=['level'], columns=['ari_k', 'nmi_k']) }}", "numbers in one cell"),
        ("{{ ours('speed/ratio', of='record') }}", "unexpected keyword"),
    ],
)
def test_wrong_calls_are_errors(pages, text, words):
    with pytest.raises(PageError, match=re.escape(words)):
        render(pages, text)


def test_pages_outside_a_chapter_have_no_chapter(pages):
    with pytest.raises(PageError, match="'ours' is undefined"):
        pages.render("{{ ours('x') }}", "index.md")


def test_latex_and_anchors_pass_through(pages):
    text = "$\\frac{a}{b}$ {#anchor} {ref}`x` 100 % {cite}`y`"
    assert render(pages, text) == text


def test_without_a_record_the_record_is_an_error_and_tables_still_stand(room):
    (room.records / "full.json").unlink()
    pages = Pages([Chapter.load(room)])
    with pytest.raises(PageError, match="no full record; make it with"):
        render(pages, f"{{{{ record('{ROW}') }}}}")
    assert "this run" in parsed(render(pages, "{{ ending() }}")).text
    assert parsed(render(pages, '{{ ledger_table("table1") }}')).text.count("–") == 16


def test_ending_has_the_exact_commands_and_links_that_exist(pages, room):
    made = html.unescape(render(pages, "{{ ending() }}"))
    assert "likeness run clustering --preset smoke -p seeds=3\n" in made  # smoke has 2 seeds, this run 3
    assert "papermill paper_runs/clustering/clustering.ipynb rerun.ipynb -p preset smoke -p seeds 3" in made
    chapter = Chapter.load(room)
    offered = [link for _, found in links(chapter) for _, link in found]
    files = staged(room.root, [chapter])
    assert offered
    for link in offered:
        assert f'href="../../{link}"' in made
        assert f"extra/{link}" in files
    ends = {Path(link).suffix for link in offered}
    assert {".ipynb", ".csv", ".json", ".svg"} <= ends
