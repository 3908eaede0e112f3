"""The wardrobe's data card: its statistics by hand, its tasks in order, and a room that keeps to the rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likeness.data.wardrobe.garments import GENDERS, garment
from likeness.data.wardrobe.purchases import Interactions
from likeness.report.claims import load_paper
from likeness.studies.wardrobe import chapters, looks, pictures, real, recommending, statistics, tasks
from likeness.studies.wardrobe.parameters import Parameters

ROOM = Path(__file__).parents[1] / "paper_runs" / "wardrobe"
TINY = {"preset": "smoke", "texts": 200, "seeds": 2}


@pytest.fixture(scope="module")
def seen():
    return looks.look(0, [garment(0, n) for n in range(40)])


@pytest.fixture(scope="module")
def world():
    return tasks.one_world(1, 80, 15, 5, 8, 30)


def test_a_histogram_counts_what_is_inside():
    found = statistics.histogram("boxes", np.array([1, 1, 3, 9]), 3)
    assert found.value.tolist() == pytest.approx([2 / 3, 0, 1 / 3])
    assert found.bin.tolist() == ["1", "2", "3"]


def test_captions_by_hand():
    found = statistics.captions(["red cap", "red cap", "a b c d"]).set_index("bin").value
    assert found.to_dict() == pytest.approx({"distinct": 2 / 3, "images-a-caption": 1.5, "most": 2 / 3, "words": 8 / 3})


def test_total_variation_by_hand():
    ours = statistics.histogram("boxes", np.array([1, 1, 2]), 2).assign(source="wardrobe", seed=3)
    theirs = statistics.histogram("boxes", np.array([1, 2, 2]), 2).assign(source="printed")
    (row,) = statistics.distances(ours, theirs).to_dict("records")
    assert row == {"what": "boxes", "source": "printed", "seed": 3, "value": pytest.approx(1 / 3)}


def test_shares_by_rank_have_no_names():
    found = statistics.shares("kind", list("aabbbc"))
    assert found.value.tolist() == pytest.approx([3 / 6, 2 / 6, 1 / 6] + [0] * 7)


def test_a_set_that_is_not_there_says_so_and_fails_nothing(monkeypatch):
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    real.styles.cache_clear()
    assert [load() for load in (real.record_boxes, real.query_words, real.styles, real.purchases)] == [None] * 4
    p = Parameters.resolve(TINY)
    ours, theirs = statistics.run_texts(p), statistics.real_texts(p)
    assert set(theirs.source) == {"printed"}
    said = ours[ours.what == "captions"]
    table = statistics.beside(said, theirs[theirs.what == "captions"], row="bin", sets=statistics.CAPTIONED)
    assert set(table.fashion_small) == {real.ABSENT}
    assert not table.wardrobe.isin(["", real.ABSENT]).any()
    assert statistics.real_shops().empty


def test_printed_means_follow_from_the_counts():
    table = statistics.printed_shops().pivot_table(index="source", columns="number", values="value")
    assert set(table.index) == set(statistics.SHOPS) - {"wardrobe", "hm"}
    assert table.loc["amazon-fashion", "per-user-mean"] == pytest.approx(513_367 / 64_583)


def test_looks_are_of_the_garments_and_the_border_is_the_border(seen):
    assert seen.pixels.shape == (40, looks.SMALL**2 * 3)
    assert seen.border.shape == (40, 4 * (looks.SMALL - 1) * 3)
    square = seen.pixels[7].reshape(looks.SMALL, looks.SMALL, 3)
    want = np.concatenate([square[0], square[1:-1, [0, -1]].reshape(-1, 3), square[-1]])
    np.testing.assert_array_equal(seen.border[7].reshape(-1, 3), want)
    assert looks.nearest(seen.pixels, seen.pixels).tolist() == list(range(40))


def test_both_parts_of_a_split_have_every_value_and_nothing_twice(seen):
    train, test = tasks.split(0, seen, "gender")
    numbers = [one.number for part in (train, test) for one in part.garments]
    assert len(set(numbers)) == len(numbers)
    assert set(train.column("gender")) == set(test.column("gender")) <= set(GENDERS)


def test_a_probe_that_is_given_the_answer_finds_it(seen):
    answers = (seen.column("gender")[:, None] == np.array(list(GENDERS))).astype(np.float32)
    told = looks.Looks(seen.garments, answers, seen.border, 100 * answers, seen.boxes)
    scores = tasks.recognise(0, told, "gender").set_index("method").value
    assert scores.nearest == scores.probe == scores.ceiling == 1.0
    assert scores.chance == 1 / len(set(tasks.split(0, told, "gender")[1].column("gender")))


def test_every_world_is_itself_and_no_other(world):
    pd.testing.assert_frame_equal(world, tasks.one_world(1, 80, 15, 5, 8, 30))
    assert not world.value.equals(tasks.one_world(2, 80, 15, 5, 8, 30).value)
    assert world.value[world.task != "leak"].between(0, 1).all()


def test_ceilings_are_ceilings_and_the_prior_has_nothing(world):
    table = world[world.task != "leak"].pivot_table(index=["task", "about"], columns="method", values="value")
    for task, about in table.index:
        row = table.loc[(task, about)]
        top = row["ceiling-mood"] if task == "shop" else row["ceiling"]
        assert row.max() == top
    assert tasks.gaps(world).value.abs().max() < 1e-12
    assert table.loc[("query", "ndcg5"), "chance"] == pytest.approx(1 / 5)
    assert table.loc[("change", "hit10"), "ceiling"] == 1.0


def test_one_purchase_of_each_user_is_held_out_once():
    user = np.repeat([0, 1], [6, 3])
    item = np.array([0, 0, 1, 2, 3, 4, 0, 1, 2])
    bought = recommending.distinct(Interactions(user, item, np.arange(9)))
    assert len(bought) == 8
    (row,) = recommending.hold_out(0, bought)
    assert bought.user[row] == 0
    with pytest.raises(ValueError, match="more customers"):
        recommending.hold_out(0, Interactions(np.zeros(2, int), np.arange(2), np.arange(2)))


@pytest.mark.parametrize("name", pictures.VARIED)
def test_variants_differ_in_one_attribute(name):
    made = pictures.variants(pictures.starting(0, name), name)
    assert [getattr(one, name) for one in made] == list(pictures.VARIED[name])
    assert all((one.pattern == "solid") == (one.second == "") for one in made)
    assert len({one.number for one in made}) == 1


def test_the_room_names_values_that_a_run_has(world):
    paper = load_paper(ROOM / "paper.yaml")
    have = {f"{r.task}/{r.about}/{r.method}" for r in world.itertuples()}
    have |= {"gap/frequency", "distance/boxes/printed", "distance/words/queries"}
    assert {name for claim in paper.claims for name in claim.uses} <= have
    assert all(claim.where.startswith("ours") for claim in paper.claims)


def test_every_chapter_says_what_it_uses():
    table = chapters.table()
    assert table.index.tolist() == ["clustering", "fpq", "hsl", "dvbpr", "compose"]
    assert (table != "").all(axis=None)
