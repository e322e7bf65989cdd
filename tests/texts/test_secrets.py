"""One idea of what a secret looks like, and that none gets into a message, a setting or a child."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from viper.errors import BudgetError, ConfigError, InputError, ModelError, summarize_error
from viper.serve.redaction import redact_message
from viper.settings.guard import received, refuse_secrets
from viper.texts.secrets import SECRETS, hide_secrets, holds_secret, is_secret, without_secrets

ROOT = Path(__file__).parents[2]
PLANTED = "Pl4nted0123456789abcdef"
TEXTS = {
    "a bearer token": f"Authorization: Bearer {PLANTED}",
    "a bearer token in capitals": f"BEARER\t{PLANTED}",
    "basic authorization": f'{{"authorization": "Basic {PLANTED}"}}',
    "a key of OpenAI": f"Incorrect API key: sk-proj-{PLANTED}.",
    "a key of another service": f"key-{PLANTED} is not valid",
    "a masked key": "sk-abc*****xyz is not valid",
    "a token of the hub": f"hf_{PLANTED} has no access",
    "a token of a forge": f"ghp_{PLANTED}",
    "a password in an address": f"http://user:{PLANTED}@10.0.0.7/v1",
    "a user alone in an address": f"http://{PLANTED}@10.0.0.7/v1",
    "an option": f"openai:m?base_url=http://h&api_key={PLANTED}",
    "an encoded option": f"openai:m?api%5Fk%65y={PLANTED}",
    "a query": f"GET /x?x=1;access_token={PLANTED} failed",
    "a JSON web token": f"eyJhbGciOiJI.eyJ{PLANTED}",
    "a cloud key": "AKIA" + "P1ANTED0123456789"[:16],
}
INNOCENT = [
    "max_tokens=300 of the key-shaped thing",
    "openai:gpt-5?max_tokens=300&temperature=0",
    "KeyError: 'key' in the keyboard and the monkey",
    "a tokenizer.json, the bearer of bad news",
    "What is the key on the table? It is key-shaped.",
    "def execute_command(image):\n    return image.find('key')",
    "mail to a@b.example and see http://h/v1",
]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_looks_like_a_secret_is_hidden_everywhere(text):
    planted = next(part for part in (PLANTED, "abc*****xyz", "P1ANTED012345678") if part in text)
    assert holds_secret(text)
    for shown in (
        hide_secrets(text),
        str(ModelError(text)),
        repr(ConfigError(text)),
        str(InputError(f"x {text} y").args),
        str(BudgetError(text)),
        summarize_error(ValueError(text)),
        redact_message(text),
        received(text),
    ):
        assert planted not in shown, shown
    with pytest.raises(ConfigError, match="holds a secret") as refused:
        refuse_secrets("generator", text, "viper.toml")
    assert planted not in str(refused.value)
    assert planted in str(ValueError(text))  # the control: an error of a library has it


@pytest.mark.parametrize("text", INNOCENT)
def test_ordinary_text_is_unchanged(text):
    assert hide_secrets(text) == text


@pytest.mark.parametrize("name", SECRETS)
def test_the_value_of_a_secret_variable_is_hidden_whatever_it_looks_like(name, monkeypatch):
    text = "the service sent back correct horse battery"
    assert hide_secrets(text) == text  # the control
    monkeypatch.setenv(name, "correct horse battery")
    assert hide_secrets(text) == "the service sent back [key]"
    assert str(ModelError(text)) == "the service sent back [key]"


def test_a_short_placeholder_of_a_local_server_is_not_taken_for_a_secret(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    assert hide_secrets("none of them") == "none of them"


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "GOOGLE_CREDENTIALS", "MY_PASSWD"],
)  # fmt: skip
def test_a_child_gets_no_variable_with_the_name_of_a_secret(name):
    given = {"PATH": "/bin", name: "x", "HTTP_PROXY": f"http://u:{PLANTED}@proxy", "LANG": "C"}
    assert is_secret(name)
    assert without_secrets(given) == {"PATH": "/bin", "LANG": "C"}


def test_the_probe_of_torch_gets_none(tmp_path, monkeypatch):
    from viper.doctor.torch_facts import TorchProbe

    monkeypatch.setenv("OPENAI_API_KEY", PLANTED)
    monkeypatch.setenv("ALL_PROXY", f"http://u:{PLANTED}@proxy")
    script = tmp_path / "probe.py"
    script.write_text(
        "import json, os\n"
        "found = 'Pl4nted' in str(dict(os.environ))\n"
        "print(json.dumps({'version': str(found), 'devices': []}))\n"
    )
    assert TorchProbe(script).wait().version == "False"
    done = subprocess.run(
        [sys.executable, script], capture_output=True, env={**os.environ}, text=True
    )
    assert "True" in done.stdout  # the control: the variables are there


def test_a_trace_of_a_failed_answer_holds_no_secret():
    from viper import Engine

    class Broken:
        fingerprint = "broken"
        vocabulary = None

        def detect(self, requests):
            raise RuntimeError(f"401 for http://u:{PLANTED}@h with Bearer {PLANTED}")

    from fakes.serving import PNG

    with Engine("builtin", opener=lambda ref: Broken()) as engine:
        answer = engine.run_program(
            "def execute_command(image):\n    return len(image.find('cup'))", PNG, question="?"
        )
    assert PLANTED not in str(answer.trace.to_json())


def test_there_is_one_pattern_of_a_secret():
    """No other module has an expression for keys, tokens or passwords."""
    found = set()
    words = ("bearer", "sk-", "hf_", "passw", "secret")
    for folder in ("viper", "sandbox", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            for node in (
                ast.walk(ast.parse(source))
                if "re." in source and any(map(source.__contains__, words))
                else ()
            ):
                if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re."):
                    text = ast.unparse(node)
                    if any(word in text for word in words):
                        found.add(path.relative_to(ROOT).as_posix())
    assert found <= {"viper/texts/secrets.py"}


def test_hiding_takes_linear_time():
    from fakes.patterns import seconds

    class Whole:
        """The function as if it were one expression."""

        def search(self, text):
            hide_secrets(text)

    for unit in (
        "bearer ",
        "sk-",
        "://a",
        "?a=",
        "&token=",
        "authorization: ",
        "eyJ",
        "key-",
        "a" * 99 + "=",
    ):
        short, text = unit * (20_000 // len(unit)), unit * (80_000 // len(unit))
        took_s = seconds(Whole(), "search", text, 5)
        assert took_s < 0.05 or took_s < 10 * seconds(Whole(), "search", short, 5)
