"""The tree that each method builds of real points: linkages, HypHC, the paper's MLP, and supervised rivals.

References
----------
[1] Gigli, Marcotegui, Velasco-Forero, GSI 2021. [2] Chami et al., NeurIPS 2020 (HypHC).
[3] Goldberger, Roweis, Hinton, Salakhutdinov, "Neighbourhood Components Analysis", NeurIPS 2004.
[4] Ledoit, Wolf, "Honey, I Shrunk the Sample Covariance Matrix", Journal of Portfolio Management 30(4), 2004.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import fastcluster
import numpy as np
import torch
from scipy.linalg import eigh
from sklearn.covariance import ledoit_wolf
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.preprocessing import StandardScaler

from likeness.data.points import label_mask
from likeness.data.real import prepare, similarity
from likeness.models.clustering.decoding import decode_circle
from likeness.models.clustering.hyphc import PRESETS, HypHCOptions, fit_hyphc
from likeness.models.clustering.networks import SimilarityModel, build
from likeness.models.clustering.training import LabelledSet, TrainingOptions, fit
from likeness.report.progress import tick
from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import directions, generator, with_angle
from likeness.studies.clustering.rows import LINKAGES

#: method -> what it is, in the order of the tables
METHODS: dict[str, str] = {
    "chance": "average linkage's tree, leaves shuffled",
    **{name: f"{name} linkage" for name in LINKAGES},
    "hyphc": "HypHC, direct embedding",
    "mlp": "the paper's MLP, decoded on the circle",
    "mlp-average": "the same MLP, average linkage",
    "lda": "shrunk LDA, average linkage",
    "nca": "NCA from that LDA, average linkage",
    "nca-2d": "the same to two dimensions",
}
#: Those that are shown labels.
LEARNERS = ("mlp", "mlp-average", "lda", "nca", "nca-2d")
#: A training sample shows 80 % of the training labels, and no more than the paper's own samples do (30 % of 300).
SAMPLE_SHARE, SAMPLE_MOST = 0.8, 90
#: Of a class with at least four known labels, a fifth and at least two are held out for validation.
VALIDATION_SHARE, VALIDATION_LEAST, CLASS_LEAST = 0.2, 2, 4
#: Margin 1.0 up to four clusters, .2 above, as Table 1 has it.
MARGIN_CLUSTERS, MARGIN_FEW, MARGIN_MANY = 4, 1.0, 0.2


@dataclass(frozen=True)
class RealProtocol:
    """The parameters of a run that a scored split depends on, and no other; the same budget for every set."""

    seed: int
    label_share: float
    hidden: int
    temperature: float
    epochs: int
    samples: int
    hyphc_epochs: int
    hyphc_triples: int

    @classmethod
    def of(cls, p: Parameters) -> RealProtocol:
        """The part of a run's parameters that matters here."""
        return cls(
            seed=p.seed,
            label_share=p.label_share,
            hidden=p.hidden,
            temperature=p.temperature,
            epochs=p.real_epochs,
            samples=p.train_samples,
            hyphc_epochs=p.hyphc_epochs,
            hyphc_triples=p.hyphc_triples,
        )


def grow(
    p: RealProtocol, name: str, x: np.ndarray, known: np.ndarray, labels: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """The tree of every method over the points that are not known, in their order; no other label comes in here.

    Columns are standardised over all points (no labels) for every method alike. Linkages and HypHC take these rows at
    unit length, as HypHC's code prepares them; what learns a projection takes them as they are.

    Parameters
    ----------
    name : of the set: names the random numbers and HypHC's published preset
    x : (n, d) points as published; known : (n,) bool; labels : (l,) integers of the known points

    Returns
    -------
    {method: linkage matrix (n - l - 1, 4)}
    """
    known = np.asarray(known, dtype=bool)
    if len(labels) != known.sum() or (~known).sum() < 3:
        raise ValueError(
            f"{len(labels)} labels for {known.sum()} known of {len(x)} points: expected one label a known point and "
            "three points or more to build a tree of"
        )
    rows, z = prepare(x)[~known], StandardScaler().fit_transform(x)
    trees = {method: fastcluster.linkage(rows, method) for method in LINKAGES}
    trees["chance"] = shuffled(trees["average"], generator(p.seed, "real-chance", name, seed))
    trees["hyphc"] = _hyphc(p, name, similarity(rows), seed)
    u = with_angle(directions(train_mlp(p, name, z[known], labels, seed), z[~known]))
    trees["mlp"], trees["mlp-average"] = decode_circle(u), fastcluster.linkage(u, "average")
    for method, v in _projections(z[known], labels, z[~known]).items():
        trees[method] = fastcluster.linkage(v, "average")
    return {method: trees[method] for method in METHODS}


def train_mlp(p: RealProtocol, name: str, x: np.ndarray, labels: np.ndarray, seed: int) -> SimilarityModel:
    """The paper's MLP with its own loss on the labelled points x (l, d) alone, in evaluation mode.

    It learns from a family of samples: here random subsets of the labelled points. Another part of them tells the best
    epoch, whose weights are kept: the paper's last ones are overfitted to so few points. Where fewer than two classes
    have four labels, none is held out and the labels that train tell the epoch.
    """
    rng = generator(p.seed, "real-mlp", name, seed)
    held = _validation(labels, rng)
    judge = held if held.any() else ~held
    pool_x, pool_y = x[~held], np.unique(labels[~held], return_inverse=True)[1]
    share = min(SAMPLE_SHARE, SAMPLE_MOST / len(pool_y))
    masks = [label_mask(pool_y, share, rng) for _ in range(p.samples)]
    margin = MARGIN_FEW if len(np.unique(labels)) <= MARGIN_CLUSTERS else MARGIN_MANY
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**31)))
        net = build("mlp", inputs=x.shape[1], hidden=p.hidden)
    fit(
        net,
        [_all_known(pool_x[m], pool_y[m]) for m in masks],
        [_all_known(x[judge], labels[judge])],
        TrainingOptions(margin=margin, temperature=p.temperature, epochs=p.epochs, keep="best"),
        rng=torch.Generator().manual_seed(int(rng.integers(2**31))),
        on_epoch=lambda done, most: tick(f"{name}/mlp/{seed}", done, most),
    )
    return net.eval()


