"""The study of real sets: what no method may see, trees and scores by hand, missing data, figures."""

import hashlib

import matplotlib

matplotlib.use("Agg")

from dataclasses import replace

import fastcluster
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from likeness.data.points import sample
from likeness.data.real import RealSet, load
from likeness.data.registry import SOURCES, VARIABLE
from likeness.report.tidy import t_interval
from likeness.studies.clustering import real_pictures, real_sets, real_trees
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.real_trees import LEARNERS, METHODS, RealProtocol

ZOO = "uci/zoo/zoo.data"
P = Parameters.resolve({"preset": "smoke", "jobs": 1})
PROTOCOL = RealProtocol.of(P)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", "off")
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture(scope="module")
def result():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_CACHE", "off")
        patch.delenv(VARIABLE, raising=False)
        return real_sets.run_real(P, ("iris", "zoo", "wine"))


def trees_of(monkeypatch, y, known, seed=0):
    """The trees that a whole split of iris builds where its labels are y and those of ``known`` are shown."""
    grown = {}
    monkeypatch.setattr(real_sets, "load", lambda name: RealSet(load(name).x, y, name))
    monkeypatch.setattr(real_sets, "split", lambda p, data, seed: known)
    monkeypatch.setattr(real_sets, "scores", lambda trees, w, y: grown.update(trees) or SCORED)
    real_sets._one_split(PROTOCOL, "iris", seed)
    return grown


SCORED = pd.DataFrame([("average", "cost", 0.5)], columns=["method", "metric", "value"])


def test_no_hidden_label_changes_a_tree_and_every_method_is_given_the_same_points(monkeypatch):
    data = load("iris")
    known = real_sets.split(PROTOCOL, data, 0)
    before = trees_of(monkeypatch, data.y, known)
    y, rng = data.y.copy(), np.random.default_rng(0)
    y[~known] = rng.permutation(y[~known])
    after = trees_of(monkeypatch, y, known)
    assert list(before) == list(METHODS)
    for method in METHODS:
        assert before[method].shape == ((~known).sum() - 1, 4), method
        assert np.array_equal(before[method], after[method]), method
    y[known] = rng.permutation(y[known])  # that the shown ones do count says that the comparison can fail
    other = trees_of(monkeypatch, y, known)
    assert {m for m in METHODS if not np.array_equal(before[m], other[m])} == set(LEARNERS)


def test_every_split_shows_other_points_as_many_of_every_class():
    data = load("wine")
    a, b = (real_sets.split(PROTOCOL, data, seed) for seed in (0, 1))
    assert not np.array_equal(a, b)
    assert np.bincount(data.y[a]).tolist() == np.bincount(data.y[b]).tolist() == [18, 21, 14]  # 30 % of 59, 71, 48


def test_a_shuffled_tree_keeps_heights_sizes_and_shape():
    tree = fastcluster.linkage(np.random.default_rng(3).normal(size=(40, 2)), "average")
    got = real_trees.shuffled(tree, np.random.default_rng(0))
    assert np.array_equal(got[:, 2:], tree[:, 2:])
    inner = tree[:, :2] >= 40
    assert np.array_equal(got[:, :2][inner], tree[:, :2][inner])
    leaves = got[:, :2][~inner]
    assert sorted(leaves) == list(range(40))
    assert not np.array_equal(leaves, tree[:, :2][~inner])


@pytest.mark.parametrize("seed", range(5))
def test_equal_weights_give_every_tree_the_same_cost(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 30))
    x, y = rng.normal(size=(n, 3)), np.arange(n) % 2
    trees = {m: fastcluster.linkage(x, m) for m in ("single", "average", "ward")}
    found = real_sets.scores(trees, np.full((n, n), 0.3), y)
    assert found[found.metric == "cost"].value.to_numpy() == pytest.approx(2 * (n + 1) / (3 * n))
    assert found[found.metric == "cost_ratio"].value.to_numpy() == pytest.approx(1.0)


