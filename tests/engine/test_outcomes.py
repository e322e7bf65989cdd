"""Three outcomes: answered, answered with doubts where they were asked for, no answer."""

from __future__ import annotations

import asyncio
import itertools

import numpy as np
import pytest

from fakes.backends import FakeAnswerer, FakeDepth, FakeDetector, FakeLanguage, FakeMatcher
from fakes.generators import ScriptedGenerator
from fakes.llm_server import LLMServer, text
from viper import Engine, InputError, Query
from viper.engine.trace_builder import LOOKED_AT_NOTHING
from viper.generate.grammar import GrammarGenerator
from viper.programs.program import Doubt, Program
from viper.replay import replay
from viper.trace.files import trace_text
from viper.trace.read import trace_of

PICTURE = np.zeros((80, 90, 3), dtype=np.uint8)
WHOLE = (0.0, 0.0, 90.0, 80.0)
CUP = (10, 5, 30, 25)
HAT = Doubt("wearing a hat", "no matcher is served", "matcher")

COLOR = """elephants = image_patch.find('elephant')
elephant = elephants[0] if elephants else absent('elephant')
return elephant.simple_query('What color is the elephant?')"""


def program(body):
    lines = "\n".join("    " + line for line in body.splitlines())
    return f"def execute_command(image):\n    image_patch = ImagePatch(image)\n{lines}\n"


class Writer:
    """Writes the given programs with the given doubts, one after the other."""

    name, billed, deterministic, repairs = "writer", True, False, True

    def __init__(self, *programs):
        self.programs = list(programs)
        self.requests = []

    async def generate(self, requests):
        self.requests += requests
        body, *doubts = self.programs.pop(0)
        return [Program(program(body), self.name, doubts=tuple(doubts))]

    async def aclose(self):
        pass


class Seeing(FakeDetector):
    """Sees a cup and a man, whom it calls a person."""

    def __init__(self, **objects):
        super().__init__({"cup": [(CUP, 0.9)], **objects}, vocabulary=("cup", "person", "elephant"))


def ask(engine, *, best_effort=None):
    return engine.ask(PICTURE, "What color is the elephant?", best_effort=best_effort)


def replayed(answer):
    """Return the answer's trace, replayed: the same to the byte."""
    again = replay(trace_of(answer.trace.to_json()))
    assert [str(difference) for difference in again.differences] == []
    assert trace_text(again.answer.trace.to_json()) == trace_text(answer.trace.to_json())
    return again


# -- absent and unsure


def test_what_a_question_takes_for_granted_and_is_not_found_is_no_answer(fake_engine):
    engine = fake_engine(
        ScriptedGenerator([program(COLOR)]), detector=Seeing(), answerer=FakeAnswerer()
    )
    answer = ask(engine)
    assert (answer.outcome, answer.text, answer.doubts) == ("no_answer", None, ())
    assert (answer.failure.kind, answer.failure.line) == ("absent", 4)
    assert answer.failure.message == "No elephant was found, so nothing can be said of it."
    _, call = answer.trace.calls
    assert (call.method, call.role, call.model, call.arguments) == ("absent", "", "", ("elephant",))
    assert call.error.kind == "absent"
    assert replayed(answer).from_record == replayed(answer).from_record[-1:]


def test_the_best_effort_asks_the_whole_picture_and_says_so(fake_engine):
    answerer = FakeAnswerer("gray")
    engine = fake_engine(ScriptedGenerator([program(COLOR)]), detector=Seeing(), answerer=answerer)
    answer = ask(engine, best_effort=True)
    assert (answer.outcome, answer.text) == ("answered_with_doubts", "gray")
    assert [doubt.condition for doubt in answer.doubts] == ["elephant"]
    assert answer.unverified == ("elephant",)
    assert str(answer) == "gray (not verified: elephant)"
    assert answer.trace.calls[2].box_xyxy == WHOLE
    assert answer.how == "program"  # the detector looked as well
    replayed(answer)


@pytest.mark.parametrize("best_effort", [False, True])
def test_what_does_not_settle_a_question_is_no_answer_in_either_mode(fake_engine, best_effort):
    body = "cups = image_patch.find('cup')\nunsure('The cups are\\n  equally far away.')\nreturn 'left'"
    engine = fake_engine(ScriptedGenerator([program(body)]), detector=Seeing())
    answer = ask(engine, best_effort=best_effort)
    assert answer.failure.to_json() == {
        "kind": "unsure", "line": 4, "message": "The cups are equally far away.",
    }  # fmt: skip
    assert len(answer.trace.attempts) == 1
    replayed(answer)


