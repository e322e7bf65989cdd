"""What people at a terminal see while they wait, and what Ctrl-C does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakes import llm_server
from fakes.llm_server import LLMServer
from fakes.terminals import CTRL_C, on_a_terminal

pytestmark = pytest.mark.timeout(150)

COUNT = "def execute_command(image):\n    return len(ImagePatch(image).find('cup'))\n"
BAD = COUNT.replace("find", "fnd")
ASK = ["-m", "viper", "ask", "picture.png", "How many cups?", "--models", "stub"]
ASK_MODEL = [*ASK, "--generator", "openai:fake", "--no-program-cache"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    Image.fromarray(np.full((80, 90, 3), 200, dtype=np.uint8)).save(tmp_path / "picture.png")
    return tmp_path


def test_a_terminal_shows_who_writes_and_keeps_nothing_of_it(folder):
    replies = [llm_server.text(BAD, delay_s=1.0), llm_server.text(COUNT, delay_s=1.0)]
    with LLMServer(replies) as server:
        shown = on_a_terminal(ASK_MODEL, cwd=folder, OPENAI_BASE_URL=server.url)
    assert (shown.status, shown.stdout) == (0, "3\n")
    assert "openai:fake is writing a program" in shown.text
    assert "openai:fake is writing another program" in shown.text
    assert "0:00:01" in shown.text
    assert "\x1b[2K" in shown.terminal  # erases its line
    assert server.url not in shown.text


def test_generate_shows_who_writes(folder):
    generate = ["-m", "viper", "generate", "How many cups?", "--no-program-cache"]
    with LLMServer([llm_server.text(COUNT, delay_s=1.0)]) as server:
        shown = on_a_terminal(
            [*generate, "--generator", "openai:fake"], cwd=folder, OPENAI_BASE_URL=server.url
        )
    assert (shown.status, shown.stdout) == (0, COUNT)
    assert "openai:fake is writing a program" in shown.text


def test_the_grammar_shows_nothing(folder):
    shown = on_a_terminal(ASK, cwd=folder)
    assert (shown.status, shown.stdout) == (0, "3\n")
    assert shown.text.splitlines() == [
        "viper: stub results: nothing here is an answer about the image (--models stub)."
    ]


def test_ctrl_c_while_a_model_writes_ends_at_once_with_status_130(folder):
    with LLMServer([llm_server.text(COUNT, delay_s=30.0)]) as server:
        shown = on_a_terminal(
            ASK_MODEL,
            key=CTRL_C,
            when=lambda: bool(server.requests),
            seconds=25,
            cwd=folder,
            OPENAI_BASE_URL=server.url,
        )
    assert (shown.status, shown.stdout) == (130, "")
    assert "viper: interrupted." in shown.text
    assert "Traceback" not in shown.text
    assert "Aborted" not in shown.text


def test_ctrl_c_in_a_benchmark_names_resume_and_the_rows_are_kept(folder):
    rows = [
        {
            "id": str(n),
            "image": "picture.png",
            "query": f"How many cups are there{'?' * n}",
            "answer": "3",
        }
        for n in range(1, 4)
    ]
    (folder / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    bench = ["-m", "viper", "bench", "jsonl", "--data", "mine.jsonl", "--models", "stub"]
    bench += ["--generator", "openai:fake", "--output", "out"]
    done = folder / "out" / "samples.jsonl"

    def reply(request):
        return llm_server.text(COUNT, delay_s=30.0 if len(server.requests) > 1 else 0.0)

    def is_at_the_second():
        return len(server.requests) > 1 and done.exists() and bool(done.read_text().strip())

    with LLMServer(reply) as server:
        shown = on_a_terminal(
            bench, key=CTRL_C, when=is_at_the_second, cwd=folder, OPENAI_BASE_URL=server.url
        )
    assert shown.status == 130
    assert (
        "interrupted; the finished samples are in out. Continue with the same command and --resume."
        in (" ".join(shown.text.split()))
    )
    assert "Traceback" not in shown.text
    assert len(Path(done).read_text().splitlines()) == 1
    with LLMServer([llm_server.text(COUNT)]) as server:
        again = on_a_terminal([*bench, "--resume"], cwd=folder, OPENAI_BASE_URL=server.url)
        assert len(server.requests) == 2
    assert again.status == 0
    assert "accuracy      100.0%" in again.stdout


def test_a_question_may_be_typed_and_an_image_may_not(folder):
    typed = [*ASK[:4], "-", *ASK[5:]]
    shown = on_a_terminal(
        typed, key=b"How many cups?\n\x04", when=lambda: True, keyboard=True, cwd=folder
    )
    assert (shown.status, shown.stdout) == (0, "3\n")
    assert "viper: type the question, and end it with Ctrl-D." in shown.text
    refused = on_a_terminal([*ASK[:3], "-", *ASK[4:]], keyboard=True, cwd=folder)
    assert refused.status == 1
    assert "stdin, which is a terminal here" in refused.text
