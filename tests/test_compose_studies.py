"""Studies of the ComposeTransformers chapter on a small wardrobe: laws that hold for whatever was learnt."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from likeness.metrics.hits import expected_printed, printed_precision
from likeness.studies.compose import (
    answers,
    asking,
    counts,
    curves,
    eyes,
    fits,
    galleries,
    pictures,
    rows,
    sets,
    table1,
    texts,
)
from likeness.studies.compose.parameters import Parameters
from likeness.studies.compose.rows import Row
from likeness.studies.compose.tasks import CUTS

SMALL = Parameters.resolve(
    {"preset": "smoke", "garments": 500, "side": 32, "patch": 8, "train": 96, "test": 40, "pretrain_epochs": 1}
)  # fmt: skip
CHOSEN = [Row(), Row("text"), Row("image"), Row("tirg"), Row("compose-ae"), Row("concatenation")]


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    """What an earlier run has kept would hide what this one breaks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def shop():
    known = sets.load_all(SMALL)
    return known, sets.look(SMALL, known)


@pytest.fixture(scope="module")
def table(shop):
    known, seen = shop
    both = [Row(one.composition, base) for base in rows.BASES for one in CHOSEN]
    return table1.run_table(SMALL, known["wardrobe"], seen["wardrobe"], both, 1, rows.kept("wardrobe"))


def test_an_outcome_obeys_the_laws_of_its_measures(table):
    for one in (found for row in table.rows() for found in table.of(row)):
        assert one.hit.shape == one.item.shape == (len(CUTS), 40)
        assert (np.diff(one.hit, axis=0) >= 0).all() and (np.diff(one.item, axis=0) >= 0).all()
        assert (one.item <= one.hit + 1e-12).all()  # the target has its own caption
        np.testing.assert_allclose(one.precision[0], one.hit[0])
        assert (one.precision <= one.hit + 1e-12).all() and (one.recall <= one.hit + 1e-12).all()
        assert one.epoch == one.valid.argmax() + 1
        np.testing.assert_allclose(one.tested[one.epoch - 1], one.hit, atol=1e-6)  # float32
        np.testing.assert_allclose(one.reveal[-1], one.hit[CUTS.index(10)], atol=1e-6)  # the whole text
        assert len(one.steps) == 2 * 3 and np.isfinite(one.steps.loss).all()


def test_who_does_not_see_it_is_not_moved_by_it(shop, table):
    """Another source changes nothing for the text alone, no text anything for the image alone."""
    known, seen = shop
    text, image = (table.of(Row(name))[0] for name in ("text", "image"))
    np.testing.assert_array_equal(text.hit, text.other_hit)
    assert (image.hit != image.other_hit).any()
    assert (image.reveal == image.reveal[0]).all() and (text.reveal != text.reveal[0]).any()
    plan = fits.Plan("here", Row("image", text="change"), fits.schedule(SMALL), 1, SMALL.seed, 0, "cpu")
    alone = fits.one_fit(known["wardrobe"], seen["wardrobe"], plan)
    np.testing.assert_array_equal(alone.hit, image.hit)  # so that one row stands for both texts
    assert rows.same(plan.row) == Row("image")


def test_another_source_is_that_of_another_query(monkeypatch, shop):
    known, seen = shop
    asked: list[np.ndarray] = []
    scores = fits.Part.scores

    def spy(self, model, eyes, *, source=None, texts=None):
        if source is not None:
            asked.append(source)
        return scores(self, model, eyes, source=source, texts=texts)

    monkeypatch.setattr(fits.Part, "scores", spy)
    own = known["wardrobe"].test.source
    plan = fits.Plan("x", Row("image"), fits.schedule(SMALL), 1, 0, 0, "cpu")
    fits.one_fit(known["wardrobe"], seen["wardrobe"], plan)
    assert sorted(asked[0]) == sorted(own)
    alike = pd.Series(own).value_counts().max()
    assert (asked[0] == own).sum() < alike  # one photograph may ask twice


