"""Reading a picture, whatever it comes as: the result is always an upright 8-bit RGB picture.

Knows file formats, colour modes and their traps (orientation tags, transparency, 16 bits, damaged files,
decompression bombs). Does not know what a picture is for, and never fetches one.
"""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from osprey_core.errors import InputError

#: The largest picture that is opened. Decoded it takes 300 MB; larger ones are refused before they are decoded.
MAX_PIXELS = 100_000_000

#: Formats that may be read. Pillow knows more, but some of them start other programs (EPS) or hold no picture.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO", "TGA")

PictureSource = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.uint8]

_NOT_A_PICTURE = "is not a picture that can be read; use PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF."
_DAMAGED = "is damaged or cut off and cannot be shown; save or download it again."


def read_picture(source: PictureSource) -> Image.Image:
    """Read a picture as a new upright RGB image.

    source: a path, the bytes of a file, a PIL image of any mode, or a uint8 array (H, W), (H, W, 1), (H, W, 3) or
    (H, W, 4). Transparency is laid over white; of an animation the first frame is taken; 16 bits are scaled to 8.
    Raises InputError if it cannot be read, is empty, or has more than MAX_PIXELS pixels.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _upright_rgb(source, "This picture")
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_bytes(bytes(source), "This file")
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        name = f"“{path.name}”"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise InputError(f"There is no file {name}; check the path.") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"The file {name} cannot be read ({reason}); choose another file.") from None
        return _from_bytes(data, f"The file {name}")
    raise InputError(f"A picture must be a file, bytes, a PIL image or a NumPy array, not {type(source).__name__}.")


def fit_within(image: Image.Image, max_side: int) -> Image.Image:
    """A copy whose longer side is at most `max_side` pixels; proportions kept, each side at least 1, never enlarged."""
    if max_side < 1:
        raise InputError(f"The longest side must be at least 1 pixel, not {max_side}.")
    width, height = image.size
    scale = max_side / max(width, height)
    if scale >= 1:
        return image.copy()
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # reducing_gap shrinks by whole factors first: several times faster, no visible difference
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _from_array(array: NDArray[Any]) -> Image.Image:
    if array.dtype != np.uint8:
        raise InputError(f"A picture array must hold uint8 values from 0 to 255, not {array.dtype}; convert it first.")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise InputError(
            f"A picture array must have the shape (height, width), (height, width, 3) or (height, width, 4), "
            f"not {array.shape}."
        )
    _check_size(array.shape[1], array.shape[0], "This picture")
    return _upright_rgb(Image.fromarray(np.ascontiguousarray(array)), "This picture")


def _from_bytes(data: bytes, name: str) -> Image.Image:
    if not data:
        raise InputError(f"{name} is empty; choose another file.")
    try:
        image = Image.open(io.BytesIO(data), formats=_formats())
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # Pillow refuses far too large files itself, without saying how large they are.
        width, height = _declared_size(data)
        _check_size(width, height, name)
        raise InputError(f"{name} is too large; shrink it and try again.") from None
    except Exception:  # the decoders of damaged files raise nearly anything: OSError, SyntaxError, struct.error…
        raise InputError(f"{name} {_NOT_A_PICTURE}") from None
    with image:
        return _upright_rgb(image, name)


def _formats() -> tuple[str, ...]:
    Image.init()  # registers the plugins; a Pillow built without AVIF must not stumble over its name
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


def _check_size(width: int, height: int, name: str) -> None:
    if width < 1 or height < 1:
        raise InputError(f"{name} has no pixels ({width} x {height}); choose another one.")
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{name} is {width} x {height} pixels ({width * height / 1e6:.0f} megapixels), but at most "
            f"{MAX_PIXELS / 1e6:.0f} megapixels can be opened; shrink it and try again."
        )


def _upright_rgb(image: Image.Image, name: str) -> Image.Image:
    _check_size(image.width, image.height, name)  # known from the header, nothing is decoded yet
    try:
        image.load()
    except Exception:  # as above: decoders raise nearly anything, Pillow's bomb error among it
        raise InputError(f"{name} {_DAMAGED}") from None
    _check_size(image.width, image.height, name)  # some formats settle their size only when they are decoded
    try:
        upright = ImageOps.exif_transpose(image)
    except Exception:  # an unreadable orientation tag must not hide a readable picture
        upright = image
    try:
        return _to_rgb(upright)
    except ValueError:
        raise InputError(
            f"{name} uses colours of the kind {upright.mode}, which cannot be read; save it as RGB."
        ) from None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_8_bit(np.asarray(image), image.mode)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or image.has_transparency_data:
        rgba = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    rgb = image.convert("RGB")
    return rgb.copy() if rgb is image else rgb


def _to_8_bit(values: NDArray[Any], mode: str) -> NDArray[np.uint8]:
    """Scale a wide grey picture (H, W) to uint8; Pillow's own conversion would clip everything above 255 to white."""
    grey = np.nan_to_num(values.astype(np.float64))
    low, high = float(grey.min()), float(grey.max())
    if mode.startswith("I;16"):
        grey *= 255 / 65535
    elif mode == "F" and low >= 0 and high <= 1:
        grey *= 255
    elif low >= 0 and high <= 255:
        pass  # 8-bit values in a wide container
    elif low >= 0 and high <= 65535:
        grey *= 255 / 65535
    else:
        grey = (grey - low) * (255 / (high - low))
    return np.rint(grey).astype(np.uint8)
