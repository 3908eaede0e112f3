"""HSL: eq. 1-12 against loops, its laws, its switches, training, and scores as one inner product."""

import math

import faiss
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from likeness.models.hsl.encoders import BiGRU, Transformer, positions
from likeness.models.hsl.hsl import HSL, Shape, Switches, object_similarity
from likeness.models.hsl.inputs import Images, Texts, equal_texts
from likeness.models.hsl.matcher import Size, projection_matching
from likeness.models.hsl.scoring import image_vectors, text_vectors
from likeness.models.hsl.training import Schedule, train

SIZE = Size(features=6, words=20, width=8, heads=2, hidden=16, embed=10, word_width=5)
KINDS = ("transformer", "gru")


def model(seed=0, **given):
    torch.manual_seed(seed)
    return HSL(SIZE, **given).double().eval()


def data(seed=0, images=5, texts=4):
    rng = np.random.default_rng(seed)
    seen = Images.of([rng.normal(size=(n, 6)) for n in rng.integers(1, 5, images)])
    said = Texts.of([rng.integers(4, 20, n).tolist() for n in rng.integers(1, 6, texts)])
    return Images(seen.objects.double(), seen.present), said


@torch.no_grad()
@pytest.mark.parametrize("aggregate", ["mean", "max"])
@pytest.mark.parametrize("branch", ["deep", "plain"])
@pytest.mark.parametrize("kind", KINDS)
def test_similarities_against_a_loop_over_pairs_and_objects(kind, branch, aggregate):
    hsl = model(kind=kind, switches=Switches(branch=branch, aggregate=aggregate))
    images, texts = data()
    found = hsl.similarities(images, texts)
    for i in range(len(images)):
        for t in range(len(texts)):
            assert float(found[i, t]) == pytest.approx(one_pair(hsl, images, texts, i, t, branch, aggregate), abs=1e-9)


def one_pair(hsl, images, texts, i, t, branch, aggregate):
    """Eq. 1-8 and 12, an object at a time, without padding."""
    x = hsl.object_in(images.objects[i, images.present[i]][None])
    w = hsl.word_in(hsl.word_vectors(texts.words[t, texts.present[t]][None]))
    total = 0.0
    for level, head in enumerate(hsl.heads):
        x = hsl.image_levels[level](x, torch.ones(x.shape[:2], dtype=torch.bool))
        w = hsl.text_levels[level](w, torch.ones(w.shape[:2], dtype=torch.bool))
        mean = w[0].mean(dim=0)
        q1, q2 = head.query_of_object(mean), head.query_of_image(mean)
        objects = [head.of_object(v) for v in x[0]]
        lengths = [float(v @ q1) / math.sqrt(float(v @ v)) for v in objects]  # eq. 5
        inner = [head.back(v.clamp(min=0)) for v in objects] if branch == "deep" else list(x[0])
        weights = torch.softmax(torch.cat([head.attention(v) for v in inner]), dim=0)  # eq. 6
        whole = head.of_image(sum(weight * v for weight, v in zip(weights, inner, strict=True)))  # eq. 7
        of_object = max(lengths) if aggregate == "max" else sum(lengths) / len(lengths)  # eq. 4
        total += [0.5, 1.0][level] * (of_object + float(whole @ q2) / math.sqrt(float(whole @ whole)))  # eq. 8, 12
    return total


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind):
    hsl = model(kind=kind)
    images, texts = data()
    wide = Images(F.pad(images.objects, (0, 0, 0, 3), value=7.0), F.pad(images.present, (0, 3)))
    long = Texts(F.pad(texts.words, (0, 2), value=5), F.pad(texts.present, (0, 2)))
    torch.testing.assert_close(hsl.similarities(wide, long), hsl.similarities(images, texts))


@torch.no_grad()
def test_without_positions_words_and_objects_are_sets():
    images, texts = data()
    turned = Texts(texts.words.clone(), texts.present)
    for row, n in enumerate(texts.present.sum(dim=1).tolist()):
        turned.words[row, :n] = texts.words[row, :n].flip(0)
    last = Images(images.objects.clone(), images.present)
    for row, n in enumerate(images.present.sum(dim=1).tolist()):
        last.objects[row, :n] = images.objects[row, :n].flip(0)
    bag, placed, gru = model(), model(switches=Switches(positions=True)), model(kind="gru")
    torch.testing.assert_close(bag.similarities(last, turned), bag.similarities(images, texts))
    for ordered in (placed, gru):
        assert (ordered.similarities(images, turned) - ordered.similarities(images, texts)).abs().max() > 1e-4


def test_object_similarity_by_hand():
    seen = F.normalize(torch.tensor([[[3.0, 4.0], [1.0, 0.0], [9.0, 9.0]]]), dim=2)
    present, asked = torch.tensor([[True, True, False]]), torch.tensor([[5.0, 0.0], [0.0, 10.0]])
    torch.testing.assert_close(object_similarity(seen, present, asked, "mean"), torch.tensor([[4.0, 4.0]]))
    torch.testing.assert_close(object_similarity(seen, present, asked, "max"), torch.tensor([[5.0, 8.0]]))


@torch.no_grad()
def test_scaling_an_object_embedding_changes_nothing_and_scaling_a_text_does():
    hsl = model(switches=Switches(branch="plain"))
    images, texts = data()
    before = hsl.similarities(images, texts)
    for head in hsl.heads:
        head.of_object.weight *= 3
        head.of_object.bias *= 3
    torch.testing.assert_close(hsl.similarities(images, texts), before)
    for head in hsl.heads:
        head.query_of_object.weight *= 3
        head.query_of_object.bias *= 3
    assert (hsl.similarities(images, texts) - before).abs().max() > 1e-3
    cosine = model(switches=Switches(normalised_text=True))
    assert cosine.similarities(images, texts).abs().max() <= 2 * 1.5 + 1e-9  # four cosines, levels of .5 and 1


