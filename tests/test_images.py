"""Images of every mode become what is seen; sizes are looked at before decoding; damage is named."""

import io
import random
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from likeness.data.images import MOST_BYTES, Images, decode

RNG = np.random.default_rng(3)
COLOURS = RNG.integers(0, 256, (7, 5, 3)).astype(np.uint8)


def saved(picture, form="PNG", **options):
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def png(array, **options):
    return saved(Image.fromarray(array), **options)


@pytest.mark.parametrize("form", ["PNG", "BMP"])
def test_lossless_formats_give_the_same_pixels(form, tmp_path):
    raw = saved(Image.fromarray(COLOURS), form)
    found = decode(raw)
    assert found.dtype == np.uint8
    assert found.flags.writeable
    np.testing.assert_array_equal(found, COLOURS)
    (tmp_path / "x").write_bytes(raw)
    np.testing.assert_array_equal(decode(tmp_path / "x"), COLOURS)


def test_jpeg_is_near():
    smooth = np.add.outer(np.arange(40) * 3, np.arange(60) * 2)[:, :, None].repeat(3, axis=2).astype(np.uint8)
    found = decode(saved(Image.fromarray(smooth), "JPEG", quality=95))
    assert found.shape == (40, 60, 3)
    assert np.abs(found.astype(int) - smooth).max() < 6


def test_modes_by_hand():
    grey = np.array([[0, 128, 255]], np.uint8)
    as_rgb = [[[0] * 3, [128] * 3, [255] * 3]]
    assert decode(png(grey)).tolist() == as_rgb
    assert decode(png(grey.astype(np.uint16) * 257)).tolist() == as_rgb  # 16 bits
    assert decode(png(np.array([[255, 256, 65535]], np.uint16))).tolist() == [[[0] * 3, [1] * 3, [255] * 3]]
    assert decode(png(grey > 100)).tolist() == [[[0] * 3, [255] * 3, [255] * 3]]  # 1 bit
    palette = Image.fromarray(np.array([[0, 1]], np.uint8))
    palette.putpalette([9, 8, 7, 200, 100, 50])
    assert decode(saved(palette)).tolist() == [[[9, 8, 7], [200, 100, 50]]]
    assert decode(saved(palette, transparency=0)).tolist() == [[[255] * 3, [200, 100, 50]]]
    assert decode(saved(palette, "GIF", transparency=0)).tolist() == [[[255] * 3, [200, 100, 50]]]
    assert decode(png(np.array([[[7, 8, 9]]], np.uint8))).tolist() == [[[7, 8, 9]]]  # one pixel


def test_what_is_transparent_lies_on_white():
    rgba = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 128]]], np.uint8)
    assert decode(png(rgba)).tolist() == [[[10, 20, 30], [255] * 3, [127] * 3]]
    grey = np.array([[[40, 255], [40, 0]]], np.uint8)
    assert decode(saved(Image.fromarray(grey, "LA"))).tolist() == [[[40] * 3, [255] * 3]]
    colour_key = saved(Image.fromarray(rgba[:, :, :3]), transparency=(10, 20, 30))
    assert decode(colour_key).tolist() == [[[255] * 3, [255] * 3, [0] * 3]]


