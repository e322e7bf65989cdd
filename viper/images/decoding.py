"""Decodes images from untrusted sources.

`open_image` takes a path, bytes, a Pillow image or an array and returns an `ImageRef` with decoded
RGB pixels, or raises `InputError` with one line that says what was wrong and what to do.

Only regular files up to a size limit are read, and only seven decoders see their bytes, in a confined process
(`confined_decoding.py`). The size in pixels is checked before decoding. An image is decoded to the end, so
that a truncated one is found here and not in the middle of an answer.

A Pillow image, which the caller has opened, is decoded in this process, as is a file where no process can be
forked. No setting of Pillow is changed here.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from viper.errors import InputError
from viper.images.cancellation import Cancellation
from viper.images.decoding_error import DecodingError, failure_of
from viper.images.image import ImageRef, Pixels
from viper.images.image_files import FORMATS, MAX_DECODING_BYTES
from viper.images.pixel_arrays import gray_pixels, upright
from viper.storage.files import quote_path, read_regular_file

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["FORMATS", "MAX_FILE_BYTES", "MAX_PIXELS", "ImageSource", "open_image"]

MAX_PIXELS = 89_478_485
"""Pillow's own limit against decompression bombs: a quarter of a gigabyte as RGB."""

MAX_FILE_BYTES = 200_000_000
"""Far larger than ordinary photographs; limits the memory that one file can take."""

# Any dtype is accepted here, and an unsuitable one refused at run time with a clear error.
ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | Image | NDArray[Any]"

