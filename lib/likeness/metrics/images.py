r"""Scores of pictures that were made: quality, diversity (Table IV of [1]_), and whether they were learned by heart.

References
----------
.. [1] Kang, Fang, Wang, McAuley, "Visually-aware fashion recommendation and design with generative image models", ICDM
   2017, section IV.
.. [2] Salimans et al., "Improved techniques for training GANs", NIPS 2016, and its code openai/improved-gan.
.. [3] Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity", TIP
   2004.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final, Literal, NamedTuple

import numpy as np
import torch
from scipy.special import rel_entr
from skimage.metrics import structural_similarity

Window = Literal["gaussian", "uniform"]

#: Parts of which the inception score is the mean, in [2].
PARTS: Final = 10
#: How far the probabilities of a picture may be from summing to 1: a softmax in float16 is within.
_SUM: Final = 1e-3
#: Largest value of a pixel, and half of it.
_LARGEST: Final = 255.0
_HALF: Final = 127.5
#: What makes `structural_similarity` that of [3]: weights of deviation 1.5 over 11 x 11 pixels, moments over N.
_WANG: Final = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
#: Side in pixels of the windows.
_SIDES: Final = {"gaussian": 11, "uniform": 7}
#: Numbers of the gallery at once, as float64 64 MiB.
_BLOCK: Final = 2**23
#: Queries at once.
_QUERIES: Final = 256
#: Share of the held-out photographs that is nearer than the narrower bound of `memorisation`.
TAIL: Final = 0.05


class Memorisation(NamedTuple):
    """How near samples are to training photographs, where photographs that were not trained on are the measure.

    ratios : (q,) >= 0, distance of a sample to its nearest training photograph over the median such distance of the
        held-out photographs; 0 is a copy
    below_median : share of the samples nearer than that median; fresh draws of the same photographs have .5
    below_tail : share nearer than the 5 % quantile of the held-out ones; fresh draws have .05
    """

    ratios: np.ndarray
    below_median: float
    below_tail: float


def inception_score(probabilities: np.ndarray, parts: int = PARTS) -> tuple[float, float]:
    r"""Quality by a classifier [2]_: mean and standard deviation over parts of the pictures.

    .. math:: IS = \exp \frac1n \sum_i KL(p(y \mid x_i) \,\|\, \bar p(y)), \quad
              \bar p(y) = \frac1n \sum_i p(y \mid x_i)

    High where the classifier is sure of each picture and names all classes equally often. It does not see whether two
    pictures are the same, and is no better than the classifier: [1]_ has one trained on ImageNet. In [1, classes],
    and never above the number of pictures of a part, so few pictures score low: compare equal numbers.

    probabilities : (n, classes) >= 0, each row summing to 1. parts : consecutive pictures, sizes that differ by one at
    most; **shuffle first** where pictures come by class. The standard deviation is over the parts (divided by their
    number, as in the code of [2]_), so it says nothing of another training.
    Raises ValueError on other shapes or numbers, and where there are more parts than pictures.

    >>> inception_score(np.eye(4), parts=1)
    (4.0, 0.0)
    """
    p = np.asarray(probabilities, np.float64)
    if p.ndim != 2 or p.shape[1] < 1 or not 1 <= parts <= len(p):
        raise ValueError(f"probabilities of shape {p.shape} in {parts} parts: expected (n, classes), 1 <= parts <= n")
    if not (p >= 0).all() or not (np.abs(p.sum(axis=1) - 1) <= _SUM).all():  # a NaN too
        raise ValueError("probabilities below 0, or a row whose sum is not 1: expected the softmax of a classifier")
    scores = [np.exp(rel_entr(part, part.mean(axis=0)).sum(axis=1).mean()) for part in np.array_split(p, parts)]
    return float(np.mean(scores)), float(np.std(scores))


def opposite_ssim(images: np.ndarray, *, window: Window = "gaussian") -> float:
    r"""Diversity of the pictures returned for a query: one minus the mean structural similarity of their pairs.

    .. math:: 1 - \frac{2}{k(k-1)} \sum_{a<b} SSIM(e_a, e_b)

    By scikit-image, each colour by itself and then their mean, differences out of 255. [1]_ cites [3]_ and names no
    window: *gaussian* is that of [3]_, 11 x 11 with weights of standard deviation 1.5; *uniform* is what the library
    does unasked, 7 x 7. The paper says that SSIM ranges from 0 to 1; it can be negative, so this is in [0, 2], and 0
    for equal pictures. The mean over queries is left to the caller.

    images (k, s, s, 3) uint8, k >= 2, s at least the window's side. Raises ValueError otherwise.

    >>> opposite_ssim(np.zeros((3, 16, 16, 3), np.uint8))
    0.0
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or len(images) < 2:
        raise ValueError(f"images of shape {images.shape}, {images.dtype}: expected (k, s, s, 3) uint8, k >= 2")
    if window not in _SIDES or min(images.shape[1:3]) < _SIDES[window]:
        raise ValueError(f"window {window!r} on {images.shape[1:3]} pixels: expected one of {_SIDES}, none larger")
    how = _WANG if window == "gaussian" else {"win_size": _SIDES[window]}
    pairs = combinations(images, 2)
    return 1.0 - float(
        np.mean([structural_similarity(*of, channel_axis=2, data_range=_LARGEST, **how) for of in pairs])
    )


