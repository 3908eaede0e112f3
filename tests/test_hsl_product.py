"""The rivals made for product retrieval: laws of padding, sets and sequences, naive loops, and hand-worked losses."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from likeness.models.hsl import joint, word_matching
from likeness.models.hsl.coattention import MCAN
from likeness.models.hsl.cross_attention import LXMERT, CrossModality
from likeness.models.hsl.inputs import Images, Texts, equal_texts
from likeness.models.hsl.joint import Encoded, JointMatcher, draw_negatives
from likeness.models.hsl.matcher import Size, projection_matching
from likeness.models.hsl.single_stream import VisualBERT
from likeness.models.hsl.vocabulary import END, PAD, START
from likeness.models.hsl.word_matching import WordMatching, captions, word_similarity

SIZE = Size(features=5, words=15, width=8, heads=2, hidden=12, embed=6, word_width=7)
FEW = {
    MCAN: {"text_layers": 1, "object_layers": 2},
    VisualBERT: {"layers": 2},
    LXMERT: {"text_layers": 1, "object_layers": 1, "cross_layers": 2},
    WordMatching: {"object_layers": 1, "text_layers": 1, "caption_layers": 2},
}
JOINT = [MCAN, VisualBERT, LXMERT]
ALL = [*JOINT, WordMatching]


def built(kind, seed=0, **options):
    """A small model in double precision, so that laws hold to rounding, without dropout unless train() is called."""
    torch.manual_seed(seed)
    return kind(SIZE, **(FEW[kind] | options)).double().eval()


def some_images(counts, seed=0):
    rng = torch.Generator().manual_seed(seed)
    present = torch.arange(max(counts)) < torch.tensor(counts)[:, None]
    objects = torch.randn(len(counts), max(counts), SIZE.features, generator=rng, dtype=torch.float64)
    return Images(objects * present.unsqueeze(2), present)


def some_texts(lengths, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return Texts.of([torch.randperm(SIZE.words - 4, generator=rng)[:n].add(4).tolist() for n in lengths])


def padded(images, texts, objects=3, words=2):
    """The same with more padding, which holds rubbish instead of zeros."""
    n, m = images.objects.shape[1], texts.words.shape[1]
    noise = torch.full((len(images), objects, SIZE.features), 7.0, dtype=torch.float64)
    longer = torch.cat([images.objects, noise], dim=1)
    there = nn.functional.pad(images.present, (0, objects), value=False)
    said = nn.functional.pad(texts.words, (0, words), value=9)
    read = nn.functional.pad(texts.present, (0, words), value=False)
    assert longer.shape[1] == n + objects and said.shape[1] == m + words
    return (
        Images(longer.masked_fill(~there.unsqueeze(2), 7.0), there),
        Texts(said.masked_fill(~read, 9), read),
    )


# What every model obeys


@pytest.mark.parametrize("kind", ALL)
def test_longer_padding_changes_nothing(kind):
    model, images, texts = built(kind), some_images([3, 1, 4]), some_texts([2, 5, 1])
    longer = padded(images, texts)
    torch.testing.assert_close(model.similarities(*longer), model.similarities(images, texts))
    with torch.no_grad():  # torch has another implementation for inference
        torch.testing.assert_close(model.similarities(*longer), model.similarities(images, texts))
    twin = copy.deepcopy(model)  # draws the same negatives
    same = equal_texts(texts)
    torch.testing.assert_close(model.loss(*longer, same), twin.loss(images, texts, same))
    if kind in JOINT:  # the pairs as they stand, not trimmed to the longest
        torch.testing.assert_close(model.score(*longer), model.score(images, texts))


@pytest.mark.parametrize("kind", ALL)
def test_objects_are_a_set_and_words_a_sequence(kind):
    model, images, texts = built(kind), some_images([4, 4]), some_texts([5, 5])
    order = torch.tensor([2, 0, 3, 1])
    before = model.similarities(images, texts)
    turned = Images(images.objects[:, order], images.present)
    torch.testing.assert_close(model.similarities(turned, texts), before)
    other = Images(images.objects.clone().index_fill_(1, torch.tensor(2), 0.5), images.present)
    assert (model.similarities(other, texts) - before).abs().min() > 1e-6
    reversed_words = Texts(texts.words.flip(1), texts.present)
    assert (model.similarities(images, reversed_words) - before).abs().min() > 1e-6


@pytest.mark.parametrize("kind", ALL)
def test_similarities_are_those_of_single_pairs(kind, monkeypatch):
    model, images, texts = built(kind), some_images([2, 3, 1, 5]), some_texts([4, 1, 3])
    alone = [[model.similarities(images.rows([i]), texts.rows([t])).item() for t in range(3)] for i in range(4)]
    expected = torch.tensor(alone, dtype=torch.float64)
    assert expected.std() > 1e-4
    torch.testing.assert_close(model.similarities(images, texts), expected)
    monkeypatch.setattr(joint, "COMPARED_TOGETHER", 5)  # chunks that end within an image's row
    monkeypatch.setattr(word_matching, "HELD_TOGETHER", 5 * 3 * 4 * 2)  # two images at a time
    torch.testing.assert_close(model.similarities(images, texts), expected)
    if kind in JOINT:
        torch.testing.assert_close(model.score(images.rows([0, 1, 2]), texts), expected[:3].diagonal())


@pytest.mark.parametrize("kind", ALL)
def test_gradients_reach_every_parameter(kind):
    model, images, texts = built(kind).train(), some_images([3, 2, 4, 3, 2]), some_texts([3, 5, 2, 4, 6])
    model.loss(images, texts, equal_texts(texts)).backward()
    # in double precision a gradient that is zero by law (a shift of all scores) stays below 1e-15
    unreached = [n for n, p in model.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-10]
    assert unreached == []


@pytest.mark.parametrize("kind", ALL)
def test_training_lowers_the_loss(kind):
    torch.manual_seed(3)
    # no dropout: a single stream this narrow needs hundreds of steps with it; all negatives: no luck of the draw
    every = {"negatives": 5} if kind in JOINT else {}
    model = kind(replace(SIZE, width=16, hidden=32, dropout=0.0), **(FEW[kind] | every))
    images, texts = some_images([2, 3, 2, 1, 3, 2], seed=4), some_texts([2, 3, 2, 3, 2, 3], seed=4)
    images = Images(images.objects.float(), images.present)
    same = equal_texts(texts)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses: list[float] = []
    while len(losses) < 10 or sum(losses[-5:]) > 0.2 * sum(losses[:5]):
        assert len(losses) < 250, f"loss still {losses[-5:]} after {losses[:5]}"
        optimiser.zero_grad()
        loss = model.loss(images, texts, same)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    with torch.no_grad():
        best = model.eval().similarities(images, texts).argmax(dim=0)
    assert (best == torch.arange(6)).sum() >= 5  # chance finds one


def layers_of(model, kind):
    return sum(isinstance(module, kind) for module in model.modules())


@pytest.mark.parametrize("kind", ALL)
def test_by_default_a_rival_has_the_ten_layers_of_hsl(kind):
    model = kind(SIZE)
    guided = model.guided.layers if kind is MCAN else []
    assert layers_of(model, nn.TransformerEncoderLayer) + len(guided) == 10


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (MCAN, {"object_layers": 0}),
        (VisualBERT, {"layers": 0}),
        (LXMERT, {"cross_layers": 0}),
        (VisualBERT, {"negatives": 0}),
        (WordMatching, {"captioning": -0.5}),
        (WordMatching, {"captioning": math.nan}),
    ],
)
def test_options_that_cannot_learn_are_refused(kind, wrong):
    (name, value), *_ = wrong.items()
    with pytest.raises(ValueError, match=f"{name} {value}"):
        built(kind, **wrong)


# Models that look at both together


def test_negatives_are_images_of_other_texts_each_once():
    draws = torch.Generator().manual_seed(5)
    for _ in range(50):
        n = int(torch.randint(2, 9, (1,), generator=draws))
        group = torch.randint(0, 4, (n,), generator=draws)
        same = group[:, None] == group[None, :]
        drawn, found = draw_negatives(same, 3, draws)
        assert drawn.shape == found.shape == (n, min(3, n - 1))
        for i in range(n):
            row = drawn[i][found[i]].tolist()
            assert i not in row and not any(same[i, j] for j in row)
            assert len(set(row)) == len(row) == min(3, int((~same[i]).sum()))


def test_negatives_leave_out_the_own_image_even_where_same_does_not_say_so():
    drawn, found = draw_negatives(torch.zeros(3, 3, dtype=torch.bool), 3, torch.Generator())
    assert found.all() and drawn.sort(dim=1).values.tolist() == [[1, 2], [0, 2], [0, 1]]


def test_every_negative_is_equally_likely():
    draws = torch.Generator().manual_seed(6)
    same = torch.eye(5, dtype=torch.bool)
    same[0, 4] = same[4, 0] = True
    drawn = torch.cat([draw_negatives(same, 2, draws)[0][0] for _ in range(3000)])
    counts = torch.bincount(drawn, minlength=5)
    assert counts[0] == counts[4] == 0
    # 3000 draws of 2 out of 3: each 2000 times, standard deviation 26
    assert (counts[1:4] - 2000).abs().max() < 130


class Product(JointMatcher):
    """Score of a pair: its only feature times its only word's number."""

    def encode_images(self, images):
        return Encoded(images.objects, images.present)

    def encode_texts(self, texts):
        return Encoded(texts.words.unsqueeze(2).float(), texts.present)

    def compare(self, objects, words):
        return objects.vectors[:, 0, 0] * words.vectors[:, 0, 0]


