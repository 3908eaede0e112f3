"""A run seen from inside a notebook: parameters in; values, tables and figures out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import scipy.stats

from likeness.report import run as run_module
from likeness.report.parameters import BaseParameters, ParameterError, param
from likeness.report.records import RecordError, read_results, write_results
from likeness.report.run import Run, start
from likeness.report.tidy import t_interval

mpl.use("agg")


@dataclass(frozen=True, kw_only=True)
class Toy(BaseParameters):
    seed: int = param("base seed", smoke=0, laptop=7, full=0, low=0)
    seeds: int = param("training seeds", smoke=1, laptop=3, full=5, low=1)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of a toy paper in a project of its own."""
    (tmp_path / "paper_runs" / "toy" / "records").mkdir(parents=True)
    (tmp_path / "paper_runs" / "toy" / "toy.py").write_text("# %%\n1\n")
    monkeypatch.setattr(run_module, "parameters_of", lambda paper: Toy)
    monkeypatch.setenv("LIKENESS_ROOT", str(tmp_path))
    monkeypatch.setenv("LIKENESS_OUT", str(tmp_path / "out"))
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    return start("toy", {"seeds": 3})


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [(d, m, s, rng.normal()) for s in (2, 0, 1) for d in ("moons", "blobs") for m in ("ari", "nmi")]
    return pd.DataFrame(rows, columns=["dataset", "metric", "seed", "value"])


def stored(run: Run) -> dict[str, dict[str, Any]]:
    return {v["id"]: v for v in read_results(run.out / "results.partial.json", partial=True)["values"]}


def test_values_are_means_with_t_intervals_by_group(run: Run) -> None:
    run.values(frame(), id="table1/{dataset}/{metric}", unit="score", chip="paper")
    values = stored(run)
    assert list(values) == ["table1/moons/ari", "table1/moons/nmi", "table1/blobs/ari", "table1/blobs/nmi"]
    for (dataset, metric), group in frame().groupby(["dataset", "metric"]):
        found = values[f"table1/{dataset}/{metric}"]
        ordered = [group.value[group.seed == s].item() for s in (0, 1, 2)]
        low, high = scipy.stats.t.interval(0.95, 2, loc=np.mean(ordered), scale=scipy.stats.sem(ordered))
        assert found["runs"] == ordered
        assert (found["n"], found["spread"], found["unit"], found["chip"]) == (3, "seed", "score", "paper")
        np.testing.assert_allclose(
            [found["value"], found["low"], found["high"]], [np.mean(ordered), low, high]
        )
        np.testing.assert_allclose(found["sd"], np.std(ordered, ddof=1))


def test_the_t_interval_by_hand() -> None:
    # 1, 2, 3: mean 2, sd 1, t(2, .975) = 4.302653, half-width 4.302653 / sqrt(3)
    mean, low, high, sd = t_interval([1.0, 2.0, 3.0])
    assert (mean, sd) == (2.0, 1.0)
    assert low == pytest.approx(2 - 4.302653 / 3**0.5, abs=1e-6)
    assert high == pytest.approx(2 + 4.302653 / 3**0.5, abs=1e-6)


def test_the_t_interval_holds_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    intervals = [t_interval(rng.normal(size=4)) for _ in range(2000)]
    hits = sum(low is not None and high is not None and low <= 0 <= high for _, low, high, _ in intervals)
    assert 0.935 < hits / 2000 < 0.965


def test_one_run_has_no_interval(run: Run) -> None:
    run.values(frame().query("seed == 0"), id="{dataset}/{metric}", chip="paper")
    one = stored(run)["moons/ari"]
    assert (one["low"], one["high"], one["n"], one["spread"]) == (None, None, 1, "seed")
    assert one["runs"] == [one["value"]]


