"""A trace as one HTML file that needs nothing else: no network, no folder beside it.

Questions, programs, answers of models and names of files are not trusted. They are in the page as
data, which the viewer puts into text nodes; the content policy of the page runs the two scripts whose
hashes it names, and nothing else.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from viper.images.data_uri import page_image
from viper.images.image import ImageRef
from viper.texts.terminal import json_text, visible
from viper.trace.record import Trace
from viper.trace.summary import summary_html

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["VIEWER_SCRIPTS", "trace_page", "viewer_file"]


VIEWER_SCRIPTS = ("values.js", "steps.js", "stage.js", "viewer.js")
"""The parts of the viewer, in the order in which a page loads them."""


def trace_page(trace: Trace, image: ImageRef | None) -> str:
    """Return the page of a run.

    Args:
        trace: The run.
        image: Its image; None, or one without pixels, for a page without.
    """
    uri = None if image is None or image.load is None else page_image(image)
    value, name = replace(trace, embedded=None).to_json(), trace.image.name
    data = {"trace": value, "picture": uri}
    scripts = ["\n".join(map(viewer_file, VIEWER_SCRIPTS)), viewer_file("page.js")]
    styles = [viewer_file("viewer.css"), viewer_file("page.css")]
    return _template().render(
        title=visible(
            f"{trace.answer or 'no answer'}{trace.caveat} – {trace.question or trace.image.name}"[
                :200
            ]
        ),
        footer=visible(f"Viper {trace.viper}" + (f" · {name}" if name else "")),
        # The template inserts these unescaped: our own files, whose hashes are in the policy, and text
        # that has been escaped already.
        viewer_js=scripts[0],
        page_js=scripts[1],
        viewer_css=styles[0],
        page_css=styles[1],
        script_hashes=" ".join(map(_hash, scripts)),
        style_hashes=" ".join(map(_hash, styles)),
        summary=summary_html(value, None, styled=False),
        data=script_json(data),
    )


def script_json(value: Any) -> str:
    """Return a value as JSON in which no text can close the surrounding script element."""
    text = json_text(value, compact=True)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@functools.cache
def viewer_file(name: str) -> str:
    """Return a file of the viewer, which the server's page uses too."""
    return (files("viper.trace") / "viewer" / name).read_text(encoding="utf-8")


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(viewer_file("page.html.j2"))


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
