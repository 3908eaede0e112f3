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

REPOSITORY = Path(__file__).resolve().parents[1]
DATASETS, LEVELS, MODELS, COLUMNS = (
    ("circles", "moons"),
    ("easy", "hard"),
    ("mlp", "dgcnn"),
    ("ari_k", "nmi_k"),
)
HOSTILE = "<script>alert('paper.yaml')</script>"

TABLE1 = """dataset,k,level,model,ari_k,ari_k_sd,nmi_k,nmi_k_sd
circles,2,easy,mlp,0.871,0.153,0.846,0.167
circles,2,hard,mlp,0.919,0.18,0.895,0.187
circles,2,easy,dgcnn,0.296,0.388,0.327,0.356
circles,2,hard,dgcnn,0.852,0.243,0.826,0.247
moons,4,easy,mlp,0.895,0.137,0.934,0.0805
moons,4,hard,mlp,0.96,0.0901,0.972,0.049
moons,4,easy,dgcnn,0.718,0.247,0.786,0.191
moons,4,hard,dgcnn,0.917,0.123,0.941,0.0726
"""
FIG3 = """dataset,metric,method,noise,mean,sd
circles,ari@k,single,0.0,1.0,0.0
circles,ari@k,single,0.08,0.0512,0.2012
moons,ari@k,single,0.0,1.0,0.0
moons,ari@k,single,0.08,0.7123,0.1011
"""
YAML = f"""
paper: clustering
title: Similarity learning and hierarchical clustering
outcome: "[Re]"
citation:
  authors: [Leonardo Gigli, Beatriz Marcotegui, Santiago Velasco-Forero]
  title: End-to-End Similarity Learning and Hierarchical Clustering for unfixed size datasets
  venue: Geometric Science of Information
  year: 2021
  url: https://hal.science/hal-03228070
  bibkey: gigli2021
claims:
  - id: table1-means
    where: Table 1
    text: The learned similarity finds the clusters of every data set at every noise level.
    kind: statistical
    printed:
      file: printed/table1.csv
      id: "table1/{{dataset}}/{{level}}/{{model}}/{{column}}"
      columns: [ari_k, nmi_k]
      sd: "{{column}}_sd"
      n: 200
      significant: 3
      settings: [k]
    decides: {{presets: [full, smoke], chips: [paper]}}
    rule: prediction
    args: {{siblings: [model, level]}}
    reason: One printed training run against ours; fixed before the numbers were seen.
  - id: fig3-classical
    where: Figure 3
    text: Single linkage falls apart as the noise grows.
    kind: statistical
    printed:
      {{file: printed/fig3.csv, id: "fig3/{{dataset}}/{{metric}}/{{method}}/{{noise}}", column: mean,
       sd: sd, n: 20, rounding: 0.0005}}
    decides: {{presets: [full, smoke], chips: [paper]}}
    rule: sampling
    reason: The generator is known, so only sampling error may separate the means.
  - id: mlp-beats-dgcnn
    where: Section 4
    text: "The MLP is better than the DGCNN {HOSTILE}"
    kind: ordering
    rule: greater
    args:
      pairs: [["table1/{{dataset}}/{{level}}/mlp/ari_k", "table1/{{dataset}}/{{level}}/dgcnn/ari_k"]]
      each: {{dataset: [circles, moons], level: [easy, hard]}}
    decides: {{presets: [full, smoke], chips: [paper]}}
    reason: Paired by training seed.
  - id: fast
    where: Section 3
    text: The decoding is several hundred times faster than a general linkage.
    kind: qualitative
    rule: within
    args: {{value: speed/ratio, low: 100}}
    decides: {{presets: [full, smoke], chips: [public]}}
    reason: Two orders of magnitude are beyond what a machine or a load can make.
errata:
  - id: eq3-sign
    where: eq. 3
    says: "relu(s(a,p) - s(a,n) + margin) {HOSTILE}"
    is: The sign is the other way round, which the run with the literal sign shows.
    evidence: [switch/eq3/literal, "https://example.org/code#loss"]
    source: computed
silences:
  - {{about: labels, paper: the first points, choice: drawn per class, effect: switch/eq3/literal}}
  - {{about: batch size, paper: nothing, choice: one set a step, effect: not measured}}
"""
NOTEBOOK = r"""# %% [markdown]
# # {{ title() }}
#
# {{ citation() }}
#
# The loss of the paper {cite}`gigli2021` draws likely pairs together:
#
# $$ L = \max(0, s_{an} - s_{ap} + m), \qquad w = \tfrac{1}{2}(1 + \cos\theta) $$
#
# with the margin $m = 0.2$ and the similarity $s$ in $[-1, 1]$.

# %% tags=["parameters"]
preset = "smoke"
seeds = None  # training seeds
epochs = None

# %%
from likeness.report.run import start
run = start("clustering", globals())
p = run.params

# %% [markdown]
# ## Table 1
#
# Of {{ count() }} rows {{ count(verdict="reproduced") }} are reproduced. The MLP on easy circles reaches
# {{ ours("table1/circles/easy/mlp/ari_k") }} {{ interval("table1/circles/easy/mlp/ari_k") }} over
# {{ n("table1/circles/easy/mlp/ari_k") }} seeds, printed {{ printed("table1/circles/easy/mlp/ari_k") }},
# in the record {{ record("table1/circles/easy/mlp/ari_k", ".2f") }}: {{ verdict("table1-means") }}.
# At most {{ param("epochs") }} epochs.
#
# {{ ledger_table("table1", rows=["dataset", "level", "model"], columns=["ari_k", "nmi_k"]) }}
#
# {{ ledger_table("table1", columns=["ari_k"], model="mlp") }}
#
# {{ count_table("fig3", rows=["dataset", "method"], columns="noise") }}

# %%
run.values(rows, id="table1/{dataset}/{level}/{model}/{metric}", chip="paper")
run.figure("curves", fig, caption="Curves", alt="Two curves that fall")
run.table("scores", frame, caption="Scores")

# %% [markdown]
# ## Claims
#
# {{ claims_table() }}
#
# {{ record_figure("curves", "The curves of the full record.", "Two curves that fall as the noise grows") }}
#
# ## Errata
#
# {{ errata_table() }}
#
# ## What the paper does not say
#
# {{ silences_table() }}

# %%
run.finish()

# %% [markdown]
# ## Run it again
#
# {{ ending() }}
"""


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
