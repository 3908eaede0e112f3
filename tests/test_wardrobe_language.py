"""Captions, queries and modification texts of the wardrobe, and the papers' files of them."""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from likeness.data.captions import parents
from likeness.data.registry import VARIABLE
from likeness.data.wardrobe import formats, language
from likeness.data.wardrobe.garments import ATTRIBUTES, Garment, catalogue
from likeness.data.wardrobe.language import FILLERS, MISSPELT, NAMED, UNKNOWN, WORDINGS, Query, caption, matches, query
from likeness.data.wardrobe.modifications import (
    GROUPS,
    changes,
    differences,
    families,
    instruction,
    replacement,
    replacements,
)  # fmt: skip

MANY = 4000
#: A red striped t-shirt, worked by hand below.
TEE = Garment(7, "women", "tops", "t-shirt", "casual", "red", "striped", "navy", "long sleeve", "cropped", "v-neck",
              "slim fit", "", 15)  # fmt: skip


@pytest.fixture(scope="module")
def garments():
    return list(catalogue(0, MANY))


@pytest.fixture(scope="module")
def captions(garments):
    return [caption(0, one) for one in garments]


@pytest.fixture(scope="module")
def queries(garments):
    return [query(0, one) for one in garments]


SPOKEN = """
from likeness.data.wardrobe.garments import catalogue
from likeness.data.wardrobe.language import caption, query
from likeness.data.wardrobe.modifications import changes, replacements
from likeness.data.wardrobe.pools import pools
g = list(catalogue(5, 400)); c = [caption(5, x) for x in g]
print(c, [query(5, x, 1) for x in g], replacements(5, c, 50), changes(5, g, 50, 2))
print([(p.query, p.members, sorted(p.relevant)) for p in pools(5, g, 10)])
"""


def test_other_processes_say_the_same():
    def say(hash_seed):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        run = [sys.executable, "-c", SPOKEN]
        return subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout

    said = say("1")
    assert said == say("2")
    one = list(catalogue(5, 400))[99]
    assert caption(5, one) in said
    assert repr(query(5, one, 1)) in said


def test_a_caption_names_attributes_in_order_and_nothing_else(garments, captions):
    for one, text in zip(garments, captions, strict=True):
        values = [getattr(one, name) for name in ATTRIBUTES[:-1]]
        sayable = [f"(?:{re.escape(value)} )?" for value in values if value and value not in language.USUAL]
        assert re.fullmatch("".join(sayable) + re.escape(one.kind), text), (text, one)


def test_attributes_are_named_as_often_as_stated():
    said = [caption(seed, replace(TEE, number=number)) for seed in range(2) for number in range(1500)]
    for name in ("gender", "fit", "length", "colour", "pattern", "sleeve", "neckline"):
        share = np.mean([getattr(TEE, name) in text for text in said])
        assert abs(share - NAMED[name]) < 4 * (NAMED[name] * (1 - NAMED[name]) / len(said)) ** 0.5, name
    second = np.mean(["navy" in text for text in said])
    assert second == pytest.approx(NAMED["pattern"] * NAMED["second"], abs=0.03)  # only behind the pattern
    assert not any("navy" in text and "striped navy" not in text for text in said)


def test_captions_are_shared_and_have_a_long_tail(captions):
    seen = Counter(captions)
    assert sum(many == 1 for many in seen.values()) > len(seen) / 2
    assert sum(many for many in seen.values() if many > 1) > MANY / 4  # hits by caption have more than one garment
    assert max(seen.values()) > 20
    assert "" not in seen


def test_every_garment_answers_its_own_queries(garments, queries):
    for one, asked in zip(garments, queries, strict=True):
        assert matches(asked, one)
        assert "kind" in asked.wanted
        assert len(asked.wanted) >= 2
        assert query(0, one) == asked
    others = [query(0, one, number).text for one in garments[:20] for number in range(5)]
    assert len(set(others)) > 90


def test_matches_by_hand():
    assert matches(Query("red tee", {"kind": "t-shirt", "colour": "red"}), TEE)
    assert matches(Query("stripes", {"pattern": "striped"}), TEE)
    assert not matches(Query("red shirt", {"kind": "shirt", "colour": "red"}), TEE)
    assert not matches(Query("navy tee", {"kind": "t-shirt", "colour": "navy"}), TEE)  # its second colour
    assert matches(Query("with navy", {"second": "navy"}), TEE)
    assert not matches(Query("high heel", {"heel": "high heel"}), TEE)
    assert Query("x", {"kind": "cap", "colour": "red"}).key == Query("y", {"colour": "red", "kind": "cap"}).key


def test_wordings_mean_one_thing_and_fillers_nothing():
    phrases = Counter(words for values in WORDINGS.values() for said in values.values() for words in said)
    assert max(phrases.values()) == 1
    vocabulary = {word for phrase in phrases for word in phrase.split()}
    assert not vocabulary & {word for filler in FILLERS for word in filler.split()}
    usages = {"casual", "formal", "sports", "party"}
    assert not usages & {word for phrase in (*phrases, *FILLERS) for word in phrase.split()}
    some = list(catalogue(1, 2000))
    for name, values in WORDINGS.items():
        found = {getattr(one, name) for one in some} - {"", "regular", "regular fit"}
        assert found <= set(values), name


