"""Moved values and claims, and `likeness check`, on a small room."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

import small_book
from likeness.report.ledger import check_command, join
from likeness.report.moved import moved, moved_claims, moved_values
from likeness.report.records import write_results
from likeness.report.rooms import Room
from likeness.report.rules import CONTRADICTED, REPRODUCED
from likeness.report.values import Value

ROW = "table1/circles/easy/mlp/ari_k"


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setenv("LIKENESS_ROOT", str(tmp_path))
    return small_book.make_room(tmp_path)


def rows_of(room: Room, run=None, record=None):
    return {row.id: row for row in join(room, run, record)}


def replaced(entries, new):
    """Entries with those of the named ids replaced (None: left out)."""
    found = [new.get(e["id"], e) for e in entries]
    return [e for e in found if e is not None]


# Recorded .8, .9, 1.0 (s = .1): t_{2,.9995} = 31.599, times .1 * sqrt(1/3 + 1/3) = .08165: 2.580.
# Recorded over 11 runs with s = .1, 11 fresh ones: t_{10,.9995} = 4.587 * .1 * sqrt(2/11) = .1956.
@pytest.mark.parametrize(
    ("n", "by", "is_moved"), [(3, 2.57, False), (3, 2.59, True), (11, 0.195, False), (11, 0.197, True)]
)
def test_moved_by_hand(n, by, is_moved):
    old = Value("x", 0.9, 0.8, 1.0, n, "score", "paper", False, None, 0.1)
    new = Value("x", 0.9 + by, 0.8, 1.0, n, "score", "paper", False, None, 0.1)
    assert bool(moved(old, new)) is is_moved


def test_moved_when_deterministic_or_of_the_machine():
    def exact(number, unit="count"):
        return Value("x", number, None, None, 1, unit, "paper", True, None, 0.0)

    assert not moved(exact(1.0), exact(1.0 + 0.9e-6))
    assert "deterministic, differs by" in moved(exact(1.0), exact(1.0 + 2e-6))
    assert not moved(exact(0.0), exact(0.0))
    for unit in ("s", "ratio", "MB"):
        assert not moved(exact(1.0, unit), exact(50.0, unit))
    assert not moved(exact(1.0), replace(exact(2.0), chip="generated"))  # another machine may lack the real data


def test_moved_says_nothing_where_no_spread_is_known():
    old = Value("x", 0.9, None, None, 1, "score", "paper", False, (0.9,), None)
    assert not moved(old, Value("x", 5.0, None, None, 1, "score", "paper", False, (5.0,), None))


def test_moved_values_names_those_that_are_gone():
    old, new = small_book.results(small_book.values(3)), small_book.results(small_book.values(3)[1:])
    assert moved_values(old, new) == {ROW: f"{ROW}: the run has no such value"}


def check(room: Room, recorded, now, capsys):
    """`likeness check` of a run against a record of the same preset: (exit code, what it said)."""
    write_results(room.records / "smoke.json", small_book.results(recorded))
    write_results(room.results, small_book.results(now))
    code = check_command(["clustering"], None)
    said = capsys.readouterr()
    return code, " ".join((said.out + said.err).split())


def test_check_of_the_same_numbers_is_fine(room, capsys):
    code, said = check(room, small_book.values(3), small_book.values(3), capsys)
    assert code == 0
    assert "22 recorded values of preset smoke 0 moved" in said
    table = list(csv.DictReader((room.root / "_build/ledger/clustering.csv").open(encoding="utf-8")))
    listed = json.loads((room.root / "_build/ledger/clustering.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in table] == [row["id"] for row in listed]
    assert len(table) == 22


def test_check_finds_a_claim_that_moved(room, capsys):
    recorded = small_book.values(3)
    recorded = replaced(recorded, {ROW: small_book.value(ROW, [0.870, 0.871, 0.872])})
    now = replaced(recorded, {ROW: small_book.value(ROW, [0.370, 0.371, 0.372])})
    code, said = check(room, recorded, now, capsys)
    assert code == 1
    for word in (ROW, "0.871", REPRODUCED, "differs by 0.5"):
        assert word in said.replace("│ ", ""), said


def test_check_does_not_cry_where_the_verdict_stays_or_no_value_moved(room, capsys):
    # a value that moved far, from one contradicted place to another
    name = ROW
    there, elsewhere = (
        small_book.value(ROW, [0.100, 0.101, 0.102]),
        small_book.value(ROW, [0.050, 0.051, 0.049]),
    )
    other = "table1/circles/easy/dgcnn/ari_k"
    base = replaced(small_book.values(3), {other: small_book.value(other, [0.01, 0.011, 0.012])})
    code, said = check(room, replaced(base, {name: there}), replaced(base, {name: elsewhere}), capsys)
    assert code == 0
    assert "1 moved" in said
    # a verdict that differs by a hair's breadth: the value is within what reruns do
    fig3 = "fig3/moons/ari@k/single/0.08"
    near, far = ([m + 0.001 * (-1) ** i * 40 for i in range(60)] for m in (0.7123 + 0.0255, 0.7123 + 0.0265))
    hair = (
        {fig3: small_book.value(fig3, near)},
        {fig3: small_book.value(fig3, far)},
    )
    run, record = (small_book.results(replaced(small_book.values(3), h)) for h in hair)
    verdicts = [{r.id: r.verdict_run for r in join(room, x, None)}[fig3] for x in (run, record)]
    assert verdicts == [REPRODUCED, CONTRADICTED]
    assert check(room, run["values"], record["values"], capsys)[0] == 0


def test_a_sentence_that_flips_has_moved_even_if_no_value_has(room):
    wide = [0.1, 0.5, 0.9]
    up, down = ([x + d for x in wide] for d in (0.01, -0.01))
    names = [
        (f"table1/{d}/{level}/mlp/ari_k", f"table1/{d}/{level}/dgcnn/ari_k")
        for d in small_book.DATASETS
        for level in small_book.LEVELS
    ]
    base = {b: small_book.value(b, wide) for _, b in names}
    runs = []
    for first in (up, down):
        entries = base | {a: small_book.value(a, first) for a, _ in names}
        runs.append(small_book.results(replaced(small_book.values(3), entries)))
    values = moved_values(*runs)
    assert not any(name in values for pair in names for name in pair)
    (found,) = (
        m
        for m in moved_claims(join(room, runs[0], None), join(room, runs[1], None), values)
        if m.id == "mlp-beats-dgcnn"
    )
    assert (found.recorded, found.now) == (REPRODUCED, CONTRADICTED)
    assert "the sentence flips" in found.why


def test_a_slow_machine_contradicts_a_speed_claim_but_moves_no_value(room, capsys):
    slow = small_book.value("speed/ratio", None, 40.0, chip="public", unit="ratio")
    code, said = check(
        room, small_book.values(3), replaced(small_book.values(3), {"speed/ratio": slow}), capsys
    )
    assert code == 1
    assert "0 moved" in said
    assert "fast" in said


def test_check_without_a_record_of_that_preset(room, capsys):
    assert check_command([], None) == 0
    assert "no record of preset smoke" in capsys.readouterr().out


def test_check_without_a_run_checks_the_record_alone(room, capsys):
    room.results.unlink()
    assert check_command([], None) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "22 rows from full record" in said
    assert "no run to compare" in said


def test_check_reads_another_file(room, capsys, tmp_path):
    other = tmp_path / "other.json"
    write_results(other, small_book.results(small_book.values(4)))
    assert check_command([], other) == 0
    assert check_command(["clustering"], other) == 0
    capsys.readouterr()
    assert check_command(["fpq"], other) == 2
    assert "is of clustering, not of fpq" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("preset", ["full", "laptop"])
def test_check_refuses_an_edited_record(room, capsys, preset):
    file = room.records / f"{preset}.json"
    write_results(file, small_book.results(small_book.values(3), preset=preset))
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"value": 579.0', '"value": 979.0'), encoding="utf-8")
    assert check_command([], None) == 2
    assert "does not match its hash" in " ".join(capsys.readouterr().err.split())


def test_check_refuses_a_record_under_a_wrong_name(room, capsys):
    write_results(room.records / "laptop.json", small_book.results(small_book.values(3), preset="smoke"))
    assert check_command([], None) == 2
    assert "expected 'laptop'" in " ".join(capsys.readouterr().err.split())


def test_check_refuses_a_number_that_nobody_judges(room, capsys):
    room.yaml.write_text(
        room.yaml.read_text(encoding="utf-8").replace("settings: [k]", "decimals: 3"), encoding="utf-8"
    )
    assert check_command([], None) == 2
    assert "column k: no claim judges the printed 2" in " ".join(capsys.readouterr().err.split())


def test_unknown_paper_names_the_closest(room, capsys):
    assert check_command(["clusterin"], None) == 2
    assert "did you mean 'clustering'" in " ".join(capsys.readouterr().err.split())


def test_results_of_another_room_are_refused(room):
    results = small_book.results(small_book.values(3)) | {"paper": "fpq"}
    write_results(room.results, results)
    assert check_command([], None) == 2


def test_a_sentence_that_only_leans_otherwise_is_told_and_not_counted(room, capsys):
    names = [
        (f"table1/{d}/{level}/mlp/ari_k", f"table1/{d}/{level}/dgcnn/ari_k")
        for d in small_book.DATASETS
        for level in small_book.LEVELS
    ]
    wide = [0.1, 0.5, 0.9]
    base = {b: small_book.value(b, wide) for _, b in names}
    sure = base | {a: small_book.value(a, [x + 0.05 for x in wide]) for a, _ in names}
    first = names[0][0]  # paired differences of one pair alone: above zero on average, or below
    verdicts = []
    for shift in (0.02, -0.02):
        odd = [x + shift + d for x, d in zip(wide, (0.06, -0.06, 0.0), strict=True)]
        verdicts.append(replaced(small_book.values(3), sure | {first: small_book.value(first, odd)}))
    code, said = check(room, *verdicts, capsys)
    assert code == 0, said
    assert "no value left its interval, yet mlp-beats-dgcnn: direction only -> contradicted" in said
