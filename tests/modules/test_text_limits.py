"""Arguments for methods of modules are limited like those of Viper's own."""

import pytest

from fakes.backends import blank_image
from viper import Engine
from viper.modules import Module

IMAGE = blank_image()

STUB = '''
from viper_api import needs


class ImagePatch:
    @needs("reader")
    def note(self, text: str) -> int:
        """Count the characters of a text."""

    @needs("reader")
    def near(self, others: list[ImagePatch]) -> int:
        """Count patches."""


@needs("reader")
def joined(texts: list[str]) -> int:
    """Count texts."""


@needs("reader")
def total(numbers: dict[str, float]) -> int:
    """Count numbers."""


@needs("reader")
def table(rows: list[list[str]]) -> int:
    """Count rows."""

'''


class Reader:
    fingerprint = "reader 1"


@pytest.fixture
def served():
    seen = []

    def count(name):
        def function(model, requests):
            seen.extend((name, request) for request in requests)
            return [len(request[name]) for request in requests]

        return function

    module = Module(
        "reading",
        STUB,
        {
            "ImagePatch.note": count("text"),
            "ImagePatch.near": count("others"),
            "joined": count("texts"),
            "total": count("numbers"),
            "table": count("rows"),
        },
        roles={"reader": lambda reference, options: Reader()},
    )
    with Engine("none", modules=[module], backends={"reader": "reading"}) as engine:
        yield engine, seen


def source(*attempts):
    calls = ", ".join(f"lambda: {attempt}" for attempt in attempts)
    return f"""
def execute_command(image):
    told = []
    for attempt in [{calls}]:
        try:
            told.append(attempt())
        except ValueError as error:
            told.append(str(error))
    return told
"""


def test_a_program_is_told_of_each_argument_that_is_too_large(served):
    engine, seen = served
    attacks = [
        "image.note('x' * 4_001)",
        "joined(['a', 'y' * 5_000])",
        "total({'z' * 5_000: 1})",
        "table([['a'], ['b', 'c' * 4_001]])",
        "image.near([image] * 1_001)",
        "joined(['a'] * 1_001)",
        "total({str(n): n for n in range(501)})",
        "table([['a'] * 100] * 10)",
    ]
    answer = engine.run_program(source(*attacks), IMAGE)
    assert answer.failure is None
    assert len(answer.value) == len(attacks)
    for told in answer.value[:4]:
        assert "must have at most 4,000 characters, but got a text of" in told
    for told in answer.value[4:]:
        assert told.endswith("More than 1,000 values at once.")
    assert seen == []
    legal = [  # the controls
        "image.note('x' * 4_000)",
        "joined(['a', 'y' * 4_000])",
        "total({'z' * 4_000: 1})",
        "table([['a'], ['b', 'c' * 4_000]])",
        "image.near([image] * 1_000)",
        "joined(['a'] * 1_000)",
        "total({str(n): n for n in range(500)})",
        "table([['a'] * 99] * 10)",
    ]
    assert engine.run_program(source(*legal), IMAGE).value == [
        4_000,
        2,
        1,
        2,
        1_000,
        1_000,
        500,
        10,
    ]


@pytest.mark.parametrize(("others", "is_prefetched"), [(3, True), (300, False)])
def test_a_call_with_many_values_is_not_repeated_ahead_for_siblings(others, is_prefetched):
    made = []

    def found(model, requests):
        from viper.modules import Detection

        return [
            [Detection((float(n), 0.0, n + 1.0, 5.0), "part", 0.5) for n in range(9)]
            for _ in requests
        ]

    def near(model, requests):
        made.extend(requests)
        return [1 for _ in requests]

    stub = (
        STUB.partition('    @needs("reader")\n    def note')[0]
        + '''
    @needs("reader")
    def pieces(self) -> list[ImagePatch]:
        """Find pieces."""

    @needs("reader")
    def near(self, others: list[ImagePatch]) -> int:
        """Count patches."""
'''
    )
    module = Module(
        "reading",
        stub,
        {"ImagePatch.pieces": found, "ImagePatch.near": near},
        roles={"reader": lambda reference, options: Reader()},
    )
    program = f"""
def execute_command(image):
    whole = ImagePatch(image)
    return sum(piece.near([whole] * {others}) for piece in whole.pieces()[:2])
"""
    with Engine("none", modules=[module], backends={"reader": "reading"}) as engine:
        answer = engine.run_program(program, IMAGE)
        assert answer.text == "2"
        assert (answer.trace.prefetch["items"] > 0) is is_prefetched
        assert len(made) == (9 if is_prefetched else 2)
