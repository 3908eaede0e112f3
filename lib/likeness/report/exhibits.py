"""Tables and figures of a chapter: a file for those who compute, HTML for those who read."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

#: A larger SVG (a scatter of many points) is shown as PNG: the page carries it, and browsers draw it slowly.
LARGEST_SVG: Final = 700_000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")


def check_exhibit(name: str, **texts: str) -> None:
    """Refuse a name that is no plain file name, and an empty caption or alternative text."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"name {name!r}: expected lower-case letters, digits, _ and -; rename the table or figure"
        )
    for what, text in texts.items():
        if not text.strip():
            raise ValueError(f"{what} of {name!r} is empty: say what the reader sees")


def save_table(folder: Path, name: str, frame: pd.DataFrame) -> Path:
    """Write a frame as CSV in full precision; an index that only counts the rows is left out."""
    path = folder / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=_has_index(frame))
    return path


def table_html(frame: pd.DataFrame, caption: str, significant: int = 4) -> str:
    """Escaped HTML of a frame, in a box that scrolls by itself where it is wider or longer than a screen.

    Parameters
    ----------
    significant : digits shown of a number; the CSV keeps them all
    """
    body = frame.to_html(
        escape=True, index=_has_index(frame), border=0, na_rep="–",
        float_format=lambda x: shown(x, significant),
    )  # fmt: skip
    return (
        '<figure class="likeness-table exhibit">'
        f'<div class="likeness-scroll" tabindex="0" role="region" aria-label="{html.escape(caption)}">'
        f"{body}</div>"
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def shown(x: float, significant: int = 4) -> str:
    """A number for reading: so many digits, but a whole part is never cut, and from 10,000 on it is set apart.

    >>> shown(1 / 3), shown(64581.2), shown(1234.5), shown(2e-7)
    ('0.3333', '64,581', '1234', '2e-07')
    """
    if abs(x) >= 10.0**significant:
        return f"{x:,.0f}"
    return f"{x:.{significant}g}"


def save_figure(folder: Path, name: str, figure: Any) -> tuple[Path, Path]:
    """Write a matplotlib figure (or a seaborn grid) as (SVG, PNG) and close it.

    The same figure gives the same bytes: ids are salted by the name, and no date is written.
    """
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    drawn = getattr(figure, "figure", figure)
    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    with plt.rc_context({"svg.hashsalt": name}):
        drawn.savefig(svg, bbox_inches="tight", metadata={"Date": None, "Creator": None})
        drawn.savefig(png, bbox_inches="tight", dpi=144, metadata={"Software": None})
    plt.close(drawn)
    return svg, png


def figure_html(svg: Path, png: Path, caption: str, alt: str) -> str:
    """The figure inside the page itself, so that a notebook stays one file."""
    path, kind = (svg, "svg+xml") if svg.stat().st_size <= LARGEST_SVG else (png, "png")
    data = base64.b64encode(path.read_bytes()).decode()
    return (
        f'<figure class="likeness-figure"><img alt="{html.escape(alt)}" '
        f'src="data:image/{kind};base64,{data}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def show(markup: str, text: str) -> None:
    """Display HTML in a notebook, with a plain text for readers that have none."""
    from IPython.display import display

    display({"text/html": markup, "text/plain": text}, raw=True)


def _has_index(frame: pd.DataFrame) -> bool:
    import pandas as pd

    return not isinstance(frame.index, pd.RangeIndex)
