"""No regular expression takes more than linear time, or much memory, whatever text a stranger writes.

All expressions are found in the syntax trees of the packages; each is tried on texts made of its own
literals.
"""

from __future__ import annotations

import re
import tracemalloc

import pytest

import viper_sandbox.thoughts
from fakes import patterns
from fakes.patterns import METHODS, Use, backtracking_groups, bytes_of_use, slow_text, uses
from viper.backends import foreign_arguments
from viper.builtin import questions
from viper.generate import examples
from viper.images import decoding
from viper.limber import references as limber
from viper.oracle import answerer
from viper.serve.host_places import HostPlaces
from viper.storage import bounded_json
from viper.texts import secrets
from viper.weights import hub

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


def test_each_expression_is_tried_as_it_is_used():
    found = {(use.place.partition(":")[0], use.pattern.pattern, use.method) for use in FOUND}
    thoughts, arguments = "sandbox/viper_sandbox/thoughts.py", "viper/backends/foreign_arguments.py"
    assert (thoughts, viper_sandbox.thoughts._END.pattern, "split") in found
    assert (arguments, foreign_arguments._MODEL_ID.pattern, "fullmatch") in found
    assert (
        arguments,
        foreign_arguments._WORD.pattern,
        "fullmatch",
    ) in found  # passed to a function
    # Used in another module than the one that makes it.
    assert ("viper/weights/cache.py", hub.REVISION.pattern, "fullmatch") in found
    # In a table.
    assert ("viper/weights/hub.py", hub._DIGESTS["sha256"].pattern, "fullmatch") in found


@pytest.mark.parametrize(
    ("expression", "methods"),
    [
        ("A.split(x)", {"split"}),
        ("map(A.fullmatch, x)", {"fullmatch"}),
        ("other.A.split(x)", {"split"}),
        ("A.sub(x, f(A))", {"sub", "findall", "fullmatch"}),
        ("[A]", {"findall", "fullmatch"}),
        ("A.pattern", {"findall", "fullmatch"}),
    ],
)
def test_control_a_use_in_another_module_is_found(tmp_path, monkeypatch, expression, methods):
    monkeypatch.setattr(patterns, "ROOT", tmp_path)
    monkeypatch.setattr(patterns, "PACKAGES", ["viper"])
    (tmp_path / "viper").mkdir()
    (tmp_path / "viper" / "other.py").write_text("import re\nA = re.compile('a+')\n")
    reader = "from viper import other" if "other" in expression else "from viper.other import A"
    (tmp_path / "viper" / "reader.py").write_text(f"{reader}\nx = {expression}\n")
    found, unknown = patterns.uses()
    assert unknown == []
    assert {use.method for use in found} == methods


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


@pytest.mark.parametrize(
    ("text", "method"),
    [
        (r"(?:a|b|ab)+c?", "fullmatch"),
        (r"a*?|a*b*a*", "fullmatch"),
        (r"a.*?b|a", "split"),
        (r"a.*?b|a", "findall"),
        (r"a[a-z ]*\n|a", "finditer"),
    ],
)
def test_control_an_expression_is_fast_in_one_way_and_slow_in_another(text, method):
    pattern = re.compile(text)
    assert not slow_text(pattern, "search", **SIZES)
    assert slow_text(pattern, method, **SIZES)


@pytest.mark.slow
def test_an_expression_that_takes_longer_for_a_megabyte_alone_is_noticed():
    assert slow_text(re.compile(r"(?:key|token)=.*;"), "search", **MEGABYTE)


# -- memory


def test_no_expression_keeps_memory_for_each_repeat_of_a_group():
    found = {use.place: backtracking_groups(use.pattern) for use in FOUND}
    assert {place: groups for place, groups in found.items() if groups} == {}


# A group that keeps memory → a text of it, and the possessive form.
GROUPS = {
    "escapes of a string": (r'"[^"\\]*(?:\\.[^"\\]*)*"?', '"' + r"\n" * 200_000),
    "one of two": (r"(?:[^'\\]|\\.)*", r"\n" * 200_000),
    "at least one": (r"(?:ab)+", "ab" * 200_000),
    "not greedy": (r"(?:ab)*?$", "ab" * 200_000),
    "a number of times": (r"(?:ab){2,500000}", "ab" * 200_000),
    "captured": (r"([ab])*", "ab" * 200_000),
    "in another group": (r"x?(?:(?:-[a-z]+)*)", "-a" * 200_000),
    "words": (r"[a-z]*(-[a-z0-9]+)*", "a" + "-a" * 200_000),
}


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_that_keeps_memory_is_noticed(name):
    text, content = GROUPS[name]
    pattern = re.compile(text, re.DOTALL)
    assert backtracking_groups(pattern)
    assert bytes_of_use(pattern, "match", content) > 50 * 200_000


@pytest.mark.parametrize(
    "text",
    [
        r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?',
        r"(?:ab)*+",
        r"(?>(?:ab)*+)x?",
        r"[ab]*",
        r".*?x?",
        r"(?:ab){0,300}",
    ],
)
def test_control_an_expression_that_keeps_none_is_not_reported(text):
    pattern = re.compile(text, re.DOTALL)
    assert backtracking_groups(pattern) == []
    for content in (r"\n" * 200_000, '"' + r"\n" * 200_000, "ab" * 200_000):
        assert bytes_of_use(pattern, "match", content) < 2_000_000


@pytest.mark.parametrize(
    "content", ['"' + r"\n" * 300_000, r'"\"' * 100_000, '"' * 500_000, r"\n" * 300_000]
)
@pytest.mark.parametrize("encoded", [True, False], ids=["bytes", "text"])
def test_counting_the_values_of_a_text_takes_no_memory_for_its_escapes(content, encoded):
    content = "," * 10 + content
    text = content.encode() if encoded else content
    tracemalloc.start()
    try:
        bounded_json.holds_more_values(text, 5)
        bounded_json.holds_more_values(text, 500_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(content)
