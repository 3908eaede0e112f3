"""DVBPR's released files as Python 2 wrote them: what is read, what stays on the disk, and every fault by name."""

import io
import os
import pickle
import random
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from likeness.data import dvbpr_files
from likeness.data.dvbpr_files import CATEGORIES, NONE, read_dvbpr
from python2_pickle import npy


def photo(k, side=20):
    out = io.BytesIO()
    noise = np.random.default_rng(k).integers(0, 256, (side, side, 3)).astype(np.uint8)
    Image.fromarray(noise).save(out, "PNG")
    return out.getvalue()


PHOTOS = [photo(k) for k in range(4)]


def buys(*items):
    return [{b"productid": item, b"rating": 5.0, b"when": 1_400_000_000} for item in items]


def parts(one_hot=None):
    """Three users, four items, as the authors' code reads them."""
    items = {i: {b"imgs": PHOTOS[i], b"asin": b"B00%d" % i} for i in (2, 0, 3, 1)}
    if one_hot:
        for i, item in items.items():
            item[b"c"] = one_hot(i)
    train = {1: buys(3), 0: buys(2, 0, 2), 2: buys(1, 0)}
    return [train, {0: buys(1), 1: buys(0), 2: []}, {0: buys(3), 1: buys(2), 2: buys(1)}, items, 3, 4]


def saved(tmp_path, value, protocol=2):
    path = tmp_path / "Amazon.npy"
    path.write_bytes(npy(value, protocol))
    return path


def saved_by_python_3(tmp_path, value, protocol=None):
    """numpy.save as it is now (protocol 4), or with the protocol that older ones took."""
    path = tmp_path / "Amazon.npy"
    array = np.empty(len(value), object)
    array[:] = value
    np.save(path, array)
    if protocol is not None:
        raw = path.read_bytes()
        path.write_bytes(raw[: raw.index(b"\x80\x04")] + pickle.dumps(array, protocol))
    return path


def check(file):
    assert (file.users, file.items) == (3, 4)
    assert [t.tolist() for t in file.train] == [[2, 0, 2], [3], [1, 0]]
    assert {t.dtype for t in (*file.train, file.validation, file.test)} == {np.dtype(np.int64)}
    assert file.validation.tolist() == [1, 0, NONE]
    assert file.test.tolist() == [3, 2, 1]
    assert file.asin == ("B000", "B001", "B002", "B003")
    assert file.repeats == 2  # user 0 has item 2 twice, user 2 has item 1 in training and test
    assert list(file.images) == [0, 1, 2, 3]
    assert [file.images[i] for i in range(4)] == PHOTOS
    assert file.images.array(np.int64(1)).shape == (20, 20, 3)


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_python_2(tmp_path, protocol):
    file = read_dvbpr(saved(tmp_path, parts(), protocol))
    check(file)
    assert file.category is None


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, None])
def test_saved_again_by_python_3(tmp_path, protocol):
    check(read_dvbpr(saved_by_python_3(tmp_path, parts(), protocol)))


def test_saved_again_with_text_as_names(tmp_path):
    train, validation, test, items, *counts = parts()
    plain = [
        *({u: [{"productid": a[b"productid"]} for a in p[u]] for u in p} for p in (train, validation, test)),
        {i: {"imgs": x[b"imgs"], "asin": x[b"asin"].decode()} for i, x in items.items()},
    ]
    check(read_dvbpr(saved_by_python_3(tmp_path, [*plain, *counts])))


@pytest.mark.parametrize(
    "kind",
    [
        lambda i: np.eye(6)[i],
        lambda i: np.eye(6, dtype=">i4")[i],
        lambda i: np.eye(6, dtype=bool)[i],
        lambda i: np.eye(6)[i][None],
        lambda i: np.eye(6)[i].tolist(),
        lambda i: np.eye(6, dtype=int)[i].tolist(),
    ],
)
def test_categories(tmp_path, kind):
    for write in (saved, saved_by_python_3):
        found = read_dvbpr(write(tmp_path, parts(kind))).category
        assert found.dtype == np.int64
        assert found.tolist() == [0, 1, 2, 3]


def test_pictures_stay_in_the_file(tmp_path):
    value = parts()
    for i in range(4):
        value[3][i][b"imgs"] = bytes([i]) * 5_000_000
    path = saved(tmp_path, value)
    del value
    tracemalloc.start()
    file = read_dvbpr(path)
    peak = tracemalloc.get_traced_memory()[1]
    assert peak < 200_000
    assert file.images[3] == bytes([3]) * 5_000_000
    assert tracemalloc.get_traced_memory()[0] < 6_000_000
    tracemalloc.stop()


