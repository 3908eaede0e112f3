"""The compositions: numpy oracles of their formulas, counts of the paper, laws of rotation, gradients, bad input."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from likeness.models.compose.composition import (
    NAMES,
    TIRG,
    ComposeAE,
    ComposeTransformers,
    Concatenation,
    ImageOnly,
    TextOnly,
    build,
)

D, H, B = 16, 6, 5
every = pytest.mark.parametrize("name", NAMES)
turning = pytest.mark.parametrize("name", ["compose-ae", "compose-transformers"])


def count(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def built(name, seed=0, image=D, text=H):
    """In double precision, in eval mode, with running means and variances that are not 0 and 1."""
    torch.manual_seed(seed)
    model = build(name, image, text).double().eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.normal_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.bias)
    return model


def batch(seed=0, n=B, image=D, text=H):
    rng = torch.Generator().manual_seed(seed)
    return (torch.randn(n, width, generator=rng, dtype=torch.float64) for width in (image, text))


# Oracles: numpy, from the weights, in the order of the published layers


def relu(x):
    return np.maximum(x, 0)


def norm(x, layer):
    mean, variance = layer.running_mean.numpy(), layer.running_var.numpy()
    return (x - mean) / np.sqrt(variance + layer.eps) * layer.weight.detach().numpy() + layer.bias.detach().numpy()


def linear(x, layer):
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def layers(sequence):
    """Those with weights."""
    return [layer for layer in sequence if list(layer.parameters())]


def rectified(x, sequence):
    first, inner, outer = layers(sequence)
    return linear(relu(linear(relu(norm(x, first)), inner)), outer)


def rotated(z, q, turn, sign):
    (first, inner, outer), (first_q, inner_q, outer_q) = layers(turn.gamma), layers(turn.mu)
    length = linear(relu(linear(norm(z, first), inner)), outer)
    angle = linear(relu(linear(norm(q, first_q), inner_q)), outer_q)
    turned = length * np.exp(sign * 1j * angle)  # the complex product that the real code splits
    return length, angle, turned.real, turned.imag


def oracle(model, z, q, sign=1):
    both = np.concatenate([z, q], axis=1)
    if isinstance(model, ImageOnly):
        return z
    if isinstance(model, TextOnly):
        return linear(q, model.linear)
    if isinstance(model, Concatenation):
        one, two, three, four = layers(model.perceptron)
        return linear(relu(norm(linear(relu(norm(both, one)), two), three)), four)
    if isinstance(model, TIRG):
        first, gate = layers(model.gate)
        open_, (w_g, w_r) = 1 / (1 + np.exp(-linear(relu(norm(both, first)), gate))), model.weights.detach().numpy()
        return w_g * open_ * z + w_r * rectified(both, model.residual)
    if isinstance(model, ComposeTransformers):
        first, outer = layers(model.rho)
        phi = np.concatenate(rotated(z, q, model.turn, sign)[2:], axis=1)
        return model.a.item() * linear(relu(norm(phi, first)), outer)
    w_c, w_r = model.weights.detach().numpy()
    phi = np.concatenate(rotated(z, q, model.turn, sign)[2:], axis=1)
    length, angle, real, imaginary = rotated(z, q, model.turn_conv, sign)
    stretches = convolved(np.stack([length, angle, z, real, imaginary], axis=1), model.stretches[0])
    return w_r * rectified(phi, model.rho) + w_c * rectified(stretches, model.rho_conv)


def convolved(x, layer):
    """A convolution of width 3 with zeros at the ends, then the largest number of each of 16 stretches."""
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    n, width = len(x), x.shape[2]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1)))
    out = np.zeros((n, len(weight), width))
    for at in range(width):
        out[:, :, at] = np.einsum("bcw,ocw->bo", padded[:, :, at : at + 3], weight) + bias
    ends = [(i * width // 16, -(-(i + 1) * width // 16)) for i in range(16)]
    return np.stack([out[:, :, a:b].max(axis=2) for a, b in ends], axis=2).reshape(n, -1)


@every
@pytest.mark.parametrize("image", [16, 24, 40])
def test_theta_is_the_formula(name, image):
    model = built(name, image=image)
    z, q = batch(image=image)
    with torch.no_grad():
        found = model(z, q)
    assert found.shape == (B, image)
    np.testing.assert_allclose(found.numpy(), oracle(model, z.numpy(), q.numpy()), rtol=1e-9, atol=1e-9)  # doubles


@turning
def test_theta_star_has_the_conjugate_of_phi(name):
    model = built(name)
    z, q = batch()
    with torch.no_grad():
        back, forth = model.reverse(z, q), model(z, q)
    np.testing.assert_allclose(back.numpy(), oracle(model, z.numpy(), q.numpy(), -1), rtol=1e-9, atol=1e-9)
    assert not torch.allclose(back, forth)


@every
def test_what_each_gives(name):
    model = built(name)
    z, q = batch()
    theta = model(z, q)
    if name.startswith("compose"):
        z_hat, q_hat = model.reconstruct(theta)
        assert (z_hat.shape, q_hat.shape) == (z.shape, q.shape)
        assert model.reverse(z, q).shape == z.shape
    else:
        assert model.reconstruct(theta) is None
        assert model.reverse(z, q) is None


def test_the_counts_of_the_paper():
    """Section 4.2: .89M of the composition, .3M of the reconstruction; 45.7M with 21.8M (DeiT-S) and 22.7M (MiniLM)."""
    model = build("compose-transformers", 384, 384)
    composition, rebuilt = count(model.turn, model.rho), count(model.d_image, model.d_text)
    assert (composition, rebuilt) == (889_728, 297_216)
    assert count(model) == composition + rebuilt + 1  # a
    assert (f"{composition / 1e6:.2f}", f"{rebuilt / 1e6:.1f}") == ("0.89", "0.3")
    assert round(21.8 + 22.7 + (composition + rebuilt) / 1e6, 1) == 45.7


def test_the_counts_of_the_parents():
    """By hand from the published layers at d = 512: TIRG with h = 512, ComposeAE with h = 768 and 64 channels."""
    both = 1024
    gate, residual = 2 * both + both * 512 + 512, 2 * both + both * both + both + both * 512 + 512
    assert count(build("tirg", 512, 512)) == gate + residual + 2  # [4] has two more weights that nothing reads
    square = 512 * 512 + 512
    rotation = 2 * 512 + 2 * square + 2 * 768 + (768 * 512 + 512) + square
    rho = 2 * 1024 + (1024 * 512 + 512) + square
    convolution = 5 * 64 * 3 + 64
    decoders = (2 * 512 + 2 * square) + (2 * 512 + 512 * 768 + 768 + 768 * 768 + 768)
    assert count(build("compose-ae", 512, 768)) == 2 * rotation + 2 * rho + convolution + decoders + 2


def test_the_channels_of_both_releases():
    assert ComposeAE(512, 768).stretches[0].out_channels == 64
    assert ComposeAE(384, 384).stretches[0].out_channels == 48  # the module that [2] has and does not use


def test_dropout_is_where_it_is_published():
    assert [layer.p for layer in ComposeTransformers(8, 8).turn.gamma if hasattr(layer, "p")] == [0.3, 0.0]
    assert [layer.p for layer in ComposeTransformers(8, 8).rho if hasattr(layer, "p")] == [0.25]
    assert [layer.p for layer in ComposeAE(8, 8).turn.gamma if hasattr(layer, "p")] == [0.0, 0.5]
    assert not any(hasattr(layer, "p") for layer in ComposeTransformers(8, 8).turn.mu)
    assert [layer.p for layer in Concatenation(8, 8).perceptron if hasattr(layer, "p")] == [0.1]


def test_the_scales_and_weights_of_the_releases():
    assert {name: build(name, 8, 8).first_scale for name in NAMES} == dict.fromkeys(NAMES, 4.0) | {
        "compose-transformers": 1.0
    }
    assert TIRG(8, 8).weights.tolist() == ComposeAE(8, 8).weights.tolist() == [1.0, 10.0]
    assert ComposeTransformers(8, 8).a.item() == 10.0


def test_a_rotation_keeps_lengths_and_turns_back():
    turn = built("compose-transformers").turn
    z, q = batch()
    with torch.no_grad():
        length, angle, real, imaginary = turn(z, q, 1.0)
        _, _, same, opposite = turn(z, q, -1.0)
    torch.testing.assert_close(real**2 + imaginary**2, length**2)
    assert torch.equal(same, real)
    assert torch.equal(opposite, -imaginary)
    back = torch.complex(real, imaginary) * torch.polar(torch.ones_like(angle), -angle)
    torch.testing.assert_close(back, torch.complex(length, torch.zeros_like(length)))


def test_tirg_with_an_open_gate_and_no_residual_is_the_image():
    model = built("tirg")
    z, q = batch()
    with torch.no_grad():
        model.weights[1] = 0.0
        model.gate[-1].bias.fill_(50.0)  # sigmoid(50) is 1 to the last bit, whatever the other terms of order 1 add
        torch.testing.assert_close(model(z, q), z)


def test_image_only_and_text_only_read_one_side():
    z, q = batch()
    other = torch.zeros_like
    image, text = built("image"), built("text")
    assert torch.equal(image(z, q), z)
    assert torch.equal(image(z, other(q)), image(z, q))
    assert torch.equal(text(other(z), q), text(z, q))
    assert not list(image.parameters())


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("image", "text")])
def test_the_others_read_both(name):
    model = built(name)
    z, q = batch()
    assert not torch.allclose(model(z.flip(0), q), model(z, q))
    assert not torch.allclose(model(z, q.flip(0)), model(z, q))


@pytest.mark.parametrize("training", [True, False])
def test_a_is_inert(training):
    """It changes no cosine; and in training, where BN has the batch's own mean and variance, no reconstruction."""
    model = built("compose-transformers").train(training)
    model.rho[2].p = model.turn.gamma[1].p = 0.0  # no dropout: the two runs would differ by it
    z, q = batch(n=40)
    theta = model(z, q)
    rebuilt = model.reconstruct(theta)
    with torch.no_grad():
        model.a.mul_(3.0)
    more = model(z, q)
    torch.testing.assert_close(F.normalize(more), F.normalize(theta))
    torch.testing.assert_close(more, 3 * theta)
    if training:
        for one, other in zip(rebuilt, model.reconstruct(more), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)  # BN adds 1e-5 to variances of order 1


