"""What models are given (padded objects, words and their numbers) and the losses they share: by hand and by loops."""

import math

import numpy as np
import pytest
import torch

from likeness.models.hsl.inputs import LIMIT, Images, Texts, equal_texts, mean_of_present
from likeness.models.hsl.matcher import Size, hinges, projection_matching
from likeness.models.hsl.vocabulary import END, LEAST, PAD, START, UNKNOWN, Vocabulary, tokens


def square(side, top=0, left=0):
    """Box: top, left, bottom, right."""
    return [top, left, top + side, left + side]


def numbered(n, width=2, first=1):
    """Features that tell objects apart: rows of 1, 2, ..."""
    return np.repeat(np.arange(first, first + n, dtype=np.float32)[:, None], width, axis=1)


def rows_of(images, i):
    """First feature of every object present."""
    return images.objects[i, images.present[i], 0].tolist()


# Images


def test_objects_are_padded_with_zeros_to_the_longest_image():
    images = Images.of([numbered(1), numbered(3)])
    assert images.objects.shape == (2, 3, 2) and images.objects.dtype == torch.float32
    assert images.present.dtype == torch.bool
    assert images.present.tolist() == [[True, False, False], [True, True, True]]
    assert images.objects[..., 0].tolist() == [[1, 0, 0], [1, 2, 3]]
    assert len(images) == 2


def test_the_largest_boxes_are_kept_the_largest_first():
    boxes = np.array([square(2), square(5, top=40), square(1), square(3, left=7)])
    images = Images.of([numbered(4)], [boxes], limit=2)
    assert rows_of(images, 0) == [2, 4]
    assert rows_of(Images.of([numbered(4)], [boxes], limit=None), 0) == [2, 4, 1, 3]


def test_size_is_area_not_a_side_and_not_the_far_corner():
    wide, tall, far = [0, 0, 2, 9], [0, 0, 7, 3], [90, 90, 94, 94]  # 18, 21, 16
    assert rows_of(Images.of([numbered(3)], [np.array([wide, tall, far])], limit=None), 0) == [2, 1, 3]


def test_of_equal_boxes_the_earlier_is_kept():
    boxes = np.array([square(1), square(4), square(4, top=9), square(4, left=9)])
    assert rows_of(Images.of([numbered(4)], [boxes], limit=2), 0) == [2, 3]
    assert rows_of(Images.of([numbered(50)], [np.array([square(4)] * 50)], limit=3), 0) == [1, 2, 3]


def test_without_boxes_the_first_are_kept_twenty_of_them():
    assert LIMIT == 20
    assert rows_of(Images.of([numbered(25)]), 0) == list(range(1, 21))
    assert rows_of(Images.of([numbered(25)], limit=None), 0) == list(range(1, 26))
    assert rows_of(Images.of([numbered(20)]), 0) == list(range(1, 21))


def test_each_image_is_cut_by_its_own_boxes():
    boxes = [np.array([square(1), square(2)]), np.array([square(3), square(2), square(1)])]
    images = Images.of([numbered(2), numbered(3, first=10)], boxes, limit=1)
    assert [rows_of(images, i) for i in range(2)] == [[2], [10]]
    assert images.objects.shape == (2, 1, 2)


@pytest.mark.parametrize("boxes", [None, [np.empty((0, 4)), np.array([square(1)])]])
def test_an_image_without_objects_has_one_of_zeros(boxes):
    images = Images.of([np.empty((0, 2)), numbered(1)], boxes)
    assert images.present.tolist() == [[True], [True]]
    assert images.objects.tolist() == [[[0, 0]], [[1, 1]]]
    alone = Images.of([np.empty((0, 2))])
    assert alone.objects.tolist() == [[[0, 0]]] and alone.present.tolist() == [[True]]


def test_the_arrays_given_are_not_touched():
    features, boxes = numbered(3), np.array([square(1), square(2), square(3)])
    before = features.copy(), boxes.copy()
    Images.of([features], [boxes], limit=2).objects.zero_()
    np.testing.assert_array_equal(features, before[0])
    np.testing.assert_array_equal(boxes, before[1])