@pytest.mark.parametrize("call", ["absent('dog')", "unsure('It is dark.')"])
@pytest.mark.parametrize("handler", ["except Exception", "except ValueError", "except"])
def test_no_except_of_a_program_catches_a_verdict(fake_engine, call, handler):
    body = f"try:\n    {call}\n{handler}:\n    return 'caught'\nfinally:\n    print('end')\nreturn 'on'"
    answer = fake_engine().run_program(program(body), PICTURE)
    assert answer.failure is not None
    assert answer.failure.kind == call.partition("(")[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("absent('')", "name must not be empty"),
        ("absent(' \\n')", "name must not be empty"),
        ("unsure('')", "why must not be empty"),
        ("absent('a' * 201)", "name has 201 characters; at most 200 are accepted"),
        ("absent([])", "absent() needs name as str, got list"),
    ],
)
def test_a_verdict_without_a_word_is_a_mistake_of_the_program(fake_engine, call, message):
    body = f"try:\n    {call}\nexcept (ValueError, TypeError) as error:\n    return str(error)"
    answer = fake_engine().run_program(program(body), PICTURE)
    assert message in (answer.text or str(answer.failure))


@pytest.mark.parametrize("name", ["the red cup", "a  red cup", "any red cup", "red cup"])
def test_an_article_is_no_part_of_what_was_not_found(fake_engine, name):
    answer = fake_engine().run_program(program(f"return absent({name!r})"), PICTURE)
    assert answer.failure.message == "No red cup was found, so nothing can be said of it."


def test_a_forged_record_cannot_turn_a_verdict_into_an_answer(fake_engine):
    answer = fake_engine(detector=Seeing()).run_program(
        program("image_patch.find('cup')\nunsure('Why?')\nreturn 'left'"), PICTURE
    )
    value = answer.trace.to_json()
    value["turns"][0]["calls"][1]["error"] = None
    again = replay(trace_of(value))
    assert again.answer.failure.kind == "unsure"
    assert not again.identical


# -- conditions that nobody can test


def test_a_program_that_leaves_a_condition_out_is_not_run(fake_engine):
    detector = Seeing()
    writer = Writer(("return image_patch.exists('person')", HAT))
    answer = ask_once(fake_engine(writer, options={"max_attempts": 1}, detector=detector))
    assert (answer.outcome, answer.failure.kind) == ("no_answer", "model")
    for word in ("wearing a hat", "do not recognize", "viper models pull small", "--best-effort"):
        assert word in answer.failure.message
    assert detector.batches == []
    (turn,) = answer.trace.turns
    assert (turn.doubts, turn.unverified, turn.calls) == ((HAT,), ("wearing a hat",), ())
    assert "Program 1 (model) cannot be repeated" in replayed(answer).from_record[0]


def ask_once(engine, **options):
    """Ask a generator for one program only."""
    return engine.ask(PICTURE, "Is anyone wearing a hat?", **options)


def test_the_best_effort_runs_it_and_names_the_condition(fake_engine):
    engine = fake_engine(Writer(("return image_patch.exists('cup')", HAT)), detector=Seeing())
    answer = ask_once(engine, best_effort=True)
    assert (answer.outcome, answer.text, answer.doubts) == ("answered_with_doubts", "yes", (HAT,))
    assert str(answer) == "yes (not verified: wearing a hat)"
    assert answer.to_json()["doubts"] == [
        {"condition": "wearing a hat", "why": "no matcher is served", "needs": "matcher"}
    ]
    replayed(answer)


def test_a_refused_program_is_written_again(fake_engine):
    writer = Writer(
        ("return image_patch.exists('cup')", HAT), ("return image_patch.exists('cup')",)
    )
    answer = ask_once(fake_engine(writer, detector=Seeing()))
    assert (answer.text, answer.doubts) == ("yes", ())
    (rejected,) = writer.requests[1].rejected
    assert (rejected.failure.kind, rejected.observations) == ("model", ())
    # What the user could do instead is nothing that a program can.
    assert rejected.failure.message == (
        '"wearing a hat" cannot be checked: the models here find things, but do not recognize this.'
    )


