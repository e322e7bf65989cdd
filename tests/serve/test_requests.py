"""Bodies that are refused, and the error messages."""

from __future__ import annotations

import base64

import pytest

from fakes.asgi import Client, as_json, call, exchange, form, run
from fakes.serving import PNG, PNG_TEXT, RUN, png

ASK = {"question": "Is there a cup?"}
UNREADABLE = "The form cannot be read: "
GOOD = {"image": PNG_TEXT, **ASK}


def multipart(*parts: bytes, end=True):
    body = b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + (b"--B--\r\n" if end else b"")
    return {"headers": {"content-type": "multipart/form-data; boundary=B"}, "body": body}


def form_of(parameters, body):
    return {"headers": {"content-type": f"multipart/form-data{parameters}"}, "body": body}


def file_part(name="image", file_name="a.png", content=PNG):
    head = f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"'
    return head.encode() + b"\r\n\r\n" + content


def field_part(name="question", text=b"Is there a cup?"):
    return f'Content-Disposition: form-data; name="{name}"'.encode() + b"\r\n\r\n" + text


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "image: Send the image as base64"),
        ({"image": PNG_TEXT}, "question: Field required."),
        ({**GOOD, "question": ""}, "question: String should have at least 1 character."),
        ({**GOOD, "question": "a" * 4001}, "question: String should have at most 4000 characters."),
        ({**GOOD, "question": 7}, "question: Input should be a valid string."),
        ({**GOOD, "task": "caption"}, "task: Input should be 'vqa' or 'grounding'."),
        ({**GOOD, "choices": "yes"}, "choices: Input should be a valid list."),
        ({**GOOD, "choices": ["a"] * 101}, "choices: List should have at most 100 items"),
        ({**GOOD, "choices": ["x" * 201]}, "choices.0: String should have at most 200 characters."),
        ({**GOOD, "timeout_s": 0}, "timeout_s: Input should be greater than 0."),
        ({**GOOD, "timeout_s": True}, "timeout_s: Value error, must be a number."),
        ({**GOOD, "timeout_s": "inf"}, "timeout_s: Input should be a finite number."),
        ({**GOOD, "generator": "openai:x"}, "generator: Extra inputs are not permitted."),
        ({**GOOD, "models": "large"}, "models: Extra inputs are not permitted."),
        ({**GOOD, "program": RUN}, "program: Extra inputs are not permitted."),
        ({**GOOD, "image": 7}, "image: Send the image as base64"),
        ({**GOOD, "image": "!!"}, "image: This is not base64."),
        ({**GOOD, "image": "/etc/passwd"}, "image: This is not base64."),
        ({**GOOD, "image": "http://127.0.0.1/a.png"}, "image: Images are not fetched"),
        ({**GOOD, "image": "file:///etc/passwd"}, "image: Images are not fetched"),
        ({**GOOD, "image": "data:text/plain,abc"}, "image: Images are not fetched"),
        ({**GOOD, "image": "data:image/png;base64;a=b,iVBOR"}, "image: Images are not fetched"),
        ({**GOOD, "image": "data:" + ";a" * 90_000}, "image: Images are not fetched"),
        ({**GOOD, "image": "../secret.png"}, "image: Images are not fetched"),
        ([1], "The body must be a JSON object."),
        (b"{", "The body is not JSON"),
        (b"", "The body is not JSON"),
        (b"[" * 100_000, "The body is not JSON"),
        (b'{"question": NaN}', "The body is not JSON"),
        (b'{"image": "\xff"}', "The body is not JSON"),
    ],
)
def test_json_that_cannot_be_used_is_refused_with_its_field(app, sent, message):
    reply = call(app, "POST", "/v1/ask", **as_json(sent))
    assert (reply.status, reply.error["kind"]) == (400, "request")
    assert reply.error["message"].startswith(message)


def test_half_a_character_is_refused(app):
    body = b'{"image": "%s", "question": "Is \\ud800 there?"}' % PNG_TEXT.encode()
    assert call(app, "POST", "/v1/ask", **as_json(body)).status == 400


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (
            multipart(field_part()),
            "Send one file, in the field 'image'; the form has these files: none.",
        ),
        (multipart(field_part(), file_part(), file_part()), "Send one file"),
        (multipart(field_part(), file_part("other")), "Send one file"),
        (
            multipart(field_part(), file_part(content=b"")),
            "The file in the field 'image' is empty.",
        ),
        (
            multipart(field_part(), field_part(), file_part()),
            "The field 'question' was sent more than once.",
        ),
        (multipart(field_part("nothing"), file_part()), "question: Field required."),
        (
            multipart(field_part(text=b"\xff\xfe"), file_part()),
            UNREADABLE + "the field 'question' is not UTF-8.",
        ),
        (
            multipart(field_part(), file_part(), end=False),
            UNREADABLE + "it ends before its last boundary.",
        ),
        (
            multipart(*[field_part("choices", b"a")] * 201),
            UNREADABLE + "it has more than 200 parts.",
        ),
        (multipart(b"X: y\r\n\r\nz"), UNREADABLE + "a part has no name."),
        (form_of("", b""), UNREADABLE + "its Content-Type names no boundary."),
        (form_of("; boundary=" + "b" * 300, b""), UNREADABLE + "it is not valid"),
        (form_of("; boundary=B", b"no boundary here"), UNREADABLE + "it is not valid"),
        (multipart(b"X: " + b"y" * 5000 + b"\r\n\r\nz"), UNREADABLE + "it is not valid"),
    ],
)
def test_a_form_that_cannot_be_used_is_refused(app, sent, message):
    reply = call(app, "POST", "/v1/ask", **sent)
    assert (reply.status, reply.error["kind"]) == (400, "request")
    assert reply.error["message"].startswith(message)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "image/png", None]
)
def test_other_media_types_are_refused(app, kind):
    reply = call(app, "POST", "/v1/ask", headers={"content-type": kind}, body=PNG)
    assert (reply.status, reply.error["kind"]) == (415, "media_type")
    assert "multipart/form-data or application/json" in reply.error["message"]


