from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import viper
from fakes.backends import FakeAnswerer, FakeDetector, FakeLanguage, FakeMatcher
from fakes.generators import ScriptedGenerator
from viper import ConfigError, Engine, InputError, Query
from viper.images.decoding import open_image
from viper.usage import Usage

PICTURE = np.zeros((80, 90, 3), dtype=np.uint8)
COUNT = "def execute_command(image):\n    return len(ImagePatch(image).find('cup'))\n"


@pytest.fixture(scope="module")
def stub_engine():
    with Engine("stub") as engine:
        yield engine


def run(engine, body, **options):
    lines = "\n".join("    " + line for line in body.splitlines())
    source = f"def execute_command(image):\n    image_patch = ImagePatch(image)\n{lines}"
    return engine.run_program(source, PICTURE, **options)


# -- the stub preset, as published


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("return [(p.left, p.lower, p.right, p.upper) for p in image_patch.find('x')]",
         [(0, 0, 30, 80), (30, 0, 60, 80), (60, 0, 90, 80)]),
        ("return [p.score for p in image_patch.find('x')]", [0.9, 0.8, 0.7]),
        ("return image_patch.exists('x')", True),
        ("return image_patch.verify_property('x', 'red')", True),
        ("return image_patch.best_text_match(['b', 'a'])", "b"),
        ("return image_patch.simple_query('What?')", "stub"),
        ("return image_patch.simple_query()", "stub"),
        ("return image_patch.find('x')[1].compute_depth()", 45.0),
        ("return best_image_match(image_patch.find('x'), ['y'], return_index=True)", 0),
        ("return best_image_match([], ['y'])is None", True),
        ("return image_patch.llm_query('Why?')", "stub"),
        ("return llm_query('Why?')", "stub"),
        ("return process_guesses('Q', 'a', 'b')", "a"),
    ],
)  # fmt: skip
def test_the_stub_preset_gives_its_published_results(stub_engine, body, value):
    answer = run(stub_engine, body)
    assert answer.failure is None
    assert answer.value == value


def test_stub_results_need_no_forward(stub_engine):
    answer = run(stub_engine, "return len(image_patch.find('x'))")
    assert answer.to_json()["forwards"] == {}
    assert answer.to_json()["calls"] == 1


# -- what an answer holds


def test_an_answer_tells_value_text_patches_program_and_trace(fake_engine):
    detector = FakeDetector({"cup": [((1, 2, 30, 40), 0.9), ((50, 2, 80, 40), 0.8)]})
    answer = fake_engine(detector=detector).run_program(COUNT, PICTURE)
    assert (answer.value, answer.text, str(answer)) == (2, "2", "2")
    assert [p.box_xyxy for p in answer.patches] == [(1, 2, 30, 40), (50, 2, 80, 40)]
    assert answer.program == COUNT
    (call,) = answer.trace.calls
    assert (call.line, call.method, call.arguments) == (2, "ImagePatch.find", ("cup",))
    assert call.box_xyxy == (0, 0, 90, 80)
    assert call.score == 0.9
    assert call.result[0] == {
        "type": "patch", "image": 0, "box_xyxy": [1, 2, 30, 40], "score": 0.9, "category": "cup",
    }  # fmt: skip


def test_the_json_answer_has_the_published_keys(fake_engine):
    answer = fake_engine(detector=FakeDetector({})).run_program(COUNT, PICTURE)
    assert answer.to_json() == {
        "answer": "0", "task": "vqa", "question": "", "image": "image", "patches": [], "evidence": [],
        "program": COUNT, "generator": "file", "attempts": 1, "failure": None, "unverified": [],
        "notes": [],
        "calls": 1, "forwards": {"detector": 1}, "cache_hits": 0,
        "mean_batch": {"detector": 1.0}, "lookahead": {"items": 0, "hits": 0, "wasted": 0},
        "requests": {"detector": 1}, "prefetch": {"items": 0, "hits": 0, "wasted": 0},
        "outcome": "answered", "doubts": [], "direct_answer": None, "from_program_cache": False,
        "how": "program", "weakest": None, "best_effort": False,
        "timing_ms": answer.to_json()["timing_ms"], "models": {"detector": "fake:detector"},
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "cost_usd": 0.0},
        "memo": False, "confidence": None, "votes": None,
    }  # fmt: skip


