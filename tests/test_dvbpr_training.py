"""Training of DVBPR: a step by loops and by hand, gradients by differences, resuming, spoilt losses, planted taste."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from likeness.models.dvbpr import training
from likeness.models.dvbpr.cnnf import CNNF, Warm
from likeness.models.dvbpr.dvbpr import DVBPR, all_scores
from likeness.models.dvbpr.sampling import history_of, negatives
from likeness.models.dvbpr.training import Schedule, step_cost, train
from likeness.models.photo_encoder import PhotoEncoder

USERS, ITEMS, SIDE = 6, 9, 32
FAST = {"batch": 8, "rate": 1e-3}


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


def made(kind="cnnf", seed=0, dropout=0.5, users=USERS):
    if kind == "warm":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            encoder = PhotoEncoder({"type": 2}, (4, 6))
        return DVBPR(Warm(encoder, 3, rng=dice(seed)), users, 3, rng=dice(seed + 1))
    net = CNNF(3, SIDE, 1 / 64, stride=2, dropout=dropout, rng=dice(seed))
    return DVBPR(net, users, 3, rng=dice(seed + 1))


def shop(seed=0, users=USERS, items=ITEMS, each=3):
    """Photographs of noise, (n, 2) pairs, and the history."""
    rng = np.random.default_rng(seed)
    photos = rng.integers(0, 256, (items, 3, SIDE, SIDE)).astype(np.uint8)
    pairs = np.array([(u, i) for u in range(users) for i in sorted(rng.choice(items, each, replace=False))])
    return photos, pairs, history_of(pairs, users, items)


def quiet(epoch, model):
    pass


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


# One step


def triple_cost(model, photos, triples, history, schedule):
    """The cost by loops over triples, one photograph at a time, in double precision."""
    theta = model.theta.detach().double().tolist()
    phi = [model.phi(torch.from_numpy(p[None]).double() / 127.5 - 1)[0].tolist() for p in photos]

    def loss(u, i, j):
        x = sum(t * (a - b) for t, a, b in zip(theta[u], phi[i], phi[j], strict=True))
        return math.log(1 + math.exp(-x))

    total, each = 0.0, list(zip(*(side.tolist() for side in triples), strict=True))
    for u, i, j in each:
        if schedule.negatives == "one":
            total += loss(u, i, j)
        else:
            new = [loss(u, i, k) for _, _, k in each if not history[u, k]]
            total += sum(new) / len(new)
    scale = 0.5 if schedule.variant == "coded" else 1.0
    total += scale * schedule.l2_theta * sum(t * t for u, _, _ in each for t in theta[u])
    for name, w in model.phi.named_parameters():
        if name.endswith("weight"):
            total += scale * schedule.weight_decay * float((w.detach() ** 2).sum())
    return total


def triples_of(pairs, history, n=7, seed=3):
    rng = np.random.default_rng(seed)
    users, liked = pairs[rng.integers(len(pairs), size=n)].T
    return users, liked, negatives(rng, users, history)


@pytest.mark.parametrize("kind", ["one", "shared"])
@pytest.mark.parametrize("variant", ["coded", "literal"])
def test_the_cost_of_a_step_by_loops(kind, variant):
    photos, pairs, history = shop()
    model = made(dropout=0.0).double()
    schedule = Schedule(1, negatives=kind, variant=variant)
    triples = triples_of(pairs, history)
    losses, cost = step_cost(model, photos, triples, history, schedule)
    assert losses.shape == (7,) and cost.shape == ()
    assert cost.item() == pytest.approx(triple_cost(model, photos, triples, history, schedule), rel=1e-10)


def test_shared_negatives_skip_what_the_user_has_taken():
    """Two users who took each other's negatives: all that is left to either is the negative drawn for that user."""
    history = history_of(np.array([[0, 0], [0, 3], [1, 1], [1, 2]]), 2, 4)
    photos = shop(items=4)[0]
    model = made(dropout=0.0, users=2).double()
    triples = np.array([0, 1]), np.array([0, 1]), np.array([2, 3])  # item 3 is new to user 1 alone
    shared, one = (step_cost(model, photos, triples, history, Schedule(1, negatives=n))[0] for n in ("shared", "one"))
    torch.testing.assert_close(shared, one)
    free = history_of(np.array([[0, 0], [1, 1]]), 2, 4)
    assert (step_cost(model, photos, triples, free, Schedule(1, negatives="shared"))[0] != one).all()


