"""What a user may hand over by mistake: every entry of the clustering chapter names it and says what to do.

A ``paper.yaml`` that is corrupt is in test_claims.py, a record whose hash does not match in test_records.py (read),
test_check.py (`likeness check`) and test_diff.py (`likeness diff`).
"""

import numpy as np
import pytest
import torch

from likeness.data.points import PointSet, draw_at, label_mask, sample
from likeness.data.real import prepare
from likeness.metrics.clustering import best_ari, scores_at_k
from likeness.models.clustering.decoding import decode_circle, decode_lca
from likeness.models.clustering.hyphc import HypHCOptions, fit_hyphc
from likeness.models.clustering.networks import build
from likeness.models.clustering.training import LabelledSet
from likeness.studies.clustering.protocol import labelled
from likeness.studies.clustering.protocol import test as scores_of

RNG = np.random.default_rng(0)
NONE = PointSet(np.empty((0, 2)), np.empty(0, dtype=np.int64), 0.0)
ONE = PointSet(np.ones((1, 2)), np.zeros(1, dtype=np.int64), 0.0)
X, Y = sample("circles", 20, 0.0, RNG)
HOLE = X.copy()
HOLE[3, 1] = np.nan
TREE = decode_circle(X)


def net(name):
    torch.manual_seed(0)
    return build(name).eval()


@pytest.mark.parametrize("model", ["mlp", "dgcnn"])
@pytest.mark.parametrize(
    ("points", "message"),
    [
        (NONE, r"a point set must have shape \(n, d\) with n >= 1, got \(0, 2\)"),
        (ONE, "1 points: expected at least 2; a hierarchy needs two leaves"),
        (PointSet(HOLE, Y, 0.0), "NaN or infinite coordinates: expected finite points; look at what made them"),
    ],
)
def test_a_trained_model_is_given(model, points, message):
    with pytest.raises(ValueError, match=message):
        scores_of(net(model), [points], "circles")


def nearly_all(*classes):
    """Labels known of all points but those of the classes."""
    return ~np.isin(Y, classes)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        # no point
        (lambda: decode_circle(NONE.x), "0 points: expected at least 2; a hierarchy needs two leaves"),
        (lambda: decode_lca(NONE.x), "0 points: expected at least 2; a hierarchy needs two leaves"),
        (lambda: prepare(NONE.x), r"points of shape \(0, 2\): expected \(n, d\) with n >= 2 and d >= 1"),
        (lambda: sample("moons", 0, 0.0, RNG), "n = 0 points for the 4 clusters.*expected n >= 4; ask for more"),
        (lambda: labelled([NONE], 0.3, RNG, "per-class"), r"labels of shape \(0,\).*expected \(n,\).*with n >= 1"),
        (lambda: LabelledSet.of(NONE.x, NONE.y, NONE.y == 0), "label at least two points of one class"),
        (lambda: fit_hyphc(np.empty((0, 0)), HypHCOptions(), rng=torch.Generator()), r"expected \(n, n\), n >= 3"),
        # one point
        (lambda: decode_lca(ONE.x * 0.1), "1 points: expected at least 2; a hierarchy needs two leaves"),
        (lambda: prepare(ONE.x), r"points of shape \(1, 2\): expected \(n, d\) with n >= 2"),
        (lambda: sample("moons", 1, 0.0, RNG), "n = 1 points for the 4 clusters"),
        (lambda: labelled([ONE], 0.3, RNG, "per-class"), "1 labelled points in 1 classes: label at least two points"),
        (lambda: scores_at_k(np.empty((0, 4)), ONE.y, 1), r"shape \(1,\): expected \(n,\) with n >= 2"),
        # NaN
        (lambda: LabelledSet.of(HOLE, Y, Y >= 0), "NaN or infinite coordinates: drop or impute those points first"),
        (lambda: prepare(HOLE), "NaN or infinite.*expected finite points; drop or impute such rows"),
        (lambda: decode_circle(HOLE), "NaN or infinite coordinates: expected finite points"),
        # labels missing for a class
        (lambda: LabelledSet.of(X, Y, nearly_all(1)), "10 labelled points in 1 classes: label .* one of another"),
        (lambda: label_mask(Y * 2, 0.3, RNG), r"no point has label \[1\]: expected all of 0..2; renumber y"),
        (lambda: label_mask(np.sort(Y), 0.3, RNG, mode="first"), "all have label 0: expected .*two classes; shuffle"),
        # k larger than n
        (lambda: scores_at_k(TREE, Y, 21), "k = 21 clusters of 20 points: expected 1 <= k <= 20"),
        (lambda: best_ari(TREE, Y, 21), "k = 21 clusters of 20 points: expected 1 <= k <= 20"),
        (lambda: sample("blobs", 8, 0.1, RNG), "n = 8 points for the 9 clusters.*expected n >= 9; ask for more"),
        (lambda: scores_of(net("mlp"), [PointSet(X[:3], Y[:3], 0.0)], "blobs"), "k = 9 clusters of 3 points"),
        # noise below 0
        (lambda: sample("circles", 20, -0.1, RNG), "noise = -0.1: expected a finite standard deviation >= 0"),
        (lambda: draw_at("blobs", -1e-9, 1, RNG), "noise = -1e-09: expected a finite standard deviation >= 0"),
    ],
)
def test_it_is_refused_with_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()