def test_loss_by_hand():
    images = Images(torch.tensor([[[0.1]], [[0.3]], [[0.2]]]), torch.ones(3, 1, dtype=torch.bool))
    texts = Texts.of([[10], [5], [10]])
    # text 0 (10): own 1, of the others only image 1, 3, for text 2 says the same; text 1 (5): own 1.5, others .5 and 1;
    # text 2 (10): own 2, image 1 again, 3
    first, last = math.log(1 + math.exp(2)), math.log(1 + math.exp(1))
    middle = math.log(1 + math.exp(-1.0) + math.exp(-0.5))
    got = Product(negatives=2).loss(images, texts, equal_texts(texts))
    assert float(got) == pytest.approx((first + middle + last) / 3, rel=1e-6)
    # with one negative text 1 meets one of its two
    got = float(Product(negatives=1).loss(images, texts, equal_texts(texts)))
    either = [(first + math.log(1 + math.exp(gap)) + last) / 3 for gap in (-1.0, -0.5)]
    assert min(abs(got - one) for one in either) < 1e-6


@pytest.mark.parametrize("kind", JOINT)
def test_with_all_negatives_the_loss_is_that_of_projection_matching(kind):
    images, texts = some_images([3, 2, 1, 4]), some_texts([2, 4, 3, 3])
    texts = texts.rows([0, 1, 2, 1])  # two say the same
    model, same = built(kind, negatives=3), equal_texts(texts)
    expected = projection_matching(model.similarities(images, texts), same, "images")
    torch.testing.assert_close(model.loss(images, texts, same), expected)
    assert abs(projection_matching(model.similarities(images, texts), same, "texts") - expected) > 1e-6


