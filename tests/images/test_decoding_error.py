"""What a decoder raises becomes one kind of failure."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageFile

from viper.errors import InputError
from viper.images.decoding import open_image
from viper.images.decoding_error import DecodingError, failure_of


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("1 GiB"),
        OSError("out of memory error when reading image file"),  # Pillow's codec status -9
        RuntimeError("Pixel allocation failed: Out of memory"),  # AVIF
        OSError("Insufficient memory (case 4)"),
    ],
    ids=repr,
)
def test_a_decoder_without_memory_is_no_damage(error: Exception) -> None:
    assert (failure_of(error).kind, failure_of(error).reason) == ("memory", "")


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError("broken data stream"), "broken data stream"), (KeyError(), "KeyError")],
    ids=repr,
)
def test_control_anything_else_is_damage(error: Exception, reason: str) -> None:
    assert (failure_of(error).kind, failure_of(error).reason) == ("damaged", reason)


def test_a_failure_stays_as_it_is() -> None:
    error = DecodingError("time")
    assert failure_of(error) is error


@pytest.mark.parametrize("in_host", [True, False])
def test_the_message_says_that_it_is_too_large(
    in_host: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.BytesIO()
    Image.new("RGB", (9, 9)).save(file, "PNG")

    def full(*_: object) -> None:
        raise OSError("out of memory error when reading image file")

    monkeypatch.setattr(ImageFile.ImageFile, "load", full)
    given: bytes | Image.Image = file.getvalue()
    if in_host:
        monkeypatch.setattr("viper.images.decoder_process.is_available", lambda: False)
    else:
        given = Image.open(file)
    with pytest.raises(
        InputError, match=r"takes too much memory to decode .* Scale the image down"
    ):
        open_image(given)
