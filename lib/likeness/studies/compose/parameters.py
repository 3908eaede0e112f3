"""Parameters of the ComposeTransformers chapter. Light imports only: the command reads them without loading torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from likeness.report.parameters import BaseParameters, ParameterError, param

#: Pixels each way of the photographs of DeiT-S.
DEIT_SIDE: Final = 224


@dataclass(frozen=True, kw_only=True)
class Parameters(BaseParameters):
    """What may be changed in a run of the chapter; presets change sizes and width, never a composition or a loss."""

    seed: int = param("base seed: garments, queries and first weights follow it", smoke=0, laptop=0, full=0, low=0)
    jobs: int = param("worker processes, 0: one a core", smoke=1, laptop=0, full=0, low=0, high=256)
    real: tuple[str, ...] = param("shops on whose photographs Table 1 is repeated, where they are below LIKENESS_DATA",
                                  smoke=(), laptop=(), full=("fashion_small", "hm"),
                                  choices=("fashion_small", "hm", "fashion200k"))
    garments: int = param("photographs of the wardrobe's catalogue, all parts", smoke=600, laptop=4_000, full=30_000,
                          unit="photographs", low=500)
    side: int = param("pixels of a photograph each way; 224 in the paper", smoke=64, laptop=64, full=64, unit="px",
                      low=32, high=224)
    image: str = param("encoder of photographs: a small one, or DeiT-S as in the paper, which needs side=224 and has "
                       "ImageNet's weights where they are below LIKENESS_DATA", smoke="small", laptop="small",
                       full="small", choices=("small", "deit"))
    text: str = param("encoder of texts: a small one that learns with the rest, or all-MiniLM, frozen as in the paper, "
                      "of the optional packages", smoke="small", laptop="small", full="small",
                      choices=("small", "minilm"))
    patch: int = param("pixels of a patch each way; 16 in the paper", smoke=16, laptop=16, full=16, unit="px", low=4,
                       high=32)
    width: int = param("numbers of features, a multiple of 32; 384 in the paper", smoke=32, laptop=96,
                       full=128, low=32, high=384)
    layers: int = param("blocks of the image encoder, of which the last learns with the composition; 12 in the paper",
                        smoke=2, laptop=4, full=6, low=2, high=12)
    text_layers: int = param("blocks of the text encoder; 6 in the paper, pretrained and frozen", smoke=1, laptop=1,
                             full=2, low=1, high=6)
    pretrain_epochs: int = param("of the image encoder on the catalogue's attributes, in place of ImageNet", smoke=2,
                                 laptop=10, full=20, low=1, high=300)
    train: int = param("training queries; about 13,000 in the paper", smoke=200, laptop=1_000, full=3_000,
                       unit="queries", low=64)
    test: int = param("test queries, at most; 1200 in the paper. As many choose the epoch", smoke=60, laptop=400,
                      full=1_200, unit="queries", low=10)
    epochs: int = param("of every row, the best by the validation queries is kept; 16 in the paper", smoke=2, laptop=5,
                        full=8, low=1, high=1_000)
    batch: int = param("queries of a step; 32 in the paper", smoke=32, laptop=32, full=32, unit="queries", low=4,
                       high=1_000)
    rate: float = param("of AdamW, halved every third epoch, half as large for the image encoder", smoke=5e-4,
                        laptop=5e-4, full=5e-4, low=1e-7, high=1.0)
    runs: int = param("trainings of a row", smoke=1, laptop=1, full=3, low=1, high=100)
    switch_runs: int = param("trainings of each other reading of the losses, runs at most", smoke=1, laptop=1, full=3,
                             low=1, high=100)
    curve_train: int = param("training queries of Figure 5's trainings, train at most", smoke=100, laptop=500,
                             full=3_000, unit="queries", low=64)
    orders: int = param("random orders of the queries for the printed precision", smoke=100, laptop=1_000, full=1_000,
                        low=10)
    race_photos: int = param("photographs of the index of the race, garments at most; 24,657 in the paper", smoke=600,
                             laptop=4_000, full=24_657, unit="photographs", low=256)
    picture: str = param("a photograph of your own to ask with, a path; none: one of the wardrobe's", smoke="",
                         laptop="", full="")
    sentence: str = param("what to change in it, as \"replace black with red\"; none: that of a test query", smoke="",
                          laptop="", full="")

    def __post_init__(self) -> None:
        """Raise ParameterError where one does not fit another."""
        super().__post_init__()
        if self.image == "deit" and self.side != DEIT_SIDE:
            raise ParameterError(f"image=deit sees {DEIT_SIDE} pixels: give side={DEIT_SIDE}, not {self.side}")
        if self.image == "small" and (self.side % self.patch or self.width % 32):
            raise ParameterError(
                f"side {self.side}, patch {self.patch}, width {self.width}: expected a patch that divides the side and "
                "a width that 32 divides"
            )
