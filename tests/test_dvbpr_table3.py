"""Table III: what is tried, how an AUC is counted, what a fit chooses, and how differences are read off."""

import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from dvbpr_shop import SIDE, SMALL, plan, seen, shop
from likeness.data.registry import VARIABLE
from likeness.data.splits import Split, random_split
from likeness.models.dvbpr.dvbpr import all_scores
from likeness.models.dvbpr.visrank import poprank
from likeness.studies.dvbpr import evaluation, fits, gaps, sets, table3
from likeness.studies.dvbpr.designs import rebuilt
from likeness.studies.dvbpr.evaluation import SETTINGS, evaluate, validation
from likeness.studies.dvbpr.fits import DEEP, LEARNED, SWITCHES, TABLE3, Outcome, divide, network, one_fit
from likeness.studies.dvbpr.settings import FACTORS, REGULARIZERS, Choice, grid
from likeness.studies.dvbpr.table3 import ROWS, Table, run_table


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", "off")


@pytest.fixture(scope="module")
def people():
    return shop()


@pytest.fixture(scope="module")
def features(people):
    return seen(people)


def test_the_grid_is_the_papers_and_its_first_cells_have_its_own_factors():
    """Section IV-B: lambda in {0, .001, .01, .1, 1, 10, 30}, K in {10, 30, 50}."""
    cells = grid(21)
    assert len(set(cells)) == 21
    assert {cell.l2 for cell in cells} == {0, 0.001, 0.01, 0.1, 1, 10, 30} == set(REGULARIZERS)
    assert [cell.factors for cell in cells] == [50] * 7 + [30] * 7 + [10] * 7 and set(FACTORS) == {10, 30, 50}
    for tries in range(1, 21):
        assert grid(tries) == cells[:tries]
    for tries in (0, 22):
        with pytest.raises(ValueError, match=f"{tries} settings: expected 1 to 21"):
            grid(tries)


# Three users, six items; item 0 has three observations, 2 and 3 one each, the others none.
TRAIN = np.array([[0, 0], [0, 2], [1, 0], [1, 3], [2, 0]])
HAND = Split(3, 6, TRAIN, valid=np.array([1, 1, 4]), test=np.array([3, 2, 5]))
SCORES = np.array([[9, 1, 9, 2, 2, 1], [4, 5, 3, 9, 3, 4], [1, 1, 2, 0, 9, 1]])


def naive(scores, split, rivals, ties, left_out=("train", "valid")):
    """AUC of each user by loops: a tie is worth `ties`."""
    found = []
    for u, t in enumerate(split.test.tolist()):
        own = {t} | ({int(split.valid[u])} if "valid" in left_out else set())
        own |= {int(i) for v, i in split.train.tolist() if v == u}
        worth = [1.0 if scores[u, t] > scores[u, j] else ties * (scores[u, t] == scores[u, j])
                 for j in rivals(u) if j not in own]  # fmt: skip
        found.append(sum(worth) / len(worth) if worth else np.nan)
    return np.array(found)


def all_naive(scores, split, cold):
    times = [sum(i == j for _, i in split.train.tolist()) for j in range(split.items)]
    every = range(split.items)
    groups = {"cold": [j for j in every if times[j] < cold], "unseen": [j for j in every if times[j] == 0],
              "seen": [j for j in every if times[j] > 0]}  # fmt: skip
    tests = split.test.tolist()
    found = {name: naive(scores, split, lambda u: every, ties)
             for name, ties in (("all", 0.5), ("strict", 0.0), ("optimistic", 1.0))}  # fmt: skip
    for name, group in groups.items():
        one = naive(scores, split, lambda u, group=group: group, 0.5)
        found[name] = np.where([t in group for t in tests], one, np.nan)
    found["cold-target"] = np.where([t in groups["cold"] for t in tests], found["all"], np.nan)
    found["matched"] = naive(scores, split, lambda u: [t for v, t in enumerate(tests) if v != u], 0.5)
    found["sampled"] = naive(scores, split, lambda u: every, 0.0, left_out=("train",))
    return found


