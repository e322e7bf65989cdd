"""The whole path of a module's method: stub, sandbox, session, scheduler, model, cache, trace."""

from __future__ import annotations

import numpy as np
import pytest

from docs.tooling.api_page import to_markdown
from viper import Engine
from viper.errors import ConfigError, ModelError
from viper.generate.generator import GenerationRequest
from viper.generate.prompt import build_messages
from viper.models.capabilities import Capabilities
from viper.models.roles import CompletionRequest
from viper.modules import Completion, Detection, Module
from viper.modules.program_api import ProgramApi
from viper.usage import Usage

BRIGHT = np.full((40, 60, 3), 200, np.uint8)
BRIGHT[:, :30] = 90


def program(*lines):
    body = "\n".join(f"    {line}" for line in lines)
    return f"def execute_command(image):\n    image_patch = ImagePatch(image)\n{body}\n"


@pytest.fixture
def engine(signs):
    with Engine("none", modules=[signs]) as made:
        yield made


def test_a_method_answers_and_is_recorded_like_any_other(engine):
    answer = engine.run_program(program("return image_patch.read_text('de')"), BRIGHT)
    assert answer.text == "de 60x40 145"
    (call,) = answer.trace.attempts[0].calls
    assert (call.method, call.arguments, call.result) == (
        "ImagePatch.read_text",
        ("de",),
        "de 60x40 145",
    )
    assert (call.forwards, call.batch_size) == (1, 1)
    assert answer.trace.forwards == {"reader": 1}
    assert answer.trace.models["reader"] == "signs"
    assert engine.capabilities().serves("reader")
    assert engine.fingerprints()["reader"].startswith("street-signs reader 1")


def test_equal_calls_are_computed_once_for_all_programs(engine):
    first = engine.run_program(program("return image_patch.read_text()"), BRIGHT)
    again = engine.run_program(program("return image_patch.read_text()"), BRIGHT.copy())
    assert first.text == again.text
    assert again.trace.forwards == {}
    assert again.trace.attempts[0].calls[0].cached
    other = engine.run_program(program("return image_patch.read_text('fr')"), BRIGHT)
    assert other.trace.forwards == {"reader": 1}


def test_what_a_loop_will_ask_is_asked_along(engine):
    source = program(
        "texts = []",
        "for part in image_patch.bright_parts():",
        "    texts.append(part.read_text())",
        "return texts",
    )
    answer = engine.run_program(source, BRIGHT)
    assert answer.text == "en 30x40 200, en 30x40 90"
    assert answer.trace.prefetch == {"items": 1, "hits": 1, "wasted": 0}
    assert answer.trace.forwards == {"reader": 2}


def test_patches_of_a_module_have_the_box_the_name_and_the_score_that_it_gave(engine):
    answer = engine.run_program(program("return image_patch.bright_parts()"), BRIGHT)
    assert [(p.box_xyxy, p.category, round(p.score, 3)) for p in answer.patches] == [
        ((30.0, 0.0, 60.0, 40.0), "bright part", 0.784),
        ((0.0, 0.0, 30.0, 40.0), "bright part", 0.353),
    ]
    inner = program("return image_patch.crop(20, 0, 60, 40).bright_parts()[1]")
    (patch,) = engine.run_program(inner, BRIGHT).patches
    assert patch.box_xyxy == (20.0, 0.0, 40.0, 40.0)  # its detections are in pixels of the crop


def test_an_object_is_read_kept_and_passed_back(engine):
    source = program(
        "left, right = [p.bright_mask(0.5) for p in image_patch.bright_parts()]",
        "same = image_patch.bright_parts()[0].bright_mask(0.5)",
        "return [left.area, right.pixels, mask_overlap(left, right), mask_overlap(left), left == same]",
    )
    answer = engine.run_program(source, BRIGHT)
    assert answer.text == "1, 0, 0, 1, yes"


def test_an_object_is_no_answer(engine):
    answer = engine.run_program(program("return [1, {'a': image_patch.bright_mask()}]"), BRIGHT)
    assert answer.failure.kind == "runtime"
    assert answer.failure.message == (
        "The program returned a Mask, which is no answer; return one of its attributes (.area or .pixels)."
    )


