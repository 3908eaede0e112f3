"""The files that DVBPR's authors released: who bought what, and a picture of every item, in one pickled array [1]_.

`AmazonFashion6ImgPartitioned.npy` and its like (2.1 to 6.4 GB) hold `[user_train, user_validation, user_test, Item,
usernum, itemnum]` as Python 2 pickled it. numpy would run whatever such a file says; here it is read by `safe_pickle`.

References
----------
.. [1] Kang, Fang, Wang, McAuley, "Visually-Aware Fashion Recommendation and Design with Generative Image Models",
   ICDM 2017; the layout is read in the authors' code (DVBPR/main.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.lib import format as npy

from likeness.data.images import MOST_BYTES, Images
from likeness.data.safe_pickle import Array, Blob, load

#: What the array holds, in its order.
PARTS: Final = ("user_train", "user_validation", "user_test", "Item", "usernum", "itemnum")
#: Actions of all users together, 60 times the largest published file: one list may stand for every user in a pickle.
MOST_ACTIONS: Final = 50_000_000
#: Where a user has no validation or test item.
NONE: Final = -1
#: Length of the one-hot vector `c`.
CATEGORIES: Final = 6


class DvbprImages(Images[int]):
    """Item 0..n - 1 -> bytes of its image, read from the file when asked for; ValueError where that has changed."""

    def __init__(self, path: Path, places: list[Blob | bytes]) -> None:
        self._path, self._places, self._state = path, places, _state(path)

    def __getitem__(self, key: int) -> bytes:
        """Bytes of an item's image; KeyError on an item that the file does not have."""
        if key not in self:
            raise KeyError(f"{self._path} has no item {key!r}; expected 0 to {len(self) - 1}")
        place = self._places[key]
        if isinstance(place, bytes):
            return place
        if _state(self._path) != self._state:
            raise ValueError(f"{self._path}: has changed since it was read; read it again")
        with self._path.open("rb", buffering=0) as stream:
            try:
                found = place.read(stream)
            except ValueError as error:
                raise ValueError(f"{self.where(key)}: {error}") from error
        return found if isinstance(found, bytes) else b""

    def __iter__(self) -> Iterator[int]:
        """The items."""
        return iter(range(len(self._places)))

    def __len__(self) -> int:
        """How many items."""
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        """Whether it is an item; nothing is read."""
        return isinstance(key, int | np.integer) and 0 <= int(key) < len(self._places)

    def where(self, key: int) -> str:
        """The file and the item."""
        return f"{self._path}: item {key}, imgs"


@dataclass(frozen=True, eq=False)
class DvbprFile:
    """One released file, checked. Users are 0..users - 1, items 0..items - 1.

    train : for each user the items of the training actions, (n_u,) int64, in the order of the file.
    validation, test : (users,) int64, the withheld item; -1 where the file has none.
    asin : Amazon's name of each item, or None. category : (items,) int64, 0..5, or None (Fashion alone has it).
    images : item -> bytes, lazy. repeats : actions on an item that the same user has already; they are kept.
    """

    users: int
    items: int
    train: tuple[np.ndarray, ...]
    validation: np.ndarray
    test: np.ndarray
    asin: tuple[str, ...] | None
    category: np.ndarray | None
    images: DvbprImages
    repeats: int