def test_draws_come_from_the_seed_alone_and_change_from_step_to_step():
    images, texts = some_images([2] * 8), some_texts([3] * 8)
    same = equal_texts(texts)

    def losses(seed, globally):
        model = built(MCAN, negatives=1, seed=seed)
        torch.manual_seed(globally)
        return [model.loss(images, texts, same).item() for _ in range(4)]

    first = losses(1, 10)
    assert first == losses(1, 20) and len(set(first)) > 1
    assert first != losses(2, 10)


@pytest.mark.parametrize("kind", JOINT)
@pytest.mark.parametrize("n", [1, 3])
def test_without_a_negative_the_loss_is_zero_and_teaches_nothing(kind, n):
    images, texts = some_images([2, 3, 1]).rows(range(n)), some_texts([3]).rows([0] * n)
    model = built(kind)
    loss = model.loss(images, texts, equal_texts(texts))
    loss.backward()
    assert loss.item() == 0.0
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())


def test_unequal_numbers_are_no_pairs():
    model, images, texts = built(VisualBERT), some_images([2, 3]), some_texts([3])
    with pytest.raises(ValueError, match="2 images, 1 texts"):
        model.score(images, texts)
    with pytest.raises(ValueError, match="2 images, 1 texts, 1 rows"):
        model.loss(images, texts, equal_texts(texts))


