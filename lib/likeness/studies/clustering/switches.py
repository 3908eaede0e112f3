"""Literal against corrected: one switch at a time, the same seeds, data and budget for all."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from likeness.studies.clustering.parameters import Parameters
from likeness.studies.clustering.protocol import DATASETS, Protocol, Recipe, restore, test, test_sets, train
from likeness.studies.clustering.rows import summary
from likeness.studies.parallel import run_all

#: name -> (what is switched, recipe). `base` is what every other table of the chapter uses.
SWITCHES: dict[str, tuple[str, Recipe]] = {
    "base": ("nothing", Recipe()),
    "printed-sign": ("eq. 3 with the sign as printed", Recipe(options={"sign": "literal"})),
    "random-triples": ("HypHC triples drawn at random, without labels", Recipe(options={"triples": "random"})),
    "sampled-triples": ("1000 sampled HypHC triples an anchor instead of all", Recipe(options={"triples": "sampled"})),
    "printed-sums": ("both losses as sums, as eq. 1 and 3 print them", Recipe(options={"reduction": "sum"})),
    "all-on-ball": ("Riemannian Adam over every weight", Recipe(options={"manifold": "everything"})),
    "linear-output": ("no BatchNorm and LeakyReLU on the output", Recipe(output="linear")),
    "fewer-points": ("150-299 points a training set", Recipe(points=(150, 299))),
    "first-labels": ("labels of the first l points instead of 30 % a class", Recipe(labels="first")),
    "no-hyphc": ("triplet loss alone", Recipe(options={"hyphc_weight": 0.0})),
    "no-triplet": ("HypHC loss alone", Recipe(options={"triplet_weight": 0.0})),
    "fixed-weights": ("similarities held fixed inside the HypHC loss", Recipe(options={"detach_weights": True})),
    "temperature-05": ("temperature .05, the script's default", Recipe(options={"temperature": 0.05})),
    "best-epoch": ("weights of the best validation epoch instead of the last", Recipe(options={"keep": "best"})),
    "twice-epochs": ("twice as many epochs", Recipe(epochs_factor=2)),
}


def run_switches(p: Parameters) -> pd.DataFrame:
    """MLP at the hard level under every switch: columns dataset, switch, seed, metric, value, sd."""
    protocol = replace(Protocol.of(p), epochs=p.switch_epochs)
    tasks = [
        (protocol, dataset, switch, seed)
        for switch in reversed(SWITCHES)
        for dataset in DATASETS
        for seed in range(p.switch_seeds)
    ]
    return pd.concat(run_all(_one_switch, tasks, p.jobs), ignore_index=True)


def _one_switch(protocol: Protocol, dataset: str, switch: str, seed: int) -> pd.DataFrame:
    recipe = SWITCHES[switch][1]
    trained = train(protocol, dataset, "hard", "mlp", seed, recipe)
    net = restore(protocol, trained, recipe.output)
    scores = test(net, test_sets(protocol, dataset, seed), dataset)
    return summary(scores).assign(dataset=dataset, switch=switch, seed=seed)


def effects(frame: pd.DataFrame) -> pd.DataFrame:
    """Paired difference of each switch to the base, by data set, seed and metric."""
    keys = ["dataset", "seed", "metric"]
    base = frame[frame.switch == "base"].set_index(keys).value
    rest = frame[frame.switch != "base"].copy()
    rest["value"] = rest.value.to_numpy() - base.reindex(pd.MultiIndex.from_frame(rest[keys])).to_numpy()
    return rest.drop(columns="sd")


def describe(frame: pd.DataFrame) -> pd.DataFrame:
    """ARI@k by switch (rows) and data set (columns), mean over seeds, with the words for each switch."""
    table = frame[frame.metric == "ari_k"].pivot_table(index="switch", columns="dataset", values="value", sort=False)
    table = table.reindex(index=list(SWITCHES), columns=list(DATASETS))
    table.insert(0, "what is switched", [SWITCHES[name][0] for name in table.index])
    return table
