"""The values that the printed numbers give by themselves, by the ids under which claims and errata name them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from likeness.report.rooms import project_root
from likeness.studies.compose import published
from likeness.studies.compose.published import CODED, EPOCHS, QUERIES, WIDTH, Ranged
from likeness.studies.dvbpr.published_values import Recomputed

#: The headline, of the abstract: percent of 1,200 queries with a hit among the first 50.
HEADLINE = "55.42"
#: Printed seconds of a query, section 4.3.3.
SECONDS = 10.0


def tables() -> dict[str, pd.DataFrame]:
    """The files of ``printed/`` that `recomputed` takes, cells as texts: their digits say how they were rounded."""
    folder = project_root() / "paper_runs" / "compose" / "printed"
    names = ("table1", "dataset", "parameters", "related")
    return {name: pd.read_csv(folder / f"{name}.csv", dtype=str) for name in names}


def recomputed(
    table1: pd.DataFrame, dataset: pd.DataFrame, parameters: pd.DataFrame, related: pd.DataFrame
) -> list[Recomputed]:
    """Every value that a claim or an erratum of the chapter needs from the printed numbers alone, its chip "paper".

    table1, dataset, parameters, related : the files of ``printed/``, cells as texts.
    """
    return [
        *_of_table1(table1),
        *_of_table1_and_related(table1, related),
        *_of_counts(dataset),
        *_of_model(parameters),
        *(_exact(f"settings/{name}", value, "count") for name, value in CODED.items()),
    ]


def _of_table1(table1: pd.DataFrame) -> Iterator[Recomputed]:
    for row in published.order_scores(table1).to_dict("records"):
        cell = f"{row['epoch']}/{row['k']}"
        yield Recomputed(f"printed/z/{cell}", row["value"], row["low"], row["high"], "sd")
        for name in ("square", "expected"):
            yield _exact(f"printed/{name}/{cell}", row[name], "score")
    for row in published.law_margins(table1).to_dict("records"):
        yield Recomputed(f"printed/law/{row['epoch']}/{row['k']}", row["value"], row["low"], row["high"], "score")
    for epoch in EPOCHS:
        yield _ranged(f"printed/marginal/{epoch}/51-100", published.marginal(table1, epoch), "score")
    hits = published.hit_counts(HEADLINE, QUERIES, unit=0.01)
    yield Recomputed("printed/headline/hits", hits[len(hits) // 2], hits[0], hits[-1], "count")
    yield _exact("headline/percent", 100 * hits[len(hits) // 2] / QUERIES, "%")


def _of_table1_and_related(table1: pd.DataFrame, related: pd.DataFrame) -> Iterator[Recomputed]:
    for row in published.later_gains(table1).to_dict("records"):
        yield Recomputed(f"printed/gain/hit@{row['k']}", row["value"], row["low"], row["high"], "score")
    for row in published.less_than_original(table1, related).to_dict("records"):
        yield Recomputed(f"printed/original/hit@{row['k']}", row["value"], row["low"], row["high"], "score")


def _of_counts(dataset: pd.DataFrame) -> Iterator[Recomputed]:
    count = {(row["part"], row["what"]): int(row["count"]) for row in dataset.to_dict("records")}
    images = {part: count[part, "images"] for part in ("collected", "development", "test")}
    missing = images["collected"] - images["development"] - images["test"]
    yield _exact("printed/images/missing", missing, "count")
    yield _exact("dataset/abstract/thousands", images["collected"] / 1000, "count")
    for part in ("collected", "development"):
        yield _exact(f"printed/images-a-caption/{part}", images[part] / count[part, "captions"], "count")
    yield _exact("printed/inference/products", images["collected"] * WIDTH, "count")


def _of_model(parameters: pd.DataFrame) -> Iterator[Recomputed]:
    sums = published.parameter_sums(parameters)
    # without its interval: what is asked of it is that it lies within the rounding of all five numbers
    yield _exact("printed/parameters/rest", sums["rest"].value, "millions")
    yield _ranged("printed/parameters/image", sums["image"], "millions")
    yield _ranged("printed/parameters/blocks", sums["blocks"], "count")
    yield _exact("printed/parameters/as-coded", published.learning_as_coded() / 1e6, "millions")
    yield _exact("printed/switch/rate-factor", published.rate_factor(), "count")


def _exact(id: str, value: float, unit: str) -> Recomputed:
    return Recomputed(id, float(value), None, None, unit)


def _ranged(id: str, value: Ranged, unit: str) -> Recomputed:
    return Recomputed(id, *value, unit)
