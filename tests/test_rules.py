"""The rules against cases worked by hand, and against laws that any such rule must keep."""

from __future__ import annotations

import math

import numpy as np
import pytest

from likeness.report.rules import (
    CONTRADICTED,
    DIRECTION,
    REPRODUCED,
    VERDICTS,
    difference,
    equal,
    greater,
    prediction,
    sampling,
    within,
)
from likeness.report.values import Value


def runs(name: str, *numbers: float, unit: str = "score") -> Value:
    mean, sd = float(np.mean(numbers)), float(np.std(numbers, ddof=1)) if len(numbers) > 1 else None
    low, high = (None, None) if sd is None else (mean - 2 * sd, mean + 2 * sd)
    return Value(name, mean, low, high, len(numbers), unit, "paper", False, numbers, sd)


def exact(name: str, number: float) -> Value:
    return Value(name, number, None, None, 1, "", "paper", True, None, 0.0)


# Three runs .8, .9, 1.0: m = .9, s = .1, t_{2, .975} = 4.303 (any t table), sqrt(1 + 1/3) = 1.1547,
# so h = 4.303 * .1 * 1.1547 + .0005 = .4969 + .0005 = .4974: from .4026 to 1.3974.
@pytest.mark.parametrize(
    ("printed", "verdict"),
    [(0.403, REPRODUCED), (0.402, CONTRADICTED), (1.397, REPRODUCED), (1.398, CONTRADICTED)],
)
def test_prediction_by_hand(printed, verdict):
    decision = prediction(printed, 0.9, 0.1, 3, 0.0005)
    assert decision.verdict == verdict
    assert "half-width 0.497" in decision.note


def test_prediction_without_spread_is_rounding_alone():
    # |.8715 - .871| = .0005 <= .0005; |.8716 - .871| > .0005
    assert prediction(0.871, 0.8715, 0.0, 1, 0.0005).verdict == REPRODUCED
    assert prediction(0.871, 0.8716, 0.0, 1, 0.0005).verdict == CONTRADICTED


def test_prediction_direction_needs_every_ordering_and_at_least_one():
    far = {"printed": 0.2, "mean": 0.9, "sd": 0.01, "n": 5, "rounding": 0.0005}
    assert prediction(**far, orderings=[(0.3, 0.1), (-0.2, -0.4)]).verdict == DIRECTION
    assert prediction(**far, orderings=[(0.3, 0.1), (-0.2, 0.4)]).verdict == CONTRADICTED
    assert (
        prediction(**far, orderings=[(0.3, 0.0)]).verdict == CONTRADICTED
    )  # a tie of ours keeps no ordering
    assert prediction(**far, orderings=[]).verdict == CONTRADICTED


def test_prediction_covers_the_next_run_at_its_level():
    # the law that the rule is built on: one more run of the same kind is inside 95 % of the time
    rng = np.random.default_rng(0)
    x = rng.normal(0.7, 0.1, (4000, 4))  # 3 runs and the "printed" one
    inside = [
        prediction(row[3], row[:3].mean(), row[:3].std(ddof=1), 3, 0.0).verdict == REPRODUCED for row in x
    ]
    # standard error sqrt(.95 * .05 / 4000) = .0034: four of them
    assert np.mean(inside) == pytest.approx(0.95, abs=0.014)


@pytest.mark.parametrize("seed", range(20))
def test_prediction_laws(seed):
    rng = np.random.default_rng(seed)
    y, m, s, r = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0, 0.2), 0.0005
    n = int(rng.integers(2, 8))
    base = prediction(y, m, s, n, r)
    assert prediction(m, y, s, n, r).verdict == base.verdict  # only the distance counts
    assert prediction(y + 1, m + 1, s, n, r).verdict == base.verdict
    if base.verdict == REPRODUCED:  # a wider rounding, spread or level never turns it
        for wider in ({"rounding": 10 * r}, {"rounding": r, "level": 0.99}):
            assert prediction(y, m, s, n, **wider).verdict == REPRODUCED
        assert prediction(y, m, 2 * s, n, r).verdict == REPRODUCED


@pytest.mark.parametrize("bad", [{"sd": -1.0}, {"rounding": -0.1}, {"n": 1}, {"n": 0, "sd": 0.0}])
def test_prediction_refuses(bad):
    with pytest.raises(ValueError, match="expected none negative"):
        prediction(**{"printed": 0.5, "mean": 0.5, "sd": 0.1, "n": 3, "rounding": 0.0} | bad)


