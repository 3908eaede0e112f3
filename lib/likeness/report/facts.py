"""Provenance as a reader meets it: time, machine, hashes, versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from likeness.report.chapter import Chapter


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> duration(48.2), duration(290), duration(7500)
    ('48 s', '4 min 50 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def spent_time(provenance: Mapping[str, Any]) -> str:
    """Time of a run; what an interrupted run had done before is said, never left out."""
    text = duration(provenance["seconds"])
    tasks = provenance.get("tasks") or {}
    if not tasks.get("kept_tasks"):
        return text
    kept = duration(tasks["kept_seconds"])
    return f"{text}, after {kept} of processor time in {tasks['kept_tasks']} tasks kept from interrupted runs"


def machine(provenance: Mapping[str, Any]) -> str:
    """The class of host of a run."""
    host = provenance["host"]
    return f"{host['cpu']}, {host['cores']} cores, {host['ram_gb']} GB, {provenance['device']}"


def score_facts(chapter: Chapter) -> list[tuple[str, str]]:
    """What the scoreboard says of each run: preset, time, machine, values by chip."""
    found = []
    for name, results in (("full record", chapter.record), ("this run", chapter.results)):
        if results is not None:
            chips = [value["chip"] for value in results["values"]]
            said = ", ".join(f"{chips.count(c)} {c}" for c in ("paper", "public", "generated") if c in chips)
            spent = spent_time(results["provenance"])
            text = f"preset {results['preset']}, {spent} on {machine(results['provenance'])}; values: {said}"
            found.append((name, text))
    return found


def provenance_lines(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[dict[str, Any] | None]]]:
    """One line a fact, one cell a run; None where a run does not know it."""
    columns = [_facts(results) for results in runs]
    names = list(dict.fromkeys(name for column in columns for name in column))
    return [(name, [column.get(name) for column in columns]) for name in names]


def _facts(results: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    p = results["provenance"]
    commit = p.get("commit")
    facts: dict[str, Any] = {
        "preset": results["preset"],
        "commit": _hash(commit) if commit else None,
        "working tree": {True: "code edited since that commit", False: "as committed"}.get(p.get("dirty")),
        "code": _hash(p.get("code_sha256")),
        "lock file": _hash(p.get("lock_sha256")),
        "results": _hash(results.get("sha256")),
        **{f"data: {name}": _hash(digest) for name, digest in (p.get("data") or {}).items()},
        "processor": p["host"]["cpu"],
        "cores": p["host"]["cores"],
        "memory": f"{p['host']['ram_gb']} GB",
        "system": p["host"]["os"],
        "device": p["device"],
        "threads": p["threads"],
        "started": p["started"].replace("T", " "),
        "time": spent_time(p),
        "peak memory": f"{p['peak_memory_mb']:,.0f} MB",
        "Python": p["python"],
        **p["packages"],
    }
    return {name: fact if isinstance(fact, dict) else {"text": str(fact), "hash": False}
            for name, fact in facts.items() if fact is not None}  # fmt: skip


def _hash(digest: str | None) -> dict[str, Any] | None:
    return None if digest is None else {"text": digest, "hash": True}
