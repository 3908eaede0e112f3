"""Product quantization: by hand, against loops, against nanopq, laws of coding, and refusals."""

import nanopq
import numpy as np
import pytest

from likeness.models.fpq.lloyd import Rule
from likeness.models.fpq.pq import PQ, check_vectors, over_parts, smallest, subvectors

BOOKS = np.array([[[0.0, 0.0], [4.0, 0.0]], [[1.0, 0.0], [9.0, 0.0]]], np.float32)  # (M=2, K=2, Ds=2)
#: Vectors of three numbers: the second part holds one of them and a zero.
HAND = PQ(BOOKS, 3, np.array([1, 1]))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def naive_encode(pq, x):
    ds = pq.codebooks.shape[2]
    codes = []
    for row in x:
        padded = [float(v) for v in row] + [0.0] * (pq.m * ds - len(row))
        line = []
        for j in range(pq.m):
            part = padded[j * ds : (j + 1) * ds]
            far = [sum((a - float(b)) ** 2 for a, b in zip(part, c, strict=True)) for c in pq.codebooks[j]]
            line.append(far.index(min(far)))
        codes.append(line)
    return codes


def test_by_hand():
    x = np.array([[3.0, 0.0, 8.0], [1.0, 1.0, 2.0]])
    codes = HAND.encode(x)
    assert codes.tolist() == [[1, 1], [0, 0]]
    assert codes.dtype == np.uint8
    assert HAND.decode(codes).tolist() == [[4.0, 0.0, 9.0], [0.0, 0.0, 1.0]]
    assert HAND.dtable(x[:1]).tolist() == [[[9.0, 1.0], [49.0, 1.0]]]
    distance, rows = HAND.search(x[:1], codes, 2)
    assert distance.tolist() == [[2.0, 58.0]]
    assert rows.tolist() == [[0, 1]]
    assert (HAND.m, HAND.k, HAND.bits) == (2, 2, 16)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("m", [1, 3, 4, 7])
