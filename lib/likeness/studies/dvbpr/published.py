r"""What Tables II and III and the published log say by themselves, with what their rounding allows.

Nothing is trained here. A number printed to d decimals stands for the interval :math:`\pm\, 0.5 \cdot 10^{-d}`; an
interval below is the worst case over the intervals of all numbers that go into it, unless it says "standard error".

References
----------
.. [1] Bhatia, Davis, "A better bound on the variance", American Mathematical Monthly 107(4), 2000.
.. [2] github.com/kang205/DVBPR: ``DVBPR/main.py``, ``GAN/model.py``, ``download_pretrained_models.sh``, and issue 6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

#: Columns of Table III that see no pictures and learn or count something; RAND does neither.
UNAWARE: Final = ("poprank", "warp", "bpr-mf")
METHODS: Final = ("rand", *UNAWARE, "visrank", "fm", "vbpr", "dvbpr")
#: Half a unit of the last printed digit: of an AUC and of a score of Table IV (4 decimals), of an improvement (1).
ROUNDING: Final = 0.5e-4
PERCENT_ROUNDING: Final = 0.05
#: Actions of every user that are withheld from training: one for validation, one for testing (section IV-A).
WITHHELD: Final = 2
#: Users and items of the released Amazon Fashion file as a reader counted them in [2]_, issue 6, where the first author
#: answers that the file should be right and the paper's numbers might be wrong.
RELEASED_USERS: Final = 45_184
RELEASED_ITEMS: Final = 166_270
#: The published checkpoints [2]_: of DVBPR (step, batch, epoch: the last that its log has), of the GAN (step, batch).
DVBPR_CHECKPOINT: Final = (39_728, 128, 19)
GAN_CHECKPOINT: Final = (311_502, 16)
#: Standard deviations of the AUC over users that the standard errors are given for: a uniform AUC has .289.
USER_SDS: Final = (0.25, 0.3)
#: Of a two-sided 95 % normal interval; thousands of users make Student's t the same.
Z: Final = 1.96


class Ranged(NamedTuple):
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float


def improvement(better: float, worse: float, rounding: float = ROUNDING) -> Ranged:
    r"""Improvement in percent of one printed score over another, with what their rounding allows.

    .. math:: 100 \left(\frac{a}{b} - 1\right), \qquad
              100 \left(\frac{a \mp r}{b \pm r} - 1\right)

    Raises ValueError unless both are positive and finite and the rounding r is smaller than both.

    >>> [round(x, 3) for x in improvement(0.6, 0.5, rounding=0.01)]
    [20.0, 15.686, 24.49]
    """
    if not (0 <= rounding < min(better, worse) and max(better, worse) < math.inf):
        raise ValueError(f"scores {better} and {worse}, rounding {rounding}: expected two above the rounding, finite")
    low, high = (better - rounding) / (worse + rounding), (better + rounding) / (worse - rounding)
    return Ranged(*(100 * (ratio - 1) for ratio in (better / worse, low, high)))


def improvements(table3: pd.DataFrame) -> pd.DataFrame:
    """The two improvement columns of Table III from the AUCs of their own rows.

    table3 : columns dataset, setting, the methods, h_vs_d_percent, h_vs_best_percent, as in ``printed/table3.csv``.
    A line a cell: dataset, setting, column, printed, value, low, high, and holds, whether the interval of the printed
    percent and that of the recomputed one overlap. "best" is the best of the other seven methods.
    """
    lines = []
    for row in table3.to_dict("records"):
        second = max(row[name] for name in METHODS if name != "dvbpr")
        for column, worse in (("h_vs_d_percent", row["bpr-mf"]), ("h_vs_best_percent", second)):
            found, printed = improvement(row["dvbpr"], worse), row[column]
            holds = found.low - PERCENT_ROUNDING <= printed <= found.high + PERCENT_ROUNDING
            lines.append((row["dataset"], row["setting"], column, printed, *found, holds))
    return pd.DataFrame(lines, columns=["dataset", "setting", "column", "printed", "value", "low", "high", "holds"])


def mean_improvements(table3: pd.DataFrame) -> pd.DataFrame:
    """Mean of "h vs. best" over the data sets: columns setting, value, low, high, of_percents.

    value and its interval are from the AUCs; of_percents is the mean of the percentages as printed, which were rounded
    before. The text prints 5.13 for all items and 2.73 for cold ones.
    """
    best = improvements(table3).query("column == 'h_vs_best_percent'").rename(columns={"printed": "of_percents"})
    return best.groupby("setting", sort=False)[["value", "low", "high", "of_percents"]].mean().reset_index()


def leads(table3: pd.DataFrame) -> pd.DataFrame:
    """Printed leads that sentences of the paper speak of: columns dataset, setting, first, second, value, low, high.

    dvbpr over best-rival, over best-unaware; visrank over best-unaware; bpr-mf over the best of the other two unaware;
    worse-mf (the worse of BPR-MF and WARP) over poprank. The interval allows for the rounding of both AUCs.
    """
    lines = []
    for row in table3.to_dict("records"):
        best, unaware = max(row[m] for m in METHODS if m != "dvbpr"), max(row[m] for m in UNAWARE)
        compared = {
            ("dvbpr", "best-rival"): row["dvbpr"] - best,
            ("dvbpr", "best-unaware"): row["dvbpr"] - unaware,
            ("visrank", "best-unaware"): row["visrank"] - unaware,
            ("bpr-mf", "other-unaware"): row["bpr-mf"] - max(row["poprank"], row["warp"]),
            ("worse-mf", "poprank"): min(row["warp"], row["bpr-mf"]) - row["poprank"],
        }
        for names, value in compared.items():
            ends = (value - 2 * ROUNDING, value + 2 * ROUNDING)
            lines.append((row["dataset"], row["setting"], *names, value, *ends))
    return pd.DataFrame(lines, columns=["dataset", "setting", "first", "second", "value", "low", "high"])


def densities(table2: pd.DataFrame) -> pd.DataFrame:
    """Observations an item of Table II, in all and at training time (two a user withheld), and actions a user."""
    training = table2.interactions - WITHHELD * table2.users
    columns = {
        "dataset": table2.dataset,
        "observations": table2.interactions / table2["items"],
        "training": training / table2["items"],
        "actions": table2.interactions / table2.users,
    }
    return pd.DataFrame(columns)


def trained_actions(step: int, batch: int, epoch: int) -> tuple[int, int]:
    r"""Fewest and most training actions n of a checkpoint that [2]_ saves at this step, at the end of this epoch.

    .. math:: \left\lfloor \frac{step \cdot batch}{n} \right\rfloor \ge epoch >
              \left\lfloor \frac{(step - 1) \cdot batch}{n} \right\rfloor

    Raises ValueError unless all are positive.

    >>> trained_actions(step=3, batch=10, epoch=1)
    (21, 30)
    """
    if min(step, batch, epoch) < 1:
        raise ValueError(f"step {step}, batch {batch}, epoch {epoch}: expected 1 or more of each")
    return (step - 1) * batch // epoch + 1, step * batch // epoch


def released() -> Ranged:
    """Actions of the released Amazon Fashion file: those of training by its checkpoint, and two a user.

    The middle of what is possible, and its ends. Table II prints 513,367 for 64,583 users and 234,892 items.
    """
    low, high = (n + WITHHELD * RELEASED_USERS for n in trained_actions(*DVBPR_CHECKPOINT))
    return Ranged((low + high) / 2, low, high)


def gan_epochs(items: int) -> float:
    """Epochs of the published checkpoint of the GAN, were it trained on so many photographs; 30 is its code's default.

    That of the released file's items comes out within a checkpoint of 30, that of Table II's does not: the file is
    what the GAN was trained on. Raises ValueError on less than a batch.
    """
    step, batch = GAN_CHECKPOINT
    if items < batch:
        raise ValueError(f"{items} photographs: expected a batch of {batch} at least")
    return step / (items // batch)


def random_auc(rivals: int) -> float:
    r"""Expected AUC of a random order without ties: the held-out item beats 0 ... n rivals, each equally likely.

    .. math:: \frac{1}{n + 1} \sum_{k=0}^{n} \frac{k}{n} = \frac12

    Raises ValueError without a rival.

    >>> random_auc(3)
    0.5
    """
    if rivals < 1:
        raise ValueError(f"{rivals} rivals: expected one at least")
    return float(np.arange(rivals + 1).mean() / rivals)


def auc_error(users: int, sd: float) -> float:
    """Standard error of the mean AUC of that many users whose AUCs have this standard deviation, in [0, .5].

    Raises ValueError on fewer than one user, or a standard deviation that no numbers in [0, 1] have.

    >>> auc_error(10_000, 0.3)
    0.003
    """
    if users < 1 or not 0 <= sd <= 0.5:
        raise ValueError(f"{users} users, sd {sd}: expected one user at least and an sd in [0, .5]")
    return sd / math.sqrt(users)


def largest_auc_sd(auc: float) -> float:
    r"""Largest standard deviation of AUCs in [0, 1] with this mean, :math:`\sqrt{m (1 - m)}` [1]_.

    Reached where every user's AUC is 0 or 1. Raises ValueError outside [0, 1].

    >>> largest_auc_sd(0.5)
    0.5
    """
    if not 0 <= auc <= 1:
        raise ValueError(f"AUC {auc}: expected 0 to 1")
    return math.sqrt(auc * (1 - auc))


def auc_errors(table2: pd.DataFrame, table3: pd.DataFrame, sds: Sequence[float] = USER_SDS) -> pd.DataFrame:
    """Printed leads of DVBPR over the second best in standard errors, by the assumed sd of the AUC over users.

    Columns dataset, setting, sd, lead; error, of one AUC over all users of Table II (those who are tested on a cold
    item are fewer, and not printed); z, the lead over the error of a difference of two independent AUCs, which the
    same users only make larger; needed, the users from which on the lead is beyond 1.96 such errors.
    """
    users = table2.set_index("dataset").users
    best = leads(table3).query("first == 'dvbpr' and second == 'best-rival'")
    lines = []
    for row, sd in product(best.to_dict("records"), sds):
        lead, error = row["value"], auc_error(int(users[row["dataset"]]), sd)
        needed = math.ceil(2 * (Z * sd / lead) ** 2)
        lines.append((row["dataset"], row["setting"], sd, lead, error, lead / (error * math.sqrt(2)), needed))
    return pd.DataFrame(lines, columns=["dataset", "setting", "sd", "lead", "error", "z", "needed"])


class Chosen(NamedTuple):
    """Epoch that the paper's rule chooses in the published log, its test AUC, Table III's, and the first less that."""

    epoch: int
    test: float
    printed: float
    difference: Ranged


def log_choice(log: pd.DataFrame, table3: pd.DataFrame) -> Chosen:
    """The test AUC at the epoch of the best validation AUC of the log, against Table III (Amazon Fashion, all items).

    log : columns epoch, test_auc, validation_auc (NaN where the log has none: those epochs cannot be chosen). The log
    counts a hundred sampled items a user and trains K = 100; the expected value of sampling is that of all items.
    Raises ValueError where no epoch has a validation AUC.
    """
    known = log.dropna(subset=["validation_auc"])
    if known.empty:
        raise ValueError("a log without a validation AUC: expected one epoch at least that can be chosen")
    row = max(known.to_dict("records"), key=lambda one: float(one["validation_auc"]))  # the first of equals
    printed = float(table3.set_index(["dataset", "setting"])["dvbpr"]["amazon-fashion", "all"])
    apart = row["test_auc"] - printed
    difference = Ranged(apart, apart - 2 * ROUNDING, apart + 2 * ROUNDING)
    return Chosen(row["epoch"], row["test_auc"], printed, difference)


def log_error(sd: float, table2: pd.DataFrame) -> float:
    """Standard error of the difference of two AUCs, one over Table II's users and one over the released file's.

    As if no user were in both, which is the largest it can be. sd as in `auc_error`.
    """
    printed = int(table2.set_index("dataset")["users"]["amazon-fashion"])
    return math.hypot(auc_error(printed, sd), auc_error(RELEASED_USERS, sd))
