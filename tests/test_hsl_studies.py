"""The studies of the HSL chapter on a small world: what is trained on what, and how numbers are read off."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from likeness.data.wardrobe import garments
from likeness.data.wardrobe.language import query
from likeness.models.hsl.training import Schedule
from likeness.studies import figures
from likeness.studies.hsl import gaps, methods, pictures, race, runs, search, sets, trainings
from likeness.studies.hsl.parameters import Parameters

P = Parameters.resolve({"preset": "smoke", "train": 100, "test": 10})
SETTING = sets.Setting(P.seed, P.train, P.valid, P.test)


@pytest.fixture(scope="module")
def made():
    return sets.load(SETTING, jobs=1)


@pytest.fixture(scope="module")
def trained(made):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainings, "ROWS", ("vse0", "vse-pp", "hsl", "1/object", "2/object"))
        patch.setattr(trainings, "FURTHER", ("aggregate-max",))
        patch.setattr(trainings, "TABLE1", {name: methods.TABLE1[name] for name in ("vse0", "vse-pp", "hsl")})
        patch.setattr(trainings, "load", lambda setting, jobs: made)
        yield trainings.run_trainings(P)


def plan(name="hsl", **given):
    known = {"seed": 0, "width": 8, "objects": 4, "negatives": 1, "schedule": Schedule(2, 50, 1e-3), "device": "cpu"}
    return runs.Plan(SETTING, name, **{**known, **given})


def test_pictures_and_texts_belong_together(made):
    assert len(made.texts) == len(made.train.ends) == P.train
    assert made.texts[7] == query(P.seed, garments.garment(P.seed, 7)).text
    features, boxes = made.train.each()
    assert [len(one) for one in features] == [len(one) for one in boxes]
    again = sets.Seen.of([made.train, made.valid.seen])
    np.testing.assert_array_equal(again.each()[0][P.train], made.valid.seen.each()[0][0])


def test_no_garment_is_in_two_parts(made):
    valid, test = set(made.valid.numbers.ravel()), set(made.test.numbers.ravel())
    assert not valid & test and min(valid | test) >= sets.VALID_FIRST > P.train


def test_relevance_is_what_the_words_want(made):
    pools = made.test
    assert pools.relevant.shape == (2, 5, 30) and (pools.relevant.sum(axis=2) == 6).all()
    assert (pools.relevant.sum(axis=1) == 1).all()  # each picture answers one of the five
    shown = [garments.garment(P.seed, int(number)) for number in pools.numbers.ravel()]
    for row, key in enumerate(pools.keys):
        wanted = dict(pair.split(" ", 1) for pair in key.split("; "))
        found = [all(getattr(one, name) == value for name, value in wanted.items()) for one in shown]
        np.testing.assert_array_equal(pools.anywhere[row], found)
        block, within = divmod(row, 5)
        inside = np.array(found).reshape(2, 30)[block]
        np.testing.assert_array_equal(pools.relevant[block, within], inside)


def test_a_run_repeats_itself_and_its_seed_counts(made):
    one, same, other = (runs.one_run(made, plan(seed=seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.scores, same.scores)
    assert not np.array_equal(one.scores, other.scores)
    assert one.history.shape == (2, 2) and one.own.shape == (2, P.test) and one.losses.shape == (2,)


def test_the_epoch_is_chosen_on_the_held_out_queries(made):
    one = runs.one_run(made, plan(schedule=Schedule(4, 20, 3e-3)))
    assert one.epoch == 1 + int(one.history[:, 0].argmax())
    points = np.array([row.mean() for row in one.own])
    np.testing.assert_allclose(one.history[:, 1], points, atol=1e-6)  # own is float32
    kept = trainings.Trainings(made, {("hsl", 0): one}, {"hsl": 3e-3})
    assert kept.ndcg("hsl").mean() == pytest.approx(one.history[one.epoch - 1, 1])


def test_codes_say_what_the_similarities_say(made):
    one = runs.one_run(made, plan())
    np.testing.assert_allclose(one.codes.y @ one.codes.x.T, one.codes.exact, atol=1e-4)  # float32 sums
    block = one.codes.exact[:5, :30]
    np.testing.assert_allclose(block, one.scores[:5], atol=1e-4)
    assert runs.one_run(made, plan("vse0")).codes is None


def test_every_row_can_be_trained(made):
    for name in (*methods.TABLE1, *methods.TABLE2, *methods.DEPTHS, *methods.SWITCHES):
        found = runs.one_run(made, plan(name, schedule=Schedule(1, 50, 1e-3)))
        assert np.isfinite(found.scores).all() and found.scores.shape == (P.test, 30), name
    with pytest.raises(ValueError, match="expected one of vse0"):
        methods.method("vse1")


def test_switches_do_what_they_say():
    size = runs.sizes(8, 6, 20)
    wide = {name: one for name, one in methods.SWITCHES.items() if one.every_object}
    assert set(wide) == {"all-objects", "as-printed"}
    assert methods.SWITCHES["decay-literal"].decay == 0.1 and not methods.SWITCHES["no-ends"].ends
    as_printed = methods.SWITCHES["as-printed"].build(size, 1, 0).switches
    assert (as_printed.direction, as_printed.attention, as_printed.branch) == ("texts", "own", "plain")
    assert len(methods.DEPTHS["4-levels"].build(size, 1, 0).image_levels) == 4
    shallow = methods.DEPTHS["2-levels-shallow"].build(size, 1, 0)
    assert [len(one.layers) for one in shallow.image_levels] == [2, 1]


def test_tables_and_gaps(trained):
    table = trainings.table(trained, ["hsl", "vse0"])
    assert len(table) == 2 * P.seeds and table.value.between(0, 1).all()
    np.testing.assert_array_equal(trained.ndcg(trainings.WHOLE), trained.ndcg("hsl"))
    a, b = trained.both("hsl", "aggregate-max")
    assert a.shape == b.shape == (P.switch_seeds, P.test)
    assert gaps.best_of(trained, ("vse0", "vse-pp")) in ("vse0", "vse-pp")
    assert trainings.chance(trained) == pytest.approx(0.2)
    curve = trainings.curves(trained, ["hsl"])
    assert set(curve.k) == set(trainings.CUTS)
    assert list(trained.rates) == ["vse0", "vse-pp", "hsl"]
    assert trainings.summary(trained, ["hsl"])["nDCG@5"].item() == pytest.approx(trained.ndcg("hsl").mean())


def test_selection_is_never_negative_and_is_zero_for_one_epoch(trained):
    found = gaps.selection(trained)
    assert (found.value == 0).all()  # the smoke preset has one epoch
    one = next(iter(trained.outcomes.values()))
    many = trainings.Trainings(trained.sets, {("hsl", 0): runs.Outcome(
        np.array([[0.1, 0.5], [0.3, 0.2]]), 2, one.scores, one.own, 1, one.losses, None)}, {"hsl": 1.0})  # fmt: skip
    assert gaps.selection(many).value.tolist() == [pytest.approx(0.3)]


def test_search(trained):
    found = search.run_search(trained).pivot_table(index="way", columns="aggregate", values="value")
    assert found["mean"]["inner"] == pytest.approx(found["mean"]["exact"])
    assert found["mean"]["inner-then-30"] == pytest.approx(found["mean"]["exact"])
    assert search.largest_difference(trained) < 1e-3
    first, exact = np.array([[3.0, 2.0, 1.0, 0.0]]), np.array([[0.1, 0.9, 0.5, 0.8]])
    np.testing.assert_allclose(search._reranked(first, exact, 2), [[0.1, 0.9, -0.9, -0.9]])


def test_the_race_scores_the_same_pairs():
    small = Parameters.resolve({"preset": "smoke", "race_pictures": 100, "race_queries": 10})
    images, texts = race.codes(small)
    x, y = race.product_vectors(images, texts)
    assert race.pair(images, texts, 3, 2) == pytest.approx(float(x[3] @ y[2]), abs=1e-4)
    np.testing.assert_allclose(race.one_query(images, texts, 2).numpy(), x @ y[2], atol=1e-4)
    timed = race.run_scoring(small)
    wide = race.ratios(timed, "product").pivot_table(index="turn", columns="way", values="value")
    assert set(wide.columns) == {"pairs", "queries", "faiss"} and len(wide) == race.TURNS
    assert wide.pairs.median() > 1  # a loop over pairs is never faster; how much is in the chapter


def test_figures_draw(trained):
    rows = pd.DataFrame({"name": ["a", "b"], "value": [0.1, 0.2], "low": [0.0, 0.1], "high": [0.2, 0.3]})
    assert len(figures.gaps(rows, "difference").axes) == 1
    assert len(pictures.ranked(trained, P.seed).axes) == pictures.QUERIES * pictures.BEST
    assert pictures.cuts(trainings.curves(trained, ["hsl"]))
    assert pictures.learning(trainings.histories(trained), ["hsl"])
    plt.close("all")