@pytest.mark.parametrize(
    ("features", "boxes", "limit", "message"),
    [
        ([], None, 20, "0 images"),
        ([numbered(1)], None, 0, "limit 0"),
        ([numbered(1)], None, -3, "limit -3"),
        ([numbered(2)], [np.array([square(1)])], 20, "boxes"),
        ([numbered(1), numbered(1)], [np.array([square(1)])], 20, "boxes"),
        ([numbered(1, 2), numbered(1, 3)], None, 20, r"widths \[2, 3\]"),
        ([np.empty((0, 3)), numbered(1, 2)], None, 20, r"widths \[2, 3\]"),
        ([np.ones(3)], None, 20, "expected"),
        ([np.array([[1.0, np.nan]])], None, 20, "all finite"),
        ([numbered(1), np.array([[1.0, 2.0], [1.0, np.inf]])], None, 1, "image 1.*all finite"),
        ([np.array([[1.0, 1e300]])], None, 20, "all finite"),
        ([numbered(1)], [np.ones((1, 3))], 20, r"image 0: boxes of shape \(1, 3\)"),
        ([numbered(1)], [np.array([[0.0, 0.0, np.nan, 1.0]])], 20, "image 0: boxes"),
        ([numbered(1)], [np.array([[2.0, 2.0, 1.0, 1.0]])], 20, "top <= bottom"),
    ],
)
def test_images_that_do_not_fit_are_refused(features, boxes, limit, message):
    with pytest.raises(ValueError, match=message):
        Images.of(features, boxes, limit=limit)


def test_some_images_are_padded_no_further_than_they_need():
    images = Images.of([numbered(1), numbered(4), numbered(2, first=7)])
    some = images.rows([2, 0])
    assert some.objects.shape == (2, 2, 2)
    assert [rows_of(some, i) for i in range(2)] == [[7, 8], [1]]
    for index in (np.array([2, 0]), torch.tensor([2, 0])):
        assert torch.equal(images.rows(index).objects, some.objects)


# Texts


def test_words_are_padded_to_the_longest_text():
    texts = Texts.of([[5], [6, 7, 8]])
    assert texts.words.tolist() == [[5, PAD, PAD], [6, 7, 8]]
    assert texts.present.tolist() == [[True, False, False], [True, True, True]]
    assert texts.words.dtype == torch.int64 and len(texts) == 2
    some = texts.rows([0, 0])
    assert some.words.tolist() == [[5], [5]] and some.present.all()


@pytest.mark.parametrize("numbers", [[], [[]], [[4], []]])
def test_texts_without_words_are_refused(numbers):
    with pytest.raises(ValueError, match="at least one word"):
        Texts.of(numbers)


def test_equal_texts_are_those_of_the_same_words_in_the_same_order():
    texts = Texts.of([[4, 5], [5, 4], [4, 5], [4], [4, 5, 6]])
    expected = torch.eye(5, dtype=torch.bool)
    expected[0, 2] = expected[2, 0] = True
    assert torch.equal(equal_texts(texts), expected)


def test_what_pads_a_text_makes_it_no_other_one():
    # the number that pads is told apart from the same number as a word, and rubbish behind a text is not read
    texts = Texts(torch.tensor([[4, 0], [4, 0], [4, 9]]), torch.tensor([[True, False], [True, True], [True, False]]))
    assert equal_texts(texts).tolist() == [[True, False, True], [False, True, False], [True, False, True]]


@pytest.mark.parametrize("seed", range(3))
def test_equal_texts_as_a_loop_finds_them(seed):
    rng = np.random.default_rng(seed)
    numbers = [rng.integers(4, 6, rng.integers(1, 4)).tolist() for _ in range(20)]
    assert equal_texts(Texts.of(numbers)).tolist() == [[a == b for b in numbers] for a in numbers]


def test_the_mean_is_over_what_is_present():
    x = torch.tensor([[[1.0, 2.0], [3.0, 6.0]], [[5.0, 7.0], [100.0, 100.0]]])
    present = torch.tensor([[True, True], [True, False]])
    assert mean_of_present(x, present).tolist() == [[2, 4], [5, 7]]


