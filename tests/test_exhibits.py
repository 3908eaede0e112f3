"""Tables and figures: files for those who compute, escaped HTML for those who read."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from likeness.report import exhibits
from likeness.report.run import Run
from likeness.studies.clustering.parameters import Parameters

mpl.use("agg")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that belongs to no room."""
    return Run("toy", Parameters(), tmp_path / "out")


def draw(points: int = 5) -> mpl.figure.Figure:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    axes.plot(np.arange(points), np.arange(points) % 7, marker="o", label="a")
    axes.fill_between([0, 1], [0, 1], hatch="/", clip_on=True)
    return figure


def test_figures_are_kept_twice_closed_and_the_same_each_time(run: Run, tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    run.figure("curve", draw(), "A curve", "It rises")
    assert plt.get_fignums() == []
    svg = (run.out / "figures" / "curve.svg").read_bytes()
    assert (run.out / "figures" / "curve.png").read_bytes().startswith(b"\x89PNG")
    again, _ = exhibits.save_figure(tmp_path / "again", "curve", draw())
    assert again.read_bytes() == svg
    assert b"<dc:date>" not in svg


def test_a_figure_stands_in_the_page_with_its_alternative_text(tmp_path: Path) -> None:
    save, show = exhibits.save_figure, exhibits.figure_html
    small = show(*save(tmp_path, "small", draw()), "A <b> caption", 'It says "up"')
    assert (
        '<figure class="likeness-figure"><img alt="It says &quot;up&quot;" src="data:image/svg+xml;base64,'
        in small
    )
    assert "<figcaption>A &lt;b&gt; caption</figcaption>" in small
    large = show(*save(tmp_path, "large", draw(8000)), "c", "a")
    assert (tmp_path / "large.svg").stat().st_size > exhibits.LARGEST_SVG
    assert 'src="data:image/png;base64,' in large


@pytest.mark.parametrize(
    ("name", "caption", "alt", "message"),
    [
        ("../evil", "c", "a", "expected lower-case letters"),
        ("Fig", "c", "a", "expected lower-case letters"),
        ("fig", " ", "a", "caption of 'fig' is empty"),
        ("fig", "c", "", "alt of 'fig' is empty"),
    ],
)
def test_figures_need_a_plain_name_a_caption_and_alternative_text(
    run: Run, name: str, caption: str, alt: str, message: str
) -> None:
    import matplotlib.pyplot as plt

    figure = draw()
    with pytest.raises(ValueError, match=message):
        run.figure(name, figure, caption, alt)
    plt.close(figure)


def test_tables_are_kept_in_full_and_shown_escaped(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.DataFrame({"model": ["<script>alert(1)</script>"], "score": [1 / 3]})
    run.table("scores", table, "Scores & <b>")
    kept = pd.read_csv(run.out / "tables" / "scores.csv")
    pd.testing.assert_frame_equal(kept, table)
    markup = exhibits.table_html(table, "Scores & <b>")
    assert "<script>" not in markup
    assert "<figcaption>Scores &amp; &lt;b&gt;</figcaption>" in markup
    assert "0.3333<" in markup
    assert markup.startswith('<figure class="likeness-table exhibit"><div class="likeness-scroll"')
    with pytest.raises(ValueError, match="table scores: this name is taken"):
        run.table("scores", table, "again")
