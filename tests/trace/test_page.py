"""The page of a run: one file, whose every foreign text is data."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from fakes.backends import FakeDetector
from fakes.cups import CUPS, picture
from viper.trace.page import script_json, trace_page

HOSTILE = "</script><img src=x onerror=alert(1)><!-- <script> \u2028 & ' \" {{ 7*7 }} {% raw %}"
PROGRAM = f"""
def execute_command(image):
    print({HOSTILE!r})
    return [cup for cup in ImagePatch(image).find("cup")] + [{HOSTILE!r}]
"""


class Page(HTMLParser):
    """The elements of a page, and the text of its scripts."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.scripts, self._inside = [], [], [], None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data


@pytest.fixture
def answer(fake_engine):
    engine = fake_engine(detector=FakeDetector(CUPS))
    return engine.run_program(PROGRAM, picture(), question=HOSTILE, choices=(HOSTILE,))


def test_no_text_of_a_stranger_becomes_markup(answer):
    page = Page(trace_page(answer.trace, answer.image))
    assert page.tags.count("script") == 3
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_the_page_holds_the_whole_trace_and_the_picture(answer):
    page = Page(trace_page(answer.trace, answer.image))
    data = json.loads(page.scripts[0])
    assert data["trace"] == json.loads(json.dumps(answer.trace.to_json()))
    assert data["picture"].startswith("data:image/png;base64,")


def test_templates_in_a_question_are_not_evaluated(answer):
    html = trace_page(answer.trace, answer.image)
    assert "{{ 7*7 }}" in html
    assert "<title>" in html.split("{{ 7*7 }}")[0]


def test_the_policy_allows_the_scripts_of_the_page_and_no_others(answer):
    html = trace_page(answer.trace, answer.image)
    page = Page(html)
    (policy,) = [v for _, v in page.attributes if v and v.startswith("default-src")]
    assert "unsafe" not in policy
    for script in page.scripts[1:]:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.count("'sha256-") == 4  # two scripts, two style sheets


def test_the_page_names_no_other_file_and_no_server(answer):
    html = trace_page(answer.trace, answer.image)
    assert not [value for name, value in Page(html).attributes if name in ("src", "href")]
    addresses = set(re.findall(r"https?://[^\s\"'<]+", html))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, which nobody fetches


def test_a_run_without_a_picture_has_a_page(answer):
    page = Page(trace_page(answer.trace, None))
    assert json.loads(page.scripts[0])["picture"] is None


def test_json_in_a_script_cannot_end_it():
    text = script_json({"a": HOSTILE})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"a": HOSTILE}
