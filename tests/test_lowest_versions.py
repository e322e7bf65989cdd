"""Lower bounds of pyproject.toml: every requirement has one, and no unsafe version is allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lowest_versions import TESTS, lowest_requirements

ROOT = Path(__file__).parents[1]
LOWEST = dict(requirement.split("==") for requirement in lowest_requirements())
UNSAFE = {
    "python-multipart": "0.0.31",  # CR and LF in data: quadratic
    "pillow": "12.3.0",  # overflows of the JPEG decoder, TIFF tags that share a blob
    "starlette": "1.0.0",  # the path by a malformed Host
    "uvicorn": "0.41.0",  # pieces of a body: quadratic
    "h11": "0.14.0",  # any two bytes for the end of a chunk
    "jinja2": "3.1.5",  # out of the sandbox
    "filelock": "3.20.0",  # follows links
    "onnxruntime": "1.28.0",  # out of bounds
}


def numbers(version):
    found = [int(part) for part in re.findall(r"\d+", version)]
    return found + [0] * (4 - len(found))


@pytest.mark.parametrize(("name", "version"), UNSAFE.items())
def test_no_unsafe_version_is_allowed(name, version):
    assert numbers(LOWEST[name]) > numbers(version)


def test_the_constraints_are_within_the_bounds():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.lower().split("==") for line in lines if "==" in line)
    for name, lowest in LOWEST.items():
        key = name.lower()
        version = pinned.get(key) or pinned[key.replace("-", "_")]
        assert numbers(version) >= numbers(lowest), name


def test_the_tests_of_the_lowest_versions_are_there():
    assert [test for test in TESTS if not (ROOT / "tests" / test).exists()] == []
