"""The wardrobe's fixed encoder: what it takes, that its weights are its own, and that it was trained."""

import numpy as np
import pytest
import torch

from likeness.data.wardrobe import encoder
from likeness.data.wardrobe.encoder import SIDE, WIDTH, Encoder, features


def picture(seed=0, height=60, width=90):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_a_feature_a_box_from_its_own_pixels_alone():
    image = picture()
    boxes = np.array([[0, 0, 60, 90], [10.2, 20.7, 40.1, 50.0], [59, 89, 60, 90]])
    found = features(image, boxes)
    assert found.shape == (3, WIDTH)
    assert found.dtype == np.float32
    assert (found >= 0.0).all()
    outside = image.copy()
    outside[41:] = 0
    np.testing.assert_array_equal(features(outside, boxes[1:2]), features(image, boxes[1:2]))
    assert not np.allclose(features(outside, boxes[:1]), features(image, boxes[:1]))
    np.testing.assert_allclose(features(image, boxes[1:2])[0], found[1], rtol=1e-4, atol=1e-5)  # not of its batch
    assert features(image, np.empty((0, 4))).shape == (0, WIDTH)


def test_a_box_as_large_as_a_crop_is_the_crop():
    image = picture(1, SIDE, SIDE)
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        want = Encoder.load()(x)
    np.testing.assert_allclose(features(image, np.array([[0, 0, SIDE, SIDE]])), want, rtol=1e-5, atol=1e-6)


def test_what_it_has_learnt_is_not_what_torch_draws():
    trained, drawn = Encoder.load(), Encoder()
    for a, b in zip(trained.parameters(), drawn.parameters(), strict=True):
        assert a.shape == b.shape
        assert not torch.allclose(a, b)
        assert a.isfinite().all()
    patches = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    patches[0, : SIDE // 2], patches[1, :, : SIDE // 2] = 200, 200  # an edge across, an edge upright
    across, upright = (features(p, np.array([[0, 0, SIDE, SIDE]]))[0] for p in patches)
    assert np.dot(across, upright) / np.linalg.norm(across) / np.linalg.norm(upright) < 0.95


@pytest.mark.parametrize(
    ("image", "boxes", "message"),
    [
        (picture().astype(float), [[0, 0, 1, 1]], "float64.*uint8"),
        (picture()[:, :, 0], [[0, 0, 1, 1]], r"shape \(60, 90\)"),
        (picture(), [[0, 0, 1]], r"boxes of shape \(1, 3\)"),
        (picture(), [[5, 5, 5, 9]], "top < bottom"),
        (picture(), [[0, 0, 61, 9]], "inside"),
        (picture(), [[-1, 0, 6, 9]], "inside"),
    ],
)
def test_refusals(image, boxes, message):
    with pytest.raises(ValueError, match=message):
        features(image, np.array(boxes, float))


def test_weights_that_are_not_its_own_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="train_encoder"):
        Encoder.load(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", **{"convolutions.0.weight": np.zeros((2, 2), np.float16)})
    with pytest.raises(ValueError, match="other weights"):
        Encoder.load(tmp_path / "other.npz")
    np.savez(tmp_path / "pickle.npz", x=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        Encoder.load(tmp_path / "pickle.npz")
    assert encoder.WEIGHTS.stat().st_size < 300_000
