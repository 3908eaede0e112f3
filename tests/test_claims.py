"""paper.yaml and printed numbers: what is read, and what is refused with which words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import small_book
from likeness.report.claims import ClaimError, load_paper
from likeness.report.rooms import Room


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return small_book.make_room(tmp_path)


def change(room: Room, old: str, new: str) -> None:
    text = room.yaml.read_text(encoding="utf-8")
    assert old in text, "the fixture no longer has what the test changes"
    room.yaml.write_text(text.replace(old, new, 1), encoding="utf-8")


def refused(room: Room) -> str:
    with pytest.raises(ClaimError) as caught:
        load_paper(room.yaml)
    return str(caught.value)


def test_one_entry_a_printed_number(room):
    paper = load_paper(room.yaml)
    means = paper.claim("table1-means").printed
    assert len(means) == 8 * 2  # lines x columns, counted in the file above
    first = means[0]
    assert (first.id, first.value, first.sd, first.n) == ("table1/circles/easy/mlp/ari_k", 0.871, 0.153, 200)
    assert first.key == {"dataset": "circles", "level": "easy", "model": "mlp", "column": "ari_k"}
    assert first.cell == ("printed/table1.csv", 2, "ari_k")
    assert [p.id for p in paper.claim("fig3-classical").printed][1] == "fig3/circles/ari@k/single/0.08"


# three significant digits: .871 +- .0005; .96 was .960, +- .0005; .0427 +- .00005; 1.0 was 1.00, +- .005
@pytest.mark.parametrize(
    ("cell", "spec", "text", "rounding"),
    [
        ("0.871", "significant: 3", "0.871", 5e-4),
        ("0.96", "significant: 3", "0.960", 5e-4),
        ("0.0427", "significant: 3", "0.0427", 5e-5),
        ("1.0", "significant: 3", "1.00", 5e-3),
        ("579", "significant: 3", "579", 0.5),
        ("0.5", "decimals: 2", "0.50", 5e-3),
        ("0.5526", "rounding: 0.002", "0.5526", 2e-3),
        ("12.30", "", "12.30", 5e-3),  # nothing said: the digits as they stand
    ],
)
def test_printed_digits(room, cell, spec, text, rounding):
    (room.printed / "one.csv").write_text(f"dataset,mean\nX,{cell}\n", encoding="utf-8")
    change(room, "file: printed/fig3.csv", "file: printed/one.csv")
    change(room, '"fig3/{dataset}/{metric}/{method}/{noise}"', '"one/{dataset}"')
    change(room, "      sd: sd\n", "")
    change(room, "rounding: 0.0005", spec or "settings: [mean]")
    (number,) = load_paper(room.yaml).claim("fig3-classical").printed
    assert (number.id, number.text) == ("one/x", text)  # ids are lower case
    assert number.rounding == pytest.approx(rounding)


def test_filter_keeps_lines_by_their_text(room):
    change(room, "rounding: 0.0005", 'rounding: 0.0005\n      filter: {noise: [0.08], dataset: ["Moons"]}')
    assert [p.id for p in load_paper(room.yaml).claim("fig3-classical").printed] == [
        "fig3/moons/ari@k/single/0.08"
    ]


def test_each_fills_the_pairs(room):
    claim = load_paper(room.yaml).claim("mlp-beats-dgcnn")
    assert len(claim.pairs) == 4
    assert claim.pairs[1] == ("table1/circles/hard/mlp/ari_k", "table1/circles/hard/dgcnn/ari_k")
    assert len(claim.uses) == 8


BROKEN = {
    "no yaml": ("kind: statistical", "kind: [statistical", r"no valid YAML"),
    "key twice": ("kind: statistical", "kind: statistical\n    kind: exact", r"key 'kind' is given twice"),
    "missing field": (
        "    reason: Paired by training seed.\n",
        "",
        r"claim mlp-beats-dgcnn: field \(top\).*'reason'",
    ),
    "unknown field": (
        "    kind: ordering",
        "    knid: ordering",
        r"claim mlp-beats-dgcnn: .*knid.*did you mean 'kind'",
    ),
    "unknown kind": (
        "kind: ordering",
        "kind: order",
        r"field kind: 'order': expected one of exact, arithmetic",
    ),
    "unknown rule": ("rule: greater", "rule: larger", r"field rule: 'larger': expected one of prediction"),
    "unknown preset": ("presets: [full, smoke]", "presets: [fill]", r"field decides.presets.0: 'fill'"),
    "wrong type": ("n: 200", "n: many", r"claim table1-means: field printed.*'many'.*integer"),
    "unknown arg": (
        "siblings: [model, level]",
        "sibling: [model]",
        r"args of rule prediction.*did you mean 'siblings'",
    ),
    "sibling column": ("siblings: [model, level]", "siblings: [modle]", r"'modle': did you mean 'model'"),
    "no file": (
        "file: printed/table1.csv",
        "file: printed/table2.csv",
        r"'printed/table2.csv': expected a CSV",
    ),
    "no column": (
        "columns: [ari_k, nmi_k]",
        "columns: [ari_k, nmi]",
        r"column 'nmi': printed/table1.csv has",
    ),
    "no number": (
        "column: mean",
        "column: metric",
        r"fig3.csv, line 2, column metric: 'ari@k'.*expected a number",
    ),
    "nothing kept": (
        "rounding: 0.0005",
        "rounding: 0.0005\n      filter: {noise: [7]}",
        r"no line of printed/fig3.csv",
    ),
    "claim twice": ("id: fast\n", "id: mlp-beats-dgcnn\n", r"claim 'mlp-beats-dgcnn' is there twice"),
    "id twice": ("{method}/{noise}", "{method}", r"ledger row 'fig3/circles/ari@k/single' is there twice"),
    "with itself": ("/dgcnn/ari_k", "/mlp/ari_k", r"compared with itself"),
    "no each": (
        "each: {dataset: [circles, moons], level: [easy, hard]}",
        "margin: 0",
        r"expected values for 'dataset'",
    ),
    "no bound": ("low: 100", "low: null", r"expected low, high or both"),
    "no n": ("      n: 20\n", "", r"claim fig3-classical: field printed.n"),
    "no printed": ("rule: within", "rule: equal", r"claim fast: args of rule equal.*unknown field 'value'"),
    "printed too many": (
        "rule: sampling",
        "rule: greater",
        r"claim fig3-classical: args of rule greater.*pairs",
    ),
    "outcome": ('"[Re]"', '"[re]"', r"field outcome: '\[re\]'"),
    "erratum": ("source: computed", "source: rumour", r"erratum eq3-sign: field source: 'rumour'"),
    "script link": (
        "url: https://hal.science/hal-03228070",
        "url: 'javascript:alert(1)'",
        r"citation.url.*pattern",
    ),
    "wrong room": ("paper: clustering\n", "paper: fpq\n", r"'fpq', expected 'clustering'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_refuses(room, name):
    old, new, words = BROKEN[name]
    change(room, old, new)
    said = refused(room)
    assert re.search(words, said), said
    assert str(room.yaml) in said


@pytest.mark.parametrize("text", ["", "[]", "a: &x [*x]", "\x00", "just words", "claims: 3"])
def test_refuses_what_is_no_paper_at_all(room, text):
    room.yaml.write_text(text, encoding="utf-8")
    assert str(room.yaml) in refused(room)


def test_refuses_bytes_that_are_no_text(room):
    room.yaml.write_bytes(b"paper: \xff\xfe")
    assert "no valid YAML" in refused(room)


def test_python_objects_are_not_built(room):
    room.yaml.write_text("!!python/object/apply:os.system ['true']", encoding="utf-8")
    assert "no valid YAML" in refused(room)


def test_a_file_outside_of_the_room(room):
    (room.root / "outside.csv").write_text(
        (room.printed / "table1.csv").read_text(encoding="utf-8"), encoding="utf-8"
    )
    change(room, "file: printed/table1.csv", "file: ../../outside.csv")
    assert "'../../outside.csv': expected a CSV file below" in refused(room)


def test_a_line_with_missing_cells(room):
    file = room.printed / "fig3.csv"
    file.write_text(file.read_text(encoding="utf-8") + "moons,ari@k\n", encoding="utf-8")
    assert "fig3.csv, line 6: expected 6 cells" in refused(room)


def test_no_file_says_what_to_write(room):
    room.yaml.unlink()
    with pytest.raises(FileNotFoundError, match="expected the paper's citation and claims"):
        load_paper(room.yaml)


def test_unknown_claim_names_the_closest(room):
    with pytest.raises(ClaimError, match="did you mean 'table1-means'"):
        load_paper(room.yaml).claim("table1-mean")
