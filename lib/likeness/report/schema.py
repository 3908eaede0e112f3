"""Form of ``paper.yaml``: what a chapter declares about its paper, as a JSON Schema."""

from __future__ import annotations

from typing import Any, Final

KINDS: Final = ("exact", "arithmetic", "statistical", "ordering", "qualitative")
#: Rules that judge one printed number at a time, and rules that judge a sentence.
NUMBER_RULES: Final = ("prediction", "sampling", "equal")
SENTENCE_RULES: Final = ("greater", "within")
#: Outcome of a data card, which rebuilds no paper: its claims are promises of our own.
CARD: Final = "[Data]"
#: Reproduced, not reproduced, or a data card.
OUTCOMES: Final = ("[Re]", "[¬Re]", CARD)
SOURCES: Final = ("paper", "code", "computed", "text")

_TEXT: Final[dict[str, Any]] = {"type": "string", "minLength": 1}
_TEXTS: Final[dict[str, Any]] = {"type": "array", "items": _TEXT, "minItems": 1}
_SCALAR: Final[dict[str, Any]] = {"type": ["string", "number"]}
_POSITIVE: Final[dict[str, Any]] = {"type": "number", "exclusiveMinimum": 0}
_LEVEL: Final[dict[str, Any]] = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
_BOUND: Final[dict[str, Any]] = {"type": ["number", "null"]}
_NAME: Final[dict[str, Any]] = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_.-]*$"}


def _object(required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_PRINTED: Final = {
    **_object(
        [],
        file=_TEXT,  # a CSV below the room, with one header line
        id=_TEXT,  # template of the ids: {name} a column of the file, {column} the name of the number's own
        column=_TEXT,
        columns=_TEXTS,
        sd=_TEXT,  # column of the printed standard deviation, {column} allowed
        n={"type": "integer", "minimum": 1},  # samples behind every printed mean
        significant={"type": "integer", "minimum": 1},
        decimals={"type": "integer", "minimum": 0},
        rounding={"type": "number", "minimum": 0},  # half-width, for numbers that were read off a figure
        filter={"type": "object", "additionalProperties": {"type": "array", "items": _SCALAR, "minItems": 1}},
        settings=_TEXTS,  # numeric columns of the file that are settings of the experiment, not results
        values={
            "type": "object",
            "additionalProperties": _SCALAR,
            "minProperties": 1,
        },  # {id: printed number}
    ),
    "oneOf": [
        {"required": ["file", "id", "column"], "not": {"required": ["columns"]}},
        {"required": ["file", "id", "columns"], "not": {"required": ["column"]}},
        {"required": ["values"]},
    ],
    "dependentSchemas": {"values": {"maxProperties": 3}},
}

ARGS: Final[dict[str, dict[str, Any]]] = {
    "prediction": _object([], level=_LEVEL, siblings=_TEXTS),
    "sampling": _object([], level=_LEVEL, family={"type": "integer", "minimum": 1}),
    "equal": _object([]),
    "greater": _object(
        ["pairs"],
        pairs={"type": "array", "minItems": 1, "items": {**_TEXTS, "minItems": 2, "maxItems": 2}},
        each={"type": "object", "additionalProperties": {"type": "array", "items": _SCALAR, "minItems": 1}},
        margin={"type": "number"},
        share={"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        level=_LEVEL,
    ),
    "within": _object(["value"], value={"anyOf": [_TEXT, _TEXTS]}, low=_BOUND, high=_BOUND),
}

CLAIM: Final = _object(
    ["id", "where", "text", "kind", "decides", "rule", "reason"],
    id=_NAME,
    where=_TEXT,
    text=_TEXT,
    kind={"enum": list(KINDS)},
    printed=_PRINTED,
    decides=_object(
        ["presets", "chips"],
        presets={"type": "array", "items": {"enum": ["smoke", "laptop", "full"]}, "minItems": 1},
        chips={"type": "array", "items": {"enum": ["paper", "public", "generated"]}, "minItems": 1},
    ),
    rule={"enum": [*NUMBER_RULES, *SENTENCE_RULES]},
    args={"type": "object"},
    reason=_TEXT,
)

PAPER: Final = _object(
    ["paper", "title", "outcome", "citation", "claims"],
    paper=_NAME,
    title=_TEXT,
    outcome={"enum": list(OUTCOMES)},
    citation=_object(
        ["authors", "title", "venue", "year", "bibkey"],
        authors=_TEXTS,
        title=_TEXT,
        venue=_TEXT,
        year={"type": "integer", "minimum": 1900, "maximum": 2100},
        doi=_TEXT,
        url={"type": "string", "pattern": "^https?://"},
        bibkey=_TEXT,
    ),
    claims={"type": "array", "minItems": 1, "items": CLAIM},
    errata={
        "type": "array",
        "items": _object(
            ["id", "where", "says", "is", "evidence", "source"],
            id=_NAME,
            where=_TEXT,
            says=_TEXT,
            **{"is": _TEXT},
            evidence={"type": "array", "items": _TEXT},
            source={"enum": list(SOURCES)},
        ),
    },
    silences={
        "type": "array",
        "items": _object(
            ["about", "paper", "choice", "effect"], about=_TEXT, paper=_TEXT, choice=_TEXT, effect=_TEXT
        ),
    },
)
