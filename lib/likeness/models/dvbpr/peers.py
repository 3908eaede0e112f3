"""BPR-MF by another hand: implicit's, as a check of ours and as a row of its own.

References
----------
[1] implicit 0.7.3, ``implicit.bpr.BayesianPersonalizedRanking``.
"""

from __future__ import annotations

import numpy as np
from implicit.cpu.bpr import BayesianPersonalizedRanking
from threadpoolctl import threadpool_limits

from likeness.models.dvbpr.sampling import history_of


def implicit_bpr(
    pairs: np.ndarray, users: int, items: int, factors: int, l2: float, rate: float, epochs: int, seed: int
) -> np.ndarray:
    """Scores of implicit's BPR [1] with item biases, plain SGD in one thread: pairs (n, 2) int -> (U, N) float32.

    It differs from `fitting.fit` with "bpr": pairs are drawn with replacement; a negative is drawn as often as it is
    taken in training and passed over, not drawn anew, where the user took it (`drawn="observed"` is nearest to it); an
    item or user without a pair stays 0; steps are SGD's, one triple each, so that `rate` is not Adam's.

    factors, l2, rate, epochs : implicit's factors, regularization, learning_rate and iterations
    Raises ValueError on pairs out of range, or a setting that cannot train; FloatingPointError where a score is not
    finite.
    """
    if min(factors, epochs) < 1 or not l2 >= 0 or not rate > 0:
        found = f"{factors} factors, {epochs} epochs, l2 {l2}, rate {rate}"
        raise ValueError(f"{found}: expected factors and epochs >= 1, l2 >= 0, rate > 0")
    model = BayesianPersonalizedRanking(factors, rate, l2, iterations=epochs, num_threads=1, random_state=seed)
    with threadpool_limits(1, "blas"):  # implicit's own advice; more threads only wait for each other
        model.fit(history_of(pairs, users, items).astype(np.float32), show_progress=False)
        scores = model.user_factors @ model.item_factors.T  # the last column is 1 of a user, the bias of an item
    if not np.isfinite(scores).all():
        raise FloatingPointError(f"implicit's scores are not finite: lower the rate, {rate}")
    return scores
