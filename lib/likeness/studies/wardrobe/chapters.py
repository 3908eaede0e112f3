"""Which data each chapter uses at which preset, and why."""

from __future__ import annotations

from typing import Final

import pandas as pd

#: Chapter, then what it uses at smoke, laptop and full, and why.
_USES: Final = (
    ("clustering", "exact generators", "exact generators, iris, wine, digits; zoo where it is here",
     "as laptop, at the paper's sizes", "the paper draws its sets: its generators are the paper's own data"),
    ("fpq", "deformed digits", "MNIST where it is here, else deformed digits", "MNIST",
     "MNIST is the paper's set; deformed digits need no download and may be of any size"),
    ("hsl", "wardrobe pools", "wardrobe pools; the real lists and answers where they are here",
     "wardrobe pools, more; the same lists; fashion_small and hm (planned: official files for who has them)",
     "the region features are not public: of the real set only lists can be scored; pools are made that cannot leak"),
    ("dvbpr", "wardrobe shop", "wardrobe shop",
     "a larger wardrobe shop; hm and clothing; the released files for who has them",
     "the paper's sets are not at hand; hm is real taste with photographs, the wardrobe alone has a known best AUC"),
    ("compose", "wardrobe captions and changes", "wardrobe captions and changes",
     "the same, more; fashion_small and hm; Fashion200k for who has it",
     "Fashion200k has no free download; the wardrobe has captions, changes and exact answers"),
)  # fmt: skip


def table() -> pd.DataFrame:
    """A row a chapter."""
    return pd.DataFrame(_USES, columns=["chapter", "smoke", "laptop", "full", "why"]).set_index("chapter")
