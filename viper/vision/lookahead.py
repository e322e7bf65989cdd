"""Guesses what a program will ask next, so that it is computed in the forward that runs anyway.

`find` returns siblings. A program that asks something of one of them will most often ask it of the next,
the way memory is read with a stride. Two things tell: the call site stands in a loop (the sandbox child
says so before the program runs), or the same was asked of a second sibling. And what a program will look
for, or compare with, often stands in it as a literal.

A guess changes no answer: it only puts a result into the cache, or does not. Guesses are bounded per
call, and end for a program that uses few of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from viper.boxes import Box, area
from viper.program import CallSite
from viper.vision.patch import Patch
from viper.vision.roles import View

__all__ = ["Lookahead"]

_MOST_ITEMS = 64
# Guesses per call: as many as a forward has room for.
_MOST_PIXELS = 64_000_000
# Of the crops that one call guesses, about 200 MB of RGB.
_TRIAL = 48
_LEAST_USED = 0.25
# After this many guesses, a program that used a smaller share of them is guessed no more.
_REFUSALS = ("verify_property", "exists")


class Lookahead:
    """What one program has shown of its ways.

    Args:
        enabled: False to guess nothing.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._sites: tuple[CallSite, ...] = ()
        self._repeating: set[tuple[str, int]] = set()
        self._group_of: dict[Box, tuple[Patch, ...]] = {}
        self._asked: dict[tuple[object, ...], Box] = {}
        self._refused: set[Box] = set()
        self._receiver: Patch | None = None
        self._repeats = False
        self.guessed = 0
        """Guesses so far."""
        self.used = 0
        """Those that were asked for later."""

    def read(self, sites: Iterable[CallSite]) -> None:
        """Learn the program's call sites, as the sandbox child reported them."""
        self._sites = tuple(sites)
        self._repeating = {(site.method, site.line) for site in self._sites if site.repeats}

    def begin(
        self, method: str, line: int, receiver: Patch | None, arguments: Sequence[object]
    ) -> None:
        """Note a call that begins.

        Args:
            method: Name without the class, such as "find".
            line: Where it stands in the program.
            receiver: The patch that is asked.
            arguments: What is asked of it.
        """
        self._receiver = receiver
        self._repeats = (method, line) in self._repeating
        if receiver is None or self._repeats:
            return
        asked = (method, line, *map(str, arguments))
        before = self._asked.setdefault(asked, receiver.box_xyxy)
        if before != receiver.box_xyxy:
            # The same, asked of another sibling: the program goes through them, loop or not.
            self._repeats = self._group_of.get(before) is self._group_of.get(receiver.box_xyxy)

    def end(self, method: str, receiver: Patch | None, result: object) -> None:
        """Note what a call returned."""
        if method == "find" and isinstance(result, list) and len(result) > 1:
            group = tuple(patch for patch in result if isinstance(patch, Patch))
            self._group_of.update((patch.box_xyxy, group) for patch in group)
        elif method in _REFUSALS and receiver is not None and result is False:
            self._refused.add(receiver.box_xyxy)  # most often filtered out: not asked further

    def siblings(self, *, even_refused: bool = False) -> list[View]:
        """Return views of which the call in progress may be repeated; without its own.

        Args:
            even_refused: Also those that a property was refused of.
        """
        if not self._guesses or not self._repeats or self._receiver is None:
            return []
        own = self._receiver.box_xyxy
        chosen: list[View] = []
        pixels = 0.0
        for patch in self._group_of.get(own, ()):
            if patch.box_xyxy == own or (
                patch.box_xyxy in self._refused and own not in self._refused and not even_refused
            ):
                continue
            pixels += area(patch.box_xyxy)
            if len(chosen) >= _MOST_ITEMS or pixels > _MOST_PIXELS:
                break
            chosen.append(patch.view)
        return chosen

    def literals(self, *methods: str, once: bool = False) -> Sequence[tuple[object, ...]]:
        """Return the literal arguments of the call sites of some methods.

        Args:
            methods: Their names.
            once: Only of sites that do not repeat; nothing while a repeating call is in progress.
        """
        if not self._guesses or (once and self._repeats):
            return []
        sites = (site for site in self._sites if site.method in methods)
        found = [site.literals for site in sites if not (once and site.repeats)]
        return found[:_MOST_ITEMS]

    @property
    def _guesses(self) -> bool:
        """False when guessing is switched off, or did not pay in this program."""
        if not self._enabled:
            return False
        return self.guessed < _TRIAL or self.used >= _LEAST_USED * self.guessed
