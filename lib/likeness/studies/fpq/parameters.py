"""Parameters of the FPQ chapter. Light imports only: the command reads them without loading faiss."""

from __future__ import annotations

from dataclasses import dataclass

from likeness.report.parameters import BaseParameters, param


@dataclass(frozen=True, kw_only=True)
class Parameters(BaseParameters):
    """What may be changed in a run of the chapter; the presets change sizes, never the method."""

    seed: int = param("base seed: every random number of the run derives from it", smoke=0, laptop=0, full=0, low=0)
    jobs: int = param("worker processes, 0: one a core", smoke=1, laptop=0, full=0, low=0, high=256)
    data: str = param("digits; auto: MNIST where LIKENESS_DATA has it", smoke="deformed", laptop="auto", full="mnist",
                      choices=("auto", "mnist", "deformed"))
    train: int = param("rows of the database", smoke=400, laptop=5_000, full=50_000, unit="rows", low=200, high=60_000)
    test: int = param("queries", smoke=60, laptop=500, full=5_000, unit="rows", low=10, high=10_000)
    parts: int = param("M, parts of a vector", smoke=8, laptop=30, full=30, low=1, high=784)
    centroids: int = param("K, centroids of a part", smoke=16, laptop=256, full=256, low=2, high=1_024)
    sizes: tuple[int, ...] = param("rows of Figures 7, 8 and 9", smoke=(200, 400), laptop=(1_000, 2_000, 5_000),
                                   full=(1_000, 2_000, 5_000, 10_000, 20_000, 50_000), unit="rows", low=200,
                                   high=60_000)
    growth_repeats: int = param("fresh processes of every engine and size of Figures 7, 8 and 9", smoke=1, laptop=1,
                                full=3, low=1, high=100)
    seeds: int = param("seeds of the defect study, the sweeps and the race", smoke=2, laptop=5, full=5, low=2, high=100)
    workers: tuple[int, ...] = param("workers P of the simulated race", smoke=(1, 4), laptop=(1, 2, 4, 8, 16, 32),
                                     full=(1, 2, 4, 8, 16, 32), low=1, high=1_000)
    factors: tuple[float, ...] = param("c of eq. 3", smoke=(1.0, 2.0), laptop=(1.0, 2.0, 4.0),
                                       full=(1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 8.0), low=1.0, high=1e6)
    parts_swept: tuple[int, ...] = param("M of the sweep", smoke=(4, 8), laptop=(4, 8, 28, 56),
                                         full=(4, 7, 8, 14, 16, 28, 30, 49, 56), low=1, high=784)
    centroids_swept: tuple[int, ...] = param("K of the sweep", smoke=(8, 16), laptop=(16, 64, 256),
                                             full=(16, 64, 256, 512, 1_024), low=2, high=1_024)
    race_repeats: int = param("turns of every peer in the race, of the threads, and of a search", smoke=2, laptop=3,
                              full=5, low=2, high=100)
    payoff_sizes: tuple[int, ...] = param("rows at which searches are timed", smoke=(400, 800),
                                          laptop=(1_000, 5_000, 20_000),
                                          full=(1_000, 10_000, 50_000, 200_000), unit="rows", low=200)
    scale_sizes: tuple[int, ...] = param("rows of the data in shards", smoke=(2_000, 4_000),
                                         laptop=(20_000, 50_000, 100_000),
                                         full=(100_000, 1_000_000, 10_000_000), unit="rows", low=1_000)
    scheduler: str = param("address of a Dask scheduler for the shards (tcp://host:8786), or local: workers here",
                           smoke="local", laptop="local", full="local")
    shard: int = param("rows of a shard", smoke=1_000, laptop=20_000, full=100_000, unit="rows", low=100)
    scale_iterations: int = param("iterations of k-means on the data in shards", smoke=1, laptop=3, full=5, low=1)
