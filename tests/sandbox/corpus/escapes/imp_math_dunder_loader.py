# category: builtins-import | expect: reject | success would mean: math.__loader__ imports anything
# refused: policy 3 "The attribute '__loader__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
import math
def execute_command(image):
    return "ESCAPED:" + repr(math.__loader__.load_module("posix"))
