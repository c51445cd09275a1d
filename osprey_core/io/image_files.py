"""Open picture files with Pillow, also PNGs whose texts or other side notes are damaged or too large.

Knows formats and bytes, not what the picture is for.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache

from PIL import Image

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_UNUSED = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
"""Side notes of a PNG that nothing here reads, but over which Pillow fails if they are large or damaged."""


def open_image(data: bytes, formats: Iterable[str]) -> Image.Image:
    """The picture in a file, opened but not decoded, as `Image.open`, whose errors it raises.

    formats: names of the formats that may be opened; those that this Pillow lacks are ignored.
    """
    _register_heif()
    Image.init()  # registers the plugins; Pillow may have been built without AVIF
    known = tuple(name for name in formats if name in Image.OPEN)
    if "PNG" in known and data.startswith(_PNG_SIGNATURE):
        data = _without_side_notes(data)
    return Image.open(io.BytesIO(data), formats=known)


def is_heif(data: bytes) -> bool:
    """Whether a file is a photograph in HEIC or HEIF, which only an optional package can read."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


@lru_cache(maxsize=1)
def _register_heif() -> None:
    """Let Pillow open HEIC files if the optional package is installed."""
    if importlib.util.find_spec("pillow_heif") is not None:
        importlib.import_module("pillow_heif").register_heif_opener()


def _without_side_notes(data: bytes) -> bytes:
    """The PNG without texts, profiles and damaged side notes: the same bytes if it has none."""
    kept = []
    is_whole = True
    for kind, chunk, is_sound in _chunks(data):
        is_pixels_or_header = kind[:1].isupper()
        if is_pixels_or_header or (is_sound and kind not in _UNUSED):
            kept.append(chunk)
        else:
            is_whole = False
    return data if is_whole else _PNG_SIGNATURE + b"".join(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Kind, bytes (length, kind, body, checksum) of each chunk, and whether its checksum is right.

    A side note with a wrong length is skipped up to the next pixels.
    """
    place = len(_PNG_SIGNATURE)
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        end = place + 12 + length
        following = data[end + 4 : end + 8]
        if end > len(data) or not kind.isalpha() or (following and not following.isalpha()):
            if kind[:1].isupper():  # cut off or damaged where it matters: as it is
                yield kind, data[place:], False
                return
            next_pixels = data.find(b"IDAT", place + 8)
            yield kind.lower(), b"", False
            if next_pixels < 0:
                return
            place = next_pixels - 4
            continue
        checksum = struct.unpack(">I", data[end - 4 : end])[0]
        yield kind, data[place:end], zlib.crc32(memoryview(data)[place + 4 : end - 4]) == checksum
        place = end
