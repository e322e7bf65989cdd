"""The report page in a real browser: light, dark, and as wide as a phone."""

from __future__ import annotations

import io

import pytest
from click.testing import CliRunner
from PIL import Image

from fakes import bench
from viper.cli import cli

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    rows = [
        *bench.ROWS,
        {"id": HOSTILE, "image": "a.png", "query": f"Is there a {HOSTILE}?", "answer": HOSTILE,
         "tags": [HOSTILE, "hops:2"], "program": f"return {HOSTILE!r}  # {HOSTILE}"},
        {"id": "far", "task": "grounding", "image": "a.png", "query": "right cup",
         "box_xyxy": [0, 0, 30, 40], "tags": ["hops:10"]},
    ]  # fmt: skip
    data = bench.folder(folder, rows)
    arguments = ["bench", "jsonl", "--data", str(data), "--models", "stub", "--baselines"]
    result = CliRunner().invoke(cli, [*arguments, "--output", str(folder / "out")])
    assert result.exit_code == 0, result.stderr
    return folder / "out" / "report.html"


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(1280, "light"), (1280, "dark"), (390, "light")],
    ids=["light", "dark", "phone"],
)
def test_the_page_is_shown_whole_and_asks_the_network_for_nothing(
    browser, report, width, scheme, tmp_path
):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    page.goto(report.as_uri())
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    assert errors == []
    assert page.title() == "jsonl: 50.0 %"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelectorAll('svg.picture use').length") > 0
    # A name that is squeezed to a column of letters cannot be read.
    narrow = (
        "[...document.querySelectorAll('td.name')].filter(cell => cell.clientWidth < 90).length"
    )
    assert page.evaluate(narrow) == 0
    luminance = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        ".reduce((sum, part) => sum + part) / 3"
    )
    assert luminance > 200 if scheme == "light" else luminance < 60
    page.close()


def test_a_program_is_shown_on_a_click_and_boxes_lie_where_they_should(browser, report):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(report.as_uri())
    wrong = page.locator("figure", has_text="right cup")
    program = wrong.locator("pre")
    assert not program.is_visible()
    wrong.locator("summary").click()
    assert program.is_visible()
    picture = wrong.locator("svg.picture").bounding_box()
    right = wrong.locator("rect.right").bounding_box()
    # The left third of the picture, the upper half, but for the width of the line.
    assert right["width"] == pytest.approx(picture["width"] / 3, abs=4)
    assert right["height"] == pytest.approx(picture["height"] / 2, abs=4)
    assert right["x"] == pytest.approx(picture["x"], abs=4)
    page.close()


def test_a_filter_shows_samples_of_one_kind(browser, report):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(report.as_uri())
    shown = (
        "[...document.querySelectorAll('figure')]"
        ".filter(figure => getComputedStyle(figure).display !== 'none').length"
    )
    visible = {}
    for kind in ("all", "right", "wrong", "unanswered", "doubtful", "direct"):
        page.check(f"#show-{kind}")
        visible[kind] = page.evaluate(shown)
        label = page.locator(f"label[for=show-{kind}]").inner_text()
        assert label.endswith(f" {visible[kind]}")
    assert visible["right"] + visible["wrong"] + visible["unanswered"] == visible["all"]
    assert min(visible["right"], visible["wrong"], visible["unanswered"]) > 0
    page.close()


def test_a_picture_is_painted_where_samples_share_it(browser, report):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(report.as_uri())
    shot = page.locator("figure", has_text="right cup").locator("svg.picture").screenshot()
    # The picture of the data is black; the card behind it is white.
    dark = Image.open(io.BytesIO(shot)).convert("L").getpixel((200, 250))
    assert dark < 60
    page.close()


def test_a_link_leads_to_the_whole_run(browser, report):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(report.as_uri())
    page.locator("figure", has_text="right cup").locator("a").click()
    page.wait_for_load_state()
    assert "/traces/" in page.url
    assert "right cup" in page.content()
    page.close()
