"""What looks like a place is hidden, by its look alone."""

from __future__ import annotations

import time

import pytest

from viper.texts.places import quoted, without_places

HIDDEN = "(address withheld)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("There is no file '/home/jo doe/a.onnx'.", "There is no file '…/a.onnx'."),
        ("There is no folder '/home/jo doe'; make it", "There is no folder '…'; make it"),
        ("/home/jo doe is full, and more", "…"),
        ("/home/jo.doe is full", "…"),
        ("from /home/jo doe/a.onnx failed: 3", "from …/a.onnx failed: 3"),
        ("/home/jo/a.onnx and /home/jo/b.onnx", "…/b.onnx"),
        ("see \"/a 'b' c\", 'x' and `/d`", "see \"…\", 'x' and `…`"),
        ("'it\\'s /a/b c' stays", "'it\\'s …' stays"),
        ("in 'What is in /srv/acme?'. Rephrase it", "in 'What is in …'. Rephrase it"),
        ("can't open '/srv/x y': gone", "can't open '…': gone"),
        ("one: /a/b c\ntwo is left", "one: …\ntwo is left"),
        (r"C:\Users\Jo Doe\a.onnx is damaged", "…/a.onnx is damaged"),
        (r"\\server\share\a b", "…"),
        ("~/models and ~jo/x", "…"),
        ("models/yolox.onnx is damaged", "…/yolox.onnx is damaged"),
        ("The file 'my models/yolox.onnx' is damaged", "The file 'my …/yolox.onnx' is damaged"),
        ("file:///srv/acme/a.onnx is gone", "…/a.onnx is gone"),
        ("http://10.0.0.7:8000/v1 refused", f"{HIDDEN} refused"),
        ("no answer from gpu-box:9000 or 10.0.0.7", f"no answer from {HIDDEN} or {HIDDEN}"),
        ("box.corp.example.com is unknown", f"{HIDDEN} is unknown"),
        ("ask a.io, or b-2.c.dev.", f"ask {HIDDEN}, or {HIDDEN}."),
    ],
)  # fmt: skip
def test_what_looks_like_a_place_is_hidden(text, shown):
    assert without_places(text) == shown
    assert without_places(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "a cat and/or a dog, 3/4 of them",
        "'dog/cat' is no phrase; use 'red cup'",
        "The detector 'google/owlv2' knows 80 classes.",
        "version 1.2.3 of 2024.01.02 needs 1.2.3.4.5",
        "on cuda:0, at 10:30",
        "wait...home, or a.b.common",
        "the cups' handles aren't red",
        "config.json and tokenizer.json are missing",
        "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF",
    ],
)
def test_the_rest_stays(text):
    assert without_places(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Is it red?", "'Is it red?'"),
        ("Is it Jo's?", '"Is it Jo\'s?"'),
        ("What is in /srv/acme?", "'What is in …'"),
        ("What is on http://acme:80/x?", f"'What is on {HIDDEN}'"),
        ("Is \\srv red?", "'…'"),  # written with two backslashes, it looks like a share
        ("x" * 300, f"'{'x' * 199}…'"),
    ],
)
def test_a_quotation_holds_nothing_that_would_be_hidden(text, shown):
    assert quoted(text) == shown
    assert without_places(f"The grammar did not understand {shown} here.").count(shown) == 1


@pytest.mark.parametrize(
    "text",
    [
        *(
            part * 20_000
            for part in ("a.", "a:", "'x ", "'/x ", "/a", "~/", "a b/c.py ", "-", "\\")
        ),
        "a/" + "b" * 50_000 + " ",
    ],
    ids=lambda text: text[:9],
)
def test_it_takes_linear_time(text):
    started_s = time.process_time()
    without_places(text)
    assert time.process_time() - started_s < 2  # a quadratic pattern takes minutes
