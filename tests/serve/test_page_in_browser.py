"""The page in a real browser, served by a real process: from a dropped picture to an edited program."""

from __future__ import annotations

import base64
import functools
import http.server
import json
import re
import threading
from pathlib import Path

import pytest

from fakes.page_checks import LEAST_CONTRAST, NAMELESS
from fakes.serving import ServeProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
QUESTION = "How many metal things are left of the purple cube?"
# Events in order: each step that the viewer gets, and when the whole trace was shown.
WATCH = """() => {
  window.calls = [];
  const {step, show} = ViperTrace.prototype;
  ViperTrace.prototype.step = function (one) { window.calls.push(one.step); return step.call(this, one); };
  ViperTrace.prototype.show = function (trace) { window.calls.push("shown"); return show.call(this, trace); };
}"""


@pytest.fixture(scope="module")
def server():
    with ServeProcess("--models", "builtin", "--no-memo") as server:
        yield server


@pytest.fixture
def opened(browser, server):
    """Opens pages of the server; at the end nothing may have gone wrong in one, or elsewhere."""
    pages, errors, asked = [], [], []

    def open_page(url=server.url, **options):
        page = browser.new_page(**options)
        page.set_default_timeout(60_000)
        pages.append(page)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(url)
        page.wait_for_selector("#about:not(:empty)")
        return page

    yield open_page
    for page in pages:
        assert page.title() == "Viper"
        page.close()
    assert [url for url in asked if not url.startswith((server.url, "blob:", "data:"))] == []
    assert errors == []


def until(page, expression):
    """Wait until an expression is true; Playwright's own way needs an eval, which the page forbids."""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{expression} never was true")


def ask(page, question, file="shapes.png"):
    page.set_input_files("#file", EXAMPLES / file)
    page.wait_for_selector("#preview img")
    page.fill("#question", question)
    page.press("#question", "Enter")
    wait_for_answer(page)


def wait_for_answer(page):
    page.wait_for_selector("#stop", state="hidden")


def answer(page):
    return page.text_content("#run .vt-answer")


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(1280, "light"), (1280, "dark"), (390, "light")],
    ids=["light", "dark", "phone"],
)
def test_a_picture_is_asked_about_and_the_program_edited_and_run_again(
    opened, width, scheme, tmp_path
):
    page = opened(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.evaluate(WATCH)
    ask(page, QUESTION)
    assert answer(page) == "5"
    events = page.evaluate("calls")
    assert events[0] == "program"
    assert events.count("call") > 3
    assert events[-2:] == ["attempt", "shown"]
    program = page.input_value("#program")
    assert program.startswith("def execute_command(image):")
    assert page.locator("#run .vt-line").count() == len(program.splitlines())
    assert page.locator("#numbers span").count() == len(program.splitlines())

    page.fill("#program", "def execute_command(image):\n    return len(image.find('sphere'))")
    page.click("#rerun")
    wait_for_answer(page)
    assert answer(page) == "2"
    assert page.locator("#run .vt-stage rect.vt-found").count() == 2
    assert page.locator("#history li").count() == 2
    assert "edited program" in page.text_content("#history li:first-child")

    page.click("#history li:last-child button")
    assert answer(page) == "5"
    assert page.input_value("#program") == program
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    luminance = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        ".reduce((sum, part) => sum + part) / 3"
    )
    assert luminance > 200 if scheme == "light" else luminance < 60


def test_what_is_wrong_with_a_program_is_shown_at_its_line(opened):
    page = opened()
    ask(page, "How many cubes are there?")
    page.fill("#program", "import os\n\ndef execute_command(image):\n    return os.name")
    page.click("#check")
    page.wait_for_selector("#findings li")
    assert page.text_content("#findings li").startswith("Line 1 (check): Programs can import")
    assert page.text_content("#numbers .fault").strip() == "1"
    page.click("#findings button")
    selected = "(({value, selectionStart: a, selectionEnd: b}) => value.slice(a, b))(document.activeElement)"
    assert page.evaluate(selected) == "import os"

    page.fill("#program", "def execute_command(image):\n    return 1 / 0")
    page.press("#program", "Control+Enter")
    wait_for_answer(page)
    assert answer(page).startswith("No answer (runtime)")
    assert page.text_content("#findings li").startswith("Line 2 (runtime)")
    page.fill("#program", "def execute_command(image):\n    return 1")
    page.click("#check")
    until(page, "document.querySelector('#status').textContent.startsWith('Nothing')")


