"""Pickles from outside, read as data: nothing that a file names is imported, looked up or called.

Python's unpickler finds functions by name and calls them [1]_. A list of admitted names narrows that, and still hands
arguments of the file's choice to numpy's C code. So this is no such unpickler but a machine of its own, for what plain
data need: numbers, strings, lists, tuples, dictionaries, and numpy arrays as stand-ins (`pickled_arrays`). Protocols
0 to 4. It has no instruction that runs anything: a name that is not in `NAMES` ends the reading, as do classes,
persistent ids and extension codes.

Strings of `LONG` bytes or more stay in the file as a `Blob`: a file of 6 GB of pictures needs no 6 GB of memory. Every
declared length is held against the rest of the file before it is read, and what is kept in memory is counted. The
instructions themselves stand in `pickle_instructions`.

References
----------
.. [1] Python, "pickle", section "Restricting Globals"; the opcodes are described in `pickletools`.
"""

from __future__ import annotations

import os
import struct
from typing import Any, BinaryIO

from likeness.data.pickle_instructions import INSTRUCTIONS, LONG
from likeness.data.pickle_machine import MEMORY, Machine
from likeness.data.pickled_arrays import NAMES, Array, Blob

__all__ = ["LONG", "MEMORY", "NAMES", "Array", "Blob", "load"]


def load(stream: BinaryIO, where: str) -> Any:
    """Read the pickle that begins at the place of a seekable binary stream; the stream is left after its end.

    Gives None, bool, int, float, bytes, str, `Blob`, list, tuple, dict (keys int, bytes or str, none twice) and
    `Array` (or, where a file is not what numpy writes, another stand-in of `pickled_arrays`). Memory: about 100 to 300
    bytes for each number, short string, list and dictionary, and nothing for the content of long strings. `where` names
    the file in errors.

    Raises
    ------
    ValueError : anything else than data (the error names what was asked for), a file that is cut short, damaged,
        or needs more than `MEMORY` bytes. Nothing of the file was run.
    """
    begin = stream.tell()
    end = stream.seek(0, os.SEEK_END)
    stream.seek(begin)
    try:
        return Machine(stream, end).run(INSTRUCTIONS)
    except IndexError as error:
        said = f"{where}: byte {stream.tell():,}: takes a value from an empty stack: damaged; get the file again"
        raise ValueError(said) from error
    except (ValueError, struct.error) as error:
        raise ValueError(f"{where}: byte {stream.tell():,}: {error}") from error
