"""KDD Cup 2020 records: the layout by hand, what is written is read, refusals with their place, bounded memory."""

import base64
import gzip
import os
import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from damage import damaged
from likeness.data.kddcup import COLUMNS, FEATURES, LONGEST_LINE, Record, Records, write_records
from likeness.data.kddcup_small import read_mined
from likeness.data.registry import VARIABLE

FOLDER = Path(os.environ.get(VARIABLE) or "/nowhere", "kddcup2020")
real = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{VARIABLE} holds no kddcup2020")
#: Product 102851856 of the train file.
VECTOR = b"AAAAAAAAQEAAAKlDAABPQwAAb0MAALBBAICmQwAATEM="


def record(i=0, n=2, **changes):
    rng = np.random.default_rng(i)
    top_left = rng.integers(0, 50, (n, 2))
    boxes = np.hstack([top_left, top_left + rng.integers(0, 50, (n, 2))]).astype(np.float32)
    features = rng.standard_normal((n, FEATURES)).astype(np.float32)
    made = Record(100 + i, 100, 120, boxes, features, rng.integers(0, 33, n), f'"red {i} dress', 7 * i)
    return replace(made, **changes)


def fields(**changes):
    """The fields of one good row, as bytes, in the order of the header."""
    features = np.arange(2 * FEATURES, dtype="<f4")
    good = [b"102851856", b"338", b"209", b"2", VECTOR, base64.b64encode(features.tobytes()),
            base64.b64encode(np.array([28, 0], "<i8").tobytes()), b"treble popular reed", b"923271"]  # fmt: skip
    return dict(zip(COLUMNS, good, strict=True)) | changes


def put(folder, rows, header=COLUMNS, name="train.tsv"):
    body = b"".join(b"\t".join(row) + b"\n" for row in [[c.encode() for c in header], *rows])
    (folder / name).write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    return folder / name


def packed(values, dtype="<f4"):
    return base64.b64encode(np.array(values, dtype).tobytes())


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz"])
def test_the_official_layout_by_hand(tmp_path, name):
    (got,) = Records(put(tmp_path, [fields().values()], name=name))
    assert (got.product_id, got.height, got.width, got.query_id) == (102851856, 338, 209, 923271)
    assert got.boxes.tolist() == [[0, 3, 338, 207], [239, 22, 333, 204]]
    assert got.features[1, :2].tolist() == [2048, 2049]
    assert got.class_labels.tolist() == [28, 0]
    assert got.query == "treble popular reed"
    assert (got.boxes.dtype, got.features.dtype, got.class_labels.dtype) == (np.float32, np.float32, np.int64)
    assert not any(a.flags.writeable for a in (got.boxes, got.features, got.class_labels))


def test_columns_in_any_order_others_passed_over_and_no_features(tmp_path):
    header = ["more", *reversed([c for c in COLUMNS if c != "features"])]
    path = put(tmp_path, [[fields(more=b"\xff")[c] for c in header]], header)
    (got,) = Records(path, features=False)
    assert got.features is None
    assert (got.query, got.boxes[1, 3]) == ("treble popular reed", 204)
    with pytest.raises(ValueError, match="row 1, header: 0 columns 'features', expected one"):
        Records(path)
    (got,) = Records(put(tmp_path, [fields(features=b"?").values()]), features=False)  # there, and not looked at
    assert got.features is None


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz"])
def test_what_is_written_is_read(tmp_path, name):
    queries = ['"quote', "a  b ", "héllo 艾黛", "<b>&amp;</b>", "it's; -- \\t", "\r", "\u2028x", "=1+1"]
    made = [record(i, 1 + i % 4, query=q) for i, q in enumerate(queries) if q.strip()]
    write_records(tmp_path / name, made)
    got = Records(tmp_path / name)
    for _ in range(2):  # iterating begins anew
        for a, b in zip(made, got, strict=True):
            for field in ("product_id", "height", "width", "query", "query_id"):
                assert getattr(a, field) == getattr(b, field)
            for field in ("boxes", "features", "class_labels"):
                np.testing.assert_array_equal(getattr(a, field), getattr(b, field), strict=True)
    write_records(tmp_path / f"again-{name}", got)
    raw = (tmp_path / name).read_bytes()
    assert (tmp_path / f"again-{name}").read_bytes() == raw
    assert raw[4:8] == (bytes(4) if name.endswith(".gz") else b"uct_")  # no time in the head of the .gz


