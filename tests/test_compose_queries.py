"""Queries of the compose chapter: parts, texts that lead to their targets, seeds, bad input, and chance."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from compose_shops import SIDE, houses, official, small
from likeness.data.registry import VARIABLE
from likeness.data.wardrobe.garments import ATTRIBUTES
from likeness.data.wardrobe.modifications import GROUPS, TEMPLATES, changes, differences
from likeness.data.wardrobe.studio import studio
from likeness.studies.compose import draws, shop_queries, tasks, wardrobe_queries
from likeness.studies.compose.queries import WAYS, Asked, Goods, Task, here, load, sizes
from likeness.studies.compose.tasks import TEST, TRAIN, VALID, numbered

SEED, GARMENTS = 4, 600


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", "off")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small task of every kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wardrobe_queries, "drawn", blank)
        root = official(tmp_path_factory.mktemp("data") / "fashion200k")
        return {
            "wardrobe": load("wardrobe", seed=SEED, garments=GARMENTS, train=300, test=80, side=SIDE),
            "wardrobe-changes": load("wardrobe-changes", seed=SEED, garments=GARMENTS, train=150, test=60, side=SIDE),
            "fashion_small": shop_queries.fashion_small(small(), SEED, 200, 60, SIDE),
            "hm": shop_queries.hm(houses(), SEED, 100, 30, SIDE),
            "fashion200k": shop_queries.fashion200k(root, SEED, 200, 60, SIDE),
        }


def blank(seed, numbers, side, jobs):
    """In place of drawings, which take their time."""
    return np.zeros((len(numbers), 3, side, side), np.uint8)


def each(task):
    return zip((TRAIN, VALID, TEST), (task.train, task.valid, task.test), strict=True)


@pytest.mark.parametrize("name", WAYS)
def test_no_query_crosses_parts_and_no_product_is_in_two(made, name):
    task = made[name]
    goods = task.goods
    for part, some in each(task):
        assert {*goods.part[some.source], *goods.part[some.target]} == {part}
        assert goods.rows(part).tolist() == [row for row in range(len(goods.part)) if goods.part[row] == part]
    parts = defaultdict(set)
    for product, part in zip(goods.product.tolist(), goods.part.tolist(), strict=True):
        parts[product].add(part)
    assert all(len(where) == 1 for where in parts.values())
    shares = np.bincount(goods.part) / len(goods.part)
    if name != "fashion200k":  # whose test part is official
        np.testing.assert_allclose(shares, tasks.PARTS, atol=0.02)


@pytest.mark.parametrize("name", WAYS)
def test_the_target_is_another_caption_and_each_pair_is_asked_once(made, name):
    task = made[name]
    for _, some in each(task):
        captions = task.goods.captions
        assert len(set(zip(some.source.tolist(), some.target.tolist(), strict=True))) == len(some) > 0
        for source, target, full, change in zip(some.source, some.target, some.full, some.change, strict=True):
            assert captions[source] != captions[target] == full != change


@pytest.mark.parametrize("name", [name for name in WAYS if name != "wardrobe-changes"])
def test_the_change_applied_to_the_sources_caption_gives_the_targets(made, name):
    """ "replace A with B": where A stands once, B in its place; where A stands twice, in one of the places."""
    task = made[name]
    for _, some in each(task):
        for source, full, change in zip(some.source, some.full, some.change, strict=True):
            gone, come = change.removeprefix("replace ").split(" with ")
            words, away, back = (f" {one} " for one in (task.goods.captions[source], gone, come))
            places = [k for k in range(len(words)) if words.startswith(away, k)]
            assert full in {(words[:k] + back + words[k + len(away) :]).strip() for k in places}


def test_the_instruction_applied_to_the_source_gives_the_target(made):
    task, garments = made["wardrobe-changes"], wardrobe_queries.seen(SEED, GARMENTS)
    for _, some in each(task):
        for source, target, full, change in zip(some.source, some.target, some.full, some.change, strict=True):
            (group,) = differences(garments[source], garments[target])
            values = {name: getattr(garments[target], name) for name in group}
            after = replace(garments[source], **values)
            assert " ".join(getattr(after, name) for name in ATTRIBUTES if getattr(after, name)) == full
            assert any(change.startswith(t.split("{}")[0]) and change.endswith(t.split("{}")[1]) for t in TEMPLATES)
            if values.get("pattern") != "solid":
                new = [v for name, v in values.items() if v and v != getattr(garments[source], name)]
                assert all(value in change for value in new)


def test_the_change_alone_does_not_say_the_target(made):
    """Several sources' captions share a change, and their targets' captions differ."""
    for name in ("wardrobe", "wardrobe-changes", "fashion_small"):
        some = made[name].train
        wanted, asked_of = defaultdict(set), defaultdict(set)
        for source, full, change in zip(some.source, some.full, some.change, strict=True):
            wanted[change].add(full)
            asked_of[change].add(made[name].goods.captions[source])
        assert max(len(one) for one in wanted.values()) > 4
        several = sum(some.change.count(change) for change in wanted if len(wanted[change]) > 1) / len(some)
        assert several > 0.4  # of 150 to 300 queries; of more, most
        assert all(
            len(asked_of[change]) >= len(wanted[change]) for change in wanted
        )  # source and change say the target
        assert sizes(made[name])["guess"] < 1


def test_the_source_and_the_change_do(made):
    """Within the captions' own words, so the picture of the source is what is missing, and all that is."""
    for name in ("wardrobe", "wardrobe-changes", "fashion_small", "hm"):
        target = defaultdict(set)
        for _, some in each(made[name]):
            for source, full, change in zip(some.source, some.full, some.change, strict=True):
                target[made[name].goods.captions[source], change].add(full)
        assert {len(one) for one in target.values()} == {1}


