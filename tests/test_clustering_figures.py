"""Figure 2, the bands of Figure 3, the variance of one row, and the small computations behind the errata."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from likeness.data.points import PointSet
from likeness.models.clustering.decoding import decode_circle
from likeness.models.clustering.networks import build
from likeness.studies.clustering import bands, decoding_race, evidence, gallery, pictures, switches, variance
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import METRICS, NOISES, Protocol, Trained, directions, fresh_model
from likeness.studies.clustering.rows import Rows

P = Parameters.resolve({"preset": "smoke"})


@pytest.fixture
def rows():
    """Untrained models in place of trained ones: what is drawn does not depend on training."""
    models = {}
    for name in ("mlp", "dgcnn"):
        for seed in range(P.seeds):
            state = fresh_model(Protocol.of(P), name, seed).state_dict()
            models["circles", "easy", name, seed] = Trained("circles", "easy", name, seed, state, None)
    return Rows(pd.DataFrame(), pd.DataFrame(), models)


def test_a_prediction_is_cut_where_its_ari_is_best():
    torch.manual_seed(0)
    net = build("mlp").eval()
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(c, 0.01, (20, 2)) for c in (-2.0, 2.0)])
    points = PointSet(x, np.repeat([0, 1], 20), 0.0)
    found = gallery.predict(net, points, "circles")
    assert np.allclose(found.tree, decode_circle(directions(net, x)))
    assert np.allclose(np.linalg.norm(found.z, axis=1), float(net.radius().detach()), atol=1e-6)
    assert np.allclose(found.z / np.linalg.norm(found.z, axis=1)[:, None],
                       found.h / np.linalg.norm(found.h, axis=1)[:, None], atol=1e-5)  # fmt: skip
    assert 0 <= found.ari <= 1
    assert 1 <= found.cut <= 6


def test_the_gallery_has_a_row_a_noise_value_and_five_columns(rows):
    fig = gallery.gallery(P, rows, "circles", "mlp")
    assert len(fig.axes) == 5 * len(gallery.LEVELS)
    assert [a.get_ylabel() for a in fig.axes[::5]] == [f"noise {noise:g}" for noise in gallery.LEVELS]
    plt.close(fig)


def test_both_networks_are_shown_the_same_samples(rows):
    a, b = (gallery.predictions(P, rows, "circles", model) for model in ("mlp", "dgcnn"))
    assert all(np.array_equal(x.points.x, y.points.x) for x, y in zip(a, b, strict=True))


def test_geometry_of_two_opposite_rays(rows, monkeypatch):
    class Rays(torch.nn.Module):
        """The outer circle to the right, the inner one to the left, twice as far out."""

        def features(self, x):
            outer = (x.norm(dim=1) > 0.75).float()[:, None]
            return torch.cat([outer - 2 * (1 - outer), torch.zeros_like(outer)], 1)

    monkeypatch.setattr(gallery, "restore", lambda p, trained: Rays())
    frame = gallery.geometry(P, rows, "circles", "mlp").query("noise == 0")
    means = frame.groupby("quantity")["value"].mean()
    assert means.to_dict() == pytest.approx({"distance": 1.0, "nearest": 1.0, "alignment": 1.0, "opposition": 1.0})
    assert set(frame.seed) == set(range(P.seeds))


def test_bands_are_thirds_of_the_axis_and_their_mean_is_the_loop():
    assert [len(b) for b in bands.BANDS.values()] == [6, 6, 17]
    assert max(bands.BANDS["small"]) < min(bands.BANDS["high"])
    rng = np.random.default_rng(0)
    frame = pd.DataFrame([("circles", "mlp", "ari_k", noise, seed, rng.random())
                          for noise in NOISES for seed in range(3)],
                         columns=["dataset", "method", "metric", "noise", "seed", "value"])  # fmt: skip
    found = bands.band_means(frame, "seed").set_index(["band", "seed"])["value"]
    for band, noises in bands.BANDS.items():
        for seed in range(3):
            kept = [v for _, _, _, n, s, v in frame.itertuples(index=False) if s == seed and n in noises]
            assert found[band, seed] == pytest.approx(sum(kept) / len(noises))


def test_a_printed_band_with_a_missing_point_has_no_mean():
    points = [("circles", "mlp", "ari@k", n, 0.5) for n in NOISES if n != 0.16]
    printed = pd.DataFrame(points, columns=["dataset", "method", "metric", "noise", "mean"])
    ours = printed.assign(metric="ari_k", seed=0, value=1.0)
    mean = bands.band_means(ours, "seed")
    table = bands.compare(mean, mean.head(0), printed)
    assert table["small, printed"].item() == pytest.approx(0.5)
    assert np.isnan(table["high, printed"].item())
    assert np.isnan(table["all, printed"].item())


def test_wards_linkage_tells_the_two_anisotropies_apart():
    found = evidence.anisotropies(P).groupby("variant")["value"].agg(["mean", "size"])
    assert found.loc["global", "mean"] > 0.98
    assert found.loc["two-step", "mean"] < 0.8
    assert set(found["size"]) == {P.classical_samples}


def test_equal_distances_make_complete_linkage_depend_on_rounding():
    found = evidence.ties(P)
    assert found.groupby("precision").size().tolist() == [P.classical_samples] * 2
    wide = found.pivot_table(index="sample", columns="precision", values="value")
    assert (wide.float32 != wide.float64).any()
    assert wide.min().min() >= 0.5  # two classes: no cut is less pure


def test_geodesics_on_a_diameter_are_straight_and_others_bend():
    found = evidence.bending(P, pairs=50).groupby("kind")["value"]
    assert found.max()["collinear"] < 1e-12
    assert found.median()["general"] > 1e-2


def variance_frame(values):
    lines = [(seed, metric, source, value) for source in variance.SOURCES for metric in METRICS
             for seed, value in enumerate(values[source])]  # fmt: skip
    return pd.DataFrame(lines, columns=["seed", "metric", "source", "value"])


def test_likelihood_by_hand():
    table1 = pd.DataFrame([{"dataset": "circles", "level": "easy", "model": "mlp", **dict.fromkeys(METRICS, 0.9)}])
    fig3 = pd.DataFrame([("circles", "mlp", m.replace("_k", "@k"), n, 0.5) for m in METRICS for n in NOISES],
                        columns=["dataset", "method", "metric", "noise", "mean"])  # fmt: skip
    frame = variance_frame({"table1": [0.6, 0.7, 0.8], "fig3": [0.6, 0.7, 0.8], "difference": [0.0, 0.01, -0.01]})
    found = variance.likelihood_of_printed(frame, table1, fig3).set_index(["source", "metric"])
    line = found.loc[("table1", "ari_k")]
    assert (line["mean"], line.sd, line.z, line["rank"], line.n) == pytest.approx((0.7, 0.1, 2.0, 1.0, 3))
    # t with two degrees of freedom: P(|T| >= x) = 1 - x / sqrt(2 + x^2)
    x = 2 / np.sqrt(4 / 3)
    assert line.p == pytest.approx(1 - x / np.sqrt(2 + x**2))
    assert found.loc[("difference", "ari_k")].printed == pytest.approx(0.4)


def test_residuals_are_ours_less_printed():
    ours = pd.DataFrame({"noise": [0.0, 0.01], "value": [0.5, 0.9]})
    ours = ours.assign(dataset="moons", method="ward", metric="ari_k")
    printed = ours.assign(metric="ari@k", mean=[0.6, 0.7]).drop(columns="value")
    line = pictures.residuals(ours.head(0), ours, printed).iloc[0]
    assert (line.points, line["mean"], line.largest) == (2, pytest.approx(0.05), pytest.approx(0.2))
    assert line.rms == pytest.approx(np.sqrt((0.01 + 0.04) / 2))


def test_effects_are_drawn_for_every_switch():
    names = list(switches.SWITCHES)[1:]
    lines = [(d, s, seed, "ari_k", 0.1 * seed) for d in ("circles", "moons") for s in names for seed in range(2)]
    frame = pd.DataFrame(lines, columns=["dataset", "switch", "seed", "metric", "value"])
    fig = pictures.effects(frame, names)
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == names
    plt.close(fig)


def test_expectations_name_the_peer_that_is_not_beaten_enough():
    lines = [(5_000, "circle", 0.001, 1.0), (5_000, "scipy", 0.7, 700.0), (5_000, "fastcluster", 0.4, 400.0),
             (10_000, "circle", 0.002, 1.0), (1_000_000, "circle", 2.0, 1.0)]  # fmt: skip
    frame = pd.DataFrame(lines, columns=["n", "peer", "median_s", "ratio"]).assign(same=True)
    found = decoding_race.expectations(frame).set_index("expected").holds
    assert found["500x scipy at 5,000 points"]
    assert not found["500x fastcluster at 5,000 points"]
    assert not found["1,000,000 points within 1 s"]
    assert found["the clusters of every peer, at every size"]
    assert not found.iloc[-1]  # 2 s for a million is far more than n log n grows from 2 ms for 10,000
