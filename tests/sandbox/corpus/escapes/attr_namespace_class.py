# category: attr-walk | expect: reject | success would mean: the class of a frozen module leads to its globals
# refused: policy 3 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
import math
def execute_command(image):
    return "ESCAPED:" + repr(math.__class__.__init__.__globals__)