def test_codes_and_tables_equal_the_loops(m, dtype):
    x = rng(m).integers(0, 200, (80, 7)).astype(dtype)
    pq = PQ.fit(x, m, 6, rng(1))
    assert pq.codebooks.shape == (m, 6, -(-7 // m))
    assert pq.codebooks.dtype == np.float32
    codes = pq.encode(x)
    assert codes.tolist() == naive_encode(pq, x)
    table = pq.dtable(x[:5])
    padded = pq.pad(x[:5]).reshape(5, m, -1)
    for q in range(5):
        for j in range(m):
            for k in range(6):
                assert table[q, j, k] == pytest.approx(((padded[q, j] - pq.codebooks[j, k]) ** 2).sum(), rel=1e-6)


@pytest.mark.parametrize(("d", "m"), [(6, 3), (7, 3), (5, 5), (9, 4)])
def test_the_distance_of_a_code_is_the_distance_to_what_it_decodes_to(d, m):
    x, q = rng(2).normal(size=(150, d)), rng(3).normal(size=(4, d))
    pq = PQ.fit(x, m, 8, rng(1))
    codes = pq.encode(x)
    distance, rows = pq.search(q, codes, 150)
    lost = pq.pad(np.zeros((1, d))).shape[1] - d
    decoded = pq.decode(codes)
    for i in range(4):
        want = [sum((q[i].astype(np.float32) - decoded[n]) ** 2) for n in rows[i]]
        np.testing.assert_allclose(distance[i], want, rtol=1e-4, atol=1e-5)
        assert np.all(np.diff(distance[i]) >= 0)
        assert sorted(rows[i].tolist()) == list(range(150))
    # centroids are means of padded parts: what stands beyond column D is zero
    assert not lost or np.all(pq.codebooks[-1].reshape(pq.k, -1)[:, -lost:] == 0.0)


def test_ties_go_to_the_smaller_row():
    codes = np.array([[1, 1], [0, 0], [1, 1], [0, 0], [1, 1]])
    assert HAND.search(np.array([[4.0, 0.0, 9.0]]), codes, 4)[1].tolist() == [[0, 2, 4, 1]]
    value, place = smallest(np.array([[2.0, 1.0, 2.0, 0.0, 1.0]]), 4)
    assert value.tolist() == [[0.0, 1.0, 1.0, 2.0]]
    assert place.tolist() == [[3, 1, 4, 0]]


@pytest.mark.parametrize("step", [1, 700])
def test_search_in_blocks_of_queries_equals_search_at_once(step, monkeypatch):
    x = rng(5).normal(size=(100, 6))
    pq = PQ.fit(x, 2, 16, rng(0))
    codes = pq.encode(x)
    whole = pq.search(x[:13], codes, 3)
    monkeypatch.setattr("likeness.models.fpq.pq._SEARCH_CELLS", step)
    blocks = pq.search(x[:13], codes, 3)
    np.testing.assert_array_equal(whole[0], blocks[0])
    np.testing.assert_array_equal(whole[1], blocks[1])


def test_one_thread_and_a_thread_a_subspace_agree_to_the_last_bit():
    x = rng(4).normal(size=(700, 11)).astype(np.float32)
    one, many = (PQ.fit(x, 5, 20, rng(7), jobs=jobs) for jobs in (1, 3))
    np.testing.assert_array_equal(one.codebooks, many.codebooks)
    np.testing.assert_array_equal(one.iterations, many.iterations)
    np.testing.assert_array_equal(one.encode(x), many.encode(x, jobs=3))


def test_as_many_centroids_as_rows_lose_nothing():
    x = rng(0).integers(0, 9, (20, 6)).astype(np.float32)
    pq = PQ.fit(x, 3, 20, rng(0))
    np.testing.assert_array_equal(pq.decode(pq.encode(x)), x)
    assert PQ.fit(x, 6, 20, rng(0)).encode(x).shape == (20, 6)


def test_decoding_is_a_projection_and_more_centroids_lose_less():
    x = rng(0).normal(size=(900, 8))
    loss = []
    for k in (2, 8, 32, 128):
        pq = PQ.fit(x, 4, k, rng(0), rule=Rule(max_iter=60))
        codes = pq.encode(x)
        assert np.array_equal(pq.encode(pq.decode(codes)), codes)
        loss.append(float(((x - pq.decode(codes)) ** 2).sum(axis=1).mean()))
    assert loss == sorted(loss, reverse=True)
    assert loss[-1] < 0.1 * loss[0]


def test_more_than_256_centroids_take_two_bytes():
    x = rng(0).normal(size=(300, 2))
    pq = PQ.fit(x, 1, 257, rng(0), rule=Rule(max_iter=2))
    assert pq.encode(x).dtype == np.uint16
    assert pq.bits == 16
    assert pq.encode(x).max() == 256
    assert PQ.fit(x, 1, 256, rng(0), rule=Rule(max_iter=1)).encode(x).dtype == np.uint8


def test_nanopq_encodes_and_measures_the_same():
    x = rng(8).normal(size=(500, 12)).astype(np.float32)
    pq = PQ.fit(x, 4, 32, rng(0))
    peer = nanopq.PQ(4, 32, verbose=False)
    peer.codewords, peer.Ds = pq.codebooks, 3
    np.testing.assert_array_equal(pq.encode(x), peer.encode(x))
    np.testing.assert_array_equal(pq.decode(pq.encode(x)), peer.decode(peer.encode(x)))
    np.testing.assert_allclose(pq.dtable(x[:1])[0], peer.dtable(x[0]).dtable, rtol=1e-4, atol=1e-6)
    distance, rows = pq.search(x[:3], pq.encode(x), 500)
    for i in range(3):
        theirs = peer.dtable(x[i]).adist(peer.encode(x))
        np.testing.assert_allclose(distance[i], theirs[rows[i]], rtol=1e-4)


def test_nanopq_s_kmeans_reaches_the_same_distortion():
    x = rng(8).normal(size=(2000, 8)).astype(np.float32)
    ours, peer = PQ.fit(x, 4, 32, rng(0)), nanopq.PQ(4, 32, verbose=False).fit(x, iter=25)
    lost = [float(((x - q.decode(q.encode(x))) ** 2).sum(axis=1).mean()) for q in (ours, peer)]
    assert lost[0] == pytest.approx(lost[1], rel=0.02)


def test_subvectors_are_views_where_nothing_is_padded():
    x = np.arange(10.0).reshape(2, 5)
    assert np.shares_memory(subvectors(x, 2, 0), x)
    assert [subvectors(x, 4, j).tolist() for j in (0, 2, 3)] == [[[0, 1], [5, 6]], [[4, 0], [9, 0]], [[0, 0], [0, 0]]]


def test_parts_come_back_in_their_order():
    assert over_parts(lambda j: j * j, 5, 3) == over_parts(lambda j: j * j, 5, 1) == [0, 1, 4, 9, 16]


NAN = np.array([[1.0, np.nan], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PQ.fit(np.ones((9, 3)), 4, 2, rng()), "M = 4 parts.*D = 3: expected 1 <= M <= D"),
        (lambda: PQ.fit(np.ones((9, 3)), 0, 2, rng()), "M = 0"),
        (lambda: PQ.fit(np.ones((9, 3)), 1, 10, rng()), r"K = 10 centroids from N = 9.*min\(N, 65536\)"),
        (lambda: PQ.fit(np.ones((9, 3)), 1, 0, rng()), "K = 0"),
        (lambda: PQ.fit(NAN, 1, 1, rng()), "NaN or infinite"),
        (lambda: PQ.fit(np.full((2, 2), np.inf), 1, 1, rng()), "NaN or infinite"),
        (lambda: PQ.fit(np.ones(9), 1, 1, rng()), r"shape \(9,\)"),
        (lambda: PQ.fit(np.ones((0, 3)), 1, 1, rng()), r"shape \(0, 3\)"),
        (lambda: PQ.fit(np.array([["a"]]), 1, 1, rng()), "type <U1"),
        (lambda: PQ.fit(np.ones((3, 3), complex), 1, 1, rng()), "type complex128"),
        (lambda: PQ.fit(np.ones((9, 3)), 1, 1, rng(), jobs=0), "jobs = 0"),
        (lambda: HAND.encode(np.ones((2, 4))), "length 4: expected 3"),
        (lambda: HAND.encode(np.full((2, 3), np.nan)), "NaN"),
        (lambda: HAND.dtable(np.ones((2, 2))), "length 2: expected 3"),
        (lambda: HAND.decode(np.array([[0, 2]])), "codes from 0 to 2: expected 0..1"),
        (lambda: HAND.decode(np.array([[0, -1]])), "codes from -1 to 0"),
        (lambda: HAND.decode(np.array([[0.0, 1.0]])), "float64"),
        (lambda: HAND.decode(np.array([0, 1])), r"shape \(2,\)"),
        (lambda: HAND.decode(np.array([[0, 1, 0]])), r"shape \(1, 3\).*\(N, 2\)"),
        (lambda: HAND.search(np.ones((1, 3)), np.array([[0, 1]]), 2), "topk = 2 of 1"),
        (lambda: HAND.search(np.ones((1, 3)), np.array([[0, 1]]), 0), "topk = 0"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_late_nan_is_found_too():
    x = np.zeros((70_000, 1), np.float32)
    x[-1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        check_vectors(x)
