"""Shared by the tests of downloads: the file that is fetched, and how."""

from __future__ import annotations

import gzip
import hashlib
import random
from pathlib import Path

from likeness.data.fetch import Wanted, fetch
from likeness.data.registry import Download
from range_server import HOST, RangeServer

BODY = random.Random(1).randbytes(300_001)
NAME = "/set/body.bin"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def want(server: RangeServer, folder: Path, body: bytes = BODY, path: str = NAME) -> Wanted:
    """The file of a path; what the server has there need not be `body`."""
    at_most = max(len(body), len(server.files.get(path, b"")))
    target = folder / "set" / Path(path).name
    content = gzip.decompress(body) if target.suffix == ".gz" else body
    return Wanted(target, Download(server.address(path), at_most), sha256(content), len(content))


def get(file: Wanted, **options: object) -> None:
    fetch(file, **{"in_clear": {HOST}, "pause": 0.0, "timeout": 5.0} | options)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())
