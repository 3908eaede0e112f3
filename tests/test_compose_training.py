"""Training of compose: a step by hand, the rate's fall, what is compared, resets, seeds, a planted rule found."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from likeness.models.compose import training
from likeness.models.compose.composition import NAMES, build
from likeness.models.compose.encoders import small_vit
from likeness.models.compose.losses import Objective, Weights, total
from likeness.models.compose.texts import SmallText
from likeness.models.compose.training import COLUMNS, Retrieval, Schedule, Switch, Triples, asked, train, vectors
from likeness.models.hsl.vocabulary import Vocabulary

COLOURS, SHAPES = ("red", "blue", "green", "black"), ("tee", "hat", "shoe", "coat")
WORDS = Vocabulary.of([f"replace {word} with" for word in COLOURS + SHAPES], least=1)
D, TOKENS = 32, 3


def seeded(make, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def model(name="compose-transformers", seed=0, features=False, **given):
    def made():
        image = small_vit(16, 16, D, 2, D)
        text = None if features else SmallText(WORDS, D, 1, width=32)
        return Retrieval(image, text, build(name, D, D), **given)

    return seeded(made, seed)


def goods(seed=0, each=4):
    """Tokens of garments: colour and shape are directions, and there is noise; names (N, 2) of both."""
    rng = np.random.default_rng(seed)
    names = np.array([(c, s) for c in range(4) for s in range(4) for _ in range(each)])
    tokens = rng.normal(size=(len(names), TOKENS, D)) * 0.3
    axes = np.linalg.qr(np.random.default_rng(99).normal(size=(D, 8)))[0].T * 4
    tokens += (axes[names[:, 0]] + axes[4 + names[:, 1]])[:, None]
    return tokens.astype(np.float16), names


def queries(names, n, seed=0, text=None):
    """A garment, "replace its colour with another", one of that shape and colour; Triples and the words."""
    rng = np.random.default_rng(seed)
    rows = []
    while len(rows) < n:
        source, target = rng.integers(len(names), size=2)
        (a, shape), (b, other) = names[source], names[target]
        if shape == other and a != b:
            rows.append((source, target, f"replace {COLOURS[a]} with {COLOURS[b]}", 4 * b + shape))
    source, target, said, group = (np.array(of) for of in zip(*rows, strict=True))
    return Triples(source, target, (text or model().text).encode(said.tolist()), group, source)


def quiet(epoch, model):
    pass


def some(n=24, seed=0):
    tokens, names = goods()
    return tokens, queries(names, n, seed)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


# A step


@pytest.mark.parametrize("name", NAMES)
def test_a_step_by_hand(name):
    tokens, triples = some(12)
    schedule = Schedule(epochs=1, batch=12, rate=1e-3, image_rate=0.3, weight_decay=0.1)
    objective = Objective(weights=Weights(symmetry=0.05))
    trained = model(name)
    lines = train(trained, tokens, triples, schedule, objective, 7, quiet)

    ours = model(name).train()
    order, names = torch.Generator().manual_seed(7), {}
    rows = torch.randperm(12, generator=order).numpy()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.set_state(torch.Generator().manual_seed(8).get_state())
        x = torch.from_numpy(tokens[np.concatenate([triples.source[rows], triples.target[rows]])]).float()
        z, y = ours.image.finish(x).chunk(2)
        q = ours.text(torch.from_numpy(triples.words[rows]))
        loss, parts = total(
            ours.composition, z, q, y, scale=ours.scale, rng=order, groups=torch.from_numpy(triples.groups[rows]),
            sources=torch.from_numpy(triples.sources[rows]), objective=objective,
        )  # fmt: skip
    loss.backward()
    for name, weight in ours.named_parameters():
        if weight.grad is not None:  # Adam's first step: the sign of the gradient, and AdamW's decay apart from it
            rate = 1e-3 * (0.3 if name.startswith("image.body") else 1.0)
            step = rate * weight.grad / (weight.grad.abs() + 1e-8)
            names[name] = weight.detach() * (1 - rate * 0.1) - step
    assert "image.body.layernorm.weight" in names and "image.body.embeddings.cls_token" not in names
    for name, weight in trained.named_parameters():
        before = dict(ours.named_parameters())[name].detach()
        torch.testing.assert_close(weight.detach(), names.get(name, before), rtol=1e-5, atol=1e-6)
    line = lines.iloc[0]
    assert tuple(lines.columns) == COLUMNS and len(lines) == 1 and line["batch"] == 12
    assert line["loss"] == pytest.approx(loss.item(), rel=1e-6)
    for part in ("base", "image", "text", "symmetry"):
        assert np.isnan(line[part]) if part not in parts else line[part] == pytest.approx(parts[part].item(), rel=1e-6)


def test_loss_is_the_weighted_sum_of_its_parts():
    lines = train(model(), *some(), Schedule(epochs=2, batch=8), Objective(base="softmax"), 0, quiet)
    weighted = lines["base"] + 0.1 * (lines["image"] + lines["text"] + lines["symmetry"])
    np.testing.assert_allclose(lines["loss"], weighted, rtol=1e-5)  # float32
    assert lines["epoch"].tolist() == [1] * 3 + [2] * 3 and lines["step"].tolist() == [1, 2, 3] * 2


def test_image_encoder_is_not_shared():
    image = seeded(lambda: small_vit(16, 16, D, 2, D))
    one = Retrieval(image, None, build("tirg", D, D))
    assert one.image is not image and same(one.image, image)
    assert not one.image.train().body.layers[0].training


# Rates


def rates(schedule, losses=None, monkeypatch=None):
    """Rate of each epoch, of the head and of the body."""
    seen, told = [], iter(losses or [])

    def step(run, rows, epoch, step):
        if step == 1:
            seen.append(tuple(group["lr"] for group in run.optimiser.param_groups))
        return epoch_loss[epoch]

    epoch_loss = {epoch: next(told, 1.0) for epoch in range(1, schedule.epochs + 1)}
    monkeypatch.setattr(training, "_step", step)
    train(model(), *some(), schedule, Objective(), 0, quiet)
    return seen


def test_literal_rates(monkeypatch):
    seen = rates(Schedule(epochs=8), monkeypatch=monkeypatch)
    assert [head for head, _ in seen] == pytest.approx([5e-4] * 3 + [2.5e-4] * 3 + [1.25e-4] * 2)
    assert [body / head for head, body in seen] == pytest.approx([0.5] * 8)
    assert rates(Schedule(epochs=4, halve=0), monkeypatch=monkeypatch) == [(5e-4, 2.5e-4)] * 4


def test_coded_rates(monkeypatch):
    losses = [3.0, 2.0, 2.0, 1.9999, 2.1, 1.0, 1.5]  # the third and fourth do not fall by 1e-4 of 2.0
    seen = rates(Schedule(epochs=8, rate=2e-5, variant="coded"), losses, monkeypatch)
    expected = [2e-5] * 3 + [1e-5, 5e-6, 5e-6, 5e-6, 5e-6]  # never below 5e-6
    assert [head for head, _ in seen] == pytest.approx(expected)


def test_switch(monkeypatch):
    schedule = Schedule(epochs=5, batch=8, halve=1, switch=Switch(epoch=4, batch=6, rate=1e-5))
    assert rates(schedule, monkeypatch=monkeypatch) == [
        (5e-4, 2.5e-4), (2.5e-4, 1.25e-4), (1.25e-4, 6.25e-5), (1e-5, 5e-6), (1e-5, 5e-6)
    ]  # fmt: skip
    monkeypatch.undo()
    lines = train(model(), *some(), schedule, Objective(), 0, quiet)
    assert lines.groupby("epoch")["batch"].agg(list).tolist() == [[8] * 3] * 3 + [[6] * 4] * 2
    assert lines["rate"].iloc[-1] == 1e-5 and (Switch().epoch, Switch().batch, Switch().rate) == (14, 16, 5e-6)


# What is compared


def watched(monkeypatch):
    seen = []

    def spy(*args, **given):
        seen.append((given["groups"], given["sources"], len(args[1])))
        return total(*args, **given)

    monkeypatch.setattr(training, "total", spy)
    return seen


def test_groups_reach_the_loss_or_not(monkeypatch):
    seen = watched(monkeypatch)
    tokens, triples = some()
    train(model(), tokens, triples, Schedule(epochs=1, batch=24), Objective(), 0, quiet)
    rows = torch.randperm(24, generator=torch.Generator().manual_seed(0)).numpy()
    assert seen[0][0].tolist() == triples.groups[rows].tolist()
    assert seen[0][1].tolist() == triples.sources[rows].tolist()
    train(model(), tokens, triples, Schedule(epochs=1, groups=False), Objective(), 0, quiet)
    assert seen[-1][:2] == (None, None)


def test_batches_without_anything_to_compare(monkeypatch):
    seen = watched(monkeypatch)
    tokens, triples = some(25)
    train(model(), tokens, triples, Schedule(epochs=1, batch=8), Objective(), 0, quiet)
    assert [n for _, _, n in seen] == [8, 8, 8]  # the last one, of one row, is left out
    alike = Triples(triples.source, triples.target, triples.words, np.arange(25) // 23, None)
    lines = train(model(), tokens, alike, Schedule(epochs=1, batch=2), Objective(), 0, quiet)
    assert 1 <= len(lines) <= 2  # only a batch with row 23 or 24 has two groups, unless they share one
    equal = Triples(triples.source, triples.target, triples.words, np.zeros(25, int), None)
    with pytest.raises(ValueError, match="no batch of 2 holds two groups"):
        train(model(), tokens, equal, Schedule(epochs=1, batch=2), Objective(), 0, quiet)
    assert len(train(model(), tokens, equal, Schedule(epochs=1, batch=2, groups=False), Objective(), 0, quiet)) == 12


# Seeds, and what goes wrong


def test_seed():
    state = torch.default_generator.get_state()
    made = []
    for seed, after in ((1, quiet), (1, lambda epoch, model: torch.rand(3)), (2, quiet)):
        trained = model()
        lines = train(trained, *some(), Schedule(epochs=2, batch=8), Objective(), seed, after)
        made.append((trained, lines))
        if after is quiet:
            assert torch.equal(state, torch.default_generator.get_state())
            continue
        torch.default_generator.set_state(state)  # `after` drew from it
    assert same(made[0][0], made[1][0]) and made[0][1].equals(made[1][1])
    assert not same(made[0][0], made[2][0])


def test_after_every_epoch():
    seen = []
    trained = model().train()
    train(trained, *some(), Schedule(epochs=3), Objective(), 0, lambda e, m: seen.append((e, m.training, m is trained)))
    assert seen == [(1, False, True), (2, False, True), (3, False, True)] and not trained.training


@pytest.mark.parametrize("what", ["loss", "weights"])
def test_a_spoilt_epoch_is_undone(monkeypatch, what):
    kept, trained, steps = [], model(), []

    def spoil(*args, **given):
        loss, parts = total(*args, **given)
        steps.append(1)
        if len(steps) == 5 and what == "loss":  # second of epoch 2
            return loss * torch.nan, parts
        if len(steps) == 6 and what == "weights":
            trained.scale.data.fill_(torch.inf)
        return loss, parts

    monkeypatch.setattr(training, "total", spoil)
    where = "the loss became nan in epoch 2, step 2" if what == "loss" else "the sum of scale became"
    with pytest.raises(FloatingPointError, match=where):
        train(
            trained, *some(), Schedule(epochs=3, batch=8), Objective(), 0,
            lambda e, m: kept.append({k: w.clone() for k, w in m.state_dict().items()}),
        )  # fmt: skip
    assert len(kept) == 1 and all(torch.equal(w, kept[0][k]) for k, w in trained.state_dict().items())
    assert not trained.training


@pytest.mark.parametrize(
    "change, said",
    [
        ({"epochs": 0}, "epochs=0"), ({"batch": 1}, "batch=1"), ({"rate": 0.0}, "rate=0.0"),
        ({"halve": -1}, "halve=-1"), ({"image_rate": -1.0}, "image_rate=-1"), ({"weight_decay": np.inf}, "inf"),
        ({"variant": "printed"}, "printed"),
    ],
)  # fmt: skip
def test_schedules_refused(change, said):
    with pytest.raises(ValueError, match=said):
        Schedule(**({"epochs": 1} | change))


def test_of_several_views_each_is_met(monkeypatch):
    """Sources and targets come in any view, each by itself, and searching never sees another than it is given."""
    tokens, triples = some()
    met = []
    seen = training._seen
    monkeypatch.setattr(training, "_seen", lambda run, rows: met.append((rows, seen(run, rows))) or met[-1][1])
    views = np.concatenate([tokens, tokens, tokens])
    train(model("tirg"), views, triples, Schedule(epochs=6), Objective(), 0, quiet, views=3)
    plain, drawn = (np.concatenate(of) for of in zip(*met, strict=True))
    np.testing.assert_array_equal(drawn % len(tokens), plain)
    share = np.bincount(drawn // len(tokens)) / len(drawn)
    np.testing.assert_allclose(share, 1 / 3, atol=4 * np.sqrt(2 / 9 / len(drawn)))  # four standard deviations
    spoilt = np.concatenate([tokens, np.full_like(tokens, np.nan)])
    with pytest.raises(FloatingPointError, match="epoch 1"):
        train(model("tirg"), spoilt, triples, Schedule(epochs=1), Objective(), 0, quiet, views=2)
    with pytest.raises(ValueError, match="3 views in 128 rows"):
        train(model("tirg"), spoilt, triples, Schedule(epochs=1), Objective(), 0, quiet, views=3)


def test_refusals():
    tokens, triples = some()
    for change in ({"source": triples.source[:5]}, {"groups": triples.groups * 1.0}, {"words": triples.words[:3]}):
        with pytest.raises(ValueError, match="expected"):
            Triples(**({"source": triples.source, "target": triples.target, "words": triples.words} | change))
    with pytest.raises(ValueError, match="epoch=1"):
        Switch(epoch=1)
    with pytest.raises(ValueError, match="of 20 photographs"):
        train(model(), tokens[:20], triples, Schedule(epochs=1), Objective(), 0, quiet)
    with pytest.raises(ValueError, match=r"expected \(N, T, 32\) real"):
        train(model(), tokens[:, :, :16], triples, Schedule(epochs=1), Objective(), 0, quiet)
    with pytest.raises(ValueError, match="expected features"):
        train(model(features=True), tokens, triples, Schedule(epochs=1), Objective(), 0, quiet)
    with pytest.raises(ValueError, match="features of 32 numbers"):
        Retrieval(small_vit(16, 16, 32, 1, 32), None, build("tirg", 16, 16))
    with pytest.raises(ValueError, match="scale 0.0"):
        model(scale=0.0)
    with pytest.raises(ValueError, match="24 texts"):
        asked(model(), tokens, triples.source[:3], triples.words)


# Searching, and learning


def test_vectors_and_queries():
    tokens, triples = some()
    searched = model().train()
    made = vectors(searched, tokens, batch=7)
    theta = asked(searched, tokens, triples.source, triples.words, batch=5)
    assert searched.training and made.dtype == theta.dtype == np.float32
    searched.eval()
    with torch.no_grad():
        x = torch.from_numpy(tokens)
        own = searched.targets(x), searched.queries(x[triples.source], torch.from_numpy(triples.words))
        expected = [F.normalize(of, dim=1) for of in own]
    for ours, theirs in zip((made, theta), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)  # float32, batches of other sizes
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-6)
    assert vectors(searched, tokens[:0]).shape == (0, D)
    assert model().scale == 1 and model("tirg").scale == 4 and model(scale=2.5).scale == 2.5


def test_features_in_place_of_words():
    tokens, triples = some()
    features = np.random.default_rng(0).normal(size=(24, D))
    given = Triples(triples.source, triples.target, features)
    trained = model(features=True)
    train(trained, tokens, given, Schedule(epochs=1, batch=12), Objective(), 0, quiet)
    before = model(features=True).state_dict()
    assert all(not torch.equal(w, before[k]) for k, w in trained.named_parameters() if "composition.turn" in k)
    assert asked(trained, tokens, triples.source, features).shape == (24, D)


@pytest.mark.parametrize("name, least, most", [("tirg", 0.8, 1), ("text", 0.05, 0.45), ("image", 0, 0.25)])
def test_a_planted_rule_is_found(name, least, most):
    """Chance of shape and colour is 1 / 16; the text alone knows the colour (1 / 4), the image alone the shape."""
    (tokens, names), (other, other_names) = goods(0), goods(1)
    trained = model(name)
    schedule = Schedule(epochs=12, batch=32, rate=2e-3, image_rate=1.0, halve=6)
    train(trained, tokens, queries(names, 320), schedule, Objective(base="softmax"), 0, quiet)
    test = queries(other_names, 200, 5)
    scores = asked(trained, other, test.source, test.words) @ vectors(trained, other).T
    scores[np.arange(200), test.source] = -np.inf
    found = other_names[scores.argmax(axis=1)]
    hits = np.mean(4 * found[:, 0] + found[:, 1] == test.groups)
    assert least <= hits <= most
