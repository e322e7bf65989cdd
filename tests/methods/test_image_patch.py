from __future__ import annotations

import asyncio
import threading
import time

import pytest

from fakes.backends import (
    FakeAnswerer,
    FakeDepth,
    FakeDetector,
    FakeLanguage,
    FakeMatcher,
    blank_image,
    whole,
)
from viper.errors import ModelError, TimeoutExceededError, UnservedError
from viper.images.image import View
from viper.images.region import Patch
from viper.methods import image_patch as methods
from viper.methods.method_call import MethodCall
from viper.models.registry import BackendRef
from viper.scheduling.model_pool import ModelPool
from viper.scheduling.vision_client import VisionClient

IMAGE = blank_image()
WHOLE = Patch(whole(IMAGE))


def call(method, *arguments, **backends):
    """Run one method against fake backends; return its result and the call."""
    pool = ModelPool(
        {role: BackendRef(role, "fake", role) for role in backends},
        opener=lambda ref: backends[ref.role],
    )
    made = MethodCall(VisionClient(pool, model_call_s=5), WHOLE)
    try:
        return asyncio.run(method(made, *arguments)), made
    finally:
        assert pool.close(5)


def patch_at(*box):
    return Patch(View(IMAGE, box), "cup", 0.5)


def test_find_returns_the_best_first_without_duplicates():
    detector = FakeDetector(
        {"cup": [((0, 0, 9, 9), 0.4), ((50, 50, 60, 60), 0.9), ((1, 0, 10, 9), 0.6)]}
    )
    found, _ = call(methods.find, WHOLE, "cup", detector=detector)
    assert [(p.box_xyxy, p.score, p.category) for p in found] == [
        ((50, 50, 60, 60), 0.9, "cup"),
        ((1, 0, 10, 9), 0.6, "cup"),
    ]


def test_objects_that_a_detector_says_are_distinct_all_stay():
    class DistinctDetector(FakeDetector):
        has_distinct_detections = True

    boxes = [((0, 0, 9, 9), 0.4), ((0, 0, 9, 9), 0.5), ((1, 0, 10, 9), 0.6)]
    found, _ = call(methods.find, WHOLE, "cup", detector=DistinctDetector({"cup": boxes}))
    assert [(p.box_xyxy[0], p.score) for p in found] == [(1, 0.6), (0, 0.5), (0, 0.4)]


def test_find_on_a_patch_looks_at_its_crop_and_answers_in_image_pixels():
    detector = FakeDetector({"cup": [((5, 5, 15, 15), 0.4), ((52, 50, 60, 60), 0.9)]})
    found, _ = call(methods.find, patch_at(50.5, 40.0, 90.0, 80.0), "cup", detector=detector)
    assert [p.box_xyxy for p in found] == [(52, 50, 60, 60)]


def test_boxes_outside_the_image_are_cut_and_empty_ones_dropped():
    detector = FakeDetector({"cup": [((-20, 10, 30, 120), 0.9), ((10, 10, 10, 20), 0.8)]})
    found, _ = call(methods.find, WHOLE, "cup", detector=detector)
    assert [p.box_xyxy for p in found] == [(0, 10, 30, 80)]


def test_a_closed_detector_runs_once_for_all_its_classes():
    detector = FakeDetector(
        {"couch": [((0, 0, 9, 9), 0.4)], "person": []}, vocabulary=("person", "couch")
    )

    async def both(made):
        return (
            await methods.find(made, WHOLE, "sofa"),
            await methods.find(made, WHOLE, "people"),
            await methods.exists(made, WHOLE, "couch"),
        )

    (sofas, people, exists), made = call(both, detector=detector)
    assert [p.category for p in sofas] == ["sofa"]
    assert people == []
    assert exists is True
    assert len(detector.batches) == 1
    assert made.notes == [
        "'sofa' detected as 'couch' (synonym)",
        "'people' detected as 'person' (synonym)",
    ]
    assert made.doubts == []


