"""What the loaded or configured backends can serve, as a value that generators read."""

from __future__ import annotations

from dataclasses import dataclass

from viper.models.roles import ROLES, Role
from viper.vocabulary.categories import Match, match_phrase

__all__ = ["Capabilities"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Roles that are served, and the classes of a closed-vocabulary detector."""

    roles: frozenset[Role]
    vocabulary: tuple[str, ...] | None = None
    """Class names of the detector, None when it takes any phrase."""
    judged: frozenset[str] | None = None
    """Kinds of attributes that the matcher knows, such as `color`; None when it takes any text."""

    @classmethod
    def everything(cls) -> Capabilities:
        """All roles with an open vocabulary: what a program may use when nothing is known."""
        return cls(frozenset(ROLES))

    def serves(self, role: Role) -> bool:
        """Tell whether some backend fills a role, for whatever it may be asked."""
        return role in self.roles and (role != "matcher" or self.judged is None)

    def judges(self, kind: str) -> bool:
        """Tell whether a matcher is to be asked for a kind of attribute, such as `color`.

        One that knows a few kinds only is not asked where an answerer can be.
        """
        if "matcher" not in self.roles:
            return False
        return self.judged is None or (kind in self.judged and "answerer" not in self.roles)

    def match(self, phrase: str) -> Match | None:
        """Tell what the detector would look for when asked for a phrase.

        Returns:
            The class and how it was reached; for an open vocabulary the phrase itself; None when
            the detector is missing or cannot detect this.
        """
        if "detector" not in self.roles:
            return None
        if self.vocabulary is None:
            return Match(phrase, "exact")
        return match_phrase(phrase, self.vocabulary)
