"""Sets of people in one form: whose photographs they are, what is left out, what the truth is, what features see."""

import io
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from likeness.data.registry import SOURCES, VARIABLE
from likeness.data.splits import Actions, actions, random_split
from likeness.data.wardrobe.garments import GENDERS, KINDS, catalogue, stream
from likeness.data.wardrobe.purchases import shop
from likeness.data.wardrobe.shoppers import Habits, look, open_world, parts
from likeness.data.wardrobe.studio import studio
from likeness.metrics.auc import auc_each
from likeness.models.photo_encoder import vector_features
from likeness.studies.dvbpr import features, people, reader
from likeness.studies.dvbpr.people import ACTIVITY, CATEGORIES, GARMENTS, SPREAD, UNKNOWN
from shelf import Shelf, photo_file
from test_dvbpr_files import parts as dvbpr_parts
from test_dvbpr_files import saved

SEED, USERS, GOODS, SIDE = 3, 40, 500, 16


@pytest.fixture(scope="module")
def made():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_CACHE", "off")
        yield people.wardrobe(SEED, USERS, GOODS, SIDE, jobs=1)


@pytest.fixture(scope="module")
def others():
    """Photographs of garments of another seed, and the garments."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_CACHE", "off")
        return features.other_garments(SEED, 320, SIDE, jobs=1)


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", "off")


def test_items_are_what_somebody_bought_in_the_six_categories(made):
    n = made.actions.items
    assert made.photos.shape == (n, 3, SIDE, SIDE) and len(made.garments) == n < GOODS
    assert np.bincount(made.actions.user).min() >= 5
    for row in range(0, n, 7):
        one = made.garments[row]
        assert (one.gender, one.category) == CATEGORIES[made.categories[made.category[row]]]
        np.testing.assert_array_equal(made.photos[row].transpose(1, 2, 0), studio(SEED, one, SIDE))
    assert sum(len(made.members(name)) for name in made.categories) == n
    assert made.left_out == {"users": USERS - made.actions.users, "items": GOODS - n}


def test_the_world_is_that_of_the_actions(made):
    """Rows are compared with the whole world, by who bought what, counted anew."""
    offered = people.goods(SEED, GOODS)
    whole = open_world(SEED, offered, Habits(users=USERS, activity=ACTIVITY, activity_spread=SPREAD))
    bought = shop(whole)
    wishes = {u: {offered[i].number for i in bought.item[bought.user == u]} for u in range(USERS)}
    active = [u for u in range(USERS) if len(wishes[u]) >= 5]
    assert len(active) == made.actions.users < USERS
    for row, u in enumerate(active):
        has = made.actions.item[made.actions.user == row]
        assert {made.garments[i].number for i in has} == wishes[u]
    np.testing.assert_array_equal(made.world.tastes, whole.tastes[active])
    np.testing.assert_array_equal(made.world.looks, look(made.garments))
    np.testing.assert_array_equal(made.world.gender, [list(GENDERS).index(g.gender) for g in made.garments])


def test_true_taste_is_the_mean_of_the_days(made):
    world = replace(made.world, habits=replace(made.world.habits, days=30))  # fewer days, the same formula
    users, items = np.array([0, 5]), np.array([1, 4, 9])
    days = [parts(world, users, items, np.full(2, day)) for day in range(30)]
    mean = np.mean([day["taste"] + day["gender"] for day in days], axis=0)
    np.testing.assert_allclose(people.true_taste(world, users, items), mean, rtol=0, atol=1e-12)
    everything = people.ceilings(world)
    apart = everything["with price"] - everything["taste and gender"]
    np.testing.assert_allclose(everything["taste and gender"][np.ix_(users, items)], mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(apart[np.ix_(users, items)], days[0]["price"], rtol=0, atol=1e-12)


def test_who_knows_the_taste_knows_the_purchases(made):
    split = random_split(made.actions, np.random.default_rng(0))
    reached = {
        name: np.nanmean(auc_each(scores, split.test, split.taken()))
        for name, scores in people.ceilings(made.world).items()
    }
    assert reached["taste and gender"] > max(reached["taste"], reached["gender"]) > 0.55
    others = np.roll(people.ceilings(made.world)["taste"], 1, axis=0)
    assert np.nanmean(auc_each(others, split.test, split.taken())) < reached["taste"] - 0.05


def test_standing_counts_what_a_loop_counts():
    rng = np.random.default_rng(1)
    a = actions(rng.integers(0, 12, 200), rng.integers(0, 30, 200) ** 2 // 30, np.zeros(200, int))
    found = people.standing(a, 7, 2)
    popularity, cold, unseen = [], [], []
    for number in range(2):
        split = random_split(a, stream(7, "standing", number))
        for u in range(a.users):
            own = set(a.item[a.user == u].tolist())
            count = [sum((split.train[:, 1] == i).tolist()) for i in range(a.items)]
            t = int(split.test[u])
            rest = [j for j in range(a.items) if j not in own]
            popularity.append(np.mean([(count[j] < count[t]) + 0.5 * (count[j] == count[t]) for j in rest]))
            cold.append(count[t] < 5)
            unseen.append(count[t] == 0)
    assert found["popularity"] == pytest.approx(np.mean(popularity))
    assert [found["cold"], found["unseen"]] == pytest.approx([np.mean(cold), np.mean(unseen)])
    assert found["an item"] == len(a.user) / a.items


def test_the_shoppers_stand_as_the_rule_says():
    """hm has .396, .912 and .428; the rule's cell, over two worlds, .395, .942 and .430."""
    made, _, _ = people.visits(0, 150, 150 * GARMENTS)
    found = people.standing(made, 0)
    assert found["popularity"] == pytest.approx(0.396, abs=0.06)  # 140 users: a standard error of .03
    assert found["cold"] == pytest.approx(0.93, abs=0.05)
    assert found["unseen"] == pytest.approx(0.43, abs=0.08)
    assert 10 <= found["a user"] <= 16


