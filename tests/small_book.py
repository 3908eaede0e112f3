"""A small project on disk: the real pages of the book around one room with claims, a run and a record."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import numpy as np
import pandas as pd

from likeness.report import exhibits
from likeness.report.parameters import parameters_of
from likeness.report.records import write_results
from likeness.report.rooms import Room
from likeness.report.tidy import t_interval
from small_book_sources import FIG3, HOSTILE, NOTEBOOK, TABLE1, YAML

REPOSITORY = Path(__file__).resolve().parents[1]
DATASETS, LEVELS, MODELS, COLUMNS = (
    ("circles", "moons"),
    ("easy", "hard"),
    ("mlp", "dgcnn"),
    ("ari_k", "nmi_k"),
)


def value(
    id: str, runs: list[float] | None, mean: float | None = None, chip: str = "paper", unit: str = "score"
) -> dict[str, Any]:
    """One value of results.json: a mean over runs, or a deterministic number."""
    if runs is None:
        return {
            "id": id,
            "value": mean,
            "low": None,
            "high": None,
            "n": 1,
            "unit": unit,
            "chip": chip,
            "spread": "none",
            "runs": None,
        }
    m, low, high, sd = t_interval(runs)
    entry = {"id": id, "value": m, "low": low, "high": high, "n": len(runs), "unit": unit, "chip": chip}
    return entry | {"spread": "t" if len(runs) > 1 else "given", "runs": runs, "sd": sd}


def values(seeds: int, shift: float = 0.0) -> list[dict[str, Any]]:
    """Values of a run around the printed ones; moons dgcnn easy is off, yet ordered as printed."""
    rng = np.random.default_rng(seeds)
    made = []
    for line in TABLE1.splitlines()[1:]:
        dataset, _, level, model, ari, _, nmi, _ = line.split(",")
        for column, printed in (("ari_k", ari), ("nmi_k", nmi)):
            off = 0.12 if (dataset, level, model) == ("moons", "easy", "dgcnn") else 0.0
            runs = [float(printed) + off + shift + 0.02 * float(x) for x in rng.standard_normal(seeds)]
            made.append(value(f"table1/{dataset}/{level}/{model}/{column}", runs))
    for dataset, noise, mean in (
        ("circles", "0.0", 1.0),
        ("circles", "0.08", 0.05),
        ("moons", "0.0", 1.0),
        ("moons", "0.08", 0.9),
    ):
        runs = [mean + (0.1 * float(x) if mean < 1 else 0.0) for x in rng.standard_normal(60)]
        made.append(value(f"fig3/{dataset}/ari@k/single/{noise}", runs))
    made.append(value("speed/ratio", None, 579.0, chip="public", unit="ratio"))
    made.append(value("switch/eq3/literal", [0.1, 0.12, 0.09]))
    return made


def results(entries: list[dict[str, Any]], preset: str = "smoke", **given: object) -> dict[str, Any]:
    """A results.json without its hash."""
    params = parameters_of("clustering").resolve({"preset": preset, **given}).asdict()
    host = {"cpu": "Test processor 3000", "cores": 2, "ram_gb": 8.0, "os": "Linux x86_64"}
    return {
        "schema": 1, "paper": "clustering", "preset": preset, "data": {}, "params": params, "seeds": [0, 1],
        "values": entries,
        "provenance": {
            "commit": "a" * 40, "dirty": False, "lock_sha256": "b" * 64, "code_sha256": "c" * 64,
            "data": {"uci/zoo/zoo.data": "d" * 64}, "host": host, "device": "cpu", "threads": 1,
            "python": "3.11.2",
            "packages": {"numpy": "2.4.6", "torch": "2.13.0"}, "seconds": 7260.0, "peak_memory_mb": 812.5,
            "started": "2026-11-20T10:00:00+00:00",
        },
    }  # fmt: skip


def figure() -> Any:
    """Two curves."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(figsize=(5, 2.4))
    axes.plot([0, 0.08, 0.16], [1, 0.6, 0.2], label="MLP")
    axes.plot([0, 0.08, 0.16], [1, 0.1, 0.0], label="single linkage")
    axes.legend()
    return fig


def make_room(root: Path) -> Room:
    """A room with claims, printed numbers, a run and a full record, below ``root``."""
    room = Room(root, "clustering")
    room.printed.mkdir(parents=True)
    room.yaml.write_text(YAML, encoding="utf-8")
    (room.printed / "table1.csv").write_text(TABLE1, encoding="utf-8")
    (room.printed / "fig3.csv").write_text(FIG3, encoding="utf-8")
    room.notebook.write_text(NOTEBOOK, encoding="utf-8")
    write_results(room.results, results(values(3), seeds=3))
    write_results(room.records / "full.json", results(values(5), preset="full"))
    return room


def execute(room: Room) -> None:
    """The executed notebook, tables and figures that a run leaves: code of the source, outputs made here."""
    frame = pd.DataFrame(
        {"data set": ["circles", HOSTILE.replace("paper.yaml", "cell")], "score": [0.9, 0.8]}
    )
    exhibits.save_table(room.path / "tables", "scores", frame)
    svg, png = exhibits.save_figure(room.path / "figures", "curves", figure())
    (room.records / "full").mkdir(exist_ok=True)
    shutil.copy(svg, room.records / "full" / "curves.svg")
    shown = [
        exhibits.figure_html(svg, png, "Curves", "Two curves that fall"),
        exhibits.table_html(frame, "Scores"),
    ]
    notebook = jupytext.read(room.notebook)
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), 1):
        cell.execution_count = count
        if "run.table" in cell.source:
            cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": html}) for html in shown]
        if "finish" in cell.source:
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="clustering: 22 values\n")]
    parameters = next(i for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", []))
    injected = nbformat.v4.new_code_cell('preset = "smoke"', metadata={"tags": ["injected-parameters"]})
    notebook.cells.insert(parameters + 1, injected)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, room.executed)


def make_project(root: Path) -> Room:
    """The room above inside a copy of the book's own pages."""
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(REPOSITORY / name, root / name)
    shutil.copytree(REPOSITORY / "book", root / "book")
    room = make_room(root)
    execute(room)
    return room
