# category: modules | expect: deny | success would mean: names of typing cannot be called
# refused: runtime 3 "TypeError: "
from typing import Callable
def execute_command(image):
    return "ESCAPED:" + repr(Callable(1))
