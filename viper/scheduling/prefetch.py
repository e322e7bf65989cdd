"""Prefetching: predicts a program's next requests, to compute them in a forward that runs anyway.

The patches that one `find` returns are siblings. A program that calls a method on one of them will probably
call it on the next, like a strided read of memory. There are two signs: the call site is in a loop (the
sandbox child reports that before the program runs), or the same call was made on a second sibling. The
phrases that a program looks for, or compares with, are often literals in its source.

A prefetch changes no answer: it only puts a result into the cache. Prefetches are bounded per call, and stop
for a program that uses few of them.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from typing import TypeVar

from viper.images.boxes import Box, area
from viper.images.image import View
from viper.images.region import Patch
from viper.models.request_limits import PHRASE_CHARACTERS
from viper.programs.program import CallSite

__all__ = ["Prefetcher"]

T = TypeVar("T")

# Prefetches per call: as many as a forward has room for.
_MOST_ITEMS = 64
# Most pixels in the crops that one call prefetches, about 200 MB of RGB.
_MOST_PIXELS = 64_000_000
# After this number of views, a program that used a smaller share of them gets no more. Texts have no such
# limit: a program has few of them, and the cache keeps them for other programs.
_TRIAL = 48
_LEAST_USED = 0.25
# Most views that one program prefetches, however well that pays: their results are kept until it ends.
_MOST_ISSUED = 10_000
_MOST_SITES = 256
_MOST_OPTIONS = 64
_TESTS = ("verify_property", "exists")


class Prefetcher:
    """Predictor for one program.

    Args:
        enabled: False to prefetch nothing.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._sites: tuple[CallSite, ...] = ()
        self._repeating: set[tuple[str, int]] = set()
        self._group_of: dict[tuple[Box, str], tuple[Patch, ...]] = {}
        self._groups: dict[tuple[Patch, ...], None] = {}  # each once, in order
        self._expected: dict[Box, Patch] = {}
        self._first_receivers: dict[bytes, Box] = {}  # by a digest of the call
        self._rejected: set[Box] = set()
        self._receiver: Patch | None = None
        self._repeats = False
        self.literals_prefetched = False
        """True once the program's literals were prefetched: they do not change."""
        self.issued = 0
        """Number of views prefetched so far."""
        self.used = 0
        """How many of them were requested later."""

    def read(self, sites: Iterable[CallSite]) -> None:
        """Take in the program's call sites, as the sandbox child reported them.

        The child is not trusted: call sites are bounded in number and literals in length, because
        prefetches do not count against the program's limits of calls and texts.
        """
        self._sites = tuple(
            site._replace(literals=tuple(map(_short, site.literals)))
            for site in itertools.islice(sites, _MOST_SITES)
        )
        self.literals_prefetched = False
        self._repeating = {(site.method, site.line) for site in self._sites if site.repeats}

    def begin(
        self, method: str, line: int, receiver: Patch | None, arguments: Sequence[object]
    ) -> None:
        """Record a call that begins.

        Args:
            method: Name without the class, such as "find".
            line: Line of the program.
            receiver: The patch whose method it is; None for a function.
            arguments: Arguments of the call.
        """
        self._receiver = receiver
        self._repeats = (method, line) in self._repeating
        if receiver is None or self._repeats:
            return
        # A digest, because arguments may be long, and are kept until the program ends.
        call = hashlib.blake2b(repr((method, line, *arguments)).encode("utf-8", "replace"))
        before = self._first_receivers.setdefault(call.digest(), receiver.box_xyxy)
        if before != receiver.box_xyxy:
            # The same call on another patch: the program iterates, loop or not.
            self._repeats = True

    def end(self, method: str, receiver: Patch | None, result: object) -> None:
        """Record the result of a call."""
        if isinstance(result, list):
            # `find`, or a method of a module.
            group = tuple(patch for patch in result if isinstance(patch, Patch))
            self._group_of.update(((patch.box_xyxy, patch.category), group) for patch in group)
            self._groups[group] = None
        elif method in _TESTS and receiver is not None and result is False:
            self._rejected.add(receiver.box_xyxy)  # the program probably filters it out

    def expect(self, patches: Iterable[Patch]) -> None:
        """Record the patches that a later `find` of the program will return."""
        self._expected.update((patch.box_xyxy, patch) for patch in patches)

    def siblings(self, *, and_groups_of: str | None = None) -> list[View]:
        """Return views for which the call in progress may be repeated, except rejected ones.

        Args:
            and_groups_of: Name of a method. If several of its call sites repeat, the program compares
                groups with each other, so the patches of other groups are included.
        """
        return [patch.view for patch in self.sibling_patches(and_groups_of=and_groups_of)]

    def sibling_patches(self, *, and_groups_of: str | None = None) -> list[Patch]:
        """Return the patches of `siblings`."""
        own = self._receiver
        if own is None:
            return []
        if not self._looks_ahead:
            return []
        groups: Iterable[Patch] = self._group()
        if sum(site.method == and_groups_of and site.repeats for site in self._sites) > 1:
            groups = itertools.chain(groups, itertools.chain.from_iterable(self._groups))
        return self._chosen(
            patch
            for patch in groups
            if patch.box_xyxy not in self._rejected or own.box_xyxy in self._rejected
        )

    def comparable(self) -> list[View]:
        """Return views that may be compared with texts next, if the call in progress may be repeated.

        A patch that was rejected for one text may be compared with another, and so may the patches of a
        later `find`: a view has one vector for all texts.
        """
        chosen = self._chosen(itertools.chain(self._group(), self._expected.values()))
        return [patch.view for patch in chosen]

    @property
    def _looks_ahead(self) -> bool:
        return self._pays and self._repeats

    def _group(self) -> tuple[Patch, ...]:
        """Return the receiver of the call in progress with its siblings."""
        own = self._receiver
        return () if own is None else self._group_of.get((own.box_xyxy, own.category), ())

    def _chosen(self, patches: Iterable[Patch]) -> list[Patch]:
        """Return the patches to prefetch, within the bounds, without the receiver."""
        if not self._looks_ahead or self._receiver is None:
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
    def _pays(self) -> bool:
        """False when prefetching is switched off, or did not pay in this program."""
        pays = self.issued < _TRIAL or self.used >= _LEAST_USED * self.issued
        return self._enabled and pays and self.issued < _MOST_ISSUED


def _short(literal: T) -> T | None:
    """Return a literal, None where it is too long to be a phrase."""
    match literal:
        case str() if len(literal) > PHRASE_CHARACTERS:
            return None
        case tuple() if len(literal) > _MOST_OPTIONS or any(map(_is_long, literal)):
            return None
        case _:
            return literal


def _is_long(text: object) -> bool:
    return isinstance(text, str) and len(text) > PHRASE_CHARACTERS
