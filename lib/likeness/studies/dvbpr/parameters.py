"""Parameters of the DVBPR chapter. Light imports only: the command reads them without loading torch."""

from __future__ import annotations

from dataclasses import dataclass

from likeness.report.parameters import BaseParameters, param


@dataclass(frozen=True, kw_only=True)
class Parameters(BaseParameters):
    """What may be changed in a run of the chapter; the presets change sizes and width, never a network's layers."""

    seed: int = param("base seed: the wardrobe, splits and first weights follow it", smoke=0, laptop=0, full=0, low=0)
    jobs: int = param("worker processes, 0: one a core", smoke=1, laptop=0, full=0, low=0, high=256)
    users: int = param("shoppers of the wardrobe", smoke=60, laptop=160, full=500, low=20)
    catalogue: int = param("photographs of other garments that features and the reader of designs are learnt from",
                           smoke=300, laptop=1_200, full=10_000, unit="photographs", low=100, high=10_000)
    side: int = param("pixels of a photograph each way, for recommender and designs; 224 in the paper", smoke=64,
                      laptop=64, full=64, unit="px", low=64, high=224)
    real: tuple[str, ...] = param("real people on whom Table III is repeated, where they are below LIKENESS_DATA",
                                  smoke=(), laptop=(), full=("hm", "clothing"),
                                  choices=("hm", "clothing", "amazon-fashion"))
    splits: int = param("random divisions into training, validation and test", smoke=2, laptop=2, full=5, low=1,
                        high=100)
    tries: int = param("settings of regularizer and factors that every learned method tries, of the 21 of the paper's "
                       "grid", smoke=1, laptop=2, full=3, low=1, high=21)
    epochs: int = param("of methods that see no pixels, the best by validation is kept", smoke=2, laptop=15, full=30,
                        low=1, high=1_000)
    deep_epochs: int = param("of DVBPR, likewise; 20 in the published code", smoke=1, laptop=4, full=10, low=1,
                             high=1_000)
    deep_rate: float = param("of Adam for DVBPR; 1e-4 in the paper, whose epochs have a hundred times the steps",
                             smoke=1e-3, laptop=1e-3, full=1e-3, low=1e-7, high=1.0)
    batch: int = param("pairs of a batch of DVBPR", smoke=64, laptop=128, full=128, unit="pairs", low=2, high=10_000)
    width: float = param("of CNN-F, of every layer; 1 in the paper", smoke=0.0625, laptop=0.125, full=0.125, low=0.01,
                         high=1.0)
    side_splits: int = param("divisions of the side rows, splits at most: switches of DVBPR, purchases without "
                             "companions, features of the shop's own catalogue", smoke=1, laptop=1, full=1, low=1,
                             high=100)
    gan_epochs: int = param("of the generative models; about 25 in the paper", smoke=1, laptop=4, full=20, low=1,
                            high=1_000)
    large_epochs: int = param("of the generative model of printed_side pixels, where that is more than side", smoke=1,
                              laptop=1, full=6, low=1, high=1_000)
    gan_width: float = param("of generator and discriminator, of every layer; 1 in the paper", smoke=0.0625,
                             laptop=0.25, full=0.25, low=0.01, high=1.0)
    gan_batch: int = param("photographs of a step of the generative models; 64 in the paper, 16 in the code", smoke=16,
                           laptop=16, full=16, low=2, high=1_000)
    gan_rate: float = param("of Adam for the generative models; 1e-4 in the code, whose epochs have tens of times the "
                            "steps", smoke=2e-4, laptop=2e-4, full=2e-4, low=1e-7, high=1.0)
    printed_side: int = param("pixels of the model with the printed latent code; 128 in the paper", smoke=64, laptop=64,
                              full=128, unit="px", low=64, high=128)
    trials: int = param("pairs of a shopper and a category of Table IV; 1000 in the paper", smoke=4, laptop=40,
                        full=1_000, low=2)
    starts: int = param("first points of a search for a design; 64 in the paper, 16 in the code", smoke=4, laptop=16,
                        full=16, low=3)
    steps: int = param("steps of a search for a design; 10 in the code, 50 in Figure 6", smoke=2, laptop=10, full=10,
                       low=1, high=1_000)
    long_trials: int = param("trials at the paper's 64 starts and 50 steps", smoke=2, laptop=2, full=30, low=2)
    eta_trials: int = param("trials of each weight of the discriminator, Figure 3", smoke=2, laptop=6, full=50, low=2)
    prototypes: int = param("garments of each of two categories that Figure 6's search starts from", smoke=1, laptop=1,
                            full=5, low=1, high=100)
    race_users: int = param("users of the race of two ways to count the AUC", smoke=20, laptop=887, full=887, low=2)
    race_items: int = param("items of that race", smoke=300, laptop=16_581, full=16_581, low=10)
