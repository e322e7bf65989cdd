"""A generator that counts whatever it is asked about."""

import json

from viper.programs.program import Program


class Counting:
    """Writes `return len(image_patch.find(…))` for every question."""

    can_repair = False

    def __init__(self, noun):
        self.name = f"counting:{noun}"
        self.noun = noun

    async def generate(self, requests):
        """Write one program per request."""
        source = (
            "def execute_command(image):\n"
            "    image_patch = ImagePatch(image)\n"
            f"    return len(image_patch.find({json.dumps(self.noun)}))\n"
        )
        return [Program(source, self.name) for _ in requests]

    async def aclose(self):
        """Nothing is open."""


def open_counting(reference):
    """Make the generator of a noun."""
    return Counting(reference or "thing")