def test_memory_is_what_the_docstring_says(tmp_path):
    users = items = 3000
    each = {u: buys(*range(u % 7, u % 7 + 3)) for u in range(users)}
    one = {u: buys(u) for u in range(users)}
    listed = {i: {b"imgs": PHOTOS[0], b"asin": b"B%09d" % i} for i in range(items)}
    path = saved(tmp_path, [each, one, one, listed, users, items])
    tracemalloc.start()
    file = read_dvbpr(path)
    left, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1000 * (items + 5 * users)
    assert left < 300 * items + 200 * users
    assert len(file.train) == users


def test_a_file_that_changes_is_not_read_as_if_it_had_not(tmp_path):
    path = saved(tmp_path, parts())
    file = read_dvbpr(path)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match="Amazon.npy: has changed since it was read"):
        file.images[0]
    path.unlink()
    with pytest.raises(FileNotFoundError):
        file.images[0]


def test_unknown_items(tmp_path):
    file = read_dvbpr(saved(tmp_path, parts()))
    for key in (-1, 4, "0", None):
        assert key not in file.images
        with pytest.raises(KeyError, match="Amazon.npy has no item .*expected 0 to 3"):
            file.images[key]


def test_a_picture_that_is_none_names_its_item(tmp_path):
    value = parts()
    value[3][1][b"imgs"] = b"text" * 100
    with pytest.raises(ValueError, match="Amazon.npy: item 1, imgs: no image"):
        read_dvbpr(saved(tmp_path, value)).images.array(1)


def setting(*keys):
    """A change of the value: the last of `keys` is what is put at the others, or the removal of it."""

    def change(value):
        *path, last, new = keys
        for key in path:
            value = value[key]
        if new is KeyError:
            del value[last]
        else:
            value[last] = new

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (setting(4, 2), "user_train: 3 users, expected 2 as the file itself says"),
        (setting(4, 0), "usernum: 0, expected a whole number of at least 1"),
        (setting(4, b"3"), "usernum: b'3'"),
        (setting(4, True), "usernum: True"),
        (setting(5, 2**80), "Item: 4 items, expected 1,208,925,819,614,629,174,706,176"),
        (setting(5, 5), "Item: 4 items, expected 5"),
        (setting(0, []), "user_train: a list of 0, expected a dictionary of users"),
        (setting(3, None), "Item: nothing, expected a dictionary of items"),
        (setting(0, 1, KeyError), "user_train: 2 users, expected 3"),
        (setting(1, b"1", []), "user_validation: 4 users"),
        (lambda v: v[2].__setitem__(9, v[2].pop(1)), "user_test: user 1 is missing, expected 0 to 2"),
        (lambda v: v[3].__setitem__(-1, v[3].pop(0)), "Item: item 0 is missing, expected 0 to 3"),
        (setting(0, 1, None), "user_train: user 1: nothing, expected a list of actions"),
        (setting(0, 0, 2, b"productid", 4), "user_train: user 0, action 2, productid: 4, expected 0 to 3"),
        (setting(0, 0, 2, b"productid", -1), "user 0, action 2, productid: -1"),
        (setting(0, 0, 2, b"productid", 1.0), "productid: 1.0"),
        (setting(0, 0, 2, b"productid", True), "productid: True"),
        (setting(0, 0, 2, b"productid", KeyError), "user 0, action 2, productid: nothing"),
        (setting(2, 1, 0, 7), "user_test: user 1, action 0, productid: nothing"),
        (setting(1, 0, buys(1, 2)), "user_validation: user 0 has 2 actions, expected one or none"),
        (setting(3, 2, b"imgs", KeyError), "item 2, imgs: nothing, expected 1 to 75,004,096 bytes"),
        (setting(3, 2, b"imgs", b""), "item 2, imgs: b'', expected 1"),
        (setting(3, 2, b"imgs", 5), "item 2, imgs: 5"),
        (setting(3, 2, b"imgs", [b"a"]), "item 2, imgs: a list of 1"),
        (setting(3, 2, None), "item 2: nothing, expected a dictionary with imgs"),
        (setting(3, 2, b"asin", KeyError), "item 2, asin: some items have it and some not"),
        (setting(3, 2, b"asin", b"<script>"), "item 2, asin: b'<script>', expected letters and digits"),
        (setting(3, 2, b"asin", b"\xff"), "item 2, asin"),
        (setting(3, 2, b"asin", 3), "item 2, asin: 3"),
        (setting(3, 2, b"c", np.eye(6)[0]), "item 2, c: some items have it and some not"),
        (setting(3, 0, b"c", np.eye(5)[0]), "item 0, c: a list of 5, expected one 1 among 6 numbers"),
        (setting(3, 0, b"c", np.ones(6)), "item 0, c"),
        (setting(3, 0, b"c", np.zeros(6)), "item 0, c"),
        (setting(3, 0, b"c", [0.5, 0.5, 0, 0, 0, 0]), "item 0, c"),
        (setting(3, 0, b"c", [float("nan")] * 6), "item 0, c"),
        (setting(3, 0, b"c", b"100000"), "item 0, c: b'100000'"),
    ],
)
def test_faults_are_named_by_user_or_item_and_field(tmp_path, change, message):
    value = parts()
    change(value)
    with pytest.raises(ValueError, match=f"Amazon.npy: .*{message}"):
        read_dvbpr(saved(tmp_path, value))