@pytest.mark.parametrize("name", WAYS[:2])
def test_equal_seeds_give_equal_queries_and_fewer_are_the_first_of_more(monkeypatch, made, name):
    monkeypatch.setattr(wardrobe_queries, "drawn", blank)
    again, fewer, other = (
        load(name, seed=seed, garments=GARMENTS, train=train, test=50, side=SIDE)
        for seed, train in ((SEED, 150), (SEED, 40), (SEED + 1, 150))
    )
    most = min(50, len(made[name].test))  # of 150 garments the pairs that differ in one group are few
    for one, length in ((again.train, 150), (fewer.train, 40), (fewer.test, most)):
        whole = made[name].test if one is fewer.test else made[name].train
        assert len(one) == length
        np.testing.assert_array_equal(one.source, whole.source[:length])
        np.testing.assert_array_equal(one.target, whole.target[:length])
        assert (one.full, one.change) == (whole.full[:length], whole.change[:length])
    assert again.train.change != other.train.change
    assert len({again.about, fewer.about, other.about}) == 3 and again.goods.about == fewer.goods.about


def test_wardrobe_by_hand():
    found = load("wardrobe", seed=SEED, garments=150, train=5, test=2, side=SIDE, jobs=1)
    garments = wardrobe_queries.seen(SEED, 150)
    for row in range(0, 150, 10):
        one = garments[row]
        np.testing.assert_array_equal(found.goods.photos[row].transpose(1, 2, 0), studio(SEED, one, SIDE))
        words = (one.gender, one.colour, one.pattern, one.sleeve, one.kind)
        assert found.goods.captions[row] == " ".join(word for word in words if word)
    assert found.goods.chip == "generated" and found.goods.photos.flags.c_contiguous
    assert found.goods.classes["gender"] == 2  # of girls and boys fewer than 20
    assert set(found.goods.labels) == set(found.goods.classes) <= {"gender", "colour", "pattern", "sleeve", "kind"}
    assert {one.gender for one in wardrobe_queries.seen(SEED, 300) if one.category == "hats"} == {""}


def test_no_gender_of_hats_is_what_pictures_show():
    hats = [one for one in wardrobe_queries.catalogue(SEED, 300) if one.kind in ("cap", "sun hat")]
    for one in hats[:5]:
        men, women = (studio(SEED, replace(one, gender=gender), 32) for gender in ("men", "women"))
        np.testing.assert_array_equal(men, women)


def test_changes_are_those_of_the_wardrobe(made):
    """Every pair that `changes` finds can be drawn, and no other."""
    garments, rows = wardrobe_queries.seen(SEED, GARMENTS), made["wardrobe-changes"].goods.rows(TEST)
    listed = draws.GroupQueries(garments, rows, SEED)
    could = {(s, t) for s, some in listed._partners.items() for partners in some for t in partners}
    found = {(rows[one.source], rows[one.target]): one.text for one in changes(SEED, [garments[r] for r in rows], 30)}
    assert could >= set(found)
    for source, target in could:
        assert len(differences(garments[source], garments[target])) == 1
    naive = {(s, t) for s in rows for t in rows if len(differences(garments[s], garments[t])) == 1}
    assert could == naive and len(naive) > 10
    groups = {differences(garments[s], garments[t])[0] for s, t in could}
    assert groups <= set(GROUPS) and len(groups) > 2


