"""The four generators: what the paper's authors drew, label masks, refusals."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_circles, make_moons

from likeness.data.points import (
    CENTRES,
    CLUSTERS,
    SHEAR,
    draw_at,
    draw_noise,
    draw_set,
    label_mask,
    sample,
    shear,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sorted_rows(x: np.ndarray) -> np.ndarray:
    x = x.round(9) + 0.0  # rounding noise would upset the order of points that share a coordinate
    return x[np.lexsort(x.T)]


@pytest.mark.parametrize("name", CLUSTERS)
@pytest.mark.parametrize("n", [9, 10, 31, 200, 251, 300])
def test_shapes_types_and_every_class(name, n):
    x, y = sample(name, n, 0.05, rng(n))
    expected = 2 * (n // 2) if name == "moons" else n
    assert x.shape == (expected, 2)
    assert y.shape == (expected,)
    assert x.dtype == np.float64
    assert y.dtype == np.int64
    sizes = np.bincount(y)
    assert len(sizes) == CLUSTERS[name]
    assert sizes.max() - sizes.min() <= 1  # as even as n allows


@pytest.mark.parametrize("name", CLUSTERS)
def test_same_generator_same_sample_and_another_seed_another(name):
    first, again, other = (sample(name, 60, 0.1, rng(s))[0] for s in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    source = rng(4)
    assert np.abs(sample(name, 60, 0.1, source)[0] - sample(name, 60, 0.1, source)[0]).max() > 1e-3


def test_circles_without_noise_lie_on_radii_one_and_half():
    x, y = sample("circles", 101, 0.0, rng())
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), np.where(y == 0, 1.0, 0.5))
    assert np.bincount(y).tolist() == [50, 51]


def test_moons_are_the_same_points_twice_shifted_by_two():
    for noise in (0.0, 0.13):
        x, y = sample("moons", 84, noise, rng(2))
        for lower in (0, 1):
            np.testing.assert_allclose(
                sorted_rows(x[y == lower]) + 2.0, sorted_rows(x[y == lower + 2]), atol=1e-8
            )
    assert len(np.unique(y[:20])) == 4  # the second pair does not wait at the end


def test_noiseless_samples_are_scikit_learns_own():
    expected = {
        "circles": make_circles(40, factor=0.5, noise=None, shuffle=False)[0],
        "moons": np.vstack([m := make_moons(20, noise=None, shuffle=False)[0], m + 2.0]),
        "blobs": make_blobs(40, centers=CENTRES, cluster_std=0.0, shuffle=False)[0],
    }
    for name, want in expected.items():
        got, _ = sample(name, 40, 0.0, rng())
        np.testing.assert_allclose(sorted_rows(got), sorted_rows(want), atol=1e-8)


def test_blobs_have_the_nine_centres_and_the_noise_as_std():
    x, y = sample("blobs", 9000, 0.16, rng())
    centres = np.array([x[y == c].mean(axis=0) for c in range(9)])
    np.testing.assert_allclose(centres, [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)], atol=0.03)
    assert (x - centres[y]).std() == pytest.approx(0.16, rel=0.02)


def test_two_step_shear_by_hand_and_by_loop():
    # one cluster of two points, scalar mean m = (1 + 3 + 2 + 6) / 4 = 3
    x = np.array([[1.0, 3.0], [2.0, 6.0]])
    # (x - 3) A + x: (-2, 0) A = (-1.2, 1.2) -> (-.2, 4.2); (-1, 3) A = (-1.8, 3.0) -> (.2, 9.0)
    # then x A: (-.2, 4.2) A = (-1.8, 3.48); (.2, 9) A = (-3.48, 7.08)
    got = shear(x, np.array([0, 0]))
    np.testing.assert_allclose(got, [[-1.8, 3.48], [-3.48, 7.08]], atol=1e-12)
    np.testing.assert_array_equal(x, [[1.0, 3.0], [2.0, 6.0]])  # the input is left alone
    x, y = sample("blobs", 50, 0.1, rng())
    for variant in ("two-step", "global"):
        want = np.empty_like(x)
        for i in range(len(x)):
            row = x[i]
            if variant == "two-step":
                m = np.mean([v for j in range(len(x)) if y[j] == y[i] for v in x[j]])
                row = (row - m) @ SHEAR + row
            want[i] = [sum(row[a] * SHEAR[a, b] for a in range(2)) for b in range(2)]
        np.testing.assert_allclose(shear(x, y, variant=variant), want, atol=1e-12)


def test_aniso_centres_are_those_of_the_published_figure():
    x, _ = sample("aniso", 90, 0.0, rng())
    half = [(0.2, 0.2), (1.18, -1.46), (0.98, -1.66), (2.16, -3.12)]
    want = {(0.0, 0.0), *half, *((-a, -b) for a, b in half)}
    assert {(round(a, 6) + 0.0, round(b, 6) + 0.0) for a, b in x} == want


def test_aniso_is_sheared_blobs_and_global_is_the_single_transform():
    for variant in ("two-step", "global"):
        x, y = sample("blobs", 70, 0.08, rng(3))
        z, labels = sample("aniso", 70, 0.08, rng(3), anisotropy=variant)
        np.testing.assert_array_equal(y, labels)
        np.testing.assert_allclose(z, shear(x, y, variant=variant))
    np.testing.assert_allclose(z, x @ np.array([[0.6, -0.6], [-0.4, 0.8]]))


def test_noise_rule_of_the_levels():
    for name in ("circles", "moons"):
        assert draw_noise(name, "easy", rng()) == 0.0
        hard = np.array([draw_noise(name, "hard", r) for r in [rng()] for _ in range(2000)])
        assert hard.min() >= 0.0
        assert hard.max() <= 0.16
        assert hard.mean() == pytest.approx(0.08, abs=0.005)
        assert hard.std() == pytest.approx(0.16 / 12**0.5, rel=0.05)
    for name in ("blobs", "aniso"):
        assert draw_noise(name, "easy", rng()) == 0.08
        assert draw_noise(name, "hard", rng()) == 0.16


def test_sets_use_the_whole_range_of_points_and_record_their_noise():
    sets = draw_set("circles", "hard", 300, rng(), points=(20, 24))
    assert {len(s.x) for s in sets} == {20, 21, 22, 23, 24}
    assert len({s.noise for s in sets}) == 300
    for s in sets:
        assert len(s.y) == len(s.x)
    radius = np.concatenate([np.linalg.norm(s.x, axis=1) - np.where(s.y == 0, 1, 0.5) for s in sets[:60]])
    level = np.concatenate([np.full(len(s.x), s.noise) for s in sets[:60]])
    assert np.corrcoef(np.abs(radius), level)[0, 1] > 0.4  # the noise recorded is the noise drawn with
    assert {len(s.x) for s in draw_set("blobs", "easy", 200, rng())} <= set(range(200, 301))


def test_draw_at_holds_the_noise():
    sets = draw_at("moons", 0.07, 3, rng(), points=(40, 40))
    assert [s.noise for s in sets] == [0.07] * 3
    assert [s.x.shape for s in sets] == [(40, 2)] * 3


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 1.0])
def test_label_mask_draws_its_share_in_every_class(share):
    y = np.repeat([0, 1, 2, 3], [1, 2, 30, 100])
    mask = label_mask(y, share, rng())
    assert mask.dtype == bool
    known = np.bincount(y[mask], minlength=4)
    assert known.tolist() == [max(round(share * s), min(2, s)) for s in (1, 2, 30, 100)]


def test_label_mask_is_random_and_covers_all_points():
    y = np.repeat([0, 1], 10)
    source = rng()
    masks = np.array([label_mask(y, 0.3, source) for _ in range(400)])
    assert masks.sum(axis=1).tolist() == [6] * 400
    np.testing.assert_allclose(masks.mean(axis=0), 0.3, atol=0.1)


def test_first_mode_takes_the_first_points():
    y = rng().integers(0, 3, 50)
    mask = label_mask(y, 0.3, rng(), mode="first")
    assert mask.tolist() == [True] * 15 + [False] * 35
    with pytest.raises(ValueError, match="all have label 0"):
        label_mask(np.repeat([0, 1], 20), 0.3, rng(), mode="first")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample("rings", 50, 0.0, rng()), "'rings'.*expected one of circles"),
        (lambda: sample("circles", 50, -0.1, rng()), "noise = -0.1.*>= 0"),
        (lambda: sample("circles", 50, float("nan"), rng()), "noise = nan"),
        (lambda: sample("aniso", 50, float("inf"), rng()), "noise = inf"),
        (lambda: sample("blobs", 8, 0.1, rng()), "n = 8 points for the 9 clusters"),
        (lambda: sample("moons", 3, 0.1, rng()), "n = 3"),
        (lambda: sample("circles", 0, 0.1, rng()), "n = 0"),
        (lambda: sample("aniso", 50, 0.1, rng(), anisotropy="twice"), "'twice'"),
        (lambda: draw_at("moons", -1.0, 2, rng()), "noise = -1.0"),
        (lambda: draw_set("moons", "medium", 2, rng()), "'medium'.*'easy' or 'hard'"),
        (lambda: draw_set("moons", "easy", 0, rng()), "count = 0"),
        (lambda: draw_set("moons", "easy", 1, rng(), points=(300, 200)), "300, 200"),
        (lambda: label_mask(np.array([0, 1]), 0.0, rng()), "share = 0.0"),
        (lambda: label_mask(np.array([0, 1]), 1.1, rng()), "share = 1.1"),
        (lambda: label_mask(np.array([0, 1]), float("nan"), rng()), "share = nan"),
        (lambda: label_mask(np.array([0, 2, 2]), 0.3, rng()), r"no point has label \[1\]"),
        (lambda: label_mask(np.array([], dtype=int), 0.3, rng()), "n >= 1"),
        (lambda: label_mask(np.array([0.0, np.nan]), 0.3, rng()), "integers"),
        (lambda: label_mask(np.array([0, 1]), 0.3, rng(), mode="last"), "'last'"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
