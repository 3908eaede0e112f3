"""Results of a run on disk: checked on the way in and on the way out.

A file of results carries the hash of its own content: a number edited by hand, a truncated file or a merge
gone wrong is refused when it is read.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

SCHEMA: Final = 1
CHIPS: Final = ("paper", "public", "generated")
#: What a file of results must hold, beside its hash.
KEYS: Final = ("schema", "paper", "preset", "data", "params", "seeds", "values", "provenance")
VALUE_KEYS: Final = ("id", "value", "low", "high", "n", "unit", "chip", "spread", "runs")
_ID: Final = re.compile(r"[a-z0-9_.@+-]+(/[a-z0-9_.@+-]+)*")


class RecordError(ValueError):
    """Results that are incomplete, not finite, doubly named, or not what was once written."""


def check_id(text: str) -> str:
    """Return the id, or refuse it: lower-case parts of ``a-z 0-9 _ . @ + -`` joined by ``/``.

    >>> check_id("table1/circles/hard/mlp/ari_k")
    'table1/circles/hard/mlp/ari_k'
    """
    if not _ID.fullmatch(text):
        raise RecordError(
            f"id {text!r}: expected lower-case parts of a-z, 0-9, _ . @ + - joined by /, "
            "like table1/circles/hard/mlp/ari_k; rename it"
        )
    return text


def content_hash(results: Mapping[str, Any]) -> str:
    """Sha256 of the canonical JSON of everything but the hash itself."""
    body = {key: value for key, value in results.items() if key != "sha256"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_results(path: Path, results: Mapping[str, Any]) -> dict[str, Any]:
    """Check results, add their hash, write them whole or not at all (temporary file, rename); return them.

    One value a line, so that version control shows what moved.

    Raises
    ------
    RecordError : a key is missing, a number is not finite, an id is malformed or doubled
    """
    body = {key: value for key, value in results.items() if key != "sha256"}
    _check_schema(body, str(path))
    complete = {**body, "sha256": content_hash(body)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, _lines(complete))
    return complete


def read_results(path: Path, *, partial: bool = False) -> dict[str, Any]:
    """Results of a finished run, verified (``partial=True``: also of a run that failed half-way).

    Raises
    ------
    FileNotFoundError : no such file
    RecordError : no JSON, not the schema, or the content does not match its hash
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no results there; make them with `likeness run`")
    again = "make it again with `likeness run` (a record: with --record), or restore it from version control"
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RecordError(
            f"record {path} is no JSON ({error}): it was edited or truncated; {again}"
        ) from None
    if not isinstance(results, dict) or "sha256" not in results:
        raise RecordError(f"record {path} has no sha256: it was edited or truncated; {again}")
    try:
        matches = content_hash(results) == results["sha256"]
    except ValueError:  # NaN or infinity, which no run writes
        matches = False
    if not matches:
        raise RecordError(f"record {path} does not match its hash: it was edited or truncated; {again}")
    _check_schema(results, str(path))
    if results.get("partial") and not partial:
        raise RecordError(f"record {path} is of a run that failed half-way; {again}")
    return results


def check_value(value: Mapping[str, Any]) -> None:
    """Refuse a value that a page could not show or a check could not compare; the message names its id.

    Raises
    ------
    RecordError : a malformed id or chip, a missing key, a number that is not finite, an interval without
        its value
    """
    missing = [key for key in VALUE_KEYS if key not in value]
    if missing:
        raise RecordError(
            f"value {value.get('id')!r}: expected the keys {', '.join(VALUE_KEYS)}; no {missing[0]}"
        )
    name = check_id(value["id"])
    if value["chip"] not in CHIPS:
        raise RecordError(f"value {name}: chip {value['chip']!r}: expected one of {', '.join(CHIPS)}")
    numbers = {
        f"runs[{i}]": number for i, number in enumerate(value["runs"] or ())
    }  # first: they name the culprit
    numbers |= {"value": value["value"]}
    numbers |= {key: value[key] for key in ("low", "high", "sd") if value.get(key) is not None}
    for key, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise RecordError(
                f"value {name}: {key} is {number!r}: expected a finite number; find where it arises"
            )
    if (value["low"] is None) != (value["high"] is None):
        raise RecordError(f"value {name}: low {value['low']}, high {value['high']}: expected both or none")
    if value["low"] is not None and not value["low"] <= value["value"] <= value["high"]:
        raise RecordError(
            f"value {name}: {value['value']} lies outside its interval {value['low']}..{value['high']}"
        )


def write_atomically(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(name, 0o644)  # noqa: PTH101  mkstemp makes files that only their owner can read
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _check_schema(results: Mapping[str, Any], where: str) -> None:
    missing = [key for key in KEYS if key not in results]
    if missing:
        raise RecordError(f"{where}: expected the keys {', '.join(KEYS)}; no {missing[0]}")
    if results["schema"] != SCHEMA:
        raise RecordError(
            f"{where}: schema {results['schema']!r}, expected {SCHEMA}; make it again with this version"
        )
    for value in results["values"]:
        check_value(value)
    twice = _first_double(value["id"] for value in results["values"])
    if twice is not None:
        raise RecordError(f"{where}: id {twice} stands there twice; every value needs its own")


def _first_double(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _lines(results: Mapping[str, Any]) -> str:
    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    parts = []
    for key, value in results.items():
        if key == "values":
            rows = ",\n".join(f"    {text(v)}" for v in value)
            parts.append(f'  "values": [\n{rows}\n  ]' if rows else '  "values": []')
        else:
            parts.append(f"  {text(key)}: {text(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
