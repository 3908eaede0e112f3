"""Pictures of the wardrobe: the same everywhere, attributes where they belong, boxes around things."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from likeness.data.wardrobe import garments as wardrobe
from likeness.data.wardrobe.canvas import OWNERS, Placing, placing
from likeness.data.wardrobe.detections import detect, extent
from likeness.data.wardrobe.drawing import SIZES, draw, render
from likeness.data.wardrobe.garments import KINDS
from likeness.data.wardrobe.outlines import BUILDS
from likeness.data.wardrobe.scenes import scene
from likeness.data.wardrobe.staging import stage
from likeness.data.wardrobe.textures import cloth, paint
from wardrobe_made import article, make

VALUES = {
    "gender": tuple(wardrobe.GENDERS), "pattern": wardrobe.PATTERNS,
    "neckline": wardrobe.NECKLINES, "length": wardrobe.LENGTHS, "fit": wardrobe.FITS, "heel": wardrobe.HEELS,
}  # fmt: skip


def changed(g, other, *, seed=0, view=0, size=96):
    """Absolute change of each pixel between two garments in one scene, and where it is in the garment's square."""
    shot = scene(seed, g.number, view)
    images = [render(shot, stage(seed, one, shot), size)[0].astype(int) for one in (g, other)]
    at = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    u, v = article(stage(seed, g, shot))[1].place.to_square(at[None, :], at[:, None])
    return np.abs(images[0] - images[1]).sum(axis=2), u, v


def calm(seed, kind, start=0):
    """The first number whose scene hides nothing: lying or hanging alone, nothing in front, little turned."""
    return next(
        n for n in range(start, start + 999)
        if (s := scene(seed, n, 0)).display < 0.4 and not s.cover and s.count < 3 and abs(s.x) + abs(s.y) < 0.04
        and s.scale < 0.95 and KINDS[kind]
    )  # fmt: skip


DIGEST = """
import hashlib
from likeness.data.wardrobe import drawing, garments
total = hashlib.sha256()
for number in range(6):
    picture = drawing.draw(5, garments.garment(5, number), 48, view=number)
    total.update(picture.image.tobytes() + repr(picture.objects).encode())
print(total.hexdigest())
"""


