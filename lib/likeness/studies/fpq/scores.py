"""What a search is worth: classes by vote, neighbours against the exact ones."""

from __future__ import annotations

import numpy as np

from likeness.metrics.ranking import accuracy, overlap_at, rates, recall_at, vote
from likeness.studies.fpq.sets import TOPK, Sets

#: recall@R of the issue.
RANKS = (1, 10, 100)


def scores(found: np.ndarray, exact: np.ndarray, sets: Sets) -> dict[str, float]:
    """Scores of the rows found, (Q, 100): accuracy in percent by the paper's vote of 100 and by 1-NN, and recalls.

    Keys acc_100, acc_1, recall_1, recall_10, recall_100 (exact nearest among the first R), overlap_100.
    """
    return {
        "acc_100": 100.0 * accuracy(sets.truth, vote(found, sets.y, TOPK)),
        "acc_1": 100.0 * accuracy(sets.truth, vote(found, sets.y, 1)),
        **{f"recall_{r}": recall_at(found, exact, r) for r in RANKS},
        "overlap_100": overlap_at(found, exact, TOPK),
    }


def class_zero(found: np.ndarray, sets: Sets) -> dict[str, float]:
    """Eq. 5-7 of the vote of 100, as printed and as defined: keys recall, fallout, precision / literal, corrected."""
    predicted = vote(found, sets.y, TOPK)
    return {
        f"{name}/{variant}": value
        for variant in ("literal", "corrected")
        for name, value in rates(sets.truth, predicted, variant=variant)._asdict().items()
    }