def test_a_narrower_word_is_no_answer_and_a_doubt_of_the_best_effort(fake_engine):
    body = program("return len(image_patch.find('woman'))")
    answer = fake_engine(detector=Seeing()).run_program(body, PICTURE)
    assert answer.failure.kind == "model"
    assert answer.failure.line == 3
    assert answer.failure.message.startswith(
        "\"woman\" cannot be checked: the detector knows 'person', but not 'woman'. Ask about a person; or "
    )
    answer = fake_engine(detector=Seeing()).run_program(body, PICTURE, best_effort=True)
    assert (answer.text, len(answer.doubts)) == ("0", 1)
    assert answer.doubts[0].needs == "detector"
    replayed(answer)


def test_no_program_catches_that_a_condition_cannot_be_tested(fake_engine):
    body = "try:\n    return image_patch.exists('woman')\nexcept Exception:\n    return False"
    answer = fake_engine(detector=Seeing()).run_program(program(body), PICTURE)
    assert answer.failure.kind == "model"


@pytest.mark.parametrize(
    ("default", "given", "answered"),
    [
        (d, g, d if g is None else g)
        for d, g in itertools.product([False, True], [None, False, True])
    ],
)
def test_a_question_decides_itself_whether_doubts_are_wanted(fake_engine, default, given, answered):
    engine = fake_engine(
        Writer(*[("return image_patch.exists('cup')", HAT)] * 9),
        options={"best_effort": default, "max_attempts": 1},
        detector=Seeing(),
    )
    narrower = program("return image_patch.exists('woman')")
    question = "Is anyone wearing a hat?"
    query = Query(PICTURE, question, best_effort=given)
    answers = [
        engine.ask(PICTURE, question, best_effort=given),
        asyncio.run(engine.aask(PICTURE, question, best_effort=given)),
        *engine.batch([query, query]),
        engine.run_program(narrower, PICTURE, best_effort=given),
    ]
    assert [answer.outcome for answer in answers] == [
        "answered_with_doubts" if answered else "no_answer"
    ] * 5
    assert {answer.trace.best_effort for answer in answers} == {answered}


def test_a_batch_may_mix_both_modes(fake_engine):
    source = program("return image_patch.exists('woman')")
    queries = [Query(PICTURE, "", program=source, best_effort=mode) for mode in (True, False, None)]
    answers = fake_engine(detector=Seeing()).batch(queries)
    assert [answer.outcome for answer in answers] == [
        "answered_with_doubts", "no_answer", "no_answer",
    ]  # fmt: skip


def test_a_failure_before_the_run_tells_the_mode_of_the_engine(fake_engine):
    engine = fake_engine(options={"best_effort": True})
    (answer,) = engine.batch([Query("no/such.jpg", "Is it?")])
    assert answer.trace.best_effort is True
    assert engine.ask(PICTURE, "why " * 2500).trace.best_effort is True


def test_a_mode_that_is_none_is_refused():
    with pytest.raises(InputError, match="best_effort must be True, False or None, but got 'no'"):
        Query(PICTURE, "Is it?", best_effort="no")


# -- programs that looked at nothing


@pytest.mark.parametrize(
    "body",
    [
        "return 'red'",
        "return image_patch.width > 40",
        "return llm_query('What color are elephants?')",
        "return process_guesses('What color?', 'gray', 'gray')",
        "return best_image_match([], 'cup') is None",
        "try:\n    image_patch.find('')\nexcept ValueError:\n    pass\nreturn 'no'",
    ],
)
def test_a_program_that_looked_at_nothing_has_failed(fake_engine, body):
    scripted = ScriptedGenerator([program(body), program("return image_patch.exists('cup')")])
    served = {"detector": Seeing(), "matcher": FakeMatcher(), "language": FakeLanguage("gray")}
    answer = ask(fake_engine(scripted, **served))
    assert answer.text == "yes"
    (rejected,) = scripted.requests[1].rejected
    assert (rejected.failure.kind, rejected.failure.message) == ("check", LOOKED_AT_NOTHING)
    assert answer.trace.turns[0].returned is None


@pytest.mark.parametrize("best_effort", [False, True])
def test_programs_that_never_look_are_no_answer_in_either_mode(fake_engine, best_effort):
    scripted = ScriptedGenerator(["return 'red'"] * 3)
    answer = ask(fake_engine(scripted, detector=Seeing()), best_effort=best_effort)
    assert (answer.outcome, answer.failure.kind) == ("no_answer", "check")
    assert len(answer.trace.turns) == 3
    replayed(answer)


