"""The real candidate lists of HSL's validation set: what three orders of them score, and what gives the answers away.

KDD Cup 2020 "Multimodalities Recall" has 496 validation queries with a pool of candidates each. A product that answers
a query is in the pool of that query and in hardly any other, while the other candidates repeat from pool to pool. So
the file of pairs, without a picture or a word of it, tells a good part of the answers: "rarer products first".

Nothing here is a number of the paper: the lists are the ones that the paper reports on, the orders are ours and that
of one team (its LXMERT model on 20 boxes, scores as it published them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from likeness.data import registry
from likeness.data.kddcup_answers import Pool, judged, read_answers, read_scores
from likeness.data.registry import locate
from likeness.metrics.ranking import ndcg_at, ndcg_each

#: Ranks of the sheet's curves; the competition counts the first.
KS: Final = (5, 10, 15, 20, 25, 30)
COUNTED: Final = KS[0]
#: Weight of the prior 1 / pools in `team-plus-rarer`: the most that it can add is a tenth of the range of the team's
#: scores, [0, 1]. Fixed before the first look at what it gives, and not tuned, as the answers would be what it learns.
WEIGHT: Final = 0.1
_SET: Final = "kddcup2020"
_SCORES: Final = f"{_SET}/validscore_lxmert_20box.txt"
_ANSWERS: Final = f"{_SET}/valid_answer.json"


@dataclass(frozen=True, eq=False)
class Lists:
    """Pools of Q queries.

    queries (Q,) int64; products, scores, relevant : for each query (n,) int64, float64 and bool. A product is in a
    pool once at most, and at least one in each is relevant.
    """

    queries: np.ndarray
    products: tuple[np.ndarray, ...]
    scores: tuple[np.ndarray, ...]
    relevant: tuple[np.ndarray, ...]


def here() -> bool:
    """Whether both files of the lists are below LIKENESS_DATA; hashes not looked at."""
    return registry.here(_SCORES, _ANSWERS)


def load() -> Lists | None:
    """The real lists, their hashes checked; None where they are not here."""
    if not here():
        return None
    return lists_of(read_scores(locate(_SET, _SCORES)), read_answers(locate(_SET, _ANSWERS)))


def lists_of(pools: dict[int, Pool], answers: dict[int, tuple[int, ...]]) -> Lists:
    """Lists in the order of the answers. Raises ValueError where the two do not fit together, as `judged` does."""
    scores, relevant = judged(pools, answers)
    products = tuple(pools[query].products for query in answers)
    return Lists(np.array(list(answers), np.int64), products, tuple(scores), tuple(relevant))


def pool_counts(products: Sequence[np.ndarray]) -> list[np.ndarray]:
    """How many pools each candidate is in, its own included: (n,) int64 for each pool of (n,) products.

    >>> [counts.tolist() for counts in pool_counts([np.array([7, 8]), np.array([8])])]
    [[1, 2], [2]]
    """
    _, at, count = np.unique(np.concatenate(products), return_inverse=True, return_counts=True)
    return np.split(count[at], np.cumsum([len(pool) for pool in products])[:-1])


def _random(lists: Lists) -> list[np.ndarray]:
    return [np.zeros(len(scores)) for scores in lists.scores]  # ties: nDCG takes its expectation over their orders


def _rarer(lists: Lists) -> list[np.ndarray]:
    return [-counts for counts in pool_counts(lists.products)]


def _rarer_then_team(lists: Lists) -> list[np.ndarray]:
    pairs = [np.stack([-c, s]) for c, s in zip(pool_counts(lists.products), lists.scores, strict=True)]
    # The place among the distinct pairs: a sum with a large factor would round away scores that differ by little.
    return [np.unique(pair, axis=1, return_inverse=True)[1].reshape(-1) for pair in pairs]


def _team_plus_rarer(lists: Lists) -> list[np.ndarray]:
    return [s + WEIGHT / c for c, s in zip(pool_counts(lists.products), lists.scores, strict=True)]


#: Scores of every list by system. `random`: all equal; `rarer`: fewer pools first; `team`: as published;
#: `rarer-then-team`: fewer pools first, the team's score among equals; `team-plus-rarer`: score + WEIGHT / pools.
ORDERS: Final[Mapping[str, Callable[[Lists], list[np.ndarray]]]] = {
    "random": _random, "rarer": _rarer, "team": lambda lists: list(lists.scores),
    "rarer-then-team": _rarer_then_team, "team-plus-rarer": _team_plus_rarer,
}  # fmt: skip


def per_query(lists: Lists | None, systems: Sequence[str] = tuple(ORDERS), ks: Sequence[int] = KS) -> pd.DataFrame:
    """nDCG@k of every query: columns system, k, query, value (in [0, 1]); no rows without lists.

    Ties share the mean of their ranks' discounts, so that `random` is the exact expectation of a random order, with
    nothing drawn, and `rarer` that over the orders of equally rare products.
    Raises ValueError on a system that is not in `ORDERS`, or k < 1.
    """
    unknown = [name for name in systems if name not in ORDERS]
    if unknown:
        raise ValueError(f"systems {unknown}: expected some of {', '.join(ORDERS)}")
    if lists is None:
        return pd.DataFrame(columns=["system", "k", "query", "value"])
    parts = []
    for name in systems:
        scores = ORDERS[name](lists)
        for k in ks:
            each = {"query": lists.queries, "value": ndcg_each(scores, lists.relevant, k)}
            parts.append(pd.DataFrame({"system": name, "k": k, **each}))
    return pd.concat(parts, ignore_index=True)


def pools_histogram(lists: Lists | None) -> pd.DataFrame:
    """In how many pools the products are: columns relevant (bool), pools, entries, share; no rows without lists.

    An entry is a pair of a query and a candidate; share is its part of all entries that are relevant, or of all that
    are not. Combinations that no entry has are left out.
    """
    if lists is None:
        return pd.DataFrame(columns=["relevant", "pools", "entries", "share"])
    entries = {"relevant": np.concatenate(lists.relevant), "pools": np.concatenate(pool_counts(lists.products))}
    found = pd.DataFrame(entries).groupby(["relevant", "pools"]).size().rename("entries").reset_index()
    return found.assign(share=found.entries / found.groupby("relevant").entries.transform("sum"))


def only_once(lists: Lists) -> tuple[int, int]:
    """Of the distinct products that are relevant to a query: how many are in exactly one pool, and how many there are.

    Products, while `pools_histogram` has entries: one that answers two queries is counted once here.
    """
    relevant = [p[hit] for p, hit in zip(lists.products, lists.relevant, strict=True)]
    counts = [c[hit] for c, hit in zip(pool_counts(lists.products), lists.relevant, strict=True)]
    first = np.unique(np.concatenate(relevant), return_index=True)[1]
    return int((np.concatenate(counts)[first] == 1).sum()), len(first)


def redrawn(lists: Lists, rng: np.random.Generator, *, balanced: bool) -> tuple[np.ndarray, ...]:
    """Products of pools of the same sizes and answers, their other candidates drawn anew from the other answers.

    So each product is relevant to some query. Drawn at random, a product that is in few pools is still the likelier
    answer (one of one, one of two, ...). `balanced` takes those that are in the fewest pools so far, random among
    equals, so that in the end all are in equally many, as far as the places can be divided evenly: on the real lists
    some are in 4 and most in 5, which still tells a little. (Where queries share a pool, as in
    `likeness.data.wardrobe.pools`, nothing is left.)

    Returns (n,) int64 for each query, the relevant ones where they were. Raises ValueError on too few other answers.
    """
    answers = [p[hit] for p, hit in zip(lists.products, lists.relevant, strict=True)]
    stock, used = np.unique(np.concatenate(answers), return_counts=True)
    pools = [products.copy() for products in lists.products]
    for q in rng.permutation(len(pools)):
        others = ~lists.relevant[q]
        if others.sum() > len(stock) - len(answers[q]):
            raise ValueError(
                f"query {lists.queries[q]}: {others.sum()} candidates to draw from {len(stock) - len(answers[q])} "
                "products that are relevant to other queries; expected at least as many"
            )
        key = rng.random(len(stock)) + (used if balanced else 0)
        key[np.searchsorted(stock, answers[q])] = np.inf
        chosen = np.argsort(key)[: others.sum()]
        used[chosen] += 1
        pools[q][others] = stock[chosen]
    return tuple(pools)


def designs(lists: Lists | None, rng: np.random.Generator, draws: int, k: int = COUNTED) -> pd.DataFrame:
    """nDCG@k of "rarer first" under other ways of making pools: columns design, draw, value; no rows without lists.

    ========================= =====================================================================================
    given                     the lists as they are
    other-queries             the same, pools counted among those of the other queries only (leave one query out).
                              A candidate is in its own pool once, so this takes 1 from each and leaves the order:
                              what gives the answers away is where else a product is, not that it is here
    random-negatives          `redrawn`, drawn at random
    balanced                  `redrawn`, in equally many pools
    ========================= =====================================================================================

    The last two have `draws` values, numbered from 0. A random order has the same expectation under all four, as they
    share sizes and numbers of answers. Raises ValueError on draws < 1, k < 1, or as `redrawn`.
    """
    if draws < 1:
        raise ValueError(f"draws = {draws}: expected at least 1")
    rows: list[tuple[str, int, float]] = []
    if lists is not None:
        counts = pool_counts(lists.products)
        rows.append(("given", 0, _rarer_first(lists, counts, k)))
        rows.append(("other-queries", 0, _rarer_first(lists, [count - 1 for count in counts], k)))
        for name, balanced in (("random-negatives", False), ("balanced", True)):
            for draw in range(draws):
                products = redrawn(lists, rng, balanced=balanced)
                rows.append((name, draw, _rarer_first(lists, pool_counts(products), k)))
    return pd.DataFrame(rows, columns=["design", "draw", "value"])


def _rarer_first(lists: Lists, counts: Sequence[np.ndarray], k: int) -> float:
    return ndcg_at([-count for count in counts], lists.relevant, k)
