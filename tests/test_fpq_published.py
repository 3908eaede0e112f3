"""What the published code does: its random rows as Java 17 prints them, its k-means as a loop, and its race."""

import heapq

import numpy as np
import pytest

from likeness.models.fpq import published
from likeness.models.fpq.lloyd import Rule
from likeness.models.fpq.pq import PQ

#: First entries of a HashSet<Integer> filled by new Random(42).nextInt(n), and a checksum of all of them
#: (h = 31 h + i mod 1000003, from 17), printed by OpenJDK 17.0.15 for the chapter.
JAVA = {
    (60, 16): (833195, [32, 2, 3, 36, 5, 38, 43, 44, 12, 48, 50, 19, 53, 56, 25, 30]),
    (50_000, 256): (386083, [21505, 31745, 39425, 19970, 17923, 10756, 30212, 3589, 12293, 21511, 17932, 534]),
    (1_000, 256): (222645, [3, 6, 519, 522, 525, 529, 18, 532, 21, 534, 536, 27, 29, 30, 31, 32]),
    (64, 12): (767363, [17, 3, 19, 5, 23, 57, 42, 43, 60, 28, 45, 46]),  # a power of two draws otherwise
    (64, 13): (330353, [3, 5, 42, 43, 45, 46, 17, 19, 23, 24, 57, 60, 28]),  # one more, and the table has doubled
    (7, 7): (606229, [0, 1, 2, 3, 4, 5, 6]),
    (2**30 + 1, 20): (173264, [784177727, 323298246, 117392763, 326327863, 726510756]),  # half of the draws are refused
    (70_000, 20): (771172, [8032, 21505, 12292, 26918, 8743, 8456, 2763, 34476, 65519, 67182, 11248]),
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("n", "k"), JAVA)
def test_the_starting_rows_are_java_s(n, k):
    rows = published.java_rows(n, k).tolist()
    checksum = 17
    for i in rows:
        checksum = (checksum * 31 + i) % 1_000_003
    want, first = JAVA[n, k]
    assert rows[: len(first)] == first
    assert checksum == want
    assert len(set(rows)) == k


def test_another_seed_gives_other_rows():
    assert published.java_rows(1000, 9, 43).tolist() != published.java_rows(1000, 9).tolist()


def published_kmeans(x, start):
    """Lloyd as published: the loop over centroids ends one early, empty cells become zero, until nothing moves."""
    centroids, rounds = [list(c) for c in start], 0
    while True:
        rounds += 1
        cells = [[] for _ in centroids]
        for row in x:
            far = [sum((a - b) ** 2 for a, b in zip(row, c, strict=True)) for c in centroids[:-1]]
            cells[far.index(min(far))].append(row)
        new = [[sum(v) / len(cell) for v in zip(*cell, strict=True)] if cell else [0.0] * len(x[0]) for cell in cells]
        if new == centroids:
            return new, rounds
        centroids = new


@pytest.mark.parametrize("seed", range(3))
def test_its_codebooks_equal_the_loop(seed):
    x = rng(seed).integers(0, 8, (60, 5))
    pq = published.fit(x, 2, 7)
    rows = published.java_rows(60, 7)
    padded = np.pad(x, ((0, 0), (0, 1))).tolist()
    for j in range(2):
        part = [row[3 * j : 3 * j + 3] for row in padded]
        want, rounds = published_kmeans(part, [part[i] for i in rows])
        np.testing.assert_allclose(pq.codebooks[j], want, rtol=1e-6)
        assert pq.iterations[j] == rounds
        assert not pq.codebooks[j, -1].any()  # never assigned: it is zero after the first update


def test_its_plain_codes_leave_the_last_centroid_out():
    pq = PQ(np.array([[[0.0], [5.0], [9.0]]], np.float32), 1, np.array([1]))
    x = np.array([[8.0], [3.0], [1.0]])
    assert published.encode(pq, x).ravel().tolist() == [1, 1, 0]
    assert pq.encode(x).ravel().tolist() == [2, 1, 0]
    wide = PQ(np.arange(257.0, dtype=np.float32).reshape(1, 257, 1), 1, np.array([1]))
    assert published.encode(wide, x).dtype == np.uint16  # the type of the codes stays that of all K


