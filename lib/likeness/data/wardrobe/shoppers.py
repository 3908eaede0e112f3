r"""Shoppers: people with known tastes, and what each garment is worth to each of them on each day.

The utility of garment i to user u on day t, all but chance (multinomial logit [1]_):

.. math:: V_{ui}(t) = x_i^\top \theta_u(t) + p_i(t) - \frac{(m_i - b_u)^2}{2 w^2} + g_{u, \mathrm{gender}(i)}

- taste: x_i is the look of the garment, one number an attribute value. The taste of a user turns from a first one
  towards another, :math:`\theta_u(t) = \cos(\phi t) \theta_u^0 + \sin(\phi t) \theta_u^1`; each is low-rank (loadings
  that all users share) plus personal.
- popularity: a fame with a long tail, and a season that rises fast and falls slowly while the garment is on sale; it
  is minus infinity where the garment is not.
- price: m_i is how dear the garment is for its kind (log), b_u the user's band, w its width.
- gender: mostly the user's own.

Chance is a Gumbel number for every garment, and the mood of the day, a taste that all purchases of one day share.

References
----------
.. [1] McFadden, "Conditional Logit Analysis of Qualitative Choice Behavior", 1974.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.data.wardrobe import garments as wardrobe
from likeness.data.wardrobe.garments import ATTRIBUTES, GENDERS, KINDS, Garment, stream

#: How much an attribute moves a taste: standard deviation of the utility over the values of one attribute. Colour and
#: pattern are seen first. Gender has its own term.
SCALES: Final = {
    "colour": 0.9, "pattern": 0.8, "kind": 0.7, "fit": 0.5, "length": 0.5, "sleeve": 0.5, "neckline": 0.4, "heel": 0.5,
    "second": 0.3,
}  # fmt: skip
_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "colour": tuple(wardrobe.COLOURS), "second": tuple(wardrobe.COLOURS), "pattern": wardrobe.PATTERNS,
    "sleeve": wardrobe.SLEEVES, "neckline": wardrobe.NECKLINES, "length": wardrobe.LENGTHS, "fit": wardrobe.FITS,
    "heel": wardrobe.HEELS, "kind": tuple(KINDS),
}  # fmt: skip
#: Utility of a garment for another gender, and of children's garments to parents; for one's own it is 0.
OTHER_GENDER: Final = -4.0
CHILDREN: Final = -1.5
PARENTS: Final = 0.2
#: Share of a garment's time on sale after which its season is highest: it rises fast and falls slowly.
PEAK: Final = 0.2
#: Spread of the users' price bands: that of how dear garments are for their kind (0.35 by chance, more by usage).
BANDS: Final = 0.4


@dataclass(frozen=True)
class Habits:
    """What the shoppers are like. The defaults, with 60,000 garments, come near the H&M sample (see `statistics`).

    users : how many. days : length of the record. activity, activity_spread : median and log standard deviation of the
    purchases of a user. basket : mean purchases of a shopping day. taste, fame, mood : scales of those utilities (mood
    and taste multiply the same looks). shared : share of a taste's variance that is low-rank, of this rank. drift :
    radians by which a taste turns over the record; its cosine is the correlation of first and last day. life,
    life_spread : median days on sale and log standard deviation. band : width w of the price band, in log price.
    """

    users: int = 1364
    days: int = 730
    activity: float = 8.0
    activity_spread: float = 1.35
    basket: float = 3.8
    taste: float = 0.7
    shared: float = 0.7
    rank: int = 8
    drift: float = np.pi / 3
    fame: float = 0.8
    life: float = 365.0
    life_spread: float = 0.5
    band: float = 0.5
    mood: float = 0.75

    def __post_init__(self) -> None:
        """Raise ValueError on a habit outside its range."""
        above = ("users", "days", "activity", "rank", "life", "band")
        wrong = [f"{name} = {getattr(self, name)}: expected > 0" for name in above if not getattr(self, name) > 0]
        least = ("activity_spread", "taste", "drift", "fame", "life_spread", "mood")
        wrong += [f"{name} = {getattr(self, name)}: expected >= 0" for name in least if not getattr(self, name) >= 0]
        wrong += [] if self.basket >= 1 else [f"basket = {self.basket}: expected >= 1"]
        wrong += [] if 0 <= self.shared <= 1 else [f"shared = {self.shared}: expected 0 to 1"]
        if wrong:
            raise ValueError("; ".join(wrong))


@dataclass(frozen=True, eq=False)
class World:
    """Users and garments as numbers: U users, N garments, F attribute values. Rows of garments are those given.

    looks (N, F) : attribute values times `SCALES`. loadings (F, rank) : unit rows. tastes (U, 2, F) : first taste, and
    what it turns to. fame, begin, life, dear (N,) : log popularity, first day and days on sale, log price over that of
    the kind. gender (N,) : row of `GENDERS`. for_gender (U, 4), band (U,), activity (U,) : of the users; activity is
    the purchases that a user will make.
    """

    seed: int
    habits: Habits
    looks: np.ndarray
    loadings: np.ndarray
    tastes: np.ndarray
    fame: np.ndarray
    begin: np.ndarray
    life: np.ndarray
    dear: np.ndarray
    gender: np.ndarray
    for_gender: np.ndarray
    band: np.ndarray
    activity: np.ndarray


def open_world(seed: int, garments: Sequence[Garment], habits: Habits | None = None) -> World:
    """Shoppers of a seed before a list of garments.

    The first users, and the first garments, are the same however many there are. Nothing depends on the order of the
    garments but which of them are famous. Raises ValueError where there is no garment.
    """
    habits = habits or Habits()
    if not garments:
        raise ValueError("no garments: expected at least one")
    many, looks = habits.users, look(garments)
    loadings = stream(seed, "loadings", habits.rank).normal(size=(looks.shape[1], habits.rank))
    loadings /= np.linalg.norm(loadings, axis=1, keepdims=True)
    shared = stream(seed, "shared tastes").normal(size=(many, 2, habits.rank)) @ loadings.T
    own = stream(seed, "own tastes").normal(size=(many, 2, looks.shape[1]))
    life = habits.life * np.exp(habits.life_spread * stream(seed, "life").normal(size=len(garments)))
    start = stream(seed, "start").random(len(garments))
    active = stream(seed, "activity").normal(size=many)
    return World(
        seed, habits, looks, loadings,
        tastes=habits.taste * (np.sqrt(habits.shared) * shared + np.sqrt(1.0 - habits.shared) * own),
        fame=habits.fame * stream(seed, "fame").normal(size=len(garments)),
        begin=start * (habits.days + life) - life,  # as many on sale on the first day as on any
        life=life,
        dear=np.log([one.price / KINDS[one.kind].price for one in garments]),
        gender=np.array([list(GENDERS).index(one.gender) for one in garments]),
        for_gender=_for_gender(stream(seed, "gender"), many),
        band=BANDS * stream(seed, "band").normal(size=many),
        activity=_whole(habits.activity * np.exp(habits.activity_spread * active), habits.days),
    )  # fmt: skip


def look(garments: Sequence[Garment]) -> np.ndarray:
    """Looks (N, F) float64: for each value of each attribute but gender, its scale where the garment has it, else 0.

    Kinds are relative to their category: each row sums to 0 over the kinds of a category, so that a taste for kinds
    says which shoes, not whether shoes. The columns are those of all garments there can be, whatever are given.
    """
    blocks = []
    for name in (name for name in ATTRIBUTES if name != "gender"):
        values = _VALUES[name]
        column = {value: i for i, value in enumerate(values)}
        block = np.zeros((len(garments), len(values)))
        for row, one in enumerate(garments):
            value = getattr(one, name)
            if name == "kind":
                mates = [column[kind] for kind, made in KINDS.items() if made.category == one.category]
                block[row, mates] -= 1.0 / len(mates)
            if value:
                block[row, column[value]] += 1.0
        blocks.append(SCALES[name] * block)
    return np.hstack(blocks)


def parts(world: World, user: np.ndarray, items: np.ndarray, day: np.ndarray) -> dict[str, np.ndarray]:
    """The four parts of the utility, each (B, n): of garments `items` (n,) to users (B,) on days (B,).

    "popularity" is minus infinity where a garment is not on sale on the day. Raises ValueError on rows that the world
    does not have, or user and day of different lengths.
    """
    user, items, day = (np.asarray(x) for x in (user, items, day))
    for name, x, end in (("users", user, len(world.band)), ("items", items, len(world.fame))):
        if x.ndim != 1 or (x.size and not 0 <= x.min() <= x.max() < end):
            raise ValueError(f"{name} of shape {x.shape}: expected (n,) rows in 0 .. {end - 1}")
    if user.shape != day.shape:
        raise ValueError(f"{len(user)} users on {day.shape} days: expected a day for each user")
    off = (world.dear[items] - world.band[user][:, None]) / world.habits.band
    return {
        "taste": taste(world, user, day) @ world.looks[items].T,
        "popularity": world.fame[items] + season(world, items, day),
        "price": -0.5 * off**2,
        "gender": world.for_gender[user][:, world.gender[items]],
    }


def truth(world: World, user: np.ndarray, items: np.ndarray, day: np.ndarray) -> np.ndarray:
    """The utility without chance, (B, n): the sum of `parts`, which see for arguments and refusals.

    Without mood, too: nobody can know it beforehand. Given a user and a day, the chance of garment i to be the first
    purchase is softmax(truth + mood).
    """
    return np.asarray(sum(parts(world, user, items, day).values()))


def taste(world: World, user: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Tastes (B, F) of users (B,) on days (B,)."""
    angle = (world.habits.drift * np.asarray(day) / world.habits.days)[:, None]
    return np.asarray(np.cos(angle) * world.tastes[user, 0] + np.sin(angle) * world.tastes[user, 1])


