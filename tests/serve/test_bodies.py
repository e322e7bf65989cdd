"""Forms whose parsing costs more than their bytes: linear time, or refused."""

from __future__ import annotations

import logging
import time

import pytest

pytest.importorskip("python_multipart", reason="the extra [serve] is not installed")

from python_multipart.multipart import MultipartParser

from fakes.asgi import run
from viper.serve.api_error import ApiError
from viper.serve.bodies import read_form

HEAD = b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
END = b"\r\n--X--\r\n"
FORMS = {
    "one header of a long value": lambda n: b"--X\r\nA: " + b"b" * n + b"\r\n\r\n" + END,
    "one header of a long name": lambda n: b"--X\r\n" + b"a" * n + b": b\r\n\r\n" + END,
    "many headers": lambda n: b"--X\r\n" + b"a: b\r\n" * (n // 6) + b"\r\n" + END,
    "many options of a header": lambda n: (
        b'--X\r\nContent-Disposition: form-data; name="a' + b";" * n + b"\r\n\r\n" + END
    ),
    "a preamble of line ends": lambda n: b"\r\n" * (n // 2) + HEAD + b"1" + END,
    "an epilogue of line ends": lambda n: HEAD + b"1" + END + b"\r\n" * (n // 2),
    "data of line ends": lambda n: HEAD + b"\r\n" * (n // 2) + END,
    "data of returns": lambda n: HEAD + b"\r" * n + END,
    "almost the boundary": lambda n: HEAD + b"\r\n--Y" * (n // 5) + END,
    "many parts": lambda n: (HEAD + b"\r\n") * (n // 50) + END,
    "no end": lambda n: HEAD + b"a" * n,
}


def took_s(form, piece=None):
    """Return the time to read a form, or to refuse it; it arrives in pieces."""
    piece = piece or len(form)

    async def body():
        for start in range(0, len(form), piece):
            yield form[start : start + piece]

    async def read():
        headers = {"content-type": "multipart/form-data; boundary=X"}
        await read_form(body(), headers, max_file_bytes=10_000_000)

    started = time.thread_time()
    try:
        run(read())
    except ApiError as error:
        if error.status not in (400, 413):
            raise
    return time.thread_time() - started


@pytest.mark.parametrize("piece", [None, 1_000], ids=["at once", "in pieces"])
@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_read_in_linear_time(name, piece):
    short, text = FORMS[name](100_000), FORMS[name](400_000)
    assert took_s(text, piece) < 0.1 or took_s(text, piece) < 10 * took_s(short, piece)


def test_the_control_without_its_limits_the_parser_reads_headers_of_any_size():
    parser = MultipartParser(b"X", max_header_size=10**9, max_header_count=10**9)
    for name in ("one header of a long value", "many headers"):
        form = FORMS[name](100_000)
        assert parser.write(form) == len(form)
        parser = MultipartParser(b"X", max_header_size=10**9, max_header_count=10**9)


def test_the_parser_writes_no_line_about_a_malformed_form():
    """Without a handler of its own, warnings of a library are written to stderr."""
    took_s(b"no boundary at all")
    assert logging.getLogger("python_multipart").handlers