def test_differences_are_those_of_the_means(table):
    mean = table1.means(table, 0).set_index(["composition", "base", "text", "measure", "k"])
    apart = table1.gaps(table, 0)
    assert len(apart) == 2 * 2 * (5 + 2 + 1 + 3)
    for line in apart[~apart.second.str.startswith("best")].itertuples():
        a, b = (mean.value[name, line.base, line.text, line.measure, 10] for name in (line.first, line.second))
        assert line.value == pytest.approx(a - b) and line.low <= line.value <= line.high
    assert set(mean.n) == {40}
    losses = table1.loss_gaps(table, 0).set_index(["composition", "measure"])
    assert losses.value["tirg", "hit"] == pytest.approx(
        mean.value["tirg", "softmax", "full", "hit", 10] - mean.value["tirg", "triplet", "full", "hit", 10]
    )
    assert table1.text_gaps(table, 0).empty  # one text was asked
    redundant = table1.redundancy(table, 0).set_index(["composition", "measure", "whose"]).value
    assert redundant["text", "hit", "gap"] == 0.0
    own, other = (redundant["image", "hit", whose] for whose in ("own", "other"))
    assert redundant["image", "hit", "gap"] == pytest.approx(own - other)


def test_the_best_rival_is_named_by_the_validation_queries(table):
    one = table.best(table1.RIVALS, Row())
    assert one.composition in table1.RIVALS
    assert table.validation(one) == max(table.validation(Row(name)) for name in table1.RIVALS)
    with pytest.raises(ValueError, match="not in the table of wardrobe"):
        table.of(Row(switch="sum"))


def test_the_printed_precision_is_of_the_order(table):
    found, hits = counts.printed(table, Row(), 200, 0), table.of(Row())[0].hit
    np.testing.assert_allclose(found.file, [printed_precision(one) for one in hits])
    np.testing.assert_allclose(found.square, hits.mean(axis=1) ** 2)
    assert ((found.low <= found["mean"]) & (found["mean"] <= found.high)).all()
    # The mean of 200 orders, half a deviation from its expectation at most: seven of its standard errors.
    expected = [expected_printed(rate, 40, order="shuffled") for rate in found.hit]
    assert (abs(found["mean"] - expected) <= (found.high - found.low) / 8 + 1e-12).all()
    assert (found.expected >= expected).all()  # of independent queries: more
    rises = counts.rises(table, Row(), 0).set_index(["measure", "step"])
    np.testing.assert_allclose(rises.value["precision"], np.diff(found.precision))
    np.testing.assert_allclose(rises.value["printed"], np.diff(found.file))
    apart = counts.differences(table, Row(), 0).set_index("name").value
    one = table.of(Row())[0]
    assert apart["hit-less-recall/50"] == pytest.approx((one.hit[2] - one.recall[2]).mean())
    assert apart["hit-less-item/10"] == pytest.approx((one.hit[1] - one.item[1]).mean())


def test_choosing_by_the_test_queries_never_costs(table):
    assert (table1.selection(table).value >= -1e-6).all()  # float32


def test_schedules_part_at_the_switch(shop):
    known, seen = shop
    traced = curves.run_curves(SMALL, known["wardrobe"], seen["wardrobe"])
    first = {name: runs[0] for name, runs in traced.items()}
    for one in first.values():
        np.testing.assert_array_equal(one.tested[:13], first["constant"].tested[:13])
    at = {name: one.steps[one.steps.epoch == 14] for name, one in first.items()}
    assert {name: (int(s.batch.max()), float(s.rate.iloc[0])) for name, s in at.items()} == {
        "switched": (16, 5e-6), "constant": (32, 5e-4 / 16), "small-batch": (16, 5e-4 / 16), "small-rate": (32, 5e-6),
    }  # fmt: skip
    rates = curves.rates(traced).set_index(["schedule", "epoch", "k"]).value
    gained = curves.gains(known["wardrobe"], traced, 0).set_index(["schedule", "k"]).value
    assert gained["switched", 10] == pytest.approx(rates["switched", 16, 10] - rates["switched", 13, 10], abs=1e-6)
    over = curves.switch_gains(known["wardrobe"], traced, 0).set_index(["against", "k"]).value
    assert over["constant", 50] == pytest.approx(rates["switched", 16, 50] - rates["constant", 16, 50], abs=1e-6)
    jumped = curves.jumps(traced).set_index(["schedule", "loss"]).value
    mean = first["switched"].steps.groupby("epoch").image.mean()
    assert jumped["switched", "image"] == pytest.approx(mean[14] - mean[13])
    pictures.losses(curves.losses(traced))
    plt.close("all")


