"""Training of the conditional GAN: a step by hand, planted colours, going on after a stop, divergence, bad input."""

import copy

import numpy as np
import pytest
import torch

from likeness.models.dvbpr import gan_training
from likeness.models.dvbpr.gan import Discriminator, Generator, draw_latent, samples
from likeness.models.dvbpr.gan_training import GanSchedule, discriminator_step, generator_step, train_gan

SIDE = 16
BRIEF = GanSchedule(epochs=3, batch=8)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def squares(n=64, seed=0):
    """Red squares (category 0) and blue ones (1) of half the side, of somewhat various colours, on a light wall."""
    rng = np.random.default_rng(seed)
    photos, of = np.full((n, 3, SIDE, SIDE), 235, np.uint8), np.arange(n) % 2
    for photo, category in zip(photos, of, strict=True):
        top, left = rng.integers(3, 6, 2)
        colour = np.roll([220, 30, 30], 2 * category) + rng.integers(-20, 21, 3)
        photo[:, top : top + 8, left : left + 8] = colour[:, None, None]
    return photos, of


def pair(width=1 / 32, seed=0, **options):
    rng = seeded(seed)
    return Generator(2, SIDE, width, 8, rng=rng, **options), Discriminator(2, SIDE, width, rng=rng)


def train(g, d, schedule=BRIEF, seed=0, after=None, data=None, **options):
    return train_gan(g, d, *(data or squares()), schedule, seed, after, device="cpu", **options)


def state(*networks):
    return [value.clone() for network in networks for value in network.state_dict().values()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("up", "half"), [("transposed", True), ("nearest", False)])
def test_it_learns_the_colours_of_two_categories(up, half):
    g, d = pair(1 / 4, up=up)
    train(g, d, GanSchedule(epochs=14, batch=32, rate=5e-4, half=half), data=squares(256))
    made, real = samples(g, np.arange(200) % 2, "uniform", seeded(1)), squares(200)[0].transpose(0, 2, 3, 1)
    for category in (0, 1):
        mean, want = (x[category::2, 6:10, 6:10].mean(axis=(0, 1, 2)) for x in (made, real))
        # (220, 30, 30) and (30, 30, 220): what ignored the category would be 95 off in one of them, so would grey be;
        # a training of 112 steps may be 60 off
        assert np.abs(mean - want).max() < 60
    assert made[:, 0].mean() > 235 - 60  # the wall


@pytest.mark.parametrize("schedule", [GanSchedule(1, 4), GanSchedule(1, 4, latent="normal", halved=True)])
def test_two_steps_by_hand(schedule):
    """As the published code does it: the images of G are made afresh for its own step, from the same codes."""
    data = squares(9)  # one is left out
    (g, d), (g2, d2) = pair(), pair()
    losses = train(g, d, schedule, seed=7, data=data)
    of_g, of_d = (torch.optim.Adam(net.parameters(), 1e-4, (0.5, 0.99)) for net in (g2, d2))
    rng = seeded(7)
    order = torch.randperm(9, generator=rng)
    found = []
    for rows in (order[:4], order[4:8]):
        z = draw_latent(rng, 4, 8, schedule.latent)
        x, c = torch.tensor(data[0])[rows] / 127.5 - 1, torch.tensor(data[1])[rows]
        of_d.zero_grad()
        loss_d = (d2(x, c) - 1).square().mean() + d2(g2(z, c), c).square().mean()
        loss_d = loss_d / 2 if schedule.halved else loss_d
        loss_d.backward()
        of_d.step()
        of_g.zero_grad()
        loss_g = (d2(g2(z, c), c) - 1).square().mean()
        loss_g.backward()
        of_g.step()
        found.append([loss_d.item(), loss_g.item()])
    assert losses.shape == (1, 2)
    assert losses[0] == pytest.approx(np.mean(found, axis=0), rel=1e-5)  # sums in another order, float32
    for one, other in zip((*g.parameters(), *d.parameters()), (*g2.parameters(), *d2.parameters()), strict=True):
        # a step is at most 1e-4 whatever the gradient: biases before a normalisation have only rounding as theirs
        near = (one - other).abs() < 2e-6
        assert near.float().mean() > 0.99 or one.ndim == 1


def test_each_step_moves_one_network():
    g, d = pair()
    of_g, of_d = (torch.optim.Adam(net.parameters(), 1e-2) for net in (g, d))
    photos, category = squares(8)
    real, category = torch.tensor(photos) / 127.5 - 1, torch.tensor(category)
    fake = g(draw_latent(seeded(), 8, 8, "uniform"), category)
    before = [p.detach().clone() for p in (*g.parameters(), *d.parameters())]
    many = len(list(g.parameters()))
    discriminator_step(d, of_d, real, fake, category, BRIEF)
    moved = [not torch.equal(a, b) for a, b in zip(before, (*g.parameters(), *d.parameters()), strict=True)]
    assert not any(moved[:many]) and all(moved[many:])
    assert all(p.grad is None for p in g.parameters())
    before = [p.detach().clone() for p in (*g.parameters(), *d.parameters())]
    generator_step(d, of_g, fake, category, BRIEF)
    moved = [not torch.equal(a, b) for a, b in zip(before, (*g.parameters(), *d.parameters()), strict=True)]
    assert all(moved[:many]) and not any(moved[many:])
    assert all(p.requires_grad for p in d.parameters())