def test_attributes_by_hand():
    said = [("men", "navy blue", "shoes", "casual"), ("men", "black", "shoes", "casual"), ("men", "black", "shoes", ""),
            ("women", "black", "shoes", "casual"), ("men", "black", "shoes", "casual"),
            ("men", "red", "hat", "")]  # fmt: skip
    listed = draws.AttributeQueries(said, np.arange(6))
    assert listed.modifiable.tolist() == [0, 1, 3, 4]  # no usage is nobody's sibling by usage; two attributes are two
    rng = np.random.default_rng(0)
    drawn = Counter(listed.target(1, rng) for _ in range(400))
    assert set(drawn) == {0, 3}
    assert abs(drawn[0] - 200) < 40  # of two parents each as often, 4 standard deviations
    assert {listed.target(0, rng) for _ in range(40)} == {1, 4}
    assert listed.change(0, 1) == "replace navy blue with black"
    assert listed.change(1, 3) == "replace men with women"
    assert draws.AttributeQueries(said, np.array([0, 3, 1])).modifiable.tolist() == [0, 3, 1]
    with pytest.raises(ValueError, match="2 captions: expected two at least that differ in one attribute"):
        draws.AttributeQueries(said, np.array([1, 5]))


def test_colours_by_hand():
    said = [("black", "solid", "top"), ("red", "solid", "top"), ("red", "solid", "top"), ("blue", "lace", "top"),
            ("red", "solid", "top")]  # fmt: skip
    listed = draws.ColourQueries(np.array([7, 7, 7, 7, 8]), said, np.arange(5))
    assert listed.modifiable.tolist() == [0, 1, 2]
    rng = np.random.default_rng(0)
    assert {listed.target(0, rng) for _ in range(40)} == {1, 2} and listed.target(1, rng) == 0
    assert listed.change(0, 2) == "replace black with red"
    with pytest.raises(ValueError, match="2 photographs: expected one product at least in two colours"):
        draws.ColourQueries(np.array([7, 7, 7, 7, 8]), said, np.array([0, 4]))


def test_labels():
    part = np.array([TRAIN] * 70 + [VALID] * 10 + [TEST] * 30)
    said = ["red"] * 30 + ["blue"] * 25 + [""] * 15 + ["red", "blue"] * 5 + ["green"] * 30
    labels, classes = numbered({"colour": said, "rare": ["x"] * 60 + ["y"] * 50}, part)
    assert classes == {"colour": 2}  # of the other task one class alone has 20 in training
    assert Counter(labels["colour"].tolist()) == {1: 35, 0: 30, -1: 45}


