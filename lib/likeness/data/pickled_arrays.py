"""The few things that a pickle of numpy arrays asks for by name, as inert stand-ins.

A pickled array is "call `_reconstruct`, then hand it a state" [1]_. The state names a shape, a type and the bytes, and
numpy's own C code would believe it. Here the calls are recognised, their arguments compared with the only ones that
numpy and Python 2 ever write, and numpy sees nothing before type, shape and length agree.

References
----------
.. [1] numpy, `ndarray.__reduce__` and `dtype.__reduce__` (numpy/_core/src/multiarray/methods.c, descriptor.c).
"""

from __future__ import annotations

import codecs
import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, BinaryIO, Final

import numpy as np


class Name(Enum):
    """What a pickle may ask for. A mark on the machine's stack: it is never called."""

    RECONSTRUCT = "_reconstruct"
    SCALAR = "scalar"
    NDARRAY = "ndarray"
    DTYPE = "dtype"
    ENCODE = "encode"  # Python 3 writes bytes as _codecs.encode(text, "latin1") below protocol 3


#: Every global that is admitted: (module, name).
NAMES: Final[dict[tuple[str, str], Name]] = {
    ("numpy.core.multiarray", "_reconstruct"): Name.RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): Name.RECONSTRUCT,
    ("numpy.core.multiarray", "scalar"): Name.SCALAR,
    ("numpy._core.multiarray", "scalar"): Name.SCALAR,
    ("numpy", "ndarray"): Name.NDARRAY,
    ("numpy", "dtype"): Name.DTYPE,
    ("_codecs", "encode"): Name.ENCODE,
}
#: Types of numbers that an array or a scalar may have, as numpy writes them.
NUMBERS: Final = frozenset(("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"))
#: Arrays of objects: of pointers of 4 or 8 bytes on the machine that wrote them.
OBJECTS: Final = frozenset(("O4", "O8"))
_MOST_AXES: Final = 4
_LONGEST_AXIS: Final = 2**31  # an axis of an empty array costs nothing to declare


@dataclass(frozen=True, slots=True)
class Blob:
    """A long string that stayed in the file: `length` bytes from `offset`, and how they are to be read.

    form : "bytes" | "quoted" (protocol 0) give bytes, "utf-8" | "escaped" (protocol 0) text, unless `latin1` says that
        the text stands for bytes.
    """

    offset: int
    length: int
    form: str
    latin1: bool = False

    @property
    def is_bytes(self) -> bool:
        """Whether `read` gives bytes, not text."""
        return self.latin1 or self.form in ("bytes", "quoted")

    def read(self, stream: BinaryIO) -> bytes | str:
        """Read it; ValueError where the file does not hold it any more, or not in this form."""
        stream.seek(self.offset)
        raw = stream.read(self.length)
        if len(raw) != self.length:
            raise ValueError(f"{len(raw):,} bytes at {self.offset:,}, expected {self.length:,}: the file was cut short")
        return in_form(raw, self)


@dataclass(slots=True, eq=False)
class DType:
    """Stand-in of a dtype: its code ("f8"), and the byte order once its state was read."""

    code: str
    order: str = ""


@dataclass(slots=True, eq=False, repr=False)
class Array:
    """Stand-in of an array: shape; an object array's items in a list, or numbers as bytes; None before its state."""

    shape: tuple[int, ...] = (0,)
    dtype: str = ""
    fortran: bool = False
    items: list[Any] | bytes | None = None

    def numbers(self) -> np.ndarray:
        """The array of numbers, read-only; ValueError on an array of objects or one without a state."""
        if not isinstance(self.items, bytes):
            raise ValueError("an array of objects or one without content, expected an array of numbers")
        return np.frombuffer(self.items, self.dtype).reshape(self.shape, order="F" if self.fortran else "C")


