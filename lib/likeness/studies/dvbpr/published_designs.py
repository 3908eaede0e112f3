r"""What Table IV says by itself: which of its differences are beyond chance, and what its scores can mean.

References
----------
.. [1] Salimans et al., "Improved techniques for training GANs", NIPS 2016, section 4.
"""

from __future__ import annotations

import math
from itertools import combinations, product
from typing import Final

import pandas as pd

from likeness.studies.dvbpr.published import ROUNDING, Ranged, Z, improvement

#: Table IV: "1000 trials" of the "top-3 returned images"; 10 parts and 1,000 classes are what [1]_ has.
TRIALS: Final = 1_000
IMAGES: Final = 3
PARTS: Final = 10
CLASSES: Final = 1_000


def table4_gaps(table4: pd.DataFrame, trials: int = TRIALS, parts: int = PARTS) -> pd.DataFrame:
    r"""Differences of all pairs of rows of Table IV with their standard errors, trials taken as independent.

    .. math:: z = \frac{a - b}{\sqrt{(s_a^2 + s_b^2) / n}}

    n is the trials for preference and diversity; for quality it is the parts of a set of images over which [1]_ takes
    the standard deviation of an inception score. The paper does not say over what any of the three is taken.

    Columns first, second, column, value, error, z, low, high (95 %), and ratio, the first over the second (NaN for
    preference, which has no zero). Raises ValueError on fewer than two trials or parts.
    """
    if min(trials, parts) < 2:
        raise ValueError(f"{trials} trials, {parts} parts: expected two of each at least")
    pairs = [(b, a) for a, b in combinations(table4.to_dict("records"), 2)]  # a row over one above it, as the paper
    lines = []
    for (first, second), column in product(pairs, ("preference", "quality", "diversity")):
        apart, n = first[column] - second[column], parts if column == "quality" else trials
        error = math.hypot(first[f"{column}_sd"], second[f"{column}_sd"]) / math.sqrt(n)
        ratio = math.nan if column == "preference" else first[column] / second[column]
        ends = (apart - Z * error, apart + Z * error)
        lines.append((first["source"], second["source"], column, apart, error, apart / error, *ends, ratio))
    columns = ["first", "second", "column", "value", "error", "z", "low", "high", "ratio"]
    return pd.DataFrame(lines, columns=columns)


def gain(table4: pd.DataFrame) -> tuple[Ranged, Ranged]:
    r"""Gain in preference of designed over retrieved images in percent: as printed, and counted from random images.

    .. math:: 100 \frac{d - r}{r}, \qquad 100 \frac{d - r}{r - x}

    with x the preference of random real images. The score of eq. 6 lacks the offset and the user's bias of eq. 3, so
    it has no zero, and the first percentage depends on what was left out; the second does not.
    """
    random, retrieved, designed = (
        float(table4.set_index("source").preference[name]) for name in ("real", "retrieved", "designed")
    )
    counted = improvement(designed - random, retrieved - random, 2 * ROUNDING)  # each difference of two rounded scores
    return improvement(designed, retrieved), counted


def real_against_real(table4: pd.DataFrame) -> float:
    """Quality of retrieved less that of random real photographs, over what random generated ones lack to the latter.

    By how much the score tells two sets of real photographs apart, in units of what it charges a GAN for not being
    real. Columns source and quality of ``printed/table4.csv``.
    """
    quality = table4.set_index("source").quality
    return float((quality["retrieved"] - quality["real"]) / (quality["real"] - quality["generated"]))


def largest_inception_score(classes: int, images: int) -> int:
    r"""Largest inception score of so many images by a network of so many classes [1]_.

    .. math:: \exp I(\text{image}; \text{class}) \le \min(\text{images}, \text{classes})

    Reached where every image is of its own class for certain. Raises ValueError unless both are positive.

    >>> largest_inception_score(classes=6, images=300)
    6
    """
    if min(classes, images) < 1:
        raise ValueError(f"{classes} classes, {images} images: expected one of each at least")
    return min(classes, images)
