"""Zips of images: read one at a time; every entry that climbs, lies about its size or links elsewhere is refused."""

import io
import random
import stat
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from likeness.data import archives
from likeness.data.archives import ZipImages


def zipped(path, members, method=zipfile.ZIP_STORED):
    """Write {name or ZipInfo: bytes} (or pairs) to a zip."""
    with zipfile.ZipFile(path, "w", method) as out:
        for name, data in members.items() if isinstance(members, dict) else members:
            out.writestr(name, data)
    return path


def photo(k):
    out = io.BytesIO()
    Image.new("RGB", (4, 3), (k, 0, 0)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_ids_to_bytes_and_arrays(tmp_path, method):
    path = zipped(
        tmp_path / "a.zip",
        {"images/": b"", "images/02.jpg": photo(2), "images/01.jpg": photo(1), "LICENSE": b"x", "images/a/3.jpg": b"y",
         "images/.jpg": b"z", "other/4.jpg": b"4"}, method,
    )  # fmt: skip
    with ZipImages(path) as images:
        assert list(images) == ["02", "01"]
        assert len(images) == 2
        assert images.others == 5
        assert "01" in images
        assert "1" not in images
        assert 1 not in images
        assert images["01"] == photo(1)
        assert images.array("02").tolist() == [[[2, 0, 0]] * 4] * 3
        assert dict(images) == {"02": photo(2), "01": photo(1)}
        with pytest.raises(KeyError, match="a.zip has no image of '4'"):
            images["4"]
        assert images.where("01") == f"{path}, 'images/01.jpg'"
    with pytest.raises(ValueError, match="closed"):
        images["01"]
    with ZipImages(path, folder="other/") as other:
        assert list(other) == ["4"]
    with ZipImages(zipped(tmp_path / "empty.zip", {})) as none:
        assert list(none) == []


def test_a_picture_that_is_none_is_named(tmp_path):
    with ZipImages(zipped(tmp_path / "a.zip", {"images/1.jpg": b"text"})) as images:
        assert images["1"] == b"text"
        with pytest.raises(ValueError, match=r"a.zip, 'images/1.jpg': no image"):
            images.array("1")


def linked():
    info = zipfile.ZipInfo("images/1.jpg")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../1.jpg", "leads out"),
        ("images/../../1.jpg", "leads out"),
        ("images/..", "leads out"),
        ("/etc/passwd", "leads out"),
        ("\\\\host\\1.jpg", "leads out"),
        ("images\\..\\1.jpg", "leads out"),
        ("C:1.jpg", "leads out"),
        (linked(), "is a link"),
    ],
)
def test_members_that_climb_are_refused_even_when_nobody_asks_for_them(tmp_path, name, message):
    path = zipped(tmp_path / "a.zip", [("images/2.jpg", b"2"), (name, b"/etc/passwd")])
    with pytest.raises(ValueError, match=f"a.zip: member .*{message}"):
        ZipImages(path)


def test_names_that_only_look_alike_are_read(tmp_path):
    with ZipImages(zipped(tmp_path / "a.zip", {"images/..1.jpg": b"1", "images/2...jpg": b"2"})) as images:
        assert list(images) == ["..1", "2.."]


def test_a_zero_byte_cuts_no_name(tmp_path):
    path = zipped(tmp_path / "a.zip", {"images/1.jpg_.exe": b"1"})
    path.write_bytes(path.read_bytes().replace(b".jpg_", b".jpg\0"))
    with pytest.raises(ValueError, match=r"images/1.jpg\\x00.exe' has a name that leads out"):
        ZipImages(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice(tmp_path):
    path = zipped(tmp_path / "a.zip", [("images/1.jpg", b"good"), ("images/1.jpg", b"evil")])
    with pytest.raises(ValueError, match="member 'images/1.jpg' is there twice"):
        ZipImages(path)


def edited(path, **fields):
    """The zip with fields of its only member overwritten, in the list and in the member's own header."""
    places = {"flags": (8, 6, "<H"), "method": (10, 8, "<H"), "crc": (16, 14, "<I"), "packed": (20, 18, "<I"),
              "size": (24, 22, "<I")}  # fmt: skip
    raw = bytearray(path.read_bytes())
    begin = raw.rindex(b"PK\1\2")
    for name, value in fields.items():
        in_list, in_header, form = places[name]
        struct.pack_into(form, raw, begin + in_list, value)
        struct.pack_into(form, raw, in_header, value)
    path.write_bytes(bytes(raw))
    return path


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": 80_000_000}, "declares 80,000,000 bytes, expected at most 75,004,096"),
        ({"size": 2**32 - 2}, "declares 4,294,967,294 bytes"),
        ({"size": 10_000}, "declares 10,000 bytes unpacked from .*: no photograph does"),
        ({"flags": 1}, "is encrypted"),
        ({"method": 12}, "packed by method 12"),
        ({"method": 0}, "declares 900 bytes and stores"),
    ],
)
def test_what_a_member_declares_is_checked_before_it_is_read(tmp_path, fields, message):
    path = zipped(tmp_path / "a.zip", {"images/1.jpg": b"abc" * 300}, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match=message):
        ZipImages(edited(path, **fields))


