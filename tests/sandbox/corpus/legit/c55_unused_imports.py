# legit: imports that nobody uses | must run
# value: 1
import math
import re
from typing import Any, Callable, Iterable, Literal, Sequence
def execute_command(image):
    return len(ImagePatch(image).find("table"))
