"""The studies of the FPQ chapter at their smallest: what they return, and what must hold at any size."""

import math

import numpy as np
import pandas as pd
import pytest

from likeness.models.fpq.open_indexing import VARIANTS
from likeness.models.fpq.pq import PQ
from likeness.studies.fpq import defects, growth, inverted_lists, payoff, race, scaling, sets, sweeps, votes
from likeness.studies.fpq.engines import ENGINES, Job, build, lost
from likeness.studies.fpq.parameters import Parameters
from likeness.studies.fpq.scores import class_zero, scores
from likeness.studies.fpq.sets import Setting, exact, generator, load

P = Parameters.resolve({"preset": "smoke"})
SETTING = Setting.of(P)


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", "off")


def test_sets_are_the_setting_s(monkeypatch, tmp_path):
    data = load(SETTING)
    assert (data.x.shape, data.queries.shape, data.chip) == ((400, 784), (60, 784), "generated")
    far = ((data.queries[:5, None] - data.x[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(exact(SETTING)[:5, 0], far.argmin(axis=1))
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path))
    assert sets.settle("auto") == "deformed"
    (tmp_path / "mnist").mkdir()
    for pair in sets.mnist.FILES.values():
        for path in pair:
            assert sets.settle("auto") == "deformed"
            (tmp_path / path).touch()
    assert sets.settle("auto") == "mnist"
    assert generator(0, "a", 1).random() != generator(0, "a", 2).random()


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_finds_near_rows_and_says_what_it_costs(engine):
    data = load(SETTING)
    built = build(engine, data.x, Job(30 if engine == "pq" else 8, 16, 0))
    found = built.search(data.queries, 100)
    assert found.shape == (60, 100)
    assert all(len(set(line.tolist())) == 100 for line in found)
    got = scores(found, exact(SETTING), data)
    least = {"exact": 1.0, "scikit-learn": 0.98, "faiss-ivfpq": 0.5}.get(engine, 0.4)
    assert got["overlap_100"] >= least
    raw = 32 * 784
    bits = {"exact": raw, "scikit-learn": raw, "pq": 120, "nanopq": 64, "published-pq": 64, "published-fpq": 64}
    assert built.bits == bits.get(engine, 32)
    assert min(*built.train, *built.encode) >= 0.0
    assert built.distortion == 0.0 if engine in ("exact", "scikit-learn") else not built.distortion <= 0.0


def test_codebooks_in_order_give_the_distortion_that_decoding_gives():
    x = load(SETTING).x
    built = build("pq", x, Job(8, 16, 3))
    pq = PQ.fit(x, 8, 16, generator(3, "fit"))
    assert built.distortion == pytest.approx(float(((x - pq.decode(pq.encode(x))) ** 2).sum(axis=1).mean()), rel=1e-5)
    assert math.isnan(lost(x, None))


def test_growth_measures_in_a_fresh_process():
    frame = growth.run_growth(Parameters.resolve({"preset": "smoke", "sizes": [400]}), engines=("exact",))
    row = frame.set_index("metric").value
    assert row["acc_1"] == scores(exact(SETTING), exact(SETTING), load(SETTING))["acc_1"]
    assert row["recall_1"] == row["overlap_100"] == 1.0
    assert row["bits"] == 32 * 784
    assert 0.0 < row["own_mb"] < row["peak_mb"] < 2000.0


def test_the_peak_is_the_process_s_own():
    assert 1.0 < growth.resident_mb("VmRSS") <= growth.resident_mb("VmHWM")


def test_defects_by_seed_order_and_opening():
    frame = defects.run_defects(P)
    assert set(frame.order) == {"ordered", "P=1", "P=4", "random"}
    assert set(frame.opening) == {"none", "literal", "published", "corrected"}
    wide = frame.pivot_table(index=["seed", "order", "opening"], columns="metric", values="value")
    assert len(wide) == 2 * 4 * 4
    assert not wide.isna().any().any()
    same = wide.xs("ordered", level="order") - wide.xs("P=1", level="order")
    assert (same == 0.0).all().all()  # one worker is no race
    random = wide.xs("random", level="order").distortion - wide.xs("ordered", level="order").distortion
    assert (random > 0.0).all()
    none = wide.xs("none", level="opening")
    assert (none.moved == 0.0).all()
    assert (wide.xs("corrected", level="opening").fullest <= 2.0 + 16 / 400).all()
    loss = defects.costs(frame)
    assert (loss[(loss.order == "ordered") & (loss.opening == "none")].value == 0.0).all()
    one = wide.loc[(1, "random", "none")].acc_100
    there = loss[(loss.seed == 1) & (loss.order == "random") & (loss.opening == "none")].value.item()
    assert there == pytest.approx(wide.loc[(1, "ordered", "none")].acc_100 - one)


def test_sweeps():
    p = Parameters.resolve({"preset": "smoke", "seeds": 2, "factors": [1.0, 400.0], "parts_swept": [4],
                            "centroids_swept": [8, 401]})  # fmt: skip
    factors = sweeps.run_factors(p).pivot_table(
        index=["kind", "seed", "variant", "c"], columns="metric", values="value")  # fmt: skip
    for kind in sweeps.KINDS:
        plain = factors.loc[(kind, 0, "none", 0.0)]
        pd.testing.assert_series_equal(factors.loc[(kind, 0, "corrected", 400.0)], plain, check_names=False)
        assert factors.loc[(kind, 0, "corrected", 1.0)].distortion > plain.distortion
        assert factors.loc[(kind, 0, "corrected", 1.0)].fullest == pytest.approx(1.0)
    shapes = sweeps.run_shapes(p)
    assert set(zip(shapes.swept, shapes.m, shapes.k, strict=True)) == {("M", 4, 16), ("K", 8, 8)}  # not 401 > N
    balance = sweeps.run_balance(p)
    assert (balance.groupby(["opening", "part"]).entries.sum() == 400).all()
    assert balance.groupby("opening").entries.max()["corrected"] <= 50
    shared = sweeps.fullest_shared(balance).set_index("opening").value
    places = balance.pivot_table(index=["opening", "part"], columns="cell", values="entries")
    assert shared["literal"] == max(places.loc["literal"].to_numpy().sum(axis=0))
    assert set(shared.index) == {"none", *VARIANTS}


def test_votes_of_exact_neighbours():
    frame = votes.run_votes(P)
    assert frame.k.tolist() == list(range(1, 101))
    assert frame.value[0] == scores(exact(SETTING), exact(SETTING), load(SETTING))["acc_1"]
    assert set(class_zero(exact(SETTING), load(SETTING))) == {
        f"{n}/{v}" for n in ("recall", "fallout", "precision") for v in ("literal", "corrected")}  # fmt: skip


def test_race_and_its_ratios():
    frame = race.run_race(P)
    assert set(frame.peer) == set(race.PEERS)
    table = race.ratios(frame)
    at = frame.set_index(["peer", "repeat", "metric"]).value
    line = table[(table.peer == "nanopq") & (table.repeat == 1) & (table.metric == "train_s")]
    assert line.ratio.item() == pytest.approx(at["nanopq", 1, "train_s"] / at["pq", 1, "train_s"])
    assert race.expectations(frame).shape == (3, 4)
    limits = race.run_limits(P).set_index("step")
    assert limits.share.max() == 1.0


@pytest.mark.parametrize(
    ("nanopq_s", "loss", "holds"), [(10.0, 100.9, True), (9.9, 100.9, False), (10.0, 101.1, False)]
)
def test_an_expectation_holds_for_equal_quantizers_alone(nanopq_s, loss, holds):
    seconds = {"pq": 2.0, "faiss-pq": 2.0, "nanopq": nanopq_s}
    lines = [(peer, 0, f"{step}_s", s) for peer, s in seconds.items() for step in ("train", "encode", "build")]
    lines += [(peer, 0, "distortion", loss if peer == "nanopq" else 100.0) for peer in seconds]
    table = race.expectations(pd.DataFrame(lines, columns=["peer", "repeat", "metric", "value"]))
    assert table.holds.tolist() == [holds, True, False]


def test_rows_beyond_the_database_are_it_over_again():
    x, queries = payoff.rows(1_000, P)
    assert x.shape == (1_000, 784)
    assert queries.shape == (60, 784)
    np.testing.assert_array_equal(x[:400], load(SETTING).x)
    apart = x[400:800] - x[:400]
    assert set(np.unique(apart)) == {-2, -1, 0, 1, 2}
    assert len(payoff.rows(300, P)[0]) == 300


def test_payoff_is_measured_at_every_size():
    frame = payoff.run_payoff(P)
    wide = frame.pivot_table(index=["n", "engine"], columns="metric", values="value")
    assert len(wide) == 2 * len(payoff.ENGINES)
    assert (wide.drop(columns="build_s") > 0.0).all().all()
    assert wide.bits[400, "exact"] == 32 * 784
    assert wide.bits[400, "faiss-ivfpq"] == wide.bits[400, "faiss-pq"] + 64
    assert set(payoff.pays_from(frame).way) == set(payoff.WAYS.values())


def test_scaling_and_its_formula():
    frame = scaling.run_scaling(P)
    wide = frame.pivot_table(index="n", columns="metric", values="value")
    assert wide.index.tolist() == [2000, 4000]
    assert wide.data_mb[4000] == pytest.approx(4000 * 132 / 2**20)
    assert wide.index_mb[4000] > 4000 * 8 / 2**20
    assert scaling.fit_rate(frame, P) > 0.0
    a, b = (np.vstack(list(scaling.blocks(n, 1000, 0))) for n in (1500, 4000))
    np.testing.assert_array_equal(a, b[:1500])
    paper = scaling.on_paper(10**9, 128, 8, 256, 25, workers=10, gflops=50.0)
    assert paper == pytest.approx({"seconds": 3407.872, "codes_gb": 8.0, "raw_gb": 512.0, "codebooks_mb": 0.131072,
                                   "scan_s": 8.0})  # fmt: skip


@pytest.mark.parametrize(("given", "asked"), [("local", None), ("tcp://far:8786", "tcp://far:8786")])
def test_scaling_asks_the_scheduler_that_it_is_given(monkeypatch, given, asked):
    def connect(address, workers):
        assert (address, workers) == (asked, 1)
        raise ConnectionError("asked")

    monkeypatch.setattr(scaling.mapreduce, "connect", connect)
    with pytest.raises(ConnectionError, match="asked"):
        scaling.run_scaling(Parameters.resolve({"preset": "smoke", "scheduler": given}))


def test_refusals():
    with pytest.raises(ValueError, match="engine 'annoy': expected one of exact"):
        build("annoy", np.ones((3, 3), np.float32), Job(1, 2, 0))


def test_an_inverted_file_with_bounded_lists():
    found = inverted_lists.run_inverted(P).pivot_table(index="place", columns="metric", values="value")
    assert list(found.index) == sorted(inverted_lists.PLACES)
    assert found.longest["lists, c = 1"] <= 1.0 + SETTING.train**0.5 / SETTING.train  # rounded up to whole rows
    assert found.read_most["lists, c = 1"] < found.read_most["none"]
    assert found.distortion["lists, c = 1"] > found.distortion["none"]
    assert (found.longest.drop("lists, c = 1") >= found.longest["lists, c = 2"]).all()
    slugs = [inverted_lists.slug(place) for place in inverted_lists.PLACES]
    assert len(set(slugs)) == len(slugs)
