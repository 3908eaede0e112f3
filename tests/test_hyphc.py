"""HypHC as a peer: the torch LCA against numpy, the cost against loops, the best state kept."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from likeness.data.real import load, prepare, similarity
from likeness.metrics.clustering import dasgupta_cost, dendrogram_purity
from likeness.models.clustering import hyphc
from likeness.models.clustering.decoding import decode_lca, lca_depth
from likeness.models.clustering.hyphc import PRESETS, HypHCOptions, fit_hyphc, lca_depth_torch, triple_cost

SHORT = HypHCOptions(triples=600, batch=64, epochs=4, learning_rate=1e-2)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def two_blocks(n: int = 12) -> np.ndarray:
    """Similarity 1 inside two halves and .1 between them."""
    half = np.arange(n) < n // 2
    return np.where(half[:, None] == half[None, :], 1.0, 0.1)


def disk(seed: int, n: int, top: float = 0.99) -> np.ndarray:
    rng = np.random.default_rng(seed)
    angle, radius = rng.uniform(0, 2 * np.pi, n), top * np.sqrt(rng.uniform(size=n))
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


@pytest.mark.parametrize("seed", range(5))
def test_torch_depth_equals_numpy_depth(seed):
    u, v = disk(seed, 300), disk(seed + 50, 300)
    got = lca_depth_torch(torch.from_numpy(u), torch.from_numpy(v)).numpy()
    np.testing.assert_allclose(got, lca_depth(u, v), atol=1e-9)
    same = lca_depth_torch(torch.from_numpy(u), torch.from_numpy(u)).numpy()
    np.testing.assert_allclose(same, lca_depth(u, u), atol=1e-9)


def test_gradient_of_the_depth_equals_finite_differences():
    u, v = torch.from_numpy(disk(1, 40, 0.9)), torch.from_numpy(disk(2, 40, 0.9))
    inside = 0
    for i in range(40):
        point = u[i].clone().requires_grad_()
        lca_depth_torch(point, v[i]).backward()
        for axis in range(2):
            step = torch.zeros(2, dtype=torch.float64)
            step[axis] = 1e-6
            slope = (lca_depth_torch(u[i] + step, v[i]) - lca_depth_torch(u[i] - step, v[i])) / 2e-6
            assert point.grad[axis].item() == pytest.approx(slope.item(), abs=1e-5)
        inside += bool(lca_depth_torch(u[i], v[i]) < lca_depth_torch(u[i], u[i]).min() - 1e-3)
    assert 5 < inside < 40  # both kinds of pairs were there: foot inside the segment, and an end point


def test_gradient_is_finite_where_square_roots_are_steep():
    for u, v in (((0.5, 0.0), (-0.5, 0.0)), ((0.3, 0.1), (0.3, 0.1)), ((0.0, 0.0), (0.4, 0.0))):
        a = torch.tensor(u, dtype=torch.float64, requires_grad=True)
        b = torch.tensor(v, dtype=torch.float64, requires_grad=True)
        lca_depth_torch(a, b).backward()
        assert torch.isfinite(a.grad).all()
        assert torch.isfinite(b.grad).all()


def test_triple_cost_equals_the_loop():
    z, rng = disk(3, 9, 0.8), np.random.default_rng(0)
    w = rng.uniform(size=(9, 9))
    w = (w + w.T) / 2
    triples = np.array(list(combinations(range(9), 3)))
    total = 0.0
    for i, j, k in triples:
        ws = [w[i, j], w[i, k], w[j, k]]
        powers = [np.exp(float(lca_depth(z[a], z[b])) / 0.3) for a, b in ((i, j), (i, k), (j, k))]
        total += sum(ws) - sum(a * p for a, p in zip(ws, powers, strict=True)) / sum(powers)
    got = triple_cost(torch.from_numpy(z), torch.from_numpy(w), torch.from_numpy(triples), 0.3)
    assert got.shape == ()
    assert got.item() == pytest.approx(total / len(triples), rel=1e-9)


def test_cold_triple_cost_is_dasguptas_cost():
    """Where all triples agree with the tree, C = 2 (sum over triples + 2 sum over pairs)."""
    angle = np.array([0.0, 0.02, 0.2, 0.23, 1.5, 1.54, 1.9, 1.95])  # pairs, in fours, in halves
    z, rng = 0.9 * np.column_stack([np.cos(angle), np.sin(angle)]), np.random.default_rng(1)
    w = rng.uniform(size=(8, 8))
    w = (w + w.T) / 2
    triples = torch.tensor(list(combinations(range(8), 3)))
    mean = triple_cost(torch.from_numpy(z), torch.from_numpy(w), triples, 1e-5).item()
    pairs = w[np.triu_indices(8, 1)].sum()
    assert 2 * (mean * len(triples) + 2 * pairs) == pytest.approx(dasgupta_cost(decode_lca(z), w), rel=1e-12)


@pytest.mark.parametrize("radius", ["shared", "free"])
def test_two_blocks_are_found(radius):
    w = two_blocks()
    fit = fit_hyphc(w, replace(SHORT, radius=radius, epochs=12, learning_rate=3e-2), rng=generator())
    assert fit.z.shape == (12, 2)
    assert fit.linkage.shape == (11, 4)
    assert np.linalg.norm(fit.z, axis=1).max() < 1.0
    spread = np.ptp(np.linalg.norm(fit.z, axis=1))
    assert (spread < 1e-9) == (radius == "shared")
    assert dendrogram_purity(fit.linkage, (np.arange(12) < 6).astype(int)) == 1.0
    assert fit.loss[-1] < fit.loss[0]


@pytest.mark.parametrize("radius", ["shared", "free"])
def test_the_best_state_is_a_copy_of_its_epoch(radius, monkeypatch):
    """The published code keeps a reference, so that its best state is the last one."""
    seen: list[np.ndarray] = []
    told = iter([3.0, 1.0, 2.0, 2.5])
    monkeypatch.setattr(hyphc, "decode_lca", lambda z: seen.append(z.copy()) or decode_lca(z))
    monkeypatch.setattr(hyphc, "dasgupta_cost", lambda tree, w: next(told))
    fit = fit_hyphc(two_blocks(), replace(SHORT, radius=radius), rng=generator(1))
    assert (fit.cost, fit.best_epoch, fit.last_cost, fit.costs) == (1.0, 2, 2.5, (3.0, 1.0, 2.0, 2.5))
    np.testing.assert_array_equal(fit.z, seen[1])
    assert np.abs(seen[1] - seen[3]).max() > 1e-3  # the weights did move on
    np.testing.assert_array_equal(fit.linkage, decode_lca(seen[1]))


def test_costs_are_those_of_the_decoded_trees():
    data = load("iris")
    w = similarity(prepare(data.x[::5]))
    fit = fit_hyphc(w, SHORT, rng=generator(1))
    assert fit.cost == min(fit.costs) == fit.costs[fit.best_epoch - 1]
    assert dasgupta_cost(decode_lca(fit.z), w) == pytest.approx(fit.cost)
    assert dasgupta_cost(fit.linkage, w) == pytest.approx(fit.cost)


def test_same_generator_same_fit_and_progress_is_told():
    told: list[tuple[int, int]] = []
    w = two_blocks()
    fits = [fit_hyphc(w, SHORT, rng=generator(s), on_epoch=lambda *a: told.append(a)) for s in (3, 3, 4)]
    np.testing.assert_array_equal(fits[0].z, fits[1].z)
    assert np.abs(fits[0].z - fits[2].z).max() > 1e-6
    assert told[:4] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_patience_and_annealing(monkeypatch):
    monkeypatch.setattr(hyphc, "dasgupta_cost", lambda tree, w: 1.0)
    assert len(fit_hyphc(two_blocks(), replace(SHORT, epochs=30, patience=3), rng=generator()).costs) == 4
    seen = []
    inner = hyphc.triple_cost
    monkeypatch.setattr(hyphc, "triple_cost", lambda z, w, t, tau: seen.append(tau) or inner(z, w, t, tau))
    fit_hyphc(two_blocks(), replace(SHORT, epochs=4, anneal_every=2, anneal_factor=0.5), rng=generator())
    assert list(dict.fromkeys(seen)) == [0.1, 0.05]


def test_published_presets():
    zoo, iris = PRESETS["zoo"], PRESETS["iris"]
    assert (zoo.temperature, zoo.learning_rate, zoo.batch, zoo.triples) == (0.1, 1e-3, 256, 100_000)
    assert (iris.temperature, iris.learning_rate, iris.batch, iris.triples) == (0.05, 5e-4, 512, 50_000)
    assert zoo.epochs == iris.epochs == 50
    assert PRESETS["wine"] == PRESETS["digits"] == zoo


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_hyphc(np.ones((2, 2)), SHORT, rng=generator()), "n >= 3"),
        (lambda: fit_hyphc(np.empty((0, 0)), SHORT, rng=generator()), "n >= 3"),
        (lambda: fit_hyphc(np.ones((4, 3)), SHORT, rng=generator()), r"\(4, 3\)"),
        (lambda: fit_hyphc(np.full((4, 4), np.nan), SHORT, rng=generator()), "NaN"),
        (lambda: fit_hyphc(np.triu(np.ones((4, 4))), SHORT, rng=generator()), "not symmetric"),
        (lambda: HypHCOptions(temperature=0.0), "temperature = 0.0"),
        (lambda: HypHCOptions(epochs=0), "epochs = 0"),
        (lambda: HypHCOptions(learning_rate=float("nan")), "learning_rate = nan"),
        (lambda: HypHCOptions(init_size=1.0), "init_size = 1.0"),
        (lambda: HypHCOptions(radius="none"), "'none'"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