def test_one_list_for_every_user_is_counted(tmp_path, monkeypatch):
    shared = buys(*[0] * 50)
    monkeypatch.setattr(dvbpr_files, "MOST_ACTIONS", 120)
    value = parts()
    value[0] = dict.fromkeys(range(3), shared)
    with pytest.raises(ValueError, match="user_train: user 2: a list of 50, expected a list of actions, at most 20"):
        read_dvbpr(saved_by_python_3(tmp_path, value))


class Evil:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def test_a_file_that_would_run_something(tmp_path):
    value = parts()
    value[3][2][b"imgs"] = Evil(tmp_path / "was-run")
    path = saved_by_python_3(tmp_path, value)
    with pytest.raises(ValueError, match="Amazon.npy: byte .*'posix.system'.*nothing of the file was run"):
        read_dvbpr(path)
    assert not (tmp_path / "was-run").exists()
    np.load(path, allow_pickle=True)
    assert (tmp_path / "was-run").exists()  # numpy does run it


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: b"", "no readable .npy header"),
        (lambda raw: raw[:50], "no readable .npy header"),
        (lambda raw: raw.replace(b"(6,)", b"(7,)"), r"an array \(7,\) of object, expected \(6,\) objects"),
        (lambda raw: raw.replace(b"'|O'", b"'f8'"), "of float64, expected"),
        (lambda raw: raw.replace(b"(6,)", b"9**9"), "no readable .npy header"),
        (lambda raw: raw.replace(b"NUMPY\1", b"NUMPY\7"), "no readable .npy header"),
        (lambda raw: raw + b"\0", "goes on after its pickle"),
        (lambda raw: raw[:-1], "byte .*cut short"),
        (lambda raw: raw[: len(raw) // 2], "byte .*cut short"),
        (lambda raw: raw[: raw.index(b"\x80\x02")] + b"\x80\x02](K\1K\1K\1K\1K\1K\1e.", "holds no array of 6 objects"),
    ],
)
def test_damaged_files(tmp_path, change, message):
    path = saved(tmp_path, parts())
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=f"Amazon.npy: .*{message}"):
        read_dvbpr(path)
    with pytest.raises(FileNotFoundError, match="gone.npy: no such file"):
        read_dvbpr(tmp_path / "gone.npy")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("protocol", [0, 2])
def test_fuzz(tmp_path, protocol):
    """Flips and cuts, most of them away from the pictures: a checked file or a ValueError that names it."""
    path = saved(tmp_path, parts(lambda i: np.eye(CATEGORIES)[i]), protocol)
    raw = path.read_bytes()
    rng = random.Random(protocol)
    refused = 0
    for _ in range(500):
        bad = bytearray(raw[: rng.randrange(len(raw))] if rng.random() < 0.1 else raw)
        for _ in range(rng.randrange(1, 4)):
            if bad:
                bad[rng.randrange(min(len(bad), 1200))] = rng.choice([rng.randrange(256), *b"cRbt.(}]K"])
        path.write_bytes(bytes(bad))
        try:
            file = read_dvbpr(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017  counted below
            refused += 1
        else:
            assert all(0 <= i < file.items for user in file.train for i in user)
            assert len(file.images) == file.items
    assert refused > 125
