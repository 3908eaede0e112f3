r"""Sets of people in one form: who took what, a photograph of every item, its category where it is known.

The shoppers of the wardrobe are those of `shoppers.Habits`, tastes, fame, seasons and all; two things are chosen for
this chapter, and by one rule, stated before any recommender ran: be like `hm` in what takes no method of learning to
see. Over the grid of fame (0, .4, .8, 1.2) and of garments a shopper (12, 16, ... 32), the cell is taken with the least
sum of the absolute differences of three numbers of a random leave-one-out split (`standing`): popularity's AUC over all
items with half ties, the share of cold test items, the share of unseen ones. With 400 shoppers, two worlds, three
splits: fame .8 (the default) and 28 garments a shopper give (.395, .942, .430), `hm` has (.396, .912, .428); the next
cell is three times as far. Purchases a user are as many as sizes allow: 13 in the median, against 17, since with 1.6
purchases an item every further one asks for more photographs. Tastes were not chosen at all. As on `hm` and in the
paper, items are what somebody bought: 3,400 of 11,200 garments, and 8,500 of 28,000 with 1,000 shoppers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count, islice
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from likeness.data import clothing as clothing_set
from likeness.data import hm as hm_set
from likeness.data.dvbpr_files import read_dvbpr
from likeness.data.registry import SOURCES, VARIABLE, data_root
from likeness.data.shop_photos import photographs
from likeness.data.shop_texts import UNSAID
from likeness.data.splits import COLD, LEAST, Actions, Split, actions, random_split
from likeness.data.wardrobe.garments import GENDERS, Garment, garment, stream
from likeness.data.wardrobe.purchases import shop
from likeness.data.wardrobe.shoppers import Habits, World, open_world
from likeness.data.wardrobe.studio import studio
from likeness.metrics.auc import auc_each
from likeness.studies.dvbpr.released import divided
from likeness.studies.parallel import run_all

#: The six categories of the paper's Amazon Fashion: gender and category of a garment. Girls' and boys' garments, hats,
#: dresses and jackets are left out.
CATEGORIES: Final = {
    f"{gender}'s {what}": (gender, what) for gender in ("women", "men") for what in ("tops", "bottoms", "shoes")
}
#: Garments of the shop for each shopper, by the rule above.
GARMENTS: Final = 28
#: Purchases of a shopper: median, and log standard deviation. By the default, 1.35, one in a hundred buys 186 items.
ACTIVITY, SPREAD = 12.0, 0.6
#: The released files of the authors.
RELEASED: Final = ("amazon-fashion", "amazon-women", "amazon-men", "tradesy")
#: Category of an item of which none is known.
UNKNOWN: Final = -1
#: Photographs of a task.
_CHUNK: Final = 200
#: Digits of an article's number at H&M that say the product, which all its colours share.
_PRODUCT: Final = 7


@dataclass(frozen=True, eq=False)
class People:
    """U users and N items, numbered as the actions number them.

    about : names the set and all that it was made with, for the cache. chip : "generated", "public" or "paper".
    photos : (N, 3, s, s) uint8. category : (N,) int64, rows of `categories`, `UNKNOWN` where not known.
    left_out : what was dropped -> how many. world, garments : of the wardrobe, its rows those of users and items; as
    users have other numbers here, `shoppers.moods` of it are not those of the purchases. released : the division that
    a released file came with.
    """

    name: str
    chip: str
    about: str
    actions: Actions
    photos: np.ndarray
    category: np.ndarray
    categories: tuple[str, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    world: World | None = None
    garments: tuple[Garment, ...] = ()
    released: Split | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where photographs or categories are not those of the items."""
        n, got = self.actions.items, (self.photos.shape, self.photos.dtype, self.category.shape, self.category.dtype)
        side = self.photos.shape[-1]
        if got != ((n, 3, side, side), np.uint8, (n,), np.int64) or len(self.garments) not in (0, n):
            raise ValueError(f"{self.name}: {got}: expected (N, 3, s, s) uint8 and (N,) int64 of {n} items")
        if n and not UNKNOWN <= self.category.min() <= self.category.max() < len(self.categories):
            found = np.unique(self.category)
            raise ValueError(f"{self.name}: categories {found}: expected -1 to {len(self.categories) - 1}")

    def members(self, category: str) -> np.ndarray:
        """Items of a category, rising: X_c of eq. 8. Raises ValueError on an unknown one."""
        if category not in self.categories:
            raise ValueError(f"category {category!r} of {self.name}: expected one of {', '.join(self.categories)}")
        return np.flatnonzero(self.category == self.categories.index(category))


def wardrobe(seed: int, users: int, garments: int, side: int, jobs: int = 0) -> People:
    """Shoppers before the first `garments` garments of the six categories; items are those that somebody bought.

    users : before those with fewer than five items are left out. garments : `GARMENTS` a user, by the rule above.
    Raises ValueError on no shoppers or garments, too few garments for a day's wishes, or a side outside 16 to 1024.
    """
    made, world, worn = visits(seed, users, garments)
    photos = drawn(seed, [one.number for one in worn], side, jobs)
    category = np.array([category_of(one) for one in worn], dtype=np.int64)
    about = f"wardrobe {seed} {users} {garments} {side}"
    dropped = _count(users, garments, made)
    return People("wardrobe", "generated", about, made, photos, category, tuple(CATEGORIES), dropped, world, worn)