def test_a_refused_request_is_an_error_that_the_program_may_catch(engine):
    source = program(
        "try:",
        "    return image_patch.read_text('xx')",
        "except ValueError as error:",
        "    return str(error)",
    )
    assert engine.run_program(source, BRIGHT).text == "language must be one of en, de, fr."


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("return image_patch.read_txt()", "Did you mean 'read_text'?"),
        ("return image_patch.read_text('de', 1)", "read_text takes at most 1 arguments, got 2."),
        ("return image_patch.bright_mask().arae", "Did you mean 'area'?"),
    ],
)
def test_programs_are_checked_against_the_stub(engine, line, finding):
    (found,) = engine.check(program(line)).findings
    assert finding in found.message


def test_without_the_module_its_methods_do_not_exist():
    with Engine("none", modules=[]) as bare:
        assert bare.check(program("return image_patch.read_text()")).findings


def test_the_prompt_and_the_page_tell_of_what_a_module_brings(signs):
    spec = ProgramApi.of([signs]).spec
    served = Capabilities(frozenset({"detector", "reader"}))
    request = GenerationRequest("What does it say?", capabilities=served, spec=spec)
    text = build_messages(request)[0].text
    assert "def read_text(self, language: str = 'en') -> str:" in text
    assert "class Mask:  # The bright part of a patch, pixel by pixel." in text
    assert "    area: float  # Share of the patch that is bright, 0 … 1." in text
    page = to_markdown(spec)
    assert "### `mask_overlap(first: Mask, second: Mask | None = None) -> float`" in page
    assert "## Objects of the class Mask" in page


def test_another_backend_may_serve_the_role_of_a_module(signs):
    for text, shown in (("signs:?style=shouting", "EN 60X40 145"), ("stub", "stub")):
        with Engine("none", backends={"reader": text}, modules=[signs]) as engine:
            answer = engine.run_program(program("return image_patch.read_text()"), BRIGHT)
            assert answer.text == shown
    with pytest.raises(ConfigError, match=r"Unknown reader backend 'sign'.*Did you mean 'signs'"):
        Engine("none", backends={"reader": "sign:x"}, modules=[signs])
    with pytest.raises(ConfigError, match="Unknown role 'reader'"):
        Engine("none", backends={"reader": "signs"}, modules=[])


def test_a_stubbed_object_has_values_of_its_types(signs):
    with Engine("none", backends={"reader": "stub"}, modules=[signs]) as engine:
        source = program(
            "mask = image_patch.bright_mask()",
            "return [mask.area, mask.pixels, mask_overlap(mask), len(image_patch.bright_parts())]",
        )
        assert engine.run_program(source, BRIGHT).text == "1, 1, 1, 1"


def test_plain_results_outlive_the_process_and_objects_do_not(signs, tmp_path):
    texts = program("return image_patch.read_text()")
    masks = program("return mask_overlap(image_patch.bright_mask(), image_patch.bright_mask(0.9))")
    forwards = []
    for _ in range(2):
        with Engine("none", modules=[signs], cache=tmp_path) as engine:
            for source in (texts, masks):
                answer = engine.run_program(source, BRIGHT)
                assert answer.failure is None
                forwards.append(answer.trace.forwards.get("reader", 0))
    assert forwards == [1, 3, 0, 3]


STUB = '''
class Thing:
    """A thing."""
    size: int
    """Its size."""

class ImagePatch:
    @needs("{role}")
    def ask_it(self, about: str = "x") -> {returns}:
        """Ask."""
'''


class Model:
    fingerprint = "model 1"


def one(returns, function, role="asker"):
    roles = {"asker": lambda reference, options: Model()} if role == "asker" else {}
    stub = STUB.format(returns=returns, role=role)
    return Module("asking", stub=stub, methods={"ImagePatch.ask_it": function}, roles=roles)


def asked(module, line="return image_patch.ask_it()", **options):
    with Engine("none", modules=[module], **options) as engine:
        return engine.run_program(program(line), BRIGHT)


def sized(size):
    return type("Sized", (), {"size": size})()


