"""Runs whose programs call methods of a module, and hold its objects, run again without its models."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from viper import Engine, InputError
from viper.replay import replay
from viper.replay.changed import Found, run_changed
from viper.trace.read import trace_of

BRIGHT = np.full((40, 60, 3), 200, np.uint8)
BRIGHT[:, :30] = 90

MASKS = """
def execute_command(image):
    image_patch = ImagePatch(image)
    dark = image_patch.bright_mask(0.9)
    same = image_patch.bright_mask(0.9)
    half = image_patch.crop(0, 0, 30, 40).bright_mask()
    texts = [part.read_text("de") for part in image_patch.bright_parts()]
    try:
        image_patch.read_text("xx")
    except ValueError as error:
        texts.append(str(error))
    return [dark == same, dark == half, mask_overlap(dark, half), mask_overlap(half)] + texts
"""


@pytest.fixture
def signs(monkeypatch):
    """The module of the sample plugin, as if it were installed."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "sample_plugin" / "src")
    from street_signs.module import MODULE

    monkeypatch.setattr("viper.modules.program_api.open_modules", lambda wanted=None: [MODULE])
    yield MODULE
    for name in [name for name in sys.modules if name.partition(".")[0] == "street_signs"]:
        del sys.modules[name]


@pytest.fixture
def engine(signs):
    with Engine("none", modules=[signs]) as made:
        yield made


def recorded(engine, source=MASKS):
    trace = engine.run_program(source, BRIGHT).trace
    assert trace.failure is None
    return trace_of(json.loads(json.dumps(trace.to_json())))


def test_objects_are_passed_back_as_they_were(engine):
    trace = recorded(engine)
    again = replay(trace)
    assert again.differences == ()
    assert again.answer.trace.to_json() == trace.to_json()
    assert again.calls == len(trace.calls) == 9


def test_without_the_module_the_record_cannot_be_read(engine, monkeypatch):
    trace = recorded(engine)
    monkeypatch.setattr("viper.modules.program_api.open_modules", lambda wanted=None: [])
    again = replay(trace)
    assert not again.identical
    assert again.answer.failure.kind == "check"


def test_an_object_with_other_attributes_is_refused(engine):
    trace = engine.run_program(MASKS, BRIGHT).trace.to_json()
    value = json.loads(json.dumps(trace))
    value["turns"][0]["calls"][0]["result"]["attributes"]["secret"] = 1
    with pytest.raises(InputError, match=r"calls\[0\]\.result must be Mask"):
        replay(trace_of(value))


def test_a_changed_program_asks_the_module_for_what_is_new_only(engine):
    trace = recorded(engine)
    source = "return [image_patch.bright_mask(0.9).area, image_patch.read_text('fr')]"
    picture = Found(engine.run_program("return 1", BRIGHT).image, "")
    changed = run_changed(trace, source, engine, picture)
    assert changed.answer.failure is None
    assert (changed.from_record, changed.from_models) == (1, 1)


def test_an_object_of_the_record_cannot_be_asked_about_anew(engine):
    trace = recorded(engine)
    source = "return mask_overlap(image_patch.bright_mask(0.9))"
    picture = Found(engine.run_program("return 1", BRIGHT).image, "")
    failure = run_changed(trace, source, engine, picture).answer.failure
    assert failure.kind == "model"
    assert "with an object that no longer exists" in failure.message
