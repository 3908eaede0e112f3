"""A pickle while it is read: a stack, a memo, and what may still be taken in memory (see `safe_pickle`)."""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

#: Bytes that a pickle may take in memory. The largest published DVBPR file is estimated to need 2 GB.
MEMORY: Final = 4 << 30
#: Charged for each instruction: an empty dictionary (64 bytes) and its places on the stack and in the memo.
_INSTRUCTION: Final = 96


class Machine:
    """Stack, marks and memo. `below` holds the stacks under each mark: nothing reaches under a mark."""

    def __init__(self, stream: BinaryIO, end: int) -> None:
        self.stream, self.end = stream, end
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.left = MEMORY

    def run(self, handlers: Mapping[bytes, Callable[[Machine], None]]) -> Any:
        """Follow the instructions to the end of the pickle and give its value. Raises as `safe_pickle.load` says."""
        read = self.stream.read
        while (code := read(1)) != b".":
            handler = handlers.get(code)
            if handler is None:
                raise ValueError(refusal(code))
            self.charge(_INSTRUCTION)
            handler(self)
        if len(self.stack) != 1 or self.below:
            raise ValueError(f"ends with {len(self.stack)} values and {len(self.below)} marks, expected one value")
        return self.stack[0]

    def charge(self, size: int) -> None:
        """Count bytes kept in memory; ValueError beyond `MEMORY`."""
        self.left -= size
        if self.left < 0:
            raise ValueError(f"needs more than {MEMORY:,} bytes of memory; if the file is honest, raise MEMORY")

    def take(self, size: int) -> bytes:
        """Exactly `size` bytes, a few; ValueError where the file has no more."""
        raw = self.stream.read(size)
        if len(raw) != size:
            raise ValueError("ends in the middle of an instruction: cut short; get the file again")
        return raw

    def line(self, most: int) -> bytes:
        """A line of at most `most` bytes, without its end."""
        raw = self.stream.readline(most + 1)
        if raw[-1:] != b"\n":
            raise ValueError(f"a line of more than {most} bytes, or cut short: {raw[:60]!r}")
        return raw[:-1]

    def to_mark(self) -> list[Any]:
        """Take everything down to the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items


def refusal(code: bytes) -> str:
    """What to say of an instruction that is not admitted, or of the end of the file."""
    if not code:
        return "the file ends before its pickle does: cut short; get it again"
    known = next((o for o in pickletools.opcodes if o.code == code.decode("latin-1")), None)
    if known is None:
        return f"byte {code!r} is no instruction of a pickle: damaged; get the file again"
    return f"instruction {known.name}: plain data need none such; refused, nothing of the file was run"
