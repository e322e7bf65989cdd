"""What street signs say, and where their bright parts are."""

from viper_api import needs

class Mask:
    """The bright part of a patch, pixel by pixel."""

    area: float
    """Share of the patch that is bright, 0 … 1."""
    pixels: int
    """How many pixels that are."""

class ImagePatch:
    @needs("reader")
    def read_text(self, language: str = "en") -> str:
        """Read the text that this patch shows.

        Args:
            language: Two letters that name the language.

        Returns:
            The text, "" where there is none.

        Raises:
            ValueError: The language is unknown.

        Example:
            >>> # What does the sign say?
            >>> return image_patch.read_text()
        """

    @needs("reader")
    def bright_mask(self, threshold: float = 0.5) -> Mask:
        """Measure which pixels of this patch are bright.

        Args:
            threshold: Least brightness, 0 … 1.

        Returns:
            The mask; compare masks with `mask_overlap`.

        Example:
            >>> return image_patch.bright_mask().area > 0.5
        """

    @needs("reader")
    def bright_parts(self, most: int = 2) -> list[ImagePatch]:
        """Find the bright halves of this patch.

        Args:
            most: How many at most.

        Returns:
            The left and the right half, the brighter one first.

        Example:
            >>> return len(image_patch.bright_parts())
        """

@needs("reader")
def mask_overlap(first: Mask, second: Mask | None = None) -> float:
    """Compare two masks.

    Args:
        first: A mask.
        second: Another; None compares the first with itself.

    Returns:
        The ratio of the smaller to the larger area, 0 … 1.

    Example:
        >>> mask = image_patch.bright_mask()
        >>> return mask_overlap(mask, image_patch.bright_mask(0.9))
    """