def test_numbers_without_chance(run: Run) -> None:
    counts = pd.DataFrame({"n": [300, 1000], "pairs": [44850, 499500]})
    run.values(counts, id="cost/{n}/pairs", value="pairs", over=None, chip="generated")
    run.value("errata/triples", np.int64(12), chip="generated")
    values = stored(run)
    assert (values["cost/1000/pairs"]["value"], values["cost/1000/pairs"]["spread"]) == (499500.0, "none")
    assert (values["errata/triples"]["value"], values["errata/triples"]["runs"]) == (12.0, None)
    with pytest.raises(RecordError, match="value all: 2 rows where one was expected"):
        run.values(counts, id="all", value="pairs", over=None, chip="generated")


def test_noise_values_make_the_ids_of_the_printed_curves(run: Run) -> None:
    noises = pd.DataFrame({"noise": [round(0.01 * i, 2) for i in range(17)], "seed": 0, "value": 1.0})
    run.values(noises, id="fig3/{noise}", chip="paper")
    assert list(stored(run))[:2] + list(stored(run))[10:12] == [
        "fig3/0.0",
        "fig3/0.01",
        "fig3/0.1",
        "fig3/0.11",
    ]


def test_a_value_may_bring_its_own_interval_and_runs(run: Run) -> None:
    run.value("odds", 0.2, low=0.1, high=0.3, n=20, chip="paper")
    run.value("speed", 3.0, unit="ratio", runs=[2.0, 3.0, 4.0], chip="generated")
    values = stored(run)
    assert (values["odds"]["n"], values["odds"]["spread"], values["odds"]["runs"]) == (20, "given", None)
    assert (values["speed"]["n"], values["speed"]["sd"], values["speed"]["unit"]) == (3, 1.0, "ratio")
    with pytest.raises(RecordError, match="n = 5, but 2 runs"):
        run.value("bad", 1.0, n=5, runs=[1.0, 1.0], chip="paper")


def test_runs_may_be_left_out_but_not_unchecked(run: Run) -> None:
    run.values(frame(), id="{dataset}/{metric}", chip="paper", keep_runs=False)
    assert stored(run)["moons/ari"]["runs"] is None
    assert stored(run)["moons/ari"]["sd"] > 0


@pytest.mark.parametrize("keep", [True, False])
def test_nan_is_refused_and_named(run: Run, keep: bool) -> None:
    spoilt = frame()
    spoilt.loc[(spoilt.dataset == "moons") & (spoilt.metric == "nmi") & (spoilt.seed == 1), "value"] = np.nan
    with pytest.raises(RecordError, match=r"value t/moons/nmi: runs\[1\] is nan"):
        run.values(spoilt, id="t/{dataset}/{metric}", chip="paper", keep_runs=keep)
    with pytest.raises(RecordError, match="value x: value is inf"):
        run.value("x", float("inf"), chip="paper")
    assert not (run.out / "results.partial.json").exists()  # not half a frame


def test_frames_that_are_not_tidy_are_refused(run: Run) -> None:
    with pytest.raises(RecordError, match="moons: seed 2 has several rows; add a placeholder"):
        run.values(frame(), id="{dataset}", chip="paper")
    with pytest.raises(RecordError, match="no column 'level'; the columns are dataset, metric, seed, value"):
        run.values(frame(), id="{dataset}/{level}", chip="paper")
    with pytest.raises(RecordError, match="no column 'score'"):
        run.values(frame(), id="{dataset}/{metric}", value="score", chip="paper")
    with pytest.raises(RecordError, match="no rows"):
        run.values(frame().head(0), id="{dataset}", chip="paper")
    with pytest.raises(RecordError, match="a key is missing"):
        run.values(frame().assign(metric=None), id="{dataset}/{metric}", chip="paper")
    with pytest.raises(RecordError, match="expected lower-case parts"):
        run.values(
            frame().query("dataset == 'moons'").assign(dataset="Moons A"),
            id="{dataset}/{metric}",
            chip="paper",
        )


