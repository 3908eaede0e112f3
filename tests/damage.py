"""Random damage to a file, for parsers of what comes from outside."""

import numpy as np


def damaged(raw, rng):
    """Cut off, bytes changed, or bytes put in; sometimes bytes that mean something to a parser."""
    data, at = bytearray(raw), int(rng.integers(len(raw)))
    kind = rng.integers(3)
    if kind == 0:
        return bytes(data[:at])
    telling = b"\t\n\r\0\xff\"'[]{},.-eE0919=+/"
    some = bytes(rng.choice(list(telling), 1 + int(rng.integers(4))).astype(np.uint8))
    data[at : at + (len(some) if kind == 1 else 0)] = some
    return bytes(data)
