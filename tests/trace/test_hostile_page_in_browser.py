"""Hostile traces in a real browser: no text acts, nothing is fetched, and the page stays quick."""

from __future__ import annotations

import json
import re
import time

import numpy as np
import pytest

from fakes.hostile_traces import FOLDER, places
from viper.images.decoding import open_image
from viper.trace import page as page_module
from viper.trace.page import trace_page
from viper.trace.read import trace_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_MOST_NODES = 60_000
_LONGEST_S = 20.0

ACTS = "document.title='broken'"
TEXTS = {
    "script": f"<script>{ACTS}</script>",
    "image": f'<img src=x onerror="{ACTS}">',
    "closed element": f"</script><script>{ACTS}</script>",
    "comment": f"<!--<script>{ACTS}</script>-->",
    "attribute": f'" onmouseover="{ACTS}" autofocus onfocus="{ACTS}" x="',
    "vector": f"<svg onload={ACTS}>",
    "frame": f'<iframe srcdoc="<script>parent.{ACTS}</script>"></iframe>',
    "link": f'<a href="javascript:{ACTS}">x</a>',
    "template": "{{ 7 * 7 }}{% raw %}${7*7}`",
    "style": "</style><style>body{display:none}</style>",
    "base": '<base href="https://example.org/"><link rel=prefetch href="https://example.org/x">',
    "separators": "a\u2028b\u2029c\u202e\x00\x1b]0;x\x07",
}
# Without a policy and as markup, these act.
ACTIVE = ["image", "vector", "frame"]


def original(name="containers"):
    return trace_of(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))).to_json()


def everywhere(text):
    """Return a trace with a text in each place that may hold any text, and as keys."""
    value = original()
    for holder, key in places(value, lambda item: isinstance(item, str)):
        if key not in {
            "format",
            "task",
            "type",
            "kind",
            "outcome",
            "evidence",
            "content_hash",
            "method",
        }:
            holder[key] = text
    value["models"] = {text: text}
    value["votes"] = {"n": 1, "answers": {text: 1}, "failed": 0}
    turn = value["turns"][0]
    turn["source"] = f"# {text}\n" * 3 + "'" + text
    turn["printed"] = turn["generator"] = text
    turn["notes"] = turn["unverified"] = [text]
    turn["returned"] = [{"type": "dict", "items": [[text, text], ["__proto__", [text]]]},
                        {"type": "object", "class": text, "attributes": {text: 1}, "id": text}]  # fmt: skip
    for call in turn["calls"]:
        call |= {
            "method": f"ImagePatch.{text}",
            "model": text,
            "notes": [text],
            "arguments": [text],
        }
    return value


def calls(value, number, **changes):
    turn = next(turn for turn in value["turns"] if turn["calls"])
    call = {**turn["calls"][0], "error": None, **changes}
    turn["calls"] = [dict(call) for _ in range(number)]
    return value


def turn(value, **changes):
    value["turns"][0] |= changes
    return value


def box(*edges):
    return {"type": "patch", "image": 0, "box_xyxy": list(edges), "score": 1, "category": "x"}


LARGE = {
    "calls on one line": lambda value: calls(value, 4_000, line=1),
    "calls on no line": lambda value: calls(value, 4_000, line=2**62),
    "patches in calls": lambda value: calls(value, 50, result=[box(0, 0, 5, 5)] * 600),
    "lines": lambda value: turn(value, source="x = 1\n" * 150_000),
    "quotes that never close": lambda value: turn(value, source=('"\\' * 4_000 + "\n") * 40),
    "one long line": lambda value: turn(value, source="x" * 2_000_000),
    "notes": lambda value: turn(value, notes=["note"] * 200_000),
    "printed": lambda value: turn(value, printed="so " * 2_000_000),
    "a wide value": lambda value: turn(value, returned=[[[["x"] * 40] * 40] * 40] * 4),
    "a long text": lambda value: turn(value, returned="x" * 5_000_000),
    "programs": lambda value: value | {"turns": value["turns"][:1] * 500},
    "question": lambda value: value | {"question": "why " * 500_000},
    "models": lambda value: value | {"models": {f"role {i}": "m" for i in range(999)}},
    "boxes of the answer": lambda value: value | {"patches": [box(i % 90, 0, 95, 5) for i in range(20_000)]},
    "boxes inside out": lambda value: calls(value, 5, box_xyxy=[9, 9000, 8, 1], result=[box(5, 5, 1, 1)]),
    "boxes far off": lambda value: calls(value, 5, box_xyxy=[-1e300, -1e300, 1e300, 1e300]),
    "a wide image": lambda value: value | {"images": [{**value["images"][0], "width": 2**62, "height": 1}]},
    "a high image": lambda value: value | {"images": [{**value["images"][0], "width": 1, "height": 2**62}]},
    "no image": lambda value: value | {"images": [{**value["images"][0], "width": 0, "height": 0}]},
}  # fmt: skip


