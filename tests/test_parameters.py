"""One dataclass, one validation, wherever a parameter comes from."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.report.parameters import BaseParameters, ParameterError, describe, papers, param, parameters_of


@dataclass(frozen=True, kw_only=True)
class Toy(BaseParameters):
    seeds: int = param("training seeds", smoke=1, laptop=3, full=5, low=1, high=100)
    scale: float = param("spread", smoke=0.5, laptop=1.0, full=1.0, low=0.0, unit="m")
    name: str = param("a word", smoke="a", laptop="a", full="a")
    quick: bool = param("whether to hurry", smoke=True, laptop=False, full=False)
    models: tuple[str, ...] = param(
        "models", smoke=("mlp",), laptop=("mlp", "dgcnn"), full=("mlp", "dgcnn"), choices=("mlp", "dgcnn")
    )
    noises: tuple[float, ...] = param(
        "noise values", smoke=(0.0,), laptop=(0.0, 0.1), full=(0.0, 0.1), low=0.0
    )


@dataclass(frozen=True, kw_only=True)
class Ranged(BaseParameters):
    low: int = param("fewest", smoke=1, laptop=1, full=1)
    high: int = param("most", smoke=2, laptop=2, full=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low > self.high:
            raise ParameterError(f"low {self.low} exceeds high {self.high}")


def test_presets_set_the_defaults_and_what_is_given_wins() -> None:
    assert Toy.resolve({}).preset == "laptop"
    assert Toy.resolve({}).seeds == 3
    smoke = Toy.resolve({"preset": "smoke", "scale": 2, "seeds": None})
    assert (smoke.seeds, smoke.scale, smoke.quick) == (1, 2.0, True)
    assert isinstance(smoke.scale, float)
    assert Toy.resolve({"preset": "full"}).seeds == 5


@pytest.mark.parametrize(
    ("wrong", "closest"), [("sedes", "seeds"), ("Scale", "scale"), ("nosies", "noises"), ("divice", "device")]
)
def test_an_unknown_name_is_refused_with_the_closest(wrong: str, closest: str) -> None:
    for attempt in (lambda: Toy.resolve({wrong: 1}), lambda: Toy.parse([f"{wrong}=1"])):
        with pytest.raises(ParameterError, match=f"unknown parameter '{wrong}': did you mean '{closest}'"):
            attempt()


def test_an_unknown_name_is_refused_even_when_its_value_is_none() -> None:
    with pytest.raises(ParameterError, match="did you mean 'seeds'"):
        Toy.resolve({"seedz": None})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("seeds", 2.5, "whole number"),
        ("seeds", 2.0, "whole number"),
        ("seeds", "2", "whole number"),
        ("seeds", True, "whole number"),
        ("seeds", [2], "whole number"),
        ("seeds", 0, "1 to 100"),
        ("seeds", 101, "1 to 100"),
        ("scale", "1.0", "finite number"),
        ("scale", True, "finite number"),
        ("scale", float("nan"), "finite number"),
        ("scale", float("inf"), "finite number"),
        ("scale", -0.1, "at least 0.0"),
        ("name", 1, "a text"),
        ("quick", 1, "True or False"),
        ("models", "mlp", "list of str"),
        ("models", ["mpl"], "closest: mlp"),
        ("models", [1], "a text"),
        ("noises", [0.1, -1.0], "at least 0.0"),
        ("noises", [0.1, "0.2"], "finite number"),
        ("device", "gpu", "one of auto, cpu, cuda"),
        ("preset", "lapto", "did you mean 'laptop'"),
        ("preset", 3, "unknown preset"),
        ("preset", ["smoke"], "unknown preset"),
    ],
)
def test_a_wrong_value_is_refused_and_named(name: str, value: object, expected: str) -> None:
    with pytest.raises(ParameterError, match=expected) as caught:
        Toy.resolve({name: value})
    assert name in str(caught.value)


def test_direct_construction_is_as_strict() -> None:
    with pytest.raises(ParameterError, match="seeds = 0"):
        Toy(seeds=0)
    assert Toy(scale=2).scale == 2.0


def test_rules_between_fields_hold() -> None:
    assert Ranged.resolve({"high": 7}).high == 7
    with pytest.raises(ParameterError, match="low 3 exceeds high 2"):
        Ranged.resolve({"low": 3})


def test_a_command_line_is_read_by_declared_type() -> None:
    pairs = ["seeds=4", "scale=2", "name=4", "quick=True", "models=mlp, dgcnn", "noises=0.1,1e-3"]
    expected = {"seeds": 4, "scale": 2.0, "name": "4", "quick": True, "models": ["mlp", "dgcnn"]}
    values = Toy.parse(pairs)
    assert values == expected | {"noises": [0.1, 0.001]}
    assert type(values["scale"]) is float
    assert Toy.resolve(values).models == ("mlp", "dgcnn")


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["seeds"], "expected name=value"),
        (["=3"], "expected name=value"),
        (["seeds=2.5"], "seeds = '2.5': expected a whole number"),
        (["seeds="], "whole number"),
        (["scale=wide"], "finite number"),
        (["quick=yes"], "True or False"),
        (["noises=0.1,x"], "finite number"),
        (["seeds=1", "seeds=2"], "given twice"),
    ],
)
def test_a_wrong_command_line_is_refused(pairs: list[str], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Toy.parse(pairs)


@given(
    seeds=st.integers(1, 100),
    scale=st.floats(0, 1e300),
    noises=st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_text_and_json_give_back_the_same_parameters(seeds: int, scale: float, noises: list[float]) -> None:
    made = Toy.resolve({"seeds": seeds, "scale": scale, "noises": noises})
    text = [f"seeds={seeds}", f"scale={scale!r}", "noises=" + ",".join(map(repr, noises))]
    assert Toy.resolve(Toy.parse(text)) == made
    assert Toy.resolve(json.loads(json.dumps(made.asdict()))) == made


def test_the_table_says_type_defaults_unit_range_and_meaning() -> None:
    rows = {row["name"]: row for row in describe(Toy)}
    assert list(rows) == ["preset", "device", "seeds", "scale", "name", "quick", "models", "noises"]
    assert rows["seeds"] == {
        "name": "seeds", "type": "int", "smoke": "1", "laptop": "3", "full": "5", "unit": "",
        "range": "1 to 100", "meaning": "training seeds",
    }  # fmt: skip
    assert (rows["scale"]["unit"], rows["scale"]["range"]) == ("m", "at least 0.0")
    assert rows["models"]["range"] == "one of mlp, dgcnn"
    assert rows["models"]["type"] == "list of str"


def test_a_field_without_presets_is_a_mistake_of_its_author() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Odd(BaseParameters):
        options: dict[str, int] = param("what is this", smoke={}, laptop=None, full={})

    with pytest.raises(TypeError, match="options"):
        Odd.resolve({})


def test_papers_have_parameters_whose_presets_are_all_valid() -> None:
    assert "clustering" in papers()
    for paper in papers():
        kind = parameters_of(paper)
        for preset in ("smoke", "laptop", "full"):
            assert kind.resolve({"preset": preset}).preset == preset


def test_an_unknown_paper_is_refused_with_the_closest() -> None:
    with pytest.raises(ParameterError, match="unknown paper 'clustring': did you mean 'clustering'"):
        parameters_of("clustring")