def test_galleries_hold_the_target_and_grow(shop, table):
    known, seen = shop
    task = known["wardrobe"]
    for size in (30, 100, 500):
        listed = galleries._lists(task, size, np.random.default_rng(0))
        assert listed.shape == (40, size) and all(len(set(one)) == size for one in listed)
        assert (listed == task.test.target[:, None]).any(axis=1).all()
    found = galleries.run_galleries(SMALL, table, seen["wardrobe"], [Row("text")])
    mean = galleries.means(found)
    assert sorted(mean["size"].unique()) == [100, 300, 500]
    by_item = mean[(mean.measure == "item") & (mean.k == 10)].groupby("size").value.mean()
    assert by_item.is_monotonic_decreasing  # more photographs of the same model never help the very target
    value, low, high, n = galleries.gap(task, found, Row("text"), 0)
    hits = mean[(mean.measure == "hit") & (mean.k == 10) & (mean.gallery == 0)].set_index("size").value
    assert value == pytest.approx(hits[300] - hits[500]) and low <= value <= high and n == 40
    assert list(pictures.galleries(mean).axes[0].get_xticks()) == [100, 300, 500]
    touching = mean.assign(size=mean["size"].replace(300, 410))
    assert list(pictures.galleries(touching).axes[0].get_xticks()) == [100, 500]
    plt.close("all")


def test_indexes_find_what_cosines_find(monkeypatch, shop, table):
    known, seen = shop
    monkeypatch.setattr(answers, "TURNS", 1)
    model = galleries.restored(SMALL, table, seen["wardrobe"], Row())
    shelf = answers.open_shelf(known["wardrobe"], model, 500, 0)
    raced = answers.run_race(known["wardrobe"], model, shelf)
    wide = raced.pivot_table(index="way", columns="metric", values="value")
    assert wide.recall["faiss-flat"] == 1.0 and wide.recall["numpy"] > 0.99  # equal vectors may change places
    assert wide.bytes["fpq"] < wide.bytes["faiss-flat"] < wide.bytes["faiss-hnsw"]
    assert set(answers.ratios(raced).way) == set(wide.index) - {"faiss-flat"}
    kept = answers.kept(known["wardrobe"], seen["wardrobe"], model, shelf, 0).set_index("way")
    assert kept.value["faiss-flat"] == 1.0 and (kept.low <= kept.value).all() and (kept.value <= kept.high).all()
    seconds = answers.under_printed(raced, 10.0).value.iloc[0]
    assert seconds == pytest.approx(10_000 / wide.ms["query"])
    pictures.race(raced)
    plt.close("all")