def season(world: World, items: np.ndarray, day: np.ndarray) -> np.ndarray:
    r"""Log season (B, n) of garments on days: :math:`\log s + 1 - s` with s the age over the age of the peak.

    At most 0 (at the peak); about -2.4 on the last day; minus infinity before the first day and after the last.
    """
    age = np.asarray(day)[:, None] - world.begin[items]
    s = age / (PEAK * world.life[items])
    sold = (age > 0) & (age < world.life[items])
    return np.where(sold, np.log(np.where(sold, s, 1.0)) + 1.0 - s, -np.inf)


def on_sale(world: World, day: float) -> np.ndarray:
    """Rows of the garments that are on sale on a day, rising: those whose season is finite."""
    return np.flatnonzero((world.begin < day) & (day - world.begin < world.life))


def moods(world: World, user: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Tastes of a day, (B, F): what all purchases of user b on day b share beside the user's own taste. Low-rank."""
    drawn = [stream(world.seed, "mood", int(u), int(d)).normal(size=world.habits.rank)
             for u, d in zip(user, day, strict=True)]  # fmt: skip
    return np.asarray(world.habits.mood * np.array(drawn).reshape(-1, world.habits.rank) @ world.loadings.T)


def _whole(numbers: np.ndarray, most: int) -> np.ndarray:
    return np.clip(np.rint(numbers), 1, most).astype(np.int64)


def _for_gender(rng: np.random.Generator, many: int) -> np.ndarray:
    """(U, 4): 0 for one's own gender, women and men as often as among the garments; children's for some."""
    grown = GENDERS["women"] + GENDERS["men"]
    draws = rng.random((many, 2))
    worth = np.full((many, len(GENDERS)), OTHER_GENDER)
    worth[np.arange(many), (draws[:, 0] * grown >= GENDERS["women"]).astype(int)] = 0.0
    worth[draws[:, 1] < PARENTS, 2:] = CHILDREN
    return worth
