"""Hits, precision and the printed "precision": loop oracles, enumerations of ties and of orders, laws, Table 1."""

import math
from itertools import permutations, product

import numpy as np
import pytest

from likeness.metrics.hits import (
    by_caption,
    by_item,
    chance,
    expected_printed,
    first_relevant,
    hit_rate,
    precision,
    printed_bounds,
    printed_precision,
    recall,
)

#: Sums of a few doubles of order 1, by other ways.
ROUNDING = 1e-12
#: Table 1 of the paper, both epochs: R@k and the printed P@k at k = 1, 10, 50, 100, for 1,200 queries.
TABLE_1 = [(0.043, 0.0017), (0.215, 0.048), (0.502, 0.26), (0.644, 0.42),
           (0.049, 0.0025), (0.226, 0.055), (0.554, 0.316), (0.757, 0.58)]  # fmt: skip
QUERIES = 1200


def case(seed, queries=9, n=12, levels=None, share=0.25):
    """Scores (with ties, where there are few levels), relevance and sources, some of them relevant, some of them -1."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(queries, n)) if levels is None else rng.integers(0, levels, (queries, n)).astype(float)
    relevant = rng.random((queries, n)) < share
    source = rng.integers(-1, n, queries)
    return scores, relevant, source


# Oracles: one query at a time, all orders of its candidates that sort the scores


def orders(scores, source):
    """Every order of the candidates in which no score rises, the source left out."""
    listed = [c for c in range(len(scores)) if c != source]
    groups = [[c for c in listed if scores[c] == level] for level in sorted(set(scores[listed]), reverse=True)]
    return [sum(map(list, parts), []) for parts in product(*(permutations(group) for group in groups))]


def by_loops(scores, relevant, source, k, kind):
    """Mean over queries of the mean over orders."""
    each = []
    for s, r, own in zip(scores, relevant, source, strict=True):
        values = []
        for order in orders(s, own):
            found = [bool(r[c]) for c in order[:k]]
            there = sum(r[c] for c in order)
            hit = 1.0 if any(found) else 0.0
            values.append({"hit": hit, "precision": sum(found) / k, "recall": sum(found) / max(there, 1)}[kind])
        if kind != "recall" or there:
            each.append(sum(values) / len(values))
    return sum(each) / len(each)


KINDS = {"hit": hit_rate, "precision": precision, "recall": recall}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_every_order_of_ties(kind, k, seed):
    scores, relevant, source = case(seed, queries=6, n=7, levels=3, share=0.3)
    expected = by_loops(scores, relevant, source, k, kind)
    assert KINDS[kind](scores, relevant, k, source=source) == pytest.approx(expected, abs=ROUNDING)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 3, 10])
def test_without_ties_it_is_what_the_published_loop_counts(seed, k):
    """`sims[i, source] = -10e10`, an argsort, `in nns[:k]`: the release's way, hits as the text names them."""
    scores, relevant, source = case(seed, queries=40, n=60, share=0.05)
    source = np.abs(source)  # the release always has one
    hits = []
    for s, r, own in zip(scores, relevant, source, strict=True):
        s = s.copy()
        s[own] = -10e10
        hits.append(bool(r[np.argsort(-s)[:k]].any()))
    found = first_relevant(scores, relevant, source=source).hits(k)
    assert set(np.unique(found)) <= {0.0, 1.0}
    assert found.tolist() == [float(h) for h in hits]
    count, printed = 0.0, 0.0
    for i, hit in enumerate(hits):
        if hit:
            count += 1
            printed += count / (i + 1)
    assert hit_rate(scores, relevant, k, source=source) == count / len(hits)
    assert printed_precision(np.array(hits)) == pytest.approx(printed / len(hits), abs=ROUNDING)


@pytest.mark.parametrize("seed", range(4))
def test_expected_rank_of_the_first(seed):
    scores, relevant, source = case(seed, queries=6, n=7, levels=3, share=0.3)
    found = first_relevant(scores, relevant, source=source).ranks()
    for q, (s, r, own) in enumerate(zip(scores, relevant, source, strict=True)):
        ranks = [next((i for i, c in enumerate(order, 1) if r[c]), math.inf) for order in orders(s, own)]
        assert found[q] == pytest.approx(sum(ranks) / len(ranks), abs=ROUNDING)


