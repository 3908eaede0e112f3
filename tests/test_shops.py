"""The loaders of hm, fashion_small and clothing: small files in the real layout, every fault, and the real facts."""

import hashlib
import json
import os
import random
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from likeness.data import clothing, fashion_small, hm
from likeness.data.registry import SOURCES, VARIABLE
from likeness.data.tables import MOST_ROW

ARTICLES, BOUGHT, SETS, HM_ZIP = (
    f"hm/{name}" for name in ("articles_v2.tsv", "interactions_v1.tsv", "image_sets.json", "images96.zip")
)
STYLES, SMALL_ZIP = "fashion_small/styles.csv", "fashion_small/images.zip"
LABELS, CLOTHING_ZIP = "clothing/images.csv", "clothing/images96.zip"
ONE, TWO, THREE = "0111565001", "0111565002", "0953763001"
UUID = "4285fab0-751a-4b74-8e9b-43af05deee2"
MODULES = {"hm": hm, "fashion_small": fashion_small, "clothing": clothing}


def article(key=ONE, name="20 den 1p Stockings", text="Semi shiny."):
    return "\t".join([key, key[1:7], name, "Tights", "Socks", "Solid", "Black", "Dark", "Black", "Lady", "Socks", text])


GOOD = {
    ARTICLES: "\n".join(["\t".join(hm.ARTICLE_COLUMNS), article(), article(TWO, '<b>"Ü"</b>', ""), article(THREE), ""]),
    BOUGHT: f"user\titem\tdate\tchannel\n7\t{ONE}\t2018-09-20\t2\n7\t{ONE}\t2018-09-20\t2\n0\t{THREE}\t2020-02-29\t1\n",
    SETS: json.dumps({"v1": [ONE], "v2": [TWO, ONE]}),
    HM_ZIP: [ONE, TWO],
    STYLES: "\r\n".join(
        [",".join(fashion_small.COLUMNS), "15970,Men,Apparel,Topwear,Shirts,NA,Fall,2011,Casual,Turtle, Check, Men",
         '7491,Women,Apparel,Bottomwear,Shorts,Pink,,,,"Nike 3.5"" Pink Short"', ""]),
    SMALL_ZIP: ["7491", "5"],
    LABELS: f"image,sender_id,label,kids\n{UUID}0,124,Not sure,False\n{UUID}1,99,T-Shirt,True\n",
    CLOTHING_ZIP: [f"{UUID}1", f"{UUID}2", f"{UUID}3"],
}  # fmt: skip


def write(root, files=()):
    """The small files, some replaced: str or bytes for a table, ids for a zip, None for none."""
    for path, content in (GOOD | dict(files)).items():
        file = root / path
        file.parent.mkdir(exist_ok=True)
        if content is None:
            file.unlink(missing_ok=True)
        elif isinstance(content, list):
            with zipfile.ZipFile(file, "w") as out:
                for key in content:
                    out.writestr(f"images/{key}.jpg", key.encode())
        else:
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def test_hm(tmp_path):
    shop = hm.load(write(tmp_path))
    assert list(shop.articles.columns) == [*hm.ARTICLE_COLUMNS, "photo"]
    assert shop.articles["article_id"].tolist() == [ONE, TWO, THREE]
    assert shop.articles["prod_name"].tolist()[1] == '<b>"Ü"</b>'
    assert shop.articles["detail_desc"].tolist() == ["Semi shiny.", "", "Semi shiny."]
    assert shop.articles["photo"].tolist() == [True, True, False]
    assert shop.articles["colour_group_name"].dtype == "category"
    assert shop.articles["product_code"].dtype == "str"
    assert shop.purchases["user"].tolist() == [7, 7, 0]
    assert shop.purchases["item"].tolist() == [ONE, ONE, THREE]
    assert shop.purchases["date"].tolist() == [pd.Timestamp(d) for d in ("2018-09-20", "2018-09-20", "2020-02-29")]
    assert shop.purchases["channel"].tolist() == [2, 2, 1]
    assert [str(d) for d in shop.purchases.dtypes] == ["int64", "str", shop.purchases["date"].dtype, "int8", "bool"]
    assert str(shop.purchases["date"].dtype).startswith("datetime64")
    assert (shop.articles_without_photo, shop.purchases_without_photo) == (1, 1)
    assert shop.sets == {"v1": (ONE,), "v2": (TWO, ONE)}
    assert dict(shop.images) == {ONE: ONE.encode(), TWO: TWO.encode()}


