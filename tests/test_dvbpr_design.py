"""Preference maximisation of DVBPR: the climb of eq. 10, retrieval, draws by eq. 11."""

import math
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from dvbpr_toys import LARGE, SIDE, C, D, K, Says, networks, seeded, thetas
from likeness.models.dvbpr import gan
from likeness.models.dvbpr.ascent import EDGE, Objective, at_rest, climbed, to_free
from likeness.models.dvbpr.design import choose, downscale, draw_free, maximise, retrieve, upscale
from likeness.models.dvbpr.prototype import fit_prototype, tailor

HOW = {"steps": 4, "rate": 0.05, "side_phi": LARGE, "starts": 5}


def by_hand(parts, theta, category, eta, free, squashed=True):
    """Eq. 10 for one z' (d,), with numpy alone: (preference, L_real)."""
    phi, generator, discriminator = ({k: v.numpy() for k, v in part.state_dict().items()} for part in parts)
    z = np.tanh(free) if squashed else free
    x = generator["linear.weight"] @ np.concatenate([z, np.eye(C)[category]]) + generator["linear.bias"]
    x = (x - generator["normal.running_mean"]) / np.sqrt(generator["normal.running_var"] + 1e-5)
    x = np.tanh(x * generator["normal.weight"] + generator["normal.bias"])
    at = np.arange(LARGE) * SIDE // LARGE
    large = x.reshape(3, SIDE, SIDE)[:, at][:, :, at]
    vector = np.sin(phi["linear.weight"] @ large.ravel() + phi["linear.bias"])
    said = np.sin(discriminator["linear.weight"] @ x + discriminator["linear.bias"])[category]
    return theta @ vector, (said - 1) ** 2


def differences(parts, theta, category, eta, free, squashed, step=1e-6):
    """The gradient of eq. 10 by central differences."""
    gradient = np.zeros_like(free)
    for i in range(len(free)):
        values = []
        for sign in (1, -1):
            moved = free.copy()
            moved[i] += sign * step
            preference, loss = by_hand(parts, theta, category, eta, moved, squashed)
            values.append(preference - eta * loss)
        gradient[i] = (values[0] - values[1]) / (2 * step)
    return gradient


@pytest.mark.parametrize("start", ["paper", "code"])
def test_the_climb_by_plain_loops_and_differences(start):
    """Every start by itself: Adam written out, gradients by central differences, networks in numpy."""
    parts, theta, eta, rate = networks(), thetas(1)[0], 1.7, 0.05
    made = maximise(theta, *parts, 1, eta=eta, start=start, rng=seeded(3), **HOW)
    rows = []
    for free in draw_free(seeded(3), 5, D, start).double().numpy():
        first, second, path = np.zeros(D), np.zeros(D), []
        for step in range(5):
            path.append(by_hand(parts, theta.numpy(), 1, eta, free, start == "paper"))
            z = np.tanh(free) if start == "paper" else free
            g = differences(parts, theta.numpy(), 1, eta, free, start == "paper")
            first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
            ahead = first / (1 - 0.9 ** (step + 1)) / (np.sqrt(second / (1 - 0.999 ** (step + 1))) + 1e-8)
            free = free + rate * ahead
        rows.append((path, z))
    rows.sort(key=lambda row: -(row[0][-1][0] - eta * row[0][-1][1]))
    paths = np.array([path for path, _ in rows]).transpose(2, 1, 0)  # preference and loss, steps + 1, m
    # differences of 1e-6 have an error of about 1e-10, which Adam divides by the gradient's size
    np.testing.assert_allclose(made.path, paths[0], atol=1e-7)
    np.testing.assert_allclose(made.objective_path, paths[0] - eta * paths[1], atol=1e-7)
    np.testing.assert_allclose(made.realness, paths[1, -1], atol=1e-7)
    np.testing.assert_allclose(made.z, [z for _, z in rows], atol=1e-7)


def test_gradients_against_differences():
    parts = networks(1)
    objective = Objective(*parts, LARGE, 0.6)
    theta, category = thetas(4), torch.tensor([0, 1, 1, 0])
    free = draw_free(seeded(), 4, D, "paper").double().requires_grad_()

    def value(free):
        preference, loss, _ = objective(torch.tanh(free), theta, category)
        return preference - 0.6 * loss

    with at_rest(*parts):
        assert torch.autograd.gradcheck(value, (free,), eps=1e-6, atol=1e-7)
        (found,) = torch.autograd.grad(value(free).sum(), free)
    for row in range(4):
        want = differences(parts, theta[row].numpy(), int(category[row]), 0.6, free[row].detach().numpy(), True)
        np.testing.assert_allclose(found[row], want, atol=1e-8)


