"""Factor models of the DVBPR chapter: naive loops, gradients by hand, planted worlds, and implicit as a peer."""

import numpy as np
import pytest
import torch

from likeness.metrics.auc import auc_each
from likeness.models.dvbpr import fitting
from likeness.models.dvbpr.factors import BPRMF, FM, VBPR
from likeness.models.dvbpr.fitting import Tuning, fit, objective
from likeness.models.dvbpr.peers import implicit_bpr
from likeness.models.dvbpr.sampling import history_of, rank_weights
from likeness.models.dvbpr.visrank import unit_rows

USERS, ITEMS, DEPTH, K = 6, 9, 4, 5
FEATURES = np.random.default_rng(9).normal(size=(ITEMS, DEPTH)).astype(np.float32)
KINDS = {
    "bprmf": lambda seed=0: BPRMF(USERS, ITEMS, K, seed),
    "fm": lambda seed=0: FM(USERS, FEATURES, K, seed),
    "fm as lightfm": lambda seed=0: FM(USERS, FEATURES, K, seed, pulled="lightfm"),
    "vbpr": lambda seed=0: VBPR(USERS, FEATURES, K, seed),
    "vbpr of eq. 2": lambda seed=0: VBPR(USERS, FEATURES, K, seed, visual_bias=False),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def built(kind, seed=0):
    """In double precision, all weights of size about 1, so that each term shows."""
    model = KINDS[kind](seed).double()
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=rng, dtype=torch.float64))
    return model


def named(model):
    """The letters of the equations, as arrays; 0 where a model has none."""
    user, item = (table.weight.detach().numpy() for table in (model.user_table, model.item_table))
    k = item.shape[1] - 1
    found = {"gu": user[:, :k], "tu": user[:, k:], "gi": item[:, :k], "bi": item[:, k]}
    shared = {
        "V": np.zeros((DEPTH, k)),
        "w": np.zeros(DEPTH),
        "E": np.zeros((user.shape[1] - k, DEPTH)),
        "b'": np.zeros(DEPTH),
    }
    if isinstance(model, FM):
        both = model.weights.detach().numpy()
        shared |= {"V": both[:, :k], "w": both[:, k]}
    if isinstance(model, VBPR):
        shared["E"] = model.embedding.detach().numpy().T
        if model.visual_bias is not None:
            shared["b'"] = model.visual_bias.detach().numpy()
    return found | shared


def score_by_loop(p, u, i):
    f, x = FEATURES[i].astype(float), p["bi"][i]
    for d in range(DEPTH):
        x += p["w"][d] * f[d] + p["b'"][d] * f[d]
    for k in range(p["gu"].shape[1]):
        x += p["gu"][u, k] * (p["gi"][i, k] + sum(p["V"][d, k] * f[d] for d in range(DEPTH)))
    for k in range(p["tu"].shape[1]):
        x += p["tu"][u, k] * sum(p["E"][k, d] * f[d] for d in range(DEPTH))
    return x


@every_kind
def test_scores_by_a_loop(kind):
    model = built(kind)
    want = np.array([[score_by_loop(named(model), u, i) for i in range(ITEMS)] for u in range(USERS)])
    users, items = torch.arange(USERS).repeat_interleave(ITEMS), torch.arange(ITEMS).repeat(USERS)
    with torch.no_grad():
        found = model.score(users, items)
        assert found.shape == (USERS * ITEMS,)
        np.testing.assert_allclose(found.reshape(USERS, ITEMS), want, atol=1e-12)
    every = model.all_scores()
    assert (every.shape, every.dtype) == ((USERS, ITEMS), np.float32)
    np.testing.assert_allclose(every, want, rtol=1e-6, atol=1e-5)


def test_how_the_factors_are_spent():
    model = VBPR(USERS, FEATURES, 5, 0)
    p = named(model)
    assert [p[of].shape for of in ("gu", "tu", "gi", "E")] == [(USERS, 3), (USERS, 2), (ITEMS, 3), (2, DEPTH)]
    assert named(FM(USERS, FEATURES, 5, 0))["gu"].shape == (USERS, 5)
    assert built("vbpr of eq. 2").visual_bias is None


