"""What a child says is data that may be hostile."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from fakes.backends import FakeDetector, FakeMatcher, blank_image
from viper.methods.dispatch import CallDispatcher
from viper.models.registry import BackendRef
from viper.models.roles import Detection
from viper.programs.api_spec import load_spec
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.vision_client import VisionClient
from viper_sandbox import Call, CallFailed, CallRejected, PatchRef

IMAGE = blank_image()
WHOLE = PatchRef(0, (0.0, 0.0, 100.0, 80.0), "image", 1.0)
CUP = (10.0, 10.0, 30.0, 40.0)


@pytest.fixture
def session():
    backends = {
        "detector": FakeDetector({"cup": [(CUP, 0.75)]}),
        "matcher": FakeMatcher({"red cup": 0.3}),
    }
    refs = {role: BackendRef(role, "fake", role) for role in backends}
    pool = ModelPool(refs, opener=lambda ref: backends[ref.role])
    yield CallDispatcher(load_spec(), IMAGE, VisionClient(pool, model_call_s=5), refs)
    assert pool.close(5)


def call(session, name, receiver, *arguments, line=3):
    return asyncio.run(session.handle(Call(1, name, receiver, arguments, line)))


def test_a_found_patch_goes_out_with_its_score_and_comes_back_as_itself(session):
    (ref,) = call(session, "ImagePatch.find", WHOLE, "cup")
    assert ref == PatchRef(0, CUP, "cup", 0.75)
    assert session.resolve(ref).score == 0.75


def test_only_new_patches_count_towards_the_limit(session, monkeypatch):
    first = call(session, "ImagePatch.find", WHOLE, "cup")
    monkeypatch.setattr("viper.methods.dispatch._MAX_PATCHES", len(session._given))
    assert call(session, "ImagePatch.find", WHOLE, "cup") == first
    session._given.clear()
    monkeypatch.setattr("viper.methods.dispatch._MAX_PATCHES", 0)
    with pytest.raises(CallFailed, match="more than 0 patches"):
        call(session, "ImagePatch.find", WHOLE, "cup")


def test_the_childs_word_for_score_and_category_does_not_count(session):
    call(session, "ImagePatch.find", WHOLE, "cup")
    assert session.resolve(PatchRef(0, CUP, "cup", 0.99)).score == 0.75
    invented = session.resolve(PatchRef(0, (1.0, 1.0, 5.0, 5.0), "crown jewels", 0.99))
    assert (invented.category, invented.score, invented.detected) == ("image", 1.0, False)


@pytest.mark.parametrize(
    ("ref", "complaint"),
    [
        (PatchRef(7, CUP, "cup", 1.0), "no image with the handle 7"),
        (PatchRef(-1, CUP, "cup", 1.0), "no image with the handle -1"),
        (PatchRef(0, (0.0, 0.0, float("nan"), 5.0), "cup", 1.0), "finite"),
        (PatchRef(0, (0.0, 0.0, float("inf"), 5.0), "cup", 1.0), "finite"),
        (PatchRef(0, (5.0, 5.0, 5.0, 9.0), "cup", 1.0), "no area"),
        (PatchRef(0, (9.0, 5.0, 5.0, 9.0), "cup", 1.0), "no area"),
        (PatchRef(0, (200.0, 0.0, 300.0, 9.0), "cup", 1.0), "no area"),
    ],
)
def test_a_patch_that_is_none_is_refused(session, ref, complaint):
    with pytest.raises(CallRejected, match=complaint):
        call(session, "ImagePatch.find", ref, "cup")


def test_a_box_that_leaves_the_image_is_cut(session):
    assert session.resolve(PatchRef(0, (-5.0, -5.0, 500.0, 20.0), "", 1.0)).box_xyxy == (
        0,
        0,
        100,
        20,
    )


@pytest.mark.parametrize(
    "name", ["ImagePatch.crop", "ImagePatch.__init__", "os.system", "", "find"]
)
def test_what_is_not_in_the_api_ends_the_session(session, name):
    with pytest.raises(CallFailed) as failed:
        call(session, name, WHOLE, "cup")
    assert failed.value.kind == "limit"


@pytest.mark.parametrize(
    ("receiver", "arguments"), [(WHOLE, ()), (WHOLE, ("cup", "extra")), (None, ("cup",))]
)
def test_a_malformed_call_ends_the_session(session, receiver, arguments):
    with pytest.raises(CallFailed, match="malformed frame"):
        call(session, "ImagePatch.find", receiver, *arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("find", (3,), r"find: object_name must be str, but got int 3\."),
        ("find", (None,), r"must be str, but got None"),
        ("find", (WHOLE,), r"must be str, but got an ImagePatch"),
        (
            "best_text_match",
            (["a", 3], None),
            r"must be list\[str\], but got a list of int 3 and str",
        ),
        ("best_text_match", ("red", None), r"must be list\[str\], but got str 'red'"),
    ],
)
def test_arguments_of_a_wrong_type_are_a_type_error_of_the_program(
    session, name, arguments, complaint
):
    with pytest.raises(CallRejected, match=complaint) as rejected:
        call(session, f"ImagePatch.{name}", WHOLE, *arguments)
    assert rejected.value.exception == "TypeError"


def test_a_bool_is_no_number_and_a_number_is_no_bool(session):
    with pytest.raises(CallRejected, match="return_index must be bool"):
        call(session, "best_image_match", None, [WHOLE], "x", 1)


def test_every_call_is_recorded_failed_ones_too(session):
    call(session, "ImagePatch.find", WHOLE, "cup", line=2)
    with pytest.raises(CallFailed):
        call(session, "ImagePatch.simple_query", WHOLE, "What?", line=5)
    found, refused = session.records
    assert (found.line, found.method, found.arguments) == (2, "ImagePatch.find", ("cup",))
    assert found.forwards == 1
    assert refused.failure is not None
    assert refused.failure.startswith('The question "What?" needs an answerer, ')
    assert refused.result is None
    assert dataclasses.is_dataclass(found)


# -- only what is wrong with an argument is the program's


class BrokenDetector(FakeDetector):
    """Finds boxes of three edges."""

    def detect(self, requests):
        return [[Detection((1.0, 2.0, 3.0), "cup", 0.5)] for _ in requests]


class BrokenMatcher(FakeMatcher):
    """Has a bug where it is asked on the event loop."""

    error: Exception = TypeError("a bug of the matcher")

    def refusal(self, text):
        raise self.error


def broken_session(**backends):
    refs = {role: BackendRef(role, "fake", role) for role in backends}
    pool = ModelPool(refs, opener=lambda ref: backends[ref.role])
    return CallDispatcher(load_spec(), IMAGE, VisionClient(pool, model_call_s=5), refs), pool


def test_a_backend_that_returns_nonsense_ends_the_program(caplog):
    session, pool = broken_session(detector=BrokenDetector({}))
    with pytest.raises(CallFailed, match="find failed: ValueError") as caught:
        call(session, "ImagePatch.find", WHOLE, "cup")
    assert caught.value.kind == session.records[0].failure_kind == "model"
    assert "Traceback" in caplog.text
    assert pool.close(5)


@pytest.mark.parametrize("error", [ValueError("x"), TypeError("x"), KeyError("x"), OSError("x")])
def test_an_error_of_a_backend_on_the_event_loop_ends_the_program(error):
    matcher = BrokenMatcher({})
    matcher.error = error
    session, pool = broken_session(matcher=matcher)
    with pytest.raises(CallFailed, match=f"verify_property failed: {type(error).__name__}"):
        call(session, "ImagePatch.verify_property", WHOLE, "cup", "red")
    assert session.records[0].failure_kind == "model"
    assert pool.close(5)


def test_a_wrong_argument_is_still_the_programs(session):  # the control of the two above
    with pytest.raises(CallRejected, match="object_name must not be empty") as caught:
        call(session, "ImagePatch.find", WHOLE, " ")
    assert (caught.value.exception, session.records[0].failure_kind) == ("ValueError",) * 2
    with pytest.raises(CallRejected) as caught:
        call(session, "ImagePatch.find", WHOLE, 7)
    assert (caught.value.exception, session.records[1].failure_kind) == ("TypeError",) * 2
