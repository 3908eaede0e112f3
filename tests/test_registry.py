"""Entries of the registry: each can be had or says whom to ask; hashes; what they may change in a fingerprint."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pytest

from likeness.data import registry
from likeness.data.registry import KINDS, SOURCES, UNREADABLE, VARIABLE, content_sha256, hashes
from likeness.report.fingerprint import closure

PAPERS = {"clustering", "fpq", "hsl", "dvbpr", "compose", "wardrobe"}
#: Files that the fingerprints of the first two chapters hold: entries of other chapters must not change them.
OF_THE_FIRST_CHAPTERS = {
    "clustering": ["uci/zoo/zoo.data"],
    "fpq": [f"mnist/{name}-ubyte.gz" for name in
            ("t10k-images-idx3", "t10k-labels-idx1", "train-images-idx3", "train-labels-idx1")],
}  # fmt: skip
REAL = Path(os.environ.get(VARIABLE) or "/nowhere")


def test_every_entry_can_be_had_or_says_whom_to_ask():
    for s in SOURCES.values():
        assert s.kind in KINDS
        assert s.papers
        assert PAPERS.issuperset(s.papers)
        assert bool(s.files) == (s.kind == "files")
        assert bool(s.unhashed) == (s.kind == "unhashed")
        assert s.files.keys() == s.sizes.keys()
        assert s.downloads.keys() in (set(), s.files.keys())
        assert bool(s.ask) == (s.kind in ("files", "unhashed") and not s.downloads)
        assert (s.chip == "generated") <= (s.kind == "generator")
        for path in [*s.files, *s.unhashed]:
            parts = PurePosixPath(path).parts
            assert len(parts) >= 2
            assert not {"..", "/", "."}.intersection(parts)
        for path, download in s.downloads.items():
            address = urlsplit(download.url)
            assert (address.scheme, address.username, address.query) == ("https", None, "")
            assert PurePosixPath(address.path).suffix == (".zip" if download.member else PurePosixPath(path).suffix)
            assert 0 < download.at_most < 2 * s.sizes[path] + 100_001
    paths = [path for s in SOURCES.values() for path in [*s.files, *s.unhashed]]
    assert len(paths) == len(set(paths))
    assert {"hm", "fashion_small", "clothing", "kddcup2020", "kddcup2020-official", "amazon-fashion", "amazon-women",
            "amazon-men", "tradesy", "fashion200k", "wardrobe"} <= set(SOURCES)  # fmt: skip
    assert [n for n, s in SOURCES.items() if s.downloads] == ["mnist", "zoo"]


def test_later_chapters_do_not_change_the_fingerprints_of_the_first(tmp_path, monkeypatch):
    for path in (tmp_path / path for s in SOURCES.values() for path in s.files):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for paper, paths in OF_THE_FIRST_CHAPTERS.items():
        assert list(hashes(paper)) == paths
    assert len(hashes("hsl")) == 12
    assert len(hashes("dvbpr")) == 9
    assert len(hashes("compose")) == 6
    reached = closure(["import likeness.data.registry"])  # code that the fingerprint of every chapter holds
    assert set(reached) == {"likeness", "likeness.data", "likeness.data.registry"}


@pytest.mark.skipif(not (REAL / "SHA256SUMS").is_file(), reason=f"{VARIABLE} holds no SHA256SUMS")
def test_the_hashes_are_those_that_came_with_the_data():
    said = {path.removeprefix("./"): digest for digest, path in
            (line.split() for line in (REAL / "SHA256SUMS").read_text().splitlines())}  # fmt: skip
    ours = {path: digest for s in SOURCES.values() for path, digest in s.files.items()}
    assert said.keys() - ours.keys() == {"uci/zoo/zoo.names"}  # read by nothing
    assert ours.keys() <= said.keys()
    for path, digest in ours.items():
        if path.endswith(".gz"):
            digest = hashlib.sha256((REAL / path).read_bytes()).hexdigest()
        assert said[path] == digest, path


def test_content_hash_tells_how_far_it_is(tmp_path):
    (tmp_path / "a").write_bytes(bytes(3_000_000))
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(3_000_000)))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(bytes(3_000_000))[:-9])
    told: list[int] = []
    want = hashlib.sha256(bytes(3_000_000)).hexdigest()
    assert content_sha256(tmp_path / "a", tell=told.append) == want
    assert told == [1 << 20, 2 << 20, 3_000_000]
    assert content_sha256(tmp_path / "a.gz") == want
    assert content_sha256(tmp_path / "a.gz", at_most=3_000_000) == want
    assert content_sha256(tmp_path / "a.gz", at_most=2_999_999) == UNREADABLE
    assert content_sha256(tmp_path / "cut.gz") == UNREADABLE
    assert content_sha256(tmp_path / "a.gz", packed=False) != want
    assert content_sha256(tmp_path / "a", packed=True) == UNREADABLE


def test_a_missing_file_points_to_the_command_where_that_can_help(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(FileNotFoundError, match="or let `likeness data fetch zoo` do it"):
        registry.locate("zoo")
    with pytest.raises(FileNotFoundError) as caught:
        registry.locate("hm", "hm/articles_v2.tsv")
    assert "likeness data fetch" not in str(caught.value)
