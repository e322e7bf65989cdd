"""No text of a program reaches a model unless its length is allowed; the program may catch the refusal."""

import asyncio

import pytest

from fakes.backends import FakeAnswerer, FakeDetector, FakeLanguage, FakeMatcher, blank_image
from viper.errors import BudgetError, ModelError
from viper.methods import image_patch
from viper.methods.dispatch import CallDispatcher
from viper.methods.matching import option_texts
from viper.models import request_limits
from viper.models.registry import BackendRef
from viper.models.request_limits import (
    PHRASE_CHARACTERS,
    PROMPT_CHARACTERS,
    QUESTION_CHARACTERS,
    check_texts,
    prompt_characters,
    text_characters,
)
from viper.programs.api_spec import load_spec
from viper.programs.program import Doubt
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.vision_client import VisionClient
from viper_sandbox import Call, CallFailed, CallRejected, PatchRef

WHOLE = PatchRef(0, (0.0, 0.0, 100.0, 80.0), "image", 1.0)
PHRASE = "x" * (PHRASE_CHARACTERS + 1)
WORDS = "red " * PHRASE_CHARACTERS
QUESTION = "why " * QUESTION_CHARACTERS
PROMPT = "why " * request_limits.LONGEST_PROMPT_CHARACTERS


class Fakes:
    def __init__(self):
        self.detector = FakeDetector({})
        self.matcher = FakeMatcher()
        self.answerer = FakeAnswerer()
        self.language = FakeLanguage()
        self.backends = {
            role: getattr(self, role) for role in ("detector", "matcher", "answerer", "language")
        }

    def texts(self):
        """Every text that a model has seen."""
        found = [p for batch in self.detector.batches for r in batch for p in r.phrases]
        found += [text for batch in self.matcher.text_batches for text in batch]
        return found + self.answerer.asked + self.language.prompts


@pytest.fixture
def fakes():
    return Fakes()


@pytest.fixture
def ask(fakes):
    refs = {role: BackendRef(role, "fake", role) for role in fakes.backends}
    pool = ModelPool(refs, opener=lambda ref: fakes.backends[ref.role])
    session = CallDispatcher(load_spec(), blank_image(), VisionClient(pool, model_call_s=5), refs)

    def run(name, *arguments):
        receiver = WHOLE if name.startswith("ImagePatch.") else None
        return asyncio.run(session.handle(Call(1, name, receiver, arguments, 3)))

    run.session = session
    yield run
    assert pool.close(5)


ATTACKS = {
    "a name of an object": ("ImagePatch.find", PHRASE),
    "a name in many words": ("ImagePatch.find", WORDS),
    "a name that is tested": ("ImagePatch.exists", PHRASE),
    "a name beside an attribute": ("ImagePatch.verify_property", PHRASE, "red"),
    "an attribute": ("ImagePatch.verify_property", "cup", WORDS),
    "one of several options": ("ImagePatch.best_text_match", ["red", PHRASE], None),
    "a prefix": ("ImagePatch.best_text_match", ["red", "blue"], WORDS),
    "a text for patches": ("best_image_match", [WHOLE], PHRASE, False),
    "a text among texts for patches": ("best_image_match", [WHOLE], ["red", WORDS], False),
    "a question": ("ImagePatch.simple_query", QUESTION),
    "a prompt": ("llm_query", PROMPT, True),
    "a prompt of a patch": ("ImagePatch.llm_query", PROMPT, False),
    "a guess": ("process_guesses", "which?", PROMPT, "cane"),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_long_text_is_a_value_error_and_reaches_no_model(ask, fakes, attack):
    with pytest.raises(CallRejected) as refused:
        ask(*attack)
    assert refused.value.exception == "ValueError"
    assert "must have at most" in refused.value.message
    assert len(refused.value.message) < 200
    assert fakes.texts() == []
    assert fakes.matcher.image_batches == []


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_control_without_the_limit_the_text_reaches_the_model(ask, fakes, attack, monkeypatch):
    monkeypatch.setattr("viper.methods.dispatch.text_characters", lambda role: 10**9)
    monkeypatch.setattr("viper.methods.image_patch.prompt_characters", lambda *_: 10**9)
    monkeypatch.setattr("viper.methods.image_patch._LONGEST_REPLY_CHARACTERS", 10**9)
    ask(*attack)
    longest = max(map(len, fakes.texts()))
    assert longest > min(text_characters("detector"), PHRASE_CHARACTERS)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ImagePatch.find", ["x" * PHRASE_CHARACTERS]),
        ("ImagePatch.simple_query", ["y" * QUESTION_CHARACTERS]),
        ("llm_query", ["z" * PROMPT_CHARACTERS, True]),
        ("ImagePatch.best_text_match", [["a" * PHRASE_CHARACTERS, "b"], None]),
    ],
)
def test_the_longest_text_that_is_allowed_is_served(ask, fakes, name, arguments, monkeypatch):
    monkeypatch.setattr("viper.methods.image_patch._LONGEST_REPLY_CHARACTERS", 10**9)
    ask(name, *arguments)
    assert fakes.texts()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("llm_query", ["why " * 100, True]),
        ("ImagePatch.llm_query", ["why " * 100, False]),
        ("process_guesses", ["which?", "a" * 200, "b" * 200]),
        ("process_guesses", ["which " * 60]),
        ("llm_query", ["x" * 301, False]),
    ],
)
def test_a_prompt_must_fit_into_the_context_of_the_model(ask, fakes, name, arguments):
    fakes.language.context_tokens = 356  # 256 for a long answer
    if name == "process_guesses":
        fakes.language.context_tokens = 116
        arguments += [None] * (3 - len(arguments))
    if name == "llm_query" and not arguments[1]:
        fakes.language.context_tokens = 116
    if name == "ImagePatch.llm_query":
        fakes.language.context_tokens = 116
    with pytest.raises(CallRejected, match=r"reads prompts of at most 300 characters, but got"):
        ask(name, *arguments)
    assert fakes.language.prompts == []
    fakes.language.context_tokens = 4_096  # the control
    ask(name, *arguments)
    assert len(fakes.language.prompts) == 1


