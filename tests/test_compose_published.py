"""What the printed numbers of ComposeTransformers say by themselves: by hand, against loops, and from the tables."""

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likeness.metrics.hits import expected_printed, printed_precision
from likeness.report.audit import audit_claims
from likeness.report.claims import load_paper
from likeness.report.judge import Measured, judge
from likeness.report.values import Value
from likeness.studies.compose import published
from likeness.studies.compose.published import QUERIES, Ranged
from likeness.studies.compose.published_values import recomputed, tables
from likeness.studies.compose.tasks import CUTS

ROOM = Path(__file__).parents[1] / "paper_runs" / "compose"


@pytest.fixture(scope="module")
def table1():
    return tables()["table1"]


@pytest.fixture(scope="module")
def values():
    found = recomputed(**tables())
    assert len({one.id for one in found}) == len(found)
    assert all(one.low is None or one.low <= one.value <= one.high for one in found)
    return {one.id: one for one in found}


@pytest.fixture(scope="module")
def paper():
    return load_paper(ROOM / "paper.yaml")


def line1(epoch="13", **cells):
    """One line of Table 1, every cell .500 (600 of 1,200) but those named."""
    whole = {f"{letter}@{k}": "0.500" for letter in "pr" for k in CUTS}
    return pd.DataFrame([{"epoch": epoch} | whole | {name.replace("_", "@"): cell for name, cell in cells.items()}])


# ---- rounding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, half", [("0.0017", 5e-5), ("0.26", 5e-3), ("0.260", 5e-4), ("665", 0.5), ("5e-4", 5e-5)]
)
def test_half_a_unit_of_the_last_digit(text, half):
    assert published.half_unit(text) == pytest.approx(half, rel=1e-12)
    assert published.ranged(text) == pytest.approx((float(text), float(text) - half, float(text) + half))


@pytest.mark.parametrize("text", ["", "one", "nan", "inf"])
def test_what_is_no_printed_number(text):
    with pytest.raises(ValueError, match="as printed"):
        published.half_unit(text)


@pytest.mark.parametrize("rate", ["0.043", "0.5", "0.50", "0", "1.000", "0.757"])
def test_hit_counts_are_those_that_round_to_the_rate(rate):
    half = published.half_unit(rate)
    # 1e-9 to either side: .0425 is as near to .042 as to .043, and doubles do not know it exactly
    expected = [h for h in range(QUERIES + 1) if abs(h / QUERIES - float(rate)) <= half + 1e-9]
    assert list(published.hit_counts(rate, QUERIES)) == expected


def test_the_headline_is_665_of_1200_and_agrees_with_the_table():
    assert published.hit_counts("55.42", QUERIES, unit=0.01) == (665,)
    assert 665 in published.hit_counts("0.554", QUERIES)
    with pytest.raises(ValueError, match="no number of hits"):
        published.hit_counts("55.45", QUERIES, unit=0.01)  # 665 gives 55.417, 666 gives 55.5


# ---- random orders --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("queries", [1, 2, 5, 7])
def test_moments_against_every_order(queries):
    for hits in range(queries + 1):
        marks = [True] * hits + [False] * (queries - hits)
        every = [printed_precision(np.array(order)) for order in itertools.permutations(marks)]
        # 1e-12: sums of a few thousand doubles below 1; the deviation is a root of a difference, hence 1e-7 at 0
        mean, sd = published.order_moments(hits, queries)
        assert mean == pytest.approx(np.mean(every), abs=1e-12)
        assert sd == pytest.approx(np.std(every), abs=1e-7)


@pytest.mark.parametrize("hits", [0, 1, 52, 665, 909, QUERIES])
def test_the_mean_is_that_of_the_closed_form(hits):
    mean, sd = published.order_moments(hits, QUERIES)
    assert mean == pytest.approx(expected_printed(hits / QUERIES, QUERIES, order="shuffled"), abs=1e-12)
    assert (sd < 1e-7) == (hits in (0, QUERIES))  # all hit or none: no order is another one


def test_moments_against_drawn_orders():
    rng, marks = np.random.default_rng(0), np.arange(QUERIES) < 271
    drawn = np.array([printed_precision(rng.permutation(marks)) for _ in range(2_000)])
    mean, sd = published.order_moments(271, QUERIES)
    # four standard errors: of a mean sd / sqrt(2000), of a standard deviation about sd / sqrt(4000)
    assert abs(drawn.mean() - mean) < 4 * sd / math.sqrt(2_000)
    assert abs(drawn.std() - sd) < 4 * sd / math.sqrt(4_000)


@pytest.mark.parametrize("hits, queries", [(-1, 3), (4, 3), (0, 0)])
def test_moments_refuse(hits, queries):
    with pytest.raises(ValueError, match="expected 0 to all"):
        published.order_moments(hits, queries)