def test_a_narrower_word_is_reported_as_only_partly_verified():
    detector = FakeDetector({}, vocabulary=("person",))
    _, made = call(methods.find, WHOLE, "woman", detector=detector)
    (doubt,) = made.doubts
    assert doubt.condition == "'woman' detected as 'person'"
    assert doubt.why == "the detector knows 'person', but not 'woman'"
    assert doubt.needs == "detector"


def test_a_phrase_outside_the_vocabulary_ends_the_call_and_suggests_near_words():
    detector = FakeDetector({}, vocabulary=("couch", "car"))
    with pytest.raises(UnservedError, match=r"cannot detect 'red sofa'.*Did you mean 'couch'\?"):
        call(methods.find, WHOLE, "red sofa", detector=detector)


@pytest.mark.parametrize(
    "phrase", ["object", "objects", "thing", "the things", "any item", "all objects"]
)
def test_a_word_for_anything_finds_all_that_a_closed_detector_detects(phrase):
    boxes = {"cup": [((0, 0, 9, 9), 0.4), ((1, 0, 10, 9), 0.6)], "dog": [((0, 0, 10, 9), 0.5)]}
    boxes["cat"] = [((40, 40, 60, 60), 0.9), ((40, 40, 60, 59), 0.3)]
    boxes["fox"] = [((40, 40, 60, 60), 0.8)]
    detector = FakeDetector(boxes, vocabulary=("cup", "dog", "cat", "fox"))
    found, made = call(methods.find, WHOLE, phrase, detector=detector)
    # The fox is the cat by another name, the dog the cup.
    assert [(p.box_xyxy, p.score, p.category) for p in found] == [
        ((40, 40, 60, 60), 0.9, phrase),
        ((1, 0, 10, 9), 0.6, phrase),
    ]
    assert made.notes == [f"{phrase!r} stands for all 4 classes of the detector"]
    assert made.doubts == []


def test_that_nothing_was_found_of_any_class_does_not_say_that_there_is_nothing():
    detector = FakeDetector({}, vocabulary=("cup", "dog"))
    found, made = call(methods.find, WHOLE, "object", detector=detector)
    assert found == []
    assert [(doubt.condition, doubt.why, doubt.needs) for doubt in made.doubts] == [
        (
            "that there is no object of any kind",
            "the detector knows 2 kinds of things only",
            "detector",
        )
    ]
    assert call(methods.find, WHOLE, "cup", detector=detector)[1].doubts == []


def test_a_class_that_is_called_object_is_that_class():
    detector = FakeDetector(
        {"object": [((0, 0, 9, 9), 0.4)], "dog": [((40, 0, 50, 9), 0.5)]},
        vocabulary=("object", "dog"),
    )
    found, _ = call(methods.find, WHOLE, "objects", detector=detector)
    assert [p.box_xyxy for p in found] == [(0, 0, 9, 9)]


@pytest.mark.parametrize("name", ["", "  \n"])
def test_find_refuses_an_empty_name(name):
    with pytest.raises(ValueError, match="object_name must not be empty"):
        call(methods.find, WHOLE, name, detector=FakeDetector({}))


def test_a_property_is_compared_with_others_of_its_kind_and_with_the_bare_object():
    matcher = FakeMatcher({"red cup": 0.3, "blue cup": 0.2, "cup": 0.25})
    assert call(methods.verify_property, WHOLE, "cup", "red", matcher=matcher)[0] is True
    assert call(methods.verify_property, WHOLE, "cup", "blue", matcher=matcher)[0] is False
    assert "red cup" not in matcher.text_batches[0][1:]
    assert len(matcher.text_batches[0]) == 13  # red, the bare object, eleven other colours


