"""Results with NaN or infinity are errors, whichever backend they come from."""

from __future__ import annotations

import numpy as np
import pytest

from viper.errors import ModelError
from viper.models.registry import BackendRef
from viper.models.roles import Completion, Detection
from viper.scheduling.operation import (
    ANSWER,
    DETECT,
    EMBED_IMAGES,
    EMBED_TEXTS,
    ESTIMATE,
    MEASURE,
    Operation,
)
from viper.scheduling.result_checks import checked
from viper.scheduling.worker import ModelWorker

WRONG = [float("nan"), float("inf"), float("-inf")]
BOX = (1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(
    ("operation", "make"),
    [
        (DETECT, lambda wrong: [Detection(BOX, "cup", 0.5), Detection(BOX, "cup", wrong)]),
        (DETECT, lambda wrong: [Detection((1.0, wrong, 3.0, 4.0), "cup", 0.5)]),
        (EMBED_IMAGES, lambda wrong: np.array([1.0, wrong], np.float32)),
        (EMBED_TEXTS, lambda wrong: np.array([1.0, wrong], np.float32)),
        (ESTIMATE, lambda wrong: np.array([[1.0, wrong]], np.float32)),
        (MEASURE, float),
    ],
    ids=["score", "box", "image", "text", "map", "depth"],
)
def test_a_number_that_is_none_is_an_error_in_place_of_the_result(operation, make, wrong):
    found = checked(operation, make(wrong))
    assert isinstance(found, ModelError)
    assert f"The {operation.role} returned NaN or infinity" in str(found)
    right = make(0.5)
    assert checked(operation, right) is right  # control


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        (DETECT, []),
        (DETECT, ModelError("no")),
        (DETECT, None),
        (DETECT, [("no", "detection")]),
        (EMBED_IMAGES, "no vector"),
        (ANSWER, Completion("nan")),
        (Operation("detector", "a module's own"), float("nan")),
    ],
)
def test_other_results_are_left_as_they_are(operation, value):
    assert checked(operation, value) is value


class Broken:
    """Finds a cup in the first picture, and NaN in the second."""

    fingerprint = "broken"

    def detect(self, requests):
        return [[Detection(BOX, "cup", request)] for request in requests]


def test_only_the_request_with_such_a_result_fails():
    worker = ModelWorker(BackendRef("detector", "fake", ""), lambda ref: Broken())
    try:
        submitted = worker.submit(DETECT, {b"a": 0.5, b"b": float("nan")})
        assert submitted.futures[b"a"].result(5).value[0].score == 0.5
        with pytest.raises(ModelError, match="NaN or infinity"):
            submitted.futures[b"b"].result(5)
    finally:
        worker.close(5)