def test_scores_by_hand():
    found = published.order_scores(line1(r_1="0.500", p_1="0.2500")).set_index("k").loc[1]
    mean, sd = published.order_moments(600, QUERIES)
    assert found["square"] == 0.25
    assert (found["expected"], found["sd"]) == (mean, sd)
    assert found["value"] == pytest.approx((0.25 - mean) / sd)
    assert found["low"] == pytest.approx((0.24995 - mean) / sd)
    assert found["high"] == pytest.approx((0.25005 - mean) / sd)


def test_the_interval_is_over_all_counts_of_hits():
    found = published.order_scores(line1(r_1="0.043", p_1="0.0017")).set_index("k").loc[1]
    both = [published.order_moments(h, QUERIES) for h in (51, 52)]
    assert found["low"] == pytest.approx(min((0.00165 - m) / s for m, s in both))
    assert found["high"] == pytest.approx(max((0.00175 - m) / s for m, s in both))
    assert found["value"] == pytest.approx((0.0017 - both[1][0]) / both[1][1])  # 51.6 is nearer to 52


def test_all_eight_pairs_are_a_square_in_random_order(table1):
    found = published.order_scores(table1).set_index(["epoch", "k"])
    assert len(found) == 8
    assert found.low.min() > -2.73
    assert found.high.max() < 2.73
    assert (found.expected - found.square).abs().max() < 0.002
    # what P@k is not: R@k itself, or its half, would be far away
    assert abs(0.554 - found.expected[16, 50]) / found.sd[16, 50] > 25


@pytest.mark.parametrize("printed, inside", [("0.316", True), ("0.34", False), ("0.554", False), ("0.28", False)])
def test_another_precision_would_be_told(printed, inside):
    found = published.order_scores(line1(r_50="0.554", p_50=printed)).set_index("k").loc[50]
    assert (found["low"] >= -2.73 and found["high"] <= 2.73) == inside


# ---- what no precision can be ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_precision_is_no_less_than_recall_or_hits_over_k(seed):
    rng = np.random.default_rng(seed)
    ranked = rng.random((40, 30)) < rng.random((40, 1))  # is the image at that rank relevant?
    ranked[:, -1] |= ~ranked.any(axis=1)  # at least one is
    for k in (1, 3, 10, 30):
        found = ranked[:, :k].sum(axis=1)
        hit, recall = (found > 0).mean(), (found / ranked.sum(axis=1)).mean()
        assert (found / k).mean() >= max(hit, recall) / k - 1e-12


def test_the_law_fails_at_one_in_both_epochs(table1):
    found = published.law_margins(table1).set_index(["epoch", "k"])
    assert found.index[found.high < 0].to_list() == [(13, 1), (16, 1)]
    assert found.value[13, 1] == pytest.approx(0.0017 - 0.043)
    # rounding: .00005 of P@1 and .0005 of R@1
    assert found.high[13, 1] == pytest.approx(0.0017 - 0.043 + 0.00055)


def test_later_ranks_by_hand(table1):
    # (100 x .58 - 50 x .316) / 50 = .844; rounding moves it by (100 x .005 + 50 x .0005) / 50 = .0105
    assert published.marginal(table1, 16) == pytest.approx((0.844, 0.8335, 0.8545))
    with pytest.raises(ValueError, match="Table 1 has 13, 16"):
        published.marginal(table1, 14)


# ---- differences ----------------------------------------------------------------------------------------------------


def test_gains_by_hand(table1):
    found = published.later_gains(table1).set_index("k")
    # .554 - .502; 1.96 sqrt(.554 .446 / 1200 + .502 .498 / 1200) = .03989; and twice .0005
    assert found.loc[50].to_list() == pytest.approx([0.052, 0.052 - 0.04089, 0.052 + 0.04089], abs=1e-5)
    assert (found.low > 0).to_dict() == {1: False, 10: False, 50: True, 100: True}
    assert (found.value > 0).all()


def test_less_than_the_original(table1):
    found = published.less_than_original(table1, tables()["related"]).set_index("k")
    assert found.value.to_list() == pytest.approx([0.226 - 0.553, 0.554 - 0.734])
    error = math.sqrt(0.226 * 0.774 / 1200 + 0.553 * 0.447 / 33_480)
    assert found.high[10] == pytest.approx(-0.327 + 1.96 * error + 0.001)
    assert (found.high < 0).all()


# ---- parameters, counts, settings -----------------------------------------------------------------------------------


def test_a_block_by_its_layers():
    d = 8
    layers = [d * 3 * d + 3 * d, d * d + d, d * 4 * d + 4 * d, 4 * d * d + d, 2 * d, 2 * d]
    assert published.block_parameters(d) == sum(layers)