@pytest.fixture
def opened(browser, tmp_path):
    """Opens the page of a trace; nothing may be fetched, and nothing may go wrong."""
    asked, errors = [], []

    def opened(value, picture=False):
        image = open_image(np.zeros((80, 100, 3), dtype=np.uint8)) if picture else None
        path = tmp_path / "run.html"
        path.write_bytes(trace_page(trace_of(value), image).encode())
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(path.as_uri(), timeout=60_000)
        return page

    yield opened
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
    assert len({url for url in asked if url.startswith("file")}) <= 1
    assert errors == []


def step_through(page):
    """Step to the ends and between them."""
    for key in ("Home", "ArrowRight", "ArrowRight", "End", "ArrowLeft"):
        page.keyboard.press(key)
    return page.evaluate("document.getElementsByTagName('*').length")


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_acts_in_the_page(opened, name):
    page = opened(everywhere(TEXTS[name]), picture=True)
    step_through(page)
    for row in page.locator(".vt-line.vt-called").all():
        row.hover()
        row.click()
    assert page.title() != "broken"
    assert page.evaluate("document.querySelectorAll('script').length") == 3
    assert (
        page.evaluate("document.querySelectorAll('iframe, base, link, [onerror], [onload]').length")
        == 0
    )
    assert page.evaluate("getComputedStyle(document.body).display") != "none"
    if "\x00" not in TEXTS[name]:
        assert page.locator(".vt-answer").inner_text().strip() == " ".join(TEXTS[name].split())


@pytest.mark.parametrize("name", ACTIVE)
def test_the_texts_do_act_where_they_are_markup(browser, name):
    page = browser.new_page()
    page.set_content(TEXTS[name])
    page.wait_for_function("document.title === 'broken'")
    page.close()


@pytest.mark.parametrize("name", LARGE)
def test_the_page_stays_quick(opened, name):
    page = opened(LARGE[name](original()), picture="image" not in name)
    started_s = time.monotonic()
    page.reload()
    assert step_through(page) < _MOST_NODES
    assert time.monotonic() - started_s < _LONGEST_S


@pytest.mark.parametrize(
    "name", ["calls on one line", "lines", "notes", "programs", "patches in calls"]
)
def test_without_its_bounds_the_page_grows_with_the_trace_or_breaks(
    browser, tmp_path, monkeypatch, name
):
    value = LARGE[name](original())

    def unbounded(file):
        text = viewer_file(file)
        bounds = re.compile(r"(?<=: )\d+(?=[,}])")
        head, mark, rest = text.partition("class ViperTrace")
        return bounds.sub("1e9", head) + mark + rest if file == "viewer.js" else text

    def nodes():
        path = tmp_path / "run.html"
        path.write_bytes(trace_page(trace_of(value), None).encode())
        page = browser.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri(), timeout=0)
        found = page.evaluate("document.getElementsByTagName('*').length")
        page.close()
        return found

    errors = []
    bounded = nodes()
    assert errors == []
    viewer_file = page_module.viewer_file
    monkeypatch.setattr(page_module, "viewer_file", unbounded)
    # Or it does not appear at all: more arguments than a call may have.
    assert nodes() > 2 * bounded or any("call stack" in error for error in errors), errors


@pytest.mark.parametrize(
    "hidden", ["\u3164", "\u2800", "\ufe0f", "\U000e0041", "\u202e"], ids=ascii
)
def test_characters_without_a_shape_are_escapes(opened, hidden):
    page = opened(everywhere(f"yes{hidden}"))
    text = page.evaluate("document.body.innerText")
    assert "yes\\u{" in text
    assert hidden not in text