def test_an_unknown_attribute_is_compared_with_the_bare_object():
    matcher = FakeMatcher({"cracked cup": 0.3, "cup": 0.25})
    holds, made = call(methods.verify_property, WHOLE, "cup", "cracked", matcher=matcher)
    assert holds is True
    assert made.notes == ["compared with 'cup'"]
    assert made.score == pytest.approx(0.9933, abs=1e-4)


def test_best_text_match_returns_the_option_as_given():
    matcher = FakeMatcher({"a photo of Blue cup": 0.3})
    best, _ = call(
        methods.best_text_match, WHOLE, ["gold cup", "Blue  cup"], "a photo of", matcher=matcher
    )
    assert best == "Blue  cup"


def test_best_text_match_refuses_no_options():
    with pytest.raises(ValueError, match="at least one option"):
        call(methods.best_text_match, WHOLE, [], None, matcher=FakeMatcher())


def test_simple_query_is_short_lower_case_and_without_full_stop():
    assert call(methods.simple_query, WHOLE, "What?", answerer=FakeAnswerer())[0] == "a cat"


def test_depth_is_the_median_of_the_patch_in_one_map():
    depth = FakeDepth()

    async def two(made):
        return [
            await methods.compute_depth(made, patch_at(10.0, 0.0, 21.0, 5.0)),
            await methods.compute_depth(made, patch_at(80.0, 0.0, 81.0, 80.0)),
        ]

    assert call(two, depth=depth)[0] == [15.0, 80.0]
    assert depth.calls == 1


def test_a_depth_model_that_measures_views_is_asked_for_the_view():
    class MeasuringDepth(FakeDepth):
        def measure(self, views):
            return [view.box_xyxy[0] + 0.25 for view in views]

    depth = MeasuringDepth()
    measured, _ = call(methods.compute_depth, patch_at(10.0, 0.0, 21.0, 5.0), depth=depth)
    assert measured == 10.25
    assert depth.calls == 0


def test_best_image_match_takes_the_best_mean_over_the_texts():
    left, right = patch_at(0.0, 0.0, 10.0, 10.0), patch_at(20.0, 0.0, 30.0, 10.0)
    matcher = FakeMatcher(
        view_words={
            left.box_xyxy: {"red": 0.9, "cup": 0.1},
            right.box_xyxy: {"red": 0.6, "cup": 0.6},
        }
    )
    find = methods.best_image_match
    assert call(find, [left, right], ["red", "cup"], False, matcher=matcher)[0] == right
    assert call(find, [left, right], "red", True, matcher=matcher)[0] == 0
    assert call(find, [], "red", True, matcher=matcher)[0] is None
    assert matcher.image_batches == [2, 2]


def test_best_image_match_takes_a_bare_string_as_one_text():
    matcher = FakeMatcher()
    call(methods.best_image_match, [WHOLE], "red cup", False, matcher=matcher)
    assert matcher.text_batches == [["red cup"]]


def test_braces_in_a_question_do_not_break_the_prompt():
    language = FakeLanguage("Paris.")
    assert call(methods.llm_query, "What is {x}?", False, language=language)[0] == "paris"
    assert "What is {x}?" in language.prompts[0]


def test_a_long_answer_comes_as_the_model_gave_it():
    answer, _ = call(methods.llm_query, "Why?", True, language=FakeLanguage("Because. So."))
    assert answer == "Because. So."


def test_process_guesses_shows_both_guesses():
    language = FakeLanguage("Cane.")
    chosen, _ = call(methods.process_guesses, "Held?", "umbrella", "cane", language=language)
    assert chosen == "cane"
    assert "Guess 1: umbrella" in language.prompts[0]
    assert "Guess 2: cane" in language.prompts[0]


@pytest.mark.parametrize("guesses", [["umbrella", "cane"], ["umbrella", None, " ", "cane"]])
def test_process_guesses_takes_a_list(guesses):
    language = FakeLanguage("Cane.")
    chosen, _ = call(methods.process_guesses, "Held?", guesses, None, language=language)
    assert chosen == "cane"
    assert "Guess 1: umbrella\nGuess 2: cane\n" in language.prompts[0]
    assert "Guess 3" not in language.prompts[0]


