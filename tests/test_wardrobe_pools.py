"""Pools of the wardrobe: what they hold, and that nothing but the text tells which members are relevant."""

from collections import Counter

import numpy as np
import pytest

from likeness.data.wardrobe.formats import answers
from likeness.data.wardrobe.garments import catalogue
from likeness.data.wardrobe.language import Query, matches
from likeness.data.wardrobe.pools import QUERIES, RELEVANT, look, pools

MANY, COUNT = 5000, 300


@pytest.fixture(scope="module")
def garments():
    return list(catalogue(2, MANY))


@pytest.fixture(scope="module")
def made(garments):
    return pools(2, garments, COUNT)


def ndcg(pool, scores, k=5):
    """nDCG@k of the members by descending score, ties by chance."""
    noise = np.random.default_rng(pool.members[0] + pool.block).random(len(pool.members))
    order = np.lexsort([noise, -np.asarray(scores, float)])
    gains = [1 / np.log2(rank + 2) for rank in range(k)]
    return sum(g for g, i in zip(gains, order, strict=False) if pool.members[i] in pool.relevant) / sum(gains)


def test_members_and_answers(garments, made):
    assert len(made) == COUNT
    for pool in made:
        assert len(set(pool.members)) == len(pool.members) == QUERIES * RELEVANT == 30
        assert pool.relevant == {m for m in pool.members if matches(pool.query, garments[m])}
        assert len(pool.relevant) == RELEVANT
    assert len({pool.query.text for pool in made}) > 0.9 * COUNT


def test_each_garment_is_relevant_once_and_irrelevant_four_times(made):
    relevant = Counter(m for pool in made for m in pool.relevant)
    everywhere = Counter(m for pool in made for m in pool.members)
    assert set(relevant.values()) == {1}
    assert set(everywhere.values()) == {QUERIES}
    assert set(relevant) == set(everywhere)
    blocks = {frozenset(pool.members) for pool in made}
    assert len(blocks) == COUNT // QUERIES
    assert len({m for block in blocks for m in block}) == COUNT * RELEVANT


def test_hard_negatives_are_there(garments, made):
    for place, pool in enumerate(made):
        wrong = [garments[m] for m in pool.members if m not in pool.relevant]
        name, value = look(pool.query)
        kind = pool.query.wanted["kind"]
        if place % QUERIES < 4:
            assert sum(one.kind == kind for one in wrong) >= RELEVANT
            # the second pair of queries names the look of the first, which need not come first in its own
            assert any(getattr(one, name) == value and one.kind != kind for one in wrong) or len(pool.query.wanted) > 2
        if place % QUERIES == 0:
            assert sum(getattr(one, name) == value and one.kind != kind for one in wrong) >= RELEVANT
            assert sum(getattr(one, name) != value and one.kind == kind for one in wrong) >= RELEVANT


def blind_scores(garments, made):
    """Scores of (pool, member) that do not look at the text."""
    count = Counter(m for pool in made for m in pool.members)
    looks = Counter((one.kind, one.colour) for one in garments)
    kinds = Counter(one.kind for one in garments)

    def common(m, pool):
        return looks[garments[m].kind, garments[m].colour]

    def consensus(m, pool):
        mates = [garments[other] for other in pool.members]
        return sum((one.kind == garments[m].kind) + (one.colour == garments[m].colour) for one in mates)

    return {
        "rarer first": lambda m, pool: -count[m], "frequent first": lambda m, pool: count[m],
        "smaller number first": lambda m, pool: -m, "common look first": common,
        "rare look first": lambda m, pool: -common(m, pool),
        "common kind first": lambda m, pool: kinds[garments[m].kind],
        "dear first": lambda m, pool: garments[m].price, "like the pool": consensus,
        "place": lambda m, pool: -pool.members.index(m),
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["rarer first", "frequent first", "smaller number first", "common look first", "rare look first",
     "common kind first", "dear first", "like the pool", "place"],
)  # fmt: skip
def test_what_does_not_read_the_text_scores_as_chance_does(garments, made, name):
    score = blind_scores(garments, made)[name]
    found = np.array([ndcg(pool, [score(m, pool) for m in pool.members]) for pool in made])
    of_blocks = found.reshape(-1, QUERIES).mean(axis=1)  # queries of a block share their members
    error = max(of_blocks.std() / len(of_blocks) ** 0.5, 1e-9)
    assert abs(found.mean() - 1 / QUERIES) < 4 * error


def test_a_ranking_without_ties_and_text_scores_exactly_one_fifth(garments, made):
    for score in (lambda m: -m, lambda m: garments[m].price + m / 1e6):
        for k in (1, 5, 6):
            found = np.array([ndcg(pool, [score(m) for m in pool.members], k) for pool in made])
            np.testing.assert_allclose(found.reshape(-1, QUERIES).mean(axis=1), 1 / QUERIES, atol=1e-12)


def test_reading_the_text_pays(garments, made):
    kind = [ndcg(p, [garments[m].kind == p.query.wanted["kind"] for m in p.members]) for p in made]
    both = [ndcg(p, [matches(p.query, garments[m]) for m in p.members]) for p in made]
    assert 0.4 < np.mean(kind) < 0.75  # hard negatives: half of what has the kind is wrong, but for the fifth query
    assert min(both) == pytest.approx(1)


def test_same_pools_whatever_else_was_made(garments, made):
    again = pools(2, garments, 10)
    assert again == made[:10]
    assert pools(3, garments, 10) != again


def test_answers_as_in_kdd_cup(made):
    written = answers(made[:2])
    assert list(written) == ["1", "2"]
    assert set(written["2"]) == made[1].relevant
    assert written["1"] == sorted(written["1"])


@pytest.mark.parametrize(
    ("count", "take", "message"),
    [(0, 100, "expected 5, 10"), (7, 100, "expected 5, 10"), (5, 20, "20 garments give 0 pools, not 5")],
)
def test_refusals(garments, count, take, message):
    with pytest.raises(ValueError, match=message):
        pools(0, garments[:take], count)
    with pytest.raises(ValueError, match="no garment twice"):
        pools(0, garments[:50] + garments[:1], 5)
    with pytest.raises(ValueError, match="0 garments give 0 pools"):
        pools(0, [], 5)
    with pytest.raises(ValueError, match="expected a look"):
        look(Query("cap", {"kind": "cap"}))
