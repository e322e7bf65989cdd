# category: modules | expect: reject | success would mean: typing.ForwardRef compiles and evaluates a text
# refused: policy 3 "The attribute '_evaluate' is hidden from programs. Use the attributes and methods of the ImagePatch API."
from typing import ForwardRef
def execute_command(image):
    return "ESCAPED:" + repr(ForwardRef("__import__('os')")._evaluate({}, {}, frozenset()))
