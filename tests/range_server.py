"""A small HTTP server on 127.0.0.1 whose manners can be set: ranges, versions, cut connections, errors, redirects."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

HOST = "127.0.0.1"


@contextmanager
def serving(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    """A server of such files, by path; no proxy is asked for it."""
    monkeypatch.setenv("no_proxy", HOST)
    monkeypatch.setenv("NO_PROXY", HOST)
    with RangeServer() as server:
        server.files = dict(files)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


class RangeServer(ThreadingHTTPServer):
    """Serves `files` by path and keeps in `asked` and `sent` what it was asked for and how many bytes it gave."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.headers: dict[str, str] = {"ETag": '"v1"'}  # of every answer with content; may override any other
        self.ranges = True  # whether ranges are known
        self.careless = False  # whether If-Range is not looked at
        self.length = True  # whether the length is told
        self.errors: list[int] = []  # answers of the next requests
        self.cuts: list[int] = []  # after how many bytes the connections of the next answers are cut
        self.stall: threading.Event | None = None  # a cut answer waits for it before it ends
        self.asked: list[tuple[str | None, str | None]] = []  # Range and If-Range of each request
        self.sent: list[int] = []

    def address(self, path: str) -> str:
        return f"http://{HOST}:{self.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: RangeServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        s = self.server
        wanted, version = self.headers.get("Range"), self.headers.get("If-Range")
        s.asked.append((wanted, version))
        if self.path in s.redirects:
            self._head(302, {"Location": s.redirects[self.path]})
            return
        if s.errors:
            self._head(s.errors.pop(0), {})
            return
        body, begin = s.files[self.path], 0
        if wanted and s.ranges and (s.careless or version in s.headers.values()):
            begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if begin >= len(body):
                self._head(416, {"Content-Range": f"bytes */{len(body)}"})
                return
        about = {"Content-Length": str(len(body) - begin)} if s.length else {}
        if begin:
            about["Content-Range"] = f"bytes {begin}-{len(body) - 1}/{len(body)}"
        self._head(206 if begin else 200, about | s.headers)
        cut = s.cuts.pop(0) if s.cuts else None
        part = body[begin:][:cut]
        s.sent.append(len(part))  # before the write: the client may be done before this thread goes on
        self.wfile.write(part)
        if cut is not None and s.stall is not None:
            s.stall.wait(20)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
