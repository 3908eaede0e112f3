"""From the studies of the FPQ chapter to its values and figures: by hand, on small frames."""

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from likeness.studies.fpq import answers, growth, payoff, pictures, sweeps


def states() -> pd.DataFrame:
    """Two seeds; in order 90 and 92, raced on eight 89 and 90, both without and with the published OpenIndexing."""
    lines = [
        (seed, order, opening, metric, value - (opening == "published") * 0.5)
        for order, values in {"ordered": (90.0, 92.0), "p8": (89.0, 90.0)}.items()
        for seed, value in enumerate(values)
        for opening in ("none", "published")
        for metric in ("acc_100", "recall_1")
    ]
    return pd.DataFrame(lines, columns=["seed", "order", "opening", "metric", "value"])


def test_units_tell_the_machine_from_the_score():
    frame = pd.DataFrame({"metric": ["train_s", "own_mb", "bits", "acc_1", "recall_1"], "value": range(5)})
    found = {unit: list(lines.metric) for unit, lines in answers.by_unit(frame)}
    assert found == {"s": ["train_s"], "MB": ["own_mb"], "bit": ["bits"], "%": ["acc_1"], "score": ["recall_1"]}
    assert answers.slug("P=16") == "p16"


def test_losses_are_paired_by_seed_and_leave_out_their_own_base():
    found = answers.losses(states()).set_index(["order", "opening", "seed"]).value.sort_index()
    assert found["p8", "none"].tolist() == [1.0, 2.0]
    assert found["p8", "published"].tolist() == [1.5, 2.5]
    assert ("ordered", "none") not in found.index.droplevel("seed")
    alone = answers.opening_costs(states())
    assert alone.value.tolist() == [0.5, 0.5]
    assert set(alone.opening) == {"published"}


def test_rows_of_table_2_are_the_states_that_the_paper_ran():
    found = answers.table2_accuracies(states()).groupby("model")["value"].apply(list)
    assert found.to_dict() == {"pq-java": [90.0, 92.0], "fpq-java": [88.5, 89.5]}
    assert set(answers.table2_accuracies(states()[lambda f: f.order == "ordered"]).model) == {"pq-java"}
    votes = pd.DataFrame({"k": [1, 100], "value": [95.0, 91.5]})
    assert answers.exact_vote(votes) == 91.5


def grown() -> pd.DataFrame:
    lines = [
        (engine, n, repeat, metric, n / 100 + i + 1000 * j)
        for i, engine in enumerate(growth.FIGURES)
        for n in (200, 400)
        for repeat in (0, 1)
        for j, metric in enumerate(pictures.WORDS)
    ]
    return pd.DataFrame(lines, columns=["engine", "n", "repeat", "metric", "value"])


def test_gains_and_machine_values_come_from_the_right_sizes():
    assert set(answers.accuracy_gains(grown()).value) == {2.0}
    machine = answers.table2_machine(grown()).set_index(["model", "quantity"]).value
    assert set(machine["pq-java", "seconds_train_and_test"]) == {4.0}
    assert set(machine["sklearn-python", "memory_mb"]) == {3006.0}
    assert len(machine) == 6 * 2


def test_exponent_of_a_power_law():
    frame = grown().assign(metric="iterations", value=lambda f: 3.0 * f.n**0.75)
    found = answers.iteration_exponents(frame[frame.engine == "pq"].drop_duplicates(["n", "repeat"]))
    assert found.value.tolist() == pytest.approx([0.75, 0.75])


def test_ratios_of_work_and_of_threads():
    seconds = {("published-pq", 1): (9.0, 8.0), ("published-fpq", 1): (6.0, 4.0), ("published-pq", 4): (3.0, 8.0),
               ("published-fpq", 4): (2.0, 5.0)}  # fmt: skip
    lines = [
        (engine, threads, repeat, metric, value * (1 + repeat) ** (engine == "published-pq"))
        for (engine, threads), pair in seconds.items()
        for repeat in (0, 1)
        for metric, value in zip(("wall", "cpu"), pair, strict=True)
    ]
    frame = pd.DataFrame(lines, columns=["engine", "threads", "repeat", "metric", "value"])
    found = answers.work_ratios(frame).groupby("name")["value"].apply(list)
    assert found.to_dict() == {"work": [2.0, 4.0], "threads": [3.0, 3.0]}


