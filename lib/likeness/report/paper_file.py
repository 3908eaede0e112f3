"""Reading ``paper.yaml``: strict YAML, and errors that name claim and field."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import yaml

from likeness.report.printed import ClaimError


def closest(name: str, known: Iterable[str]) -> str:
    """End of an error message: what may have been meant.

    >>> closest("circle", ["circles", "moons"])
    "did you mean 'circles'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)
    return f"did you mean {close[0]!r}?" if close else "there are none"


class _Strict(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice: YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", node.start_mark
                )
        return super().construct_mapping(node, deep)


def read_yaml(file: Path) -> Any:
    """Content of a YAML file. Raises ClaimError where it is none, or gives a key twice."""
    try:
        # _Strict is a SafeLoader: it builds plain data only
        return yaml.load(file.read_text(encoding="utf-8"), Loader=_Strict)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ClaimError(f"{file}: no valid YAML: {' '.join(str(error).split())}; mend it") from None


def check_form(data: Any, schema: Mapping[str, Any], raw: Any, where: str) -> None:
    """Raise `ClaimError` with file, claim, field and what was expected where data has not the form of the
    schema.

    ``raw`` is the whole file when ``data`` is it: then the claim or erratum that is wrong is named.
    """
    error = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(schema).iter_errors(data),
        # a misspelt field is also a missing one: the misspelling is the better hint
        key=jsonschema.exceptions.by_relevance(strong=frozenset({"additionalProperties"})),
    )
    if error is None:
        return
    path = [str(p) for p in error.absolute_path]
    if len(path) >= 2 and path[0] in ("claims", "errata") and raw is data:
        entry = raw[path[0]][int(path[1])]
        name = (
            entry.get("id", f"number {int(path[1]) + 1}")
            if isinstance(entry, dict)
            else f"number {int(path[1]) + 1}"
        )
        where, path = f"{where}: {'claim' if path[0] == 'claims' else 'erratum'} {name}", path[2:]
    raise ClaimError(f"{where}: field {'.'.join(path) or '(top)'}: {_expected(error)}")


def _expected(error: jsonschema.ValidationError) -> str:
    given = repr(error.instance)
    given = given if len(given) <= 60 else given[:57] + "..."
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = next(str(key) for key in error.instance if key not in known)
        return f"unknown field {unknown!r}: {closest(unknown, known)} Expected: {', '.join(known)}"
    if error.validator == "required":
        return f"{error.message}; expected the fields {', '.join(error.schema['required'])}"
    if error.validator == "enum":
        return f"{given}: expected one of {', '.join(error.schema['enum'])}"
    if error.validator in ("oneOf", "dependentSchemas"):
        return f"{given}: expected either file, id and column (or columns), or values"
    if error.validator == "type":
        kinds = error.schema["type"]
        return f"{given}: expected {' or '.join(kinds) if isinstance(kinds, list) else kinds}"
    return f"{given}: expected {error.validator} {error.validator_value!r}"
