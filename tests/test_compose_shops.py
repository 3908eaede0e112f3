"""Queries of real shops in the compose chapter: toy shops, odd and damaged photographs, and the real ones."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from compose_shops import COLOURS, SIDE, houses, official, plain, small
from likeness.data import fashion_small as small_shop
from likeness.data import hm as hm_shop
from likeness.data.registry import SOURCES, VARIABLE
from likeness.studies.compose import shop_queries
from likeness.studies.compose.queries import here, load, picture, sizes
from likeness.studies.compose.tasks import TEST, VALID
from shelf import photo_file

SEED = 4


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = official(tmp_path_factory.mktemp("data") / "fashion200k")
    return {
        "fashion_small": shop_queries.fashion_small(small(), SEED, 200, 60, SIDE),
        "hm": shop_queries.hm(houses(), SEED, 100, 30, SIDE),
        "fashion200k": shop_queries.fashion200k(root, SEED, 200, 60, SIDE),
    }


def test_shops_are_seeded_too():
    one, two, other = (shop_queries.hm(houses(), seed, 50, 20, SIDE) for seed in (1, 1, 2))
    assert (one.train.change, one.test.full) == (two.train.change, two.test.full)
    assert one.goods.part.tolist() == two.goods.part.tolist() != other.goods.part.tolist()


def test_queries_of_hm_are_of_one_product(made):
    codes = houses().articles["product_code"].to_numpy()
    for some in (made["hm"].train, made["hm"].valid, made["hm"].test):
        assert (codes[some.source] == codes[some.target]).all()
    assert not made["hm"].goods.labels and made["hm"].goods.chip == "public"


def test_fashion_small_keeps_attributes_together_and_leaves_out_what_is_not_said(made):
    goods = made["fashion_small"].goods
    assert {"men navy blue casual shoes", "women red tshirts smart casual"} <= set(goods.captions)
    assert not any(word in caption.split() for caption in goods.captions for word in ("na", "nan"))
    assert {"replace navy blue with red", "replace smart casual with sports"} <= set(made["fashion_small"].train.change)
    assert goods.classes == {"type": 2, "colour": 3, "gender": 2, "usage": 2}
    styles = small().styles
    colours = sorted(COLOURS)
    assert [colours[k] for k in goods.labels["colour"]] == styles["baseColour"].tolist()
    np.testing.assert_array_equal(goods.labels["usage"] == -1, styles["usage"] == "NA")


def test_names_that_share_a_photograph_are_one_product():
    shop = small(40)
    shop.images.files["1"] = shop.images.files["10"]  # of the first and the sixth name
    goods = shop_queries.fashion_small(shop, SEED, 5, 3, SIDE).goods
    assert goods.product[0] == goods.product[1] == goods.product[10] == goods.product[11] != goods.product[2]
    assert len(set(goods.product.tolist())) == 39


def test_fashion200k(made, tmp_path):
    task = made["fashion200k"]
    goods = task.goods
    assert goods.chip == "paper" and len(goods.captions) == 300 and (goods.part[240:] == TEST).all()
    assert np.bincount(goods.part)[VALID] == round(240 * 0.1 / 0.75)
    root = official(tmp_path / "f")
    lines = (root / "test_queries.txt").read_text().splitlines()
    place = {f"women/tops/t-shirts/{n // 2}/{n // 2}_{n % 2}.jpeg": n for n in range(300)}
    pairs = [tuple(place[path] for path in line.split()) for line in lines]
    asked = list(zip(task.test.source.tolist(), task.test.target.tolist(), strict=True))
    kept = [pair for pair in pairs if pair in set(asked)]
    assert asked == kept and len(asked) == 60 < len(pairs)  # the order of the file
    np.testing.assert_array_equal(goods.photos[7, :, 0, 0], [7, 0, 77])
    whole = shop_queries.fashion200k(root, SEED, 200, 10**5, SIDE)
    assert len(whole.test) == len(pairs) and whole.goods.about == goods.about
    (root / "women/tops/t-shirts/0/0_0.jpeg").write_bytes(plain(999))
    assert shop_queries.fashion200k(root, SEED, 200, 60, SIDE).goods.about != goods.about


def test_a_product_of_both_official_splits_is_not_learnt_from(tmp_path):
    root = official(tmp_path / "f")
    twice = root / "women/tops/t-shirts/149/149_7.jpeg"
    twice.write_bytes(plain(5))
    with (root / "labels" / "top_train_detect_all.txt").open("a") as file:
        file.write("women/tops/t-shirts/149/149_7.jpeg\t1\tred silk top\n")
    assert len(shop_queries.fashion200k(root, SEED, 9, 9, SIDE).goods.captions) == 300


def test_bad_trees_of_fashion200k(tmp_path):
    with pytest.raises(ValueError, match="row 4, caption: .*empty"):
        shop_queries.fashion200k(official(tmp_path / "a", captions={3: "  "}), SEED, 9, 9, SIDE)
    root = official(tmp_path / "b")
    lines = (root / "test_queries.txt").read_text()
    (root / "test_queries.txt").write_text(f"{lines}women/tops/t-shirts/130/130_0.jpeg women/tops/t-shirts/x.jpeg\n")
    last = len(lines.splitlines()) + 1
    with pytest.raises(ValueError, match=rf"row {last}, target: 'women/tops/t-shirts/x.jpeg' is not among"):
        shop_queries.fashion200k(root, SEED, 9, 9, SIDE)
    (root / "test_queries.txt").write_text("")
    with pytest.raises(ValueError, match="of 0 published queries"):
        shop_queries.fashion200k(root, SEED, 9, 9, SIDE)
    (root / "women/tops/t-shirts/3/3_1.jpeg").write_bytes(b"jpeg")
    with pytest.raises(ValueError, match=r"3_1.jpeg: no image of the formats"):
        shop_queries.fashion200k(root, SEED, 9, 9, SIDE)
    (root / "women/tops/t-shirts/3/3_1.jpeg").unlink()
    with pytest.raises(ValueError, match="'women/tops/t-shirts/3/3_1.jpeg': no such file"):
        shop_queries.fashion200k(root, SEED, 9, 9, SIDE)


ODD = {
    "one pixel": (photo_file(np.array([[[9, 200, 7]]], np.uint8)), [9, 200, 7]),
    "16 bits": (photo_file(np.full((5, 9), 0x81FF, np.uint16)), [0x81] * 3),
    "CMYK": (photo_file(np.full((6, 4, 3), [250, 30, 40], np.uint8), "JPEG", "CMYK"), [250, 30, 40]),
    "wide": (photo_file(np.full((1, 3000, 3), [1, 2, 3], np.uint8)), [1, 2, 3]),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_photographs_of_shops_and_readers(name, tmp_path):
    raw, colour = ODD[name]
    shop = small(40)
    shop.images.files["3"] = raw
    photo = shop_queries.fashion_small(shop, SEED, 5, 3, SIDE).goods.photos[3]
    (tmp_path / "own.png").write_bytes(raw)
    for found in (photo, picture(tmp_path / "own.png", SIDE), picture(str(tmp_path / "own.png"), SIDE)):
        assert found.shape == (3, SIDE, SIDE) and found.dtype == np.uint8
        assert np.abs(found.astype(int) - np.reshape(colour, (3, 1, 1))).max() <= (4 if name == "CMYK" else 0)  # JPEG


@pytest.mark.parametrize("raw", [b"", b"no image", photo_file(np.zeros((30, 30, 3), np.uint8), "JPEG")[:300]])
def test_damaged_photographs_are_refused_by_name(raw, tmp_path):
    shop = small(40)
    shop.images.files["3"] = raw
    with pytest.raises(ValueError, match="photograph 3: (no image of the formats|cut short or damaged)"):
        shop_queries.fashion_small(shop, SEED, 5, 3, SIDE)
    (tmp_path / "own.jpg").write_bytes(raw)
    with pytest.raises(ValueError, match="own.jpg: (no image of the formats|cut short or damaged)"):
        picture(tmp_path / "own.jpg", SIDE)


def test_a_readers_photograph_is_not_stretched(tmp_path):
    seen = np.full((40, 20, 3), 250, np.uint8)
    seen[10:30, 4:16] = [200, 10, 10]
    (tmp_path / "own.png").write_bytes(photo_file(seen))
    found = picture(tmp_path / "own.png", 20).transpose(1, 2, 0)
    assert (found[:, :5] == 250).all() and (found[:, -5:] == 250).all()  # its own border goes on
    red = found[:, :, 1] < 100
    assert red.sum(axis=0).max() == 10 and red.sum(axis=1).max() == 6  # 20 x 12 of 40, at half
    tall, wide = tmp_path / "tall.png", tmp_path / "wide.png"
    tall.write_bytes(photo_file(seen))
    wide.write_bytes(photo_file(np.ascontiguousarray(seen.transpose(1, 0, 2))))
    np.testing.assert_array_equal(picture(tall, 20), picture(wide, 20).transpose(0, 2, 1))
    for wrong, message in ((tmp_path / "none.png", "none.png: no such file"), (tmp_path, "no such file")):
        with pytest.raises(FileNotFoundError, match=message):
            picture(wrong)
    with pytest.raises(ValueError, match="side 0: expected 1 pixel or more"):
        picture(tmp_path / "own.png", 0)


REAL = [name for name in ("fashion_small", "hm") if
        all(Path(os.environ.get(VARIABLE) or "/nowhere", path).is_file() for path in SOURCES[name].files)]  # fmt: skip


def unseen(images, ids, side):
    """A picture for every id, told by it: the real ones take 25 seconds."""
    digest = [np.frombuffer(hashlib.blake2b(key.encode(), digest_size=48).digest(), np.uint8) for key in ids]
    return np.stack(digest).reshape(-1, 4, 4, 3)


@pytest.mark.parametrize(
    ("name", "facts"),
    [("fashion_small", {"photographs": 30_611, "captions": 1912, "products": 21_863}),
     ("hm", {"photographs": 11_725, "captions": 2956, "products": 6_662})],
)  # fmt: skip
def test_real_shops(monkeypatch, name, facts):
    if name not in REAL:
        pytest.skip(f"{VARIABLE} holds no {name}")
    monkeypatch.setattr(shop_queries, "photographs", unseen)
    task = load(name, seed=0, garments=0, train=2000, test=500)
    found = sizes(task)
    assert sum(found[f"{part} photographs"] for part in ("train", "valid", "test")) == facts["photographs"]
    assert (found["captions"], len(task.train), len(task.valid), len(task.test)) == (facts["captions"], 2000, 500, 500)
    assert found["products"] == facts["products"]
    assert 0.005 < found["chance"] < 0.08 and found["unseen"] < 0.25 and found["guess"] < 0.75
    assert name in here()


@pytest.mark.parametrize("name", ["fashion_small", "hm"])
def test_real_photographs(name):
    if name not in REAL:
        pytest.skip(f"{VARIABLE} holds no {name}")
    shop = (small_shop if name == "fashion_small" else hm_shop).load()
    some = list(shop.images)[:40]
    found = shop_queries._seen(shop.images, some, 64)
    assert found.shape == (40, 3, 64, 64) and len({one.tobytes() for one in found}) == 40 and found.flags.c_contiguous
