"""A changed program runs on the recorded world; models are asked for what is new, and for nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fakes import runs
from fakes.backends import FakeDetector
from fakes.cups import picture
from viper.cli import cli
from viper.errors import InputError
from viper.images.data_uri import image_uri
from viper.images.decoding import open_image
from viper.replay.changed import Found, find_image, run_changed, trusted_backends
from viper.trace.files import trace_json, trace_text
from viper.trace.read import read_trace, trace_of
from viper.trace.record import Embedded

RED = """def execute_command(image):
    cups = ImagePatch(image).find('cup')
    return [c.verify_property('cup', 'red') for c in cups[:3]]
"""

NOWHERE = Found(None, "Give it with --image FILE.")


@pytest.fixture
def recorded(fake_engine):
    """A run that found cups and asked three of them, as it comes from its file."""
    return trace_of(json.loads(trace_text(runs.run_of(fake_engine, RED).trace.to_json())))


def here():
    return Found(open_image(picture()), "")


def test_known_calls_in_another_order_need_neither_picture_nor_model(fake_engine, recorded):
    source = """def execute_command(image):
    patch = ImagePatch(image)
    third = patch.find('cup')[2]
    last = third.verify_property('cup', 'red')
    again = patch.find('cup')
    return (last, again[0].verify_property('cup', 'red'), len(again))
