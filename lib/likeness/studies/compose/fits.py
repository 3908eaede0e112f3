"""One training of a row: the epoch chosen by the validation queries, everything counted on the test queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import torch

from likeness.data.wardrobe.garments import stream
from likeness.metrics.hits import First, by_caption, by_item, first_relevant, precisions, recalls
from likeness.models.compose.composition import build
from likeness.models.compose.texts import SmallText
from likeness.models.compose.training import Retrieval, Schedule, Triples, asked, train, vectors
from likeness.models.hsl.vocabulary import Vocabulary
from likeness.models.weights import arrays, filled
from likeness.report.progress import tick
from likeness.studies.compose.eyes import VIEWS, Eyes
from likeness.studies.compose.parameters import Parameters
from likeness.studies.compose.rows import SWITCHES, Row, first_scale, objective
from likeness.studies.compose.tasks import CUTS, TEST, VALID, Asked, Task
from likeness.studies.compose.texts import REVEALED, revealed
from likeness.studies.devices import device_of
from likeness.studies.parallel import run_all

#: The cut by which an epoch is chosen.
CHOOSING: Final = 10


@dataclass(frozen=True)
class Plan:
    """All that a training depends on but the task and the encoder, which `about` names; its repr is its cache key.

    run : its number; first weights and order follow it. keep : the weights of the chosen epoch are part of the outcome.
    """

    about: str
    row: Row
    schedule: Schedule
    text_layers: int
    seed: int
    run: int
    device: str
    keep: bool = False


@dataclass(frozen=True, eq=False)
class Outcome:
    """Of Q test queries, K cuts and E epochs; hits are probabilities where scores tie.

    valid (E,) : hit rate at 10 of the validation queries; epoch, the best one, from 1. tested (E, K, Q) float32 : hits
    of the test queries after each epoch, which choose nothing. hit, precision, recall, item (K, Q) : at the chosen
    epoch, a photograph of the target's caption among the first k, the share of such among them, their share that is
    among them, and the very target among them. other_hit, other_item (K, Q) : likewise, asked with another query's
    source image. reveal (5, Q) : hits at 10 with these shares of the text's words. steps : a line a step, of
    `training.train`. learnt : numbers that learn. weights : of the chosen epoch, by name, where kept.
    """

    valid: np.ndarray
    epoch: int
    tested: np.ndarray
    hit: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    item: np.ndarray
    other_hit: np.ndarray
    other_item: np.ndarray
    reveal: np.ndarray
    steps: pd.DataFrame
    learnt: int
    weights: dict[str, np.ndarray] | None


def schedule(p: Parameters) -> Schedule:
    """The paper's, with the preset's epochs."""
    return Schedule(p.epochs, p.batch, p.rate)


class Wanted(NamedTuple):
    """A training that is asked for; as of `Plan`."""

    row: Row
    schedule: Schedule
    run: int
    keep: bool = False


def fit_all(p: Parameters, task: Task, eyes: Eyes, wanted: Sequence[Wanted]) -> list[Outcome]:
    """Their outcomes, in order: all with the same queries and encoder."""
    about, device = f"{task.about} {eyes.about}", str(device_of(p.device))
    plans = [Plan(about, row, when, p.text_layers, p.seed, run, device, keep) for row, when, run, keep in wanted]
    return list(run_all(one_fit, [(plan,) for plan in plans], p.jobs, given=(task, eyes)))


def one_fit(task: Task, eyes: Eyes, plan: Plan) -> Outcome:
    """Train a row and count. Raises FloatingPointError where a loss is not finite."""
    row, seed = plan.row, plan.seed + plan.run
    model = network(task, eyes, row, plan.text_layers, seed).to(torch.device(plan.device))
    valid, test = Part(task, task.valid, VALID, row), Part(task, task.test, TEST, row)
    scores: list[tuple[float, np.ndarray]] = []
    best: dict[str, np.ndarray] = {}

    def after(epoch: int, model: Retrieval) -> None:
        nonlocal best
        tick(f"{row.composition}, {row.base}, {row.text}", epoch, plan.schedule.epochs)
        found, hits = valid.look(model, eyes).hits(CHOOSING).mean(), test.look(model, eyes)
        if all(found > earlier for earlier, _ in scores):
            best = arrays(model)
        scores.append((float(found), np.array([hits.hits(k) for k in CUTS], np.float32)))

    triples, schedule = _triples(task, model, row), replace(plan.schedule, groups=SWITCHES[row.switch].groups)
    seen, views = _photographs(eyes, row)
    steps = train(model, seen, triples, schedule, objective(row), seed, after, views=views, device=plan.device)
    model = filled(model, best)
    other = stream(plan.seed, "another source").permutation(len(task.test.source))
    swapped = test.source[np.roll(other, 1)][np.argsort(other)]  # along one circle: nobody's own
    own, alien = test.scores(model, eyes), test.scores(model, eyes, source=swapped)
    hit, item = test.count(own)
    other_hit, other_item = test.count(alien)
    precision, recall = (np.array([of_each(own, test.relevant, k, source=test.place) for k in CUTS])
                         for of_each in (precisions, recalls))  # fmt: skip
    reveal = np.array([test.look(model, eyes, texts=revealed(test.texts, s, plan.seed)).hits(CHOOSING)
                       for s in REVEALED])  # fmt: skip
    valid_scores = np.array([found for found, _ in scores])
    learnt = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Outcome(
        valid_scores, int(valid_scores.argmax()) + 1, np.array([found for _, found in scores]), hit, precision, recall,
        item, other_hit, other_item, reveal, steps, learnt, best if plan.keep else None,
    )  # fmt: skip


def network(task: Task, eyes: Eyes, row: Row, text_layers: int, seed: int) -> Retrieval:
    """The untrained model of a row, on the CPU: the pretrained image encoder, a text encoder and a composition.

    The text encoder learns with the rest, but where `eyes` come with a lexicon: then texts are its features.
    """
    width, scale, lexicon = eyes.taught.sizes.width, first_scale(row), eyes.lexicon
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        image = eyes.taught.encoder()
        if lexicon is not None:
            composition = build(row.composition, width, lexicon.h)
            return Retrieval(image, None, composition, scale, frozen=lexicon.encode)
        words = Vocabulary.of((*task.train.full, *task.train.change), least=1)
        text = SmallText(words, width, text_layers)
        return Retrieval(image, text, build(row.composition, width, width), scale)


class Part:
    """Queries of a part and its photographs, which are their gallery; the own source is left out of the list.

    rows (n,) : of the photographs. source (Q,) : rows of the source images, place (Q,) : where they are in the gallery.
    """

    def __init__(self, task: Task, queries: Asked, part: int, row: Row) -> None:
        self.rows = task.goods.rows(part)
        self.source = queries.source
        self.place = np.searchsorted(self.rows, queries.source)
        self.texts = queries.texts(row.text)
        captions = task.goods.captions
        self.relevant = by_caption([captions[t] for t in queries.target], [captions[r] for r in self.rows])
        self.same_item = by_item(queries.target, self.rows)

    def scores(
        self, model: Retrieval, eyes: Eyes, *, source: np.ndarray | None = None, texts: tuple[str, ...] | None = None
    ) -> np.ndarray:
        """Cosines (Q, n); with other source images or texts than the queries' own where given."""
        words = model.encode(self.texts if texts is None else texts)
        queries = asked(model, eyes.tokens, self.source if source is None else source, words)
        return np.asarray(queries @ vectors(model, eyes.tokens[self.rows]).T)

    def look(self, model: Retrieval, eyes: Eyes, texts: tuple[str, ...] | None = None) -> First:
        """Where the first photograph of the target's caption stands."""
        return first_relevant(self.scores(model, eyes, texts=texts), self.relevant, source=self.place)

    def count(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hits by caption and by the very target, (K, Q) each."""
        by_both = (first_relevant(scores, wanted, source=self.place) for wanted in (self.relevant, self.same_item))
        caption, item = (np.array([found.hits(k) for k in CUTS]) for found in by_both)
        return caption, item


def _photographs(eyes: Eyes, row: Row) -> tuple[np.ndarray, int]:
    """Tokens that a row learns from, and how many views of each photograph there are."""
    if not SWITCHES[row.switch].augmented:
        return eyes.tokens, 1
    if eyes.views is None:
        raise ValueError(f"{row}: expected eyes `with_views`")
    return eyes.views, VIEWS


def _triples(task: Task, model: Retrieval, row: Row) -> Triples:
    learnt, words = task.train, model.encode(task.train.texts(row.text))
    return Triples(learnt.source, learnt.target, words, task.goods.said[learnt.target], learnt.source)

