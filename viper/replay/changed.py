"""Runs a changed program on the world of a record; models are asked for what is new, and only for that.

The record is a stranger's: the models that it names are loaded without asking only if a preset of this
installation names the same; anything else (a path, a service) the caller has to name again.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from viper.engine.answer import Answer
from viper.engine.engine import Engine
from viper.engine.presets import load_presets
from viper.engine.query import Query
from viper.errors import InputError, ModelError, ViperError
from viper.images.decoding import open_image
from viper.images.image import ImageRef
from viper.models.registry import STUB, TRUTH
from viper.programs.api_spec import ApiCallable
from viper.replay.again import picture_of, spec_of
from viper.replay.recorded import RecordedWorld
from viper.trace import Trace

__all__ = ["Changed", "Found", "Trusted", "find_picture", "run_changed", "trusted_backends"]


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of a changed program."""

    answer: Answer
    recalled: int
    """Calls that the record answered."""
    asked: int
    """Calls that went to models."""


class Found(NamedTuple):
    """The picture of a trace, or why there is none."""

    image: ImageRef | None
    """With pixels."""
    missing: str
    """What was looked for and what to do; empty where there is a picture."""


class Trusted(NamedTuple):
    """The models of a trace."""

    backends: dict[str, str]
    """Role → reference, of those that a preset names."""
    others: dict[str, str]
    """Role → reference, of those that the caller would have to name."""


def run_changed(
    trace: Trace,
    source: str,
    engine: Engine,
    picture: Found,
    *,
    not_trusted: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
) -> Changed:
    """Run a program on the world of a record.

    Calls whose method, box and arguments are in the record are answered from it, wherever they stand in the
    program; the others go to the engine's models, if there is a picture for them.

    Args:
        trace: The run.
        source: The program.
        engine: Its models serve what is new; they are loaded when that comes up.
        picture: The picture of the trace, as `find_picture` gives it.
        not_trusted: Models of the trace that the engine does not have, for messages.
        timeout_s: Replaces the engine's clock.

    Raises:
        InputError: The trace is of no picture, or holds results that their methods cannot give.
    """
    if min(trace.image.width, trace.image.height) < 1:
        raise InputError(
            "The trace is of a picture that could not be read, so there is no world to run a program on."
        )
    backends, others = engine.config.backends, dict(not_trusted or {})

    def before_asking(entry: ApiCallable, call: str) -> None:
        role = entry.needs
        ref = None if role is None else backends.get(role)
        if ref is None and role in others:
            flag = shlex.quote(f"{role}={others[role]}")
            raise ModelError(
                f"The program asks {call}, which is not in the record. The trace names a model for it that "
                f"is in no preset; if you trust it, give --backend {flag}, or choose others with --models."
            )
        blind = ref is None or ref.name in (STUB, TRUTH) or role == "language"
        if picture.image is None and not blind:
            raise InputError(
                f"The program asks {call}, which is not in the record, and models need the picture for it. "
                f"{picture.missing}"
            )

    image = picture.image or picture_of(trace)
    world = RecordedWorld(trace, spec_of(trace), image, before_asking)
    query = Query(image, trace.question, trace.task, trace.choices, source, world)
    answer = asyncio.run(engine.arun(query, timeout_s=timeout_s))
    return Changed(answer, world.recalled, world.asked)


def find_picture(
    trace: Trace,
    embedded: Mapping[str, Any] | None = None,
    *,
    given: Path | None = None,
    folders: Iterable[Path] = (),
) -> Found:
    """Look for the picture of a trace: the one that is given, the embedded one, or a file of its name.

    Args:
        trace: The run.
        embedded: The pictures in its file.
        given: What the caller says the picture is.
        folders: Where a file of that name is looked for.

    Raises:
        InputError: The given file is no picture, or another one than the trace's.
    """
    if given is not None:
        return Found(_same(trace, lambda: open_image(given), f"{str(given)!r}"), "")
    if embedded and "picture" in embedded:
        return Found(
            _same(trace, lambda: _decoded(embedded["picture"]), "The embedded picture"), ""
        )
    name = trace.image.name
    hint = "Give it with --image FILE."
    # A stranger's name may be a path; only the name of a file counts.
    if name in ("", ".", "..") or Path(name).name != name or "\0" in name or "\\" in name:
        return Found(None, f"The trace does not hold it. {hint}")
    others = []
    for path in dict.fromkeys(Path(folder) / name for folder in folders):
        if not path.is_file():
            continue
        try:
            return Found(_same(trace, partial(open_image, path), f"{str(path)!r}"), "")
        except ViperError as error:
            others.append(str(error))
    if others:
        return Found(None, f"{others[0].rstrip('.')}. {hint}")
    return Found(
        None, f"The trace does not hold it, and there is no file {name!r} beside it. {hint}"
    )


def trusted_backends(models: Mapping[str, str]) -> Trusted:
    """Divide the models that a trace names: those of presets, and those that anybody may have written.

    Raises:
        ConfigError: A file of presets is unusable.
    """
    known = {
        (role, str(preset.reference(role)))
        for preset in load_presets().values()
        for role in preset.backends
    }
    backends = {role: ref for role, ref in models.items() if (role, ref) in known}
    others = {role: ref for role, ref in models.items() if role not in backends}
    return Trusted(backends, others)


def _same(trace: Trace, opened: Callable[[], ImageRef], name: str) -> ImageRef:
    """Open a picture, and make sure that it is the trace's."""
    image, then = opened(), trace.image
    if image.content_hash != then.content_hash:
        width, height = image.size
        raise InputError(
            f"{name} is another picture than the trace's: {width}×{height} pixels, "
            f"hash {image.content_hash[:12]}…; the trace is of {then.name!r}, "
            f"{then.width}×{then.height} pixels, hash {then.content_hash[:12]}…. Give the same picture."
        )
    return replace(image, source_name=then.name)


def _decoded(uri: str) -> ImageRef:
    try:
        data = base64.b64decode(uri.partition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"The embedded picture is not base64: {error}.") from error
    return open_image(data)
