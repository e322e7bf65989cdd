"""Nobody finds out which folders and hosts a server knows by sending their names.

A reply that quotes the name of a place that the server knows is the reply for one that it does not know, with
the one name in place of the other.
"""

from __future__ import annotations

import pytest

from fakes.asgi import as_json, call, form
from fakes.serving import PNG, PNG_TEXT
from viper.errors import ModelError
from viper.serve import redaction
from viper.serve.host_places import HostPlaces

KNOWN, UNKNOWN = "qzmodalix", "qzmodelix"
# Forms of a place; {} is the word that the server knows, or does not.
FORMS = {
    "a folder": "/srv/{}",
    "a folder with blanks": "/srv/{} of us/deep",
    "a file": "/srv/{}/weights.onnx",
    "a relative folder": "{}/deep/inside",
    "a relative file": "{}/deep/weights.onnx",
    "a home": "~{}/x",
    "a Windows folder": "C:\\{}\\x",
    "a host": "{}",
    "a host with a port": "{}:9000",
    "a host with dots": "{}.corp.example.com",
    "an address": "http://{}:9000/v1",
}
SOME_FORMS = ("a folder with blanks", "a relative folder", "a file", "a host")
PLACES = HostPlaces(
    files=[f"/srv/{KNOWN}/weights.onnx", f"{KNOWN}/deep/weights.onnx"],
    folders=[spelled.format(KNOWN) for name, spelled in FORMS.items() if "folder" in name or "home" in name],
    addresses=[f"http://{KNOWN}:9000/v1", f"http://{KNOWN}.corp.example.com"],
)  # fmt: skip


def post(**options):
    return "POST", "/v1/ask", options


def ask(question, **fields):
    return post(**form({"question": question, "trace": "true", **fields}, file=PNG))


def execute(line, **fields):
    program = f"def execute_command(image):\n    {line}\n"
    return "POST", "/v1/run", form({"program": program, "trace": "true", **fields}, file=PNG)


def check(program):
    return "POST", "/v1/check", as_json({"program": program})


# Every way in which a reply quotes a text of the client: name → the request with it.
QUOTING = {
    "a question that is not understood": lambda word: ask(f"Zxcv {word} qwer?"),
    "a word in quotation marks": lambda word: ask(f"Zxcv '{word}' qwer?"),
    "a question about it": lambda word: ask(f"Is the {word} red?"),
    "how many of it": lambda word: ask(f"How many {word} are there?"),
    "a phrase that asks nothing": lambda word: ask(f"the red cup of {word}"),
    "an expression for grounding": lambda word: ask(f"the {word}", task="grounding"),
    "choices": lambda word: ask("Is there a cup?", choices=[word, f"no {word}"]),
    "choices of a name": lambda word: ask("What is this?", choices=[word, "cup"]),
    "a stream": lambda word: ask(f"Zxcv {word} qwer?", stream="true"),
    "a phrase that no model knows": lambda word: execute(f"return len(image.find({word!r}))"),
    "a phrase in a longer one": lambda word: execute(f"return image.exists({'red ' + word!r})"),
    "a property": lambda word: execute(f"return image.verify_property('cup', {word!r})"),
    "texts to choose from": lambda word: execute(f"return image.best_text_match([{word!r}, 'b'])"),
    "a question of a program": lambda word: execute(f"return image.simple_query({word!r})"),
    "an argument of the wrong type": lambda word: execute(f"return image.find([{word!r}])"),
    "a text that is too long": lambda word: execute(f"return image.find({word!r} * 1000)"),
    "a text made while it runs": lambda word: execute(f"return image.find({word[::-1]!r}[::-1])"),
    "a thing that is absent": lambda word: execute(f"return absent({word!r})"),
    "a reason to be unsure": lambda word: execute(f"return unsure({word!r})"),
    "an exception": lambda word: execute(f"raise ValueError({word!r})"),
    "a name": lambda word: execute(f"return {{}}[{word!r}]"),
    "what it returns": lambda word: execute(f"print({word!r}); return {word!r}"),
    "a box in a text": lambda word: execute(f"return {{{word!r}: image}}", task="grounding"),
    "a finding": lambda word: check(f"import {word}\nx = {word!r}."),
    "an unknown field": lambda word: post(**as_json({"image": PNG_TEXT, "question": "a", word: 1})),
    "a field twice": lambda word: ask("a", **{word: ["b", "c"]}),
    "the name of the image": lambda word: post(**form({"question": "a b c"}, file=PNG, name=word)),
    "the content type": lambda word: post(headers={"content-type": word}, body=b"x"),
    "the host": lambda word: ("GET", "/", {"headers": {"host": word}}),
    "the path": lambda word: ("GET", f"/{word}", {}),
}  # fmt: skip