def test_an_id_is_taken_once(run: Run) -> None:
    run.value("a", 1.0, chip="paper")
    with pytest.raises(RecordError, match="value a: this id is taken"):
        run.value("a", 2.0, chip="paper")
    assert stored(run)["a"]["value"] == 1.0


def test_finish_writes_verified_results_and_says_so(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.value("a", 1.0, chip="paper")
    run.finish()
    found = read_results(run.out / "results.json")
    assert (found["paper"], found["preset"], found["seeds"]) == ("toy", "laptop", {"seed": 7, "seeds": 3})
    assert found["params"] == {"preset": "laptop", "device": "auto", "seed": 7, "seeds": 3}
    expected = {
        "commit",
        "dirty",
        "lock_sha256",
        "code_sha256",
        "data",
        "host",
        "device",
        "threads",
        "python",
    }
    assert expected | {"packages", "seconds", "tasks", "peak_memory_mb", "started"} == set(found["provenance"])
    assert set(found["provenance"]["host"]) == {"cpu", "cores", "ram_gb", "os"}
    assert found["provenance"]["packages"]["numpy"] == np.__version__
    assert found["provenance"]["peak_memory_mb"] > 10
    assert not (run.out / "results.partial.json").exists()
    assert "toy, preset laptop: 1 values in" in capsys.readouterr().out
    with pytest.raises(RecordError, match=r"value b: stored after run\.finish\(\)"):
        run.value("b", 1.0, chip="paper")


def test_a_run_without_values_is_no_run(run: Run) -> None:
    with pytest.raises(RecordError, match="has no values"):
        run.finish()


def test_only_parameters_may_stand_above_start(run: Run) -> None:
    shell = {
        "In": [""],
        "Out": {},
        "_i1": "x",
        "__name__": "__main__",
        "PAPERMILL_INPUT_PATH": "x",
        "pd": pd,
        "f": len,
    }
    assert start("toy", {**shell, "preset": "full", "seeds": None}).params == Toy(
        preset="full", seed=0, seeds=5
    )
    for wrong, value in {"sedes": 3, "sead": None, "deivce": "cpu", "seeds_": [1]}.items():
        with pytest.raises(ParameterError, match=f"unknown parameter '{wrong}': did you mean"):
            start("toy", {**shell, wrong: value})
    with pytest.raises(ParameterError, match=r"seeds = 2\.5: expected a whole number"):
        start("toy", {"seeds": 2.5})


def test_without_a_folder_a_run_makes_its_own(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LIKENESS_OUT")
    monkeypatch.chdir(tmp_path)
    a, b, again = (start("toy", {"seeds": n}).out for n in (3, 4, 3))
    assert a == again != b
    assert a.parent == tmp_path / "runs"
    assert a.name.startswith("toy-")
    assert len(a.name) == len("toy-") + 8
    assert f"runs/{a.name}/" in capsys.readouterr().out


def test_a_record_is_read_verified_or_not_at_all(run: Run, tmp_path: Path) -> None:
    assert run.recorded("full") is None
    run.value("a", 1.5, chip="paper")
    run.finish()
    path = tmp_path / "paper_runs" / "toy" / "records" / "full.json"
    write_results(path, read_results(run.out / "results.json"))
    record = run.recorded("full")
    assert record is not None
    assert list(record.columns) == ["id", "value", "low", "high", "n", "unit", "chip", "runs"]
    assert record.iloc[0][["id", "value"]].tolist() == ["a", 1.5]
    path.write_text(path.read_text().replace("1.5", "1.6"))
    with pytest.raises(RecordError, match="does not match its hash"):
        run.recorded("full")


def test_the_base_seed_is_the_parameter(run: Run) -> None:
    assert run.seed == 7


def test_results_hold_plain_json(run: Run) -> None:
    run.values(frame(), id="{dataset}/{metric}", chip="paper")
    json.loads((run.out / "results.partial.json").read_text(), parse_constant=lambda c: pytest.fail(c))