def test_scores_of_four_points_by_hand():
    w = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=float)
    good = np.array([[0, 1, 1, 2], [2, 3, 1.5, 2], [4, 5, 2, 4]])
    chain = np.array([[0, 2, 1, 2], [1, 4, 2, 3], [3, 5, 3, 4]], dtype=float)
    found = real_sets.scores({"average": good, "mlp": chain}, w, np.array([0, 0, 1, 1])).set_index(["method", "metric"])
    assert found.value["average"].to_dict() == pytest.approx(
        {"dendrogram_purity": 1, "cost": 2 / 4, "cost_ratio": 1, "ari_k": 1, "nmi_k": 1}
    )
    # 0 and 1 meet among three points, 2 of them of class 0; 2 and 3 among all four
    assert found.value["mlp", "dendrogram_purity"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found.value["mlp", "cost"] == pytest.approx((3 + 4) / 2 / 4)
    assert found.value["mlp", "cost_ratio"] == pytest.approx(7 / 4)


def frame_of(values):
    """Scores from {method: a value a seed}."""
    lines = [("iris", m, seed, "cost", v) for m, vs in values.items() for seed, v in enumerate(vs)]
    return pd.DataFrame(lines, columns=["dataset", "method", "seed", "metric", "value"])


def test_paired_differences_are_within_a_split():
    frame = frame_of({"average": [0.5, 0.7], "mlp": [0.6, 0.6]}).sample(frac=1, random_state=1)
    got = real_sets.paired(frame, "average")
    assert set(got.method) == {"mlp"}
    assert got.set_index("seed").value.to_dict() == pytest.approx({0: 0.1, 1: -0.1})


def test_validation_takes_a_fifth_and_at_least_two_of_every_class_with_four():
    labels = np.repeat([5, 1, 2, 3], [20, 4, 3, 7])
    held = real_trees._validation(labels, np.random.default_rng(0))
    assert {int(c): int(held[labels == c].sum()) for c in np.unique(labels)} == {1: 2, 2: 0, 3: 2, 5: 4}
    few = np.repeat([0, 1], [9, 3])  # one class could give some: no loss of two classes could be computed
    assert not real_trees._validation(few, np.random.default_rng(0)).any()


def test_two_labels_a_class_are_enough_to_train_on():
    data = load("iris")
    known = real_sets.split(RealProtocol.of(Parameters.resolve({"preset": "smoke", "label_share": 0.05})), data, 0)
    assert known.sum() == 6
    trees = real_trees.grow(PROTOCOL, "iris", data.x, known, data.y[known], 0)
    assert all(len(tree) == 143 for tree in trees.values())


def test_discriminants_whiten_the_classes_and_equal_scikit_learns_on_many_points():
    x, y = sample("blobs", 3000, 0.2, np.random.default_rng(0))
    x = x @ np.array([[1.0, 0.4], [0.0, 0.3]])
    v = real_trees.discriminants(x, y)
    residual = x - np.stack([x[y == c].mean(axis=0) for c in range(9)])[y]
    assert v @ (residual.T @ residual / len(x)) @ v.T == pytest.approx(np.eye(2), abs=0.02)  # shrunk a little
    theirs = LinearDiscriminantAnalysis().fit(x, y).transform(x)
    assert pdist((x @ v.T)[:200]) == pytest.approx(pdist(theirs[:200]), rel=0.02)  # both are free to turn


def test_a_column_that_varies_within_no_class_is_the_most_telling_one():
    y = np.repeat([0, 1], 10)
    x = np.column_stack([np.random.default_rng(0).normal(size=20), y])
    v = real_trees.discriminants(x, y)
    assert v.shape == (1, 2)
    assert abs(v[0, 1]) > abs(v[0, 0])
    assert LinearDiscriminantAnalysis().fit(x, y).scalings_[1] == pytest.approx(0)  # the reason why it is ours


def test_smallest_run_has_every_method_metric_and_split(result):
    frame = result.scores
    assert set(frame.dataset) == {"iris", "wine"}
    counts = frame.groupby(["dataset", "method", "metric"]).seed.nunique()
    assert len(counts) == 2 * len(METHODS) * len(real_sets.METRICS)
    assert set(counts) == {P.real_seeds}
    assert frame.groupby("dataset").n.first().to_dict() == {"iris": 105, "wine": 125}
    value = frame.set_index(["dataset", "method", "metric", "seed"]).value
    assert (value.xs("average", level="method").xs("cost_ratio", level="metric") == 1).all()
    assert value.xs("cost", level="metric").between(2 / 125, 1).all()
    purity = value.xs("dendrogram_purity", level="metric")
    assert (purity.xs("average", level="method") > purity.xs("chance", level="method") + 0.2).all()
    assert (purity.xs("lda", level="method") > 0.75).all()


def test_a_split_scores_the_same_whatever_is_run_beside_it(result):
    alone = real_sets._one_split(PROTOCOL, "wine", 1)
    beside = result.scores[(result.scores.dataset == "wine") & (result.scores.seed == 1)]
    pd.testing.assert_frame_equal(alone, beside.reset_index(drop=True), check_exact=True)


def test_zoo_without_its_file_is_left_out_by_name(result):
    assert result.missing == ("zoo",)
    line = result.sets.set_index("dataset").loc["zoo"]
    assert f"{VARIABLE} is not set; get it from" in line.left_out
    assert pd.isna(line.n)
    assert result.sets.set_index("dataset").loc["iris", ["n", "d", "k", "labels", "in_tree"]].tolist() == [
        150, 4, 3, 45, 105,
    ]  # fmt: skip
    nothing = real_sets.run_real(P, ("zoo",))
    assert nothing.scores.empty
    assert "method" in nothing.scores


def test_a_wrong_data_folder_is_an_error_and_so_is_an_altered_file(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "typo"))
    with pytest.raises(FileNotFoundError, match="typo: expected an existing folder; correct or unset it"):
        real_sets.run_real(P, ("iris",))
    (tmp_path / ZOO).parent.mkdir(parents=True)
    (tmp_path / ZOO).write_text("gnu,1,0\n")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(ValueError, match="expected .*: it was edited or cut short"):
        real_sets.run_real(P, ("zoo",))