def test_grounding_gives_the_chosen_patch(fake_engine):
    engine = fake_engine(detector=FakeDetector({"cup": [((1, 2, 30, 40), 0.9)]}))
    answer = run(engine, "return image_patch.find('cup')[0]", task="grounding")
    assert [p.to_json() for p in answer.patches] == [
        {
            "type": "patch", "image": 0, "box_xyxy": [1, 2, 30, 40], "score": 0.9, "category": "cup",
            "evidence": None,
        }
    ]  # fmt: skip
    assert [one.role for one in answer.evidence] == ["answer"]


def test_a_box_comes_back_from_the_program_as_it_went_in(fake_engine):
    box = (1.015625, 2.328125, 30.703125, 40.90625)
    engine = fake_engine(detector=FakeDetector({"cup": [(box, 0.9)]}))
    body = (
        "p = image_patch.find('cup')[0]\nreturn image_patch.crop(p.left, p.lower, p.right, p.upper)"
    )
    assert run(engine, body, task="grounding").patches[0].box_xyxy == box


def test_grounding_without_a_patch_is_no_such_object(stub_engine):
    answer = run(stub_engine, "return None", task="grounding")
    assert (answer.text, answer.patches, answer.failure) == ("no such object", (), None)


def test_identical_calls_of_a_run_share_one_forward(fake_engine):
    detector = FakeDetector({})
    answer = run(
        fake_engine(detector=detector), "return [image_patch.find('cup') for i in range(4)]"
    )
    assert len(detector.batches) == 1
    assert answer.to_json()["calls"] == 4
    assert answer.to_json()["cache_hits"] == 3


def test_what_a_program_prints_is_in_the_trace(stub_engine):
    answer = run(stub_engine, "print('seen', 3)\nreturn 1")
    assert answer.trace.attempts[0].printed.strip() == "seen 3"


def test_query_and_possible_answers_reach_the_program(stub_engine):
    source = """def execute_command(image, possible_answers, query):
    return query + '|' + '|'.join(possible_answers)"""
    answer = stub_engine.run_program(source, PICTURE, question="Which?", choices=["a", "b"])
    assert answer.text == "Which?|a|b"


@pytest.mark.parametrize(
    "source",
    [
        f"Sure, here it is:\n\n```python\n{COUNT}\n```\nIt counts cups.",
        "image_patch = ImagePatch(image)\nreturn len(image_patch.find('cup'))",
        "def helper(p):\n    return len(p.find('cup'))\n\n"
        "def execute_command(image):\n\n    return helper(ImagePatch(image))",
        "def answer(image):\n    return len(ImagePatch(image).find('cup'))",
    ],
    ids=["fenced prose", "bare body", "several functions", "another name"],
)  # fmt: skip
def test_programs_are_accepted_in_the_forms_that_models_write(stub_engine, source):
    answer = stub_engine.run_program(source, PICTURE)
    assert (answer.value, answer.failure) == (3, None)
    assert answer.program is not None
    assert "```" not in answer.program


# -- failures are data


@pytest.mark.parametrize(
    ("source", "kind", "line"),
    [
        ("def execute_command(image:\n    return 1", "syntax", 1),
        ("def execute_command(image):\n    import os\n    return os.getcwd()", "check", 2),
        ("def execute_command(image):\n    return image.__class__", "policy", 2),
        ("def execute_command(image):\n    return ImagePatch(image).fnd('x')", "check", 2),
        ("def execute_command(image):\n    return [][1]", "runtime", 2),
        ("def execute_command(image):\n    return None", "runtime", None),
    ],
)
def test_what_a_program_does_wrong_is_a_failure_with_kind_and_line(stub_engine, source, kind, line):
    answer = stub_engine.run_program(source, PICTURE)
    assert answer.failure is not None
    assert (answer.failure.kind, answer.failure.line) == (kind, line)
    assert answer.text is None
    assert answer.to_json()["failure"]["kind"] == kind


