"""idx files, MNIST where it is, deformed digits, and the one exact query of the notebook that the paper cites."""

import gzip
import os
import struct
from pathlib import Path

import faiss
import numpy as np
import pytest
from sklearn.datasets import load_digits

from likeness.data import mnist
from likeness.data.deformed_digits import ORIGINALS, Deformation, make
from likeness.data.idx import read_idx
from likeness.data.registry import SOURCES, VARIABLE

SMALL = struct.pack(">BBBBii6B", 0, 0, 8, 2, 2, 3, 1, 2, 3, 4, 5, 255)


def put(folder, name, data):
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
def test_idx_by_hand(tmp_path, name):
    data = gzip.compress(SMALL) if name.endswith("gz") else SMALL
    got = read_idx(put(tmp_path, name, data))
    assert got.tolist() == [[1, 2, 3], [4, 5, 255]]
    assert got.dtype == np.uint8
    floats = struct.pack(">BBBBiff", 0, 0, 0x0D, 1, 2, 1.5, -2.0)
    assert read_idx(put(tmp_path, "b.idx", floats)).tolist() == [1.5, -2.0]
    assert read_idx(put(tmp_path, "c.idx", struct.pack(">BBBBih", 0, 0, 0x0B, 1, 1, -2))).tolist() == [-2]


BIG = struct.pack(">BBBBii", 0, 0, 8, 2, 2**31 - 1, 2**31 - 1) + b"\0" * 40
FORGED = gzip.compress(struct.pack(">BBBBii", 0, 0, 8, 2, 4, 2**30) + b"\0" * 6, mtime=0)
LONE = gzip.compress(SMALL, mtime=0)  # without the time, of which the names of tests would tell two workers apart


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.idx", SMALL[:-1], "17 bytes, its header says 18: cut short or mislabelled"),
        ("a.idx", SMALL + b"\0", "19 bytes"),
        ("a.idx", b"\1" + SMALL[1:], "begins with '01 00 08 02'"),
        ("a.idx", SMALL[:2] + b"\7" + SMALL[3:], "begins with '00 00 07 02'"),
        ("a.idx", b"", "begins with ''"),
        ("a.idx", SMALL[:9], "ends within its header"),
        ("a.idx", BIG, "52 bytes, its header says 4,611,686,014,132,420,621"),
        ("a.idx", struct.pack(">BBBBi", 0, 0, 8, 1, 0), r"shape \(0,\)"),
        ("a.idx", struct.pack(">BBBBi", 0, 0, 8, 1, -4), r"shape \(-4,\)"),
        ("a.gz", SMALL, "Not a gzipped file"),
        ("a.gz", LONE[:-9], "cut short"),
        ("a.gz", gzip.compress(SMALL[:-1], mtime=0), "17 bytes, its header says 18"),
        ("a.gz", gzip.compress(BIG, mtime=0), "its header says 4,611,686,014,132,420,621"),
        # the length at the end of the file is forged to what the header promises: 2^32 + 18 bytes
        ("a.gz", FORGED[:-4] + struct.pack("<I", 12), "its header says 4,294,967,308"),
        ("a.gz", LONE[:12] + b"\xff\xff" + LONE[14:], "damaged|CRC|invalid"),
    ],
)  # fmt: skip
def test_bad_idx_files_are_refused(tmp_path, name, data, message):
    path = put(tmp_path, name, data)
    with pytest.raises(ValueError, match=message):
        read_idx(path)


def test_a_missing_idx_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone.idx: no such file"):
        read_idx(tmp_path / "gone.idx")


def registered(tmp_path, monkeypatch, images, labels):
    """A folder in MNIST's layout whose files are taken for the registered ones."""
    paths = {}
    for path, data in zip(mnist.FILES["train"], (images, labels), strict=True):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        axes = struct.pack(f">BBBB{data.ndim}i", 0, 0, 8, data.ndim, *data.shape)
        paths[path] = put(tmp_path, path, gzip.compress(axes + data.astype(np.uint8).tobytes()))
    monkeypatch.setattr(mnist, "locate", lambda name, path: paths[path])