@pytest.mark.parametrize(
    ("returns", "result", "told"),
    [
        ("str", 3, "must return str, but gave int: 3."),
        ("int", True, "must return int, but gave bool: True."),
        ("int", 2**70, "but gave int (more than 64 bits)"),
        ("float", float("nan"), "but gave float (not a finite number): nan."),
        ("list[str]", ["a", 1], "but gave list"),
        ("dict[str, int]", {1: 2}, "but gave dict"),
        ("Literal['a']", "b", "but gave str: 'b'."),
        ("ImagePatch", (0, 0, 1, 1), "but gave tuple"),
        (
            "ImagePatch",
            Detection((90, 0, 99, 9), "x", 1.0),
            "a box without area inside the image",
        ),
        ("ImagePatch", Detection((0, 0, float("inf"), 9), "x", 1.0), "not a finite number"),
        ("Thing", {"size": 1}, "but gave dict"),
        ("Thing", object(), "its size 'object' object has no attribute 'size'"),
        ("Thing", sized("big"), "its size is of another type"),
    ],
)
def test_a_result_of_another_type_ends_the_program_and_names_the_module(returns, result, told):
    answer = asked(one(returns, lambda model, requests: [result for _ in requests]))
    assert answer.failure.kind == "model"
    assert "ImagePatch.ask_it of the module 'asking' of this process" in answer.failure.message
    assert told in answer.failure.message


@pytest.mark.parametrize(
    ("returns", "result", "text"),
    [
        ("float", 3, "3"),
        ("float", np.float32(0.5), "0.5"),
        ("int", np.int64(7), "7"),
        ("str | None", "yes", "yes"),
        ("list[int]", (1, 2), "1, 2"),
        ("dict[str, bool]", {"a": True}, '{"a": true}'),
        ("ImagePatch", Detection((-5, 0, 20, 9), "left part", 7.0), "left part"),
        ("str", Completion("said", Usage(3, 4)), "said"),
    ],
)
def test_results_are_taken_in_the_forms_that_models_give(returns, result, text):
    answer = asked(one(returns, lambda model, requests: [result for _ in requests]))
    assert (answer.text, answer.failure) == (text, None)


def test_tokens_that_a_method_was_billed_are_counted():
    answer = asked(one("str", lambda model, requests: [Completion("a", Usage(3, 4))]))
    assert answer.trace.attempts[0].calls[0].usage == Usage(3, 4)


ASK_FIFTEEN = """texts = []
for number in range(15):
    try:
        texts.append(image_patch.ask_it(str(number)))
    except ValueError:
        pass
return len(texts)"""


def paid(model, requests):
    return [Completion("a", Usage(60, 40)) for _ in requests]


def false(model, requests):
    return [Completion("not a number", Usage(60, 40)) for _ in requests]


def in_secret(model, requests):
    """Asks the role's model and keeps the usage to itself."""
    return [model.complete([CompletionRequest("?", 5)])[0].text for _ in requests]


class Paid:
    fingerprint = "paid"

    def complete(self, requests):
        return [Completion("a", Usage(60, 40)) for _ in requests]


def spent_by(function, returns="str", role="asker", **options):
    """Let a program ask fifteen times; return the answer and what was spent."""
    served = (
        {"backends": {role: "openai:x"}, "opener": lambda ref: Paid()} if role != "asker" else {}
    )
    module = one(returns, function, role)
    with Engine("none", modules=[module], **served, **options) as engine:
        answer = engine.run_program(program(*ASK_FIFTEEN.splitlines()), BRIGHT)
        if answer.failure is not None:  # a repaired program would ask again
            engine.run_program(program("return image_patch.ask_it('again')"), BRIGHT)
        return answer, engine.spent


@pytest.mark.parametrize(("function", "role"), [(paid, "asker"), (in_secret, "language")])
def test_a_budget_ends_the_calls_of_a_module(monkeypatch, function, role):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    answer, spent = spent_by(function, role=role, max_tokens=100)
    assert answer.failure.kind == "budget"
    assert spent.tokens == 100
    free, all_of_it = spent_by(function, role=role)  # the control: it is the budget that ends them
    assert (free.text, all_of_it.tokens) == ("15", 1500)
    assert free.trace.usage.tokens == 1500


