"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

#: What the system says when there is no room: device full, file too large, quota used up.
NO_ROOM: Final = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@contextmanager
def whole(path: Path | str) -> Iterator[Path]:
    """Write to the path that this yields (a file, or a folder that you make); on leaving it is renamed to `path`.

    After any error, a full disk or a stop by the user included, what was written is removed and an older `path` is as
    it was. A folder takes the place of an empty one only.

    Raises
    ------
    FileNotFoundError : there is no folder to write in.
    OSError : no room; or a folder that is there and not empty.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent} to write it in; make it first")
    half = path.with_name(f".{path.name}.half-{os.getpid()}")
    try:
        yield half
        half.replace(path)
    except BaseException as error:
        if half.is_dir():
            shutil.rmtree(half, ignore_errors=True)
        else:
            half.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            said = f"no room to write {path} ({error.strerror}); nothing of it was kept: free some space, run again"
            raise OSError(error.errno, said) from error
        raise
