"""The limits of the built-in models: refusals of unknown words, and warnings about other images."""

from __future__ import annotations

from viper.builtin.words import unknown_words

__all__ = ["PHOTOGRAPHS", "doubt", "refusal"]

PHOTOGRAPHS = (
    "For photographs there are other models: viper models pull small fetches them, --models small uses "
    "them."
)
"""Advice for photographs."""


def refusal(text: str) -> str | None:
    """Return why a text means nothing to the built-in models; None if they know all its words."""
    strange = unknown_words(text)
    if not strange:
        return None
    listed = ", ".join(repr(word) for word in dict.fromkeys(strange))
    return (
        f"The built-in models do not know {listed}: they know cubes, spheres and cylinders only, in gray, "
        f"red, blue, green, brown, purple, cyan and yellow, of metal or rubber, small or large. {PHOTOGRAPHS}"
    )


def doubt(name: str, strangeness: float) -> str | None:
    """Return a warning for an image that is not of the small world; None if it looks like one.

    Args:
        name: The image's name.
        strangeness: See `Sight.strangeness`.
    """
    if strangeness <= 1:
        return None
    return (
        f"{name} does not look like a picture of the small world, which is all that the built-in models "
        f"know: do not rely on this answer. {PHOTOGRAPHS}"
    )
