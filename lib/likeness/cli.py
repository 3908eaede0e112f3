"""The command ``likeness``. Starts light: nothing that a command does not need is imported.

Exit codes: 0; 1 claims moved, the book could not be built, or a data file differs or could not be fetched; 2 bad
parameter, file or usage; 3 a cell failed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="likeness",
    help="Rerun, check and publish a reproducibility report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

data_app = typer.Typer(help="Data sets: which there are, which are here, and fetching them.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Papers = Annotated[
    list[str] | None, typer.Argument(metavar="[PAPER]...", help="Short names; none: every paper.")
]


@app.command()
def run(
    papers: Papers = None,
    param: Annotated[
        list[str] | None, typer.Option("-p", "--param", metavar="NAME=VALUE", help="May repeat.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="smoke, laptop or full; laptop unless said.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for notebook and results instead of the room.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Also keep the results as records/<preset>.json.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Run even what is up to date.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would run, and why.")] = False,
) -> None:
    """Execute notebooks whose code, parameters or data changed since they last ran."""
    from rich.console import Console

    from likeness.report import execute

    jobs = execute.plan(papers or [], param or [], preset, out, record)
    failures = execute.run_all(jobs, Console(), record=record, force=force, only_plan=plan)
    if failures:
        sys.stdout.flush()
        for failure in failures:
            typer.echo(str(failure), err=True)
        raise typer.Exit(3)


@app.command()
def check(
    papers: Papers = None,
    results: Annotated[
        Path | None, typer.Option(help="Check this results.json instead of the room's.")
    ] = None,
) -> None:
    """Join results with what the papers print, and compare them with the committed records."""
    from likeness.report.ledger import check_command

    raise typer.Exit(check_command(papers or [], results))


@app.command()
def build() -> None:
    """Make the HTML of the book from the last runs."""
    from likeness.report.build import build_command

    raise typer.Exit(build_command())


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(help="Run folder or results.json.")],
    b: Annotated[Path, typer.Argument(help="Another one of the same paper.")],
    out: Annotated[Path, typer.Option(help="The HTML page to write.")] = Path("diff.html"),
) -> None:
    """Compare two runs of one paper: parameters, values, claims, figures."""
    from likeness.report.diff import diff_command

    raise typer.Exit(diff_command(a, b, out))


@app.command()
def params(paper: Annotated[str, typer.Argument(help="Short name of a paper.")]) -> None:
    """Show what a run of a paper can be given."""
    from rich.console import Console
    from rich.table import Table

    from likeness.report.parameters import PRESETS, describe, parameters_of

    columns = ("name", "type", *PRESETS, "unit", "range", "meaning")
    table = Table(title=f"Parameters of {paper}, with their defaults in the presets", title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in PRESETS else "left")
    for row in describe(parameters_of(paper)):
        table.add_row(*(row[column] for column in columns))
    console = Console()
    if not console.is_terminal:  # in a pipe there is no width to respect, and cut words cannot be searched
        console.width = 240
    console.print(table, markup=False)


@data_app.command("list")
def data_list() -> None:
    """Show every data set: who uses it, its terms, its size, and whether it is here."""
    from likeness.data.command import list_command

    raise typer.Exit(list_command())


@data_app.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="Name of a data set, as `likeness data list` shows it.")],
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Save here instead of in the folder that LIKENESS_DATA names.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="The terms are accepted: do not ask.")] = False,
) -> None:
    """Download a data set from its publisher, or go on where that broke off; every file is checked by its hash."""
    from likeness.data.command import fetch_command

    raise typer.Exit(fetch_command(name, to, yes))


@data_app.command("verify")
def data_verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Data sets; none: every file that is here.")
    ] = None,
) -> None:
    """Check the hash of the real files that are here; 1 where one differs, or one of a named set is missing."""
    from likeness.data.command import verify_command

    raise typer.Exit(verify_command(names or []))


def main() -> None:
    """Entry point: errors that a user can mend are told in one paragraph, not by a traceback."""
    try:
        app()
    except (ValueError, FileNotFoundError) as error:
        typer.echo(f"likeness: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