class Quoting:
    """A detector that quotes the phrase in an error."""

    fingerprint = "quoting"
    vocabulary = None

    def detect(self, requests):
        phrases = ", ".join(map(repr, requests[0].phrases))
        raise ModelError(
            f"The detector cannot look for {phrases}, nor for {requests[0].phrases[0]}."
        )


def texts(value):
    """All texts of a JSON value, with the keys; numbers and times aside."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [
            text
            for key, item in value.items()
            if key != "request_id"
            for text in (key, *texts(item))
        ]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else []


def replies(app, method, path, options):
    reply = call(app, method, path, **options)
    events = reply.events()
    return reply.status, texts([data for _, data in events] if events else reply.json())


def are_alike(app, quoting, names):
    """Compare the replies for a known and an unknown place of each form."""
    for name in names:
        seen = []
        for word in (KNOWN, UNKNOWN):
            status, found = replies(app, *QUOTING[quoting](FORMS[name].format(word)))
            found = [text.replace(KNOWN, UNKNOWN) for text in found]
            seen.append((status, [text.replace(KNOWN[::-1], UNKNOWN[::-1]) for text in found]))
        assert seen[0] == seen[1], name


@pytest.mark.parametrize("quoting", QUOTING)
def test_a_known_place_is_quoted_like_an_unknown_one(make, quoting):
    app, service = make()
    service.places = PLACES
    # A program takes a tenth of a second.
    of_program = QUOTING[quoting]("x")[1] == "/v1/run"
    are_alike(app, quoting, SOME_FORMS if of_program else FORMS)


@pytest.mark.parametrize(
    "quoting", ["a phrase that no model knows", "a text made while it runs", "how many of it"]
)
def test_a_model_that_quotes_a_place_tells_nothing(make, fake_engine, quoting):
    app, service = make(fake_engine(detector=Quoting()))
    service.places = PLACES
    are_alike(app, quoting, FORMS)


def test_control_where_what_is_known_decides_the_replies_differ(make, fake_engine, monkeypatch):
    monkeypatch.setattr(redaction, "_OF_SERVER", frozenset({"model", "sandbox"}))
    app, service = make(fake_engine(detector=Quoting()))
    service.places = PLACES
    request = QUOTING["a phrase that no model knows"]
    known, unknown = (replies(app, *request(word)) for word in (KNOWN, UNKNOWN))
    assert [text.replace(KNOWN, UNKNOWN) for text in known[1]] != unknown[1]


@pytest.mark.parametrize("form_", [form_ for form_ in FORMS.values() if form_ != "{}"])
def test_refusals_of_the_grammar_quote_nothing_that_is_hidden(app, form_):
    word = form_.format(UNKNOWN)
    for quoting in ("a question that is not understood", "a phrase that asks nothing", "choices"):
        method, path, options = QUOTING[quoting](word)
        failure = call(app, method, path, **options).json()["failure"]
        assert failure is None or failure["kind"] != "generator" or redaction.redact_message(
            failure["message"]
        ) == failure["message"]  # fmt: skip
        if failure is not None and failure["kind"] == "generator":
            assert failure["message"].endswith((".", "MODEL"))  # nothing of the advice is lost