def test_the_keyboard_is_enough(opened):
    page = opened()
    page.wait_for_selector("#example:visible")
    page.focus("#example")
    page.keyboard.press("Enter")
    page.wait_for_selector("#preview img")
    until(page, "document.activeElement.id === 'question'")
    page.keyboard.press("Control+a")
    page.keyboard.type("the yellow cube")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # grounding
    for _ in range(3):  # choices, doubts, the button
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#history li")
    assert page.locator("#run .vt-stage rect.vt-found").count() == 1


def test_a_picture_can_be_dropped_and_pasted(opened):
    page = opened()
    content = base64.b64encode((EXAMPLES / "cubes.png").read_bytes()).decode()
    transfer = """([content, name]) => {
        const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], name, {type: "image/png"}));
        return transfer;
    }"""
    for kind, name in (("drop", "dropped.png"), ("paste", "pasted.png")):
        held = page.evaluate_handle(transfer, [content, name])
        made = {
            "drop": "(held) => new DragEvent('drop', {dataTransfer: held, bubbles: true})",
            "paste": "(held) => new ClipboardEvent('paste', {clipboardData: held, bubbles: true})",
        }[kind]
        page.evaluate(
            f"(held) => document.querySelector('#drop').dispatchEvent(({made})(held))", held
        )
        page.wait_for_selector("#preview img")
        until(page, f"selected?.name === {name!r}")
        page.fill("#question", "What color is the large metal sphere?")
        page.click("#ask")
        wait_for_answer(page)
        assert name in page.text_content("#history li:first-child")
    assert page.locator("#history li").count() == 2


def test_hostile_texts_stay_texts(opened):
    page = opened()
    content = (EXAMPLES / "shapes.png").read_bytes()
    file = {"name": HOSTILE.replace("/", ""), "mimeType": "image/png", "buffer": content}
    page.set_input_files("#file", file)
    page.wait_for_selector("#preview img")
    page.fill("#question", f"How many cubes are there? {HOSTILE}")
    page.click("#ask")
    wait_for_answer(page)
    page.evaluate("edit('')")
    text = HOSTILE.replace('"', '\\"')
    program = f"def execute_command(image):\n    print('{HOSTILE[:20]}')\n    return \"{text}\""
    page.fill("#program", program)
    page.click("#rerun")
    wait_for_answer(page)
    assert answer(page) == HOSTILE
    assert page.evaluate("document.querySelectorAll('img[src=x], #run script').length") == 0


def test_a_refusal_of_the_server_is_shown_as_text(opened):
    page = opened()
    page.click("#ask")
    assert page.text_content("#problem") == "Choose an image first."
    page.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    page.wait_for_selector("#preview p")
    page.click("#ask")
    assert page.text_content("#problem") == "Write a question first."
    page.fill("#question", "How many cubes are there?")
    page.click("#ask")
    until(page, "document.querySelector('#problem').textContent.includes('plain text')")
    assert page.text_content("#status") == ""
    page.set_input_files("#file", EXAMPLES / "shapes.png")
    page.fill("#question", "Why?")
    page.click("#ask")
    page.wait_for_selector("#run .vt-bad")
    assert answer(page).startswith("No answer (generator)")


def test_a_run_can_be_stopped(opened, server):
    import httpx

    page = opened()
    ask(page, "How many cubes are there?")
    loop = "    total = 0\n    for number in range(10 ** 9):\n        total += number\n"
    page.fill("#program", f"def execute_command(image):\n{loop}    return total")
    page.click("#rerun")
    page.wait_for_selector("#run .vt-line")
    page.keyboard.press("Escape")
    until(page, "document.querySelector('#status').textContent === 'Stopped.'")
    for _ in range(100):
        if "viper_running 0.0" in httpx.get(f"{server.url}/metrics").text:
            break
        page.wait_for_timeout(20)
    else:
        pytest.fail("the session goes on although nobody waits")


def test_a_token_is_asked_for_and_kept_in_memory_only(browser):
    with ServeProcess("--models", "stub", VIPER_SERVE_TOKEN="0123456789abcdef") as server:
        page = browser.new_page()
        page.goto(server.url)
        page.wait_for_selector("#token-form")
        page.fill("#token", "wrong")
        page.press("#token", "Enter")
        until(page, "document.querySelector('#problem').textContent.includes('token')")
        page.fill("#token", "0123456789abcdef")
        page.press("#token", "Enter")
        page.wait_for_selector("#about:not(:empty)")
        page.click("#example")
        page.wait_for_selector("#preview img")
        page.fill("#question", "How many cubes are there?")
        page.click("#ask")
        page.wait_for_selector("#history li")
        assert answer(page) == "3"
        kept = page.evaluate(
            "document.cookie + JSON.stringify([{...localStorage}, {...sessionStorage}])"
        )
        assert "How many cubes" in kept
        assert "0123456789abcdef" not in kept
        page.close()


