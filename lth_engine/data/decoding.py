"""One image file becomes an array of uint8 pixels."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")
"""The decoders that may run; PIL has others, some of which start programs."""
MAX_PIXELS = 89_000_000
"""Of one image. A file of some kilobytes can claim to be larger than the memory."""

_GRAY = {"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"}
_WIDE = {"I", "F"}


def decode(data: bytes, what: str, size: int, colour: str) -> Array:
    """Pixels of an image file, upright as its EXIF orientation says, without alpha; of several frames the first.

    Args:
        data: the file.
        what: its name, for messages.
        size: stretch or shrink (with antialiasing) to size x size pixels; 0 leaves it as it is.
        colour: "gray", "rgb", or "as is".

    Returns:
        uint8, H x W (gray) or H x W x 3.

    Raises:
        BadInput: not an image, damaged, too large, or with pixels of 32 bits.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return _pixels(image, what, size, colour)
    except BadInput:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInput(f"{what} claims more pixels than the {MAX_PIXELS:,} allowed: make it smaller or remove "
                       "it.") from error
    except Exception as error:  # PIL's decoders raise what they like on a damaged file
        raise BadInput(f"{what} is not an image that can be read ({_reason(error)}): mend or remove it.") from error


def shape(image: Image.Image, size: int, colour: str) -> Array:
    """An 8-bit PIL image ("L" or "RGB") in the asked size and colour, as uint8 pixels."""
    if colour != "as is":
        image = image.convert("L" if colour == "gray" else "RGB")
    if size and image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)  # PIL widens the filter when it shrinks
    return np.asarray(image)


def _pixels(image: Image.Image, what: str, size: int, colour: str) -> Array:
    if image.width * image.height > MAX_PIXELS:
        raise BadInput(f"{what} has {image.width} x {image.height} pixels, more than the {MAX_PIXELS:,} allowed: "
                       "make it smaller or remove it.")
    if size:
        image.draft(None, (2 * size, 2 * size))  # a JPEG is decoded at a fraction of its size, still twice the target
    image = ImageOps.exif_transpose(image)
    if image.mode in _WIDE:
        raise BadInput(f"{what} has pixels of 32 bits: save it with 8 bits a channel.")
    return shape(_eight_bit(image), size, colour)


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in _GRAY:
        return image.convert("L")
    if image.mode == "P":
        image = image.convert("RGBA")  # first the palette's transparency, of which PIL warns otherwise
    return image.convert("RGB")


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return f"none of {', '.join(FORMATS)}"
    return str(error).rstrip(".") or type(error).__name__
