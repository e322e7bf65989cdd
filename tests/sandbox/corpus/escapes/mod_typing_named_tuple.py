# category: modules | expect: reject | success would mean: NamedTuple('A', …) makes a class by a call, with exec inside
# refused: check 1 "typing has no member 'NamedTuple' here. Did you mean 'Tuple'?"
from typing import NamedTuple
def execute_command(image):
    return "ESCAPED:" + repr(NamedTuple("A", [("x", int)]))