def shuffled(tree: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same tree (n - 1, 4) with its leaves in random places: what its shape alone scores."""
    n = len(tree) + 1
    name = np.concatenate([rng.permutation(n), np.arange(n, 2 * n - 1)])
    return np.column_stack([name[tree[:, :2].astype(np.int64)], tree[:, 2:]])


def _validation(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labelled points that do not train, (l,) bool, drawn per class; none where only one class could give some."""
    held = np.zeros(len(labels), dtype=bool)
    for c in np.unique(labels):
        members = np.flatnonzero(labels == c)
        if len(members) >= CLASS_LEAST:
            size = max(VALIDATION_LEAST, round(VALIDATION_SHARE * len(members)))
            held[rng.choice(members, size, replace=False)] = True
    return held if len(np.unique(labels[held])) > 1 else np.zeros_like(held)


def _hyphc(p: RealProtocol, name: str, w: np.ndarray, seed: int) -> np.ndarray:
    preset = PRESETS.get(name, HypHCOptions())
    epochs, triples = min(preset.epochs, p.hyphc_epochs), min(preset.triples, p.hyphc_triples)
    rng = torch.Generator().manual_seed(int(generator(p.seed, "real-hyphc", name, seed).integers(2**31)))
    options = replace(preset, epochs=epochs, triples=triples)
    return fit_hyphc(w, options, rng=rng, on_epoch=lambda done, most: tick(f"{name}/hyphc/{seed}", done, most)).linkage


def _projections(x: np.ndarray, labels: np.ndarray, new: np.ndarray) -> dict[str, np.ndarray]:
    """LDA and NCA learned from labelled points x (l, d), applied to new points (m, d): {method: (m, q)}, q < classes.

    NCA starts from this LDA, not from scikit-learn's, where it finds no slope on zoo.
    """
    lda = discriminants(x, labels)
    out = {"lda": new @ lda.T}
    for method, start in (("nca", lda), ("nca-2d", lda[:2])):
        nca = NeighborhoodComponentsAnalysis(n_components=len(start), init=start)
        out[method] = nca.fit(x, labels).transform(new)
    return out


def discriminants(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    r"""Linear discriminants, (q, d) with q = min(classes - 1, d), of points x (l, d) with labels (l,).

    .. math:: B v = \lambda W v, \qquad v^\top W v = 1

    B, W: covariance between and within classes, W shrunk towards a multiple of the identity [4]. Scikit-learn's default
    solver drops the columns that vary within no class, the most telling ones of zoo; and it shrinks class by class,
    which two points a class do not allow.
    """
    classes, y = np.unique(labels, return_inverse=True)
    means = np.stack([x[y == c].mean(axis=0) for c in range(len(classes))])[y]  # (l, d)
    within = ledoit_wolf(x - means, assume_centered=True)[0]
    between = np.cov(means, rowvar=False, bias=True)
    vectors = eigh(between, within)[1][:, ::-1]  # by descending eigenvalue
    return np.ascontiguousarray(vectors[:, : min(len(classes) - 1, x.shape[1])].T)


def _all_known(x: np.ndarray, y: np.ndarray) -> LabelledSet:
    return LabelledSet.of(x, y, np.ones(len(y), dtype=bool))