def test_the_whole_picture_of_an_absent_thing_is_no_look(fake_engine):
    scripted = ScriptedGenerator([program("return absent('dog').width > 3")])
    answer = ask(fake_engine(scripted, options={"max_attempts": 1}), best_effort=True)
    assert answer.failure.message == LOOKED_AT_NOTHING


@pytest.mark.parametrize(
    "body",
    [
        "return len(image_patch.find('cup'))",
        "return image_patch.verify_property('cup', 'red')",
        "return image_patch.best_text_match(['a', 'b'])",
        "return best_image_match([image_patch], 'cup') is not None",
        "return image_patch.simple_query('What?')",
        "return image_patch.compute_depth() > 1",
    ],
)
@pytest.mark.parametrize("models", ["fakes", "stub"])
def test_every_vision_call_is_a_look(fake_engine, body, models):
    served = {
        "detector": Seeing(), "matcher": FakeMatcher(), "answerer": FakeAnswerer(), "depth": FakeDepth(),
    }  # fmt: skip
    scripted = ScriptedGenerator([program(body)] * 2)
    engine = fake_engine(scripted, **served) if models == "fakes" else Engine("stub", scripted)
    assert [ask(engine).failure for _ in range(2)] == [None, None]  # the second from the cache
    if models == "stub":
        engine.close()


def test_a_program_of_the_users_own_may_look_at_nothing(fake_engine):
    answer = fake_engine().run_program(program("return 1"), PICTURE)
    assert (answer.text, answer.outcome) == ("1", "answered")
    replayed(answer)


def test_a_generator_cannot_pass_for_the_user(fake_engine):
    scripted = ScriptedGenerator(["return 1"] * 3, name="file")
    assert ask(fake_engine(scripted)).failure.message == LOOKED_AT_NOTHING


# -- the generators in turn


def auto(server):
    return f"auto:openai:fake?base_url={server.url}"


def grammar_writes(monkeypatch, body, *doubts):
    async def generate(self, requests):
        return [Program(program(body), "grammar", doubts=doubts, trusted=True) for _ in requests]

    monkeypatch.setattr(GrammarGenerator, "generate", generate)


def test_a_condition_that_the_grammar_cannot_test_goes_to_the_language_model(
    fake_engine, monkeypatch
):
    grammar_writes(monkeypatch, "return image_patch.exists('cup')", HAT)
    with LLMServer([text(program("return image_patch.simple_query('Is there a hat?')"))]) as server:
        engine = fake_engine(auto(server), detector=Seeing(), answerer=FakeAnswerer("no"))
        answer = ask_once(engine)
        told = server.requests[0].body["messages"][-1]["content"]
    assert [turn.generator for turn in answer.trace.turns] == ["grammar", "openai:fake"]
    assert (answer.text, answer.how, answer.doubts) == ("no", "direct", ())
    assert "wearing a hat" in told
    replayed(answer)


def test_without_a_language_model_it_is_no_answer(fake_engine, monkeypatch):
    grammar_writes(monkeypatch, "return image_patch.exists('cup')", HAT)
    answer = ask_once(fake_engine("grammar", detector=Seeing()))
    assert (answer.failure.kind, len(answer.trace.turns)) == ("model", 1)


def test_the_best_effort_of_the_grammar_asks_no_language_model(fake_engine, monkeypatch):
    grammar_writes(monkeypatch, "return image_patch.exists('cup')", HAT)
    with LLMServer([text("no")]) as server:
        answer = ask_once(fake_engine(auto(server), detector=Seeing()), best_effort=True)
        assert server.requests == []
    assert str(answer) == "yes (not verified: wearing a hat)"


@pytest.mark.parametrize("call", ["absent('dog')", "unsure('It is dark.')"])
def test_what_the_grammars_program_found_out_is_not_asked_again(fake_engine, monkeypatch, call):
    grammar_writes(monkeypatch, f"image_patch.find('cup')\nreturn {call}")
    with LLMServer([text("no")]) as server:
        answer = ask(fake_engine(auto(server), detector=Seeing()))
        assert server.requests == []
    assert answer.failure.kind == call.partition("(")[0]


# -- votes