def test_refusals_of_the_wardrobe(made):
    with pytest.raises(ValueError, match="category 'hats' of wardrobe: expected one of women's tops"):
        made.members("hats")
    with pytest.raises(ValueError, match="category \"girls' tops\": expected one of women's tops"):
        people.gender_of("girls' tops")
    assert [people.gender_of(name) for name in CATEGORIES] == [0, 0, 0, 1, 1, 1]
    with pytest.raises(ValueError, match="0 garments"):
        people.goods(0, 0)
    with pytest.raises(ValueError, match=r"expected \(N, 3, s, s\) uint8"):
        replace(made, photos=made.photos[1:])
    with pytest.raises(ValueError, match="categories .* expected -1 to 5"):
        replace(made, category=np.full(made.actions.items, 6))
    child = next(one for one in catalogue(0, 200) if one.gender == "girls")
    with pytest.raises(ValueError, match="girls's .*expected one of women's tops"):
        people.category_of(child)


def plain(*colour):
    """A picture of one colour."""
    return photo_file(np.full((20, 10, 3), colour, np.uint8))


def test_hm_and_its_categories(monkeypatch):
    ids = [f"01{k:05d}001" for k in range(6)]
    other = ids[1][:7] + "009"  # the same product in another colour
    articles = pd.DataFrame({"article_id": [ids[0], other, ids[2]],
                             "product_group_name": pd.Categorical(["Shoes", "Bags", "Unknown"])})  # fmt: skip
    rows = [(u, ids[i], i != 5) for u in (8, 3) for i in (0, 1, 2, 3, 4, 5, 0)] + [(5, ids[0], True)]
    bought = pd.DataFrame(rows, columns=["user", "item", "photo"]).assign(date=pd.Timestamp("2020-01-01"))
    images = Shelf({key: plain(40 * k, 0, 0) for k, key in enumerate(ids[:5])})
    monkeypatch.setattr(people.hm_set, "load", lambda: SimpleNamespace(
        articles=articles, purchases=bought, images=images, purchases_without_photo=2))  # fmt: skip
    found = people.hm(8)
    assert (found.chip, found.actions.users, found.actions.item_ids.tolist()) == ("public", 2, ids[:5])
    assert found.left_out == {"users": 1, "items": 1, "purchases without a photograph": 2}
    names = [found.categories[k] if k != UNKNOWN else None for k in found.category]
    assert names == ["Shoes", "Bags", None, None, None]
    assert found.photos[:, 0, 0, 0].tolist() == [0, 40, 80, 120, 160] and found.world is None


