"""Texts, splits and pools of the real shops: what they hold, and that nothing but the text tells what is relevant."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likeness.data import fashion_small, hm
from likeness.data.registry import VARIABLE
from likeness.data.shop_pools import QUERIES, RELEVANT, Pool, hard_negatives, pools
from likeness.data.shop_texts import (
    COLUMNS,
    UNSAID,
    class_numbers,
    fashion_small_texts,
    first_sentence,
    hm_texts,
    split,
)

SIZE = QUERIES * RELEVANT
#: Rankings that do not look at the text.
BLIND = ("rarer first", "frequent first", "common key first", "rare key first", "common type first", "like the pool",
         "place", "small number first")  # fmt: skip


def rows(keys, each=7, names=None):
    """A frame of `each` products a key (gender, type, colour)."""
    keys = [key for key in keys for _ in range(each)]
    texts = [f"{names[i] if names else f'model {i}'} {' '.join(key)}" for i, key in enumerate(keys)]
    frame = pd.DataFrame({"id": [str(i) for i in range(len(keys))], "text": texts})
    frame["key"] = keys
    frame["type"], frame["colour"] = [key[1] for key in keys], [key[2] for key in keys]
    return frame.assign(group=frame["text"].str.lower())


@pytest.fixture(scope="module")
def shop():
    """A shop with long tails, where several products have one name."""
    rng = np.random.default_rng(5)
    n, tail = 4000, 1 / np.arange(1, 9)
    kinds, hues = (rng.choice(8, n, p=tail / tail.sum()) for _ in range(2))
    genders = rng.choice(["men", "women"], n)
    keys = [(str(g), f"type{k}", f"colour{h}") for g, k, h in zip(genders, kinds, hues, strict=True)]
    texts = [f"Brand{rng.integers(90)} {' '.join(key)}" for key in keys]
    frame = pd.DataFrame({"id": [f"p{i}" for i in range(n)], "text": texts})
    frame["key"] = keys
    frame["type"], frame["colour"] = [k[1] for k in keys], [k[2] for k in keys]
    return frame.assign(group=frame["text"].str.lower(), gender=genders)


@pytest.fixture(scope="module")
def part(shop):
    return split(shop, 1, (0.5, 0.5))[1]


@pytest.fixture(scope="module")
def made(part):
    return pools(3, part)


@pytest.fixture(scope="module")
def catalogue(shop):
    """Texts that products of other groups and keys share, some in another case, as H&M's descriptions."""
    rng = np.random.default_rng(6)
    texts = [f"Sentence {i}" if upper else f"sentence {i}" for i, upper in rng.integers([80, 2], size=(len(shop), 2))]
    return shop.assign(text=texts, group=[f"code {i}" for i in rng.integers(0, 1500, len(shop))])


def ndcg(pool, scores, k=5):
    """nDCG@k of the members by descending score, ties by chance."""
    noise = np.random.default_rng([abs(pool.lender), pool.block]).random(SIZE)
    order = np.lexsort([noise, -np.asarray(scores, float)])
    gains = [1 / np.log2(rank + 2) for rank in range(k)]
    return sum(g for g, i in zip(gains, order, strict=False) if pool.members[i] in pool.relevant) / sum(gains)


def blind_scores(frame, made):
    """Scores of the members of a pool by each of `BLIND`."""
    count = Counter(m for pool in made for m in pool.members)
    key, kind, colour = (frame[name].to_dict() for name in ("key", "type", "colour"))
    of_key, of_kind = Counter(key.values()), Counter(kind.values())

    def alike(pool):
        mine = [(kind[m], colour[m]) for m in pool.members]
        return [sum((k == a) + (c == b) for k, c in mine) for a, b in mine]

    return {
        "rarer first": lambda p: [-count[m] for m in p.members],
        "frequent first": lambda p: [count[m] for m in p.members],
        "common key first": lambda p: [of_key[key[m]] for m in p.members],
        "rare key first": lambda p: [-of_key[key[m]] for m in p.members],
        "common type first": lambda p: [of_kind[kind[m]] for m in p.members],
        "like the pool": alike,
        "place": lambda p: range(SIZE),
        "small number first": lambda p: [-m for m in p.members],
    }


