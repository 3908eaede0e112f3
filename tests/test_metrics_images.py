"""Scores of pictures: inception score, diversity by SSIM, nearest photographs, memorisation."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from likeness.metrics import images as scores
from likeness.metrics.images import (
    as_photographs,
    inception_score,
    memorisation,
    nearest_l1,
    nearest_l2,
    opposite_ssim,
    shares_nearest,
)


def softmax(n, classes, seed=0, scale=2.0):
    x = np.exp(np.random.default_rng(seed).normal(0, scale, (n, classes)))
    return x / x.sum(axis=1, keepdims=True)


def pictures(n, seed=0, side=16):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3)).astype(np.uint8)


def test_inception_score_by_hand():
    assert inception_score(np.full((20, 4), 0.25)) == (1.0, 0.0)  # a classifier that never knows
    assert inception_score(np.tile([1.0, 0.0, 0.0], (20, 1))) == (1.0, 0.0)  # one that always says the same
    assert inception_score(np.tile(np.eye(5), (4, 1)), parts=4) == (pytest.approx(5.0), pytest.approx(0.0))
    # one part sure of two classes, one of one class: 2 and 1
    assert inception_score(np.eye(2)[[0, 1, 0, 0]], parts=2) == (pytest.approx(1.5), pytest.approx(0.5))
    # (3/4, 1/4) and the reverse: KL to (1/2, 1/2) is 3/4 ln 3/2 + 1/4 ln 1/2
    want = math.exp(0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    assert inception_score(np.array([[0.75, 0.25], [0.25, 0.75]]), parts=1) == (pytest.approx(want), 0.0)


def test_inception_score_by_plain_loops():
    for seed, (n, classes, parts) in enumerate([(12, 3, 3), (13, 5, 4), (10, 2, 10), (7, 6, 1)]):
        p = softmax(n, classes, seed)
        p[0] = np.eye(classes)[0]  # zeros: 0 log 0 is 0
        values, start = [], 0
        for part in range(parts):
            size = n // parts + (part < n % parts)
            rows = p[start : start + size]
            start += size
            total = 0.0
            for row in rows:
                for c in range(classes):
                    if row[c] > 0:
                        total += row[c] * math.log(row[c] / (sum(r[c] for r in rows) / size))
            values.append(math.exp(total / size))
        mean = sum(values) / parts
        sd = math.sqrt(sum((v - mean) ** 2 for v in values) / parts)
        assert inception_score(p, parts) == (pytest.approx(mean), pytest.approx(sd))


def test_inception_score_has_its_range_and_does_not_know_the_classes():
    for seed in range(20):
        p = softmax(40, 6, seed, scale=seed / 2)
        mean, _ = inception_score(p, parts=4)
        assert 1 - 1e-12 <= mean <= 6
        assert inception_score(p[:, ::-1], parts=4)[0] == pytest.approx(mean)
    assert inception_score(np.eye(50)[np.arange(40)], parts=10)[0] == pytest.approx(4.0)  # four pictures a part


@pytest.mark.parametrize(
    ("p", "parts"),
    [
        (np.full(4, 0.25), 1),
        (np.full((4, 2), 0.5), 5),
        (np.full((4, 2), 0.5), 0),
        (np.full((4, 2), 0.6), 1),
        (np.array([[1.5, -0.5]]), 1),
        (np.full((4, 2), np.nan), 1),
        (np.ones((4, 0)), 1),
    ],
)
def test_what_are_no_probabilities_is_refused(p, parts):
    with pytest.raises(ValueError, match="probabilities"):
        inception_score(p, parts)


def ssim_by_hand(a, b):
    """Equation 13 of Wang et al., one colour, Gaussian weights of deviation 1.5 cut at 5 pixels, without a border."""
    a, b = a.astype(np.float64), b.astype(np.float64)

    def mean(x):
        return gaussian_filter(x, 1.5, radius=5)[5:-5, 5:-5]

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return ((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))).mean()


def test_diversity_by_the_formula_of_wang_over_all_pairs():
    images = pictures(4)
    images[1] = images[0] // 2 + 30
    values = []
    for a in range(4):
        for b in range(a + 1, 4):
            values.append(np.mean([ssim_by_hand(images[a, ..., c], images[b, ..., c]) for c in range(3)]))
    assert len(values) == 6
    assert opposite_ssim(images) == pytest.approx(1 - np.mean(values), abs=1e-9)


def test_uniform_windows_by_plain_loops():
    """7 x 7, moments over N - 1: what the library does unasked."""
    images = pictures(2, side=9)
    values = []
    for c in range(3):
        for i in range(3):
            for j in range(3):
                a, b = (images[n, i : i + 7, j : j + 7, c].astype(float).ravel() for n in (0, 1))
                cov = np.cov(a, b)
                c1, c2 = 2.55**2, 7.65**2
                one = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
                values.append(one * (2 * cov[0, 1] + c2) / (cov[0, 0] + cov[1, 1] + c2))
    assert opposite_ssim(images, window="uniform") == pytest.approx(1 - np.mean(values), abs=1e-9)


@pytest.mark.parametrize("window", ["gaussian", "uniform"])
def test_diversity_has_its_range(window):
    one = pictures(1)
    assert opposite_ssim(np.repeat(one, 3, axis=0), window=window) == 0.0
    opposed = np.concatenate([one, 255 - one])
    assert 1.0 < opposite_ssim(opposed, window=window) <= 2.0  # SSIM below 0, which the paper does not have
    mixed = pictures(5)
    assert opposite_ssim(mixed, window=window) == pytest.approx(opposite_ssim(mixed[::-1], window=window))
    assert 0 < opposite_ssim(mixed, window=window) <= 2


@pytest.mark.parametrize(
    "images",
    [
        pictures(1),
        pictures(2).astype(float),
        pictures(2).transpose(0, 3, 1, 2),
        pictures(2)[..., 0],
        pictures(2, side=10),
    ],
)
def test_other_pictures_have_no_diversity(images):
    with pytest.raises(ValueError, match="expected"):
        opposite_ssim(images)


def test_other_windows_are_refused():
    with pytest.raises(ValueError, match="window"):
        opposite_ssim(pictures(2), window="square")
    assert opposite_ssim(pictures(2, side=7), window="uniform") > 0


def test_photographs_come_back():
    every = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    sent = (every.astype(np.float32) - 127.5) / 127.5
    np.testing.assert_array_equal(as_photographs(sent.transpose(0, 3, 1, 2)), every)
    between = np.full((1, 3, 1, 1), 127.9 / 127.5 - 1, np.float32)
    assert as_photographs(between).ravel().tolist() == [128] * 3
    for bad in (
        sent,
        sent.transpose(0, 3, 1, 2) * 1.1,
        sent.transpose(0, 3, 1, 2) * np.nan,
        every.transpose(0, 3, 1, 2),
    ):
        with pytest.raises(ValueError, match="expected"):
            as_photographs(bad)


@pytest.mark.parametrize(("dtype", "block"), [(np.uint8, 2**23), (np.uint8, 100), (np.float32, 256), (np.float64, 1)])
def test_nearest_by_plain_loops(monkeypatch, dtype, block):
    """Whatever the blocks, which are of one to all photographs; uint8 does not wrap round."""
    monkeypatch.setattr(scores, "_BLOCK", block)
    monkeypatch.setattr(scores, "_QUERIES", 3)
    rng = np.random.default_rng(0)
    queries, gallery = (rng.integers(0, 256, (n, 3, 4, 4)).astype(dtype) for n in (7, 23))
    gallery[17] = queries[4]
    for nearest, power in ((nearest_l1, 1), (nearest_l2, 2)):
        rows, distances = nearest(queries, gallery)
        assert rows.dtype == np.int64 and distances.dtype == np.float64
        for q, query in enumerate(queries):
            each = []
            for picture in gallery:
                gaps = [abs(float(a) - float(b)) ** power for a, b in zip(query.flat, picture.flat, strict=True)]
                each.append(sum(gaps) ** (1 / power))
            assert rows[q] == int(np.argmin(each))
            assert distances[q] == pytest.approx(min(each), rel=1e-12)
        assert rows[4] == 17 and distances[4] == 0.0


def test_of_equally_near_photographs_the_first_is_named(monkeypatch):
    monkeypatch.setattr(scores, "_BLOCK", 2 * 256)
    gallery = np.array([[9, 9], [1, 0], [0, 1], [1, 0], [0, 1]])
    assert nearest_l1(np.array([[0, 0]]), gallery)[0].tolist() == [1]
    assert nearest_l2(np.array([[0, 0]]), gallery)[0].tolist() == [1]
    assert nearest_l1(np.empty((0, 2), int), gallery)[0].shape == (0,)


def test_a_copy_is_at_no_distance():
    """Among many, too: torch would then take |x|^2 - 2xy + |y|^2 and leave a rest."""
    many = np.random.default_rng(0).normal(100, 30, (60, 3000))
    for nearest in (nearest_l1, nearest_l2):
        rows, distances = nearest(many[::-1], many)
        assert rows.tolist() == list(range(60))[::-1]
        assert (distances == 0).all()


def test_how_often_both_name_the_same():
    # of (2, 2) and (0, 3), the first is nearer to (0, 0) by l2, the second by l1
    gallery = np.array([[2, 2], [0, 3]])
    assert shares_nearest(np.array([[0, 0], [2, 2], [0, 4], [5, 5]]), gallery) == 0.75
    with pytest.raises(ValueError, match="no query"):
        shares_nearest(np.empty((0, 2), int), gallery)


@pytest.mark.parametrize(
    ("queries", "gallery"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4))),
        (np.zeros((2, 3)), np.zeros((0, 3))),
        (np.zeros((2, 3)), np.zeros((2, 3), np.uint8)),
        (np.full((2, 3), np.nan), np.zeros((2, 3))),
        (np.zeros((2, 3)), np.array([[0.0, 0.0, 0.0], [0.0, np.nan, 0.0]])),
    ],
)
def test_what_cannot_be_compared_is_refused(queries, gallery):
    with pytest.raises(ValueError, match="expected"):
        nearest_l1(queries, gallery)


def draws(n, seed):
    """Photographs of one distribution: a few gradients of light with noise."""
    rng = np.random.default_rng(seed)
    light = rng.normal(size=(n, 3)) @ np.random.default_rng(99).normal(size=(3, 48))
    return np.clip(128 + 25 * light + rng.normal(0, 4, (n, 48)), 0, 255).astype(np.uint8)


def test_copies_are_seen_and_fresh_draws_are_not():
    train, held_out = draws(300, 0), draws(1500, 1)
    copies = memorisation(train[:50], held_out, train)
    assert (copies.ratios == 0).all() and copies.below_median == 1.0 and copies.below_tail == 1.0
    fresh = memorisation(draws(1500, 2), held_out, train)
    # standard errors of the difference of two shares of 1,500: .018 and .008; four of them
    assert fresh.below_median == pytest.approx(0.5, abs=0.073)
    assert fresh.below_tail == pytest.approx(0.05, abs=0.032)
    assert np.median(fresh.ratios) == pytest.approx(1.0, abs=0.1)
    half = memorisation(np.concatenate([train[:750], draws(300, 3)]), held_out, train)
    assert half.below_tail == pytest.approx(0.5 + 0.05 / 2, abs=0.04)


def test_memorisation_by_hand():
    train = np.array([[0.0], [10.0]])
    held_out = np.array([[1.0], [2.0], [7.0]])  # 1, 2, 3 away: median 2, 5 % quantile 1.1
    found = memorisation(np.array([[1.0], [12.0], [6.0], [0.5]]), held_out, train)
    assert found.ratios.tolist() == [0.5, 1.0, 2.0, 0.25]
    assert found.below_median == 0.5  # 2 is not nearer than 2
    assert found.below_tail == 0.5


def test_memorisation_needs_a_measure():
    train = draws(10, 0)
    with pytest.raises(ValueError, match="other products"):
        memorisation(draws(3, 1), train, train)
    for samples, held_out in ((train[:0], train), (train, train[:0])):
        with pytest.raises(ValueError, match="one or more of both"):
            memorisation(samples, held_out, train)
