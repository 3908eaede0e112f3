"""The authors' released files as actions and the split that they come with."""

from __future__ import annotations

import numpy as np

from likeness.data.dvbpr_files import NONE, DvbprFile
from likeness.data.splits import Actions, Split


def divided(file: DvbprFile) -> tuple[Actions, Split, dict[str, int]]:
    """Actions, the file's own split of them, and what was left out -> how many.

    The file has no dates here: all days are 0. Left out: "users" without a validation, test or training item;
    "actions" of the others that repeat one, or are in training on a withheld item; "items" that nobody has left.
    `Actions.item_ids` are the file's numbers of the items. Raises ValueError where no user is left.
    """
    kept, own = [], []
    repeats = 0
    for number, bought in enumerate(file.train):
        held = (int(file.validation[number]), int(file.test[number]))
        distinct = np.setdiff1d(bought, held)  # each once, rising
        if NONE in held or held[0] == held[1] or not len(distinct):
            continue
        repeats += len(bought) - len(distinct)
        kept.append(number)
        own.append(distinct)
    if not kept:
        raise ValueError(f"{file.users} users, none with items for training, validation and test: expected one or more")
    users = np.arange(len(kept))
    user = np.concatenate([np.repeat(users, [len(one) for one in own]), users, users])
    given = np.concatenate([*own, file.validation[kept], file.test[kept]])
    ids, item = np.unique(given, return_inverse=True)
    train, valid, test = np.split(item, [len(user) - 2 * len(users), len(user) - len(users)])
    order = np.lexsort((item, user))
    made = Actions(user[order], item[order], np.zeros(len(user), np.int64), len(users), len(ids), ids)
    # renumbering keeps the order of items, so that training pairs are sorted as `own` is
    split = Split(len(users), len(ids), np.column_stack([user[: len(train)], train]), valid, test)
    return made, split, {"users": file.users - len(kept), "actions": repeats, "items": file.items - len(ids)}
