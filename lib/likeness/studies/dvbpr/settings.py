"""What every learned method of Table III tries, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

#: Section IV-B: "a regularizer selected from" and "the number of latent factors selected from", the paper's own
#: choice for DVBPR (K = 50) first. The order of the regularizers is ours: from the middle outwards.
REGULARIZERS: Final = (0.01, 1.0, 0.1, 0.001, 10.0, 0.0, 30.0)
FACTORS: Final = (50, 30, 10)


@dataclass(frozen=True)
class Choice:
    """One cell of the grid: factors K and regularizer lambda, which for DVBPR is lambda_theta."""

    factors: int
    l2: float


def grid(tries: int) -> tuple[Choice, ...]:
    """The first `tries` cells: all regularizers with 50 factors, then with 30, then with 10; the same for all methods.

    Raises ValueError outside 1 ... 21.

    >>> grid(2)
    (Choice(factors=50, l2=0.01), Choice(factors=50, l2=1.0))
    """
    cells = tuple(Choice(factors, l2) for factors, l2 in product(FACTORS, REGULARIZERS))
    if not 1 <= tries <= len(cells):
        raise ValueError(f"{tries} settings: expected 1 to {len(cells)}")
    return cells[:tries]
