"""Results on disk: whole, finite, unique, and what was once written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from likeness.report.records import RecordError, check_id, content_hash, read_results, write_results


def value(name: str = "table1/circles/ari_k", **changes: Any) -> dict[str, Any]:
    usual = {"id": name, "value": 0.5, "low": 0.4, "high": 0.6, "n": 3, "unit": "score", "chip": "paper"}
    return {**usual, "spread": "seed", "runs": [0.4, 0.5, 0.6], **changes}


def results(*values: dict[str, Any], **changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "schema": 1,
        "paper": "toy",
        "preset": "smoke",
        "data": {},
        "params": {"seeds": 3},
    }
    return {
        **usual,
        "seeds": {"seed": 0},
        "values": list(values or [value()]),
        "provenance": {"os": "Linux"},
        **changes,
    }


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    wanted = results(value(), value("a/b", value=1 / 3, low=None, high=None, runs=None, n=1))
    written = write_results(tmp_path / "records" / "smoke.json", wanted)
    found = read_results(tmp_path / "records" / "smoke.json")
    assert found == written
    assert {k: v for k, v in found.items() if k != "sha256"} == wanted
    assert [p.name for p in (tmp_path / "records").iterdir()] == ["smoke.json"]  # no temporary file stays


def test_the_hash_does_not_depend_on_layout_but_on_every_part() -> None:
    base = results()
    assert content_hash(dict(reversed(base.items()))) == content_hash(base)
    for key in base:
        assert content_hash(base | {key: "other"}) != content_hash(base), key


@pytest.mark.parametrize(
    ("old", "new"), [('"value": 0.5', '"value": 0.6'), ('"seeds": 3', '"seeds": 5'), ('"Linux"', '"Plan 9"')]
)
def test_an_edited_record_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "full.json"
    write_results(path, results())
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(
        RecordError, match="full.json does not match its hash: it was edited or truncated; make it again"
    ):
        read_results(path)


def test_a_truncated_or_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "full.json"
    write_results(path, results())
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    with pytest.raises(RecordError, match="is no JSON.*edited or truncated"):
        read_results(path)
    path.write_text("[1, 2]")
    with pytest.raises(RecordError, match="has no sha256"):
        read_results(path)
    path.write_text(whole.replace("0.5", "NaN"))
    with pytest.raises(RecordError, match="does not match its hash"):
        read_results(path)
    with pytest.raises(FileNotFoundError, match="likeness run"):
        read_results(tmp_path / "none.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"value": float("nan"), "low": None, "high": None},
        {"value": float("inf"), "low": None, "high": None},
        {"low": float("-inf")},
        {"high": float("nan")},
        {"runs": [0.4, float("nan"), 0.6]},
        {"sd": float("nan")},
        {"value": "0.5"},
        {"value": True},
        {"value": None},
    ],
)
def test_a_number_that_is_not_finite_is_refused_and_its_id_named(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(RecordError, match="value table1/circles/ari_k: .* expected a finite number"):
        write_results(tmp_path / "r.json", results(value(**changes)))
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize(
    "good", ["table1/circles/hard/mlp/ari_k", "fig3/moons/ari/single/0.08", "a", "recall@10/x+y-1"]
)
def test_good_ids(good: str) -> None:
    assert check_id(good) == good


@pytest.mark.parametrize(
    "bad", ["", "Table1/x", "a//b", "/a", "a/", "a b", "a/é", "a/{x}", "a\n", "a/<b>", "../a b"]
)
def test_bad_ids_are_refused(bad: str) -> None:
    with pytest.raises(RecordError, match="expected lower-case parts"):
        check_id(bad)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (results(value(chip="real")), "chip 'real': expected one of paper, public, generated"),
        (results(value(), value()), "id table1/circles/ari_k stands there twice"),
        (results(value(low=None)), "expected both or none"),
        (results(value(low=0.55)), "lies outside its interval"),
        (results(schema=2), "schema 2, expected 1"),
        ({k: v for k, v in results().items() if k != "provenance"}, "no provenance"),
        (results({k: v for k, v in value().items() if k != "n"}), "no n"),
    ],
)
def test_incomplete_or_contradictory_results_are_refused(
    tmp_path: Path, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecordError, match=message):
        write_results(tmp_path / "r.json", wrong)


def test_a_refused_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_results(path, results())
    before = path.read_bytes()
    with pytest.raises(RecordError):
        write_results(path, results(value("Bad id")))
    with pytest.raises(TypeError):  # something JSON cannot hold
        write_results(path, results(provenance={"where": object()}))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_a_write_that_fails_at_the_end_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "r.json").mkdir()  # a file cannot take the place of a folder
    with pytest.raises(OSError, match="r.json"):
        write_results(tmp_path / "r.json", results())
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_half_a_run_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "results.partial.json"
    write_results(path, results(partial=True))
    with pytest.raises(RecordError, match="failed half-way"):
        read_results(path)
    assert read_results(path, partial=True)["values"] == [value()]


def test_a_value_is_a_line(tmp_path: Path) -> None:
    write_results(tmp_path / "r.json", results(value("a"), value("b")))
    lines = [line for line in (tmp_path / "r.json").read_text().splitlines() if '"id"' in line]
    assert [json.loads(line.strip().rstrip(","))["id"] for line in lines] == ["a", "b"]
