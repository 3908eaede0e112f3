"""The built book in a real browser: from files, without a network, at two widths, in both modes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest
from rich.console import Console

import small_book
from likeness.report.build import build
from likeness.report.diff import diff

pytestmark = pytest.mark.browser

REAL = small_book.REPOSITORY / "_build" / "html"
WIDTHS, MODES = (1280, 390), ("light", "dark")


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location(
        "screenshots", small_book.REPOSITORY / "tools" / "screenshots.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


screenshots = _tool()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium. Without one the tests are skipped, except in CI, where nothing would have been tested."""
    try:
        import playwright.sync_api  # noqa: F401

        screenshots.chromium()
    except (ImportError, subprocess.CalledProcessError) as error:
        why = f"no browser: {getattr(error, 'stderr', '') or error}"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(why)
        pytest.skip(why)
    with screenshots.browser() as running:
        yield running


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("book")
    small_book.make_project(root)
    quiet = Console(quiet=True)
    assert build(root, quiet, quiet) == 0, (root / "_build" / "build.log").read_text(encoding="utf-8")
    return root / "_build" / "html"


@pytest.fixture(scope="module", params=["small", "real"])
def book(request: pytest.FixtureRequest) -> Path:
    """A small book that is made here, and the real one where it has been built."""
    if request.param == "small":
        return request.getfixturevalue("small")
    if not (REAL / "index.html").is_file():
        pytest.skip("the real book is not built (make book)")
    return REAL


def pages_of(book: Path) -> list[Path]:
    generated = ("_static", "downloads", "reports", "_sources")
    return sorted(p for p in book.rglob("*.html") if p.relative_to(book).parts[0] not in generated)


@contextmanager
def watched(
    browser: Any, file: Path, width: int, mode: str, query: str = ""
) -> Iterator[tuple[Any, list[str]]]:
    """A page, and what went wrong while it was open: errors, dialogs, requests that leave the file system."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=mode)
    context.add_init_script(
        f"localStorage.setItem('mode', '{mode}'); localStorage.setItem('theme', '{mode}')"
    )
    wrong: list[str] = []

    context.set_offline(True)
    page = context.new_page()
    page.on(
        "request",
        lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else wrong.append(f"request {r.url}"),
    )
    page.on(
        "console",
        lambda m: wrong.append(f"console {m.type}: {m.text}") if m.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    page.on("requestfailed", lambda request: wrong.append(f"failed {request.url}"))
    page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.goto(file.resolve().as_uri() + query, wait_until="load")
    try:
        yield page, wrong
    finally:
        context.close()


UNNAMED = "() => [...document.images].filter(i => !i.alt.trim()).map(i => i.outerHTML.slice(0, 99))"
BROKEN = """() => [...document.images].filter(i => i.loading !== 'lazy' && !i.naturalWidth)
  .map(i => i.outerHTML.slice(0, 99))"""
MATH = "() => document.querySelectorAll('span.math, div.math').length"
RENDERED = "() => document.querySelectorAll('.math mjx-container svg').length"
OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  const boxes = `.likeness-scroll, pre, .pst-scrollable-table-container, mjx-container,
    .bd-sidebar-primary, dialog`;
  const inBox = e => e.closest(boxes);
  const wide = [...document.querySelectorAll('.bd-article *')].filter(
    e => e.getBoundingClientRect().right > width + 1 && !inBox(e)
      && getComputedStyle(e).position !== 'absolute');
  const shown = wide.slice(0, 3).map(e => e.outerHTML.slice(0, 120));
  return {page: document.documentElement.scrollWidth - width, wide: shown};
}"""
# WCAG 2 contrast of every label and small text with the nearest opaque background
CONTRAST = """() => {
  const parse = c => {
    const [r, g, b, a] = c.match(/[\\d.]+/g).map(Number);
    return {rgb: [r, g, b], a: a ?? 1};
  };
  const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = rgb => {
    const [r, g, b] = rgb.map(v => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.a === 1) return c.rgb;
    }
    return [255, 255, 255];
  };
  const some = `.verdict, .chip, figcaption, .interval, .number, dt, .quiet, .where, .score-cite,
    .likeness-scroll th, .likeness-scroll td`;
  return [...document.querySelectorAll(some)].filter(e => e.checkVisibility()).map(e => {
    const [x, y] = [light(parse(getComputedStyle(e).color).rgb), light(behind(e))].sort((p, q) => q - p);
    return {ratio: (x + .05) / (y + .05), text: e.className + ': ' + e.textContent.trim().slice(0, 40)};
  });
}"""
BACKGROUND = "() => getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number)"


