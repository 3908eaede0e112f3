"""Table IV and Figures 3 to 6: what sources return, how it is judged, and what a generator has learnt."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from dvbpr_shop import CATEGORIES, SIDE, SMALL, Eyes, plan, shop
from likeness.metrics.images import inception_score, opposite_ssim
from likeness.models.dvbpr.dvbpr import item_vectors
from likeness.models.dvbpr.gan import samples
from likeness.studies import figures
from likeness.studies.dvbpr import designs, gans, pictures, table3, table4, walks
from likeness.studies.dvbpr.designs import RETURNED, SOURCES, Trials, open_atelier, run_trials
from likeness.studies.dvbpr.fits import divide, one_fit
from likeness.studies.dvbpr.gans import CODES, SHOWN
from likeness.studies.dvbpr.parameters import Parameters
from likeness.studies.dvbpr.settings import Choice

EYES = Eyes()
#: By how much a preference, of deviation .2 to .6 here, may move where a picture is rounded to bytes: .006 was seen.
ROUNDED = 0.02


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", "off")
    monkeypatch.setattr(gans, "SCORED", 12)


@pytest.fixture(scope="module")
def people():
    return shop()


@pytest.fixture(scope="module")
def made(people):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_CACHE", "off")
        patch.setattr(gans, "SCORED", 12)
        return gans.run_gans(SMALL, {"coded": people, "printed": people}, EYES)


def lively(gan):
    """Wide weights in the generator: one that has hardly been trained draws grey alone, and has no slope to climb."""
    rng = np.random.default_rng(0)
    wide = {name: w if "running" in name or not w.ndim else rng.normal(0, 0.4, w.shape).astype(np.float32)
            for name, w in gan.generator.items()}  # fmt: skip
    return replace(gan, generator=wide)


@pytest.fixture(scope="module")
def room(people, made):
    """Hardly trained, so that no rectifier is dead; tastes at random, so that users and pictures differ widely."""
    given = plan("dvbpr", keep=True, sizes=replace(plan().sizes, deep_epochs=1, deep_rate=1e-4, width=1 / 16))
    found = one_fit(people, None, given)
    tastes = np.random.default_rng(0).normal(size=found.weights["theta"].shape).astype(np.float32)
    wide = {"theta": tastes, "phi.full.6.weight": 100 * found.weights["phi.full.6.weight"]}
    outcome = replace(found, weights={**found.weights, **wide})
    return open_atelier(people, given, outcome, lively(made["coded"]), EYES)


@pytest.fixture(scope="module")
def tried(room):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_CACHE", "off")
        return run_trials(SMALL, room, 5)


def test_the_epoch_that_is_kept_has_the_best_samples(people, made):
    """Networks brought back draw, of the same codes, what was drawn after the epoch that was kept."""
    for kind, gan in made.items():
        assert gan.quality.shape == (2, 2) and gan.epoch == 1 + int(gan.quality[:, 0].argmax())
        assert gan.losses.shape == (2, 2) and gan.grids.shape == (2, len(CATEGORIES) * SHOWN, SIDE, SIDE, 3)
        generator, discriminator = gan.networks()
        wanted = np.arange(2).repeat(gans.SCORED)
        drawn = samples(generator, wanted, CODES[kind][1], torch.Generator().manual_seed(SMALL.seed))
        shown = drawn.reshape(2, gans.SCORED, SIDE, SIDE, 3)[:, :SHOWN].reshape(-1, SIDE, SIDE, 3)
        np.testing.assert_array_equal(shown, gan.grids[gan.epoch - 1])
        order = np.random.default_rng(SMALL.seed).permutation(len(drawn))
        assert inception_score(EYES.kinds(drawn)[order]) == pytest.approx(tuple(gan.quality[gan.epoch - 1]))
        assert not generator.training and not discriminator.training
    assert [made[kind].networks()[0].latent for kind in ("coded", "printed")] == [256, 100]


class Moody:
    """A reader that finds all pictures alike after every epoch but one."""

    def __init__(self, liked):
        self.liked, self.calls = liked, 0

    def kinds(self, pictures):
        self.calls += 1
        return np.eye(3)[np.arange(len(pictures)) % 3 if self.calls == self.liked else np.zeros(len(pictures), int)]


def moody(people, liked, epochs):
    (found,) = gans.run_gans(replace(SMALL, gan_epochs=epochs), {"coded": people}, Moody(liked)).values()
    return found


def test_the_weights_are_of_the_epoch_that_the_reader_likes(people):
    """Of three epochs the second: the weights with which a training of two ends."""
    one, short, last = moody(people, 2, 3), moody(people, 2, 2), moody(people, 3, 3)
    assert (one.epoch, short.epoch, last.epoch, len(one.quality)) == (2, 2, 3, 3)
    for name in ("generator", "discriminator"):
        kept, ended, later = (getattr(gan, name) for gan in (one, short, last))
        assert all(np.array_equal(kept[key], ended[key]) for key in kept)
        assert not all(np.array_equal(kept[key], later[key]) for key in kept)
    ringed = pictures.quality([one]).axes[0].get_lines()[1]
    assert ringed.get_xdata() == [2] and ringed.get_ydata() == [one.quality[:, 0].max()]
    assert len(pictures.epochs(last, CATEGORIES).axes) == 3
    plt.close("all")


def test_another_reader_is_another_task(monkeypatch, people):
    """It chooses the epoch, and stands in no array that is hashed: its photographs must be in the plan."""
    plans = []
    monkeypatch.setattr(gans, "run_all", lambda task, arguments, jobs, given: [plans.append(a[0]) for a in arguments])
    for catalogue in (300, 400):
        gans.run_gans(replace(SMALL, catalogue=catalogue), {"coded": people}, EYES)
    assert plans[0] != plans[1] and replace(plans[0], about=plans[1].about) == plans[1]


def test_an_atelier_is_what_was_trained(people, room, made):
    np.testing.assert_array_equal(room.held, divide(people, 0, "random", 0).test)
    np.testing.assert_array_equal(room.vectors, item_vectors(room.recommender(), people.photos))
    with pytest.raises(ValueError, match="expected kept weights"):
        open_atelier(people, plan(), one_fit(people, None, plan()), made["coded"], EYES)


def test_what_a_trial_holds(people, room, tried):
    model = room.recommender()
    theta = model.theta.detach().numpy()
    assert tuple(tried.images) == SOURCES and set(tried.exact) == {"real", "retrieved"}
    for name in SOURCES:
        shown = tried.images[name]
        assert shown.shape == (5, RETURNED, SIDE, SIDE, 3) and shown.dtype == np.uint8
        for k, user in enumerate(tried.users):
            vectors = item_vectors(model, np.ascontiguousarray(shown[k].transpose(0, 3, 1, 2)))
            # designs are scored before they are rounded to bytes
            np.testing.assert_allclose(tried.preference[name][k], vectors @ theta[user], rtol=1e-4, atol=ROUNDED)
            assert tried.diversity[name][k] == pytest.approx(opposite_ssim(shown[k]))
            looks = EYES.looks(shown[k])
            taste = looks @ people.world.tastes[user, 0]
            np.testing.assert_allclose(tried.taste[name][k], taste)
        np.testing.assert_allclose(tried.kinds[name].reshape(-1, 3), EYES.kinds(shown.reshape(-1, SIDE, SIDE, 3)))
    for name, exact in tried.exact.items():  # photographs are of one colour, so that the eyes are right
        np.testing.assert_allclose(exact, tried.taste[name])
    np.testing.assert_array_equal(tried.categories, people.category[room.held[tried.users]])


def test_photographs_are_of_the_category_and_the_retrieved_are_its_best(people, room, tried):
    shown = people.photos.transpose(0, 2, 3, 1)
    scores = room.vectors @ room.recommender().theta.detach().numpy().T
    for k, (user, category) in enumerate(zip(tried.users, tried.categories, strict=True)):
        members = people.members(CATEGORIES[category])
        for name in ("real", "retrieved"):
            for image in tried.images[name][k]:
                assert any(np.array_equal(image, shown[i]) for i in members)
        best = np.sort(scores[members, user])[::-1][:RETURNED]
        np.testing.assert_allclose(tried.preference["retrieved"][k], best, rtol=1e-5)
    assert (tried.preference["retrieved"][:, 0] >= tried.preference["real"].max(axis=1) - 1e-6).all()


def test_what_is_asked_changes_neither_shoppers_nor_other_sources(room, tried):
    """A law that makes eta, starts and sources comparable trial by trial."""
    alone = run_trials(SMALL, room, 5, sources=("designed",))
    np.testing.assert_array_equal(alone.images["designed"], tried.images["designed"])
    asked = ("generated", "designed-top")
    other = run_trials(SMALL, room, 5, eta=10.0, starts=6, steps=1, start="paper", sources=asked)
    np.testing.assert_array_equal(other.images["generated"], tried.images["generated"])
    assert not np.array_equal(other.images["designed-top"], tried.images["designed-top"])
    for one in (alone, other):
        np.testing.assert_array_equal(one.users, tried.users)
        np.testing.assert_array_equal(one.categories, tried.categories)
    assert set(alone.images) == {"designed"} and not alone.exact


def test_tasks_of_other_sizes_are_the_same_trials(monkeypatch, room, tried):
    monkeypatch.setattr(designs, "_CHUNK", 2)
    parts = run_trials(SMALL, room, 5)
    np.testing.assert_array_equal(parts.users, tried.users)
    for name in SOURCES:
        np.testing.assert_array_equal(parts.images[name], tried.images[name])
        np.testing.assert_allclose(parts.kinds[name], tried.kinds[name])
        np.testing.assert_array_equal(parts.preference[name], tried.preference[name])
    few = run_trials(SMALL, room, 3, sources=("real",))
    np.testing.assert_array_equal(few.images["real"], tried.images["real"][:3])


def test_the_highest_objective_comes_first(room):
    free = run_trials(SMALL, room, 3, eta=0.0, starts=5, sources=("designed", "designed-top"))
    top = free.preference["designed-top"]
    assert (np.diff(top, axis=1) <= 0).all() and (free.preference["designed"] <= top[:, :1]).all()
    long = run_trials(SMALL, room, 3, eta=0.0, starts=5, steps=8, sources=("designed-top",))
    assert (long.preference["designed-top"][:, 0] > top[:, 0]).all()  # the same starts, six steps more


def test_what_is_not_given_is_the_presets(monkeypatch, room):
    plans = []
    monkeypatch.setattr(designs, "_joined", lambda parts: None)
    monkeypatch.setattr(designs, "run_all", lambda task, made, jobs, given: [plans.append(one) for (one,) in made])
    monkeypatch.setattr(designs, "_CHUNK", 10)
    run_trials(SMALL, room, 25)
    run_trials(SMALL, room, 1, steps=0, starts=7)
    assert [(one.first, one.count) for one in plans] == [(0, 10), (10, 10), (20, 5), (0, 1)]
    assert (plans[0].steps, plans[0].starts, plans[0].eta, plans[0].start) == (SMALL.steps, SMALL.starts, 1.0, "code")
    assert (plans[3].steps, plans[3].starts) == (0, 7)


def test_nobody_knows_the_tastes_of_real_people(people, room):
    with pytest.raises(ValueError, match="toy: nobody knows the true tastes; expected the wardrobe"):
        run_trials(SMALL, replace(room, people=replace(people, world=None)), 1, sources=("real",))


def toy(preference, seed=0, **given):
    """Trials of two sources; preference : source -> (T, 3)."""
    rng = np.random.default_rng(seed)
    t = len(next(iter(preference.values())))
    known = {"images": {}, "taste": {}, "diversity": {}, "kinds": {}, "exact": {}}
    for name in preference:
        known["images"][name] = np.zeros((t, 3, 2, 2, 3), np.uint8)
        known["taste"][name] = rng.normal(size=(t, 3))
        known["diversity"][name] = rng.random(t) + 0.5
        known["kinds"][name] = rng.dirichlet(np.ones(4), (t, 3))
    return Trials(np.arange(t), np.zeros(t, int), preference={k: np.asarray(v, float) for k, v in preference.items()},
                  **{**known, **given})  # fmt: skip


@pytest.fixture
def few_draws(monkeypatch):
    monkeypatch.setattr(table4, "DRAWS", 60)


def test_means_by_hand(few_draws):
    trials = toy({"real": [[1, 2, 3], [4, 5, 9]], "designed": [[0, 0, 3], [6, 6, 6]]})
    assert table4.by_trial(trials, "preference", "real").tolist() == [2, 6]
    assert table4.by_trial(trials, "diversity", "real") is trials.diversity["real"]
    found = table4.table(trials, 0).set_index(["source", "column"])
    assert len(found) == 2 * 4
    one = found.loc["real", "preference"]
    assert (one.value, one.n) == (4, 2) and one.sd == pytest.approx(np.std([1, 2, 3, 4, 5, 9], ddof=1))
    assert (one.low, one.high) == (2, 6)  # of two trials: either alone
    assert ((found.low <= found.value) & (found.value <= found.high)).all()
    assert table4.shares(trials, 0, "designed", "real")[0] == 0.0  # 1 < 2, 6 = 6
    assert table4.shares(trials, 0, "real", "designed")[0] == 0.5


def test_quality_of_what_is_sure():
    """One class everywhere, or nothing known: 1. Four classes, sure of each: 4, less what parts of 120 lack."""
    same, flat = np.tile([1.0, 0, 0, 0], (5, 3, 1)), np.full((5, 3, 4), 0.25)
    assert table4.quality(same, 0) == table4.quality(flat, 0) == pytest.approx((1, 0))
    sure = np.eye(4)[np.arange(1200) % 4].reshape(400, 3, 4)
    assert 3.9 < table4.quality(sure, 0)[0] <= 4
    alone = np.eye(4)[[0, 1, 2]].reshape(1, 3, 4)  # three pictures, three parts
    assert table4.quality(alone, 0) == (1.0, 0.0)
    # shuffled: pictures that come by class would have one in each part
    by_class = np.eye(4)[np.arange(1200) // 300].reshape(400, 3, 4)
    assert table4.quality(by_class, 0)[0] > 3.9


def test_gaps_are_paired_and_antisymmetric(few_draws):
    base = np.random.default_rng(0).normal(size=(40, 3))
    trials = toy({"real": base, "designed": base + 1.0, "retrieved": base})
    found = table4.gaps(trials, 0).set_index(["column", "first", "second"])
    assert len(found) == 3 * 6
    one, other = found.loc["preference", "designed", "real"], found.loc["preference", "real", "designed"]
    assert (one.value, one.low, one.high) == pytest.approx((1, 1, 1)) and one.n == 40  # base is gone
    assert other.value == pytest.approx(-1)
    assert tuple(found.loc["preference", "real", "retrieved"][["value", "low", "high"]]) == (0, 0, 0)
    for column in ("true-taste", "diversity"):
        there, back = (found.loc[column, a, b] for a, b in (("real", "designed"), ("designed", "real")))
        assert there.value == pytest.approx(-back.value) and there.low < 0 < there.high


def test_ratios_are_reciprocal(monkeypatch, few_draws):
    monkeypatch.setattr(table4, "COMPARED", (("designed", "real"), ("real", "designed")))
    trials = toy({"real": np.zeros((30, 3)), "designed": np.zeros((30, 3))})
    trials.diversity["designed"][:] = 0.5 * trials.diversity["real"]
    trials.kinds["designed"][:] = np.eye(4)[np.arange(90) % 4].reshape(30, 3, 4)
    found = table4.ratios(trials, 0).set_index(["column", "first", "second"])
    assert found.value["diversity", "designed", "real"] == pytest.approx(0.5)
    assert found.low["diversity", "designed", "real"] == pytest.approx(0.5)  # paired: of each trial a half
    for column in ("quality", "diversity"):
        assert found.value[column, "designed", "real"] * found.value[column, "real", "designed"] == pytest.approx(1)
    sure, unsure = (table4.quality(trials.kinds[name], 0)[0] for name in ("designed", "real"))
    assert found.value["quality", "designed", "real"] == pytest.approx(sure / unsure) and sure > unsure
    assert ((found.low <= found.value) & (found.value <= found.high)).all()


def test_shares_of_trials(few_draws):
    low = np.zeros((10, 3))
    high = low + np.array([1.0] * 7 + [-1.0] * 3)[:, None]
    value, least, most = table4.shares(toy({"retrieved": low, "designed": high}), 0)
    assert value == 0.7 and 0 <= least < 0.7 < most <= 1
    assert table4.shares(toy({"retrieved": low, "designed": low + 1}), 0) == (1.0, 1.0, 1.0)


def test_slopes_of_what_rises_and_falls(few_draws):
    """Preference falls with eta, quality rises, diversity stays, taste goes up and down: -1, 1, 0, and between."""
    same = np.ones(20)
    by_eta = {}
    for k, eta in enumerate((0.0, 1.0, 10.0)):
        sure = np.eye(4)[np.arange(60) % 4].reshape(20, 3, 4) * 0.3 * k + (1 - 0.3 * k) / 4
        by_eta[eta] = toy({"designed": np.zeros((20, 3)) - k}, kinds={"designed": sure}, diversity={"designed": same},
                          taste={"designed": np.full((20, 3), [0.0, 2.0, 1.0][k])})  # fmt: skip
    found = table4.slopes(by_eta, 0).set_index("column")
    assert found.value["preference"] == found.high["preference"] == pytest.approx(-1)
    assert found.value["quality"] == pytest.approx(1) and found.value["diversity"] == found.low["diversity"] == 0
    assert found.value["true-taste"] == pytest.approx(0.5)
    curve = table4.curve(by_eta, 0)
    assert len(curve) == 3 * 4 and "source" not in curve
    assert curve[curve.column == "preference"].value.tolist() == [0, -1, -2]
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(3, 20, 3))
    loose = {eta: toy({"designed": one}, taste={"designed": one}) for eta, one in enumerate(noise)}
    unsure = table4.slopes(loose, 0).set_index("column").loc["true-taste"]
    assert unsure.low < unsure.high  # other trials have other slopes
    both = {eta: replace_source(one) for eta, one in by_eta.items()}
    assert len(table4.curve(both, 0)) == 3 * 4  # of the designs alone


def replace_source(trials):
    """The same with a second source."""
    more = {name: {**getattr(trials, name), "real": getattr(trials, name)["designed"] + 1}
            for name in ("images", "preference", "taste", "diversity")}  # fmt: skip
    return replace(trials, **more, kinds={**trials.kinds, "real": trials.kinds["designed"]})


def test_calibration_is_within_trials(tried):
    assert table4.calibration(tried, 0) == pytest.approx((1.0, 1.0, 1.0, 5))
    moved = {name: 3 * one + np.arange(5)[:, None] for name, one in tried.exact.items()}  # a number a trial is nothing
    assert table4.calibration(replace(tried, exact=moved), 0)[0] == pytest.approx(1.0)
    turned = {name: -one for name, one in tried.exact.items()}
    assert table4.calibration(replace(tried, exact=turned), 0)[0] == pytest.approx(-1.0)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400, 3))
    loose = toy({"real": a}, taste={"real": a}, exact={"real": b})
    by_hand = [np.concatenate([x[k] - sum(x[k]) / 3 for k in range(400)]) for x in (a, b)]
    value, low, high, _ = table4.calibration(loose, 0)
    assert value == pytest.approx(np.corrcoef(*by_hand)[0, 1])
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(800), rel=0.2)  # 400 trials of 3, centred: 800 are free


def test_an_interval_is_of_trials_and_holds_what_it_is_of():
    values = np.random.default_rng(0).normal(size=400)
    low, high = table4._interval(lambda rows: float(values[rows].mean()), 400, 0, "a")
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)  # 1,000 draws: 5 % of a quantile, thrice
    assert table4._interval(lambda rows: float(len(set(rows.tolist()))), 30, 0, "a")[1] == 30  # no draw has all


@pytest.fixture(scope="module")
def ways(room, made):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_CACHE", "off")
        patch.setattr(walks, "FIT_STARTS", 2)
        patch.setattr(walks, "FIT_STEPS", 4)
        yield walks.run_walks(SMALL, replace(room, gan=lively(made["printed"])), 1)


def test_a_walk_starts_at_the_prototype_and_climbs(people, room, ways):
    assert [one.category for one in ways] == list(walks.CATEGORIES)
    theta = room.recommender().theta.detach().numpy()
    shown = people.photos.transpose(0, 2, 3, 1)
    for one in ways:
        members = people.members(one.category)
        (item,) = [i for i in members if np.array_equal(shown[i], one.prototype)]
        assert one.kept.shape == (6, 6, SIDE, SIDE, 3) and one.path.shape == (6, walks.STEPS + 1)
        assert len(set(one.users.tolist())) == 6
        assert all(np.array_equal(image, one.kept[0, 0]) for image in one.kept[:, 0])  # one prototype for all
        np.testing.assert_allclose(one.own, room.vectors[item] @ theta[one.users].T, rtol=1e-5)
        liked = room.vectors[members] @ theta[one.users].T
        np.testing.assert_allclose(one.spread, liked.std(axis=0, ddof=1), rtol=1e-5)
        for k, user in enumerate(one.users):
            vectors = item_vectors(room.recommender(), np.ascontiguousarray(one.kept[k].transpose(0, 3, 1, 2)))
            # images are rounded to bytes
            np.testing.assert_allclose(one.path[k, list(walks.KEPT)], vectors @ theta[user], atol=ROUNDED)
        far = [np.abs(shown[i].astype(float) - shown[j]).mean() for i in members for j in members if i != j]
        away = np.abs(one.kept[3, 2].astype(float) - one.prototype).mean()
        assert one.l1[3, 2] == pytest.approx(away / np.median(far), rel=0.25)  # 500 pairs of them
    found = walks.gains(ways)
    assert len(found) == 2 * 6 and (found[found.step == 0].value == 0).all()
    assert found[found.step == 50].value.mean() > 0
    with pytest.raises(ValueError, match="category 'hats' of toy"):
        walks.one_walk(room, walks.WalkPlan("", "hats", 0, 0))


def test_gains_by_hand():
    path = np.zeros((6, 51))
    path[2] = np.arange(51) / 10 + 4
    one = walks.Walk("women's tops", np.arange(6), np.zeros((2, 2, 3)), np.zeros((6, 6, 2, 2, 3)), path,
                     np.array([1, 1, 2.0, 1, 1, 1]), np.zeros(6), np.arange(36.0).reshape(6, 6))  # fmt: skip
    found = walks.gains([one, one])
    mine = found[found.walk == 1]  # a sixth of what one shopper of six gains
    assert mine.value.tolist() == pytest.approx([k / 6 for k in range(6)]) and mine.step.tolist() == list(walks.KEPT)
    assert mine.sds.tolist() == pytest.approx([k / 12 for k in range(6)]) and mine.l1.tolist() == list(range(15, 21))
    assert found.walk.nunique() == 2


def test_what_is_new_and_what_is_learned_by_heart(monkeypatch, people, made):
    other = shop(seed=5)
    found = walks.novelty(made["coded"], people, other, 0, many=4)
    assert found.images.shape == found.nearest.shape == (2, 4, SIDE, SIDE, 3) and found.n == 8
    train = people.photos.transpose(0, 2, 3, 1).astype(int)
    for category, (images, near) in enumerate(zip(found.images, found.nearest, strict=True)):
        own = train[people.category == category]
        for image, one in zip(images, near, strict=True):
            least = min(np.abs(image - y).sum() for y in own)
            assert np.abs(image.astype(int) - one).sum() == least
    for value, low, high in (found.same, found.memorised, found.median):
        assert 0 <= low <= value <= high <= 1
    # a generator that has its photographs by heart, and one that draws none like them
    def by_heart(generator, categories, kind, rng):
        return train[people.category == categories[0]][: len(categories)].astype(np.uint8)

    monkeypatch.setattr(walks, "samples", by_heart)
    copied = walks.novelty(made["coded"], people, other, 0, many=4)
    assert copied.same[0] == copied.memorised[0] == copied.median[0] == 1.0
    np.testing.assert_array_equal(copied.images, copied.nearest)
    monkeypatch.setattr(walks, "samples", lambda g, c, kind, rng: np.full((len(c), SIDE, SIDE, 3), 255, np.uint8))
    assert walks.novelty(made["coded"], people, other, 0, many=4).memorised[0] == 0.0
    # new photographs of the same kind have .5 nearer than the median
    fresh = shop(seed=6).photos.transpose(0, 2, 3, 1)
    own = shop(seed=6).category
    monkeypatch.setattr(walks, "samples", lambda g, c, kind, rng: fresh[own == c[0]][: len(c)])
    assert walks.novelty(made["coded"], people, other, 0, many=20).median[0] == pytest.approx(0.5, abs=0.3)


def test_wilson_by_hand():
    """Of 10 with none: 0 to z^2 / (n + z^2)."""
    assert walks._share([0.0, 0.0], 10) == pytest.approx((0, 0, 1.96**2 / (10 + 1.96**2)), abs=1e-4)
    assert walks._share([0.5, 1.0], 8)[0] == 0.75


def test_figures_draw(people, room, made, tried, ways):
    names = ["dvbpr", "fm"]
    frame = pd.DataFrame([(s, m, 0.5, 0.4, 0.6) for s in ("all", "cold", "matched") for m in names],
                         columns=["setting", "method", "value", "low", "high"])  # fmt: skip
    some = frame.drop(index=3)  # a setting that a method lacks
    one = pictures.bars(some, "AUC", ["all", "cold", "matched"]).axes
    assert len(one) == 1 and [tick.get_text() for tick in one[0].get_yticklabels()] == names
    rows = frame.query("setting == 'all'").assign(name=names)
    shown = figures.gaps(rows, "difference").axes[0]
    assert [tick.get_text() for tick in shown.get_yticklabels()] == names and shown.get_xlabel() == "difference"
    found = one_fit(people, None, plan("bpr-mf", choice=Choice(4, 0.1)))
    table = table3.Table("toy", "random", "generated", {("bpr-mf", 0): found}, {})
    log = pd.DataFrame({"epoch": [1, 2], "test_auc": [0.5, 0.6]})
    drawn = pictures.learning(table, log, ["bpr-mf"]).axes[0].get_lines()
    np.testing.assert_array_equal(drawn[1].get_ydata(), found.valid)
    ringed = pictures.quality(list(made.values())).axes[0].get_lines()
    assert len(ringed) == 4 and ringed[1].get_xdata() == [made["coded"].epoch]
    for gan in made.values():
        assert len(pictures.epochs(gan, CATEGORIES).axes) == min(gan.epoch, 4)
    new = walks.novelty(made["coded"], people, shop(seed=5), 0, many=6)
    near = pictures.neighbours(new, CATEGORIES).axes
    assert len(near) == 2 and near[0].get_images()[0].get_array().shape == (2 * SIDE, 5 * SIDE, 3)
    assert len(pictures.returned(tried, CATEGORIES).axes) == 5 * 2 * RETURNED
    way = pictures.walk(ways[0]).axes
    assert len(way) == 6 * 7 and [axis.get_title() for axis in way[:2]] == ["photograph", "step 0"]
    curve = pd.DataFrame([(c, eta, 1.0, 0.5, 2.0) for c in ("preference", "quality") for eta in (0.0, 0.5)],
                         columns=["column", "eta", "value", "low", "high"])  # fmt: skip
    assert len(pictures.trade(curve).axes) == 2
    plt.close("all")


def test_pictures_side_by_side():
    images = np.arange(2 * 3 * 4 * 4 * 3).reshape(2, 3, 4, 4, 3)
    whole = pictures._tiled(images)
    assert whole.shape == (8, 12, 3)
    for r in range(2):
        for c in range(3):
            np.testing.assert_array_equal(whole[4 * r : 4 * r + 4, 4 * c : 4 * c + 4], images[r, c])


def test_every_preset_can_be_run():
    """What one parameter asks of another: three designs of the starts, two sides of the generators."""
    for preset in ("smoke", "laptop", "full"):
        p = Parameters.resolve({"preset": preset})
        assert p.starts >= RETURNED and p.side % 16 == p.printed_side % 16 == 0 and p.printed_side >= p.side