def toy(captions=("red top", "blue top") * 3, **other):
    n = len(captions)
    about = {"name": "toy", "about": "toy", "chip": "generated", "photos": np.zeros((n, 3, 4, 4), np.uint8),
             "captions": captions, "part": np.repeat([0, 1, 2], n // 3), "product": np.arange(n)}  # fmt: skip
    return Goods(**about | other)


def ask_toy(goods, source, target, part):
    return Asked(np.array([source]), np.array([target]), (goods.captions[target],), ("replace red with blue",))


BAD_GOODS = {
    "empty caption": ({"captions": ("red top", " \t") * 3}, r"toy, row 1: caption ' \\t' says nothing"),
    "part": ({"part": np.array([0, 0, 1, 1, 1, 1])}, r"parts \[0 1\]: expected a photograph in each"),
    "parts of floats": ({"part": np.array([0, 0, 1, 1, 2, 2.0])}, r"part \(6,\) float64: expected \(N,\) int64"),
    "product": ({"product": np.array([0, 1, 1, 2, 3, 4])}, "toy, row 2: product 1 is in two parts"),
    "photos": ({"photos": np.zeros((6, 4, 4, 3), np.uint8)}, r"photos \(6, 4, 4, 3\) uint8: expected"),
    "labels": ({"labels": {"a": np.full(6, 2)}, "classes": {"a": 2}}, "toy, row 0: a 2: expected -1 to 1"),
    "classes": ({"labels": {"a": np.zeros(6, np.int64)}}, r"labels \['a'\] and classes \[\] differ"),
}


@pytest.mark.parametrize("name", BAD_GOODS)
def test_goods_that_do_not_fit_are_refused(name):
    changed, message = BAD_GOODS[name]
    with pytest.raises(ValueError, match=message):
        toy(**changed)


def test_queries_that_do_not_fit_are_refused():
    goods = toy()
    good = [ask_toy(goods, 2 * part, 2 * part + 1, part) for part in range(3)]
    assert len(Task(goods, *good).test) == 1
    for source, target, message in (
        (4, 9, "toy, part 2, query 0: target 9 is no photograph of the part"), (4, 1, "target 1 is no photograph"),
        (-1, 5, "source -1 is no photograph"), (4, 4, "'red top' -> 'red top', .* expected another caption"),
    ):  # fmt: skip
        bad = Asked(np.array([source]), np.array([target]), ("blue top",), ("x",))
        with pytest.raises(ValueError, match=message):
            Task(goods, *good[:2], bad)
    for wrong in (replace(good[2], full=("red top",)), replace(good[2], change=(" ",))):
        with pytest.raises(ValueError, match="expected another caption"):
            Task(goods, *good[:2], wrong)
    for wrong in (replace(good[2], full=()), Asked(*(np.empty(0, np.int64),) * 2, (), ())):
        with pytest.raises(ValueError, match="expected as many of each, and one at least"):
            Task(goods, *good[:2], wrong)


def test_sizes_by_hand():
    """Three of five test photographs, the source among the others, have the target's caption: 1 - 1/4 in the first."""
    captions = ("a x", "b x", "a x", "c x", "a x", "b x", "b x", "b x", "c x")
    goods = toy(captions, part=np.array([0, 0, 1, 1, 2, 2, 2, 2, 2]))
    one = [Asked(np.array(s), np.array(t), tuple(captions[k] for k in t), ("to b",) * len(t)) for s, t in
           (([0], [1]), ([2], [3]), ([4, 4], [5, 8]))]  # fmt: skip
    found = sizes(Task(goods, *one), 1)
    assert found["chance"] == pytest.approx((3 / 4 + 1 / 4) / 2)
    assert (found["shared mean"], found["shared max"], found["unseen"], found["guess"]) == (2.0, 3, 0.5, 0.5)
    assert (found["captions"], found["captions of the gallery"], found["test photographs"]) == (3, 3, 5)
    with pytest.raises(ValueError, match="k = 0"):
        sizes(Task(goods, *one), 0)


def test_what_is_not_there(monkeypatch, tmp_path):
    sized = {"seed": 0, "garments": 9, "train": 2, "test": 2}
    monkeypatch.delenv(VARIABLE, raising=False)
    assert here() == ("wardrobe", "wardrobe-changes")
    with pytest.raises(FileNotFoundError, match=f"fashion200k: {VARIABLE} is not set; get labels"):
        load("fashion200k", **sized)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert here(("hm", "wardrobe", "fashion200k")) == ("wardrobe",)
    for name, missing in (("hm", "articles_v2.tsv"), ("fashion_small", "styles.csv"), ("fashion200k", "labels")):
        with pytest.raises(FileNotFoundError, match=missing):
            load(name, **sized)
    official(tmp_path / "fashion200k")
    assert here(("hm", "fashion200k")) == ("fashion200k",)
    assert len(load("fashion200k", **sized, side=SIDE).test) == 2
    for wrong in (lambda: load("shirts", **sized), lambda: here(("shirts",))):
        with pytest.raises(ValueError, match="data set 'shirts': expected one of wardrobe, wardrobe-changes"):
            wrong()


def test_too_few(monkeypatch):
    monkeypatch.setattr(wardrobe_queries, "drawn", blank)
    for changed, message in (({"garments": 0}, "0 garments"), ({"garments": 2}, "leave part . of .* empty"),
                             ({"train": 0}, "0 queries"), ({"test": -1}, "-1 queries"),
                             ({"garments": 12}, "captions: expected two at least that differ")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            load("wardrobe", **{"seed": 0, "garments": 300, "train": 5, "test": 5, "side": SIDE} | changed)
    few = load("wardrobe-changes", seed=0, garments=400, train=10**4, test=10**4, side=SIDE)
    assert 10 < len(few.train) < 10**4 and len(few.test) < 10**4  # as many as there are
