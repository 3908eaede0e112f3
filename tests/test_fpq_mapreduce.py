"""Codebooks and codes from shards: equal to those in memory, through lost workers, full disks and wrong addresses."""

import os
import resource
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from likeness.data.vectors import Shard, shards, write
from likeness.models.fpq import mapreduce, store
from likeness.models.fpq.fpq import FPQ
from likeness.models.fpq.lloyd import Lloyd, Rule
from likeness.models.fpq.pq import PQ


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def client():
    with mapreduce.connect(workers=2) as one:
        yield one


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """1000 rows of 7 whole numbers in two files, and the same rows in memory."""
    folder, x = tmp_path_factory.mktemp("small"), rng(0).integers(0, 200, (1000, 7)).astype(np.uint8)
    write(folder / "a.bvecs", x[:630])
    write(folder / "b.bvecs", x[630:])
    return [folder / "a.bvecs", folder / "b.bvecs"], x


@pytest.mark.parametrize("rows", [1000, 90])
def test_shards_give_the_codebooks_that_memory_gives(client, small, rows):
    files, x = small
    rule = Rule(max_iter=12)
    got = mapreduce.fit(shards(files, rows), 3, 9, rng(4), client, rule=rule)
    for jobs in (1, 3):
        want = PQ.fit(x, 3, 9, rng(4), rule=rule, jobs=jobs)
        np.testing.assert_array_equal(got.codebooks, want.codebooks)  # sums of whole numbers have no rounding
        np.testing.assert_array_equal(got.iterations, want.iterations)
    assert got.dim == 7


def test_rows_are_taken_by_their_number_over_all_shards(small):
    files, x = small
    rows = np.array([630, 0, 629, 999, 90, 89])
    np.testing.assert_array_equal(mapreduce._take(shards(files, 90), rows), x[rows])


@pytest.mark.parametrize("empty", ["split", "zero"])
def test_fractions_agree_to_rounding(client, tmp_path, empty):
    x = np.vstack([rng(1).normal(size=(600, 6)), np.zeros((50, 6))])
    write(tmp_path / "x.npy", x)
    rule = Rule(max_iter=6, empty=empty, precision="float64")
    got = mapreduce.fit(shards(tmp_path / "x.npy", 70), 2, 40, rng(2), client, rule=rule)
    want = PQ.fit(x, 2, 40, rng(2), rule=rule)
    np.testing.assert_allclose(got.codebooks, want.codebooks, rtol=1e-6, atol=1e-7)


def test_codes_of_shards_are_the_codes_in_memory(client, small, tmp_path):
    files, x = small
    pq = PQ.fit(x, 3, 300, rng(4), rule=Rule(max_iter=2))  # two bytes a code
    stored = mapreduce.encode(shards(files, 200), pq, tmp_path / "index", client)
    assert [len(p) for p in stored.parts] == [200, 200, 200, 30, 200, 170]
    assert len(stored) == 1000
    np.testing.assert_array_equal(stored.codes(), pq.encode(x))
    again = store.load(tmp_path / "index")
    np.testing.assert_array_equal(again.pq.codebooks, pq.codebooks)
    np.testing.assert_array_equal(again.pq.iterations, pq.iterations)
    np.testing.assert_array_equal(again.pq.search(x[:2], again.codes(), 4)[1], pq.search(x[:2], pq.encode(x), 4)[1])
    assert [p.name for p in tmp_path.iterdir()] == ["index"]


def test_open_indexing_counts_anew_in_every_shard(client, small, tmp_path):
    files, x = small
    fpq = FPQ.fit(x, 3, 8, rng(4), c=1.0)
    stored = mapreduce.encode(shards(files, 200), fpq, tmp_path / "index", client)
    np.testing.assert_array_equal(stored.parts[1], fpq.encode(x[200:400]))
    most = max(np.bincount(column).max() for column in stored.codes().T)
    assert most <= 1000 / 8 + 6


class LosesAWorker(Lloyd):
    """At the third move of a subspace a worker is killed, a moment later: while it works at the fourth."""

    victims: list[int] = []
    at: list[int] = []

    def step(self, part):
        super().step(part)
        if self.iterations == 3 and self.victims:
            self.at.append(self.iterations)
            threading.Timer(0.05, os.kill, (self.victims.pop(), signal.SIGKILL)).start()


def test_a_worker_killed_half_way_changes_nothing(tmp_path, monkeypatch):
    x = rng(6).integers(0, 256, (30_000, 16)).astype(np.uint8)
    write(tmp_path / "x.bvecs", x)
    rule = Rule(max_iter=12)
    with mapreduce.connect(workers=2) as client:
        before = set(client.run(os.getpid).values())
        monkeypatch.setattr(LosesAWorker, "victims", [min(before)])
        monkeypatch.setattr(mapreduce, "Lloyd", LosesAWorker)
        got = mapreduce.fit(shards(tmp_path / "x.bvecs", 3000), 4, 64, rng(1), client, rule=rule)
        client.wait_for_workers(2)
        after = set(client.run(os.getpid).values())
    assert LosesAWorker.at == [3]
    assert got.iterations.tolist() == [12] * 4  # nine more after the loss
    assert min(before) not in after
    np.testing.assert_array_equal(got.codebooks, PQ.fit(x, 4, 64, rng(1), rule=rule).codebooks)