def test_a_case_by_hand():
    # candidates a b c d e, the source is a: left are b 5, c 4, d 4, e 1; relevant a (does not count), d and e
    scores, relevant = np.array([[9, 5, 4, 4, 1]]), np.array([[True, False, False, True, True]])
    first = first_relevant(scores, relevant, source=np.array([0]))
    assert (first.above, first.tied, first.relevant) == (1, 2, 1)
    assert first.ranks().tolist() == [2.5]
    assert [first.hits(k)[0] for k in (1, 2, 3, 4)] == [0.0, 0.5, 1.0, 1.0]
    assert precision(scores, relevant, 2, source=np.array([0])) == 0.25
    assert recall(scores, relevant, 3, source=np.array([0])) == 0.5
    assert first_relevant(scores, relevant).ranks().tolist() == [1.0]  # with the source it would be a hit at once


def test_nothing_relevant_is_a_miss_and_has_no_recall():
    scores = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    relevant = np.array([[True, False, False], [False, True, False]])
    source = np.array([0, -1])  # the only relevant one of the first query is its source
    first = first_relevant(scores, relevant, source=source)
    assert first.ranks().tolist() == [math.inf, 2.0]
    assert first.hits(2).tolist() == [0.0, 1.0]
    assert recall(scores, relevant, 2, source=source) == 1.0  # of the second alone
    assert precision(scores, relevant, 2, source=source) == 0.25
    assert math.isnan(recall(scores, np.zeros_like(relevant), 1))


@pytest.mark.parametrize("levels", [None, 3])
def test_laws_of_k(levels):
    scores, relevant, source = case(7, queries=30, n=20, levels=levels)
    rates = [hit_rate(scores, relevant, k, source=source) for k in range(1, 20)]
    shares = [precision(scores, relevant, k, source=source) for k in range(1, 20)]
    assert all(a <= b + ROUNDING for a, b in zip(rates, rates[1:], strict=False))
    assert shares[0] == pytest.approx(rates[0], abs=ROUNDING)
    assert all(rate / k <= share + ROUNDING <= rate + 2 * ROUNDING
               for k, (rate, share) in enumerate(zip(rates, shares, strict=True), 1))  # fmt: skip
    assert recall(scores, relevant, 19) <= 1.0
    one = np.eye(20, dtype=bool)[np.arange(30) % 20]
    assert recall(scores, one, 5) == pytest.approx(hit_rate(scores, one, 5), abs=ROUNDING)


@pytest.mark.parametrize("levels", [None, 2])
def test_the_order_of_candidates_and_rising_maps_change_nothing(levels):
    scores, relevant, source = case(3, levels=levels)
    order = np.random.default_rng(0).permutation(scores.shape[1])
    places = np.append(np.argsort(order), -1)  # -1 stays -1
    for score in KINDS.values():
        value = score(scores, relevant, 4, source=source)
        moved = score(scores[:, order], relevant[:, order], 4, source=places[source])
        assert moved == pytest.approx(value, abs=ROUNDING)
        assert score(np.exp(scores).astype(np.float32) * 2, relevant, 4, source=source) == pytest.approx(value)


def test_the_source_counts_for_nothing():
    scores, relevant, source = case(5)
    other, marked, has = scores.copy(), relevant.copy(), np.flatnonzero(source >= 0)
    other[has, source[has]] += 100
    marked[has, source[has]] ^= True
    for score in KINDS.values():
        assert score(other, marked, 3, source=source) == score(scores, relevant, 3, source=source)


@pytest.mark.parametrize("k", [1, 4, 8])
def test_chance_is_the_mean_of_random_scores(k):
    _, relevant, source = case(2, queries=8, n=10)
    rng = np.random.default_rng(1)
    draws = 4000
    drawn = rng.random((draws, 8, 10))
    hits = np.array([hit_rate(s, relevant, k, source=source) for s in drawn])
    shares = np.array([precision(s, relevant, k, source=source) for s in drawn])
    expected = chance(relevant, k, source=source)
    for sample, value in zip((hits, shares), expected, strict=True):
        assert abs(sample.mean() - value) < 5 * sample.std() / math.sqrt(draws) + ROUNDING
    # by binomials, one query at a time
    each = []
    for r, own in zip(relevant, source, strict=True):
        n, m = 10 - (own >= 0), sum(r[c] for c in range(10) if c != own)
        each.append(1 - math.comb(n - m, k) / math.comb(n, k))
    assert expected[0] == pytest.approx(sum(each) / 8, abs=ROUNDING)


def test_printed_precision_depends_on_the_order_of_the_file():
    n = 20_000
    half = np.arange(n) < n // 2
    assert printed_precision(half) == 0.5
    assert printed_precision(~half) == pytest.approx((1 - math.log(2)) / 2, abs=1 / n)  # H_n - H_n/2 -> ln 2 as 1 / n
    assert (1 - math.log(2)) / 2 == pytest.approx(0.1534, abs=5e-5)
    assert printed_precision(np.ones(5)) == 1.0
    assert printed_precision(np.zeros(5)) == 0.0


