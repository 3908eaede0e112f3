"""Losses of compose: naive loops over explicit triplets, the published backward pass, laws, cases by hand."""

import math
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from likeness.models.compose.composition import NAMES, build
from likeness.models.compose.losses import (
    COMPOSE_AE,
    Objective,
    Weights,
    batch_softmax,
    reconstruction,
    soft_triplet,
    symmetry,
    total,
)
from likeness.models.compose.triplets import draw_negatives

ALL = 10_000  # negatives: every one there is, so that nothing is drawn
#: A mean of some dozen float32 numbers of order 1, by another way.
CLOSE = {torch.float32: 1e-5, torch.float64: 1e-12}
GROUPS = [None, [0, 0, 1, 2, 1], [3, 3, 3, 3, 0]]

both_types = pytest.mark.parametrize("dtype", CLOSE)
both_variants = pytest.mark.parametrize("variant", ["coded", "literal"])
some_groups = pytest.mark.parametrize("groups", GROUPS)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def pair(seed=0, n=5, d=4, dtype=torch.float64):
    one = torch.randn(2, n, d, generator=rng(seed), dtype=torch.float64)
    return one[0].to(dtype) * 3, one[1].to(dtype)


def tensor(groups):
    return None if groups is None else torch.tensor(groups)


# Oracles: one triplet at a time, in plain Python