def test_a_member_holds_what_it_declares(tmp_path):
    data = bytes(range(256)) * 4
    for size, message in [(1023, "damaged|holds more than the 1,023 bytes"), (1025, "holds 1,024 of the 1,025 bytes")]:
        path = zipped(tmp_path / "a.zip", {"images/1.jpg": data}, zipfile.ZIP_DEFLATED)
        with ZipImages(edited(path, size=size)) as images, pytest.raises(ValueError, match=message):
            images["1"]
        # the checksum of the first 1,023 bytes alone: zipfile itself would give those and say nothing
        with ZipImages(edited(path, size=size, crc=zlib.crc32(data[:size]))) as images, pytest.raises(
            ValueError, match=r"a.zip, 'images/1.jpg': " + f"({message})"
        ):
            images["1"]
    with ZipImages(edited(path, size=1024, crc=1)) as images, pytest.raises(ValueError, match="damaged .*CRC"):
        images["1"]
    with ZipImages(edited(path, crc=zlib.crc32(data))) as images:
        assert images["1"] == data


def test_a_bomb_that_lies_about_its_size_is_read_no_further(tmp_path):
    path = zipped(tmp_path / "a.zip", {"images/1.jpg": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    with ZipImages(edited(path, size=5000)) as images:
        tracemalloc.start()
        with pytest.raises(ValueError, match="images/1.jpg"):
            images["1"]
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
        tracemalloc.stop()


def test_a_list_of_members_that_is_too_long_is_not_read(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", {f"images/{k}.jpg": b"" for k in range(3000)})
    with ZipImages(path) as images:
        assert len(images) == 3000
    monkeypatch.setattr(archives, "MOST_DIRECTORY", 100_000)
    with pytest.raises(ValueError, match=r"a.zip: a list of members of 1\d\d,\d\d\d bytes, expected at most 100,000"):
        ZipImages(path)


@pytest.mark.parametrize("raw", [b"", b"PK\5\6", b"no zip at all" * 9, b"PK\5\6" + b"\xff" * 18])
def test_no_zip(tmp_path, raw):
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(ValueError, match="a.zip: .*expected a whole zip of images, get it again"):
        ZipImages(tmp_path / "a.zip")


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone.zip: no such file"):
        ZipImages(tmp_path / "gone.zip")


READS = """
import resource, sys
from likeness.data.archives import ZipImages
images = ZipImages(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
total = sum(len(images[key]) for key in images)
print(len(images), total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_zip_needs_no_such_memory(tmp_path):
    block = np.random.default_rng(0).bytes(1_000_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        for k in range(150):
            out.writestr(f"images/{k}.jpg", block)
    tracemalloc.start()
    with ZipImages(tmp_path / "a.zip") as images:
        assert all(len(images[key]) == len(block) for key in ("0", "75", "149"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6_000_000  # a member and its copy while it is joined
    said = subprocess.run([sys.executable, "-c", READS, tmp_path / "a.zip"], capture_output=True, text=True, check=True)
    count, total, grown = map(int, said.stdout.split())
    assert (count, total) == (150, 150_000_000)
    assert grown < 20_000  # KB


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_fuzz(tmp_path, method):
    """Flipped and cut zips: the bytes that were put in (their checksum says so) or a ValueError that names the zip."""
    members = {f"{k}": bytes([k]) * 40 * k for k in range(1, 5)}
    path = zipped(tmp_path / "a.zip", {f"images/{k}.jpg": v for k, v in members.items()}, method)
    raw = path.read_bytes()
    rng = random.Random(1)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(600):
        bad = bytearray(raw[: rng.randrange(len(raw))] if rng.random() < 0.1 else raw)
        for _ in range(rng.randrange(1, 4)):
            if bad:
                bad[rng.randrange(len(bad))] = rng.randrange(256)
        path.write_bytes(bytes(bad))
        try:
            with ZipImages(path) as images:
                for key in images:
                    assert images[key] in members.values()
                    outcomes["read"] += 1
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017  counted below
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 50, outcomes