def test_cmyk():
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:, :, 0] = 255  # cyan alone
    found = decode(saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=100))
    assert found.shape == (16, 16, 3)
    assert np.abs(found.astype(int) - [0, 255, 255]).max() < 6


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [(1, [[1, 2], [3, 4]]), (2, [[2, 1], [4, 3]]), (3, [[4, 3], [2, 1]]), (4, [[3, 4], [1, 2]]),
     (5, [[1, 3], [2, 4]]), (6, [[3, 1], [4, 2]]), (7, [[4, 2], [3, 1]]), (8, [[2, 4], [1, 3]]),
     (99, [[1, 2], [3, 4]])],
)  # fmt: skip
def test_exif_turns_the_image_upright(orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert decode(png(np.array([[1, 2], [3, 4]], np.uint8), exif=exif))[:, :, 0].tolist() == upright
    wide = saved(Image.new("RGB", (30, 10)), "JPEG", exif=exif)
    assert decode(wide).shape == ((30, 10, 3) if 5 <= orientation <= 8 else (10, 30, 3))


def test_of_a_gif_the_first_frame():
    frames = [Image.new("P", (4, 3), k) for k in (0, 1)]
    for frame in frames:
        frame.putpalette([1, 2, 3, 200, 200, 200])
    raw = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(raw).tolist() == [[[1, 2, 3]] * 4] * 3


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(width, height):
    """A PNG of a few hundred bytes that says it is large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(5001, 5000), (10_000, 10_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_not_decoded(size):
    tracemalloc.start()
    with pytest.raises(ValueError, match="shop.zip, 7: .*it was not decoded"):
        decode(bomb(*size), "shop.zip, 7")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "JPEG"])
def test_the_limit_is_on_the_pixels_of_the_header(form):
    raw = saved(Image.new("L", (20, 10)), form)
    assert decode(raw, pixels=200).shape == (10, 20, 3)
    with pytest.raises(ValueError, match="image: 20 x 10 pixels, expected at most 199; it was not decoded"):
        decode(raw, pixels=199)


def test_a_text_chunk_that_unpacks_to_much_is_refused():
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80_000_000)))
    raw = png(COLOURS)
    with pytest.raises(ValueError, match="x: cut short or damaged"):
        decode(raw[:33] + text + raw[33:], "x")


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "JPEG"])
def test_a_cut_image_is_no_image(form):
    picture = Image.fromarray(RNG.integers(0, 256, (64, 64, 3)).astype(np.uint8))
    raw = saved(picture, form)
    for part in (0.1, 0.5, 0.9):
        with pytest.raises(ValueError, match="zip, 'a.jpg': (cut short or damaged|no image)"):
            decode(raw[: int(part * len(raw))], "zip, 'a.jpg'")


@pytest.mark.parametrize("raw", [b"", b"\xff\xd8\xff", b"GIF89a", b"<html>", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_no_image(raw):
    with pytest.raises(ValueError, match="x: (no image of the formats JPEG, PNG, GIF, BMP|cut short)"):
        decode(raw, "x")


@pytest.mark.parametrize("form", ["TIFF", "WEBP", "PPM", "ICO", "PCX", "TGA"])
def test_other_formats_are_refused(form):
    raw = saved(Image.fromarray(COLOURS), form)
    with pytest.raises(ValueError, match="x: no image of the formats"):
        decode(raw, "x")


def test_files(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="gone.jpg: no such file"):
        decode(tmp_path / "gone.jpg")
    with (tmp_path / "long.bmp").open("wb") as out:
        out.truncate(MOST_BYTES + 1)
    with pytest.raises(ValueError, match="long.bmp: 75,004,097 bytes, expected an image of at most"):
        decode(tmp_path / "long.bmp")


def test_a_mapping_decodes_by_name():
    class Few(Images[int]):
        def __getitem__(self, key):
            return {1: png(COLOURS), 2: b"?"}[key]

        def __iter__(self):
            return iter((1, 2))

        def __len__(self):
            return 2

        def where(self, key):
            return f"few, {key}"

    np.testing.assert_array_equal(Few().array(1), COLOURS)
    with pytest.raises(ValueError, match="^few, 2: no image"):
        Few().array(2)
    with pytest.raises(KeyError):
        Few().array(3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "JPEG"])
def test_fuzz(form):
    """Flipped and cut images: an array of the right kind, or a ValueError that names the image."""
    exif = Image.Exif()
    exif[0x0112] = 6
    raw = saved(Image.fromarray(COLOURS).resize((24, 18)), form, **({"exif": exif} if form in ("PNG", "JPEG") else {}))
    rng = random.Random(5)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(400):
        bad = bytearray(raw[: rng.randrange(len(raw))] if rng.random() < 0.2 else raw)
        for _ in range(rng.randrange(1, 5)):
            if bad:
                bad[rng.randrange(min(len(bad), rng.choice([60, len(bad)])))] = rng.randrange(256)
        try:
            found = decode(bytes(bad), "x.img", pixels=1_000_000)
        except ValueError as error:
            assert str(error).startswith("x.img: ")  # noqa: PT017  counted below
            outcomes["refused"] += 1
        else:
            assert found.dtype == np.uint8
            assert found.shape[2:] == (3,)
            assert found.size <= 3_000_000
            outcomes["read"] += 1
    assert outcomes["refused"] > 5, outcomes
    assert outcomes["read"] > (0 if form == "PNG" else 5), outcomes  # a PNG has checksums