def test_tokens_of_a_result_that_is_refused_are_spent_all_the_same():
    answer, spent = spent_by(false, returns="int", max_tokens=100)
    assert answer.failure.kind == "model"
    assert answer.trace.usage == spent == Usage(60, 40)


def test_what_a_module_tells_itself_is_not_counted_twice(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")

    def telling(model, requests):
        return [model.complete([CompletionRequest("?", 5)])[0] for _ in requests]

    assert spent_by(telling, role="language")[1].tokens == 1500


def test_an_error_after_a_paid_call_does_not_hide_what_it_cost(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")

    def broken(model, requests):
        model.complete([CompletionRequest("?", 5)])
        raise RuntimeError("broken")

    answer, spent = spent_by(broken, role="language", max_tokens=100)
    assert "RuntimeError: broken" in answer.failure.message
    assert spent.tokens == 100


def test_an_engine_that_borrows_a_model_keeps_its_own_budget():
    module = one("str", paid)
    with (
        Engine("none", modules=[module]) as lender,
        Engine("none", modules=[module], models_of=lender, max_tokens=100) as borrower,
    ):
        answer = borrower.run_program(program(*ASK_FIFTEEN.splitlines()), BRIGHT)
        assert (answer.failure.kind, borrower.spent.tokens) == ("budget", 100)


def fail(error):
    raise error


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda model, requests: [], "returned 0 results for 1 requests"),
        (lambda model, requests: fail(RuntimeError("broken")), "RuntimeError: broken"),
        (lambda model, requests: fail(SystemExit(0)), "tried to end the process"),
        (lambda model, requests: None, "TypeError"),
        (lambda model, requests: [ModelError("too dark")], "too dark"),
        (lambda model, requests: [requests[0]["nothing"]], "KeyError: 'nothing'"),
    ],
)
def test_a_method_that_fails_ends_the_program_with_the_kind_model(function, told):
    answer = asked(one("str", function))
    assert answer.failure.kind == "model"
    assert told in answer.failure.message


def test_a_patch_of_another_picture_is_refused():
    kept = []

    def keep(model, requests):
        kept.extend(request.patch for request in requests)
        return [kept[0] for _ in requests]

    with Engine("none", modules=[one("ImagePatch", keep)]) as engine:
        source = program("return image_patch.ask_it()")
        assert engine.run_program(source, BRIGHT).text == "image"
        answer = engine.run_program(source, 255 - BRIGHT)
    assert "a patch of another image" in answer.failure.message


def test_a_loader_that_fails_is_told_at_the_first_call():
    stub = STUB.format(returns="str", role="asker")
    module = Module(
        "asking",
        stub=stub,
        methods={"ImagePatch.ask_it": lambda model, requests: []},
        roles={"asker": lambda reference, options: fail(OSError("no weights"))},
    )
    answer = asked(module)
    assert answer.failure.kind == "model"
    assert "OSError: no weights" in answer.failure.message


def test_a_method_may_use_a_role_of_vipers():
    def fingerprints(model, requests):
        return [model.fingerprint for _ in requests]

    module = one("str", fingerprints, role="detector")
    served = {"backends": {"detector": "builtin"}, "opener": lambda ref: Model()}
    answer = asked(module, **served)
    assert (answer.text, answer.trace.forwards) == ("model 1", {"detector": 1})
    unserved = asked(module)
    assert unserved.failure.kind == "model"
    assert "The method ask_it of a module needs a detector" in unserved.failure.message


def test_requests_of_programs_at_the_same_time_share_a_forward():
    import threading

    begun, sizes = threading.Event(), []

    def slow(model, requests):
        sizes.append(len(requests))
        if len(sizes) == 1:
            begun.wait(5)
        return [request["about"] for request in requests]

    with Engine("none", modules=[one("str", slow)]) as engine:
        threading.Timer(0.7, begun.set).start()
        queries = [
            engine_query(program(f"return image_patch.ask_it('{word}')")) for word in "abcdef"
        ]
        answers = engine.batch(queries)
    assert [answer.text for answer in answers] == list("abcdef")
    assert len(sizes) < 6


def engine_query(source):
    from viper import Query

    return Query(BRIGHT, "", program=source)
