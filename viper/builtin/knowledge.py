"""What the built-in models know, and what they say when they are asked for anything else."""

from __future__ import annotations

from viper.builtin.words import unknown_words

__all__ = ["PHOTOGRAPHS", "doubt", "refusal"]

PHOTOGRAPHS = (
    "For photographs there are other models: viper models pull small fetches them, --models small uses "
    "them."
)
"""What to do instead."""


def refusal(text: str) -> str | None:
    """Say why a text means nothing to the built-in models; None where they know all its words."""
    strange = unknown_words(text)
    if not strange:
        return None
    listed = ", ".join(repr(word) for word in dict.fromkeys(strange))
    return (
        f"The built-in models do not know {listed}: they know cubes, spheres and cylinders only, in gray, "
        f"red, blue, green, brown, purple, cyan and yellow, of metal or rubber, small or large. {PHOTOGRAPHS}"
    )


def doubt(name: str, strangeness: float) -> str | None:
    """Say that a picture is not one of the small world; None where it looks like one.

    Args:
        name: Of the picture.
        strangeness: See `Sight.strangeness`.
    """
    if strangeness <= 1:
        return None
    return (
        f"{name} does not look like a picture of the small world, which is all that the built-in models "
        f"know: do not rely on this answer. {PHOTOGRAPHS}"
    )
