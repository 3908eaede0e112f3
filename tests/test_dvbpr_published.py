"""What the printed numbers of DVBPR say by themselves: by hand, against loops, and from the committed tables."""

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likeness.report.audit import audit_claims
from likeness.report.claims import load_paper
from likeness.studies.dvbpr import published, published_designs
from likeness.studies.dvbpr.published import METHODS, ROUNDING
from likeness.studies.dvbpr.published_values import recomputed

ROOM = Path(__file__).parents[1] / "paper_runs" / "dvbpr"


def printed(name):
    return pd.read_csv(ROOM / "printed" / f"{name}.csv")


@pytest.fixture(scope="module")
def tables():
    return {"table2": printed("table2"), "table3": printed("table3"), "table4": printed("table4"),
            "log": printed("auc_log")}  # fmt: skip


@pytest.fixture(scope="module")
def values(tables):
    found = recomputed(**tables)
    assert len({one.id for one in found}) == len(found)
    return {one.id: one for one in found}


def row3(**auc):
    """One row of Table III, every method at .5 but those named."""
    whole = {"dataset": "x", "setting": "all"} | dict.fromkeys(METHODS, 0.5) | auc
    return pd.DataFrame([whole | {"h_vs_d_percent": 0.0, "h_vs_best_percent": 0.0}])


# ---- Table III ------------------------------------------------------------------------------------------------------


def test_improvement_by_hand():
    # .6 / .5 = 1.2; .55 / .55 = 1; .65 / .45 = 13 / 9
    assert published.improvement(0.6, 0.5, 0.05) == pytest.approx((20.0, 0.0, 400 / 9))


@pytest.mark.parametrize("a, b", [(0.7964, 0.6278), (0.6923, 0.6863), (0.7793, 0.7730)])
def test_no_pair_of_unrounded_scores_leaves_the_interval(a, b):
    shifts = np.linspace(-ROUNDING, ROUNDING, 5)
    found = [100 * ((a + s) / (b + t) - 1) for s, t in itertools.product(shifts, shifts)]
    # 1e-9: the grid has both ends, and a quotient of doubles is good for fifteen digits
    assert (min(found), max(found)) == pytest.approx(published.improvement(a, b)[1:], abs=1e-9)


@pytest.mark.parametrize("bad", [(0.0, 0.5), (0.5, 0.0), (math.nan, 0.5), (math.inf, 0.5), (0.5, 4e-5)])
def test_improvement_refuses(bad):
    with pytest.raises(ValueError, match="above the rounding"):
        published.improvement(*bad)


def test_all_printed_improvements_follow_from_their_rows(tables):
    found = published.improvements(tables["table3"])
    assert len(found) == 16
    assert found.holds.all()
    assert (found.value - found.printed).abs().max() <= 0.05
    # .7964 / .7479 = 1.06485, .7793 / .7730 = 1.00815: the second best of Tradesy is FM, not VBPR
    best = found[found.column == "h_vs_best_percent"]
    assert best.value.to_list()[::7] == pytest.approx([6.485, 0.815], abs=5e-4)


@pytest.mark.parametrize("percent, holds", [(20.0, True), (20.1, False), (19.9, False), (20.06, True)])
def test_a_wrong_improvement_does_not_hold(percent, holds):
    # .6 / .5: 20 %, and the AUCs' rounding moves it by .022: printed within .072 it may be so
    table = row3(dvbpr=0.6).assign(h_vs_d_percent=percent)
    assert published.improvements(table).set_index("column").holds["h_vs_d_percent"] == holds


def test_means_of_the_text(tables):
    found = published.mean_improvements(tables["table3"]).set_index("setting")
    # by hand from the eight quotients: (6.4848 + 6.9623 + 4.5281 + 2.5450) / 4, (5.4516 + 3.6601 + .8743 + .8150) / 4
    assert found.value.to_list() == pytest.approx([5.13005, 2.70025], abs=1e-4)
    assert found.of_percents.to_list() == pytest.approx([5.125, 2.725])
    # 5.13 is possible; 2.73 +- .005 lies outside of what any unrounded AUCs could give
    assert found.low["all"] <= 5.135 and found.high["all"] >= 5.125
    assert found.high["cold"] < 2.725


