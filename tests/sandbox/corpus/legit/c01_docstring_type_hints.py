# legit: docstring, type hints and a helper, as chat models write | must run
# value: 'no'
from typing import List, Optional

def closest(patches: List[ImagePatch], target: ImagePatch) -> Optional[ImagePatch]:
    """Return the patch that is closest to the target.

    Args:
        patches: Candidates.
        target: The reference.
    """
    if not patches:
        return None
    return min(patches, key=lambda p: distance(p, target))

def execute_command(image) -> str:
    """Answer: is the dog closest to the person a small one?"""
    image_patch: ImagePatch = ImagePatch(image)
    dogs: List[ImagePatch] = image_patch.find("dog")
    people: List[ImagePatch] = image_patch.find("person")
    dog: Optional[ImagePatch] = closest(dogs, people[0])
    if dog is None:
        return "no"
    return bool_to_yesno(dog.width * dog.height < 1500)
