"""The functions that a program may call besides the methods of ImagePatch."""

from viper_api import ends_program, needs

@needs("matcher")
def best_image_match(
    list_patches: list[ImagePatch], content: list[str] | str, return_index: bool = False
) -> ImagePatch | int | None:
    """Choose the patch that fits the given words best.

    Args:
        list_patches: The patches to choose from.
        content: One text, or several texts whose matches are averaged.
        return_index: True to get the position in the list instead of the patch.

    Returns:
        The patch with the best mean match (or its index), None for an empty list of patches.

    Raises:
        ValueError: There is no text, or one is empty.

    Example:
        >>> # the man with a red shirt
        >>> return best_image_match(image_patch.find("man"), ["man with a red shirt"])
    """

def distance(patch_a: ImagePatch | float, patch_b: ImagePatch | float) -> float:
    """Measure the gap between two patches, or between two numbers.

    Args:
        patch_a: A patch or a number.
        patch_b: Another of the same kind.

    Returns:
        For patches the gap between their nearest edges in pixels, or minus their intersection over
        union (-1 … 0) when they overlap; for numbers the absolute difference.

    Raises:
        TypeError: One is a patch and the other is not.

    Example:
        >>> nearest = min(image_patch.find("cup"), key=lambda cup: distance(cup, laptop))
    """

def bool_to_yesno(bool_answer: bool) -> str:
    """Turn a truth value into "yes" or "no".

    Args:
        bool_answer: The truth value.

    Returns:
        "yes" or "no".

    Example:
        >>> return bool_to_yesno(len(image_patch.find("dog")) > 1)
    """

def coerce_to_numeric(text: str | float | bool) -> float:
    """Read a number out of a text such as an answer of `simple_query`.

    Args:
        text: A text with digits or number words: "1,200" is 1200, "10-15" is 10, "three" is 3, units
            are left out.

    Returns:
        The first number of the text: an int where it is whole, else a float.

    Raises:
        ValueError: The text holds no number.

    Example:
        >>> return coerce_to_numeric(image_patch.simple_query("What speed does the sign show?")) > 50
    """

@needs("language")
def llm_query(question: str, long_answer: bool = True) -> str:
    """Ask a language model a question of general knowledge; it does not see the image.

    Args:
        question: The whole question, with everything that the model needs to know.
        long_answer: True for a sentence or more, False for one to three words.

    Returns:
        The answer of the model.

    Raises:
        ValueError: The question is empty.

    Example:
        >>> return llm_query("Which country does the brand Volvo come from?", long_answer=False)
    """

@needs("language")
def process_guesses(
    prompt: str, guess1: str | list[str | None] | None = None, guess2: str | None = None
) -> str:
    """Let a language model choose the best of several guesses.

    Args:
        prompt: The question that the guesses answer.
        guess1: A list of guesses, or the first of two; None if there is none.
        guess2: The second guess, None if there is none.

    Returns:
        The best guess in one to three words.

    Raises:
        ValueError: The prompt is empty.

    Example:
        >>> return process_guesses("What is the man holding?", ["umbrella", "cane"])
    """

@ends_program
def absent(name: str) -> ImagePatch:
    """End the program: what the question takes for granted was not found.

    Args:
        name: What was looked for and not found, such as "elephant".

    Returns:
        Nothing, as a rule. Only where the user asked for answers that may be wrong (`--best-effort`), the
        program goes on with the whole picture, and the answer carries a doubt.

    Raises:
        ValueError: The name is empty.

    Example:
        >>> # What color is the elephant?
        >>> elephants = image_patch.find("elephant")
        >>> elephant = elephants[0] if elephants else absent("elephant")
        >>> return elephant.simple_query("What color is the elephant?")
    """

@ends_program
def unsure(why: str) -> None:
    """End the program without an answer: what it saw does not settle the question.

    Args:
        why: The reason, in a short sentence.

    Returns:
        Nothing: the program does not go on.

    Raises:
        ValueError: The reason is empty.

    Example:
        >>> if abs(cup.compute_depth() - plate.compute_depth()) < 0.01:
        ...     unsure("The cup and the plate are equally far away.")
    """
