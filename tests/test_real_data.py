"""Real point sets, the registry of sources, and refusals on missing or altered files."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from likeness.data.real import NAMES, load, prepare, similarity
from likeness.data.registry import SOURCES, VARIABLE, data_root, hashes, locate

ZOO = "uci/zoo/zoo.data"
SHAPES = {"iris": (150, 4, 3), "wine": (178, 13, 3), "digits": (1797, 64, 10)}


@pytest.fixture
def small_zoo(tmp_path, monkeypatch):
    """A folder in the layout of the real one, with a two-row file that is registered in place of zoo's."""

    def make(text: str, register: bool = True) -> Path:
        file = tmp_path / ZOO
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if register:
            monkeypatch.setitem(SOURCES["zoo"].files, ZOO, hashlib.sha256(text.encode()).hexdigest())
        monkeypatch.setenv(VARIABLE, str(tmp_path))
        return file

    return make


@pytest.mark.parametrize("name", SHAPES)
def test_bundled_sets(name):
    data = load(name)
    n, d, k = SHAPES[name]
    assert data.name == name
    assert data.x.shape == (n, d)
    assert data.x.dtype == np.float64
    assert sorted(set(data.y.tolist())) == list(range(k))
    assert data.y.dtype == np.int64


HAVE_ZOO = Path(os.environ.get(VARIABLE) or "/nowhere", ZOO).is_file()


@pytest.mark.skipif(not HAVE_ZOO, reason=f"{VARIABLE} holds no {ZOO}")
def test_the_real_zoo():
    data = load("zoo")
    assert data.x.shape == (101, 16)
    assert np.bincount(data.y).tolist() == [41, 20, 5, 13, 4, 8, 10]  # as its publisher counts them
    assert sorted(set(data.x[:, 12].tolist())) == [0, 2, 4, 5, 6, 8]  # legs
    assert hashes("clustering") == SOURCES["zoo"].files


def test_zoo_reads_name_first_and_class_last(small_zoo):
    small_zoo("gnu,1,0,0,1,0,0,0,1,1,1,0,0,4,1,0,1,1\nwasp,1,0,1,0,1,0,0,0,0,1,1,0,6,0,0,0,6\n\n")
    data = load("zoo")
    assert data.x.tolist() == [
        [1, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 4, 1, 0, 1],
        [1, 0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 6, 0, 0, 0],
    ]
    assert data.y.tolist() == [0, 5]


def test_an_altered_file_is_refused_even_when_it_changes_after_a_good_read(small_zoo):
    row = "gnu,1,0,0,1,0,0,0,1,1,1,0,0,4,1,0,1,1\n"
    file = small_zoo(row)
    load("zoo")
    before = hashes("clustering")
    file.write_text(row.replace("4", "5") + row)
    with pytest.raises(ValueError, match="sha256 .* expected .*: it was edited or cut short"):
        load("zoo")
    assert hashes("clustering") != before


def test_a_short_row_is_refused(small_zoo):
    small_zoo("gnu,1,0,0\n")
    with pytest.raises(ValueError, match=r"rows \['gnu'\] do not have 18 fields"):
        load("zoo")


def test_missing_data_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert data_root() is None
    assert hashes("clustering") == {}
    with pytest.raises(FileNotFoundError, match=f"{VARIABLE} is not set; get it from .*archive.ics.*{ZOO}"):
        load("zoo")
    monkeypatch.setenv(VARIABLE, "  ")
    assert data_root() is None
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert data_root() == tmp_path
    assert hashes("clustering") == {}
    with pytest.raises(FileNotFoundError, match=f"has no {ZOO}"):
        load("zoo")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "typo"))
    with pytest.raises(FileNotFoundError, match="typo: expected an existing folder"):
        hashes("clustering")


def test_every_set_has_its_origin_and_terms():
    assert set(NAMES) < set(SOURCES)
    for name, source in SOURCES.items():
        assert source.name == name
        assert source.papers
        assert source.chip in {"paper", "public", "generated"}
        assert all((source.what, source.source, source.terms, source.layout))
        assert all(len(bytes.fromhex(digest)) == 32 for digest in source.files.values())
    assert hashes("no-such-paper") == {}


def test_prepare_by_hand():
    x = np.array([[1.0, 5.0, 0.0], [3.0, 5.0, 0.0], [1.0, 5.0, 3.0], [3.0, 5.0, 3.0]])
    half = 0.5**0.5
    want = [[-half, 0, -half], [half, 0, -half], [-half, 0, half], [half, 0, half]]
    np.testing.assert_allclose(prepare(x), want, atol=1e-15)
    w = similarity(prepare(x))
    np.testing.assert_allclose(w[0], [1.0, 0.5, 0.5, 0.0], atol=1e-15)


@pytest.mark.parametrize("name", SHAPES)
def test_prepare_and_similarity_equal_their_definitions(name):
    x = load(name).x[:60]
    columns = [(c - c.mean()) / c.std() if c.std() > 0 else 0.0 * c for c in x.T]
    z = np.column_stack(columns)
    rows = prepare(x)
    np.testing.assert_allclose(rows, z / np.linalg.norm(z, axis=1, keepdims=True), atol=1e-10)
    w = similarity(rows)
    assert np.array_equal(w, w.T)
    assert np.array_equal(np.diag(w), np.ones(60))
    for i, j in ((0, 1), (5, 40), (59, 3)):
        assert w[i, j] == pytest.approx((1 + np.dot(rows[i], rows[j])) / 2)
    assert w.min() >= 0.0
    assert w.max() == 1.0
    np.testing.assert_allclose(prepare(x * 3.0 + 7.0), rows, atol=1e-9)  # units do not matter


def test_a_row_without_direction_is_neutral():
    rows = prepare(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]))
    assert rows[1].tolist() == [0.0, 0.0]
    assert similarity(rows)[1].tolist() == [0.5, 1.0, 0.5]
    assert np.isfinite(prepare(np.ones((3, 2)))).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load("glass"), "'glass'.*expected one of iris"),
        (lambda: locate("glass"), "'glass'"),
        (lambda: locate("iris"), r"file None of 'iris': expected one of \[\]"),
        (lambda: locate("zoo", "zoo.data"), "'zoo.data' of 'zoo'"),
        (lambda: prepare(np.empty((0, 3))), "n >= 2"),
        (lambda: prepare(np.ones((1, 3))), "n >= 2"),
        (lambda: prepare(np.ones(3)), r"\(3,\)"),
        (lambda: prepare(np.array([[1.0, np.nan], [0.0, 1.0]])), "NaN or infinite.*drop or impute"),
        (lambda: similarity(np.array([[3.0, 0.0], [1.0, 0.0]])), "call prepare"),
        (lambda: similarity(np.array([[np.nan, 0.0], [1.0, 0.0]])), "no NaN"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
