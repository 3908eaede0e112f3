"""One file over HTTPS, resumed where it broke off.

While a file comes, two others stand beside its place: `.NAME.part` (what came) and `.NAME.part.json` (from which
address, and which version of it). A later call asks for the rest alone [1]_, on the condition that the version is the
same; where it is not, or where a server tells no version or knows no ranges, it begins again.

References
----------
.. [1] RFC 9110, "HTTP Semantics", sections 13.1.5 (If-Range) and 14 (Range Requests).
"""

from __future__ import annotations

import contextlib
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Collection
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

from likeness.data.registry import Download

#: Told while bytes come: how many are here, and how many there will be (None: the server does not say).
Tell = Callable[[int, int | None], None]

#: Answers that may differ the next time: timeout, range that is not there, too many requests, errors of the server.
_PASSING: Final = frozenset({408, 416, 429, 500, 502, 503, 504})
_BLOCK: Final = 1 << 16
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
#: What a version may look like: it goes into a header of the next request.
_VERSION: Final = re.compile(r"[ -~]{1,200}")


class FetchError(OSError):
    """A download that did not end in a checked file; the message says what is kept and what to do."""


class BrokenOff(Exception):  # noqa: N818  no error of the user's: the next try mends it
    """An answer that ended early, or that does not fit what came before."""


class Part:
    """What has come of a file so far, and of which version of it."""

    def __init__(self, target: Path, url: str) -> None:
        self.file = target.with_name(f".{target.name}.part")
        self.note = target.with_name(f".{target.name}.part.json")
        self.url = url

    def state(self) -> tuple[int, str, int | None]:
        """Bytes that can be built on, version and length of the whole; (0, "", None) where there is nothing."""
        try:
            said = json.loads(self.note.read_text(encoding="utf-8"))
            url, version, total = said["url"], said["version"], said["total"]
            have = self.file.stat().st_size
        except (OSError, ValueError, KeyError, TypeError):
            return 0, "", None
        known = isinstance(version, str) and _VERSION.fullmatch(version) and isinstance(total, int | None)
        if url != self.url or not known or have > (have if total is None else total):
            return 0, "", None
        return (have, version, total) if have else (0, "", None)

    def begin(self, version: str, total: int | None) -> None:
        """Forget what came before; what comes now is of this version."""
        self.clear()
        self.note.write_text(json.dumps({"url": self.url, "version": version, "total": total}), encoding="utf-8")

    def clear(self) -> None:
        """Remove all."""
        self.file.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def leave(self) -> str:
        """Remove what no later call can build on; say what is kept, in words that end in a semicolon, or nothing."""
        have, _, total = self.state()
        if not have:
            with contextlib.suppress(OSError):  # called while an error is told: that one counts
                self.clear()
            return ""
        of = "" if total is None else f" of {total:,}"
        return f"{have:,}{of} bytes are kept in {self.file}; "


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but none out of https."""

    def __init__(self, in_clear: Collection[str]) -> None:
        self.in_clear = in_clear

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The request of the new address. Raises FetchError where that is not https."""
        in_clear = self.in_clear if req.type == "http" else ()
        check_scheme(newurl, in_clear, f"{req.full_url} sends on to ")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def opener(in_clear: Collection[str] = ()) -> urllib.request.OpenerDirector:
    """What opens addresses and refuses to be sent out of https, but to the hosts named."""
    return urllib.request.build_opener(_Redirects(in_clear))


def check_scheme(url: str, in_clear: Collection[str] = (), how: str = "") -> None:
    """Refuse an address that is not https, unless it is http of a host named in `in_clear`. Raises FetchError."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in in_clear):
        raise FetchError(f"{how}{url}: expected an https address; nothing is fetched in clear")


def load(download: Download, part: Part, opens: urllib.request.OpenerDirector, tell: Tell, timeout: float) -> None:
    """Bring the part to its whole length, from where it stands.

    Raises BrokenOff, HTTPException and OSError (`passing` tells which of them another try may mend); FetchError on more
    bytes than the registry allows.
    """
    have, version, total = part.state()
    if have and have == total:
        return
    headers = {"User-Agent": "likeness (a reproducibility report)", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    try:
        answer = opens.open(urllib.request.Request(download.url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.clear()
        error.close()
        raise
    with answer:
        done, total = _where(answer, have, version, total, part)
        _check_size(total or 0, download, part)
        if not done:
            part.begin(_version(answer), total)
        with part.file.open("ab") as out:
            while block := answer.read(_BLOCK):
                done += len(block)
                _check_size(done, download, part)
                out.write(block)
                tell(done, total)
    if total is not None and done != total:
        raise BrokenOff(f"the connection ended after {done:,} of {total:,} bytes")


def passing(error: Exception) -> bool:
    """Whether another try may mend what `load` raised."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in _PASSING
    if isinstance(error, urllib.error.URLError):
        return not isinstance(error.reason, ssl.SSLCertVerificationError)
    return isinstance(error, BrokenOff | HTTPException | ConnectionError | TimeoutError)


def _where(answer: Any, have: int, version: str, noted: int | None, part: Part) -> tuple[int, int | None]:
    """At which byte an answer begins, and the length of the whole."""
    if answer.status == HTTPStatus.OK:
        length = _LENGTH.fullmatch(answer.headers.get("Content-Length", "").strip())
        return 0, int(length[0]) if length else None
    said = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    total = int(said[2]) if said and said[2] != "*" else None
    same = _version(answer) in (version, "") and noted in (total, None)  # some servers take no notice of If-Range
    if answer.status != HTTPStatus.PARTIAL_CONTENT or not have or said is None or int(said[1]) != have or not same:
        part.clear()
        raise BrokenOff(f"answer {answer.status} does not continue the {have:,} bytes that were here")
    return have, total


def _version(answer: Any) -> str:
    """What If-Range may name: a strong ETag, else the time of the last change; "" where there is neither."""
    etag = answer.headers.get("ETag", "").strip()
    said = etag if etag.startswith('"') else answer.headers.get("Last-Modified", "").strip()
    return said if _VERSION.fullmatch(said) else ""


def _check_size(size: int, download: Download, part: Part) -> None:
    if size > download.at_most:
        part.clear()
        raise FetchError(
            f"{download.url}: sends {size:,} bytes or more, expected at most {download.at_most:,}: "
            "not the registered file; nothing of it was kept"
        )
