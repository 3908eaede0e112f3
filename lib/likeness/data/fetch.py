"""Files of the registry from their publishers: loaded by `transfer`, put in their place only with the right hash."""

from __future__ import annotations

import time
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final

from likeness.data.registry import Download, Source, content_sha256
from likeness.data.transfer import BrokenOff, FetchError, Part, Tell, check_scheme, load, opener, passing
from likeness.data.whole_files import NO_ROOM, whole

#: How often a file is asked for before the rest is left to the next call.
TRIES: Final = 4
#: Seconds before the second try; doubled before each further one.
PAUSE: Final = 1.0
#: Seconds without a byte after which a connection counts as broken.
TIMEOUT: Final = 30.0
_BLOCK: Final = 1 << 16


@dataclass(frozen=True)
class Wanted:
    """A file to fetch: its place, its download, and the sha256 and bytes of its content (.gz: unpacked)."""

    target: Path
    download: Download
    sha256: str
    size: int

    @property
    def part(self) -> Part:
        """What an earlier call has left of it."""
        return Part(self.target, self.download.url)

    def check(self, file: Path) -> None:
        """Raise ValueError where the content of `file` is not the registered one."""
        found = content_sha256(file, packed=self.target.suffix == ".gz", at_most=self.size)
        if found != self.sha256:
            raise ValueError(f"its content has sha256 {found}, expected {self.sha256}")

    def is_there(self) -> bool:
        """Whether the file is in its place, and right."""
        if not self.target.is_file():
            return False
        try:
            self.check(self.target)
        except ValueError:
            return False
        return True


def wanted(source: Source, root: Path) -> list[Wanted]:
    """The files of a data set that can be fetched, with their places below the folder `root`."""
    return [
        Wanted(root / path, download, source.files[path], source.sizes[path])
        for path, download in source.downloads.items()
    ]


def fetch(
    file: Wanted,
    tell: Tell = lambda *_: None,
    *,
    in_clear: Collection[str] = (),
    pause: float = PAUSE,
    timeout: float = TIMEOUT,
) -> None:
    """Download a file to its place, or go on where an earlier call broke off. Folders are made if need be.

    Whatever happens, what stands in the place is as before, or the whole registered file.

    Parameters
    ----------
    tell : called with the bytes that are here and those that there will be (None: the server does not say)
    in_clear : names of hosts that may be asked by http; for all others, redirections included, it is https or nothing
    pause : seconds before the second try, doubled before each further one
    timeout : seconds without a byte after which a connection counts as broken

    Raises
    ------
    FetchError : refused, not to be reached, too large, broken off `TRIES` times (the part is kept), no room (the part
        is kept), or other content than the registered one (it is removed).
    """
    try:
        check_scheme(file.download.url, in_clear)
        file.target.parent.mkdir(parents=True, exist_ok=True)
        problem = _load(file, tell, in_clear, pause, timeout)
    except FetchError:
        raise
    except (OSError, ValueError) as error:  # ValueError: an address that a server sent us to and that is none
        full = isinstance(error, OSError) and error.errno in NO_ROOM
        advice = "there is no room on the disk: free some space, run again to go on" if full else "not fetched"
        raise FetchError(f"{file.download.url}: {error}; {file.part.leave()}{advice}") from error
    if problem is not None:
        said = f"tried {TRIES} times, the last time: {problem or type(problem).__name__}"
        raise FetchError(f"{file.download.url}: {said}; {file.part.leave()}run again to go on") from problem
    _put_in_place(file)


def _load(file: Wanted, tell: Tell, in_clear: Collection[str], pause: float, timeout: float) -> Exception | None:
    """Bring the part to its whole length; the last problem where that fails by bad luck, as `passing` judges."""
    opens, problem = opener(in_clear), None
    for number in range(TRIES):
        if number:
            time.sleep(pause * 2 ** (number - 1))
        try:
            load(file.download, file.part, opens, tell, timeout)
            return None
        except (BrokenOff, OSError, HTTPException) as error:
            if not passing(error):
                raise
            problem = error
    return problem


def _put_in_place(file: Wanted) -> None:
    """Check what came, and rename it; or write the member of a zip, checked, to the place."""
    came = file.part.file
    try:
        if file.download.member:
            with whole(file.target) as half:
                _unzip(came, file, half)
                file.check(half)
        else:
            file.check(came)
            came.replace(file.target)
    except (ValueError, KeyError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        file.part.clear()
        raise FetchError(
            f"{file.download.url}: what came is not the registered file: {error}; it was removed, and {file.target} "
            "is as it was"
        ) from error
    except OSError as error:
        raise FetchError(f"{file.target}: {error}; {file.part.leave()}run again to go on") from error
    file.part.clear()


def _unzip(packed: Path, file: Wanted, half: Path) -> None:
    """Write the one registered member to `half`; names in the zip decide about no path."""
    with zipfile.ZipFile(packed) as archive:
        member = archive.getinfo(file.download.member)
        if member.file_size != file.size:
            raise ValueError(f"{file.download.member} of {member.file_size:,} bytes, expected {file.size:,}")
        with archive.open(member) as content, half.open("wb") as out:
            while block := content.read(_BLOCK):  # zipfile gives no more than file_size
                out.write(block)
