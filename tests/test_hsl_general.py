"""The general rivals (VSE0, VSE++, SCAN): naive loops over pairs, laws of padding, sets and order, cases by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from likeness.models.hsl import scan
from likeness.models.hsl.inputs import Images, Texts, equal_texts
from likeness.models.hsl.matcher import Size, hinges
from likeness.models.hsl.scan import SCAN, found_by_words, pooled
from likeness.models.hsl.vse import VSE, WordGRU, unit

SIZE = Size(features=5, words=15, width=8, heads=2, hidden=12, embed=6, word_width=7)
KINDS = {
    "vse0": lambda **more: VSE(SIZE, hardest=False, **more),
    "vse-pp": lambda **more: VSE(SIZE, hardest=True, **more),
    "scan-mean": lambda **more: SCAN(SIZE, **more),
    "scan-lse": lambda **more: SCAN(SIZE, pooling="logsumexp", **more),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def built(kind, seed=0, **more):
    """A small model in double precision, so that laws hold to rounding; words far enough apart to tell their order."""
    torch.manual_seed(seed)
    model = KINDS[kind](**more).double()
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -0.8, 0.8)
    return model


def some_images(counts, seed=0):
    rng = np.random.default_rng(seed)
    images = Images.of([rng.normal(size=(n, SIZE.features)) for n in counts])
    return Images(images.objects.double(), images.present)


def some_texts(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return Texts.of([(rng.permutation(SIZE.words - 4)[:n] + 4).tolist() for n in lengths])


def padded(images, texts):
    """The same with more padding, all of it rubbish instead of zeros."""
    there = nn.functional.pad(images.present, (0, 3), value=False)
    read = nn.functional.pad(texts.present, (0, 2), value=False)
    objects = nn.functional.pad(images.objects, (0, 0, 0, 3)).masked_fill(~there.unsqueeze(2), 7.0)
    return Images(objects, there), Texts(nn.functional.pad(texts.words, (0, 2)).masked_fill(~read, 9), read)


# Oracles: one pair at a time, in numpy, from the weights alone


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_states(gru, x, suffix=""):
    """Hidden states after each row of x (m, d), by the equations of torch.nn.GRU."""
    w, u, b, c = (
        getattr(gru, f"{name}_l0{suffix}").detach().numpy() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    h, found = np.zeros(u.shape[1]), []
    for row in x:
        given, kept = np.split(w @ row + b, 3), np.split(u @ h + c, 3)
        reset, update = sigmoid(given[0] + kept[0]), sigmoid(given[1] + kept[1])
        h = (1 - update) * np.tanh(given[2] + reset * kept[2]) + update * h
        found.append(h)
    return np.array(found)


def word_vectors(model, texts, t):
    return model.words.vectors.weight.detach().numpy()[texts.words[t, texts.present[t]].numpy()]


def cosine(a, b):
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


def naive_vse(model, images, texts, i, t):
    image = np.mean([row for row, there in zip(images.objects[i].numpy(), images.present[i], strict=True) if there], 0)
    f = model.of_image.weight.detach().numpy() @ image + model.of_image.bias.detach().numpy()
    g = gru_states(model.words.gru, word_vectors(model, texts, t))[-1]
    return cosine(f, g) * (1 if model.hardest else np.linalg.norm(f))


def naive_scan(model, images, texts, i, t):
    """With the attended vectors, which the model never forms."""
    weight, bias = model.of_object.weight.detach().numpy(), model.of_object.bias.detach().numpy()
    v = [weight @ row + bias for row in images.objects[i, images.present[i]].numpy()]
    v = [one / np.linalg.norm(one) for one in v]
    x = word_vectors(model, texts, t)
    forward, backward = gru_states(model.words.gru, x), gru_states(model.words.gru, x[::-1], "_reverse")[::-1]
    e = (forward + backward) / 2
    s = [[cosine(one, word) for word in e] for one in v]
    s = [[x if x > 0 else 0.1 * x for x in row] for row in s]
    s = [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in s]  # over the words, for each object
    found = []
    for j, word in enumerate(e):
        shares = [math.exp(9 * row[j]) for row in s]
        attended = sum(share / sum(shares) * one for share, one in zip(shares, v, strict=True))
        found.append(cosine(word, attended))
    if model.pooling == "mean":
        return sum(found) / len(found)
    return math.log(sum(math.exp(6 * r) for r in found)) / 6


@every_kind
@pytest.mark.parametrize("seed", range(3))
def test_similarities_are_those_of_a_loop_over_pairs(kind, seed):
    model, images, texts = built(kind, seed), some_images([3, 1, 5, 2], seed), some_texts([2, 6, 1], seed)
    naive = naive_vse if isinstance(model, VSE) else naive_scan
    expected = [[naive(model, images, texts, i, t) for t in range(3)] for i in range(4)]
    found = model.similarities(images, texts).detach().numpy()
    assert found.shape == (4, 3) and found.std() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_two_directions_are_averaged():
    torch.manual_seed(0)
    words, texts = WordGRU(SIZE, both_ways=True).double(), some_texts([4, 2])
    states, last = words(texts)
    assert states.shape == (2, 4, SIZE.embed) and last.shape == (2, SIZE.embed)
    for t in range(2):
        x = words.vectors.weight.detach().numpy()[texts.words[t, texts.present[t]].numpy()]
        ways = gru_states(words.gru, x), gru_states(words.gru, x[::-1], "_reverse")
        found = states[t].detach().numpy()
        np.testing.assert_allclose(found[: len(x)], (ways[0] + ways[1][::-1]) / 2)
        assert not found[len(x) :].any()
        np.testing.assert_allclose(last[t].detach().numpy(), (ways[0][-1] + ways[1][-1]) / 2)


# What every model obeys


@every_kind
def test_padding_changes_nothing(kind):
    model, images, texts = built(kind), some_images([3, 1, 4]), some_texts([2, 5, 1])
    longer, same = padded(images, texts), equal_texts(texts)
    torch.testing.assert_close(model.similarities(*longer), model.similarities(images, texts))
    model.loss(*longer, same).backward()
    moved = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    model.loss(images, texts, same).backward()
    torch.testing.assert_close(moved, [p.grad for p in model.parameters()])


@every_kind
def test_objects_are_a_set_and_words_a_sequence(kind):
    model, images, texts = built(kind), some_images([4, 4]), some_texts([5, 5])
    before = model.similarities(images, texts)
    turned = Images(images.objects[:, [2, 0, 3, 1]], images.present)
    torch.testing.assert_close(model.similarities(turned, texts), before)
    other = Images(images.objects.clone().index_fill_(1, torch.tensor(2), 0.5), images.present)
    assert (model.similarities(other, texts) - before).abs().min() > 1e-6
    reversed_words = Texts(texts.words.flip(1), texts.present)
    assert (model.similarities(images, reversed_words) - before).abs().min() > 1e-6


@every_kind
def test_loss_is_the_hinges_of_the_similarities(kind):
    images, texts = some_images([3, 2, 4, 1, 2]), some_texts([2, 5, 1, 3, 3]).rows([0, 1, 2, 3, 1])
    same = equal_texts(texts)
    assert same.sum() == 7  # two texts are equal
    for margin, model in ((0.2, built(kind)), (0.7, built(kind, margin=0.7))):
        expected = hinges(model.similarities(images, texts), same, margin, hardest=kind != "vse0")
        assert expected > 0
        torch.testing.assert_close(model.loss(images, texts, same), expected)


@every_kind
def test_gradients_reach_every_parameter(kind):
    model, images, texts = built(kind), some_images([3, 2, 4, 3, 2]), some_texts([3, 5, 2, 4, 6])
    model.loss(images, texts, equal_texts(texts)).backward()
    unreached = [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-10]
    assert unreached == []


@every_kind
def test_a_batch_of_equal_texts_has_nothing_to_learn(kind):
    model, images = built(kind), some_images([3, 1, 2])
    texts = Texts.of([[5, 6]] * 3)
    loss = model.loss(images, texts, equal_texts(texts))
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())


@every_kind
def test_an_image_without_objects_can_be_learned_from(kind):
    torch.manual_seed(0)
    model, texts = KINDS[kind](), some_texts([2, 3, 4])  # as it starts: no bias, so that nothing is a vector of zeros
    images = Images.of([np.empty((0, 5)), np.ones((2, 5)), np.eye(5)])
    found = model.similarities(images, texts)
    lengths = texts.present.sum(dim=1)
    expected = lengths.log() / 6 if kind == "scan-lse" else torch.zeros(3)
    torch.testing.assert_close(found[0], expected)
    model.loss(images, texts, equal_texts(texts)).backward()
    gradient = nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    assert gradient < 100  # dividing by a floor of 1e-12 would drown everything else


@every_kind
def test_training_lowers_the_loss(kind):
    torch.manual_seed(3)
    model = KINDS[kind]()
    images, texts = some_images([2, 3, 2, 1, 3, 2], seed=4), some_texts([2, 3, 2, 3, 2, 3], seed=4)
    images = Images(images.objects.float(), images.present)
    optimiser, losses = torch.optim.Adam(model.parameters(), lr=1e-2), []
    for _ in range(150):
        optimiser.zero_grad()
        loss = model.loss(images, texts, equal_texts(texts))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert (model.similarities(images, texts).argmax(dim=0) == torch.arange(6)).sum() >= 5  # chance finds one


@every_kind
@pytest.mark.parametrize("margin", [0.0, -0.1, math.nan, math.inf])
def test_a_margin_that_is_none_is_refused(kind, margin):
    with pytest.raises(ValueError, match="margin"):
        KINDS[kind](margin=margin)


# What each promises


def test_vse_pp_is_a_cosine_and_vse0_is_as_long_as_its_image():
    images, texts = some_images([3, 1, 2]), some_texts([2, 4])
    twice = Images(3 * images.objects, images.present)
    cosines, products = built("vse-pp"), built("vse0")
    for model in (cosines, products):
        nn.init.zeros_(model.of_image.bias)
    torch.testing.assert_close(cosines.similarities(twice, texts), cosines.similarities(images, texts))
    torch.testing.assert_close(products.similarities(twice, texts), 3 * products.similarities(images, texts))
    assert cosines.similarities(images, texts).abs().max() <= 1
    lengths = products.encode_images(images).norm(dim=1, keepdim=True)
    torch.testing.assert_close(products.similarities(images, texts) / lengths, cosines.similarities(images, texts))


def test_vse_sees_no_more_of_an_image_than_its_mean_object():
    model, images, texts = built("vse-pp"), some_images([4]), some_texts([3])
    mean = Images(images.objects.mean(dim=1, keepdim=True), torch.ones(1, 1, dtype=torch.bool))
    torch.testing.assert_close(model.similarities(mean, texts), model.similarities(images, texts))


def test_models_start_as_published():
    for kind in KINDS:
        torch.manual_seed(0)
        model = KINDS[kind]()
        linear = model.of_image if isinstance(model, VSE) else model.of_object
        bound = math.sqrt(6 / (5 + 6))
        assert 0.9 * bound < linear.weight.abs().max() <= bound
        assert not linear.bias.any()
        assert 0.09 < model.words.vectors.weight.abs().max() <= 0.1
        assert model.margin == 0.2
        assert (model.words.gru.num_layers, model.words.gru.hidden_size) == (1, SIZE.embed)
        assert model.words.gru.bidirectional == isinstance(model, SCAN)


def test_scan_is_in_the_range_it_promises():
    images, texts = some_images([3, 1, 5, 2]), some_texts([2, 6, 1])
    for seed in range(5):
        assert built("scan-mean", seed).similarities(images, texts).abs().max() <= 1
        mean, lse = (built(kind, seed).similarities(images, texts) for kind in ("scan-mean", "scan-lse"))
        more = texts.present.sum(dim=1).log() / 6
        assert (lse >= mean + more - 1e-12).all()  # Jensen's inequality
        assert (lse <= 1 + more).all()


def test_scan_with_one_object_is_its_mean_cosine_with_the_words():
    model, images, texts = built("scan-mean"), some_images([1]), some_texts([4])
    cosines = model.encode_texts(texts)[0] @ model.encode_images(images)[0, 0]
    assert model.similarities(images, texts).item() == pytest.approx(cosines.mean().item())


def test_attention_of_two_words_to_two_objects_by_hand():
    objects = torch.eye(2, dtype=torch.float64)[None]  # two objects at right angles
    words = torch.tensor([[[1.0, 0.0], [0.6, 0.8]]], dtype=torch.float64)
    there = torch.ones(1, 2, dtype=torch.bool)
    # cosines: object 1 has (1, .6), object 2 has (0, .8); over the words: (1, .6) / sqrt(1.36), and (0, 1)
    length = math.sqrt(1.36)
    shares = [sigmoid(9 * (1 / length - 0)), sigmoid(9 * (0.6 / length - 1))]  # of object 1, for either word
    expected = []
    for share, word in zip(shares, ((1.0, 0.0), (0.6, 0.8)), strict=True):
        expected.append((share * word[0] + (1 - share) * word[1]) / math.hypot(share, 1 - share))
    assert shares[0] > 0.99 and shares[1] < 0.02
    found = found_by_words(objects, there, words, there)
    assert found[0, 0].tolist() == pytest.approx(expected)


def test_what_points_away_counts_a_tenth():
    there = torch.ones(1, 2, dtype=torch.bool)
    objects = torch.tensor([[[-1.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
    words = torch.tensor([[[1.0, 0.0], [-0.6, 0.8]]], dtype=torch.float64)
    # cosines: object 1 has (-1, .6), leaky (-.1, .6); object 2 has (0, .8)
    length = math.hypot(0.1, 0.6)
    share = sigmoid(9 * (-0.1 / length - 0))  # of object 1 for word 1, which a plain [.]_+ would give 1/2
    assert share < 0.25
    expected = -share / math.hypot(share, 1 - share)
    assert found_by_words(objects, there, words, there)[0, 0, 0].item() == pytest.approx(expected)


def test_pooling_by_hand():
    found = torch.tensor([[[0.5, -0.5, 0.9]]], dtype=torch.float64)
    present = torch.tensor([[True, True, False]])
    assert pooled(found, present, "mean").item() == pytest.approx(0.0)
    assert pooled(found, present, "logsumexp").item() == pytest.approx(math.log(math.exp(3) + math.exp(-3)) / 6)


@pytest.mark.parametrize("kind", ["scan-mean", "scan-lse"])
@pytest.mark.parametrize("held", [1, 4 * 5 * 6, 4 * 5 * 6 * 2 + 1])
def test_scan_in_parts_is_the_whole(kind, held, monkeypatch):
    model, images, texts = built(kind), some_images([3, 1, 5, 2]), some_texts([2, 6, 1, 4, 3])
    whole, asked = model.similarities(images, texts), []
    monkeypatch.setattr(scan, "HELD_TOGETHER", held)
    monkeypatch.setattr(scan, "found_by_words", lambda *given: asked.append(len(given[2])) or found_by_words(*given))
    torch.testing.assert_close(model.similarities(images, texts), whole)
    assert asked == {1: [1] * 5, 4 * 5 * 6: [1] * 5, 4 * 5 * 6 * 2 + 1: [2, 2, 1]}[held]


def test_scan_refuses_another_pooling():
    with pytest.raises(ValueError, match="'max'.*'mean' or 'logsumexp'"):
        SCAN(SIZE, pooling="max")


def test_a_vector_of_zeros_passes_no_gradient():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    (unit(x, dim=1) @ torch.tensor([1.0, 0.0])).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([[0.0, 0.0], [16 / 125, -12 / 125]]))  # (1 - .36) / 5, -.48 / 5
