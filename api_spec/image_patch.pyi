"""The ImagePatch class: a box on an image, and what a program may ask of it.

Coordinates are pixels of the whole image with the ORIGIN AT THE BOTTOM LEFT: x grows to the right,
y grows upwards, so `lower < upper`. `@needs(role)` names the model role that a method calls; members
without it are plain geometry.
"""

from viper_api import needs

class ImagePatch:
    """A rectangular part of an image. Two patches with the same box on the same image are equal."""

    left: float
    """x of the left edge, in pixels of the whole image."""
    lower: float
    """y of the lower edge, in pixels, counted upwards from the bottom of the image."""
    right: float
    """x of the right edge, in pixels of the whole image."""
    upper: float
    """y of the upper edge, in pixels, counted upwards from the bottom of the image."""
    width: float
    """`right - left`, in pixels."""
    height: float
    """`upper - lower`, in pixels."""
    horizontal_center: float
    """`(left + right) / 2`, in pixels."""
    vertical_center: float
    """`(lower + upper) / 2`, in pixels."""
    score: float
    """Detector score in 0 … 1 of a patch that `find` returned; 1.0 for any other patch."""
    category: str
    """The phrase that `find` was asked for; "image" for the whole image and its crops."""

    def __init__(
        self,
        image: ImagePatch,
        left: float | None = None,
        lower: float | None = None,
        right: float | None = None,
        upper: float | None = None,
    ) -> None:
        """Make a patch: the whole of `image`, or the given box on it.

        Args:
            image: The picture given to `execute_command`.
            left: x of the left edge in pixels of the image; all four edges, or none.
            lower: y of the lower edge in pixels, counted upwards.
            right: x of the right edge in pixels.
            upper: y of the upper edge in pixels, counted upwards.

        Raises:
            ValueError: The box has no area inside the image, or only some edges are given.

        Example:
            >>> image_patch = ImagePatch(image)
            >>> lower_half = ImagePatch(image, 0, 0, image_patch.width, image_patch.height / 2)
        """

    @needs("detector")
    def find(self, object_name: str) -> list[ImagePatch]:
        """Find every object of a kind inside this patch.

        Args:
            object_name: A noun or a short noun phrase, such as "dog" or "traffic light".

        Returns:
            One patch per object, best score first, without duplicates of one object; `[]` when there
            is none.

        Raises:
            ValueError: The name is empty.

        Example:
            >>> # How many dogs are there?
            >>> return len(image_patch.find("dog"))
        """

    @needs("detector")
    def exists(self, object_name: str) -> bool:
        """Tell whether at least one object of a kind is inside this patch.

        Args:
            object_name: A noun or a short noun phrase.

        Returns:
            True when `find(object_name)` would return at least one patch.

        Raises:
            ValueError: The name is empty.

        Example:
            >>> # Is there a cat?
            >>> return bool_to_yesno(image_patch.exists("cat"))
        """

    @needs("matcher")
    def verify_property(self, object_name: str, attribute: str) -> bool:
        """Tell whether the object that this patch shows has an attribute.

        Args:
            object_name: What the patch shows, such as "car".
            attribute: One attribute, such as "red", "wooden" or "sitting".

        Returns:
            True when "attribute object" fits the patch better than other attributes of the same kind
            and better than the bare object.

        Raises:
            ValueError: The name or the attribute is empty.

        Example:
            >>> # Is there a red car?
            >>> cars = image_patch.find("car")
            >>> return bool_to_yesno(any(car.verify_property("car", "red") for car in cars))
        """

    @needs("matcher")
    def best_text_match(self, option_list: list[str], prefix: str | None = None) -> str:
        """Choose the text that fits this patch best.

        Args:
            option_list: The texts to choose from, at least one.
            prefix: Words put in front of every option before it is compared.

        Returns:
            The best option, exactly as it was given.

        Raises:
            ValueError: The list is empty, or an option is.

        Example:
            >>> # Is the cup gold or blue?
            >>> cups = image_patch.find("cup")
            >>> cup = cups[0] if cups else absent("cup")
            >>> return cup.best_text_match(["gold", "blue"], prefix="a cup that is")
        """

    @needs("answerer")
    def simple_query(self, question: str = "What is this?") -> str:
        """Ask a short, simple question about what this patch shows.

        Args:
            question: A question about the patch as a whole; nothing that needs counting or comparing.

        Returns:
            A short answer in lower case without a final full stop.

        Raises:
            ValueError: The question is empty.

        Example:
            >>> # What is the man holding?
            >>> men = image_patch.find("man")
            >>> man = men[0] if men else absent("man")
            >>> return man.simple_query("What is the man holding?")
        """

    @needs("depth")
    def compute_depth(self) -> float:
        """Measure how far away what this patch shows is.

        Returns:
            The median of this patch in ONE relative depth map of the whole image; larger = farther.
            The unit is arbitrary: compare depths of the same image only.

        Example:
            >>> # the person closest to the camera
            >>> return min(image_patch.find("person"), key=lambda person: person.compute_depth())
        """

    def crop(self, left: float, lower: float, right: float, upper: float) -> ImagePatch:
        """Cut a patch out of this one.

        Args:
            left: x of the left edge in pixels of the WHOLE image.
            lower: y of the lower edge in pixels of the whole image, counted upwards.
            right: x of the right edge in pixels of the whole image.
            upper: y of the upper edge in pixels of the whole image, counted upwards.

        Returns:
            The part of the box that lies inside this patch.

        Raises:
            ValueError: Nothing of the box lies inside this patch.

        Example:
            >>> left_half = image_patch.crop(0, 0, image_patch.horizontal_center, image_patch.upper)
        """

    def overlaps_with(self, left: float, lower: float, right: float, upper: float) -> bool:
        """Tell whether a box shares area with this patch; boxes that only touch do not.

        Args:
            left: x of the left edge in pixels of the whole image.
            lower: y of the lower edge in pixels of the whole image, counted upwards.
            right: x of the right edge in pixels of the whole image.
            upper: y of the upper edge in pixels of the whole image, counted upwards.

        Returns:
            True when the open rectangles intersect.

        Example:
            >>> on_table = cup.overlaps_with(table.left, table.lower, table.right, table.upper)
        """

    @needs("language")
    def llm_query(self, question: str, long_answer: bool = True) -> str:
        """Ask a language model a question of general knowledge; it does not see the image.

        Args:
            question: The whole question, with everything that the model needs to know.
            long_answer: True for a sentence or more, False for one to three words.

        Returns:
            The answer of the model.

        Raises:
            ValueError: The question is empty.

        Example:
            >>> return image_patch.llm_query("What is the capital of France?", long_answer=False)
        """
