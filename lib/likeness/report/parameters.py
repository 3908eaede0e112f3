"""Parameters of a chapter: declared once, validated wherever they come from.

A chapter declares one frozen dataclass whose fields are made by `param`. The command, plain papermill and
Python all end in `BaseParameters.resolve`, so a value that one refuses all refuse. Light imports only.
"""

from __future__ import annotations

import difflib
import importlib
import math
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Final, NoReturn, Self, get_type_hints

#: Sizes of a run: tests, `make book`, the paper's own scale.
PRESETS: Final = ("smoke", "laptop", "full")

_TYPES: Final[dict[Any, str]] = {
    int: "int",
    float: "float",
    str: "str",
    bool: "bool",
    tuple[str, ...]: "list of str",
    tuple[int, ...]: "list of int",
    tuple[float, ...]: "list of float",
}
_EXPECTED: Final = {int: "a whole number", float: "a finite number", str: "a text", bool: "True or False"}


class ParameterError(ValueError):
    """A parameter, preset or paper that does not exist, or a value that it cannot take."""


def param(
    meaning: str,
    *,
    smoke: object,
    laptop: object,
    full: object,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[object] | None = None,
) -> Any:
    """Field of a parameter dataclass: what it means, its default in each preset, and what it may be.

    Parameters
    ----------
    low, high : inclusive bounds, of every element where the type is a tuple
    choices : the only values allowed, of every element where the type is a tuple
    """
    about = {"meaning": meaning, "smoke": smoke, "laptop": laptop, "full": full, "unit": unit}
    limits = {"low": low, "high": high, "choices": None if choices is None else tuple(choices)}
    return field(default=laptop, metadata={**about, **limits})


