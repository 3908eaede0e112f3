"""KDD Cup 2020, small files: JSON records, class names, queries, vocabulary, answers, scores; by hand and refused."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from damage import damaged
from likeness.data.kddcup_answers import read_answers, read_scores
from likeness.data.kddcup_small import SPECIAL, read_classes, read_mined, read_queries, read_vocabulary
from likeness.data.registry import VARIABLE

FOLDER = Path(os.environ.get(VARIABLE) or "/nowhere", "kddcup2020")
real = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{VARIABLE} holds no kddcup2020")

MINED = {"product_id": 1, "image_h": 9, "image_w": 8, "num_boxes": 1, "boxes": [[0, 1, 9.0, 8]], "class_labels": [32],
         "query": "red", "query_id": 4, "index": 0, "negative_queries": ["blue", "black"]}  # fmt: skip
SCORES = "7,[[0.25, '103'], [1.5e-07, '104']]\n8,[[-1, '9']]\n"
VOCABULARY = {"idx2word": dict(zip("01234", [*SPECIAL, "hat"], strict=True)), "idx": 5,
              "word2idx": dict(zip([*SPECIAL, "hat"], range(5), strict=True))}  # fmt: skip
CLASSES = "category_id\tcategory_name\n" + "".join(f"{i}\tkind {i}\n" for i in range(33))
#: Reader and a good file for it.
SMALL = {
    "mined.jsonl": (lambda p: list(read_mined(p)), json.dumps(MINED) + "\n" + json.dumps(MINED)),
    "scores.txt": (read_scores, SCORES),
    "answers.json": (read_answers, '{"7": [104], "8": [9, 3]}'),
    "classes.txt": (read_classes, CLASSES),
    "queries.txt": (lambda p: list(read_queries(p)), "! books\n' héllo\n"),
    "vocabulary.json": (read_vocabulary, json.dumps(VOCABULARY)),
}


def small(folder, name, data=None):
    reader, good = SMALL[name]
    data = good if data is None else data
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return reader(folder / name)


def test_small_files_by_hand(tmp_path):
    first, second = small(tmp_path, "mined.jsonl")
    assert (first.height, first.width, first.query_id, second.negative_queries) == (9, 8, 4, ("blue", "black"))
    assert (first.boxes.tolist(), first.class_labels.tolist(), first.features) == ([[0, 1, 9, 8]], [32], None)
    scores = small(tmp_path, "scores.txt")
    assert list(scores) == [7, 8]
    assert (scores[7].products.tolist(), scores[7].scores.tolist()) == ([103, 104], [0.25, 1.5e-7])
    assert small(tmp_path, "answers.json") == {7: (104,), 8: (9, 3)}
    assert small(tmp_path, "classes.txt")[32] == "kind 32"
    assert small(tmp_path, "queries.txt") == ["! books", "' héllo"]
    assert small(tmp_path, "vocabulary.json") == (*SPECIAL, "hat")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("mined.jsonl", json.dumps(MINED | {"num_boxes": 2}), "row 1, boxes: .*list of num_boxes = 2"),
        ("mined.jsonl", json.dumps(MINED | {"boxes": [[0, 1, 10, 8]]}), "row 1, boxes: box 0"),
        ("mined.jsonl", json.dumps(MINED | {"boxes": [[0, 1, 9, True]]}), "expected 4 numbers"),
        ("mined.jsonl", json.dumps(MINED | {"boxes": [[0, 1, 9, 10**400]]}), "expected numbers of pixels"),
        ("mined.jsonl", json.dumps(MINED | {"class_labels": [33]}), "class_labels: from 33"),
        ("mined.jsonl", json.dumps(MINED | {"query": ["red"]}), "query: .*expected text"),
        ("mined.jsonl", json.dumps(MINED | {"query": "\ud800"}), "query: .*no UTF-8"),
        ("mined.jsonl", json.dumps(MINED | {"query_id": "4"}), "query_id: '4'"),
        ("mined.jsonl", json.dumps(MINED)[:-1] + ', "query": "x"}', "'query' occurs more than once"),
        ("mined.jsonl", "[" * 100_000, "row 1, row: .*no JSON"),
        ("mined.jsonl", '{"boxes": NaN}', "NaN is no number"),
        ("mined.jsonl", "{}", "expected an object with boxes"),
        ("scores.txt", "7,[[__import__('os').system('true'), '103']]", "row 1, scores: .*after 0 pairs"),
        ("scores.txt", SCORES + SCORES, "row 3, query_id: 7 occurs twice"),
        ("scores.txt", "7,[[1, '3'], [2, '3']]", "products: 3 occurs twice"),
        ("scores.txt", "7,[[1, '3'], ]", "after 1 pairs"),
        ("scores.txt", "7,[[1, '3'] [1, '4']]", "after 1 pairs"),
        ("scores.txt", "7,[[1, 3]]", "after 0 pairs"),
        ("scores.txt", "7,[[nan, '3']]", "after 0 pairs"),
        ("scores.txt", "7,[[1e999, '3']]", "beyond the range"),
        ("scores.txt", "7,[]", "after 0 pairs"),
        ("scores.txt", "7", "7 without a list"),
        ("scores.txt", "7,[[1, '3']", "after 0 pairs"),
        ("scores.txt", "", "empty; expected"),
        ("answers.json", '{"7": [1], "7": [2]}', "'7' occurs more than once"),
        ("answers.json", '{"7": [1], "07": [2]}', "query '07', query_id: 7 occurs twice"),
        ("answers.json", '{"7": [1, 1]}', "query '7', products: 1 occurs twice"),
        ("answers.json", '{"7": []}', "at least one product"),
        ("answers.json", '{"7": [true]}', "products: True"),
        ("answers.json", '{"\\ud800": [1]}', "query_id"),
        ("answers.json", "{}", "no query"),
        ("answers.json", "[]", "holds a list"),
        ("answers.json", b"{}" + b" " * 2**23, "8,388,610 bytes, expected at most"),
        ("classes.txt", CLASSES.replace("12\t", "13\t"), "then ids 0..32"),
        ("classes.txt", CLASSES.replace("kind 12", ""), "row 14, category_name: empty"),
        ("classes.txt", "", "0 rows"),
        ("queries.txt", "a\n\nb", "row 2, query: empty"),
        ("queries.txt", b"a\n\xff", "row 2, query: .*no UTF-8"),
        ("vocabulary.json", json.dumps(VOCABULARY | {"idx": 6}), "idx, the number of words"),
        ("vocabulary.json", json.dumps(VOCABULARY | {"word2idx": {"hat": 4}}), "not the inverse"),
        ("vocabulary.json", json.dumps(VOCABULARY).replace("<pad>", "<PAD>"), "begins with"),
        ("vocabulary.json", json.dumps(VOCABULARY).replace('"3"', '"9"'), "4 words, expected one for every id"),
    ],
)
def test_bad_small_files_are_refused(tmp_path, name, data, message):
    with pytest.raises(ValueError, match=rf"{name}: (.*{message}|{message})"):
        small(tmp_path, name, data)


def test_small_files_that_are_missing(tmp_path):
    for name, (reader, _) in SMALL.items():
        with pytest.raises(FileNotFoundError, match=f"{name}: no such file"):
            reader(tmp_path / name)


@pytest.mark.parametrize("name", SMALL)
def test_damage_gives_content_or_a_value_error_that_names_the_file(tmp_path, name):
    small(tmp_path, name)
    rng, raw, refused = np.random.default_rng(5), (tmp_path / name).read_bytes(), 0
    for _ in range(400):
        try:
            small(tmp_path, name, damaged(raw, rng))
        except ValueError as error:
            assert str(tmp_path / name) in str(error)
            refused += 1
    assert refused > 30


@real
def test_the_real_files():
    assert len(list(read_mined(FOLDER / "train_records_1000.jsonl"))) == 1000
    assert len(read_classes(FOLDER / "multimodal_labels.txt")) == 33
    queries = list(read_queries(FOLDER / "train_queries_printed.txt"))
    assert (len(queries), len(set(queries))) == (23_256, 23_256)
    words = read_vocabulary(FOLDER / "train_vocab_threshold4.json")
    assert (len(words), words[4]) == (15_211, "nunnery")
    answers, scores = read_answers(FOLDER / "valid_answer.json"), read_scores(FOLDER / "validscore_lxmert_20box.txt")
    lengths = [len(products) for products in answers.values()]
    assert (len(lengths), sum(lengths), lengths.count(6)) == (496, 2952, 484)
    sizes = [len(pool.products) for pool in scores.values()]
    assert (sum(sizes), min(sizes), max(sizes)) == (14_720, 9, 30)
    assert len({p for pool in scores.values() for p in pool.products.tolist()}) == 9177
