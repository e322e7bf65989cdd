"""What services refuse of a request, so that it is sent again without that part.

Services that call themselves OpenAI-compatible differ in what they accept: some know no `seed`, some take no
`temperature`, some have models without a system role. Each says so in its own words, mostly with HTTP 400 or
422. `refused_part` finds the part of the request that the words of an error reject, and `Refused`
remembers it for the model at that address.
"""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["SYSTEM_ROLE", "Refused", "refused_by", "refused_part"]

SYSTEM_ROLE = "system"
"""Stands for the system role among the refused parts; the others are parameters."""

_REFUSAL = re.compile(
    r"unsupported|not[ _]support|n't support|no longer support|only the default|not a valid|"
    r"unrecogni[sz]ed|unknown|unexpected|extraneous|deprecated|cannot be (?:used|set|specified)|"
    r"extra[ _](?:input|field|forbidden|parameter)|value_error\.extra|additional propert|"
    r"not (?:be )?(?:permitted|allowed|accepted|available|enabled|implemented|recogni[sz]ed|valid)|"
    r"invalid (?:parameter|argument|field|option|key|name|property|role)"
)
_OUT_OF_RANGE = re.compile(
    r"too (?:large|high|long|big|small|many)|at most|exceed|out of range|between"
)
"""A value that the user can correct; the parameter itself is known."""
_NO_ZERO = re.compile(r"strictly positive|greater than 0|positive (?:number|float)|> ?0")
_OF_A_CONVERSATION = re.compile(r"role|message|prompt|instruction|template")
_OTHER_ROLES_ONLY = re.compile(
    r"roles? must alternate|only user and assistant|should be 'user'|'system' is not one of"
)
_WORD = re.compile(r"[\w-]+")


class Refused:
    """The parts that one model at one address has refused; all its clients share it."""

    def __init__(self) -> None:
        self.parts: frozenset[str] = frozenset()

    def add(self, part: str) -> None:
        """Remember a part."""
        self.parts |= {part}


_known: weakref.WeakValueDictionary[tuple[str, str], Refused] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def refused_by(base_url: str, model: str) -> Refused:
    """Return what a model at an address has refused, as long as anybody in this process uses it."""
    with _lock:
        found = _known.get((base_url, model))
        if found is None:
            found = _known[base_url, model] = Refused()
        return found


def refused_part(said: str, parameters: Mapping[str, Any], roles: Collection[str]) -> str | None:
    """Return the part of a request that a service rejects as unknown or unsupported.

    Args:
        said: What the service says, in lower case.
        parameters: The optional parameters of the request.
        roles: The roles in its conversation.

    Returns:
        The name of a parameter, `SYSTEM_ROLE`, or None if the service rejects something else.
    """
    words = _WORD.findall(said)
    refuses = _REFUSAL.search(said) is not None
    if refuses and not _OUT_OF_RANGE.search(said):
        # The first one mentioned: the message may go on to recommend or list others.
        mentioned = next((word for word in words if word in parameters), None)
        if mentioned is not None:
            return mentioned
    if parameters.get("temperature") == 0 and "temperature" in words and _NO_ZERO.search(said):
        return "temperature"
    if SYSTEM_ROLE not in roles:
        return None
    named = "system" in words or "developer" in words
    if (named and refuses and _OF_A_CONVERSATION.search(said)) or _OTHER_ROLES_ONLY.search(said):
        return SYSTEM_ROLE
    return None