def objective_by_hand(model, triples, l2, weights=None):
    """Value and gradients by the letters: dl/dx = -sigma(-x), or -weight within the margin."""
    p, squares = named(model), 0.0
    grads, value = {name: np.zeros_like(of) for name, of in p.items()}, 0.0
    for at, (u, i, j) in enumerate(triples):
        x = score_by_loop(p, u, i) - score_by_loop(p, u, j)
        if weights is None:
            value, slope = value + np.log1p(np.exp(-x)), -1 / (1 + np.exp(x))
        else:
            value, slope = value + weights[at] * max(0, 1 - x), -weights[at] * (x < 1)
        d = FEATURES[i].astype(float) - FEATURES[j]
        grads["gu"][u] += slope * (p["gi"][i] - p["gi"][j] + p["V"].T @ d)
        grads["tu"][u] += slope * (p["E"] @ d)
        grads["V"] += slope * np.outer(d, p["gu"][u])
        grads["E"] += slope * np.outer(p["tu"][u], d)
        grads["w"] += slope * d
        grads["b'"] += slope * d
        for item, sign in ((i, 1), (j, -1)):
            grads["gi"][item] += sign * slope * p["gu"][u] + l2 * p["gi"][item]
            grads["bi"][item] += sign * slope + l2 * p["bi"][item]
            squares += p["gi"][item] @ p["gi"][item] + p["bi"][item] ** 2
        grads["gu"][u] += l2 * p["gu"][u]
        grads["tu"][u] += l2 * p["tu"][u]
        squares += p["gu"][u] @ p["gu"][u] + p["tu"][u] @ p["tu"][u]
        if getattr(model, "pulled", "") == "lightfm":
            grads["V"], grads["w"] = grads["V"] + l2 * p["V"], grads["w"] + l2 * p["w"]
            squares += (p["V"] ** 2).sum() + (p["w"] ** 2).sum()
    return value + l2 / 2 * squares, grads


@pytest.mark.parametrize("loss", ["bpr", "warp"])
@every_kind
def test_objective_and_gradients_by_hand(kind, loss):
    model, rng = built(kind, seed=1), np.random.default_rng(0)
    triples = rng.integers(0, [4, ITEMS, ITEMS], (12, 3))  # repeats, and two users without any
    weights = rng.uniform(1, 9, 12) if loss == "warp" else None
    want, grads = objective_by_hand(model, triples, 0.3, weights)
    batch = torch.from_numpy(triples)
    found = objective(model, batch[:, 0], batch[:, 1:], 0.3, None if weights is None else torch.from_numpy(weights))
    assert found.item() == pytest.approx(want, rel=1e-12)
    found.backward()
    user, item = (table.weight.grad.to_dense().numpy() for table in (model.user_table, model.item_table))
    assert set(model.user_table.weight.grad.coalesce().indices().unique().tolist()) == set(triples[:, 0])
    close = {"rtol": 1e-9, "atol": 1e-10}
    np.testing.assert_allclose(user, np.hstack([grads["gu"], grads["tu"]]), **close)
    np.testing.assert_allclose(item, np.column_stack([grads["gi"], grads["bi"]]), **close)
    if isinstance(model, FM):
        np.testing.assert_allclose(model.weights.grad, np.column_stack([grads["V"], grads["w"]]), **close)
    if isinstance(model, VBPR):
        np.testing.assert_allclose(model.embedding.grad.T, grads["E"], **close)
        if model.visual_bias is not None:
            np.testing.assert_allclose(model.visual_bias.grad, grads["b'"], **close)


PAIRS = np.array([[u, i] for u in range(4) for i in range(6) if (u + i) % 3])  # users 4, 5 and items 6 to 8 in none


@pytest.mark.parametrize("loss", ["bpr", "warp"])
@every_kind
def test_fit(kind, loss):
    def run(seed, **more):
        model, seen = KINDS[kind](), []
        before = {name: of.clone() for name, of in model.state_dict().items()}
        losses = fit(
            model, PAIRS, Tuning(K, 0.01, 0.02, 6, 7), seed, lambda *call: seen.append(call), loss=loss, **more
        )
        assert [epoch for epoch, _ in seen] == [1, 2, 3, 4, 5, 6]
        assert all(given is model for _, given in seen)
        return model, before, losses

    model, before, losses = run(0)
    assert len(losses) == 6
    assert losses[-1] < losses[0]
    after = model.state_dict()
    assert torch.equal(after["user_table.weight"][4:], before["user_table.weight"][4:])  # rows without a pair stay
    assert not any(
        torch.equal(a, b) for a, b in zip(after["user_table.weight"][:4], before["user_table.weight"], strict=False)
    )
    assert not torch.equal(after["item_table.weight"][6:], before["item_table.weight"][6:])  # as negatives
    again, other = run(0), run(1)
    assert again[2] == losses
    assert all(torch.equal(of, after[name]) for name, of in again[0].state_dict().items())
    assert other[2] != losses
    seen_only = run(0, drawn="observed")[0].state_dict()
    assert torch.equal(seen_only["item_table.weight"][6:], before["item_table.weight"][6:])