_HEIC, _AVIF = "a HEIC image", "an AVIF image"
_SIGNATURES = (
    (rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|BM|II\*\0|MM\0\*", "damaged"),
    (rb"....ftyp(hei|hev|mif1|msf1)", _HEIC),
    (rb"....ftypavi[fs]", _AVIF),
    (rb"\0\0\0\x0cjP  \r\n|\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (rb"\0\0\0\x0cJXL |\xff\x0a", "a JPEG XL image"),
    (rb"\0\0\x01\0[\x01-\x7f]\0", "an icon"),
    (rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI", "a video"),
    (rb"%PDF", "a PDF document"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript file"),
    (rb"8BPS", "a Photoshop file"),
    (rb"\s*<(\?xml|svg|!doctype|html)", "an SVG, XML or web page"),
    (rb"[\t\n\r\x20-\x7e]+\Z", "plain text"),
)

# The comment in the pattern makes it unique, so that removing it removes no other filter.
_PILLOW_WARNINGS = ("ignore", None, Warning, re.compile(r"PIL(\.|$)(?#viper.images.decoding)"), 0)


def open_image(
    source: ImageSource,
    *,
    max_pixels: int = MAX_PIXELS,
    cancellation: Cancellation | None = None,
    client: str | None = None,
) -> ImageRef:
    """Decode an image.

    Args:
        source: A path; the bytes of a file; a Pillow image, whose current frame is used;
            or a uint8 array of shape (H, W, 3) RGB, (H, W, 4) RGBA or (H, W) gray. EXIF
            orientation is applied to files and Pillow images alike.
        max_pixels: Width times height of the largest image to accept.
        cancellation: Ends the decoding of a file from another thread.
        client: Who asks, in a server: clients share the memory of decoders fairly, and a decoding that
            takes long leaves the processor to others. None if there is nobody else.

    Returns:
        The image; its `load` returns pixels held in memory: shape (H, W, 3), uint8 RGB, read-only.

    Raises:
        InputError: The image cannot be used; one line says why and what to do.
    """
    from PIL import Image

    source_name = "image"
    if isinstance(source, np.ndarray):
        pixels = _array_pixels(source, max_pixels)
    elif isinstance(source, Image.Image):
        source_name = Path(str(getattr(source, "filename", "") or "image")).name
        pixels = _image_pixels(source, "The Pillow image", max_pixels)
    elif isinstance(source, bytes | bytearray | memoryview):
        pixels = _decode(bytes(source), "The image", max_pixels, cancellation, client)
    elif isinstance(source, str | os.PathLike):
        path = os.fsdecode(source)
        source_name = Path(path).name or "image"
        content = read_regular_file(path, max_bytes=MAX_FILE_BYTES, what="image")
        pixels = _decode(content, quote_path(path), max_pixels, cancellation, client)
    else:
        raise InputError(
            "An image must be a path, the bytes of a file, a Pillow image or a uint8 array of "
            f"shape (H, W, 3), but got {type(source).__name__}."
        )
    pixels.setflags(write=False)
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(f"{width}x{height}:".encode())
    digest.update(pixels.data)
    return ImageRef(digest.hexdigest(), (width, height), source_name, lambda: pixels)


def _decode(
    data: bytes, name: str, max_pixels: int, cancellation: Cancellation | None, client: str | None
) -> Pixels:
    """Decode the bytes of a file."""
    from viper.images import confined_decoding
    from viper.images.decoder_process import is_available

    if not data:
        raise InputError(f"{name} is empty (0 bytes). Give a file that holds an image.")
    if len(data) > MAX_FILE_BYTES:
        raise InputError(
            f"{name} is larger than {MAX_FILE_BYTES:,} bytes. Give a smaller or compressed image."
        )
    if not is_available():
        return _decode_here(data, name, max_pixels)
    try:
        return confined_decoding.decode(
            data,
            lambda width, height: _check_size(width, height, name, max_pixels),
            cancellation,
            client=client,
        )
    except DecodingError as error:
        raise _input_error(error, data, name, max_pixels) from error


def _decode_here(data: bytes, name: str, max_pixels: int) -> Pixels:
    """Decode the bytes of a file in this process, where no other can be forked."""
    from viper.images.image_files import opened

    with _quiet_pillow():
        try:
            image, _ = opened(io.BytesIO(data))
        except Exception as error:  # a decoder on hostile bytes may raise anything
            raise _input_error(failure_of(error), data, name, max_pixels) from error
    with image:
        return _image_pixels(image, name, max_pixels)


def _image_pixels(image: Image, name: str, max_pixels: int) -> Pixels:
    """Decode a Pillow image to its end, in its upright orientation."""
    from viper.images.color_modes import DEEP_MODES, packed_rows
    from viper.images.image_files import deep_samples, load
    from viper.images.orientation import orientation

    _check_size(*image.size, name, max_pixels)
    with _quiet_pillow():
        try:
            load(image)
            if image.mode in DEEP_MODES:
                pixels = gray_pixels(np.asarray(image), deep_samples(image))
            else:
                width, height = image.size
                packed = bytearray().join(packed_rows(image))
                pixels = np.frombuffer(packed, np.uint8).reshape(height, width, 3)
        except Exception as error:  # a decoder on hostile bytes may raise anything
            raise _input_error(failure_of(error), b"", name, max_pixels) from error
        return np.ascontiguousarray(upright(pixels, orientation(image)))


def _input_error(error: DecodingError, data: bytes, name: str, max_pixels: int) -> InputError:
    """Return the error for a file that gives no pixels."""
    match error.kind:
        case "unidentified":
            return InputError(_unidentified(data, name))
        case "pixels":
            return InputError(_too_large(name, "far too many pixels", max_pixels))
        case "memory":
            what = f"takes too much memory to decode ({MAX_DECODING_BYTES >> 20:,} MiB at most)"
            hint = "Scale the image down, or save it in another format."
        case "attack":
            what = f"has {error.reason}, as only an attack does"
            hint = "Save it again as a plain image."
        case "unsupported":
            what = f"has {error.reason}, which cannot be decoded without doubt"
            hint = "Save it again as a plain image of 8 bits a sample."
        case "time":
            what = "takes too long to decode"
            hint = "Save it again as a plain image."
        case _:
            what = f"is damaged or incomplete and cannot be decoded ({error.reason})"
            hint = "Save it again."
    return InputError(f"{name} {what}. {hint}")


def _array_pixels(array: NDArray[Any], max_pixels: int) -> Pixels:
    """Copy an array as RGB, so that its owner may go on writing to it."""
    from PIL import Image

    shape = array.shape
    if array.dtype != np.uint8 or not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))):
        hint = ""
        if len(shape) == 3 and shape[0] in (3, 4) and shape[2] not in (3, 4):
            hint += " Move the channels last with array.transpose(1, 2, 0)."
        if array.dtype != np.uint8:
            hint += " Scale the values to 0 … 255 and use array.astype('uint8')."
        raise InputError(
            "An image array must be uint8 of shape (H, W, 3), (H, W, 4) or (H, W), "
            f"but got {array.dtype} of shape {shape}.{hint}"
        )
    _check_size(shape[1], shape[0], "The array", max_pixels)
    return _image_pixels(Image.fromarray(array), "The array", max_pixels)


def _check_size(width: int, height: int, name: str, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise InputError(f"{name} is {width}×{height} pixels. Give an image of at least 1×1.")
    if width * height > max_pixels:
        raise InputError(_too_large(name, f"{width}×{height} pixels", max_pixels))


def _too_large(name: str, what: str, max_pixels: int) -> str:
    return f"{name} has {what}; at most {max_pixels:,} are accepted. Scale the image down."


def _unidentified(data: bytes, name: str) -> str:
    """Return an error message for bytes that no decoder reads."""
    formats = (text for start, text in _SIGNATURES if re.match(start, data[:64], re.DOTALL | re.I))
    what = next(formats, "of an unknown format")
    if what == "damaged" or (what == _AVIF and _has_avif()):
        return f"{name} is damaged: its header cannot be read. Save it again."
    hint = ""
    if what == _HEIC:
        hint = (
            " Save it as JPEG or PNG; in Python, the package pillow-heif opens it, and you can give the "
            "Pillow image."
        )
    elif what == _AVIF:
        hint = (
            " This Pillow was built without AVIF: install one that has it (pip install pillow), or save the "
            "image as JPEG or PNG."
        )
    return f"{name} is {what}. Give an image in one of: {', '.join(FORMATS)}.{hint}"


def _has_avif() -> bool:
    from PIL import features

    return bool(features.check("avif"))


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Suppress Pillow's warnings about odd files: callers get an image or one clear error.

    `warnings.catch_warnings` restores the whole list of filters, and so undoes changes that other
    threads made meanwhile; this adds one narrow filter and removes it again.
    """
    filters: list[Any] = warnings.filters  # type: ignore[assignment] # declared read-only
    filters.insert(0, _PILLOW_WARNINGS)
    try:
        yield
    finally:
        with suppress(ValueError):  # somebody reset all filters in between
            filters.remove(_PILLOW_WARNINGS)
