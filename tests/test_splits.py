"""Actions and splits: by hand, against loops, laws of withholding, independence of order, refusals, and the real hm."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from likeness.data import hm
from likeness.data.registry import VARIABLE
from likeness.data.splits import (
    COLD,
    Actions,
    Split,
    actions,
    companions,
    random_split,
    table2,
    timed_split,
    without_companions,
)
from likeness.metrics.auc import auc_each, matched_auc_each

HAVE_HM = Path(os.environ.get(VARIABLE) or "/nowhere", "hm").is_dir()
real = pytest.mark.skipif(not HAVE_HM, reason=f"{VARIABLE} holds no hm")
SPLITS = [random_split, timed_split]


def bought(seed, users=40, items=60, n=600, days=25):
    """Repeated pairs, gaps in the numbers, several purchases a day."""
    rng = np.random.default_rng(seed)
    return 3 * rng.integers(0, users, n), 7 + 2 * rng.integers(0, items, n), 100 + rng.integers(0, days, n)


def of_user(s, user):
    return s.train[s.train[:, 0] == user, 1].tolist()


def day_of(a):
    return {(u, i): d for u, i, d in zip(a.user.tolist(), a.item.tolist(), a.day.tolist(), strict=True)}


def test_actions_by_hand():
    """User 9 has two items, one of them thrice; user 4 three; user 2 one item twice, and item 50 goes with him."""
    user = [9, 4, 9, 9, 4, 2, 2, 4, 9]
    item = [70, 10, 70, 10, 30, 50, 50, 70, 70]
    day = [5, 1, 3, 9, 2, 0, 0, 2, 4]
    a = actions(user, item, day, least=2)
    assert table2(a) == {"users": 2, "items": 3, "interactions": 5}
    assert a.user.tolist() == [0, 0, 0, 1, 1]
    assert a.item.tolist() == [0, 1, 2, 0, 2]
    assert a.day.tolist() == [1, 2, 2, 9, 3]
    assert a.item_ids.tolist() == [10, 30, 70]
    assert actions(user, item, day, least=3).user.tolist() == [0, 0, 0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("least", [1, 5, 11])
def test_actions_equal_the_loops(seed, least):
    user, item, day = bought(seed)
    first: dict[int, dict[int, int]] = {}
    for u, i, d in zip(user.tolist(), item.tolist(), day.tolist(), strict=True):
        taken = first.setdefault(u, {})
        taken[i] = min(d, taken.get(i, d))
    first = {u: taken for u, taken in sorted(first.items()) if len(taken) >= least}
    ids = sorted({i for taken in first.values() for i in taken})
    want = [(k, ids.index(i), d) for k, taken in enumerate(first.values()) for i, d in sorted(taken.items())]
    a = actions(user, item, day, least)
    assert list(zip(a.user.tolist(), a.item.tolist(), a.day.tolist(), strict=True)) == want
    assert (a.users, a.items, a.item_ids.tolist()) == (len(first), len(ids), ids)
    assert {x.dtype for x in (a.user, a.item, a.day)} == {np.dtype(np.int64)}


@pytest.mark.parametrize("split", SPLITS)
def test_the_order_in_which_actions_are_given_is_nothing_to_them(split):
    given = bought(1)
    want = actions(*given)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(given[0]))
        a = actions(*(x[order] for x in given))
        for name in ("user", "item", "day", "item_ids"):
            assert np.array_equal(getattr(a, name), getattr(want, name))
        s, t = split(a, np.random.default_rng(5)), split(want, np.random.default_rng(5))
        for name in ("train", "valid", "test"):
            assert np.array_equal(getattr(s, name), getattr(t, name))


def test_texts_and_dates_are_taken_as_numbers_are():
    user, item, day = bought(2)
    dates = pd.Series(pd.to_datetime(day, unit="D") + pd.Timedelta(hours=13))
    texts = pd.Series([f"{i:010d}" for i in item], dtype="str")
    a, b = actions(user, item, day), actions(pd.Series(user), texts, dates)
    assert np.array_equal(a.item, b.item)
    assert np.array_equal(a.day, b.day)
    assert b.item_ids.tolist() == [f"{i:010d}" for i in a.item_ids]
    assert b.item_ids.dtype.kind == "U"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("split", SPLITS)
def test_every_action_is_in_one_part(split, seed):
    a = actions(*bought(seed))
    s = split(a, np.random.default_rng(seed))
    assert (s.users, s.items) == (a.users, a.items)
    for u in range(a.users):
        assert sorted([*of_user(s, u), s.valid[u], s.test[u]]) == a.item[a.user == u].tolist()
    assert len(s.train) + 2 * s.users == len(a.user)
    history, taken = s.history().toarray(), s.taken().toarray()
    assert history.dtype == taken.dtype == bool
    assert history.shape == taken.shape == (a.users, a.items)
    assert history.sum() == len(s.train)
    assert history[s.train[:, 0], s.train[:, 1]].all()
    assert np.argwhere(taken).tolist() == np.column_stack([a.user, a.item]).tolist()
    assert s.observations().tolist() == history.sum(axis=0).tolist()
    again = split(a, np.random.default_rng(seed))
    assert np.array_equal(again.test, s.test)
    assert not np.array_equal(split(a, np.random.default_rng(seed + 99)).test, s.test)


def test_every_pair_of_actions_is_equally_likely_to_be_withheld():
    """5 items on 5 days, 20 ordered pairs, 8,000 users: chi-square of 19 degrees, whose .9999 quantile is 50.8."""
    user, item = np.repeat(np.arange(8000), 5), np.tile(np.arange(5), 8000)
    s = random_split(actions(user, item, item), np.random.default_rng(0))
    seen = np.bincount(5 * s.valid + s.test, minlength=25).reshape(5, 5)
    assert seen.trace() == 0
    assert ((seen[~np.eye(5, dtype=bool)] - 400) ** 2 / 400).sum() < 50.8


def test_the_last_is_for_testing_and_a_day_is_in_random_order():
    """User 0: days rise, so no choice. User 1: of day 8 there are three; one of them is test, another validation."""
    a = actions([0] * 5 + [1] * 5, [0, 1, 2, 3, 4] * 2, [1, 2, 9, 4, 3, 8, 1, 8, 8, 2])
    found = set()
    for seed in range(60):
        s = timed_split(a, np.random.default_rng(seed))
        assert (s.test[0], s.valid[0]) == (2, 3)
        found.add((int(s.test[1]), int(s.valid[1])))
    assert found == {(x, y) for x in (0, 2, 3) for y in (0, 2, 3) if x != y}  # each missed with chance 2e-5


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_is_kept_is_later_than_what_is_withheld_by_time(seed):
    a = actions(*bought(seed))
    s, day = timed_split(a, np.random.default_rng(seed)), day_of(a)
    for u in range(s.users):
        kept = max(day[u, i] for i in of_user(s, u))
        assert kept <= day[u, s.valid[u]] <= day[u, s.test[u]]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("split", SPLITS)
def test_companions_equal_the_loops(split, seed):
    a = actions(*bought(seed, days=9))
    s, day = split(a, np.random.default_rng(seed)), day_of(a)
    less = without_companions(a, s)
    for u in range(s.users):
        away = {day[u, s.test[u]], day[u, s.valid[u]]}
        assert of_user(less, u) == [i for i in of_user(s, u) if day[u, i] not in away]
        assert companions(a, s)[u] == any(day[u, i] == day[u, s.test[u]] for i in of_user(s, u))
    assert companions(a, s).any()
    assert not companions(a, less).any()
    assert np.array_equal(less.test, s.test)
    assert np.array_equal(less.valid, s.valid)
    assert np.array_equal(without_companions(a, less).train, less.train)


def test_who_bought_all_in_one_basket_keeps_no_training_row():
    a = actions([0] * 5 + [1] * 5, [*range(5), *range(5, 10)], [3] * 5 + [1, 2, 3, 4, 5])
    s = random_split(a, np.random.default_rng(0))
    less = without_companions(a, s)
    assert len(of_user(s, 0)) == len(of_user(s, 1)) == 3
    assert len(of_user(less, 0)) == 0
    assert of_user(less, 1) == of_user(s, 1)
    assert (np.diff(less.history().indptr) > 0).tolist() == [False, True]
    assert (less.users, less.items) == (2, 10)
    assert (less.observations() == 0).sum() == 7
    share = auc_each(np.tile(np.arange(10.0), (2, 1)), less.test, s.taken())
    assert share.tolist() == [0.0, 1.0]  # the others' items are 5 to 9 for user 0, and 0 to 4 for user 1


def test_a_withheld_item_is_less_popular_than_it_was():
    """Each item was taken by exactly 20: popularity tells nothing, yet by strict comparison it is nearly always wrong.

    Of two items with equally many takers, the withheld one has lost at least one, the rival perhaps none.
    """
    users, each = 400, 8
    rng = np.random.default_rng(0)
    deck = np.tile(np.arange(users * each // 20), (20, 1))
    item = np.concatenate([rng.permutation(row) for row in deck])  # a user's eight are all of one row: distinct
    a = actions(np.arange(users * each) // each, item, np.zeros_like(item))
    assert (np.bincount(a.item) == 20).all()
    s = random_split(a, rng)
    popular = np.broadcast_to(s.observations(), (a.users, a.items))
    assert (20 - s.observations()).sum() == 2 * users
    strict, half = (auc_each(popular, s.test, s.taken(), ties=ties) for ties in ("strict", "half"))
    error = half.std() / np.sqrt(users)
    assert strict.mean() < half.mean() < 0.5 - 5 * error
    assert strict.mean() < 0.35
    before = np.broadcast_to(np.bincount(a.item), (a.users, a.items))
    assert (auc_each(before, s.test, s.taken()) == 0.5).all()
    matched = matched_auc_each(popular, s.test, s.taken())
    assert abs(matched.mean() - 0.5) < 4 * matched.std() / np.sqrt(users)


BAD = [
    ({"user": [0, 0]}, "2 users, 5 items, 5 days"),
    ({"user": [0, 0, 0, 0, -1]}, "user .* the least -1: expected .* whole numbers >= 0"),
    ({"item": [0, 1, 2, 3, -4]}, "item .* the least -4"),
    ({"day": [0, 1, -2, 3, 4]}, "day .* the least -2"),
    ({"item": [0.0, 1, 2, 3, np.nan]}, "item .* float64: expected"),
    ({"item": pd.Series(["a", "b", "c", "d", None], dtype="str")}, "item .* object: expected"),
    ({"day": np.array(["2020-01-01"] * 4 + ["NaT"], "M8[D]")}, "day .* the least -"),
    ({"item": [0, 1, 2, 3, 3]}, "the most distinct items of a user are 4: expected 5 or more"),
    ({"user": [], "item": [], "day": []}, "user .*0.*: expected .* n >= 1"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_actions_are_refused(change, message):
    given = {"user": [0] * 5, "item": [0, 1, 2, 3, 4], "day": [0] * 5} | change
    with pytest.raises(ValueError, match=message):
        actions(**given)


@pytest.mark.parametrize("split", SPLITS)
def test_a_user_without_a_training_action_is_refused(split):
    a = actions([0, 0, 0, 1, 1], [0, 1, 2, 0, 1], [0] * 5, least=2)
    with pytest.raises(ValueError, match="user 1 has 2 actions: expected 3 or more"):
        split(a, np.random.default_rng(0))


def test_actions_and_splits_that_are_not_so_are_refused():
    ids, day = np.arange(3), np.zeros(3, np.int64)
    with pytest.raises(ValueError, match="actions: row 1 does not follow row 0"):
        Actions(np.zeros(3, np.int64), np.array([2, 1, 0]), day, 1, 3, ids)
    with pytest.raises(ValueError, match="items .* expected 0 to 3, each"):
        Actions(np.zeros(3, np.int64), np.array([0, 1, 3]), day, 1, 4, np.arange(4))
    with pytest.raises(ValueError, match="users, items and days of lengths"):
        Actions(np.zeros(3, np.int64), np.arange(3), day[:2], 1, 3, ids)
    one = np.array([1])
    train = np.array([[0, 0], [0, 3]])
    assert len(Split(1, 4, train, one, one + 1).train) == 2
    for change, message in (
        ({"test": one}, "user 0: validation item 1 and test item 1 are the same"),
        ({"test": one - 1}, "user 0: .* test item 0 .* in train"),
        ({"valid": one + 2}, "user 0: validation item 3"),
        ({"test": one - 2}, "test: .* expected whole numbers from 0 to 3"),
        ({"train": train[::-1]}, "train: row 1 does not follow row 0"),
        ({"train": train[[0, 0]]}, "train: row 1 does not follow row 0"),
        ({"train": train + [0, 1]}, "items of train: .* from 0 to 3"),
        ({"train": train.astype(float)}, "users of train: .*float64"),
        ({"users": 2}, r"expected \(n, 2\), and \(2,\) twice"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(Split(1, 4, train, one, one + 1), **change)


def test_a_split_of_other_actions_is_refused():
    a, b = actions(*bought(0)), actions(*bought(1))
    with pytest.raises(ValueError, match="expected a split of these very actions"):
        companions(a, random_split(b, np.random.default_rng(0)))
    with pytest.raises(ValueError, match="expected a split of these very actions"):
        without_companions(a, replace(random_split(a, np.random.default_rng(0)), items=a.items + 1))


@pytest.fixture(scope="module")
def purchases():
    return hm.load().purchases


@real
def test_the_real_people_of_hm(purchases):
    a = actions(purchases.user, purchases.item, purchases.date)
    assert table2(a) == {"users": 887, "items": 16581, "interactions": 26353}
    assert a.item_ids[0] == "0108775015"
    s = random_split(a, np.random.default_rng(0))
    observations = s.observations()
    # counted over seeds 0 to 4: .861 to .907, .899 to .917, .415 to .440
    assert companions(a, s).mean() == pytest.approx(0.884, abs=0.035)
    assert (observations[s.test] < COLD).mean() == pytest.approx(0.91, abs=0.02)
    assert (observations[s.test] == 0).mean() == pytest.approx(0.426, abs=0.025)
    less = without_companions(a, s)
    assert len(less.train) == pytest.approx(19_000, rel=0.02)
    assert (np.diff(less.history().indptr) == 0).sum() == pytest.approx(156, abs=20)
    late = timed_split(a, np.random.default_rng(0))
    assert companions(a, late).mean() == pytest.approx(0.5107, abs=1e-3)  # the rng breaks ties alone: so for all seeds


@real
def test_popularity_on_the_real_people_by_every_rule_of_ties(purchases):
    """Counted over seeds 0 to 4: strict .277 to .298, half .384 to .402, optimistic .490 to .510; matched .5007."""
    a = actions(purchases.user, purchases.item, purchases.date)
    s = random_split(a, np.random.default_rng(0))
    popular, taken = np.broadcast_to(s.observations(), (a.users, a.items)), s.taken()
    for ties, want in (("strict", 0.29), ("half", 0.396), ("optimistic", 0.502)):
        assert auc_each(popular, s.test, taken, ties=ties).mean() == pytest.approx(want, abs=0.02)
    assert matched_auc_each(popular, s.test, taken).mean() == pytest.approx(0.5, abs=0.002)
    assert np.nanmean(auc_each(popular, s.test, taken, rivals=s.observations() < COLD)) < 0.4