class Voters:
    """Writes a program for each seed; None is one that could not be written."""

    name, can_repair = "voters", True

    def __init__(self, bodies):
        self.bodies = bodies

    async def generate(self, requests):
        (request,) = requests
        return [Program(program(self.bodies[request.seed]), self.name)]

    async def aclose(self):
        pass


SAYS = {
    "red": "image_patch.find('cup')\nreturn 'red'",
    "blue": "image_patch.find('cup')\nreturn 'blue'",
    "absent": "image_patch.find('cup')\nreturn absent('elephant')",
    "unsure": "image_patch.find('cup')\nreturn unsure('It is dark.')",
    "fails": "image_patch.find('cup')\nreturn [][0]",
    "blind": "return 'red'",
}


@pytest.mark.parametrize(
    ("said", "wins", "confidence"),
    [
        (["red", "absent", "absent"], "absent", None),
        (["red", "red", "absent"], "red", 2 / 3),
        (["red", "absent"], "absent", None),  # a tie
        (["red", "blue", "absent", "absent"], "absent", None),
        (["unsure", "absent", "absent", "red"], "absent", None),
        (["absent", "unsure"], "absent", None),
        (["unsure", "unsure", "absent"], "unsure", None),
        (["fails", "fails", "unsure"], "unsure", None),
        (["blind", "blind", "absent"], "absent", None),
        (["blind", "blind", "blue"], "blue", 1 / 3),
        (["blind", "fails"], "check", None),
    ],
)
def test_programs_vote_for_there_being_no_answer(fake_engine, said, wins, confidence):
    voters = Voters([SAYS[name] for name in said])
    answer = ask(fake_engine(voters, options={"votes": len(said)}, detector=Seeing()))
    assert (answer.text or answer.failure.kind) == wins
    assert answer.confidence == answer.to_json()["confidence"] == confidence
    votes = answer.trace.votes
    assert votes.n == len(said) == sum(votes.answers.values()) + votes.failed
    if len(said) == 3:
        replayed(answer)


def test_under_best_effort_the_absent_vote_with_what_they_saw(fake_engine):
    voters = Voters([COLOR, COLOR, SAYS["red"]])
    served = {"detector": Seeing(), "answerer": FakeAnswerer("gray")}
    answer = ask(fake_engine(voters, options={"votes": 3}, **served), best_effort=True)
    assert str(answer) == "gray (not verified: elephant)"
    replayed(answer)


# -- the program cache


def cached(fake_engine, tmp_path, *programs, **served):
    writer = Writer(*programs)
    options = {"program_cache": tmp_path / "programs.sqlite", "max_attempts": 1}
    return writer, fake_engine(writer, options=options, **{"detector": Seeing(), **served})


def from_cache(answer):
    return answer.trace.turns[-1].from_program_cache


def test_no_program_that_looked_at_nothing_or_was_refused_is_cached(fake_engine, tmp_path):
    looks = ("return image_patch.exists('cup')",)
    writer, engine = cached(
        fake_engine, tmp_path, ("return 'yes'",), (looks[0], HAT), ("return absent('cup')",), looks
    )
    for kind in ("check", "model", "absent", None):
        answer = engine.ask(PICTURE, "Is there a cup?")
        assert (answer.failure and answer.failure.kind) == kind
        assert not from_cache(answer)
    assert from_cache(engine.ask(PICTURE, "Is there a cup?"))  # the control
    assert len(writer.requests) == 4


def test_a_cached_program_that_finds_nothing_stays_in_the_cache(fake_engine, tmp_path):
    body = "cups = image_patch.find('cup')\ncup = cups[0] if cups else absent('cup')\nreturn cup.left > 3"
    writer, engine = cached(fake_engine, tmp_path, (body,))
    assert engine.ask(PICTURE, "Is the cup on the left?").text == "yes"
    seeing = engine.pool._workers["detector"].loaded.result()
    seeing.objects = {}
    for _ in range(2):
        answer = engine.ask(PICTURE + 1, "Is the cup on the left?")
        assert (answer.failure.kind, from_cache(answer)) == ("absent", True)
    assert len(writer.requests) == 1


