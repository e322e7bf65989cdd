from __future__ import annotations

import json
import os
import pickle
import time
import timeit

import pytest
from click.testing import CliRunner

from fakes import official, python2_pickle
from viper.cli import cli
from viper.errors import InputError
from viper_benchmarks.registry import load_task
from viper_benchmarks.tasks import refcoco as refcoco_module


def read(folder, name="refcoco", split="val"):
    return load_task(name).read(folder, split)


def test_there_is_one_sample_per_sentence(tmp_path):
    first, second = read(official.refcoco(tmp_path))
    assert (first.id, first.query, first.task) == ("10", "left dog", "grounding")
    assert (second.id, second.query) == ("11", "dog with the red collar")
    assert first.box_xyxy == second.box_xyxy == (0.0, 0.0, 30.0, 80.0)


def test_boxes_are_turned_from_width_and_height_to_edges(tmp_path):
    (sample,) = read(official.refcoco(tmp_path), split="testA")
    assert sample.box_xyxy == (60.5, 10.0, 80.5, 50.0)


def test_the_image_is_that_of_the_instances_without_the_number_of_the_annotation(tmp_path):
    first, _ = read(official.refcoco(tmp_path))
    assert first.image == (
        tmp_path / "images/mscoco/images/train2014/COCO_train2014_000000581857.jpg"
    )
    assert first.image.is_file()


@pytest.mark.parametrize(
    "place",
    ["images/mscoco/images/train2014", "mscoco/train2014", "train2014", "refcoco/mscoco/train2014"],
)
def test_images_are_found_in_every_usual_place(tmp_path, place):
    first, _ = read(official.refcoco(tmp_path, images=place))
    assert first.image.is_file()


def test_data_may_name_the_dataset_itself(tmp_path):
    folder = official.refcoco(tmp_path, images="refcoco/train2014")
    first, _ = read(folder / "refcoco")
    assert first.image.is_file()


def test_tags_are_the_category_and_the_length(tmp_path):
    first, second = read(official.refcoco(tmp_path))
    assert first.tags == ("category:dog", "words:1-2")
    assert second.tags == ("category:dog", "words:3-5")


@pytest.mark.parametrize(
    ("name", "division"), [("refcoco", "unc"), ("refcoco+", "unc"), ("refcocog", "umd")]
)
def test_each_dataset_of_the_family_has_its_folder_and_division(tmp_path, name, division):
    assert len(read(official.refcoco(tmp_path, name, division), name)) == 2


@pytest.mark.parametrize(
    "write", [python2_pickle.protocol_0, python2_pickle.protocol_2, pickle.dumps]
)
def test_pickles_of_python_2_and_3_are_read(tmp_path, write):
    folder = official.refcoco(tmp_path, pickle=write(official.REFERENCES))
    assert [sample.query for sample in read(folder)] == ["left dog", "dog with the red collar"]


def test_the_division_of_google_is_refused_unless_it_is_asked_for(tmp_path):
    folder = official.refcoco(tmp_path, "refcocog", "google")
    with pytest.raises(
        InputError, match=r"refs\(umd\).p'.*train and val share images.*--split google-val"
    ):
        read(folder, "refcocog")
    assert len(read(folder, "refcocog", "google-val")) == 2


def test_a_missing_file_says_what_it_should_hold_and_where_it_comes_from(tmp_path):
    with pytest.raises(
        InputError, match=r"refcoco/refs\(unc\).p'.*'sentences'.*github.com/lichengunc/refer"
    ):
        read(tmp_path)
    folder = official.refcoco(tmp_path)
    (folder / "refcoco" / "instances.json").unlink()
    with pytest.raises(InputError, match=r"instances.json'.*COCO's format.*lichengunc"):
        read(folder)


def test_a_split_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(InputError, match="no split 'testB'; it has: val, testA, train"):
        read(official.refcoco(tmp_path), split="testB")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"ann_id": 999}, r"reference 0 has the ann_id 999, which is not in instances.json"),
        ({"image_id": "x"}, r"reference 0 has no whole number 'image_id'"),
        ({"sentences": []}, r"reference 0 has no list 'sentences'"),
        ({"sentences": [{"sent_id": 1}]}, r"sentence 0 has no 'sent'"),
        ({"split": 3}, r"reference 0 has no 'split'"),
    ],
)
def test_a_malformed_reference_is_refused_with_its_position(tmp_path, change, complaint):
    broken = [{**official.REFERENCES[0], **change}]
    with pytest.raises(InputError, match=complaint):
        read(official.refcoco(tmp_path, references=broken))


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"images": [], "annotations": [{}], "categories": []}']
)
def test_instances_of_another_format_are_refused(tmp_path, content):
    folder = official.refcoco(tmp_path)
    (folder / "refcoco" / "instances.json").write_text(content)
    with pytest.raises(InputError, match=r"instances.json' (contains no|has an entry without)"):
        read(folder)


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_bench_refuses_a_hostile_pickle_by_name_and_runs_nothing_of_it(tmp_path):
    mark = tmp_path / "it-ran"
    folder = official.refcoco(tmp_path, pickle=pickle.dumps([Touch(mark)]))
    result = CliRunner().invoke(
        cli, ["bench", "refcoco", "--data", str(folder), "--models", "stub"]
    )
    assert result.exit_code == 1
    assert "imports posix.system" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not mark.exists()