def test_an_endless_program_is_killed(monkeypatch):
    with Engine("stub", limits=viper_limits(program_s=0.5)) as engine:
        answer = run(engine, "while True:\n    pass")
    assert answer.failure is not None
    assert answer.failure.kind == "timeout"


def viper_limits(**values):
    from viper_sandbox import Limits

    return Limits(**values)


def test_a_role_that_nobody_serves_ends_the_program_even_inside_try(fake_engine):
    engine = fake_engine(detector=FakeDetector({"cup": [((1, 2, 30, 40), 0.9)]}))
    body = """try:
    return image_patch.verify_property('cup', 'red')
except Exception:
    return 'hidden'"""
    failure = run(engine, body).failure
    assert failure is not None
    assert (failure.kind, failure.line) == ("model", 4)
    assert failure.message.startswith('Whether "cup" is "red" needs a matcher, ')


def test_a_phrase_that_the_detector_does_not_know_is_no_empty_result(fake_engine):
    engine = fake_engine(detector=FakeDetector({}, vocabulary=("couch", "car")))
    failure = run(engine, "return len(image_patch.find('unicorn'))").failure
    assert failure is not None
    assert failure.kind == "model"
    assert "cannot detect 'unicorn'" in failure.message


def test_mistakes_of_a_call_can_be_caught_by_the_program(stub_engine):
    body = """try:
    return image_patch.best_text_match([])
except ValueError as error:
    return 'caught: ' + str(error)"""
    assert run(stub_engine, body).text.startswith("caught: best_text_match needs at least one")


def test_a_failing_model_ends_the_program(fake_engine):
    class Broken(FakeDetector):
        def detect(self, requests):
            raise RuntimeError("CUDA error: device on fire")

    failure = run(fake_engine(detector=Broken({})), "return image_patch.exists('x')").failure
    assert failure is not None
    assert failure.kind == "model"
    assert "device on fire" in failure.message


def test_a_model_that_cannot_be_loaded_is_a_config_failure():
    def refuse(ref):
        raise ConfigError("no such weights")

    with Engine("builtin", opener=refuse) as engine:
        answer = engine.ask(PICTURE, "Is there a cup?")
    assert answer.failure is not None
    assert (answer.failure.kind, answer.failure.message) == ("config", "no such weights")


def test_loading_a_model_is_not_charged_to_the_program():
    def slowly(ref):
        time.sleep(0.8)
        return FakeDetector({})

    options = {"limits": viper_limits(program_s=0.4), "model_call_s": 0.4}
    with Engine("none", backends={"detector": "builtin"}, opener=slowly, **options) as engine:
        assert run(engine, "return len(image_patch.find('cup'))").failure is None


def test_the_clock_of_the_whole_answer_stops_a_slow_model(fake_engine):
    gate = threading.Event()

    class Slow(FakeDetector):
        def detect(self, requests):
            gate.wait(5)
            return super().detect(requests)

    engine = fake_engine(detector=Slow({}))
    started = time.perf_counter()
    answer = engine.run_program(COUNT, PICTURE, timeout_s=0.5)
    assert time.perf_counter() - started < 3
    gate.set()
    assert answer.failure is not None
    assert (answer.failure.kind, answer.failure.message) == (
        "timeout", "There was no answer within 0.5 s.",
    )  # fmt: skip
    assert answer.trace.attempts[0].failure.kind == "cancelled"


# -- generating and repairing


def test_a_failure_goes_back_to_the_generator_until_a_program_works():
    generator = ScriptedGenerator(
        [
            "def execute_command(image):\n    return image.fnd('x')",
            "```\ndef execute_command(image):\n    return [][0]\n```",
            COUNT,
        ]
    )
    with Engine("stub", generator) as engine:
        answer = engine.ask(PICTURE, "How many cups?")
    assert generator.closed
    assert answer.value == 3
    assert answer.to_json()["attempts"] == 3
    assert answer.trace.usage == Usage(21, 9)
    first, second = generator.requests[2].rejected
    assert (first.failure.kind, first.failure.line) == ("check", 2)
    assert (second.failure.kind, second.source.splitlines()[1]) == ("runtime", "    return [][0]")


