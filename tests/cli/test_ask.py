"""The verbs, in process; what a whole process does is in test_process.py."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fakes import llm_server
from fakes.llm_server import LLMServer
from viper.cli import cli

KEY = "sk-planted-secret-0123456789"
COUNT = "def execute_command(image):\n    return len(ImagePatch(image).find('cup'))\n"


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(np.full((80, 90, 3), 200, dtype=np.uint8)).save(path)
    return str(path)


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(COUNT)
    return str(path)


def viper(*arguments, stdin=None):
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def failed(result, kind=None, status=1):
    """Check the form of a failure: exit status, one line on stderr, no traceback; return that line."""
    assert result.exit_code == status
    (line,) = [text for text in result.stderr.splitlines() if "stub results" not in text]
    assert line.startswith("viper: ")
    assert "Traceback" not in result.output
    if kind is not None:
        assert f"({kind}" in line
    return line


# -- answers


def test_a_misspelt_word_is_said_to_be_read_as_another(picture):
    result = viper("ask", picture, "How many umbrelas are there?", "--models", "stub")
    assert (result.exit_code, result.stdout) == (0, "3\n")
    assert "viper: 'umbrelas' read as 'umbrellas'\n" in result.stderr


def test_the_answer_alone_is_on_stdout(picture):
    result = viper("ask", picture, "How many cups are there?", "--models", "stub")
    assert (result.exit_code, result.stdout) == (0, "3\n")
    assert result.stderr == (
        "viper: stub results: nothing here is an answer about the image (--models stub).\n"
    )


def test_json_is_one_object_with_the_published_keys(picture):
    result = viper("ask", picture, "Is there a cup?", "--models", "stub", "--json")
    answer = json.loads(result.stdout)
    keys_of_0_1 = {
        "answer", "task", "question", "image", "patches", "program", "generator", "attempts",
        "failure", "unverified", "notes", "calls", "forwards", "mean_batch", "cache_hits",
        "lookahead", "timing_ms", "models", "usage", "memo", "confidence", "votes",
    }  # fmt: skip
    assert answer.keys() - keys_of_0_1 == {
        "outcome", "doubts", "direct_answer", "requests", "prefetch", "from_program_cache",
        "how", "weakest", "best_effort", "evidence",
    }  # fmt: skip
    assert keys_of_0_1 <= answer.keys()
    assert (answer["answer"], answer["generator"], answer["attempts"]) == ("yes", "grammar", 1)
    assert answer["image"] == "picture.png"
    assert set(answer["timing_ms"]) == {"generate", "run", "queue", "model", "total"}
    assert answer["program"].startswith("def execute_command(image)")


def test_grounding_prints_the_box_on_stderr(picture):
    result = viper("ask", picture, "left cup", "--task", "grounding", "--models", "stub")
    assert (result.exit_code, result.stdout) == (0, "cup\n")
    assert "cup at (0, 0, 30, 80), score 0.90" in result.stderr


def test_choices_are_respected(picture):
    result = viper(
        "ask", picture, "Is there a cup?", "--models", "stub", "--choices", "Yes,No", "--json"
    )
    assert json.loads(result.stdout)["answer"] == "Yes"


def test_a_given_program_runs_instead_of_a_generated_one(picture, program):
    result = viper("ask", picture, "?", "--program", program, "--models", "stub", "--json")
    assert json.loads(result.stdout)["generator"] == "file"


def test_a_program_may_come_from_stdin(picture):
    result = viper("run", "-", picture, "--models", "stub", stdin=COUNT)
    assert (result.exit_code, result.stdout) == (0, "3\n")


def test_run_is_ask_with_a_program(picture, program):
    result = viper("run", program, picture, "--models", "stub", "--show-program")
    assert (result.exit_code, result.stdout) == (0, "3\n")
    assert "def execute_command(image):" in result.stderr


def test_a_program_sees_the_question_it_is_run_with(picture):
    source = "def execute_command(image, query):\n    return query"
    result = viper("run", "-", picture, "--models", "stub", "--question", "why?", stdin=source)
    assert result.stdout == "why?\n"


def test_the_trace_is_written_as_json(picture, program, tmp_path):
    path = tmp_path / "run.json"
    assert viper("run", program, picture, "--models", "stub", "--trace", str(path)).exit_code == 0
    trace = json.loads(path.read_text())
    assert trace["version"] == 4
    assert trace["turns"][0]["calls"][0]["method"] == "ImagePatch.find"
    assert trace["turns"][0]["call_sites"] == [
        {"line": 2, "method": "find", "literals": ["cup"], "repeats": False}
    ]


def test_the_trace_is_written_as_a_page(picture, program, tmp_path):
    path = tmp_path / "run.html"
    assert viper("run", program, picture, "--models", "stub", "--trace", str(path)).exit_code == 0
    assert "<title>3 –" in path.read_text(encoding="utf-8")


def test_the_picture_is_embedded_on_request(picture, program, tmp_path):
    path = tmp_path / "run.json"
    arguments = ["run", program, picture, "--models", "stub", "--embed", "picture"]
    assert viper(*arguments, "--trace", str(path)).exit_code == 0
    embedded = json.loads(path.read_text())["embedded"]
    assert len(embedded["images"]) == 1
    assert embedded["crops"]


def test_a_drawing_is_written_on_request(picture, program, tmp_path):
    path = tmp_path / "drawn.png"
    result = viper("run", program, picture, "--models", "stub", "--draw", path)
    assert result.exit_code == 0
    with Image.open(path) as drawn:
        assert drawn.size == (450, 400)


def test_a_drawing_of_an_unknown_kind_is_refused_before_anything_runs(picture):
    result = viper(
        "ask", picture, "How many cups are there?", "--models", "stub", "--draw", "a.bmp"
    )
    assert "FILE.png or FILE.jpg, but got 'a.bmp'" in result.stderr
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_drawing_that_cannot_be_written_is_refused_before_anything_runs(
    picture, program, tmp_path
):
    path = tmp_path / "none" / "drawn.png"
    result = viper("run", program, picture, "--models", "stub", "--draw", path)
    assert "The drawing cannot be written" in result.stderr
    assert (result.exit_code, result.stdout) == (1, "")


def test_an_answer_is_not_lost_when_the_trace_cannot_be_written(picture, program, tmp_path):
    full = tmp_path / "x.json"
    full.symlink_to("/dev/full")  # opens, and takes nothing
    result = viper("run", program, picture, "--models", "stub", "--trace", full)
    assert (result.exit_code, result.stdout) == (1, "3\n")
    assert "The trace cannot be written" in result.stderr


def test_terminal_escapes_in_an_answer_are_made_harmless(picture):
    source = "def execute_command(image):\n    return 'a\\x1b[31mb\\nc'"
    result = viper("run", "-", picture, "--models", "stub", stdin=source)
    assert result.stdout == "a\ufffd[31mb c\n"


# -- bad input


def test_a_trace_of_an_unknown_kind_is_refused_before_anything_runs(picture):
    result = viper("ask", picture, "Is there a cup?", "--models", "stub", "--trace", "x.yaml")
    line = failed(result, status=2)
    assert "as JSON (FILE.json) or as a page (FILE.html), but got 'x.yaml'" in line


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda folder: folder / "nothing.jpg", "nothing.jpg"),
        (lambda folder: folder, "folder"),
        (lambda folder: _file(folder / "empty.jpg", b""), "empty"),
        (lambda folder: _file(folder / "text.jpg", b"hello world, no picture\n"), "text"),
        (lambda folder: _file(folder / "cut.jpg", _jpeg()[:-200]), "cut"),
    ],
    ids=["missing", "directory", "empty", "text", "truncated"],
)
def test_an_unreadable_image_is_one_clear_line(tmp_path, make, complaint):
    path = str(make(tmp_path))
    result = viper("ask", path, "Is there a cup?", "--models", "stub", "--json")
    line = failed(result)
    assert complaint in line
    answer = json.loads(result.stdout)
    assert answer["failure"]["kind"] == "input"
    assert answer["answer"] is None


def test_an_image_of_one_pixel_and_a_very_long_one_work(tmp_path):
    for size in ((1, 1), (10, 20_000)):
        path = tmp_path / "odd.png"
        Image.fromarray(np.zeros((*size, 3), dtype=np.uint8)).save(path)
        assert viper("ask", str(path), "Is there a cup?", "--models", "stub").stdout == "yes\n"


@pytest.mark.parametrize("question", ["", "why " * 2500])
def test_an_unusable_question_is_one_clear_line(picture, question):
    result = viper("ask", picture, question, "--models", "stub", "--json")
    assert "question" in failed(result, "input")
    assert json.loads(result.stdout)["failure"]["kind"] == "input"


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["--models", "stubb"], 2, "Unknown preset 'stubb'. Did you mean 'stub'?"),
        (["--backend", "detector=onxn:x"], 2, "Unknown detector backend 'onxn'"),
        (["--backend", "detectr=onnx:x"], 2, "Unknown role 'detectr'. Did you mean 'detector'?"),
        (["--backend", "onnx:x"], 2, "--backend takes ROLE=NAME:REFERENCE"),
        (["--generator", "gramar"], 2, "Unknown generator 'gramar'. Did you mean 'grammar'?"),
        (["--generator", "openai"], 2, "openai:MODEL"),
        (["--backend", "detector=onnx:no/such.onnx"], 2, "no/such.onnx"),
        (["--backend", "detector=transformers:no/such-folder/x"], 2, "no/such-folder/x"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_an_unknown_name_is_one_clear_line_and_a_config_failure(
    picture, arguments, status, complaint, monkeypatch
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    result = viper("ask", picture, "Is there a cup?", *arguments, "--json")
    assert complaint in failed(result, status=status)
    assert json.loads(result.stdout)["failure"]["kind"] == "config"


def test_a_backend_whose_library_is_missing_names_the_install_command(picture, monkeypatch):
    import sys

    for name in list(sys.modules):
        if name == "open_clip" or name.startswith(("open_clip.", "viper.backends.open_clip")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "open_clip", None)
    result = viper(
        "ask", picture, "Is the cup red?", "--models", "stub", "--json",
        "--backend", "matcher=open_clip:ViT-B-32",
    )  # fmt: skip
    assert "pip install 'viper-vision[open-clip]'" in failed(result)


@pytest.mark.parametrize(
    "arguments",
    [["ask"], ["ask", "x.png"], ["ask", "x.png", "q", "--task", "poetry"],
     ["ask", "x.png", "q", "--timeout", "0"], ["generate"], ["ak", "x.png", "q"],
     ["run", "x.py", "x.png", "--nonsense"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_exits_with_2(arguments):
    result = viper(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_misspelt_verb_gets_a_suggestion():
    assert "Did you mean 'ask'" in viper("ak", "x", "y").stderr


def test_debug_shows_the_traceback(tmp_path):
    result = viper("ask", str(tmp_path / "nothing.png"), "Is it?", "--debug")
    assert "Traceback (most recent call last)" in result.stderr
    assert result.exit_code == 1


def test_a_question_that_the_grammar_does_not_understand_is_a_failure_of_the_generator(picture):
    result = viper("ask", picture, "xyzzy plugh qwfp", "--models", "stub", "--json")
    failed(result, "generator")
    assert json.loads(result.stdout)["failure"]["kind"] == "generator"


def test_without_a_backend_the_failure_says_what_to_add(picture):
    result = viper("ask", picture, "Is there a cup?", "--models", "none", "--json")
    line = failed(result, "model at line")
    assert "--backend detector=" in line


def test_a_failing_program_names_kind_and_line(picture):
    source = "def execute_command(image):\n    return [][0]"
    result = viper("run", "-", picture, "--models", "stub", stdin=source)
    line = failed(result, "runtime at line 2 of the program")
    assert "IndexError" in line


def test_a_missing_program_file_is_one_clear_line(picture):
    result = viper("run", "nothing.py", picture, "--models", "stub")
    assert "nothing.py" in failed(result)


# -- language models on loopback


@pytest.fixture
def endpoint(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def start(*replies):
        server = LLMServer(replies)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        return server

    return start


def ask_model(picture, *more):
    return viper(
        "ask", picture, "How many cups?", "--models", "stub", "--generator", "openai:fake", *more
    )


def test_a_language_model_writes_the_program(picture, endpoint, tmp_path):
    path = tmp_path / "t.json"
    with endpoint(llm_server.text(f"Here:\n```python\n{COUNT}```")) as server:
        result = ask_model(picture, "--json", "--trace", str(path))
    answer = json.loads(result.stdout)
    assert (answer["answer"], answer["generator"]) == ("3", "openai:fake")
    assert answer["usage"] == {"prompt_tokens": 11, "completion_tokens": 7, "cost_usd": None}
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in result.output + path.read_text()


def test_a_failing_program_is_repaired_by_the_model(picture, endpoint):
    bad = "def execute_command(image):\n    return image.fnd('cup')"
    with endpoint(llm_server.text(bad), llm_server.text(COUNT)) as server:
        answer = json.loads(ask_model(picture, "--json").stdout)
    assert (answer["answer"], answer["attempts"]) == ("3", 2)
    assert "fnd" in json.dumps(server.requests[1].body)


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (llm_server.refuse(401, f"Incorrect API key provided: {KEY}"), "401"),
        (llm_server.refuse(404, "model not found"), "404"),
        (llm_server.refuse(429, "slow down", retry_after="0"), "429"),
        (llm_server.refuse(500, "oops"), "500"),
        (llm_server.raw(b"<html>proxy</html>", "text/html"), ""),
        (llm_server.raw(b"{not json"), ""),
        (llm_server.raw_json({"choices": []}), ""),
        (llm_server.text(""), "empty"),
        (llm_server.drop(), ""),
    ],
    ids=["401", "404", "429", "500", "html", "malformed", "no choices", "empty", "dropped"],
)
def test_a_language_model_in_trouble_is_one_clear_line(picture, endpoint, reply, complaint):
    with endpoint(reply):
        result = ask_model(picture, "--json", "--timeout", "60")
    line = failed(result, "generator")
    assert complaint in line
    assert json.loads(result.stdout)["failure"]["kind"] == "generator"
    assert KEY not in result.output


def test_an_unreachable_language_model_is_one_clear_line(picture, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    result = ask_model(picture, "--json", "--timeout", "60")
    line = failed(result, "generator")
    assert "127.0.0.1:9" in line
    assert KEY not in result.output


# -- lint and generate


def test_lint_of_a_clean_program_prints_nothing(program):
    result = viper("lint", program)
    assert (result.exit_code, result.output) == (0, "")


def test_lint_prints_every_finding_with_its_place(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("def execute_command(image):\n    image.fnd('x')\n    return image.find()\n")
    result = viper("lint", str(path))
    assert result.exit_code == 1
    first, second = result.stdout.splitlines()
    assert first.startswith(f"{path}:2: check: ")
    assert "find" in first
    assert second.startswith(f"{path}:3: check: ")


def test_lint_as_json(program):
    result = viper("lint", program, "--json")
    assert json.loads(result.stdout) == {"file": program, "findings": [], "failure": None}


def test_generate_prints_a_program():
    result = viper("generate", "How many cups are there?")
    assert result.exit_code == 0
    assert result.stdout.startswith("def execute_command(image)")
    assert "find('cup')" in result.stdout.replace('"', "'")


def test_generate_explains_how_it_understood_the_question():
    result = viper("generate", "How many cups are there?", "--explain")
    assert result.stderr.strip()
    assert result.stdout.startswith("def execute_command")


def test_generate_reads_rows_and_prints_a_row_for_each(tmp_path):
    rows = [
        {"id": "a", "query": "Is there a dog?"},
        {"id": "b", "question": "left dog", "task": "grounding"},
        {"id": "c", "query": "xyzzy plugh qwfp"},
        {"query": "Is the cup red or blue?"},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    result = viper("generate", "--file", str(path))
    printed = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["id"] for row in printed] == ["a", "b", "c", "4"]
    assert [row["answer_kind"] for row in printed] == ["yesno", "patch", None, "choice"]
    assert printed[2]["program"] is None
    assert printed[2]["failure"]["kind"] == "generator"
    assert set(printed[0]) == {"id", "query", "program", "answer_kind", "unparsed"}
    assert result.exit_code == 1  # a row without a program


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{nope", "rows.jsonl:1 is not a JSON object"),
        ("[1]", "rows.jsonl:1 is not a JSON object"),
        ('{"id": 1}', "has neither 'query' nor 'question'"),
        ('{"query": "x", "choices": "yes"}', "choices must be a list of texts, but got 'yes'"),
        ('{"query": "x", "choices": [true]}', "choices must be a list of texts, but got [True]"),
        ('{"query": "x", "id": true}', "id must be a text or a number, but got True"),
        ("[" * 100_000, "rows.jsonl:1 is not a JSON object"),
        ('{"query": "x", "task": "poem"}', "task must be 'vqa' or 'grounding', but got 'poem'"),
    ],
)
def test_a_malformed_row_is_one_clear_line(tmp_path, line, complaint):
    path = tmp_path / "rows.jsonl"
    path.write_text(line)
    assert complaint in failed(viper("generate", "--file", str(path)))


def _file(path, data):
    path.write_bytes(data)
    return path


def _jpeg():
    import io

    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "JPEG")
    return stream.getvalue()