def test_zoo_is_scored_where_its_file_is_given(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    lines = [f"beast{i}," + ",".join(map(str, rng.integers(0, 2, 16))) + f",{1 + i % 7}" for i in range(42)]
    text = "\n".join(lines) + "\n"
    (tmp_path / ZOO).parent.mkdir(parents=True)
    (tmp_path / ZOO).write_text(text)
    monkeypatch.setitem(SOURCES["zoo"].files, ZOO, hashlib.sha256(text.encode()).hexdigest())
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    found = real_sets.run_real(Parameters.resolve({"preset": "smoke", "jobs": 1}), ("zoo",))
    assert found.missing == ()
    assert set(found.scores.k) == {7}
    assert np.isfinite(found.scores.value.astype(float)).all()


IRIS = load("iris")
SEEN = np.arange(150) % 3 > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: real_sets.run_real(P, ("glass",)), "'glass'.*expected one of iris"),
        (lambda: real_sets._sizes(replace(PROTOCOL, label_share=1.0), IRIS),
         "label_share = 1.0: expected two points without a label in at least two classes of iris.*lower it"),
        (lambda: real_trees.grow(PROTOCOL, "iris", IRIS.x, SEEN, IRIS.y, 0),
         "150 labels for 100 known of 150 points: expected one label a known point"),
        (lambda: real_trees.grow(PROTOCOL, "iris", IRIS.x[:9], np.arange(9) > 1, IRIS.y[:7], 0), "three points or m"),
        (lambda: real_sets.paired(SCORED, "mst"), "'mst': expected one of chance, single"),
        (lambda: real_sets.describe(SCORED, "ari"), "'ari': expected one of dendrogram_purity"),
        (lambda: real_pictures.figure(SCORED.head(0)), "no scores to draw.*left_out"),
    ],
)  # fmt: skip
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_table_has_a_line_a_method_in_order_with_its_words(result):
    table = real_sets.describe(result.scores.sample(frac=1, random_state=0))
    assert list(table.index) == list(METHODS)
    assert list(table.columns) == ["what it is", "iris", "wine"]
    mean = result.scores.query("dataset == 'wine' and method == 'nca' and metric == 'dendrogram_purity'").value.mean()
    assert table.loc["nca", "wine"] == pytest.approx(mean)


def test_the_figure_shows_the_mean_and_interval_of_every_method(result):
    fig = real_pictures.figure(result.scores)
    assert [a.get_title(loc="left") for a in fig.axes] == [
        "iris: 105 points, 3 classes", "", "wine: 125 points, 3 classes", "",
    ]  # fmt: skip
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == list(METHODS)
    assert [t.get_text() for t in fig.legends[0].get_texts()] == list(real_pictures.KINDS)
    assert fig.get_figwidth() <= 5  # letters of 10 points stay readable on a telephone
    chosen = result.scores.query("dataset == 'wine' and metric == 'cost_ratio'")
    drawn = {}
    for bar in fig.axes[3].containers:
        for x, y, span in zip(*bar.lines[0].get_data(), bar.lines[2][0].get_segments(), strict=True):
            drawn[list(METHODS)[int(y)]] = (x, span[0][0], span[1][0])
    for method in METHODS:
        assert drawn[method] == pytest.approx(t_interval(chosen[chosen.method == method].value)[:3]), method
    low, high = fig.axes[0].get_ylim()
    assert low > high  # the first method on top
    plt.close(fig)


def test_one_split_is_drawn_without_an_interval(result):
    fig = real_pictures.figure(result.scores[result.scores.seed == 0])
    spans = [s for bar in fig.axes[0].containers for s in bar.lines[2][0].get_segments()]
    assert len(spans) == len(METHODS)
    assert all(s[0][0] == s[1][0] for s in spans)
    plt.close(fig)
