"""Types of backends' options, as pydantic reads them from text."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, StringConstraints

__all__ = ["Batch", "Choice", "Fraction", "LargeSide", "Positive", "Side", "Text", "Whole"]

Text: TypeAlias = Annotated[str, StringConstraints(pattern=r"\S")]
"""A text that is not blank."""
Fraction: TypeAlias = Annotated[float, Field(ge=0, le=1)]
"""A threshold or a score."""
Whole = BeforeValidator(int)
"""Marks an `int`, after its bounds; pydantic alone would accept "1.0"."""
Choice = BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)
"""Marks a `Literal` whose words are compared in lower case."""
Batch: TypeAlias = Annotated[int, Field(ge=1, le=1024), Whole]
"""Images per forward."""
Side: TypeAlias = Annotated[int, Field(ge=32, le=4096), Whole]
"""Side of an image in pixels."""
LargeSide: TypeAlias = Annotated[int, Field(ge=56), Whole]
"""Side in pixels that a patch of any vision language model fits into."""
Positive: TypeAlias = Annotated[int, Field(ge=1), Whole]
"""A count."""
