"""The process that renders chat templates; see `chat_template`. Started as a script, it imports only jinja2.

Each line of its input is a JSON object with `template` and `variables`, and each line of its output one with
`text` or `error`. The first line of the input has the limits and the path of imports.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

_EVERYTHING = """
{%- set ns = namespace(n=0) -%}{%- macro m(x='\\n\\u00e9') %}{{ x }}{% endmacro -%}
{% for a in items[-1:] if a is mapping %}{% set ns.n = ns.n + 1 %}{{ loop.index0 ~ m() }}{% break %}
{% endfor %}
{% generation %}{{ items | tojson(indent=1) }}{% endgeneration %}{{ strftime_now('%d %b %Y') }}{{ '%d' % 1 }}
{{ 'a b'.split()[0] | trim | upper | replace('a', 'b') | default('') | indent | string | title | urlencode }}
{{ items | length }}{{ items | map(attribute='a') | join(',') }}{{ items[0].items() | list | first }}
{{ lipsum(1) }}
{{ {'b': 1} | dictsort }}{{ [2, 1] | sort | unique | list }}{{ 1.5 | round }}
{{ 'a' is defined and 1 is number }}
{{ 'a b' | wordwrap(1) }}{{ 'a' | e }}{{ items | selectattr('a', 'equalto', 'b') | list }}{{ range(2) | sum }}
"""
"""Uses what templates use, so that it is imported before the process may open no more files."""


def _main() -> None:
    setup = json.loads(sys.stdin.readline())
    sys.path[:] = setup["path"]
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """The tag `generation` marks text for training; here it only shows its body."""

        tags = {"generation"}  # noqa: RUF012 # as the base class declares it

        def parse(self, parser: Parser) -> list[nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def raise_exception(message: Any) -> None:
        raise TemplateError(str(message))

    def tojson(value: Any, **options: Any) -> str:
        allowed = {"ensure_ascii", "indent", "separators", "sort_keys"}
        chosen = {name: options[name] for name in options if name in allowed}
        return json.dumps(value, **{"ensure_ascii": False, **chosen})

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[Generation, "jinja2.ext.loopcontrols"],
        cache_size=4,
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    # In local time, as the templates mean it.
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    # Everything that a first rendering imports.
    environment.from_string(_EVERYTHING).render(items=[{"a": "b"}])
    for failing in ("{{ 1 // 0 }}", "{% if %}", "{{ a.b.c }}", "{{ ''.__class__.x }}"):
        with contextlib.suppress(Exception):
            environment.from_string(failing).render()
    datetime.now().strftime("%d %b %Y")
    _confine(setup)
    print(json.dumps({"text": "ready"}), flush=True)  # noqa: T201 # the purpose of this script
    for line in sys.stdin:
        request = json.loads(line)
        try:
            text = environment.from_string(request["template"]).render(**request["variables"])
            if len(text) > request["max_chars"]:
                text, error = "", f"it makes a text of {len(text):,} characters"
            else:
                error = ""
        except MemoryError:
            text, error = "", "it needs too much memory"
        except Exception as failure:  # a template is a program and may raise anything
            text, error = "", f"{type(failure).__name__}: {str(failure)[:300]}"
        print(json.dumps({"error": error} if error else {"text": text}), flush=True)  # noqa: T201


def _confine(setup: dict[str, Any]) -> None:
    """Give up memory, files, processes and the network, as far as this system can."""
    filters: list[Callable[[], object]] = []
    with contextlib.suppress(ImportError, OSError, ValueError, AttributeError):
        import ctypes  # noqa: F401 # while files can be opened
        import platform

        from viper_sandbox import kernel, seccomp

        if seccomp.unsupported_reason() is None:
            seccomp.build_filter(platform.machine(), 0)
        filters += [kernel.forbid_new_privileges, seccomp.install]
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        for limit, value in (
            (resource.RLIMIT_AS, setup["memory_bytes"]),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_NOFILE, 0),
        ):
            resource.setrlimit(limit, (value, value))
    for install in filters:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            install()


if __name__ == "__main__":
    _main()
