"""Catalogue photographs: plain at the border, full in the middle, the same for ever, attributes to be seen."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from likeness.data.wardrobe import garments as wardrobe
from likeness.data.wardrobe.drawing import SIZES, draw
from likeness.data.wardrobe.garments import KINDS
from likeness.data.wardrobe.scenes import scene
from likeness.data.wardrobe.staging import stage
from likeness.data.wardrobe.studio import FILL, WALL, _framed, _shot, studio
from wardrobe_made import make

#: Levels by which the wall differs from its colour: 5.5 by the light from above, the rest is grain of 1 level.
EVEN = 10
#: What differs from the wall by more is garment or shadow.
SEEN = 25


def worn_part(image):
    """(s, s) bool: what is no wall."""
    return np.abs(image.astype(int) - np.array(WALL)).max(axis=2) > SEEN


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_alone_before_the_wall(kind):
    for number, colour in enumerate(("black", "white", "red")):
        g = make(number, kind, colour=colour, gender="men" if number == 1 and KINDS[kind].men else "women")
        image = studio(3, g, 64)
        assert image.shape == (64, 64, 3) and image.dtype == np.uint8
        ring = np.ones((64, 64), bool)
        ring[1:-1, 1:-1] = False
        assert np.abs(image[ring].astype(int) - np.array(WALL)).max() <= EVEN, (kind, colour)
        if colour == "white":
            continue  # next to nothing of it differs from the wall by so much
        there = worn_part(image)
        assert 0.06 < there.mean() < 0.75, (kind, there.mean())  # sandals least, shorts most
        for axis in (0, 1):  # in the middle, to two pixels: the shadow is below
            at = np.flatnonzero(there.any(axis=axis))
            assert abs((at[0] + at[-1]) / 2 - 31.5) <= 2.5, (kind, colour, axis)


def test_the_longer_side_fills_the_picture():
    for number in range(40):
        g = wardrobe.garment(1, number)
        shot = _shot(scene(1, number, 0))
        things = stage(1, g, shot)
        assert len(things) == 1 and things[0].cloth is not None  # nothing else is in the picture
        framed = _framed(things[0])
        xy = np.vstack([framed.place.to_picture(p.outline) for p in framed.parts])
        assert np.ptp(xy, axis=0).max() == pytest.approx(FILL)
        np.testing.assert_allclose((xy.min(axis=0) + xy.max(axis=0)) / 2, 0.5, atol=1e-9)


DIGEST = """
import hashlib
from likeness.data.wardrobe import garments, studio
total = hashlib.sha256()
for number in range(6):
    total.update(studio.studio(5, garments.garment(5, number), 48).tobytes())
print(total.hexdigest())
"""


def test_every_process_draws_the_same_bytes():
    environment = os.environ | {"PYTHONHASHSEED": "77", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", DIGEST]
    there = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    images = {number: studio(5, wardrobe.garment(5, number), 48) for number in reversed(range(6))}
    here = hashlib.sha256(b"".join(images[number].tobytes() for number in range(6))).hexdigest()
    assert there == here + "\n"


def test_two_sizes_are_one_picture():
    for number in range(8):
        g = wardrobe.garment(1, number)
        halved = np.asarray(Image.fromarray(studio(1, g, 128)).reduce(2), float)
        assert np.abs(halved - studio(1, g, 64)).mean() < 4.0  # levels; two other garments differ by about 50


CHANGES = {  # kind, attribute, two values, share of the picture that changes at least
    "colour": ("t-shirt", "colour", "red", "blue", 0.25),
    "shoe colour": ("heels", "colour", "red", "green", 0.08),
    "pattern": ("dress", "pattern", "striped", "dotted", 0.05),
    "second": ("skirt", "second", "yellow", "navy", 0.10),
    "sleeve": ("t-shirt", "sleeve", "long sleeve", "sleeveless", 0.08),
    "neckline": ("t-shirt", "neckline", "round neck", "v-neck", 0.003),
    "length": ("trousers", "length", "cropped", "long", 0.02),
    "fit": ("jeans", "fit", "slim fit", "loose fit", 0.05),
    "heel": ("boots", "heel", "flat", "high heel", 0.05),
}


@pytest.mark.parametrize("name", CHANGES)
def test_attributes_are_seen(name):
    kind, attribute, a, b, least = CHANGES[name]
    g = make(2, kind, **({"pattern": "striped" if attribute == "second" else "solid"} | {attribute: a}))
    one, other = studio(4, g, 64).astype(int), studio(4, replace(g, **{attribute: b}), 64).astype(int)
    assert (np.abs(one - other).max(axis=2) > SEEN).mean() > least


def test_what_no_picture_shows_changes_nothing():
    g = make(2, "shirt")
    np.testing.assert_array_equal(studio(4, g, 32), studio(4, replace(g, price=999, usage="formal"), 32))


def test_it_is_another_photograph_than_the_views_and_garments_of_one_look_differ():
    g, other = make(0, pattern="floral"), make(1, pattern="floral")
    first = studio(6, g, 48).astype(int)
    for image in (draw(6, g, 48).image, studio(6, other, 48), studio(7, g, 48)):
        assert np.abs(first - image).mean() > 2


@pytest.mark.parametrize("size", [SIZES[0] - 1, SIZES[-1] + 1, 0])
def test_refusals(size):
    with pytest.raises(ValueError, match=f"size {size}: expected 16 to 1024 pixels"):
        studio(0, make(), size)
