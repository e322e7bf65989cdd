"""Writes the tables of `docs/configuration.md`: `python -m docs.tooling.settings_page FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from viper.settings.schema import (
    OTHER_VARIABLES,
    BackendSettings,
    ServeSettings,
    Settings,
    SettingsTree,
    variable_of,
)

__all__ = ["with_tables"]


def with_tables(page: str) -> str:
    """Return the page with its tables regenerated from the code; a test fails when they are stale."""
    for name, rows in (("settings", _settings()), ("variables", _variables())):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        assert found, f"the page has a place for {name}"
        page = before + begin + "".join(f"{row}\n" for row in rows) + end + after
    return page


def _settings() -> Iterator[str]:
    docs = {
        **_docs(Settings),
        **{f"backends.{key}": text for key, text in _docs(BackendSettings).items()},
        **{f"serve.{key}": text for key, text in _docs(ServeSettings).items()},
    }
    yield from ("", "| key in `viper.toml` | variable | default | meaning |", "|---|---|---|---|")
    for name, value, _ in SettingsTree(Settings(), {}).rows():
        default = "" if value is None else f"`{str(value).lower() if value is True else value}`"
        yield f"| `{name}` | `{variable_of(name)}` | {default} | {docs[name]} |"
    yield ""


def _variables() -> Iterator[str]:
    yield from ("", "| variable | names |", "|---|---|")
    yield from (f"| `{name}` | {meaning} |" for name, meaning in OTHER_VARIABLES.items())
    yield ""


def _docs(model: type[Settings] | type[BackendSettings] | type[ServeSettings]) -> dict[str, str]:
    return {name: field.description or "" for name, field in model.model_fields.items()}


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