# s = .3, 20 printed and 180 of our samples: .09/20 + .09/180 = .005, its root .07071. One number: limit
# 1.960, so +-.13859. Of 10 numbers: 1 - .05/20 = .9975, limit 2.807, so +-.19849.
@pytest.mark.parametrize(
    ("off", "family", "verdict"),
    [(0.138, 1, REPRODUCED), (0.139, 1, CONTRADICTED), (0.198, 10, REPRODUCED), (0.199, 10, CONTRADICTED)],
)
def test_sampling_by_hand(off, family, verdict):
    assert sampling(0.5, 20, 0.5 + off, 0.3, 180, 0.0, family=family).verdict == verdict
    assert sampling(0.5, 20, 0.5 - off, 0.3, 180, 0.0, family=family).verdict == verdict


def test_sampling_without_any_error():
    assert sampling(1.0, 20, 1.0, 0.0, 400, 0.0, family=1).verdict == REPRODUCED
    assert sampling(1.0, 20, 0.999, 0.0, 400, 0.0, family=1).verdict == CONTRADICTED
    # rounding .0005 alone: z = .001/.0005 = 2 > 1.96
    assert sampling(1.0, 20, 0.999, 0.0, 400, 0.0005, family=1).verdict == CONTRADICTED
    assert sampling(1.0, 20, 0.9991, 0.0, 400, 0.0005, family=1).verdict == REPRODUCED


def test_sampling_rejects_a_true_family_one_time_in_twenty():
    rng = np.random.default_rng(1)
    family, trials = 20, 600
    rejected = 0
    for _ in range(trials):
        printed = rng.normal(0, 1, (family, 30)).mean(axis=1)
        ours = rng.normal(0, 1, (family, 400))
        verdicts = [
            sampling(y, 30, x.mean(), x.std(ddof=1), 400, 0.0, family=family).verdict
            for y, x in zip(printed, ours, strict=True)
        ]
        rejected += CONTRADICTED in verdicts
    # Bonferroni: at most .05; standard error .009, three of them
    assert 0.02 < rejected / trials < 0.05 + 0.027


@pytest.mark.parametrize("seed", range(20))
def test_sampling_laws(seed):
    rng = np.random.default_rng(seed)
    y, m, s, n = rng.uniform(), rng.uniform(), rng.uniform(0.01, 1.0), int(rng.integers(1, 400))
    base = sampling(y, 20, m, s, n, 0.0005, family=4).verdict
    assert sampling(m, 20, y, s, n, 0.0005, family=4).verdict == base
    assert sampling(-y, 20, -m, s, n, 0.0005, family=4).verdict == base
    if base == REPRODUCED:
        assert sampling(y, 20, m, s, n, 0.05, family=4).verdict == REPRODUCED
        assert sampling(y, 20, m, s, n, 0.0005, family=400).verdict == REPRODUCED
        assert sampling(y, 10, m, s, n, 0.0005, family=4).verdict == REPRODUCED


@pytest.mark.parametrize("bad", [{"printed_n": 0}, {"n": 0}, {"family": 0}, {"sd": -0.1}])
def test_sampling_refuses(bad):
    given = {"printed": 0.5, "printed_n": 20, "mean": 0.5, "sd": 0.1, "n": 20, "rounding": 0.0, "family": 1}
    with pytest.raises(ValueError, match="expected counts"):
        sampling(**given | bad)


def test_equal():
    assert equal(1.7, 1.74999, 0.05).verdict == REPRODUCED
    assert equal(1.7, 1.76, 0.05).verdict == CONTRADICTED
    assert equal(12.0, 12.0, 0.0).verdict == REPRODUCED
    assert equal(0.3, 0.1 + 0.2, 0.0).verdict == REPRODUCED  # the last bit is no contradiction