def test_a_cached_program_that_looked_at_nothing_is_removed(fake_engine, tmp_path, monkeypatch):
    looks, blind = "return image_patch.exists('cup')", "return 'yes'"
    writer, engine = cached(fake_engine, tmp_path, (blind,), (looks,))
    with monkeypatch.context() as before:  # as a version without the rule had it
        before.setattr("viper.methods.dispatch.CallDispatcher.has_looked", True)
        assert engine.ask(PICTURE, "Is there a cup?").text == "yes"
    answer = engine.ask(PICTURE, "Is there a cup?")
    assert [turn.from_program_cache for turn in answer.trace.turns] == [True, False]
    assert answer.text == "yes"
    assert from_cache(engine.ask(PICTURE, "Is there a cup?"))
    assert len(writer.requests) == 2


# -- pictures of another world


class Doubting:
    def doubt(self, image):
        return f"{image.source_name} is strange."


def builtin(generator="grammar", *, kind=Doubting, roles=("detector", "matcher"), **backends):
    """An engine of built-in models that are fakes."""

    class Detector(kind, FakeDetector):
        pass

    class Matcher(kind, FakeMatcher):
        pass

    made = {"detector": Detector({"cup": [(CUP, 0.9)]}), "matcher": Matcher({"red cup": 0.9})}
    return Engine(
        "none",
        generator,
        {**dict.fromkeys(roles, "builtin"), **backends},
        opener=lambda ref: made[ref.role],
    )


@pytest.mark.parametrize("question", ["Is there a cup?", "How do you do?", "Is there a unicorn?"])
def test_a_strange_picture_is_refused_whatever_the_question(question):
    scripted = ScriptedGenerator([program("return image_patch.exists('cup')")])
    for generator in ("grammar", scripted):
        with builtin(generator) as engine:
            answer = engine.ask(PICTURE, question)
        assert (answer.failure.kind, answer.failure.line) == ("model", None)
        assert answer.failure.message.startswith(
            "image is strange. For an answer that may be wrong"
        )
        assert answer.trace.turns == ()
        replayed(answer)
    assert scripted.requests == []


def test_the_best_effort_looks_at_a_strange_picture_with_one_doubt():
    with builtin() as engine:
        answer = engine.ask(PICTURE, "Is the cup red?", best_effort=True)
    assert answer.failure is None
    assert [(doubt.why, doubt.needs) for doubt in answer.doubts] == [("image is strange.", "")]
    assert len(answer.trace.calls) > 1
    replayed(answer)


def test_a_program_on_a_strange_picture_ends_at_its_first_look():
    with builtin() as engine:
        answer = engine.run_program(program("return image_patch.exists('cup')"), PICTURE)
    assert (answer.failure.kind, answer.failure.line) == ("model", 3)
    assert "image is strange" in answer.failure.message
    replayed(answer)


def test_a_model_that_knows_the_picture_answers_beside_one_that_does_not():
    with builtin(detector=Seeing(), roles=("matcher",)) as engine:
        assert engine.ask(PICTURE, "Is there a cup?").text == "yes"
        answer = engine.ask(PICTURE, "Is the cup red?")
    assert answer.failure.kind == "model"
    assert "image is strange" in answer.failure.message


def test_a_familiar_picture_is_answered():
    class Familiar:
        def doubt(self, image):
            return None

    with builtin(kind=Familiar) as engine:
        assert engine.ask(PICTURE, "Is there a cup?").outcome == "answered"


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), SystemExit(3)])
def test_a_model_that_fails_to_tell_is_a_failure_of_the_model(error):
    class Broken:
        def doubt(self, image):
            raise error

    with builtin(kind=Broken) as engine:
        failure = engine.ask(PICTURE, "Is there a cup?").failure
    assert failure.kind == "model"
    assert f"The detector failed: {type(error).__name__}" in failure.message


# -- one model's word


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("return image_patch.simple_query('What?')", "direct"),
        (
            "return ImagePatch(image).simple_query('What?') + image_patch.simple_query('Why?')",
            "direct",
        ),
        ("return llm_query(image_patch.simple_query('What?'))", "direct"),
        ("return image_patch.crop(0, 0, 90, 80).simple_query('What?')", "direct"),
        ("return image_patch.crop(0, 40, 90, 80).simple_query('What?')", "program"),  # upper left
        ("return image_patch.crop(5, 5, 9, 9).simple_query('What?')", "program"),
        ("image_patch.find('cup')\nreturn image_patch.simple_query('What?')", "program"),
        ("return image_patch.exists('cup')", "program"),
        ("return 1", "program"),
        ("return [][0]", None),
    ],
)
def test_how_an_answer_came_about(fake_engine, body, how):
    served = {
        "detector": Seeing(),
        "answerer": FakeAnswerer("Cat."),
        "language": FakeLanguage("cat"),
    }
    answer = fake_engine(**served).run_program(program(body), PICTURE)
    assert answer.how == answer.to_json()["how"] == how
    word = answer.trace.direct_answer
    assert (word is not None) == (how == "direct")
    assert word is None or (word.text, word.model) == (answer.text, "fake:answerer")
    assert str(answer).endswith("(answered by one model, not checked)") == (how == "direct")
    replayed(answer)