def as_photographs(images: np.ndarray) -> np.ndarray:
    """Pictures of a generator as photographs: (n, 3, s, s) in [-1, 1] -> (n, s, s, 3) uint8, rounded.

    It undoes (x - 127.5) / 127.5. Raises ValueError on another shape, and on numbers beyond [-1, 1].

    >>> as_photographs(np.full((1, 3, 1, 1), -1.0)).tolist()
    [[[[0, 0, 0]]]]
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1] != 3 or images.dtype.kind != "f" or not (np.abs(images) <= 1).all():
        raise ValueError(f"pictures of shape {images.shape}, {images.dtype}: expected (n, 3, s, s) real in [-1, 1]")
    return np.rint(images * _HALF + _HALF).astype(np.uint8).transpose(0, 2, 3, 1)


def nearest_l1(
    queries: np.ndarray, gallery: np.ndarray, *, device: torch.device | str = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    r"""Nearest photograph by the sum of absolute differences (Figure 4): rows (q,) int64 and distances (q,) float64.

    .. math:: \min_n \lVert x_q - y_n \rVert_1

    queries (q, ...) and gallery (n, ...) of the same further axes and one dtype, q >= 0, n >= 1. The gallery goes
    through in blocks of 64 MiB as float64, in which distances between uint8 are exact, so that of equally near ones
    the first is named, on every device. Raises ValueError on other shapes, two dtypes (pixels of 0..255 and of -1..1
    would be compared), and NaN.

    >>> nearest_l1(np.array([[0, 3]]), np.array([[2, 2], [0, 0]]))
    (array([0]), array([3.]))
    """
    return _nearest(queries, gallery, 1.0, device)


def nearest_l2(
    queries: np.ndarray, gallery: np.ndarray, *, device: torch.device | str = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    r"""Nearest photograph by the Euclidean distance, :math:`\min_n \lVert x_q - y_n \rVert_2`; all as `nearest_l1`.

    >>> nearest_l2(np.array([[0, 4]]), np.array([[2, 2], [0, 1]]))
    (array([0]), array([2.82842712]))
    """
    return _nearest(queries, gallery, 2.0, device)


def shares_nearest(queries: np.ndarray, gallery: np.ndarray, *, device: torch.device | str = "cpu") -> float:
    """Share of the queries whose nearest photograph is the same by l1 and l2, in [0, 1].

    The paper has it "equivalent in almost all cases" (Figure 4) and no number. Arrays and errors as in `nearest_l1`;
    at least one query.
    """
    if not len(queries):
        raise ValueError("no query: expected one or more")
    by_l1, _ = nearest_l1(queries, gallery, device=device)
    by_l2, _ = nearest_l2(queries, gallery, device=device)
    return float((by_l1 == by_l2).mean())


def memorisation(
    samples: np.ndarray, held_out: np.ndarray, train: np.ndarray, *, device: torch.device | str = "cpu"
) -> Memorisation:
    r"""Are made pictures nearer to training photographs than photographs that were not trained on?

    .. math:: r_q = \frac{\min_n \lVert x_q - t_n \rVert_1}{\operatorname{median}_h \min_n \lVert y_h - t_n \rVert_1}

    No paper's measure, but the null that Figure 4 lacks. A picture that was learned by heart has r near 0. The reverse
    does not hold: smooth or blurred pictures are near to everything, so shares above .5 and .05 alone prove no copying;
    give blurred held-out photographs as `samples` to see how much that explains. A moved or mirrored copy is not seen.

    samples (q, ...), held_out (h, ...), train (n, ...) as in `nearest_l1`, none empty; of the categories in the same
    shares, as distances differ between them. Held-out photographs must be of other products than the training ones.
    Raises ValueError where half of the held-out photographs are copies themselves.
    """
    if not len(samples) or not len(held_out):
        raise ValueError(f"{len(samples)} samples, {len(held_out)} held-out photographs: expected one or more of both")
    _, near = nearest_l1(samples, train, device=device)
    _, usual = nearest_l1(held_out, train, device=device)
    median, tail = np.median(usual), np.quantile(usual, TAIL)
    if median == 0:
        raise ValueError("half of the held-out photographs are in the training set: expected other products")
    return Memorisation(near / median, float((near < median).mean()), float((near < tail).mean()))


def _nearest(
    queries: np.ndarray, gallery: np.ndarray, p: float, device: torch.device | str
) -> tuple[np.ndarray, np.ndarray]:
    queries, gallery = np.asarray(queries), np.asarray(gallery)
    if not queries.ndim or not len(gallery) or queries.shape[1:] != gallery.shape[1:] or queries.dtype != gallery.dtype:
        said = f"queries {queries.shape}, {queries.dtype}, gallery {gallery.shape}, {gallery.dtype}"
        raise ValueError(f"{said}: expected (q, ...) and (n, ...), n >= 1, of one further shape and one dtype")
    rows, distances = np.zeros(len(queries), np.int64), np.full(len(queries), np.inf)
    at_once = max(1, _BLOCK // max(gallery[0].size, _QUERIES))  # neither photographs nor distances outgrow a block
    for first in range(0, len(queries), _QUERIES):
        some = slice(first, first + _QUERIES)
        x = _flat(queries[some], device)
        for start in range(0, len(gallery), at_once):
            y = _flat(gallery[start : start + at_once], device)
            # not by |x|^2 - 2xy + |y|^2, in which a copy is not at 0
            far = torch.cdist(x, y, p=p, compute_mode="donot_use_mm_for_euclid_dist").cpu().numpy()
            best = far.argmin(axis=1)
            least = far[np.arange(len(far)), best]
            if np.isnan(least).any():
                raise ValueError("a picture holds NaN: expected numbers")
            nearer = least < distances[some]
            rows[some][nearer], distances[some][nearer] = start + best[nearer], least[nearer]
    return rows, distances


def _flat(images: np.ndarray, device: torch.device | str) -> torch.Tensor:
    return torch.from_numpy(np.array(images).reshape(len(images), -1)).to(device).double()  # bytes travel, not floats
