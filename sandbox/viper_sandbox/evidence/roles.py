"""Says after a run which patches its answer counts or names, which were dropped or compared with.

    answer      in the returned value, or counted or named by it
    rejected    found, and dropped by a condition or a choice
    reference   what others were compared with: the cup of "left of the cup"

The way leads back from the return statement that ran: from a number to the list that it counts, from the
list to the conditions that made it. Which patches a place held is the record of the run (`recorder`); what a
place means is its syntax. A patch to which no such way leads has no role.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, TypeAlias

from viper_sandbox.evidence.choices import ChoiceWalk
from viper_sandbox.evidence.collected import UnknownError, loops_of
from viper_sandbox.evidence.expressions import is_guard
from viper_sandbox.evidence.flow import Flow, FunctionFlow, Return
from viper_sandbox.evidence.recorder import EvidenceRecorder
from viper_sandbox.exchange import ROLES
from viper_sandbox.limits import MAX_EVIDENCE, MAX_EVIDENCE_CHARACTERS
from viper_sandbox.wire import PatchRef

__all__ = ["Roles", "roles_of"]

Roles: TypeAlias = tuple[Sequence[PatchRef], ...]
"""The patches of each role, in the order of `ROLES`."""


def roles_of(flow: Flow, record: EvidenceRecorder, returned: Any) -> Roles:
    """Return the patches of each role; all lists are empty if they cannot be told.

    Args:
        flow: The data flow of the program.
        record: The record of its run, which has ended.
        returned: The value that it returned.
    """
    if not record.is_complete or record.last_return is None:
        return ([], [], [])
    walk = _Walk(flow, record)
    try:
        walk.begin(record.last_return, returned)
    except (UnknownError, RecursionError):
        return ([], [], [])
    return walk.roles()


class _Walk(ChoiceWalk):
    def begin(self, site: int, returned: Any) -> None:
        """Follow the value of a return statement."""
        function, left = self._flow.return_sites[site]
        self._function = function
        self._variables[id(function)] = self._record.variables[site]
        value = left.node.value
        assert isinstance(value, ast.Call), "the recorder's, around the value"
        value = value.args[1]
        patches = self._record.patches[site]
        if patches:
            self._take(patches, "answer")
            self._explain(value, {})
            return
        inside = self._items_of_loops(left)
        if not self._walk(value, "answer", inside):
            self._take_subject(loops_of(left.controls), inside, "answer")
        self._account_for(left.controls, inside)
        if isinstance(value, (ast.Constant, ast.JoinedStr)) or not self._anything:
            self._walk_conditions(function, left)
        if type(returned) is str:
            self._name(returned)

    def roles(self) -> Roles:
        """Return the patches, each with the first of its roles: all of the answer, others as they fit."""
        included: set[Any] = set()
        made: list[list[PatchRef]] = []
        characters = 0
        for role in ROLES:
            refs = []
            for number, patch in self._by_role[role].items():
                key = patch._box_xyxy, patch._category
                if key in included or (role == "rejected" and number in self._untested):
                    continue
                characters += len(patch._category)
                if len(included) >= MAX_EVIDENCE or characters > MAX_EVIDENCE_CHARACTERS:
                    if role == "answer":
                        return ([], [], [])
                    break
                included.add(key)
                refs.append(patch._ref())
            made.append(refs)
        return tuple(made)

    def _walk_conditions(self, function: FunctionFlow, left: Return) -> None:
        """Follow the conditions that led to a return statement without patches of its own."""
        ways = [r for r in function.returns if r.node.lineno <= left.node.lineno]
        tests: list[ast.expr] = []
        for way in ways:
            tests += [c.test for c in way.controls if not isinstance(c, ast.For)]
            loops = loops_of(way.controls)
            if loops and way is not left:  # a loop that ended without returning
                subject = self._subject(loops)
                seen = {} if subject is None else self._seen(subject)
                if len(seen) == 1:  # "no" is said of the only one
                    self._take(seen, "answer")
                self._account_for(way.controls, {})
            elif loops:
                self._take_subject(loops, self._items_of_loops(left), "answer")
                self._account_for(way.controls, self._items_of_loops(left))
        outside = [t for t in tests if self._is_new("way", id(t))]
        inside = {id(t) for found in self._flow.tests.values() for t in found}
        outside = [t for t in outside if id(t) not in inside]
        for test in outside:
            if not is_guard(test):
                self._walk(test, "answer", {})
        if not self._anything and not self._by_role["rejected"]:
            for test in outside:
                if is_guard(test):
                    self._walk(test, "answer", {})

    def _name(self, text: str) -> None:
        """Where the answer is the name of some of the patches, make these the answer."""
        answer, reference = self._by_role["answer"], self._by_role["reference"]
        both = {**answer, **reference}
        named = {number: p for number, p in both.items() if p._category == text}
        if named and not named.keys() & answer.keys():
            self._by_role["answer"] = named
            self._by_role["reference"] = {n: p for n, p in both.items() if n not in named}