def test_turning_back_spoils_the_running_mean_of_the_sines():
    """By turns forth and back on the same batch: mean m of the sines runs to -m / 19, of the cosines to m."""
    torch.manual_seed(0)
    model = build("compose-transformers", D, H).double().train()
    model.turn.gamma[1].p = 0.0
    z, q = batch(n=30)
    for _ in range(200):  # .81^200 of the start are left
        model(z, q)
        model.reverse(z, q)
    with torch.no_grad():
        phi = torch.cat(model.turn(z, q, 1.0)[2:], dim=1).mean(dim=0)
    expected = torch.cat([phi[:D], -phi[D:] / 19])
    torch.testing.assert_close(model.rho[0].running_mean, expected)


@every
def test_gradients(name):
    model = built(name, image=8, text=3).train()
    for module in model.modules():
        if hasattr(module, "p"):
            module.p = 0.0  # a random function has no difference quotient
    z, q = batch(seed=3, n=4, image=8, text=3)

    def function(z, q):
        theta = model(z, q)
        return (theta, *(model.reconstruct(theta) or ()), *(x for x in [model.reverse(z, q)] if x is not None))

    assert torch.autograd.gradcheck(function, (z.requires_grad_(), q.requires_grad_()), atol=1e-4)


@every
def test_every_weight_learns(name):
    torch.manual_seed(0)
    model = build(name, D, H).double().train()
    z, q = batch(n=40)
    theta = model(z, q)
    parts = [theta, *(model.reconstruct(theta) or ()), *(x for x in [model.reverse(z, q)] if x is not None)]
    weights = [torch.randn_like(part) for part in parts]
    if list(model.parameters()):
        sum((part * weight).sum() for part, weight in zip(parts, weights, strict=True)).backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@every
def test_rows_do_not_mix_outside_training(name):
    model = built(name)
    z, q = batch()
    torch.testing.assert_close(model(z[2:3], q[2:3]), model(z, q)[2:3])
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(model(z[order], q[order]), model(z, q)[order])


@every
def test_a_seed_means_the_same(name):
    torch.manual_seed(5)
    one = build(name, D, H)
    torch.manual_seed(5)
    other = build(name, D, H)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@every
def test_bad_input(name):
    model = built(name)
    z, q = batch()
    for images, texts in [(z[:, 1:], q), (z, q[:, 1:]), (z[:1], q), (z, q[:1]), (z[0], q[0])]:
        with pytest.raises(ValueError, match=rf"expected \(B, {D}\)"):
            model(images, texts)
        if name.startswith("compose"):
            with pytest.raises(ValueError, match="expected"):
                model.reverse(images, texts)
    for widths in [(0, H), (D, 0)]:
        with pytest.raises(ValueError, match="widths"):
            build(name, *widths)


def test_bad_names_and_widths():
    with pytest.raises(ValueError, match="compose-transformers"):
        build("composetransformers", D, H)
    with pytest.raises(ValueError, match="multiple of 8"):
        build("compose-ae", 12, H)
