"""Long texts of a PNG do not keep its pixels from being decoded, and take no memory."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from fakes.picture_files import png_chunk
from viper.images.decoding import open_image
from viper.images.png_chunks import without_large_texts

MEGABYTES = 3_000_000
LONG = b"a" * MEGABYTES
ZIPPED = zlib.compress(LONG)
TEXTS = {
    "compressed": png_chunk(b"zTXt", b"workflow\0\0" + ZIPPED),
    "international": png_chunk(b"iTXt", b"workflow\0\1\0en\0w\0" + ZIPPED),
    "a color profile": png_chunk(b"iCCP", b"profile\0\0" + ZIPPED),
    "plain": png_chunk(b"tEXt", b"workflow\0" + LONG) * 30,
    "many": png_chunk(b"zTXt", b"workflow\0\0" + zlib.compress(LONG[:900_000])) * 100,
}
SHORT = png_chunk(b"tEXt", b"Author\0somebody")


def with_texts(*chunks: bytes, before: bool = True) -> tuple[bytes, Image.Image]:
    """A PNG with chunks before or after its pixels, and the picture."""
    picture = Image.effect_noise((16, 16), 80).convert("RGB")
    file = io.BytesIO()
    picture.save(file, "PNG")
    data = file.getvalue()
    at = data.index(b"IDAT") - 4 if before else data.index(b"IEND") - 4
    return data[:at] + b"".join(chunks) + data[at:], picture


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_picture_with_long_texts_is_decoded(name: str, before: bool) -> None:
    data, picture = with_texts(SHORT, TEXTS[name], before=before)
    np.testing.assert_array_equal(open_image(data).pixels(), np.asarray(picture))


@pytest.mark.parametrize("name", TEXTS)
def test_only_the_long_texts_are_left_out(name: str) -> None:
    data, _ = with_texts(SHORT, TEXTS[name])
    shortened = without_large_texts(memoryview(data))
    assert shortened is not None
    assert SHORT in shortened
    assert len(shortened) < 20_000_000
    assert Image.open(io.BytesIO(shortened)).info["Author"] == "somebody"


@pytest.mark.parametrize(
    "chunk",
    [
        SHORT,
        png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"b")),
        png_chunk(b"zTXt", b"no end of the name"),
        png_chunk(b"zTXt", b"a\0\0 no stream"),
        png_chunk(b"iTXt", b"a\0\1\0"),
        png_chunk(b"iTXt", b"a\0\1"),
        png_chunk(b"iTXt", b""),
    ],
    ids=range(7),
)
def test_a_file_without_long_texts_is_left_as_it_is(chunk: bytes) -> None:
    data, _ = with_texts(chunk)
    assert without_large_texts(memoryview(data)) is None


def test_how_a_picture_was_turned_is_read_beside_a_long_text() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture, file = Image.effect_noise((16, 8), 80).convert("RGB"), io.BytesIO()
    picture.save(file, "PNG", exif=exif)
    data = file.getvalue()
    at = data.index(b"IDAT") - 4
    assert open_image(data[:at] + TEXTS["compressed"] + data[at:]).size == (8, 16)


@pytest.mark.parametrize("name", ["compressed", "international", "a color profile", "many"])
def test_pillow_alone_refuses_the_file(name: str) -> None:
    """The control."""
    data, _ = with_texts(TEXTS[name])
    with pytest.raises(ValueError, match="MAX_TEXT"):
        Image.open(io.BytesIO(data)).load()
