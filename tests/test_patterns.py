"""No regular expression takes more than linear time, whatever text a stranger writes.

All expressions are found in the syntax trees of the packages; each is tried on texts made of its own
literals.
"""

from __future__ import annotations

import re

import pytest

from fakes.patterns import METHODS, Use, slow_text, uses
from viper.builtin import questions
from viper.generate import examples
from viper.images import decoding
from viper.limber import references as limber
from viper.oracle import answerer
from viper.serve.host_places import HostPlaces
from viper.texts import secrets

PLACES = HostPlaces(["/srv/a b/c.onnx", "a/a/a"], ["/a/a", "/home/me"], ["http://gpu-box:1/v1"])
# Expressions in tables, or with a part that is not constant: file → what they stand for, and their method.
TABLES = {
    "viper/builtin/questions.py": ([*questions._FORMS.values()], "fullmatch"),
    "viper/generate/examples.py": ([*examples._FRAMES.values()], "search"),
    "viper/images/decoding.py": ([start for start, _ in decoding._SIGNATURES], "match"),
    "viper/limber/references.py": ([*limber._HARMLESS_OPTIONS.values()], "fullmatch"),
    "viper/oracle/answerer.py": ([form for form, _ in answerer._FORMS], "fullmatch"),
    "viper/builtin/world/folder.py": ([r"CLEVR_a\-b_[0-9]{6,}\.png"], "fullmatch"),
    "viper/texts/secrets.py": ([*secrets._FORMS.values(), *secrets._SCHEMES.values()], "sub"),
    "viper/serve/host_places.py": ([PLACES._pattern, PLACES._host_pattern], "sub"),
    "viper/testing/module_check.py": ([r"\bread_text\("], "search"),
}
FOUND, UNKNOWN = uses()
FOUND += [
    Use(place, re.compile(pattern), method)
    for place, (patterns, method) in TABLES.items()
    for pattern in patterns
]
EACH = {(use.pattern, use.method): use for use in FOUND}

SIZES = {"small": 2_500, "large": 10_000, "limit_s": 0.1}
MEGABYTE = {"small": 250_000, "large": 1_000_000, "limit_s": 5.0}


def slow_uses(sizes):
    """Return the uses whose time grows faster than the text, each with the text."""
    found = {
        f"{use.place} {pattern.pattern!r}.{method}": slow_text(pattern, method, **sizes)
        for (pattern, method), use in EACH.items()
    }
    return {place: text for place, text in found.items() if text}


def test_every_expression_is_found():
    assert {place.partition(":")[0] for place in UNKNOWN} == set(TABLES)
    assert len(EACH) > 80
    assert {"viper", "sandbox", "benchmarks"} == {use.place.partition("/")[0] for use in FOUND}
    assert any(
        "://" in use.pattern.pattern for use in FOUND if isinstance(use.pattern.pattern, str)
    )
    assert {use.method for use in FOUND} <= set(METHODS)


def test_every_expression_takes_linear_time():
    assert slow_uses(SIZES) == {}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_expression_takes_linear_time_for_a_megabyte():
    assert slow_uses(MEGABYTE) == {}


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (re.compile(r"[a-z0-9+.-]+://[^\s'\")\]]+", re.IGNORECASE), "sub"),
        (re.compile(r"(\w+)\("), "findall"),
        (re.compile(r"\s+'\s+s\b"), "sub"),
        (re.compile(r"\s+$"), "sub"),
        (re.compile(r"(?:a+)+b"), "match"),
        (re.compile(r"x.*y.*z"), "search"),
        (re.compile(rb"<!--[^>]*-->"), "sub"),
        (re.compile(r"[\w-]+@[\w-]+\.com"), "search"),
    ],
    ids=lambda value: value.pattern if isinstance(value, re.Pattern) else value,
)
def test_an_expression_that_takes_longer_is_noticed(pattern, method):
    assert slow_text(pattern, method, **SIZES)


@pytest.mark.slow
def test_an_expression_that_takes_longer_for_a_megabyte_alone_is_noticed():
    assert slow_text(re.compile(r"(?:key|token)=.*;"), "search", **MEGABYTE)