NAN = packed([[0, 0, 1, np.nan], [0, 0, 1, 1]])
BAD_ROWS = {
    "few": (list(fields().values())[:-1], "row", "8 fields, expected 9"),
    "many": ([*fields().values(), b""], "row", "10 fields, expected 9"),
    "header again": ([c.encode() for c in COLUMNS], "row", "the header again; were two files joined"),
    "no number": (fields(product_id=b"1e3"), "product_id", "b'1e3': expected a whole number"),
    "negative": (fields(query_id=b"-1"), "query_id", "b'-1': expected a whole number, 0 or more"),
    "too long": (fields(product_id=b"9" * 5000), "product_id", "b'9+.*expected a whole number"),
    "other digits": (fields(query_id="٣".encode()), "query_id", "expected a whole number"),
    "no height": (fields(image_h=b"0"), "image_h", "expected a whole number, 1 or more"),
    "no box": (fields(num_boxes=b"0"), "num_boxes", "expected a whole number, 1 or more"),
    "too many boxes": (fields(num_boxes=b"9" * 18), "boxes", "32 bytes, expected 15,[9,]+,984 for num_boxes"),
    "no base64": (fields(boxes=b"*" + VECTOR[1:]), "boxes", "is no base64"),
    "a sign between": (fields(boxes=VECTOR[:9] + b"*" + VECTOR[9:]), "boxes", "is no base64"),
    "bad padding": (fields(boxes=VECTOR[:-1]), "boxes", "is no base64"),
    "short": (fields(boxes=packed([0, 0, 1, 1, 0, 0, 1])), "boxes", "28 bytes, expected 32 for num_boxes = 2"),
    "features short": (fields(features=packed(np.zeros(2047))), "features", "8,188 bytes, expected 16,384"),
    "features NaN": (fields(features=packed(np.full(4096, np.inf))), "features", "NaN or infinite"),
    "labels short": (fields(class_labels=packed([1], "<i8")), "class_labels", "8 bytes, expected 16"),
    "label 33": (fields(class_labels=packed([0, 33], "<i8")), "class_labels", "from 0 to 33, expected 0..32"),
    "label -1": (fields(class_labels=packed([-1, 3], "<i8")), "class_labels", "from -1 to 3"),
    "box NaN": (fields(boxes=NAN), "boxes", "box 0 is .*nan"),
    "below": (fields(boxes=packed([[0, 0, 1, 1], [0, 0, 338.5, 1]])), "boxes", "box 1 .* within 338 x 209 pixels"),
    "right": (fields(boxes=packed([[0, 0, 1, 210], [0, 0, 1, 1]])), "boxes", "box 0"),
    "left": (fields(boxes=packed([[0, -1, 1, 1], [0, 0, 1, 1]])), "boxes", "box 0"),
    "upside down": (fields(boxes=packed([[5, 0, 4, 1], [0, 0, 1, 1]])), "boxes", "box 0"),
    "right of right": (fields(boxes=packed([[0, 2, 4, 1], [0, 0, 1, 1]])), "boxes", "box 0"),
    "no UTF-8": (fields(query=b"caf\xe9 bag"), "query", "no UTF-8"),
    "no query": (fields(query=b" "), "query", "empty"),
}  # fmt: skip


def row(given):
    return list(given.values()) if isinstance(given, dict) else given


@pytest.mark.parametrize("name", BAD_ROWS)
def test_bad_rows_are_refused_with_file_row_and_field(tmp_path, name):
    bad, field, message = BAD_ROWS[name]
    path = put(tmp_path, [row(fields()), row(bad), row(fields())])
    with pytest.raises(ValueError, match=rf"train\.tsv: row 3, {field}: .*{message}|row 3, {field}: {message}"):
        list(Records(path))


def test_bad_rows_are_left_out_and_counted(tmp_path):
    rows = [row(fields()), *(row(bad) for bad, _, _ in BAD_ROWS.values()), row(fields(query_id=b"5"))]
    read = Records(put(tmp_path, rows), skip=True)
    for _ in range(2):  # counted anew each time
        assert [r.query_id for r in read] == [923271, 5]
        assert read.skipped == Counter(field for _, field, _ in BAD_ROWS.values())
    assert read.skipped.first["row"].endswith("train.tsv: row 3, row: 8 fields, expected 9 as in the header")
    assert set(read.skipped.first) == set(read.skipped)
    assert all(len(message) < 400 for message in read.skipped.first.values())  # however long the field was