def test_a_question_of_ones_own(tmp_path, shop):
    known, seen = shop
    name = "wardrobe-changes"
    task, chosen = known[name], rows.kept(name)
    made = table1.run_table(SMALL, task, seen[name], chosen, 1, chosen)
    mine = {"picture": str(tmp_path / "mine.png"), "sentence": "same but in zyx red"}
    own = Parameters.resolve(SMALL.asdict() | mine)
    Image.fromarray(np.full((40, 20, 3), 200, np.uint8)).save(own.picture)
    found = asking.ask(own, made, seen[name], chosen)
    assert [len(one.photographs) for one in found] == [asking.SHOWN] * 3
    assert not found[0].question.wanted and (np.diff(found[0].cosines) <= 0).all()
    assert asking.unknown_words(task, own.sentence) == ("zyx",)
    asked = asking.ask(SMALL, made, seen[name], chosen)
    assert asked[0].question.sentence in task.test.change and asked[0].question.wanted in task.test.full
    shown = asking.examples(SMALL, made, seen[name], chosen[0])
    wanted = [one.question.wanted for one in shown]
    assert len(set(wanted)) == asking.EXAMPLES and wanted[0] == task.goods.captions[task.test.target[0]]
    part = fits.Part(task, task.test, fits.TEST, chosen[0])
    scores = part.scores(galleries.restored(SMALL, made, seen[name], chosen[0]), seen[name])[0]
    scores[part.place[0]] = -2.0  # the own source is left out
    best = part.rows[np.argsort(-scores, kind="stable")[: asking.SHOWN]]
    assert shown[0].captions == tuple(task.goods.captions[at] for at in best)
    pictures.answers([*asked, *shown])
    plt.close("all")
    (tmp_path / "mine.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="mine.png"):
        asking.ask(own, made, seen[name], chosen)


def test_augmented_views_are_learnt_from_and_not_asked_with(shop):
    known, seen = shop
    task, row = known["wardrobe"], Row("tirg", switch="augmented")
    with pytest.raises(ValueError, match="with_views"):
        table1.run_table(SMALL, task, seen["wardrobe"], [row], 1)
    looked = eyes.with_views(SMALL, task, seen["wardrobe"])
    n, train = len(task.goods.photos), task.goods.rows(0)
    assert looked.views.shape == (eyes.VIEWS * n, *looked.tokens.shape[1:])
    assert not looked.views[task.goods.rows(2)].any() and looked.views[train].any()
    assert (looked.views[train] != looked.views[n + train]).any()
    made = table1.run_table(SMALL, task, looked, [row, Row("tirg")], 1)
    own = table1.run_table(SMALL, task, seen["wardrobe"], [Row("tirg")], 1)
    np.testing.assert_array_equal(made.of(Row("tirg"))[0].hit, own.of(Row("tirg"))[0].hit)
    assert (made.of(row)[0].steps.loss != own.of(Row("tirg"))[0].steps.loss).any()


def test_rows_are_all_there_and_each_once():
    assert len(rows.rows_of("wardrobe")) == 2 * 2 * 6 - 2  # the image alone once for both texts
    assert len(rows.rows_of("wardrobe-changes")) == 2 * 6
    for name in ("wardrobe", "wardrobe-changes"):
        assert len(set(rows.rows_of(name))) == len(rows.rows_of(name))
        assert set(rows.kept(name)) <= set(rows.rows_of(name))
        assert rows.switched(name)[0] in rows.rows_of(name)
    # The softmax of a length of 1 tells hardly anything apart, so all start with that of the elder papers.
    assert rows.first_scale(Row(base="softmax")) == 4.0 and rows.first_scale(Row()) is None
    assert rows.first_scale(Row(switch="scale-4")) == 4.0
    for name, switch in rows.SWITCHES.items():
        assert not name or switch != rows.Switch()


def test_texts_may_come_as_features_of_a_frozen_encoder(monkeypatch, shop):
    """As of all-MiniLM: read once before, nothing of the text encoder learns, and all is counted as else."""
    known, of_shop = shop
    read: list[tuple[str, ...]] = []

    class Frozen:
        h = 24

        def encode(self, some):
            read.append(tuple(some))
            words = [np.random.default_rng(sum(map(ord, one))).normal(size=self.h) for one in some]
            return np.array(words, np.float32)

    monkeypatch.setattr(texts, "MiniLM", Frozen)
    monkeypatch.setenv("LIKENESS_CACHE", "off")
    asked = Parameters.resolve(SMALL.asdict() | {"text": "minilm", "sentence": "in red"})
    taught = of_shop["wardrobe"].taught
    seen = eyes.open_eyes(asked, known["wardrobe"], taught)
    assert len(read) == 1 and len(set(read[0])) == len(read[0]) and {"", "in red"} <= set(read[0])
    made = table1.run_table(asked, known["wardrobe"], seen, [Row("tirg"), Row("text")], 1)
    own = table1.run_table(SMALL, known["wardrobe"], of_shop["wardrobe"], [Row("text")], 1)
    assert made.of(Row("text"))[0].learnt < own.of(Row("text"))[0].learnt
    assert (made.of(Row("tirg"))[0].reveal[-1] == made.of(Row("tirg"))[0].hit[1]).all()
    with pytest.raises(ValueError, match="'something else' among them"):
        seen.lexicon.encode(["something else"])


def test_what_torch_drew_before_changes_nothing(monkeypatch, shop):
    known, seen = shop
    monkeypatch.setenv("LIKENESS_CACHE", "off")
    torch.rand(7)
    again = eyes.teach(SMALL, {"wardrobe": known["wardrobe"].goods})["wardrobe"]
    for name, weights in seen["wardrobe"].taught.weights.items():
        np.testing.assert_array_equal(weights, again.weights[name])


def test_who_has_no_attributes_teaches_nobody(shop):
    dull = replace(shop[0]["wardrobe"].goods, labels={}, classes={})
    with pytest.raises(ValueError, match="some shop: no attributes"):
        eyes.teach(SMALL, {"some shop": dull})


def test_deit_sees_its_own_side():
    with pytest.raises(ValueError, match="side=224, not 64"):
        Parameters.resolve({"preset": "smoke", "image": "deit"})
    with pytest.raises(ValueError, match="patch 24"):
        Parameters.resolve({"preset": "smoke", "patch": 24})


def test_words_are_revealed_in_order_and_never_taken_back():
    said = ("women black striped long sleeve dress", "cap")
    kept = [texts.revealed(said, share, 0) for share in texts.REVEALED]
    assert kept[0] == ("", "") and kept[-1] == said
    for few, many in zip(kept, kept[1:], strict=False):
        for less, more in zip(few, many, strict=True):
            rest = iter(more.split())
            assert all(word in rest for word in less.split())  # a subsequence
