"""The pages of docs/ become a site without a warning, and what they say of failures is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import viper
from fakes import docs_site
from viper import errors
from viper.errors import FAILURE_KINDS
from viper.programs.program import PROGRAM_FAULTS

DOCS = Path(__file__).parents[2] / "docs"
FAILURES = (DOCS / "reference" / "failures.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return docs_site.build(tmp_path_factory)


def test_every_page_is_in_the_site(site):
    pages = {
        path.relative_to(DOCS).with_suffix("")
        for path in DOCS.rglob("*.md")
        if "_build" not in path.parts
    }
    built = {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")}
    assert pages - built == set()


def test_the_site_asks_no_other_place_for_anything(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for tag in re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", text):
            assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", tag), (page.name, tag)


def test_every_public_name_is_on_the_python_page(site):
    page = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for name in viper.__all__:
        home = "viper.errors" if hasattr(errors, name) else "viper"
        assert name == "__version__" or f'id="{home}.{name}"' in page, name


def test_a_docstring_with_a_colon_stays_a_sentence(site):
    page = (site / "reference" / "python.html").read_text(encoding="utf-8")
    assert "Grounding: the chosen patches" in page


def test_the_table_of_failures_is_complete_and_says_what_is_repaired():
    rows = re.findall(
        r"^\| `(\w+)` \| \w+ \| .* \| (yes|no)(?:, unless [^|]*)? \|$", FAILURES, re.MULTILINE
    )
    assert [kind for kind, _ in rows] == list(FAILURE_KINDS)
    assert {kind for kind, repaired in rows if repaired == "yes"} == PROGRAM_FAULTS
