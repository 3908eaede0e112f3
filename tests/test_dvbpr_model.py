"""CNN-F by its table, DVBPR's score and loss by loops, and what a warm start takes from an encoder."""

import math

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn
from torch.nn import functional as F

from likeness.models.dvbpr.cnnf import CNNF, Dropout, Warm, sides
from likeness.models.dvbpr.dvbpr import DVBPR, all_scores, item_vectors, pair_losses, penalty, scaled
from likeness.models.dvbpr.training import Schedule, step_cost, train
from likeness.models.photo_encoder import PhotoEncoder, vector_features


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


def tiny(factors=4, seed=0, **more):
    return CNNF(factors, **{"side": 32, "width": 1 / 16, "stride": 2, "rng": dice(seed)} | more)


def some_photos(n, side=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 3, side, side)).astype(np.uint8)


def test_the_papers_network_has_the_parameters_of_its_table():
    """By hand: filters times their size and a bias each; 6 x 6 x 256 = 9,216 numbers reach full6."""
    found = [(tuple(w.shape), w.numel()) for w in CNNF(50).parameters()]
    assert found == [
        ((64, 3, 11, 11), 23_232), ((64,), 64),
        ((256, 64, 5, 5), 409_600), ((256,), 256),
        ((256, 256, 3, 3), 589_824), ((256,), 256),
        ((256, 256, 3, 3), 589_824), ((256,), 256),
        ((256, 256, 3, 3), 589_824), ((256,), 256),
        ((4096, 9216), 37_748_736), ((4096,), 4096),
        ((4096, 4096), 16_777_216), ((4096,), 4096),
        ((50, 4096), 204_800), ((50,), 50),
    ]  # fmt: skip
    assert sum(n for _, n in found) == 56_942_386


def test_the_codes_network_has_seven_by_seven_at_full6():
    shapes = {name: tuple(w.shape) for name, w in CNNF(100, padding="same").named_parameters()}
    assert shapes["full.0.weight"] == (4096, 12_544)  # the code's wd1: 7*7*256
    assert shapes["full.6.weight"] == (100, 4096)


@pytest.mark.parametrize(
    ("side", "stride", "padding", "want"),
    [
        (224, 4, "printed", (54, 27, 13, 6)),
        (224, 4, "same", (56, 28, 14, 7)),
        (64, 4, "printed", (14, 7, 3, 1)),
        (64, 2, "printed", (27, 13, 6, 3)),
        (96, 4, "printed", (22, 11, 5, 2)),
        (39, 4, "printed", (8, 4, 2, 1)),
        (30, 4, "same", (8, 4, 2, 1)),
        (33, 2, "same", (17, 9, 5, 3)),
    ],
)
def test_sides_are_those_of_the_maps(side, stride, padding, want):
    assert sides(side, stride, padding) == want
    net = CNNF(3, side, 1 / 64, padding, stride, rng=dice())
    maps = [torch.zeros(1, 3, side, side)]
    for layer in net.convolutions:
        maps.append(layer(maps[-1]))
    assert [maps[i].shape[-1] for i in (2, 4, 7, 14)] == list(want)
    assert net(maps[0]).shape == (1, 3)


@pytest.mark.parametrize("stride", [2, 4])
def test_the_least_side_is_the_one_that_the_refusal_names(stride):
    least = 11 + 7 * stride
    with pytest.raises(ValueError, match=f"side of {least - 1} pixels with stride {stride}.*expected {least} or more"):
        CNNF(5, least - 1, 1 / 64, stride=stride)
    assert CNNF(5, least, 1 / 64, stride=stride)(torch.zeros(1, 3, least, least)).shape == (1, 5)


