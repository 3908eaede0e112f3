"""What a run depends on, as hashes: code in reach, notebook, parameters, data, lock, printed, records.

Nothing is imported to find out: imports are read from the source, so that asking costs no start of torch.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from likeness.report.rooms import Room

#: Source folder of the package ``likeness`` that this very process uses.
PACKAGE = Path(__file__).resolve().parents[1]


def fingerprint(room: Room, params: Mapping[str, object]) -> dict[str, Any]:
    """Everything that decides what a run computes: a dict of hashes by part, and the parameters as they are.

    Parts: code {module: sha256}, notebook, parameters, data {path: sha256}, lock, printed {file: sha256},
    records {file: sha256}. Markdown of the notebook and ``paper.yaml`` are no parts: prose does not rerun.
    """
    return {
        "code": code_hashes(room),
        "notebook": notebook_hash(room),
        "parameters": dict(params),
        "data": data_hashes(room.name),
        "lock": lock_hash(room.root),
        "printed": _files(room.printed, "*.csv"),
        "records": record_hashes(room),
    }


def what_changed(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[str]:
    """Why a run is due, in words; empty when it is not.

    Parameters
    ----------
    old : fingerprint of the run that is there, None if there is none
    """
    if old is None:
        return ["no earlier run"]
    said = {"code": "code", "data": "data", "printed": "printed numbers", "records": "records"}
    why = []
    for part, what in said.items():
        names = _differing(old.get(part, {}), new[part])
        if names:
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            why.append(f"{what} changed ({', '.join(names[:4])}{more})")
    before, now = old.get("parameters", {}), new["parameters"]
    moved = [f"{n}: {before.get(n)} -> {now.get(n)}" for n in _differing(before, now)]
    if moved:
        why.append(f"parameters changed ({', '.join(moved)})")
    for part, what in {"notebook": "notebook code changed", "lock": "requirements.lock changed"}.items():
        if old.get(part) != new[part]:
            why.append(what)
    return why


def code_hashes(room: Room) -> dict[str, str]:
    """Sha256 of every module of ``likeness`` that the room's notebook can reach, by module name."""
    sources = [source for source, _ in code_cells(room)]
    reached = closure([*sources, f"import likeness.studies.{room.name}.parameters"])
    return {name: file_sha256(path) for name, path in sorted(reached.items())}


def code_sha256(room: Room) -> str:
    """One hash of the notebook's code and of all library code that it can reach."""
    text = notebook_hash(room) + "".join(f"{k}={v}\n" for k, v in code_hashes(room).items())
    return hashlib.sha256(text.encode()).hexdigest()


def notebook_hash(room: Room) -> str:
    """Hash of the code cells and of which of them holds the parameters; prose and other tags do not count."""
    text = "".join(f"{'parameters' in tags}\0{source.rstrip()}\0" for source, tags in code_cells(room))
    return hashlib.sha256(text.encode()).hexdigest()


def code_cells(room: Room) -> list[tuple[str, tuple[str, ...]]]:
    """(source, tags) of each code cell of the room's notebook."""
    import jupytext

    cells = jupytext.read(room.notebook).cells
    return [(c.source, tuple(c.metadata.get("tags", ()))) for c in cells if c.cell_type == "code"]


def data_hashes(paper: str) -> dict[str, str]:
    """Hashes of the real data files that the paper would read, as the registry lists them."""
    if (
        importlib.util.find_spec("likeness.data") is None
        or importlib.util.find_spec("likeness.data.registry") is None
    ):
        return {}
    registry = importlib.import_module("likeness.data.registry")
    return dict(registry.hashes(paper))


def lock_hash(root: Path) -> str | None:
    """Hash of requirements.lock, None where there is none."""
    lock = root / "requirements.lock"
    return file_sha256(lock) if lock.is_file() else None


def record_hashes(room: Room) -> dict[str, str]:
    """Hashes of the committed records, which a notebook may show beside its own run."""
    return _files(room.records, "*.json")


def file_sha256(path: Path) -> str:
    """Sha256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def closure(sources: list[str]) -> dict[str, Path]:
    """Modules of ``likeness`` that Python sources reach by import statements anywhere in them: {name: file}.

    Imports inside functions count. So does a text that is exactly a module's name: ``import_module`` takes
    such. IPython magics are ignored.
    """
    reached: dict[str, Path] = {}
    waiting = [name for source in sources for name in _imports(source, "", False)]
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if path is None or name in reached:
            continue
        reached[name] = path
        waiting += _imports_of_file(path, name, path.stat().st_mtime_ns)
    return reached


@cache
def _imports_of_file(path: Path, name: str, changed: int) -> tuple[str, ...]:  # noqa: ARG001  keys the cache
    return tuple(_imports(path.read_text(encoding="utf-8"), name, path.name == "__init__.py"))


def _imports(source: str, name: str, is_package: bool) -> Iterator[str]:
    """Names that an import may load, parents included; what follows ``from x import`` may be a module."""
    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".") if is_package else name.split(".")[:-1]
                start = parts[: len(parts) - node.level + 1]
                base = ".".join([*start, base] if base else start)
            yield from _with_parents(base)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.startswith("likeness.")
        ):
            yield from _with_parents(node.value)


def _tree(source: str) -> ast.Module:
    plain = [line if not line.lstrip().startswith(("%", "!")) else "" for line in source.splitlines()]
    try:
        return ast.parse("\n".join(plain))
    except SyntaxError:  # the run will say so, with the cell and the line
        return ast.Module([], [])


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _file_of(name: str) -> Path | None:
    first, *rest = name.split(".")
    if first != "likeness" or not all(part.isidentifier() for part in rest):
        return None
    base = PACKAGE.joinpath(*rest)
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


def _files(folder: Path, pattern: str) -> dict[str, str]:
    return {path.name: file_sha256(path) for path in sorted(folder.glob(pattern))} if folder.is_dir() else {}
