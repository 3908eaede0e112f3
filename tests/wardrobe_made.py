"""Garments and staged things for the tests of pictures."""

from likeness.data.wardrobe.garments import KINDS, Garment


def make(number=0, kind="t-shirt", **chosen):
    """A garment of a kind with every attribute of the kind set, those not given to their commonest value."""
    made = KINDS[kind]
    has = {"sleeve": made.sleeves[0], "length": "regular", "neckline": "round neck", "fit": "regular fit"}
    has |= {"heel": "low heel", "gender": "women", "colour": "blue", "pattern": "solid"} | chosen
    has |= {part: "" for part in ("sleeve", "length", "neckline", "fit", "heel") if part not in made.parts}
    second = "" if has["pattern"] == "solid" else chosen.get("second", "white" if has["colour"] != "white" else "red")
    return Garment(number, category=made.category, kind=kind, usage="casual", price=20, **has | {"second": second})


def article(things):
    return next((k, thing) for k, thing in enumerate(things, start=1) if thing.cloth is not None)