@pytest.mark.parametrize("n", [1, 2, 5, 7])
def test_expectations_by_enumeration(n):
    for hits in range(n + 1):
        flags = np.arange(n) < hits
        values = [printed_precision(np.array(order)) for order in permutations(flags)]
        rate = hits / n
        shuffled = expected_printed(rate, n, order="shuffled")
        assert shuffled == pytest.approx(np.mean(values), abs=ROUNDING)
        assert printed_bounds(rate, n) == pytest.approx((min(values), max(values)), abs=ROUNDING)
    for rate in (0.0, 0.3, 0.5, 1.0):
        outcomes = np.array(list(product([0, 1], repeat=n)))
        chances = np.where(outcomes == 1, rate, 1 - rate).prod(axis=1)
        expected = sum(c * printed_precision(o) for c, o in zip(chances, outcomes, strict=True))
        assert expected_printed(rate, n) == pytest.approx(expected, abs=ROUNDING)
        assert printed_precision(np.full(n, rate)) == pytest.approx(expected, abs=ROUNDING)


def test_probabilities_of_hits_give_the_expectation():
    p = np.array([0.2, 0.9, 0.5, 0.0])
    expected = 0.0
    for outcome in product([0, 1], repeat=4):
        expected += np.where(outcome, p, 1 - p).prod() * printed_precision(np.array(outcome))
    assert printed_precision(p) == pytest.approx(expected, abs=ROUNDING)


@pytest.mark.parametrize(("rate", "printed"), TABLE_1)
def test_table_1_of_the_paper_is_what_a_random_order_of_the_queries_gives(rate, printed):
    """P@k follows from R@k alone: all eight lie within two standard deviations of random orders of the queries."""
    hits = round(rate * QUERIES)
    rng = np.random.default_rng(0)
    values = np.array([printed_precision(rng.permutation(QUERIES) < hits) for _ in range(1000)])
    expected = expected_printed(hits / QUERIES, QUERIES, order="shuffled")
    assert abs(values.mean() - expected) < 5 * values.std() / math.sqrt(1000)
    assert abs(printed - expected) < 2 * values.std() + 0.5 * 10 ** -len(str(printed)[2:])  # and rounding
    assert 0 <= expected_printed(hits / QUERIES, QUERIES) - expected < 0.00021
    low, high = printed_bounds(hits / QUERIES, QUERIES)
    assert low < printed < high


def test_the_headline_is_665_queries():
    assert round(665 / QUERIES, 4) == 0.5542
    assert round(665 / QUERIES, 3) == TABLE_1[6][0]


def test_relevance_by_caption_and_by_item():
    found = by_caption(["a", "b", "z"], ["b", "a", "a"])
    assert found.tolist() == [[False, True, True], [True, False, False], [False] * 3]
    assert by_caption(["a"], ["A"]).tolist() == [[False]]
    captions, items = ["red", "red", "blue"], np.array([10, 11, 12])
    loose, strict = by_caption(["red"], captions), by_item(np.array([11]), items)
    assert strict.tolist() == [[False, True, False]]
    assert not (strict & ~loose).any()  # the item has the caption


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scores": np.zeros((2, 3))}, "expected"),
        ({"scores": np.full((2, 4), np.nan)}, "finite"),
        ({"relevant": np.zeros((2, 4))}, "bool"),
        ({"source": np.array([0, 4])}, "-1 to 3"),
        ({"source": np.array([-2, 0])}, "-1 to 3"),
        ({"source": np.array([0.0, 1.0])}, "integers"),
        ({"k": 0}, "k = 0"),
    ],
)
def test_bad_input(change, said):
    good = {"scores": np.zeros((2, 4)), "relevant": np.zeros((2, 4), bool), "source": np.array([0, 1]), "k": 1}
    for score in KINDS.values():
        with pytest.raises(ValueError, match=said):
            score(**(good | change))


def test_bad_numbers():
    with pytest.raises(ValueError, match="1 to 3"):
        precision(np.zeros((2, 4)), np.zeros((2, 4), bool), 4, source=np.array([0, -1]))
    for hits in (np.zeros(0), np.zeros((2, 2)), np.array([0.5, 1.5]), np.array([np.nan])):
        with pytest.raises(ValueError, match="expected"):
            printed_precision(hits)
    for arguments in ((1.1, 5), (0.5, 0), (math.nan, 3)):
        with pytest.raises(ValueError, match="expected"):
            expected_printed(*arguments)
    with pytest.raises(ValueError, match="whole number"):
        expected_printed(0.3, 5, order="shuffled")
    with pytest.raises(ValueError, match="order"):
        expected_printed(0.5, 4, order="sorted")
    with pytest.raises(ValueError, match="whole number"):
        printed_bounds(0.3, 5)
