"""What looks like a place of a machine (a path, an address, a host), and how a text loses it.

The look alone decides. A text may quote a stranger's words, and must not read differently where the machine
happens to have what they name: else whoever asks could find out, word by word, which folders there are.

    without_places    a text without what looks like a place
    without_urls      a text without URLs, and with the paths of files in place of their URLs
    quoted            a stranger's text in quotation marks, of which nothing is left that would be hidden

Where a path ends cannot be seen: names of folders have blanks, commas and quotation marks. So all is hidden
up to the closing quotation mark, or to the end of the line. Only the name of a file stays, if its ending is
that of a file of models or data, with what follows it.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

__all__ = ["HIDDEN_ADDRESS", "quoted", "without_places", "without_urls"]

HIDDEN_ADDRESS = "(address withheld)"

# All patterns take linear time: a match can begin only where the run of characters in front of it begins.
_FILE_URL = re.compile(r"file:(?://)?(?=/)", re.IGNORECASE)
_URL = re.compile(r"(?<![a-z0-9+.-])[a-z0-9+.-]+://[^\s'\")\]]+", re.IGNORECASE)
_IP_ADDRESS = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]+)?(?![\w.]*\w)")
# A name with a port; a single digit is a device (cuda:0) rather than a port.
_HOST_AND_PORT = re.compile(r"(?<![\w.:/@-])[a-z][\w.-]*:[0-9]{2,5}(?![\w.]*\w)", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?<![\w.@/-])[a-z0-9-][a-z0-9.-]*(?<!\.)\.(?:com|net|org|edu|gov|io|dev|ai|app|cloud|local|localdomain|lan|internal"
    r"|intranet|corp|home|example|test)(?![\w-]|\.\w)",
    re.IGNORECASE,
)
_PATH = re.compile(
    r"(?<![\w/.~…])(?:~[\w.-]{0,40}|\.{1,2})?/(?![\s/])"
    r"|(?<!\w)[A-Za-z]:[\\/](?!/)|(?<![\w\\])\\\\(?=\w)"
)
_FILE = re.compile(
    r"[\w+-][\w.+-]*\.(?:onnx|data|bin|pt|pth|ckpt|safetensors|gguf|npy|npz|json|jsonl|toml|yaml|yml|txt|csv|model"
    r"|png|jpg|jpeg|webp|gif|bmp|tif|tiff|py|pyi|so|lock|db|sqlite)(?![\w/\\-])",
    re.IGNORECASE,
)
_SLASH = re.compile(r"(?<=[^\s/\\…])[/\\](?=[\w+-])")
_MARKS = "'\"`"


def without_places(text: str) -> str:
    """Return a text without addresses, hosts and paths; of a file, the name may stay.

    It takes linear time, some 0.1 µs for each character.
    """
    text = without_urls(text)
    for form in (_IP_ADDRESS, _HOST_AND_PORT, _DOMAIN):
        text = form.sub(HIDDEN_ADDRESS, text)
    return "\n".join(map(_without_paths, text.split("\n")))


def without_urls(text: str) -> str:
    """Return a text without URLs; of the URL of a file, its path stays."""
    return _URL.sub(HIDDEN_ADDRESS, _FILE_URL.sub("", text))


def quoted(text: str, longest: int = 200) -> str:
    """Return the beginning of a stranger's text in quotation marks, without what looks like a place.

    Args:
        text: The text.
        longest: Most characters of it.
    """
    # Again as Python writes it: a tabulator becomes a backslash and a letter.
    beginning = text if len(text) <= longest else f"{text[: longest - 1]}…"
    made = repr(without_places(beginning))
    return made if without_places(made) == made else "'…'"


def _without_paths(line: str) -> str:
    if "/" not in line and "\\" not in line:
        return line
    parts = []
    for start, end, is_quoted in _parts(line):
        if is_quoted:
            parts.append(_without_path(line[start:end]))
            continue
        # Nobody knows where a path ends that stands in no quotation marks.
        found = _PATH.search(line, start, end)
        rest = line[start:] if found else line[start:end]
        parts.append(_without_path(rest))
        if found:
            break
    return "".join(parts)


def _without_path(text: str) -> str:
    """Return a part of a line without the path in it."""
    # The character in front of the part is a quotation mark, or the part is the whole rest of a line.
    found = _PATH.search(text)
    last = max(text.rfind("/"), text.rfind("\\")) + 1
    is_file = bool(_FILE.match(text, last))
    if found:
        return text[: found.start()] + (f"…/{text[last:]}" if is_file else "…")
    # A relative path looks like "and/or", unless it ends in the name of a file.
    if is_file and (slash := _SLASH.search(text)):
        before = text[: slash.start()]
        return f"{before.removesuffix(before.split()[-1])}…/{text[last:]}"
    return text


def _parts(line: str) -> Iterator[tuple[int, int, bool]]:
    """Yield the parts of a line in order: start, end, and whether it stands in quotation marks.

    The marks themselves belong to the parts around. A mark opens behind a character that is not of a word,
    and closes in front of one; a backslash escapes it.
    """
    closing = {mark: list(_closing(line, mark)) for mark in _MARKS}
    start = at = 0
    while at < len(line):
        mark = line[at]
        if mark in closing and (at == 0 or not (line[at - 1].isalnum() or line[at - 1] in "_\\")):
            ends = closing[mark]
            index = bisect.bisect_right(ends, at)
            if index < len(ends):
                yield start, at + 1, False
                yield at + 1, ends[index], True
                start = at = ends[index]
        at += 1
    yield start, len(line), False


def _closing(line: str, mark: str) -> Iterator[int]:
    """Yield where a quotation mark may close."""
    escaped = False
    for at, character in enumerate(line):
        if character == mark and not escaped:
            follows = line[at + 1 : at + 2]
            if not (follows.isalnum() or follows == "_"):
                yield at
        escaped = character == "\\" and not escaped
