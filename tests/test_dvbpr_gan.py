"""The conditional GAN's networks and losses: shapes, parameters, eq. 7 by hand, conditioning, codes and samples."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from likeness.models.dvbpr.gan import (
    Discriminator,
    Generator,
    discriminator_loss,
    draw_latent,
    generator_loss,
    real_loss,
    samples,
)

SMALL = 1 / 32  # of all channels: 8, 4 and 2


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def some(categories=3, side=64, n=4, **options):
    """A small pair, in evaluation mode, with codes, images and categories.

    The running means and variances are those of these inputs: with the variance 1 of the start, first weights of .02
    would leave nothing of them.
    """
    g = Generator(categories, side, SMALL, rng=seeded(), **options)
    d = Discriminator(categories, side, SMALL, rng=seeded())
    z = draw_latent(seeded(1), n, g.latent, "uniform")
    x = torch.rand(n, 3, side, side, generator=seeded(2)) * 2 - 1
    category = torch.arange(n) % categories
    normals = [each for net in (g, d) for each in net.modules() if isinstance(each, torch.nn.BatchNorm2d)]
    for each in normals:
        each.momentum = 1.0
    g(z, category), d(x, category)
    for each in normals:
        each.momentum = 0.1
    return g.eval(), d.eval(), z, x, category


def count(network):
    return sum(weights.numel() for weights in network.parameters())


@pytest.mark.parametrize("up", ["transposed", "nearest"])
@pytest.mark.parametrize("side", [16, 64, 128])
def test_shapes_and_range(side, up):
    g, d, z, x, category = some(side=side, up=up)
    for module in (g.train(), g.eval()):
        made = module(z * 1000, category)  # far out, where the tanh is flat
        assert made.shape == (4, 3, side, side)
        assert made.abs().max() <= 1.0
    assert d(x, category).shape == (4,)
    assert d(made, category).shape == (4,)


def test_maps_of_the_coded_generator():
    """The sheet's: 4x4x256, 8x8x256 twice, 16x16x256 twice, 32x32x128, 64x64x64, then three colours."""
    g = Generator(2, 64, 0.25, latent=256, rng=seeded())
    seen = []
    for layer in g.body:
        layer.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[1:])))
    g(draw_latent(seeded(), 2, 256, "normal"), torch.tensor([0, 1]))
    want = [(4, 64), (8, 64), (8, 64), (16, 64), (16, 64), (32, 32), (64, 16), (64, 3)]
    assert list(dict.fromkeys((c, s, s) for s, c in want)) == list(dict.fromkeys(seen))
    convolutions = [shape for shape, layer in zip(seen, g.body, strict=True) if hasattr(layer, "kernel_size")]
    assert convolutions == [(c, s, s) for s, c in want[1:]]


def test_parameters_of_the_coded_networks_by_hand():
    """Weights, biases, and two numbers a normalised channel; 6 categories and codes of 256."""
    linear = (256 + 6) * 4 * 4 * 256 + 4 * 4 * 256
    layers = 4 * (9 * 256 * 256 + 256) + (9 * 256 * 128 + 128) + (9 * 128 * 64 + 64) + (9 * 64 * 3 + 3)
    assert count(Generator(6, side=64, latent=256)) == linear + layers + 2 * (5 * 256 + 128 + 64)
    layers = 25 * ((3 + 6) * 64 + (64 + 6) * 128 + (128 + 6) * 256 + (256 + 6) * 512) + 64 + 128 + 256 + 512
    assert count(Discriminator(6, side=64)) == layers + 2 * (128 + 256 + 512) + 4 * 4 * 512 + 1


def test_what_the_printed_side_adds():
    """As read: four times the first map and the last, nothing else."""
    coded, printed = (Generator(6, side, 0.25) for side in (64, 128))
    assert count(printed) - count(coded) == (100 + 6 + 1) * (8 * 8 - 4 * 4) * 64
    coded, printed = (Discriminator(6, side, 0.25) for side in (64, 128))
    assert count(printed) - count(coded) == (8 * 8 - 4 * 4) * 128


def test_width_multiplies_channels():
    d = Discriminator(5, 64, 0.25)
    assert [layer.out_channels for layer in d.convolutions] == [16, 32, 64, 128]
    assert [layer.in_channels for layer in d.convolutions] == [3 + 5, 16 + 5, 32 + 5, 64 + 5]


