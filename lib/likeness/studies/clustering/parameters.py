"""Parameters of the clustering chapter. Light imports only: the command reads them without starting torch."""

from __future__ import annotations

from dataclasses import dataclass

from likeness.report.parameters import BaseParameters, param


@dataclass(frozen=True, kw_only=True)
class Parameters(BaseParameters):
    """What may be changed in a run of the chapter; the presets change sizes, never the method."""

    seed: int = param("base seed: every random number of the run derives from it", smoke=0, laptop=0, full=0, low=0)
    jobs: int = param("worker processes, 0: one a core", smoke=1, laptop=0, full=0, low=0, high=256)
    seeds: int = param("training seeds of every row of Table 1", smoke=2, laptop=3, full=5, low=2, high=1000)
    epochs: int = param("most training epochs of a model", smoke=1, laptop=6, full=60, unit="epochs", low=1)
    train_samples: int = param("point sets a model is trained on", smoke=3, laptop=35, full=100, low=1)
    validation_samples: int = param("point sets that steer the learning rate", smoke=1, laptop=10, full=20, low=1)
    test_samples: int = param("point sets a row of Table 1 is tested on", smoke=4, laptop=100, full=200, low=2)
    points_low: int = param("fewest points a set", smoke=200, laptop=200, full=200, low=20, unit="points")
    points_high: int = param("most points a set", smoke=300, laptop=300, full=300, low=20, unit="points")
    label_share: float = param("share of the points whose label is known", smoke=0.3, laptop=0.3, full=0.3, high=0.9,
                               low=0.05)
    hidden: int = param("width of the hidden layers", smoke=64, laptop=64, full=64, low=1, high=4096)
    temperature: float = param("temperature of the HypHC softmax", smoke=0.1, laptop=0.1, full=0.1, low=0.01, high=10.0)
    curve_samples: int = param("sets a noise value and seed, learned methods of Figure 3", smoke=2, laptop=8, full=20,
                               low=2)
    classical_samples: int = param("sets a noise value, classical methods of Figure 3", smoke=8, laptop=100, full=400,
                                   low=8)
    variance_seeds: int = param("training seeds of the one model of Table 1, row 1", smoke=3, laptop=6, full=24, low=3)
    switch_seeds: int = param("training seeds of the literal-against-corrected study", smoke=2, laptop=2, full=5, low=2)
    switch_epochs: int = param("epochs of that study, the same for all its variants", smoke=1, laptop=3, full=10,
                               unit="epochs", low=1)
    real_seeds: int = param("splits of every real set into shown and hidden labels", smoke=2, laptop=3, full=10, low=2)
    real_epochs: int = param("epochs of the MLP on a real set", smoke=1, laptop=8, full=40, unit="epochs", low=1)
    hyphc_epochs: int = param("most epochs of HypHC on a real set", smoke=1, laptop=8, full=50, unit="epochs", low=1)
    hyphc_triples: int = param("most triples an epoch of HypHC", smoke=500, laptop=10_000, full=100_000, low=1)
    large_n: int = param("points of the largest sets a trained model is given", smoke=600, laptop=3_000, full=10_000,
                         low=400, unit="points")
    large_samples: int = param("sets of that size a seed; ten times as many of the smallest", smoke=1, laptop=1, full=2,
                               low=1)
    cost_repeats: int = param("repeats of the cost measurement", smoke=2, laptop=3, full=5, low=2)
    race_n: int = param("most points in the decoding race", smoke=2_000, laptop=1_000_000, full=1_000_000, low=1_000,
                        unit="points")
    race_seconds: float = param("a peer is not asked for a size predicted to take longer", smoke=1.0, laptop=2.0,
                                full=60.0, unit="s", low=0.1)
