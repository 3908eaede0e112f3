"""OpenIndexing: Algorithm 1 as a loop, by hand, laws of its three variants, and the index that uses it."""

import math
from itertools import pairwise

import numpy as np
import pytest

from likeness.models.fpq.fpq import FPQ
from likeness.models.fpq.open_indexing import VARIANTS, candidates, cell_counts, limit, open_index
from likeness.models.fpq.pq import PQ


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def quantizer(seed: int, n: int = 120, d: int = 7, m: int = 3, k: int = 5) -> tuple[PQ, np.ndarray]:
    """Rows of small whole numbers (distances are exact, and often equal) and codebooks that are rows too."""
    x = rng(seed).integers(0, 6, (n, d)).astype(float)
    ds = -(-d // m)
    books = rng(seed + 1).integers(0, 6, (m, k, ds)).astype(np.float32)
    books.reshape(m, k, ds)[-1, :, d - ds * (m - 1) :] = 0.0
    return PQ(books, d, np.ones(m, int)), x


def distances(pq, row):
    """Squared distances of one row's parts to all centroids: M lists of K."""
    ds = pq.codebooks.shape[2]
    padded = [float(v) for v in row] + [0.0] * (pq.m * ds - len(row))
    return [
        [sum((a - float(b)) ** 2 for a, b in zip(padded[j * ds : (j + 1) * ds], c, strict=True)) for c in book]
        for j, book in enumerate(pq.codebooks)
    ]


def find_2_min(far):
    """Nearest and second nearest, the first of equal ones."""
    near = far.index(min(far))
    rest = [(v, k) for k, v in enumerate(far) if k != near]
    return near, min(rest)[1]


def published_2_min(far):
    """The published loop: the second is what the minimum was before it became the minimum."""
    best, second, least = 0, 0, math.inf
    for k, v in enumerate(far):
        if v < least:
            least, second, best = v, best, k
    return best, second


def algorithm_1(pq, x, up, find):
    """As printed, with the counting that the text around it asks for."""
    count: dict[int, int] = {}
    compressed = []
    for row in x:
        line = []
        for far in distances(pq, row):
            code = find(far)
            c = code[0]
            if code[0] in count and count[code[0]] > up:
                c = code[1]
            count[c] = count.get(c, 0) + 1
            line.append(c)
        compressed.append(line)
    return compressed


def corrected_loop(pq, x, most):
    count = [[0] * pq.k for _ in range(pq.m)]
    compressed = []
    for row in x:
        line = []
        for j, far in enumerate(distances(pq, row)):
            c = min((v, k) for k, v in enumerate(far) if count[j][k] < most)[1]
            count[j][c] += 1
            line.append(c)
        compressed.append(line)
    return compressed


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("c", [1.0, 1.3, 2.0, 9.0])
def test_every_variant_equals_its_loop(seed, c):
    pq, x = quantizer(seed)
    for variant, find in (("literal", find_2_min), ("published", published_2_min)):
        got = open_index(pq, x, c, variant=variant)
        assert got.codes.tolist() == algorithm_1(pq, x, c * len(x) * pq.m / pq.k, find)
        assert got.codes.dtype == np.uint8
    got = open_index(pq, x, c)
    assert got.codes.tolist() == corrected_loop(pq, x, math.ceil(c * len(x) / pq.k))


@pytest.mark.parametrize("seed", range(4))
def test_the_two_nearest_equal_their_loops(seed):
    pq, x = quantizer(seed, k=9)
    for running, find in ((False, find_2_min), (True, published_2_min)):
        first, second = candidates(pq, x, running=running)
        want = [[find(far) for far in distances(pq, row)] for row in x]
        assert first.tolist() == [[a for a, _ in line] for line in want]
        assert second.tolist() == [[b for _, b in line] for line in want]


def test_by_hand():
    pq = PQ(np.array([[[0.0], [2.0], [5.0]]], np.float32), 1, np.array([1]))
    x = np.array([[0.0], [0.1], [0.2], [4.0], [4.4], [4.6]])
    assert open_index(pq, x, 1.0).codes.ravel().tolist() == [0, 0, 1, 2, 2, 1]  # two a centroid, the nearest with room
    literal = open_index(pq, x, 1.0, variant="literal")
    assert literal.limit == 2.0
    assert literal.codes.ravel().tolist() == [0, 0, 0, 2, 2, 2]  # "> 2" lets three in
    tight = open_index(pq, x, variant="literal", most=0)
    # the second entry of a centroid leaves it, for one that may be just as full: 1 gets the second, third, fifth, ...
    assert tight.codes.ravel().tolist() == [0, 1, 1, 2, 1, 1]
    # the published loop passes 0, 2, 5: the second nearest of 4.4 is what it held before 5, namely 2; of 0.1 it is 0
    assert open_index(pq, x, variant="published", most=0).codes.ravel().tolist() == [0, 0, 0, 2, 1, 1]
    assert tight.moved == 4
    assert open_index(pq, x, variant="published", most=0).moved == 2


def test_one_table_for_all_subspaces_limits_no_subspace():
    books = np.array([[[0.0], [9.0]]] * 3, np.float32)
    pq = PQ(books, 3, np.ones(3, int))
    x = np.zeros((10, 3))
    x[:, 1:] = 9.0  # subspace 0 fills centroid 0; the others centroid 1
    literal = open_index(pq, x, 1.2, variant="literal")
    assert literal.limit == pytest.approx(18.0)
    assert cell_counts(literal.codes, 2).tolist()[0] == [10, 0]  # all of it in one cell: far over c N / K = 6
    assert cell_counts(open_index(pq, x, 1.2).codes, 2).tolist() == [[6, 4], [4, 6], [4, 6]]


@pytest.mark.parametrize("seed", range(5))
def test_laws(seed):
    pq, x = quantizer(seed, n=200, k=6)
    nearest = pq.encode(x)
    for variant in VARIANTS:
        wide = open_index(pq, x, 1e6, variant=variant)
        np.testing.assert_array_equal(wide.codes, nearest)  # a limit that is never reached is no limit
        assert wide.moved == 0
        got = open_index(pq, x, 1.0, variant=variant)
        assert got.moved == int((got.codes != nearest).sum())
        np.testing.assert_array_equal(got.codes, open_index(pq, x, 1.0, variant=variant, jobs=3).codes)
        assert cell_counts(got.codes, pq.k).sum() == x.shape[0] * pq.m
    lost = [((x - pq.decode(open_index(pq, x, c).codes)) ** 2).sum() for c in (1.0, 1.5, 3.0, 6.0)]
    assert all(a >= b for a, b in pairwise(lost))
    for c in (1.0, 1.5, 2.0):
        assert cell_counts(open_index(pq, x, c).codes, pq.k).max() <= math.ceil(c * 200 / 6)


def test_published_gives_way_to_itself_at_centroid_zero():
    pq = PQ(np.array([[[0.0], [1.0]]], np.float32), 1, np.array([1]))
    got = open_index(pq, np.zeros((9, 1)), variant="published", most=1)
    assert got.codes.ravel().tolist() == [0] * 9
    assert got.moved == 0


def test_limit():
    assert limit(50_000, 30, 256, variant="literal") == 2 * 50_000 * 30 / 256
    assert limit(10, 5, 4, 1.0) == 3
    assert limit(10, 5, 4, 1.0, variant="published") == 12.5
    assert cell_counts(np.array([[0, 3], [0, 1]]), 4).tolist() == [[2, 0, 0, 0], [0, 1, 0, 1]]


def test_the_index_encodes_by_open_indexing_and_searches_as_pq():
    x = rng(1).normal(size=(300, 7))
    fpq = FPQ.fit(x, 3, 8, rng(2), c=1.0)
    pq = PQ.fit(x, 3, 8, rng(2))
    np.testing.assert_array_equal(fpq.codebooks, pq.codebooks)
    codes = fpq.encode(x)
    np.testing.assert_array_equal(codes, open_index(pq, x, 1.0).codes)
    assert cell_counts(codes, 8).max() <= math.ceil(300 / 8)
    np.testing.assert_array_equal(fpq.search(x[:4], codes, 5)[1], pq.search(x[:4], codes, 5)[1])
    literal = FPQ.fit(x, 3, 8, rng(2), variant="literal", c=1.5)
    np.testing.assert_array_equal(literal.encode(x), open_index(pq, x, 1.5, variant="literal").codes)
    assert not np.array_equal(codes, literal.encode(x))


PQ2, X2 = quantizer(0)
ONE = PQ(np.zeros((1, 1, 1), np.float32), 1, np.array([1]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: open_index(PQ2, X2, 0.5), "c = 0.5: expected a finite factor >= 1"),
        (lambda: open_index(PQ2, X2, float("nan")), "c = nan"),
        (lambda: open_index(PQ2, X2, math.inf), "c = inf"),
        (lambda: open_index(PQ2, X2, variant="printed"), "'printed': expected one of corrected, literal"),
        (lambda: open_index(PQ2, X2, variant="printed", most=3), "'printed': expected one of corrected, literal"),
        (lambda: open_index(PQ2, X2, most=23), "5 centroids of at most 23 entries cannot hold 120 rows"),
        (lambda: open_index(ONE, np.ones((2, 1))), "K = 1"),
        (lambda: open_index(PQ2, X2[:, :3]), "length 3: expected 7"),
        (lambda: open_index(PQ2, X2 * np.nan), "NaN"),
        (lambda: FPQ.fit(X2, 3, 5, rng(), c=0.0), "c = 0.0"),
        (lambda: FPQ.fit(X2, 3, 5, rng(), variant="none"), "'none'"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