# Differences .1, .2, .3: mean .2, s = .1, half-width 4.303 * .1 / sqrt(3) = .2484: [-.048, .448], leans only.
# Differences .1, .12, .14: mean .12, s = .02, half-width .0497: [.070, .170], holds.
def test_greater_by_hand():
    base = runs("b", 0.5, 0.6, 0.7)
    wide, tight = runs("a", 0.6, 0.8, 1.0), runs("c", 0.6, 0.72, 0.84)
    values = {v.id: v for v in (base, wide, tight)}
    leaning = greater([("a", "b")], values)
    assert (leaning.verdict, leaning.ours) == (DIRECTION, pytest.approx(0.2))
    assert (leaning.low, leaning.high) == (pytest.approx(-0.0484, abs=1e-3), pytest.approx(0.4484, abs=1e-3))
    assert greater([("c", "b")], values).verdict == REPRODUCED
    assert greater([("c", "b")], values, margin=0.06).verdict == REPRODUCED
    assert greater([("c", "b")], values, margin=0.08).verdict == DIRECTION
    assert greater([("c", "b")], values, margin=0.13).verdict == CONTRADICTED
    both = greater([("c", "b"), ("a", "b")], values)
    assert both.verdict == DIRECTION
    assert "1 of 2 pairs hold" in both.note
    assert "a - b" in both.note
    assert "c - b" not in both.note
    assert greater([("c", "b"), ("a", "b")], values, share=0.5).verdict == REPRODUCED


def test_greater_is_paired_by_run():
    # the seed moves both by .5, the difference is always .01 +- .001: paired it holds, unpaired it would not
    a, b = runs("a", 0.011, 0.509, 1.01), runs("b", 0.0, 0.5, 1.0)
    assert greater([("a", "b")], {"a": a, "b": b}).verdict == REPRODUCED
    mean, low, _ = difference(a, b, paired=False)
    assert mean == pytest.approx(0.01)
    assert low < 0


def test_greater_welch_by_hand():
    # a: 1, 3 (s^2/n = 2/2 = 1, 1 df); b: 0 exactly. Half-width t_{1,.975} * 1 = 12.706
    _, low, high = difference(runs("a", 1.0, 3.0), exact("b", 0.0))
    assert (low, high) == (pytest.approx(2 - 12.706, abs=1e-3), pytest.approx(2 + 12.706, abs=1e-3))
    # two runs 1, 3 against three 0, 2, 4: s^2/n = 1 and 4/3; df = (7/3)^2 / (1/1 + (16/9)/2) = 2.882
    mean, low, high = difference(runs("a", 1.0, 3.0), runs("b", 0.0, 2.0, 4.0))
    assert mean == 0
    assert -low == high == pytest.approx(math.sqrt(7 / 3) * 3.258, rel=1e-3)  # t_{2.882,.975} = 3.258


def test_greater_of_deterministic_values_needs_no_runs():
    values = {"a": exact("a", 2.0), "b": exact("b", 1.0)}
    assert greater([("a", "b")], values).verdict == REPRODUCED
    assert (
        greater([("a", "b")], values, margin=1.0).verdict == CONTRADICTED
    )  # more than the margin, not as much


@pytest.mark.parametrize("seed", range(20))
def test_greater_laws(seed):
    rng = np.random.default_rng(seed)
    a, b = (
        runs(name, *rng.normal(mean, 0.1, 4)) for name, mean in (("a", rng.uniform()), ("b", rng.uniform()))
    )
    values = {"a": a, "b": b}
    there, back = (greater(pair, values).verdict for pair in ([("a", "b")], [("b", "a")]))
    if there == REPRODUCED:
        assert back == CONTRADICTED  # swapping a pair that holds contradicts it
    assert CONTRADICTED in (there, back)  # never both
    order = VERDICTS.index
    assert order(greater([("a", "b")], values, margin=0.1).verdict) >= order(there)  # asking more never helps
    pairs = [("a", "b"), ("b", "a")]
    assert order(greater(pairs, values, share=0.5).verdict) <= order(
        greater(pairs, values, share=1.0).verdict
    )


def test_within():
    speed = runs("speed", 500.0, 520.0, 540.0)  # interval here: 520 +- 40
    assert within([speed], 480, None).verdict == REPRODUCED
    assert within([speed], 481, None).verdict == DIRECTION
    assert within([speed], 521, None).verdict == CONTRADICTED
    assert within([speed], None, 560).verdict == REPRODUCED
    assert within([speed], 480, 559).verdict == DIRECTION
    assert within([exact("k", 9.0)], 9, 9).verdict == REPRODUCED
    assert within([exact("k", 9.0), exact("l", 10.0)], 9, 9).verdict == CONTRADICTED
    assert "at least 480" in within([speed], 480, None).note
