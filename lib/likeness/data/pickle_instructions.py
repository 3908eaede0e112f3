"""The instructions of a pickle that plain data need, and no other (see `safe_pickle`)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from likeness.data.pickle_machine import Machine, refusal
from likeness.data.pickled_arrays import NAMES, Blob, build, call, in_form

#: Strings of at least so many bytes stay in the file: Python's own line between short strings and others.
LONG: Final = 256
#: Charged for each byte of a string: what the widest character of a text takes.
_CHARACTER: Final = 4
#: Longest line with a name, and with a number; bytes of the longest integer. Ids and times need far less.
_NAME_LINE, _NUMBER_LINE, _LONGEST_INTEGER = 256, 40, 16


def _name(m: Machine, module: str, name: str) -> None:
    found = NAMES.get((module, name))
    if found is None:
        asked = f"{module}.{name}".encode("ascii", "backslashreplace").decode()
        raise ValueError(
            f"asks for the global {asked[:_NAME_LINE]!r}, which plain data do not need; refused, nothing of the file "
            "was run. Never open this file by pickle or by numpy.load(allow_pickle=True)"
        )
    m.stack.append(found)


def _global(m: Machine) -> None:
    module, name = (m.line(_NAME_LINE).decode("utf-8", "backslashreplace") for _ in range(2))
    _name(m, module, name)


def _instance(m: Machine) -> None:
    _global(m)
    raise ValueError(refusal(b"i"))


def _stack_global(m: Machine) -> None:
    name, module = m.stack.pop(), m.stack.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise ValueError(f"asks for a global by a {type(module).__name__} and a {type(name).__name__}; refused")
    _name(m, module, name)


def _reduce(m: Machine) -> None:
    arguments = m.stack.pop()
    m.stack[-1] = call(m.stack[-1], arguments)


def _build(m: Machine) -> None:
    state = m.stack.pop()
    if isinstance(state, tuple) and len(state) == 5 and isinstance(state[4], Blob):
        m.charge(_CHARACTER * state[4].length)
    build(m.stack[-1], state, m.stream)


def _put_value(value: object, m: Machine) -> None:
    m.stack.append(value)


def _put_new(kind: type, m: Machine) -> None:
    m.stack.append(kind())


def _number(form: struct.Struct, m: Machine) -> None:
    m.stack.append(form.unpack(m.take(form.size))[0])


def _text_integer(m: Machine) -> None:
    raw = m.line(_NUMBER_LINE)
    m.stack.append({b"00": False, b"01": True}[raw] if raw in (b"00", b"01") else int(raw.removesuffix(b"L")))


def _long(m: Machine) -> None:
    size = m.take(1)[0]
    if size > _LONGEST_INTEGER:
        raise ValueError(f"an integer of {size} bytes, expected at most {_LONGEST_INTEGER}")
    m.stack.append(int.from_bytes(m.take(size), "little", signed=True))


def _text_float(m: Machine) -> None:
    m.stack.append(float(m.line(_NUMBER_LINE)))


def _counted(size_form: struct.Struct, form: str, m: Machine) -> None:
    """A string after its length; a long one is only looked at for its place."""
    size = size_form.unpack(m.take(size_form.size))[0]
    if 0 <= size < LONG:
        m.charge(_CHARACTER * size)
        m.stack.append(in_form(m.take(size), Blob(0, size, form)))
        return
    here = m.stream.tell()
    if not 0 <= size <= m.end - here:
        raise ValueError(f"declares a string of {size:,} bytes where {m.end - here:,} are left: cut short or damaged")
    m.stream.seek(here + size)
    m.stack.append(Blob(here, size, form))


def _lined(form: str, m: Machine) -> None:
    """A string of protocol 0: up to the end of its line."""
    first = raw = m.stream.readline(LONG)
    size = len(raw)
    while raw and raw[-1:] != b"\n":
        raw = m.stream.readline(1 << 16)
        size += len(raw)
    if not raw:
        raise ValueError("a string without an end: cut short; get the file again")
    m.charge(_CHARACTER * len(first))
    blob = Blob(m.stream.tell() - size, size - 1, form)
    m.stack.append(in_form(first[:-1], blob) if size == len(first) else blob)


def _mark(m: Machine) -> None:
    m.below.append(m.stack)
    m.stack = []


def _tuple_of(count: int, m: Machine) -> None:
    if len(m.stack) < count:
        raise IndexError
    m.stack[-count:] = [tuple(m.stack[-count:])]


def _from_mark(kind: type, m: Machine) -> None:
    items = m.to_mark()
    m.stack.append({} if kind is dict else kind(items))
    if kind is dict:
        _set(m.stack[-1], items)


def _extend(m: Machine, items: list[Any]) -> None:
    into = m.stack[-1]
    if type(into) is not list:
        raise ValueError(f"appends to a {type(into).__name__}, expected a list; refused")
    into.extend(items)


def _set(into: object, items: list[Any]) -> None:
    if type(into) is not dict or len(items) % 2:
        raise ValueError(f"sets {len(items)} keys and values of a {type(into).__name__}, expected pairs; refused")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if type(key) not in (int, bytes, str):  # a tuple of tuples of tuples can take for ever to hash
            raise ValueError(f"a dictionary with a key of type {type(key).__name__}: expected int, bytes or str")
        if key in into:
            raise ValueError(f"a dictionary with the key {key!r} twice: the file is damaged")
        into[key] = value


def _append(m: Machine) -> None:
    _extend(m, [m.stack.pop()])


def _appends(m: Machine) -> None:
    _extend(m, m.to_mark())


def _setitem(m: Machine) -> None:
    value, key = m.stack.pop(), m.stack.pop()
    _set(m.stack[-1], [key, value])


def _setitems(m: Machine) -> None:
    items = m.to_mark()
    _set(m.stack[-1], items)


def _get(index: Callable[[Machine], int], m: Machine) -> None:
    at = index(m)
    if at not in m.memo:
        raise ValueError(f"takes memo {at}, which was never kept: damaged; get the file again")
    m.stack.append(m.memo[at])


def _put(index: Callable[[Machine], int], m: Machine) -> None:
    m.memo[index(m)] = m.stack[-1]


def _index_byte(m: Machine) -> int:
    return m.take(1)[0]


def _index_long(m: Machine) -> int:
    return int.from_bytes(m.take(4), "little")


def _index_line(m: Machine) -> int:
    return int(m.line(_NUMBER_LINE))


def _memoize(m: Machine) -> None:
    m.memo[len(m.memo)] = m.stack[-1]


def _proto(m: Machine) -> None:
    version = m.take(1)[0]
    if version > 5:
        raise ValueError(f"protocol {version}: expected 0 to 5; the file is damaged")


def _frame(m: Machine) -> None:
    m.take(8)  # a hint for reading ahead


_U1, _U2, _U4, _U8, _I4 = (struct.Struct(form) for form in ("<B", "<H", "<I", "<Q", "<i"))
#: Instruction -> what it does to the machine.
INSTRUCTIONS: Final[dict[bytes, Callable[[Machine], None]]] = {
    b"N": partial(_put_value, None), b"\x88": partial(_put_value, True), b"\x89": partial(_put_value, False),
    b"J": partial(_number, _I4), b"K": partial(_number, _U1), b"M": partial(_number, _U2),
    b"G": partial(_number, struct.Struct(">d")), b"\x8a": _long,
    b"I": _text_integer, b"L": _text_integer, b"F": _text_float,
    b"S": partial(_lined, "quoted"), b"V": partial(_lined, "escaped"),
    b"U": partial(_counted, _U1, "bytes"), b"T": partial(_counted, _I4, "bytes"),
    b"C": partial(_counted, _U1, "bytes"), b"B": partial(_counted, _U4, "bytes"),
    b"\x8e": partial(_counted, _U8, "bytes"), b"\x8c": partial(_counted, _U1, "utf-8"),
    b"X": partial(_counted, _U4, "utf-8"), b"\x8d": partial(_counted, _U8, "utf-8"),
    b"]": partial(_put_new, list), b"}": partial(_put_new, dict), b")": partial(_put_new, tuple),
    b"(": _mark, b"t": partial(_from_mark, tuple), b"l": partial(_from_mark, list), b"d": partial(_from_mark, dict),
    b"\x85": partial(_tuple_of, 1), b"\x86": partial(_tuple_of, 2), b"\x87": partial(_tuple_of, 3),
    b"a": _append, b"e": _appends, b"s": _setitem, b"u": _setitems,
    b"h": partial(_get, _index_byte), b"j": partial(_get, _index_long), b"g": partial(_get, _index_line),
    b"q": partial(_put, _index_byte), b"r": partial(_put, _index_long), b"p": partial(_put, _index_line),
    b"\x94": _memoize, b"\x80": _proto, b"\x95": _frame,
    b"c": _global, b"i": _instance, b"\x93": _stack_global, b"R": _reduce, b"b": _build,
}  # fmt: skip
