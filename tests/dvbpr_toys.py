"""Tiny networks of DVBPR for tests of the climb: smooth, in float64, with dropout and batch normalisation."""

import torch
from torch import nn

D, C, K, SIDE, LARGE = 5, 2, 3, 4, 6  # code, categories, factors, sides of the generator and of phi


class Made(nn.Module):
    """A generator: linear, batch normalisation, dropout, tanh."""

    def __init__(self, latent=D):
        super().__init__()
        self.latent = latent
        self.linear = nn.Linear(latent + C, 3 * SIDE * SIDE)
        self.normal = nn.BatchNorm1d(3 * SIDE * SIDE)
        self.dropout = nn.Dropout(0.5)

    def forward(self, z, category):
        x = torch.cat([z, nn.functional.one_hot(category, C).to(z)], dim=1)
        return torch.tanh(self.dropout(self.normal(self.linear(x)))).view(-1, 3, SIDE, SIDE)


class Says(nn.Module):
    """A discriminator; phi where `outputs` is K, and then it has no category."""

    def __init__(self, side, outputs=None):
        super().__init__()
        self.linear = nn.Linear(3 * side * side, outputs or C)
        self.dropout = nn.Dropout(0.5)
        self.outputs = outputs

    def forward(self, x, category=None):
        said = torch.sin(self.dropout(self.linear(x.flatten(1))))
        return said if self.outputs else said.gather(1, category[:, None])[:, 0]


def networks(seed=0, dtype=torch.float64):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = [Says(LARGE, K), Made(), Says(SIDE)]
        for network in made:
            for weight in network.parameters():
                nn.init.normal_(weight, std=0.3)
        made[1].normal.running_var.fill_(0.5)
    return [network.to(dtype) for network in made]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def thetas(many=3, seed=0):
    return torch.randn(many, K, generator=seeded(seed), dtype=torch.float64)
