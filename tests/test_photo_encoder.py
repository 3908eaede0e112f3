"""The photo encoder: it learns, is the same for a seed, sees what is where; foreground; photographs as an array."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from likeness.data import fashion_small
from likeness.data.registry import VARIABLE
from likeness.data.shop_photos import photographs
from likeness.models.labels import multi_task_loss
from likeness.models.photo_encoder import (
    CHANNELS,
    PhotoEncoder,
    foreground,
    grid_features,
    train_encoder,
    vector_features,
)
from likeness.models.photographs import SHIFT, shaken
from shelf import Shelf, photo_file

SMALL = (8, 16)  # channels: photographs of 16 pixels then give maps of 4 x 4


def patches(n, seed=0, side=16):
    """Photographs of a patch in one of three colours, in the upper or the lower half, on noise: (images, labels)."""
    rng = np.random.default_rng(seed)
    images = rng.integers(180, 256, (n, 3, side, side)).astype(np.uint8)
    colour, low = rng.integers(0, 3, n), rng.integers(0, 2, n)
    for i in range(n):
        top, left = 1 + 7 * low[i], rng.integers(0, side - 6)
        images[i, :, top : top + 6, left : left + 6] = 20
        images[i, colour[i], top : top + 6, left : left + 6] = 230
    return images, {"colour": colour, "low": low}


@pytest.fixture(scope="module")
def encoder():
    images, labels = patches(400)
    return train_encoder(images, labels, epochs=8, seed=0, channels=SMALL, batch=32, device="cpu")


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_it_learns_both_tasks(encoder):
    images, labels = patches(200, seed=1)
    assert not encoder.training
    with torch.no_grad():
        logits = encoder.logits(torch.from_numpy(images))
    assert logits["colour"].shape == (200, 3)
    assert (logits["colour"].argmax(1).numpy() == labels["colour"]).mean() > 0.95
    # a move of SHIFT of 16 pixels brings most patches to the middle: "low" is hard to learn, and is no chance of .5
    assert (logits["low"].argmax(1).numpy() == labels["low"]).mean() > 0.6


def test_a_seed_means_the_same_and_nothing_global_moves():
    images, labels = patches(70)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    heard = []
    options = {"epochs": 2, "channels": SMALL, "batch": 32, "device": "cpu"}
    one = train_encoder(images, labels, seed=3, progress=lambda *said: heard.append(said), **options)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002
    torch.manual_seed(99)
    assert same(one, train_encoder(images, labels, seed=3, **options))
    assert not same(one, train_encoder(images, labels, seed=4, **options))
    assert [said[:2] for said in heard] == [(1, 2), (2, 2)]
    assert all(np.isfinite(said[2]) and said[2] > 0 for said in heard)


def test_photographs_as_they_come_from_a_file_train_the_same():
    """(N, s, s, 3) turned by `transpose`, in whatever layout, read-only or not."""
    images, labels = patches(40)
    turned = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    turned.flags.writeable = False
    options = {"epochs": 1, "seed": 0, "channels": SMALL, "batch": 16, "device": "cpu"}
    assert same(train_encoder(images, labels, **options), train_encoder(turned, labels, **options))
    assert (images == patches(40)[0]).all()


def test_the_loss_by_plain_loops():
    rng = np.random.default_rng(0)
    for _ in range(20):
        n = int(rng.integers(1, 6))
        logits = {"a": torch.tensor(rng.normal(size=(n, 3))), "b": torch.tensor(rng.normal(size=(n, 2)))}
        labels = {"a": torch.tensor(rng.integers(-1, 3, n)), "b": torch.tensor(rng.integers(-1, 2, n))}
        want = 0.0
        for task, scores in logits.items():
            losses = []
            for row, label in zip(scores.tolist(), labels[task].tolist(), strict=True):
                if label >= 0:
                    losses.append(-np.log(np.exp(row[label]) / sum(np.exp(row))))
            want += sum(losses) / len(losses) if losses else 0.0
        assert multi_task_loss(logits, labels).item() == pytest.approx(want)


def test_what_is_unknown_teaches_nothing():
    logits = {"a": torch.randn(4, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)}
    loss = multi_task_loss(logits, {"a": torch.tensor([-1, 2, -1, 0])})
    loss.backward()
    assert (logits["a"].grad[[0, 2]] == 0).all()
    assert (logits["a"].grad[[1, 3]] != 0).all()
    nothing = multi_task_loss(logits, {"a": torch.full((4,), -1)})
    assert nothing.item() == 0.0
    images, labels = patches(40)
    labels["low"] = np.where(np.arange(40) < 2, labels["low"] * 0 + np.arange(40) % 2, -1)  # most batches know none
    found = train_encoder(images, labels, epochs=2, seed=0, channels=SMALL, batch=8, device="cpu")
    assert all(w.isfinite().all() for w in found.state_dict().values())


def test_mirroring_and_moves_by_plain_loops():
    x = torch.from_numpy(patches(6)[0])
    found = shaken(x, torch.Generator().manual_seed(7)).numpy()
    rng = torch.Generator().manual_seed(7)
    flip = (torch.rand(6, generator=rng) < 0.5).tolist()
    down, right = torch.randint(-SHIFT, SHIFT + 1, (2, 6, 1), generator=rng)[..., 0].tolist()
    assert len(set(flip)) == 2
    for i in range(6):
        for row in range(16):
            for column in range(16):
                at = 15 - column if flip[i] else column
                source = x[i, :, min(max(row + down[i], 0), 15), min(max(at + right[i], 0), 15)]
                assert found[i, :, row, column].tolist() == source.tolist()
    assert {abs(d) for d in torch.randint(-SHIFT, SHIFT + 1, (999,), generator=rng).tolist()} == set(range(SHIFT + 1))


def test_features(encoder):
    images = patches(600, seed=2)[0]  # more than are encoded at once
    grid, vector = grid_features(encoder, images), vector_features(encoder, images)
    assert (grid.shape, vector.shape) == ((600, 4, 4, 16), (600, 16))
    assert grid.dtype == vector.dtype == np.float32
    assert grid.min() >= 0
    np.testing.assert_allclose(grid.mean(axis=(1, 2)), vector, atol=1e-5)
    for i in (0, 255, 256, 599):
        np.testing.assert_allclose(grid_features(encoder, images[i : i + 1])[0], grid[i], atol=1e-5)
    assert grid_features(encoder, images[:0]).shape == (0, 4, 4, 16)
    assert vector_features(encoder, images[:0]).shape == (0, 16)


def test_features_leave_the_mode_as_it_was_and_use_the_running_norms(encoder):
    images = patches(5, seed=2)[0]
    want = vector_features(encoder, images)
    encoder.train()
    state = {name: w.clone() for name, w in encoder.state_dict().items()}
    try:
        np.testing.assert_array_equal(vector_features(encoder, images), want)
        assert encoder.training
        with pytest.raises(ValueError, match="map of side 2, expected 4"):
            grid_features(encoder, images[:, :, :8, :8])
        assert encoder.training
    finally:
        encoder.eval()
    assert all(torch.equal(w, state[name]) for name, w in encoder.state_dict().items())


def test_a_cell_sees_its_own_corner():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = PhotoEncoder({"type": 2}, (8,))  # one convolution: 8 pixels give a map of 4 x 4
    images = np.full((2, 3, 8, 8), 100, np.uint8)
    images[1, :, 0, 7] = 255
    moved = np.abs(np.diff(grid_features(net, images), axis=0)[0]).sum(axis=2) > 1e-6
    assert np.argwhere(moved).tolist() == [[0, 3]]


def test_larger_maps_are_averaged_to_four_by_four(encoder):
    images = patches(3, side=32)[0]
    grid = grid_features(encoder, images)
    with torch.no_grad():
        maps = encoder(torch.from_numpy(images)).numpy()  # (3, 16, 8, 8)
    for row in range(4):
        for column in range(4):
            cell = maps[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            np.testing.assert_allclose(grid[:, row, column], cell.mean(axis=(2, 3)), atol=1e-5)


def test_the_network_by_its_definition(encoder):
    x = torch.from_numpy(patches(3)[0]).float()
    want = x / 127.5 - 1
    for convolution, norm, _ in encoder.body:
        want = F.conv2d(want, convolution.weight, stride=2, padding=1)
        scale = norm.weight / (norm.running_var + norm.eps) ** 0.5
        want = F.relu((want - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None])
    with torch.no_grad():
        torch.testing.assert_close(encoder(x), want, atol=1e-4, rtol=1e-4)
    full = PhotoEncoder({"type": 5})
    assert full(torch.zeros(1, 3, 64, 64, dtype=torch.uint8)).shape == (1, CHANNELS[-1], 4, 4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_same(encoder):
    images, labels = patches(64)
    options = {"epochs": 1, "seed": 0, "channels": SMALL, "batch": 16}
    before = torch.cuda.get_rng_state()
    here, there = (train_encoder(images, labels, device=device, **options) for device in ("cpu", "cuda"))
    assert torch.equal(torch.cuda.get_rng_state(), before)
    np.testing.assert_allclose(grid_features(here, images), grid_features(there, images), atol=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": patches(9)[0].astype(np.float32)}, "expected an array .* of uint8"),
        ({"images": patches(9)[0].transpose(0, 2, 3, 1)}, r"\(9, 16, 16, 3\)"),
        ({"images": patches(9)[0][:, :, :8]}, r"\(9, 3, 8, 16\)"),
        ({"images": patches(9)[0].tolist()}, "photographs of list"),
        ({"images": patches(9)[0][:1], "labels": {"a": np.array([0])}}, "fewer than two classes"),
        ({"labels": {}}, "no task"),
        ({"labels": {"a": np.arange(8)}}, r"'a': int64 of shape \(8,\), expected \(9,\)"),
        ({"labels": {"a": np.array([0.0, np.nan, *[1.0] * 7])}}, "'a': float64"),
        ({"labels": {"a": np.arange(9) - 2}}, "integers >= -1"),
        ({"labels": {"a": np.array([-1, 4, *[-1] * 7])}}, "fewer than two classes are known"),
        ({"epochs": 0}, "0 epochs"),
        ({"batch": 1}, "batches of 1"),
        ({"channels": ()}, r"channels \(\)"),
        ({"channels": (8, 0)}, r"channels \(8, 0\)"),
    ],
)
def test_refusals(change, message):
    images, labels = patches(9)
    options = {"images": images, "labels": labels, "epochs": 1, "channels": SMALL, "batch": 4} | change
    with pytest.raises(ValueError, match=message):
        train_encoder(options.pop("images"), options.pop("labels"), seed=0, device="cpu", **options)


def test_a_head_needs_classes():
    with pytest.raises(ValueError, match="tasks {'type': 1}: expected some, of two classes or more"):
        PhotoEncoder({"type": 1})


def test_foreground_by_hand():
    wall = np.full((5, 16, 16, 3), 250, np.uint8)
    wall[1, 4:12, 4:12] = (250, 200, 250)  # the four cells in the middle, in one channel
    wall[2, 5:7, 9:11] = 0  # a quarter of a cell
    wall[3, 12:16, 0:16] = (10, 10, 10)  # a row that reaches the border
    found = foreground(wall)
    assert found.dtype == bool
    assert found[0].sum() == 1  # nothing is there, and still one
    assert np.argwhere(found[1]).tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]
    assert np.argwhere(found[2]).tolist() == [[1, 2]]
    assert np.argwhere(found[3]).tolist() == [[3, 0], [3, 1], [3, 2], [3, 3]]
    wall[4, 5:7, 9:11] = wall[4, 9, 5:8] = 0  # a quarter of a cell, and one pixel less
    found = foreground(wall)
    assert np.argwhere(found[4]).tolist() == [[1, 2]]
    wall[0, 0:4, 4:8], wall[0, 9, 9:11] = 220, 0  # all of a cell by 30, and two pixels of another by 250
    assert np.argwhere(foreground(wall)[0]).tolist() == [[0, 1]]
    faint = np.full((1, 16, 16, 3), 250, np.uint8)
    faint[0, 9:11, 13:15] = 245  # less than what counts: the cell that differs most
    assert np.argwhere(foreground(faint)[0]).tolist() == [[2, 3]]


def test_foreground_by_plain_loops():
    rng = np.random.default_rng(0)
    images = np.clip(200 + rng.normal(0, 20, (7, 12, 12, 3)), 0, 255).astype(np.uint8)
    images[::2, 3:9, 3:9] //= 2
    for cells in (1, 2, 3, 4):
        found, step = foreground(images, cells), 12 // cells
        assert found.shape == (7, cells, cells)
        for i, image in enumerate(images):
            border = [image[r, c] for r in range(12) for c in range(12) if min(r, c) < 2 or max(r, c) > 9]
            wall = np.median(border, axis=0)
            far = [[max(abs(float(image[r, c, k]) - wall[k]) for k in range(3)) for c in range(12)] for r in range(12)]
            blocks = np.array(far).reshape(cells, step, cells, step)
            want = (blocks > 24).mean(axis=(1, 3)) >= 0.25
            if not want.any():
                want.flat[blocks.mean(axis=(1, 3)).argmax()] = True
            assert (found[i] == want).all()


def test_foreground_of_many_is_that_of_each():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (300, 8, 8, 3)).astype(np.uint8)
    found = foreground(images)
    assert found.any(axis=(1, 2)).all()
    assert (found == np.concatenate([foreground(images[i : i + 1]) for i in range(300)])).all()
    assert foreground(images[:0]).shape == (0, 4, 4)


@pytest.mark.parametrize(
    ("images", "cells", "message"),
    [
        (np.zeros((2, 8, 8, 3)), 4, "float64: expected .* uint8"),
        (np.zeros((2, 3, 8, 8), np.uint8), 4, r"\(2, 3, 8, 8\)"),
        (np.zeros((8, 8, 3), np.uint8), 4, r"\(8, 8, 3\)"),
        (np.zeros((2, 10, 10, 3), np.uint8), 4, "10 pixels, 4 cells: expected a multiple"),
        (np.zeros((2, 8, 8, 3), np.uint8), 0, "0 cells"),
        (np.zeros((2, 2, 2, 3), np.uint8), 2, "at least 4"),
    ],
)
def test_refusals_of_foreground(images, cells, message):
    with pytest.raises(ValueError, match=message):
        foreground(images, cells)


def test_photographs():
    arrays = {name: np.full((80, 60, 3), value, np.uint8) for name, value in (("a", 10), ("b", 200))}
    arrays["b"][:40] = 0
    shelf = Shelf({name: photo_file(array) for name, array in arrays.items()}, "shelf, {}")
    found = photographs(shelf, ["b", "a", "b"], 8)
    assert (found.shape, found.dtype) == ((3, 8, 8, 3), np.uint8)
    assert (found[1] == 10).all()
    assert (found[0, :3] == 0).all()
    assert (found[0, 5:] == 200).all()
    assert (found[0] == found[2]).all()
    assert photographs(shelf, ["a"]).shape == (1, 64, 64, 3)
    with pytest.raises(KeyError, match="c"):
        photographs(shelf, ["c"])
    shelf.files["a"] = shelf.files["a"][:50]
    with pytest.raises(ValueError, match="shelf, a: "):
        photographs(shelf, ["a"])
    with pytest.raises(ValueError, match="side 0"):
        photographs(shelf, ["b"], 0)


ROOT = Path(os.environ.get(VARIABLE) or "/nowhere")


@pytest.mark.skipif(not (ROOT / "fashion_small").is_dir(), reason=f"{VARIABLE} holds no fashion_small")
def test_real_product_shots():
    shop = fashion_small.load(ROOT)
    with shop.images as images:
        found = photographs(images, list(images)[::100])
    assert len(found) > 300
    assert 6.5 < foreground(found).sum(axis=(1, 2)).mean() < 8.5  # product shots, about half of 16 cells
    net = PhotoEncoder({"type": 2}, (4, 8, 8, 8))
    grid = grid_features(net, found.transpose(0, 3, 1, 2))
    assert grid.shape == (len(found), 4, 4, 8)
    assert np.isfinite(grid).all()
