"""`viper program-cache`, its options, `--stats` and the options of language models, on loopback."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fakes.llm_server import LLMServer, text
from viper.cli import cli

COUNT = "return len(image.find('cup'))"


def viper(*arguments):
    return CliRunner().invoke(cli, list(arguments))


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(np.zeros((80, 90, 3), dtype=np.uint8)).save(path)
    return str(path)


@pytest.fixture
def path(tmp_path, monkeypatch):
    path = tmp_path / "memo.sqlite"
    monkeypatch.setenv("VIPER_PROGRAM_CACHE", str(path))
    return path


@pytest.fixture
def server():
    with LLMServer([text(COUNT)]) as server:
        yield server


def ask(server, picture, question, *more):
    name = f"openai:fake?base_url={server.url}"
    return viper("ask", picture, question, "--models", "stub", "--generator", name, *more)


def test_ask_keeps_programs_and_the_program_cache_can_be_listed_and_cleared(server, picture, path):
    ask(server, picture, "How many cups are there?")
    answer = json.loads(ask(server, picture, "How many dogs are there?", "--json").stdout)
    assert (answer["answer"], answer["memo"]) == ("3", True)
    assert len(server.requests) == 1
    listed = viper("program-cache", "list")
    assert listed.exit_code == 0
    uses, age, generator, skeleton = listed.stdout.split(maxsplit=3)
    assert (uses, generator, skeleton) == ("1", "openai:fake", "how many ‹noun plural› are there\n")
    assert age.endswith("s")
    made = json.loads(viper("program-cache", "list", "--json").stdout)
    (entry,) = made["entries"]
    assert made["path"] == str(path)
    assert entry["skeleton"] == "how many ‹noun plural› are there"
    assert (entry["generator"], entry["uses"]) == ("openai:fake", 1)
    assert entry["age_s"] >= 0
    assert viper("program-cache", "clear").stderr == "viper: 1 programs were removed.\n"
    assert json.loads(viper("program-cache", "clear", "--json").stdout)["removed"] == 0
    assert "there is no program in" in viper("program-cache", "list").stderr


def test_generate_recalls_what_ask_has_learnt(server, picture, path):
    ask(server, picture, "How many cups are there?")
    name = f"openai:fake?base_url={server.url}"
    result = viper("generate", "How many dogs are there?", "--models", "stub", "--generator", name)
    assert "find('dog')" in result.stdout
    assert len(server.requests) == 1


def test_no_memo_asks_the_model_and_remembers_nothing(server, picture, path):
    ask(server, picture, "How many cups are there?", "--no-program-cache")
    assert not path.exists()
    ask(server, picture, "How many cups are there?")
    ask(server, picture, "How many cups are there?", "--no-program-cache")
    assert len(server.requests) == 3


def test_the_grammar_leaves_no_program_cache(picture, path):
    assert viper("ask", picture, "How many cups are there?", "--models", "stub").stdout == "3\n"
    assert not path.exists()


def test_a_program_cache_that_is_off_is_reported(picture):
    assert viper("program-cache", "list").stderr == (
        "viper: the program cache is off (VIPER_PROGRAM_CACHE or program_cache in viper.toml).\n"
    )
    assert json.loads(viper("program-cache", "list", "--json").stdout) == {
        "path": None,
        "entries": [],
    }
    assert "is off" in viper("program-cache", "clear").stderr


def test_a_corrupt_memo_is_one_clear_line_and_no_failed_answer(server, picture, path):
    path.write_bytes(b"nonsense" * 1000)
    for verb in ("list", "clear"):
        result = viper("program-cache", verb)
        assert result.exit_code == 1
        (line,) = result.stderr.splitlines()
        assert "cannot be used: file is not a database. Remove the file" in line
    result = ask(server, picture, "How many cups are there?")
    assert (result.exit_code, result.stdout) == (0, "3\n")
    assert result.stderr.splitlines()[-1].startswith("viper: The program cache ")
    assert result.stderr.count("Programs are not cached.") == 1


def test_stats_are_a_table_on_stderr(server, picture, path):
    result = ask(server, picture, "How many cups are there?", "--stats")
    assert result.stdout == "3\n"
    lines = [line for line in result.stderr.splitlines() if "stub results" not in line]
    table = dict(line.split(maxsplit=1) for line in lines)
    assert list(table) == [
        "answers", "outcomes", "programs", "tokens", "cost", "memo", "calls", "cache", "lookahead",
        "forwards", "queue", "model", "generate", "run", "total",
    ]  # fmt: skip
    assert table["tokens"] == "18 (11 prompt, 7 completion)"
    assert table["cost"] == "not known"
    assert table["memo"] == "hits   0 of 1 (0%)"
    assert table["outcomes"] == "1 answered, 0 with doubts, 0 not answered"
    again = ask(server, picture, "How many dogs are there?", "--stats").stderr
    assert "memo hits   1 of 1 (100%)" in again
    assert "cost        0.000000 USD" in again


def test_attempts_votes_and_budgets_are_options_of_ask(picture):
    bad = text("def execute_command(image):\n    return [][0]")
    with LLMServer([bad]) as server:
        ask(server, picture, "How many?", "--max-attempts", "2")
        assert len(server.requests) == 2
        answer = json.loads(ask(server, picture, "How many?", "--votes", "3", "--json").stdout)
        assert answer["votes"] == {"n": 3, "answers": {}, "failed": 3}
        result = ask(server, picture, "How many?", "--max-tokens", "20", "--json")
        assert json.loads(result.stdout)["failure"]["kind"] == "budget"
        refused = ask(server, picture, "How many?", "--max-cost", "1")
    assert refused.exit_code == 1
    assert "A budget of 1 USD needs the prices of openai:fake" in refused.stderr


@pytest.mark.parametrize(
    "option",
    [("--votes", "0"), ("--max-attempts", "0"), ("--max-cost", "0"), ("--max-tokens", "x")],
)
def test_numbers_that_make_no_sense_are_wrong_usage(picture, option):
    assert viper("ask", picture, "How many?", *option).exit_code == 2


def test_words_of_0_1_still_work(server, picture, path, monkeypatch, tmp_path):
    ask(server, picture, "How many cups are there?", "--no-memo", "--no-lookahead")
    assert json.loads(viper("memo", "list", "--json").stdout)["entries"] == []
    monkeypatch.delenv("VIPER_PROGRAM_CACHE")
    monkeypatch.setenv("VIPER_MEMO", str(path))
    ask(server, picture, "How many cups are there?", "--lookahead")
    assert len(json.loads(viper("memo", "list", "--json").stdout)["entries"]) == 1
    other = tmp_path / "other.sqlite"
    ask(server, picture, "How many cups are there?", "--memo", str(other))
    assert other.is_file()
    assert json.loads(viper("memo", "clear", "--json").stdout) == {"path": str(path), "removed": 1}


def test_help_leaves_the_words_of_0_1_out():
    for arguments in (["ask"], ["generate"], ["serve"], []):
        text = viper(*arguments, "--help").stdout
        assert "memo" not in text
        assert "lookahead" not in text


def test_an_option_names_the_file_before_the_settings_do(server, picture, path, tmp_path):
    named = tmp_path / "named.sqlite"
    ask(server, picture, "How many cups are there?", "--program-cache", str(named))
    assert (named.is_file(), path.is_file()) == (True, False)