def test_the_length_of_a_prompt_is_that_of_the_context():
    assert prompt_characters(None, 256) == PROMPT_CHARACTERS
    assert prompt_characters(1_256, 256) == 3_000
    assert prompt_characters(100, 256) == 0
    assert prompt_characters(10**9, 16) == request_limits.LONGEST_PROMPT_CHARACTERS


@pytest.mark.parametrize("role", ["answerer", "language"])
def test_a_reply_without_end_is_an_error_of_the_model(ask, fakes, role, monkeypatch):
    name, arguments = {
        "answerer": ("ImagePatch.simple_query", ["what?"]),
        "language": ("llm_query", ["what?", True]),
    }[role]
    fakes.answerer.text = fakes.language.reply = "word " * 100_000
    with pytest.raises(CallFailed, match="replied with 500,000 characters") as failed:
        ask(name, *arguments)
    assert failed.value.kind == "model"
    monkeypatch.setattr(image_patch, "_LONGEST_REPLY_CHARACTERS", 10**6)
    assert ask(name, *arguments).startswith("word word")  # the control


@pytest.mark.parametrize(
    "value",
    [
        "x" * 11,
        ["x", "x" * 11],
        ["x", ["y", ("x" * 11,)]],
        {"a": "x" * 11},
        {"x" * 11: "a"},
        {"a": [{"b": "x" * 11}]},
    ],
    ids=str,
)
def test_texts_are_found_at_any_depth_of_a_modules_argument(value):
    with pytest.raises(ValueError, match=r"^m: x must have at most 10 characters, but got a text"):
        check_texts("m: x", value, 10)
    check_texts("m: x", value, 11)  # the control


def test_a_role_of_a_module_reads_questions():
    assert text_characters("reader") == text_characters(None) == QUESTION_CHARACTERS
    assert option_texts(["a"], "b") == ["b a"]


@pytest.mark.parametrize(
    "error",
    [
        ModelError("x" * 1_280_000),
        BudgetError("x" * 1_280_000),
        ValueError("x" * 1_280_000),
        CallFailed("limit", "x" * 1_280_000),
        CallRejected("ValueError", "x" * 1_280_000),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("is_capped", [True, False], ids=["capped", "control"])
def test_the_message_of_a_call_is_capped_in_its_record(ask, monkeypatch, error, is_capped):
    async def failing(*_):
        raise error

    if not is_capped:
        monkeypatch.setattr("viper.methods.dispatch.capped", lambda message: message)
        monkeypatch.setattr("viper.methods.dispatch.summarize_error", str)
    monkeypatch.setattr(ask.session, "_methods", {"ImagePatch.find": failing})
    with pytest.raises((CallFailed, CallRejected, ModelError, BudgetError)):
        ask("ImagePatch.find", "cup")
    (record,) = ask.session.records
    assert (len(record.error.message) <= 700) is is_capped


@pytest.mark.parametrize("best_effort", [False, True])
@pytest.mark.parametrize("field", ["notes", "doubts"])
def test_the_notes_of_a_call_are_capped_in_length_and_number(ask, monkeypatch, field, best_effort):
    async def noting(call, *_):
        for n in range(5_000):
            text = f"{n} " + "x" * 10_000
            getattr(call, field).append(text if field == "notes" else Doubt(text, text))
        return []

    monkeypatch.setattr(ask.session, "_methods", {"ImagePatch.find": noting})
    monkeypatch.setattr(ask.session, "_best_effort", best_effort)
    if field == "notes" or best_effort:
        ask("ImagePatch.find", "cup")
    else:
        with pytest.raises(CallFailed) as raised:
            ask("ImagePatch.find", "cup")
        assert len(raised.value.message) <= 1_500
    record = ask.session.records[0]
    noted = record.notes if field == "notes" else record.unverified
    assert len(noted) == 100
    assert noted[-1] == "… and 4,901 more"
    assert max(map(len, noted)) <= 700
    if field == "doubts":
        assert [doubt.condition for doubt in record.doubts] == list(noted)
        assert max(len(doubt.why) for doubt in record.doubts) <= 700
