"""Screenshots of pages of the book, at two widths, in both modes.

python tools/screenshots.py _build/html shots index paper_runs/clustering/clustering
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
#: A busy machine needs more than the usual half minute for a long page.
TIMEOUT_MS = 180_000
WIDTHS, MODES = (1280, 390), ("light", "dark")


def chromium() -> str:
    """Path of a Chromium; raises CalledProcessError where there is none and none can be installed."""
    script = Path(__file__).with_name("chromium.sh")
    done = subprocess.run([str(script)], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium with a fresh profile."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        try:
            yield running
        finally:
            running.close()


def open_page(running: Any, file: Path, width: int, mode: str) -> Any:
    """A page of the book in a context of its own, in light or dark; close its context after use."""
    context = running.new_context(viewport={"width": width, "height": 900}, color_scheme=mode)
    # the theme remembers the mode that a reader chose under these names
    context.add_init_script(
        f"localStorage.setItem('mode', '{mode}'); localStorage.setItem('theme', '{mode}')"
    )
    page = context.new_page()
    page.goto(file.resolve().as_uri(), wait_until="load")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("html", type=Path, help="folder of the built book")
    parser.add_argument("out", type=Path, help="folder for the screenshots")
    parser.add_argument("pages", nargs="+", help="pages without .html")
    parser.add_argument("--first-screen", action="store_true", help="only what is seen without scrolling")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with browser() as running:
        for name in given.pages:
            for width in WIDTHS:
                for mode in MODES:
                    page = open_page(running, given.html / f"{name}.html", width, mode)
                    page.wait_for_timeout(500)  # MathJax
                    file = given.out / f"{name.replace('/', '-')}-{width}-{mode}.png"
                    page.screenshot(path=str(file), full_page=not given.first_screen, timeout=TIMEOUT_MS)
                    page.context.close()


if __name__ == "__main__":
    main()