def visits(seed: int, users: int, garments: int) -> tuple[Actions, World, tuple[Garment, ...]]:
    """What the shoppers of `wardrobe` bought, their world and the garments of the items, without a photograph."""
    offered = goods(seed, garments)
    world = open_world(seed, offered, Habits(users=users, activity=ACTIVITY, activity_spread=SPREAD))
    bought = shop(world)
    made = actions(bought.user, bought.item, bought.day)
    pairs = np.unique(np.stack([bought.user, bought.item]), axis=1)
    active = np.flatnonzero(np.bincount(pairs[0], minlength=users) >= LEAST)
    return made, _narrowed(world, active, made.item_ids), tuple(offered[row] for row in made.item_ids)


def goods(seed: int, number: int) -> list[Garment]:
    """The first garments of a seed that belong to one of the six categories. Raises ValueError on fewer than one."""
    if number < 1:
        raise ValueError(f"{number} garments: expected 1 or more")
    every = (garment(seed, row) for row in count())
    return list(islice((one for one in every if (one.gender, one.category) in CATEGORIES.values()), number))


def drawn(seed: int, numbers: list[int], side: int, jobs: int = 0) -> np.ndarray:
    """Catalogue photographs of garments by number: (n, 3, side, side) uint8, spread over processes and kept."""
    tasks = [(seed, tuple(numbers[k : k + _CHUNK]), side) for k in range(0, len(numbers), _CHUNK)]
    return np.concatenate(list(run_all(_draw, tasks, jobs)))


def _draw(seed: int, numbers: tuple[int, ...], side: int) -> np.ndarray:
    return np.stack([studio(seed, garment(seed, number), side) for number in numbers]).transpose(0, 3, 1, 2)


def hm(side: int) -> People:
    """Everyone of the H&M sample with five items or more, and all that they bought: 887 people, 16,581 items.

    Categories are the catalogue's product groups: of the item itself (24 %), or else of the same product in another
    colour (18 % more); of the others none is known. Photographs may not be published. Raises as `hm.load`.
    """
    sample = hm_set.load()
    shown = sample.purchases[sample.purchases["photo"]]
    made = actions(shown["user"], shown["item"].astype(str), shown["date"].to_numpy())
    said = sample.articles["product_group_name"].astype(str)
    groups = said.where(~said.isin(UNSAID), None)
    own = dict(zip(sample.articles["article_id"], groups, strict=True))
    product = dict(zip((key[:_PRODUCT] for key in own), groups, strict=True))
    category, names = _numbered([own.get(key) or product.get(key[:_PRODUCT]) for key in made.item_ids.tolist()])
    dropped = _count(sample.purchases["user"].nunique(), sample.purchases["item"].nunique(), made)
    dropped["purchases without a photograph"] = sample.purchases_without_photo
    photos = _seen(sample.images, made.item_ids, side)
    return People("hm", "public", f"hm {side}", made, photos, category, names, dropped)


def clothing(side: int) -> People:
    """Contributors of the Clothing dataset with five garments or more, 154 with 5,057: what they own.

    Each garment has one owner; there are no dates: all days are 0. Categories are the set's labels. Raises as
    `clothing.load`.
    """
    given = clothing_set.load()
    shown = given.labels[given.labels["photo"]]
    made = actions(shown["sender_id"], shown["image"].astype(str), np.zeros(len(shown), np.int64))
    label = dict(zip(shown["image"], shown["label"].astype(str), strict=True))
    category, names = _numbered([label[key] for key in made.item_ids.tolist()])
    dropped = _count(shown["sender_id"].nunique(), len(shown), made)
    dropped["garments without a photograph"] = given.without_photo
    photos = _seen(given.images, made.item_ids, side)
    return People("clothing", "public", f"clothing {side}", made, photos, category, names, dropped)


def amazon(name: str, side: int, path: Path | str | None = None) -> tuple[People, Split]:
    """One of the authors' released files, with the split that it comes with.

    What is left out is said by `released.divided`. Where the file has no categories all are unknown. Photographs take
    3 s^2 bytes each: 2.9 GB for 234,892 of 64 pixels.

    path : by default where the registry has it, below LIKENESS_DATA
    Raises ValueError on another name, as `read_dvbpr`, and where no user is left; FileNotFoundError.
    """
    if name not in RELEASED:
        raise ValueError(f"set {name!r}: expected one of {', '.join(RELEASED)}")
    file = read_dvbpr(_place(name) if path is None else path)
    made, split, dropped = divided(file)
    category = np.full(made.items, UNKNOWN, np.int64) if file.category is None else file.category[made.item_ids]
    names = tuple(f"category {k}" for k in range(int(category.max()) + 1))
    about = f"{name} {side} {file.users} {file.items} {len(made.user)}"
    photos = _seen(file.images, made.item_ids, side)
    return People(name, "paper", about, made, photos, category, names, dropped), split


