"""Means over users and divisions with their intervals, and differences of two methods that saw the same."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

#: Bootstrap draws of an interval.
DRAWS: Final = 2_000


def interval(values: np.ndarray, seed: int, name: str) -> tuple[float, float, float]:
    """Mean with its 95 % percentile interval over new users and new divisions.

    values (S, U) : of each user in each division, NaN where there is none. A draw takes users with replacement and,
    independently of them, divisions with replacement (of one division: that one), and is the mean of what is there. A
    percentile interval of five divisions is too narrow in the part that divisions add [1]_: most comes from users. It
    is widened to hold the mean itself, which of very few or of equal values it can miss, if by a rounding alone.

    Raises ValueError where all is NaN.

    References
    ----------
    .. [1] Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 2007.
    """
    there = np.isfinite(values)
    if values.ndim != 2 or not there.any():
        raise ValueError(f"{name}: values {values.shape}, {there.sum()} of them numbers: expected (S, U), some")
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    divisions, users = values.shape
    of_division = rng.multinomial(divisions, np.full(divisions, 1 / divisions), DRAWS)  # (D, S)
    of_user = rng.multinomial(users, np.full(users, 1 / users), DRAWS)  # (D, U)
    total = ((of_division @ np.where(there, values, 0.0)) * of_user).sum(axis=1)
    count = ((of_division @ there.astype(float)) * of_user).sum(axis=1)
    low, high = np.percentile(total[count > 0] / count[count > 0], [2.5, 97.5])
    mean = float(values[there].mean())
    return mean, min(float(low), mean), max(float(high), mean)