def test_leads_against_a_loop(tables):
    found = published.leads(tables["table3"]).set_index(["dataset", "setting", "first", "second"])
    assert len(found) == 8 * 5
    for row in tables["table3"].to_dict("records"):
        key = (row["dataset"], row["setting"])
        ranked = sorted(((row[m], m) for m in METHODS), reverse=True)
        assert ranked[0][1] == "dvbpr"
        assert found.value[(*key, "dvbpr", "best-rival")] == ranked[0][0] - ranked[1][0]
        unaware = [(auc, m) for auc, m in ranked if m in published.UNAWARE]
        assert found.value[(*key, "visrank", "best-unaware")] == row["visrank"] - unaware[0][0]
        assert (found.value[(*key, "bpr-mf", "other-unaware")] > 0) == (unaware[0][1] == "bpr-mf")
    assert np.allclose(found.high - found.low, 2e-4)


def test_where_the_table_contradicts_its_text(values):
    leads = {id: one for id, one in values.items() if id.startswith("printed/lead/")}
    beaten = {id.split("/", 2)[2] for id, one in leads.items() if one.high < 0}
    assert beaten == {
        "amazon-women/all/visrank/best-unaware",  # .6512 against BPR-MF's .6543
        "tradesy/all/bpr-mf/other-unaware",  # .5860 against WARP's .6176
        "amazon-women/all/worse-mf/poprank",  # WARP's .5998 against .6192
    }


# ---- Table II and the AUC -------------------------------------------------------------------------------------------


def test_densities_by_hand():
    table = pd.DataFrame({"dataset": ["x"], "users": [10], "items": [50], "interactions": [120]})
    found = published.densities(table).to_dict("records")[0]
    assert found == {"dataset": "x", "observations": 2.4, "training": 2.0, "actions": 12.0}


def test_observations_of_the_paper(tables):
    found = published.densities(tables["table2"])
    assert found.observations.between(2, 3).all()
    assert found.training.between(1, 2).all()


@pytest.mark.parametrize("n, batch, epoch", [(267_635, 128, 19), (100, 7, 1), (12, 12, 3), (1_000, 64, 5)])
def test_trained_actions_by_the_loop_of_the_code(n, batch, epoch):
    done, step = 0, 1
    while True:  # the published loop: a checkpoint at the first step at which one more epoch is full
        if step * batch // n > done:
            done += 1
            if done == epoch:
                break
        step += 1
    low, high = published.trained_actions(step, batch, epoch)
    assert low <= n <= high
    for m in (low - 1, high + 1):
        assert not step * batch // m >= epoch > (step - 1) * batch // m
    with pytest.raises(ValueError, match="1 or more"):
        published.trained_actions(0, batch, epoch)


def test_released_file(tables, values):
    # 39727 * 128 / 19 = 267634.5..., 39728 * 128 / 19 = 267641.3; and 2 * 45184
    assert published.trained_actions(39_728, 128, 19) == (267_635, 267_641)
    assert published.released() == (358_006, 358_003, 358_009)
    # what is released is seven tenths of Table II in each of its three numbers, to two hundredths
    row = tables["table2"].iloc[0]
    parts = published.RELEASED_USERS / row.users, published.RELEASED_ITEMS / row["items"], 358_006 / row.interactions
    assert parts == pytest.approx((0.70, 0.70, 0.70), abs=0.01)


def test_the_gan_saw_the_released_items(values):
    step, batch = published.GAN_CHECKPOINT
    per_epoch = published.RELEASED_ITEMS // batch
    # the code saves at steps that are 2 modulo 500: the last before the end of 30 epochs
    assert step % 500 == 2 and step <= 30 * per_epoch < step + 500
    assert values["printed/gan-epochs/released"].value == pytest.approx(29.978, abs=5e-4)
    assert values["printed/gan-epochs/table2"].value == pytest.approx(21.219, abs=5e-4)
    with pytest.raises(ValueError, match="a batch of 16"):
        published.gan_epochs(15)


