"""`docs/traces.md` tells each key of a trace, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from viper.trace.schema import schema

PAGE = (Path(__file__).parents[2] / "docs" / "traces.md").read_text(encoding="utf-8")
DEFS = schema()["$defs"]
TOP = schema()["properties"]
ATTEMPT = DEFS["attempt"]["properties"]

SECTIONS = {
    "The trace": TOP,
    "`image`": TOP["image"]["properties"],
    "`votes`": TOP["votes"]["oneOf"][1]["properties"],
    "`failure`, of the trace and of an attempt": DEFS["failure"]["oneOf"][1]["properties"],
    "`attempts[…]`": ATTEMPT,
    "`findings[…]`": ATTEMPT["findings"]["items"]["properties"],
    "`call_sites[…]`": ATTEMPT["call_sites"]["items"]["properties"],
    "`calls[…]`": DEFS["call"]["properties"],
    "A patch": DEFS["patch"]["properties"],
    "`usage`": DEFS["usage"]["properties"],
    "`embedded`": TOP["embedded"]["properties"],
    "`embedded.crops[…]`": TOP["embedded"]["properties"]["crops"]["items"]["properties"],
}


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_table_has_a_row_for_each_key_of_the_schema(heading):
    section = PAGE.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    assert [key for key, _ in rows] == list(SECTIONS[heading])
    assert all(len(text) > 4 for _, text in rows)


def test_all_kinds_of_failures_are_listed():
    told = re.search(r"^\| `kind` \| (.+) \|$", PAGE, re.MULTILINE)[1]
    assert re.findall(r"`(\w+)`", told) == DEFS["failure_kind"]["enum"]


def test_bounds_are_those_of_the_reader():
    from viper.images.data_uri import CROP_PX
    from viper.trace import TRACE_VERSION, read

    assert f"above {read.MAX_BYTES // 2**20} MiB" in PAGE
    assert read._MAX_PARTS == 4_000_000
    assert f"deeper than {read._MAX_DEPTH} levels" in PAGE
    assert f"versions other than {TRACE_VERSION}" in PAGE
    assert f"at most {CROP_PX} pixels wide and high" in PAGE