@torch.no_grad()
def test_parts_add_up_and_a_single_part_is_a_model_of_its_own():
    hsl = model()
    images, texts = data()
    parts = hsl.parts(hsl.encode_images(images), hsl.encode_texts(texts))
    assert [weight for weight, _ in parts] == [0.5, 0.5, 1.0, 1.0]
    torch.testing.assert_close(sum(w * part for w, part in parts), hsl.similarities(images, texts))
    one = model(shape=Shape(scored=(2,), granularities=("image",)))
    assert len(one.parts(one.encode_images(images), one.encode_texts(texts))) == 1
    assert len(model(shape=Shape(scored=(1,))).image_levels) == 1  # level 2 is not built for it


@pytest.mark.parametrize("direction", ["images", "texts"])
def test_loss_is_the_sum_over_levels_and_granularities(direction):
    hsl = model(switches=Switches(direction=direction))
    images, texts = data(texts=5)
    same = equal_texts(texts)
    parts = hsl.parts(hsl.encode_images(images), hsl.encode_texts(texts))
    wanted = sum(weight * projection_matching(part, same, direction) for weight, part in parts)
    torch.testing.assert_close(hsl.loss(images, texts, same), wanted)


@pytest.mark.parametrize("given", [
    {}, {"kind": "gru"}, {"shape": Shape(levels=3)}, {"shape": Shape(scored=(2,), granularities=("object",))},
    {"switches": Switches(direction="texts", attention="own", branch="plain")},
    {"switches": Switches(positions=True, normalised_text=True, aggregate="max")},
])  # fmt: skip
def test_gradients_reach_every_weight(given):
    hsl = model(**given).train()
    images, texts = data(texts=5)
    hsl.loss(images, texts, equal_texts(texts)).backward()
    still = [name for name, p in hsl.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # adding one number to all attention scores changes no softmax
    assert [name for name in still if not name.endswith("attention.2.bias")] == []


def test_attention_is_shared_or_own():
    def attentions(hsl):
        return {id(head.attention) for head in hsl.heads}

    assert len(attentions(model())) == 1
    assert len(attentions(model(switches=Switches(attention="own")))) == 2


@pytest.mark.parametrize(("shape", "message"), [
    (Shape(scored=(3,)), "scored levels"), (Shape(scored=()), "scored levels"), (Shape(scored=(1, 1)), "each once"),
    (Shape(image_layers=(1,)), "as many numbers of layers"), (Shape(granularities=("pixel",)), "granularities"),
])  # fmt: skip
def test_impossible_shapes_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        HSL(SIZE, shape=shape)


def test_encoders_have_the_layers_and_the_width_asked_for():
    three = Transformer(SIZE, 3).layers
    assert len(three) == 3
    assert not torch.equal(three[0].linear1.weight, three[1].linear1.weight)  # no copies of one
    x, present = torch.randn(2, 4, 8), torch.tensor([[True] * 4, [True, False, False, False]])
    out = BiGRU(8)(x, present)
    assert out.shape == x.shape and not out[1, 1:].any()
    by_hand = [math.sin(2), math.cos(2), math.sin(0.02), math.cos(0.02)]
    np.testing.assert_allclose(positions(3, 4)[2], by_hand, rtol=1e-6)  # float32


@pytest.mark.parametrize("shape", [Shape(), Shape(scored=(1,)), Shape(granularities=("image",)), Shape(levels=3)])
def test_the_hierarchical_similarity_is_one_inner_product(shape):
    hsl = model(shape=shape).float()
    images, texts = data(images=40)
    images = Images(images.objects.float(), images.present)
    x, y = image_vectors(hsl, images), text_vectors(hsl, texts)
    with torch.no_grad():
        exact = hsl.similarities(images, texts).numpy()
    np.testing.assert_allclose(x @ y.T, exact, atol=1e-5)  # sums of 40 products of numbers near 1 in float32
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(x)
    np.testing.assert_array_equal(index.search(y, 5)[1], np.argsort(-exact.T, axis=1)[:, :5])


def test_training_learns_what_there_is_to_learn_and_repeats_itself():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, 64)
    centres = rng.normal(size=(4, 6))
    images = Images.of([centres[k] + 0.1 * rng.normal(size=(2, 6)) for k in kind])
    texts = Texts.of([[4 + k] for k in kind])
    schedule, seen = Schedule(epochs=6, batch=16, rate=5e-3), []
    losses = []
    for _ in range(2):
        torch.manual_seed(0)
        hsl = HSL(SIZE)
        losses.append(train(hsl, images, texts, schedule, 0, seen.append))
    assert losses[0] == losses[1] and seen == [1, 2, 3, 4, 5, 6] * 2
    assert losses[0][-1] < 0.7 * losses[0][0]
    with torch.no_grad():
        found = hsl.similarities(images, texts.rows([int(np.flatnonzero(kind == k)[0]) for k in range(4)]))
    assert (found.argmax(dim=1).numpy() == kind).mean() > 0.9


def test_bad_schedules_and_data_are_refused():
    images, texts = data()
    with pytest.raises(ValueError, match="expected as many"):
        train(HSL(SIZE), images, texts, Schedule(), 0)
    with pytest.raises(ValueError, match="decay in"):
        Schedule(decay=0.0)
    images = Images(images.objects.float(), images.present)
    with pytest.raises(ValueError, match="epoch 1: loss nan.*diverged"):
        broken = HSL(SIZE)
        broken.object_in.weight.data.fill_(torch.nan)
        train(broken, images.rows(range(4)), texts, Schedule(epochs=1, batch=4), 0)