@pytest.mark.parametrize("padding", ["printed", "same"])
def test_the_layers_by_their_definition(padding):
    """Filters one by one as the table names them; SAME puts the odd row of zeros below and right (3 and 4 of 224)."""
    net = tiny(side=37, stride=4, padding=padding, width=1 / 32) if padding == "same" else tiny(width=1 / 32)
    net.eval()
    x = torch.rand(2, 3, net.side, net.side, generator=dice(1)) * 2 - 1
    w = list(net.parameters())
    for bias in w[1::2]:
        nn.init.uniform_(bias, -0.1, 0.1, generator=dice(2))
    if padding == "same":  # 37 by 4: 10 pixels, (10 - 1) * 4 + 11 - 37 = 10 zeros, 5 at each side
        want = F.conv2d(F.pad(x, (5, 5, 5, 5)), w[0], w[1], stride=4)
    else:
        want = F.conv2d(x, w[0], w[1], stride=2)
    pool = {"kernel_size": 2, "ceil_mode": padding == "same"}
    want = F.max_pool2d(want.relu(), **pool)
    want = F.max_pool2d(F.conv2d(want, w[2], w[3], padding=2).relu(), **pool)
    for i in (4, 6, 8):
        want = F.conv2d(want, w[i], w[i + 1], padding=1).relu()
    want = F.max_pool2d(want, **pool).flatten(1)
    want = F.linear(F.linear(want, w[10], w[11]).relu(), w[12], w[13]).relu()
    torch.testing.assert_close(net(x), F.linear(want, w[14], w[15]))


def test_same_at_224_is_three_zeros_before_and_four_after():
    pad = CNNF(2, width=1 / 64, padding="same").convolutions[0]
    x = pad(torch.ones(1, 1, 224, 224))
    assert x.shape[-2:] == (231, 231)  # (56 - 1) * 4 + 11
    assert x[0, 0, 3:227, 3:227].min() == 1
    assert x.sum() == 224**2


def test_weights_start_as_xaviers():
    net = CNNF(50, 64, 0.25, stride=2, rng=dice())
    for name, w in net.named_parameters():
        if name.endswith("bias"):
            assert (w == 0).all()
        else:
            fan_in, fan_out = w[0].numel(), w.numel() // w.shape[1]
            limit = math.sqrt(6 / (fan_in + fan_out))
            assert w.abs().max() <= limit
            # a uniform variable's standard deviation; its standard error is .6 % for the 5,808 weights of conv1
            assert float(w.detach().std()) == pytest.approx(limit / math.sqrt(3), rel=0.03)
    same = CNNF(50, 64, 0.25, stride=2, rng=dice())
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), same.parameters(), strict=True))


