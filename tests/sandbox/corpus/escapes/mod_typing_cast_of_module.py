# category: modules | expect: reject | success would mean: cast is a function of the sandbox, with globals behind it
# refused: policy 3 "The attribute '__globals__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
from typing import cast
def execute_command(image):
    return "ESCAPED:" + repr(cast.__globals__)