def test_what_is_returned_belongs_together():
    parts, theta = networks(), thetas()
    made = maximise(theta, *parts, [0, 1, 1], eta=0.5, rng=seeded(), keep_steps=(0, 2, 4), **HOW)
    assert made.images.shape == (3, 5, 3, SIDE, SIDE)
    assert made.z.shape == (3, 5, D)
    assert made.path.shape == made.objective_path.shape == (3, 5, 5)
    assert made.preference.shape == made.realness.shape == made.objective.shape == (3, 5)
    assert sorted(made.kept) == [0, 2, 4]
    assert (np.diff(made.objective, axis=1) <= 0).all()
    np.testing.assert_array_equal(made.objective, made.preference - 0.5 * made.realness)
    np.testing.assert_array_equal(made.path[:, -1], made.preference)
    np.testing.assert_array_equal(made.objective_path[:, -1], made.objective)
    np.testing.assert_array_equal(made.kept[4], made.images)
    objective, rng = Objective(*parts, LARGE, 0.5), seeded()
    with at_rest(*parts), torch.no_grad():
        for query, category in enumerate([0, 1, 1]):
            of = torch.full((5,), category)
            users = theta[query].expand(5, -1)
            preference, loss, images = objective(torch.from_numpy(made.z[query]), users, of)
            np.testing.assert_allclose(made.images[query], images, atol=1e-12)
            np.testing.assert_allclose(made.preference[query], preference, atol=1e-12)
            np.testing.assert_allclose(made.realness[query], loss, atol=1e-12)
            for step, row in ((0, 0), (2, 2)):  # an image kept is that of its column of the path
                vectors = parts[0](upscale(torch.from_numpy(made.kept[step][query]), LARGE))
                np.testing.assert_allclose(made.path[query, row], (users * vectors).sum(1), atol=1e-12)
            starts = parts[1](torch.tanh(draw_free(rng, 5, D, "paper").double()), of).numpy()
            by_pixel = [images[images[:, 0, 0, 0].argsort()] for images in (starts, made.kept[0][query])]
            np.testing.assert_allclose(*by_pixel, atol=1e-12)


def test_many_queries_are_as_one_by_one_and_blocks_change_nothing():
    parts, theta = networks(), thetas()
    together = maximise(theta, *parts, [0, 1, 1], rng=seeded(), keep_steps=(1,), **HOW)
    rng = seeded()
    for query, category in enumerate([0, 1, 1]):
        alone, one = maximise(theta[query], *parts, category, rng=rng, keep_steps=(1,), **HOW), together.query(query)
        assert alone.images.shape == (5, 3, SIDE, SIDE)
        for name in ("images", "z", "preference", "realness", "objective", "path", "objective_path"):
            np.testing.assert_allclose(getattr(alone, name), getattr(one, name), atol=1e-12)
        np.testing.assert_allclose(alone.kept[1], one.kept[1], atol=1e-12)
    for block in (1, 4, 15):
        again = maximise(theta, *parts, [0, 1, 1], rng=seeded(), keep_steps=(1,), block=block, **HOW)
        np.testing.assert_allclose(again.objective_path, together.objective_path, atol=1e-12)
        np.testing.assert_allclose(again.kept[1], together.kept[1], atol=1e-12)
    as_arrays = maximise(theta.numpy(), *parts, np.array([0, 1, 1]), rng=seeded(), **HOW)
    np.testing.assert_array_equal(as_arrays.objective, together.objective)


def test_a_small_rate_goes_up_alone():
    """The toy is smooth: without L_real each start's preference rises at every step."""
    made = maximise(
        thetas(4), *networks(), [0, 1, 0, 1], eta=0.0, rng=seeded(), steps=40, rate=0.005, side_phi=LARGE, starts=4
    )
    assert (np.diff(made.path, axis=1) > 0).all()
    np.testing.assert_array_equal(made.objective_path, made.path)
    assert (made.path[:, -1] - made.path[:, 0]).min() > 0.01


