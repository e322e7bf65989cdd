from __future__ import annotations

import itertools

import pytest

from viper.modules import Module
from viper.testing.module_check import check_module

STUB = '''
class ImagePatch:
    @needs("sizer")
    def size_of(self, unit: str = "px") -> float:
        """Measure the width.

        Args:
            unit: The unit.

        Returns:
            The width.

        Example:
            >>> return image_patch.size_of()
        """
'''


class Sizer:
    fingerprint = "sizer 1"


def widths(model, requests):
    return [request.view.pixels().shape[1] for request in requests]


def failures(function=widths, stub=STUB, load=lambda reference, options: Sizer(), **options):
    module = Module(
        "sizing", stub=stub, methods={"ImagePatch.size_of": function}, roles={"sizer": load}
    )
    return [v.description for v in check_module(module, **options) if v.state == "FAIL"]


def test_a_module_that_does_what_its_stub_says_passes():
    assert failures() == []


def test_the_sample_plugin_passes(signs):
    verdicts = list(check_module(signs))
    assert [verdict.description for verdict in verdicts if verdict.state == "FAIL"] == []
    assert "mask_overlap: 0, 1 and 6 requests give float, in the order of the requests" in [
        verdict.description for verdict in verdicts
    ]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda m, r: sorted(widths(m, r)), "must be in the order of the requests"),
        (
            lambda m, r: [w / len(r) for w in widths(m, r)],
            "alone gives another result than with others",
        ),
        (
            lambda m, r: widths(m, r)[:2],
            "for 6 requests: ImagePatch.size_of of the module 'sizing'",
        ),
        (lambda m, r: [1.0, *widths(m, r)[1:]], "for no request: "),
        (lambda m, r: [widths(m, r[:1])[0]], "for no request it raised IndexError"),
        (lambda m, r: ["wide"] * len(r), "must return float, but gave str"),
        (lambda m, r: 1 / 0, "for no request it raised ZeroDivisionError"),
    ],
)
def test_what_breaks_the_rules_of_batches_is_found(function, message):
    assert any(message in failure for failure in failures(function))


def test_a_model_that_says_so_may_give_another_result_each_time():
    class Dreamer(Sizer):
        deterministic = False

    numbers = itertools.count()
    load = lambda reference, options: Dreamer()  # noqa: E731
    assert failures(lambda m, r: [float(next(numbers)) for _ in r], load=load) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Measure the width.", "Measure", "must be a sentence that ends with a full stop"),
        ("unit: The unit.", "", "'Args:' does not describe unit"),
        ("Returns:", "Gives:", "there is no 'Returns:'"),
        (">>> return image_patch.size_of()", "", "there is no 'Example:'"),
        ("image_patch.size_of()", "image_patch.width", "the example does not call size_of"),
        ("return image_patch.size_of()", "return size_of(", "the example is not Python"),
        (
            "image_patch.size_of()",
            "image_patch.size_of(1, 2)",
            "its example fails in line 3: check",
        ),
        ("image_patch.size_of()", "image_patch.size_of(3)", "its example fails in line 3: runtime"),
    ],
)
def test_a_poor_docstring_is_found(old, new, message):
    assert any(message in failure for failure in failures(stub=STUB.replace(old, new)))


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (lambda reference, options: object(), "must have an attribute 'fingerprint'"),
        (lambda reference, options: 1 / 0, "its loader raised ZeroDivisionError"),
        (lambda: Sizer(), "its loader raised TypeError"),
    ],
)
def test_a_loader_that_fails_is_found(load, message):
    assert any(f"role sizer: {message}" in f or message in f for f in failures(load=load))


def test_a_stubbed_role_is_no_test():
    assert any("served by 'stub'" in failure for failure in failures(backends={"sizer": "stub"}))


def test_an_object_that_nobody_makes_cannot_be_tried():
    stub = (
        STUB.replace('"px"', "None")
        .replace("unit: str", "unit: Box | None")
        .replace("class ImagePatch", 'class Box:\n    """A box."""\n\nclass ImagePatch')
    )
    assert any(
        "takes a Box, but no method of the module returned one" in f for f in failures(stub=stub)
    )


def test_a_method_is_tried_on_a_picture_of_ones_own(tmp_path):
    from PIL import Image

    Image.new("RGB", (33, 20)).save(tmp_path / "own.png")
    seen = set()

    def note(model, requests):
        seen.update(request.view.image.size for request in requests)
        return widths(model, requests)

    assert failures(note, image=str(tmp_path / "own.png")) == []
    assert seen == {(33, 20)}
