"""The rules that judge a claim: pure functions from numbers to a verdict.

Every rule is fixed in ``paper.yaml`` with its tolerance and the reason for it. A wide tolerance is a weak
test, so each note states how wide it was.

References
----------
[1] Hahn, Meeker, "Statistical Intervals", Wiley 1991, ch. 4: prediction interval for one future observation.
[2] Welch, Biometrika 34 (1947): comparing means whose variances are not the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from scipy import stats

from likeness.report.values import Value

Verdict = Literal["reproduced", "direction only", "contradicted", "not testable here"]
REPRODUCED: Final = "reproduced"
DIRECTION: Final = "direction only"
CONTRADICTED: Final = "contradicted"
UNTESTABLE: Final = "not testable here"
VERDICTS: Final[tuple[Verdict, ...]] = (REPRODUCED, DIRECTION, CONTRADICTED, UNTESTABLE)

#: Share of a difference that summing in another order may move; far below any printed digit.
_FLOAT_EPS: Final = 1e-9


@dataclass(frozen=True)
class Decision:
    """A verdict and what it rests on: our value with its interval, the printed number, and why."""

    verdict: Verdict
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    printed: float | None = None
    note: str = ""


def prediction(
    printed: float,
    mean: float,
    sd: float,
    n: int,
    rounding: float,
    *,
    level: float = 0.95,
    orderings: Sequence[tuple[float, float]] = (),
) -> Decision:
    """One printed training run against ours: does it lie where one more run of ours would? [1]

    .. math:: |y - m| \\le t_{n-1,\\,(1+level)/2}\\; s\\, \\sqrt{1 + 1/n} + rounding

    Each of our runs draws its own test sets, so s holds their sampling noise too.

    Parameters
    ----------
    mean, sd, n : of our runs; n >= 2, or sd = 0 for what is deterministic
    rounding : half a unit of the last printed digit
    orderings : (printed difference, our difference) of this cell and each of those it is compared with; where
        the value is missed, the verdict is "direction only" if every pair has one sign. None at all draws no
        direction.

    Raises
    ------
    ValueError : n < 2 with sd > 0, negative sd or rounding
    """
    if sd < 0 or rounding < 0 or n < 1 or (n < 2 and sd > 0):
        raise ValueError(
            f"sd {sd}, rounding {rounding}, n {n}: expected none negative, and two runs at least for a spread"
        )
    spread = float(stats.t.ppf((1 + level) / 2, n - 1)) * sd * math.sqrt(1 + 1 / n) if sd > 0 else 0.0
    half = spread + rounding
    distance = abs(printed - mean)
    tested = f"|printed - ours| = {distance:.3g}, half-width {half:.3g} ({level:.0%} prediction, {_runs(n)})"
    if distance <= half * (1 + _FLOAT_EPS) + _FLOAT_EPS:
        return Decision(REPRODUCED, ours=mean, printed=printed, note=tested)
    agree = sum(_sign(a) == _sign(b) for a, b in orderings)
    tested += f"; {agree} of {len(orderings)} printed orderings hold"
    verdict: Verdict = DIRECTION if orderings and agree == len(orderings) else CONTRADICTED
    return Decision(verdict, ours=mean, printed=printed, note=tested)


def sampling(
    printed: float,
    printed_n: int,
    mean: float,
    sd: float,
    n: int,
    rounding: float,
    *,
    family: int,
    level: float = 0.95,
) -> Decision:
    """One printed mean over samples against ours over more of them: does sampling error explain the
    difference?

    .. math:: z = (m - y) / \\sqrt{s^2/n_{printed} + s^2/n + rounding^2},
        \\qquad |z| \\le z_{1 - (1-level)/(2\\,family)}

    Parameters
    ----------
    printed_n, n : samples behind the printed mean and behind ours
    mean, sd : of our samples; s stands for the printed ones too, being drawn from the same generator and
        estimated on more of them
    family : numbers that the claim tests at once (Bonferroni)

    Raises
    ------
    ValueError : fewer than one sample or number, negative sd or rounding
    """
    if min(printed_n, n, family) < 1 or sd < 0 or rounding < 0:
        raise ValueError(
            f"printed_n {printed_n}, n {n}, family {family}, sd {sd}, rounding {rounding}: "
            "expected counts of at least 1 and no negative width"
        )
    error = math.sqrt(sd**2 / printed_n + sd**2 / n + rounding**2)
    limit = float(stats.norm.isf((1 - level) / (2 * family)))
    difference = mean - printed
    z = difference / error if error > 0 else (0.0 if abs(difference) <= _FLOAT_EPS else math.inf)
    verdict: Verdict = REPRODUCED if abs(z) <= limit * (1 + _FLOAT_EPS) else CONTRADICTED
    note = f"z = {z:.2f}, limit {limit:.2f} ({family} numbers at once), standard error {error:.2g}"
    return Decision(verdict, ours=mean, printed=printed, note=note)


def equal(printed: float, ours: float, rounding: float) -> Decision:
    """A printed number that chance has no part in: equal to ours up to the printed digits."""
    distance = abs(printed - ours)
    verdict: Verdict = REPRODUCED if distance <= rounding * (1 + _FLOAT_EPS) + _FLOAT_EPS else CONTRADICTED
    return Decision(
        verdict,
        ours=ours,
        printed=printed,
        note=f"|printed - ours| = {distance:.3g}, rounding {rounding:.2g}",
    )


def greater(
    pairs: Sequence[tuple[str, str]],
    values: Mapping[str, Value],
    *,
    margin: float = 0.0,
    share: float = 1.0,
    level: float = 0.95,
) -> Decision:
    """The first of each pair is greater than the second by more than ``margin``.

    A pair *holds* if the t interval of the differences, paired by run, lies above the margin, and *leans* if
    their mean does. Two values of which one was not run over the same seeds are compared by Welch's interval
    [2].

    Parameters
    ----------
    pairs : ids, all in ``values``
    share : part of the pairs that must hold (reproduced), else lean (direction only), in (0, 1]
    """
    differences = [difference(values[a], values[b], level) for a, b in pairs]
    holds = [low > margin for _, low, _ in differences]
    leans = [mean > margin for mean, _, _ in differences]
    needed = math.ceil(share * len(pairs) - _FLOAT_EPS)
    verdict: Verdict = (
        REPRODUCED if sum(holds) >= needed else DIRECTION if sum(leans) >= needed else CONTRADICTED
    )
    note = f"{sum(holds)} of {len(pairs)} pairs hold, {sum(leans)} lean, {needed} needed"
    failing = [
        f"{a} - {b} = {mean:.3g} [{low:.3g}, {high:.3g}]"
        for (a, b), hold, (mean, low, high) in zip(pairs, holds, differences, strict=True)
        if not hold
    ]
    note += "; not held: " + "; ".join(failing) if failing else ""
    decision = Decision(verdict, note=note)
    if len(pairs) == 1:
        mean, low, high = differences[0]
        decision = replace(decision, ours=mean, low=low, high=high)
    return decision


def within(values: Sequence[Value], low: float | None, high: float | None) -> Decision:
    """Our own measured values lie within bounds: with their whole interval, or at least themselves."""
    bottom, top = -math.inf if low is None else low, math.inf if high is None else high
    whole = all(bottom <= _low(v) and _high(v) <= top for v in values)
    alone = all(bottom <= v.value <= top for v in values)
    verdict: Verdict = REPRODUCED if whole else DIRECTION if alone else CONTRADICTED
    bounds = (("at least", low), ("at most", high))
    asked = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
    note = (
        "; ".join(f"{v.id} = {v.value:.4g} [{_low(v):.4g}, {_high(v):.4g}]" for v in values)
        + f"; asked: {asked}"
    )
    if len(values) > 1:
        return Decision(verdict, note=note)
    return Decision(verdict, ours=values[0].value, low=values[0].low, high=values[0].high, note=note)


def difference(a: Value, b: Value, level: float = 0.95, *, paired: bool = True) -> tuple[float, float, float]:
    """Mean of a - b with its t interval (mean, low, high).

    Paired by run where both have as many, else Welch's [2].
    """
    if paired and a.runs is not None and b.runs is not None and len(a.runs) == len(b.runs) > 1:
        d = np.subtract(a.runs, b.runs)  # (n,)
        mean, error, free = float(d.mean()), float(d.std(ddof=1)) / math.sqrt(len(d)), float(len(d) - 1)
    else:
        mean = a.value - b.value
        parts = [(v.sd**2 / v.n, v.n - 1) for v in (a, b) if v.sd]
        error = math.sqrt(sum(part for part, _ in parts))
        free = (
            sum(part for part, _ in parts) ** 2 / sum(part**2 / n for part, n in parts) if parts else math.inf
        )
    half = float(stats.t.ppf((1 + level) / 2, free)) * error if error > 0 else 0.0
    return mean, mean - half, mean + half


def _low(value: Value) -> float:
    return value.value if value.low is None else value.low


def _high(value: Value) -> float:
    return value.value if value.high is None else value.high


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)


def _runs(n: int) -> str:
    return f"{n} run{'s' if n != 1 else ''}"