def test_a_large_eta_pulls_to_what_is_real():
    how = {"steps": 150, "rate": 0.05, "side_phi": LARGE, "starts": 8}
    parts = networks(6)  # toys whose D can say 1
    free, held = (maximise(thetas(1)[0], *parts, 0, eta=eta, rng=seeded(), **how) for eta in (0.0, 1e3))
    assert held.realness[0] < 1e-3 < free.realness[0]
    assert held.preference[0] < free.preference[0]


def test_z_stays_in_its_cube_under_the_papers_start_alone():
    how = {"steps": 60, "rate": 0.5, "side_phi": LARGE, "starts": 20, "eta": 0.0}
    inside = maximise(thetas(1)[0], *networks(), 0, rng=seeded(), start="paper", **how)
    outside = maximise(thetas(1)[0], *networks(), 0, rng=seeded(), start="code", **how)
    assert 0.99 < np.abs(inside.z).max() <= 1
    assert np.abs(outside.z).max() > 1.5


@pytest.mark.parametrize(("start", "deviation"), [("paper", 1 / math.sqrt(3)), ("code", 0.5)])
def test_starts_are_drawn_as_said(start, deviation):
    free = draw_free(seeded(), 400, 100, start)
    assert free.dtype == torch.float32 and free.shape == (400, 100)
    z = (torch.tanh(free) if start == "paper" else free).double()
    assert abs(float(z.mean())) < 4 * deviation / 200  # four standard errors of 40,000 draws
    assert float(z.std()) == pytest.approx(deviation, rel=0.015)
    if start == "paper":  # uniform: a tenth in each tenth
        counts = np.histogram(z, bins=10, range=(-1, 1))[0]
        assert chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_round_trip_of_tanh_near_the_edges(dtype):
    z = torch.tensor([-1.0, -EDGE, -0.999999, -0.5, 0.0, 1e-30, 0.3, 0.999999, EDGE, 1.0], dtype=dtype)
    free = to_free(z)
    assert free.isfinite().all()
    assert free.abs().max() < 9
    # at the edge a unit in the last place of z is .3 of z'; back in z it is one again
    assert (torch.tanh(free) - z).abs().max() <= 2**-23
    np.testing.assert_allclose(free[3:7], 0.5 * (torch.log1p(z) - torch.log1p(-z))[3:7], rtol=1e-6)
    assert (to_free(-z) == -free).all()


def test_a_start_at_the_edge_climbs(monkeypatch):
    """U(-1, 1) in float32 is -1 now and then."""
    monkeypatch.setattr(torch, "rand", lambda *shape, generator: torch.zeros(*shape))
    made = maximise(thetas(1)[0].float(), *networks(dtype=torch.float32), 0, rng=seeded(), **HOW)
    assert np.isfinite(made.objective).all() and np.isfinite(made.z).all()
    assert made.images.dtype == np.float32


def test_networks_are_afterwards_as_they_came():
    parts = networks()
    parts[1].train()
    parts[1].normal.eval()  # of parts of a network too
    parts[0].eval()
    parts[0].linear.bias.requires_grad_(False)
    parts[2].linear.weight.grad = torch.ones_like(parts[2].linear.weight)
    before = [{name: value.clone() for name, value in part.state_dict().items()} for part in parts]
    modes = [[module.training for module in part.modules()] for part in parts]
    wants = [[weight.requires_grad for weight in part.parameters()] for part in parts]

    def check():
        for part, saved, mode, want in zip(parts, before, modes, wants, strict=True):
            assert all(torch.equal(value, saved[name]) for name, value in part.state_dict().items())
            assert [module.training for module in part.modules()] == mode
            assert [weight.requires_grad for weight in part.parameters()] == want
        assert (parts[2].linear.weight.grad == 1).all()
        assert all(w.grad is None for part in parts for w in part.parameters() if w is not parts[2].linear.weight)

    meanwhile = set()
    hooks = [
        part.linear.register_forward_hook(lambda of, *_: meanwhile.add((of.training, of.weight.requires_grad)))
        for part in parts
    ]
    theta = thetas(2).requires_grad_()
    made = maximise(theta, *parts, [0, 1], rng=seeded(), **HOW)
    assert meanwhile == {(False, False)}  # no gradient of a weight is so much as computed
    for hook in hooks:
        hook.remove()
    check()
    assert theta.grad is None
    fit_prototype(made.images[0, 0], parts[1], 0, starts=2, steps=2, rate=0.1, rng=seeded())
    tailor(torch.zeros(D), theta, *parts, 0, steps=2, rate=0.1, side_phi=LARGE)
    check()
    with pytest.raises(ValueError, match="phi gives"):
        maximise(torch.ones(K + 1), *parts, 0, rng=seeded(), **HOW)
    check()
    for part in parts:
        part.eval()
    calm = maximise(theta, *parts, [0, 1], rng=seeded(), **HOW)  # no dropout and no statistics of the batch before
    np.testing.assert_array_equal(calm.objective_path, made.objective_path)