def test_sums_of_the_printed_millions():
    table = pd.DataFrame({"part": ["total", "image", "text", "composition", "reconstruction", "trainable"],
                          "millions": ["10.0", "4.0", "5.0", "0.5", "0.4", "2.7"]})  # fmt: skip
    found = published.parameter_sums(table)
    assert found["rest"] == pytest.approx((0.1, -0.15, 0.35))  # five roundings of .05
    assert found["image"] == pytest.approx((1.8, 1.65, 1.95))
    assert found["blocks"] == pytest.approx(Ranged(*(1e6 * x / 1_774_464 for x in (1.8, 1.65, 1.95))))


def test_three_blocks_would_learn_and_not_one(values):
    assert values["printed/parameters/blocks"].low > 3
    assert abs(values["printed/parameters/rest"].value) < 0.205


def test_what_learns_in_the_release_is_counted_by_its_layers():
    from likeness.models.compose.composition import build

    d = published.WIDTH
    # 1,186,944: `build` has a factor of its own beside gamma, mu, rho and both reconstructions; the release has four
    module = sum(p.numel() for p in build("compose-transformers", d, d).parameters() if p.numel() > 1)
    blocks = published.block_parameters()
    attention = 4 * (d * d + d)
    everything = 12 * blocks + (768 * d + d) + d + 197 * d + 2 * d + (d * d + d)  # DeiT-S without classes, and the head
    assert everything == 21_813_504  # the printed 21.8 M
    assert published.learning_as_coded() == everything - 9 * blocks - attention + module + 4
    assert round(published.learning_as_coded() / 1e6, 2) == 6.44


def test_counts_by_hand(values):
    assert values["printed/images/missing"].value == 24_657 - 13_335 - 2_646 == 8_676
    assert values["printed/inference/products"].value == 24_657 * 384
    assert values["printed/images-a-caption/collected"].value == pytest.approx(3.1035, abs=5e-5)


@pytest.mark.parametrize("epoch, factor", [(1, 100), (3, 100), (4, 50), (13, 6.25), (15, 6.25)])
def test_the_switch_divides_the_rate(epoch, factor):
    assert published.rate_factor(epoch) == pytest.approx(factor)


# ---- the room -------------------------------------------------------------------------------------------------------


def test_every_printed_number_is_judged(paper):
    assert audit_claims(paper, []) == []
    # 16 + 6 + 6 + 23 + 3 + 8 cells, and three numbers of the text
    assert sum(len(claim.printed) for claim in paper.claims) == 16 + 6 + 6 + 23 + 3 + 8 + 3


def test_claims_of_the_printed_numbers_alone_are_decided(paper, values):
    """An id that claims or errata take from the printed tables is one that is recomputed; ours begin with a shop."""
    shops = ("wardrobe", "fashion_small", "hm")
    asked = {name for claim in paper.claims for name in claim.uses}
    asked |= {name for erratum in paper.errata for name in erratum.evidence}
    asked = {n for n in asked if n.startswith("printed/") and n.split("/")[1] not in shops}
    for id in ("headline", "abstract-images", "settings"):
        asked |= {number.id for number in paper.claim(id).printed}
    assert len(asked) > 40
    assert asked <= values.keys()


def test_their_verdicts(paper, values):
    def value(one):
        return Value(one.id, one.value, one.low, one.high, 1, one.unit, "paper", True, None, 0.0)

    run = Measured("smoke", {id: value(one) for id, one in values.items()})
    found = {}
    for claim in paper.claims:
        rows = {judge(claim, number, run).verdict for number in (claim.printed or (None,))}
        if rows != {"not testable here"}:
            found[claim.id] = rows
    assert found == {
        "headline": {"reproduced"},
        "abstract-images": {"contradicted"},
        "settings": {"reproduced", "contradicted"},
        "printed-square": {"reproduced"},
        "printed-precision": {"contradicted"},
        "printed-images": {"contradicted"},
        "printed-total": {"reproduced"},
        "printed-frozen": {"contradicted"},
        "printed-later-better": {"direction only"},
        "printed-original-better": {"reproduced"},
    }
    wrong = {n.id for n in paper.claim("settings").printed
             if judge(paper.claim("settings"), n, run).verdict == "contradicted"}  # fmt: skip
    assert wrong == {"settings/frozen-blocks", "settings/rotation-degrees", "settings/translation"}


def test_evidence_can_be_had_without_other_peoples_data(paper):
    """Errata and silences rest on the paper, on generated garments or on counts, which every preset has."""
    from likeness.report.claims import looks_like_id

    named = [e for erratum in paper.errata for e in erratum.evidence] + [s.effect for s in paper.silences]
    ids = [name for name in named if looks_like_id(name)]
    assert ids
    assert not [name for name in ids if "hm" in name.split("/") or "fashion_small" in name.split("/")]