def test_a_list_with_one_guess_needs_no_model():
    chosen, _ = call(
        methods.process_guesses, "Held?", [None, "cane"], None, language=FakeLanguage()
    )
    assert chosen == "cane"


@pytest.mark.parametrize(
    "reply",
    ["<think>Red? No.</think>\nBlue.", "Red? No.</think> Blue<|im_end|>", "[THINK]Red[/THINK]blue"],
)
def test_what_a_model_thought_is_not_its_answer(reply):
    assert call(methods.simple_query, WHOLE, "Color?", answerer=FakeAnswerer(reply))[0] == "blue"
    assert call(methods.llm_query, "Color?", False, language=FakeLanguage(reply))[0] == "blue"


@pytest.mark.parametrize(
    "reply", ["<think>It could be red", "red</think>", "<thinking>hm<|im_end|>"]
)
def test_thoughts_alone_are_no_answer(reply):
    with pytest.raises(ModelError, match="thought aloud"):
        call(methods.simple_query, WHOLE, "Color?", answerer=FakeAnswerer(reply))


def test_a_single_guess_needs_no_model():
    assert (
        call(methods.process_guesses, "Held?", None, "cane", language=FakeLanguage())[0] == "cane"
    )


def test_a_missing_role_ends_the_call_and_says_what_to_add():
    with pytest.raises(UnservedError, match=r"role 'matcher'.*--backend matcher=transformers:"):
        call(methods.verify_property, WHOLE, "cup", "red")


def test_a_loop_that_works_for_others_is_no_time_of_a_model():
    began = threading.Event()

    class Quick(FakeDetector):
        def detect(self, requests):
            began.set()
            time.sleep(0.02)
            return super().detect(requests)

    async def late(made):
        made.client._model_call_s = 0.2
        finding = asyncio.ensure_future(methods.find(made, WHOLE, "cup"))
        while not began.is_set():
            await asyncio.sleep(0)
        time.sleep(0.6)  # the loop is blocked: that is the attack
        return await finding

    found, _ = call(late, detector=Quick({}))
    assert found == []


def test_a_slow_model_call_ends_with_its_own_clock():
    gate = threading.Event()

    class Slow(FakeDetector):
        def detect(self, requests):
            gate.wait(5)
            return super().detect(requests)

    async def slow(made):
        made.client._model_call_s = 0.05
        try:
            return await methods.find(made, WHOLE, "cup")
        finally:
            gate.set()

    with pytest.raises(TimeoutExceededError, match=r"longer than 0.05 s \(model_call_s\)"):
        call(slow, detector=Slow({}))


def test_what_a_run_knows_is_not_asked_again():
    matcher = FakeMatcher({"red cup": 0.3})

    async def twice(made):
        first = made.client.begin_call()
        await methods.best_text_match(made, WHOLE, ["red cup", "cup"], None)
        second = made.client.begin_call()
        await methods.best_text_match(made, WHOLE, ["cup", "red cup", "mug"], None)
        return first, second

    (first, second), made = call(twice, matcher=matcher)
    assert matcher.image_batches == [1]
    assert matcher.text_batches == [["red cup", "cup"], ["mug"]]
    assert (first.requests, first.cached) == (3, 0)
    assert (second.requests, second.cached) == (4, 3)
    assert {role: len(ids) for role, ids in made.client.metrics.forwards.items()} == {"matcher": 3}


def test_tokens_are_billed_once():
    language = FakeLanguage("x")

    async def twice(made):
        await methods.llm_query(made, "Why?", True)
        await methods.llm_query(made, "Why?", True)
        return made.client.call_metrics.usage

    usage, _ = call(twice, language=language)
    assert (usage.prompt_tokens, usage.completion_tokens) == (10, 3)


