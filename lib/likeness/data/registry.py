"""Where every data set comes from, on what terms, and the hash that its files must have.

The entries stand in sources.toml beside this file. Real files are looked for below the folder named by the environment
variable LIKENESS_DATA; nothing is downloaded here (`fetch` does that). Files are checked against their hash when they
are opened. The hash of a .gz is that of what it holds: packing it again changes the file and not the data.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tomllib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

#: The environment variable that names the folder of real data.
VARIABLE: Final = "LIKENESS_DATA"
#: What a source can be: files with known hashes; files that nobody here could hash; part of an installed package; drawn
#: anew by a generator.
KINDS: Final = ("files", "unhashed", "package", "generator")
#: Content hash of a packed file that cannot be unpacked: equals no registered one.
UNREADABLE: Final = "unreadable"
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Download:
    """Where one file is to be had without a login: its https address and the most bytes that this may send.

    member : the file's name in the zip that the address sends; empty where it sends the file itself.
    """

    url: str
    at_most: int
    member: str = ""


@dataclass(frozen=True)
class Source:
    """One data set: its name, the papers that use it, chip, publisher, terms, layout, and its files.

    chip is "paper" (the paper's own data or its exact generator), "public" (other real data) or "generated"; kind is
    one of `KINDS`. Paths are below the data folder.

    files : path -> sha256 of its content (.gz: unpacked); empty unless kind is "files".
    sizes : path -> bytes of that content.
    downloads : path -> where it can be fetched from; all of `files` or none.
    ask : why there is no download, where there is none; `source` says who can be asked.
    unhashed : files and folders of a set whose hashes are not known, where its loader looks for them.
    size : how large it is, as its publisher says, where there are no `sizes`.
    """

    name: str
    kind: str
    papers: tuple[str, ...]
    chip: str
    what: str
    source: str
    terms: str
    layout: str
    ask: str = ""
    size: str = ""
    unhashed: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    downloads: dict[str, Download] = field(default_factory=dict)


def _entry(said: dict[str, Any]) -> Source:
    files = said.pop("file", [])
    plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in said.items()}
    return Source(
        **plain,
        files={f["path"]: f["sha256"] for f in files},
        sizes={f["path"]: f["bytes"] for f in files},
        downloads={f["path"]: Download(f["url"], f["at_most"], f.get("member", "")) for f in files if "url" in f},
    )


_SAID = tomllib.loads(Path(__file__).with_name("sources.toml").read_text(encoding="utf-8"))

#: All data sets that a chapter uses, by name.
SOURCES: Final[dict[str, Source]] = {s.name: s for s in map(_entry, _SAID["source"])}


def here(*paths: str) -> bool:
    """Whether all these files of the registry are below LIKENESS_DATA; hashes not looked at. Raises as `data_root`."""
    root = data_root()
    return root is not None and all((root / path).is_file() for path in paths)


def data_root() -> Path | None:
    """Folder of the real data: the value of LIKENESS_DATA, or None where it is unset or empty.

    Raises FileNotFoundError when the variable names no folder: a typing error must not turn into "no data".
    """
    given = os.environ.get(VARIABLE, "").strip()
    if not given:
        return None
    root = Path(given).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"{VARIABLE}={given}: expected an existing folder; correct or unset it")
    return root


def hashes(paper: str) -> dict[str, str]:
    """Content hash of each real file that a paper uses and that is here: {path: sha256}.

    What a run's fingerprint needs: it changes when a file comes, goes or differs. An unknown paper, or one
    without real files, has none. The files' own expected hashes stand in `SOURCES`.
    """
    root = data_root()
    if root is None:
        return {}
    wanted = (path for s in SOURCES.values() if paper in s.papers for path in s.files)
    return {path: _sha256_of(root / path) for path in sorted(wanted) if (root / path).is_file()}


def locate(name: str, path: str | None = None) -> Path:
    """The checked file of a data set (its only file, or the one at `path` below the data folder).

    Raises
    ------
    ValueError : unknown data set or path, or a file whose content does not have the registered hash.
    FileNotFoundError : no data folder, or the file is not in it; the message says how to get it.
    """
    if name not in SOURCES:
        raise ValueError(f"data set {name!r}: expected one of {', '.join(SOURCES)}")
    source = SOURCES[name]
    if path is None and len(source.files) == 1:
        path = next(iter(source.files))
    if path not in source.files:
        raise ValueError(f"file {path!r} of {name!r}: expected one of {sorted(source.files)}")
    root = data_root()
    file = None if root is None else root / path
    if file is None or not file.is_file():
        where = f"{VARIABLE} is not set" if root is None else f"{root} has no {path}"
        raise FileNotFoundError(
            f"{name}: {where}; get it from {source.source} ({source.terms}), save it as {path} in a folder, "
            f"and set {VARIABLE} to that folder{_by_command(source)}"
        )
    found = _sha256_of(file)
    if found != source.files[path]:
        raise ValueError(
            f"{file} has sha256 {found}, expected {source.files[path]}: it was edited or cut short; "
            f"get it again from {source.source}"
        )
    return file


def _by_command(source: Source) -> str:
    return f"; or let `likeness data fetch {source.name}` do it" if source.downloads else ""


def _sha256_of(file: Path) -> str:
    stat = file.stat()
    return _sha256(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(file: Path, size: int, changed: int) -> str:  # noqa: ARG001  size and time only key the cache
    return content_sha256(file)


def content_sha256(
    file: Path,
    *,
    packed: bool | None = None,
    at_most: int | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> str:
    """Sha256 of what a file holds, 64 hexadecimal digits; `UNREADABLE` where it is packed and damaged.

    Parameters
    ----------
    packed : whether it is a .gz, to be unpacked; None: by its name
    at_most : bytes of content after which a packed file counts as unreadable; None: no limit
    tell : called with the bytes of content read so far
    """
    packed = file.suffix == ".gz" if packed is None else packed
    digest, done = hashlib.sha256(), 0
    try:
        with gzip.open(file) if packed else file.open("rb") as content:
            while block := content.read(_BLOCK):
                digest.update(block)
                done += len(block)
                tell(done)
                if at_most is not None and packed and done > at_most:
                    return UNREADABLE
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return UNREADABLE
    return digest.hexdigest()
