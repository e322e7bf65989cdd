"""What a thread that loads a model can open, by whatever library, and what it can still do."""

from __future__ import annotations

import functools
import importlib
import json
import sys
import threading
from pathlib import Path

import pytest
import safetensors
import sentencepiece
import tokenizers
import torch
from transformers import AutoTokenizer

from viper.backends import foreign_config
from viper.backends.limited_reading import call_with_files
from viper.backends.model_source import ModelSource
from viper.backends.torch_common import load_pretrained
from viper.errors import ConfigError
from viper_sandbox import landlock


def has_landlock():
    try:
        return landlock.supported_abi() >= 1
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "outside" / "secret.txt"
    path.parent.mkdir()
    path.write_text("password\n[UNK]\n")
    return path


def python(path):
    return path.read_text()


def listing(path):
    return list(path.parent.iterdir())


def vocabulary(path):
    return tokenizers.models.WordPiece(vocab=str(path), unk_token="[UNK]")


def words(path):
    return tokenizers.models.WordLevel.from_file(str(path), "[UNK]")


def tokenizer(path):
    return tokenizers.Tokenizer.from_file(str(path))


def sentences(path):
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def weights(path):
    return safetensors.safe_open(str(path), framework="pt")


def archive(path):
    return torch.load(path, weights_only=True)


def thread(path):
    """In a thread that is started in the block."""
    raised = []

    def read():
        try:
            python(path)
        except OSError as error:
            raised.append(error)

    inner = threading.Thread(target=read)
    inner.start()
    inner.join()
    if raised:
        raise raised[0]


def written(path):
    path.write_text("other")


OPENERS = [python, listing, vocabulary, words, tokenizer, sentences, weights, archive, thread,
           written]  # fmt: skip


def failure(work):
    try:
        work()
    except Exception as error:
        return str(error)
    return ""


@pytest.mark.parametrize("opener", OPENERS)
def test_no_library_opens_another_file(secret, tmp_path, opener):
    own = tmp_path / "model"
    own.mkdir()
    complaint = failure(lambda: call_with_files(lambda: opener(secret), [own]))
    assert "ermission denied" in complaint or "No such file" in complaint  # of safetensors
    assert secret.read_text().startswith("password")


@pytest.mark.parametrize("opener", OPENERS)
def test_control_the_file_can_be_opened_when_it_is_the_models_own(secret, opener):
    allowed = [secret.parent]
    complaint = failure(lambda: call_with_files(lambda: opener(secret), allowed))
    is_refused = "ermission denied" in complaint
    assert is_refused == (opener is written)  # nothing is written, also there


@pytest.mark.parametrize("entry", ["vocab", "init_inputs"])
def test_a_configuration_that_was_not_refused_reads_nothing(secret, tmp_path, monkeypatch, entry):
    folder = tmp_path / "model"
    folder.mkdir()
    value = [str(secret)] if entry == "init_inputs" else str(secret)
    table = {"tokenizer_class": "BertTokenizer", entry: value}
    (folder / "tokenizer_config.json").write_text(json.dumps(table))
    (folder / "config.json").write_text('{"model_type": "bert"}')
    assert "password" in AutoTokenizer.from_pretrained(folder).get_vocab()  # the control
    monkeypatch.setattr(foreign_config, "arguments_fault", lambda table: None)
    with pytest.raises(ConfigError, match="ermission denied"):
        load_pretrained(AutoTokenizer, ModelSource(str(folder), folder), what="matcher")


def test_other_threads_and_later_work_are_not_limited(secret):
    call_with_files(lambda: None, [])
    assert secret.read_text().startswith("password")
    assert call_with_files(lambda: 3, []) == 3


def test_what_the_work_raises_is_raised(secret):
    with pytest.raises(KeyError, match="a"):
        call_with_files(lambda: {}["a"], [])


def test_the_working_directory_is_no_place_of_the_program(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("password")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    with pytest.raises(PermissionError):
        call_with_files(lambda: Path(".env").read_text(), [])


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc")
def test_the_environment_with_its_keys_is_not_read():
    with pytest.raises(PermissionError):
        call_with_files(lambda: Path("/proc/self/environ").read_bytes(), [])
    assert call_with_files(lambda: Path("/proc/cpuinfo").read_bytes(), [])


def test_the_programs_own_libraries_are_read(monkeypatch):
    for name in ("colorsys", "sqlite3.dump"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        assert (
            call_with_files(functools.partial(importlib.import_module, name), []).__name__ == name
        )
