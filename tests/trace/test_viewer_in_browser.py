"""What the viewer makes of a trace, in a real browser: steps, boxes, doubts, lists, files."""

from __future__ import annotations

import json

import pytest

from fakes.backends import FakeDetector
from fakes.cups import CUPS, DOGS, picture
from fakes.generators import ScriptedGenerator
from fakes.page_checks import LEAST_CONTRAST, NAMELESS
from viper import Engine
from viper.trace.page import trace_page
from viper.trace.read import read_trace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LONG = " + ".join(["len(cups)"] * 60)
PROGRAM = f"""
def execute_command(image):
    image_patch = ImagePatch(image)
    seen = []
    for name in {[f"thing {n}" for n in range(20)]!r}:
        seen += image_patch.find(name)
    cups = image_patch.find("cup")
    dogs = image_patch.find("dog")
    many = {LONG}
    return [cup for cup in cups if cup.left > 30]
"""
FAILS = "def execute_command(image):\n    return ImagePatch(image).find('cup')[99]\n"
PROMPT = "--- system\nWrite a program. <b>&\n\n--- user\nWhich cups?"


@pytest.fixture(scope="module")
def answer():
    detector = FakeDetector({**CUPS, **DOGS})
    detector.name = "fake:detector"
    generator = ScriptedGenerator(
        [FAILS, f"Here it is:\n```python{PROGRAM}```"], prompt_text=PROMPT
    )
    with Engine("none", generator, {"detector": detector}) as engine:
        yield engine.ask(picture(), "Which cups?")


@pytest.fixture
def opened(browser, answer, tmp_path):
    """Opens the page of the run; nothing may go wrong in it."""
    errors, pages = [], []

    def opened(**changes):
        path = tmp_path / "run.html"
        path.write_text(trace_page(answer.trace, answer.image), encoding="utf-8")
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(path.as_uri())
        pages.append(page)
        if changes:
            page.evaluate("(changes) => view.show({...trace, ...changes})", changes)
        return page

    yield opened
    for page in pages:
        page.close()
    assert errors == []


def where(page):
    return page.locator(".vt-controls output").inner_text()


def test_many_calls_of_one_line_are_one_step(opened, answer):
    page = opened()
    assert len(answer.trace.turns[-1].calls) == 22
    places = []
    page.keyboard.press("Home")
    for _ in range(5):
        places.append(where(page))
        page.keyboard.press("ArrowRight")
    assert places == ["begin", "20 calls of line 5", "call 21 of 22", "call 22 of 22", "end"]
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.locator(".vt-line.vt-now .vt-number").inner_text() == "5"
    rows = page.locator(".vt-detail .vt-many button")
    assert rows.count() == 20
    rows.nth(3).focus()
    page.keyboard.press("Enter")
    assert 'find("thing 3")' in page.locator(".vt-detail h2").last.inner_text()
    assert where(page) == "20 calls of line 5"


def test_the_slider_reaches_both_ends_under_the_pointer(opened):
    page = opened()
    slider = page.locator(".vt-controls input")
    box = slider.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    seen = []
    for part in (0.3, 0.0, 0.4, 0.8, 1.0):
        page.mouse.move(box["x"] + part * box["width"], y, steps=3)
        seen.append(where(page))
        assert slider.bounding_box() == box  # what it is dragged along does not move
    page.mouse.up()
    assert (seen[1], seen[-1]) == ("begin", "end")


def test_long_lines_of_a_program_wrap(opened):
    page = opened()
    program = page.locator(".vt-program")
    assert program.evaluate("box => box.scrollWidth <= box.clientWidth")
    row = page.locator(".vt-line", has_text="many =")
    assert (
        row.bounding_box()["height"] > 2 * page.locator(".vt-line").first.bounding_box()["height"]
    )


def test_the_image_is_enlarged_by_keys_and_wheel_and_fits_again(opened):
    page = opened()
    image = page.locator(".vt-stage img")
    width = image.bounding_box()["width"]
    height = page.locator(".vt-stage").bounding_box()["height"]
    page.keyboard.press("+")
    assert image.bounding_box()["width"] == pytest.approx(1.5 * width, rel=0.05)
    assert page.locator(".vt-stage").bounding_box()["height"] == height
    page.keyboard.press("0")
    assert image.bounding_box()["width"] == width
    page.locator(".vt-stage").hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_function("document.querySelector('.vt-inner').style.width === '150%'")
    page.get_by_role("button", name="Fit: the whole image").click()
    assert image.bounding_box()["width"] == width


