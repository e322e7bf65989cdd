from dataclasses import replace

import pytest

from fakes.backends import blank_image, whole
from viper.images.image import View
from viper.models.roles import AnswerRequest, CompletionRequest, DetectRequest
from viper.scheduling.operation import (
    ANSWER,
    COMPLETE,
    DETECT,
    EMBED_IMAGES,
    EMBED_TEXTS,
    ESTIMATE,
    request_key,
)

IMAGE = blank_image()
VIEW = View(IMAGE, (0.0, 0.0, 10.0, 10.0))


def test_every_part_that_a_result_depends_on_makes_another_key():
    other_image = blank_image(name="other")
    requests = [
        (DETECT, "a", DetectRequest(VIEW, ("cup",))),
        (DETECT, "b", DetectRequest(VIEW, ("cup",))),
        (DETECT, "a", DetectRequest(VIEW, ("mug",))),
        (DETECT, "a", DetectRequest(VIEW, ("cup", "mug"))),
        (DETECT, "a", DetectRequest(VIEW, ("cup', 'mug",))),
        (DETECT, "a", DetectRequest(VIEW, ())),
        (DETECT, "a", DetectRequest(whole(IMAGE), ("cup",))),
        (DETECT, "a", DetectRequest(View(other_image, VIEW.box_xyxy), ("cup",))),
        (DETECT, "a", DetectRequest(View(IMAGE, (0.0, 0.0, 10.0, 10.000001)), ("cup",))),
        (EMBED_IMAGES, "a", VIEW),
        (EMBED_IMAGES, "a", View(replace(IMAGE, size=(80, 100)), VIEW.box_xyxy)),
        (EMBED_TEXTS, "a", "cup"),
        (EMBED_TEXTS, "a", "cup "),
        (EMBED_TEXTS, "a", "\ud800"),
        (ESTIMATE, "a", IMAGE),
        (ANSWER, "a", AnswerRequest(VIEW, "what?")),
        (ANSWER, "a", AnswerRequest(VIEW, "why?")),
        (COMPLETE, "a", CompletionRequest("cup")),
        (COMPLETE, "a", CompletionRequest("cup", 16)),
    ]
    keys = {
        request_key(operation, fingerprint, request) for operation, fingerprint, request in requests
    }
    assert len(keys) == len(requests)


def test_pictures_of_equal_pixels_are_one_unless_they_are_known_by_name():
    one, two = (
        DetectRequest(View(replace(IMAGE, source_name=name), VIEW.box_xyxy), ("cup",))
        for name in ("one.png", "two.png")
    )
    assert request_key(DETECT, "a", one) == request_key(DETECT, "a", two)
    assert request_key(DETECT, "a", one, by_name=True) != request_key(
        DETECT, "a", two, by_name=True
    )


def test_a_request_of_no_known_kind_has_no_key():
    with pytest.raises(TypeError, match="type int has no key"):
        request_key(DETECT, "a", 7)