def test_the_hand_worked_users(monkeypatch):
    """User 0 has 0, 1, 2 and 3 (2 points): the rivals are 4 (a tie) and 5 (below). User 1 has 0, 1, 3 and 2 (3 points):
    4 ties, 5 is above. User 2 has 0, 4 and 5 (1 point): 1 ties, 2 is above, 3 below.
    """
    monkeypatch.setattr(evaluation, "COLD", 2)  # item 0 alone is not cold, and everybody has it
    found = evaluate(SCORES, HAND, np.random.default_rng(0))
    nan, half = np.nan, [0.75, 0.25, 0.5]
    want = {
        "all": half, "strict": [0.5, 0, 1 / 3], "optimistic": [1, 0.5, 2 / 3], "cold": half, "cold-target": half,
        "unseen": [nan, nan, 0.5],  # 3 and 2 were seen; of the unseen 1, 4 and 5 user 2's rival is 1, a tie
        "seen": [nan, nan, nan],  # users 0 and 1 have all other seen items, user 2's test item is not seen
        "matched": [1.0, 0.0, 0.5],  # 0 against 5, its own 2 left out; 1 against 5; 2 against 3 and 2
        "sampled": [2 / 3, 0, 1 / 4],  # all six are drawn; the validation item is a rival, ties are lost
    }  # fmt: skip
    assert set(found) == set(SETTINGS) == set(want)
    for name, one in want.items():
        np.testing.assert_allclose(found[name], one, err_msg=name)
    for name, one in all_naive(SCORES, HAND, 2).items():
        np.testing.assert_allclose(found[name], one, err_msg=name)


@pytest.mark.parametrize("seed", range(3))
def test_every_setting_is_what_loops_count(people, seed):
    rng = np.random.default_rng(seed)
    split = random_split(people.actions, rng)
    scores = rng.integers(0, 12, (split.users, split.items))
    found, want = evaluate(scores, split, rng), all_naive(scores, split, 5)
    for name in SETTINGS:
        np.testing.assert_allclose(found[name], want[name], rtol=1e-12, err_msg=name)
    assert np.isfinite(found["cold"]).any() and np.isnan(found["cold"]).any()


def test_a_hundred_of_many_are_drawn():
    """Of 400 items: a share of at most 100, near to the one of all, and another with other dice."""
    rng = np.random.default_rng(0)
    train = np.stack([np.repeat(np.arange(5), 3), np.tile([0, 1, 2], 5)], axis=1)
    split = Split(5, 400, train, np.full(5, 3), np.full(5, 4))
    scores = rng.random((5, 400))
    one, other = (evaluate(scores, split, np.random.default_rng(seed))["sampled"] for seed in (1, 2))
    assert not np.array_equal(one, other)
    np.testing.assert_allclose(one, evaluate(scores, split, rng)["all"], atol=0.2)  # four standard errors
    for share in one:
        assert min(abs(share * n - round(share * n)) for n in range(94, 101)) < 1e-9


def test_validation_knows_no_test_item():
    """Two users; by hand, and whatever is withheld for the test."""
    train = np.array([[0, 0], [1, 1]])
    scores = np.array([[9.0, 3, 2, 1, 5], [1, 9, 4, 4, 5]])
    for test in ([2, 3], [3, 0], [4, 0]):
        split = Split(2, 5, train, np.array([1, 2]), np.array(test))
        # user 0: 3 beats 2 and 1, not 5; user 1: 4 beats 1, ties with 4, not 5
        assert validation(scores, split) == pytest.approx((2 / 3 + 1.5 / 3) / 2)


def test_the_race_counts_the_same_in_both_ways(monkeypatch):
    found = evaluation.race(50, 30, 0)
    assert set(found.way) == {"rows", "pairs"} and (found.groupby("way").turn.nunique() == evaluation.TURNS).all()
    assert (found.value > 0).all()
    by_hand = pd.DataFrame({"way": ["rows", "pairs"] * 2, "turn": [0, 0, 1, 1], "value": [2.0, 6.0, 1.0, 5.0]})
    told = evaluation.ratios(by_hand)
    assert told.columns.tolist() == ["turn", "way", "value"]
    assert told.value.tolist() == [3.0, 5.0] and set(told.way) == {"pairs"}
    monkeypatch.setattr(evaluation, "pair_loop", lambda *a: np.full(40, 2.0))
    with pytest.raises(ValueError, match="the two ways differ by"):
        evaluation.race(50, 30, 0)