def test_every_process_draws_the_same_bytes():
    found = set()
    for hash_seed in ("1", "77"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", DIGEST]
        found.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    total = hashlib.sha256()
    for number in reversed(range(6)):  # the order in which pictures are made does not matter
        draw(5, wardrobe.garment(5, number), 48, view=number)
    for number in range(6):
        picture = draw(5, wardrobe.garment(5, number), 48, view=number)
        total.update(picture.image.tobytes() + repr(picture.objects).encode())
    assert found == {total.hexdigest() + "\n"}


def test_two_sizes_are_one_picture():
    apart, other = [], []
    for number in range(25):
        g = wardrobe.garment(1, number)
        small, large = draw(1, g, 64), draw(1, g, 128)
        halved = np.asarray(Image.fromarray(large.image).reduce(2), float)
        apart.append(np.abs(halved - small.image).mean())
        other.append(np.abs(halved - draw(1, g, 64, view=1).image).mean())
        assert [b.label for b in small.objects] == [b.label for b in large.objects]
        for a, b in zip(small.objects, large.objects, strict=True):
            sides = np.array([(a.top, b.top), (a.left, b.left), (a.bottom, b.bottom), (a.right, b.right)])
            assert np.abs(2 * sides[:, 0] - sides[:, 1]).max() <= 2  # both are rounded outwards
    assert max(apart) < 7.0  # levels of 255; the noise of two pictures alone makes up to 4
    assert np.mean(other) > 4 * np.mean(apart)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_with_every_attribute(kind):
    """Nine garments go through all values of all attributes; of each, count and places of the boxes are looked at."""
    values = VALUES | {"sleeve": KINDS[kind].sleeves}
    colours, first = tuple(wardrobe.COLOURS), list(KINDS).index(kind)
    for k in range(9):
        chosen = {name: options[(k + k // len(options)) % len(options)] for name, options in values.items()}
        chosen["colour"] = colours[(first + 2 * k) % len(colours)]
        chosen["second"] = colours[(first + 2 * k + 5) % len(colours)]
        picture = draw(2, make(k, kind, **chosen), 24, view=k % 3)
        assert picture.image.shape == (24, 24, 3)
        assert picture.image.dtype == np.uint8
        assert picture.image.std() > 4
        assert len(picture.objects) == scene(2, k, k % 3).count
        for b in picture.objects:
            assert 0 <= b.top < b.bottom <= 24
            assert 0 <= b.left < b.right <= 24
            assert 0 <= b.label < 33


def test_the_box_of_the_garment_is_around_it():
    """It holds what the garment changes of a bare scene, and reaches as far as its cloth, found by dyeing it anew."""
    for number in range(60):
        g, shot = replace(wardrobe.garment(3, number), pattern="solid", second=""), scene(3, number, 0)
        shot = replace(shot, cover="")
        things = stage(3, replace(g, colour="black"), shot)
        k, thing = article(things)
        dark, bare = render(shot, things, 96)[0].astype(int), render(shot, things[: k - 1] + things[k:], 96)[0]
        light = render(shot, stage(3, replace(g, colour="yellow"), shot), 96)[0]
        b = detect(shot, things, np.zeros((OWNERS, OWNERS), np.uint8), 96)[0]
        rows, columns = np.nonzero(np.abs(dark - bare).max(axis=2) > 45)  # more than a soft shadow
        inside = (b.top - 3 <= rows) & (rows < b.bottom + 3) & (b.left - 3 <= columns) & (columns < b.right + 3)
        assert inside.sum() >= 0.9 * len(rows), number
        rows, columns = np.nonzero(np.abs(dark - light).max(axis=2) > 45)
        reach = np.percentile(rows, [0.5, 99.5]), np.percentile(columns, [0.5, 99.5])
        soles = 18 if g.category == "shoes" else 8  # which no dye changes
        sides = np.array([reach[0][0] - b.top, b.bottom - reach[0][1], reach[1][0] - b.left, b.right - reach[1][1]])
        assert (np.abs(sides) < soles).all(), (number, g.kind, sides)


def test_other_boxes_lie_on_things():
    """Each box overlaps something that is drawn in the scene, of its class, by more than a half."""
    for number in range(40):
        g, shot = wardrobe.garment(4, number), scene(4, number, 0)
        things = stage(4, g, shot)
        for b in draw(4, g, 128).objects[1:]:
            own = article(things)[1]
            near = [extent(t, t.parts) for t in things if t.label == b.label]
            near += [extent(own, (p,)) for p in own.parts if p.name and b.label == 27]
            assert max(overlap(np.array([b.top, b.left, b.bottom, b.right]) / 128, sides) for sides in near) > 0.5


def overlap(a, b):
    """Intersection over union of two boxes (top, left, bottom, right)."""
    common = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common)


REGIONS = {  # two values, kind; what is changed: |u| below, v from, to; a place (u, v) that must be changed
    "neckline": ("round neck", "v-neck", "t-shirt", 0.09, 0.13, 0.30, (0.0, 0.225)),
    "turtleneck": ("round neck", "turtleneck", "dress", 0.09, 0.07, 0.25, (0.0, 0.130)),
    "length": ("regular", "cropped", "dress", 0.25, 0.50, 0.80, (0.0, 0.650)),
    "heel": ("low heel", "flat", "boots", 9.0, -9.0, 0.1, (0.1, -0.04)),
}


@pytest.mark.parametrize("name", REGIONS)
def test_an_attribute_changes_its_region(name):
    a, b, kind, half, high, low, place = REGIONS[name]
    attribute = "neckline" if name == "turtleneck" else name
    number = calm(7, kind)
    g = make(number, kind, **{attribute: a})
    change, u, v = changed(g, replace(g, **{attribute: b}), seed=7)
    assert change.sum() > 500
    inside = (np.abs(u) < half) & (high < v) & (v < low)
    assert change[inside].sum() > 0.93 * change.sum()
    assert change[np.hypot(u - place[0], v - place[1]) < 0.02].mean() > 40


@pytest.mark.parametrize("kind", ["t-shirt", "sneakers", "cap", "jeans"])
def test_the_emblem_alone_tells_its_colour(kind):
    g = make(calm(8, kind), kind, pattern="logo print", colour="navy", second="white")
    change, _, _ = changed(g, replace(g, second="yellow"), seed=8)
    rows, columns = np.nonzero(change > 12)
    assert 4 <= len(rows) < 0.03 * change.size
    assert max(np.ptp(rows), np.ptp(columns)) < 0.25 * len(change)


def test_shapes_follow_size_and_fit():
    shot = scene(9, calm(9, "t-shirt"), 0)

    def spans(**chosen):
        thing = article(stage(9, make(shot.key[1], **chosen), replace(shot, turn=0.0)))[1]
        return np.ptp(thing.place.to_picture(np.vstack([p.outline for p in thing.parts])), axis=0)

    assert spans(fit="slim fit")[0] < spans(fit="regular fit")[0] < spans(fit="loose fit")[0]
    assert spans(length="cropped")[1] < spans(length="regular")[1] < spans(length="long")[1]
    assert spans(sleeve="sleeveless")[0] < spans(sleeve="short sleeve")[0] < spans(sleeve="long sleeve")[0]
    assert spans(gender="girls")[1] < spans(gender="women")[1]
    assert BUILDS["girls"].waist / BUILDS["girls"].shoulder > BUILDS["women"].waist / BUILDS["women"].shoulder
    for kind in ("heels", "boots", "sandals"):
        heights = [spans(kind=kind, heel=heel)[1] for heel in wardrobe.HEELS]
        assert heights == sorted(heights) and heights[2] > heights[0] + 0.1


def test_a_square_comes_back_from_the_picture():
    xy = np.random.default_rng(0).uniform(-0.5, 1.0, (50, 2))
    for turn, mirror in ((0.0, False), (0.7, False), (-2.0, True)):
        place = placing(turn, 0.8, (0.1, 0.3), (0.5, 0.6), mirror)
        np.testing.assert_allclose(place.to_picture(np.array([[0.1, 0.3]])), [[0.5, 0.6]], atol=1e-12)
        back = place.to_square(*place.to_picture(xy).astype(np.float32).T)
        np.testing.assert_allclose(np.column_stack(back), xy, atol=1e-5)
        assert place.size == pytest.approx(0.8)
    np.testing.assert_allclose(Placing(0.0, 2.0, 1.0, 0.0).to_picture(np.array([[1.0, 0.0]])), [[1.0, 2.0]])


@pytest.mark.parametrize("pattern", wardrobe.PATTERNS)
def test_patterns_fade_to_their_mean(pattern):
    """A coarse look at a cloth is the mean of a fine one, and only cloths with two colours have two."""
    made = cloth(15, make(1, "t-shirt", pattern=pattern, colour="navy", second="yellow"))
    step = np.float32(0.001)
    u, v = np.meshgrid(np.arange(400, dtype=np.float32) * step, np.arange(400, dtype=np.float32) * step)
    fine, coarse = paint(made, u, v, 0.001), paint(made, u, v, 0.012)  # as in the smallest pictures
    assert np.abs(fine.mean(axis=(0, 1)) - coarse.mean(axis=(0, 1))).max() < 8
    several = pattern not in ("solid", "logo print")
    assert (fine.std(axis=(0, 1)).max() > 20) == several


def test_views_differ_and_garments_of_the_same_attributes_too():
    first = draw(16, make(0), 48).image.astype(int)
    for other in (draw(16, make(0), 48, view=1), draw(16, make(1), 48), draw(17, make(0), 48)):
        assert np.abs(first - other.image).mean() > 8


@pytest.mark.parametrize(("size", "view"), [(SIZES[0] - 1, 0), (SIZES[-1] + 1, 0), (64, -1)])
def test_refusals(size, view):
    with pytest.raises(ValueError, match=f"size {size}, view {view}: expected a size from 16 to 1024"):
        draw(0, make(), size, view)