@pytest.mark.parametrize("skip", [False, True])
def test_files_that_cannot_be_read_on(tmp_path, skip):
    good = put(tmp_path, [row(fields())] * 3, name="a.tsv.gz").read_bytes()
    files = {
        "empty.tsv": (b"", "empty; expected a header"),
        "empty.tsv.gz": (b"", "empty; expected a header"),
        "short.tsv": (b"\t".join(c.encode() for c in COLUMNS[:-1]), "0 columns 'query_id', expected one"),
        "twice.tsv": (b"\t".join(c.encode() for c in (*COLUMNS, "boxes")), "2 columns 'boxes', expected one"),
        "utf16.tsv": ("\t".join(COLUMNS).encode("utf-16"), "0 columns 'product_id'"),
        "bom.tsv": ("\t".join(COLUMNS).encode("utf-8-sig"), r"0 columns 'product_id'.*xef"),
        "cut.tsv.gz": (good[:-200], "after row .*damaged or cut short"),
        "plain.tsv.gz": (b"product_id", "[Nn]ot a gzipped file"),
        "crc.tsv.gz": (good[:-6] + b"\0" + good[-5:], "damaged"),
        "long.tsv": (gzip.decompress(good) + b"9" * (LONGEST_LINE + 1), "row 5 has more than 4,194,304 bytes"),
    }
    for name, (data, message) in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match=rf"{name}: .*{message}"):
            list(Records(tmp_path / name, skip=skip))
    with pytest.raises(FileNotFoundError, match="gone.tsv: no such file"):
        Records(tmp_path / "gone.tsv", skip=skip)


def test_line_ends_of_another_system_and_a_last_row_without_one(tmp_path):
    path = put(tmp_path, [row(fields())] * 2)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n")[:-2])
    assert [r.query_id for r in Records(path)] == [923271, 923271]


def test_memory_stays_at_a_line(tmp_path):
    made = record(3, 4)
    write_records(tmp_path / "a.tsv", (replace(made, query_id=i) for i in range(260)))
    write_records(tmp_path / "a.tsv.gz", (replace(made, query_id=i) for i in range(260)))
    size = (tmp_path / "a.tsv").stat().st_size
    assert size > 11e6
    for name in ("a.tsv", "a.tsv.gz"):
        tracemalloc.start()
        assert sum(r.query_id for r in Records(tmp_path / name)) == 260 * 259 // 2
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < size / 20  # a line has 44 KB


def test_a_bomb_is_refused_in_little_memory(tmp_path):
    path = tmp_path / "bomb.tsv.gz"
    with gzip.open(path, "wb") as out:
        for _ in range(80):
            out.write(b"A" * 2**20)
    assert path.stat().st_size < 2**17
    tracemalloc.start()
    with pytest.raises(ValueError, match="row 1 has more than"):
        Records(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * LONGEST_LINE  # of 80 MB


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": None}, "record 2, features: None"),
        ({"features": np.zeros((2, 5))}, r"features: shape \(2, 5\), expected \(2, 2048\)"),
        ({"boxes": np.zeros((3, 4))}, r"boxes: shape \(3, 4\), expected \(2, 4\)"),
        ({"boxes": np.full((2, 4), 101.0)}, "box 0 is"),
        ({"class_labels": np.array([0.5, 1])}, "class_labels: float64"),
        ({"class_labels": np.array([], int)}, "at least one box"),
        ({"query": "a\tb"}, "query: .*no tab"),
        ({"query": "\ud800"}, "cannot be written as UTF-8"),
        ({"product_id": -4}, "product_id: b'-4'"),
        ({"height": 0.5}, "boxes: box|image_h"),
    ],
)
def test_what_cannot_be_read_is_not_written(tmp_path, changes, message):
    (tmp_path / "a.tsv").write_text("old")
    with pytest.raises(ValueError, match=message):
        write_records(tmp_path / "a.tsv", [record(0), record(1, **changes)])
    assert [p.name for p in tmp_path.iterdir()] == ["a.tsv"]
    assert (tmp_path / "a.tsv").read_text() == "old"


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz"])
def test_damage_gives_records_or_a_value_error_that_names_the_file(tmp_path, name):
    rng, path, refused = np.random.default_rng(5), tmp_path / name, 0
    write_records(path, [record(0, 1), record(1, 1, features=np.zeros((1, FEATURES)))])
    raw = path.read_bytes()
    for i in range(400):
        path.write_bytes(damaged(raw, rng))
        try:
            list(Records(path, features=i % 4 != 0, skip=i % 2 == 0))
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > 30


@real
def test_the_boxes_of_the_real_train_file(tmp_path):
    mined = list(read_mined(FOLDER / "train_records_1000.jsonl"))
    assert mined[0].boxes.tobytes() == base64.b64decode(VECTOR)
    assert sum(r.boxes[:, 2].max() == r.height for r in mined) == 88  # boxes touch the border, none leaves it
    assert sum(r.boxes[:, 3].max() == r.width for r in mined) == 58
    assert max(len(r.boxes) for r in mined) == 43  # 40 is the most of the test file
    some = [replace(r, features=np.zeros((len(r.boxes), FEATURES))) for r in mined[:100]]
    write_records(tmp_path / "real.tsv.gz", some)
    for a, b in zip(some, Records(tmp_path / "real.tsv.gz", features=False), strict=True):
        np.testing.assert_array_equal(a.boxes, b.boxes)
        np.testing.assert_array_equal(a.class_labels, b.class_labels)
        assert (a.query, a.query_id) == (b.query, b.query_id)
