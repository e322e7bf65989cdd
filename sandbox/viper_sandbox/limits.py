"""Limits of one program: time, memory, calls and sizes.

The host enforces wall time, the number of calls and the sizes of frames, out of the program's reach. The
kernel enforces memory and CPU time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

__all__ = ["CUT", "MAX_FAILURE_CHARACTERS", "Limits"]

MAX_FAILURE_CHARACTERS = 1_000
"""Longest message of a program's failure: the first 500 characters of its exception, and what led to it."""

CUT = "…"
"""Ends printed text of which the rest was dropped."""
# JSON writes a control character as six bytes, so a text of n bytes may need a frame of 6 n bytes.
_ESCAPED = 6
# Room in a frame for everything else: findings, names, ids and brackets.
_ENVELOPE_BYTES = 65_536

MAX_EVIDENCE = 300
"""Most patches whose role in a result is reported; people look at some dozens. With their categories they fit
into the envelope of a frame."""
MAX_EVIDENCE_CHARACTERS = 3_500
"""Most characters of the categories of these patches, all together."""

MAX_CALL_SITES = 1_000
"""Most places of calls that are reported of a program; what is needed soon is predicted from them."""

MAX_ARGUMENT_VALUES = 1_000
"""Most values in one argument of a call: the items of lists and dicts at any depth. Detectors find at most
some hundred objects, and lists of options have tens."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of one program's run; every one must be positive."""

    program_s: float = 30.0
    """Wall time of the program in seconds: that in which the host waits for it, not the time of its calls or
    of other programs."""
    cpu_s: float = 10.0
    """CPU time in seconds, user and system, including the check of the source."""
    memory_mb: int = 256
    """Address space beyond that of the idle interpreter, in MiB."""
    calls: int = 2_000
    """Vision and language calls."""
    handles: int = 20_000
    """Patches and objects that the host sends to the program, all calls together."""
    text_bytes: int = 1_000_000
    """UTF-8 bytes of all texts that the program sends to models, all calls together."""
    answer_bytes: int = 1_000_000
    """UTF-8 bytes of all texts that the host sends to the program in answers of calls, all calls together. A
    patch carries the phrase that it was found with, so a short phrase becomes long in many patches; traces
    hold these texts, too."""
    values: int = 10_000
    """Patches, objects, texts and numbers that the program sends in calls, all calls together; each item of a
    list counts. Every one costs the host time and memory, however small it is."""
    source_bytes: int = 200_000
    """UTF-8 bytes of the program's text as the generator wrote it."""
    nodes: int = 50_000
    """Nodes of the program's syntax tree."""
    result_bytes: int = 1_000_000
    """Bytes of the encoded result."""
    result_values: int = 5_000
    """Values in the result: the items of lists, dicts and sets at any depth. People read some dozens, other
    programs some hundreds; each costs the host some 20 µs, a patch 40 µs."""
    printed_bytes: int = 10_000
    """UTF-8 bytes of `print` output that are kept; the rest is dropped without a failure."""
    start_s: float = 60.0
    """Wall time in seconds in which a new child must report that it is confined."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"Limits.{field.name} must be a number, but got {value!r}.")
            if not math.isfinite(value) or value <= 0:
                raise ValueError(
                    f"Limits.{field.name} must be positive and finite, but got {value!r}."
                )

    @property
    def frame_bytes(self) -> int:
        """Largest frame that either side accepts."""
        texts = max(self.source_bytes, self.text_bytes) + self.printed_bytes
        return self.result_bytes + _ESCAPED * texts + _ENVELOPE_BYTES

    @property
    def calls_bytes(self) -> int:
        """Most bytes of the frames of all calls together, so that reading them takes a bounded time."""
        return 2 * self.frame_bytes

    @property
    def done_bytes(self) -> int:
        """Largest frame that may carry a result."""
        return self.result_bytes + _ESCAPED * self.printed_bytes + _ENVELOPE_BYTES
