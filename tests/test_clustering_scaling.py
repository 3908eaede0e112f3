"""The study of large sets: trees hung from a sample, paired comparisons, growth of the cost, figures."""

import copy
import time

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.cluster.hierarchy import fcluster
from scipy.cluster.hierarchy import linkage as scipy_linkage
from scipy.spatial import cKDTree

from likeness.data.points import CLUSTERS
from likeness.metrics.clustering import ari, dasgupta_cost
from likeness.models.clustering.decoding import decode_circle
from likeness.studies.clustering import scaling, scaling_cost, scaling_pictures
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import DATASETS, METRICS, MODELS, Protocol, Trained, fresh_model, score
from likeness.studies.clustering.rows import LINKAGES, Rows

P = Parameters.resolve({"preset": "smoke", "jobs": 1, "large_n": 400})


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", "off")


@pytest.fixture(scope="module")
def rows():
    """Untrained models in place of trained ones: what is measured does not depend on training."""
    models = {}
    for dataset in DATASETS:
        for name in MODELS:
            for seed in range(P.seeds):
                state = fresh_model(Protocol.of(P), name, seed).state_dict()
                models[dataset, "hard", name, seed] = Trained(dataset, "hard", name, seed, state, None)
    return Rows(pd.DataFrame(), pd.DataFrame(), models)


