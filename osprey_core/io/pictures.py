"""Read a picture from any source as an upright 8-bit RGB image.

Handles file formats, colour modes, orientation tags, transparency, 16 bits, damaged files and decompression bombs.
Never fetches anything.
"""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.io.image_files import is_heif, open_image
from osprey_core.io.wide_samples import SampleNotes, has_wide_samples, to_8_bit

#: Largest number of pixels. Decoded they take 300 MB; larger pictures are refused before they are decoded.
MAX_PIXELS = 100_000_000

#: Formats that are read. Pillow supports more, but some of them start other programs (EPS) or contain no picture.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO", "TGA", "HEIF")

PictureSource = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.uint8]

_THIS_FILE = Message("picture.this_file")
_THIS_PICTURE = Message("picture.this_picture")


def read_picture(source: PictureSource) -> Image.Image:
    """Read a picture as a new upright RGB image.

    source: a path, the bytes of a file, a PIL image of any mode, or a uint8 array (H, W), (H, W, 1), (H, W, 3) or
    (H, W, 4). Transparency is laid over white; of an animation the first frame is taken; 16 bits are scaled to 8.
    Raises InputError if it cannot be read, is empty, or has more than MAX_PIXELS pixels.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _upright_rgb(source, _THIS_PICTURE)
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_bytes(bytes(source), _THIS_FILE)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        name = f"“{path.name}”"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise InputError("picture.missing", name=name) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError("picture.unreadable", name=name, reason=reason) from None
        return _from_bytes(data, Message("picture.named_file", {"name": path.name}))
    raise InputError("picture.source_invalid", kind=type(source).__name__)


def pixels_of(data: bytes) -> int:
    """Number of pixels that a picture's file declares in its header, without decoding it; 0 if it cannot be read."""
    try:
        with Image.open(io.BytesIO(data), formats=_formats()) as image:
            return image.width * image.height
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return MAX_PIXELS
    except Exception:  # as in `_from_bytes`
        return 0


def fit_within(image: Image.Image, max_side: int) -> Image.Image:
    """A copy whose longer side is at most `max_side` pixels; proportions kept, each side at least 1, never enlarged."""
    if max_side < 1:
        raise InputError("picture.side_too_small", value=max_side)
    width, height = image.size
    scale = max_side / max(width, height)
    if scale >= 1:
        return image.copy()
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # reducing_gap first shrinks by integer factors, which is several times faster without a visible difference
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _from_array(array: NDArray[Any]) -> Image.Image:
    if array.dtype != np.uint8:
        raise InputError("picture.array_type_invalid", kind=str(array.dtype))
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise InputError("picture.array_shape_invalid", shape=str(array.shape))
    _check_size(array.shape[1], array.shape[0], _THIS_PICTURE)
    return _upright_rgb(Image.fromarray(np.ascontiguousarray(array)), _THIS_PICTURE)


def _from_bytes(data: bytes, name: Message) -> Image.Image:
    if not data:
        raise InputError("picture.empty", picture=name)
    try:
        image = open_image(data, FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # Pillow refuses far too large files itself, without saying how large they are.
        width, height = _declared_size(data)
        _check_size(width, height, name)
        raise InputError("picture.too_large", picture=name) from None
    except Exception:  # the decoders of damaged files raise nearly anything: OSError, SyntaxError, struct.error…
        if is_heif(data) and "HEIF" not in Image.OPEN:
            raise InputError("picture.heif_missing", picture=name) from None
        raise InputError("picture.not_a_picture", picture=name) from None
    with image:
        return _upright_rgb(image, name)


def _formats() -> tuple[str, ...]:
    Image.init()  # registers the plugins; Pillow may have been built without AVIF
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _declared_size(data: bytes) -> tuple[int, int]:
    """Width and height from the file's header alone, without Pillow's own limit; (0, 0) never occurs for a bomb."""
    for name in _formats():
        factory, accept = Image.OPEN[name]
        try:
            if accept is None or accept(data[:16]) is True:
                return factory(io.BytesIO(data), "").size
        except Exception:  # not this format after all
            continue
    return (MAX_PIXELS, 2)


def _check_size(width: int, height: int, name: Message) -> None:
    if width < 1 or height < 1:
        raise InputError("picture.no_pixels", picture=name, width=width, height=height)
    if width * height > MAX_PIXELS:
        raise InputError(
            "picture.pixels_too_many",
            picture=name,
            width=width,
            height=height,
            size=f"{width * height / 1e6:.0f}",
            limit=f"{MAX_PIXELS / 1e6:.0f}",
        )


def _upright_rgb(image: Image.Image, name: Message) -> Image.Image:
    _check_size(image.width, image.height, name)  # known from the header, nothing is decoded yet
    notes = SampleNotes.of(image)
    try:
        image.load()
    except Exception:  # as above: decoders raise nearly anything, Pillow's bomb error among it
        raise InputError("picture.damaged", picture=name) from None
    _check_size(image.width, image.height, name)  # some formats settle their size only when they are decoded
    try:
        upright = ImageOps.exif_transpose(image)
    except Exception:  # the picture is readable even if its orientation tag is not
        upright = image
    if has_wide_samples(upright, notes):
        return Image.fromarray(to_8_bit(upright, notes, name)).convert("RGB")
    try:
        return _to_rgb(upright)
    except ValueError:
        raise InputError("picture.mode_unknown", picture=name, mode=upright.mode) from None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or image.has_transparency_data:
        rgba = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    rgb = image.convert("RGB")
    return rgb.copy() if rgb is image else rgb
