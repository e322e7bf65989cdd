"""The page of a run in a real browser: light, dark, and as wide as a phone."""

from __future__ import annotations

import numpy as np
import pytest

from fakes.backends import FakeDetector, FakeMatcher
from fakes.generators import ScriptedGenerator
from viper import Engine
from viper.models import registry
from viper.models.registry import BackendEntry

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
BOXES = {HOSTILE: [((20.0, 10.0, 60.0, 70.0), 0.9), ((100.0, 20.0, 140.0, 60.0), 0.8)]}
LOOK = f"""
def execute_command(image):
    things = ImagePatch(image).find({HOSTILE!r})
    print({HOSTILE!r})
    red = [thing for thing in things if thing.verify_property("thing", "red")]
    return [things[0], {HOSTILE!r}]  # {HOSTILE}
"""
FAIL = LOOK.replace("return [things[0]", "return [things[7]")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """A run whose first program fails and whose second answers."""
    backends = {"detector": FakeDetector(BOXES), "matcher": FakeMatcher({"red thing": 1.0})}
    path = tmp_path_factory.mktemp("run") / "run.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            registry, "_BUILT_IN", {(role, "fake"): BackendEntry("fakes:none") for role in backends}
        )
        with Engine(
            "none",
            generator=ScriptedGenerator([FAIL, LOOK]),
            backends={role: f"fake:{role}" for role in backends},
            opener=lambda ref: backends[ref.role],
        ) as engine:
            picture = np.full((80, 160, 3), (40, 90, 160), dtype=np.uint8)
            engine.ask(picture, f"Which {HOSTILE}?").save_trace(path)
    return path


@pytest.fixture
def opened(browser, page_file):
    """Opens the page; nothing may go wrong in it, and nothing may be fetched."""
    asked, errors, pages = [], [], []

    def opened(width=1280, scheme="light", **options):
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(page_file.as_uri())
        pages.append(page)
        return page

    yield opened
    for page in pages:
        assert "broken" not in page.title().split("document")[0]
        page.close()
    assert [url for url in asked if not url.startswith("data:")] == [page_file.as_uri()]
    assert errors == []


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(1280, "light"), (1280, "dark"), (390, "light")],
    ids=["light", "dark", "phone"],
)
def test_the_page_fits_and_follows_the_readers_colours(opened, width, scheme, tmp_path):
    page = opened(width, scheme)
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert page.locator("h1").inner_text() == f"Which {HOSTILE}?"
    luminance = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        ".reduce((sum, part) => sum + part) / 3"
    )
    assert luminance > 200 if scheme == "light" else luminance < 60


def test_keys_step_through_the_program_line_by_line(opened):
    page = opened()

    def now():
        return page.locator(".vt-line.vt-now .vt-number").all_inner_texts()

    assert page.locator(".vt-controls output").inner_text() == "end"
    page.keyboard.press("Home")
    assert (page.locator(".vt-controls output").inner_text(), now()) == ("begin", [])
    page.keyboard.press("ArrowRight")
    assert (page.locator(".vt-controls output").inner_text(), now()) == ("call 1 of 3", ["2"])
    page.keyboard.press("ArrowRight")
    assert (page.locator(".vt-controls output").inner_text(), now()) == ("call 2 of 3", ["4"])
    page.keyboard.press("ArrowLeft")
    assert now() == ["2"]
    page.keyboard.press("End")
    assert page.locator(".vt-controls output").inner_text() == "end"


def test_boxes_light_up_where_they_are_in_the_picture(opened):
    page = opened()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    picture = page.locator(".vt-stage img").bounding_box()
    scale = picture["width"] / 160
    first = page.locator("rect.vt-found").first.bounding_box()
    assert first["x"] - picture["x"] == pytest.approx(20 * scale, abs=4)
    assert first["y"] - picture["y"] == pytest.approx(10 * scale, abs=4)
    assert first["width"] == pytest.approx(40 * scale, abs=6)
    assert picture["height"] == pytest.approx(80 * scale, abs=2)
    page.keyboard.press("ArrowRight")
    assert page.locator("rect.vt-yes, rect.vt-no").count() == 1
    assert page.locator("rect.vt-before").count() == 2


def test_a_call_shows_its_crop_score_and_model(opened):
    page = opened()
    page.locator(".vt-line", has_text="verify_property").click()
    detail = page.locator(".vt-detail")
    assert 'verify_property("thing", "red")' in detail.inner_text()
    assert "fake:matcher" in detail.inner_text()
    pixel = detail.locator("canvas").evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data]"
    )
    assert pixel == [40, 90, 160, 255]


def test_a_failure_stands_at_its_line(opened):
    page = opened()
    page.locator(".vt-tabs button").first.click()
    row = page.locator(".vt-line.vt-failed")
    assert "things[7]" in row.inner_text()
    assert page.locator(".vt-fault").inner_text() == "IndexError: list index out of range"
    assert "Failed (runtime)" in page.locator(".vt-detail").inner_text()


def test_the_timeline_leads_to_its_calls(opened):
    page = opened()
    assert page.locator(".vt-bar").count() == 3
    page.locator(".vt-bar").first.dispatch_event("click")
    assert page.locator(".vt-controls output").inner_text() == "call 1 of 3"


def test_space_plays_to_the_end(opened):
    page = opened()
    page.keyboard.press("Space")
    where = page.locator(".vt-controls output")
    where.filter(has_text="call 1 of 3").wait_for()
    where.filter(has_text="end").wait_for()


def test_without_scripts_the_answer_can_still_be_read(browser, page_file):
    page = browser.new_page(java_script_enabled=False)
    page.goto(page_file.as_uri())
    assert "Which <img" in page.locator("noscript").inner_text()
    page.close()