@pytest.mark.parametrize("rivals", [1, 2, 5])
def test_a_random_order_by_every_order(rivals):
    beaten = [order.index(0) / rivals for order in itertools.permutations(range(rivals + 1))]
    assert published.random_auc(rivals) == pytest.approx(np.mean(beaten))


def test_random_auc_refuses():
    with pytest.raises(ValueError, match="one at least"):
        published.random_auc(0)


def test_auc_error_and_its_bound():
    assert published.auc_error(64_583, 0.25) == pytest.approx(0.25 / 254.13186, rel=1e-6)
    rng = np.random.default_rng(0)
    for _ in range(20):
        auc = rng.beta(*rng.uniform(0.1, 3, 2), size=50)
        assert auc.std() <= published.largest_auc_sd(auc.mean()) + 1e-12
    two = np.repeat([0.0, 1.0], [1, 4])
    assert two.std() == pytest.approx(published.largest_auc_sd(0.8))


@pytest.mark.parametrize("call", [(0, 0.3), (10, -0.1), (10, 0.6), (10, math.nan)])
def test_auc_error_refuses(call):
    with pytest.raises(ValueError, match="expected one user"):
        published.auc_error(*call)


@pytest.mark.parametrize("auc", [-0.1, 1.1, math.nan])
def test_largest_sd_refuses(auc):
    with pytest.raises(ValueError, match="expected 0 to 1"):
        published.largest_auc_sd(auc)


def test_leads_in_standard_errors(tables):
    found = published.auc_errors(tables["table2"], tables["table3"], [0.3]).set_index(["dataset", "setting"])
    men = found.loc[("amazon-men", "cold")]
    # .0060 over .3 sqrt(2 / 34244) = .0022926; 2 (1.96 * .3 / .0060)^2 = 19208
    assert men.z == pytest.approx(0.0060 / 0.0022926, rel=1e-3)
    assert men.needed == 19_208
    assert (found.z > published.Z).all()


# ---- the published log ----------------------------------------------------------------------------------------------


def test_the_log_chooses_by_validation():
    log = pd.DataFrame({"epoch": [1, 2, 3], "test_auc": [0.9, 0.7, 0.8], "validation_auc": [math.nan, 0.8, 0.7]})
    table = row3(dvbpr=0.65).assign(dataset="amazon-fashion")
    found = published.log_choice(log, table)
    assert found[:3] == (2, 0.7, 0.65)
    assert found.difference == pytest.approx((0.05, 0.0499, 0.0501))
    with pytest.raises(ValueError, match="one epoch at least"):
        published.log_choice(log.assign(validation_auc=math.nan), table)


def test_the_log_is_not_the_run_of_table_3(tables, values):
    found = published.log_choice(tables["log"], tables["table3"])
    assert found[:3] == (14, 0.8011, 0.7964)
    # .3 sqrt(1 / 64583 + 1 / 45184); were every user's AUC 0 or 1 (sd .403), sampling could just explain it
    error = values["printed/log/error/0.3"].value
    assert error == pytest.approx(0.3 * math.sqrt(1 / 64_583 + 1 / 45_184))
    assert found.difference.low > published.Z * error
    assert found.difference.high < published.Z * values["printed/log/error/largest"].value


# ---- Table IV -------------------------------------------------------------------------------------------------------