def test_no_misspelling_is_another_word():
    words = {w for values in WORDINGS.values() for said in values.values() for words in said for w in words.split()}
    words |= {word for filler in FILLERS for word in filler.split()}
    for word in filter(language.long_enough, words):
        slips = {slip for ways in language._misspellings(word).values() for slip in ways}
        assert not slips & words, word
        assert all(slip[0] == word[0] and slip[-1] == word[-1] and abs(len(slip) - len(word)) <= 1 for slip in slips)
        assert not any("shit" in slip for slip in slips)


def test_misspellings_by_hand():
    slips = language._misspellings("coat")
    assert slips == {"swap": ["caot"], "drop": ["cat", "cot"], "double": ["cooat", "coaat"]}
    rng = np.random.default_rng(0)
    seen = Counter(language.misspelt(rng, "coat") for _ in range(600))
    assert set(seen) == {"caot", "cat", "cot", "cooat", "coaat"}
    assert abs(seen["caot"] - 200) < 60  # a third of all, 4.9 standard deviations


def test_noise_comes_at_the_stated_rates(queries):
    known = {w for values in WORDINGS.values() for said in values.values() for words in said for w in words.split()}
    known |= {word for filler in FILLERS for word in filler.split()}
    slips = {slip for word in filter(language.long_enough, known)
             for ways in language._misspellings(word).values() for slip in ways}  # fmt: skip
    words = [word for asked in queries for word in asked.text.split()]
    wrong = [word for word in words if word in slips]
    sure = [word for word in words if word in known and language.long_enough(word)]
    long_words = len(wrong) + len(sure)
    assert abs(len(wrong) / long_words - MISSPELT) < 4 * (MISSPELT / long_words) ** 0.5
    strange = [word for word in words if word not in known and word not in slips]
    # an unknown word needs room beside what is wanted: most queries have it, not all
    assert 0.5 * UNKNOWN < len(strange) / MANY < UNKNOWN
    assert len(set(strange)) > 0.9 * len(strange)


def test_filler_says_nothing_of_the_garment(garments, queries):
    for filler in ("new", "genuine", "home"):
        has = np.array([f" {filler} " in f" {asked.text} " for asked in queries])
        women = np.array([one.gender == "women" for one in garments])
        gap = has[women].mean() - has[~women].mean()
        assert abs(gap) < 4 * (has.mean() / min(women.sum(), (~women).sum()) * 2) ** 0.5
        assert has.sum() > 50


KDD = Path(os.environ.get(VARIABLE) or "/nowhere", "kddcup2020/train_queries_printed.txt")


@pytest.mark.skipif(not KDD.is_file(), reason=f"{VARIABLE} holds no kddcup2020/train_queries_printed.txt")
def test_queries_are_as_long_as_the_real_ones(queries):
    real = [line.split() for line in KDD.read_text(encoding="utf-8").splitlines()]
    ours = [asked.text.split() for asked in queries]
    assert len(real) == 23_256

    def shares(texts):
        return np.bincount(np.minimum([len(words) for words in texts], 12), minlength=13) / len(texts)

    # half the sum of differences; 4,000 draws from the real shares themselves come to .015
    assert np.abs(shares(real) - shares(ours)).sum() / 2 < 0.05
    mean = np.mean([len(words) for words in ours])
    assert abs(mean - np.mean([len(words) for words in real])) < 0.1


@pytest.mark.parametrize(
    ("wanted", "message"),
    [({}, "wants {}"), ({"price": "9"}, "expected some of gender"), ({"usage": "party"}, "usage")],
)
def test_queries_for_what_no_picture_shows_are_refused(wanted, message):
    with pytest.raises(ValueError, match=message):
        Query("x", wanted)
    with pytest.raises(ValueError, match="'tee': expected 2 letters"):
        language.misspelt(np.random.default_rng(0), "tee")


def test_parents_and_families_by_hand():
    assert parents("long white long sleeve dress") == (
        "white long sleeve dress", "long long sleeve dress", "long white sleeve dress", "long white long dress",
        "long white long sleeve")  # fmt: skip
    assert parents("red red cap") == ("red cap", "red red")
    assert parents("cap") == ("",)
    known = families(["white tee", "striped tee", "white tee", "white cap", "sun hat"])
    assert known == {"tee": ("white tee", "striped tee"), "white": ("white tee", "white cap")}


def test_order_matters_in_a_replacement():
    assert replacement("white logo print tee", "striped logo print tee") == "replace white with striped"
    assert replacement("striped logo print tee", "white logo print tee") == "replace striped with white"
    assert replacement("long long sleeve dress", "red long sleeve dress") == "replace long with red"
    for a, b in (("red cap", "red cap"), ("red cap", "blue coat"), ("cap red", "red cap"), ("cap", "red cap")):
        with pytest.raises(ValueError, match="one other word each"):
            replacement(a, b)


