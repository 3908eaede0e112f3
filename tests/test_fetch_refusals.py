"""Downloads that must not end in a file: other bytes, too many, out of https, packed wrongly. No network."""

from __future__ import annotations

import gzip
import io
import random
import threading
import time
import zipfile
from collections.abc import Iterator
from urllib.request import Request

import pytest

from fetching import BODY, NAME, get, names, sha256, want
from likeness.data import transfer
from likeness.data.fetch import TRIES, Wanted, fetch
from likeness.data.registry import Download
from range_server import HOST, RangeServer, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    with serving({NAME: BODY}, monkeypatch) as server:
        yield server


@pytest.mark.parametrize("older", [None, b"what was here"])
def test_other_bytes_than_the_registered_ones_leave_nothing(server, tmp_path, older):
    file = want(server, tmp_path)
    file.target.parent.mkdir()
    if older:
        file.target.write_bytes(older)
    server.files[NAME] = BODY[:-1] + b"?"
    with pytest.raises(
        transfer.FetchError, match=f"sha256 {sha256(server.files[NAME])}, expected {sha256(BODY)}; it was removed"
    ):
        get(file)
    assert names(tmp_path) == (["set/body.bin"] if older else [])
    assert older is None or file.target.read_bytes() == older
    assert len(server.asked) == 1  # the same answer would come again


@pytest.mark.parametrize("length", [True, False])
def test_no_more_bytes_than_registered_are_taken(server, tmp_path, length):
    file = want(server, tmp_path)
    server.files[NAME], server.length = BODY * 2, length
    with pytest.raises(
        transfer.FetchError, match=r"sends .* bytes or more, expected at most 300,001.*nothing of it was kept"
    ):
        get(file)
    assert names(tmp_path) == []
    if length:
        assert server.asked == [(None, None)]


def test_passing_errors_are_tried_again_and_others_are_not(server, tmp_path):
    server.errors = [503, 429]
    get(want(server, tmp_path))
    assert len(server.asked) == 3
    server.asked.clear()
    server.errors = [404]
    with pytest.raises(transfer.FetchError, match=r"body\.bin: HTTP Error 404"):
        get(want(server, tmp_path / "again"))
    assert len(server.asked) == 1
    server.errors = [500] * TRIES
    with pytest.raises(transfer.FetchError, match=f"tried {TRIES} times, the last time: HTTP Error 500"):
        get(want(server, tmp_path / "again"))
    assert names(tmp_path) == ["set/body.bin"]


