"""Runs a changed program on a recorded run: only calls that were not recorded go to models.

The record is not trusted: a model that it names is loaded only if a preset of this installation names the
same one; the caller has to name any other (a path, a service) again.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from viper.engine.answer import Answer
from viper.engine.engine import Engine
from viper.engine.presets import load_presets
from viper.engine.query import Query
from viper.errors import InputError, ModelError, ViperError
from viper.images.decoding import open_image
from viper.images.image import ImageRef
from viper.models.registry import STUB, TRUTH
from viper.programs.api_spec import ApiCallable
from viper.replay.again import image_of, spec_of
from viper.replay.recorded import RecordedWorld
from viper.storage.files import quote_path
from viper.trace import Trace

__all__ = ["Found", "find_image", "run_changed", "trusted_backends"]


class Changed(NamedTuple):
    """The result of a changed program."""

    answer: Answer
    from_record: int
    """Calls that the record answered."""
    from_models: int
    """Calls that went to models."""


class Found(NamedTuple):
    """The image of a trace, or why there is none."""

    image: ImageRef | None
    """With pixels."""
    missing: str
    """What was looked for and what to do; empty where there is an image."""


class Trusted(NamedTuple):
    """The models of a trace, divided by whether they may be loaded."""

    backends: dict[str, str]
    """Role → reference, of models that a preset names."""
    others: dict[str, str]
    """Role → reference, of models that the caller must name to use them."""


def run_changed(
    trace: Trace,
    source: str,
    engine: Engine,
    found: Found,
    *,
    not_trusted: Mapping[str, str] | None = None,
) -> Changed:
    """Run a program, with its calls answered from a record where possible.

    Calls whose method, box and arguments are in the record are answered from it, wherever they are in the
    program; the others go to the engine's models, if there is an image for them.

    Args:
        trace: The run.
        source: The program.
        engine: Its models serve new calls; they are loaded at the first one.
        found: The image of the trace, as `find_image` gives it.
        not_trusted: Models of the trace that the engine does not have, for messages.

    Raises:
        InputError: The trace has no readable image, or a recorded result is not of its method's type.
    """
    if min(trace.image.width, trace.image.height) < 1:
        raise InputError("The image of the trace could not be read, so no program can run on it.")
    backends, others = engine.config.backends, dict(not_trusted or {})

    def before_new_call(entry: ApiCallable, call: str) -> None:
        role = entry.needs
        ref = None if role is None else backends.get(role)
        if ref is None and role in others:
            flag = shlex.quote(f"{role}={others[role]}")
            raise ModelError(
                f"The program calls {call}, which is not in the record. The trace names a model for it that "
                f"is in no preset; if you trust it, give --backend {flag}, or choose others with --models."
            )
        blind = ref is None or ref.name in (STUB, TRUTH) or role == "language"
        if found.image is None and not blind:
            raise InputError(
                f"The program calls {call}, which is not in the record, and models need the image for it. "
                f"{found.missing}"
            )

    image = found.image or image_of(trace)
    world = RecordedWorld(trace, spec_of(trace), image, before_new_call)
    query = Query(
        image,
        trace.question,
        trace.task,
        trace.choices,
        source,
        best_effort=trace.best_effort,
        recorded=world,
    )
    answer = asyncio.run(engine.arun(query))
    return Changed(answer, world.from_record, world.from_models)


def find_image(
    trace: Trace,
    *,
    given: Path | None = None,
    folders: Iterable[Path] = (),
) -> Found:
    """Look for the image of a trace: the given one, the embedded one, or a file of the same name.

    Args:
        trace: The run.
        given: The image file that the caller gives.
        folders: Where to look for a file with the image's name.

    Raises:
        InputError: The given file is not an image, or not the image of the trace.
    """
    if given is not None:
        return Found(_same(trace, lambda: open_image(given), f"{str(given)!r}"), "")
    if trace.embedded and (uris := trace.embedded.images):
        return Found(_same(trace, lambda: _decoded(uris[0]), "The embedded image"), "")
    name = trace.image.name
    hint = "Give it with --image FILE."
    # The name is not trusted: it may be a path.
    if name in ("", ".", "..") or Path(name).name != name or "\0" in name or "\\" in name:
        return Found(None, f"The trace does not hold it. {hint}")
    others = []
    for path in dict.fromkeys(Path(folder) / name for folder in folders):
        if not _is_file(path):
            continue
        try:
            return Found(_same(trace, partial(open_image, path), f"{str(path)!r}"), "")
        except ViperError as error:
            others.append(str(error))
    if others:
        return Found(None, f"{others[0].rstrip('.')}. {hint}")
    return Found(
        None,
        f"The trace does not hold it, and there is no file {quote_path(name)} beside it. {hint}",
    )


def _is_file(path: Path) -> bool:
    """Return whether there is such a file; of 300 letters, which no name can have, there is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def trusted_backends(models: Mapping[str, str]) -> Trusted:
    """Divide the models that a trace names into those of presets and others.

    Raises:
        ConfigError: A file of presets is unusable.
    """
    in_presets = {
        (role, str(preset.reference(role)))
        for preset in load_presets().values()
        for role in preset.backends
    }
    backends = {role: ref for role, ref in models.items() if (role, ref) in in_presets}
    others = {role: ref for role, ref in models.items() if role not in backends}
    return Trusted(backends, others)


def _same(trace: Trace, opened: Callable[[], ImageRef], name: str) -> ImageRef:
    """Open an image, and make sure that it is the image of the trace."""
    image, then = opened(), trace.image
    if image.content_hash != then.content_hash:
        width, height = image.size
        raise InputError(
            f"{name} is not the image of the trace: it has {width}×{height} pixels, "
            f"hash {image.content_hash[:12]}…; the trace is of {then.name!r}, "
            f"{then.width}×{then.height} pixels, hash {then.content_hash[:12]}…. Give the same image."
        )
    return replace(image, source_name=then.name)


def _decoded(uri: str) -> ImageRef:
    try:
        data = base64.b64decode(uri.partition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"The embedded image is not base64: {error}.") from error
    return open_image(data)