def test_the_page_of_somebody_else_can_neither_ask_nor_read(browser, server, tmp_path):
    import httpx

    (tmp_path / "index.html").write_text("<title>evil</title>")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as evil:
        threading.Thread(target=evil.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{evil.server_port}/")
        # Without CORS the most that a page can do: send, and not read.
        send = """async (url) => {
            const form = new FormData();
            form.append("question", "Is there a cube?");
            const options = {method: "POST", mode: "no-cors", body: form};
            const sent = await fetch(url + "/v1/ask", options).then(() => "taken", () => "refused");
            const read = await fetch(url + "/v1/info").then(() => "read", () => "refused");
            return [sent, read];
        }"""
        before = httpx.get(f"{server.url}/metrics").text.count('status="403"')
        assert page.evaluate(send, server.url) == ["refused", "refused"]
        after = httpx.get(f"{server.url}/metrics").text.count('status="403"')
        assert after > before
        framed = page.evaluate(
            """(url) => new Promise((done) => {
                const frame = document.createElement("iframe");
                frame.src = url;
                frame.onload = () => done(frame.contentDocument?.title ?? "closed");
                document.body.append(frame);
            })""",
            server.url,
        )
        assert framed == "closed"
        page.close()
        evil.shutdown()


def stream(page, *bodies):
    """Let the next questions be answered by given bodies of answers; returns the forms that were sent."""
    sent, left = [], list(bodies)

    def answered(route):
        sent.append(route.request.post_data_buffer.decode("latin-1"))
        data = json.dumps(left.pop(0))
        body = f"event: started\nid: 0\ndata: {{}}\n\nevent: answer\nid: 1\ndata: {data}\n\n"
        route.fulfill(status=200, content_type="text/event-stream", body=body)

    page.route("**/v1/ask", answered)
    return sent


def body_of(server, question, **changes):
    """The body of a real answer, with some of it changed."""
    import httpx

    content = (EXAMPLES / "shapes.png").read_bytes()
    sent = {"question": question, "trace": "true"}
    body = httpx.post(f"{server.url}/v1/ask", data=sent, files={"image": content}).json()
    body |= changes
    body["trace"] |= {key: value for key, value in changes.items() if key in body["trace"]}
    return body


def test_an_answer_even_with_doubts_is_one_click_away(opened, server):
    page = opened()
    absent = {"kind": "absent", "line": 3, "message": "No elephant was found."}
    doubts = [{"condition": "elephant", "why": "no elephant was found", "needs": ""}]
    unanswered = {"answer": None, "failure": absent, "outcome": "no_answer"}
    doubtful = {"answer": "gray", "doubts": doubts, "best_effort": True}
    bodies = [body_of(server, "How many cubes are there?", **one) for one in (unanswered, doubtful)]
    sent = stream(page, *bodies)
    assert not page.is_checked("#best-effort")
    ask(page, "What color is the elephant?")
    assert answer(page).startswith("No answer: not found")
    assert page.locator("#run .vt-head .vt-bad, #findings li").count() == 0
    page.get_by_role("button", name="Answer even with doubts").click()
    until(page, "document.querySelectorAll('#history li').length === 2")
    assert [re.search(r'"best_effort"\s+(\w+)', text)[1] for text in sent] == ["false", "true"]
    assert page.is_checked("#best-effort")
    assert answer(page) == "gray"
    assert "elephant: no elephant was found" in page.text_content("#run .vt-banner")
    assert "not verified: elephant" in page.text_content("#history li:first-child")


def test_the_history_survives_a_reload_without_images_until_it_is_forgotten(opened):
    page = opened()
    ask(page, "How many cubes are there?")
    found = answer(page)
    program = page.input_value("#program")
    page.reload()
    page.wait_for_selector("#history li")
    stored = page.evaluate("Object.values({...localStorage}).join()")
    assert "data:image" not in stored
    page.click("#history button")
    assert answer(page) == found
    assert page.text_content("#run h1") == "How many cubes are there?"
    assert page.input_value("#program") == program
    assert "The trace holds no image." in page.text_content("#run .vt-stage")
    page.click("#rerun")
    assert page.text_content("#problem") == "Choose an image first."
    page.click("#forget")
    assert page.locator("#history li").count() == 0
    page.reload()
    page.wait_for_selector("#about:not(:empty)")
    assert page.is_hidden("#past")


def test_the_history_is_bounded_and_leaves_out_what_is_no_entry(opened):
    page = opened()
    page.evaluate(
        """() => {
          const long = (letter) => letter.repeat(200000);
          const asked = {task: "vqa", choices: [], bestEffort: false, file: "a.png", program: long("x")};
          const more = {edited: false, answer: "1", kind: null, caveat: ""};
          const entry = {...asked, ...more, trace: {turns: long("y")}};
          for (let index = 0; index < 100; index++) before.add({...entry, question: `q${index}`});
        }"""
    )
    kept = page.evaluate("Object.values({...localStorage}).join()")
    assert len(kept) < 1_000_100
    assert page.evaluate("before.entries.length") == 30
    entry = {
        "question": "a",
        "task": "vqa",
        "choices": [],
        "file": "f",
        "caveat": "",
        "answer": "b",
    }
    strange = [
        1,
        None,
        {"question": 3},
        {**entry, "program": None, "kind": None, "trace": {"turns": 3}},
    ]
    page.evaluate("(text) => localStorage.setItem(KEPT.key, text)", json.dumps(strange))
    page.reload()
    page.wait_for_selector("#history li")
    assert page.locator("#history li").count() == 1
    page.click("#history button")
    assert "Its steps were not kept." in page.text_content("#run")


def test_no_example_is_offered_that_the_models_cannot_answer(opened):
    page = opened()
    page.wait_for_selector("#example:visible")
    reply = '{"question": "How many people are there?", "picture": null}'
    page.route(
        "**/v1/examples", lambda route: route.fulfill(body=reply, content_type="application/json")
    )
    page.reload()
    until(page, "document.querySelector('#question').placeholder.includes('people')")
    assert page.is_hidden("#example")


def test_no_question_stands_over_an_answer_to_another(opened):
    page = opened()
    page.wait_for_selector("#example:visible")
    page.click("#example")
    until(page, "document.querySelector('#question').value.includes('purple')")
    page.set_input_files("#file", EXAMPLES / "shapes.png")
    until(page, "selected.name === 'shapes.png'")
    assert page.input_value("#question") == ""  # it was about the example
    page.fill("#question", "How many cubes are there?")
    page.click("#ask")
    wait_for_answer(page)
    page.fill("#program", "def execute_command(image):\n    return 'many'")
    page.click("#rerun")
    wait_for_answer(page)
    assert answer(page) == "many"
    assert page.text_content("#run h1").startswith("A program of your own")
    page.fill("#question", "Why?")
    page.click("#ask")
    page.wait_for_selector("#run .vt-bad")
    assert page.text_content("#run h1") == "Why?"
    assert page.is_hidden("#editor")


def test_a_program_is_run_again_with_what_the_form_shows(opened):
    page = opened()
    ask(page, "How many cubes are there?")
    page.set_input_files("#file", EXAMPLES / "cubes.png")
    until(page, "selected.name === 'cubes.png'")
    page.click("#rerun")
    wait_for_answer(page)
    assert "cubes.png" in page.text_content("#history li:first-child")


def test_long_lines_in_the_editor_wrap_beside_their_numbers(opened):
    page = opened()
    ask(page, "How many cubes are there?")
    long = "x = " + " + ".join(["1"] * 200)
    page.fill("#program", f"def execute_command(image):\n    {long}\n    return x")
    heights = page.evaluate(
        "[...document.querySelectorAll('#numbers div')].map(row => row.offsetHeight)"
    )
    assert heights[1] > 2 * heights[0]
    text, numbers = (
        page.locator(name).evaluate("box => [box.clientWidth, box.scrollHeight]")
        for name in ("#program", "#numbers")
    )
    assert text == numbers
    assert page.evaluate(
        "document.querySelector('#code').scrollWidth <= document.querySelector('#code').clientWidth"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_and_controls_names(opened, scheme):
    page = opened(color_scheme=scheme)
    ask(page, "How many cubes are there?")
    contrast, element = page.evaluate(LEAST_CONTRAST)
    assert contrast >= 4.5, element
    assert page.evaluate(NAMELESS) == []