@pytest.mark.parametrize("kind", ["one", "shared"])
def test_gradients_by_differences(kind):
    photos, pairs, history = shop()
    model = made(dropout=0.0).double()
    schedule = Schedule(1, negatives=kind, weight_decay=0.1)
    triples = triples_of(pairs, history)

    def cost():
        return step_cost(model, photos, triples, history, schedule)[1]

    cost().backward()
    rng, step = np.random.default_rng(0), 1e-6
    for name, w in model.named_parameters():
        flat, grad = w.detach().view(-1), w.grad.reshape(-1)
        if name == "phi.full.6.bias":  # it cancels in x_ui - x_uj: only rounding ever moves it, and a user's scores
            assert grad.abs().max() < 1e-12
            continue
        assert grad.abs().max() > 1e-6, name
        for at in (int(grad.abs().argmax()), *rng.integers(len(flat), size=2).tolist()):
            before = flat[at].item()
            with torch.no_grad():
                up, down = [(flat[at].fill_(before + d), cost().item())[1] for d in (step, -step)]
                flat[at] = before
            # rounding of costs near 10 by 1e-15 over 2e-6, and the third derivative
            assert grad[at].item() == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-7), name


def test_each_photograph_passes_the_network_once():
    photos, pairs, history = shop()
    model = made()
    seen = []
    model.phi.register_forward_hook(lambda net, given, found: seen.append(given[0]))
    users, liked, other = np.array([0, 0, 1]), pairs[[0, 0, 3], 1], np.array([8, 8, 8])
    step_cost(model, photos, (users, liked, other), history, Schedule(1))
    assert [len(x) for x in seen] == [len({*liked, 8})]
    want = photos[sorted({*liked, 8})] / 127.5 - 1
    np.testing.assert_allclose(seen[0].numpy(), want, atol=1e-6)


def test_adams_steps_for_theta_by_hand():
    """Network fixed: theta by Kingma and Ba's algorithm 1, gradient by hand, three epochs of two steps each."""
    photos, pairs, history = shop()
    model = made(dropout=0.0).double()
    for w in model.phi.parameters():
        w.requires_grad_(False)
    theta = model.theta.detach().numpy().copy()
    phi = model.phi(torch.from_numpy(photos).double() / 127.5 - 1).numpy()
    schedule = Schedule(3, batch=10, rate=0.05, l2_theta=0.7)
    train(model, photos, pairs, history, schedule, 5, quiet)
    rng, m, v, t = np.random.default_rng(5), 0.0, 0.0, 0
    for _ in range(3):
        order = pairs[rng.permutation(len(pairs))]
        for batch in (order[:10], order[10:]):
            users, liked = batch.T
            gradient = np.zeros_like(theta)
            for u, i, j in zip(users, liked, negatives(rng, users, history), strict=True):
                x = theta[u] @ (phi[i] - phi[j])
                gradient[u] += -(phi[i] - phi[j]) / (1 + np.exp(x)) + 0.7 * theta[u]
            t, m, v = t + 1, 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
            theta = theta - 0.05 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(model.theta.detach(), theta, rtol=1e-9)


def test_the_fused_adam_is_the_plain_one(monkeypatch):
    """Filters lie channels last in memory, as do their gradients and moments: the fused kernel must pair them up."""
    fused, plain = made(), made()
    start = copy.deepcopy(fused)
    train(fused, *shop(), Schedule(3, **FAST), 0, quiet)
    adam = torch.optim.Adam
    monkeypatch.setattr(torch.optim, "Adam", lambda *given, fused, **more: adam(*given, **more))
    train(plain, *shop(), Schedule(3, **FAST), 0, quiet)
    for one, other, before in zip(fused.parameters(), plain.parameters(), start.parameters(), strict=True):
        if one.numel() > 3:  # not the last bias, which rounding moves
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)
            assert (one - before).abs().max() > 1e-4


def test_every_pair_is_seen_once_an_epoch():
    pairs = shop()[1]
    drawn = training._drawn(pairs, "pairs", np.random.default_rng(0))
    assert drawn.tolist() != pairs.tolist()
    assert sorted(drawn.tolist()) == sorted(pairs.tolist())


def test_or_every_user_as_often_as_any_other():
    pairs = np.array([(0, i) for i in range(90)] + [(7, 1)] * 5 + [(7, 2)] * 5)
    pairs = np.random.default_rng(1).permutation(pairs)
    drawn = np.concatenate([training._drawn(pairs, "users", np.random.default_rng(s)) for s in range(40)])
    assert len(drawn) == 4000
    assert set(map(tuple, drawn.tolist())) <= set(map(tuple, pairs.tolist()))
    assert (drawn[:, 0] == 7).mean() == pytest.approx(0.5, abs=0.04)  # 5 standard errors; .1 by pairs
    assert (drawn[drawn[:, 0] == 7, 1] == 1).mean() == pytest.approx(0.5, abs=0.06)


