"""Runs as files."""

from __future__ import annotations

import json

import pytest

from fakes.backends import FakeDetector
from fakes.cups import CUPS, picture
from viper import ConfigError, InputError
from viper.trace.files import trace_json, trace_text

FIND = "return image_patch.find('cup')[:2]"


@pytest.fixture
def answer(fake_engine):
    return fake_engine(detector=FakeDetector(CUPS)).run_program(FIND, picture())


def test_json_holds_no_picture_unless_it_is_asked_for(answer, tmp_path):
    answer.save_trace(tmp_path / "run.json")
    saved = json.loads((tmp_path / "run.json").read_text())
    assert saved == json.loads(json.dumps(answer.trace.to_json()))
    assert "embedded" not in saved


@pytest.mark.parametrize(
    ("embed", "parts"), [("crops", {"crops"}), ("picture", {"images", "crops"})]
)
def test_pictures_are_embedded_on_request(answer, tmp_path, embed, parts):
    answer.save_trace(tmp_path / "run.json", embed=embed)
    saved = json.loads((tmp_path / "run.json").read_text())["embedded"]
    assert {name for name, items in saved.items() if items} == parts


def test_the_same_run_is_the_same_bytes(answer):
    texts = {trace_text(trace_json(answer.trace, answer.image, embed="picture")) for _ in range(2)}
    assert len(texts) == 1


def test_html_is_a_page(answer, tmp_path):
    answer.save_trace(tmp_path / "run.html")
    assert (tmp_path / "run.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_another_suffix_is_refused(answer, tmp_path):
    with pytest.raises(ConfigError, match=r"FILE\.json.*FILE\.html.*but got 'run\.yaml'"):
        answer.save_trace(tmp_path / "run.yaml")


def test_an_unknown_way_to_embed_is_refused(answer, tmp_path):
    with pytest.raises(
        ConfigError, match="embed must be one of none, crops, picture, but got 'all'"
    ):
        answer.save_trace(tmp_path / "run.json", embed="all")


def test_a_folder_that_is_not_there_is_told(answer, tmp_path):
    with pytest.raises(InputError, match=r"The trace cannot be written to .*No such file"):
        answer.save_trace(tmp_path / "no" / "run.json")


def test_a_lone_surrogate_is_written_as_a_question_mark(fake_engine, tmp_path):
    engine = fake_engine(detector=FakeDetector(CUPS))
    answer = engine.run_program("return 1", picture(), question="a\udc80b")
    for name in ("run.json", "run.html"):
        answer.save_trace(tmp_path / name)
        assert "a?b" in (tmp_path / name).read_text(encoding="utf-8")
