"""Losses against naive loops over explicit triplets, and the laws they obey."""

import math

import numpy as np
import pytest
import torch

from likeness.models.clustering.decoding import lca_depth as lca_depth_of_points
from likeness.models.clustering.losses import (
    cosine,
    hyphc_loss,
    hyphc_loss_all,
    labelled_triples,
    lca_depth,
    random_triples,
    same_class_pairs,
    triplet_loss,
)
from likeness.models.clustering.training import TrainingOptions

SEEDS = range(5)


def points(seed, n=11, k=3, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    u = torch.nn.functional.normalize(torch.randn(n, 2, generator=rng, dtype=dtype), dim=1)
    labels = torch.cat([torch.arange(k), torch.randint(k, (n - k,), generator=rng)])
    return u, labels


def triplets(labels):
    n = len(labels)
    return [
        (a, p, q)
        for a in range(n)
        for p in range(n)
        for q in range(n)
        if a != p and labels[a] == labels[p] and labels[q] != labels[a]
    ]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("variant", ["corrected", "literal"])
def test_triplet_loss_equals_the_loop(seed, variant):
    u, labels = points(seed)
    s, margin = cosine(u), 0.7
    terms = []
    for a, p, n in triplets(labels):
        gap = s[a, n] - s[a, p] if variant == "corrected" else s[a, p] - s[a, n]
        terms.append(max(float(gap) + margin, 0.0))
    violating = [t for t in terms if t > 0]
    got = triplet_loss(s, same_class_pairs(labels), margin, variant=variant)
    assert float(got) == pytest.approx(sum(violating) / len(violating), rel=1e-12)


def test_triplet_loss_by_hand():
    # directions at 0, 60 and 180 degrees, classes 0, 0, 1: s01 = .5, s02 = -1, s12 = -.5
    angles = torch.tensor([0.0, math.pi / 3, math.pi], dtype=torch.float64)
    s = cosine(torch.stack([angles.cos(), angles.sin()], 1))
    pairs = same_class_pairs(torch.tensor([0, 0, 1]))
    # triplets (0,1,2): -1 - .5 + 1 < 0; (1,0,2): -.5 - .5 + 1 = 0: neither violates at margin 1
    assert float(triplet_loss(s, pairs, 1.0)) == pytest.approx(0.0, abs=1e-12)
    # at margin 2: .5 and 1, mean .75
    assert float(triplet_loss(s, pairs, 2.0)) == pytest.approx(0.75)
    # as printed (eq. 3) at margin 1: 2.5 and 2, mean 2.25: a perfect grouping is punished
    assert float(triplet_loss(s, pairs, 1.0, variant="literal")) == pytest.approx(2.25)


def test_the_gradient_pulls_positives_in_and_the_printed_sign_pushes_them_out():
    angles = torch.tensor([0.0, 1.0, 2.5], dtype=torch.float64, requires_grad=True)
    pairs = same_class_pairs(torch.tensor([0, 0, 1]))
    for variant, sign in (("corrected", 1), ("literal", -1)):
        s = cosine(torch.stack([angles.cos(), angles.sin()], 1))
        (gradient,) = torch.autograd.grad(triplet_loss(s, pairs, 1.5, variant=variant), angles)
        # a descent step moves point 0 along -gradient: towards its positive at angle 1 when the sign is right
        assert math.copysign(1, -float(gradient[0])) == sign


def lca_loop(u, r, i, j):
    z = u.numpy() * r
    return float(lca_depth_of_points(z[i], z[j]))


@pytest.mark.parametrize("seed", SEEDS)
def test_depth_at_equal_radius_is_the_general_hyperbolic_lca(seed):
    u, _ = points(seed)
    for r in (1e-3, 0.3, 0.9):
        w = (1 + cosine(u)) / 2
        depth = lca_depth(w, torch.tensor([r], dtype=torch.float64))
        for i in range(len(u)):
            for j in range(len(u)):
                if i != j and float(w[i, j]) > 1e-4:
                    # 1e-6: the clamps that keep the slopes finite
                    assert float(depth[i, j]) == pytest.approx(lca_loop(u, r, i, j), rel=1e-6, abs=1e-9)


def hyphc_loop(u, r, triples, tau):
    s = cosine(u)
    w = (1 + s) / 2
    costs = []
    for i, j, k in triples:
        weight = [float(w[i, j]), float(w[i, k]), float(w[j, k])]
        depth = [lca_loop(u, r, *pair) / tau for pair in ((i, j), (i, k), (j, k))]
        top = max(depth)
        e = [math.exp(d - top) for d in depth]
        costs.append(sum(weight) - sum(a * b for a, b in zip(weight, e, strict=True)) / sum(e))
    return sum(costs) / len(costs) + float(w.mean())


@pytest.mark.parametrize("seed", SEEDS)
def test_hyphc_loss_equals_the_loop(seed):
    u, _ = points(seed, n=8)
    radius = torch.tensor([0.4], dtype=torch.float64)
    triples = random_triples(8, 40, torch.Generator().manual_seed(seed))
    got = hyphc_loss(cosine(u), radius, triples, 0.1)
    assert float(got) == pytest.approx(hyphc_loop(u, 0.4, triples.tolist(), 0.1), rel=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_triples_equal_the_loop_and_the_expectation_of_sampling(seed):
    u, labels = points(seed, n=12, k=3)
    s, radius, pairs = cosine(u), torch.tensor([0.5], dtype=torch.float64), same_class_pairs(labels)
    explicit = torch.tensor(triplets(labels))
    assert float(hyphc_loss_all(s, radius, pairs, 0.1)) == pytest.approx(
        float(hyphc_loss(s, radius, explicit, 0.1)), rel=1e-6
    )


def test_sampled_triples_have_all_triples_as_their_mean():
    labels = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2])  # equal classes: every triple is equally likely
    u, _ = points(0, n=9)
    s, radius = cosine(u), torch.tensor([0.5], dtype=torch.float64)
    triples = labelled_triples(labels, 40_000, torch.Generator().manual_seed(0))
    sampled = hyphc_loss(s, radius, triples, 0.1)
    exact = hyphc_loss_all(s, radius, same_class_pairs(labels), 0.1)
    # 360,000 draws of a cost below 3: standard error below .003
    assert float(sampled) == pytest.approx(float(exact), abs=0.01)


