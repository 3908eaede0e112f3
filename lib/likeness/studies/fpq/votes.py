"""The row of Table 2 that has no source: at which k does exact search give the printed 94.48 %?"""

from __future__ import annotations

import pandas as pd

from likeness.metrics.ranking import accuracy, vote
from likeness.studies.fpq.parameters import Parameters
from likeness.studies.fpq.sets import TOPK, Setting, exact, load

#: Printed accuracy of the "Sklearn" row, percent, to two decimals.
PRINTED = 94.48


def run_votes(p: Parameters) -> pd.DataFrame:
    """Accuracy of the vote of k exact neighbours, every k from 1 to 100: columns k, value (percent), printed.

    printed : whether it is the printed value to its two decimals.
    """
    setting = Setting.of(p)
    sets, rows = load(setting), exact(setting)
    values = [100.0 * accuracy(sets.truth, vote(rows, sets.y, k)) for k in range(1, TOPK + 1)]
    frame = pd.DataFrame({"k": range(1, TOPK + 1), "value": values})
    return frame.assign(printed=frame.value.round(2) == PRINTED)