@dataclass(frozen=True, kw_only=True)
class BaseParameters:
    """What every chapter can be given. Every way to make one validates types and ranges.

    Rules between fields belong into a ``__post_init__`` that first calls ``super().__post_init__()`` and
    raises `ParameterError`.
    """

    preset: str = param("size of the run", smoke="smoke", laptop="laptop", full="full", choices=PRESETS)
    device: str = param(
        "where models are trained; auto: a GPU where there is one",
        smoke="auto", laptop="auto", full="auto", choices=("auto", "cpu", "cuda"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check every field and turn whole numbers into floats, lists into tuples, where so declared."""
        hints = _hints(type(self))
        for f in fields(self):
            object.__setattr__(
                self, f.name, _checked(f.name, getattr(self, f.name), hints[f.name], f.metadata)
            )

    @classmethod
    def resolve(cls, given: Mapping[str, object]) -> Self:
        """Parameters of a run: what was given (None: not given), the preset's defaults for the rest.

        Raises
        ------
        ParameterError : unknown name (the closest one is named), wrong type, out of range, unknown preset
        """
        names = [f.name for f in fields(cls)]
        for name in given:
            if name not in names:
                unknown("parameter", name, names)
        chosen = {name: value for name, value in given.items() if value is not None}
        preset = chosen.get("preset", cls.__dataclass_fields__["preset"].default)
        if preset not in PRESETS:
            unknown("preset", preset, PRESETS)
        defaults = {f.name: f.metadata.get(str(preset), f.default) for f in fields(cls)}
        return cls(**{**defaults, **chosen})

    @classmethod
    def parse(cls, pairs: Sequence[str]) -> dict[str, object]:
        """Texts of a command line, ``["seeds=5", "scale=0.5"]``, as values of the declared types.

        A list is comma separated. The values are not yet checked against their ranges: `resolve` does that.
        """
        hints, values = _hints(cls), {}
        for pair in pairs:
            name, equals, text = (part.strip() for part in pair.partition("="))
            if not equals or not name:
                raise ParameterError(f"parameter {pair!r}: expected name=value, for example seed=1")
            if name not in hints:
                unknown("parameter", name, list(hints))
            if name in values:
                raise ParameterError(f"parameter {name}: given twice; give it once")
            values[name] = _parsed(name, text, hints[name])
        return values

    def asdict(self) -> dict[str, object]:
        """Plain values by name, as JSON can hold them (a tuple becomes a list)."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


def describe(kind: type[BaseParameters]) -> list[dict[str, str]]:
    """One row of texts a parameter: name, type, smoke, laptop, full, unit, range, meaning."""
    hints = _hints(kind)
    return [
        {
            "name": f.name,
            "type": _TYPES[hints[f.name]],
            **{p: _text(f.metadata.get(p, f.default)) for p in PRESETS},
            "unit": f.metadata.get("unit", ""),
            "range": _range(f.metadata),
            "meaning": f.metadata.get("meaning", ""),
        }
        for f in fields(kind)
    ]


def papers() -> list[str]:
    """Short names of the papers that have parameters, sorted."""
    studies = importlib.import_module("likeness.studies")
    return sorted(m.name for m in pkgutil.iter_modules(studies.__path__) if m.ispkg)


def parameters_of(paper: str) -> type[BaseParameters]:
    """Parameter class of a paper: ``Parameters`` of ``likeness.studies.<paper>.parameters``.

    Raises
    ------
    ParameterError : no such paper; the closest one is named
    """
    if paper not in (known := papers()):
        unknown("paper", paper, known)
    kind = importlib.import_module(f"likeness.studies.{paper}.parameters").Parameters
    if not (isinstance(kind, type) and issubclass(kind, BaseParameters)):
        raise TypeError(
            f"likeness.studies.{paper}.parameters.Parameters: expected a subclass of BaseParameters"
        )
    return kind


def unknown(what: str, name: object, known: Iterable[str]) -> NoReturn:
    """Raise the `ParameterError` of a name that does not exist, with the closest one that does.

    >>> unknown("preset", "lap", ["laptop"])
    Traceback (most recent call last):
    likeness.report.parameters.ParameterError: unknown preset 'lap': did you mean 'laptop'? There are: laptop
    """
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.0)
    hint = f"did you mean {close[0]!r}? There are: {', '.join(names)}" if close else "there are none"
    raise ParameterError(f"unknown {what} {name!r}: {hint}")


def _hints(kind: type[BaseParameters]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    declared = {f.name: hints[f.name] for f in fields(kind)}
    for f in fields(kind):
        if declared[f.name] not in _TYPES:
            raise TypeError(
                f"{kind.__name__}.{f.name}: {declared[f.name]} is none of {', '.join(_TYPES.values())}"
            )
        if f.default is MISSING:
            raise TypeError(f"{kind.__name__}.{f.name}: declare it with param(...), which gives its presets")
    return declared


def _checked(name: str, value: object, kind: Any, limits: Mapping[str, Any]) -> object:
    if kind in _EXPECTED:
        return _element(name, value, kind, limits)
    if not isinstance(value, (list, tuple)):
        raise ParameterError(
            f"parameter {name} = {value!r}: expected a {_TYPES[kind]}, got {type(value).__name__}"
        )
    return tuple(_element(name, v, kind.__args__[0], limits) for v in value)


def _element(name: str, value: Any, kind: type, limits: Mapping[str, Any]) -> object:
    right = type(value) is kind or (kind is float and type(value) is int)  # `is`: True is no 1 here
    if not right or (kind is float and not math.isfinite(value)):
        raise ParameterError(
            f"parameter {name} = {value!r}: expected {_EXPECTED[kind]} ({kind.__name__}), "
            f"got {type(value).__name__}"
        )
    choices, low, high = (limits.get(key) for key in ("choices", "low", "high"))
    if choices is not None and value not in choices:
        close = difflib.get_close_matches(str(value), map(str, choices), n=1, cutoff=0.0)[0]
        raise ParameterError(
            f"parameter {name} = {value!r}: expected one of {_text(choices)}; closest: {close}"
        )
    if (low is not None and value < low) or (high is not None and value > high):
        raise ParameterError(f"parameter {name} = {value!r}: expected {_range(limits)}")
    return float(value) if kind is float else value


def _parsed(name: str, text: str, kind: Any) -> object:
    if kind not in _EXPECTED:
        return [_parsed(name, part.strip(), kind.__args__[0]) for part in text.split(",") if part.strip()]
    if kind is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return text if kind is str else {int: int, float: float}[kind](text)
    except (KeyError, ValueError):
        raise ParameterError(
            f"parameter {name} = {text!r}: expected {_EXPECTED[kind]} ({kind.__name__})"
        ) from None


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _range(limits: Mapping[str, Any]) -> str:
    choices, low, high = (limits.get(key) for key in ("choices", "low", "high"))
    if choices is not None:
        return "one of " + _text(choices)
    if low is None or high is None:
        return f"at least {low}" if low is not None else f"at most {high}" if high is not None else ""
    return f"{low} to {high}"