def test_no_more_than_three_programs_are_tried():
    generator = ScriptedGenerator(["return [][0]"] * 5)
    with Engine("stub", generator) as engine:
        answer = engine.ask(PICTURE, "How many cups?")
    assert len(generator.requests) == 3
    assert answer.failure is not None
    assert answer.failure.kind == "runtime"
    assert len(answer.trace.attempts) == 3


def test_a_generator_that_cannot_repair_is_asked_once():
    generator = ScriptedGenerator(["return [][0]"] * 5, can_repair=False)
    with Engine("stub", generator) as engine:
        engine.ask(PICTURE, "How many cups?")
    assert len(generator.requests) == 1


def test_an_answer_that_is_none_is_repaired_too():
    with Engine(
        "stub", ScriptedGenerator(["return None", "image_patch.exists('x'); return 'yes'"])
    ) as engine:
        assert engine.ask(PICTURE, "Is it?").text == "yes"


def test_no_program_is_a_failure_of_the_generator():
    with Engine("stub", ScriptedGenerator([])) as engine:
        answer = engine.ask(PICTURE, "How many cups?")
    assert answer.failure is not None
    assert answer.failure.kind == "generator"
    assert answer.program is None


def test_the_generator_is_told_what_is_served(fake_engine):
    generator = ScriptedGenerator(["return 1"])
    engine = fake_engine(generator, detector=FakeDetector({}, vocabulary=("cup",)))
    engine.ask(PICTURE, "How many cups?", choices=["1", "2"])
    request = generator.requests[0]
    assert request.capabilities.roles == {"detector"}
    assert request.capabilities.vocabulary == ("cup",)
    assert request.choices == ("1", "2")


@pytest.mark.parametrize(
    ("question", "complaint"),
    [("", "question is empty"), (" \n", "question is empty"), ("why " * 2500, "9,999 characters")],
)
def test_an_unusable_question_is_a_failure_of_the_input(stub_engine, question, complaint):
    answer = stub_engine.ask(PICTURE, question)
    assert answer.failure is not None
    assert answer.failure.kind == "input"
    assert complaint in answer.failure.message


def test_an_unknown_task_is_refused(stub_engine):
    with pytest.raises(InputError, match="task must be 'vqa' or 'grounding', but got 'poem'"):
        stub_engine.ask(PICTURE, "Is there a cup?", task="poem")


def test_an_unreadable_image_raises_input_error(stub_engine, tmp_path):
    with pytest.raises(InputError, match=r"nothing\.jpg"):
        stub_engine.ask(tmp_path / "nothing.jpg", "How many cups?")


# -- many at once, from any loop


def test_a_batch_answers_in_order_and_an_unreadable_image_fails_alone(stub_engine):
    queries = [
        Query(PICTURE, "", program="return 1"),
        Query("no/such.jpg", "", program="return 2"),
        Query(PICTURE, "", program="return 3"),
    ]
    answers = stub_engine.batch(queries, concurrency=2)
    assert [a.text for a in answers] == ["1", None, "3"]
    assert answers[1].failure is not None
    assert answers[1].failure.kind == "input"
    assert answers[1].to_json()["image"] == "such.jpg"


def test_programs_that_run_at_once_share_forwards(fake_engine):
    gate = threading.Event()

    class Gated(FakeDetector):
        def detect(self, requests):
            gate.wait(5)
            return super().detect(requests)

    detector = Gated({"cup": [], "dog": [], "cat": []})
    engine = fake_engine(detector=detector)
    names = ["cup", "dog", "cat", "cup", "dog", "cat"]
    queries = [Query(PICTURE, "", program=f"return len(image.find({n!r}))") for n in names]

    async def both():
        task = asyncio.create_task(engine.abatch(queries, concurrency=6))
        await asyncio.sleep(1.5)  # all six programs wait for the one model now
        gate.set()
        return await task

    answers = asyncio.run(both())
    assert all(a.failure is None for a in answers)
    assert len(detector.batches) <= 2
    assert sum(len(batch) for batch in detector.batches) == 3


