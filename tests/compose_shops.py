"""Toy shops in the forms of fashion_small, hm and Fashion200k, for the queries of the compose chapter."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from likeness.data import fashion_small as small_shop
from shelf import Shelf, photo_file

SIDE = 16
COLOURS = ("Red", "Blue", "Navy Blue")


def plain(number):
    """A picture that no other number has."""
    return photo_file(np.full((8, 6, 3), [number % 256, number // 256, 77], np.uint8))


def small(products=160):
    """fashion_small in little: two photographs a display name, "Smart Casual" or nothing said of the usage."""
    rng, lines = np.random.default_rng(0), []
    for number in range(products):
        kind = ("Tshirts", "Casual Shoes")[number % 2]
        for copy in range(2):
            gender, colour = ("Men", "Women")[rng.integers(2)], COLOURS[rng.integers(3)]
            usage = ("Smart Casual", "Sports", "NA")[rng.integers(3)]
            key = str(2 * number + copy)
            lines.append((key, gender, "Apparel", "x", kind, colour, "Fall", 2011, usage, f"Name {number}"))
    styles = pd.DataFrame(lines, columns=list(small_shop.COLUMNS)).assign(photo=True)
    return SimpleNamespace(styles=styles, images=Shelf({line[0]: plain(int(line[0])) for line in lines}))


def houses(products=120):
    """hm in little: three colours a product, of which one has another pattern."""
    lines = [
        (f"{code:07d}{k:03d}", f"{code:07d}", colour, "Stripe" if k == 2 else "Solid", ("Dress", "Hair clip")[code % 2])
        for code in range(products) for k, colour in enumerate(np.roll(["Black", "Light Blue", "Red", "Black"], code))
    ]  # fmt: skip
    columns = ["article_id", "product_code", "colour_group_name", "graphical_appearance_name", "product_type_name"]
    frame = pd.DataFrame(lines, columns=columns).assign(photo=True, product_group_name="a", garment_group_name="b",
                                                        index_group_name="c", detail_desc="d")  # fmt: skip
    return SimpleNamespace(articles=frame, images=Shelf({line[0]: plain(n) for n, line in enumerate(lines)}))


def official(root, train=240, test=60, captions=None):
    """A tree of Fashion200k: two photographs a product, every seventh pair of test photographs of siblings a query."""
    (root / "labels").mkdir(parents=True)
    rng, said = np.random.default_rng(1), {}
    for number in range(train + test):
        path = f"women/tops/t-shirts/{number // 2}/{number // 2}_{number % 2}.jpeg"
        said[path] = " ".join(
            rng.choice(words) for words in (["red", "blue", "grey"], ["silk", "lace"], ["top", "tee"])
        )
        said[path] = (captions or {}).get(number, said[path])
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(plain(number))
    lines = [f"{path}\t1.0\t{caption}\n" for path, caption in said.items()]
    (root / "labels" / "top_train_detect_all.txt").write_text("".join(lines[:train]))
    (root / "labels" / "top_test_detect_all.txt").write_text("".join(lines[train:]))
    tested = list(said)[train:]
    pairs = [(a, b) for a in tested for b in tested if len(set(said[a].split()) - set(said[b].split())) == 1]
    (root / "test_queries.txt").write_text("".join(f"{a} {b}\n" for a, b in pairs[::7]))
    return root