def test_labelled_triples_respect_labels():
    labels = torch.tensor([0, 1, 1, 2, 0, 2, 2])
    a, p, n = labelled_triples(labels, 50, torch.Generator().manual_seed(1)).T
    assert len(a) == 7 * 50
    assert bool((labels[a] == labels[p]).all()) and bool((a != p).all()) and bool((labels[a] != labels[n]).all())


def test_random_triples_are_distinct_and_uniform():
    triples = random_triples(5, 60_000, torch.Generator().manual_seed(0))
    assert bool((triples.sort(1).values.diff(dim=1) > 0).all())
    counts = np.unique(triples.numpy(), axis=0, return_counts=True)[1]
    assert len(counts) == 5 * 4 * 3
    assert abs(counts / 1000 - 1).max() < 0.15  # 60 cells of 1000: sd 3 %


def test_the_hyphc_cost_is_blind_to_labels():
    # labels only choose which triples are looked at: every 2-2 labelling of four points looks at all four triples,
    # so a perfect grouping and a perfectly wrong one cost the same. The triplet loss alone knows the classes.
    angles = torch.tensor([0.0, 0.05, math.pi, math.pi + 0.05], dtype=torch.float64)
    s, radius = cosine(torch.stack([angles.cos(), angles.sin()], 1)), torch.tensor([0.5], dtype=torch.float64)
    right, wrong = (same_class_pairs(torch.tensor(y)) for y in ([0, 0, 1, 1], [0, 1, 0, 1]))
    assert float(hyphc_loss_all(s, radius, right, 0.1)) == pytest.approx(float(hyphc_loss_all(s, radius, wrong, 0.1)))
    assert float(triplet_loss(s, right, 0.5)) < float(triplet_loss(s, wrong, 0.5))