"""
    changed = run_changed(recorded, source, fake_engine(), NOWHERE)
    assert changed.answer.text == "yes, yes, 8"
    assert (changed.from_record, changed.from_models) == (4, 0)
    calls = changed.answer.trace.calls
    assert all(call.cached and call.forwards == 0 for call in calls)
    assert [call.model for call in calls] == [
        "fake:detector", "fake:matcher", "fake:detector", "fake:matcher",
    ]  # fmt: skip
    assert calls[1].score == recorded.calls[3].score


def test_only_new_calls_are_asked_and_they_know_the_patches_of_the_record(fake_engine, recorded):
    fakes = runs.fakes()
    source = RED.replace("[:3]", "[2:5]")
    changed = run_changed(recorded, source, fake_engine(**fakes), here())
    assert (changed.from_record, changed.from_models) == (2, 2)
    assert fakes["detector"].batches == []
    assert changed.answer.text == runs.run_of(fake_engine, source).text
    new = changed.answer.trace.calls[-1]
    assert (new.box_xyxy, new.cached) == ((40.0, 0.0, 48.0, 20.0), False)


def test_patches_of_the_record_keep_score_and_category(fake_engine, recorded):
    changed = run_changed(recorded, "return [image_patch.find('cup')[1]]", fake_engine(), NOWHERE)
    (patch,) = changed.answer.value
    assert (patch.category, patch.score) == ("cup", 0.89)
    assert changed.answer.trace.question == recorded.question


def test_without_a_picture_a_new_call_says_what_was_asked_and_what_to_give(fake_engine, recorded):
    changed = run_changed(
        recorded, "return image_patch.find('dog')", fake_engine(**runs.fakes()), NOWHERE
    )
    failure = changed.answer.failure
    assert (failure.kind, failure.line) == ("input", 3)
    assert failure.message == (
        "The program calls find('dog') on (0, 0, 100, 80), which is not in the record, and models need the "
        "image for it. Give it with --image FILE."
    )


def test_without_a_model_a_new_call_says_which_role_is_not_served(fake_engine, recorded):
    changed = run_changed(recorded, "return image_patch.compute_depth()", fake_engine(), here())
    assert changed.answer.failure.kind == "model"
    assert "needs a depth model" in changed.answer.failure.message


def test_a_model_that_only_the_record_names_is_not_loaded(fake_engine, recorded):
    changed = run_changed(
        recorded,
        "return image_patch.find('dog')",
        fake_engine(),
        here(),
        not_trusted={"detector": "onnx:/tmp/x y.onnx"},
    )
    assert changed.answer.failure.kind == "model"
    assert "--backend 'detector=onnx:/tmp/x y.onnx'" in changed.answer.failure.message


def test_models_of_presets_are_trusted_and_no_others():
    named = {
        "detector": "builtin",
        "matcher": "openai:gpt?base_url=http://10.0.0.1",
        "depth": "stub",
        "answerer": "transformers:HuggingFaceTB/SmolVLM-256M-Instruct",
    }
    trusted = trusted_backends(named)
    # The last lacks the revision that the preset fixes.
    assert trusted.backends == {"detector": "builtin", "depth": "stub"}
    assert set(trusted.others) == {"matcher", "answerer"}


def test_a_failure_that_ended_the_record_may_be_served_now(fake_engine):
    source = "def execute_command(image):\n    return len(image.find('cup'))\n"
    answer = fake_engine().run_program(source, picture())
    assert answer.failure.kind == "model"
    changed = run_changed(answer.trace, source, fake_engine(**runs.fakes()), here())
    assert (changed.answer.text, changed.from_models) == ("8", 1)


def test_an_error_that_was_caught_is_known(fake_engine):
    answer = runs.run_of(fake_engine, runs.PROGRAMS["caught ValueError"])
    source = runs.PROGRAMS["caught ValueError"].replace("return patch.exists('cup')", "return 1")
    changed = run_changed(answer.trace, source, fake_engine(), NOWHERE)
    assert changed.answer.trace.attempts[0].printed == answer.trace.attempts[0].printed != ""
    assert (changed.from_record, changed.from_models) == (1, 0)


def test_what_was_tested_in_part_stays_unverified(fake_engine):
    detector = FakeDetector({"person": [((0.0, 0.0, 9.0, 9.0), 0.9)]}, vocabulary=("person",))
    answer = fake_engine(detector=detector).run_program(
        "return len(image_patch.find('woman'))", picture(), best_effort=True
    )
    assert answer.unverified == ("'woman' detected as 'person'",)
    changed = run_changed(answer.trace, "return image_patch.find('woman')", fake_engine(), NOWHERE)
    assert changed.answer.unverified == answer.unverified


def test_what_was_tested_in_part_is_known_whatever_the_notes_say(fake_engine):
    detector = FakeDetector({}, vocabulary=("person",))
    source = "return len(image_patch.find('woman'))"
    answer = fake_engine(detector=detector).run_program(source, picture(), best_effort=True)
    value = answer.trace.to_json()
    (call,) = value["turns"][0]["calls"]
    condition = "'woman' detected as 'person'"
    assert call["unverified"] == [condition]
    assert [doubt["condition"] for doubt in call["doubts"]] == [condition]

    def changed():
        return run_changed(trace_of(value), source, fake_engine(), NOWHERE).answer

    call["notes"] = ["reworded"]
    assert changed().unverified == (condition,)
    assert changed().doubts == answer.doubts
    call["doubts"] = []
    assert changed().unverified == ()  # the control: nothing else says it


def test_what_was_tested_in_part_is_no_answer_unless_the_record_is_a_best_effort(fake_engine):
    detector = FakeDetector({}, vocabulary=("person",))
    source = "return len(image_patch.find('woman'))"
    answer = fake_engine(detector=detector).run_program(source, picture(), best_effort=True)
    value = answer.trace.to_json() | {"best_effort": False}
    failure = run_changed(trace_of(value), source, fake_engine(), NOWHERE).answer.failure
    assert failure.kind == "model"
    assert failure.message.startswith('"woman" cannot be checked: the detector knows')


@pytest.mark.parametrize("call", ["absent('cup')", "unsure('It is dark.')"])
def test_a_verdict_needs_neither_the_record_nor_a_model(fake_engine, call):
    answer = fake_engine().run_program("return 1", picture())
    source = f"{call}\nreturn 2"
    changed = run_changed(answer.trace, source, fake_engine(), NOWHERE)
    assert changed.answer.failure.kind == call.partition("(")[0]
    assert (changed.from_record, changed.from_models) == (0, 0)


def test_a_record_of_no_picture_has_no_world(fake_engine):
    from viper import Query

    (answer,) = fake_engine(**runs.fakes()).batch([Query("no such.png", "Is it?")])
    with pytest.raises(InputError, match="could not be read, so no program can run on it"):
        run_changed(answer.trace, "return 1", fake_engine(), NOWHERE)


# -- the picture


@pytest.fixture
def photo(tmp_path, fake_engine):
    """A trace of a picture that lies in a file."""
    Image.fromarray(picture()).save(tmp_path / "cups.png")
    return fake_engine(**runs.fakes()).run_program(RED, tmp_path / "cups.png")


def test_the_picture_is_found_beside_the_trace(tmp_path, photo):
    found = find_image(photo.trace, folders=[tmp_path / "none", tmp_path])
    assert found.image == photo.image
    assert np.array_equal(found.image.pixels(), picture())


def test_another_picture_of_that_name_is_none(tmp_path, photo):
    Image.fromarray(picture(1)).save(tmp_path / "cups.png")
    found = find_image(photo.trace, folders=[tmp_path])
    assert found.image is None
    assert "is not the image of the trace: it has 100×80 pixels, hash" in found.missing
    assert found.missing.endswith("Give it with --image FILE.")


def test_a_given_picture_must_be_the_same(tmp_path, photo):
    Image.fromarray(picture(1)).save(tmp_path / "other.png")
    with pytest.raises(InputError, match="is not the image of the trace"):
        find_image(photo.trace, given=tmp_path / "other.png")
    renamed = tmp_path / "renamed.png"
    (tmp_path / "cups.png").rename(renamed)
    assert find_image(photo.trace, given=renamed).image.source_name == "cups.png"


@pytest.mark.parametrize("name", ["../cups.png", "/etc/passwd", "..", "", "a\0b", "sub/cups.png"])
def test_a_name_that_is_a_path_is_not_followed(tmp_path, photo, name):
    value = photo.trace.to_json()
    value["images"][0]["name"] = name
    (tmp_path / "sub").mkdir()
    Image.fromarray(picture()).save(tmp_path / "sub" / "cups.png")
    found = find_image(trace_of(value), folders=[tmp_path / "sub", tmp_path])
    assert found == Found(None, "The trace does not hold it. Give it with --image FILE.")


def test_an_embedded_picture_is_checked_like_any_other(tmp_path, photo):
    path = tmp_path / "run.json"
    path.write_text(trace_text(trace_json(photo.trace, photo.image, embed="picture")))
    trace = read_trace(path)
    assert find_image(trace).image == photo.image

    def holding(uri):
        return replace(trace, embedded=Embedded((uri,)))

    with pytest.raises(InputError, match="The embedded image is not the image of the trace"):
        find_image(holding(image_uri(open_image(picture(1)))))
    with pytest.raises(InputError, match="is not base64"):
        find_image(holding("data:image/png;base64,%%%"))
    with pytest.raises(InputError, match="Give an image"):
        find_image(holding("data:image/png;base64,aGVsbG8gd29ybGQ="))


IMPOSSIBLE = {
    "300 letters": "a" * 300, "300 letters and an ending": "a" * 300 + ".png", "a megabyte": "a" * 1_000_000,
    "200 letters of three bytes": "語" * 200, "a null character": "a\0b", "only dots": "." * 300,
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_name_that_no_file_can_have_is_no_file(tmp_path, photo, name):
    value = photo.trace.to_json()
    value["images"][0]["name"] = name
    found = find_image(trace_of(value), folders=[tmp_path])
    assert found.image is None
    assert "Give it with --image FILE" in found.missing
    assert len(found.missing) < 500


def test_the_control_the_system_refuses_such_a_name(tmp_path):
    with pytest.raises(OSError, match="File name too long"):
        (tmp_path / ("a" * 300)).stat()


@pytest.mark.parametrize("option", [["--edit", "p.py"], ["--trace", "page.html"]], ids=str)
def test_a_long_name_costs_neither_a_changed_program_nor_the_page(
    tmp_path, recorded, option, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    value = recorded.to_json()
    value["images"][0]["name"] = "a" * 300
    (tmp_path / "run.json").write_text(json.dumps(value))
    (tmp_path / "p.py").write_text(RED)
    done = CliRunner().invoke(cli, ["replay", "run.json", *option])
    assert done.exit_code == 0, done.stderr
    assert "too long" not in done.stderr
    assert option[0] == "--edit" or (tmp_path / "page.html").stat().st_size > 1_000