def test_making_a_network_moves_no_global_draws():
    before = torch.get_rng_state()
    DVBPR(tiny(), 5, 4, rng=dice())
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_is_of_full6_and_full7_alone_and_keeps_the_mean():
    net = tiny()
    assert [m.p for m in net.modules() if isinstance(m, Dropout)] == [0.5, 0.5]
    assert isinstance(net.full[2], Dropout) and isinstance(net.full[5], Dropout)
    drop = Dropout(0.25)
    x = torch.full((200, 200), 3.0)
    y = drop(x)
    assert set(y.unique().tolist()) == {0.0, 4.0}
    assert float((y == 0).float().mean()) == pytest.approx(0.25, abs=0.011)  # 5 standard errors of 40,000 draws
    assert torch.equal(drop.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


def test_theta_starts_between_0_and_a_hundredth():
    theta = DVBPR(tiny(), 400, 4, rng=dice()).theta.detach()
    assert theta.shape == (400, 4)
    assert theta.min() >= 0 and theta.max() < 0.01
    assert float(theta.mean()) == pytest.approx(0.005, abs=5 * 0.01 / math.sqrt(12 * 1600))


def test_score_is_equation_6():
    model = DVBPR(tiny(), 5, 4, rng=dice()).eval()
    x = torch.rand(3, 3, 32, 32, generator=dice(1))
    users = torch.tensor([4, 0, 4])
    found, vectors = model.score(users, x).tolist(), model.vectors(x).tolist()
    for b, u in enumerate(users.tolist()):
        want = sum(model.theta[u, k].item() * vectors[b][k] for k in range(4))
        assert found[b] == pytest.approx(want, rel=1e-5)


def test_weights_are_matrices_and_filters():
    model = DVBPR(tiny(), 5, 4)
    names = {id(w): name for name, w in model.named_parameters()}
    found = [names[id(w)] for w in model.weights()]
    assert len(found) == 8 and all(name.startswith("phi.") and name.endswith("weight") for name in found)
    warm = DVBPR(Warm(PhotoEncoder({"a": 2}, (4, 6)), 3), 5, 3)
    assert [tuple(w.shape) for w in warm.weights()] == [(4, 3, 3, 3), (6, 4, 3, 3), (3, 6)]  # no batch normalisation


def drawn(seed, b=5, m=5, k=3):
    rng = np.random.default_rng(seed)
    theta, liked, other = (torch.tensor(rng.normal(size=(n, k))) for n in (b, b, m))
    taken = torch.tensor(rng.random((b, m)) < 0.4)
    taken[:, 0] = False
    return theta, liked, other, taken


def naive(theta, liked, other):
    x = sum(t * (i - j) for t, i, j in zip(theta, liked, other, strict=True))
    return -math.log(1 / (1 + math.exp(-x)))


@pytest.mark.parametrize("seed", range(5))
def test_losses_by_loops(seed):
    theta, liked, other, taken = drawn(seed, m=5)
    t, i, j = theta.tolist(), liked.tolist(), other.tolist()
    want = [naive(t[b], i[b], j[b]) for b in range(5)]
    np.testing.assert_allclose(pair_losses(theta, liked, other), want, rtol=1e-12)
    shared = []
    for b in range(5):
        new = [naive(t[b], i[b], j[m]) for m in range(5) if not taken[b, m]]
        shared.append(sum(new) / len(new))
    np.testing.assert_allclose(pair_losses(theta, liked, other, taken), shared, rtol=1e-12)
    assert taken.any()


def test_one_shared_negative_is_the_printed_loss():
    theta, liked, other, _ = drawn(0)
    own = ~torch.eye(5, dtype=torch.bool)
    torch.testing.assert_close(pair_losses(theta, liked, other, own), pair_losses(theta, liked, other))


def test_what_a_user_took_teaches_that_user_nothing():
    theta, liked, other, _ = drawn(0)
    taken = torch.zeros(5, 5, dtype=torch.bool)
    taken[:, 3] = True
    taken[2, 3] = False
    other.requires_grad_()
    losses = pair_losses(theta, liked, other, taken)
    losses[[0, 1, 3, 4]].sum().backward(retain_graph=True)
    assert (other.grad[3] == 0).all() and (other.grad[0] != 0).any()
    other.grad = None
    losses[2].backward()
    assert (other.grad[3] != 0).any()
    with pytest.raises(ValueError, match="taken all its negatives"):
        pair_losses(theta, liked, other, torch.eye(5, dtype=torch.bool)[[0]].expand(5, 5)[:, [0]])


def test_the_loss_is_finite_where_the_codes_log_of_a_sigmoid_is_not():
    far = pair_losses(torch.tensor([[1.0]]), torch.tensor([[-200.0]]), torch.tensor([[0.0]]))
    assert float(far) == 200.0


def test_the_same_photograph_makes_no_difference():
    """Siamese: one network for both sides, so X_i = X_j gives x_uij = 0 and a loss of ln 2, in training too."""
    model = DVBPR(tiny(), 3, 4, rng=dice())
    y = model.vectors(scaled(some_photos(3), slice(None), model.theta))
    assert (pair_losses(model.theta, y, y) == torch.tensor(2.0).log()).all()


def test_the_penalty_by_hand():
    """theta (3, 4) of a user who occurs twice: 9 + 16 counted twice, and 1; weights 4 + 9. Coded is half of printed."""
    theta = torch.tensor([[3.0, 4.0], [3.0, 4.0], [0.0, 1.0]])
    weights = [torch.tensor([[2.0]]), torch.tensor([[-3.0]])]
    assert penalty(theta, weights, 1.0, 0.001).item() == pytest.approx((51 + 0.013) / 2)
    assert penalty(theta, weights, 1.0, 0.001, variant="literal").item() == pytest.approx(51.013)
    assert penalty(theta, weights, 0.0, 0.0).item() == 0.0
    with pytest.raises(ValueError, match="variant 'half'"):
        penalty(theta, weights, 1.0, 0.0, variant="half")


def test_vectors_of_all_items_are_sure_and_leave_the_mode():
    model = DVBPR(tiny(), 6, 4, rng=dice())
    photos = some_photos(7)
    model.phi.convolutions.eval()  # a mixed mode must come back mixed
    before = [m.training for m in model.modules()]
    assert len(set(before)) == 2
    found = item_vectors(model, photos)
    assert (found.shape, found.dtype) == ((7, 4), np.float32)
    np.testing.assert_array_equal(item_vectors(model, photos), found)  # no dropout
    assert [m.training for m in model.modules()] == before
    # another division into blocks may sum in another order
    np.testing.assert_allclose(item_vectors(model, photos, block=3), found, atol=1e-6)
    scores = all_scores(model, photos)
    assert (scores.shape, scores.dtype) == ((6, 7), np.float32)
    x = (torch.from_numpy(photos).double() - 127.5) / 127.5
    want = model.double().eval().score(torch.tensor([5]).expand(7), x).detach()
    np.testing.assert_allclose(scores[5], want, atol=1e-6)
    assert item_vectors(model, photos[:0]).shape == (0, 4)


def test_a_refusal_leaves_the_mode_too():
    model = DVBPR(tiny(), 6, 4, rng=dice())
    with pytest.raises(ValueError, match=r"expected \(B, 3, 32, 32\)"):
        item_vectors(model, some_photos(2, side=40))
    assert all(m.training for m in model.modules())


def test_half_is_near():
    """bfloat16 has 8 bits: rounded to 1 in 256, and 8 layers of it."""
    model = DVBPR(tiny(), 6, 4, rng=dice())
    full, half = (item_vectors(model, some_photos(20), half=half) for half in (False, True))
    assert half.dtype == np.float32
    assert 0 < np.abs(full - half).max() < 0.1 * np.abs(full).max()


def test_photographs_are_sent_in_the_codes_range():
    photos = some_photos(2, side=4)
    photos[0, 0, 0, :3] = 0, 255, 51
    x = scaled(photos, np.array([1, 0]), torch.zeros(1))
    assert x.dtype == torch.float32 and x.shape == (2, 3, 4, 4)
    assert x[1, 0, 0, :3].tolist() == pytest.approx([-1.0, 1.0, -0.6])
    assert scaled(photos, slice(None), torch.zeros(1, dtype=torch.float64)).dtype == torch.float64
    assert photos.dtype == np.uint8


def test_a_warm_start_sees_what_the_encoder_sees():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = PhotoEncoder({"type": 3}, (4, 6)).eval()
    warm = Warm(encoder, 5, rng=dice()).eval()
    photos = some_photos(4, side=16)
    found = item_vectors(DVBPR(warm, 2, 5), photos)
    want = vector_features(encoder, photos) @ warm.head.weight.detach().numpy().T  # the bias starts at 0
    np.testing.assert_allclose(found, want, atol=1e-5)
    assert np.ptp(found) > 0.01
    with torch.no_grad():
        for w in warm.parameters():
            w.zero_()
    assert all((w != 0).any() for w in encoder.body[0][0].parameters())  # a copy
    assert not any("heads" in name for name, _ in warm.named_parameters())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CNNF(0), "0 factors"),
        (lambda: CNNF(5, width=0), "width 0"),
        (lambda: CNNF(5, dropout=1.0), "dropout 1.0"),
        (lambda: CNNF(5, padding=0), "padding 0: expected"),
        (lambda: CNNF(5, stride=0), "stride 0"),
        (lambda: CNNF(5, side=0, padding="same"), "side of 0 pixels"),
        (lambda: tiny()(torch.zeros(2, 3, 33, 33)), r"\(2, 3, 33, 33\): expected \(B, 3, 32, 32\)"),
        (lambda: Warm(PhotoEncoder({"a": 2}, (4,)), 0), "0 factors"),
        (lambda: DVBPR(tiny(), 0, 4), "0 users"),
        (lambda: DVBPR(tiny(), 5, 3), "a network of 4 factors for users of 3"),
        (lambda: item_vectors(DVBPR(tiny(), 5, 4), some_photos(2).astype(float)), "float64: expected"),
        (lambda: item_vectors(DVBPR(tiny(), 5, 4), some_photos(2).tolist()), "photographs of list"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def with_terms(users=5, items=7, k=4):
    """All terms other than where they start, where beta is 0 and gamma small."""
    model = DVBPR(tiny(k), users, k, items=items, rng=dice())
    with torch.no_grad():
        for number, w in enumerate((model.theta, model.gamma_user, model.gamma_item, model.beta)):
            w.copy_(torch.randn(w.shape, generator=dice(number)))
    return model


def test_the_terms_of_equation_2_by_loops():
    model, photos = with_terms(), some_photos(7)
    plain = DVBPR(model.phi, 5, 4)
    vectors = item_vectors(plain, photos)
    scores = all_scores(model, photos)
    assert scores.shape == (5, 7) and item_vectors(model, photos).shape == (7, 2 * 4 + 1)
    for u in range(5):
        for i in range(7):
            want = model.beta[i].item()
            for f in range(4):
                want += model.theta[u, f].item() * float(vectors[i, f])
                want += model.gamma_user[u, f].item() * model.gamma_item[i, f].item()
            assert scores[u, i] == pytest.approx(want, abs=1e-5)  # float32
    # a block of items takes the terms of these items
    np.testing.assert_allclose(all_scores(model, photos, block=3), scores, atol=1e-5)


def test_without_items_there_are_no_terms():
    """items = 0 is the model as it was: the same names, the same first weights, and beta alone at 0 with them."""
    plain, more = DVBPR(tiny(), 5, 4, rng=dice()), DVBPR(tiny(), 5, 4, items=7, rng=dice())
    names = {name for name, _ in plain.named_parameters()}
    extra = {name for name, _ in more.named_parameters()} - names
    assert extra == {"gamma_user", "gamma_item", "beta"} and "theta" in names and not plain.terms
    assert torch.equal(plain.theta, more.theta) and (more.beta == 0).all()
    assert 0 < more.gamma_item.max() < 0.01 and len(more.weights()) == len(plain.weights())  # no weight decay on terms
    users, vectors = torch.tensor([0, 3]), torch.ones(2, 4)
    assert torch.equal(*plain.of_users(users)) and torch.equal(plain.of_users(users)[0], plain.theta[users])
    side, own = plain.of_items(users, vectors)
    assert torch.equal(side, vectors) and own.numel() == 0
    with pytest.raises(ValueError, match="-1 items"):
        DVBPR(tiny(), 5, 4, items=-1)


@pytest.mark.parametrize("negatives", ["one", "shared"])
def test_the_gradient_reaches_the_terms_of_the_batch_alone(negatives):
    """By hand for beta: d/d beta_i of -ln sigmoid(x_ui - x_uj) is -(1 - sigmoid), with the penalty's lambda beta_i."""
    model, photos = with_terms().double().eval(), some_photos(7)
    triples = np.array([0, 1]), np.array([2, 4]), np.array([3, 5])
    history = sparse.csr_matrix((np.ones(2), (triples[0], triples[1])), shape=(5, 7))
    schedule = Schedule(1, l2_theta=0.5, weight_decay=0.0, negatives=negatives)
    losses, cost = step_cost(model, photos, triples, history, schedule)
    cost.backward()
    x = all_scores(model, photos)
    rows = {"one": [[3], [5]], "shared": [[3, 5], [3, 5]]}[negatives]
    want = np.zeros(7)
    for u, i, others in zip(*triples[:2], rows, strict=True):
        for j in others:
            slope = (1 - 1 / (1 + math.exp(-(x[u, i] - x[u, j])))) / len(others)
            want[i] -= slope
            want[j] += slope
    for item in (*triples[1], *triples[2]):
        want[item] += 0.5 * model.beta[item].item()
    np.testing.assert_allclose(model.beta.grad, want, atol=1e-5)  # scores are float32
    assert (model.gamma_item.grad[[0, 1, 6]] == 0).all() and (model.gamma_item.grad[[2, 3, 4, 5]] != 0).any(1).all()
    assert (model.gamma_user.grad[[0, 1]] != 0).any() and (model.gamma_user.grad[2:] == 0).all()
    assert losses.shape == (2,)


def test_a_world_of_popularity_alone_teaches_beta():
    """All photographs are alike and tastes too: what is taken is one of the first four of twelve items."""
    users, items, rng = 40, 12, np.random.default_rng(0)
    pairs = np.array([[u, i] for u in range(users) for i in np.sort(rng.choice(4, 2, replace=False))])
    history = sparse.csr_matrix((np.ones(len(pairs)), tuple(pairs.T)), shape=(users, items))
    phi, photos = nn.Sequential(nn.Flatten(), nn.Linear(3 * 2 * 2, 2)), np.full((items, 3, 2, 2), 128, np.uint8)
    model = DVBPR(phi, users, 2, items=items, rng=dice())
    train(model, photos, pairs, history, Schedule(15, 40, 0.03, l2_theta=0.001), 0, lambda epoch, model: None)
    beta = model.beta.detach()
    assert beta[:4].min() > beta[4:].max() + 0.5
    scores = all_scores(model, photos)
    assert (scores[:, :4].min(axis=1) > scores[:, 4:].max(axis=1)).mean() > 0.9