def check_laws(frame, made):
    """What holds of all pools of a frame."""
    key, text, group = (frame[name].to_dict() for name in ("key", "text", "group"))
    assert len(made) % QUERIES == 0
    for start in range(0, len(made), QUERIES):
        block = made[start : start + QUERIES]
        assert {p.block for p in block} == {start // QUERIES}
        assert len({frozenset(p.members) for p in block}) == 1
        assert len({p.text.lower() for p in block}) == len({p.key for p in block}) == QUERIES
        assert frozenset.union(*(p.relevant for p in block)) == frozenset(block[0].members)
    for pool in made:
        assert len(set(pool.members)) == len(pool.members) == SIZE
        assert len(pool.relevant) == RELEVANT
        assert pool.relevant == {m for m in pool.members if key[m] == pool.key}
        assert pool.lender not in pool.members
        assert (pool.text, pool.key) == (text[pool.lender], key[pool.lender])
        assert group[pool.lender] not in {group[m] for m in pool.members}
        told = {m for m in pool.members if text[m].lower() == pool.text.lower()}
        assert told in (set(), pool.relevant)  # it names none of the pictures, or says no more than the key
    blocks = [set(p.members) for p in made[::QUERIES]]
    assert len(set.union(*blocks)) == len(blocks) * SIZE  # no product in two
    assert len({p.lender for p in made}) == len(made)
    hard = hard_negatives(frame, made)
    assert hard["any"].min() >= RELEVANT
    assert (hard["any"] <= hard["type"] + hard["colour"]).all()


def check_blind(frame, made):
    """Rankings without the text are as good as chance: without ties exactly."""
    for name, scores in blind_scores(frame, made).items():
        found = np.array([ndcg(pool, scores(pool)) for pool in made]).reshape(-1, QUERIES).mean(axis=1)
        error = max(found.std() / len(found) ** 0.5, 1e-9)
        assert abs(found.mean() - 1 / QUERIES) < 4 * error, name
    for k in (1, 5, 6):
        found = np.array([ndcg(pool, [-m for m in pool.members], k) for pool in made])
        np.testing.assert_allclose(found.reshape(-1, QUERIES).mean(axis=1), 1 / QUERIES, atol=1e-12)


def test_the_laws_of_the_design(part, made):
    assert len(made) > 200
    check_laws(part, made)


def test_the_laws_where_texts_are_shared(catalogue):
    for seed in range(3):
        made = pools(seed, catalogue)
        assert len(made) > 300
        check_laws(catalogue, made)
        check_blind(catalogue, made)


def test_members_are_in_random_order(made):
    """A stable sort of equal scores must not find the answers of any of the five."""
    first = np.array([[m in p.relevant for m in p.members[:RELEVANT]] for p in made]).mean(axis=1)
    of_place = first.reshape(-1, QUERIES).mean(axis=0)
    assert np.abs(of_place - 1 / QUERIES).max() < 0.1


def test_what_does_not_read_the_text_scores_as_chance_does(part, made):
    assert set(blind_scores(part, made)) == set(BLIND)
    check_blind(part, made)


def test_the_check_finds_the_leak_of_pools_around_one_key(shop):
    """6 relevant, 8 of the type, 8 of the colour, 8 others: what is most typical of its pool was asked for."""
    rng, leaky = np.random.default_rng(0), []
    for block in range(60):
        one = shop.iloc[int(rng.integers(len(shop)))]
        same, kind, hue = shop["key"] == one["key"], shop["type"] == one["type"], shop["colour"] == one["colour"]
        sorts = (same, kind & ~hue, hue & ~kind, ~kind & ~hue)
        if min(rows.sum() for rows in sorts) < 8:
            continue
        drawn = [shop.index[rows][rng.permutation(rows.sum())[:n]] for rows, n in zip(sorts, (6, 8, 8, 8), strict=True)]
        members = rng.permutation(np.concatenate(drawn)).tolist()
        leaky.append(Pool("", tuple(members), frozenset(drawn[0].tolist()), block, one["key"], block))
    assert len(leaky) > 30
    alike = blind_scores(shop, leaky)["like the pool"]
    assert np.mean([ndcg(pool, alike(pool)) for pool in leaky]) > 0.5


def test_reading_the_text_pays(part, made):
    key, kind = part["key"].to_dict(), part["type"].to_dict()
    right = [ndcg(p, [key[m] == p.key for m in p.members]) for p in made]
    half = [ndcg(p, [kind[m] == p.key[1] for m in p.members]) for p in made]
    assert min(right) == pytest.approx(1)
    assert 0.3 < np.mean(half) < 0.7


def test_hard_negatives_by_a_plain_loop_and_in_number(part, made):
    hard = hard_negatives(part, made)
    for row, pool in enumerate(made[:40]):
        kinds = colours = both = 0
        for m in set(pool.members) - pool.relevant:
            a, b = part["type"][m] == pool.key[1], part["colour"][m] == pool.key[2]
            kinds, colours, both = kinds + a, colours + b, both + (a or b)
        assert hard.loc[row].tolist() == [kinds, colours, both]
    crossed = (hard[["type", "colour"]] >= RELEVANT).all(axis=1).to_numpy().reshape(-1, QUERIES).sum(axis=1)
    assert (crossed[: len(crossed) // 2] >= 4).all()  # crossings come first
    assert hard["any"].mean() > 12


def test_the_same_pools_whatever_else_is_made(part, made):
    assert pools(3, part, 10) == made[:10]
    assert pools(4, part, 10) != made[:10]
    assert pools(3, part.reset_index(drop=True), 5)[0].text == made[0].text
    assert set(made[0].members) <= set(part.index)  # labels of the whole shop, not places in the part


CROSSING = [("men", a, b) for a in ("tee", "hat") for b in ("red", "blue")]
CHAIN = [("men", a, b) for a, b in (("A", "1"), ("A", "2"), ("B", "2"), ("B", "3"), ("C", "3"))]


def test_five_keys_of_seven_make_one_block():
    for fifth in (("women", "tee", "red"), ("men", "tee", "green"), ("men", "cap", "red")):
        frame = rows([*CROSSING, fifth])
        made = pools(0, frame)
        assert len(made) == QUERIES
        check_laws(frame, made)
        hard = hard_negatives(frame, made)
        assert (hard[["type", "colour"]].to_numpy() >= RELEVANT).all(axis=1).sum() >= 4
    with pytest.raises(ValueError, match="34 products give 0 pools, not one: give a larger part"):
        pools(0, frame.drop(index=0))


def test_without_a_crossing_keys_are_chained():
    frame = rows(CHAIN)
    made = pools(0, frame, 5)
    check_laws(frame, made)
    hard = hard_negatives(frame, made).assign(key=[p.key for p in made]).set_index("key")
    assert hard.loc[[CHAIN[1]]].to_numpy().tolist() == [[6, 6, 12]]
    assert hard.loc[[CHAIN[0]]].to_numpy().tolist() == [[6, 0, 6]]
    apart = rows([("men", f"t{i}", f"c{i}") for i in range(5)])
    with pytest.raises(ValueError, match="35 products give 0 pools"):
        pools(0, apart)


def test_a_key_without_a_text_of_its_own_name_is_given_up():
    """Where all seven products of a key have one name, beside another name of the key, that one is asked."""
    keys = [*CROSSING, ("men", "cap", "red")]
    names = ["same"] * 7 + [f"model {i}" for i in range(28)]
    frame = rows(keys, names=names)
    frame["key"] = frame["key"].astype(object)
    with pytest.raises(ValueError, match="0 pools"):
        pools(0, frame)  # the seventh product of the first key has the name of the six
    more = pd.concat([frame, rows(keys[:1], 1).assign(id="other")], ignore_index=True)
    made = pools(0, more)
    check_laws(more, made)
    assert next(p for p in made if p.key == keys[0]).text == "model 0 men tee red"


def test_the_key_that_fails_is_the_one_given_up():
    bad, good = ("women", "tee", "red"), ("men", "cap", "red")
    frame = rows([*CROSSING, bad, good])
    frame.loc[frame["key"] == bad, ["text", "group"]] = "one name"
    for seed in range(10):
        made = pools(seed, frame)
        check_laws(frame, made)
        assert {p.key for p in made} == {*CROSSING, good}


def test_a_text_that_says_the_key_alone_may_be_asked():
    frame = rows([*CROSSING, ("men", "cap", "red")])
    frame["text"] = [" ".join(key) for key in frame["key"]]  # the group stays another for each
    made = pools(0, frame)
    check_laws(frame, made)
    assert {p.text for p in made} == set(frame["text"])
    frame.loc[7:13, "text"] = frame["text"][0]  # two keys, one text: nobody can tell which is meant
    with pytest.raises(ValueError, match="0 pools"):
        pools(0, frame)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(text=f["text"].where(f.index != 9)), "row 9: no text"),
        (lambda f: f.assign(colour=f["colour"].where(f.index != 3)), "row 3: no colour"),
        (lambda f: f.assign(group=np.nan), "row 0: no group"),
        (lambda f: f.assign(text=f["text"].where(f.index != 9, " \t")), "row 9: no words in its text"),
        (lambda f: f.assign(text=7), "row 0: no words in its text"),
        (lambda f: f.drop(columns="key"), r"without the columns \['key'\]"),
        (lambda f: f.assign(key="men"), "no tuple of str"),
        (lambda f: f.assign(key=[(1, 2)] * len(f)), "no tuple of str"),
        (lambda f: f.assign(id="1"), "is there twice"),
        (lambda f: pd.concat([f, f[:1].assign(id="new")]), "is there twice"),
        (lambda f: f.set_index("id", drop=False), "holds no integers"),
        (lambda f: f.assign(type=f["type"].where(f.index != 1, "hat")), "row 1: another type or colour"),
        (lambda f: f[:0], "no product"),
        (lambda f: f[:30], "30 products give 0 pools, not one: give a larger part"),
    ],
)
def test_refusals_of_frames(change, message):
    with pytest.raises(ValueError, match=message):
        pools(0, change(rows([*CROSSING, ("men", "cap", "red")])))


