"""Secrets, and how they are kept out of messages, settings and child processes.

    is_secret              whether a name, as of a variable or an option, is that of a secret
    holds_secret           whether a text holds something that looks like a secret
    hide_secrets           a text with its secrets replaced by `[key]`
    hide_values            a text without the values of `SECRETS` alone, for texts that must stay as they are
    without_secrets        the variables that a child process may have

A secret is recognized by its form (`Bearer …`, `sk-…`, `hf_…`, a password in an address, an option with the
name of a secret), or because a variable of `SECRETS` has it as its value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

__all__ = ["SECRETS", "hide_secrets", "hide_values", "holds_secret", "is_secret", "without_secrets"]

SECRETS = ("OPENAI_API_KEY", "HF_TOKEN", "VIPER_SERVE_TOKEN")
"""Environment variables whose values are shown nowhere."""

_HIDDEN = "[key]"
# A local server is often given a word such as "none" as its key; it is no secret, and occurs in answers.
_MIN_VALUE_CHARS = 8

# Written as texts and compiled at the first use: starting the command needs none of them. Each part begins
# with literal characters and repeats one set of characters, so that a search takes linear time.
_FORMS = (
    r"(?i:\bauthorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:[a-z]{1,10}\s{1,4})?[^\s\"',;]+)"
    r"|(?i:\bbearer\s+[^\s\"']{6,})"
    r"|\bsk-[\w*.-]{6,}"  # services of language models
    r"|\b(?:pk|key)-(?=[\w*.-]{0,40}[0-9*])[\w*.-]{6,}"  # not: key-shaped
    r"|\b(?:hf|api_org)_[A-Za-z0-9]{8,}"  # the hub
    r"|\b(?:gh[opsur]|github_pat|glpat|xox[abprs])[_-][\w-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{20,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}"  # a JSON web token
)
_PASSWORD = r"(://)([^/\s@]*)@"  # noqa: S105  (a pattern)
# The blank after "?" and "&" of a text that a library has wrapped is meant too.
_OPTION = r"([?&;]\s?)([\w%.-]{1,60})=([^&;\s\"']+)"


def is_secret(name: str) -> bool:
    """Return whether a name looks like that of a secret."""
    words = name.lower().replace("max_token", "")  # max_tokens is a limit, not a secret
    return any(word in words for word in ("token", "key", "secret", "passw", "credential"))


def holds_secret(text: str) -> bool:
    """Return whether a text holds something that looks like a secret."""
    return hide_secrets(text) != text


def hide_secrets(text: str) -> str:
    """Return a text in which secrets are replaced by `[key]`; the rest is unchanged."""
    text = hide_values(text)
    text = re.sub(_FORMS, _HIDDEN, text)
    if "://" in text:
        text = re.sub(_PASSWORD, rf"\1{_HIDDEN}@", text)
    return re.sub(_OPTION, _hide_option, text) if "=" in text else text


def hide_values(text: str) -> str:
    """Return a text in which the values of `SECRETS` are replaced by `[key]`."""
    values = {os.environ.get(name, "").strip() for name in SECRETS}
    for value in sorted(values, key=len, reverse=True):  # one may begin like another
        if len(value) >= _MIN_VALUE_CHARS:
            text = text.replace(value, _HIDDEN)
    return text


def without_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables for a child process, without secrets and addresses with a password."""
    return {
        name: text
        for name, text in variables.items()
        if not is_secret(name) and hide_values(text) == text and not re.search(_PASSWORD, text)
    }


def _hide_option(found: re.Match[str]) -> str:
    from urllib.parse import unquote

    start, name, _ = found.groups()
    return f"{start}{name}={_HIDDEN}" if is_secret(unquote(name)) else found[0]
