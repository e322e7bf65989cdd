"""What a notebook shows."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from fakes.backends import FakeAnswerer, FakeDetector
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
    assert "No answer (absent)" in html
    assert "Line 3: No further cup was found" in html


def test_a_page_that_forbids_styles_gets_none(answer):
    html = summary_html(answer.trace.to_json(), answer.image, styled=False)
    assert not [attrs for _, attrs in tags(html) if "style" in attrs]


DOUBTED = "return image_patch.exists('woman')"


def doubted(fake_engine):
    detector = FakeDetector({}, vocabulary=("person",))
    return fake_engine(detector=detector).run_program(DOUBTED, picture(), best_effort=True)


def test_doubts_stand_in_a_banner_above_the_answer(fake_engine):
    html = doubted(fake_engine)._repr_html_()
    (banner,) = [attrs for tag, attrs in tags(html) if attrs.get("role") == "note"]
    assert "border-left" in banner["style"]
    text = "Not verified: &#x27;woman&#x27; detected as &#x27;person&#x27; (the detector knows"
    assert html.index(text) < html.index(">no</div>")


def test_one_models_word_stands_in_a_banner(fake_engine):
    engine = fake_engine(answerer=FakeAnswerer("A cat."))
    html = engine.run_program("return image_patch.simple_query('?')", picture())._repr_html_()
    assert "Answered by one model, not checked: fake:answerer" in html


def test_an_answer_without_doubts_has_no_banner(answer):
    for html in (answer._repr_html_(), answer.trace._repr_html_()):
        assert "note" not in [attrs.get("role") for _, attrs in tags(html)]


def test_doubts_are_escaped_bounded_and_counted(fake_engine):
    value = doubted(fake_engine).trace.to_json()
    value["doubts"] = [{"condition": HOSTILE, "why": HOSTILE, "needs": ""}] * 1000
    html = summary_html(value, None)
    assert "script" not in [tag for tag, _ in tags(html)]
    assert html.count("&lt;script&gt;") == 40
    assert "… 980 more" in html


def test_the_weakest_call_is_marked(fake_engine):
    class Thresholded(FakeDetector):
        score_threshold = 0.5

    detector = Thresholded({"cup": [((1, 2, 30, 40), 0.9)], "dog": [((1, 2, 30, 40), 0.625)]})
    source = "return image_patch.exists('cup') and image_patch.exists('dog')"
    answer = fake_engine(detector=detector).run_program(source, picture())
    html = answer._repr_html_()
    assert "0.90, threshold 0.50<" in html
    assert "0.62, threshold 0.50 (the weakest)<" in html
    assert answer.weakest is answer.trace.calls[1]


def test_a_trace_without_programs_is_shown_whatever_it_claims(fake_engine):
    value = doubted(fake_engine).trace.to_json() | {"turns": [], "chosen": None}
    assert ">no</div>" in summary_html(value, None)