def peak() -> int:
    """Bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_the_memory_of_a_worker_depends_on_the_shard_and_not_on_the_data(client, tmp_path):
    rows, width, many = 16_000, 64, 16
    shard = rows * width * 4  # 4 MB of 64 MB
    write(tmp_path / "x.fvecs", (rng(i).normal(size=(rows, width)).astype(np.float32) for i in range(many)))
    cut = shards(tmp_path / "x.fvecs", rows)
    rule = Rule(max_iter=1)
    mapreduce.fit(cut[:2], 4, 16, rng(0), client, rule=rule)
    one = client.run(peak)
    mapreduce.fit(cut, 4, 16, rng(0), client, rule=rule)
    mapreduce.encode(cut, PQ.fit(rng(0).normal(size=(99, 64)), 4, 16, rng(0)), tmp_path / "index", client)
    grown = {worker: used - one[worker] for worker, used in client.run(peak).items()}
    assert max(grown.values()) < 5 * shard, grown


def limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def test_a_full_disk_leaves_no_half_index(client, small, tmp_path):
    files, x = small
    pq = PQ.fit(x, 7, 8, rng(0), rule=Rule(max_iter=1))
    cut = [Shard(files[0].resolve(), 0, 20), Shard(files[0].resolve(), 0, 630)]  # the first part fits, the second not
    client.run(limit_files, 2000)
    try:
        with pytest.raises(OSError, match="no room to write .*index.*nothing of it was kept"):
            mapreduce.encode(cut, pq, tmp_path / "index", client)
    finally:
        client.run(limit_files, resource.RLIM_INFINITY)
    assert list(tmp_path.iterdir()) == []
    assert len(mapreduce.encode(cut, pq, tmp_path / "index", client)) == 650


def test_a_scheduler_at_an_address_is_used_and_an_unreachable_one_named(client, small):
    with mapreduce.connect(client.scheduler.address) as second:
        got = mapreduce.fit(shards(small[0], 500), 2, 4, rng(0), second, rule=Rule(max_iter=2))
    np.testing.assert_array_equal(got.codebooks, PQ.fit(small[1], 2, 4, rng(0), rule=Rule(max_iter=2)).codebooks)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        with (
            pytest.raises(ConnectionError, match=f"no Dask scheduler at '{address}'.*dask scheduler"),
            mapreduce.connect(address, timeout_s=0.5),
        ):
            pass


def saved(tmp_path):
    pq = PQ(np.zeros((2, 3, 1), np.float32), 2, np.array([1, 1]))
    store.save(tmp_path / "index", pq, [np.array([[0, 1]]), np.array([[2, 2], [1, 0]])])
    return tmp_path / "index"


def test_a_stored_index_comes_back(tmp_path):
    stored = store.load(saved(tmp_path))
    assert stored.codes().tolist() == [[0, 1], [2, 2], [1, 0]]
    assert stored.codes().dtype == np.uint8
    with pytest.raises(OSError, match="not empty"):
        saved(tmp_path)
    assert len(store.load(tmp_path / "index")) == 3
    assert [p.name for p in tmp_path.iterdir()] == ["index"]


def test_parts_come_back_in_their_order(tmp_path):
    pq = PQ(np.zeros((1, 30, 1), np.float32), 1, np.array([1]))
    store.save(tmp_path / "index", pq, [np.full((i + 1, 1), i) for i in range(30)])
    assert [(len(p), int(p[0, 0])) for p in store.load(tmp_path / "index").parts] == [(i + 1, i) for i in range(30)]


def test_damaged_indexes_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no index there"):
        store.load(tmp_path)
    folder = saved(tmp_path)
    (folder / "codes-00001.npy").rename(tmp_path / "kept.npy")
    with pytest.raises(FileNotFoundError, match="codes-00001"):
        store.load(folder)
    np.save(folder / "codes-00001.npy", np.zeros((1, 2), np.uint8))
    with pytest.raises(ValueError, match=r"uint8 \(1, 2\), expected uint8 \(2, 2\)"):
        store.load(folder)


def test_foreign_codes_leave_no_index(tmp_path):
    pq = PQ(np.zeros((2, 3, 1), np.float32), 2, np.array([1, 1]))
    with pytest.raises(ValueError, match="expected 0..2"):
        store.save(tmp_path / "index", pq, [np.array([[0, 1]]), np.array([[3, 0]])])
    assert list(tmp_path.iterdir()) == []


def test_refusals(client, small, tmp_path):
    cut = shards(small[0], 500)
    with pytest.raises(ValueError, match="no shards"):
        mapreduce.fit([], 1, 1, rng(), client)
    with pytest.raises(ValueError, match="M = 8"):
        mapreduce.fit(cut, 8, 1, rng(), client)
    with pytest.raises(ValueError, match="K = 1001 centroids from N = 1000"):
        mapreduce.fit(cut, 1, 1001, rng(), client)
    with pytest.raises(ValueError, match="workers = 0"), mapreduce.connect(workers=0):
        pass
    with pytest.raises(FileNotFoundError, match=r"gone\.npy"):
        mapreduce.fit([*cut, Shard(Path("/nowhere/gone.npy"), 0, 1)], 1, 4, rng(0), client)
    x = np.ones((50, 2), np.float32)
    x[33, 1] = np.nan
    write(tmp_path / "x.npy", x)
    with pytest.raises(ValueError, match="NaN"):
        mapreduce.fit(shards(tmp_path / "x.npy", 10), 1, 2, rng(0), client)