def test_a_box_says_what_it_is_under_the_pointer(opened):
    page = opened()
    box = page.locator("rect.vt-found").first.bounding_box()
    tip = page.locator(".vt-tip")
    assert not tip.is_visible()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert "cup 0." in tip.inner_text()
    assert page.locator("rect.vt-hover").count() == 1
    page.mouse.move(5, 5)
    assert not tip.is_visible()


def patch(x, category, role):
    box = [x, 5, x + 8, 30]
    made = {"type": "patch", "image": 0, "box_xyxy": box, "score": 0.5, "category": category}
    return {**made, "evidence": role}


def test_counted_boxes_are_numbered_and_others_look_different(opened):
    cups = [patch(5, "cup", "answer"), patch(20, "cup", "answer"), patch(40, "cup", "rejected")]
    roles = [*cups, patch(60, "dog", "reference")]
    page = opened(patches=roles)
    assert page.locator("rect.vt-found.vt-counted").count() == 2
    assert page.locator("rect.vt-rejected").count() == 1
    assert page.locator("rect.vt-reference").count() == 1
    labels = page.locator(".vt-stage text").all_text_contents()
    assert [label.split()[0] for label in labels] == ["1", "2", "dog"]
    width = "rect => parseFloat(getComputedStyle(rect).strokeWidth)"
    counted, rejected = (
        page.locator(f"rect.{kind}").first.evaluate(width) for kind in ("vt-counted", "vt-rejected")
    )
    assert rejected < counted
    colors = {
        page.locator(f"rect.{kind}").first.evaluate("rect => getComputedStyle(rect).stroke")
        for kind in ("vt-counted", "vt-rejected", "vt-reference")
    }
    assert len(colors) == 3
    assert (
        page.locator(".vt-legend").inner_text().split("  ")[0].startswith("counts for the answer")
    )
    rows = page.locator(".vt-detail .vt-many button")
    assert rows.first.inner_text() == "1. cup 0.50: counted"
    rows.nth(3).focus()
    assert page.locator("rect.vt-reference.vt-hover").count() == 1


def test_boxes_without_a_role_look_as_found(opened):
    page = opened(patches=[patch(5, "cup", None), patch(20, "cup", None)])
    assert page.locator("rect.vt-found").count() == 2
    assert page.locator("rect.vt-counted, rect.vt-rejected, rect.vt-reference").count() == 0
    assert page.locator(".vt-legend").inner_text() == ""


def test_doubts_stand_at_the_headline(opened):
    doubts = [
        {"condition": "wearing a <b>hat</b>", "why": "no matcher is served", "needs": "matcher"}
    ]
    page = opened(doubts=doubts, outcome="answered_with_doubts", answer="yes")
    banner = page.locator(".vt-head .vt-banner")
    assert "wearing a <b>hat</b>: no matcher is served" in banner.inner_text()
    assert banner.locator("b").count() == 0


def test_one_models_word_is_said_to_be_that(opened):
    page = opened(direct_answer={"text": "red", "model": "blip:x", "why": "no other model looked"})
    assert "Answered by one model, not checked (blip:x" in page.locator(".vt-banner").inner_text()


def test_an_answer_without_doubts_has_no_banner(opened):
    assert opened().locator(".vt-banner").count() == 0


UNTESTED = [{"condition": "red", "why": "no matcher", "needs": "matcher"}]


@pytest.mark.parametrize(
    ("kind", "doubts", "title", "anyway"),
    [
        ("absent", [], "No answer: not found", True),
        ("unsure", [], "No answer: it cannot be told", False),
        ("model", UNTESTED, "No answer: not all of it can be tested", True),
        ("model", [], "No answer: the models cannot tell", False),
    ],
)
def test_what_is_no_fault_does_not_look_like_one_and_says_what_to_do(
    opened, answer, kind, doubts, title, anyway
):
    turn = {**answer.trace.to_json()["turns"][-1], "doubts": doubts, "calls": []}
    turn["failure"] = failure = {"kind": kind, "line": 3, "message": "No elephant was found."}
    page = opened(answer=None, failure=failure, outcome="no_answer", turns=[turn], chosen=0)
    headline = page.locator(".vt-head .vt-answer")
    assert headline.inner_text().startswith(title)
    assert "No elephant was found." in headline.inner_text()
    assert page.locator(".vt-bad, .vt-failed, .vt-fault").count() == 0
    advice = page.locator(".vt-advice").inner_text()
    assert "Ask" in advice
    assert ("--best-effort" in advice) == anyway
    view = "(changes) => view.show({...trace, ...changes, best_effort: true})"
    page.evaluate(view, {"answer": None, "failure": failure, "turns": [turn], "chosen": 0})
    assert "--best-effort" not in page.locator(".vt-advice").inner_text()


