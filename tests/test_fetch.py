"""Downloads from a local server: resumed with what is missing alone, or begun again. No network."""

from __future__ import annotations

import errno
import json
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetching import BODY, NAME, get, names, sha256, want
from likeness.data import transfer
from likeness.data.fetch import TRIES, Wanted
from range_server import RangeServer, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    with serving({NAME: BODY}, monkeypatch) as server:
        yield server


def test_a_file_comes_whole(server, tmp_path):
    told = []
    get(want(server, tmp_path), tell=lambda done, total: told.append((done, total)))
    assert (tmp_path / NAME[1:]).read_bytes() == BODY
    assert names(tmp_path) == ["set/body.bin"]
    assert server.asked == [(None, None)]
    assert told[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_cut_connection_is_resumed_and_only_the_rest_is_sent(server, tmp_path):
    server.cuts = [100_000, 50_000]
    get(want(server, tmp_path))
    assert (tmp_path / NAME[1:]).read_bytes() == BODY
    assert server.asked == [(None, None), ("bytes=100000-", '"v1"'), ("bytes=150000-", '"v1"')]
    assert server.sent == [100_000, 50_000, len(BODY) - 150_000]
    assert names(tmp_path) == ["set/body.bin"]


def test_after_the_last_try_the_part_is_kept_for_the_next_call(server, tmp_path):
    server.cuts = [1000] * TRIES
    message = rf"tried {TRIES} times.*ended after 4,000 of 300,001.*4,000 of 300,001 bytes are kept in .*run again"
    with pytest.raises(transfer.FetchError, match=message):
        get(want(server, tmp_path))
    assert names(tmp_path) == ["set/.body.bin.part", "set/.body.bin.part.json"]
    get(want(server, tmp_path))
    assert server.asked[-1] == ("bytes=4000-", '"v1"')
    assert server.sent[-1] == len(BODY) - 4000
    assert (tmp_path / NAME[1:]).read_bytes() == BODY
    assert names(tmp_path) == ["set/body.bin"]


CHILD = """
import sys
from pathlib import Path
from likeness.data import command
from likeness.data.registry import SOURCES, Download, Source

folder, url, digest, size = sys.argv[1:]
path = "set/body.bin"
SOURCES["toy"] = Source("toy", "files", ("fpq",), "public", "what", "from", "terms", "layout", files={path: digest},
    sizes={path: int(size)}, downloads={path: Download(url, int(size))})
sys.exit(command.fetch_command("toy", Path(folder), True, in_clear={"127.0.0.1"}))
"""


def _interruptible() -> None:
    """What a shell starts in the background ignores interrupts, and hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_process_leaves_its_part(server, tmp_path, how):
    server.cuts, server.stall = [200_000], threading.Event()
    arguments = [str(tmp_path), server.address(NAME), sha256(BODY), str(len(BODY))]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments], stderr=subprocess.PIPE, text=True, preexec_fn=_interruptible
    )
    part = tmp_path / "set" / ".body.bin.part"
    try:
        ends = time.monotonic() + 20
        while not (part.is_file() and part.stat().st_size) and time.monotonic() < ends:
            time.sleep(0.02)
        child.send_signal(how)
        said = child.communicate(timeout=60)[1]
    finally:
        child.kill()
        server.stall.set()
    if how == signal.SIGINT:
        assert child.returncode == 130
        assert "likeness: stopped; " in said
        assert f"of 300,001 bytes are kept in {part}; run again to go on" in said
        assert "Traceback" not in said
    have = part.stat().st_size
    assert 0 < have <= 200_000
    get(want(server, tmp_path))
    assert server.asked[-1] == (f"bytes={have}-", '"v1"')
    assert server.sent[-1] == len(BODY) - have
    assert (tmp_path / NAME[1:]).read_bytes() == BODY


def broken_off(server: RangeServer, folder: Path, at: int = 1000) -> Wanted:
    """A file of which a part of `at` bytes is here."""
    server.cuts = [at] + [0] * (TRIES - 1)
    with pytest.raises(transfer.FetchError):
        get(want(server, folder))
    server.asked.clear()
    return want(server, folder)


def test_a_server_that_knows_no_ranges_sends_all_again(server, tmp_path):
    file = broken_off(server, tmp_path)
    server.ranges = False
    get(file)
    assert server.asked == [("bytes=1000-", '"v1"')]
    assert server.sent[-1] == len(BODY)
    assert file.target.read_bytes() == BODY


@pytest.mark.parametrize("careless", [False, True])
def test_a_file_that_changed_meanwhile_is_begun_again(server, tmp_path, careless):
    server.files[NAME] = bytes(len(BODY))  # of the same length: the version alone tells
    broken_off(server, tmp_path)
    server.files[NAME], server.headers, server.careless = BODY, {"ETag": '"v2"'}, careless
    get(want(server, tmp_path))
    assert server.asked[0] == ("bytes=1000-", '"v1"')
    assert (tmp_path / NAME[1:]).read_bytes() == BODY


def test_a_change_shows_in_the_length_where_a_range_comes_without_a_version(server, tmp_path):
    server.files[NAME] = b"old" * 100_000
    broken_off(server, tmp_path)
    server.files[NAME], server.headers, server.careless = BODY, {}, True
    get(want(server, tmp_path))
    assert [wanted for wanted, _ in server.asked] == ["bytes=1000-", None]
    assert (tmp_path / NAME[1:]).read_bytes() == BODY


def test_a_range_that_is_not_there_any_more_begins_again(server, tmp_path):
    broken_off(server, tmp_path, at=5000)
    server.files[NAME] = BODY[:4000]
    get(want(server, tmp_path, BODY[:4000]))
    assert [wanted for wanted, _ in server.asked] == ["bytes=5000-", None]
    assert (tmp_path / NAME[1:]).read_bytes() == BODY[:4000]


def test_without_a_strong_version_there_is_nothing_to_resume(server, tmp_path):
    server.headers = {"ETag": 'W/"weak"'}
    server.cuts = [1000] * TRIES
    with pytest.raises(transfer.FetchError, match="of 300,001 bytes; run again"):
        get(want(server, tmp_path))
    assert names(tmp_path) == []
    get(want(server, tmp_path))
    assert server.asked == [(None, None)] * (TRIES + 1)


def test_the_time_of_the_last_change_is_a_version_too(server, tmp_path):
    changed = "Tue, 15 Nov 1994 12:45:26 GMT"
    server.headers = {"ETag": 'W/"weak"', "Last-Modified": changed}
    server.cuts = [1000]
    get(want(server, tmp_path))
    assert server.asked[1] == ("bytes=1000-", changed)
    assert (tmp_path / NAME[1:]).read_bytes() == BODY


def test_a_whole_part_is_checked_and_put_in_place_without_asking(server, tmp_path):
    file = want(server, tmp_path)
    file.target.parent.mkdir()
    file.part.begin('"v1"', len(BODY))
    file.part.file.write_bytes(BODY)
    get(file)
    assert server.asked == []
    assert names(tmp_path) == ["set/body.bin"]


@pytest.mark.parametrize("note", ["", "{", "[]", "null", '{"url": 1}', "\x00\xff",
                                  '{"url": "U", "version": 3, "total": 4}',
                                  '{"url": "U", "version": "a\\r\\nX: y", "total": 300001}',
                                  '{"url": "U", "version": "v", "total": "many"}',
                                  '{"url": "U", "version": "v", "total": 10}',
                                  '{"url": "other", "version": "v", "total": 300001}'])  # fmt: skip
def test_a_damaged_note_begins_again(server, tmp_path, note):
    file = want(server, tmp_path)
    file.target.parent.mkdir()
    file.part.file.write_bytes(b"x" * 1000)
    file.part.note.write_text(note.replace("U", file.download.url))
    get(file)
    assert server.asked == [(None, None)]
    assert names(tmp_path) == ["set/body.bin"]
    assert file.target.read_bytes() == BODY


def test_a_length_that_is_not_told_is_no_obstacle(server, tmp_path):
    server.length = False
    get(want(server, tmp_path))
    assert (tmp_path / NAME[1:]).read_bytes() == BODY


@pytest.mark.parametrize("headers", [
    {"Content-Length": "9" * 5000}, {"Content-Length": "-5"}, {"Content-Length": "many"},
    {"ETag": '"' + "x" * 500 + '"'}, {"ETag": '"a\r\n b"'}, {"Content-Encoding": "br"},
])  # fmt: skip
def test_odd_headers_end_in_the_file_or_in_an_explained_error(server, tmp_path, headers):
    server.headers = headers
    try:
        get(want(server, tmp_path))
    except transfer.FetchError:
        assert names(tmp_path) == []
    else:
        assert (tmp_path / NAME[1:]).read_bytes() == BODY


@pytest.mark.parametrize("said", ["", "bytes", "bytes 0-9/10", "bytes 999-300000/300001", "bytes 1000-300000/300002",
                                  "bytes 1000-1/9e9", "bytes " + "1" * 5000 + "-2/3"])  # fmt: skip
def test_a_range_other_than_the_one_asked_for_is_not_appended(server, tmp_path, said):
    file = broken_off(server, tmp_path)
    server.headers |= {"Content-Range": said}
    get(file)
    assert server.asked == [("bytes=1000-", '"v1"'), (None, None)]
    assert file.target.read_bytes() == BODY


def test_a_full_disk_is_said_and_the_part_is_kept(server, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))  # the system then says EFBIG, as a full disk ENOSPC
        with pytest.raises(
            transfer.FetchError, match="bytes are kept in .*no room on the disk: free some space"
        ) as caught:
            get(want(server, tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EFBIG
    have = (tmp_path / "set" / ".body.bin.part").stat().st_size
    get(want(server, tmp_path))
    assert server.asked[-1] == (f"bytes={have}-", '"v1"')
    assert (tmp_path / NAME[1:]).read_bytes() == BODY


def test_a_folder_that_cannot_be_made_is_said(server, tmp_path):
    (tmp_path / "set").write_text("a file")
    with pytest.raises(transfer.FetchError, match="set"):
        get(want(server, tmp_path))
    assert server.asked == []


def test_the_note_names_address_version_and_length(server, tmp_path):
    file = broken_off(server, tmp_path)
    assert json.loads(file.part.note.read_text()) == {"url": file.download.url, "version": '"v1"', "total": len(BODY)}
