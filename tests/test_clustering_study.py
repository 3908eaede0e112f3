"""The chapter's protocol, audit and room."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likeness.report.provenance import WORK
from likeness.report.rooms import project_root
from likeness.studies.clustering import arithmetic, switches
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import Protocol, generator
from likeness.studies.clustering.protocol import test_sets as sets_of
from likeness.studies.parallel import run_all

ROOM = project_root() / "paper_runs" / "clustering"
SMOKE = Parameters.resolve({"preset": "smoke"})


def test_table_has_all_rows_and_the_figure_all_its_points():
    assert pd.read_csv(ROOM / "printed/table1.csv").shape == (16, 15)
    assert len(pd.read_csv(ROOM / "printed/fig3.csv")) == 1581


def test_test_sets_do_not_depend_on_model_level_or_order():
    p = Protocol.of(SMOKE)
    a, b = sets_of(p, "moons", 1), sets_of(p, "moons", 1)
    assert all(np.array_equal(x.x, y.x) for x, y in zip(a, b, strict=True))
    assert not np.array_equal(a[0].x[:50], sets_of(p, "moons", 2)[0].x[:50])
    assert generator(0, "a").integers(10**9) != generator(1, "a").integers(10**9)


@pytest.mark.parametrize("jobs", [1, 2])
def test_tasks_come_back_in_order_whatever_the_number_of_processes(jobs, monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", "off")
    assert list(run_all(pow, [(2, i) for i in range(7)], jobs)) == [1, 2, 4, 8, 16, 32, 64]


def test_largest_sd_is_reached_by_values_at_the_ends():
    x = np.array([0.0] * 3 + [1.0] * 7)
    assert arithmetic.largest_sd(x.mean(), 0, 1, 10) == pytest.approx(x.std(ddof=1))


def test_the_audit_catches_an_impossible_number():
    table = pd.read_csv(ROOM / "printed/table1.csv")
    assert arithmetic.audit_table1(table).holds.all()
    table.loc[0, "ari_sd"] = 0.9
    table.loc[1, "ari"] = table.loc[1, "ari_k"] - 0.1
    assert (~arithmetic.audit_table1(table).holds).sum() == 2


def test_effects_are_paired_differences():
    frame = pd.DataFrame(
        [("blobs", s, seed, "ari_k", v, 0.1) for s, seed, v in
         (("base", 0, 0.5), ("base", 1, 0.7), ("no-hyphc", 1, 0.6), ("no-hyphc", 0, 0.8))],
        columns=["dataset", "switch", "seed", "metric", "value", "sd"],
    )
    got = switches.effects(frame).set_index("seed").value
    assert got[0] == pytest.approx(0.3) and got[1] == pytest.approx(-0.1)


def note_and_double(folder, x):
    with (Path(folder) / "calls").open("a") as f:
        f.write(f"{x}\n")
    if x < 0:
        raise ValueError(f"x = {x}")
    return 2 * x


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))
    folder = str(tmp_path)
    with pytest.raises(ValueError, match="x = -1"):
        list(run_all(note_and_double, [(folder, 1), (folder, 2), (folder, -1)], jobs=1))
    assert list(run_all(note_and_double, [(folder, 1), (folder, 2), (folder, 3)], jobs=1)) == [2, 4, 6]
    assert (tmp_path / "calls").read_text().split() == ["1", "2", "-1", "3"]


def test_nothing_is_kept_where_the_cache_is_off(tmp_path, monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", "off")
    for _ in range(2):
        list(run_all(note_and_double, [(str(tmp_path), 5)], jobs=1))
    assert (tmp_path / "calls").read_text().split() == ["5", "5"]


def test_a_kept_result_is_dropped_when_code_in_reach_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))
    for code in ("one", "two", "two"):
        monkeypatch.setattr("likeness.studies.parallel._code_of", lambda module, code=code: code)
        list(run_all(note_and_double, [(str(tmp_path), 7)], jobs=1))
    assert (tmp_path / "calls").read_text().split() == ["7", "7"]


def test_work_kept_from_an_earlier_run_is_counted_as_such(tmp_path, monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))
    list(run_all(note_and_double, [(str(tmp_path), 1)], jobs=1))
    WORK.reset()
    list(run_all(note_and_double, [(str(tmp_path), 1), (str(tmp_path), 2)], jobs=1))
    assert (WORK.tasks, WORK.kept_tasks) == (2, 1)
    assert 0 <= WORK.kept_seconds <= WORK.seconds