def test_refusals_of_counts(part, made):
    for count in (0, -5, 7):
        with pytest.raises(ValueError, match=f"{count} pools: expected 5, 10"):
            pools(0, part, count)
    with pytest.raises(ValueError, match=f"{len(part)} products give {len(made)} pools, not {len(made) + 5}"):
        pools(3, part, len(made) + 5)


def test_split_by_group(shop):
    parts = split(shop, 0)
    assert sum(len(one) for one in parts) == len(shop)
    groups = [set(one["group"]) for one in parts]
    assert not groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2]
    largest = shop["group"].value_counts().max()
    for one, share in zip(parts, (0.8, 0.1, 0.1), strict=True):
        assert abs(len(one) - share * len(shop)) <= largest
        assert one.index.is_monotonic_increasing
        pd.testing.assert_frame_equal(one, shop.loc[one.index])
    mixed = split(shop.sample(frac=1, random_state=1), 0)
    assert [set(one["id"]) for one in mixed] == [set(one["id"]) for one in parts]  # whatever the order of rows
    assert set(split(shop, 1)[2]["id"]) != set(parts[2]["id"])


@pytest.mark.parametrize(
    ("parts", "message"),
    [((0.5, 0.4), "sum 1"), ((1.2, -0.2), "shares > 0"), ((), "shares > 0"), ((float("nan"), 1.0), "shares > 0")],
)
def test_refusals_of_split(shop, parts, message):
    with pytest.raises(ValueError, match=message):
        split(shop, 0, parts)
    with pytest.raises(ValueError, match="1 groups leave part . of .* empty"):
        split(shop.assign(group="one"), 0)
    with pytest.raises(ValueError, match="empty: give more products"):
        split(shop[:0], 0)
    with pytest.raises(ValueError, match="row 0 has no group"):
        split(shop.assign(group=None), 0)