def test_a_message_with_its_ways_to_an_answer_is_not_followed_by_others(opened, answer):
    turn = {**answer.trace.to_json()["turns"][-1], "doubts": UNTESTED, "calls": []}
    message = (
        '"red" cannot be checked: no matcher. Add --best-effort for an answer that may be wrong.'
    )
    turn["failure"] = failure = {"kind": "model", "line": None, "message": message}
    page = opened(answer=None, failure=failure, outcome="no_answer", turns=[turn], chosen=0)
    assert message in page.locator(".vt-head .vt-answer").inner_text()
    assert page.locator(".vt-advice").count() == 0


def test_a_missing_model_is_nothing_that_the_best_effort_would_mend(opened, answer):
    turn = {**answer.trace.to_json()["turns"][-1], "doubts": []}
    failure = {"kind": "model", "line": 3, "message": 'Finding "cup" needs a detector.'}
    call = {**turn["calls"][-1], "role": "detector", "model": "", "error": failure, "result": None}
    turn |= {"failure": failure, "calls": [call]}
    page = opened(answer=None, failure=failure, outcome="no_answer", turns=[turn], chosen=0)
    headline = page.locator(".vt-head .vt-answer").inner_text()
    assert headline.startswith("No answer: a model is missing")
    assert "--best-effort" not in page.locator(".vt-advice").inner_text()


def test_a_fault_still_looks_like_one(opened):
    failure = {"kind": "runtime", "line": None, "message": "It broke."}
    page = opened(answer=None, failure=failure, outcome="no_answer")
    assert page.locator(".vt-head .vt-bad").inner_text().startswith("No answer (runtime)")


def test_what_the_answer_hangs_on_is_named_and_leads_to_its_call(opened, answer):
    turns = answer.trace.to_json()["turns"]
    turns[-1]["calls"][20] |= {"score": 0.9, "threshold": 0.3}
    turns[-1]["calls"][21] |= {"score": 0.32, "threshold": 0.3}
    page = opened(turns=turns)
    fact = page.locator(".vt-head", has_text="It hangs most on")
    assert 'find("dog"): score 0.32, threshold 0.30' in fact.inner_text()
    page.get_by_role("button", name='find("dog")').first.click()
    assert where(page) == "call 22 of 22"


def test_all_calls_are_in_a_list_that_leads_to_their_steps(opened):
    page = opened()
    page.locator(".vt-calls summary").click()
    rows = page.locator(".vt-calls tbody tr")
    assert rows.count() == 22
    assert "8 found" in rows.nth(20).inner_text()
    assert "nothing" in rows.nth(0).inner_text()
    page.get_by_role("button", name="Call 21").focus()
    page.keyboard.press("Enter")
    assert where(page) == "call 21 of 22"
    assert page.locator(".vt-calls tr.vt-now").count() == 1


def test_prompt_and_raw_reply_of_a_language_model_can_be_read(opened):
    page = opened()
    for title, text in (
        ("Prompt to the language model", PROMPT),
        ("Its reply", "Here it is:\n```python"),
    ):
        part = page.locator(".vt-said", has_text=title)
        part.locator("summary").click()
        assert part.locator("pre").inner_text().startswith(text)


def test_the_trace_can_be_downloaded_and_is_one(opened, answer, tmp_path):
    page = opened()
    with page.expect_download() as caught:
        page.get_by_role("button", name="Download the trace").click()
    path = tmp_path / "got.json"
    caught.value.save_as(path)
    assert read_trace(path).to_json() == json.loads(json.dumps(answer.trace.to_json()))


def test_the_question_does_not_stand_over_the_answer_of_another_program(opened):
    page = opened(generator="file")
    heading = page.locator("h1").inner_text()
    assert heading.startswith("A program of your own")
    assert opened(generator="grammar").locator("h1").inner_text() == "Which cups?"


def test_calls_of_a_line_are_reached_with_the_keyboard(opened):
    page = opened()
    page.get_by_role("button", name="Line 6: 1 call").focus()
    page.keyboard.press("Enter")
    assert where(page) == "call 21 of 22"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_and_controls_names(browser, answer, tmp_path, scheme):
    path = tmp_path / "run.html"
    path.write_text(trace_page(answer.trace, answer.image), encoding="utf-8")
    page = browser.new_page(color_scheme=scheme)
    page.goto(path.as_uri())
    page.evaluate("(d) => view.show({...trace, doubts: d})", UNTESTED)
    contrast, element = page.evaluate(LEAST_CONTRAST)
    nameless = page.evaluate(NAMELESS)
    page.close()
    assert contrast >= 4.5, element
    assert nameless == []