# Training


@pytest.mark.parametrize("kind", ["cnnf", "warm"])
def test_a_seed_means_the_same_and_nothing_global_moves(kind):
    data, schedule = shop(), Schedule(2, **FAST)
    before, seen = torch.get_rng_state(), []
    one, other, third = made(kind), made(kind), made(kind)
    losses = train(one, *data, schedule, 3, lambda epoch, model: seen.append((epoch, model is one, model.training)))
    assert torch.equal(torch.get_rng_state(), before)
    assert seen == [(1, True, False), (2, True, False)]
    torch.manual_seed(99)
    assert train(other, *data, schedule, 3, lambda epoch, model: torch.rand(epoch)) == losses
    assert same(one, other) and not one.training
    train(third, *data, schedule, 4, quiet)
    assert not same(one, third)
    assert len(losses) == 2 and 0 < losses[0] < 1


def test_the_loss_is_of_pairs_without_penalties():
    losses = train(made(), *shop(), Schedule(1, batch=5, weight_decay=1.0), 0, quiet)
    assert losses[0] == pytest.approx(math.log(2), abs=0.01)  # theta is near 0; the decay alone is over 10 a pair


def test_photographs_in_any_layout_train_the_same():
    photos, pairs, history = shop()
    turned = np.ascontiguousarray(photos.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    turned.flags.writeable = False
    one, other = made(), made()
    train(one, photos, pairs, history, Schedule(1, **FAST), 0, quiet)
    train(other, turned, pairs, history, Schedule(1, **FAST), 0, quiet)
    assert same(one, other)


def test_half_trains_near_full_and_keeps_full_weights():
    full, half = made(dropout=0.0), made(dropout=0.0)
    losses = [train(m, *shop(), Schedule(3, half=m is half, **FAST), 0, quiet) for m in (full, half)]
    assert all(w.dtype == torch.float32 for w in half.parameters())
    assert not same(full, half)
    assert losses[0] == pytest.approx(losses[1], abs=0.01)


class Stopped(Exception):
    pass


def stop_after(last):
    def after(epoch, model):
        if epoch == last:
            raise Stopped

    return after


@pytest.mark.parametrize(("kind", "negative"), [("cnnf", "one"), ("warm", "shared")])
def test_an_interrupted_training_ends_the_same_bit_for_bit(tmp_path, kind, negative):
    data, schedule, file = shop(), Schedule(4, negatives=negative, **FAST), tmp_path / "state.pt"
    whole = made(kind)
    losses = train(whole, *data, schedule, 0, quiet)
    for stop in (1, 3):
        with pytest.raises(Stopped):
            train(made(kind), *data, schedule, 0, stop_after(stop), checkpoint=file)
    other, seen = made(kind, seed=50), []  # its own weights do not count
    assert train(other, *data, schedule, 0, lambda epoch, _: seen.append(epoch), checkpoint=file) == losses
    assert seen == [3, 4]  # epoch 3 was done, but not what comes after it
    assert same(whole, other)
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]
    done, seen = made(kind, seed=51), []
    assert train(done, *data, schedule, 0, lambda epoch, _: seen.append(epoch), checkpoint=file) == losses
    assert same(whole, done) and seen == [] and not done.training
    longer, want = made(kind), made(kind)
    more = Schedule(5, negatives=negative, **FAST)
    assert train(longer, *data, more, 0, quiet, checkpoint=file) == train(want, *data, more, 0, quiet)
    assert same(longer, want)


def test_the_first_epoch_too_starts_from_the_file(tmp_path):
    model, want, file = made(), made(), tmp_path / "state.pt"
    with pytest.raises(Stopped):
        train(model, *shop(), Schedule(1, **FAST), 0, stop_after(1), checkpoint=file)
    train(model, *shop(), Schedule(1, **FAST), 0, quiet, checkpoint=file)  # a model that has been trained already
    train(want, *shop(), Schedule(1, **FAST), 0, quiet)
    assert same(model, want)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    file = tmp_path_factory.mktemp("checkpoint") / "state.pt"
    train(made(), *shop(), Schedule(2, **FAST), 0, quiet, checkpoint=file)
    return file.read_bytes()