# Words


def test_words_are_numbered_from_four_by_count_then_alphabet():
    texts = ["b a", "c b", "A b", "d"]
    assert Vocabulary.of(texts, least=1).numbers == {"b": 4, "a": 5, "c": 6, "d": 7}
    assert Vocabulary.of(texts, least=2).numbers == {"b": 4, "a": 5}
    assert Vocabulary.of(reversed(texts), least=1) == Vocabulary.of(texts, least=1)


def test_a_word_is_known_that_occurs_five_times():
    assert LEAST == 5
    known = Vocabulary.of(["often often rare", "often rare", "often rare", "often rare"])
    assert known.numbers == {"often": 4}  # five times, one of them twice in a text; the other word four times
    assert len(known) == 5  # and the four that are no words


def test_encoding_marks_the_ends_and_what_is_unknown():
    words = {"red": 4, "tee": 5}
    assert Vocabulary(words).encode(" Red  TEE\thoodie\n") == [START, 4, 5, UNKNOWN, END]
    assert Vocabulary(words, ends=False).encode("tee tee") == [5, 5]
    assert Vocabulary(words, ends=False).encode("red, tee") == [UNKNOWN, 5]  # a comma belongs to its word


@pytest.mark.parametrize("text", ["", "  \t\n"])
def test_a_text_without_a_word_is_one_unknown_word(text):
    assert Vocabulary({}).encode(text) == [START, UNKNOWN, END]
    assert Vocabulary({}, ends=False).encode(text) == [UNKNOWN]
    assert tokens(text) == []


def test_what_is_written_as_a_mark_is_none():
    assert Vocabulary({}, ends=False).encode("<start> <end>") == [UNKNOWN, UNKNOWN]


def test_no_words_at_all_leave_only_what_is_no_word():
    assert len(Vocabulary.of([])) == 4
    assert sorted((PAD, UNKNOWN, START, END)) == [0, 1, 2, 3]


def test_every_number_is_a_row_of_an_embedding():
    known = Vocabulary.of(["a b c", "c d"], least=1)
    numbers = known.encode("a b c d e")
    assert sorted(known.numbers.values()) == list(range(4, len(known)))
    assert max(numbers) < len(known) and min(numbers) > PAD


# Widths


@pytest.mark.parametrize(("width", "heads"), [(510, 4), (5, 1), (7, 7)])
def test_a_width_that_does_not_divide_is_refused(width, heads):
    with pytest.raises(ValueError, match=f"width={width}, heads={heads}"):
        Size(5, 10, width=width, heads=heads)


def test_widths_are_the_papers():
    size = Size(2048, 100)
    assert (size.width, size.heads, size.hidden, size.embed, size.word_width, size.dropout) == (
        512, 4, 2048, 1024, 300, 0.1,
    )  # fmt: skip


# Losses


def naive_hinges(s, same, margin, hardest):
    """By explicit triplets, in both directions."""
    n, total = len(s), 0.0
    for i in range(n):
        others = [j for j in range(n) if not same[i, j]]
        texts = [max(0.0, margin - s[i, i].item() + s[i, j].item()) for j in others]
        images = [max(0.0, margin - s[i, i].item() + s[j, i].item()) for j in others]
        gather = (lambda x: max(x, default=0.0)) if hardest else sum
        total += gather(texts) + gather(images)
    return total / n


def naive_projection(s, same, direction):
    n, total = len(s), 0.0
    for i in range(n):
        row = [j for j in range(n) if j == i or not same[i, j]]
        against = [s[i, j] if direction == "texts" else s[j, i] for j in row]
        total -= math.log(math.exp(s[i, i]) / sum(math.exp(x) for x in against))
    return total / n


def batch(seed, n=6):
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 4, n)  # pairs of the same kind have equal texts
    return torch.from_numpy(rng.normal(size=(n, n))), torch.from_numpy(kinds[:, None] == kinds[None])


BY_HAND = torch.tensor([[0.9, 0.8, 0.1], [0.3, 0.5, 0.6], [0.2, 0.45, 0.7]], dtype=torch.float64)
ALONE = torch.eye(3, dtype=torch.bool)


