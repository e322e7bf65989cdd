"""Check that images are decoded in a confined process, by decoding one."""

from __future__ import annotations

from typing import NamedTuple

from viper.doctor.check_result import CheckResult
from viper.errors import ViperError

__all__ = ["ImageDecoding", "image_check", "try_decoding"]

# One white pixel as BMP: header, size and masks, and four bytes of the only row.
_BITMAP = bytes.fromhex(
    "424d3a000000000000003600000028000000010000000100000001001800000000000400000000000000000000000000"
    "000000000000ffffff00"
)


class ImageDecoding(NamedTuple):
    """How this machine decodes images."""

    is_confined: bool
    """Whether a process of its own decodes each image."""
    missing: tuple[str, ...] = ()
    """Mechanisms that do not confine this process."""
    trouble: str = ""
    """Why no image can be decoded; "" if one was."""


def try_decoding() -> ImageDecoding:
    """Decode an image of one pixel."""
    from viper.images.decoder_process import DecoderZygote, is_available
    from viper.images.decoding import open_image

    try:
        open_image(_BITMAP)
    except ViperError as error:
        return ImageDecoding(is_available(), trouble=str(error))
    if not is_available():
        return ImageDecoding(False)
    return ImageDecoding(True, tuple(DecoderZygote.current().missing or ()))


def image_check(decoding: ImageDecoding) -> CheckResult:
    """Check how images are decoded."""
    if decoding.trouble:
        fix = "See the sandbox above: images are decoded in the same kind of process."
        return CheckResult("machine", "problem", "images", decoding.trouble, fix)
    if not decoding.is_confined:
        found = "This system cannot fork a process, so images are decoded in the process of Viper itself."
        fix = "Open only images that you trust, or use Linux, for example WSL 2 on Windows."
        return CheckResult("machine", "warning", "images", found, fix)
    if decoding.missing:
        found = (
            "Each image is decoded in a process of its own, which lacks a part of its confinement: "
            f"{', '.join(decoding.missing)}."
        )
        fix = "Open only images that you trust, or see what would close the gaps of the sandbox above."
        return CheckResult("machine", "warning", "images", found, fix)
    found = "Each image is decoded in a confined process of its own."
    return CheckResult("machine", "ok", "images", found)
