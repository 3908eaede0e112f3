"""Files of vectors: what is written is read, byte layouts by hand, and refusals before anything is allocated."""

import errno
import resource
import struct

import numpy as np
import pytest

from likeness.data.vectors import Shard, layout, open_vectors, read, shards, write
from likeness.data.whole_files import whole

TYPES = {".npy": np.float64, ".fvecs": np.float32, ".bvecs": np.uint8, ".ivecs": np.int32}


def vectors(n=10, d=3, dtype=np.float32):
    return np.random.default_rng(n + d).integers(0, 200, (n, d)).astype(dtype)


@pytest.mark.parametrize("suffix", TYPES)
@pytest.mark.parametrize(("n", "d"), [(1, 1), (10, 3), (2000, 5)])
def test_what_is_written_is_read(tmp_path, suffix, n, d):
    x, path = vectors(n, d, TYPES[suffix]), tmp_path / f"x{suffix}"
    write(path, x)
    got = open_vectors(path)
    assert got.dtype == TYPES[suffix]
    np.testing.assert_array_equal(got, x)
    assert not got.flags.writeable
    base = got
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)  # mapped, not loaded
    np.testing.assert_array_equal(read(Shard(path, 0, n)), x)
    np.testing.assert_array_equal(read(Shard(path, n // 2, n)), x[n // 2 :])
    blocks = tmp_path / f"blocks{suffix}"
    write(blocks, (x[b : b + 3] for b in range(0, n, 3)))
    assert blocks.read_bytes() == path.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, blocks.name])


def test_layouts_by_hand(tmp_path):
    (tmp_path / "a.fvecs").write_bytes(struct.pack("<i2fi2f", 2, 1.5, -2.0, 2, 0.0, 4.0))
    assert open_vectors(tmp_path / "a.fvecs").tolist() == [[1.5, -2.0], [0.0, 4.0]]
    (tmp_path / "a.bvecs").write_bytes(struct.pack("<i3Bi3B", 3, 1, 2, 255, 3, 0, 9, 8))
    assert open_vectors(tmp_path / "a.bvecs").tolist() == [[1, 2, 255], [0, 9, 8]]
    (tmp_path / "a.ivecs").write_bytes(struct.pack("<ii", 1, -7))
    assert open_vectors(tmp_path / "a.ivecs").tolist() == [[-7]]
    np.save(tmp_path / "a.npy", np.array([[1, 2]], np.int16))
    assert read(Shard(tmp_path / "a.npy", 0, 1)).tolist() == [[1, 2]]
    write(tmp_path / "b.npy", np.array([[1, 2]], ">i2"))
    assert np.load(tmp_path / "b.npy").tolist() == read(Shard(tmp_path / "b.npy", 0, 1)).tolist() == [[1, 2]]


def test_shards_cover_all_rows_in_order(tmp_path):
    a, b = vectors(10, 3), vectors(4, 3)
    write(tmp_path / "a.fvecs", a)
    write(tmp_path / "b.fvecs", b)
    cut = shards([tmp_path / "a.fvecs", tmp_path / "b.fvecs"], 4)
    assert [(s.path.name, s.begin, s.end) for s in cut] == [
        ("a.fvecs", 0, 4), ("a.fvecs", 4, 8), ("a.fvecs", 8, 10), ("b.fvecs", 0, 4)]  # fmt: skip
    assert [len(s) for s in cut] == [4, 4, 2, 4]
    np.testing.assert_array_equal(np.vstack([read(s) for s in cut]), np.vstack([a, b]))
    assert len(shards(str(tmp_path / "a.fvecs"), 100)) == 1


def put(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def saved(tmp_path, x, cut=None, more=b""):
    np.save(tmp_path / "x.npy", x)
    raw = (tmp_path / "x.npy").read_bytes()
    return put(tmp_path, "x.npy", raw[:cut] + more)


GOOD = struct.pack("<i2fi2f", 2, 1.0, 2.0, 2, 3.0, 4.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda t: put(t, "x.fvecs", GOOD[:-1]), "23 bytes.*D = 2, 12 bytes a record.*cut short"),
        (lambda t: put(t, "x.fvecs", GOOD + b"\0"), "25 bytes"),
        (lambda t: put(t, "x.bvecs", GOOD), "D = 2, 6 bytes|record 1 has length"),
        (lambda t: put(t, "x.fvecs", b""), "0 bytes, first length 0"),
        (lambda t: put(t, "x.fvecs", b"\1\0"), "2 bytes, first length 0"),
        (lambda t: put(t, "x.fvecs", struct.pack("<i", -3)), "first length -3"),
        (lambda t: put(t, "x.fvecs", struct.pack("<i", 2**31 - 1) + b"\0" * 60), "cut short"),
        (lambda t: put(t, "x.fvecs", struct.pack("<i2fi2f", 2, 1, 2, 3, 3, 4)), "record 1 has length 3, the first one"),
        (lambda t: put(t, "x.txt", GOOD), "'.txt', expected .npy, .fvecs"),
        (lambda t: put(t, "x.npy", GOOD), "no readable .npy header"),
        (lambda t: put(t, "x.npy", b""), "no readable .npy header"),
        (lambda t: saved(t, vectors(), 40), "no readable .npy header"),
        (lambda t: saved(t, vectors(), -1), r"247 bytes.*10 records: 248 bytes"),
        (lambda t: saved(t, vectors(), None, b"\0"), "249 bytes"),
        (lambda t: saved(t, np.ones(3)), r"\(3,\) in C order: expected \(N, D\)"),
        (lambda t: saved(t, np.ones((0, 3))), r"\(0, 3\)"),
        (lambda t: saved(t, np.ones((4, 3), complex)), "complex128"),
        (lambda t: saved(t, np.asfortranarray(vectors())), "Fortran order"),
        (lambda t: saved(t, np.array([[object()]])), "object"),
    ],
)
def test_bad_files_are_refused(tmp_path, make, message):
    path = make(tmp_path)
    for call in (lambda: open_vectors(path), lambda: read(Shard(path, 0, 1)), lambda: shards(path, 5)):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_header_that_promises_too_much_allocates_nothing(tmp_path):
    path = saved(tmp_path, vectors(1, 1))
    raw = path.read_bytes().replace(b"(1, 1), }             ", b"(999999999999, 999), }")
    with pytest.raises(ValueError, match="999,999,999,999 records"):
        open_vectors(put(tmp_path, "x.npy", raw))