def test_clothing(monkeypatch):
    ids = [f"p{k}" for k in range(8)]
    labels = pd.DataFrame({"image": ids, "sender_id": [9] * 7 + [1], "label": ["T-Shirt", "Pants"] * 4,
                           "photo": [True] * 6 + [False, True]})  # fmt: skip
    images = Shelf({key: plain(0, 30 * k, 0) for k, key in enumerate(ids)})
    monkeypatch.setattr(people.clothing_set, "load", lambda: SimpleNamespace(
        labels=labels, images=images, without_photo=1))  # fmt: skip
    found = people.clothing(4)
    assert found.actions.items == 6 and found.left_out == {"users": 1, "items": 1, "garments without a photograph": 1}
    assert [found.categories[k] for k in found.category] == ["T-Shirt", "Pants"] * 3
    assert found.photos[:, 1, 0, 0].tolist() == [0, 30, 60, 90, 120, 150]


def test_a_released_file_with_its_own_split(tmp_path):
    """User 0 trains on 2, 0 and 2 again, user 2 has no validation item."""
    path = saved(tmp_path, dvbpr_parts(lambda i: np.eye(6)[i]))
    found, split = people.amazon("amazon-fashion", 8, path)
    assert found.chip == "paper" and found.left_out == {"users": 1, "actions": 1, "items": 0}
    assert split.train.tolist() == [[0, 0], [0, 2], [1, 3]]
    assert (split.valid.tolist(), split.test.tolist()) == ([1, 0], [3, 2])
    assert len(found.actions.user) == 7 and found.category.tolist() == [0, 1, 2, 3]
    with Image.open(io.BytesIO(dvbpr_parts()[3][2][b"imgs"])) as picture:
        shown = np.asarray(picture.resize((8, 8), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(found.photos[2], shown.transpose(2, 0, 1))


def test_a_released_file_without_whom_nobody_can_test(tmp_path):
    value = dvbpr_parts()
    found, split = people.amazon("tradesy", 8, saved(tmp_path, value))
    assert (found.category == UNKNOWN).all() and found.categories == ()
    value[1] = {u: [] for u in range(3)}
    with pytest.raises(ValueError, match="3 users, none with items for training, validation and test"):
        people.amazon("tradesy", 8, saved(tmp_path, value))


def test_items_that_nobody_has_left_are_renumbered(tmp_path):
    value = dvbpr_parts()
    value[0][0], value[1][1], value[2][1] = value[0][0][1:2], [], []  # user 0 alone is left: 0, 1 and 3
    found, split = people.amazon("tradesy", 8, saved(tmp_path, value))
    assert found.actions.item_ids.tolist() == [0, 1, 3] and found.left_out["items"] == 1
    assert split.train.tolist() == [[0, 0]] and (split.valid.tolist(), split.test.tolist()) == ([1], [2])


def test_a_released_file_that_is_not_there(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="set 'amazon': expected one of amazon-fashion"):
        people.amazon("amazon", 8)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(FileNotFoundError, match="LIKENESS_DATA is not set; get dvbpr/AmazonFashion6ImgPartitioned.npy"):
        people.amazon("amazon-fashion", 8)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no such file"):
        people.amazon("amazon-men", 8)


def test_the_border_is_the_border_alone():
    photos = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32)).astype(np.uint8)
    inside, edge = photos.copy(), photos.copy()
    inside[:, :, 4:-4, 4:-4] = 0  # two pixels of sixteen are four of thirty-two
    edge[:, :, 0, 0] ^= 255
    found = features.border(photos)
    assert found.shape == (4, 342) and found.dtype == np.float32
    np.testing.assert_array_equal(features.border(inside), found)
    assert (features.border(edge) != found).any(axis=1).all()
    white = features.border(np.full((1, 3, 16, 16), 255, np.uint8))
    np.testing.assert_array_equal(white, [[1.0] * 339 + [0.0] * 3])
    with pytest.raises(ValueError, match="photographs of 8 pixels: expected 16 or more"):
        features.border(photos[:, :, :8, :8])


