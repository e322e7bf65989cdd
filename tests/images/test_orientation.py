"""A picture is turned by the EXIF block of its file, and by nothing else."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, features
from PIL.PngImagePlugin import PngInfo

from fakes.picture_files import tiff
from viper.images.decoding import open_image
from viper.images.orientation import orientation_of_exif

STORED, TURNED = (40, 20), (20, 40)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description tiff:Orientation="6" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"/></rdf:RDF></x:xmpmeta>'
)
SHORT, LONG, RATIONAL, FLOAT = 3, 4, 5, 11
AVIF = pytest.mark.skipif(not features.check("avif"), reason="This Pillow was built without AVIF.")


def block(
    kind: int = SHORT, value: bytes = b"\6\0\0\0", *, order: str = "<", values: int = 1
) -> bytes:
    """Return an EXIF block with an orientation of this type, and a number of a rational behind it."""
    start = b"II*\0" if order == "<" else b"MM\0*"
    head = struct.pack(order + "IHHHI", 8, 1, 274, kind, values)
    return (
        b"Exif\0\0"
        + start
        + head
        + value
        + struct.pack(order + "I", 0)
        + struct.pack(order + "II", 6, 1)
    )


BEHIND = struct.pack("<I", 26)
KINDS = {
    "SHORT": (block(), 6),
    "SHORT of Motorola": (block(value=b"\0\6\0\0", order=">"), 6),
    "LONG": (block(LONG), 6),
    "RATIONAL": (block(RATIONAL, BEHIND), 1),
    "FLOAT": (block(FLOAT, struct.pack("<f", 6.0)), 1),
    "BYTE": (block(1), 1),
    "ASCII": (block(2, b"6\0\0\0", values=2), 1),
    "two of them": (block(values=2), 1),
    "0": (block(value=bytes(4)), 1),
    "9": (block(value=b"\x09\0\0\0"), 1),
    "cut": (block()[:20], 1),
    "cut behind the value": (block()[:28], 6),
    "without a prefix": (block()[6:], 6),
    "nothing": (b"", 1),
    "another header": (b"Exif\0\0XX" + block()[8:], 1),
    "a directory outside": (b"Exif\0\0II*\0\xff\xff\xff\xff" + bytes(30), 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_names_an_orientation_by_one_whole_number(kind: str) -> None:
    data, expected = KINDS[kind]
    assert orientation_of_exif(data) == expected


def saved(form: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", STORED, "red").save(file, form, **options)
    return file.getvalue()


def png_with(key: str, text: str, *, international: bool = False) -> bytes:
    info = PngInfo()
    (info.add_itxt if international else info.add_text)(key, text)
    return saved("PNG", pnginfo=info)


OTHER_TAG = block()[:16] + b"\x0f" + block()[17:]
RAW = block().removeprefix(b"Exif\0\0")
ELSEWHERE = {
    "XMP of a JPEG": lambda: saved("JPEG", xmp=XMP),
    "XMP of a WebP": lambda: saved("WEBP", xmp=XMP),
    "XMP of a PNG": lambda: png_with("XML:com.adobe.xmp", XMP.decode(), international=True),
    "a text of a PNG": lambda: png_with("XML:com.adobe.xmp", 'tiff:Orientation="6"'),
    "a profile of a PNG": lambda: png_with(
        "Raw profile type exif", f"\nexif\n{len(RAW):8}\n{RAW.hex()}\n"
    ),
    "XMP beside other tags of EXIF": lambda: saved("JPEG", xmp=XMP, exif=OTHER_TAG),
    "XMP of a TIFF": lambda: saved("TIFF", tiffinfo={700: XMP}),
    "XMP of a compressed TIFF": lambda: saved("TIFF", tiffinfo={700: XMP}, compression="tiff_lzw"),
    "a rational in a JPEG": lambda: saved("JPEG", exif=block(RATIONAL, BEHIND)),
    "a float in a JPEG": lambda: saved("JPEG", exif=block(FLOAT, struct.pack("<f", 6.0))),
}  # fmt: skip


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_elsewhere_turns_nothing(name: str) -> None:
    assert open_image(ELSEWHERE[name]()).size == STORED


def test_control_pillow_alone_turns_by_what_is_elsewhere() -> None:
    turned = [
        name
        for name, file in ELSEWHERE.items()
        if Image.open(io.BytesIO(file())).getexif().get(274) == 6
    ]
    assert turned == [*ELSEWHERE]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_block_of_the_file_turns_it_though_xmp_differs(form: str) -> None:
    options = {} if form == "PNG" else {"xmp": XMP.replace(b'"6"', b'"1"')}
    assert open_image(saved(form, exif=block(), **options)).size == TURNED
    opened = Image.open(io.BytesIO(saved(form, exif=block(), **options)))
    assert open_image(opened).size == TURNED


@AVIF
def test_of_avif_only_its_own_properties_count() -> None:
    assert open_image(saved("AVIF", xmp=XMP)).size == STORED
    # The encoder writes the property irot for an orientation, and takes it out of the block.
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.XResolution] = 6, 6.0
    data = saved("AVIF", exif=exif.tobytes())
    assert open_image(data).size == TURNED
    assert open_image(_with_rational(data)).size == TURNED
    del exif[ExifTags.Base.Orientation]
    data = saved("AVIF", exif=exif.tobytes())
    assert open_image(_with_rational(data)).size == STORED


def _with_rational(data: bytes) -> bytes:
    """Return an AVIF whose resolution is an orientation, in its block."""
    place = next(
        data.index(entry)
        for order in "<>"
        if (entry := struct.pack(order + "HHI", ExifTags.Base.XResolution, RATIONAL, 1)) in data
    )
    order = "<" if data[place] == ExifTags.Base.XResolution & 255 else ">"
    return data[:place] + struct.pack(order + "H", 274) + data[place + 2 :]


@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [(SHORT, 1, TURNED), (LONG, 1, TURNED), (RATIONAL, 1, STORED),
     (FLOAT, 1, STORED), (SHORT, 2, STORED)],
    ids=["SHORT", "LONG", "RATIONAL", "FLOAT", "two"],
)  # fmt: skip
def test_a_tiff_is_turned_by_a_whole_number_alone(
    kind: int, values: int, expected: tuple[int, int], order: str, compression: int
) -> None:
    strip = bytes(range(200)) * 4
    written = strip if compression == 1 else zlib.compress(strip)
    tags = {258: [8], 259: [compression], 262: [1], 274: [6]}
    data = bytearray(tiff([written], STORED, tags, order))
    entry = data.index(struct.pack(order + "HHI", 274, SHORT, 1))
    body = {
        SHORT: struct.pack(order + "HH", 6, 0),
        LONG: struct.pack(order + "I", 6),
        RATIONAL: struct.pack(order + "I", len(data)),
        FLOAT: struct.pack(order + "f", 6.0),
    }[kind]
    data[entry : entry + 12] = struct.pack(order + "HHI", 274, kind, values) + body
    data += struct.pack(order + "II", 6, 1)
    image = open_image(bytes(data))
    assert image.size == expected
    upright = np.frombuffer(strip, np.uint8).reshape(20, 40)
    wanted = np.rot90(upright, -1) if expected == TURNED else upright
    np.testing.assert_array_equal(image.pixels()[..., 0], wanted)
