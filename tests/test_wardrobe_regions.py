"""Regions of the wardrobe's pictures: their form, and that features know the pixels and nothing else."""

from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from likeness.data.wardrobe.drawing import draw
from likeness.data.wardrobe.encoder import WIDTH
from likeness.data.wardrobe.garments import catalogue, garment
from likeness.data.wardrobe.regions import SIZE, of, regions


def test_the_form_of_the_records():
    for number in range(6):
        found = regions(0, garment(0, number))
        n = len(found.boxes)
        assert 1 <= n <= 40
        assert (found.boxes.shape, found.features.shape, found.labels.shape) == ((n, 4), (n, WIDTH), (n,))
        assert (found.boxes.dtype, found.features.dtype, found.labels.dtype) == (np.float32, np.float32, np.int64)
        assert (found.boxes[:, :2] >= 0.0).all()
        assert (found.boxes[:, 2:] <= SIZE).all()
        assert (found.boxes[:, :2] < found.boxes[:, 2:]).all()
        assert ((found.labels >= 0) & (found.labels < 33)).all()


def test_features_are_of_the_pixels_and_of_no_attribute_that_they_do_not_show():
    one = garment(3, 5)
    dearer = replace(one, price=one.price + 50)  # what a picture does not show
    np.testing.assert_array_equal(draw(3, one, SIZE).image, draw(3, dearer, SIZE).image)
    np.testing.assert_array_equal(regions(3, one).features, regions(3, dearer).features)
    picture = draw(3, one, SIZE)
    white = replace(picture, image=np.full_like(picture.image, 255))
    same = of(white)
    np.testing.assert_allclose(same.features, np.repeat(same.features[:1], len(same.features), axis=0), atol=1e-6)


def test_a_linear_probe_lies_between_chance_and_certainty():
    garments = [g for g in catalogue(1, 900) if g.category in ("tops", "bottoms", "shoes")]
    x = np.stack([regions(1, g).features.max(axis=0) for g in garments])
    y = np.array([g.category for g in garments])
    half = len(x) // 2
    scale = StandardScaler().fit(x[:half])
    probe = LogisticRegression(C=0.01, max_iter=300).fit(scale.transform(x[:half]), y[:half])
    right = probe.score(scale.transform(x[half:]), y[half:])
    most = max(np.mean(y[half:] == c) for c in set(y))
    assert most + 0.1 < right < 0.99
