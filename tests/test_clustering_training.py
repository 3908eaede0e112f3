"""Networks and training: shapes, laws, what a switch does, and what bad input says."""

import geoopt
import numpy as np
import pytest
import torch

from likeness.data.points import draw_set, label_mask
from likeness.models.clustering.networks import SCALE_INIT, build, nearest_neighbours
from likeness.models.clustering.training import LabelledSet, TrainingOptions, fit, optimisers


def sets(count=6, name="blobs", seed=0):
    rng = np.random.default_rng(seed)
    drawn = draw_set(name, "easy", count, rng, (60, 80))
    return [LabelledSet.of(s.x, s.y, label_mask(s.y, 0.4, rng)) for s in drawn]


def model(name="mlp", **options):
    torch.manual_seed(0)
    return build(name, **options)


def state_of(net):
    return {k: v.clone() for k, v in net.state_dict().items()}


@pytest.mark.parametrize("name", ["mlp", "dgcnn"])
def test_points_lie_on_one_circle_of_the_learned_radius(name):
    net = model(name).eval()
    z = net(torch.randn(30, 2))
    assert z.shape == (30, 2)
    assert torch.allclose(z.norm(dim=1), torch.full((30,), SCALE_INIT), rtol=1e-5)


def test_mlp_has_four_hidden_layers_of_64():
    widths = [m.weight.shape for m in model().network.modules() if isinstance(m, torch.nn.Linear)]
    assert [tuple(w) for w in widths] == [(64, 2), (64, 64), (64, 64), (64, 64), (2, 64)]


def test_neighbours_against_the_loop_and_the_point_is_its_own():
    x = torch.randn(23, 3, generator=torch.Generator().manual_seed(0))
    got = nearest_neighbours(x, 5, chunk=7)
    for i in range(23):
        order = sorted(range(23), key=lambda j: float((x[i] - x[j]).norm()))
        assert set(got[i].tolist()) == set(order[:5]) and i in got[i]


@pytest.mark.parametrize("name", ["mlp", "dgcnn"])
def test_networks_do_not_see_the_order_of_points(name):
    net = model(name).eval()
    x = torch.randn(40, 2, generator=torch.Generator().manual_seed(1))
    order = torch.randperm(40, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(net.directions(x)[order], net.directions(x[order]), atol=1e-5)


def test_training_lowers_the_loss_and_repeats_to_the_bit():
    states = []
    for _ in range(2):
        net = model()
        history = fit(net, sets(), sets(2, seed=1), TrainingOptions(margin=0.2, epochs=6),
                      rng=torch.Generator().manual_seed(0))
        states.append(state_of(net))
    assert history.train[-1] < history.train[0]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])


def test_best_weights_are_a_copy_of_the_best_epoch():
    # held-out labels that contradict the training ones: the better the fit, the worse the held-out loss
    other = [LabelledSet.of(s.x.numpy(), np.arange(len(s.x)) % 3, np.ones(len(s.x), bool)) for s in sets(2, seed=1)]
    kept = {}
    for keep in ("last", "best"):
        net, seen = model(), []
        options = TrainingOptions(margin=0.2, epochs=9, keep=keep)
        history = fit(net, sets(), other, options, rng=torch.Generator().manual_seed(0),
                      on_epoch=lambda *_, net=net, seen=seen: seen.append(state_of(net)))
        kept[keep] = (state_of(net), seen, history)
    state, seen, history = kept["best"]
    best = int(np.argmin(history.validation))
    assert best < 8, "the case shows nothing when the last epoch is the best"
    assert all(torch.equal(state[k], seen[best][k]) for k in state)
    assert all(torch.equal(kept["last"][0][k], kept["last"][1][-1][k]) for k in state)


def test_everything_on_the_ball_keeps_every_row_inside():
    net = model()
    optimisers(net, TrainingOptions(manifold="everything"))
    assert all(isinstance(p, geoopt.ManifoldParameter) for p in net.parameters())
    assert all(float(p.detach().norm(dim=-1).max()) < 1 for p in net.parameters())


def test_nan_loss_stops_at_the_last_finished_epoch():
    net, data = model(), sets(2)
    bad = data[0].x.clone()
    bad[:] = float("inf")
    broken = LabelledSet(bad, data[0].known, data[0].labels, data[0].pairs)
    before = state_of(net)
    with pytest.raises(FloatingPointError, match="epoch 1"):
        fit(net, [broken], data, TrainingOptions(epochs=2), rng=torch.Generator().manual_seed(0))
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_bad_input_says_what_is_wrong():
    with pytest.raises(ValueError, match="NaN"):
        LabelledSet.of(np.full((3, 2), np.nan), np.array([0, 0, 1]), np.ones(3, bool))
    with pytest.raises(ValueError, match="no triplet"):
        LabelledSet.of(np.zeros((3, 2)), np.array([0, 0, 1]), np.array([True, True, False]))
    with pytest.raises(ValueError, match="needs samples"):
        fit(model(), [], [], TrainingOptions(), rng=torch.Generator())
    with pytest.raises(ValueError, match="shape"):
        model()(torch.empty(0, 2))
    with pytest.raises(ValueError, match="unknown network"):
        build("transformer")
