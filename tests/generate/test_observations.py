from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from viper.generate.observations import observed_calls
from viper.images.values import to_json_value
from viper.trace import CallError, CallRecord
from viper.usage import Usage


def record(line=2, method="ImagePatch.find", **values):
    told = {
        "box_xyxy": (0.0, 0.0, 90.0, 80.0), "arguments": ("cup",), "result": [], "score": None,
        "notes": (), "ms": 1.0, "model_ms": 1.0, "forwards": 1, "batch_size": 1, "cached": False,
        "role": "detector", "model": "fake", "image": 0, "unverified": (), "started_ms": 0.0,
        "queue_ms": 0.0, "prefetched": 0, "usage": Usage(), **values,
    }  # fmt: skip
    failure = told.pop("failure", None)
    told["error"] = None if failure is None else CallError("ValueError", failure)
    return CallRecord(line=line, method=method, **told)


def patch(box=(10, 5, 30, 25), score=0.875):
    return {"type": "patch", "image": 0, "box_xyxy": list(box), "score": score, "category": "cup"}


def test_a_call_is_told_in_the_frame_of_programs():
    (line,) = observed_calls([record(result=[patch()], score=0.875)], image_height_px=80)
    assert json.loads(line) == {
        "line": 2, "call": "ImagePatch.find", "arguments": ["cup"], "score": 0.875,
        "patch": {"left": 0.0, "lower": 0.0, "right": 90.0, "upper": 80.0},
        "result": [{"category": "cup", "score": 0.875,
                    "left": 10, "lower": 55, "right": 30, "upper": 75}],
    }  # fmt: skip


def test_a_call_that_failed_tells_its_error_and_no_result():
    failed = record(method="llm_query", box_xyxy=None, result=None, failure="nobody answers")
    (line,) = observed_calls([failed], 80)
    assert json.loads(line) == {
        "line": 2, "call": "llm_query", "arguments": ["cup"], "error": "nobody answers"
    }  # fmt: skip


def test_only_the_last_six_calls_are_told():
    lines = observed_calls([record(line=n) for n in range(20)], 80)
    assert [json.loads(line)["line"] for line in lines] == [14, 15, 16, 17, 18, 19]


def test_of_many_patches_the_first_are_told_and_the_rest_counted():
    (line,) = observed_calls([record(result=[patch()] * 50)], 80)
    *first, rest = json.loads(line)["result"]
    assert len(first) == 4
    assert rest == "… 46 more"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=30,
)


@given(st.lists(JSON, max_size=6), JSON, st.none() | st.text())
def test_whatever_was_seen_is_one_bounded_line_of_json(arguments, result, failure):
    (line,) = observed_calls(
        [
            record(
                arguments=tuple(map(to_json_value, arguments)),
                result=to_json_value(result),
                failure=failure,
            )
        ],
        80,
    )
    assert json.loads(line)["call"] == "ImagePatch.find"
    assert len(line) <= 700
    assert "\n" not in line


def test_objects_of_modules_and_dicts_are_shown_with_what_may_be_read_of_them():
    mask = {"type": "object", "class": "Mask", "attributes": {"area": 0.12345, "name": "x" * 500}}
    for result, shown in (
        (mask, {"class": "Mask", "area": 0.123}),
        ({"type": "dict", "items": [["a", [mask]]]}, {"a": [{"class": "Mask", "area": 0.123}]}),
    ):
        (line,) = observed_calls([record(result=result)], 100)
        told = json.loads(line)["result"]
        inner = told["a"][0] if "a" in told else told
        assert inner.pop("name").endswith("…")
        assert told == shown