def nested_key(levels):
    """A dict with a key that is a tuple of two times the same tuple, and so on: 2 ** levels steps."""
    pairs = b"".join(b"h%c\x86q%c" % (level, level + 1) for level in range(levels))
    return b"\x80\x02}K\x01\x85q\x00" + pairs + b"Ns."


def in_a_set(levels):
    """A set in which the tuple lies."""
    pairs = b"".join(b"h%c\x86q%c" % (level, level + 1) for level in range(levels))
    return b"\x80\x04\x8f(K\x01\x85q\x00" + pairs + b"\x90."


@pytest.mark.parametrize(
    ("attack", "said"), [(nested_key, "a key that is a tuple"), (in_a_set, "EMPTY_SET")]
)
def test_bench_refuses_a_pickle_whose_keys_take_for_ever_in_one_line(tmp_path, attack, said):
    folder = official.refcoco(tmp_path, pickle=attack(200))
    arguments = ["bench", "refcoco", "--data", str(folder), "--models", "stub"]
    started_s = time.process_time()
    result = CliRunner().invoke(cli, arguments)
    assert time.process_time() - started_s < 5
    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("attack", [nested_key, in_a_set])
def test_control_the_library_takes_twice_as_long_for_every_level(attack):
    def seconds(levels):
        content = attack(levels)
        return min(timeit.repeat(lambda: pickle.loads(content), number=1, repeat=3))

    assert seconds(19) > 4 * seconds(13)  # 64 times as many steps


def test_bench_scores_a_split(tmp_path):
    folder = official.refcoco(tmp_path)
    result = CliRunner().invoke(
        cli, ["bench", "refcoco", "--data", str(folder), "--models", "stub", "--json"]
    )
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    # The stub's first patch is the left third of the picture.
    assert (report["task"], report["split"], report["n"]) == ("refcoco", "val", 2)
    assert (report["acc_iou50"], report["mean_iou"]) == (1.0, 1.0)
    assert "train2014" in report["exposure"]
    assert "the official files contain 10,834 samples, these 2" in result.stderr


def shared(sentence, *, sentences, references):
    """A small pickle whose parts are named again and again."""
    reference = {**official.REFERENCES[0], "sentences": [sentence] * sentences}
    return pickle.dumps([reference] * references, protocol=2)


def test_a_part_that_is_shared_by_millions_of_sentences_is_refused_at_once(tmp_path):
    sentence = {"sent": "red cup", "sent_id": 1}
    content = shared(sentence, sentences=4000, references=1300)
    assert len(content) < 20_000
    folder = official.refcoco(tmp_path, pickle=content)
    started_s = time.process_time()
    with pytest.raises(InputError, match="repeats the sent_id 1"):
        read(folder)
    assert time.process_time() - started_s < 5  # with a sample each: a minute, and 1.8 GB
    alone = official.refcoco(tmp_path, pickle=shared(sentence, sentences=1, references=1))
    assert len(read(alone)) == 1  # the control


@pytest.mark.parametrize("part", ["sent", "split"])
def test_the_length_of_a_text_is_bounded_before_it_is_looked_at(tmp_path, part):
    first = official.REFERENCES[0]
    long = "a " * 50_000
    reference = {
        "sent": {**first, "sentences": [{"sent": long, "sent_id": 1}]},
        "split": {**first, "split": long},
    }[part]
    folder = official.refcoco(tmp_path, pickle=pickle.dumps([reference]))
    with pytest.raises(InputError, match=rf"has a '{part}' of 100,000 characters; 10?,000 at most"):
        read(folder)


def test_a_text_of_many_sentences_is_measured_once(tmp_path):
    sentences = [{"sent": "the left dog " * 9, "sent_id": n} for n in range(2000)]
    reference = {**official.REFERENCES[0], "sentences": sentences}
    before = refcoco_module._length.cache_info().misses
    assert len(read(official.refcoco(tmp_path, references=[reference]))) == 2000
    assert refcoco_module._length.cache_info().misses <= before + 1


def test_the_number_of_sentences_is_bounded(tmp_path, monkeypatch):
    folder = official.refcoco(tmp_path)
    assert len(read(folder)) == 2  # the control
    monkeypatch.setattr(refcoco_module, "_MOST_SENTENCES", 1)
    with pytest.raises(InputError, match="reference 0 is beyond 1 sentences, which no split has"):
        read(folder)


def test_the_splits_that_are_there_are_named_in_a_short_line(tmp_path):
    references = [{**official.REFERENCES[0], "split": f"{n}" + "x" * 5000} for n in range(100)]
    with pytest.raises(InputError, match="no split 'val'; it has: 0xxx") as caught:
        read(official.refcoco(tmp_path, pickle=pickle.dumps(references)))
    assert len(str(caught.value)) < 1200