def test_an_engine_can_be_awaited_from_several_loops(stub_engine):
    async def ask():
        return (await stub_engine.aask(PICTURE, "Is there a cup?")).text

    assert asyncio.run(ask()) == asyncio.run(ask()) == "yes"


def test_the_blocking_call_works_inside_a_running_loop(stub_engine):
    async def ask():
        return run(stub_engine, "return 7").value

    assert asyncio.run(ask()) == 7


def test_cancelling_the_awaiting_task_ends_the_session(fake_engine):
    gate = threading.Event()

    class Gated(FakeDetector):
        def detect(self, requests):
            gate.wait(5)
            return super().detect(requests)

    engine = fake_engine(detector=Gated({}))

    async def give_up():
        task = asyncio.create_task(engine.arun(Query(PICTURE, "", program=COUNT)))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    gate.set()
    assert run(engine, "return 1").value == 1


# -- life cycle


def test_closing_ends_every_thread():
    before = set(threading.enumerate())
    engine = Engine("stub")
    assert run(engine, "return 1").value == 1
    assert engine.close()
    assert engine.close()
    left = {t for t in threading.enumerate() if t not in before and not t.daemon}
    assert not [t for t in left if t.name.startswith("viper")]
    with pytest.raises(RuntimeError, match="This engine is closed"):
        run(engine, "return 1")


def test_an_engine_that_was_never_asked_starts_nothing():
    before = threading.active_count()
    Engine("stub").close()
    assert threading.active_count() == before


def test_unknown_names_are_refused_at_once():
    with pytest.raises(ConfigError, match=r"Unknown preset 'stubb'. Did you mean 'stub'\?"):
        Engine("stubb")
    with pytest.raises(ConfigError, match=r"Unknown generator 'gramar'. Did you mean 'grammar'\?"):
        Engine("stub", "gramar")


def test_the_module_level_ask_makes_an_engine_of_its_own():
    assert viper.ask(PICTURE, "Is there a cup?", models="stub").text == "yes"


def test_the_public_face_is_what_all_says():
    for name in viper.__all__:
        assert getattr(viper, name) is not None
    assert set(viper.__all__) <= set(dir(viper))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        viper.nothing  # noqa: B018


def test_every_role_is_reached_through_the_sandbox(fake_engine):
    engine = fake_engine(
        detector=FakeDetector({"cup": [((1, 2, 30, 40), 0.9)]}),
        matcher=FakeMatcher({"red cup": 0.3}),
        answerer=FakeAnswerer(),
        language=FakeLanguage("Paris."),
    )
    body = """cup = image_patch.find('cup')[0]
return [cup.verify_property('cup', 'red'), cup.simple_query('What?'), llm_query('Where?', False)]"""
    answer = run(engine, body)
    assert answer.value == [True, "a cat", "paris"]
    assert answer.trace.forwards == {"detector": 1, "matcher": 2, "answerer": 1, "language": 1}
    assert answer.trace.usage == Usage(15, 5)


def test_models_can_be_loaded_before_they_are_needed():
    opened = []

    class Model:
        fingerprint = "m"
        vocabulary = None

    def opener(ref):
        opened.append(ref.role)
        return Model()

    with Engine("builtin", opener=opener) as engine:
        engine.preload()
        assert sorted(opened) == ["answerer", "depth", "detector", "matcher"]
        engine.preload()
        assert len(opened) == 4


def test_a_model_that_cannot_be_loaded_is_told_by_preload():
    def opener(ref):
        raise ConfigError("no weights")

    with Engine("builtin", opener=opener) as engine, pytest.raises(ConfigError, match="no weights"):
        engine.preload()


def test_a_program_is_checked_from_any_loop():
    with Engine("stub") as engine:
        report = asyncio.run(engine.acheck("import os"))
    assert report.findings[0].kind == "check"