def test_doubts_and_one_models_word_are_both_told(fake_engine):
    writer = Writer(("return image_patch.simple_query('Hat?')", HAT))
    answer = ask_once(fake_engine(writer, answerer=FakeAnswerer("Yes.")), best_effort=True)
    assert str(answer) == "yes (not verified: wearing a hat; answered by one model, not checked)"


# -- what an answer hangs on


class Thresholded(Seeing):
    score_threshold = 0.25


def weakest(fake_engine, body, **served):
    cups = {"cup": [(CUP, 0.9), ((50, 5, 70, 25), 0.3)], "person": [((40, 30, 60, 60), 0.5)]}
    served = {"detector": Thresholded(**cups), **served}
    answer = fake_engine(**served).run_program(program(body), PICTURE)
    call = answer.weakest
    again = trace_of(answer.trace.to_json()).weakest  # whose scores are rounded
    assert (again and again.line, again and again.margin) == (
        call and call.line,
        call and call.margin,
    )
    summary = answer.to_json()["weakest"]
    assert (summary is None) == (call is None)
    if call is None:
        return None
    assert summary["margin"] == call.margin
    assert summary["threshold"] == round(call.threshold, 4)
    return call.method.rpartition(".")[2], *call.arguments[:1], round(call.margin, 3)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return len(image_patch.find('cup'))", ("find", "cup", 0.05)),
        ("return image_patch.exists('cup')", ("exists", "cup", 0.65)),
        ("return len(image_patch.find('person') + image_patch.find('cup'))", ("find", "cup", 0.05)),
        (
            "return image_patch.exists('cup') and image_patch.exists('person')",
            ("exists", "person", 0.25),
        ),
        ("return len(image_patch.find('elephant'))", None),
        ("return 1", None),
        ("image_patch.find('cup')\nreturn [][0]", None),
    ],
)
def test_the_weakest_call_is_the_one_nearest_to_its_threshold(fake_engine, body, expected):
    assert weakest(fake_engine, body) == expected


def test_of_a_choice_the_second_best_is_the_threshold(fake_engine):
    matcher = FakeMatcher(
        {"red": 0.30, "blue": 0.29, "green": 0.1}, {tuple(map(float, CUP)): {"red": 0.32}}
    )
    body = "return image_patch.best_text_match(['blue', 'red', 'green'])"
    assert weakest(fake_engine, body, matcher=matcher) == (
        "best_text_match", ["blue", "red", "green"], pytest.approx(0.462, abs=0.001),
    )  # fmt: skip
    body = "return best_image_match([image_patch, image_patch.find('cup')[0]], 'red', True)"
    name, *_, margin = weakest(fake_engine, body, matcher=matcher)
    assert name == "find"
    assert margin == 0.05


def test_a_choice_of_one_has_no_threshold(fake_engine):
    body = "return image_patch.best_text_match(['red']) + str(best_image_match([image_patch], 'red', True))"
    assert weakest(fake_engine, body, matcher=FakeMatcher({"red": 0.3})) is None


def test_a_property_is_as_near_as_its_probability_to_one_half(fake_engine):
    class Certain(FakeMatcher):
        def certainty(self, cosine):
            return 0.52

    body = "return [c.verify_property('cup', 'red') for c in image_patch.find('cup')[:1]]"
    found = weakest(fake_engine, body, matcher=Certain({"red cup": 0.3}))
    assert found == ("verify_property", "cup", 0.02)


def test_a_detector_that_publishes_no_threshold_has_no_weakest_call(fake_engine):
    answer = fake_engine(detector=Seeing()).run_program(
        program("return len(image_patch.find('cup'))"), PICTURE
    )
    assert answer.trace.calls[0].threshold is None
    assert answer.weakest is None