def test_a_step_of_d_lowers_its_loss_and_one_of_g_lowers_that_of_g():
    g, d = pair()
    of_g, of_d = (torch.optim.Adam(net.parameters(), 1e-3) for net in (g, d))
    photos, category = squares(8)
    real, category = torch.tensor(photos) / 127.5 - 1, torch.tensor(category)
    z = draw_latent(seeded(), 8, 8, "uniform")
    found = [discriminator_step(d, of_d, real, g(z, category), category, BRIEF).item() for _ in range(10)]
    assert found[-1] < found[0]
    found = [generator_step(d, of_g, g(z, category), category, BRIEF).item() for _ in range(10)]
    assert found[-1] < found[0]


def test_a_seed_means_the_same_and_nothing_global_moves():
    before = torch.get_rng_state()
    (g, d), (g2, d2), (g3, d3) = pair(), pair(), pair()
    losses = train(g, d, seed=3)
    assert np.array_equal(losses, train(g2, d2, seed=3)) and same(state(g, d), state(g2, d2))
    assert not np.array_equal(losses, train(g3, d3, seed=4))
    assert torch.equal(torch.get_rng_state(), before)
    assert not g.training and not d.training


def test_after_is_told_and_may_end_it():
    g, d = pair()
    told = []

    def after(epoch, one, other):
        told.append((epoch, one is g, other is d, one.training, other.training))
        return epoch == 2

    assert train(g, d, after=after).shape == (2, 2)
    assert told == [(1, True, True, False, False), (2, True, True, False, False)]


def test_it_goes_on_to_the_last_bit(tmp_path):
    path = tmp_path / "gan.pt"
    (g, d), (g2, d2) = pair(), pair()
    want = train(g, d)
    told = []

    def stop(epoch, *_):
        told.append(epoch)
        if epoch == 2 and len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(g2, d2, after=stop, checkpoint=path)
    g2, d2 = pair(seed=9)  # other first weights: all comes from the file
    found = train(g2, d2, after=stop, checkpoint=path)
    assert told == [1, 2, 2, 3]  # an epoch for which `after` has not returned is done again
    assert np.array_equal(found, want) and same(state(g, d), state(g2, d2))
    assert [file.name for file in tmp_path.iterdir()] == ["gan.pt"]


def test_a_finished_or_ended_training_is_not_trained_again(tmp_path):
    path = tmp_path / "gan.pt"
    want = train(*pair(), after=lambda epoch, *_: epoch == 2, checkpoint=path)
    g, d = pair(seed=9)
    assert np.array_equal(train(g, d, after=lambda *_: pytest.fail("called"), checkpoint=path), want)
    path.unlink()
    short = train(*pair(), GanSchedule(epochs=2, batch=8), checkpoint=path)
    longer = train(*pair(), checkpoint=path)  # three
    assert np.array_equal(longer[:2], short) and np.array_equal(longer, train(*pair()))
    with pytest.raises(ValueError, match="holds 3 epochs, 1 were asked for"):
        train(*pair(), GanSchedule(epochs=1, batch=8), checkpoint=path)


def test_checkpoints_of_another_training_are_refused(tmp_path):
    path = tmp_path / "gan.pt"
    train(*pair(), checkpoint=path)
    photos, of = squares()
    other = (photos, 1 - of)
    for said, options in {
        "seed 0, here 1": {"seed": 1},
        "rate 0.0001, here 0.001": {"schedule": GanSchedule(3, 8, rate=1e-3)},
        "data ": {"data": other},
        "up 'transposed', here 'nearest'": {"pair": pair(up="nearest")},
        "widths": {"pair": pair(1 / 16)},
    }.items():
        g, d = options.pop("pair", pair())
        before = state(g, d)
        with pytest.raises(ValueError, match=f"another training: {said}"):
            train(g, d, checkpoint=path, **options)
        assert same(before, state(g, d))


