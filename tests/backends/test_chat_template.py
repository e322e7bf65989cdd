"""Hostile chat templates end in an error; the library alone does what they say (the controls)."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from viper.backends import chat_template
from viper.backends.chat_template import TemplateFailure, render, render_chat

LOOP = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
DOUBLING = (
    "{% set ns = namespace(x='a' * 1000) %}"
    "{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}"
)
HOSTILE = {
    "loops": (LOOP, r"took more than 1 s"),
    "a slow filter": ("{{ lipsum(n=100000) }}", r"took more than 1 s"),
    "a long text": ("{{ 'a' * 10 ** 10 }}", r"too much memory"),
    "a wide number": ("{{ '%1000000000d' % 1 }}", r"too much memory"),
    "a wide field": ("{{ 'a'.center(10 ** 10) }}", r"too much memory"),
    "a list": ("{{ ([1] * 10 ** 9) | length }}", r"too much memory"),
    "doubling": (DOUBLING, r"too much memory|1 s"),
    "many texts": ("{% for i in range(9000) %}{{ 'a' * 1000 }}{% endfor %}", r"text of 9,000,000"),
    "recursion": ("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", r"RecursionError|ended"),
    "deep brackets": ("{{ " + "(" * 50_000 + " }}", r"Error|ended"),
    "a class": ("{{ ''.__class__.__mro__ }}", r"SecurityError"),
    "globals": ("{{ cycler.__init__.__globals__ }}", r"SecurityError"),
    "another file": ("{% include '/etc/passwd' %}", r"TypeError: no loader|Error"),
    "changes": ("{{ messages.append(1) }}", r"SecurityError"),
    "a long template": ("a" * 300_000, r"more than 200,000 characters"),
    "its own error": ("{{ raise_exception('no\nsystem') }}", r"TemplateError: no"),
    "broken": ("{% if %}", r"TemplateSyntaxError"),
}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(chat_template, "TIME_S", 1.0)
    yield
    chat_template._stop()
    chat_template._children.clear()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_is_an_error(name):
    template, complaint = HOSTILE[name]
    with pytest.raises(TemplateFailure, match=complaint):
        render(template, {"messages": []})
    assert render("{{ 1 + 1 }}", {}) == "2"  # the next one is served


def test_control_with_more_time_a_loop_ends(monkeypatch):
    template = "{% for i in range(1500) %}{% for j in range(1500) %}{% endfor %}{% endfor %}done"
    monkeypatch.setattr(chat_template, "TIME_S", 0.01)
    with pytest.raises(TemplateFailure, match="took more than"):
        render(template, {})
    monkeypatch.setattr(chat_template, "TIME_S", 60.0)
    assert render(template, {}) == "done"


def test_control_the_library_alone_makes_the_long_text():
    from transformers.utils.chat_template_utils import render_jinja_template

    (text,), _ = render_jinja_template([[]], chat_template="{{ 'a' * 10 ** 8 }}")
    assert len(text) == 10**8


@pytest.mark.skipif(sys.platform != "linux", reason="filters are those of Linux")
def test_the_process_has_no_files_and_no_secrets(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    chat_template._stop()
    render("", {})
    place = Path(f"/proc/{chat_template._children[''].process.pid}")
    assert "secret" not in (place / "environ").read_text()
    limits = (place / "limits").read_text()
    assert [line.split()[3:5] for line in limits.splitlines() if "open files" in line] == [
        ["0", "0"]
    ]
    opened = [str(fd.readlink()) for fd in (place / "fd").iterdir()]
    assert all(name.startswith(("pipe:", "/dev/null")) for name in opened)
    if os.uname().machine == "x86_64":
        assert "\nSeccomp:\t2" in (place / "status").read_text()


def test_a_process_that_has_died_is_started_again():
    assert render("{{ a }}", {"a": "b"}) == "b"
    process = chat_template._children["{{ a }}"].process
    process.kill()
    process.wait()
    assert render("{{ a }}", {"a": "é\u2028\n"}) == "é\u2028\n"


def test_threads_get_their_own_texts():
    found = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: render("{{ n }}", {"n": n})}))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: str(n) for n in range(8)}


LONG = {
    "the same text again": "{% for i in range(40) %}{{ messages[0] }}{% endfor %}",
    "letters": "{{ 'a ' * 15000 }}",
    "a fixed text": "a b " * 10_000,
    "blanks of a filter": "{{ messages[0] | indent(30000, true) }}",
    "escapes": "{{ (messages | string * 20) | urlencode }}",
    "marks of turns": "{% for i in range(4000) %}<|user|>{% endfor %}",
}


@pytest.mark.parametrize("name", LONG)
def test_a_template_makes_a_text_that_is_not_much_longer_than_what_it_was_given(monkeypatch, name):
    given = {"messages": ["question " * 200]}
    with pytest.raises(TemplateFailure, match=r"makes a text of [\d,]+ characters"):
        render(LONG[name], given)
    monkeypatch.setattr(chat_template, "_MOST_OWN_CHARS", 10**6)  # the control
    assert len(render(LONG[name], given)) > 20_000


def test_a_long_text_that_was_given_may_come_back_twice():
    given = {"messages": ["question " * 20_000]}
    assert len(render("{{ messages[0] }}{{ messages[0] }}", given)) == 360_000


def test_a_template_that_used_up_its_time_is_refused_at_once():
    assert render("{% if n %}" + LOOP + "{% endif %}", {"n": 0}) == ""  # control: not yet
    with pytest.raises(TemplateFailure, match="took more than 1 s, or"):
        render("{% if n %}" + LOOP + "{% endif %}", {"n": 1})
    start_s = time.monotonic()
    for _ in range(20):
        with pytest.raises(TemplateFailure, match="took more than 1 s for another text"):
            render("{% if n %}" + LOOP + "{% endif %}", {"n": 0})
    assert time.monotonic() - start_s < 1


@pytest.mark.parametrize("shared", [False, True], ids=["own process", "control: a shared one"])
def test_a_hostile_template_makes_no_other_wait(monkeypatch, shared):
    monkeypatch.setattr(chat_template, "TIME_S", 3.0)
    if shared:
        (child,) = [chat_template._child_of("")]
        monkeypatch.setattr(chat_template, "_child_of", lambda template: child)
    render("honest", {})

    def attack():
        with pytest.raises(TemplateFailure):
            render(LOOP, {})

    hostile = threading.Thread(target=attack)
    hostile.start()
    time.sleep(0.2)
    try:
        if shared:
            with pytest.raises(TemplateFailure):
                render("honest", {})
            assert not hostile.is_alive()
        else:
            assert render("honest", {}) == "honest"
            assert hostile.is_alive()
    finally:
        hostile.join()


def test_processes_that_wait_for_their_template_are_few(monkeypatch):
    monkeypatch.setattr(chat_template, "_MOST_IDLE", 2)
    for number in range(4):
        assert render(f"{number}", {}) == f"{number}"
    running = [one for one in chat_template._children.values() if one.process is not None]
    assert len(running) <= 3
    assert render("0", {}) == "0"  # it is started again


FEATURES = """{%- if messages[0]['role'] == 'system' %}{{ '<s>' + messages[0]['content'] | trim }}{% endif %}
{% for message in messages[1:] %}
  {%- if loop.index0 % 2 == 1 and not loop.last %}{% continue %}{% endif %}
<|{{ message.role }}|>{% generation %}{{ message.content }}{% endgeneration %}{{ eos_token }}
{% endfor %}
{{ {'a': 'é<>', 'b': [1]} | tojson(indent=2) }}{% if add_generation_prompt %}<|assistant|>{% endif %}
{%- set ns = namespace(found=false) %}{% for m in messages %}{% if m.role == 'user' %}
{% set ns.found = true %}{% break %}{% endif %}{% endfor %}
{{ ns.found }}{{ tools is none }}{{ enable_thinking is defined }}"""


def test_the_text_is_that_of_the_library():
    from transformers.utils.chat_template_utils import render_jinja_template

    class Tokenizer:
        chat_template = FEATURES
        special_tokens_map = {"eos_token": "</s>", "additional_special_tokens": ["<a>"]}  # noqa: RUF012

    roles = ("system", "user", "assistant", "user")
    messages = [{"role": role, "content": f" {role} \u00e9 "} for role in roles]
    (expected,), _ = render_jinja_template(
        [messages],
        chat_template=FEATURES,
        add_generation_prompt=True,
        tools=None,
        enable_thinking=False,
        **Tokenizer.special_tokens_map,
    )
    assert render_chat(Tokenizer, messages, enable_thinking=False) == expected
