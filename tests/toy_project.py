"""A project of two toy papers on disk: the real command and report code, toy models, no torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[1] / "lib" / "likeness"

PARAMETERS = """
from dataclasses import dataclass

from likeness.report.parameters import BaseParameters, param


@dataclass(frozen=True, kw_only=True)
class Parameters(BaseParameters):
    seed: int = param("base seed", smoke=0, laptop=0, full=0, low=0)
    jobs: int = param("worker processes", smoke=1, laptop=1, full=1, low=1)
    seeds: int = param("training seeds", smoke=2, laptop=3, full=5, low=1, high=100)
    scale: float = param("spread of the scores", smoke=1.0, laptop=1.0, full=1.0, low=0.0, unit="m")
    weights: tuple[float, ...] = param("weights tried", smoke=(1.0,), laptop=(1.0, 2.0), full=(1.0, 2.0))
    fail: bool = param("whether to fail half-way", smoke=False, laptop=False, full=False)
"""

PROTOCOL = '''
def scores(p):
    """Tidy frame of scores by seed."""
    import pandas as pd

    from likeness.models.{name} import score
    from likeness.report.progress import tick

    rows = []
    for seed in range(p.seeds):
        tick("training", seed + 1, p.seeds)
        rows.append({{"dataset": "circles", "seed": seed, "value": p.scale * score(seed)}})
    return pd.DataFrame(rows)


def weigh(p):
    """Fails where it is asked to."""
    if p.fail:
        raise ZeroDivisionError("weights sum to zero")
'''

MODEL = """
from likeness.models.{helper} import OFFSET


def score(seed):
    return OFFSET + seed
"""

NOTEBOOK = """# %% [markdown]
# # Chapter {name}
# Prose about {name}.

# %% tags=["parameters"]
preset = "laptop"  # smoke, laptop, full
device = None
seed = None
jobs = None
seeds = None  # training seeds
scale = None
weights = None
fail = None

# %%
from likeness.report.run import start

run = start("{name}", globals())
p = run.params

# %% [markdown]
# ## Table 1

# %%
from likeness.studies.{name}.protocol import scores, weigh

frame = scores(p)
run.values(frame, id="table1/{{dataset}}/score", unit="score", chip="paper")
run.table("scores", frame, "Scores by seed")

# %% [markdown]
# ## Weights

# %%
run.log("weighing " + str(p.seeds) + " seeds")
weigh(p)

# %%
run.value("weights/sum", sum(p.weights), chip="generated")
run.finish()
"""


class Project:
    """The toy project in a folder, and its command."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def room(self, name: str) -> Path:
        return self.root / "paper_runs" / name

    def module(self, name: str) -> Path:
        return self.root / "lib" / "likeness" / f"{name}.py"

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def command(self, *arguments: str, python: str = "likeness.cli", **variables: str) -> Done:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LIKENESS_")}
        environment |= {
            "PYTHONPATH": str(self.root / "lib"),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "200",
            **variables,
        }
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", python, *arguments],
            cwd=self.root, env=environment, capture_output=True, text=True, timeout=180,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - began)

    def copy_to(self, root: Path) -> Project:
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return Project(root)


class Done:
    """What a command gave back."""

    def __init__(self, code: int, out: str, err: str, seconds: float) -> None:
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def __repr__(self) -> str:
        return f"exit {self.code} after {self.seconds:.1f} s\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def make_project(root: Path) -> Project:
    """Write the toy project: alpha reaches models.alpha and models.shared, beta its own two."""
    package = root / "lib" / "likeness"
    shutil.copytree(LIBRARY / "report", package / "report", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "cli.py"):
        shutil.copyfile(LIBRARY / name, package / name)
    for name in ("models", "studies", "studies/alpha", "studies/beta"):
        (package / name).mkdir(parents=True, exist_ok=True)
        (package / name / "__init__.py").write_text("")
    for name, helper in (("alpha", "shared"), ("beta", "own")):
        (package / "models" / f"{name}.py").write_text(MODEL.format(helper=helper))
        (package / "models" / f"{helper}.py").write_text("OFFSET = 0.5\n")
        (package / "studies" / name / "parameters.py").write_text(PARAMETERS)
        (package / "studies" / name / "protocol.py").write_text(PROTOCOL.format(name=name))
        room = root / "paper_runs" / name
        (room / "printed").mkdir(parents=True)
        (room / "records").mkdir()
        (room / "printed" / "table1.csv").write_text("dataset,score\ncircles,1.0\n")
        (room / f"{name}.py").write_text(NOTEBOOK.format(name=name))
    (root / "pyproject.toml").write_text("[project]\nname = 'toy'\n")
    (root / "requirements.lock").write_text("numpy==2.4.6\n")
    return Project(root)