def naive_schedule(cost, workers):
    """Second by second is too slow for fractions: event by event, the next task to whoever is free."""
    waiting, busy, done, now = list(range(len(cost))), [], [], 0.0
    while waiting or busy:
        while waiting and len(busy) < workers:
            task = waiting.pop(0)
            heapq.heappush(busy, (now + cost[task], task))
        now, task = heapq.heappop(busy)
        done.append((now, task))
    return [task for _, task in sorted(done)]


@pytest.mark.parametrize("workers", [1, 2, 3, 8, 50])
def test_completion_order_equals_the_simulation(workers):
    cost = rng(workers).integers(1, 30, 30).astype(float)
    assert published.completion_order(cost, workers).tolist() == naive_schedule(cost, workers)


def test_completion_order_by_hand():
    assert published.completion_order([3, 1, 1], 2).tolist() == [1, 2, 0]
    assert published.completion_order([3, 1, 1], 1).tolist() == [0, 1, 2]
    assert published.completion_order([3, 1, 2], 9).tolist() == [1, 2, 0]
    assert published.completion_order([2, 1, 1], 2).tolist() == [1, 0, 2]  # at once: in their own order


def test_the_race_puts_codebooks_on_other_subspaces():
    books = np.arange(6, dtype=np.float32).reshape(3, 2, 1)
    pq = PQ(books, 3, np.array([10, 20, 30]))
    raced = published.reorder(pq, np.array([2, 0, 1]))
    assert raced.codebooks.ravel().tolist() == [4, 5, 0, 1, 2, 3]
    assert raced.iterations.tolist() == [30, 10, 20]
    np.testing.assert_array_equal(published.reorder(pq, np.arange(3)).codebooks, books)


def test_one_worker_makes_no_race_and_a_race_only_costs_distortion():
    x = np.hstack([rng(1).normal(size=(300, 4)) + 10 * j for j in range(3)])
    pq = PQ.fit(x, 3, 8, rng(0))
    alone = published.reorder(pq, published.completion_order(pq.iterations, 1))
    np.testing.assert_array_equal(alone.encode(x), pq.encode(x))
    raced = published.reorder(pq, np.array([1, 2, 0]))
    lost = [((x - q.decode(q.encode(x))) ** 2).mean() for q in (pq, raced)]
    assert lost[1] > 10 * lost[0]


def test_the_rule_is_the_codes():
    assert Rule(100_000, 0.0, "zero", False, "float64") == published.RULE
    assert (published.M, published.K, published.SEED) == (30, 256, 42)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: published.java_rows(3, 4), "K = 4 rows of n = 3"),
        (lambda: published.java_rows(3, 0), "K = 0"),
        (lambda: published.fit(np.ones((3, 2)), 3, 2), "M = 3"),
        (lambda: published.fit(np.ones((3, 2)), 1, 4), "K = 4"),
        (lambda: published.fit(np.array([[np.nan]]), 1, 1), "NaN"),
        (lambda: published.encode(PQ(np.ones((1, 1, 1), np.float32), 1, np.ones(1, int)), np.ones((1, 1))), "K = 1"),
        (lambda: published.completion_order([1.0, -1.0], 2), ">= 0"),
        (lambda: published.completion_order([1.0, np.nan], 2), ">= 0"),
        (lambda: published.completion_order([[1.0]], 2), r"\(1, 1\)"),
        (lambda: published.completion_order([1.0], 0), "workers = 0"),
        (lambda: published.reorder(PQ(np.ones((2, 1, 1), np.float32), 2, np.ones(2, int)), np.array([0, 0])), "perm"),
        (lambda: published.reorder(PQ(np.ones((2, 1, 1), np.float32), 2, np.ones(2, int)), np.array([0])), "perm"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