def read_dvbpr(path: Path | str) -> DvbprFile:
    """Read a released file (protocol 0 to 2, as Python 2 wrote it), or one that Python 3 saved again.

    Memory: the pictures stay in the file. While it is read about 1 KB an item and 1 KB an action, afterwards about 300
    bytes an item and 100 a user. Time: about a microsecond an instruction, half a minute for the largest file.

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : no such array, a pickle that asks for anything but data, a user, item or field that is missing, of
        another type or out of range. The error names file, user or item, and field.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a released .npy of DVBPR")
    with path.open("rb") as stream:
        _check_header(path, stream)
        array = load(stream, str(path))
        if rest := stream.read(1):
            raise ValueError(f"{path}: goes on after its pickle ({rest!r} ...): damaged; get it again")
    held = array.items if isinstance(array, Array) else None
    if not isinstance(held, list) or len(held) != len(PARTS):
        raise ValueError(f"{path}: the pickle holds no array of {len(PARTS)} objects, expected {', '.join(PARTS)}")
    users, items = _count(path, "usernum", held[4]), _count(path, "itemnum", held[5])
    listed = _whole(path, "Item", held[3], items)
    images, asin, category = _items(path, listed)
    train = _actions(path, "user_train", held[0], users, items)
    validation, test = (
        _withheld(path, name, _actions(path, name, part, users, items))
        for name, part in zip(PARTS[1:3], held[1:3], strict=True)
    )
    repeats = sum(_repeats(*user) for user in zip(train, validation, test, strict=True))
    return DvbprFile(users, items, train, validation, test, asin, category, images, repeats)


def _check_header(path: Path, stream: BinaryIO) -> None:
    """Read the .npy header, to the pickle behind it; numpy parses a header as a literal and runs nothing."""
    try:
        version = npy.read_magic(stream)
        reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, _, dtype = reader(stream)
    except Exception as error:  # a damaged header makes the parser raise more than ValueError
        raise ValueError(f"{path}: no readable .npy header ({error}); get the file again") from error
    if not dtype.hasobject or dtype.names or math.prod(shape) != len(PARTS):
        raise ValueError(f"{path}: an array {shape} of {dtype}, expected ({len(PARTS)},) objects: {', '.join(PARTS)}")


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _count(path: Path, name: str, value: object) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"{path}: {name}: {_shown(value)}, expected a whole number of at least 1")
    return value


def _whole(path: Path, name: str, part: object, count: int) -> list[Any]:
    """The values of a dictionary with the keys 0..count - 1, in their order."""
    what = "item" if name == "Item" else "user"
    if not isinstance(part, dict):
        raise ValueError(f"{path}: {name}: {_shown(part)}, expected a dictionary of {what}s")
    if len(part) != count:
        raise ValueError(f"{path}: {name}: {len(part):,} {what}s, expected {count:,} as the file itself says")
    missing = next((i for i in range(count) if i not in part), None)
    if missing is not None:
        raise ValueError(f"{path}: {name}: {what} {missing} is missing, expected 0 to {count - 1}")
    return [part[i] for i in range(count)]


def _field(given: dict[Any, Any], name: str) -> Any:
    """A field by its name as Python 2 or 3 wrote it; None where there is none."""
    return given.get(name.encode(), given.get(name))


def _actions(path: Path, name: str, part: object, users: int, items: int) -> tuple[np.ndarray, ...]:
    found, left = [], MOST_ACTIONS
    for user, actions in enumerate(_whole(path, name, part, users)):
        if not isinstance(actions, list) or len(actions) > left:
            raise ValueError(
                f"{path}: {name}: user {user}: {_shown(actions)}, expected a list of actions, at most {left:,}"
            )
        left -= len(actions)
        bought = np.empty(len(actions), dtype=np.int64)
        for k, action in enumerate(actions):
            item = _field(action, "productid") if isinstance(action, dict) else None
            if type(item) is not int or not 0 <= item < items:
                raise ValueError(
                    f"{path}: {name}: user {user}, action {k}, productid: {_shown(item)}, expected 0 to {items - 1}"
                )
            bought[k] = item
        found.append(bought)
    return tuple(found)


def _withheld(path: Path, name: str, actions: tuple[np.ndarray, ...]) -> np.ndarray:
    for user, bought in enumerate(actions):
        if len(bought) > 1:
            raise ValueError(f"{path}: {name}: user {user} has {len(bought)} actions, expected one or none")
    return np.array([bought[0] if len(bought) else NONE for bought in actions], dtype=np.int64)


def _repeats(train: np.ndarray, validation: int, test: int) -> int:
    held = [*train.tolist(), *(int(item) for item in (validation, test) if item != NONE)]
    return len(held) - len(set(held))


def _items(path: Path, listed: list[Any]) -> tuple[DvbprImages, tuple[str, ...] | None, np.ndarray | None]:
    places: list[Blob | bytes] = []
    names: list[str] = []
    categories: list[int] = []
    for item, given in enumerate(listed):
        if not isinstance(given, dict):
            raise ValueError(f"{path}: item {item}: {_shown(given)}, expected a dictionary with imgs")
        places.append(_image(path, item, _field(given, "imgs")))
        asin, one_hot = _field(given, "asin"), _field(given, "c")
        if asin is not None:
            names.append(_asin(path, item, asin))
        if one_hot is not None:
            categories.append(_category(path, item, one_hot))
        for field, found in (("asin", names), ("c", categories)):
            if len(found) not in (0, item + 1):
                raise ValueError(f"{path}: item {item}, {field}: some items have it and some not; expected all or none")
    return DvbprImages(path, places), tuple(names) or None, np.array(categories, np.int64) if categories else None


def _image(path: Path, item: int, value: object) -> Blob | bytes:
    if isinstance(value, Blob) and value.is_bytes and value.length <= MOST_BYTES:
        return value
    if isinstance(value, bytes) and value:
        return value
    raise ValueError(f"{path}: item {item}, imgs: {_shown(value)}, expected 1 to {MOST_BYTES:,} bytes of an image")


def _asin(path: Path, item: int, value: object) -> str:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    if not isinstance(text, str) or not text.isascii() or not text.isalnum():
        raise ValueError(f"{path}: item {item}, asin: {_shown(value)}, expected letters and digits")
    return text


def _category(path: Path, item: int, value: object) -> int:
    """The place of the 1 in a one-hot list or array."""
    if isinstance(value, Array) and isinstance(value.items, bytes):
        value = value.numbers().ravel().tolist()
    if isinstance(value, list) and len(value) == CATEGORIES:
        plain = [x for x in value if isinstance(x, int | float)]
        if len(plain) == CATEGORIES and sorted(plain) == [0] * (CATEGORIES - 1) + [1]:
            return plain.index(1)
    raise ValueError(f"{path}: item {item}, c: {_shown(value)}, expected one 1 among {CATEGORIES} numbers")


def _shown(value: object) -> str:
    """A value for an error: short, and never a nested one, which may be endless."""
    if isinstance(value, int | float | str | bytes):
        return repr(value if not isinstance(value, str | bytes) else value[:40])
    size = f" of {len(value):,}" if isinstance(value, list | dict | tuple) else ""
    return "nothing" if value is None else f"a {type(value).__name__}{size}"