def in_form(raw: bytes, blob: Blob) -> bytes | str:
    """Bytes of a pickle as the string that they stand for, by the form and `latin1` of `blob`."""
    if blob.form == "bytes":
        return raw
    if blob.form == "quoted":
        if len(raw) < 2 or raw[:1] not in (b"'", b'"') or raw[-1:] != raw[:1]:
            raise ValueError("a string without its quotes: the file is damaged")
        return codecs.escape_decode(raw[1:-1])[0]
    text = raw.decode("utf-8" if blob.form == "utf-8" else "raw-unicode-escape")
    return text.encode("latin-1") if blob.latin1 else text


def call(name: object, given: object) -> object:
    """What "call NAME with GIVEN" stands for: an Array, a DType, a number, or bytes.

    Raises ValueError on a name that is none to call, or on other arguments than numpy and Python write.
    """
    arguments = given if isinstance(given, tuple) else ()
    if name is Name.RECONSTRUCT and len(arguments) == 3:
        if arguments[0] is Name.NDARRAY and arguments[1] == (0,) and _text(arguments[2]) == "b":
            return Array()
    elif name is Name.DTYPE and len(arguments) == 3:
        code = _text(arguments[0])
        if code in NUMBERS | OBJECTS and _flag(arguments[1], 0) and _flag(arguments[2], 1):
            return DType(code)
    elif name is Name.SCALAR and len(arguments) == 2:
        kind, raw = arguments
        if isinstance(kind, DType) and kind.order and kind.code in NUMBERS and type(raw) is bytes:
            dtype = np.dtype(kind.order + kind.code)
            if len(raw) == dtype.itemsize:
                return np.frombuffer(raw, dtype)[0].item()
    elif name is Name.ENCODE and len(arguments) == 2 and _text(arguments[1]) == "latin1":
        text = arguments[0]
        if isinstance(text, str):
            return text.encode("latin-1")
        if isinstance(text, Blob) and not text.is_bytes:
            return replace(text, latin1=True)
    what = f"{name.value} with" if isinstance(name, Name) else f"a {type(name).__name__} as if it were a function, with"
    kinds = ", ".join(type(a).__name__ for a in arguments[:5])
    raise ValueError(f"calls {what} other arguments ({kinds}) than a pickled array has; refused")


def build(made: object, state: object, stream: BinaryIO) -> None:
    """Give a DType or an Array its state; numbers that stayed in the file are read from `stream`.

    Raises ValueError on another object, a second state, or a state whose type, shape and length do not agree.
    """
    parts = state if isinstance(state, tuple) else ()
    if isinstance(made, DType) and not made.order and len(parts) == 8 and all(p is None for p in parts[2:5]):
        order = _text(parts[1])
        if order in ("<", ">", "|", "="):
            made.order = order
            return
    if isinstance(made, Array) and made.items is None and len(parts) == 5 and _is_shape(parts[1]):
        _, shape, kind, fortran, data = parts
        count = math.prod(shape)
        if isinstance(kind, DType) and kind.order and isinstance(fortran, int):
            made.shape, made.fortran, made.dtype = shape, bool(fortran), kind.order + kind.code
            size = count if kind.code in OBJECTS else count * int(kind.code[1:])
            made.items = _content(data, kind.code in OBJECTS, size, stream)
            return
    raise ValueError(f"gives a {type(made).__name__} a state that no pickled array has; refused")


def _content(data: object, objects: bool, size: int, stream: BinaryIO) -> list[Any] | bytes:
    """Items or bytes of an array, `size` of them."""
    if objects and type(data) is list and len(data) == size:
        return data
    if not objects and isinstance(data, Blob) and data.is_bytes:
        here = stream.tell()
        data = data.read(stream)
        stream.seek(here)
    if not objects and type(data) is bytes and len(data) == size:
        return data
    raise ValueError(f"an array whose shape and type need {size:,} items or bytes holds others; the file is damaged")


def _is_shape(shape: object) -> bool:
    return (
        type(shape) is tuple
        and len(shape) <= _MOST_AXES
        and all(type(n) is int and 0 <= n < _LONGEST_AXIS for n in shape)
    )


def _flag(value: object, wanted: int) -> bool:
    return isinstance(value, int) and value == wanted


def _text(value: object) -> str:
    """A short string of either Python as text, or "" for anything else."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""