def test_hinges_by_hand():
    # image 1: .2 - .9 + (.8, .1) = (.1, 0); image 2: .2 - .5 + (.3, .6) = (0, .3); image 3: .2 - .7 + (.2, .45) = 0
    # text 1: .2 - .9 + (.3, .2) = 0; text 2: .2 - .5 + (.8, .45) = (.5, .15); text 3: .2 - .7 + (.1, .6) = (0, .1)
    assert hinges(BY_HAND, ALONE, 0.2, hardest=False).item() == pytest.approx((0.1 + 0.3 + 0.5 + 0.15 + 0.1) / 3)
    assert hinges(BY_HAND, ALONE, 0.2, hardest=True).item() == pytest.approx((0.1 + 0.3 + 0.5 + 0.1) / 3)
    equal = ALONE.clone()
    equal[0, 1] = equal[1, 0] = True  # takes (.1) of image 1 and (.5) of text 2
    assert hinges(BY_HAND, equal, 0.2, hardest=False).item() == pytest.approx((0.3 + 0.15 + 0.1) / 3)
    assert hinges(BY_HAND, equal, 0.2, hardest=True).item() == pytest.approx((0.3 + 0.15 + 0.1) / 3)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_losses_are_those_of_a_loop(seed, dtype):
    similarity, same = batch(seed)
    assert same.sum() > 6  # some pair is no negative
    similarity = similarity.to(dtype)
    for hardest in (False, True):
        found = hinges(similarity, same, 0.2, hardest=hardest)
        assert found.dtype == dtype
        assert found.item() == pytest.approx(naive_hinges(similarity, same, 0.2, hardest), rel=1e-5)
    for direction in ("images", "texts"):
        found = projection_matching(similarity, same, direction)
        assert found.item() == pytest.approx(naive_projection(similarity, same, direction), rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_a_transposed_matrix_turns_the_losses_round(seed):
    similarity, same = batch(seed)
    there, back = (projection_matching(similarity, same, d) for d in ("images", "texts"))
    assert abs(there - back) > 1e-3
    torch.testing.assert_close(projection_matching(similarity.T, same, "texts"), there)
    torch.testing.assert_close(projection_matching(similarity.T, same, "images"), back)
    for hardest in (False, True):  # hinges go both ways
        torch.testing.assert_close(
            hinges(similarity.T, same, 0.2, hardest=hardest), hinges(similarity, same, 0.2, hardest=hardest)
        )


def test_projection_matching_by_hand():
    s = torch.tensor([[1.0, 0.0], [3.0, 2.0]], dtype=torch.float64)
    alone = torch.eye(2, dtype=torch.bool)
    # over the images of each text: (1; 3) and (2; 0); over the texts of each image: (1; 0) and (2; 3)
    images = (math.log(1 + math.exp(2)) + math.log(1 + math.exp(-2))) / 2
    texts = (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(1))) / 2
    assert projection_matching(s, alone, "images").item() == pytest.approx(images)
    assert projection_matching(s, alone, "texts").item() == pytest.approx(texts)
    assert projection_matching(s, torch.ones_like(alone), "images").item() == 0  # all equal: no negatives
    # a shift of all similarities of a text changes nothing over its images
    assert projection_matching(s + torch.tensor([5.0, -7.0]), alone, "images").item() == pytest.approx(images)


@pytest.mark.parametrize("loss", ["sum", "hardest", "images", "texts"])
def test_pairs_with_equal_texts_leave_no_trace(loss):
    similarity, same = batch(1)
    similarity.requires_grad_()
    if loss in ("sum", "hardest"):
        hinges(similarity, same, 5.0, hardest=loss == "hardest").backward()
    else:
        projection_matching(similarity, same, loss).backward()
    left_out = same & ~torch.eye(6, dtype=torch.bool)
    assert left_out.any() and not similarity.grad[left_out].any()
    assert similarity.grad.diagonal().abs().min() > 0
    torch.testing.assert_close(similarity.grad.sum(), torch.tensor(0.0, dtype=torch.float64), atol=1e-12, rtol=0)
