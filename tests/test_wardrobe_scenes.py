"""Scenes of the wardrobe: as many boxes as in the real set, and nothing leaked that a picture should not tell."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

from likeness.data.wardrobe import garments as wardrobe
from likeness.data.wardrobe.canvas import OWNERS
from likeness.data.wardrobe.drawing import draw, render
from likeness.data.wardrobe.scenes import BOXES, MOST_BOXES, TAIL, scene
from likeness.data.wardrobe.staging import around, before, stage
from wardrobe_made import article, make


def test_boxes_an_image_fall_as_in_the_real_set():
    found = np.bincount([scene(6, n, 0).count for n in range(3000)], minlength=MOST_BOXES + 1)[1:] / 3000
    tail = [BOXES[-1] * TAIL**k for k in range(1, MOST_BOXES - 9)]
    want = np.array([*BOXES, *tail]) / (sum(BOXES) + sum(tail))
    distance = 0.5 * np.abs(found - want).sum()
    assert distance < 0.045  # 3000 draws of this very table are about 0.03 away from it
    assert (np.arange(1, 41) * want).sum() == pytest.approx(4.01, abs=0.02)
    n = np.arange(1, 41)
    for wrong in (0.75**n, np.roll(want, 1), np.exp(-((n - 4.0) ** 2) / 8), (n <= 7).astype(float)):
        assert 0.5 * np.abs(wrong / wrong.sum() - want).sum() > 0.06


def test_what_pictures_do_not_carry_is_not_in_them():
    for number in range(8):
        g = wardrobe.garment(10, number)
        same = replace(g, price=g.price + 977, usage=next(u for u in wardrobe.USAGES if u != g.usage))
        assert np.array_equal(draw(10, g, 64).image, draw(10, same, 64).image)


def test_what_is_around_a_garment_is_the_same_for_every_garment():
    """Two garments in one scene, nobody holding them: all pixels beyond both and their shadows are the same bytes."""
    compared = 0
    for number in range(60):
        a, b = make(number, "t-shirt", colour="black"), make(number, "sneakers", colour="yellow", pattern="dotted")
        shot = scene(13, number, 0)
        if shot.display >= 0.4:  # from there on hangers, dummies and people, who wear what suits the garment
            continue
        pictures = [draw(13, g, 64) for g in (a, b)]
        beyond = np.ones((64, 64), bool)
        for box in (p.objects[0] for p in pictures):
            beyond[max(0, box.top - 9) : box.bottom + 9, max(0, box.left - 9) : box.right + 9] = False
        compared += beyond.sum()
        assert np.array_equal(pictures[0].image[beyond], pictures[1].image[beyond])
        alone = [t.label for t in stage(13, a, shot) if t.cloth is None]
        assert alone == [t.label for t in around(shot) + before(shot)]
    assert compared > 3000


def test_the_whole_tells_something_the_border_nothing_and_neither_all():
    """A linear model of 24 x 24 pixels on the catalogue. Of pictures where the garment meets the border or somebody
    holds it the border is not asked: what is worn with a garment tells its kind in every shop."""
    n = 500
    garments = list(wardrobe.catalogue(11, n))
    pictures = [draw(11, g, 24) for g in garments]
    x = np.array([p.image for p in pictures]) / 255
    boxes = [p.objects[0] for p in pictures]
    inside = np.array([min(b.top, b.left, 24 - b.bottom, 24 - b.right) >= 2 for b in boxes])
    clear = inside & np.array([scene(11, number, 0).display < 0.4 for number in range(n)])
    border = np.ones((24, 24), bool)
    border[1:-1, 1:-1] = False
    edges = x[clear][:, border].reshape(clear.sum(), -1)
    assert clear.sum() > 100
    for name in ("kind", "colour"):
        y = np.array([getattr(g, name) for g in garments])
        whole, chance, error = accuracy(x.reshape(n, -1), y)
        assert chance + 3 * error < whole < 0.75
        edge, chance, error = accuracy(edges, y[clear])
        assert edge < chance + 3 * error
        marked = np.column_stack([edges, 3.0 * (y[clear][:, None] == np.unique(y))])  # a border that gives it away
        assert accuracy(marked, y[clear])[0] > chance + 3 * error


@pytest.mark.parametrize(("a", "b", "low", "high"), [("black", "navy", 0.6, 0.97), ("white", "cream", 0.5, 0.9),
                                                    ("black", "white", 0.95, 1.0)])  # fmt: skip
def test_neighbouring_colours_overlap(a, b, low, high):
    """By the mean colour of the garment's own pixels: nearest of the two means, as no better model has less noise."""
    means = []
    for number in range(60):
        g = make(number, colour=(a, b)[number % 2])
        shot = scene(14, number, 0)
        things = stage(14, g, shot)
        image, owner = render(shot, things, 32)
        own = owner.reshape(32, OWNERS // 32, 32, OWNERS // 32) == article(things)[0]
        means.append(image[own.all(axis=(1, 3))].mean(axis=0))
    means = np.array(means).reshape(30, 2, 3)
    centres = means.mean(axis=0)
    nearer = np.linalg.norm(means[:, :, None] - centres, axis=3).argmin(axis=2)
    assert low <= (nearer == np.array([0, 1])).mean() <= high


def accuracy(x, y):
    """Of a linear model from the first half on the second; the share of the commonest there; the error of a share."""
    half = len(x) // 2
    model = RidgeClassifier(alpha=30.0).fit(x[:half], y[:half])
    chance = max((y[half:] == value).mean() for value in np.unique(y))
    return model.score(x[half:], y[half:]), chance, np.sqrt(chance * (1 - chance) / (len(x) - half))
