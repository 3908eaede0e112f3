"""What the trials of Table IV and of Figure 3 say: means, paired differences, ratios, with intervals over trials."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import permutations
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from likeness.metrics.images import inception_score
from likeness.studies.dvbpr.designs import Trials

#: Columns that have a number for every trial; quality is one of many images together.
BY_TRIAL: Final = ("preference", "taste", "diversity")
#: Names of the columns in ids.
NAMES: Final = {"preference": "preference", "taste": "true-taste", "diversity": "diversity", "quality": "quality"}
#: Figure 3: weights of the discriminator, of which the paper takes 1.
ETAS: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
#: What the paper calls comparable or similar.
COMPARED: Final = (("generated", "real"), ("designed", "retrieved"))
#: Bootstrap draws over trials.
DRAWS: Final = 500


def by_trial(trials: Trials, column: str, source: str) -> np.ndarray:
    """(T,) of a source: the mean over its images."""
    found = getattr(trials, column)[source]
    return found if found.ndim == 1 else found.mean(axis=1)


def quality(kinds: np.ndarray, seed: int) -> tuple[float, float]:
    """Inception score of all images (T, 3, classes) in random order: mean and standard deviation of ten parts."""
    flat = kinds.reshape(-1, kinds.shape[-1])
    parts = min(10, len(flat))
    return inception_score(flat[np.random.default_rng(seed).permutation(len(flat))], parts)


def table(trials: Trials, seed: int) -> pd.DataFrame:
    """Table IV: columns source, column, value, low, high, n, sd. The intervals are of a bootstrap over trials.

    sd : over the images of all trials, of the quality over ten parts, as the paper may have it, which does not say
    """
    def lines() -> Iterator[tuple[str, str, float, float, float, int, float]]:
        for source in trials.images:
            for column in BY_TRIAL:
                own = by_trial(trials, column, source)
                yield source, NAMES[column], *_mean(own, seed, f"{source} {column}"), len(own), float(
                    getattr(trials, column)[source].std(ddof=1))
            mean, sd = quality(trials.kinds[source], seed)
            n = len(trials.users)
            low, high = _interval(partial(_quality_of, trials, source, seed), n, seed, f"{source} quality")
            yield source, NAMES["quality"], mean, low, high, n, sd

    return pd.DataFrame(lines(), columns=["source", "column", "value", "low", "high", "n", "sd"])


def gaps(trials: Trials, seed: int) -> pd.DataFrame:
    """Paired differences of all sources: columns first, second, column, value, low, high, n."""
    def lines() -> Iterator[tuple[str, str, str, float, float, float, int]]:
        for first, second in permutations(trials.images, 2):
            for column in BY_TRIAL:
                apart = by_trial(trials, column, first) - by_trial(trials, column, second)
                yield first, second, NAMES[column], *_mean(apart, seed, f"{first} {second} {column}"), len(apart)

    return pd.DataFrame(lines(), columns=["first", "second", "column", "value", "low", "high", "n"])


def ratios(trials: Trials, seed: int) -> pd.DataFrame:
    """Ratios of quality and of diversity, of `COMPARED`: columns first, second, column, value, low, high, n."""
    def lines() -> Iterator[tuple[str, str, str, float, float, float, int]]:
        for first, second in COMPARED:
            for column in ("quality", "diversity"):
                of, n = partial(_ratio, trials, first, second, column, seed), len(trials.users)
                span = _interval(of, n, seed, f"{first} / {second} {column}")
                yield first, second, column, of(np.arange(n)), *span, n

    return pd.DataFrame(lines(), columns=["first", "second", "column", "value", "low", "high", "n"])


def _quality_of(trials: Trials, source: str, seed: int, rows: np.ndarray) -> float:
    return quality(trials.kinds[source][rows], seed)[0]


def _ratio(trials: Trials, first: str, second: str, column: str, seed: int, rows: np.ndarray) -> float:
    if column == "quality":
        return _quality_of(trials, first, seed, rows) / _quality_of(trials, second, seed, rows)
    return float(trials.diversity[first][rows].mean() / trials.diversity[second][rows].mean())


def shares(trials: Trials, seed: int, first: str = "designed", second: str = "retrieved") -> tuple[float, float, float]:
    """Share of trials in which the first source's mean preference is the higher, with its interval."""
    higher = by_trial(trials, "preference", first) > by_trial(trials, "preference", second)
    return _mean(higher.astype(float), seed, f"share {first} {second}")


def curve(by_eta: Mapping[float, Trials], seed: int) -> pd.DataFrame:
    """Figure 3, of the designs: columns eta, column, value, low, high, n."""
    found = [table(trials, seed).assign(eta=eta) for eta, trials in by_eta.items()]
    return pd.concat(found, ignore_index=True).query("source == 'designed'").drop(columns=["source", "sd"])


def slopes(by_eta: Mapping[float, Trials], seed: int) -> pd.DataFrame:
    """Rank correlation of eta with each column, the means over trials: columns column, value, low, high, n.

    A column that does not change has 0. The interval draws trials with replacement, the same for all eta, as these were
    asked about the same.
    """
    etas, n = list(by_eta), len(next(iter(by_eta.values())).users)

    def along(column: str, rows: np.ndarray) -> float:
        if column == "quality":
            points = [quality(one.kinds["designed"][rows], seed)[0] for one in by_eta.values()]
        else:
            points = [by_trial(one, column, "designed")[rows].mean() for one in by_eta.values()]
        return float(spearmanr(etas, points).statistic) if np.ptp(points) > 0 else 0.0

    lines = []
    for column in (*BY_TRIAL, "quality"):
        def of(rows: np.ndarray, column: str = column) -> float:
            return along(column, rows)

        lines.append((NAMES[column], of(np.arange(n)), *_interval(of, n, seed, f"slope {column}"), n))
    return pd.DataFrame(lines, columns=["column", "value", "low", "high", "n"])


def calibration(trials: Trials, seed: int) -> tuple[float, float, float, int]:
    """Correlation of the true taste as read off photographs with that of the garments themselves, within trials.

    Both are centred within a trial, where gender and category are one. With its interval over trials, and their number.
    """
    pairs = [(trials.taste[name], trials.exact[name]) for name in trials.exact]
    read, true = (
        np.concatenate([one[k] - one[k].mean(axis=1, keepdims=True) for one in pairs], axis=1) for k in (0, 1)
    )  # (T, images) each

    def of(rows: np.ndarray) -> float:
        return float(np.corrcoef(read[rows].ravel(), true[rows].ravel())[0, 1])

    n = len(read)
    return of(np.arange(n)), *_interval(of, n, seed, "calibration"), n


def _mean(values: np.ndarray, seed: int, name: str) -> tuple[float, float, float]:
    return float(values.mean()), *_interval(lambda rows: float(values[rows].mean()), len(values), seed, name)


def _interval(of: Callable[[np.ndarray], float], n: int, seed: int, name: str) -> tuple[float, float]:
    """95 % percentile interval of a statistic over trials drawn with replacement, widened to hold the statistic itself.

    An inception score falls where images repeat, so that with few trials its draws may all lie below it.
    """
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    found = [of(rng.integers(n, size=n)) for _ in range(DRAWS)]
    low, high = np.percentile(found, [2.5, 97.5])
    return min(float(low), whole := of(np.arange(n))), max(float(high), whole)
