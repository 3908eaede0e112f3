"""Parameters of the wardrobe's data card. Light imports only: the command reads them without drawing anything."""

from __future__ import annotations

from dataclasses import dataclass

from likeness.report.parameters import BaseParameters, param


@dataclass(frozen=True, kw_only=True)
class Parameters(BaseParameters):
    """What may be changed in a run of the card; the presets change sizes, never the world."""

    seed: int = param("first world; the others follow it", smoke=0, laptop=0, full=0, low=0)
    jobs: int = param("worker processes, 0: one a core", smoke=1, laptop=0, full=0, low=0, high=256)
    seeds: int = param("worlds, each of its own seed", smoke=2, laptop=3, full=5, low=2, high=100)
    texts: int = param("garments that are described: boxes, captions, queries, attributes", smoke=200, laptop=5_000,
                       full=30_000, unit="garments", low=200)
    shop: int = param("garments of the shop beside the real ones", smoke=2_000, laptop=17_600, full=60_000,
                      unit="garments", low=2_000)
    shoppers: int = param("shoppers of that shop", smoke=50, laptop=400, full=1_364, unit="shoppers", low=50)
    drawn: int = param("pictures that probes learn from, and whose garments are recommended", smoke=100, laptop=900,
                       full=6_000, unit="garments", low=100)
    heels: int = param("further pictures of shoes with heels, which are rare", smoke=40, laptop=240, full=1_000,
                       unit="garments", low=20)
    pools: int = param("pools of 30 pictures for a query", smoke=5, laptop=60, full=300, low=5)
    changes: int = param("queries of a picture and a change", smoke=20, laptop=150, full=600, low=10)
    customers: int = param("shoppers of the drawn garments", smoke=60, laptop=200, full=600, unit="shoppers", low=30)