def test_the_first_loss_is_that_of_a_coin():
    losses = fit(BPRMF(USERS, ITEMS, K, 0), PAIRS, Tuning(K, 0, 1e-9, 1), 0, lambda *_: None)
    assert losses[0] == pytest.approx(np.log(2), abs=5e-3)  # first scores are about (.3 / K)^2 K^.5
    losses = fit(BPRMF(USERS, ITEMS, K, 0), PAIRS, Tuning(K, 0, 1e-9, 1), 0, lambda *_: None, loss="warp")
    assert losses[0] == pytest.approx(np.log(ITEMS - 1), rel=0.02)  # the first try violates, at 1 - 0


@pytest.mark.parametrize("variant", ["literal", "coded"])
def test_warp_trains_on_the_first_violator_outside_the_history(monkeypatch, variant):
    """Every triple that reaches the objective, with the scores that it had: against the model's own scores."""
    seen, original, took = [], fitting.objective, history_of(PAIRS, USERS, ITEMS).toarray()

    def spy(model, users, items, l2, weights):
        scores = model.all_scores()
        u, (i, j) = users.numpy(), items.numpy().T
        assert took[u, i].all()
        assert not took[u, j].any()
        assert (scores[u, j] > scores[u, i] - 1 - 1e-5).all()
        seen.extend(zip((scores[u, i] - scores[u, j]).tolist(), weights.tolist(), strict=True))
        return original(model, users, items, l2, weights)

    monkeypatch.setattr(fitting, "objective", spy)
    tuning = Tuning(K, 0.0, 0.05, 30, 7)
    losses = fit(BPRMF(USERS, ITEMS, K, 0), PAIRS, tuning, 0, lambda *_: None, loss="warp", variant=variant)
    possible = rank_weights(np.arange(1, fitting.TRIALS + 1), ITEMS, variant=variant)
    assert {round(w, 5) for _, w in seen} <= {round(w, 5) for w in possible}
    assert len({w for _, w in seen}) > 2
    assert len(seen) < 30 * len(PAIRS)  # pairs without a violator teach nothing
    assert sum(losses) * len(PAIRS) == pytest.approx(sum(w * max(0, 1 - x) for x, w in seen), rel=1e-4)


@pytest.mark.parametrize("loss", ["bpr", "warp"])
def test_a_loss_that_is_no_number_is_named(loss):
    def poison(epoch, model):
        if epoch == 2:
            with torch.no_grad():
                model.user_table.weight.fill_(float("nan"))

    with pytest.raises(FloatingPointError, match="nan in epoch 3: lower the rate, 0.01"):
        fit(BPRMF(USERS, ITEMS, K, 0), PAIRS, Tuning(K, 0, 0.01, 5), 0, poison, loss=loss)


def planted(seed, users=200, items=150, each=16, features=None):
    """Tastes of rank 3, or linear in features; each user takes items by them and by chance; one is withheld.

    With features, the second half of the items is unseen: of it are the withheld ones alone.
    Returns true scores, pairs of training, withheld items, and all that was taken.
    """
    rng = np.random.default_rng(seed)
    item = rng.normal(size=(items, 3)) if features is None else features * np.sqrt(features.shape[1])
    true = 3 * rng.normal(size=(users, item.shape[1])) @ item.T / np.sqrt(item.shape[1])
    lured = true + rng.gumbel(size=true.shape)
    if features is None:
        order = rng.permuted(np.argsort(-lured, axis=1)[:, :each], axis=1)
    else:
        half = items // 2
        order = np.argsort(-lured[:, :half], axis=1)[:, :each]
        order[:, 0] = half + lured[:, half:].argmax(axis=1)
    pairs = np.column_stack([np.repeat(np.arange(users), each - 1), order[:, 1:].ravel()])
    taken = history_of(np.column_stack([np.repeat(np.arange(users), each), order.ravel()]), users, items)
    return true, pairs, order[:, 0], taken


@pytest.mark.parametrize("loss", ["bpr", "warp"])
def test_a_planted_world_is_recovered(loss):
    true, pairs, test, taken = planted(0)
    popular = np.broadcast_to(np.bincount(pairs[:, 1], minlength=150), true.shape)
    model = BPRMF(200, 150, 6, 0)
    fit(model, pairs, Tuning(6, 0.01, 0.01, 25, 256), 0, lambda *_: None, loss=loss)
    auc, plain, best = (auc_each(of, test, taken).mean() for of in (model.all_scores(), popular, true))
    assert auc > 0.8
    assert plain + 0.1 < auc < best


