"""What a notebook shows."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from fakes.backends import FakeDetector
from fakes.cups import CUPS, picture
from viper.trace.summary import summary_html

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


def tags(html):
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append((tag, dict(attrs)))
    parser.feed(html)
    return found


@pytest.fixture
def answer(fake_engine):
    engine = fake_engine(detector=FakeDetector({HOSTILE: CUPS["cup"]}))
    program = f"print({HOSTILE!r})\nreturn image_patch.find({HOSTILE!r})[:3]"
    return engine.run_program(program, picture(), question=HOSTILE)


def test_an_answer_shows_the_picture_with_its_boxes(answer):
    html = answer._repr_html_()
    (image,) = [attrs for tag, attrs in tags(html) if tag == "img"]
    assert image["src"].startswith("data:image/png;base64,")
    boxes = [attrs for tag, attrs in tags(html) if tag == "rect"]
    assert [box["x"] for box in boxes[-3:]] == ["0.0", "10.0", "20.0"]
    assert [box["style"].count("#2ee07f") for box in boxes[-3:]] == [1, 1, 1]


def test_boxes_of_the_answer_are_numbered_and_the_others_look_otherwise(fake_engine):
    engine = fake_engine(detector=FakeDetector(CUPS))
    program = (
        "cups = sorted(image_patch.find('cup'), key=lambda p: p.left)\n"
        "return len([cup for cup in cups[1:] if cup.left < cups[0].left + 25])"
    )
    html = engine.run_program(program, picture())._repr_html_()
    boxes = [attrs["style"] for tag, attrs in tags(html) if tag == "rect"]
    answers = [style for style in boxes if "#2ee07f" in style]
    rejected = [style for style in boxes if "#d8d8d8" in style]
    references = [style for style in boxes if "#ff9a2e" in style]
    assert (len(answers), len(references)) == (2, 1)
    assert len(rejected) == len(CUPS["cup"]) - 3
    assert all("stroke-width:1px" in style for style in rejected)
    assert html.count("<text") == 2
    assert ">1</text>" in html
    assert "thin: found, and dropped" in html


def test_foreign_texts_are_escaped(answer):
    for html in (answer._repr_html_(), answer.trace._repr_html_(), answer.patches[0]._repr_html_()):
        assert "script" not in [tag for tag, _ in tags(html)]
        assert not [attrs for _, attrs in tags(html) if any(key.startswith("on") for key in attrs)]
        assert "&lt;script&gt;alert(1)" in html


def test_a_trace_shows_program_and_calls_without_a_picture(answer):
    html = answer.trace._repr_html_()
    assert "1 calls" not in html
    assert "1 call" in html
    assert "def execute_command" in html
    assert "img" not in [tag for tag, _ in tags(html)]


def test_a_patch_shows_its_pixels_and_what_it_is(answer):
    html = answer.patches[1]._repr_html_()
    (image,) = [attrs for tag, attrs in tags(html) if tag == "img"]
    assert image["src"].startswith("data:image/jpeg;base64,")
    assert "0.89 at (10, 0, 18, 20)" in html


def test_a_failure_shows_its_kind_line_and_message(fake_engine):
    answer = fake_engine(detector=FakeDetector(CUPS)).run_program(
        "return image_patch.find('cup')[40]", picture()
    )
    html = answer._repr_html_()
    assert "No answer (runtime)" in html
    assert "Line 3: IndexError" in html


def test_a_page_that_forbids_styles_gets_none(answer):
    html = summary_html(answer.trace.to_json(), answer.image, styled=False)
    assert not [attrs for _, attrs in tags(html) if "style" in attrs]