def test_nearest_leaves_no_checkerboard_where_transposed_does():
    """From an even map: repeated pixels give one value within, transposed convolutions four that alternate."""
    even = torch.ones(1, 8, 6, 6)
    layers = {up: Generator(1, 64, SMALL, up=up, rng=seeded()).body for up in ("transposed", "nearest")}
    within = layers["nearest"][3](layers["nearest"][2](even))[:, :, 2:-2, 2:-2]
    assert within.shape == (1, 8, 8, 8)
    assert torch.allclose(within, within[:, :, :1, :1].expand_as(within), atol=1e-6)  # sums in another order
    within = layers["transposed"][2](even)[:, :, 2:-2, 2:-2]
    assert (within[:, :, 0, 0] - within[:, :, 0, 1]).abs().max() > 0.01
    assert torch.allclose(within[:, :, :-2, :-2], within[:, :, 2:, 2:], atol=1e-6)


def test_the_discriminator_by_its_formula():
    _, d, _, x, category = some(n=5)
    hot = torch.eye(3)[category]
    for layer, normal in zip(d.convolutions, d.normals, strict=True):
        maps = torch.ones(5, 3, *x.shape[2:]) * hot[:, :, None, None]
        x = F.conv2d(torch.cat([x, maps], 1), layer.weight, layer.bias, stride=2, padding=2)
        if not isinstance(normal, torch.nn.Identity):
            mean, variance = normal.running_mean[:, None, None], normal.running_var[:, None, None]
            x = (x - mean) / (variance + 1e-5).sqrt()  # scale 1 and shift 0 so far
        x = torch.maximum(x, 0.2 * x)
    want = (x.reshape(5, -1) * d.linear.weight).sum(1)
    assert torch.allclose(d(some(n=5)[3], category), want, atol=1e-5)  # sums in another order


def test_losses_by_plain_loops():
    rng = np.random.default_rng(0)
    for _ in range(20):
        real, fake = rng.normal(size=rng.integers(1, 6)), rng.normal(size=rng.integers(1, 6))
        of_real = sum((score - 1) ** 2 for score in real) / len(real)
        of_fake = sum(score**2 for score in fake) / len(fake)
        one, other = torch.tensor(real), torch.tensor(fake)
        assert discriminator_loss(one, other).item() == pytest.approx(of_real + of_fake)
        assert discriminator_loss(one, other, halved=True).item() == pytest.approx((of_real + of_fake) / 2)
        assert generator_loss(other).item() == pytest.approx(sum((score - 1) ** 2 for score in fake) / len(fake))
        assert real_loss(one).tolist() == pytest.approx([(score - 1) ** 2 for score in real])
    assert discriminator_loss(torch.ones(3), torch.zeros(2)) == 0
    assert generator_loss(torch.ones(3)) == 0


def test_gradients_of_the_losses():
    """2 (D - 1) / n of photographs, 2 D / m of generated images for D; 2 (D - 1) / m for G."""
    real = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    fake = torch.tensor([0.25, -1.0, 3.0, 1.0], dtype=torch.float64, requires_grad=True)
    discriminator_loss(real, fake).backward()
    assert real.grad.tolist() == [-0.5, 1.0]
    assert fake.grad.tolist() == [0.125, -0.5, 1.5, 0.5]
    fake.grad = None
    generator_loss(fake).backward()
    assert fake.grad.tolist() == [-0.375, -1.0, 1.0, 0.0]
    assert torch.autograd.gradcheck(lambda r, f: discriminator_loss(r, f, halved=True), (real, fake))


def test_categories_matter_to_both_and_rows_do_not_mix():
    g, d, z, x, category = some()
    other = (category + 1) % 3
    assert (g(z, category) - g(z, other)).abs().amax(dim=(1, 2, 3)).min() > 1e-2
    assert (d(x, category) - d(x, other)).abs().min() > 1e-3
    mixed = torch.cat([category[:2], other[2:]])
    assert torch.allclose(g(z, mixed)[:2], g(z, category)[:2], atol=1e-6)
    assert torch.allclose(d(x, mixed)[:2], d(x, category)[:2], atol=1e-6)


def test_gradients_reach_the_code_and_every_weight():
    """Eq. 10 climbs along z."""
    g, d, z, _, category = some()
    z.requires_grad_()
    d(g(z, category), category).sum().backward()
    assert (z.grad != 0).all()
    assert all(weights.grad.abs().sum() > 0 for weights in (*g.parameters(), *d.parameters()))