class Untouched(nn.Module):
    """Stands for a transformer or a cross-modality layer that changes nothing."""

    def forward(self, x, other):
        return (x, other) if isinstance(x, Encoded) else x


@pytest.mark.parametrize(("kind", "layers"), [(VisualBERT, ["stream"]), (LXMERT, ["text_encoder", "last"])])
def test_the_score_is_read_off_cls(kind, layers):
    model, images, texts = built(kind), some_images([2, 1]), some_texts([3, 1])
    for name in layers:
        setattr(model, name, Untouched())
    model.exchanges = nn.ModuleList()
    torch.testing.assert_close(model.score(images, texts), model.head(model.cls).expand(2))


def test_visual_bert_marks_words_and_objects_as_such():
    model, images, texts = built(VisualBERT), some_images([3, 2]), some_texts([3, 2])
    model.loss(images, texts, equal_texts(texts)).backward()
    assert (model.segments.weight.grad.abs().amax(dim=1) > 1e-10).all()


def test_in_a_cross_modality_layer_each_side_looks_at_the_other_as_it_was():
    torch.manual_seed(8)
    layer = CrossModality(SIZE).double().eval()
    images, texts = some_images([3, 2]), some_texts([4, 1])
    words = Encoded(torch.randn(2, 4, SIZE.width, dtype=torch.float64), texts.present)
    objects = Encoded(torch.randn(2, 3, SIZE.width, dtype=torch.float64), images.present)
    _, seen = layer(words, objects)
    for parameter in layer.of_words.parameters():  # what becomes of the words is nothing to the objects of this layer
        nn.init.normal_(parameter)
    torch.testing.assert_close(layer(words, objects)[1].vectors, seen.vectors)
    louder = Encoded(words.vectors * torch.arange(4, dtype=torch.float64).view(1, 4, 1), words.present)
    assert (layer(louder, objects)[1].vectors - seen.vectors)[0].abs().min() > 1e-9  # while the words before it matter


# Word matching and captions


def test_word_similarity_by_hand():
    objects = torch.tensor([[[1.0, 0.0], [0.0, 2.0]], [[-3.0, 0.0], [9.0, 9.0]]])
    there = torch.tensor([[True, True], [True, False]])
    words = torch.tensor([[[5.0, 0.0], [1.0, 1.0]], [[1.0, 0.0], [9.0, 9.0]]])
    read = torch.tensor([[True, True], [True, False]])
    r = math.sqrt(0.5)
    # the second image has one object, opposite to the word (1, 0): a padded object must not give it cosine 0
    expected = torch.tensor([[(1 + r) / 2, 1.0], [(-1 - r) / 2, -1.0]])
    torch.testing.assert_close(word_similarity(objects, there, words, read), expected)


def test_word_similarity_equals_the_loop():
    images, texts = some_images([3, 1, 4, 2]), some_texts([2, 5, 3])
    rng = torch.Generator().manual_seed(7)
    words = torch.randn(3, 5, SIZE.features, generator=rng, dtype=torch.float64)
    got = word_similarity(images.objects, images.present, words, texts.present)
    cosine = nn.CosineSimilarity(dim=0)
    for i in range(4):
        for t in range(3):
            seen, said = images.objects[i][images.present[i]], words[t][texts.present[t]]
            best = [max(float(cosine(v, w)) for v in seen) for w in said]
            assert float(got[i, t]) == pytest.approx(sum(best) / len(best), rel=1e-12)


