"""Renders chat templates of strangers in a process of their own.

A chat template is a program in Jinja that comes with a model. The sandbox of Jinja keeps it from the machine,
but not from a loop without end or a text of gigabytes, and its escapes are found every few years. The process
has no files, no network, little memory and a clock; when a template uses up its time, the process is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["TemplateFailure", "render", "render_chat"]

TIME_S = 10.0
"""For one text; rendering takes milliseconds."""
START_S = 60.0
_MOST_TEMPLATE_CHARS = 200_000
_MOST_CHARS = 8_000_000
_MEMORY_BYTES = 1 << 29
_CHILD = Path(__file__).with_name("_template_child.py")


class TemplateFailure(Exception):  # noqa: N818 # a template may fail by design
    """A template raised an error, or used up its time or memory; the message is a clause."""


def render(template: str, variables: Mapping[str, Any]) -> str:
    """Return the text of a template.

    Args:
        template: In Jinja, as tokenizers hold it.
        variables: Their values are plain JSON.

    Raises:
        TemplateFailure: It has none.
    """
    if len(template) > _MOST_TEMPLATE_CHARS:
        raise TemplateFailure(f"it has more than {_MOST_TEMPLATE_CHARS:,} characters")
    request = json.dumps({"template": template, "variables": dict(variables)})
    with _lock:
        child = _running()
        reply = _exchange(child, request, TIME_S)
    if "text" not in reply:
        raise TemplateFailure(str(reply.get("error"))[:400])
    return str(reply["text"])


def render_chat(owner: Any, messages: Sequence[Mapping[str, Any]], **options: Any) -> str:
    """Return a conversation as the text that the model continues.

    Args:
        owner: A tokenizer or processor of transformers with a chat template.
        messages: Each with `role` and `content`.
        options: Further variables of the template.

    Raises:
        TemplateFailure: The template is none, or raised an error.
    """
    template = owner.chat_template
    if isinstance(template, Mapping):
        template = template.get("default")
    if not isinstance(template, str):
        raise TemplateFailure("there is no template with the name 'default'")
    tokens = getattr(owner, "tokenizer", owner).special_tokens_map
    plain = {
        name: [str(one) for one in token] if isinstance(token, list) else str(token)
        for name, token in tokens.items()
    }
    variables = {
        **plain,
        "messages": list(messages),
        "tools": None,
        "documents": None,
        "add_generation_prompt": True,
        **options,
    }
    return render(template, variables)


_lock = threading.Lock()
_children: list[subprocess.Popen[bytes]] = []


def _running() -> subprocess.Popen[bytes]:
    """Return the process, started if there is none."""
    if _children and _children[0].poll() is None:
        return _children[0]
    _stop()
    names = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ")
    child = subprocess.Popen(  # noqa: S603 # our own script
        [sys.executable, "-I", str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in names if name in os.environ},
    )
    _children.append(child)
    setup = {
        "path": [str(Path(place).absolute()) for place in sys.path if place],
        "memory_bytes": _MEMORY_BYTES,
        "max_chars": _MOST_CHARS,
    }
    _exchange(child, json.dumps(setup), START_S)
    return child


def _exchange(child: subprocess.Popen[bytes], request: str, time_s: float) -> Any:
    """Send one line and return the line that answers it.

    Raises:
        TemplateFailure: The process ended, or was killed because its time was over.
    """
    assert child.stdin is not None
    assert child.stdout is not None
    clock = threading.Timer(time_s, child.kill)
    clock.start()
    try:
        child.stdin.write(request.encode() + b"\n")
        child.stdin.flush()
        # Six characters for one that is escaped.
        line = child.stdout.readline(6 * _MOST_CHARS + 100)
        if line.endswith(b"\n"):
            return json.loads(line)
    except (OSError, ValueError):
        pass
    finally:
        clock.cancel()
    _stop()
    raise TemplateFailure(f"it took more than {time_s:g} s, or ended its process")


def _stop() -> None:
    while _children:
        child = _children.pop()
        child.kill()
        for stream in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        child.wait()


def _forget() -> None:
    """In a forked process: the pipes belong to the parent."""
    global _lock  # another thread of the parent may have held it
    _lock = threading.Lock()
    _children.clear()


atexit.register(_stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