@pytest.mark.parametrize("seed", SEEDS)
def test_losses_are_invariant_to_rotation_and_order(seed):
    u, labels = points(seed)
    turn = torch.tensor([[math.cos(1), -math.sin(1)], [math.sin(1), math.cos(1)]], dtype=torch.float64)
    order = torch.randperm(len(u), generator=torch.Generator().manual_seed(seed))
    radius = torch.tensor([0.5], dtype=torch.float64)

    def both(v, y):
        pairs = same_class_pairs(y)
        return triplet_loss(cosine(v), pairs, 0.5), hyphc_loss_all(cosine(v), radius, pairs, 0.1)

    for other in (both(u @ turn, labels), both(u[order], labels[order])):
        for a, b in zip(both(u, labels), other, strict=True):
            assert float(a) == pytest.approx(float(b), rel=1e-9)


def test_gradients_against_finite_differences():
    u, labels = points(3, n=7, k=2)
    raw = (u * 1.3).requires_grad_()
    radius = torch.tensor([0.4], dtype=torch.float64, requires_grad=True)
    pairs = same_class_pairs(labels)

    def loss(x, r):
        s = cosine(torch.nn.functional.normalize(x, dim=1))
        return triplet_loss(s, pairs, 0.8) + hyphc_loss_all(s, r, pairs, 0.1)

    torch.autograd.gradcheck(loss, (raw, radius), eps=1e-7, atol=1e-5)


def test_gradients_stay_finite_for_equal_and_antipodal_points():
    u = torch.tensor([[1.0, 0], [1, 0], [-1, 0], [-1, 0]], requires_grad=True)
    pairs = same_class_pairs(torch.tensor([0, 0, 1, 1]))
    hyphc_loss_all(cosine(u), torch.tensor([0.999]), pairs, 0.1).backward()
    assert torch.isfinite(u.grad).all()


def test_detached_weights_keep_the_value_and_change_the_gradient():
    u, labels = points(1)
    radius, pairs = torch.tensor([0.5], dtype=torch.float64), same_class_pairs(labels)
    gradients = []
    for detach in (False, True):
        v = u.clone().requires_grad_()
        loss = hyphc_loss_all(cosine(v), radius, pairs, 0.1, detach=detach)
        loss.backward()
        gradients.append((loss.item(), v.grad))
    assert gradients[0][0] == pytest.approx(gradients[1][0])
    assert not torch.allclose(gradients[0][1], gradients[1][1])


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [0]])
def test_no_triplet_is_an_error(labels):
    with pytest.raises(ValueError, match="no triplet"):
        same_class_pairs(torch.tensor(labels))


def test_no_triple_is_an_error():
    u, _ = points(0)
    with pytest.raises(ValueError, match="at least one triple"):
        hyphc_loss(cosine(u), torch.tensor([0.5]), torch.empty(0, 3, dtype=torch.int64), 0.1)
    with pytest.raises(ValueError, match="three points"):
        random_triples(2, 5, torch.Generator())


def test_sums_are_the_means_times_their_counts():
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    angles = torch.linspace(0.1, 5.0, 6, dtype=torch.float64)
    s, pairs = cosine(torch.stack([angles.cos(), angles.sin()], 1)), same_class_pairs(labels)
    radius = torch.tensor([0.3], dtype=torch.float64)
    summed = hyphc_loss_all(s, radius, pairs, 0.1, reduction="sum")
    w_mean = ((1 + s) / 2).mean()
    mean = hyphc_loss_all(s, radius, pairs, 0.1) - w_mean
    assert float(summed) == pytest.approx(float(mean * pairs.negative.sum() + w_mean * s.numel()))
    violating = sum(
        float(s[a, n] - s[a, p] + 0.5) > 0
        for a in range(6) for p in range(6) for n in range(6)
        if a != p and labels[a] == labels[p] and labels[a] != labels[n]
    )  # fmt: skip
    total = triplet_loss(s, pairs, 0.5, reduction="sum")
    assert float(total) == pytest.approx(violating * float(triplet_loss(s, pairs, 0.5)))
    assert violating > 0


def test_a_sum_over_sampled_triples_is_refused():
    with pytest.raises(ValueError, match="expected triples 'all'"):
        TrainingOptions(reduction="sum", triples="sampled")
