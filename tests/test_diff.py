"""`likeness diff`: one self-contained page of two runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import small_book
from likeness.report import exhibits
from likeness.report.diff import compare_claims, compare_values, diff, diff_command
from likeness.report.records import write_results

ROW = "table1/circles/easy/mlp/ari_k"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIKENESS_ROOT", str(tmp_path))
    small_book.make_room(tmp_path)
    first, second = tmp_path / "a", tmp_path / "b <script>"
    entries = small_book.values(3)
    entries = entries[4:] + entries[:4]  # the one that will differ stands in the middle
    changed = [
        small_book.value(ROW, [0.10, 0.11, 0.12]) if e["id"] == ROW else e
        for e in entries
        if e["id"] != "speed/ratio"
    ]
    write_results(first / "results.json", small_book.results(entries))
    write_results(second / "results.json", small_book.results(changed, seeds=3, epochs=2))
    exhibits.save_figure(first / "figures", "curves", small_book.figure())
    exhibits.save_figure(second / "figures", "curves", small_book.figure())
    exhibits.save_figure(second / "figures", "only-b", small_book.figure())
    return first, second


def test_the_page(runs):
    page = diff(*runs)
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page  # the folder's name is escaped
    assert not re.search(r'(?:src|href)="(?!data:)', page), "the page must need no other file"
    assert page.count("data:image/svg+xml;base64,") == 3
    assert "This run has no such figure." in page
    assert all('alt="' in image for image in re.findall(r"<img[^>]*>", page))
    assert re.search(r'<th scope="row">epochs</th><td>1</td><td>2</td>', page)
    assert re.search(r'<th scope="row">seeds</th><td>2</td><td>3</td>', page)
    assert "(prefers-color-scheme: dark)" in page
    for verdict in ("reproduced", "contradicted", "not testable here"):
        assert f">{verdict}</span>" in page


def test_values_that_differ_beyond_their_spread_come_first(runs):
    from likeness.report.records import read_results

    values = compare_values(*(read_results(folder / "results.json") for folder in runs))
    assert [v.id for v in values if v.beyond] == [ROW]
    assert values[0].id == ROW
    by_id = {v.id: v for v in values}
    assert by_id["speed/ratio"].change == "only in one run"
    assert by_id["table1/moons/hard/mlp/ari_k"].beyond is False
    assert by_id["table1/moons/hard/mlp/ari_k"].change == "+0"


# a: 1, 2, 3 (s^2/n = 1/3), b shifted by d: Welch, 4 df, half-width 2.776 * sqrt(2/3) = 2.267
@pytest.mark.parametrize(("shift", "beyond"), [(2.2, False), (2.3, True)])
def test_beyond_by_hand(shift, beyond):
    a, b = ([small_book.value("x", [1.0 + d, 2.0 + d, 3.0 + d])] for d in (0, shift))
    (found,) = compare_values(small_book.results(a), small_book.results(b))
    assert found.beyond is beyond


def test_beyond_of_a_deterministic_value_and_of_an_unknown_spread():
    def one(a, b):
        return compare_values(small_book.results([a]), small_book.results([b]))[0].beyond

    assert one(small_book.value("x", None, 1.0), small_book.value("x", None, 1.0 + 1e-8)) is False
    assert one(small_book.value("x", None, 1.0), small_book.value("x", None, 1.1)) is True
    assert one(small_book.value("x", [1.0]), small_book.value("x", [2.0])) is None


def test_claims_that_flip(runs):
    from likeness.report.records import read_results

    flips, why = compare_claims("clustering", *(read_results(folder / "results.json") for folder in runs))
    assert why == ""
    assert {x.id for x, _ in flips} == {ROW, "mlp-beats-dgcnn", "fast"}


def test_without_the_repository_claims_are_not_compared(runs, monkeypatch):
    monkeypatch.delenv("LIKENESS_ROOT")
    monkeypatch.setattr(
        "likeness.report.diff.project_root", lambda: (_ for _ in ()).throw(FileNotFoundError("no project"))
    )
    assert "Not compared: no project" in diff(*runs)


def test_the_command(runs, tmp_path, capsys):
    out = tmp_path / "new" / "diff.html"
    assert diff_command(runs[0], runs[1] / "results.json", out) == 0
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert str(out) in capsys.readouterr().out


def test_the_command_refuses(runs, tmp_path, capsys):
    out = tmp_path / "diff.html"
    assert diff_command(runs[0], tmp_path / "nowhere", out) == 2
    assert "no results there" in capsys.readouterr().err
    write_results(
        tmp_path / "c" / "results.json", small_book.results(small_book.values(3)) | {"paper": "fpq"}
    )
    assert diff_command(runs[0], tmp_path / "c", out) == 2
    assert "expected two runs of one paper" in capsys.readouterr().err
    file = runs[0] / "results.json"
    file.write_text(file.read_text(encoding="utf-8").replace("579.0", "979.0"), encoding="utf-8")
    assert diff_command(runs[0], runs[1], out) == 2
    assert "does not match its hash" in capsys.readouterr().err
    assert not out.exists()