def test_a_seed_means_the_same_and_nothing_global_moves():
    before = torch.get_rng_state()
    one, again, other = (
        maximise(thetas(2), *networks(), [0, 1], rng=seeded(seed), **HOW).objective for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()
    assert torch.equal(before, torch.get_rng_state())
    with torch.no_grad():  # the caller's own mode does not matter
        np.testing.assert_array_equal(maximise(thetas(2), *networks(), [0, 1], rng=seeded(), **HOW).objective, one)


def test_without_a_step_it_draws():
    parts = networks()
    made = maximise(thetas(1)[0], *parts, 1, rng=seeded(), **{**HOW, "steps": 0})
    z = torch.tanh(draw_free(seeded(), 5, D, "paper").double())
    assert {tuple(row) for row in made.z.tolist()} == {tuple(row) for row in z.tolist()}
    assert made.path.shape == (1, 5)


def test_equal_objectives_keep_the_order_of_the_starts():
    parts = networks()
    made = maximise(torch.zeros(K, dtype=torch.float64), *parts, 0, eta=0.0, rng=seeded(), **{**HOW, "steps": 0})
    np.testing.assert_allclose(made.z, torch.tanh(draw_free(seeded(), 5, D, "paper").double()))


def test_the_gan_of_the_paper_climbs_too():
    """The project's own networks, in small, to a larger phi."""
    rng = seeded()
    generator = gan.Generator(C, side=16, width=1 / 32, latent=7, rng=rng)
    discriminator = gan.Discriminator(C, side=16, width=1 / 32, rng=rng)
    made = maximise(
        torch.ones(K), Says(20, K), generator, discriminator, 1, rng=rng, starts=3, steps=3, rate=0.05, side_phi=20
    )
    assert made.images.shape == (3, 3, 16, 16) and made.images.dtype == np.float32
    assert np.abs(made.images).max() <= 1
    assert generator.training and discriminator.training


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"eta": -1.0}, "eta"),
        ({"eta": math.nan}, "eta"),
        ({"starts": 0}, "starts"),
        ({"steps": -1}, "steps"),
        ({"rate": 0.0}, "rate"),
        ({"rate": math.inf}, "rate"),
        ({"start": "codes"}, "start"),
        ({"block": 0}, "block"),
        ({"keep_steps": (5,)}, "from 0 to 4"),
        ({"side_phi": SIDE - 1}, "side"),
        ({"category": -1}, "integers"),
        ({"category": 0.5}, "integers"),
        ({"category": [0]}, "one number"),
        ({"theta": torch.ones(2, K)}, "one number"),
        ({"theta": torch.ones(0, K), "category": []}, "expected"),
        ({"theta": torch.ones(K + 1)}, "phi gives"),
    ],
)
def test_what_cannot_climb_is_refused(change, match):
    given = {"theta": thetas(1)[0], "category": 0, "rng": seeded(), **HOW, **change}
    with pytest.raises(ValueError, match=match):
        maximise(given.pop("theta"), *networks(), given.pop("category"), **given)


def test_a_discriminator_of_columns_is_refused():
    """(R, 1) less 1, from (R,), would be R x R."""
    parts = networks()
    parts[2] = type("Column", (Says,), {"forward": lambda self, x, c: Says.forward(self, x, c)[:, None]})(SIDE).double()
    with pytest.raises(ValueError, match="discriminator"):
        maximise(thetas(1)[0], *parts, 0, rng=seeded(), **HOW)


def test_an_objective_that_is_no_number_is_an_error():
    parts = networks()
    with torch.no_grad():
        parts[0].linear.bias[0] = math.nan
    with pytest.raises(FloatingPointError, match="step 0"):
        maximise(thetas(1)[0], *parts, 0, rng=seeded(), **HOW)


def test_adam_upwards_finds_the_top_of_a_hill():
    top = torch.tensor([[0.3, -1.2], [2.0, 0.1]])
    begun, steps = torch.zeros(2, 2), []

    def value(free, step):
        steps.append(step)
        return -((free - top) ** 2).sum(dim=1)

    found = climbed(begun, value, 400, 0.05)
    assert (found - top).abs().max() < 1e-2
    assert not found.requires_grad and (begun == 0).all()
    assert steps == list(range(401))