def test_replacements_lead_from_source_to_target(captions):
    found = replacements(0, captions, 500)
    assert len(found) == 500
    for one in found:
        source, target = captions[one.source], captions[one.target]
        _, gone, _, come = one.text.split()
        after = Counter(source.split())
        after.subtract({gone: 1, come: -1})
        assert +after == Counter(target.split())
        assert set(parents(source)) & set(parents(target))
        assert source != target
    assert len({one.text for one in found}) > 150
    assert replacements(0, captions, 20) == found[:20]
    assert replacements(0, ["red cap", "sun hat"], 0) == []
    with pytest.raises(ValueError, match="3 captions, none with a sibling"):
        replacements(0, ["red cap", "red cap", "blue coat"], 1)


def test_words_in_another_order_are_no_sibling():
    found = replacements(0, ["white black cap", "black white cap", "red black cap"], 40)
    assert {one.text for one in found} == {
        "replace white with red", "replace red with white"}  # fmt: skip


def test_differences_and_instructions_by_hand():
    def said(**other):
        return {instruction(seed, TEE, replace(TEE, number=8, **other)) for seed in range(60)}

    assert said(colour="blue") == {"same but in blue", "in blue instead", "the same in blue", "i want this in blue"}
    assert "with short sleeves instead" in said(sleeve="short sleeve")
    assert "sleeveless instead" in said(sleeve="sleeveless")
    assert "same but as a hoodie" in said(kind="hoodie")
    assert "same but as jeans" in said(kind="jeans")
    assert "same but as a dress" in said(kind="dress")
    assert "same but plain" in said(pattern="solid", second="")
    assert "same but floral with white" in said(pattern="floral", second="white")
    assert "same but with white in the pattern" in said(second="white")
    assert "for men and in regular fit instead" in said(gender="men", fit="regular fit")
    assert "the same of regular length" in said(length="regular")
    assert differences(TEE, replace(TEE, usage="party", price=99, number=1)) == ()
    with pytest.raises(ValueError, match="garments 7 and 7 look the same"):
        instruction(0, TEE, TEE)


@pytest.mark.parametrize("differing", [1, 2])
def test_changes_differ_in_as_many_groups_and_their_order_matters(garments, differing):
    garments = garments[:2000]
    found = changes(0, garments, 300, differing)
    for one in found:
        a, b = garments[one.source], garments[one.target]
        assert len(differences(a, b)) == differing
        back = {instruction(seed, b, a) for seed in range(30)}
        assert one.text not in back
        assert one.text == instruction(0, a, b)
    groups = {group for one in found for group in differences(garments[one.source], garments[one.target])}
    assert len(groups) >= 8  # rare changes are not lost
    assert changes(0, garments, 10, differing) == found[:10]


def test_changes_that_cannot_be_are_refused(garments):
    with pytest.raises(ValueError, match="differ in 0 groups: expected 1 to 9"):
        changes(0, garments, 1, 0)
    with pytest.raises(ValueError, match="0 of 2 pairs found among 1 garments"):
        changes(0, [TEE], 2)
    assert changes(0, [TEE, replace(TEE, colour="blue", number=8)], 5)[0].source in (0, 1)
    assert {name for group in GROUPS for name in group} == set(ATTRIBUTES)


def test_fashion200k_lines(garments, captions):
    assert formats.image_path(TEE) == "women/tops/t-shirts/7/7_0.jpeg"
    assert formats.label_line(TEE, "red striped t-shirt") == (
        "women/tops/t-shirts/7/7_0.jpeg\t1.000000\tred striped t-shirt")  # fmt: skip
    assert formats.image_path(replace(TEE, kind="tank top")) == "women/tops/tank_tops/7/7_0.jpeg"
    assert formats.image_path(replace(TEE, kind="dress")) == "women/tops/dresses/7/7_0.jpeg"
    assert formats.image_path(replace(TEE, kind="jeans")) == "women/tops/jeans/7/7_0.jpeg"
    assert formats.query_lines([TEE, replace(TEE, number=8)], [(1, 0)]) == [
        "women/tops/t-shirts/8/8_0.jpeg women/tops/t-shirts/7/7_0.jpeg"]  # fmt: skip
    assert formats.label_file("dresses", "test") == "labels/dresses_test_detect_all.txt"
    paths = [formats.image_path(one) for one in garments]
    assert len(set(paths)) == MANY
    for one, text, path in zip(garments, captions, paths, strict=True):
        assert formats.label_line(one, text).split("\t") == [path, "1.000000", text]
        assert ("shirts/" in path) == (one.kind in ("t-shirt", "shirt"))  # the paper's subset
        assert len(path.split()) == 1
    for bad in ("", "a\tb", "a\nb", "  "):
        with pytest.raises(ValueError, match="expected one line"):
            formats.label_line(TEE, bad)
    with pytest.raises(ValueError, match="split 'val'"):
        formats.label_file("dresses", "val")
