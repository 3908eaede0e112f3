"""The values that the printed numbers give by themselves, by the ids under which claims and errata name them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from likeness.report.rooms import project_root
from likeness.studies.dvbpr import published, published_designs
from likeness.studies.dvbpr.published import USER_SDS
from likeness.studies.dvbpr.published_designs import CLASSES, IMAGES, PARTS, TRIALS


class Recomputed(NamedTuple):
    """One value for the record: its id, the value, the interval that rounding or sampling allows, and the unit."""

    id: str
    value: float
    low: float | None
    high: float | None
    unit: str


def tables() -> dict[str, pd.DataFrame]:
    """The files of ``printed/`` by the names that `recomputed` takes."""
    folder = project_root() / "paper_runs" / "dvbpr" / "printed"
    names = {"table2": "table2", "table3": "table3", "table4": "table4", "log": "auc_log"}
    return {name: pd.read_csv(folder / f"{file}.csv") for name, file in names.items()}


def recomputed(
    table2: pd.DataFrame, table3: pd.DataFrame, table4: pd.DataFrame, log: pd.DataFrame
) -> list[Recomputed]:
    """Every value that a claim or an erratum of the chapter needs from the printed numbers alone, its chip "paper".

    table2, table3, table4, log : the files of ``printed/`` as pandas reads them.
    """
    return [*_of_table2(table2), *_of_table3(table2, table3), *_of_table4(table4), *_of_log(table2, table3, log)]


def _of_table2(table2: pd.DataFrame) -> Iterator[Recomputed]:
    found = published.densities(table2)
    yield from _each(found, "printed/observations/{dataset}/all", "count", value="observations")
    yield from _each(found, "printed/observations/{dataset}/training", "count", value="training")
    yield Recomputed("printed/released/interactions", *published.released(), "count")
    yield _exact("printed/released/users", published.RELEASED_USERS, "count")
    yield _exact("printed/released/items", published.RELEASED_ITEMS, "count")
    printed = int(table2.set_index("dataset")["items"]["amazon-fashion"])
    for name, many in (("released", published.RELEASED_ITEMS), ("table2", printed)):
        yield _exact(f"printed/gan-epochs/{name}", published.gan_epochs(many), "count")


def _of_table3(table2: pd.DataFrame, table3: pd.DataFrame) -> Iterator[Recomputed]:
    rivals = table3.dataset.map(table2.set_index("dataset")["items"])
    random = table3[["dataset", "setting"]].assign(value=[published.random_auc(n) for n in rivals])
    yield from _each(random, "table3/{dataset}/{setting}/rand", "score")
    yield from _each(published.improvements(table3), "table3/{dataset}/{setting}/{column}", "%")
    means = published.mean_improvements(table3)
    yield from _each(means, "table3/mean/{setting}/h_vs_best_percent", "%")
    percents = means[["setting", "of_percents"]]
    yield from _each(percents, "printed/mean-of-percents/{setting}/h_vs_best_percent", "%", value="of_percents")
    yield from _each(published.leads(table3), "printed/lead/{dataset}/{setting}/{first}/{second}", "score")


def _of_table4(table4: pd.DataFrame) -> Iterator[Recomputed]:
    gaps = published_designs.table4_gaps(table4)
    yield from _each(gaps, "printed/gap4/{first}/{second}/{column}", "score")
    ratios = gaps[["first", "second", "column", "ratio"]].dropna()
    yield from _each(ratios, "printed/ratio4/{first}/{second}/{column}", "score", value="ratio")
    printed, counted = published_designs.gain(table4)
    yield Recomputed("table4/gain-percent", *printed, "%")
    yield Recomputed("printed/gain-from-random-percent", *counted, "%")
    yield _exact("printed/real-against-real/quality", published_designs.real_against_real(table4), "score")
    largest = published_designs.largest_inception_score(CLASSES, IMAGES * TRIALS // PARTS)
    yield _exact("printed/inception/largest", largest, "score")


def _of_log(table2: pd.DataFrame, table3: pd.DataFrame, log: pd.DataFrame) -> Iterator[Recomputed]:
    chosen = published.log_choice(log, table3)
    yield _exact("printed/log/epoch", chosen.epoch, "count")
    yield _exact("printed/log/test", chosen.test, "score")
    yield Recomputed("printed/log/difference", *chosen.difference, "score")
    users = int(table2.set_index("dataset")["users"]["amazon-fashion"])
    sds = {str(sd): sd for sd in USER_SDS} | {"largest": published.largest_auc_sd(chosen.printed)}
    for name, sd in sds.items():
        yield _exact(f"printed/auc-error/{name}", published.auc_error(users, sd), "score")
        yield _exact(f"printed/log/error/{name}", published.log_error(sd, table2), "score")


def _exact(id: str, value: float, unit: str) -> Recomputed:
    return Recomputed(id, float(value), None, None, unit)


def _each(frame: pd.DataFrame, id: str, unit: str, value: str = "value") -> Iterator[Recomputed]:
    """A value a line, with the interval where the frame has one; {name} of the id is a column."""
    for row in frame.to_dict("records"):
        yield Recomputed(id.format_map(row), float(row[value]), row.get("low"), row.get("high"), unit)