@pytest.mark.parametrize(("small", "large"), [(4, 4), (4, 6), (64, 224), (128, 224), (96, 128)])
def test_upscaling_repeats_pixels(small, large):
    x = torch.rand(1, 3, small, small, generator=seeded(), dtype=torch.float64, requires_grad=True)
    found, at = upscale(x, large), [i * small // large for i in range(large)]
    assert torch.equal(found, x[:, :, at][:, :, :, at])
    found.sum().backward()
    times = torch.tensor([at.count(i) for i in range(small)], dtype=torch.float64)
    assert torch.equal(x.grad[0, 0], torch.outer(times, times))


def test_downscaling_is_the_mean_over_an_area():
    x = torch.rand(2, 3, 6, 6, generator=seeded(), dtype=torch.float64)
    want = x.view(2, 3, 3, 2, 3, 2).mean(dim=(3, 5))
    np.testing.assert_allclose(downscale(x, 3), want, atol=1e-15)
    assert downscale(x, 6) is x
    np.testing.assert_allclose(downscale(upscale(x, 12), 6), x, atol=1e-15)
    with pytest.raises(ValueError, match="less"):
        downscale(x, 7)
    with pytest.raises(ValueError, match="more"):
        upscale(x, 5)


def test_retrieval_by_plain_loops():
    rng = np.random.default_rng(0)
    theta, vectors = rng.normal(size=4), rng.normal(size=(30, 4))
    members = rng.permutation(30)[:12]
    want = sorted(members.tolist(), key=lambda e: -sum(theta[k] * vectors[e, k] for k in range(4)))
    assert retrieve(theta, vectors, members).tolist() == want
    assert retrieve(np.zeros(4), vectors, members).tolist() == members.tolist()  # ties
    for bad in (np.array([], int), np.array([30]), np.array([-1]), np.array([0.5]), np.array([[0]])):
        with pytest.raises(ValueError, match="members"):
            retrieve(theta, vectors, bad)
    with pytest.raises(ValueError, match="theta"):
        retrieve(theta[:3], vectors, members)
    vectors[members[2], 1] = math.nan
    with pytest.raises(ValueError, match=f"row {members[2]} is NaN"):
        retrieve(theta, vectors, members)


def test_one_picture_is_chosen_with_the_probabilities_of_eq_11():
    objective, rng = np.array([0.0, 1.0, -1.0, 0.5]), np.random.default_rng(0)
    counts = np.bincount([choose(objective, 1, rng)[0] for _ in range(8000)], minlength=4)
    p = np.exp(objective) / np.exp(objective).sum()
    assert chisquare(counts, 8000 * p).pvalue > 1e-3
    assert chisquare(counts, 8000 * p[::-1]).pvalue < 1e-9  # and the test would see another


def test_two_pictures_are_drawn_one_after_the_other():
    """p(a, b) = p(a) p(b) / (1 - p(a)): of all ordered pairs."""
    objective, rng = np.array([0.0, 1.0, -1.0, 0.5]), np.random.default_rng(1)
    counts = Counter(tuple(choose(objective, 2, rng).tolist()) for _ in range(8000))
    p = np.exp(objective) / np.exp(objective).sum()
    pairs = list(permutations(range(4), 2))
    assert set(counts) <= set(pairs)
    want = [8000 * p[a] * p[b] / (1 - p[a]) for a, b in pairs]
    assert chisquare([counts[pair] for pair in pairs], want).pvalue > 1e-3


def test_choosing_survives_large_objectives():
    small, large = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0]) + 2.0**50
    for seed in range(20):  # 2^50 + 1 is exact: eq. 11 knows differences alone
        one, other = (choose(of, 2, np.random.default_rng(seed)).tolist() for of in (small, large))
        assert one == other
    assert choose(np.array([0.0, 1e300, -1e300]), 2, np.random.default_rng(0)).tolist() == [1, 0]
    assert sorted(choose(small, 3, np.random.default_rng(0)).tolist()) == [0, 1, 2]
    for objective, k in ((small, 0), (small, 4), (small[None], 1), (np.array([0.0, math.inf]), 1)):
        with pytest.raises(ValueError, match="expected"):
            choose(objective, k, np.random.default_rng(0))
