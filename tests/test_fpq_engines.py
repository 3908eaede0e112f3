"""Codes in faiss: the same neighbours as our own search, for any M, K and D, and back again."""

import subprocess
import sys

import faiss
import numpy as np
import pytest

from likeness.models.fpq import engines
from likeness.models.fpq.lloyd import Rule
from likeness.models.fpq.open_indexing import open_index
from likeness.models.fpq.pq import PQ


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def trained(d, m, k, n=600):
    x = rng(d + m + k).normal(size=(n, d)).astype(np.float32)
    return PQ.fit(x, m, k, rng(1), rule=Rule(max_iter=4)), x


@pytest.mark.parametrize(
    ("d", "m", "k"),
    [(12, 4, 256), (12, 4, 16), (13, 4, 256), (10, 3, 20), (7, 7, 2), (9, 2, 300), (5, 1, 1), (784, 30, 8)],
)
@pytest.mark.parametrize("how", ["nearest", "open"])
def test_index_pq_finds_what_our_search_finds(d, m, k, how):
    pq, x = trained(d, m, k)
    if k == 1 and how == "open":
        pytest.skip("OpenIndexing needs two centroids")
    codes = pq.encode(x) if how == "nearest" else open_index(pq, x, 1.0).codes
    index = engines.to_index_pq(pq, codes)
    assert (index.d, index.ntotal, index.is_trained) == (d, 600, True)
    same_neighbours(pq, codes, x[:20], index.search(x[:20], 50))


def same_neighbours(pq, codes, queries, theirs, topk=50):
    """Equal distances at every rank; each row really lies where faiss says; no row twice."""
    distance, rows = pq.search(queries, codes, topk)
    all_distances = pq.search(queries, codes, len(codes))
    where = np.empty((len(queries), len(codes)))
    np.put_along_axis(where, all_distances[1], all_distances[0], axis=1)  # (Q, N) by row
    np.testing.assert_allclose(theirs[0], distance, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.take_along_axis(where, theirs[1], axis=1), distance, rtol=1e-4, atol=1e-4)
    assert all(len(set(line)) == topk for line in theirs[1].tolist())
    clear = np.diff(distance, axis=1) > 1e-3
    lone = np.pad(clear, ((0, 0), (1, 0)), constant_values=True)[:, :-1] & clear  # no neighbour in rank is as far
    assert np.array_equal(theirs[1][:, :-1][lone], rows[:, :-1][lone])
    return lone.mean()


def test_without_ties_all_rows_are_equal():
    x = rng(0).uniform(size=(2000, 16)).astype(np.float32)
    pq = PQ.fit(x, 8, 256, rng(0), rule=Rule(max_iter=3))
    codes = pq.encode(x)
    _, rows = engines.to_index_pq(pq, codes).search(x[:10], 10)
    assert np.array_equal(rows, pq.search(x[:10], codes, 10)[1])


@pytest.mark.parametrize(("k", "width"), [(256, 4), (300, 5), (16, 2), (20, 3), (65_536, 8), (2, 1)])
def test_packing_can_be_undone_and_has_faiss_s_width(k, width):
    codes = rng(k).integers(0, k, (50, 4))
    packed = engines.pack(codes, k)
    assert packed.shape == (50, width)
    assert faiss.ProductQuantizer(4, 4, engines.nbits(k)).code_size == width
    assert faiss.unpack_bitstrings(packed, 4, engines.nbits(k)).tolist() == codes.tolist()


@pytest.mark.parametrize("bits", [4, 8])
def test_faiss_s_quantizer_comes_back_and_its_codes_are_ours(bits):
    x = rng(3).normal(size=(1500, 12)).astype(np.float32)
    index = faiss.IndexPQ(12, 4, bits)
    index.train(x)
    index.add(x)
    pq, codes = engines.from_index_pq(index)
    assert pq.codebooks.shape == (4, 1 << bits, 3)
    np.testing.assert_array_equal(pq.encode(x), codes)
    same_neighbours(pq, codes, x[:5], index.search(x[:5], 50))
    again = engines.from_index_pq(engines.to_index_pq(pq, codes))
    np.testing.assert_array_equal(again[0].codebooks, pq.codebooks)
    np.testing.assert_array_equal(again[1], codes)


def test_an_empty_index_and_more_neighbours_than_rows():
    pq, x = trained(10, 3, 20)
    index = engines.to_index_pq(pq, np.empty((0, 3), np.uint8))
    assert index.search(x[:1], 2)[1].tolist() == [[-1, -1]]
    assert engines.to_index_pq(pq, pq.encode(x[:1])).search(x[:1], 2)[1].tolist() == [[0, -1]]


