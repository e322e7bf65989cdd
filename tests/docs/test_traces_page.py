"""`docs/traces.md` and `schema.json` are as the records of a trace say."""

from __future__ import annotations

import json
import re
from pathlib import Path

from docs.tooling.trace_schema import schema_file, with_tables
from viper.errors import FAILURE_KINDS
from viper.trace.schema import schema_text

PAGE = (Path(__file__).parents[2] / "docs" / "traces.md").read_text(encoding="utf-8")
STALE = "python -m docs.tooling.trace_schema"


def test_the_published_schema_is_the_one_of_the_records():
    assert schema_text() == schema_file(), STALE


def test_the_tables_are_those_of_the_schema():
    assert with_tables(PAGE) == PAGE, STALE


def test_every_key_is_described():
    rules = json.loads(schema_text())
    for rule in (rules, *rules["$defs"].values()):
        for key, item in rule.get("properties", {}).items():
            assert key == "type" or len(item.get("description", "")) > 4, key


def test_all_kinds_of_failures_are_listed():
    told = re.search(r"^\| `kind` \| The kind of failure\. (.+) \|$", PAGE, re.MULTILINE)[1]
    assert tuple(re.findall(r"`(\w+)`", told)) == FAILURE_KINDS


def test_bounds_are_those_of_the_reader():
    from viper.images.data_uri import CROP_PX
    from viper.trace import TRACE_VERSION, read

    assert f"above {read.MAX_BYTES // 2**20} MiB" in PAGE
    assert f"{read._MAX_PARTS / 1e6} million values" in PAGE
    assert f"{read._MAX_TEXT_BYTES // 2**20} MiB beside large embedded images" in PAGE
    assert f"deeper than {read._MAX_DEPTH} levels" in PAGE
    assert f"versions other than 2 to {TRACE_VERSION}" in PAGE
    assert f"at most {CROP_PX} pixels wide and high" in PAGE