def other_photo(photos, pairs, history):
    photos[4, 0, 0, 0] ^= 1
    return photos, pairs, history


def other_history(photos, pairs, history):
    more = history.tolil()
    more[0] = True
    more[0, [i for i in range(ITEMS) if not history[0, i]][0]] = False
    return photos, pairs, more.tocsr()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": lambda: made("warm")}, "is of another training"),
        ({"model": lambda: made(dropout=0.25)}, r"network is \(2\): Dropout\(p=0\.5\) there, .*0\.25\) here"),
        ({"schedule": Schedule(2, batch=8, rate=1e-4)}, r"rate is 0\.001 there, 0\.0001 here"),
        ({"schedule": Schedule(2, negatives="shared", **FAST)}, "negatives is one there, shared here"),
        ({"schedule": Schedule(1, **FAST)}, "has 2 epochs: expected at most 1"),
        ({"seed": 1}, "seed is 0 there, 1 here"),
        ({"data": lambda: shop(seed=1)}, "data is"),
        ({"data": lambda: other_photo(*shop())}, "data is"),
        ({"data": lambda: other_history(*shop())}, "data is"),
        ({"data": lambda: shop(users=7), "model": lambda: made(users=7)}, r"theta is \(6, 3\) .* there, \(7, 3\)"),
        ({"spoil": lambda b: b[: len(b) // 2]}, "damaged"),
        ({"spoil": lambda b: b""}, "damaged"),
        ({"spoil": lambda b: b"not a checkpoint at all"}, "damaged"),
    ],
)
def test_checkpoints_that_are_refused(tmp_path, saved, change, message):
    file = tmp_path / "state.pt"
    file.write_bytes(change.get("spoil", bytes)(saved))
    model = change.get("model", made)()
    before = copy.deepcopy(model)
    schedule = change.get("schedule", Schedule(2, **FAST))
    with pytest.raises(ValueError, match=message):
        train(model, *change.get("data", shop)(), schedule, change.get("seed", 0), quiet, checkpoint=file)
    assert same(model, before)
    assert file.exists()


def test_an_altered_bit_of_the_weights_is_seen(tmp_path, saved):
    file = tmp_path / "state.pt"
    some = made()
    train(some, *shop(), Schedule(2, **FAST), 0, quiet)
    at = saved.index(some.theta.detach().numpy().tobytes()) + 2
    file.write_bytes(saved[:at] + bytes([saved[at] ^ 1]) + saved[at + 1 :])
    with pytest.raises(ValueError, match="damaged one .*checksum"):
        train(made(), *shop(), Schedule(2, **FAST), 0, quiet, checkpoint=file)


def test_files_of_other_kinds_are_refused(tmp_path):
    file = tmp_path / "state.pt"
    torch.save({"model": {}}, file)
    with pytest.raises(ValueError, match="holds other things"):
        train(made(), *shop(), Schedule(2, **FAST), 0, quiet, checkpoint=file)
    torch.save(quiet, file)  # a pickle that would run code
    with pytest.raises(ValueError, match="no checkpoint of `train`"):
        train(made(), *shop(), Schedule(2, **FAST), 0, quiet, checkpoint=file)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        train(made(), *shop(), Schedule(2, **FAST), 0, quiet, checkpoint=tmp_path / "nowhere" / "state.pt")


class Breaks(nn.Module):
    """A network whose vectors, or their gradient, become NaN at one step of training."""

    def __init__(self, at, where):
        super().__init__()
        self.inner, self.at, self.where, self.step = nn.Linear(3 * SIDE * SIDE, 3), at, where, 0

    def forward(self, x):
        y = self.inner(x.flatten(1))
        self.step += self.training
        if self.training and self.step == self.at:
            if self.where == "loss":
                return y * math.nan
            y.register_hook(lambda gradient: gradient * math.nan)
        return y


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(
    ("at", "where", "message"),
    [
        (8, "loss", "the loss became nan in epoch 3, step 2 of 3; .* after epoch 2. Try a rate below 0.001"),
        (7, "gradient", "the loss became nan in epoch 3, step 2 of 3"),
        (9, "gradient", "sum of some weights became nan in epoch 3, step 3 of 3"),  # no loss has shown it yet
        (1, "loss", "epoch 1, step 1 of 3; .* after epoch 0"),
    ],
)
def test_a_spoilt_loss_stops_and_sets_back(tmp_path, kept, at, where, message):
    file = tmp_path / "state.pt" if kept else None
    model = DVBPR(Breaks(at, where), USERS, 3, rng=dice())
    good = [copy.deepcopy(model)]
    with pytest.raises(FloatingPointError, match=message):
        train(model, *shop(), Schedule(4, **FAST), 0, lambda _, m: good.append(copy.deepcopy(m)), checkpoint=file)
    assert same(model, good[-1]) and not model.training
    if kept:
        there = torch.load(file, weights_only=True)
        assert len(there["losses"]) == len(good) - 1
        assert torch.equal(there["model"]["theta"], model.theta)


# What it is for


def garments(n, seed):
    """A patch on noise in one of two colours: (photographs, colours)."""
    rng = np.random.default_rng(seed)
    photos = rng.integers(160, 256, (n, 3, SIDE, SIDE)).astype(np.uint8)
    colour = rng.integers(0, 2, n)
    for i, (top, left) in enumerate(rng.integers(0, SIDE - 16, (n, 2))):
        photos[i, :, top : top + 16, left : left + 16] = 30
        photos[i, colour[i], top : top + 16, left : left + 16] = 230
    return photos, colour


def planted(seed):
    photos, colour = garments(120, seed)
    rng = np.random.default_rng(seed + 100)
    taste = rng.integers(0, 2, 60)
    pairs = np.array([(u, i) for u in range(60) for i in rng.choice(np.flatnonzero(colour == taste[u]), 8, False)])
    return photos, pairs, history_of(pairs, 60, 120), taste


def auc_of_taste(model, taste, seed):
    """On photographs of which training saw none: how often one of the user's colour is before one of another."""
    photos, colour = garments(90, seed)
    found = []
    for u, row in enumerate(all_scores(model, photos)):
        mine, others = row[colour == taste[u]], row[colour != taste[u]]
        found.append((mine[:, None] > others).mean())
    return float(np.mean(found))


@pytest.mark.parametrize(("negative", "epochs"), [("one", 6), ("shared", 4)])
def test_a_planted_taste_is_found_in_photographs_never_seen(negative, epochs):
    """Two colours are one direction of taste. With three, the second takes some 30 epochs more: one after the other."""
    photos, pairs, history, taste = planted(0)
    model = DVBPR(CNNF(8, SIDE, 1 / 16, stride=2, rng=dice()), 60, 8, rng=dice(1))
    assert 0.35 < auc_of_taste(model, taste, 9) < 0.65
    losses = train(model, photos, pairs, history, Schedule(epochs, batch=32, rate=2e-3, negatives=negative), 0, quiet)
    assert losses[-1] < 0.5 < losses[0]
    assert auc_of_taste(model, taste, 9) > 0.9


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_draws_the_same():
    here, there = made(), made().to("cuda")
    before = torch.cuda.get_rng_state()
    losses = [train(m, *shop(), Schedule(2, **FAST), 0, quiet) for m in (here, there)]
    assert torch.equal(torch.cuda.get_rng_state(), before)
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"batch": 0}, "batch=0"),
        ({"rate": 0.0}, "rate=0.0"),
        ({"rate": math.nan}, "rate=nan"),
        ({"l2_theta": -1.0}, "l2_theta=-1.0"),
        ({"weight_decay": math.inf}, "weight_decay=inf"),
        ({"negatives": "all"}, "negatives='all'"),
        ({"draw": "items"}, "draw='items'"),
        ({"variant": "half"}, "variant='half'"),
    ],
)
def test_schedules_that_cannot_train(options, message):
    with pytest.raises(ValueError, match=message):
        Schedule(**{"epochs": 1} | options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"photos": shop()[0].astype(float)}, "float64: expected an array"),
        ({"photos": shop()[0][:8]}, r"history of shape \(6, 9\): expected \(6, 8\)"),
        ({"pairs": np.empty((0, 2), int)}, r"pairs of shape \(0, 2\)"),
        ({"pairs": np.array([[0.0, 1.0]])}, "float64: expected"),
        ({"pairs": np.array([[0, 9]])}, r"pairs up to \[0, 9\]"),
        ({"pairs": np.array([[-1, 0]])}, "least -1"),
        ({"history": history_of(np.array([[0, 0]]), USERS, ITEMS)}, "no part of the history"),
        ({"history": history_of(np.array([[u, i] for u in range(USERS) for i in range(ITEMS)]), USERS, ITEMS)}, "all"),
    ],
)
def test_data_that_do_not_fit(change, message):
    photos, pairs, history = shop()
    data = {"photos": photos, "pairs": pairs, "history": history} | change
    with pytest.raises(ValueError, match=message):
        train(made(), *data.values(), Schedule(1), 0, quiet)
