"""Photographs of a shop in memory."""

import io

from PIL import Image

from likeness.data.images import Images


class Shelf(Images[str]):
    """Images by id, from the bytes of their files; `said` names one in messages."""

    def __init__(self, files, said="photograph {}"):
        self.files, self.said = files, said

    def __getitem__(self, key):
        return self.files[key]

    def __iter__(self):
        return iter(self.files)

    def __len__(self):
        return len(self.files)

    def where(self, key):
        return self.said.format(key)


def photo_file(array, form="PNG", mode=None):
    """The bytes of a file of an array (h, w) or (h, w, 3)."""
    out, image = io.BytesIO(), Image.fromarray(array)
    (image.convert(mode) if mode else image).save(out, form)
    return out.getvalue()
