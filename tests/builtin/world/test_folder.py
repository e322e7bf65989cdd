"""Sets on disk: their layout, and that nothing half-written looks finished."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from viper import Engine
from viper.builtin.world.folder import render_set
from viper.errors import InputError

SIZE = (96, 64)


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_set_has_the_layout_of_clevr(tmp_path):
    written = render_set(tmp_path / "out", 2, size=SIZE)
    assert names(tmp_path / "out") == [
        "images/val/CLEVR_val_000000.png",
        "images/val/CLEVR_val_000001.png",
        "scenes/CLEVR_val_scenes.json",
    ]
    content = json.loads(written.scenes.read_text())
    assert [scene["image_index"] for scene in content["scenes"]] == [0, 1]
    assert sum(len(scene["objects"]) for scene in content["scenes"]) == written.objects
    for scene in content["scenes"]:
        with Image.open(written.images / scene["image_filename"]) as picture:
            assert (picture.size, picture.mode) == (SIZE, "RGB")


def test_the_same_seed_writes_the_same_files_and_more_of_them_begin_alike(tmp_path):
    one = render_set(tmp_path / "one", 2, seed=4, size=SIZE)
    more = render_set(tmp_path / "more", 3, seed=4, size=SIZE)
    other = render_set(tmp_path / "other", 2, seed=5, size=SIZE)
    first = "CLEVR_val_000001.png"
    assert (one.images / first).read_bytes() == (more.images / first).read_bytes()
    assert (one.images / first).read_bytes() != (other.images / first).read_bytes()
    scenes = [json.loads(each.scenes.read_text())["scenes"] for each in (one, more)]
    assert scenes[0] == scenes[1][:2]


def test_true_perception_answers_about_a_set(tmp_path):
    written = render_set(tmp_path, 2, size=(160, 120), randomised=False)
    scene = json.loads(written.scenes.read_text())["scenes"][1]
    spheres = sum(item["shape"] == "sphere" for item in scene["objects"])
    picture = written.images / scene["image_filename"]
    with Engine(models=f"truth:{written.scenes}") as engine:
        assert engine.ask(str(picture), "How many spheres are there?").value == spheres


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"is not empty\. Name a new folder, or .*--force"):
        render_set(tmp_path, 1, size=SIZE)
    assert names(tmp_path) == ["mine.txt"]


def test_replacing_a_set_leaves_other_files_alone(tmp_path):
    render_set(tmp_path, 3, size=SIZE)
    render_set(tmp_path, 1, size=SIZE, split="train", replace=True)
    (tmp_path / "images" / "val" / "note.txt").write_text("mine")
    render_set(tmp_path, 1, seed=9, size=SIZE, replace=True)
    assert names(tmp_path) == [
        "images/train/CLEVR_train_000000.png",
        "images/val/CLEVR_val_000000.png",
        "images/val/note.txt",
        "scenes/CLEVR_train_scenes.json",
        "scenes/CLEVR_val_scenes.json",
    ]


def test_a_set_that_was_interrupted_has_no_scene_file(tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    render_set(tmp_path, 1, size=SIZE)
    with pytest.raises(KeyboardInterrupt):
        render_set(tmp_path, 2, seed=1, size=SIZE, replace=True, on_scene=interrupt)
    assert names(tmp_path) == ["images/val/CLEVR_val_000000.png"]


def test_a_disk_that_is_full_leaves_no_part_of_a_file(tmp_path, monkeypatch):
    def full(descriptor, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
        render_set(tmp_path, 1, size=SIZE)
    assert names(tmp_path) == []


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match=r"cannot be written \(Not a directory\)"):
        render_set(tmp_path / "out", 1, size=SIZE)


@pytest.mark.parametrize("split", ["", "a/b", "..", "-x", "x" * 65])
def test_a_split_that_is_not_a_name_is_refused(tmp_path, split):
    with pytest.raises(InputError, match="cannot name a split"):
        render_set(tmp_path / "out", 1, split=split)
    assert not (tmp_path / "out").exists()


def test_a_size_that_shows_too_little_is_the_callers_error(tmp_path):
    with pytest.raises(InputError, match="shows too little of the world"):
        render_set(tmp_path, 1, size=(1, 1))


def test_plain_pictures_have_no_noise(tmp_path):
    written = render_set(tmp_path, 1, size=SIZE, randomised=False)
    with Image.open(written.images / "CLEVR_val_000000.png") as picture:
        corner = np.asarray(picture)[-6:, -6:].astype(float)
    assert corner.std(axis=(0, 1)).max() < 4