def test_a_damaged_record_between_the_samples_is_found_on_reading(tmp_path):
    path = tmp_path / "x.bvecs"
    write(path, vectors(5000, 2, np.uint8))
    raw = bytearray(path.read_bytes())
    raw[6 * 4001] = 9
    path.write_bytes(bytes(raw))
    layout(path)
    read(Shard(path, 0, 4001))
    with pytest.raises(ValueError, match="record 4001 has length 9, the first one 2"):
        read(Shard(path, 3000, 5000))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: read(Shard(t / "a.fvecs", 2, 11)), "rows 2 to 11 of 10"),
        (lambda t: read(Shard(t / "a.fvecs", 3, 3)), "rows 3 to 3"),
        (lambda t: read(Shard(t / "a.fvecs", -1, 3)), "rows -1"),
        (lambda t: shards(t / "a.fvecs", 0), "shards of 0 rows"),
        (lambda t: shards([], 5), "0 files"),
        (lambda t: shards([t / "a.fvecs", t / "b.ivecs"], 5), "expected vectors of one length and type"),
        (lambda t: write(t / "c.txt", vectors()), "'.txt'"),
        (lambda t: write(t / "c.npy", []), "expected blocks"),
        (lambda t: write(t / "c.npy", np.ones(3)), "expected blocks"),
        (lambda t: write(t / "c.npy", [vectors(), vectors(4, 2)]), r"shape \(4, 2\), expected \(n, 3\)"),
        (lambda t: write(t / "c.bvecs", vectors()), "float32 numbers do not fit uint8"),
        (lambda t: write(t / "c.bvecs", np.array([[256]])), "int64 numbers do not fit uint8"),
    ],
)
def test_refusals(tmp_path, call, message):
    write(tmp_path / "a.fvecs", vectors())
    write(tmp_path / "b.ivecs", vectors(dtype=np.int32))
    with pytest.raises(ValueError, match=message):
        call(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"a.fvecs", "b.ivecs"}


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone.npy: no such file"):
        open_vectors(tmp_path / "gone.npy")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        write(tmp_path / "gone" / "x.npy", vectors())


@pytest.fixture
def small_disk():
    """The system refuses to let a file grow beyond 64 KB, as it refuses on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_file(tmp_path, small_disk):
    path = tmp_path / "x.npy"
    write(path, vectors())
    before = path.read_bytes()
    with pytest.raises(OSError, match="no room to write .*x.npy .*nothing of it was kept") as caught:
        write(path, (vectors(2000, 5) for _ in range(9)))
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    def fill(fail):
        with whole(tmp_path / "index") as half:
            half.mkdir()
            (half / "a").write_text("a")
            if fail:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(True)
    assert list(tmp_path.iterdir()) == []
    fill(False)
    assert [p.name for p in (tmp_path / "index").iterdir()] == ["a"]
    with pytest.raises(OSError, match="not empty"):
        fill(False)
    assert [p.name for p in tmp_path.iterdir()] == ["index"]