def test_fashion_small_is_cut_at_nine_commas_and_not_unquoted(tmp_path):
    shop = fashion_small.load(write(tmp_path))
    assert list(shop.styles.columns) == [*fashion_small.COLUMNS, "photo"]
    assert shop.styles["productDisplayName"].tolist() == ["Turtle, Check, Men", '"Nike 3.5"" Pink Short"']
    assert shop.styles["id"].tolist() == ["15970", "7491"]
    assert shop.styles["baseColour"].tolist() == ["NA", "Pink"]  # a word, not a missing value
    assert shop.styles["season"].tolist() == ["Fall", ""]
    assert shop.styles["year"].dtype == "Int16"
    assert shop.styles["year"].isna().tolist() == [False, True]
    assert shop.styles["year"].tolist()[0] == 2011
    assert shop.styles["photo"].tolist() == [False, True]
    assert (shop.without_photo, shop.without_row) == (1, 1)
    assert shop.images["5"] == b"5"


def test_clothing(tmp_path):
    shop = clothing.load(write(tmp_path))
    assert shop.labels["image"].tolist() == [f"{UUID}0", f"{UUID}1"]
    assert shop.labels["sender_id"].tolist() == [124, 99]
    assert shop.labels["label"].tolist() == ["Not sure", "T-Shirt"]
    assert shop.labels["kids"].tolist() == [False, True]
    assert [str(d) for d in shop.labels.dtypes] == ["str", "int64", "category", "bool", "bool"]
    assert (shop.without_photo, shop.without_row, len(shop.images)) == (1, 2, 3)


