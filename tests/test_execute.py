"""Running rooms for real, in kernels, in a toy project: what is skipped, what runs, what a failure leaves."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest

from likeness.report.records import read_results
from toy_project import Project, make_project


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Both papers, run once; do not change it."""
    project = make_project(tmp_path_factory.mktemp("ran"))
    done = project.command("run", "--preset", "smoke")
    assert done.code == 0, done
    return project


@pytest.fixture
def project(ran: Project, tmp_path: Path) -> Project:
    """A copy of the project that ran, to be changed."""
    return ran.copy_to(tmp_path / "project")


def planned(project: Project, *arguments: str) -> str:
    done = project.command("run", "--preset", "smoke", "--plan", *arguments)
    assert done.code == 0, done
    return done.out


def test_a_run_leaves_notebook_results_tables(ran: Project) -> None:
    results = read_results(ran.room("alpha") / "results.json")
    assert {v["id"]: v["value"] for v in results["values"]} == {
        "table1/circles/score": 1.0,
        "weights/sum": 1.0,
    }
    assert results["params"]["seeds"] == 2
    assert (ran.room("alpha") / "tables" / "scores.csv").read_text().splitlines()[0] == "dataset,seed,value"
    notebook = nbformat.read(ran.room("alpha") / "alpha.ipynb", as_version=4)
    assert all(c.execution_count for c in notebook.cells if c.cell_type == "code")
    assert str(ran.root) not in (ran.room("alpha") / "alpha.ipynb").read_text()  # nothing of this machine
    left = {p.name for p in ran.room("alpha").iterdir()}
    assert left == {"alpha.py", "alpha.ipynb", "results.json", "tables", "printed", "records", ".stamp.json"}


def test_a_second_run_is_skipped_and_says_so_within_seconds(project: Project) -> None:
    before = (project.room("alpha") / "results.json").stat().st_mtime_ns
    done = project.command("run", "--preset", "smoke")
    assert done.code == 0, done
    same = "up to date (code, notebook, parameters, data, lock unchanged), skipped"
    assert done.out.splitlines() == [f"alpha: {same}", f"beta: {same}"]
    assert done.seconds < 3
    assert (project.room("alpha") / "results.json").stat().st_mtime_ns == before


def test_prose_does_not_rerun(project: Project) -> None:
    project.edit(project.room("alpha") / "alpha.py", "Prose about alpha.", "Better prose.")
    assert planned(project).count("up to date") == 2


def test_a_model_reruns_the_chapters_that_use_it_and_no_other(project: Project) -> None:
    project.module("models/shared").write_text(
        "OFFSET = 10.5\n"
    )  # reached by alpha alone, inside a function, through
    done = project.command("run", "--preset", "smoke")
    assert done.code == 0, done
    assert "alpha: runs, code changed (likeness.models.shared)" in done.out
    assert "beta: up to date" in done.out
    assert read_results(project.room("alpha") / "results.json")["values"][0]["value"] == 11.0
    assert planned(project).count("up to date") == 2


def test_report_code_reruns_all_and_parameters_rerun(project: Project) -> None:
    assert "alpha: would run, parameters changed (seeds: 2 -> 4)" in planned(project, "-p", "seeds=4")
    with project.module("report/run").open("a") as stream:
        stream.write("\n# edited\n")
    assert planned(project).count("would run, code changed (likeness.report.run)") == 2


def test_what_is_missing_or_edited_reruns(project: Project) -> None:
    (project.room("alpha") / "tables" / "scores.csv").unlink()
    project.edit(project.room("beta") / "results.json", '"n": 2', '"n": 3')
    out = planned(project)
    assert "alpha: would run, missing: tables/scores.csv" in out
    assert "beta: would run, results.json was edited" in out
    (project.room("alpha") / ".stamp.json").write_text("{")
    assert "alpha: would run, no earlier run" in planned(project)


def test_force_runs_anyway(project: Project) -> None:
    assert "alpha: would run, asked for by --force" in planned(project, "alpha", "--force")


