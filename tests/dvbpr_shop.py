"""A toy shop for the studies of DVBPR: plain photographs whose colour decides who takes them, and eyes that see it."""

import numpy as np
import torch

from likeness.data.splits import actions
from likeness.data.wardrobe.shoppers import Habits, World
from likeness.models.photo_encoder import PhotoEncoder, vector_features
from likeness.studies.dvbpr.features import Features, kept
from likeness.studies.dvbpr.fits import Plan, Sizes
from likeness.studies.dvbpr.parameters import Parameters
from likeness.studies.dvbpr.people import People
from likeness.studies.dvbpr.settings import Choice

SIDE, CATEGORIES = 32, ("women's tops", "men's bottoms")
COLOURS = np.array([[210, 40, 40], [40, 40, 210]])
SIZES = Sizes(epochs=2, deep_epochs=2, deep_rate=1e-3, batch=64, width=1 / 32)
SMALL = Parameters.resolve({
    "preset": "smoke", "jobs": 1, "device": "cpu", "splits": 2, "tries": 2, "epochs": 2, "deep_epochs": 2,
    "width": 1 / 32, "gan_width": 1 / 32, "gan_epochs": 2, "steps": 2, "starts": 4,
})  # fmt: skip


def shop(users=30, items=60, each=9, seed=0):
    """Users of even number take red things alone, those of odd number blue ones; every other pair of items is a top."""
    rng = np.random.default_rng(seed)
    number = np.arange(items)
    taken = [rng.choice(number[number % 2 == u % 2], each, replace=False) for u in range(users)]
    made = actions(np.repeat(np.arange(users), each), np.concatenate(taken), rng.integers(0, 9, users * each))
    ids = made.item_ids
    colour = (COLOURS[number % 2] + rng.integers(-35, 36, (items, 3)))[ids].astype(np.uint8)
    photos = np.ascontiguousarray(np.broadcast_to(colour[:, :, None, None], (len(ids), 3, SIDE, SIDE)))
    tastes = np.array([[1.0, 0.0, -1.0], [-1.0, 0.0, 1.0]])[np.arange(users) % 2]
    nothing = np.zeros(len(ids))
    world = World(
        seed, Habits(users=users, drift=0.0), colour / 255.0, np.eye(3), np.stack([tastes, 0 * tastes], axis=1),
        nothing, nothing, nothing, nothing, (ids // 2) % 2, np.zeros((users, 4)), np.zeros(users), np.zeros(users),
    )  # fmt: skip
    return People("toy", "generated", f"toy {users} {items} {each} {seed}", made, photos, (ids // 2) % 2, CATEGORIES,
                  world=world)  # fmt: skip


def seen(people):
    """Features of an encoder that has learnt nothing: colours are told apart all the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = PhotoEncoder({"colour": 2}).eval()
    return Features("toy", "toy features", vector_features(encoder, people.photos), kept(encoder))


class Eyes:
    """In place of a `Reader`: a look is the mean colour, the kinds are which of the three colours is strong."""

    def looks(self, pictures):
        return pictures.mean(axis=(1, 2)) / 255.0

    def kinds(self, pictures):
        x = np.exp(10 * self.looks(pictures))
        return x / x.sum(axis=1, keepdims=True)


def plan(method="dvbpr", **given):
    known = {"about": "toy", "split": "random", "number": 0, "method": method, "choice": Choice(4, 0.01),
             "sizes": SIZES, "seed": 0, "device": "cpu"}  # fmt: skip
    return Plan(**{**known, **given})