def test_damaged_checkpoints_are_refused(tmp_path):
    path = tmp_path / "gan.pt"
    train(*pair(), checkpoint=path)
    good = path.read_bytes()
    flipped = bytearray(good)
    weights = torch.load(path, weights_only=True)["states"][1]["linear.weight"].numpy().tobytes()
    flipped[good.index(weights)] ^= 1  # the last bit of a weight
    for bad in (b"", b"text", good[: len(good) // 2], bytes(flipped)):
        path.write_bytes(bad)
        g, d = pair()
        before = state(g, d)
        with pytest.raises(ValueError, match="gan.pt: damaged"):
            train(g, d, checkpoint=path)
        assert same(before, state(g, d))
    for content in ([1, 2], {"about": 3}, {"weights": torch.ones(2)}):
        torch.save(content, path)
        with pytest.raises(ValueError, match="no checkpoint of a GAN"):
            train(*pair(), checkpoint=path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        train(*pair(), checkpoint=tmp_path / "nowhere" / "gan.pt")


def broken(monkeypatch, at, how):
    """From its `at`-th call the generator's loss is `how` of the loss and the scores."""
    calls = []

    def loss(scores):
        calls.append(1)
        right = (scores - 1).square().mean()
        return how(right, scores) if len(calls) == at else right

    monkeypatch.setattr(gan_training, "generator_loss", loss)


@pytest.mark.parametrize(
    ("at", "how", "said"),
    [
        (8 + 3, lambda loss, _: loss * float("nan"), "epoch 2, step 3"),
        (16, lambda loss, scores: loss + (scores.sum() * 0).sqrt(), "epoch 2, step 8"),  # the gradient alone is NaN
    ],
)
def test_divergence_is_named_and_undone(monkeypatch, tmp_path, at, how, said):
    broken(monkeypatch, at, how)
    g, d = pair()
    last = []
    with pytest.raises(FloatingPointError, match=said):
        train(g, d, after=lambda epoch, *_: last.append(state(g, d)) and None, checkpoint=tmp_path / "gan.pt")
    assert len(last) == 1 and same(last[0], state(g, d))
    assert not g.training and not d.training
    monkeypatch.undo()
    assert np.isfinite(train(g, d, checkpoint=tmp_path / "gan.pt")).all()  # the file is of the good epoch


def test_a_rate_that_is_too_high_is_named():
    g, d = pair()
    before = state(g, d)
    with pytest.raises(FloatingPointError, match="epoch 1, step .*below 1e\\+38"):
        train(g, d, GanSchedule(2, 8, rate=1e38))
    assert same(before, state(g, d))


def test_bfloat16_keeps_weights_and_losses_in_float32():
    (g, d), (g2, d2) = pair(1 / 8), pair(1 / 8)
    exact, rough = train(g, d), train(g2, d2, GanSchedule(3, 8, half=True))
    assert all(p.dtype == torch.float32 for p in (*g2.parameters(), *d2.parameters()))
    assert not np.array_equal(exact, rough)
    assert rough[0] == pytest.approx(exact[0], rel=0.1)  # eight bits a factor, before the trainings part


def test_photographs_are_left_as_they_were_and_may_lie_anyhow():
    photos, of = squares()
    turned = np.ascontiguousarray(photos.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    turned.flags.writeable = False
    assert np.array_equal(train(*pair(), data=(turned, of.astype(np.int8))), train(*pair(), data=(photos, of)))
    assert (photos == squares()[0]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x, c: (x[:, :2], c), r"\(64, 2, 16, 16\)"),
        (lambda x, c: (x[..., 1:], c), r"expected \(N, 3, 16, 16\) uint8"),
        (lambda x, c: (x / 255, c), "float64"),
        (lambda x, c: (x[:7], c[:7]), "7 photographs for batches of 8"),
        (lambda x, c: (x, c[1:]), r"expected \(64,\) integers"),
        (lambda x, c: (x, c + 1), "1..2"),
        (lambda x, c: (x, c - 1), "-1..0"),
        (lambda x, c: (x, c * 1.0), "float64"),
    ],
)
def test_bad_data_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        train(*pair(), data=change(*squares()))


def test_bad_schedules_and_pairs_are_refused():
    good = {"epochs": 2, "batch": 8}
    for bad in ({"epochs": 0}, {"batch": 1}, {"rate": 0.0}, {"rate": float("nan")}, {"betas": (0.5, 1.0)}):
        with pytest.raises(ValueError, match="expected"):
            GanSchedule(**(good | bad))
    with pytest.raises(ValueError, match="'beta'"):
        GanSchedule(2, 8, latent="beta")
    with pytest.raises(ValueError, match="expected the same"):
        train(pair()[0], Discriminator(3, SIDE))


def test_the_defaults_are_as_printed():
    found = GanSchedule()
    assert (found.epochs, found.batch, found.rate, found.betas, found.latent) == (25, 64, 1e-4, (0.5, 0.99), "uniform")
    assert not found.halved and not found.half


def test_a_copy_of_a_pair_trains_alike():
    """Nothing of a training is kept outside the networks and what is passed."""
    g, d = pair()
    g2, d2 = copy.deepcopy((g, d))
    assert np.array_equal(train(g, d), train(g2, d2))
