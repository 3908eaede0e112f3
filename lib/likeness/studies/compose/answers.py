"""Ten seconds a query? Indexes of one gallery, asked the same queries in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import faiss
import numpy as np
import pandas as pd

from likeness.models.compose.training import Retrieval, asked, vectors
from likeness.models.fpq.engines import to_index_pq
from likeness.models.fpq.fpq import FPQ
from likeness.studies.compose.eyes import Eyes
from likeness.studies.compose.table1 import DRAWS
from likeness.studies.compose.tasks import Task

#: Turns of the race, each beginning with another way.
TURNS: Final = 5
#: Photographs of an answer.
TOP: Final = 10
#: Numbers of a part of the product quantizers, and centroids: codes of a byte.
PER_PART: Final = 8
CENTROIDS: Final = 256
#: Queries that each way answers in a turn, one by one; encoding the whole gallery anew is done once a turn.
QUERIES: Final = 100
#: Neighbours of a node and candidates of a search in faiss's graph: its authors' usual ones.
_LINKS, _CANDIDATES = 32, 64
#: What a user would pick.
_AGAINST: Final = "faiss-flat"
#: Photographs that "anew" is timed on.
_PART: Final = 512

Ask = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Shelf:
    """Unit vectors (n, d) float32 of photographs, the numbers of their captions (n,), and ways to search them.

    ways : name -> what answers queries (Q, d) by rows (Q, TOP), and its bytes.
    """

    vectors: np.ndarray
    captions: np.ndarray
    ways: dict[str, tuple[Ask, int]]


def open_shelf(task: Task, model: Retrieval, photographs: int, seed: int) -> Shelf:
    """Index the task's first photographs once, in every way.

    "numpy" is a matrix product; "faiss-flat", "faiss-hnsw" and "faiss-pq" are that library's; "fpq" is this library's
    quantizer.
    """
    made = vectors(model, model.see(task.goods.photos[:photographs]))
    return Shelf(made, task.goods.said[:photographs], _ways(made, seed))


def run_race(task: Task, model: Retrieval, shelf: Shelf) -> pd.DataFrame:
    """Every way `TURNS` times: columns way, turn, metric, value.

    Metrics: ms, of a query that is a vector already; recall, of the ten nearest; bytes. Beside the ways of the shelf
    "anew", the whole gallery through the network for every query (timed on a part, scaled), and "query", photograph and
    text through the network and all cosines.
    """
    some = slice(0, QUERIES)
    photos, words = task.goods.photos[task.test.source[some]], model.encode(task.test.full[some])
    queries = asked(model, model.see(photos), np.arange(len(photos)), words)
    exact = shelf.ways[_AGAINST][0](queries)
    lines: list[tuple[str, int, str, float]] = []
    for turn in range(TURNS):
        names = [*list(shelf.ways)[turn % len(shelf.ways) :], *list(shelf.ways)[: turn % len(shelf.ways)]]
        for name in names:
            ask, size = shelf.ways[name]
            begun = time.perf_counter()
            found = np.concatenate([ask(one[None]) for one in queries])
            took = 1e3 * (time.perf_counter() - begun) / len(queries)
            same = np.mean([len(set(a) & set(b)) / TOP for a, b in zip(found, exact, strict=True)])
            values = {"ms": took, "recall": float(same), "bytes": float(size)}
            lines += [(name, turn, metric, value) for metric, value in values.items()]
        lines.append(("anew", turn, "ms", _anew(task, model, len(shelf.vectors))))
        lines.append(("query", turn, "ms", _whole_query(model, photos, words, shelf.ways["numpy"][0])))
    return pd.DataFrame(lines, columns=["way", "turn", "metric", "value"])


def kept(task: Task, eyes: Eyes, model: Retrieval, shelf: Shelf, seed: int) -> pd.DataFrame:
    """Hits at 10 by the caption, of all test queries, over those of all cosines: columns way, value, low, high, n.

    Intervals over queries, those together that want one caption. 1 where all cosines hit nothing: nothing is lost.
    """
    queries = asked(model, eyes.tokens, task.test.source, model.encode(task.test.full))
    wanted = task.alike
    hits = {name: (shelf.captions[ask(queries)] == wanted[:, None]).any(axis=1).astype(float)
            for name, (ask, _) in shelf.ways.items()}  # fmt: skip
    _, alike = np.unique(wanted, return_inverse=True)
    groups = int(alike.max()) + 1
    weight = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), DRAWS)  # (D, groups)
    exact = hits[_AGAINST]
    lines = []
    for name, one in hits.items():
        all_of = np.vstack([np.ones((1, len(one))), weight[:, alike]])  # the queries as they are, then the draws
        hit, could = all_of @ one, all_of @ exact
        share = np.divide(hit, could, out=np.ones_like(hit), where=could > 0)
        lines.append((name, share[0], *np.quantile(share[1:], [0.025, 0.975]), len(one)))
    return pd.DataFrame(lines, columns=["way", "value", "low", "high", "n"])


def ratios(raced: pd.DataFrame) -> pd.DataFrame:
    """How many times as long a query takes as by faiss's exact search, in each turn: columns way, turn, value."""
    wide = raced[raced.metric == "ms"].pivot_table(index="turn", columns="way", values="value")
    found = wide.drop(columns=_AGAINST).div(wide[_AGAINST], axis=0)
    return found.reset_index().melt(id_vars="turn", var_name="way", value_name="value")