def test_resized():
    photos = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4) * 2
    means = photos.reshape(2, 3, 2, 2, 2, 2).mean(axis=(3, 5))
    np.testing.assert_allclose(features.resized(photos, 2), means, atol=0.5)
    np.testing.assert_array_equal(features.resized(photos, 8), photos.repeat(2, axis=2).repeat(2, axis=3))
    assert features.resized(photos, 4) is photos
    with pytest.raises(ValueError, match=r"expected \(N, 3, s, s\) uint8"):
        features.resized(photos.astype(float), 2)


def test_features_of_another_shop(made, others, monkeypatch):
    shown, some = others
    np.testing.assert_array_equal(shown[9].transpose(1, 2, 0), studio(SEED + features.OTHER, some[9], SIDE))
    asked = []
    monkeypatch.setattr(features, "other_garments", lambda *given: asked.append(given) or others)
    found = features.features(made, "other-shop", SEED, jobs=1, most=320, epochs=1)
    again = features.features(made, "other-shop", SEED, jobs=1, most=320, epochs=1)
    assert asked == [(SEED, 320, SIDE, 1)] * 2
    assert found.vectors.shape == (made.actions.items, 256) and found.vectors.dtype == np.float32
    np.testing.assert_array_equal(found.vectors, again.vectors)
    np.testing.assert_array_equal(found.vectors, vector_features(found.network(), made.photos))
    assert found.network().tasks == ("kind", "colour", "pattern", "gender")
    other = features.features(made, "other-shop", SEED + 1, jobs=1, most=320, epochs=1)
    assert found.about != other.about and np.abs(found.vectors - other.vectors).max() > 1e-3


def test_features_refuse(made):
    with pytest.raises(ValueError, match="source 'imagenet' for wardrobe: expected one of other-shop"):
        features.features(made, "imagenet", 0)
    with pytest.raises(ValueError, match="own-catalogue for hm alone"):
        features.features(made, "own-catalogue", 0)
    with pytest.raises(ValueError, match="shop 'zalando': expected one of fashion_small, hm, wardrobe"):
        features.learnt("zalando", 0, 10, 1)
    with pytest.raises(ValueError, match="features 'border': no network made them"):
        features.features(made, "border", 0).network()


SPELLED = {name: {getattr(one, name) for one in people.goods(1, 300)} for name in reader.READ}


def exact(garments):
    """A reader who is certain and right: probabilities 0 and 1 by the order of the pictures."""
    values = {name: tuple(sorted(of | {getattr(g, name) for g in garments})) for name, of in SPELLED.items()}

    class Right(reader.Reader):
        def probabilities(self, pictures):
            some = [garments[int(p.flat[0])] for p in pictures]
            return {name: np.array([[float(getattr(g, name) == v) for v in of] for g in some])
                    for name, of in values.items()}  # fmt: skip

    return Right(({}, {}), values, 16)


def numbered(n):
    """Pictures whose first pixel is their number."""
    return np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, 16, 16, 3))


