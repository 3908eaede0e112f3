"""Where every data set comes from, on what terms, and the hash that its files must have.

Real files are looked for below the folder named by the environment variable LIKENESS_DATA; nothing is
downloaded here. Files are checked against their hash when they are opened. The hash of a .gz is that of what it holds:
packing it again changes the file and not the data.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

#: The environment variable that names the folder of real data.
VARIABLE: Final = "LIKENESS_DATA"


@dataclass(frozen=True)
class Source:
    """One data set: its name, the papers that use it, chip, publisher, terms, layout, and its files.

    chip is "paper" (the paper's exact generator), "public" (other real data) or "generated". files maps a
    path below the data folder to the sha256 of its content (.gz: unpacked); it is empty for what installs with a
    package.
    """

    name: str
    papers: tuple[str, ...]
    chip: str
    what: str
    source: str
    terms: str
    layout: str
    files: dict[str, str] = field(default_factory=dict)


_SKLEARN = "scikit-learn, sklearn.datasets"
_BUNDLED = "arrays in the installed package, nothing to download"

#: All data sets that a chapter uses, by name.
SOURCES: Final[dict[str, Source]] = {
    s.name: s
    for s in (
        Source(
            "point sets", ("clustering",), "paper",
            "circles, moons, blobs and anisotropic blobs, drawn anew for every run",
            f"{_SKLEARN} (make_circles, make_moons, make_blobs) as the authors called them",
            "BSD-3-Clause (the generator)", "likeness.data.points",
        ),
        Source(
            "iris", ("clustering",), "public", "150 flowers, 4 measurements, 3 species",
            f"{_SKLEARN} (load_iris); UCI, doi:10.24432/C56C76", "CC BY 4.0", _BUNDLED,
        ),
        Source(
            "wine", ("clustering",), "public", "178 wines, 13 chemical measurements, 3 cultivars",
            f"{_SKLEARN} (load_wine); UCI, doi:10.24432/C5PC7J", "CC BY 4.0", _BUNDLED,
        ),
        Source(
            "digits", ("clustering", "fpq"), "public", "1,797 handwritten digits of 8 x 8 pixels, 10 classes",
            f"{_SKLEARN} (load_digits); UCI, doi:10.24432/C50P49", "CC BY 4.0", _BUNDLED,
        ),
        Source(
            "deformed digits", ("fpq",), "generated",
            "up to 60,000 + 10,000 images of 28 x 28 pixels: the real digits, deformed",
            f"{_SKLEARN} (load_digits), deformed by this project", "CC BY 4.0 (the digits)",
            "likeness.data.deformed_digits",
        ),
        Source(
            "mnist", ("fpq",), "paper", "60,000 + 10,000 handwritten digits of 28 x 28 pixels, 10 classes",
            "LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist/, the four idx.gz files",
            "CC BY-SA 3.0 as commonly stated", "idx, gzipped, in the original order",
            {
                "mnist/train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "mnist/train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "mnist/t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "mnist/t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            },
        ),
        Source(
            "zoo", ("clustering",), "public", "101 animals, 16 attributes, 7 classes",
            "UCI, https://archive.ics.uci.edu/dataset/111/zoo, doi:10.24432/C5R59V", "CC BY 4.0",
            "comma separated: name, 15 truth values and the number of legs, class 1..7",
            {"uci/zoo/zoo.data": "cddc71c26ab9bc82795b8f4ff114cade41885d92720c6af29ffb69bcf73f0315"},
        ),
    )
}  # fmt: skip


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
            f"and set {VARIABLE} to that folder"
        )
    found = _sha256_of(file)
    if found != source.files[path]:
        raise ValueError(
            f"{file} has sha256 {found}, expected {source.files[path]}: it was edited or cut short; "
            f"get it again from {source.source}"
        )
    return file


def _sha256_of(file: Path) -> str:
    stat = file.stat()
    return _sha256(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(file: Path, size: int, changed: int) -> str:  # noqa: ARG001  size and time only key the cache
    if file.suffix != ".gz":
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    digest = hashlib.sha256()
    try:
        with gzip.open(file) as unpacked:
            while block := unpacked.read(1 << 20):
                digest.update(block)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return "unreadable"  # equals no registered hash, so that `locate` says what to do
    return digest.hexdigest()