def test_the_interval_is_of_a_crossed_bootstrap():
    """The draws of the docstring, users and divisions each drawn once for a whole draw, by loops."""
    values = np.random.default_rng(0).normal(size=(3, 5))
    values[1, 2] = values[0, 4] = np.nan
    values[:, 3] = np.nan
    value, low, high = gaps.interval(values, 7, "a")
    rng = np.random.default_rng([7, zlib.crc32(b"a")])
    of_division = rng.multinomial(3, [1 / 3] * 3, gaps.DRAWS)
    of_user = rng.multinomial(5, [1 / 5] * 5, gaps.DRAWS)
    means = []
    for s_times, u_times in zip(of_division.tolist(), of_user.tolist(), strict=True):
        drawn = [values[s, u] for s in range(3) for u in range(5) for _ in range(s_times[s] * u_times[u])]
        if there := [x for x in drawn if not np.isnan(x)]:
            means.append(sum(there) / len(there))
    assert len(means) < gaps.DRAWS  # some draws are of nobody
    assert value == pytest.approx(np.nanmean(values))
    assert (low, high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))


def test_intervals_by_their_laws():
    values = np.random.default_rng(1).normal(size=(4, 200))
    value, low, high = gaps.interval(values, 0, "a")
    assert gaps.interval(values, 0, "a") == (value, low, high)
    assert gaps.interval(values, 0, "b")[1:] != (low, high) != gaps.interval(values, 1, "a")[1:]
    moved = gaps.interval(10 * values + 3, 0, "a")
    np.testing.assert_allclose(moved, [10 * x + 3 for x in (value, low, high)])
    few = gaps.interval(values[:, :20], 0, "a")
    assert few[2] - few[1] > 2 * (high - low)  # sqrt(10), but for chance
    holes = np.where(np.random.default_rng(2).random(values.shape) < 0.3, np.nan, values)
    assert gaps.interval(holes, 0, "a")[0] == pytest.approx(np.nanmean(holes))
    for same in (0.1, 1 / 3, 0.7):
        found = gaps.interval(np.full((3, 7), same), 0, "a")
        assert found[1] <= found[0] <= found[2] and np.ptp(found) < 1e-15
    one = np.full((2, 3), np.nan)
    one[0, 1] = 0.1
    assert gaps.interval(one, 0, "a") == pytest.approx((0.1, 0.1, 0.1))
    with pytest.raises(ValueError, match=r"nobody: values \(2, 3\), 0 of them numbers"):
        gaps.interval(np.full((2, 3), np.nan), 0, "nobody")
    with pytest.raises(ValueError, match=r"expected \(S, U\)"):
        gaps.interval(np.zeros(4), 0, "flat")


def test_the_interval_covers_new_users(monkeypatch):
    """Users differ, divisions hardly: 200 samples of 30 users, 400 draws each; a standard error of .018 about .93."""
    monkeypatch.setattr(gaps, "DRAWS", 400)
    rng, hits = np.random.default_rng(0), 0
    for number in range(200):
        values = rng.normal(size=30) + 0.3 * rng.normal(size=(3, 30))
        _, low, high = gaps.interval(values, number, "a")
        hits += low <= 0 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_divisions_are_what_they_are_called(people):
    one, again, other = (divide(people, 0, "random", number) for number in (0, 0, 1))
    np.testing.assert_array_equal(one.test, again.test)
    assert (one.test != other.test).any() and (one.test != divide(people, 1, "random", 0).test).any()
    a, day = people.actions, {}
    for u, i, d in zip(a.user.tolist(), a.item.tolist(), a.day.tolist(), strict=True):
        day[u, i] = d
    timed = divide(people, 0, "timed", 0)
    assert all(day[u, int(timed.test[u])] == a.day[a.user == u].max() for u in range(a.users))
    alone = divide(people, 0, "alone", 0)
    np.testing.assert_array_equal(alone.test, one.test)
    days = [{day[u, int(alone.test[u])], day[u, int(alone.valid[u])]} for u in range(a.users)]
    assert all(day[u, i] not in days[u] for u, i in alone.train.tolist()) and len(alone.train) < len(one.train)
    assert divide(replace(people, released=timed), 3, "random", 5) is timed