@pytest.mark.parametrize("name", MODULES)
def test_registered_files_are_found_below_the_data_folder(name, tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(ValueError, match="sha256 .* expected"):
        MODULES[name].load()
    for path in SOURCES[name].files.keys() & GOOD.keys():
        monkeypatch.setitem(SOURCES[name].files, path, hashlib.sha256((tmp_path / path).read_bytes()).hexdigest())
    assert len(MODULES[name].load().images) == len(MODULES[name].load(tmp_path).images) > 0
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(FileNotFoundError, match=f"{name}: {VARIABLE} is not set; get it from"):
        MODULES[name].load()


def swap(path, old, new):
    assert old in GOOD[path]
    return path, GOOD[path].replace(old, new, 1)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("hm", (ARTICLES, ""), "articles_v2.tsv: empty, expected the columns"),
        ("hm", (ARTICLES, "\t".join(hm.ARTICLE_COLUMNS) + "\n"), "articles_v2.tsv: no row, expected"),
        ("hm", swap(ARTICLES, "prod_name", "name"), r"row 1 has other columns \(unknown: 'name'; missing: prod_name\)"),
        ("hm", swap(ARTICLES, "article_id", "\ufeffarticle_id"), r"unknown: '\\ufeffarticle_id'"),
        ("hm", swap(ARTICLES, TWO, ONE), "row 3, article_id '0111565001': .*new; row 2 has it already"),
        ("hm", swap(ARTICLES, ONE, ONE[1:]), "row 2, article_id '111565001': expected an id of the form"),
        ("hm", swap(ARTICLES, ONE, "011156500١"), "row 2, article_id"),
        ("hm", swap(ARTICLES, "\t111565\t", "\t\t"), "row 2, product_code ''"),
        ("hm", swap(ARTICLES, "\tSolid\t", "\t"), "row 2 has 11 fields, expected 12"),
        ("hm", swap(ARTICLES, "\tSolid\t", "\tSolid\tSolid\t"), "row 2, detail_desc .*too many fields"),
        ("hm", (ARTICLES, GOOD[ARTICLES].encode("latin-1")), "articles_v2.tsv: row 3 is not UTF-8"),
        ("hm", swap(ARTICLES, "Semi shiny.", "a" * MOST_ROW), "row 2 has more than 65,536 bytes"),
        ("hm", (ARTICLES, GOOD[ARTICLES] + "\n"), "row 5 has 1 fields"),
        ("hm", (BOUGHT, None), "interactions_v1.tsv: no such file"),
        ("hm", swap(BOUGHT, "channel", "shop"), "interactions_v1.tsv: row 1 has other columns"),
        ("hm", swap(BOUGHT, "7\t", "-7\t"), "row 2, user '-7': expected 1 to 18 digits"),
        ("hm", swap(BOUGHT, "7\t", "٧\t"), "row 2, user"),
        ("hm", swap(BOUGHT, "7\t", "9" * 19 + "\t"), "row 2, user"),
        ("hm", swap(BOUGHT, ONE, "../../x"), r"row 2, item '../../x'"),
        ("hm", swap(BOUGHT, "2020-02-29", "2019-02-29"), "row 4, date '2019-02-29': expected a day of the calendar"),
        ("hm", swap(BOUGHT, "2018-09-20", "20180920"), "row 2, date '20180920': expected a day as YYYY-MM-DD"),
        ("hm", swap(BOUGHT, "2018-09-20", ""), "row 2, date ''"),
        ("hm", swap(BOUGHT, "\t2\n", "\t3\n"), "row 2, channel '3': expected 1 or 2"),
        ("hm", swap(BOUGHT, "\t2\n", "\t2\t\n"), r"row 2, channel '2\\t'"),
        ("hm", (SETS, "{"), "image_sets.json: .*JSON"),
        ("hm", (SETS, "[" * 100_000), "image_sets.json: .*JSON"),
        ("hm", (SETS, "[]"), "image_sets.json: .*expected an object"),
        ("hm", (SETS, '{"v1": []}'), r"expected an object with the lists \('v1', 'v2'\)"),
        ("hm", (SETS, '{"v1": [], "v2": [111565001]}'), "v2: expected a list of ids"),
        ("hm", (SETS, '{"v1": [], "v2": {}}'), "v2: expected a list of ids"),
        ("hm", (SETS, json.dumps({"v1": [ONE, ONE], "v2": []})), "v1: 1 ids are there twice"),
        ("hm", (SETS, json.dumps({"v1": [], "v2": [ONE, THREE]})), f"v2: 1 ids, {THREE} first, have no image in .*zip"),
        ("hm", (HM_ZIP, "no zip"), "images96.zip: .*expected a whole zip"),
        ("fashion_small", swap(STYLES, "15970", "7491"), "styles.csv: row 3, id '7491': .*row 2 has it already"),
        ("fashion_small", swap(STYLES, "15970", ""), "row 2, id ''"),
        ("fashion_small", swap(STYLES, "2011", "99999"), "row 2, year '99999': expected 1 to 4 digits"),
        ("fashion_small", swap(STYLES, "2011", "2011.0"), "row 2, year '2011.0'"),
        ("fashion_small", swap(STYLES, "Turtle, Check, Men", ""), None),
        ("fashion_small", swap(STYLES, ",Turtle, Check, Men", ""), "row 2 has 9 fields, expected 10"),
        ("fashion_small", (SMALL_ZIP, None), "images.zip: no such file"),
        ("clothing", swap(LABELS, f"{UUID}1", f"{UUID}0"), "images.csv: row 3, image .*row 2 has it already"),
        ("clothing", swap(LABELS, UUID, "../"), "images.csv: row 2, image '../0'"),
        ("clothing", swap(LABELS, "124", "x"), "row 2, sender_id 'x'"),
        ("clothing", swap(LABELS, "False", "false"), "row 2, kids 'false': expected True or False"),
        ("clothing", swap(LABELS, ",False", ""), "row 2 has 3 fields"),
        ("clothing", swap(LABELS, ",False", ",False,"), "row 2, kids 'False,'"),
    ],
)
def test_faults_are_named_by_file_row_and_field(name, change, message, tmp_path):
    root = write(tmp_path, [change])
    if message is None:
        MODULES[name].load(root)
        return
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        MODULES[name].load(root)
    assert change[0] in str(caught.value)