class Newcomer(FakeMatcher):
    """A matcher that knows colours only."""

    def refusal(self, text: str) -> str | None:
        strange = [word for word in text.split() if word not in ("red", "blue", "cup")]
        return f"does not know {strange[0]}" if strange else None


def test_a_property_that_the_matcher_does_not_know_is_refused_not_denied():
    matcher = Newcomer({"red cup": 0.9})
    value, _ = call(methods.verify_property, WHOLE, "cup", "red", matcher=matcher)
    assert value is True  # although it does not know all contrasts of "red"
    with pytest.raises(UnservedError, match="does not know furry"):
        call(methods.verify_property, WHOLE, "cup", "furry", matcher=matcher)


def test_a_matcher_that_can_judge_a_text_alone_is_asked_for_that_text_only():
    class Scorer(FakeMatcher):
        def certainty(self, cosine: float) -> float:
            return cosine

    matcher = Scorer({"red cup": 0.6, "blue cup": 0.9, "furry cup": 0.4})
    value, made = call(methods.verify_property, WHOLE, "cup", "red", matcher=matcher)
    assert value is True  # although "blue cup" fits better still
    assert made.score == pytest.approx(0.6)
    assert matcher.text_batches == [["red cup"]]
    value, _ = call(methods.verify_property, WHOLE, "cup", "furry", matcher=matcher)
    assert value is False


def test_among_options_one_that_the_matcher_knows_is_enough():
    matcher = Newcomer({"blue": 0.4})
    value, _ = call(methods.best_text_match, WHOLE, ["teal", "blue"], None, matcher=matcher)
    assert value == "blue"
    with pytest.raises(UnservedError, match="does not know teal"):
        call(methods.best_text_match, WHOLE, ["teal", "pink"], None, matcher=matcher)


def test_the_best_patch_for_words_that_the_matcher_does_not_know_is_refused():
    with pytest.raises(UnservedError, match="does not know furry"):
        call(methods.best_image_match, [WHOLE], "furry", False, matcher=Newcomer())


@pytest.mark.parametrize("role", ["detector", "matcher", "depth"])
def test_what_a_backend_says_against_its_results_is_kept_once(role):
    class Doubting:
        def doubt(self, image):
            return f"{image.source_name} is odd"

    class Detector(Doubting, FakeDetector):
        pass

    class Matcher(Doubting, FakeMatcher):
        pass

    class Depth(Doubting, FakeDepth):
        pass

    backend = {"detector": Detector({}), "matcher": Matcher(), "depth": Depth()}[role]

    async def twice(made):
        for _ in range(2):
            if role == "detector":
                await methods.find(made, WHOLE, "cup")
            elif role == "matcher":
                await methods.best_text_match(made, WHOLE, ["a", "b"], None)
            else:
                await methods.compute_depth(made, WHOLE)

    _, made = call(twice, **{role: backend})
    assert list(made.cost.doubts) == ["image is odd"]
    assert not made.client.begin_call().doubts  # of this call alone


def test_backends_without_doubts_leave_none():
    _, made = call(methods.find, WHOLE, "cup", detector=FakeDetector({}))
    assert not made.cost.doubts


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_matcher_that_compares_with_nan_or_infinity_says_neither_yes_nor_no(wrong):
    broken = FakeMatcher({"red cup": 0.3, "cup": 0.25}, logit_scale=wrong)
    with pytest.raises(ModelError, match="NaN or infinity"):
        call(methods.verify_property, WHOLE, "cup", "red", matcher=broken)
    with pytest.raises(ModelError, match="NaN or infinity"):
        call(methods.best_text_match, WHOLE, ["cup", "mug"], None, matcher=broken)


def test_a_certainty_of_nan_is_no_answer():
    matcher = FakeMatcher({"red cup": 0.3})
    matcher.certainty = lambda cosine: float("nan")
    with pytest.raises(ModelError, match="NaN or infinity"):
        call(methods.verify_property, WHOLE, "cup", "red", matcher=matcher)