def standing(made: Actions, seed: int, divisions: int = 3) -> dict[str, float]:
    """What the rule of this module looks at: means over random splits, and two numbers of the actions themselves.

    "popularity", AUC over all items with half ties; "cold", "unseen": shares of test items of which fewer than five or
    no training observations are left; "a user", the median items; "an item", mean users.
    """
    found = []
    for number in range(divisions):
        split = random_split(made, stream(seed, "standing", number))
        seen = split.observations()
        scores = np.broadcast_to(seen, (split.users, split.items))
        left, reached = seen[split.test], auc_each(scores, split.test, split.taken())
        found.append((np.nanmean(reached), np.mean(left < COLD), np.mean(left == 0)))
    popularity, cold, unseen = np.mean(found, axis=0).tolist()
    return {
        "popularity": popularity, "cold": cold, "unseen": unseen,
        "a user": float(np.median(np.bincount(made.user))), "an item": len(made.user) / made.items,
    }  # fmt: skip


def true_taste(world: World, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    r"""What garments are worth to users for what pictures show of them: (B,) and (n,) rows -> (B, n) float64.

    .. math:: x_i^\top \frac{1}{T} \sum_{t < T} \theta_u(t) + g_{u, \mathrm{gender}(i)}

    Taste, its turning averaged over the days of the record, and gender; of the utility of `shoppers` the price, which
    no picture shows, the fame and the season are left out. Comparable within a user only.
    """
    items = np.asarray(items)
    return worth(world, users, world.looks[items], world.gender[items])


def worth(world: World, users: np.ndarray, looks: np.ndarray, gender: np.ndarray) -> np.ndarray:
    """`true_taste` of looks (n, F) and rows of `GENDERS` (n,), be they of garments or not: (B, n) float64."""
    users = np.asarray(users)
    return mean_taste(world, users) @ looks.T + world.for_gender[users][:, gender]


def mean_taste(world: World, users: np.ndarray) -> np.ndarray:
    """Tastes (B, F) of users, averaged over the days of the record."""
    angle = world.habits.drift * np.arange(world.habits.days) / world.habits.days
    first, other = world.tastes[users, 0], world.tastes[users, 1]
    return np.asarray(np.cos(angle).mean() * first + np.sin(angle).mean() * other)


def ceilings(world: World) -> dict[str, np.ndarray]:
    """Scores (U, N) of who knows the shoppers but no dates: taste, gender, both (`true_taste`), and both with price."""
    users, items = np.arange(len(world.band)), np.arange(len(world.fame))
    price = -0.5 * ((world.dear - world.band[:, None]) / world.habits.band) ** 2
    both = true_taste(world, users, items)
    gender = world.for_gender[:, world.gender]
    return {"taste": both - gender, "gender": gender, "taste and gender": both, "with price": both + price}


def gender_of(category: str) -> int:
    """Row of `GENDERS` of a category of the wardrobe. Raises ValueError on an unknown one."""
    if category not in CATEGORIES:
        raise ValueError(f"category {category!r}: expected one of {', '.join(CATEGORIES)}")
    return list(GENDERS).index(CATEGORIES[category][0])


def category_of(one: Garment) -> int:
    """Row of `CATEGORIES` of a garment. Raises ValueError on one of none of them."""
    places = list(CATEGORIES.values())
    if (one.gender, one.category) not in places:
        raise ValueError(
            f"garment {one.number}, {one.gender}'s {one.category}: expected one of {', '.join(CATEGORIES)}"
        )
    return places.index((one.gender, one.category))


def _narrowed(world: World, users: np.ndarray, items: np.ndarray) -> World:
    """The world of some users and items, these renumbered."""
    of_items = {name: getattr(world, name)[items] for name in ("looks", "fame", "begin", "life", "dear", "gender")}
    of_users = {name: getattr(world, name)[users] for name in ("tastes", "for_gender", "band", "activity")}
    return replace(world, **of_items, **of_users)


def _count(users: int, items: int, made: Actions) -> dict[str, int]:
    return {"users": users - made.users, "items": items - made.items}


def _numbered(values: list[str | None]) -> tuple[np.ndarray, tuple[str, ...]]:
    number, names = pd.factorize(np.array(values, dtype=object), sort=True)  # None becomes -1
    return number.astype(np.int64), tuple(names)


def _seen(images: object, ids: np.ndarray, side: int) -> np.ndarray:
    found = photographs(images, ids.tolist(), side)  # type: ignore[arg-type]  # ids of any type do
    return np.ascontiguousarray(found.transpose(0, 3, 1, 2))


def _place(name: str) -> Path:
    root, path = data_root(), SOURCES[name].unhashed[0]
    if root is None:
        raise FileNotFoundError(f"{name}: {VARIABLE} is not set; get {path} from {SOURCES[name].source} and set it")
    return root / path