def cos(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def triplets(n, groups, variant):
    """All (anchor, positive, negative) as rows of the queries and then the targets, as the release lists them."""
    labels, group = list(range(n)) * 2, (groups or list(range(n))) * 2
    anchors = range(2 * n) if variant == "coded" else range(n)
    negatives = range(2 * n) if variant == "coded" else range(n, 2 * n)
    return [
        (a, p, k)
        for a in anchors
        for p in range(2 * n)
        if labels[a] == labels[p] and a != p
        for k in negatives
        if group[a] != group[k]
    ]


def by_loops(query, target, listed, scale, variant, turn=1):
    """The published formula, on squared distances of vectors of length s (coded), or eq. 3.1 (literal)."""
    rows = query.double().tolist() + target.double().tolist()
    unit = [[scale * x / math.sqrt(sum(y * y for y in row)) for x in row] for row in rows]
    values = []
    for a, p, k in listed:
        if variant == "coded":
            exponent = distance(unit[a], unit[p]) - distance(unit[a], unit[k])
        else:
            exponent = cos(rows[a], rows[k]) - cos(rows[a], rows[p])
        values.append(math.log(1 + math.exp(turn * exponent)))
    return sum(values) / len(values)


@both_types
@both_variants
@some_groups
@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_all_triplets(dtype, variant, groups, scale):
    query, target = pair(dtype=dtype)
    given = {"scale": scale, "rng": rng(), "groups": tensor(groups), "negatives": ALL, "variant": variant}
    loss = soft_triplet(query, target, **given)
    listed = triplets(5, groups, variant)
    assert loss.shape == () and loss.dtype == dtype
    assert loss.item() == pytest.approx(by_loops(query, target, listed, scale, variant), rel=CLOSE[dtype])
    for sign, turn in (("corrected", 1), ("literal", -1)):
        expected = by_loops(query, target, listed, scale, variant, turn)
        assert symmetry(query, target, sign=sign, **given).item() == pytest.approx(expected, rel=CLOSE[dtype])


@both_variants
@some_groups
@pytest.mark.parametrize("negatives", [1, 3])
def test_drawn_triplets(variant, groups, negatives):
    query, target = pair(1)
    n, group = 5, torch.tensor(groups or range(5))
    shape = (2 * n, 2 * n) if variant == "coded" else (n, n)
    rows, columns = (group.repeat(size // n) for size in shape)
    at, there = draw_negatives(rows[:, None] != columns, negatives, rng(4))
    shift = 0 if variant == "coded" else n  # literal columns are targets
    listed = [
        (a, (a + n) % (2 * n), at[a, m].item() + shift)
        for a in range(shape[0]) for m in range(at.shape[1]) if there[a, m]
    ]  # fmt: skip
    assert set(listed) <= set(triplets(n, groups, variant))
    given = {"groups": tensor(groups), "negatives": negatives, "variant": variant}
    loss = soft_triplet(query, target, scale=1.3, rng=rng(4), **given)
    assert loss.item() == pytest.approx(by_loops(query, target, listed, 1.3, variant), rel=1e-12)


def test_what_is_drawn():
    allowed = torch.tensor([[False, True, True, True, True, False], [False, True, False, False, False, True]])
    columns, there = draw_negatives(allowed.repeat(4000, 1), 3, rng())
    assert columns.shape == there.shape == (8000, 3)
    many, few = columns[::2], columns[1::2]
    assert there[::2].all() and (there[1::2].sum(1) == 2).all()  # two negatives, both taken
    assert (few[there[1::2]].view(-1, 2).sort(1).values == torch.tensor([1, 5])).all()
    assert (many.sort(1).values.diff(dim=1) > 0).all()  # none twice
    seen = torch.bincount(many.flatten(), minlength=6)
    assert seen[0] == seen[5] == 0
    # each of four is among three of four drawn with probability 3/4: sd sqrt(4000 * 3/16) = 27
    assert ((seen[1:5] - 3000).abs() < 5 * 27.4).all()


def test_the_generator_decides_and_nothing_global_moves():
    query, target = pair(n=8)
    before = torch.get_rng_state()
    one, same, other = (soft_triplet(query, target, scale=2.0, rng=rng(seed)) for seed in (0, 0, 1))
    assert one == same != other
    assert torch.equal(before, torch.get_rng_state())


def published_gradient(features, listed):
    """Backward pass of the release, triplet by triplet: features (2N, d) of length s -> (2N, d)."""
    grad = np.zeros_like(features)
    for a, p, k in listed:
        near, far = features[a] - features[p], features[a] - features[k]
        share = 1 - 1 / (1 + np.exp((near**2).sum() - (far**2).sum()))
        for row, step in ((a, near), (p, -near), (a, -far), (k, far)):
            grad[row] += share * step / len(listed)
    return grad


@some_groups
def test_the_published_backward_pass_is_half_the_gradient(groups):
    query, target = pair(2)
    rows = torch.cat([query, target]).requires_grad_()
    scale = torch.tensor(1.4, dtype=torch.float64, requires_grad=True)
    features = scale * F.normalize(rows, dim=1)
    given = torch.from_numpy(published_gradient(features.detach().numpy(), triplets(5, groups, "coded")))
    published = torch.autograd.grad(features, (rows, scale), given)
    found = {}
    for gradient in ("half", "true", None):
        loss = soft_triplet(
            rows[:5], rows[5:], scale=scale, rng=rng(), groups=tensor(groups), negatives=ALL, gradient=gradient
        )
        found[gradient] = (loss, *torch.autograd.grad(loss, (rows, scale)))
    for half, true, default, theirs in zip(*(found[g][1:] for g in ("half", "true", None)), published, strict=True):
        torch.testing.assert_close(half, theirs)
        torch.testing.assert_close(true, 2 * theirs)
        assert torch.equal(default, half)
    assert found["half"][0] == found["true"][0]


def test_eq_31_has_its_own_gradient_unless_half_is_asked_for():
    query, target = pair(2)
    grads = {}
    for gradient in ("half", "true", None):
        x = query.clone().requires_grad_()
        soft_triplet(x, target, scale=1.0, rng=rng(), variant="literal", gradient=gradient).backward()
        grads[gradient] = x.grad
    assert torch.equal(grads[None], grads["true"])
    torch.testing.assert_close(grads["true"], 2 * grads["half"])


@both_variants
@pytest.mark.parametrize("sign", ["corrected", "literal"])
def test_gradients_by_differences(variant, sign):
    query, target = pair(3, n=3, d=3)
    scale = torch.tensor(1.2, dtype=torch.float64, requires_grad=variant == "coded")
    inputs = (query.requires_grad_(), target.requires_grad_(), scale)

    def loss(query, target, scale):
        return symmetry(query, target, scale=scale, rng=rng(), variant=variant, gradient="true", sign=sign)

    assert torch.autograd.gradcheck(loss, inputs)


@some_groups
def test_gradients_of_the_others(groups):
    query, target = pair(3)
    scale = torch.tensor(1.2, dtype=torch.float64, requires_grad=True)
    inputs = (query.requires_grad_(), target.requires_grad_())
    group = tensor(groups)
    assert torch.autograd.gradcheck(lambda q, t, s: batch_softmax(q, t, scale=s, groups=group), (*inputs, scale))
    for reduction in ("mean", "sum"):
        assert torch.autograd.gradcheck(lambda a, b, r=reduction: reconstruction(a, b, reduction=r), inputs)


def test_a_case_by_hand():
    """Queries e1, e2 find themselves, and the negatives are at right angles: cosines 1 and 0."""
    x = torch.eye(2, dtype=torch.float64)
    literal = soft_triplet(x, 5 * x, scale=3.0, rng=rng(), variant="literal")
    assert literal.item() == pytest.approx(math.log(1 + math.exp(-1)))  # no s
    coded = soft_triplet(x, 5 * x, scale=3.0, rng=rng())
    assert coded.item() == pytest.approx(math.log(1 + math.exp(-2 * 9)))
    assert symmetry(x, x, scale=1.0, rng=rng(), variant="literal", sign="literal").item() == pytest.approx(
        math.log(1 + math.exp(1))
    )
    assert batch_softmax(x, x, scale=2.0).item() == pytest.approx(math.log(1 + math.exp(-4)))


def test_the_floor_of_eq_31():
    x = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)  # nothing can be better
    literal = soft_triplet(x, x, scale=100.0, rng=rng(), variant="literal").item()
    assert literal == pytest.approx(math.log(1 + math.exp(-2))) == pytest.approx(0.1269, abs=5e-5)
    assert soft_triplet(x, x, scale=1.0, rng=rng()).item() < literal  # 2N anchors: also negatives opposite, 2 s^2 * 2
    assert 0 < soft_triplet(x, x, scale=2.0, rng=rng()).item() < 1e-6
    for seed in range(20):
        assert soft_triplet(*pair(seed), scale=1.0, rng=rng(), variant="literal").item() > literal


def test_the_printed_sign_wants_the_opposite():
    z, _ = pair(4)
    given = {"scale": 1.0, "variant": "literal"}
    values = {
        sign: [symmetry(side * z, z, rng=rng(), sign=sign, **given).item() for side in (1, -1)]
        for sign in ("corrected", "literal")
    }
    assert values["corrected"][0] < values["corrected"][1]
    assert values["literal"][0] > values["literal"][1]
    for variant in ("coded", "literal"):
        soft = soft_triplet(-z, z, scale=1.5, rng=rng(1), variant=variant)
        assert symmetry(-z, z, scale=1.5, rng=rng(1), variant=variant) == soft


def test_large_exponents_stay_finite():
    x = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    loss = soft_triplet(x, -x, scale=100.0, rng=rng(), variant="coded")
    assert 0 < loss.item() <= 4 * 100**2  # log(1 + exp(40000)) as the release writes it is infinite
    assert loss.isfinite()


@both_variants
def test_lengths_rotations_and_the_order_of_rows(variant):
    query, target = pair(6)
    groups = torch.tensor(GROUPS[1])
    turn = torch.linalg.qr(torch.randn(4, 4, generator=rng(), dtype=torch.float64))[0]
    order = torch.tensor([4, 2, 0, 1, 3])
    given = {"scale": 1.3, "negatives": ALL, "variant": variant}
    value = soft_triplet(query, target, rng=rng(), groups=groups, **given)
    for q, t, g in [(7 * query, target / 9, groups), (query @ turn, target @ turn, groups),
                    (query[order], target[order], groups[order]), (query, target, 10 - groups)]:  # fmt: skip
        torch.testing.assert_close(soft_triplet(q, t, rng=rng(), groups=g, **given), value)
        softmax = batch_softmax(query, target, scale=1.3, groups=groups)
        torch.testing.assert_close(batch_softmax(q, t, scale=1.3, groups=g), softmax)


@both_types
@some_groups
def test_batch_softmax(dtype, groups):
    query, target = pair(7, dtype=dtype)
    queries, targets, group = query.double().tolist(), target.double().tolist(), groups or list(range(5))
    values = []
    for i in range(5):
        others = [j for j in range(5) if j == i or group[j] != group[i]]
        terms = [math.exp(1.44 * cos(queries[i], targets[j])) for j in others]
        values.append(-math.log(math.exp(1.44 * cos(queries[i], targets[i])) / sum(terms)))
    loss = batch_softmax(query, target, scale=1.2, groups=tensor(groups))
    assert loss.item() == pytest.approx(sum(values) / 5, rel=CLOSE[dtype])


def test_equal_texts_are_no_negatives():
    """Rows 0 and 1 want the same: whatever target 1 is, row 0's loss does not hear of it."""
    query, target = pair(8, n=3)
    moved = target.clone()
    moved[1] = -target[1]
    for groups, equal in ((torch.tensor([0, 0, 1]), True), (None, False)):
        grads = []
        for t in (target, moved):
            q = query.clone().requires_grad_()
            batch_softmax(q, t, scale=1.0, groups=groups).backward()
            grads.append(q.grad[0])
        assert torch.allclose(*grads) == equal


@both_types
def test_reconstruction(dtype):
    x, x_hat = pair(9, dtype=dtype)
    rows = [distance(a, b) for a, b in zip(x.tolist(), x_hat.tolist(), strict=True)]
    assert reconstruction(x, x_hat, reduction="sum").item() == pytest.approx(sum(rows) / 5, rel=CLOSE[dtype])
    assert reconstruction(x, x_hat).item() == pytest.approx(sum(rows) / 20, rel=CLOSE[dtype])
    assert reconstruction(x, x).item() == 0


# The sum

OBJECTIVES = [
    Objective(),
    Objective("softmax", COMPOSE_AE),
    Objective(variant="literal", sign="literal", reduction="sum", negatives=2),
]


def some_batch(seed=0, n=6, d=8, h=3):
    z, target = pair(seed, n=n, d=d)
    return z, torch.randn(n, h, generator=rng(seed + 1), dtype=torch.float64), target


def model_of(name):
    torch.manual_seed(0)
    return build(name, 8, 3).double().eval()  # in eval mode, where calls leave nothing behind


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_total_is_the_weighted_sum_of_its_parts(name, objective):
    model, (z, q, target) = model_of(name), some_batch()
    groups, sources, scale = torch.tensor([0, 0, 1, 2, 3, 4]), torch.tensor([0, 1, 1, 2, 3, 3]), 1.5
    given = {"scale": scale, "groups": groups, "sources": sources, "objective": objective}
    loss, parts = total(model, z, q, target, rng=rng(2), **given)
    theta, dice = model(z, q), rng(2)  # one generator: the base loss draws first
    drawn = {"scale": scale, "rng": dice, "negatives": objective.negatives, "variant": objective.variant}
    soft = objective.base == "softmax"
    base = batch_softmax(theta, target, scale=scale, groups=groups) if soft else soft_triplet(
        theta, target, groups=groups, **drawn)  # fmt: skip
    expected = {"base": base}
    if name.startswith("compose"):
        z_hat, q_hat = model.reconstruct(theta)
        expected["image"] = reconstruction(z, z_hat, reduction=objective.reduction)
        expected["text"] = reconstruction(q, q_hat, reduction=objective.reduction)
        star = model.reverse(target, q)
        expected["symmetry"] = batch_softmax(star, z, scale=scale, groups=sources) if soft else symmetry(
            star, z, groups=sources, sign=objective.sign, **drawn)  # fmt: skip
    assert list(parts) == list(expected)
    for part, value in expected.items():
        torch.testing.assert_close(parts[part], value.detach())
        assert not parts[part].requires_grad
    by_hand = sum(getattr(objective.weights, part) * value for part, value in expected.items())
    torch.testing.assert_close(loss, by_hand)


def test_eq_37():
    assert [getattr(Weights(), field.name) for field in fields(Weights)] == [1.0, 0.1, 0.1, 0.1]
    assert [getattr(COMPOSE_AE, field.name) for field in fields(Weights)] == [1.0, 0.1, 0.1, 0.01]


def test_a_part_of_weight_0_is_not_computed():
    model, (z, q, target) = model_of("compose-transformers").train(), some_batch()
    _, parts = total(model, z, q, target, scale=1.0, rng=rng(), objective=Objective(weights=Weights(1, 0, 0.1, 0)))
    assert list(parts) == ["base", "text"]
    assert model.turn.gamma[0].num_batches_tracked == 1  # turned forth, and not back
    total(model, z, q, target, scale=1.0, rng=rng())
    assert model.turn.gamma[0].num_batches_tracked == 3


@pytest.mark.parametrize("name", ["tirg", "compose-ae", "compose-transformers"])
@pytest.mark.parametrize("base", ["triplet", "softmax"])
def test_it_learns(name, base):
    """Targets are a fixed map of image and text. A softmax at length 1 falls least: cosines alone separate 64 badly."""
    torch.manual_seed(0)
    model, dice = build(name, 8, 3), rng()
    scale = torch.nn.Parameter(torch.tensor(model.first_scale))
    optimiser = torch.optim.Adam([*model.parameters(), scale], lr=0.01)
    z, q = torch.randn(64, 8, generator=dice), torch.randn(64, 3, generator=dice)
    target = z.roll(1, dims=1) + q @ torch.randn(3, 8, generator=dice)
    seen = []
    for _ in range(60):
        optimiser.zero_grad()
        loss, parts = total(model, z, q, target, scale=scale, rng=dice, objective=Objective(base))
        loss.backward()
        optimiser.step()
        seen.append(parts["base"].item())
    assert sum(seen[-5:]) < 0.75 * sum(seen[:5])


# Bad input


def test_bad_input():
    query, target = pair()
    losses = {
        "soft": lambda *a, **k: soft_triplet(*a, scale=1.0, rng=rng(), **k),
        "symmetry": lambda *a, **k: symmetry(*a, scale=1.0, rng=rng(), **k),
        "softmax": lambda *a, **k: batch_softmax(*a, scale=1.0, **k),
    }
    for loss in losses.values():
        for wrong in ((query, target[1:]), (query[:, 1:], target), (query[0], target[0]), (query[:0], target[:0])):
            with pytest.raises(ValueError, match=r"expected two of \(N, d\)"):
                loss(*wrong)
        for groups in (torch.zeros(4, dtype=torch.int64), torch.zeros(5), torch.zeros(5, 1, dtype=torch.int64)):
            with pytest.raises(ValueError, match="expected .5,. integers"):
                loss(query, target, groups=groups)
    for name in ("soft", "symmetry"):
        with pytest.raises(ValueError, match="two groups or more"):
            losses[name](query, target, groups=torch.zeros(5, dtype=torch.int64))
        with pytest.raises(ValueError, match="two groups or more"):
            losses[name](query[:1], target[:1])
        with pytest.raises(ValueError, match="negatives"):
            losses[name](query, target, negatives=0)
        for wrong in ({"variant": "corrected"}, {"gradient": "double"}):
            with pytest.raises(ValueError, match="variant"):
                losses[name](query, target, **wrong)
    with pytest.raises(ValueError, match="sign"):
        losses["symmetry"](query, target, sign="printed")


def test_bad_options():
    x, y = pair()
    for wrong in ((x, y[1:]), (x[0], y[0])):
        with pytest.raises(ValueError, match="vectors"):
            reconstruction(*wrong)
    with pytest.raises(ValueError, match="reduction"):
        reconstruction(x, y, reduction="none")
    for weights in ({"image": -0.1}, {"base": math.inf}, {"text": math.nan}):
        with pytest.raises(ValueError, match="finite"):
            Weights(**weights)
    for options in ({"base": "hinge"}, {"base": "softmax", "sign": "literal"}):
        with pytest.raises(ValueError, match="base"):
            Objective(**options)
