"""Prototypes of DVBPR (eq. 12) and the climb from them (Figure 6)."""

import numpy as np
import pytest
import torch

from dvbpr_toys import LARGE, SIDE, D, networks, seeded, thetas
from likeness.models.dvbpr.design import draw_free
from likeness.models.dvbpr.prototype import fit_prototype, tailor


def test_a_prototype_that_the_generator_can_draw_is_found():
    generator = networks()[1].eval()
    true = 1.6 * torch.rand(1, D, generator=seeded(9), dtype=torch.float64) - 0.8
    with torch.no_grad():
        image = generator(true, torch.tensor([1]))[0]
    found = fit_prototype(image, generator, 1, starts=4, steps=400, rate=0.05, rng=seeded())
    assert found.free.shape == (D,) and found.image.shape == (3, SIDE, SIDE) and found.l1.shape == (401,)
    assert found.l1[-1] < 0.02 * found.l1[0]
    # Adam at a fixed rate circles a minimum of absolute values within about its rate
    assert (torch.tanh(found.free) - true[0]).abs().max() < 0.02
    with torch.no_grad():
        again = generator(torch.tanh(found.free)[None], torch.tensor([1]))[0].numpy()
    np.testing.assert_allclose(found.image, again, atol=1e-12)
    assert found.l1[-1] == pytest.approx(sum(abs(a - b) for a, b in zip(again.flat, image.numpy().flat, strict=True)))


def test_a_prototype_is_the_best_of_its_starts_and_may_be_larger():
    generator = networks(2)[1]
    image = torch.rand(3, 2 * SIDE, 2 * SIDE, generator=seeded(5), dtype=torch.float64) * 2 - 1
    how = {"starts": 6, "steps": 6, "rate": 0.3}
    found = fit_prototype(image, generator, 0, rng=seeded(2), **how)
    generator.eval()
    paths = []
    for start in draw_free(seeded(2), 6, D, "paper").double():  # each start alone, by a loss written out
        free, path = start[None].clone().requires_grad_(), []
        optimiser = torch.optim.Adam([free], lr=0.3)
        for _ in range(7):
            small = image.view(3, SIDE, 2, SIDE, 2).mean(dim=(2, 4))
            error = (generator(torch.tanh(free), torch.tensor([0]))[0] - small).abs().sum()
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
            path.append(error.item())
        paths.append(path)
    first, last = np.array(paths)[:, [0, -1]].T
    assert first.argmin() != last.argmin()  # or this test would not see which of them counts
    np.testing.assert_allclose(found.l1, paths[last.argmin()], atol=1e-9)
    again = fit_prototype(image.numpy(), generator, 0, rng=seeded(2), **how)
    np.testing.assert_array_equal(again.l1, found.l1)


@pytest.mark.parametrize(
    ("image", "change", "match"),
    [
        (np.zeros((3, 4, 5)), {}, "expected"),
        (np.zeros((4, 4, 3)), {}, "expected"),
        (np.zeros((3, 4, 4), np.uint8), {}, "real"),
        (np.full((3, 4, 4), 255.0), {}, "127.5"),
        (np.full((3, 4, 4), np.nan), {}, "127.5"),
        (np.zeros((3, 2, 2)), {}, "larger photograph"),
        (np.zeros((3, 4, 4)), {"starts": 0}, "starts"),
        (np.zeros((3, 4, 4)), {"category": -1}, "category"),
        (np.zeros((3, 4, 4)), {"rate": -1.0}, "rate"),
    ],
)
def test_prototypes_that_cannot_be_fitted_are_refused(image, change, match):
    given = {"category": 0, "starts": 2, "steps": 2, "rate": 0.1, "rng": seeded(), **change}
    with pytest.raises(ValueError, match=match):
        fit_prototype(image, networks()[1], given.pop("category"), **given)


def test_tailoring_climbs_from_the_prototype():
    parts, theta = networks(), thetas(2)
    image = torch.zeros(3, SIDE, SIDE, dtype=torch.float64)
    prototype = fit_prototype(image, parts[1], 1, starts=2, steps=20, rate=0.1, rng=seeded())
    made = tailor(prototype.free, theta, *parts, 1, eta=0.1, steps=30, rate=0.05, side_phi=LARGE, keep_steps=(0, 30))
    assert made.images.shape == (2, 1, 3, SIDE, SIDE) and made.path.shape == (2, 31, 1)
    for user in range(2):
        np.testing.assert_allclose(made.kept[0][user, 0], prototype.image, atol=1e-12)
        assert made.objective_path[user, -1, 0] > made.objective_path[user, 0, 0]
        alone = tailor(prototype.free, theta[user], *parts, 1, eta=0.1, steps=30, rate=0.05, side_phi=LARGE)
        assert alone.images.shape == (1, 3, SIDE, SIDE)
        np.testing.assert_allclose(alone.objective_path, made.objective_path[user], atol=1e-12)
    assert np.abs(made.images[0] - made.images[1]).max() > 1e-3  # two users, two pictures
    with pytest.raises(ValueError, match="one prototype"):
        tailor(torch.zeros(1, D), theta, *parts, 1, steps=1, rate=0.1, side_phi=LARGE)