def test_captions_have_their_marks_once():
    texts = Texts.of([[7], [START, 8, 9, END], [7, 8, 9], [START, 8], [8, END], [START, END], [END]])
    inputs, targets, present = captions(texts)
    rows = [row[there].tolist() for row, there in zip(inputs, present, strict=True)]
    assert rows == [[START, 7], [START, 8, 9], [START, 7, 8, 9], [START, 8], [START, 8], [START], [START]]
    rows = [row[there].tolist() for row, there in zip(targets, present, strict=True)]
    assert rows == [[7, END], [8, 9, END], [7, 8, 9, END], [8, END], [8, END], [END], [END]]
    assert not targets[~present].any()
    marked = captions(Texts.of([[START, 7, END], [START, 8, 9, END]]))
    assert all(torch.equal(a, b) for a, b in zip(marked, captions(Texts.of([[7], [8, 9]])), strict=True))


@pytest.mark.parametrize("ends", [False, True])
def test_caption_loss_equals_the_loop_over_words(ends):
    model, images = built(WordMatching), some_images([3, 1, 4])
    said = [[7], [8, 9, 10, 5], [6, 6]]
    texts = Texts.of([[START, *one, END] if ends else one for one in said])
    terms = []
    for i, one in enumerate(said):
        seen = model.encode_images(images.rows([i]))
        for at, target in enumerate([*one, END]):
            state = model.decode(seen, torch.tensor([[START, *one[:at]]]))[0, -1]
            terms.append(-model.next_word(state).log_softmax(dim=0)[target].item())
    got = model.caption_loss(model.encode_images(images), texts)
    assert len(terms) == 10
    assert got.item() == pytest.approx(sum(terms) / len(terms), rel=1e-9)


def test_the_loss_is_matching_plus_weighted_captioning():
    images, texts = some_images([3, 1, 4]), some_texts([2, 3, 2])
    model, same = built(WordMatching, captioning=0.25), equal_texts(texts)
    matching = projection_matching(model.similarities(images, texts), same, "images")
    caption = model.caption_loss(model.encode_images(images), texts)
    torch.testing.assert_close(model.loss(images, texts, same), matching + 0.25 * caption)


def test_a_later_word_says_nothing_of_earlier_ones():
    model, images = built(WordMatching), some_images([3])
    seen = model.encode_images(images)
    words = torch.tensor([[START, 7, 8, 9, 10]])
    before = model.decode(seen, words)
    for at in range(1, 5):
        changed = words.clone()
        changed[0, at] = 5
        after = model.decode(seen, changed)
        torch.testing.assert_close(after[:, :at], before[:, :at])
        assert (after[:, at:] - before[:, at:]).abs().amax(dim=2).min() > 1e-6


@pytest.mark.parametrize("n", [1, 3])
def test_word_matching_without_a_negative_learns_captions_alone(n):
    images, texts = some_images([2, 3, 1]).rows(range(n)), some_texts([3]).rows([0] * n)
    model = built(WordMatching)
    loss = model.loss(images, texts, equal_texts(texts))
    torch.testing.assert_close(loss, model.caption_loss(model.encode_images(images), texts))
    loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    assert not model.of_word.weight.grad.any()


def test_similarities_of_word_matching_stay_within_the_scale():
    model = built(WordMatching)
    found = model.similarities(some_images([3, 4, 1]), some_texts([4, 2, 1]))
    assert found.abs().max() <= 1 / word_matching.TEMPERATURE + 1e-9
    assert model.log_scale.exp().item() == pytest.approx(1 / word_matching.TEMPERATURE)


def test_padding_is_predicted_by_nobody():
    inputs, targets, present = captions(some_texts([1, 4]))
    assert inputs.shape == (2, 5)
    assert targets[0].tolist()[1:] == [END, PAD, PAD, PAD]
    assert present.sum(dim=1).tolist() == [2, 5]