METHODS = tuple(dict.fromkeys((*ROWS, *DEEP)))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_fitted(people, features, method):
    sizes = replace(plan().sizes, epochs=2, deep_epochs=1 if method in ("dvbpr-warm", "as-coded") else 2)
    found = one_fit(people, features, plan(method, sizes=sizes))
    for name in ("all", "strict", "optimistic", "cold-target", "sampled"):
        assert found.auc[name].shape == (people.actions.users,)
    assert np.isfinite(found.auc["all"]).all() and ((found.auc["all"] >= 0) & (found.auc["all"] <= 1)).all()
    epochs = {"implicit-bpr": 1, "dvbpr-warm": 1, "as-coded": 1}.get(method, 2 if method in (*LEARNED, *DEEP) else 1)
    assert found.valid.shape == (epochs,) and found.weights is None
    assert (found.parameters > 0) == (method in (*LEARNED, *DEEP))
    if method not in (*LEARNED, *DEEP):
        assert found.epoch == 0
    elif method == "implicit-bpr":
        assert found.epoch == 2  # all epochs: it says nothing between
    else:
        assert found.epoch == 1 + int(found.valid.argmax())


def test_what_learns_nothing(people, features):
    split = divide(people, 0, "random", 0)
    counted = evaluate(np.tile(poprank(split.observations()), (split.users, 1)), split, np.random.default_rng(0))
    found = one_fit(people, None, plan("poprank"))
    for name in SETTINGS:
        np.testing.assert_array_equal(found.auc[name], counted[name], err_msg=name)
    chance = np.mean([one_fit(people, None, plan("rand", number=k)).auc["all"].mean() for k in range(20)])
    assert chance == pytest.approx(0.5, abs=0.05)  # 600 users of sd .29: a standard error of .012
    for method in ("visrank", "visrank-euclidean", "visrank-border"):
        # at best: own colours tie in the mean, 21 of the 51 rivals, and all others are lost: .79
        assert one_fit(people, features, plan(method)).auc["all"].mean() > 0.7


@pytest.mark.parametrize("method", ["dvbpr", "dvbpr-shared", "item-terms"])
def test_the_deep_rows_learn_who_likes_which_colour(people, method):
    sizes = replace(plan().sizes, deep_epochs=12, deep_rate=5e-3)
    found = one_fit(people, None, plan(method, sizes=sizes))
    assert found.auc["all"].mean() > 0.68 and found.epoch > 1  # chance is .5, colour alone .79


def test_the_epoch_that_is_kept_is_the_best_and_its_weights_are_the_outcome(people):
    """Scores of the kept weights, computed as in training, give the same AUC; whatever `keep`, the outcome is one."""
    sizes = replace(plan().sizes, deep_epochs=4, deep_rate=1e-2)
    given = plan("dvbpr", sizes=sizes, keep=True)
    found = one_fit(people, None, given)
    split = divide(people, 0, "random", 0)
    scores = all_scores(rebuilt(people, given, found.weights), people.photos, half=True)
    assert validation(scores, split) == pytest.approx(found.valid.max(), abs=1e-9)
    np.testing.assert_array_equal(evaluate(scores, split, np.random.default_rng(0))["all"], found.auc["all"])
    plain = one_fit(people, None, replace(given, keep=False))
    np.testing.assert_array_equal(plain.valid, found.valid)
    np.testing.assert_array_equal(plain.auc["sampled"], found.auc["sampled"])
    assert len(set(found.valid)) > 1 and plain.weights is None