def paid() -> pd.DataFrame:
    """Exact search takes n ms; alone a quantizer takes 5 ms, in a batch it is twice as slow as exact search."""
    lines = []
    for n in (2, 20, 200):
        for engine, one, batch in (("exact", n, n), ("faiss-pq", 5, 2 * n)):
            lines += [(engine, n, 0, "build_s", 1.0), (engine, n, 0, "bits", 8.0 if engine == "exact" else 4.0)]
            for r in (0, 1, 2):
                shaken = 1.0 + 0.001 * r * (engine == "exact")
                lines += [(engine, n, r, "one_s", one * shaken / 1e3), (engine, n, r, "batch_s", batch * shaken / 1e3)]
    return pd.DataFrame(lines, columns=["engine", "n", "repeat", "metric", "value"])


def test_from_which_size_a_quantizer_pays():
    ratio = payoff.speedups(paid()).set_index(["n", "way", "repeat"]).value
    assert ratio[20, "one_s", 1] == pytest.approx(4.004)
    assert ratio[20, "batch_s", 0] == pytest.approx(0.5)
    table = payoff.pays_from(paid()).set_index("way")
    assert table.loc["one query at a time", ["rows", "queries"]].tolist() == ["20", "6"]  # 1 s / 195.2 ms
    assert table.loc["in a batch", ["rows", "queries"]].tolist() == ["no size", "no number"]


def test_a_quantizer_that_loses_again_pays_from_no_smaller_size():
    frame = paid()
    frame.loc[(frame.n == 200) & (frame.engine == "faiss-pq") & (frame.metric == "one_s"), "value"] = 9.0
    assert set(payoff.pays_from(frame).rows) == {"no size"}


def test_where_each_engine_stops(monkeypatch):
    monkeypatch.setattr(payoff, "memory", lambda: 64 * 10**9)
    table = payoff.stops(paid()).set_index("engine")
    assert table.loc["faiss-pq", ["bytes_a_row", "rows_in_memory", "gb_of_a_billion"]].tolist() == [0.5, 128e9, 0.5]
    assert table.rows_in_a_second["faiss-pq"] == pytest.approx(200 / 0.005)


@pytest.mark.filterwarnings("error")
def test_figures_are_drawn_without_a_warning():
    counts = pd.DataFrame(
        [(o, part, cell, 9 - cell) for o in ("none", "literal", "corrected", "published") for part in (0, 1)
         for cell in range(4)], columns=["opening", "part", "cell", "entries"])  # fmt: skip
    swept = pd.DataFrame([(c, "literal", s, "distortion", c + s) for c in (1.0, 2.0) for s in (0, 1)],
                         columns=["c", "variant", "seed", "metric", "value"])  # fmt: skip
    votes = pd.DataFrame({"k": [1, 2, 3], "value": [3.0, 2.0, 1.0], "printed": [False, True, False]})
    raced = pd.DataFrame(
        [(peer, r, f"{step}_s", 1.0 + r) for peer in ("pq", "nanopq") for r in (0, 1)
         for step in ("train", "encode", "search")],
        columns=["peer", "repeat", "metric", "value"],
    )  # fmt: skip
    figures = [
        *(pictures.growth(grown(), metric) for metric in pictures.WORDS),
        pictures.defects(answers.losses(states())),
        pictures.balance(counts),
        pictures.swept(swept, "c", "variant", {"distortion": "distortion"}),
        pictures.votes(votes),
        pictures.race(raced),
        pictures.payoff(paid()),
    ]
    assert [len(figure.axes) for figure in figures] == [1] * 5 + [1, 4, 1, 1, 3, 2]
    assert sweeps.KINDS[0] == "digits"
    for figure in figures:
        figure.canvas.draw()
        plt.close(figure)
