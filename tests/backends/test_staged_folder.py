"""What a loader sees of a model folder: checked bytes, and nothing outside of the model."""

from __future__ import annotations

import os
import shutil

import pytest

from viper.backends import staged_folder
from viper.backends.staged_folder import staged
from viper.errors import ConfigError

COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "model"
    made.mkdir()
    (made / "config.json").write_text("{}")
    (made / "model.safetensors").write_bytes(b"weights")
    return made


def names(folder):
    with staged(folder) as copy:
        return {path.name for path in copy.rglob("*")}


def test_configurations_are_copied_and_weights_linked(folder):
    with staged(folder) as copy:
        assert (copy / "config.json").read_text() == "{}"
        assert not (copy / "config.json").is_symlink()
        assert (copy / "model.safetensors").read_bytes() == b"weights"
        assert copy.stat().st_mode & 0o077 == 0
    assert not copy.exists()
    assert (folder / "model.safetensors").exists()


def test_a_change_after_the_check_has_no_effect(folder):
    with staged(folder) as copy:
        (folder / "config.json").write_text('{"trust_remote_code": true}')
        (folder / "adapter_config.json").write_text("{}")
        assert (copy / "config.json").read_text() == "{}"
        assert not (copy / "adapter_config.json").exists()


@pytest.mark.parametrize(
    "name", ["mine.py", "mine.pyc", "evil.so", "weights.pkl", "a.h5", "custom_generate/a.py", "b/config.json"]
)  # fmt: skip
def test_what_no_model_needs_is_not_there(folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("")
    assert names(folder) == {"config.json", "model.safetensors"}


@pytest.mark.parametrize(
    "name", ["config.json", "vocab.txt", "model.safetensors", "a.bin", "a.model"]
)
@pytest.mark.parametrize(
    "target", ["secret", "/etc/passwd", "/dev/zero", "/proc/self/environ", "../secret"]
)
def test_a_link_out_of_the_model_is_refused(folder, name, target):
    (folder.parent / "secret").write_text("secret")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(folder.parent / target if target == "secret" else target)
    with pytest.raises(ConfigError, match="link to a file outside of the model"):
        names(folder)
    assert (folder / name).resolve().exists()  # control: it leads somewhere


def test_a_folder_of_templates_that_is_a_link_is_refused(folder):
    (folder.parent / "elsewhere").mkdir()
    (folder / "additional_chat_templates").symlink_to(folder.parent / "elsewhere")
    with pytest.raises(ConfigError, match="link to a file outside"):
        names(folder)


def test_links_in_the_hubs_cache_lead_to_its_contents_and_to_no_other_model(tmp_path):
    repository = tmp_path / "models--owner--name"
    folder, blobs = repository / "snapshots" / COMMIT, repository / "blobs"
    folder.mkdir(parents=True)
    blobs.mkdir()
    (blobs / "abc").write_text("{}")
    (folder / "config.json").symlink_to("../../blobs/abc")
    assert names(folder) == {"config.json"}
    other = tmp_path / "models--owner--other"
    shutil.copytree(repository, other)
    (folder / "vocab.json").symlink_to(other / "blobs" / "abc")
    with pytest.raises(ConfigError, match="link to a file outside"):
        names(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_pipe_is_refused_without_a_wait(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(ConfigError, match="regular"):
        names(folder)


def test_names_that_differ_in_capitals_are_refused(folder):
    (folder / "Config.JSON").write_text('{"model_type": "other"}')
    assert names(folder) == {"config.json", "model.safetensors"}  # not a configuration here
    (folder / "CONFIG.json").write_text('{"model_type": "other"}')
    with pytest.raises(ConfigError, match="differs only in capitals"):
        names(folder)


@pytest.mark.parametrize("limit", ["_MOST_FILE_BYTES", "_MOST_BYTES", "_MOST_FILES"])
def test_sizes_are_limited(folder, monkeypatch, limit):
    for number in range(5):
        (folder / f"{number}.json").write_text("x" * 100)
    assert len(names(folder)) == 7  # control
    monkeypatch.setattr(
        staged_folder, limit, 4 if "FILES" in limit else 90 if "FILE" in limit else 400
    )
    with pytest.raises(ConfigError, match=r"larger than|more than"):
        names(folder)


def test_a_file_of_gigabytes_is_not_read(folder):
    with (folder / "vocab.json").open("wb") as file:
        file.truncate(50_000_000_000)  # takes no space
    with pytest.raises(ConfigError, match="larger than 100,000,000 bytes"):
        names(folder)
