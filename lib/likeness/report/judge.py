"""One claim, one run: may the run decide it, and what does the claim's rule say?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from likeness.report import rules
from likeness.report.claims import Claim, Printed
from likeness.report.rules import UNTESTABLE, Decision
from likeness.report.values import HOST_UNITS, Value, values_of


@dataclass(frozen=True)
class Measured:
    """The values of a run by id, and its preset."""

    preset: str
    values: Mapping[str, Value]

    @classmethod
    def of(cls, results: Mapping[str, Any] | None) -> Measured | None:
        """The values of ``results.json``; None where there is no run."""
        return None if results is None else cls(str(results["preset"]), values_of(results))


def judge(claim: Claim, number: Printed | None, run: Measured | None) -> Decision:
    """Verdict of one run on one printed number, or (``number=None``) on a sentence.

    "not testable here" where there is no run, its preset or the data behind a value may not decide, or a
    value is missing; the note says which.
    """
    printed = number.value if number else None
    if run is None:
        return Decision(UNTESTABLE, printed=printed, note="no run")
    names = (number.id,) if number else claim.uses
    shown = Decision(UNTESTABLE, printed=printed)
    if number and number.id in run.values:
        value = run.values[number.id]
        shown = replace(shown, ours=value.value, low=value.low, high=value.high)
    why = _obstacle(claim, names, run)
    if why:
        return replace(shown, note=why)
    decision = _apply(claim, number, run.values)
    return replace(decision, low=shown.low, high=shown.high) if number else decision


def siblings(claim: Claim, number: Printed | None) -> list[Printed]:
    """Printed numbers that differ from this one in exactly one of the claim's sibling columns."""
    columns = claim.args.get("siblings", ()) if number else ()
    return [
        other
        for column in columns
        for other in claim.printed
        if number
        and other.key[column] != number.key[column]
        and all(other.key[k] == number.key[k] for k in number.key if k != column)
    ]


def _obstacle(claim: Claim, names: Sequence[str], run: Measured) -> str:
    """Why a run may not decide; empty where it may."""
    values, preset = run.values, run.preset
    missing = [name for name in names if name not in values]
    if missing:
        return f"the run has no value {missing[0]}" + (
            f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        )
    if preset not in claim.presets:
        return f"preset {preset} may not decide, only {', '.join(claim.presets)}"
    foreign = next((values[name] for name in names if values[name].chip not in claim.chips), None)
    if foreign is not None:
        return f"{foreign.id} is of {foreign.chip} data, only {', '.join(claim.chips)} may decide"
    if not claim.sentence and any(values[name].unit in HOST_UNITS for name in names):
        return "seconds and megabytes belong to a machine: only what is said of their ratios can be tested"
    if claim.rule in ("prediction", "sampling", "greater"):
        alone = next((values[name] for name in names if values[name].sd is None), None)
        if alone is not None:
            return f"{alone.id} has {alone.n} run and no spread"
    return ""


def _apply(claim: Claim, number: Printed | None, values: Mapping[str, Value]) -> Decision:
    if claim.rule == "greater":
        options = {k: v for k, v in claim.args.items() if k in ("margin", "share", "level")}
        return rules.greater(claim.pairs, values, **options)
    if claim.rule == "within":
        return rules.within(
            [values[name] for name in claim.uses], claim.args.get("low"), claim.args.get("high")
        )
    assert number is not None  # the loader gives every other rule its printed numbers
    value = values[number.id]
    level = claim.args.get("level", 0.95)
    if claim.rule == "equal":
        return rules.equal(number.value, value.value, number.rounding)
    if claim.rule == "sampling":
        family = claim.args.get("family", len(claim.printed))
        return rules.sampling(
            number.value,
            number.n or 1,
            value.value,
            value.sd or 0.0,
            value.n,
            number.rounding,
            family=family,
            level=level,
        )
    orderings = [
        (number.value - other.value, value.value - values[other.id].value)
        for other in siblings(claim, number)
        # a printed tie, up to rounding, draws no ordering
        if other.id in values and abs(number.value - other.value) > number.rounding + other.rounding
    ]
    return rules.prediction(
        number.value, value.value, value.sd or 0.0, value.n, number.rounding, level=level, orderings=orderings
    )
