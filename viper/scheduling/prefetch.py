"""Guesses what a program will ask next, so that it is computed in the forward that runs anyway.

`find` returns siblings. A program that asks something of one of them will most often ask it of the next,
the way memory is read with a stride. Two things tell: the call site stands in a loop (the sandbox child
says so before the program runs), or the same was asked of a second sibling. And what a program will look
for, or compare with, often stands in it as a literal.

A guess changes no answer: it only puts a result into the cache, or does not. Guesses are bounded per
call, and end for a program that uses few of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TypeVar

from viper.images.boxes import Box, area
from viper.images.image import View
from viper.images.region import Patch
from viper.programs.program import CallSite

__all__ = ["Prefetcher"]

T = TypeVar("T")

_MOST_ITEMS = 64
# Guesses per call: as many as a forward has room for.
_MOST_PIXELS = 64_000_000
# Of the crops that one call guesses, about 200 MB of RGB.
_TRIAL = 48
_LEAST_USED = 0.25
# After this many views, a program that used a smaller share of them is guessed none any more. Words are
# guessed without end: there are as many as the program has, and they stay in the cache for all.
_MOST_SITES = 256
_MOST_CHARACTERS = 200
_MOST_OPTIONS = 64
_REFUSALS = ("verify_property", "exists")


class Prefetcher:
    """What one program has shown of its ways.

    Args:
        enabled: False to guess nothing.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._sites: tuple[CallSite, ...] = ()
        self._repeating: set[tuple[str, int]] = set()
        self._group_of: dict[tuple[Box, str], tuple[Patch, ...]] = {}
        self._expected: dict[Box, Patch] = {}
        self._asked: dict[tuple[object, ...], Box] = {}
        self._refused: set[Box] = set()
        self._receiver: Patch | None = None
        self._repeats = False
        self.words_are_told = False
        """True when the words that stand in the program were guessed: they are the same all along."""
        self.guessed = 0
        """Views that were guessed so far."""
        self.used = 0
        """Those of them that were asked for later."""

    def read(self, sites: Iterable[CallSite]) -> None:
        """Learn the program's call sites, as the sandbox child reported them.

        The child is not believed: call sites are bounded in number and literals in length, for guesses are
        not charged to the program's budgets of calls and texts.
        """
        self._sites = tuple(
            site._replace(literals=tuple(map(_short, site.literals)))
            for site in itertools.islice(sites, _MOST_SITES)
        )
        self.words_are_told = False
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
            # The same, asked of another patch: the program goes through them, loop or not.
            self._repeats = True

    def end(self, method: str, receiver: Patch | None, result: object) -> None:
        """Note what a call returned."""
        if isinstance(result, list):
            # `find`, or a method of a module.
            group = tuple(patch for patch in result if isinstance(patch, Patch))
            self._group_of.update(((patch.box_xyxy, patch.category), group) for patch in group)
        elif method in _REFUSALS and receiver is not None and result is False:
            self._refused.add(receiver.box_xyxy)  # most often filtered out: not asked further

    def expect(self, patches: Iterable[Patch]) -> None:
        """Note what a later `find` of the program will give."""
        self._expected.update((patch.box_xyxy, patch) for patch in patches)

    def siblings(self, *, and_groups_asked: str | None = None) -> list[View]:
        """Return views of which the call in progress may be repeated, less those that were refused.

        Args:
            and_groups_asked: A method; where several call sites of it repeat, they compare one group with
                another, and what else was found belongs to what may be asked.
        """
        return [patch.view for patch in self.sibling_patches(and_groups_asked=and_groups_asked)]

    def sibling_patches(self, *, and_groups_asked: str | None = None) -> list[Patch]:
        """Return the patches of `siblings`."""
        own = self._receiver
        if own is None:
            return []
        groups: Iterable[Patch] = self._group()
        if sum(site.method == and_groups_asked and site.repeats for site in self._sites) > 1:
            groups = itertools.chain(groups, *dict.fromkeys(self._group_of.values()))
        return self._chosen(
            patch
            for patch in groups
            if patch.box_xyxy not in self._refused or own.box_xyxy in self._refused
        )

    def comparable(self) -> list[View]:
        """Return views that may be compared with words next, where the call in progress may be repeated.

        What was refused one word may be asked for another, and what a later `find` gives is most often
        asked in the same way: a view has one vector for all words.
        """
        chosen = self._chosen(itertools.chain(self._group(), self._expected.values()))
        return [patch.view for patch in chosen]

    def _group(self) -> tuple[Patch, ...]:
        """Return the receiver of the call in progress with its siblings."""
        own = self._receiver
        return () if own is None else self._group_of.get((own.box_xyxy, own.category), ())

    def _chosen(self, patches: Iterable[Patch]) -> list[Patch]:
        """Return those of some patches that may be guessed, the receiver left out."""
        if not self._guesses or not self._repeats or self._receiver is None:
            return []
        chosen: dict[Box, Patch] = {}
        pixels = 0.0
        for patch in patches:
            pixels += area(patch.box_xyxy)
            if len(chosen) >= _MOST_ITEMS or pixels > _MOST_PIXELS:
                break
            if patch.box_xyxy != self._receiver.box_xyxy:
                chosen[patch.box_xyxy] = patch
        return list(chosen.values())

    def literals(self, *methods: str, once: bool = False) -> Sequence[tuple[object, ...]]:
        """Return the literal arguments of the call sites of some methods.

        Args:
            methods: Their names.
            once: Only of sites that do not repeat; nothing while a repeating call is in progress.
        """
        if not self._enabled or (once and self._repeats):
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


def _short(literal: T) -> T | None:
    """Return a literal, None where it is longer than what anybody looks for or compares with."""
    match literal:
        case str() if len(literal) > _MOST_CHARACTERS:
            return None
        case tuple() if len(literal) > _MOST_OPTIONS or any(map(_is_long, literal)):
            return None
        case _:
            return literal


def _is_long(text: object) -> bool:
    return isinstance(text, str) and len(text) > _MOST_CHARACTERS