@pytest.fixture(scope="module")
def quality(rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_CACHE", "off")
        return scaling.run_quality(P, rows)


@pytest.fixture(scope="module")
def cost(rows):
    return scaling_cost.run_cost(P, rows)


def test_a_net_is_named_by_every_one_of_its_weights(rows):
    trained = rows.models["moons", "hard", "mlp", 1]
    net = scaling.Net(Protocol.of(P), trained)
    assert repr(net).startswith("Net(moons/hard/mlp/1, ")
    assert repr(scaling.Net(Protocol.of(P), copy.deepcopy(trained))) == repr(net)
    for name, value in trained.state.items():
        other = copy.deepcopy(trained)
        flat = other.state[name].view(-1)
        flat[len(flat) // 2] += 1
        assert repr(scaling.Net(Protocol.of(P), other)) != repr(net), name
        if value.numel() > 1000:  # the reason for it
            assert repr(other.state[name]) == repr(value)


@pytest.mark.parametrize(("preset", "expected"), [
    ("smoke", [250, 600]), ("laptop", [250, 1000, 3000]), ("full", [250, 1000, 3000, 10000]),
])  # fmt: skip
def test_sizes_begin_at_training_and_end_at_the_largest(preset, expected):
    assert scaling.sizes(Parameters.resolve({"preset": preset, "large_n": expected[-1]})) == expected


def test_sizes_leave_out_what_is_close_to_the_first():
    p = Parameters.resolve({"preset": "full", "points_low": 600, "points_high": 600, "large_n": 10_000})
    assert scaling.sizes(p) == [600, 3000, 10_000]  # 1,000 is less than twice 600


def test_small_sets_are_more():
    p = Parameters.resolve({"preset": "full", "large_n": 10_000, "large_samples": 2})
    assert [scaling.count(p, n) for n in (250, 1000, 3000, 10_000)] == [20, 20, 6, 2]


def test_a_largest_size_within_training_is_refused():
    p = Parameters.resolve({"preset": "smoke", "large_n": 400, "points_high": 400})
    with pytest.raises(ValueError, match="large_n = 400: expected more than points_high = 400"):
        scaling.sizes(p)


def test_large_sets_have_the_size_and_differ_by_seed():
    sets = scaling.large_sets(0, "blobs", 500, 0, 2)
    assert [s.x.shape for s in sets] == [(500, 2)] * 2
    assert {s.noise for s in sets} == {scaling.NOISE}
    assert np.array_equal(sets[1].x, scaling.large_sets(0, "blobs", 500, 0, 2)[1].x)
    assert not np.array_equal(sets[0].x, scaling.large_sets(0, "blobs", 500, 1, 2)[0].x)
    assert len(scaling.large_sets(0, "moons", 501, 0, 1)[0].x) == 500


def test_hanging_by_hand():
    # the sample is 4, 0 and 2; 4 and 2 merge at height 1, 0 joins at 3; 1 hangs at 0, and 3 and 5 at 2
    tree = np.array([[0, 2, 1, 2], [1, 3, 3, 3]], dtype=float)
    got = scaling.hang(tree, np.array([4, 0, 2]), np.array([1, 1, 2, 2, 0, 2]))
    assert got.tolist() == [
        [0, 1, 0, 2],  # node 6: 0 and 1
        [2, 3, 0, 2],  # node 7: 2 and 3
        [5, 7, 0, 3],  # node 8: 2, 3 and 5
        [4, 8, 1, 4],  # node 9: 4 and node 8
        [6, 9, 3, 6],
    ]


@pytest.mark.parametrize("seed", range(5))
def test_a_cut_of_a_hung_tree_is_the_cut_of_the_sample(seed):
    rng = np.random.default_rng(seed)
    n, m = 60, 12
    x = rng.normal(size=(n, 2))
    few = rng.choice(n, m, replace=False)
    host = cKDTree(x[few]).query(x)[1]
    tree = scipy_linkage(x[few], "average")
    got = scaling.hang(tree, few, host)
    dasgupta_cost(got, np.ones((n, n)))  # refuses what is no tree
    assert np.array_equal(got[:, 2], np.r_[np.zeros(n - m), tree[:, 2]])
    for k in range(1, m + 1):
        assert ari(fcluster(got, k, "maxclust"), fcluster(tree, k, "maxclust")[host]) == 1


def test_a_sample_of_all_points_hangs_nothing():
    tree = scipy_linkage(np.random.default_rng(0).normal(size=(9, 2)), "single")
    assert np.array_equal(scaling.hang(tree, np.arange(9), np.arange(9)), tree)


def test_the_three_ways_differ_in_one_thing_each():
    x = np.random.default_rng(0).normal(size=(80, 2))
    seen = []

    def pointwise(points):
        seen.append(len(points))
        return points

    def crowded(points):  # an embedding that depends on how many points it is given
        return np.column_stack([points[:, 0] + len(points), points[:, 1]])

    def ways(embedding, small=20):
        return scaling.three_ways(embedding, x, small, np.random.default_rng(1))

    got = ways(pointwise)
    assert list(got) == list(scaling.WAYS)
    assert seen == [80, 20]
    assert np.array_equal(got["all"], decode_circle(x))
    assert np.array_equal(got["few"], got["few-decoded"])  # what embeds each point by itself sees no neighbourhood
    assert (got["few"][:, 2] == 0).sum() == 60
    assert not np.array_equal(got["few"], got["all"])
    assert not np.array_equal(ways(crowded)["few"], ways(crowded)["few-decoded"])
    small = ways(crowded, small=80)
    assert all(np.array_equal(tree, small["all"]) for tree in small.values())


def test_a_point_without_direction_lies_at_angle_zero():
    class Nothing:
        def directions(self, x):
            return torch.zeros(len(x), 2)

    assert scaling.embed(Nothing(), np.ones((3, 2))).tolist() == [[1, 0]] * 3


@pytest.mark.parametrize("method", LINKAGES)
def test_linkages_that_save_memory_are_scipys(method):
    x = np.random.default_rng(0).normal(size=(200, 2))
    assert scaling.linkage(x, method)[:, 2] == pytest.approx(scipy_linkage(x, method)[:, 2])


def test_smallest_run_has_every_method_way_size_and_seed(quality):
    assert set(quality.n) == {250, 400}
    ways = quality.groupby("method").way.unique().map(sorted)
    assert all(ways[m] == sorted(scaling.WAYS) for m in MODELS)
    assert all(ways[m] == ["all"] for m in LINKAGES)
    cells = quality.groupby(["dataset", "method", "way", "n", "metric"]).seed.agg(["nunique", "size"])
    assert len(cells) == len(DATASETS) * (2 * 3 + 4) * 2 * len(METRICS)
    assert (cells == P.seeds).all().all()
    small = quality[(quality.n == 250) & quality.method.isin(MODELS)]  # nothing to leave out: the three ways are one
    wide = small.pivot_table(index=["dataset", "method", "seed", "metric"], columns="way", values="value")
    assert wide.eq(wide["all"], axis=0).all().all()


def test_a_score_is_the_mean_over_the_sets_of_a_seed():
    got = scaling._one_size(P.seed, "aniso", 300, 1, 3, 250, "ward").set_index("metric").value
    sets = scaling.large_sets(P.seed, "aniso", 300, 1, 3)
    one_by_one = [score(scipy_linkage(s.x, "ward"), s.y, CLUSTERS["aniso"])["ari_k"] for s in sets]
    assert got["ari_k"] == pytest.approx(np.mean(one_by_one))


def scores(lines):
    return pd.DataFrame(lines, columns=["method", "way", "n", "seed", "value"]).assign(dataset="moons", metric="ari_k")


def test_causes_are_steps_between_the_ways_at_the_largest_size():
    frame = scores([
        ("dgcnn", "all", 9000, 0, 0.1), ("dgcnn", "few-decoded", 9000, 0, 0.4), ("dgcnn", "few", 9000, 0, 0.9),
        ("dgcnn", "all", 250, 0, 0.7), ("dgcnn", "few-decoded", 250, 0, 0.7), ("dgcnn", "few", 250, 0, 0.7),
        ("ward", "all", 9000, 0, 0.5), ("ward", "all", 250, 0, 0.5),
    ])  # fmt: skip
    got = scaling.causes(frame)
    assert got.set_index(["method", "cause"]).value.to_dict() == pytest.approx(
        {("dgcnn", "tree"): 0.3, ("dgcnn", "neighbourhood"): 0.5}
    )


def test_change_is_largest_less_smallest_of_the_same_seed():
    runs = ((900, 0, 0.3), (250, 0, 0.5), (250, 1, 0.6), (900, 1, 0.7), (500, 0, 9.0), (500, 1, 9.0))
    frame = scores([("ward", "all", n, seed, value) for n, seed, value in runs])
    assert scaling.change(frame).set_index("seed").value.to_dict() == pytest.approx({0: -0.2, 1: 0.1})


def test_the_table_of_scores_has_a_column_a_size(quality):
    table = scaling.describe(quality)
    assert list(table.columns) == ["dataset", "method", "way", "250 points", "400 points"]
    assert len(table) == len(DATASETS) * 10
    with pytest.raises(ValueError, match="'purity': expected one of ari_k"):
        scaling.describe(quality, "purity")


def seconds(law, sizes):
    lines = [("ward", "total", n, r, law(n) * (1 + r)) for n in sizes for r in range(2)]
    return pd.DataFrame(lines, columns=["method", "part", "n", "repeat", "seconds"])


def test_growth_of_a_power_is_its_exponent_in_every_repeat():
    got = scaling_cost.growth(seconds(lambda n: 3e-9 * n**2, [1250, 2500, 5000, 10_000]))
    assert got["repeat"].tolist() == [0, 1]
    assert got.exponent.tolist() == pytest.approx([2, 2])


def test_growth_leaves_out_what_a_call_costs_at_small_sizes():
    def law(n):
        return 1.0 if n < 1000 else 1e-6 * n**1.5

    assert scaling_cost.growth(seconds(law, [500, 1000, 2000, 4000])).exponent.tolist() == pytest.approx([1.5, 1.5])
    small = scaling_cost.growth(seconds(lambda n: 5.0 if n < 150 else n**1.0, [75, 150, 300, 600]))
    assert small.exponent.tolist() == pytest.approx([1, 1])
    with pytest.raises(ValueError, match=r"sizes \[500\]: expected at least two"):
        scaling_cost.growth(seconds(law, [500]))


def test_a_short_call_is_made_again_and_the_least_time_counts(monkeypatch):
    calls = []

    def clock(spans):
        ticks = iter(np.cumsum([v for span in spans for v in (0.0, span)]))
        monkeypatch.setattr(time, "process_time", lambda: next(ticks))

    clock([0.03, 0.01, 0.04, 0.02, 0.03])
    assert scaling_cost.timed(lambda: calls.append(0) or 7) == (7, pytest.approx(0.01))
    assert len(calls) == scaling_cost.MOST_CALLS
    clock([2.0])
    assert scaling_cost.timed(lambda: calls.append(0)) == (None, 2.0)
    assert len(calls) == scaling_cost.MOST_CALLS + 1


def test_cost_is_measured_of_every_method_at_every_size(cost):
    assert scaling_cost.sizes(P) == [50, 100, 200, 400]
    cells = cost.groupby(["method", "part"]).size()
    assert set(cells) == {4 * P.cost_repeats}
    assert set(cells.index) == {(m, "total") for m in (*MODELS, *LINKAGES)} | {
        (m, part) for m in MODELS for part in ("embedding", "hierarchy")
    }
    wide = cost[cost.method == "mlp"].pivot_table(index=["n", "repeat"], columns="part", values="seconds")
    assert wide.total.to_numpy() == pytest.approx((wide.embedding + wide.hierarchy).to_numpy())
    table = scaling_cost.describe(cost)
    assert list(table.columns) == ["method", "part", *(f"{n} points, s" for n in scaling_cost.sizes(P)), "exponent"]
    assert np.isfinite(table.exponent).all()


def test_threads_are_given_back(rows, monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        monkeypatch.setattr(scaling_cost, "_parts", lambda *a: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            scaling_cost.run_cost(P, rows)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_figures_are_drawn_narrow_with_every_method_and_the_sizes_that_were_run(quality, cost):
    fig = scaling_pictures.figure_quality(quality)
    assert [a.get_title() for a in fig.axes] == list(DATASETS)
    assert [t.get_text() for t in fig.legends[0].get_texts()] == [
        "single", "average", "complete", "ward", "mlp", "mlp, sample", "dgcnn", "dgcnn, sample",
    ]  # fmt: skip
    assert fig.axes[0].get_xticks().tolist() == [250, 400]
    assert fig.get_figwidth() <= 5
    plt.close(fig)
    fig = scaling_pictures.figure_cost(cost)
    labels = [t.get_text() for t in fig.legends[0].get_texts()]
    assert [label.split(":")[0] for label in labels] == [*LINKAGES, *MODELS, "circle decoding"]
    exponent = scaling_cost.describe(cost).set_index(["method", "part"]).exponent["ward", "total"]
    assert f"ward: $n^{{{exponent:.2f}}}$" in labels
    assert fig.axes[0].get_xticks().tolist() == [50, 100, 200, 400]
    assert fig.get_figwidth() <= 5
    plt.close(fig)