def test_a_failing_cell_is_named_and_earlier_results_stay(project: Project) -> None:
    room = project.room("alpha")
    kept = {
        p: p.read_bytes()
        for p in (room / "results.json", room / "alpha.ipynb", room / "tables" / "scores.csv")
    }
    done = project.command("run", "alpha", "beta", "--preset", "smoke", "-p", "fail=true", "-p", "seeds=3")
    assert done.code == 3, done
    assert 'alpha: cell 4 ("Weights"), line 2: weigh(p)' in done.err
    assert "ZeroDivisionError: weights sum to zero" in done.err
    assert "last log lines:\n    weighing 3 seeds" in done.err
    assert 'beta: cell 4 ("Weights")' in done.err  # one failure does not hide the other
    assert {p: p.read_bytes() for p in kept} == kept
    partial = read_results(room / "results.partial.json", partial=True)
    assert [v["id"] for v in partial["values"]] == ["table1/circles/score"]
    assert partial["values"][0]["n"] == 3
    failed = nbformat.read(room / "alpha.failed.ipynb", as_version=4)
    assert any(o.output_type == "error" for c in failed.cells for o in c.get("outputs", ()))
    assert planned(project, "alpha").startswith(
        "alpha: up to date"
    )  # what is there is still of the plain run
    assert not (room / ".running").exists()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os\n\nos._exit(1)", "the kernel died"),
        ("run.log('x')\n1 +", "line 3: 1 +\n  SyntaxError: invalid syntax"),
        ("run.finished = 1", "call run.finish() in its last cell"),
    ],
)
def test_other_ways_to_fail_give_exit_3_too(project: Project, code: str, message: str) -> None:
    notebook = project.room("alpha") / "alpha.py"
    project.edit(notebook, "run.finish()", code)
    before = (project.room("alpha") / "results.json").read_bytes()
    done = project.command("run", "alpha", "--preset", "smoke")
    assert done.code == 3, done
    assert message in done.err
    assert "alpha: " in done.err
    assert (project.room("alpha") / "results.json").read_bytes() == before


def test_a_kernel_talks_through_no_file_of_the_project(project: Project) -> None:
    look = "from pathlib import Path\nassert not [p.name for p in Path.cwd().iterdir() if p.is_socket()]"
    project.edit(project.room("alpha") / "alpha.py", "run.finish()", f"{look}\nrun.finish()")
    assert project.command("run", "alpha", "--preset", "smoke").code == 0


def test_a_finished_run_clears_what_a_failure_left(project: Project) -> None:
    room = project.room("alpha")
    for name in ("alpha.failed.ipynb", "results.partial.json"):
        (room / name).write_text("old")
    (room / "tables" / "old.csv").write_text("old")
    assert project.command("run", "alpha", "--preset", "smoke", "--force").code == 0
    assert not {"alpha.failed.ipynb", "results.partial.json"} & {p.name for p in room.iterdir()}
    assert [p.name for p in (room / "tables").iterdir()] == ["scores.csv"]


def test_a_record_is_kept_and_does_not_make_its_own_run_stale(project: Project) -> None:
    done = project.command("run", "--preset", "smoke", "--record")
    assert done.code == 0, done
    assert "alpha: recorded as paper_runs/alpha/records/smoke.json" in done.out
    record = read_results(project.room("alpha") / "records" / "smoke.json")
    assert record == read_results(project.room("alpha") / "results.json")
    assert planned(project).count("up to date") == 2
    (project.room("alpha") / "records" / "smoke.json").unlink()  # another's record is an input
    assert "alpha: would run, records changed (smoke.json)" in planned(project)


def test_a_record_is_of_a_preset_as_it_is(project: Project) -> None:
    done = project.command("run", "alpha", "--preset", "smoke", "--record", "-p", "seeds=9")
    assert done.code == 2, done
    assert "keeps the numbers of preset smoke, but seeds was changed" in done.err
    assert (
        project.command("run", "alpha", "--preset", "smoke", "--record", "-p", "jobs=2", "--plan").code == 0
    )


def test_results_can_go_elsewhere(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "with {braces} and spaces"
    done = project.command("run", "alpha", "-p", "seeds=4", "--out", str(out))
    assert done.code == 0, done
    assert {p.name for p in out.iterdir()} == {"alpha.ipynb", "results.json", "tables", ".stamp.json"}
    assert read_results(out / "results.json")["params"]["seeds"] == 4
    assert planned(project).count("up to date") == 2  # the rooms were not touched


def test_two_runs_do_not_write_into_one_folder(project: Project) -> None:
    running = project.room("alpha") / ".running"
    running.mkdir()
    (running / "pid").write_text(str(os.getpid()))
    done = project.command("run", "alpha", "--preset", "smoke", "--force")
    assert done.code == 2, done
    assert "already running" in done.err
    assert (running / "pid").is_file()


def test_the_stamp_is_portable(ran: Project) -> None:
    stamp = (ran.room("alpha") / ".stamp.json").read_text()
    assert str(ran.root) not in stamp
    assert set(json.loads(stamp)) == {"fingerprint", "results", "outputs"}