@pytest.mark.parametrize("kind", ["fm", "vbpr", "vbpr of eq. 2"])
def test_features_say_what_becomes_of_unseen_items(kind):
    features = unit_rows(np.random.default_rng(5).normal(size=(200, 6)))
    true, pairs, test, taken = planted(1, items=200, features=features)
    plain, tuning = BPRMF(200, 200, 6, 0), Tuning(6, 0.01, 0.02, 15, 256)
    seeing = FM(200, features, 6, 0) if kind == "fm" else VBPR(200, features, 12, 0, visual_bias=kind == "vbpr")
    rivals, auc = np.arange(200) >= 100, []
    for model, used in ((plain, tuning), (seeing, Tuning(seeing.factors, 0.01, 0.02, 15, 256))):
        fit(model, pairs, used, 0, lambda *_: None)
        auc.append(np.nanmean(auc_each(model.all_scores(), test, taken, rivals=rivals)))
    assert auc[0] == pytest.approx(0.5, abs=0.07)  # 200 users: standard error .02
    assert auc[1] > 0.75


def test_implicit_agrees():
    """Another hand's code, another optimiser, the same objective: alike in AUC and in the scores themselves.

    lambda is .1, so that the optimum and not the stopping decides. Over worlds 0 to 7 ours was .0053 higher, standard
    deviation .0051, so a mean of three lies within .0053 + 3 * .0030 = .015; scores correlated by .960 to .967, and
    with those of another seed of ours by .973 to .978.
    """
    auc, likeness = np.zeros((3, 2)), np.zeros(3)
    for seed in range(3):
        _, pairs, test, taken = planted(seed)
        model = BPRMF(200, 150, 6, seed)
        fit(model, pairs, Tuning(6, 0.1, 0.01, 30, 256), seed, lambda *_: None, drawn="observed")
        ours, theirs = model.all_scores(), implicit_bpr(pairs, 200, 150, 6, 0.1, 0.05, 100, seed)
        assert (theirs.shape, theirs.dtype) == ((200, 150), np.float32)
        auc[seed] = [auc_each(scores, test, taken).mean() for scores in (ours, theirs)]
        likeness[seed] = np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
    assert auc.min() > 0.8
    assert abs(auc[:, 0].mean() - auc[:, 1].mean()) < 0.015
    assert likeness.min() > 0.94


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@every_kind
def test_a_gpu_gives_the_same(kind):
    here, there = KINDS[kind](), KINDS[kind]().to("cuda")
    found = [fit(model, PAIRS, Tuning(K, 0.01, 0.02, 3), 0, lambda *_: None) for model in (here, there)]
    np.testing.assert_allclose(*found, rtol=1e-3)
    np.testing.assert_allclose(here.all_scores(), there.all_scores(), atol=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BPRMF(0, 5, 2, 0), "0 users"),
        (lambda: BPRMF(5, 5, 0, 0), "0 factors"),
        (lambda: FM(5, FEATURES.astype(int), 2, 0), "int64: expected .* finite real"),
        (lambda: FM(5, FEATURES[0], 2, 0), r"shape \(4,\)"),
        (lambda: FM(5, FEATURES, 2, 0, pulled="all"), "pulled 'all'"),
        (lambda: VBPR(5, np.where(FEATURES > 0, np.inf, FEATURES), 2, 0), "finite"),
        (lambda: VBPR(5, FEATURES, 1, 0), "1 factors: expected two or more"),
        (lambda: KINDS["bprmf"]().score(torch.arange(3), torch.arange(2)), r"\(3,\), items \(2,\)"),
        (lambda: Tuning(0, 0, 0.1, 1), "factors=0"),
        (lambda: Tuning(1, -0.1, 0.1, 1), "l2=-0.1"),
        (lambda: Tuning(1, float("nan"), 0.1, 1), "l2=nan"),
        (lambda: Tuning(1, 0, 0, 1), "rate=0"),
        (lambda: Tuning(1, 0, 0.1, 0), "epochs=0"),
        (lambda: Tuning(1, 0, 0.1, 1, 0), "batch=0"),
        (lambda: fit(KINDS["fm"](), PAIRS, Tuning(K + 1, 0, 0.1, 1), 0, lambda *_: None), "6 factors: expected .* 5"),
        (lambda: fit(KINDS["fm"](), PAIRS, Tuning(K, 0, 0.1, 1), 0, lambda *_: None, loss="hinge"), "loss 'hinge'"),
        (lambda: fit(KINDS["fm"](), PAIRS + 6, Tuning(K, 0, 0.1, 1), 0, lambda *_: None), "users below 6"),
        (lambda: implicit_bpr(PAIRS, USERS, ITEMS, 0, 0.1, 0.1, 5, 0), "0 factors"),
        (lambda: implicit_bpr(PAIRS, USERS, 3, 2, 0.1, 0.1, 5, 0), "items below 3"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
