"""Markdown of the book's pages and chapters, filled in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from jinja2 import Environment, StrictUndefined, TemplateError

from likeness.report.chapter import Chapter
from likeness.report.claims import ClaimError
from likeness.report.page_functions import BookFunctions, ChapterFunctions


class PageError(ValueError):
    """A page that names what is not there; says page, line and the closest name."""


class Pages:
    """Renders the markdown of the book's pages and of the chapters."""

    def __init__(self, chapters: Sequence[Chapter]) -> None:
        """Give the pages the chapters that their functions read."""
        self.book = BookFunctions(chapters)
        self.by_name = {c.name: ChapterFunctions(c) for c in chapters}

    @cached_property
    def _environment(self) -> Environment:
        # {# begins an anchor in MyST, so Jinja's comments are <# ... #> here
        return Environment(
            autoescape=True,
            undefined=StrictUndefined,
            comment_start_string="<#",
            comment_end_string="#>",
            keep_trailing_newline=True,
        )

    def render(self, text: str, where: str, paper: str | None = None, first_line: int = 1) -> str:
        """Markdown with its Jinja expressions filled in. Raises PageError naming page and line."""
        names = self.book.names() | (self.by_name[paper].names() if paper else {})
        try:
            return self._environment.from_string(text, globals=names).render()
        except (TemplateError, ClaimError, TypeError, ValueError) as error:
            line = first_line - 1 + _line_of(error)
            raise PageError(f"{where}, line {line}: {error}") from error


def _line_of(error: Exception) -> int:
    """Line of the template at which an error arose."""
    if isinstance(getattr(error, "lineno", None), int):
        return int(error.lineno)  # type: ignore[attr-defined]
    trace, line = error.__traceback__, 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