def test_compressed_bodies_are_refused(app):
    reply = call(app, "POST", "/v1/ask", **as_json(GOOD, **{"content-encoding": "gzip"}))
    assert (reply.status, reply.error["kind"]) == (415, "media_type")


def test_a_body_that_says_it_is_too_large_is_refused_unread(make):
    app, _ = make(max_upload_mb=0.1)
    client = Client([b"x"], pause_s=60)
    headers = {"content-type": "application/json", "content-length": "99999999999999999999999"}
    reply = call(app, "POST", "/v1/ask", headers=headers, client=client)
    assert (reply.status, reply.error["kind"]) == (413, "too_large")


@pytest.mark.parametrize("kind", ["form", "json"])
def test_a_body_without_a_length_is_counted_while_it_arrives(make, kind):
    app, _ = make(max_upload_mb=0.1)
    sent = form(ASK, file=b"x" * 150_000) if kind == "form" else as_json(b"[" + b" " * 1_200_000)
    chunks = [sent["body"][at : at + 1000] for at in range(0, len(sent["body"]), 1000)]
    client = Client(chunks)
    reply = call(app, "POST", "/v1/ask", headers=sent["headers"], client=client)
    assert (reply.status, reply.error["kind"]) == (413, "too_large")
    assert client._chunks  # the rest was never asked for


def test_a_picture_in_base64_may_not_be_larger_than_a_file(make):
    app, _ = make(max_upload_mb=0.1)
    text = base64.b64encode(b"x" * 100_001).decode()
    reply = call(app, "POST", "/v1/ask", **as_json({"image": text, **ASK}))
    assert (reply.status, reply.error["message"]) == (
        413,
        "The image is larger than 100,000 bytes. Send a smaller or compressed image.",
    )


def test_texts_beside_the_picture_have_a_limit(app):
    reply = call(app, "POST", "/v1/run", **form({"program": "#" * 1_000_001}, file=PNG))
    assert (reply.status, reply.error["kind"]) == (413, "too_large")
    reply = call(app, "POST", "/v1/run", **form({"program": "#" * 200_001}, file=PNG))
    assert reply.error["message"] == "program: String should have at most 200000 characters."


def test_a_body_that_trickles_is_cut_off(make):
    app, service = make(upload_s=0.05)
    client = Client([b"{"] * 1000, pause_s=0.02)
    reply = call(
        app, "POST", "/v1/ask", headers={"content-type": "application/json"}, client=client
    )
    assert (reply.status, reply.error["kind"]) == (408, "slow")
    assert reply.headers["connection"] == "close"
    assert service.admission.admitted == 0


def test_a_client_that_disconnects_while_it_sends_frees_its_queue_slot(make):
    app, service = make()

    class Leaving(Client):
        async def receive(self):
            if len(self._chunks) > 1:
                return await super().receive()
            return {"type": "http.disconnect"}

    client = Leaving([b"{", b"{", b"{"])
    run(
        exchange(
            app, "POST", "/v1/ask", headers={"content-type": "application/json"}, client=client
        )
    )
    assert (client.reply.status, service.admission.admitted) == (0, 0)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("a.png", "a.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\\\Users\\\\me\\\\a.png", "a.png"),
        ("a\x1b[31m\x07.png", "a[31m.png"),
        ("..", "image"),
        ("x" * 500, "x" * 100),
        ("<script>.png", "<script>.png"),
    ],
)
def test_the_name_of_a_file_is_only_a_name(app, sent, shown):
    reply = call(app, "POST", "/v1/run", **form({"program": RUN}, file=PNG, name=sent))
    assert reply.json()["image"] == shown


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello there", "The image is plain text."),
        (PNG[:60], "The image is damaged"),
        (b"%PDF-1.7", "The image is a PDF document."),
        (png(300, 300), "The image has 300×300 pixels; at most 80,000 are accepted."),
    ],
)
def test_a_picture_that_cannot_be_used_is_422(make, content, message):
    app, service = make(max_pixels=80_000)
    for body in (
        form(ASK, file=content),
        as_json({"image": base64.b64encode(content).decode(), **ASK}),
    ):
        reply = call(app, "POST", "/v1/ask", **body)
        assert (reply.status, reply.error["kind"]) == (422, "input")
        assert reply.error["message"].startswith(message)
    assert service.admission.running == 0
