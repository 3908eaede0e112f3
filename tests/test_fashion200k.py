"""Fashion200k: labels by hand, paths that climb out, cleaning, parents, training and test queries, damage."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from damage import damaged
from likeness.data.captions import parents
from likeness.data.fashion200k import SHIRTS, Image, clean, image_file, read_labels
from likeness.data.fashion200k_queries import TrainingQueries, modification, read_test_queries

TRAIN = [
    ("women/tops/t-shirts/1/1_0.jpeg", "0.91", "red silk shirt"),
    ("women/tops/t-shirts/1/1_1.jpeg", "0.5", "red silk shirt"),
    ("women/tops/t-shirts/2/2_0.jpeg", "0.8", "blue silk shirt"),
    ("women/dresses/3/3_0.jpeg", "0.7", "black & white dress. no. 5?"),
    ("women/dresses/4/4_0.jpeg", "-0.1", "  <b>red</b>  *silk* gown \r"),
]
TEST = [("women/tops/blouses/9/9_0.jpeg", "1", "white blouse"), ("women/tops/blouses/8/8_0.jpeg", "1", "green blouse")]


def make(root, train=TRAIN, test=TEST, queries="", photographs=True):
    (root / "labels").mkdir(parents=True)
    for name, rows in (("tops_train_detect_all.txt", train), ("tops_test_detect_all.txt", test)):
        (root / "labels" / name).write_text("".join("\t".join(row) + "\n" for row in rows), newline="")
    (root / "test_queries.txt").write_text(queries)
    for path, *_ in [*train, *test] if photographs else []:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"jpeg")
    return root


def test_labels_by_hand(tmp_path):
    got = read_labels(make(tmp_path / "f"), "train")
    assert got.images[0] == Image("women/tops/t-shirts/1/1_0.jpeg", 0.91, "red silk shirt")
    assert [image.caption for image in got.images[3:]] == [
        "black andmark white dressdotmark nodotmark 5questionmark",
        "<b>red</b>  starmarksilkstarmark gown",  # markup and blanks kept: text, not to be interpreted
    ]
    assert got.images[4].score == -0.1
    assert not got.skipped
    assert [image.caption for image in read_labels(tmp_path / "f", "test").images] == ["white blouse", "green blouse"]


def test_files_are_read_in_the_order_of_their_names_others_left(tmp_path):
    root = make(tmp_path / "f", test=[], photographs=False)
    for name, path in {"b_train.txt": "women/b", "a_train.txt": "women/a"}.items():
        (root / "labels" / name).write_text(f"{path}\t1\tx")  # the last row may lack its line end
    for name in ("c_train.csv", "._tops_train.txt", "readme.txt"):
        (root / "labels" / name).write_bytes(b"\xff")
    (root / "labels" / "d_train.txt").mkdir()
    paths = [image.path for image in read_labels(root, "train", need_files=False).images]
    assert paths == ["women/a", "women/b", *(row[0] for row in TRAIN)]
    assert read_labels(root, "test").images == ()


def test_the_shirts(tmp_path):
    root = make(tmp_path / "f")
    (root / TRAIN[4][0]).unlink()  # outside the subset, so not missed
    (root / "labels" / "z_train.txt").write_text("women/tops/shirts/5.jpeg\t1\tx\nwomen/sweatshirts.jpeg\t1\tx\n")
    (root / "women/tops/shirts").mkdir()
    (root / "women/tops/shirts/5.jpeg").write_bytes(b"jpeg")
    got = read_labels(root, "train", within=SHIRTS)
    assert [image.path for image in got.images] == [*(row[0] for row in TRAIN[:3]), "women/tops/shirts/5.jpeg"]


LONG = "women/" + "a" * 5000
BAD_ROWS = {
    "two fields": (b"women/a.jpeg\t1", "row", "2 fields, expected image path, detection score, caption"),
    "four fields": (b"women/a.jpeg\t1\ta\tb", "row", "4 fields"),
    "no line": (b"", "row", "1 fields"),
    "climbs": (b"women/../../secret\t1\tx", "image path", "expected women/<category>.* without '..'"),
    "climbs down": (b"women/a/../a.jpeg\t1\tx", "image path", "without '..'"),
    "absolute": (b"/etc/passwd\t1\tx", "image path", "'/etc/passwd': expected women/"),
    "other folder": (b"labels/a_train.txt\t1\tx", "image path", "expected women/"),
    "backslash": (rb"women\..\a" + b"\t1\tx", "image path", "expected women/"),
    "backslash below": (rb"women/a\..\..\a" + b"\t1\tx", "image path", "expected '/' between folders"),
    "nul": (b"women/a\0.jpeg\t1\tx", "image path", "expected women/"),
    "no UTF-8": (b"women/\xff.jpeg\t1\tx", "image path", "no UTF-8"),
    "missing": (b"women/gone.jpeg\t1\tx", "image file", "'women/gone.jpeg': no such file below"),
    "folder": (b"women/dresses\t1\tx", "image file", "no such file"),
    "name too long": (f"{LONG}\t1\tx".encode(), "image file", "no such file|cannot be looked for"),
    "link out": (b"women/out/secret.jpeg\t1\tx", "image file", "leads out of .* by a link"),
    "file link out": (b"women/out.jpeg\t1\tx", "image file", "leads out of .* by a link"),
    "ring": (b"women/ring\t1\tx", "image file", "no such file|cannot be looked for"),
    "twice": (TRAIN[0][0].encode() + b"\t1\tother", "image twice", "has a label already"),
    "no score": (b"women/a.jpeg\thigh\tx", "score", "b'high': expected a finite number"),
    "NaN": (b"women/a.jpeg\tnan\tx", "score", "finite"),
    "no caption": (b"women/a.jpeg\t1\t  ", "caption", "empty"),
    "caption no UTF-8": (b"women/a.jpeg\t1\t\xe9", "caption", "no UTF-8"),
}


def with_links(tmp_path):
    root = make(tmp_path / "f")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.jpeg").write_bytes(b"jpeg")
    (root / "women" / "out").symlink_to(tmp_path / "elsewhere")
    (root / "women" / "out.jpeg").symlink_to(tmp_path / "elsewhere" / "secret.jpeg")
    (root / "women" / "ring").symlink_to(root / "women" / "ring")
    (root / "women" / "inside.jpeg").symlink_to(root / TRAIN[0][0])
    return root


@pytest.mark.parametrize("name", BAD_ROWS)
def test_bad_rows_are_refused_with_file_row_and_field(tmp_path, name):
    line, field, message = BAD_ROWS[name]
    root = with_links(tmp_path)
    (root / "labels" / "tops_train_zzz.txt").write_bytes(b"women/inside.jpeg\t1\tx\n" + line + b"\n")
    with pytest.raises(ValueError, match=rf"tops_train_zzz.txt: row 2, {field}: .*({message})"):
        read_labels(root, "train")


def test_bad_rows_are_left_out_and_counted(tmp_path):
    root = with_links(tmp_path)
    (root / "labels" / "tops_train_zzz.txt").write_bytes(b"\n".join(line for line, _, _ in BAD_ROWS.values()))
    got = read_labels(root, "train", skip=True)
    assert [image.path for image in got.images] == [row[0] for row in TRAIN]
    assert got.skipped == Counter(field for _, field, _ in BAD_ROWS.values())
    assert "tops_train_zzz.txt: row 12, image file: 'women/gone.jpeg'" in got.skipped.first["image file"]
    captions = read_labels(root, "train", need_files=False, skip=True)  # rows whose image was the only fault are back
    assert len(captions.images) == len(TRAIN) + got.skipped["image file"]
    assert captions.skipped == got.skipped - Counter({"image file": 99})


def test_image_files(tmp_path):
    root = with_links(tmp_path)
    (tmp_path / "root").symlink_to(root)  # the root itself may be a link
    for top in (root, tmp_path / "root", str(root)):
        assert image_file(top, "women/inside.jpeg") == (root / TRAIN[0][0]).resolve()
    for path in ("women/../labels/x", "/women/a", "women", "", "women/", "women//a", "women/./a", "women/out.jpeg"):
        with pytest.raises(ValueError, match="image (path|file): "):
            image_file(root, path)


def test_folders_that_are_not_what_is_expected(tmp_path):
    root = make(tmp_path / "f", photographs=False)
    with pytest.raises(ValueError, match="split 'valid': expected one of train, test"):
        read_labels(root, "valid")
    with pytest.raises(FileNotFoundError, match="labels: no such folder"):
        read_labels(tmp_path, "train")
    (root / "labels" / "latest_train.txt").write_text("")  # "latest" holds "test": the code reads it for both splits
    with pytest.raises(ValueError, match=r"\['latest_train.txt'\] say both train and test"):
        read_labels(root, "train")
    (tmp_path / "empty" / "labels").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="no .txt with 'test' in its name among 0"):
        read_labels(tmp_path / "empty", "test")
    (root / "labels" / "latest_train.txt").unlink()
    (root / "labels" / "z_train.txt").write_bytes(b"women/a\t1\t" + b"x" * 2**16)
    with pytest.raises(ValueError, match="z_train.txt: row 1 has more than 65,536 bytes"):
        read_labels(root, "train", need_files=False, skip=True)


def test_cleaning_by_hand():
    assert clean("\t a.b?c&d*e \n") == "adotmarkbquestionmarkcandmarkdstarmarke"
    assert clean("<script>alert('x')</script> {{x}} %s") == "<script>alert('x')</script> {{x}} %s"
    for caption in ("a. b", " x ", "&&"):
        assert clean(clean(caption)) == clean(caption)


def test_parents_by_hand():
    assert parents("red silk red") == ("silk red", "red red", "red silk")
    assert parents("red silk red", variant="literal") == ("silk", "red red")  # every "red" at once
    assert parents("in lining", variant="literal") == ("lg", "in")  # "in" is taken out of "lining", too
    assert parents("in lining") == ("lining", "in")
    assert parents("dress") == ("",)
    assert parents("a a") == ("a",)
    with pytest.raises(ValueError, match="variant 'other'"):
        parents("a", variant="other")


def test_modifications_by_hand():
    assert modification("a red red dress", "a blue red dress") == "replace red with blue"
    assert modification("a red red dress", "a blue red dress", variant="literal") == "replace dress with blue"
    assert modification("x b a y", "b c y d") == "replace x a with c d"
    assert modification("x b a y", "b c y d", variant="literal") == "replace x with c"
    for pair in (("red dress", "dress red"), ("red dress", "dress"), ("", "dress")):
        with pytest.raises(ValueError, match="expected words in each that the other lacks"):
            modification(*pair)
    assert modification("red dress", "dress red", variant="literal") == "replace dress with red"


def captions_of(seed, n=60):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(list("abcd"), int(rng.integers(1, 4)))) for _ in range(n)]


def catalogue(tmp_path, captions, name="f"):
    rows = [(f"women/{i}.jpeg", "1", caption) for i, caption in enumerate(captions)]
    return read_labels(make(tmp_path / name, rows, photographs=False), "train", need_files=False)


@pytest.mark.parametrize("seed", range(3))
def test_training_queries_equal_the_loop_over_pairs(tmp_path, seed):
    captions = captions_of(seed)
    made = TrainingQueries(catalogue(tmp_path, captions))
    want: dict[int, set[int]] = {}
    for i, j in combinations(range(len(captions)), 2):
        shared = set(parents(captions[i])) & set(parents(captions[j]))
        if shared and sorted(captions[i].split()) != sorted(captions[j].split()):
            want.setdefault(i, set()).add(j)
            want.setdefault(j, set()).add(i)
    assert made.modifiable.tolist() == sorted(want)
    rng = np.random.default_rng(seed)
    for source in made.modifiable.tolist()[:8]:
        drawn = [made.draw(source, rng) for _ in range(300)]
        assert {query.target for query in drawn} <= want[source]
        assert len({query.target for query in drawn}) > 0.8 * len(want[source])
        for query in drawn[:20]:
            a, b = query.modification.removeprefix("replace ").split(" with ")
            left, right = (sorted(captions[row].split()) for row in (query.source, query.target))
            assert sorted([*left, b]) == sorted([*right, a])  # one word for one word, nothing else


def test_literal_and_corrected_siblings_differ(tmp_path):
    damage = catalogue(tmp_path, ["in lining", "x lg"])  # "lg" is left of "lining" without its "in"
    literal = TrainingQueries(damage, variant="literal")
    assert literal.modifiable.tolist() == [0, 1]
    assert literal.draw(0, np.random.default_rng(0)).modification == "replace in with x"
    with pytest.raises(ValueError, match="2 captions: expected two at least that differ in one word"):
        TrainingQueries(damage)
    order = catalogue(tmp_path, ["red silk top", "red top silk", "silk"], "order")
    assert TrainingQueries(order, variant="literal").modifiable.tolist() == [0, 1]
    with pytest.raises(ValueError, match="3 captions"):
        TrainingQueries(order)


def test_draws_are_seeded_and_even(tmp_path):
    made = TrainingQueries(catalogue(tmp_path, ["red top", "blue top", "blue top", "red hat", "cap hat hut"]))
    assert made.modifiable.tolist() == [0, 1, 2, 3]
    drawn = [[made.draw(0, rng) for _ in range(400)] for rng in (np.random.default_rng(1), np.random.default_rng(1))]
    assert drawn[0] == drawn[1]
    share = Counter(query.target for query in drawn[0])
    assert set(share) == {1, 2, 3}
    assert abs(share[3] - 200) < 40  # one of two parents, 4 standard deviations
    assert abs(share[1] - 100) < 36  # the other parent, then one of two images
    for wrong in (4, 5, -1):
        with pytest.raises(ValueError, match=f"image {wrong}: its caption has no sibling"):
            made.draw(wrong, np.random.default_rng(0))


PAIR = f"{TEST[0][0]} {TEST[1][0]}"


def test_published_queries(tmp_path):
    root = make(tmp_path / "f", queries=f"{PAIR}\n{TEST[1][0]}\t{TEST[0][0]}\n")
    got = read_test_queries(read_labels(root, "test"))
    assert [(q.source, q.target, q.modification) for q in got.queries] == [
        (0, 1, "replace white with green"), (1, 0, "replace green with white")]  # fmt: skip
    shirts = read_labels(root, "test", within=SHIRTS)
    assert read_test_queries(shirts).queries == ()
    (root / "test_queries.txt").unlink()
    with pytest.raises(FileNotFoundError, match="test_queries.txt: no such file"):
        read_test_queries(shirts)


def test_bad_published_queries(tmp_path):
    bad = {"row": "one", "source": f"women/x {TEST[0][0]}", "target": f"{TEST[0][0]} women/x",
           "caption": f"{TEST[0][0]} {TEST[0][0]}"}  # fmt: skip
    root = make(tmp_path / "f", queries="\n".join([PAIR, *bad.values(), PAIR]))
    test = read_labels(root, "test")
    got = read_test_queries(test, skip=True)
    assert (len(got.queries), got.skipped) == (2, dict.fromkeys(bad, 1))
    for field, line in bad.items():
        (root / "test_queries.txt").write_text(f"{PAIR}\n{line}\n")
        with pytest.raises(ValueError, match=f"test_queries.txt: row 2, {field}: "):
            read_test_queries(test)
    (root / "test_queries.txt").write_text(f"{TEST[0][0]} {TEST[0][0]}\n")
    assert len(read_test_queries(test, variant="literal").queries) == 1


@pytest.mark.parametrize("name", ["labels/tops_train_detect_all.txt", "test_queries.txt"])
def test_damage_gives_rows_or_a_value_error_that_names_the_file(tmp_path, name):
    root = make(tmp_path / "f", train=[*TRAIN, *TEST], queries=f"{PAIR}\n" * 3)
    raw, rng, refused = (root / name).read_bytes(), np.random.default_rng(5), 0
    for i in range(400):
        (root / name).write_bytes(damaged(raw, rng))
        try:
            read_test_queries(read_labels(root, "train", need_files=i % 3 > 0, skip=i % 2 == 0), skip=i % 2 == 0)
        except ValueError as error:
            assert str(root / "labels") in str(error) or str(root / "test_queries.txt") in str(error)
            refused += 1
    assert refused > 30
