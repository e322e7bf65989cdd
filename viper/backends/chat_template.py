"""Renders chat templates of strangers in a process of their own.

A chat template is a program in Jinja that comes with a model. The sandbox of Jinja keeps it from the machine,
but not from a loop without end or a text of gigabytes, and its escapes are found every few years. The process
has no files, no network, little memory and a clock; when a template uses up its time, the process is killed,
and the template is refused from then on. Each template has a process of its own, so that none waits for
another.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["TemplateFailure", "render", "render_chat"]

TIME_S = 10.0
"""For one text; rendering takes milliseconds."""
START_S = 60.0
_MOST_TEMPLATE_CHARS = 200_000
# Longest text: twice what the template was given, and what it says itself; known ones say up to 6,000.
_MOST_TIMES, _MOST_OWN_CHARS = 2, 20_000
_MOST_CHARS = 8_000_000
# Processes that wait for their template; each takes 25 MB.
_MOST_IDLE = 4
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
    given = json.dumps(dict(variables), ensure_ascii=False)
    most_chars = min(_MOST_TIMES * len(given) + _MOST_OWN_CHARS, _MOST_CHARS)
    request = {"template": template, "variables": dict(variables), "max_chars": most_chars}
    reply = _child_of(template).render(json.dumps(request), most_chars)
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


class _Child:
    """The process of one template, started for its first text."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.users = 0
        """Threads that have or await it."""
        self._lock = threading.Lock()
        self._used_s = 0.0  # the longest time that was not enough

    def render(self, request: str, most_chars: int) -> Any:
        """Send one line and return the line that answers it.

        Raises:
            TemplateFailure: The time was over, now or before, or the process has ended.
        """
        try:
            with self._lock:
                if self._used_s >= TIME_S:
                    raise TemplateFailure(f"it took more than {self._used_s:g} s for another text")
                if self.process is None or self.process.poll() is not None:
                    self._start()
                return self._exchange(request, TIME_S, most_chars)
        finally:
            with _lock:
                self.users -= 1

    def stop(self) -> None:
        """End the process, if there is one."""
        child, self.process = self.process, None
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        child.wait()

    def _start(self) -> None:
        self.stop()
        names = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ")
        self.process = subprocess.Popen(  # noqa: S603 # our own script
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in names if name in os.environ},
        )
        setup = {
            "path": [str(Path(place).absolute()) for place in sys.path if place],
            "memory_bytes": _MEMORY_BYTES,
        }
        self._exchange(json.dumps(setup), START_S, 100)

    def _exchange(self, request: str, time_s: float, most_chars: int) -> Any:
        child = self.process
        assert child is not None
        assert child.stdin is not None
        assert child.stdout is not None
        is_over = threading.Event()

        def end() -> None:
            is_over.set()
            child.kill()

        clock = threading.Timer(time_s, end)
        clock.start()
        try:
            child.stdin.write(request.encode() + b"\n")
            child.stdin.flush()
            # Six characters for one that is escaped; an error has 400.
            line = child.stdout.readline(6 * most_chars + 10_000)
            if line.endswith(b"\n"):
                return json.loads(line)
        except (OSError, ValueError):
            pass
        finally:
            clock.cancel()
        self.stop()
        if is_over.is_set() and time_s == TIME_S:
            self._used_s = time_s
        raise TemplateFailure(f"it took more than {time_s:g} s, or ended its process")


_lock = threading.Lock()
_children: OrderedDict[str, _Child] = OrderedDict()
"""By template, the one that was used last at the end; those that are refused stay, without a process."""


def _child_of(template: str) -> _Child:
    """Return the process of a template, with one user more; end those that have waited longest."""
    with _lock:
        child = _children.setdefault(template, _Child())
        child.users += 1
        _children.move_to_end(template)
        idle = [one for one in _children.values() if one.process is not None and not one.users]
        for one in idle[:-_MOST_IDLE]:
            one.stop()
        return child


def _stop() -> None:
    with _lock:
        for child in _children.values():
            child.stop()


def _forget() -> None:
    """In a forked process: the pipes belong to the parent."""
    global _lock  # another thread of the parent may have held it
    _lock = threading.Lock()
    _children.clear()


atexit.register(_stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
