"""A data file of somebody else names images of its own folder, and learns nothing of the disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fakes import bench
from viper.cli import cli
from viper.errors import InputError
from viper_benchmarks.tasks.data_images import ImageFolders
from viper_benchmarks.tasks.jsonl import JsonlSamples

ROW = {"id": "1", "query": "Is there a cup?", "answer": "no"}


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    (folder / "in").mkdir(parents=True)
    (tmp_path / "other" / "in").mkdir(parents=True)
    (tmp_path / "other" / "there.txt").write_text("a secret")
    return folder


OUTSIDE = {
    "a file that exists": lambda data: str(data.parent / "other" / "there.txt"),
    "one that does not": lambda data: str(data.parent / "other" / "gone.txt"),
    "a device": lambda data: "/dev/null",
    "a relative path": lambda data: "../other/there.txt",
    "one through a folder that exists": lambda data: "in/../../other/there.txt",
    "a folder beside with the same beginning": lambda data: f"{data}-2/a.png",
    "a link": lambda data: linked(data / "a.png", data.parent / "other" / "there.txt"),
    "a link to nothing": lambda data: linked(data / "a.png", data.parent / "other" / "gone"),
    "a linked folder": lambda data: linked(data / "l", data.parent / "other") + "/there.txt",
}


def linked(link, target):
    link.symlink_to(target)
    return link.name


@pytest.mark.parametrize("name", OUTSIDE)
def test_each_image_outside_is_refused_in_the_same_words(data, name):
    file = bench.folder(data, [ROW | {"image": "a.png"}])
    assert len(JsonlSamples(file)) == 1  # the control
    (data / "a.png").unlink()
    file.write_text(json.dumps(ROW | {"image": OUTSIDE[name](data)}) + "\n")
    command = ["bench", "jsonl", "--data", str(file), "--models", "stub"]
    result = CliRunner().invoke(cli, command)
    assert (result.exit_code, result.stderr) == (
        1,
        "viper: rows.jsonl:1: its image is outside of the folder of the data. If you trust the file, name "
        "the folder of its images with --images.\n",
    )
    trusted = Path("/") if name == "a device" else data.parent
    assert len(JsonlSamples(file, images=trusted)) == 1


def test_images_of_the_folder_are_found_however_they_are_named(data):
    images = ImageFolders(data)
    (data / "inside").symlink_to(data / "in")
    for name in (
        "a.png",
        "in/a.png",
        "./a.png",
        "in/../a.png",
        str(data / "a.png"),
        "inside/a.png",
    ):
        images.path(name)
    for name in ("a" * 300, "a\0.png", "."):
        images.path(name)  # such an image is a failed row
    assert images.path("nowhere/../a.png") == data / "a.png"
    with pytest.raises(InputError, match="outside"):
        images.path("/" + "a" * 300)


def test_a_linked_folder_of_data_has_its_images(data, tmp_path):
    (tmp_path / "link").symlink_to(data)
    assert ImageFolders(tmp_path / "link").path("a.png") == tmp_path / "link" / "a.png"
    ImageFolders(tmp_path / "link").path(str(data / "a.png"))


def test_images_of_another_folder_are_scored_where_the_user_names_it(data, tmp_path):
    bench.folder(tmp_path / "other")
    file = data / "rows.jsonl"
    rows = [ROW | {"image": str(tmp_path / "other" / "a.png")}]
    rows += [ROW | {"id": "2", "image": "../other/a.png"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["bench", "jsonl", "--data", str(file), "--models", "stub", "--json"]
    result = CliRunner().invoke(cli, [*command, "--images", str(tmp_path / "other")])
    assert json.loads(result.stdout)["n"] == 2
    assert json.loads(result.stdout)["failures"] == {}