def styles(*changes):
    good = {
        "id": "15970", "gender": "Men", "masterCategory": "Apparel", "subCategory": "Topwear", "articleType": "Shirts",
        "baseColour": "Navy Blue", "season": "Fall", "year": 2011, "usage": "Casual",
        "productDisplayName": "Turtle  Check Men\tShirt ", "photo": True,
    }  # fmt: skip
    frame = pd.DataFrame([good | change for change in changes])
    closed = ["gender", "masterCategory", "subCategory", "articleType", "baseColour", "season", "usage"]
    frame[closed] = frame[closed].astype("category")
    return frame


def test_texts_of_fashion_small():
    unsaid = [{"baseColour": "NA"}, {"gender": ""}, {"productDisplayName": " "}, {"articleType": ""}]
    outside = [{"photo": False}, {"masterCategory": "Accessories"}]
    frame = fashion_small_texts(styles(*outside, {}, *unsaid, {"id": "2", "masterCategory": "Footwear", "season": ""}))
    assert list(frame.columns) == [*COLUMNS, "gender", "subcategory", "usage", "season"]
    assert frame.index.tolist() == [0, 1]
    assert frame["id"].tolist() == ["15970", "2"]
    assert frame["text"][0] == "Turtle Check Men Shirt"
    assert frame["group"][0] == "turtle check men shirt"
    assert frame["key"][0] == ("Men", "Shirts", "Navy Blue")
    assert frame[["type", "colour", "gender", "usage"]].loc[0].tolist() == ["Shirts", "Navy Blue", "Men", "Casual"]
    assert frame["season"].tolist() == ["Fall", ""]
    assert fashion_small_texts(styles({"photo": False})).empty


