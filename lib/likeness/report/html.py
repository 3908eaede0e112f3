"""Templates to HTML: everything that comes from a file is escaped."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_KINDS: Final = {".svg": "image/svg+xml", ".png": "image/png"}


@cache
def templates() -> Environment:
    """The package's own templates, autoescaped; an undefined name is an error."""
    made = Environment(
        loader=PackageLoader("likeness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["fixed"] = fixed
    return made


def render(name: str, **context: object) -> Markup:
    """A template as one block of HTML without empty lines, which would end the block inside markdown."""
    text = templates().get_template(f"{name}.html.j2").render(**context)
    return Markup("\n".join(line for line in text.splitlines() if line.strip()))  # noqa: S704  autoescaped above


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals, and no negative zero.

    >>> fixed(0.8712, 3), fixed(-0.0001, 2)
    ('0.871', '0.00')
    """
    return f"{value:z.{decimals}f}"


def data_uri(file: Path) -> str:
    """An image as a data: URI, so that a page needs no second file."""
    return f"data:{_KINDS[file.suffix]};base64,{base64.b64encode(file.read_bytes()).decode()}"