def test_pauses_double(server, tmp_path, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr("likeness.data.fetch.time.sleep", slept.append)
    server.errors = [500] * TRIES
    with pytest.raises(transfer.FetchError):
        get(want(server, tmp_path), pause=0.5)
    assert slept == [0.5, 1.0, 2.0]


def test_a_silent_server_is_given_up(server, tmp_path):
    server.cuts, server.stall = [1000, 0, 0, 0], threading.Event()
    began = time.monotonic()
    with pytest.raises(transfer.FetchError, match="tried 4 times, the last time: timed out"):
        get(want(server, tmp_path), timeout=0.2)
    server.stall.set()
    assert time.monotonic() - began < 5


def test_nobody_there(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", HOST)
    file = Wanted(tmp_path / "x", Download(f"http://{HOST}:9/x", 10), "0" * 64, 10)  # port 9: discard, not open here
    with pytest.raises(transfer.FetchError, match="tried 4 times.*refused"):
        get(file)


def test_redirections_stay_in_https(server, tmp_path):
    server.redirects["/old"] = server.address(NAME)
    file = want(server, tmp_path, path="/old")
    get(file)
    assert file.target.read_bytes() == BODY
    for number, to in enumerate([f"http://localhost:{server.server_port}{NAME}", "file:///etc/passwd", "ftp://127.0.0.1/x",
                                 "http://[::1", "//localhost/x"]):  # fmt: skip
        server.asked.clear()
        server.redirects["/old"] = to
        with pytest.raises(transfer.FetchError):
            get(want(server, tmp_path / str(number), path="/old"))
        assert len(server.asked) == 1
        assert names(tmp_path / str(number)) == []


def test_no_way_leads_out_of_https():
    handler = transfer._Redirects({HOST})
    for to in (f"http://{HOST}/x", "http://example.org/x"):
        with pytest.raises(transfer.FetchError, match="https://example.org/a sends on to http://.*expected an https"):
            handler.redirect_request(Request("https://example.org/a"), io.BytesIO(), 302, "", {}, to)
    sent_on = handler.redirect_request(Request("https://example.org/a"), io.BytesIO(), 302, "", {}, "https://b.org/x")
    assert sent_on is not None
    assert sent_on.full_url == "https://b.org/x"


@pytest.mark.parametrize(
    "url", [f"http://{HOST}/x", "http://example.org/x", "file:///etc/passwd", "ftp://example.org/x", "x"]
)
def test_only_https_is_asked(tmp_path, url):
    with pytest.raises(transfer.FetchError, match="expected an https address"):
        fetch(Wanted(tmp_path / "set" / "x", Download(url, 10), "0" * 64, 10))
    assert names(tmp_path) == []


def test_a_gz_is_checked_by_what_it_holds(server, tmp_path):
    packed, again = (gzip.compress(b"digits" * 1000, level, mtime=level) for level in (1, 9))
    assert packed != again
    server.files["/a.gz"] = again
    file = want(server, tmp_path, packed, "/a.gz")
    get(file)
    assert file.target.read_bytes() == again
    assert file.is_there()
    for content in (packed[:-5], b"no gzip", gzip.compress(b"digits" * 1001), b""):
        server.files["/a.gz"] = content
        other = want(server, tmp_path / str(len(content)), packed, "/a.gz")
        with pytest.raises(transfer.FetchError, match="not the registered file"):
            get(other)
        assert names(other.target.parent) == []


def test_a_gz_that_swells_is_not_unpacked_to_its_end(server, tmp_path, monkeypatch):
    server.files["/a.gz"] = gzip.compress(bytes(200_000_000), 1)
    file = Wanted(tmp_path / "a.gz", Download(server.address("/a.gz"), 1_000_000), sha256(b"small"), 5)
    read = []
    monkeypatch.setattr(
        gzip.GzipFile, "read", lambda self, n, plain=gzip.GzipFile.read: read.append(n) or plain(self, n)
    )
    with pytest.raises(transfer.FetchError, match="sha256 unreadable"):
        get(file)
    assert sum(read) < 5_000_000


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_one_member_of_a_zip_comes_out_and_no_other(server, tmp_path):
    content = b"gnu,1,0\n" * 100
    tricks = {"../evil": b"x", "/tmp/evil": b"x", "set/other": b"x"}
    server.files["/zoo.zip"] = packed = zipped(**tricks, **{"zoo.data": content})
    target = tmp_path / "uci" / "zoo.data"
    file = Wanted(target, Download(server.address("/zoo.zip"), len(packed), "zoo.data"), sha256(content), len(content))
    server.cuts = [50]
    get(file)
    assert target.read_bytes() == content
    assert names(tmp_path) == ["uci/zoo.data"]
    assert server.asked[1] == ("bytes=50-", '"v1"')


GNU = b"gnu,1,0\n" * 100


def lying_zip() -> bytes:
    """Says that its member has 800 bytes, and swells to a million."""
    packed = bytearray(zipped(**{"zoo.data": bytes(1_000_000)}))
    for at, offset in ((packed.find(b"PK\x03\x04"), 22), (packed.find(b"PK\x01\x02"), 24)):
        packed[at + offset : at + offset + 4] = len(GNU).to_bytes(4, "little")
    return bytes(packed)


def locked_zip() -> bytes:
    """Says that its member is encrypted."""
    packed = bytearray(zipped(**{"zoo.data": GNU}))
    packed[packed.find(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


@pytest.mark.parametrize("packed", [
    b"", b"no zip", zipped(other=GNU), zipped(**{"a/zoo.data": GNU}), zipped(**{"zoo.data": GNU[:-1] + b"?"}),
    zipped(**{"zoo.data": GNU * 2}), zipped(**{"zoo.data": GNU})[:-30], lying_zip(), locked_zip(),
])  # fmt: skip
def test_a_zip_without_the_right_member_leaves_nothing(server, tmp_path, packed):
    server.files["/zoo.zip"] = packed
    file = Wanted(
        tmp_path / "zoo.data", Download(server.address("/zoo.zip"), 10_000, "zoo.data"), sha256(GNU), len(GNU)
    )
    with pytest.raises(transfer.FetchError, match="not the registered file.*removed"):
        get(file)
    assert names(tmp_path) == []


def test_a_member_of_another_length_is_not_unpacked(server, tmp_path, monkeypatch):
    server.files["/zoo.zip"] = zipped(**{"zoo.data": bytes(5_000_000)})
    file = Wanted(
        tmp_path / "zoo.data", Download(server.address("/zoo.zip"), 10_000, "zoo.data"), sha256(GNU), len(GNU)
    )
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(transfer.FetchError, match="zoo.data of 5,000,000 bytes, expected 800"):
        get(file)
    assert names(tmp_path) == []


def test_damaged_zips_never_end_in_another_error(server, tmp_path):
    whole, rng = zipped(**{"zoo.data": GNU}), random.Random(5)
    for number in range(60):
        packed = bytearray(whole[: rng.randrange(1, len(whole))] if number % 2 else whole)
        packed[rng.randrange(len(packed))] ^= 1 << rng.randrange(8)
        server.files["/zoo.zip"] = bytes(packed)
        file = Wanted(
            tmp_path / "zoo.data", Download(server.address("/zoo.zip"), 10_000, "zoo.data"), sha256(GNU), len(GNU)
        )
        try:
            get(file)
        except transfer.FetchError:
            assert names(tmp_path) == []
        else:  # a flipped bit of a date, say
            assert file.target.read_bytes() == GNU
            file.target.unlink()