@pytest.mark.parametrize(("d", "m", "k"), [(12, 4, 256), (13, 4, 20), (6, 2, 4)])
def test_index_ivfpq_measures_coarse_plus_residual(d, m, k):
    x = rng(d).normal(size=(500, d)).astype(np.float32)
    coarse = x[:9].copy()
    lists = rng(1).integers(0, 9, 500)  # any list, not the nearest: codes are of what is left from there
    pq = PQ.fit(x - coarse[lists], m, k, rng(1), rule=Rule(max_iter=4))
    codes = pq.encode(x - coarse[lists])
    index = engines.to_index_ivfpq(pq, coarse, lists, codes)
    rebuilt = coarse[lists] + pq.decode(codes)
    for nprobe in (1, 3, 9):
        engines.set_nprobe(index, nprobe)
        distance, rows = index.search(x[:15], 20)
        for i, q in enumerate(x[:15]):
            probed = np.argsort(((q - coarse) ** 2).sum(axis=1))[:nprobe]
            inside = np.flatnonzero(np.isin(lists, probed))
            far = ((q - rebuilt[inside]) ** 2).sum(axis=1)
            want = np.sort(far)[:20]
            got = rows[i][rows[i] >= 0]
            assert len(got) == len(want) == len(set(got.tolist()))
            np.testing.assert_allclose(distance[i][: len(want)], want, rtol=1e-3, atol=1e-3)
            np.testing.assert_allclose(((q - rebuilt[got]) ** 2).sum(axis=1), want, rtol=1e-3, atol=1e-3)


def test_faiss_s_own_inverted_file_can_be_rebuilt():
    x = rng(2).normal(size=(1200, 8)).astype(np.float32)
    own = faiss.index_factory(8, "IVF7,PQ4x4")
    own.train(x)
    own.add(x)
    coarse = own.quantizer.reconstruct_n(0, 7)
    lists = own.quantizer.search(x, 1)[1].ravel()
    pq = PQ(faiss.vector_to_array(own.pq.centroids).reshape(4, 16, 2), 8, np.ones(4, int))
    ours = engines.to_index_ivfpq(pq, coarse, lists, pq.encode(x - coarse[lists]))
    for index in (own, ours):
        engines.set_nprobe(index, 3)
    np.testing.assert_allclose(ours.search(x[:30], 9)[0], own.search(x[:30], 9)[0], rtol=1e-4, atol=1e-4)


def test_faiss_and_torch_live_in_one_process():
    """Each brings its own OpenMP, and tasks of the studies load both, faiss first."""
    code = (
        "import numpy as np, faiss, torch\n"
        "x = np.random.default_rng(0).normal(size=(300, 8)).astype('f')\n"
        "i = faiss.IndexPQ(8, 2, 4); i.train(x); i.add(x); i.search(x, 3)\n"
        "assert (torch.from_numpy(x) @ torch.ones(8, 500)).shape == (300, 500)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


PQ2, X2 = trained(10, 3, 20)
CODES = PQ2.encode(X2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: engines.to_index_pq(PQ2, CODES[:, :2]), r"expected \(N, 3\)"),
        (lambda: engines.to_index_pq(PQ2, CODES + 20), "expected 0..19"),
        (lambda: engines.from_index_pq(faiss.IndexPQ(4, 2, 8)), "IndexPQ: expected a trained"),
        (lambda: engines.from_index_pq(faiss.IndexFlatL2(4)), "IndexFlatL2: expected a trained faiss IndexPQ"),
        (lambda: engines.to_index_ivfpq(PQ2, X2[:4, :9], np.zeros(600, int), CODES), r"centroids \(4, 9\)"),
        (lambda: engines.to_index_ivfpq(PQ2, X2[:4], np.zeros(599, int), CODES), r"lists \(599,\)"),
        (lambda: engines.to_index_ivfpq(PQ2, X2[:4], np.full(600, 4), CODES), "lists from 4 to 4: expected 0..3"),
        (lambda: engines.to_index_ivfpq(PQ2, X2[:4], np.full(600, -1), CODES), "lists from -1"),
        (lambda: engines.set_nprobe(engines.to_index_ivfpq(PQ2, X2[:4], np.zeros(600, int), CODES), 0), "nprobe = 0"),
        (lambda: engines.nbits(0), "K = 0"),
        (lambda: engines.nbits(65_537), "K = 65537"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
