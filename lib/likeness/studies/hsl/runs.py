"""One training of one method: its scores of the test pools, and how it fared on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from likeness.metrics.ranking import ndcg_each
from likeness.models.hsl.hsl import HSL
from likeness.models.hsl.inputs import Images, Texts
from likeness.models.hsl.matcher import Matcher, Size
from likeness.models.hsl.scoring import image_vectors, text_vectors
from likeness.models.hsl.training import Schedule, train
from likeness.models.hsl.vocabulary import Vocabulary
from likeness.report.progress import tick
from likeness.studies.hsl.methods import method
from likeness.studies.hsl.sets import Pools, Seen, Sets, Setting

#: The paper's cut.
TOP: Final = 5
#: Rows whose vectors are kept, for the study of search: HSL with the mean and with the maximum over objects.
SEARCHED: Final = ("hsl", "aggregate-max")
#: Least count of a word in the training texts, as in the paper.
LEAST: Final = 5


@dataclass(frozen=True)
class Plan:
    """All that a training depends on; its repr is its name in the cache.

    objects : of a picture, the largest boxes; negatives : that a method draws which cannot take a whole batch
    """

    setting: Setting
    name: str
    seed: int
    width: int
    objects: int
    negatives: int
    schedule: Schedule
    device: str


@dataclass(frozen=True, eq=False)
class Codes:
    """All G test pictures and Q queries: x (G, d), y (Q, d) float32 of `scoring`, exact (Q, G) by eq. 12."""

    x: np.ndarray
    y: np.ndarray
    exact: np.ndarray


@dataclass(frozen=True, eq=False)
class Outcome:
    """Of one training, Q queries in blocks of M pictures, E epochs.

    history (E, 2) float64: nDCG@5 on the held-out and on the test pools after each epoch
    epoch : the one with the best held-out score, from 1; scores (Q, M) float32: of the test pools after it
    own (E, Q) float32: nDCG@5 of each test query after each epoch
    parameters : numbers that were learnt; losses (E,) of the training
    codes : after the chosen epoch, of the rows of `SEARCHED`; None of the others
    """

    history: np.ndarray
    epoch: int
    scores: np.ndarray
    own: np.ndarray
    parameters: int
    losses: np.ndarray
    codes: Codes | None


def sizes(width: int, features: int, words: int) -> Size:
    """The paper's proportions at another width: 4 heads, hidden 4 x, common spaces 2 x, words .6 x the width."""
    return Size(features, words, width, hidden=4 * width, embed=2 * width, word_width=round(0.6 * width))


def one_run(sets: Sets, plan: Plan) -> Outcome:
    """Train, and rank after every epoch. The epoch is chosen on the held-out pools, never on the test pools."""
    chosen = method(plan.name)
    words = Vocabulary.of(sets.texts, least=LEAST, ends=chosen.ends)
    device = torch.device(plan.device)
    limit = None if chosen.every_object else plan.objects
    images = pictures(sets.train, limit).to(device)
    texts = Texts.of([words.encode(text) for text in sets.texts]).to(device)
    torch.manual_seed(plan.seed)  # initial weights and dropout
    size = sizes(plan.width, images.objects.shape[2], len(words))
    model = chosen.build(size, plan.negatives, plan.seed).to(device)
    asked = [Asked.of(pools, limit, words, device) for pools in (sets.valid, sets.test)]
    history, own, best, codes = [], [], (-1.0, 0, np.empty(0)), None

    def after(epoch: int) -> None:
        nonlocal best, codes
        tick(plan.name, epoch, plan.schedule.epochs)
        scored = [one.scores(model) for one in asked]
        points = [one.ndcg(found) for one, found in zip(asked, scored, strict=True)]
        history.append([one.mean() for one in points])
        own.append(points[1])
        if points[0].mean() > best[0]:
            best = (float(points[0].mean()), epoch, scored[1])
            codes = asked[1].codes(model) if plan.name in SEARCHED and isinstance(model, HSL) else None

    losses = train(model, images, texts, replace(plan.schedule, decay=chosen.decay), plan.seed, after)
    count = sum(p.numel() for p in model.parameters())
    return Outcome(np.array(history), best[1], best[2], np.array(own, np.float32), count, np.array(losses), codes)


@dataclass(frozen=True, eq=False)
class Asked:
    """Pools as a model takes them."""

    images: Images
    texts: Texts
    relevant: np.ndarray

    @classmethod
    def of(cls, pools: Pools, limit: int | None, words: Vocabulary, device: torch.device) -> Asked:
        """Encode the words, pad the objects."""
        texts = Texts.of([words.encode(text) for text in pools.texts])
        return cls(pictures(pools.seen, limit).to(device), texts.to(device), pools.relevant)

    @torch.no_grad()
    def scores(self, model: Matcher) -> np.ndarray:
        """Similarities of each query to the pictures of its block, (B * Q, M) float32."""
        queries = np.split(np.arange(len(self.texts)), len(self.relevant))
        found = [
            model.similarities(self.images.rows(shown), self.texts.rows(asking)).T
            for shown, asking in zip(self._blocks(), queries, strict=True)
        ]
        return np.asarray(torch.cat(found).float().cpu().numpy())

    def _blocks(self) -> list[np.ndarray]:
        """Rows of the pictures of each block."""
        return np.split(np.arange(len(self.images)), len(self.relevant))

    @torch.no_grad()
    def codes(self, model: HSL) -> Codes:
        """Everything encoded once, and the similarity of every query to every picture."""
        exact = [model.similarities(self.images.rows(part), self.texts).T for part in self._blocks()]
        return Codes(
            image_vectors(model, self.images), text_vectors(model, self.texts), torch.cat(exact, dim=1).cpu().numpy()
        )

    def ndcg(self, scores: np.ndarray, k: int = TOP) -> np.ndarray:
        """nDCG@k of each query, (B * Q,)."""
        return ndcg_each(list(scores), list(self.relevant.reshape(scores.shape)), k)


def pictures(seen: Seen, limit: int | None) -> Images:
    """The objects of each picture, the largest boxes up to a limit."""
    features, boxes = seen.each()
    return Images.of(features, boxes, limit=limit)
