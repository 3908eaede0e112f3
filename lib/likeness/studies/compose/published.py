r"""What the printed numbers of the ComposeTransformers paper say by themselves, with what their rounding allows.

Nothing is trained here. A number printed to d decimals stands for the interval :math:`\pm\, 0.5 \cdot 10^{-d}`; an
interval below is the worst case over the intervals of all numbers that go into it, unless it says otherwise.

References
----------
.. [1] Tran, Hoang, "ComposeTransformers", 2022: Table 1, sections 4.1-4.3.
.. [2] Its code, hoangtv2000/Clothing_MMRetrieval, read at commit 363bb14: ``tester/test_retrieval.py`` (what is printed
   as P@k), ``config/config.yml``, ``img_model/vit_extractor.py``, ``dataloader/fashion200k_loader.py``,
   ``trainer/engine.py``.
.. [3] Vo et al., "Composing text and image for image retrieval", CVPR 2019: 33,480 test queries of Fashion200k, which
   ComposeAE has too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from likeness.studies.compose.tasks import CUTS

#: Queries of Table 1, and of the full test set that its section 4.3.2 quotes ComposeAE from [3]_.
QUERIES: Final = 1_200
FULL_QUERIES: Final = 33_480
#: Epochs of the two lines of Table 1.
EPOCHS: Final = (13, 16)
#: Numbers of a feature vector.
WIDTH: Final = 384
#: Epochs between two halvings of the rate, the first rate, and the rate from epoch 14 on (section 4.2).
HALVED_EVERY, FIRST_RATE, LAST_RATE = 3, 5e-4, 5e-6
#: Of a two-sided 95 % normal interval.
Z: Final = 1.96
#: What the release [2]_ has for each printed setting that it fixes. Blocks 0 to 8 are frozen whole, of block 9 the
#: attention alone (freeze_block: 10); translation is a share of the side.
CODED: Final[Mapping[str, float]] = {
    "image-side": 224, "image-width": 384, "text-width": 384, "blocks": 12, "frozen-blocks": 9, "rate": 5e-4,
    "image-rate-factor": 0.5, "halving-factor": 0.5, "last-rate": 5e-6, "weight-image": 0.1, "weight-text": 0.1,
    "weight-symmetry": 0.1, "rotation-degrees": 10, "translation": 0.15, "scale-low": 0.85, "scale-high": 1.15,
    "blur-kernel": 5, "chance": 0.5,
}  # fmt: skip


class Ranged(NamedTuple):
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float


def half_unit(text: str) -> float:
    """Half a unit of the last printed digit. Raises ValueError on what is no finite decimal number.

    >>> half_unit("0.043"), half_unit("665")
    (0.0005, 0.5)
    """
    try:
        exponent = Decimal(text).as_tuple().exponent
    except ArithmeticError:
        raise ValueError(f"{text!r}: expected a number as printed, like 0.043") from None
    if not isinstance(exponent, int):
        raise ValueError(f"{text!r}: expected a finite number as printed, like 0.043")
    return float(Decimal(5).scaleb(exponent - 1))


def ranged(text: str) -> Ranged:
    """A printed number and what it may have been before it was rounded."""
    value, half = float(text), half_unit(text)
    return Ranged(value, value - half, value + half)


def hit_counts(rate: str, queries: int, *, unit: float = 1.0) -> tuple[int, ...]:
    """Numbers of hits, of so many queries, that round to the printed rate (ties to either side).

    unit : 1 where the rate is a share, .01 where it is in percent. Raises ValueError where no number of hits does.

    >>> hit_counts("55.42", 1200, unit=0.01), hit_counts("0.043", 1200)
    ((665,), (51, 52))
    """
    _, low, high = (end * unit * queries for end in ranged(rate))
    slack = 1e-9 * queries  # of doubles, far below one hit
    found = tuple(range(max(math.ceil(low - slack), 0), min(math.floor(high + slack), queries) + 1))
    if not found:
        raise ValueError(f"rate {rate}: no number of hits of {queries} queries rounds to it")
    return found


@cache
def order_moments(hits: int, queries: int) -> tuple[float, float]:
    r"""Mean and standard deviation of the printed "precision" over all orders of the queries, H of which hit; exact.

    With i - 1 queries read and s hits among them, the next one hits with probability :math:`p = (H - s) / (N - i + 1)`
    and then adds :math:`r = (s + 1) / i`. The first two moments of all that is still to come follow backwards from i,
    for all s at once:

    .. math:: f_{i-1}(s) = p\,(r + f_i(s+1)) + (1-p)\, f_i(s), \qquad
              g_{i-1}(s) = p\,(r^2 + 2 r f_i(s+1) + g_i(s+1)) + (1-p)\, g_i(s)

    The mean is `hits.expected_printed` ("shuffled"). Raises ValueError unless 0 <= H <= N, N >= 1.

    >>> order_moments(1, 2)  # (hit, miss) gives 1/2, (miss, hit) gives 1/4
    (0.375, 0.125)
    """
    if not 0 <= hits <= queries or queries < 1:
        raise ValueError(f"{hits} hits of {queries} queries: expected 0 to all of at least one")
    before = np.arange(hits + 1)  # s
    first, second = np.zeros(hits + 2), np.zeros(hits + 2)  # f and g, with an unreachable state at the end
    for i in range(queries, 0, -1):
        p = np.clip((hits - before) / (queries - i + 1), 0.0, 1.0)  # beyond 1 are states that cannot occur
        r = (before + 1) / i
        second[:-1] = p * (r**2 + 2 * r * first[1:] + second[1:]) + (1 - p) * second[:-1]
        first[:-1] = p * (r + first[1:]) + (1 - p) * first[:-1]
    mean = float(first[0]) / queries
    return mean, math.sqrt(max(float(second[0]) / queries**2 - mean**2, 0.0))


def order_scores(table1: pd.DataFrame) -> pd.DataFrame:
    """Printed P@k against random orders of the queries with the printed R@k, a line each of the eight pairs.

    table1 : ``printed/table1.csv`` as texts. Columns epoch, k, square (R squared), expected (of random orders), sd (of
    random orders), value: P@k less expected, in sd; low and high, over all numbers of hits and all unrounded P@k that
    the printed ones may stand for.
    """
    lines = []
    for row in table1.to_dict("records"):
        for k in CUTS:
            rate, p = float(row[f"r@{k}"]), ranged(row[f"p@{k}"])
            counts = hit_counts(row[f"r@{k}"], QUERIES)
            ends = [(end - m) / s for m, s in (order_moments(hits, QUERIES) for hits in counts) for end in p]
            nearest = counts[int(np.abs(np.array(counts) / QUERIES - rate).argmin())]
            mean, sd = order_moments(nearest, QUERIES)
            lines.append((int(row["epoch"]), k, rate**2, mean, sd, (p.value - mean) / sd, min(ends), max(ends)))
    return pd.DataFrame(lines, columns=["epoch", "k", "square", "expected", "sd", "value", "low", "high"])


def law_margins(table1: pd.DataFrame) -> pd.DataFrame:
    r"""P@k less R@k / k, which eq. 4.1 and 4.2 do not let fall below 0: columns epoch, k, value, low, high.

    Of f relevant images among the first k and n in the database, :math:`f/k \ge f/(nk)` as n is at least 1; and if R@k
    is the share of queries with f > 0, :math:`f/k \ge 1/k` for those. So it holds for the mean over queries either way.
    """
    lines = []
    for row in table1.to_dict("records"):
        for k in CUTS:
            p, r = ranged(row[f"p@{k}"]), ranged(row[f"r@{k}"])
            ends = (p.value - r.value / k, p.low - r.high / k, p.high - r.low / k)
            lines.append((int(row["epoch"]), k, *ends))
    return pd.DataFrame(lines, columns=["epoch", "k", "value", "low", "high"])


def marginal(table1: pd.DataFrame, epoch: int) -> Ranged:
    """Share of relevant images among ranks 51 to 100, were P@50 and P@100 the precision of eq. 4.1."""
    row = _line(table1, epoch)
    wide, narrow = ranged(row["p@100"]), ranged(row["p@50"])
    parts = [(100 * w - 50 * n) / 50 for w, n in ((wide[0], narrow[0]), (wide[1], narrow[2]), (wide[2], narrow[1]))]
    return Ranged(*parts)


def later_gains(table1: pd.DataFrame) -> pd.DataFrame:
    """R@k at epoch 16 less that at epoch 13: columns k, value, low, high.

    The interval is the 95 % normal one of two independent shares of 1,200 queries, and the rounding of both. The
    queries are the same ones, and as far as their hits agree the true interval is narrower.
    """
    earlier, later = (_line(table1, epoch) for epoch in EPOCHS)
    found = [_apart(later[f"r@{k}"], earlier[f"r@{k}"], QUERIES, QUERIES) for k in CUTS]
    return pd.DataFrame([(k, *one) for k, one in zip(CUTS, found, strict=True)], columns=["k", "value", "low", "high"])


def less_than_original(table1: pd.DataFrame, related: pd.DataFrame) -> pd.DataFrame:
    """Best hit rates of Table 1 less those quoted of ComposeAE: columns k, value, low, high; intervals as above.

    The galleries differ, so that this compares what the paper puts side by side and no two methods.
    """
    own = _line(table1, EPOCHS[-1])
    quoted = {row["cut"]: row["percent"] for row in related.to_dict("records") if row["method"] == "compose-ae"}
    lines = []
    for k in (10, 50):
        share = str(Decimal(quoted[f"hit@{k}"]).scaleb(-2))
        lines.append((k, *_apart(own[f"r@{k}"], share, QUERIES, FULL_QUERIES)))
    return pd.DataFrame(lines, columns=["k", "value", "low", "high"])


def block_parameters(width: int = WIDTH) -> int:
    r"""Numbers of a block of ViT with a hidden layer four times as wide: :math:`12 d^2 + 13 d`.

    Query, key, value and output :math:`4 d^2 + 4 d`, hidden layer :math:`8 d^2 + 5 d`, two normalisations :math:`4 d`.

    >>> block_parameters()
    1774464
    """
    return 12 * width**2 + 13 * width


def learning_as_coded(width: int = WIDTH) -> int:
    """Numbers that learn in the release [2]_ as it is configured: 6.44 M.

    Of the image model all but blocks 0 to 8 and the attention of block 9: patches of 16 x 16, class and 197 positions,
    two blocks, the hidden layer and normalisations of a third, the last normalisation, the head. All of composition and
    reconstruction, a pair of weights of which one is unused, and two lengths, of which one is unused.
    """
    linear, normalisation = width**2 + width, 2 * width
    patches = (16 * 16 * 3 + 1) * width + width + 197 * width
    third = 8 * width**2 + 5 * width + 2 * normalisation
    image = patches + third + 2 * block_parameters(width) + normalisation + linear
    gamma = mu = normalisation + 2 * linear
    rho = 2 * normalisation + 2 * width**2 + width
    return image + gamma + mu + rho + 2 * (normalisation + linear) + 2 + 2


def parameter_sums(parameters: pd.DataFrame) -> dict[str, Ranged]:
    """What the printed millions leave: `rest`, the total less its four parts; `image`, what learns of the image model
    if 6.7 M do and composition and reconstruction are among them; `blocks`, how many blocks that is, all else frozen.
    """
    millions = {part: ranged(text) for part, text in zip(parameters.part, parameters.millions, strict=True)}
    image = _less(millions["trainable"], millions["composition"], millions["reconstruction"])
    parts = (millions[part] for part in ("image", "text", "composition", "reconstruction"))
    return {
        "rest": _less(millions["total"], *parts),
        "image": image,
        "blocks": Ranged(*(1e6 * end / block_parameters() for end in image)),
    }


def rate_factor(epoch: int = EPOCHS[0]) -> float:
    """By how much the switch divides the rate that halving every third epoch leaves at this one, the first being 1.

    >>> rate_factor()
    6.25
    """
    return FIRST_RATE / 2 ** ((epoch - 1) // HALVED_EVERY) / LAST_RATE


def _line(table1: pd.DataFrame, epoch: int) -> dict[str, str]:
    """The cells of that line. Raises ValueError where there is none."""
    found = [row for row in table1.to_dict("records") if row["epoch"] == str(epoch)]
    if not found:
        raise ValueError(f"epoch {epoch}: Table 1 has {', '.join(table1.epoch)}")
    return {str(name): str(cell) for name, cell in found[0].items()}


def _apart(a: str, b: str, queries_a: int, queries_b: int) -> Ranged:
    """Difference of two printed shares, with sampling error and rounding."""
    x, y = float(a), float(b)
    error = math.sqrt(x * (1 - x) / queries_a + y * (1 - y) / queries_b)
    half = Z * error + half_unit(a) + half_unit(b)
    return Ranged(x - y, x - y - half, x - y + half)


def _less(whole: Ranged, *parts: Ranged) -> Ranged:
    return Ranged(
        whole.value - sum(part.value for part in parts),
        whole.low - sum(part.high for part in parts),
        whole.high - sum(part.low for part in parts),
    )
