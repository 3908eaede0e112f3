import numpy as np
import pytest
import torch

from likeness.models.compose import augmentation
from likeness.models.compose.augmentation import augmented

PHOTOS = np.random.default_rng(0).integers(0, 256, (64, 3, 32, 32), dtype=np.uint8)


def _run(photos, seed=0):
    return augmented(photos, torch.Generator().manual_seed(seed))


def test_equal_seeds_give_equal_views_and_others_do_not():
    np.testing.assert_array_equal(_run(PHOTOS), _run(PHOTOS))
    assert (_run(PHOTOS) != _run(PHOTOS, 1)).any()
    assert _run(PHOTOS).dtype == np.uint8


def test_of_sixty_four_some_are_left_alone_and_most_are_not(monkeypatch):
    """Six coins: a photograph is as it was with a chance of 1 in 64; with no chance at all every one is."""
    same = (_run(np.repeat(PHOTOS, 20, axis=0)) == np.repeat(PHOTOS, 20, axis=0)).all(axis=(1, 2, 3)).mean()
    assert 0.005 < same < 0.035  # 1/64 = .0156, standard deviation .0035 of 1,280 photographs
    monkeypatch.setattr(augmentation, "_CHANCE", 0.0)
    np.testing.assert_array_equal(_run(PHOTOS), PHOTOS)


@pytest.mark.parametrize(
    ("turn", "move", "scales", "least"),
    [(0.0, 0.0, (1.0, 1.0), 0.0), (0.0, 0.1, (1.0, 1.0), 0.1), (0.0, 0.0, (0.85, 0.85), 0.25)],
)
def test_a_white_photograph_loses_no_more_than_moves_and_scales_take(monkeypatch, turn, move, scales, least):
    """White stays white where nothing but mirrors and blurs are drawn; .85 of each side leaves .72 of the area."""
    monkeypatch.setattr(augmentation, "TURN", turn)
    monkeypatch.setattr(augmentation, "MOVE", move)
    monkeypatch.setattr(augmentation, "SCALES", scales)
    monkeypatch.setattr(augmentation, "_CHANCE", 1.1)
    white = np.full((200, 3, 32, 32), 255, np.uint8)
    dark = 1 - _run(white).astype(float).mean(axis=(1, 2, 3)) / 255
    if least == 0.0:
        assert dark.max() < 1e-6
    elif move:
        # each axis loses |u| uniform on [0, .1]: the mean area lost is 1 - (1 - .05)^2
        assert dark.mean() == pytest.approx(1 - 0.95**2, abs=0.012)
        assert dark.max() <= 1 - 0.9**2 + 0.02
    else:
        np.testing.assert_allclose(dark, 1 - 0.85**2, atol=0.02)


def test_a_mirror_mirrors_and_a_turn_turns(monkeypatch):
    monkeypatch.setattr(augmentation, "MOVE", 0.0)
    monkeypatch.setattr(augmentation, "SCALES", (1.0, 1.0))
    monkeypatch.setattr(augmentation, "TURN", 0.0)
    monkeypatch.setattr(augmentation, "_BLUR", (0.0, 0.0, 1.0, 0.0, 0.0))
    found = _run(PHOTOS)
    mirrored = (found == PHOTOS[..., ::-1]).all(axis=(1, 2, 3))
    kept = (found == PHOTOS).all(axis=(1, 2, 3))
    assert (mirrored | kept).all() and 15 < mirrored.sum() < 49  # 64 coins: 32, standard deviation 4
    monkeypatch.setattr(augmentation, "TURN", np.pi / 2)
    monkeypatch.setattr(augmentation, "_CHANCE", 1.1)
    monkeypatch.setattr(torch, "rand", lambda n, generator: torch.ones(n))  # the largest turn, mirrored
    np.testing.assert_array_equal(_run(PHOTOS[:1])[0], np.rot90(PHOTOS[0, :, :, ::-1], k=_quarter(), axes=(1, 2)))


def _quarter():
    """Which way a positive angle turns does not matter to a range that is symmetric; it is the same for all."""
    return 1 if (_run(PHOTOS[:1])[0] == np.rot90(PHOTOS[0, :, :, ::-1], k=1, axes=(1, 2))).all() else -1


def test_other_arrays_are_refused():
    with pytest.raises(ValueError, match="uint8"):
        _run(PHOTOS.astype(np.float32))