def test_mnist_reads_images_row_by_row(tmp_path, monkeypatch):
    images = np.zeros((3, 28, 28), int)
    images[1, 2, 5] = 99
    registered(tmp_path, monkeypatch, images, np.array([4, 0, 9]))
    digits = mnist.load("train")
    assert digits.x.shape == (3, 784)
    assert digits.x[1, 2 * 28 + 5] == 99
    assert digits.y.tolist() == [4, 0, 9]
    assert digits.y.dtype == np.int64
    assert digits.chip == "paper"
    with pytest.raises(ValueError, match="'all': expected one of train, test"):
        mnist.load("all")


@pytest.mark.parametrize(("images", "labels"), [((3, 28, 28), 2), ((3, 28, 27), 3)])
def test_files_that_do_not_belong_together_are_refused(tmp_path, monkeypatch, images, labels):
    registered(tmp_path, monkeypatch, np.zeros(images, int), np.zeros(labels, int))
    with pytest.raises(ValueError, match="they do not belong together"):
        mnist.load("train")


HAVE_MNIST = "mnist" in SOURCES and Path(os.environ.get(VARIABLE) or "/nowhere", "mnist").is_dir()


@pytest.mark.skipif(not HAVE_MNIST, reason=f"{VARIABLE} holds no mnist")
def test_the_real_mnist():
    train, test = mnist.load("train"), mnist.load("test")
    assert (train.x.shape, test.x.shape) == ((60_000, 784), (10_000, 784))
    assert train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(train.y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_deformed_digits_are_the_same_for_every_size():
    few, many = make("train", 7, 3), make("train", 1100, 3)
    np.testing.assert_array_equal(few.x, many.x[:7])
    np.testing.assert_array_equal(few.y, many.y[:7])
    assert many.x.shape == (1100, 784)
    assert many.x.dtype == np.uint8
    assert many.chip == "generated"
    assert not np.array_equal(make("train", 7, 4).x, few.x)
    assert not np.array_equal(make("test", 7, 3).x, few.x)
    assert not np.array_equal(many.x[1000:1100], many.x[:100])  # the second batch is another one
    assert np.bincount(many.y, minlength=10).min() > 70


def test_undeformed_they_are_the_enlarged_originals():
    still = Deformation(0, 0, 0, 0, 0)
    digits = make("test", 5, 0, still)
    small, labels = load_digits(return_X_y=True)
    small, labels = small[ORIGINALS["test"]], labels[ORIGINALS["test"]]
    picture = digits.x.reshape(5, 28, 28)
    assert not picture[:, :4].any()  # the digit fills the middle 20 x 20 as MNIST's do
    assert not picture[:, :, -4:].any()
    shrunk = picture[:, 4:24, 4:24].reshape(5, 4, 5, 4, 5).mean(axis=(2, 4))  # 4 x 4 blocks of both
    blocks = small.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)) * 255 / 16
    far = ((blocks[:, None] - shrunk[None]) ** 2).mean(axis=(2, 3))  # (originals, 5)
    assert labels[far.argmin(axis=0)].tolist() == digits.y.tolist()
    assert np.median(far.min(axis=0)) < 100.0  # half a pixel aside it is 240


def test_deformed_digits_can_still_be_told_apart_and_differ_from_each_other():
    train, test = make("train", 1000), make("test", 200)
    index = faiss.IndexFlatL2(784)
    index.add(train.x.astype(np.float32))
    near = index.search(test.x.astype(np.float32), 1)
    assert 0.8 < (train.y[near[1][:, 0]] == test.y).mean() < 1.0
    assert len(np.unique(train.x, axis=0)) == 1000


@pytest.mark.parametrize(("part", "n"), [("train", 0), ("train", 60_001), ("test", 10_001), ("valid", 5)])
def test_refusals(part, n):
    with pytest.raises(ValueError, match=f"{n} images of '{part}'"):
        make(part, n)


def test_the_query_of_the_notebook_that_the_paper_cites():
    """visual-search-demo, mnist-faiss.ipynb: image 0 of load_digits, ten nearest by an exact faiss index."""
    x = load_digits().data.astype(np.float32)
    index = faiss.IndexFlatL2(64)
    index.add(x)
    distance, rows = index.search(x[:1], 10)
    assert x.shape == (1797, 64)
    assert rows[0].tolist() == [0, 877, 1365, 1541, 1167, 1029, 464, 957, 1697, 855]
    assert distance[0].tolist() == [0, 120, 164, 172, 176, 178, 181, 238, 245, 252]