# -- loaded backends, shared models, arguments


FIND = "return len(image_patch.find('cup'))"


def test_a_loaded_backend_serves_a_role_and_traces_call_it_by_its_class():
    with Engine(
        "none", backends={"detector": FakeDetector({"cup": [((1, 1, 5, 5), 0.9)]})}
    ) as engine:
        answer = run(engine, FIND)
        assert (answer.text, answer.to_json()["models"]) == ("1", {"detector": "FakeDetector"})
        assert engine.fingerprints() == {"detector": "fake-detector"}


def test_a_loaded_backend_replaces_the_one_of_a_preset():
    with Engine("stub", backends={"detector": FakeDetector({})}) as engine:
        assert run(engine, FIND).text == "0"


class Without(FakeDetector):
    detect = None


@pytest.mark.parametrize(
    ("role", "backend", "complaint"),
    [
        ("detector", Without({}), "The detector must be NAME:REFERENCE, or .* with detect .* got Without"),
        ("matcher", FakeDetector({}), "an object with embed_images and embed_texts"),
        ("depth", 3, "an object with estimate and measure .* got int"),
        ("detector", FakeDetector({}, fingerprint=None), "must have an attribute 'fingerprint'"),
    ],
    ids=["method", "methods", "number", "fingerprint"],
)  # fmt: skip
def test_an_object_that_is_not_a_backend_of_its_role_is_refused(role, backend, complaint):
    with pytest.raises(ConfigError, match=complaint):
        Engine("none", backends={role: backend})


@pytest.mark.parametrize("share", [lambda e: {"pool": e.pool}, lambda e: {"models_of": e}])
def test_engines_share_the_models_of_a_pool(share):
    detector = FakeDetector({})
    backends = {"detector": detector}
    with (
        Engine("none", backends=backends) as lender,
        Engine("none", backends=backends, **share(lender)) as borrower,
        Engine("none", backends={"detector": FakeDetector({})}, **share(lender)) as other,
    ):
        for engine in (lender, borrower, other):
            assert run(engine, FIND).failure is None
        assert len(detector.batches) == lender.load()["detector"].forwards == 1
        assert other.load()["detector"].forwards == 1


def test_arguments_of_0_1_still_work(tmp_path):
    with Engine("none", lookahead=False, memo=tmp_path / "programs.sqlite") as engine:
        assert engine.config.prefetch is False
        assert engine.config.program_cache == tmp_path / "programs.sqlite"


def test_an_unknown_argument_is_a_type_error():
    with pytest.raises(TypeError, match="'modles'"):
        Engine(modles="none")
    with pytest.raises(ConfigError, match="votes must be at least 1, but got 0"):
        Engine("none", votes=0)


def test_the_package_of_the_engine_gives_its_names_and_imports_nothing_for_that():
    code = (
        "import sys, viper, viper.engine, viper.engine.options\n"
        "assert not {'numpy', 'pydantic', 'torch'} & sys.modules.keys()\n"
        "from viper.engine import Engine, ask\n"
        "from viper.settings import load_settings\n"
        "assert (Engine, ask) == (viper.Engine, viper.ask)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    "program",
    [
        "def execute_command(image):\n    return len(image.find('cup'))\n",
        "def execute_command(image):\n    return image\n",
        "def execute_command(image):\n    raise ValueError\n",
        "import os\n",
    ],
)
def test_pixels_of_an_answered_image_are_freed_without_the_collector(program):
    with Engine("stub") as engine:
        engine.run_program(program, np.zeros((30, 40, 3), np.uint8))
        gc.collect()
        gc.disable()
        try:
            image = open_image(np.zeros((30, 41, 3), np.uint8))
            pixels = weakref.ref(image.pixels())
            answer = engine.run_program(program, image)
            kept = weakref.ref(image.pixels())  # control: what is in use stays
            assert kept() is not None
            del answer, image
            deadline_s = time.monotonic() + 5
            while pixels() is not None and time.monotonic() < deadline_s:
                time.sleep(0.01)
            assert pixels() is None
        finally:
            gc.enable()
