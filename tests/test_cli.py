"""The command and plain papermill: the same strictness, exit codes, a light start."""

from __future__ import annotations

from pathlib import Path

import pytest

from likeness.report.records import read_results
from toy_project import Done, Project, make_project


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Paper alpha, run once by the command."""
    project = make_project(tmp_path_factory.mktemp("ran"))
    done = project.command("run", "alpha", "--preset", "smoke")
    assert done.code == 0, done
    return project


def papermill(project: Project, out: Path, *arguments: str) -> Done:
    notebook = "paper_runs/alpha/alpha.ipynb"
    return project.command(notebook, str(out), *arguments, "--no-progress-bar", python="papermill")


WRONG = [
    (["sedes", "2"], "unknown parameter 'sedes': did you mean 'seeds'"),
    (["seeds", "2.5"], "parameter seeds = {}2.5{}: expected a whole number"),
    (["seeds", "0"], "parameter seeds = 0: expected 1 to 100"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_the_command_refuses_wrong_parameters_before_any_work(
    ran: Project, given: list[str], message: str
) -> None:
    before = sorted(p.stat().st_mtime_ns for p in ran.room("alpha").rglob("*"))
    done = ran.command("run", "alpha", "-p", "=".join(given))
    assert done.code == 2, done
    assert message.format("'", "'") in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    assert sorted(p.stat().st_mtime_ns for p in ran.room("alpha").rglob("*")) == before


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_plain_papermill_refuses_them_before_any_work(
    ran: Project, tmp_path: Path, given: list[str], message: str
) -> None:
    done = papermill(ran, tmp_path / "out.ipynb", "-p", *given)
    assert done.code != 0, done
    assert f"ParameterError: {message.format('', '')}" in done.err
    assert not (ran.root / "runs").exists()


def test_plain_papermill_reruns_an_executed_notebook(ran: Project, tmp_path: Path) -> None:
    project = ran.copy_to(tmp_path / "project")
    done = papermill(project, tmp_path / "out.ipynb", "-p", "seeds", "4", "-p", "scale", "2")
    assert done.code == 0, done
    (folder,) = (project.root / "runs").iterdir()
    results = read_results(folder / "results.json")
    assert (results["params"]["seeds"], results["params"]["scale"]) == (4, 2.0)
    assert results["values"][0]["runs"] == [1.0, 3.0, 5.0, 7.0]
    assert f"runs/{folder.name}/" in (tmp_path / "out.ipynb").read_text()
    assert (
        read_results(project.room("alpha") / "results.json")["params"]["seeds"] == 2
    )  # the room is as it was


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "alhpa"], "unknown paper 'alhpa': did you mean 'alpha'? There are: alpha, beta"),
        (["params", "alhpa"], "did you mean 'alpha'"),
        (["run", "--preset", "larptop"], "unknown preset 'larptop': did you mean 'laptop'"),
        (["run", "--preset", "smoke", "-p", "preset=full"], "give one of them"),
        (["run", "-p", "seeds"], "expected name=value"),
        (["run", "--fast"], "No such option"),
        (["rum"], "No such command"),
    ],
)
def test_wrong_usage_is_exit_2_with_a_hint(ran: Project, arguments: list[str], message: str) -> None:
    done = ran.command(*arguments)
    assert done.code == 2, done
    assert message in done.err
    assert "Traceback" not in done.err


def test_outside_a_project_the_command_says_where_to_go(ran: Project, tmp_path: Path) -> None:
    done = ran.command("run", LIKENESS_ROOT=str(tmp_path))
    assert done.code == 2, done
    assert f"LIKENESS_ROOT={tmp_path}: expected a folder that holds paper_runs" in done.err


def test_params_shows_type_defaults_range_and_meaning(ran: Project) -> None:
    done = ran.command("params", "alpha")
    assert done.code == 0, done
    (row,) = (line for line in done.out.splitlines() if " seeds " in line)
    assert [cell.strip() for cell in row.split("│")][1:-1] == [
        "seeds", "int", "2", "3", "5", "", "1 to 100", "training seeds",
    ]  # fmt: skip
    assert "one of smoke, laptop, full" in done.out


def test_the_command_starts_light(ran: Project) -> None:
    code = (
        "import sys; sys.argv = ['likeness', *{}]\n"
        "import likeness.cli\n"
        "try:\n    likeness.cli.main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "heavy = {{'torch', 'pandas', 'scipy', 'matplotlib', 'sklearn'}} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    for number, arguments in enumerate(
        (["--help"], ["params", "alpha"], ["run", "alpha", "--preset", "smoke"])
    ):
        script = ran.root / "lib" / f"light{number}.py"
        script.write_text(code.format(arguments))
        done = ran.command(python=script.stem)
        assert done.code == 0, done
        assert done.out


@pytest.mark.parametrize("command", ["run", "check", "build", "diff", "params"])
def test_every_command_explains_itself(ran: Project, command: str) -> None:
    done = ran.command(command, "--help")
    assert done.code == 0, done
    assert "Usage" in done.out
