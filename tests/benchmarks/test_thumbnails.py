"""Which files of this machine a report may show: images of the data, whatever a data file or a run names."""

from __future__ import annotations

import base64
import io
import json
import os
import re
from pathlib import Path

import pytest
from PIL import Image

from fakes import bench
from viper import Engine
from viper_benchmarks.thumbnails import thumbnail

PRIVATE = (200, 10, 77)


@pytest.fixture
def private(tmp_path):
    """A picture of this machine that nobody named."""
    (tmp_path / "home").mkdir()
    path = tmp_path / "home" / "passport.png"
    Image.new("RGB", (64, 48), PRIVATE).save(path)
    return path


@pytest.fixture
def data(tmp_path):
    """The folder of the data."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def linked(path, target):
    path.symlink_to(target, target_is_directory=target.is_dir())
    return path


ATTACKS = {
    "an absolute path": lambda data, private: private,
    "a path with dots": lambda data, private: data / ".." / "home" / "passport.png",
    "a link": lambda data, private: linked(data / "cat.png", private),
    "a link to a link": lambda data, private: linked(
        data / "b.png", linked(data / "a.png", private)
    ),
    "a relative link": lambda data, private: linked(
        data / "c.png", Path("..") / "home" / "passport.png"
    ),
    "a folder that is a link": lambda data, private: (
        linked(data / "images", private.parent) / private.name
    ),
    "a sibling whose name begins alike": lambda data, private: sibling(data, private),
}


def sibling(data, private):
    (other := data.with_name("data2")).mkdir()
    return Path(os.fspath(private.rename(other / "passport.png")))


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_picture_outside_of_the_data_is_not_shown(data, private, attack):
    named = attack(data, private)
    shown = thumbnail(named, data)
    assert not shown.source
    assert "outside of the folder of the data" in shown.missing
    # The control: with all files named by the user, the attack succeeds.
    assert colors(thumbnail(named, Path(data.anchor)).source) == [PRIVATE]


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "\udce9", "loop", "gone.png", "", ".."])
def test_a_name_that_cannot_be_opened_is_a_note(data, name):
    linked(data / "loop", data / "loop")
    shown = thumbnail(data / name, data)
    assert not shown.source
    assert shown.missing


def test_without_a_folder_of_data_nothing_is_shown(private):
    assert not thumbnail(private, None).source


def test_a_folder_that_the_user_named_by_a_link_is_shown(tmp_path, data, private):
    private.rename(data / "a.png")
    named = linked(tmp_path / "named", data)
    assert colors(thumbnail(named / "a.png", named).source) == [PRIVATE]


def colors(page):
    found = re.findall(r"data:image/jpeg;base64,([\w+/=]+)", page)
    pictures = [Image.open(io.BytesIO(base64.b64decode(uri))) for uri in found]
    return [
        PRIVATE
        if max(abs(a - b) for a, b in zip(p.getpixel((5, 5)), PRIVATE, strict=True)) < 9
        else p.size
        for p in pictures
    ]


@pytest.mark.parametrize("named", ["absolute", "relative"])
def test_a_resumed_run_of_somebody_else_shows_the_images_of_the_data(data, private, named):
    file = bench.folder(data)
    with Engine("stub") as engine:
        bench.score(file, engine, output=data / "out")
        samples = data / "out" / "samples.jsonl"
        path = str(private) if named == "absolute" else os.path.relpath(private, data)
        rows = [json.loads(line) for line in samples.read_text().splitlines()]
        forged = [{**row, "correct": False, "image": path} for row in rows]
        samples.write_text("".join(json.dumps(row) + "\n" for row in forged))
        bench.score(file, engine, output=data / "out", resume=True)
    page = (data / "out" / "report.html").read_text()
    assert page.count(path) == len(rows), "each row is in the gallery with its name"
    assert PRIVATE not in colors(page)
    assert colors(page)


def test_a_data_file_of_somebody_else_shows_no_picture_of_another_folder(data, private):
    row = {"id": "1", "image": str(private), "query": "Is there a cup?", "answer": "no"}
    file = bench.folder(data, [row, {**row, "id": "2", "image": "a.png"}])
    with Engine("stub") as engine:
        report = bench.score(file, engine, output=data / "out")
    assert report["failures"] == {}, "the user asked about this image: it is evaluated"
    page = (data / "out" / "report.html").read_text()
    assert PRIVATE not in colors(page)
    assert len(colors(page)) == 1
    assert "not shown: it is outside of the folder of the data" in page