def test_of_equal_epochs_the_first_is_kept():
    best = fits._Best(HAND)
    good, bad = np.zeros((3, 6)), np.zeros((3, 6))
    good[np.arange(3), HAND.valid] = 1.0
    bad[np.arange(3), HAND.valid] = -1.0
    for epoch, scores in enumerate((bad, good, good + 1, bad), 1):
        best.see(epoch, scores, lambda epoch=epoch: {"w": np.array(epoch)})
    assert best.epoch == 2 and best.scores is good and int(best.weights["w"]) == 2
    assert best.valid == [0.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("method", DEEP)
def test_a_switch_changes_what_it_says_and_nothing_else(monkeypatch, people, features, method):
    class Stop(Exception):
        pass

    def caught(model, photos, pairs, history, schedule, seed, after):
        raise Stop(model, schedule)

    monkeypatch.setattr(fits, "train", caught)

    def made(name):
        with pytest.raises(Stop) as found:
            one_fit(people, features, plan(name))
        return found.value.args

    (model, schedule), (own, of_paper) = made(method), made("dvbpr")
    changed = {
        "dvbpr-shared": {"negatives": "shared"}, "dvbpr-warm": {"negatives": "shared"},
        "no-decay": {"weight_decay": 0.0}, "lambda-0": {"l2_theta": 0.0},
    }  # fmt: skip
    assert (of_paper.l2_theta, of_paper.weight_decay, of_paper.negatives) == (0.01, 1e-3, "one")
    assert schedule == replace(of_paper, **changed.get(method, {}))
    assert model.theta.shape[1] == {"k-100": 100, "as-coded": 100}.get(method, 4)
    assert model.terms == (method == "item-terms")
    if method == "dvbpr-warm":
        first = features.network().body[0][0].weight
        torch.testing.assert_close(next(model.phi.parameters()), first)  # of the network of the features
        return
    zeros = [layer.p for layer in model.phi.modules() if type(layer).__name__ == "Dropout"]
    assert zeros == [0.0 if method == "no-dropout" else 0.5] * 2
    # 32 pixels, stride 2: 11 with no padding, 5, 2, 1 after the poolings; SAME has 16, 8, 4, 2
    assert model.phi.full[0].in_features == (2 * 2 if "same" in method or method == "as-coded" else 1) * 8
    if method in ("dvbpr-shared", "no-dropout", "no-decay", "lambda-0", "item-terms"):
        torch.testing.assert_close(dict(model.phi.named_parameters()), dict(own.phi.named_parameters()))


def test_the_first_stride_is_the_papers_for_its_photographs(people):
    large = replace(people, photos=np.zeros((people.actions.items, 3, 224, 224), np.uint8))
    assert network(plan(), large, None).phi.convolutions[1].stride == (4, 4)
    assert network(plan(), people, None).phi.convolutions[1].stride == (2, 2) and SIDE != 224


def test_refusals_of_a_fit(people):
    with pytest.raises(ValueError, match="method 'dvpbr' on toy: expected one of rand.*visrank-border"):
        one_fit(people, None, plan("dvpbr"))
    for method in ("visrank", "fm", "vbpr", "dvbpr-warm"):
        with pytest.raises(ValueError, match=f"{method}.* on toy: expected"):
            one_fit(people, None, plan(method))


def outcome(valid, auc, parameters=1):
    every = {name: np.asarray(auc, float) for name in SETTINGS}
    return Outcome(np.atleast_1d(np.asarray(valid, float)), 1, every, parameters, None)


def told(monkeypatch, score=lambda plan: 0.5):
    """Stand-in for `one_fit`: the plans that it was given; validation is `score`, the AUC random."""
    plans = []

    def one_fit(people, features, plan):
        plans.append(plan)
        seed = [len(plan.method), plan.number, int(plan.choice.factors), int(1000 * plan.choice.l2)]
        return outcome([score(plan)], np.random.default_rng(seed).random(7))

    one_fit.__module__ = fits.__name__
    monkeypatch.setattr(table3, "one_fit", one_fit)
    return plans


def test_every_learned_method_tries_the_same_cells_and_validation_chooses(monkeypatch, people, features):
    def score(plan):
        wanted = grid(3)[len(plan.method) % 3]
        return 0.9 if plan.choice == wanted else 0.4

    plans = told(monkeypatch, score)
    p = replace(SMALL, tries=3)
    table = run_table(p, people, features)
    assert table.methods() == list(ROWS)
    assert list(table.outcomes) == [(name, number) for name in ROWS for number in range(2)]
    assert len(plans) == len(set(plans))  # nothing is fitted twice
    for name in ROWS:
        first = [one.choice for one in plans if one.method == name and one.number == 0]
        then = [one.choice for one in plans if one.method == name and one.number == 1]
        if name in LEARNED:
            assert set(first) == set(grid(3)) and len(first) == 3
            assert then == [grid(3)[len(name) % 3]] == [table.choices[name]]
        elif name in DEEP:  # variants take what DVBPR chose
            assert first == then == [table.choices["dvbpr"]] and name not in table.choices
        else:
            assert first == then == [Choice(0, 0.0)] and name not in table.choices
    assert {(one.method, one.number) for one in plans if one.keep} == {("dvbpr", 0)}
    deep = [one.method in DEEP for one in plans]
    assert deep[:3] == [True] * 3 and not any(deep[3:18])  # the longest first
    about = {one.method: one.about for one in plans}
    assert "toy features" in about["fm"] and "toy features" not in about["dvbpr"] + about["bpr-mf"]


def test_of_equal_cells_the_first_is_chosen(monkeypatch, people, features):
    told(monkeypatch)
    assert run_table(SMALL, people, features, methods=("bpr-mf",)).choices == {"bpr-mf": grid(1)[0]}


def test_known_choices_are_not_made_again(monkeypatch, people, features):
    plans = told(monkeypatch)
    known = {"vbpr": Choice(10, 30.0), "fm": Choice(30, 0.1)}
    table = run_table(SMALL, people, features, "timed", ("rand", "vbpr", "warp"), known)
    assert [one.choice for one in plans if one.method == "vbpr"] == [Choice(10, 30.0)]
    assert len([one for one in plans if one.method == "warp"]) == SMALL.tries
    assert set(table.choices) == {"vbpr", "warp"} and table.split == "timed"
    assert {number for _, number in table.outcomes} == {0}  # there is one last purchase
    assert {one.split for one in plans} == {"timed"}


def test_switches_run_at_the_setting_of_dvbpr(monkeypatch, people, features):
    plans = told(monkeypatch)
    table = table3.run_switches(SMALL, people, features, Choice(30, 10.0))
    assert table.methods() == ["dvbpr", *SWITCHES] and not {"dvbpr-shared", "dvbpr-warm"} & {*SWITCHES}
    assert {one.choice for one in plans} == {Choice(30, 10.0)} and {one.number for one in plans} == {0}
    assert {number for _, number in table.outcomes} == set(range(SMALL.side_splits))


def made_table(**rows):
    """rows : method -> (validation, AUC (S, U))."""
    outcomes = {(name, k): outcome(valid, one) for name, (valid, auc) in rows.items() for k, one in enumerate(auc)}
    return Table("toy", "random", "generated", outcomes, {})


def test_the_best_rival_is_the_one_that_validation_names():
    rng = np.random.default_rng(0)
    auc = {name: rng.random((2, 9)) for name in ("dvbpr", "bpr-mf", "visrank", "warp", "poprank")}
    auc["visrank"] += 1.0  # best of the test
    valid = {"dvbpr": 0.9, "bpr-mf": 0.8, "visrank": 0.7, "warp": 0.75, "poprank": 0.1}
    table = made_table(**{name.replace("_", "-"): (valid[name], auc[name]) for name in auc})
    wanted = [("dvbpr", "best-rival"), ("dvbpr", "best-unaware"), ("visrank", "best-method")]
    found = table3.gaps(table, wanted, 0).query("setting == 'all'").set_index(["first", "second"]).value
    assert found["dvbpr", "best-rival"] == pytest.approx((auc["dvbpr"] - auc["bpr-mf"]).mean())
    assert found["dvbpr", "best-unaware"] == pytest.approx((auc["dvbpr"] - auc["bpr-mf"]).mean())
    assert found["visrank", "best-method"] == pytest.approx((auc["visrank"] - auc["dvbpr"]).mean())
    assert table.validation("warp") == pytest.approx(0.75)
    with pytest.raises(ValueError, match="method 'fm' of toy: expected one of dvbpr, bpr-mf"):
        table.auc("fm")


def test_gaps_are_paired_and_antisymmetric():
    rng = np.random.default_rng(0)
    hard = rng.random((2, 60))  # users and divisions that are hard for both
    table = made_table(fm=(0.5, hard), vbpr=(0.5, hard + 0.1 + 0.01 * rng.normal(size=hard.shape)))
    found = table3.gaps(table, [("vbpr", "fm"), ("fm", "vbpr")], 0).set_index(["setting", "first"])
    one, other = found.loc["all", "vbpr"], found.loc["all", "fm"]
    assert one.value == pytest.approx(-other.value) and one.n == 120
    # other draws: quantiles of 2,000 draws of a mean with a standard error of .001 to .005
    assert one.low == pytest.approx(-other.high, abs=1e-3) and one.high == pytest.approx(-other.low, abs=1e-3)
    assert one.high - one.low < 0.02 < np.ptp(gaps.interval(hard, 0, "a")[1:])
    same = table3.gaps(table, [("fm", "fm")], 0)
    assert (same[["value", "low", "high"]] == 0).all().all() and len(same) == len(SETTINGS)


def test_what_no_user_has_is_left_out():
    table = made_table(rand=(0.5, np.full((2, 4), 0.5)))
    for one in table.outcomes.values():
        one.auc["unseen"] = np.full(4, np.nan)
        one.auc["cold"] = np.array([np.nan, 0.25, 0.75, np.nan])
    found = table3.means(table, 0).set_index("setting")
    assert "unseen" not in found.index and len(found) == len(SETTINGS) - 1
    assert found.n["cold"] == 4 and found.n["all"] == 8 and found.value["cold"] == 0.5
    assert "unseen" not in set(table3.gaps(table, [("rand", "rand")], 0).setting)


def test_order_spread_and_sampling_by_hand():
    level = {"rand": 0.5, "poprank": 0.4, "warp": 0.6, "fm": 0.7}
    table = made_table(**{name: (x, [[x, x], [x, x + 0.1]]) for name, x in level.items()})
    for (name, _), one in table.outcomes.items():
        one.auc["strict"] = np.full(2, 0.58) if name == "poprank" else one.auc["all"]
        one.auc["matched"] = 0.5 * one.auc["all"]
        one.auc["cold"] = 1 - one.auc["all"]
        one.auc["unseen"] = np.full(2, np.nan)
        one.auc["sampled"] = one.auc["all"] + np.array([0.01, 0.03])
    found = table3.order(table).set_index("setting").value
    assert found["matched"] == pytest.approx(1) and found["cold"] == pytest.approx(-1)
    assert found["strict"] == pytest.approx(4 / 6)  # popularity has changed places with chance: one pair of six
    assert set(found.index) == set(SETTINGS) - {"all", "unseen"}
    assert table3.spread(table).query("method == 'fm'").value.tolist() == pytest.approx([0.7, 0.75])
    value, low, high = table3.sampled_minus_all(table, 0, "fm")
    assert value == pytest.approx(0.02) and low == pytest.approx(0.01) and high == pytest.approx(0.03)
    alike = made_table(**{name: (0, [[x]]) for name, x in level.items()})
    assert table3.order(alike).value.tolist() == pytest.approx([1] * 8)


def test_pairs_are_of_rows_that_there_are():
    found = table3.pairs()
    known = {*ROWS, "best-rival", "best-unaware", "best-method"}
    assert len(found) == len(set(found)) and {name for pair in found for name in pair} <= known
    assert all(first != second for first, second in found)
    assert {second for first, second in found if first == "dvbpr"} >= {*TABLE3} - {"dvbpr"}


def test_a_whole_table(people, features):
    """Nothing replaced: three rows, two divisions; the kept outcome is that of the plan that `kept` names."""
    p = replace(SMALL, tries=2, epochs=1, deep_epochs=1)
    table = run_table(p, people, features, methods=("poprank", "vbpr", "dvbpr"))
    assert table.auc("dvbpr").shape == (2, people.actions.users) and table.chip == "generated"
    given, found = table3.kept(p, people, table)
    again = one_fit(people, None, given)
    np.testing.assert_array_equal(again.auc["all"], found.auc["all"])
    assert found.weights is not None and table.outcomes["dvbpr", 1].weights is None
    wide = table3.shown(table, table3.means(table, 0))
    assert wide.index.tolist() == ["poprank", "vbpr", "dvbpr"]
    assert wide["all"]["poprank"] == pytest.approx(table.auc("poprank").mean())
    assert wide["setting"]["poprank"] == "" and wide["setting"]["vbpr"].startswith("K 50, ")
    assert wide["epochs"]["dvbpr"] == "1, 1" and wide["learnt"]["dvbpr"] == found.parameters > wide["learnt"]["poprank"]


def test_who_is_loaded(monkeypatch, tmp_path, people):
    monkeypatch.setattr(sets, "shoppers", lambda p, side: (p, side))
    p = replace(SMALL, real=("hm", "clothing", "amazon-fashion"))
    monkeypatch.delenv(VARIABLE, raising=False)
    assert sets.load(p) == {"wardrobe": (p, 64)}
    monkeypatch.setenv(VARIABLE, str(tmp_path))  # a folder without any of the files, that of the authors among them
    assert list(sets.load(p)) == ["wardrobe"]
    (tmp_path / "dvbpr").mkdir()
    (tmp_path / "dvbpr" / "AmazonFashion6ImgPartitioned.npy").touch()
    assert list(sets.load(p)) == ["wardrobe"]  # nothing for an encoder to learn from
    (tmp_path / "fashion_small").mkdir()
    for name in ("images.zip", "styles.csv"):
        (tmp_path / "fashion_small" / name).touch()
    split = divide(people, 0, "random", 0)
    monkeypatch.setattr(sets.sets, "amazon", lambda name, side: (people, split))
    found = sets.load(p)
    assert list(found) == ["wardrobe", "amazon-fashion"] and found["amazon-fashion"].released is split


def test_photographs_for_generators_and_fresh_ones(monkeypatch, people):
    monkeypatch.setattr(sets, "shoppers", lambda p, side: side)
    assert sets.to_generate(SMALL, people) == {"coded": people, "printed": people}
    larger = sets.to_generate(replace(SMALL, printed_side=128), people)
    assert larger == {"coded": people, "printed": people, "printed-large": 128}
    monkeypatch.setattr(sets.sets, "drawn", lambda seed, made, side, jobs: np.zeros((len(made), 3, side, side), "u1"))
    new = sets.fresh(SMALL, replace(people, categories=tuple(sets.sets.CATEGORIES)))  # the toy has two of the six
    assert new.photos.shape == (people.actions.items, 3, 64, 64) and new.world is None
    assert [one.number for one in new.garments] == [one.number for one in sets.sets.goods(20_000, len(new.photos))]
    for one, category in zip(new.garments, new.category, strict=True):
        assert (one.gender, one.category) == sets.sets.CATEGORIES[new.categories[category]]


def test_sizes_of_sets(people):
    found = sets.sizes({"toy": people}, 0).loc["toy"]
    a, split = people.actions, divide(people, 0, "random", 0)
    assert (found.users, found["items"], found.interactions) == (30, a.items, 270)
    assert found["an item"] == 270 / a.items and found["median of a user"] == 9
    day = dict(zip(zip(a.user.tolist(), a.item.tolist(), strict=True), a.day.tolist(), strict=True))
    same = [any(day[u, i] == day[u, int(split.test[u])] for v, i in split.train.tolist() if v == u) for u in range(30)]
    assert found["same day as one in training"] == pytest.approx(np.mean(same))