def test_whoever_reads_rightly_sees_the_look_of_shoppers():
    garments = people.goods(5, 60)
    assert len({g.kind for g in garments}) > 8 and set(KINDS) > {g.kind for g in garments}
    right = exact(garments)
    np.testing.assert_allclose(right.looks(numbered(60)), look(garments), rtol=0, atol=1e-12)
    tastes = np.random.default_rng(0).normal(size=(7, look(garments).shape[1]))
    found = reader.agreement(right, numbered(60), garments, tastes)
    assert list(found) == ["taste", "within", *reader.READ]
    assert all(value == pytest.approx(1.0) for value in found.values())
    wrong = reader.agreement(right, numbered(60)[::-1], garments, tastes)
    assert wrong["taste"] < 0.6 and wrong["colour"] < 0.6
    assert wrong["within"] < wrong["taste"] + 0.3


def test_within_takes_off_the_means_of_gender_and_category():
    rows = np.array([[1.0, 3.0, 10.0, 30.0, 20.0]])
    np.testing.assert_allclose(reader._less_means(rows, np.array([0, 0, 1, 1, 1])), [[-1.0, 1.0, -10.0, 10.0, 0.0]])


def test_a_small_reader_reads_colours(made, others, monkeypatch):
    monkeypatch.setattr(reader, "other_garments", lambda seed, most, side, jobs: tuple(x[:most] for x in others))
    read = reader.reader(SEED, 1, most=320, epochs=7, side=SIDE)
    some, pictures = made.garments, made.photos.transpose(0, 2, 3, 1)
    p = read.probabilities(pictures)
    for name, of in read.values.items():  # noqa: PD011  no frame
        assert p[name].shape == (len(some), len(of))
        np.testing.assert_allclose(p[name].sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(read.kinds(pictures), p["kind"])
    tastes = np.random.default_rng(0).normal(size=(20, look(some).shape[1]))
    found = reader.agreement(read, pictures, some, tastes)
    assert found["taste"] > 0.25 and found["colour"] > 0.4  # the commonest colour is a quarter of all
    large = pictures.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(read.looks(large), read.looks(pictures), atol=1e-6)
    with pytest.raises(ValueError, match=r"expected \(n, s, s, 3\)"):
        read.looks(pictures.transpose(0, 3, 1, 2))
    with pytest.raises(ValueError, match="photographs of .* garments: expected as many"):
        reader.agreement(read, pictures[1:], some, tastes)
    with pytest.raises(ValueError, match="1 photographs have one value of .*: expected two or more"):
        reader.reader(SEED, 1, most=1, epochs=1, side=SIDE)


def have(*names):
    root = Path(os.environ.get(VARIABLE) or "/nowhere")
    return all((root / path).is_file() for name in names for path in SOURCES[name].files)


@pytest.mark.skipif(not have("hm"), reason=f"{VARIABLE} holds no hm")
def test_the_real_people_of_hm(monkeypatch):
    monkeypatch.setattr(people, "_seen", lambda images, ids, side: np.zeros((len(ids), 3, side, side), np.uint8))
    found = people.hm(4)
    assert (found.actions.users, found.actions.items, len(found.actions.user)) == (887, 16_581, 26_353)
    assert (found.category != UNKNOWN).mean() == pytest.approx(0.42, abs=0.01)
    standing = people.standing(found.actions, 0)
    assert standing["popularity"] == pytest.approx(0.396, abs=0.025)  # its error over splits is .009 each
    assert standing["cold"] == pytest.approx(0.912, abs=0.02)
    assert standing["unseen"] == pytest.approx(0.428, abs=0.04)
    assert standing["a user"] == 17


@pytest.mark.skipif(not have("clothing"), reason=f"{VARIABLE} holds no clothing")
def test_the_real_contributors_of_clothing(monkeypatch):
    monkeypatch.setattr(people, "_seen", lambda images, ids, side: np.zeros((len(ids), 3, side, side), np.uint8))
    found = people.clothing(4)
    assert (found.actions.users, found.actions.items) == (154, 5_057)
    assert isinstance(found.actions, Actions) and "T-Shirt" in found.categories
