"""Parameters of the HSL chapter. Light imports only: the command reads them without loading torch."""

from __future__ import annotations

from dataclasses import dataclass

from likeness.report.parameters import BaseParameters, param


@dataclass(frozen=True, kw_only=True)
class Parameters(BaseParameters):
    """What may be changed in a run of the chapter; the presets change sizes and width, never a model's layers."""

    seed: int = param("base seed: the world and the first training; further trainings follow it", smoke=0, laptop=0,
                      full=0, low=0)
    jobs: int = param("worker processes, 0: one a core", smoke=1, laptop=0, full=0, low=0, high=256)
    train: int = param("pairs of a picture and a query to learn from", smoke=200, laptop=800, full=3_000,
                       unit="pairs", low=100)
    valid: int = param("held-out queries, which choose the epoch and the rate", smoke=5, laptop=50, full=100,
                       low=5)
    test: int = param("queries that are reported, in fives that share a pool", smoke=10, laptop=100, full=250, low=10)
    objects: int = param("objects of a picture, the largest boxes; 20 in the published code", smoke=4, laptop=8,
                         full=12, low=1, high=100)
    seeds: int = param("trainings of every row of Tables 1 and 2", smoke=2, laptop=3, full=5, low=2, high=100)
    switch_seeds: int = param("trainings of the other depths and of every switch, seeds at most", smoke=1, laptop=1,
                              full=2, low=1, high=100)
    width: int = param("of the encoders; 512 in the paper", smoke=16, laptop=32, full=48, low=8, high=1_024)
    epochs: int = param("of every method; 30 in the paper", smoke=1, laptop=6, full=8, low=1, high=1_000)
    batch: int = param("pairs of a batch; 256 in the paper", smoke=50, laptop=32, full=32, unit="pairs", low=2,
                       high=10_000)
    rates: tuple[float, ...] = param("first learning rates of Adam that every method of Table 1 tries with its first "
                                     "training; 2e-4 in the paper", smoke=(1e-3,), laptop=(1e-3,), full=(3e-4, 1e-3),
                                     low=1e-6, high=1.0)
    negatives: int = param("images that a method which scores pair by pair is given beside the right one", smoke=1,
                           laptop=1, full=1, low=1, high=100)
    shops: tuple[str, ...] = param("shops under LIKENESS_DATA on whose photographs Tables 1 and 2 are repeated",
                                   smoke=(), laptop=(), full=("fashion_small", "hm"),
                                   choices=("fashion_small", "hm"))
    shop_seeds: int = param("trainings of every row on a shop, seeds at most", smoke=1, laptop=1, full=3, low=1,
                            high=100)
    race_pictures: int = param("pictures of the scoring race", smoke=200, laptop=10_000, full=10_000, low=100)
    race_queries: int = param("queries of the scoring race", smoke=20, laptop=500, full=500, low=10)