def test_gaps_of_table_4_by_hand(tables):
    found = published_designs.table4_gaps(tables["table4"]).set_index(["first", "second", "column"])
    assert len(found) == 6 * 3
    taste = found.loc[("designed", "retrieved", "preference")]
    # .4884 over sqrt((4.1^2 + 3.2^2) / 1000) = sqrt(.02705)
    assert taste.z == pytest.approx(0.4884 / math.sqrt(0.02705))
    assert math.isnan(taste.ratio)
    quality = found.loc[("designed", "retrieved", "quality")]
    assert (quality.value, quality.ratio) == pytest.approx((0.0032, 7.6524 / 7.6492))
    assert quality.error == pytest.approx(math.sqrt((0.24**2 + 0.27**2) / 10))
    assert (quality.low, quality.high) == pytest.approx((0.0032 - 1.96 * quality.error, 0.0032 + 1.96 * quality.error))


def test_what_table_4_can_tell(values):
    assert values["printed/gap4/designed/retrieved/preference"].low > 0
    assert values["printed/gap4/designed/retrieved/diversity"].high < 0
    for same in ("designed/retrieved/quality", "generated/real/preference", "generated/real/diversity"):
        one = values[f"printed/gap4/{same}"]
        assert one.low < 0 < one.high


def test_more_trials_less_error(tables):
    few, many = (published_designs.table4_gaps(tables["table4"], trials=n).set_index("column") for n in (10, 1000))
    assert np.allclose(few.error["diversity"], 10 * many.error["diversity"])
    assert np.allclose(few.error["quality"], many.error["quality"])
    with pytest.raises(ValueError, match="two of each"):
        published_designs.table4_gaps(tables["table4"], trials=1)


def test_the_gain_depends_on_where_zero_is(tables):
    printed_gain, counted = published_designs.gain(tables["table4"])
    assert printed_gain.value == pytest.approx(100 * 0.4884 / 7.1876)
    assert counted.value == pytest.approx(100 * 0.4884 / (7.1876 + 1.9547))
    shifted = tables["table4"].assign(preference=tables["table4"].preference + 5)
    moved, same = published_designs.gain(shifted)
    assert moved.value < printed_gain.value - 1
    assert same == pytest.approx(counted)


def test_real_photographs_against_real_ones(tables):
    # (7.6492 - 6.8685) / (6.8685 - 6.8121)
    assert published_designs.real_against_real(tables["table4"]) == pytest.approx(0.7807 / 0.0564)


def inception(p):
    """exp of the mean divergence of p (n, classes) from its own mean; 0 log 0 = 0."""
    q = p.mean(axis=0)
    return math.exp(np.mean([sum(a * math.log(a / b) for a, b in zip(row, q, strict=True) if a > 0) for row in p]))


@pytest.mark.parametrize("images, classes", [(3, 5), (5, 3), (4, 4)])
def test_no_inception_score_above_the_largest(images, classes):
    most = published_designs.largest_inception_score(classes, images)
    rng = np.random.default_rng(images)
    assert all(inception(rng.dirichlet(np.full(classes, 0.1), images)) <= most for _ in range(200))
    if images <= classes:
        assert inception(np.eye(images, classes)) == pytest.approx(most)
    else:
        assert inception(np.eye(classes)) == pytest.approx(most)
    with pytest.raises(ValueError, match="one of each"):
        published_designs.largest_inception_score(0, images)


# ---- the room -------------------------------------------------------------------------------------------------------


def test_every_printed_number_is_judged():
    paper = load_paper(ROOM / "paper.yaml")
    assert audit_claims(paper, []) == []
    # 15 + 8 x 10 + 4 x 6 + 19 + 6 cells, and three numbers of the text
    assert sum(len(claim.printed) for claim in paper.claims) == 15 + 80 + 24 + 25 + 3


def test_claims_of_the_printed_numbers_alone_are_decided(values):
    """An id that claims or errata take from the printed tables is one that is recomputed."""
    paper = load_paper(ROOM / "paper.yaml")
    asked = {name for claim in paper.claims for name in claim.uses if name.startswith("printed/")}
    asked |= {name for erratum in paper.errata for name in erratum.evidence if name.startswith("printed/")}
    for id in ("table3-rand", "table3-improvements", "mean-improvements", "designed-gain"):
        asked |= {number.id for number in paper.claim(id).printed}
    assert asked and asked <= values.keys()
