"""Lower bounds of pyproject.toml: every requirement has one, and no unsafe version is allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lowest_versions import TESTS, all_extras, lowest, lowest_requirements

ROOT = Path(__file__).parents[1]
LOWEST = dict(requirement.split("==") for requirement in lowest_requirements(all_extras()))
# Package → the last version with a fault that its advisory describes.
UNSAFE = {
    "python-multipart": "0.0.31",  # CR and LF in data: quadratic
    "pillow": "12.3.0",  # overflows of the JPEG decoder, TIFF tags that share a blob
    "starlette": "1.0.0",  # the path by a malformed Host
    "uvicorn": "0.41.0",  # pieces of a body: quadratic
    "h11": "0.14.0",  # any two bytes for the end of a chunk
    "jinja2": "3.1.5",  # out of the sandbox
    "filelock": "3.20.2",  # follows links: CVE-2025-68146, CVE-2026-22701
    "onnxruntime": "1.28.0",  # out of bounds
    "torch": "2.9.1",  # weights_only corrupts memory: CVE-2026-24747
    "transformers": "5.4.0",  # code by a configuration: CVE-2026-4372, CVE-2026-5241
    "onnx": "1.20.1",  # external data outside of the folder: CVE-2026-27489, GHSA-q56x-g2fj-4rj6
    "ray": "2.53.0",  # web pages reach the dashboard: CVE-2025-62593, CVE-2026-27482
    "ultralytics": "8.3.46",  # 8.3.41, 42, 45 and 46 on PyPI held a miner
}


def numbers(version):
    found = [int(part) for part in re.findall(r"\d+", version)]
    return found + [0] * (4 - len(found))


def allowed_unsafe(bounds):
    """Return the packages of which an unsafe version satisfies its lower bound."""
    return [name for name, last in UNSAFE.items() if numbers(bounds[name]) <= numbers(last)]


def below_bounds(lines, bounds):
    """Return the packages that a file of constraints pins below their lower bound, or not at all."""
    pairs = (line.lower().replace("-", "_").split("==") for line in lines if "==" in line)
    pinned = dict(pairs)
    return [
        name
        for name, bound in bounds.items()
        if numbers(pinned.get(name.lower().replace("-", "_"), "0")) < numbers(bound)
    ]


def test_no_unsafe_version_is_allowed():
    assert allowed_unsafe(LOWEST) == []


@pytest.mark.parametrize(("name", "version"), UNSAFE.items())
def test_control_an_unsafe_bound_is_noticed(name, version):
    *first, last = (int(part) for part in version.split("."))
    below = ".".join(map(str, [*first, max(0, last - 1)]))
    for unsafe in (version, below, f"{first[0]}"):
        assert allowed_unsafe({**LOWEST, name: unsafe}) == [name], unsafe
    safe = ".".join(map(str, [*first, last + 1]))
    assert allowed_unsafe({**LOWEST, name: safe}) == []


@pytest.mark.parametrize(
    "requirement", ["ray", "ray<3", "ray==2.54", "ray>2.54", "ray~=2.54", "ray>=", "ray[all]>=2.54"]
)
def test_control_a_requirement_without_a_lower_bound_is_refused(requirement):
    with pytest.raises(SystemExit, match="without a lower bound"):
        lowest(requirement)
    assert lowest("ray>=2.54,<3") == "ray==2.54"


def test_each_optional_dependency_is_in_the_table_of_bounds():
    assert {"torch", "onnx", "open_clip_torch", "pycocotools", "matplotlib", "ray", "ultralytics",
            "num2words", "starlette"} <= set(LOWEST)  # fmt: skip
    assert set(UNSAFE) <= set(LOWEST)


def constraints():
    return (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


def test_the_constraints_are_within_the_bounds():
    assert below_bounds(constraints(), LOWEST) == []


def test_control_constraints_below_a_bound_are_noticed():
    others = [line for line in constraints() if not line.startswith("ray==")]
    assert below_bounds([*others, "ray==2.53.9"], LOWEST) == ["ray"]
    assert below_bounds(others, LOWEST) == ["ray"]


def test_the_tests_of_the_lowest_versions_are_there():
    assert [test for test in TESTS if not (ROOT / "tests" / test).exists()] == []