def faults(page: Any, mode: str) -> list[str]:
    """What a reader of this page would stumble over."""
    if wanted := page.evaluate(MATH):
        page.wait_for_function(f"({RENDERED})() >= {wanted}", timeout=10_000)
    found = ["TeX that MathJax cannot read"] if page.query_selector(".math mjx-merror") else []
    over = page.evaluate(OVERFLOW)
    if over["page"] > 0 or over["wide"]:
        found.append(f"wider than the window by {over['page']} px: {over['wide']}")
    found += [f"image without alt text: {image}" for image in page.evaluate(UNNAMED)]
    found += [f"image that does not load: {image}" for image in page.evaluate(BROKEN)]
    pale = [c for c in page.evaluate(CONTRAST) if c["ratio"] < 4.5]
    found += [f"contrast {c['ratio']:.2f} of {c['text']!r}" for c in pale[:3]]
    brightness = sum(page.evaluate(BACKGROUND)[:3]) / 3
    if (brightness > 200) != (mode == "light"):
        found.append(f"background {brightness:.0f} in {mode} mode")
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page(book: Path, browser: Any, width: int, mode: str) -> None:
    found: list[str] = []
    pages = pages_of(book)
    assert len(pages) >= 6
    for file in pages:
        with watched(browser, file, width, mode) as (page, wrong):
            found += [f"{file.relative_to(book)}: {fault}" for fault in faults(page, mode) + wrong]
    assert not found, "\n".join(found)


def test_search_works_from_files(book: Path, browser: Any) -> None:
    with watched(browser, book / "search.html", 1280, "light", "?q=verdict") as (page, wrong):
        page.wait_for_selector("#search-results li a", timeout=10_000)
        assert not wrong, wrong


def test_the_reason_of_a_verdict_opens_without_a_mouse(small: Path, browser: Any) -> None:
    with watched(browser, small / "paper_runs/clustering/clustering.html", 390, "light") as (page, wrong):
        summary = page.locator("details.why summary").first
        summary.focus()
        page.keyboard.press("Enter")
        assert "half-width" in page.locator("details.why[open] .note").first.inner_text()
        assert page.evaluate(OVERFLOW)["page"] <= 0
        assert not wrong, wrong


def test_hostile_text_is_shown_as_text(small: Path, browser: Any) -> None:
    for name in ("index.html", "errata.html", "paper_runs/clustering/clustering.html"):
        with watched(browser, small / name, 1280, "light") as (page, wrong):
            assert small_book.HOSTILE in page.inner_text("article.bd-article"), name
            assert not any("dialog" in w for w in wrong)


def test_the_diff_page(small: Path, browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_ROOT", str(small.parents[1]))
    room = small.parents[1] / "paper_runs" / "clustering"
    file = tmp_path / "diff.html"
    file.write_text(diff(room, room / "records" / "full.json"), encoding="utf-8")
    for width in WIDTHS:
        for mode in MODES:
            with watched(browser, file, width, mode) as (page, wrong):
                assert page.evaluate(OVERFLOW)["page"] <= 0
                assert not [c for c in page.evaluate(CONTRAST) if c["ratio"] < 4.5]
                assert not wrong, wrong


class Links(HTMLParser):
    """Targets and ids of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            if name in ("href", "src") and value and tag != "base":
                self.targets.append(value)


def test_every_link_inside_the_book_leads_somewhere(book: Path) -> None:
    read: dict[Path, Links] = {}
    for file in pages_of(book):
        read[file] = Links()
        read[file].feed(file.read_text(encoding="utf-8"))
    found = []
    for file, links in read.items():
        for target in links.targets:
            path, anchor = urldefrag(target)
            if ":" in path.split("/")[0]:
                continue  # another site, data:, mailto:
            there = (file.parent / unquote(path.split("?")[0])).resolve() if path else file
            if not there.is_file():
                found.append(f"{file.relative_to(book)}: {target}: no such file")
            elif anchor and there in read and unquote(anchor) not in read[there].ids:
                found.append(f"{file.relative_to(book)}: {target}: no such place")
    assert not found, "\n".join(sorted(set(found)))
