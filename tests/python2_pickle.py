"""A pickle as Python 2's cPickle wrote it (strings are bytes), opcode by opcode: no Python here can write one.

Checked by hand against the opcodes in Python's pickletools and the pickles of numpy 1.x under Python 2.7.
"""

from __future__ import annotations

import struct

import numpy as np


def pickled(value, protocol: int) -> bytes:
    """Bytes of the pickle of ints, floats, bytes (as `str`), lists, tuples, dicts and numpy arrays."""
    return (b"\x80\x02" if protocol == 2 else b"") + _value(value, protocol) + b"."


def npy(value, protocol: int = 2) -> bytes:
    """A .npy as `numpy.save` of numpy 1.x under Python 2 wrote an array of objects."""
    header = f"{{'descr': '|O', 'fortran_order': False, 'shape': ({len(value)},), }}"
    header += " " * (15 - (10 + len(header)) % 16) + "\n"
    array = np.empty(len(value), object)
    array[:] = value
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + pickled(array, protocol)


def _value(value, protocol):
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return (b"\x88" if value else b"\x89") if protocol == 2 else b"I01\n" if value else b"I00\n"
    if isinstance(value, int):
        return _int(value, protocol)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value) if protocol else b"F" + repr(value).encode() + b"\n"
    if isinstance(value, bytes):
        return _string(value, protocol)
    if isinstance(value, np.ndarray):
        return _array(value, protocol)
    inner = [_value(v, protocol) for v in (value if isinstance(value, list | tuple) else ())]
    if isinstance(value, tuple):
        if protocol == 2 and 0 < len(inner) < 4:
            return b"".join(inner) + bytes([0x84 + len(inner)])
        return b"(" + b"".join(inner) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(inner) + b"e" if protocol else b"(l" + b"".join(i + b"a" for i in inner)
    pairs = [_value(k, protocol) + _value(v, protocol) for k, v in value.items()]
    return b"}(" + b"".join(pairs) + b"u" if protocol else b"(d" + b"".join(p + b"s" for p in pairs)


def _int(value, protocol):
    if not protocol or not -(2**31) <= value < 2**31:
        return b"I%d\n" % value if -(2**63) <= value < 2**63 else b"L%dL\n" % value
    if 0 <= value < 256:
        return b"K" + bytes([value])
    return b"M" + struct.pack("<H", value) if 0 <= value < 65536 else b"J" + struct.pack("<i", value)


def _string(value, protocol):
    if not protocol:
        return b"S" + repr(value)[1:].encode() + b"\n"  # repr of bytes is the repr that Python 2 gave a str
    return (b"U" + bytes([len(value)]) if len(value) < 256 else b"T" + struct.pack("<i", len(value))) + value


def _array(value, protocol):
    code, order = ("O8", b"|") if value.dtype == object else (value.dtype.str[1:], value.dtype.str[:1].encode())
    dtype = b"cnumpy\ndtype\n" + _value((code.encode(), 0, 1), protocol) + b"R"
    dtype += _value((3, order, None, None, None, -1, -1, 63 if code == "O8" else 0), protocol) + b"b"
    made = b"cnumpy.core.multiarray\n_reconstruct\n("
    made += b"cnumpy\nndarray\n" + _value((0,), protocol) + _value(b"b", protocol) + b"tR"
    content = list(value) if code == "O8" else value.tobytes()
    state = b"(" + _value(1, protocol) + _value(value.shape, protocol) + dtype
    return made + state + _value(False, protocol) + _value(content, protocol) + b"tb"
