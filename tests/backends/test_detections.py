"""Names of classes in the files of a model, which words of questions are looked up in."""

from __future__ import annotations

import pytest

from viper.backends.detections import class_names
from viper.errors import ConfigError


@pytest.mark.parametrize(
    "names",
    [
        ["a" * 2_700_000],
        ["a", "b" * 301],
        map(str, range(100_001)),
        ["a", 3],
        [None],
        [("a",)],
    ],
    ids=["megabytes", "long", "many", "a number", "nothing", "a tuple"],
)
def test_names_that_no_detector_has_are_refused(names):
    with pytest.raises(ConfigError, match=r"names? of") as caught:
        class_names(names, displayed="model")
    assert len(str(caught.value)) < 300


def test_usual_names_are_taken_once():
    assert class_names(["a", "b", "a", "c" * 300], displayed="x") == ("a", "b", "c" * 300)
    assert len(class_names(map(str, range(100_000)), displayed="x")) == 100_000