@pytest.mark.parametrize(("name", "path"), [("hm", ARTICLES), ("hm", BOUGHT), ("hm", SETS), ("fashion_small", STYLES),
                                            ("clothing", LABELS)])  # fmt: skip
def test_fuzz(name, path, tmp_path):
    """Flipped and cut tables: a shop of the right columns, or a ValueError that names the file."""
    write(tmp_path)
    raw = GOOD[path].encode()
    rng = random.Random(2)
    refused = 0
    for _ in range(120):
        bad = bytearray(raw[: rng.randrange(len(raw))] if rng.random() < 0.2 else raw)
        for _ in range(rng.randrange(1, 4)):
            if bad:
                bad[rng.randrange(len(bad))] = rng.choice([rng.randrange(256), *b"\n\r\t,\"\0"])
        (tmp_path / path).write_bytes(bytes(bad))
        try:
            MODULES[name].load(tmp_path)
        except ValueError as error:
            assert str(tmp_path / path) in str(error)  # noqa: PT017  counted below
            refused += 1
    assert refused > 30


HAVE = {name: Path(os.environ.get(VARIABLE) or "/nowhere", name).is_dir() for name in MODULES}


def real(name):
    return pytest.mark.skipif(not HAVE[name], reason=f"{VARIABLE} holds no {name}")


@real("hm")
def test_the_real_hm():
    """As the data folder's README counts them."""
    shop = hm.load()
    assert len(shop.images) == 24_717
    assert shop.images.others == 0
    assert shop.articles.shape == (11_800, 13)
    assert len(shop.purchases) == 31_662
    assert shop.purchases["user"].nunique() == 1_364
    assert shop.purchases["item"].nunique() == 17_033
    assert str(shop.purchases["date"].min().date()) == "2018-09-20"
    assert str(shop.purchases["date"].max().date()) == "2020-09-22"
    assert shop.purchases["date"].is_monotonic_increasing
    assert (shop.articles_without_photo, shop.purchases_without_photo) == (0, 0)
    assert set(shop.sets["v1"]) == set(shop.purchases["item"])
    assert set(shop.sets["v2"]) == set(shop.articles["article_id"])
    assert set(shop.sets["v1"]) | set(shop.sets["v2"]) == set(shop.images)
    pairs = shop.purchases[["user", "item"]].drop_duplicates()
    often = pairs[pairs.groupby("user")["item"].transform("size") >= 5]
    assert (often["user"].nunique(), often["item"].nunique(), len(often)) == (887, 16_581, 26_353)
    ids = shop.articles["article_id"]
    assert (ids.str[:7].str.lstrip("0") == shop.articles["product_code"]).all()
    assert (shop.articles["detail_desc"] == "").sum() == 7
    for key in list(shop.images)[:: 2_000]:
        assert max(shop.images.array(key).shape[:2]) == 96


@real("fashion_small")
def test_the_real_fashion_small():
    shop = fashion_small.load()
    assert len(shop.images) == 30_617
    assert len(shop.styles) == 44_446
    assert (shop.without_photo, shop.without_row) == (13_829, 0)
    assert set(shop.styles.loc[shop.styles["photo"], "masterCategory"]) == {"Apparel", "Footwear"}
    assert shop.styles["gender"].value_counts()["Men"] == 22_165
    assert (shop.styles["baseColour"] == "NA").sum() == 15
    assert shop.styles["year"].isna().sum() == 1
    assert shop.styles["productDisplayName"].str.contains(",").sum() == 0  # this copy has none; others do
    assert shop.images.array(next(iter(shop.images))).shape == (80, 60, 3)


@real("clothing")
def test_the_real_clothing():
    shop = clothing.load()
    assert len(shop.images) == 5_756
    assert len(shop.labels) == 5_403
    assert (shop.without_photo, shop.without_row) == (5, 358)
    assert set(shop.labels.loc[~shop.labels["photo"], "label"]) == {"Skip"}
    assert (shop.labels["sender_id"].value_counts() >= 5).sum() == 154
    assert shop.labels["kids"].sum() == 476
    assert max(shop.images.array(next(iter(shop.images))).shape) == 96
