"""Records on a run which patches a program walked through, kept, counted, chose and returned.

The functions here are called by the program at the places that `recording` has marked. They return what the
program would have had without them, run no code of the program, and keep patches only: an object of another
type is never held, so a program needs no more memory with them. What they keep is bounded; of a program that
goes beyond, nothing is said.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from viper_sandbox.evidence.flow import AGAIN, COUNTED, INDEXED, ITEM, LEFT, SEEN, VALUE
from viper_sandbox.patch import ImagePatch

__all__ = ["MOST_LOOKS", "MOST_PATCHES", "EvidenceRecorder", "Patches"]

MOST_LOOKS = 20_000
"""Most items of lists, sets and dicts that a recorder looks at in one run."""

MOST_PATCHES = 1_000
"""Most patches that are kept of one place of a program; detectors find some hundred at most."""

# A list inside a list, such as pairs of a text and a patch; what lies deeper is not looked at.
_DEPTH = 2
_LISTS = (list, tuple, set, frozenset)

Patches = dict[int, ImagePatch]
"""Patches by identity, in the order in which they were met."""


class EvidenceRecorder:
    """The record of one run.

    Args:
        sites: Number of sites of the program.
    """

    def __init__(self, sites: int) -> None:
        self.patches: list[Patches] = [{} for _ in range(sites)]
        """Site → the patches that were met there."""
        self.variables: dict[int, Mapping[str, Patches]] = {}
        """Site of a return → the variables of its function when it last ran that held patches, or nothing: an
        empty list, or None."""
        self.empty: set[int] = set()
        """Sites of expressions whose value was, at least once, an empty list or None."""
        self.last_return: int | None = None
        """The site of the last return of any function: that of the program's entry when it has ended."""
        self._looks = 0
        self._last: dict[
            int, ImagePatch
        ] = {}  # site of an index → the patch that it stood for last

    @property
    def is_complete(self) -> bool:
        """Whether everything was recorded."""
        return self._looks <= MOST_LOOKS and all(len(p) < MOST_PATCHES for p in self.patches)

    def names(self) -> dict[str, Callable[..., Any]]:
        """Return the functions that the marked program calls, by name."""
        logs = self.patches
        empty, last = self.empty, self._last
        note = self._note

        # The whole image and its crops have the category "image": nobody found them.

        def seen(site: int, value: Any) -> bool:
            if type(value) is ImagePatch:
                log = logs[site]
                if len(log) < MOST_PATCHES and value._category != "image":
                    log[id(value)] = value
            elif type(value) in _LISTS:
                note(logs[site], value, _DEPTH)
            return True

        def valued(site: int, value: Any) -> Any:
            if type(value) is ImagePatch:
                log = logs[site]
                if len(log) < MOST_PATCHES and value._category != "image":
                    log[id(value)] = value
            elif value is None:
                empty.add(site)
            elif type(value) in _LISTS or type(value) is dict:
                if not value:
                    empty.add(site)
                note(logs[site], value, _DEPTH)
            return value

        def item(site: int, value: Any, *items: Any) -> Any:
            # A condition that failed, or nothing found; a number 0 is what `1 if … else 0` gives.
            if value is True or not (
                value is False or value is None or (type(value) in _FALSE and not value)
            ):
                for number, one in enumerate(items, site):
                    seen(number, one)
            return value

        def counted(site: int, value: Any, *items: Any) -> Any:
            for number, one in enumerate(items, site):
                seen(number, one)
            return value

        def indexed(site: int, value: Any) -> Any:
            if type(value) is ImagePatch:
                last[site] = value
                seen(site, value)
            return value

        def again(site: int, *sites: int) -> None:
            for one in sites:
                seen(site, last.get(one))

        return {
            SEEN: seen,
            VALUE: valued,
            ITEM: item,
            COUNTED: counted,
            INDEXED: indexed,
            AGAIN: again,
            LEFT: self._left,
        }

    def _left(self, site: int, value: Any) -> Any:
        self.last_return = site
        if self._looks <= MOST_LOOKS:
            variables: dict[str, Patches] = {}
            for name, held in sys._getframe(1).f_locals.items():
                kind = type(held)
                if held is None:
                    variables[name] = {}
                elif kind is ImagePatch or kind in _LISTS or kind is dict:
                    patches: Patches = {}
                    self._note(patches, (held,), _DEPTH + 1)
                    if patches or (kind is not ImagePatch and not held):
                        variables[name] = patches
            self.variables[site] = variables
            returned = self.patches[site] = {}
            self._note(returned, (value,), _DEPTH + 1)
        return value

    def _note(self, log: Patches, values: Any, depth: int) -> None:
        """Record the patches in a list, set or dict."""
        held: Iterable[Any] = values.values() if type(values) is dict else values
        for value in held:
            self._looks += 1
            if self._looks > MOST_LOOKS:
                return
            kind = type(value)
            if kind is ImagePatch:
                if len(log) < MOST_PATCHES and value._category != "image":
                    log[id(value)] = value
            elif depth > 1 and (kind in _LISTS or kind is dict):
                self._note(log, value, depth - 1)


_FALSE = (int, str, list, tuple, dict, set)
