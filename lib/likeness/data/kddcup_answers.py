"""Answers and scores of the validation pairs of KDD Cup 2020 "Multimodalities Recall", and nDCG of a score file.

A score file has a line a query: its id, a comma, and the list of its scored products as Python prints it, the product
in quotes: ``7,[[0.25, '103047314'], [1.5e-07, '103030678']]``. It is read by a grammar of that and nothing else.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from likeness.data.strict_text import BadField, json_file, lines, parsed, shown, whole_number
from likeness.metrics.ranking import ndcg_at

#: Bytes of a line of a score file. A product takes 37, the longest list known is 30: room for 28,000.
_LONGEST_LINE: Final = 2**20
_PAIR: Final = re.compile(rb", \[(-?[0-9]{1,20}(?:\.[0-9]{1,40})?(?:e[+-]?[0-9]{1,3})?), '([0-9]{1,18})'\]")
#: The largest id that `whole_number` lets through.
_LARGEST_ID: Final = 10**18 - 1


@dataclass(frozen=True, eq=False)
class Pool:
    """Candidates of a query: products (n,) int64, each once, and their scores (n,) float64, finite, best highest."""

    products: np.ndarray
    scores: np.ndarray


def read_answers(path: Path | str) -> dict[int, tuple[int, ...]]:
    """valid_answer.json: query id -> its relevant products, in the order of the file.

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : no JSON object of lists of whole numbers; a query or a product of a query twice; a query without any.
    """
    path = Path(path)
    found: dict[int, tuple[int, ...]] = {}
    for key, products in json_file(path).items():
        try:
            query = whole_number("query_id", key.encode(errors="replace"))
            if query in found:
                raise BadField("query_id", f"{query} occurs twice")
            found[query] = _products(products)
        except BadField as error:
            raise ValueError(f"{path}: query {shown(key)}, {error}") from error
    if not found:
        raise ValueError(f"{path}: no query; expected {{'query id': [product id, ...], ...}}")
    return found


def read_scores(path: Path | str) -> dict[int, Pool]:
    """A score file: query id -> its pool, in the order of the file.

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : file, row and field of a line of another form, a query or a product of a query twice, a score that is
        not finite; an empty file.
    """
    path = Path(path)
    found: dict[int, Pool] = {}

    def parse(line: bytes) -> None:
        head, comma, rest = line.partition(b",")
        query = whole_number("query_id", head)
        if not comma or query in found:
            raise BadField("query_id", f"{query} {'occurs twice' if comma else 'without a list of scores'}")
        found[query] = _pool(rest)

    for _ in parsed(path, lines(path, _LONGEST_LINE), parse):
        pass
    if not found:
        raise ValueError(f"{path}: empty; expected lines such as 7,[[0.25, '103047314']]")
    return found


def judged(scores: dict[int, Pool], answers: dict[int, tuple[int, ...]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Scores and relevance (bool) of every query, both (n,), in the order of `answers`: what `ndcg_at` takes.

    Raises ValueError where the two do not have the same queries, or an answer is not in the pool of its query (a
    list of some pairs only would be judged against an ideal that it cannot reach).
    """
    if scores.keys() != answers.keys():
        odd = sorted(scores.keys() ^ answers.keys())
        where = "answers" if odd[0] in scores else "scores"
        raise ValueError(f"{len(odd)} queries such as {odd[0]} are missing in the {where}: expected the same queries")
    relevant = []
    for query, right in answers.items():
        hit = np.isin(scores[query].products, right)
        if hit.sum() != len(right):
            lost = sorted(set(right) - set(scores[query].products.tolist()))
            raise ValueError(f"query {query}: its answers {lost} have no score; expected one for every pair")
        relevant.append(hit)
    return [scores[query].scores for query in answers], relevant


def score_file_ndcg(scores: Path | str, answers: Path | str, k: int) -> float:
    """nDCG@k of a score file against valid_answer.json, in [0, 1]; ties as in `likeness.metrics.ranking.ndcg_each`.

    The competition counts k = 5. Raises as `read_scores`, `read_answers`, `judged` and `ndcg_each`.
    """
    try:
        pair = judged(read_scores(scores), read_answers(answers))
    except ValueError as error:
        if str(scores) in str(error) or str(answers) in str(error):
            raise
        raise ValueError(f"{scores} against {answers}: {error}") from error
    return ndcg_at(*pair, k)


def _products(given: object) -> tuple[int, ...]:
    if not isinstance(given, list) or not given:
        raise BadField("products", f"{shown(given)}: expected a list of at least one product id")
    for product in given:
        if type(product) is not int or not 0 <= product <= _LARGEST_ID:  # JSON's true is an int of Python too
            raise BadField("products", f"{shown(product)}: expected a whole number, 0 or more, of at most 18 digits")
    _each_once(given)
    return tuple(given)


def _pool(rest: bytes) -> Pool:
    if not rest.startswith(b"[") or not rest.endswith(b"]"):
        raise BadField("scores", f"{shown(rest)}: expected [[score, 'product id'], ...]")
    body = b", " + rest[1:-1]
    pairs, at = [], 0
    while pair := _PAIR.match(body, at):
        pairs.append((float(pair[1]), int(pair[2])))
        at = pair.end()
    if at != len(body) or not pairs:
        raise BadField("scores", f"{shown(body[at:])} after {len(pairs)} pairs: expected , [score, 'product id']")
    scores, products = zip(*pairs, strict=True)
    if not all(map(math.isfinite, scores)):
        raise BadField("scores", "a score beyond the range of a float; expected finite numbers")
    _each_once(list(products))
    return Pool(np.array(products, np.int64), np.array(scores, np.float64))


def _each_once(products: list[int]) -> None:
    if len(set(products)) != len(products):
        twice = next(p for i, p in enumerate(products) if p in products[:i])
        raise BadField("products", f"{twice} occurs twice in one query")
