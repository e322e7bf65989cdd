"""What the configured backends can do, for generators of programs."""

from __future__ import annotations

from dataclasses import dataclass

from viper.models.roles import ROLES, Role
from viper.vocabulary.categories import Match, match_phrase

__all__ = ["Capabilities"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Roles with a backend, and the classes of a closed-vocabulary detector."""

    roles: frozenset[Role]
    vocabulary: tuple[str, ...] | None = None
    """Class names of the detector; None if it takes any phrase."""
    judged: frozenset[str] | None = None
    """Kinds of attributes that the matcher supports, such as `color`; None if it takes any text."""

    @classmethod
    def everything(cls) -> Capabilities:
        """All roles with an open vocabulary: the default when the backends are unknown."""
        return cls(frozenset(ROLES))

    def serves(self, role: Role) -> bool:
        """Return whether a backend serves a role for any request."""
        return role in self.roles and (role != "matcher" or self.judged is None)

    def judges(self, kind: str) -> bool:
        """Return whether the matcher should verify a kind of attribute, such as `color`.

        An answerer is preferred to a matcher that supports only some kinds.
        """
        if "matcher" not in self.roles:
            return False
        return self.judged is None or (kind in self.judged and "answerer" not in self.roles)

    def match(self, phrase: str) -> Match | None:
        """Return the class that the detector would look for.

        Returns:
            The class and how it was matched; for an open vocabulary the phrase itself; None if
            there is no detector or it cannot detect this.
        """
        if "detector" not in self.roles:
            return None
        if self.vocabulary is None:
            return Match(phrase, "exact")
        return match_phrase(phrase, self.vocabulary)

    def detects(self, phrase: str) -> bool:
        """Return whether the detector finds what a phrase names, no more and no less."""
        match = self.match(phrase)
        return match is not None and match.means_the_same
