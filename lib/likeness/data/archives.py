"""Images in a zip, one at a time: the list of members is checked when it is opened, a member when it is read."""

from __future__ import annotations

import copy
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from likeness.data.images import MOST_BYTES, Images

#: Bytes of the list of members that are read at most: room for about 700,000 of them.
MOST_DIRECTORY: Final = 64 << 20
#: Times that a member may be larger than what is stored of it. Photographs are at 1, drawings below 20, bombs at 1000.
MOST_RATIO: Final = 100
#: What a writer may have used: kept as it is, or deflate.
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1
_DRIVE: Final = re.compile(r"^[A-Za-z]:")
_DAMAGE: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


class ZipImages(Images[str]):
    """The images `<folder><id><ending>` of a zip as a lazy mapping id -> bytes, in the order of the zip.

    Memory: about 1 KB a member for the list, and one member while it is read, whatever the size of the zip. Other
    members (a licence, folders) are counted in `others` and never read. An open file, for one process and its threads:
    open it again after a fork. Use it in a `with`, or `close` it.

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : no zip, or a damaged one; a member whose name climbs out of the folder, or is given twice; a link;
        an encrypted member; one that says it unpacks to more than an image may have or to more than 100 times
        itself. On reading: a member that is damaged or holds more or fewer bytes than it says.
    """

    def __init__(self, path: Path | str, folder: str = "images/", ending: str = ".jpg") -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: no such file; expected a zip of images")
        self._file = _Guarded(io.FileIO(self.path))
        try:
            self._zip = zipfile.ZipFile(self._file)
            self._members, self.others = _listed(self._zip.infolist(), folder, ending)
        except _DAMAGE as error:
            self._file.close()
            raise ValueError(f"{self.path}: {error}; expected a whole zip of images, get it again") from error

    def __getitem__(self, key: str) -> bytes:
        """Bytes of the image of an id; KeyError names the zip."""
        if key not in self._members:
            raise KeyError(f"{self.path} has no image of {key!r}")
        # One byte more than declared is asked for, so that a member that holds more shows itself.
        member = copy.copy(self._members[key])
        declared, member.file_size = member.file_size, member.file_size + 1
        try:
            with self._zip.open(member) as stream:
                raw = stream.read(declared + 1)
        except _DAMAGE as error:
            raise ValueError(f"{self.where(key)}: damaged ({error}); get the zip again") from error
        if len(raw) != declared:
            more = "more than" if len(raw) > declared else f"{len(raw):,} of"
            raise ValueError(f"{self.where(key)}: holds {more} the {declared:,} bytes that it declares; refused")
        return raw

    def __iter__(self) -> Iterator[str]:
        """The ids."""
        return iter(self._members)

    def __len__(self) -> int:
        """How many images."""
        return len(self._members)

    def __contains__(self, key: object) -> bool:
        """Whether the zip lists an image of this id; nothing is read."""
        return key in self._members

    def where(self, key: str) -> str:
        """The zip and the member of an id."""
        return f"{self.path}, {self._members[key].filename!r}"

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        self._zip.close()
        self._file.close()

    def __enter__(self) -> Self:
        """Nothing to do: it is open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


class _Guarded(io.BufferedReader):
    """A file that hands out no more than a list of members at once: zipfile reads as much as a zip tells it to."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MOST_DIRECTORY:
            raise ValueError(f"a list of members of {size:,} bytes, expected at most {MOST_DIRECTORY:,}")
        return super().read(size)


def _listed(members: list[zipfile.ZipInfo], folder: str, ending: str) -> tuple[dict[str, zipfile.ZipInfo], int]:
    """Checked members by id, and how many are no images."""
    images: dict[str, zipfile.ZipInfo] = {}
    names: set[str] = set()
    for member in members:
        name = member.orig_filename  # as it stands in the zip: `filename` is cut at a zero byte
        if fault := _fault(member, name) or ("is there twice" if name in names else ""):
            raise ValueError(f"member {name[:200]!r} {fault}")
        names.add(name)
        key = name.removeprefix(folder).removesuffix(ending)
        if name == f"{folder}{key}{ending}" and key and "/" not in key:
            images[key] = member
    return images, len(names) - len(images)


def _fault(member: zipfile.ZipInfo, name: str) -> str:
    """What is wrong with a member, or "" where nothing is."""
    if name.startswith("/") or "\\" in name or "\0" in name or _DRIVE.match(name) or ".." in name.split("/"):
        return "has a name that leads out of the folder"
    mode = stat.S_IFMT(member.external_attr >> 16)  # 0 where the writer knew no modes
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device, expected a file"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in _METHODS:
        return f"is packed by method {member.compress_type}, expected stored or deflate"
    if member.file_size > MOST_BYTES:
        return f"declares {member.file_size:,} bytes, expected at most {MOST_BYTES:,}"
    if member.file_size > MOST_RATIO * max(member.compress_size, 1):
        return f"declares {member.file_size:,} bytes unpacked from {member.compress_size:,}: no photograph does"
    if member.compress_type == zipfile.ZIP_STORED and member.file_size != member.compress_size:
        return f"declares {member.file_size:,} bytes and stores {member.compress_size:,}"
    return ""
