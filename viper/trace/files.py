"""Writes a run to a file: JSON for scripts and replay, one HTML page for people."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from pydantic_core import PydanticSerializationError, to_json

from viper.errors import ConfigError
from viper.images.image import ImageRef
from viper.storage.files import check_writable, write_file
from viper.trace.embedding import Embed, embedded
from viper.trace.record import Trace

__all__ = ["check_place", "check_suffix", "trace_json", "trace_text", "write_trace"]

_log = logging.getLogger(__name__)

SUFFIXES = (".json", ".html")

_WHAT = "The trace"
_MOST_INDENTED_BYTES = 8_000_000
"""Nobody reads larger files in an editor."""


def check_suffix(path: Path) -> None:
    """Make sure that a trace can be written to a file of this name.

    Raises:
        ConfigError: Its suffix is neither `.json` nor `.html`.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigError(
            f"A trace is written as JSON (FILE.json) or as a page (FILE.html), but got {path.name!r}."
        )


def check_place(path: Path) -> None:
    """Make sure that a trace can be written to a file, before the run that it records.

    Raises:
        ConfigError: Its suffix is unknown, as in `check_suffix`.
        WriteError: The file cannot be written.
    """
    check_suffix(path)
    check_writable(path, what=_WHAT)


def write_trace(
    path: str | os.PathLike[str],
    trace: Trace,
    image: ImageRef | None = None,
    *,
    embed: Embed = "none",
) -> None:
    """Write a run to `FILE.json` or `FILE.html`; a file of that name is replaced.

    Args:
        path: Where to; its suffix says what.
        trace: The run.
        image: Its image. A page always shows it, where it is given.
        embed: How much of the image goes into JSON: `none`, small `crops` of what calls looked at and
            found, or the whole `picture` as well, so that the run can be changed and replayed from
            the file alone.

    Raises:
        ConfigError: The suffix, or `embed`, is unknown.
        WriteError: The file cannot be written; one of that name is unchanged.
    """
    path = Path(path)
    check_suffix(path)
    if path.suffix == ".html":
        from viper.trace.page import trace_page

        content = trace_page(trace, image).encode(
            "utf-8", "replace"
        )  # a lone surrogate has no UTF-8
    else:
        content = _content(trace_json(trace, image, embed=embed))
    write_file(path, content, what=_WHAT)
    if path.suffix == ".json":
        from viper.trace.read import is_too_large

        if is_too_large(content):
            _log.warning(
                "The trace in %r has %s bytes and is too large for Viper to read again: run fewer programs, "
                "or give them lower limits.",
                str(path),
                f"{len(content):,}",
            )


def trace_json(
    trace: Trace, image: ImageRef | None = None, *, embed: Embed = "none"
) -> dict[str, Any]:
    """Return the JSON object of a trace file, as `schema.json` describes it.

    Raises:
        ConfigError: `embed` is unknown.
    """
    if embed not in get_args(Embed):
        raise ConfigError(f"embed must be one of {', '.join(get_args(Embed))}, but got {embed!r}.")
    if embed != "none" and image is not None and image.load is not None:
        trace = replace(trace, embedded=embedded(trace, image, embed))
    return trace.to_json()


def trace_text(value: dict[str, Any]) -> str:
    """Return the text of a trace file: the same bytes for the same run."""
    return _content(value).decode()


def _content(value: dict[str, Any]) -> bytes:
    """Return the content of a trace file, with images of many megabytes in one copy."""
    content = _json(value, indent=1)
    if len(content) > _MOST_INDENTED_BYTES:
        # Of deeply nested values, the indentation may be most; the reader's limit is for all.
        content = _json(value, indent=None)
    return content + b"\n"


def _json(value: dict[str, Any], indent: int | None) -> bytes:
    try:
        content: bytes = to_json(value, indent=indent, inf_nan_mode="constants")
    except PydanticSerializationError:  # a lone surrogate
        text = json.dumps(value, ensure_ascii=False, indent=indent)
        content = text.encode("utf-8", "replace")
    return content
