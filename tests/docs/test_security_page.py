"""docs/security.md against the code: what it names exists, and its table has the real defaults."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from viper_sandbox import Limits

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/]+\.py)`", PAGE))))
def test_every_file_that_the_page_names_exists(name):
    places = [ROOT, ROOT / "sandbox" / "viper_sandbox", ROOT / "tests" / "sandbox"]
    assert any((place / name).is_file() for place in places)


def test_the_page_has_every_limit_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+)", PAGE, re.MULTILINE))
    told = {name: float(value.replace(",", "")) for name, value in rows.items()}
    assert told == {field.name: field.default for field in fields(Limits)}
