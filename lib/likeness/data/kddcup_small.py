"""Small files around KDD Cup 2020 "Multimodalities Recall": 1,000 records as JSON, class names, queries, vocabulary.

The JSON records, the queries as printed and the vocabulary come from the code of a team that took part; the first
1,000 train records there have no features, but for each query others that are near to it and were mined as negatives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike

from likeness.data.kddcup import CLASSES, LONGEST_LINE, Record, check
from likeness.data.strict_text import BadField, json_file, json_value, lines, parsed, shown, text, whole_number

#: The first words of the vocabulary, in the order of their ids.
SPECIAL: Final = ("<pad>", "<start>", "<end>", "<unk>")
_KEYS: Final = frozenset(
    ("product_id", "image_h", "image_w", "num_boxes", "boxes", "class_labels", "query", "query_id", "negative_queries")
)
#: Whole numbers up to it are exact in float64, so that converting them cannot overflow or move a box.
_LARGEST: Final = 2**53


@dataclass(frozen=True, eq=False)
class MinedRecord(Record):
    """A record without features, and the queries that were mined as negatives for its query."""

    negative_queries: tuple[str, ...]


def read_mined(path: Path | str) -> Iterator[MinedRecord]:
    """train_records_1000.jsonl: one record after another, checked as those of the TSV.

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : file, row and field of what is wrong.
    """
    path = Path(path)
    return parsed(path, lines(path, LONGEST_LINE), _mined)


def read_classes(path: Path | str) -> tuple[str, ...]:
    """multimodal_labels.txt: the names of the 33 object classes, at the place of their id.

    Raises FileNotFoundError; ValueError on another header, ids that are not 0..32 in order, an empty name.
    """
    path = Path(path)

    def parse(line: bytes) -> tuple[bytes, str]:
        number, tab, name = line.partition(b"\t")
        if not tab or b"\t" in name:
            raise BadField("row", f"{shown(line)}: expected an id, a tab and a name")
        return number, text("category_name", name)

    rows = list(parsed(path, lines(path, LONGEST_LINE), parse))
    want = [b"category_id", *(str(i).encode() for i in range(CLASSES))]
    if [number for number, _ in rows] != want or rows[0][1] != "category_name":
        raise ValueError(f"{path}: {len(rows)} rows; expected category_id, category_name, then ids 0..{CLASSES - 1}")
    return tuple(name for _, name in rows[1:])


def read_queries(path: Path | str) -> Iterator[str]:
    """train_queries_printed.txt: query strings, one a line, as they stand there.

    Raises FileNotFoundError; ValueError on a line that is empty or no UTF-8.
    """
    path = Path(path)
    return parsed(path, lines(path, LONGEST_LINE), lambda line: text("query", line))


def read_vocabulary(path: Path | str) -> tuple[str, ...]:
    """train_vocab_threshold4.json: the words at the place of their id, <pad>, <start>, <end>, <unk> first.

    The file holds the words twice, by id (`idx2word`) and by word (`word2idx`), and their number (`idx`).
    Raises FileNotFoundError; ValueError where these do not say the same, or the first words are others.
    """
    path = Path(path)
    held = json_file(path)
    by_id, by_word, n = (held.get(key) for key in ("idx2word", "word2idx", "idx"))
    if not isinstance(by_id, dict) or not isinstance(by_word, dict) or type(n) is not int or n != len(by_id):
        raise ValueError(f"{path}: expected idx2word and word2idx, objects, and idx, the number of words")
    words = tuple(word for i in range(n) if isinstance(word := by_id.get(str(i)), str))
    if len(words) != n:
        raise ValueError(f"{path}: idx2word: {len(words)} words, expected one for every id 0..{n - 1}")
    if words[: len(SPECIAL)] != SPECIAL:
        raise ValueError(f"{path}: idx2word begins with {shown(words[: len(SPECIAL)])}, expected {SPECIAL}")
    if by_word != {word: i for i, word in enumerate(words)}:
        raise ValueError(f"{path}: word2idx is not the inverse of idx2word: expected every word once, with its id")
    return words


def _mined(line: bytes) -> MinedRecord:
    held = json_value("row", line)
    if not isinstance(held, dict) or not held.keys() >= _KEYS:
        raise BadField("row", f"{shown(held)}: expected an object with {', '.join(sorted(_KEYS))}")
    n = _number(held, "num_boxes", 1)
    record = MinedRecord(
        _number(held, "product_id"),
        _number(held, "image_h", 1),
        _number(held, "image_w", 1),
        _fixed([_numbers("boxes", box, 4) for box in _list(held, "boxes", n)], np.float32),
        None,
        _fixed([_number({"class_labels": c}, "class_labels") for c in _list(held, "class_labels", n)], np.int64),
        _word(held, "query"),
        _number(held, "query_id"),
        tuple(_word({"negative_queries": q}, "negative_queries") for q in _list(held, "negative_queries", None)),
    )
    check(record)
    return record


def _fixed(values: list[Any], dtype: DTypeLike) -> np.ndarray:
    array = np.array(values, dtype)
    array.flags.writeable = False
    return array


def _number(held: dict[str, Any], field: str, least: int = 0) -> int:
    value = held[field]
    if type(value) is not int:  # JSON's true is an int of Python too
        raise BadField(field, f"{shown(value)}: expected a whole number")
    return whole_number(field, str(value).encode(), least)


def _numbers(field: str, given: object, n: int) -> list[float]:
    if not isinstance(given, list) or len(given) != n or not all(type(x) in (int, float) for x in given):
        raise BadField(field, f"{shown(given)}: expected {n} numbers")
    if not all(abs(x) <= _LARGEST for x in given):
        raise BadField(field, f"{shown(given)}: expected numbers of pixels")
    return given


def _list(held: dict[str, Any], field: str, n: int | None) -> list[Any]:
    value = held[field]
    if not isinstance(value, list) or n not in (None, len(value)):
        raise BadField(field, f"{shown(value)}: expected a list{'' if n is None else f' of num_boxes = {n}'}")
    return value


def _word(held: dict[str, Any], field: str) -> str:
    value = held[field]
    if not isinstance(value, str):
        raise BadField(field, f"{shown(value)}: expected text")
    return text(field, value.encode(errors="surrogatepass"))
