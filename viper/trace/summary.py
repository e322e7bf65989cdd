"""A run as a small piece of HTML without scripts: for notebooks, and for pages where scripts are off.

Everything that comes from the trace is escaped. The piece has its own sizes and colors, since it becomes part
of another page; they suit light and dark ones.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from viper.images.data_uri import page_image
from viper.images.drawing import COLORS, Mark, legend, marks
from viper.images.image import ImageRef
from viper.images.values import dict_items, distinct
from viper.texts.terminal import visible
from viper.trace.turns import margin_of

__all__ = ["summary_html"]

_Style: TypeAlias = Callable[[str], str]

# What is left out is counted: a trace may come from anybody, and a notebook must stay usable.
_MOST_CALLS = 50
_MOST_BOXES = 300
_MOST_ITEMS = 20
_MOST_CHARACTERS = 160
_LONGEST_TEXT = 5_000
_LONGEST_BLOCK = 200_000

_WIDTHS = {
    "rejected": "1px;filter:drop-shadow(0 0 1px #000)",
    "reference": "2.5px;stroke-dasharray:8 6",
}
_BOX = "fill:none;stroke:{};stroke-width:{};vector-effect:non-scaling-stroke"
_NUMBER = "font-weight:700;fill:#2ee07f;stroke:#10231a;stroke-width:3px;paint-order:stroke"
_ANSWER = "font-size:1.4em;font-weight:600;overflow-wrap:anywhere"
_BANNER = (
    "margin:0.2em 0;padding:0.2em 0.6em;border-left:4px solid #d97706;background:#d9770622;"
    "overflow-wrap:anywhere"
)
_CELL = "text-align:left;vertical-align:top;padding:2px 10px 2px 0;overflow-wrap:anywhere"


def summary_html(trace: Mapping[str, Any], image: ImageRef | None, *, styled: bool = True) -> str:
    """Return question, answer, image with boxes, program and calls.

    Args:
        trace: The JSON object of a trace.
        image: Its image, if any.
        styled: Whether to add styles; a page whose policy forbids them takes none.
    """

    def style(text: str) -> str:
        return f' style="{text}"' if styled else ""

    parts = [f"<div{style('max-width:62em;line-height:1.45')}>"]
    if trace["question"]:
        parts.append(f"<div>{_escape(_cut(trace['question']))}</div>")
    failure = trace["failure"]
    answer = trace["answer"] if failure is None else f"No answer ({failure['kind']})"
    parts += map(partial(_banner, style=style), _caveats(trace))
    parts.append(f"<div{style(_ANSWER)}>{_escape(_cut(answer or ''))}</div>")
    if failure is not None:
        place = f"Line {failure['line']}: " if failure["line"] else ""
        parts.append(f"<div>{_escape(_cut(place + failure['message']))}</div>")
    if image is not None and image.load is not None:
        parts.append(_image(trace["patches"], image, style))
    turn = None if trace["chosen"] is None else trace["turns"][trace["chosen"]]
    if turn and turn["source"]:
        program = (
            f"<pre{style('overflow:auto')}>{_escape(_cut(turn['source'], _LONGEST_BLOCK))}</pre>"
        )
        parts.append(_folded(_cut(f"Program by {turn['generator']}"), program))
        if calls := turn["calls"]:
            heading = f"{len(calls)} call{'s' if len(calls) > 1 else ''}"
            parts.append(_folded(heading, _table(calls, _weakest(trace), style)))
        if turn["printed"]:
            printed = _escape(_cut(turn["printed"], _LONGEST_BLOCK))
            parts.append(_folded("Printed", f"<pre>{printed}</pre>"))
    parts.append("</div>")
    return "".join(parts)


def _caveats(trace: Mapping[str, Any]) -> list[str]:
    """Return what is said above an answer that is not to be taken for more than it is."""
    caveats = []
    if doubts := trace["doubts"]:
        listed = [f"{doubt['condition']} ({doubt['why']})" for doubt in doubts[:_MOST_ITEMS]]
        listed += [f"… {len(doubts) - _MOST_ITEMS} more"] if len(doubts) > _MOST_ITEMS else []
        caveats.append(f"Not verified: {'; '.join(listed)}")
    if trace["direct_answer"] is not None:
        caveats.append(f"Answered by one model, not checked: {trace['direct_answer']['model']}")
    return caveats


def _banner(text: str, *, style: _Style) -> str:
    return f'<div role="note"{style(_BANNER)}>{_escape(_cut(text))}</div>'


def _weakest(trace: Mapping[str, Any]) -> int | None:
    """Return the index of the call whose score was nearest to its threshold, as `Trace.weakest` does."""
    if trace["answer"] is None or trace["chosen"] is None:
        return None
    calls = trace["turns"][trace["chosen"]]["calls"]
    keys = "method", "score", "threshold", "result"
    margins = [
        (margin, number)
        for number, call in enumerate(calls)
        if (margin := margin_of(*(call[key] for key in keys))) is not None
    ]
    return min(margins)[1] if margins else None


def _escape(text: str) -> str:
    """Return a text for HTML in which all characters can be seen."""
    return html.escape(visible(text))


def _image(patches: list[dict[str, Any]], image: ImageRef, style: _Style) -> str:
    width, height = image.size
    placed, size = marks(patches[:_MOST_BOXES]), max(width, height) / 28
    boxes, numbers = [], []
    for mark in placed:
        x1, y1, x2, y2 = map(float, mark.box_xyxy)
        role = f", {mark.role}" if mark.role in _WIDTHS else ""
        title = _escape(f"{_cut(mark.category)} {mark.score:.2f}{role}")
        width_px, height_px = max(0.0, x2 - x1), max(0.0, y2 - y1)
        look = _BOX.format(COLORS[mark.role], _WIDTHS.get(mark.role or "", "2.5px"))
        boxes.append(
            f'<rect x="{x1}" y="{y1}" width="{width_px}" height="{height_px}"{style(look)}>'
            f"<title>{title}</title></rect>"
        )
        if mark.number is not None:
            numbers.append(
                f'<text x="{x1 + size / 4:.1f}" y="{y1 + size:.1f}" font-size="{size:.1f}"'
                f"{style(_NUMBER)}>{mark.number}</text>"
            )
    return (
        f"<div{style('position:relative;max-width:32em;margin:0.5em 0')}>"
        f'<img src="{page_image(image)}" alt="The image"{style("display:block;width:100%")}>'
        f'<svg viewBox="0 0 {width} {height}"{style("position:absolute;inset:0;width:100%;height:100%")}>'
        f"{''.join(boxes + numbers)}</svg></div>"
        f"{_legend(placed, style)}"
    )


def _legend(placed: list[Mark], style: _Style) -> str:
    meanings = legend(placed) if any(mark.role in _WIDTHS for mark in placed) else []
    return f"<div{style('font-size:0.85em')}>{'; '.join(meanings)}</div>" if meanings else ""


def _folded(heading: str, body: str) -> str:
    return f"<details><summary>{_escape(heading)}</summary>{body}</details>"


def _table(calls: list[dict[str, Any]], weakest: int | None, style: _Style) -> str:
    names = ("line", "call", "result", "score", "model", "ms")
    head = "".join(f"<th{style(_CELL)}>{name}</th>" for name in names)
    rows = []
    for number, call in enumerate(calls[:_MOST_CALLS]):
        arguments = ", ".join(map(_brief, call["arguments"][:_MOST_ITEMS]))
        arguments += ", …" if len(call["arguments"]) > _MOST_ITEMS else ""
        error = call["error"]
        cells = (
            str(call["line"]),
            f"{call['method'].removeprefix('ImagePatch.')}({arguments})",
            f"{error['kind']}: {error['message']}" if error else _brief(call["result"]),
            _score(call) + (" (the weakest)" if number == weakest else ""),
            call["model"] + (" (cached)" if call["cached"] else ""),
            f"{call['ms']:.1f}",
        )
        rows.append(
            "".join(f"<td{style(_CELL)}>{_escape(_cut(cell, 1_000))}</td>" for cell in cells)
        )
    if len(calls) > _MOST_CALLS:
        rows.append(f'<td colspan="{len(names)}">… {len(calls) - _MOST_CALLS} more</td>')
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _score(call: Mapping[str, Any]) -> str:
    if call["score"] is None:
        return ""
    threshold = "" if call["threshold"] is None else f", threshold {call['threshold']:.2f}"
    return f"{call['score']:.2f}{threshold}"


def _brief(value: Any) -> str:
    match value:
        case {"type": "patch", "box_xyxy": box, "category": category}:
            place = ", ".join(f"{edge:.0f}" for edge in box)
            return f"{_cut(category, _MOST_CHARACTERS)} at ({place})"
        case [{"type": "patch"}, *_] if all(map(_is_patch, value)):
            return f"{len(value)} patch{'es' if len(value) > 1 else ''}"
        case _:
            text = json.dumps(_plain(value), ensure_ascii=False)
            return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _is_patch(value: Any) -> bool:
    return isinstance(value, dict) and value["type"] == "patch"


def _plain(value: Any) -> Any:
    """Return a value of a program as people write it, its first items only."""
    match value:
        case {"type": "patch"}:
            return _brief(value)
        case dict():
            items = dict_items(value)
            displayed = [(key, _plain(item)) for key, item in items[:_MOST_ITEMS]]
            if len(items) > _MOST_ITEMS:
                displayed.append((f"… {len(items) - _MOST_ITEMS} more", None))
            names = distinct([key for key, _ in displayed])
            return dict(zip(names, (item for _, item in displayed), strict=True))
        case list() | tuple():
            left = len(value) - _MOST_ITEMS
            return [*map(_plain, value[:_MOST_ITEMS]), *([f"… {left} more"] if left > 0 else [])]
        case _:
            return value


def _cut(text: str, longest: int = _LONGEST_TEXT) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… {len(text) - longest:,} more characters"