def under_printed(raced: pd.DataFrame, printed_s: float) -> pd.DataFrame:
    """The printed seconds of a query over ours from photograph and text to the list: columns turn, value."""
    ours = raced[(raced.way == "query") & (raced.metric == "ms")]
    return ours.assign(value=1e3 * printed_s / ours.value)[["turn", "value"]]


def _ways(gallery: np.ndarray, seed: int) -> dict[str, tuple[Ask, int]]:
    width = gallery.shape[1]
    flat, graph = faiss.IndexFlatIP(width), faiss.IndexHNSWFlat(width, _LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efSearch = _CANDIDATES
    codes = faiss.IndexPQ(width, width // PER_PART, 8, faiss.METRIC_INNER_PRODUCT)
    codes.pq.cp.min_points_per_centroid = 1  # of a small shop it would warn, once a part
    codes.train(gallery)
    for index in (flat, graph, codes):
        index.add(gallery)
    quantizer = FPQ.fit(gallery, width // PER_PART, CENTROIDS, np.random.default_rng(seed))
    ours = to_index_pq(quantizer, quantizer.encode(gallery))
    indexes = {"faiss-flat": flat, "faiss-hnsw": graph, "faiss-pq": codes, "fpq": ours}

    def product(queries: np.ndarray) -> np.ndarray:
        return np.argpartition(-(queries @ gallery.T), TOP, axis=1)[:, :TOP]

    def search(index: faiss.Index) -> Ask:
        return lambda queries: index.search(queries, TOP)[1]

    found = {name: (search(index), len(faiss.serialize_index(index))) for name, index in indexes.items()}
    return {"numpy": (product, gallery.nbytes)} | found


def _whole_query(model: Retrieval, photos: np.ndarray, words: np.ndarray, search: Ask) -> float:
    """Milliseconds from a photograph and the numbers of its text's words to the list, one query at a time."""
    begun = time.perf_counter()
    for at in range(len(photos)):
        search(asked(model, model.see(photos[at : at + 1]), np.zeros(1, np.int64), words[at : at + 1]))
    return 1e3 * (time.perf_counter() - begun) / len(photos)


def _anew(task: Task, model: Retrieval, photographs: int) -> float:
    """Milliseconds of sending the gallery through the network for one query, timed on a part of it."""
    some = task.goods.photos[:_PART]
    begun = time.perf_counter()
    vectors(model, model.see(some))
    return 1e3 * (time.perf_counter() - begun) * photographs / len(some)

