"""Where a result comes from: commit, hashes, host class, versions, time and memory."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from likeness.report.fingerprint import code_sha256, data_hashes, lock_hash
from likeness.report.rooms import Room

#: Packages whose version can move a number; those that are installed are recorded.
PACKAGES: Final = (
    "likeness", "numpy", "scipy", "pandas", "scikit-learn", "torch", "torch-geometric", "geoopt", "numba",
    "fastcluster", "faiss-cpu", "joblib", "matplotlib",
)  # fmt: skip


@dataclass
class Work:
    """Processor seconds of the tasks that a run spread over processes, and how many of them were kept from before."""

    tasks: int = 0
    seconds: float = 0.0
    kept_tasks: int = 0
    kept_seconds: float = 0.0

    def add(self, seconds: float, *, kept: bool) -> None:
        """Count a finished task."""
        self.tasks += 1
        self.seconds += seconds
        if kept:
            self.kept_tasks += 1
            self.kept_seconds += seconds

    def reset(self) -> None:
        """Begin anew."""
        self.tasks = self.kept_tasks = 0
        self.seconds = self.kept_seconds = 0.0

    def asdict(self) -> dict[str, float]:
        """As it stands in a record."""
        return {name: round(value, 1) for name, value in asdict(self).items()}


#: Of the run of this process: a notebook is one.
WORK: Final = Work()


@dataclass(frozen=True)
class Beginning:
    """What must be noted when a run starts: code edited while it runs is not the code that ran."""

    started: str
    clock: float
    code: dict[str, Any] = field(default_factory=dict)


def begin(room: Room | None) -> Beginning:
    """Note the time and the code in force. A notebook outside the project has no commit and no code hash."""
    WORK.reset()
    code: dict[str, Any] = {"commit": None, "dirty": None, "lock_sha256": None, "code_sha256": None}
    if room is not None:
        commit, dirty = commit_of(room)
        code = {
            "commit": commit,
            "dirty": dirty,
            "lock_sha256": lock_hash(room.root),
            "code_sha256": code_sha256(room),
        }
    return Beginning(datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic(), code)


def collect(beginning: Beginning, paper: str, device: str) -> dict[str, Any]:
    """Provenance of a run that ends now.

    Seconds are wall-clock time since `begin`. Peak memory is that of this process or of its largest finished
    child, whichever is more: workers run side by side, so that the sum may have been larger.
    """
    return {
        **beginning.code,
        "data": data_hashes(paper),
        "host": host(),
        "device": device_in_use(device),
        "threads": _threads(),
        "python": platform.python_version(),
        "packages": versions(),
        "seconds": round(time.monotonic() - beginning.clock, 2),
        "tasks": WORK.asdict(),
        "peak_memory_mb": peak_memory_mb(),
        "started": beginning.started,
    }


def commit_of(room: Room) -> tuple[str | None, bool | None]:
    """(commit, whether code that a run can use differs from it); (None, None) outside version control."""
    names = ("lib", f"paper_runs/{room.name}/{room.name}.py", "requirements.lock")
    inputs = [name for name in names if (room.root / name).exists()]
    head = _git(room.root, "rev-parse", "--verify", "HEAD")
    status = _git(room.root, "status", "--porcelain", "--", *inputs)
    if head is None or status is None:
        return None, None
    return head.strip(), bool(status.strip())


def host() -> dict[str, Any]:
    """Class of the machine, never its name: processor, cores, memory, system."""
    import psutil

    return {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "ram_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "os": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Installed versions of the packages that can move a number."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def device_in_use(wanted: str) -> str:
    """What ``auto`` came to. torch is asked only where the run has imported it; without it: the CPU."""
    torch = sys.modules.get("torch")
    if wanted == "cpu" or torch is None or not torch.cuda.is_available():
        return "cpu"
    return f"cuda ({torch.cuda.get_device_name(0)})"


def peak_memory_mb() -> float:
    """Largest resident memory so far of this process or of its largest finished child, in MB (2^20 bytes)."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    largest = max(resource.getrusage(kind).ru_maxrss for kind in kinds)
    return round(largest / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:  # no git on this machine
        return None
    return done.stdout if done.returncode == 0 else None


def _threads() -> int:
    torch = sys.modules.get("torch")
    return (
        int(torch.get_num_threads())
        if torch
        else int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
