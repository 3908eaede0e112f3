"""Photographs of any origin as arrays: an image is decoded only after its header has been looked at.

JPEG, PNG, GIF (the first frame) and BMP: what shops' files hold. Other formats are refused; a decoder that no data set
needs is only one more door (WebP and TIFF decoders allocate, or follow offsets, before the size can be checked).
"""

from __future__ import annotations

import io
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Generic, TypeVar

import numpy as np
from PIL import Image, ImageOps

#: Formats that are read, in Pillow's names.
FORMATS: Final = ("JPEG", "PNG", "GIF", "BMP")
#: Pixels of the largest image: 5000 x 5000, 75 MB as an array; shops' photographs have at most a few million.
MOST_PIXELS: Final = 25_000_000
#: Bytes of the largest file: an uncompressed image of so many pixels.
MOST_BYTES: Final = 3 * MOST_PIXELS + 4096

K = TypeVar("K")


class Images(Mapping[K, bytes], Generic[K]):
    """A lazy mapping id -> bytes of an image file; nothing is read before it is asked for."""

    @abstractmethod
    def where(self, key: K) -> str:
        """What errors call the image of `key`: its file and place."""

    def array(self, key: K) -> np.ndarray:
        """The image of `key` as (H, W, 3) uint8. Raises KeyError on an unknown id, else as `decode`."""
        return decode(self[key], self.where(key))


def decode(image: bytes | Path, name: str = "", pixels: int = MOST_PIXELS) -> np.ndarray:
    """An image (the bytes of its file, or a path) as it is to be seen: (H, W, 3) uint8, red, green, blue.

    Turned upright as its EXIF data say; transparent parts on white; of 16 bits the higher 8; CMYK by Pillow's plain
    formula, without colour profiles. The authors' codes call `convert("RGB")` alone, which leaves a photograph lying
    and shows whatever colour transparent parts hide.

    Raises
    ------
    FileNotFoundError : no such file.
    ValueError : no image, another format, more than `pixels` pixels by its header, cut short or damaged; the error
        begins with `name` (or the path).
    """
    raw, name = _whole(image, name)
    with _named(name):
        picture = Image.open(io.BytesIO(raw), formats=FORMATS)
    with picture:
        width, height = picture.size
        if width * height > pixels:
            raise ValueError(f"{name}: {width} x {height} pixels, expected at most {pixels:,}; it was not decoded")
        with _named(name):
            picture.load()
            array = _rgb(ImageOps.exif_transpose(picture))
    return array


def _whole(image: bytes | Path, name: str) -> tuple[bytes, str]:
    if isinstance(image, Path):
        name = name or str(image)
        if not image.is_file():
            raise FileNotFoundError(f"{name}: no such file; expected an image")
        size = image.stat().st_size
    else:
        name, size = name or "image", len(image)
    if size > MOST_BYTES:
        raise ValueError(f"{name}: {size:,} bytes, expected an image of at most {MOST_BYTES:,}")
    return (image.read_bytes() if isinstance(image, Path) else image), name


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Any failure of a decoder as a ValueError that names the image: decoders raise almost everything on damage."""
    try:
        yield
    except MemoryError:
        raise
    except Image.UnidentifiedImageError as error:
        raise ValueError(f"{name}: no image of the formats {', '.join(FORMATS)}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{name}: {error}; it was not decoded") from error
    except Exception as error:
        raise ValueError(f"{name}: cut short or damaged ({type(error).__name__}: {error})") from error


def _rgb(picture: Image.Image) -> np.ndarray:
    if picture.mode.startswith("I"):  # 16 bits of grey, in 16 or 32
        grey = (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if picture.has_transparency_data:
        seen = Image.new("RGBA", picture.size, "white")
        seen.alpha_composite(picture.convert("RGBA"))
        picture = seen
    return np.array(picture.convert("RGB"))