def articles(*changes):
    good = dict.fromkeys(hm.ARTICLE_COLUMNS, "x") | {
        "article_id": "0111565001", "product_code": "111565", "product_type_name": "T-shirt",
        "graphical_appearance_name": "All over pattern", "colour_group_name": "Light Blue",
        "detail_desc": "Tee in a weave, approx. 3 cm. Lined.", "photo": True,
    }  # fmt: skip
    frame = pd.DataFrame([good | change for change in changes])
    return frame.astype({"product_type_name": "category", "colour_group_name": "category"})


def test_texts_of_hm():
    table = articles({"photo": False}, {}, {"colour_group_name": "Unknown"}, {"article_id": "2", "detail_desc": ""})
    frame = hm_texts(table)
    assert list(frame.columns) == [*COLUMNS, "pattern", "category", "section", "department"]
    assert frame["id"].tolist() == ["0111565001", "2"]
    assert frame["text"].tolist() == ["light blue all over pattern t-shirt"] * 2
    assert frame["key"][1] == ("Light Blue", "All over pattern", "T-shirt")
    assert frame["group"].tolist() == ["111565", "111565"]
    described = hm_texts(table, "description")
    assert described["id"].tolist() == ["0111565001"]
    assert described["text"][0] == "Tee in a weave, approx. 3 cm"
    with pytest.raises(ValueError, match="text 'name': expected 'attributes' or"):
        hm_texts(table, "name")


@pytest.mark.parametrize(
    ("text", "first"),
    [("A. B.", "A"), ("No end", "No end"), ("Two\nlines. Three", "Two lines"), ("", ""), (" . ", ""),
     ("Soft!  Warm.", "Soft"), ("Width 3.5 cm. Lined", "Width 3.5 cm"), ("approx. 2 cm. lined", "approx. 2 cm. lined")],
)  # fmt: skip
def test_first_sentence(text, first):
    assert first_sentence(text) == first


def test_class_numbers():
    found, names = class_numbers(["b", "a", "", "b", "NA", "c", "b", "a"], least=2)
    assert names == ["a", "b"]
    assert found.tolist() == [1, 0, -1, 1, -1, -1, 1, 0]
    assert found.dtype == np.int64
    assert class_numbers([])[1] == []
    assert class_numbers(list(UNSAID))[0].tolist() == [-1] * len(UNSAID)


ROOT = Path(os.environ.get(VARIABLE) or "/nowhere")


@pytest.fixture(scope="module")
def real(request):
    """The frame of a real shop."""
    name, text = request.param
    if not (ROOT / name).is_dir():
        pytest.skip(f"{VARIABLE} holds no {name}")
    if name == "hm":
        return hm_texts(hm.load(ROOT).articles, text)
    return fashion_small_texts(fashion_small.load(ROOT).styles)


@pytest.mark.parametrize(
    "real", [("fashion_small", ""), ("hm", "attributes"), ("hm", "description")], indirect=True, ids="-".join
)
def test_real_shops(real):
    train, _, test = split(real, 0, (0.5, 0.1, 0.4))
    assert not set(train["group"]) & set(test["group"])
    assert not set(train["id"]) & set(test["id"])
    made = pools(0, test, 100)
    check_laws(test, made)
    check_blind(test, made)
    assert hard_negatives(test, made)["any"].mean() > 9
