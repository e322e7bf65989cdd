"""Secrets, and how they are kept out of messages, settings and child processes.

    is_secret              whether a name, as of a variable or an option, is that of a secret
    holds_secret           whether a text holds something that looks like a secret
    reveals_secret         whether the reference of a model or generator does, or has an option that should
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

__all__ = [
    "SECRETS",
    "SECRET_REFERENCE",
    "hide_secrets",
    "hide_values",
    "holds_secret",
    "is_secret",
]
__all__ += ["reveals_secret", "without_secrets"]

SECRETS = ("OPENAI_API_KEY", "HF_TOKEN", "VIPER_SERVE_TOKEN")
"""Environment variables whose values are shown nowhere."""

SECRET_REFERENCE = (
    "holds a user name, a password or a query in an address, or a key, which logs and traces would reveal. "
    "Give the address alone, as scheme://host:port/path, and the key in an environment variable "
    f"({', '.join(SECRETS)})."
)
"""What to say of a reference that `reveals_secret`, which must not be repeated."""

_HIDDEN = "[key]"
# A local server is often given a word such as "none" as its key; it is no secret, and occurs in answers.
_MIN_VALUE_CHARS = 8

# Literal → the expression of a secret that has it. The literal is looked for first, which takes a thousandth
# of the time; each expression begins with it and repeats one set of characters, so that a search takes linear
# time. They are compiled at the first use: starting the command needs none of them.
_FORMS = {
    "sk-": r"sk-(?<=\bsk-)[\w*.-]{6,}",  # services of language models
    "pk-": r"pk-(?<=\bpk-)(?=[\w*.-]{0,40}[0-9*])[\w*.-]{6,}",
    "key-": r"key-(?<=\bkey-)(?=[\w*.-]{0,40}[0-9*])[\w*.-]{6,}",  # not: key-shaped
    "hf_": r"hf_(?<=\bhf_)[A-Za-z0-9]{8,}",  # the hub
    "api_org_": r"api_org_[A-Za-z0-9]{8,}",
    "gh": r"gh[opsur]_[A-Za-z0-9]{10,}",
    "github_pat_": r"github_pat_\w{10,}",
    "glpat-": r"glpat-[\w-]{10,}",
    "xox": r"xox[abprs]-[\w-]{10,}",
    "AKIA": r"AKIA[0-9A-Z]{16}\b",
    "AIza": r"AIza[\w-]{20,}",
    "eyJ": r"eyJ[\w-]{8,200}\.[\w.-]{8,}",  # a JSON web token
    "://": r"(?<=://)[^/\s@]{0,500}(?=@)",  # a password in an address
}
_SCHEMES = {  # in any case of letters
    "authorization": r"(?i:authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:[a-z]{1,10}\s{1,4})?[^\s\"',;]+)",
    "bearer": r"(?i:bearer\s+[^\s\"']{6,})",
}
_OPTION = r"[?&;]([\w%.-]{1,60})=([^&;\s\"']+)"


def is_secret(name: str) -> bool:
    """Return whether a name looks like that of a secret."""
    # max_tokens and context_tokens are limits, not secrets.
    words = name.lower().replace("max_token", "").replace("context_token", "")
    return any(word in words for word in ("token", "key", "secret", "passw", "credential"))


def holds_secret(text: str) -> bool:
    """Return whether a text holds something that looks like a secret."""
    return hide_secrets(text) != text


def reveals_secret(reference: str) -> bool:
    """Return whether `NAME:REFERENCE?option=value&…` must not stand in a log or trace.

    An address in it may have neither user and password nor a query or fragment, and no option the name of a
    secret; both are looked for as they are written, and with their escapes resolved.
    """
    from urllib.parse import parse_qsl, unquote

    if any(map(holds_secret, (reference, unquote(reference)))):
        return True
    query = reference.partition("?")[2]
    for name, value in parse_qsl(query.replace(";", "&"), keep_blank_values=True):
        is_address = "://" in value or "url" in name.lower()
        if is_secret(name) or (is_address and any(mark in value for mark in "@?#")):
            return True
    # Also without a scheme, with any number of slashes, or in place of a model's name.
    rest = unquote(reference).partition(":")[2]
    return 0 <= rest.find(":") < rest.rfind("@")


def hide_secrets(text: str) -> str:
    """Return a text in which secrets are replaced by `[key]`; the rest is unchanged."""
    text = hide_values(text)
    for literal, form in _FORMS.items():
        if literal in text:
            text = re.sub(form, _HIDDEN, text)
    lower = text.lower()
    for literal, form in _SCHEMES.items():
        if literal in lower:
            text = re.sub(form, _HIDDEN, text)
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
        if not is_secret(name) and hide_values(text) == text and not re.search(_FORMS["://"], text)
    }


def _hide_option(found: re.Match[str]) -> str:
    from urllib.parse import unquote

    return f"{found[0][0]}{found[1]}={_HIDDEN}" if is_secret(unquote(found[1])) else found[0]