def test_first_weights():
    """Normal with deviation .02; the discriminator's convolutions cut at .04; biases 0; the same for a seed."""
    before = torch.get_rng_state()
    g, d = Generator(6, 64, 0.25, rng=seeded()), Discriminator(6, 64, 0.25, rng=seeded())
    again = Generator(6, 64, 0.25, rng=seeded())
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(g.state_dict().values(), again.state_dict().values(), strict=True))
    assert g.linear.weight.std().item() == pytest.approx(0.02, rel=0.02)  # 108,544 draws: 2 % is nine deviations
    assert d.convolutions[3].weight.std().item() == pytest.approx(0.02 * 0.8796, rel=0.02)  # cut at two deviations
    assert d.convolutions[3].weight.abs().max() <= 0.04 + 1e-7
    assert all((layer.bias == 0).all() for layer in (*d.convolutions, d.linear, g.linear))


def test_codes():
    uniform, normal = (draw_latent(seeded(), 1000, 100, kind) for kind in ("uniform", "normal"))
    assert uniform.shape == normal.shape == (1000, 100)
    assert -1 <= uniform.min() < -0.999 < 0.999 < uniform.max() <= 1
    # 100,000 draws: deviations of a mean are .0018 and .0032, of a standard deviation .0008 and .0022
    assert abs(uniform.mean()) < 0.01 and uniform.std().item() == pytest.approx(3**-0.5, abs=0.01)
    assert abs(normal.mean()) < 0.015 and normal.std().item() == pytest.approx(1.0, abs=0.01)
    assert torch.equal(uniform, draw_latent(seeded(), 1000, 100, "uniform"))


@pytest.mark.parametrize("training", [True, False])
def test_samples_are_the_generators_images(training):
    g = Generator(3, 16, SMALL, rng=seeded()).train(training)
    before = {name: value.clone() for name, value in g.state_dict().items()}
    of = np.arange(300, dtype=np.int32) % 3  # more than go at once
    found = samples(g, of, "uniform", seeded(5))
    assert g.training is training
    assert all(torch.equal(before[name], value) for name, value in g.state_dict().items())
    assert found.shape == (300, 16, 16, 3) and found.dtype == np.uint8
    with torch.no_grad():
        want = g.eval()(draw_latent(seeded(5), 300, 100, "uniform"), torch.from_numpy(of).long())
    want = (want * 127.5 + 127.5).permute(0, 2, 3, 1).numpy()
    assert np.abs(found - want).max() <= 0.5 + 1e-3  # rounded, sums of another batch
    assert samples(g, [], "normal", seeded()).shape == (0, 16, 16, 3)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Generator(0), "0 categories"),
        (lambda: Generator(6, side=100), "side 100"),
        (lambda: Discriminator(6, side=0), "side 0"),
        (lambda: Generator(6, latent=0), "0 numbers a code"),
        (lambda: Generator(6, up="bilinear"), "'bilinear'"),
        (lambda: Generator(6, width=0.001), "width 0.001"),
        (lambda: Discriminator(6, width=float("nan")), "width nan"),
        (lambda: draw_latent(seeded(), 2, 2, "gauss"), "'gauss'"),
        (lambda: samples(some()[0], [[0]], "normal", seeded()), r"\(1, 1\)"),
        (lambda: samples(some()[0], [0.0], "normal", seeded()), "float64"),
        (lambda: samples(some()[0], [3], "normal", seeded()), "0 to 2"),
    ],
)
def test_bad_options_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_bad_inputs_are_refused():
    g, d, z, x, category = some()
    with pytest.raises(ValueError, match=r"\(4, 99\).*\(B, 100\)"):
        g(z[:, 1:], category)
    with pytest.raises(ValueError, match=r"\(4, 3, 64, 63\)"):
        d(x[..., 1:], category)
    for bad in (category[:3], category.int(), category[:, None]):
        for call in (lambda bad=bad: g(z, bad), lambda bad=bad: d(x, bad)):
            with pytest.raises(ValueError, match=r"expected \(4,\) int64"):
                call()
    for bad in (category - 1, category + 1):
        with pytest.raises(ValueError, match="from 0 to 2"):
            d(x, bad)
