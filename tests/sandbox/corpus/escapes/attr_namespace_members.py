# category: attr-walk | expect: reject | success would mean: the dict behind a frozen module
# refused: policy 3 "The attribute '_members' is hidden from programs. Use the attributes and methods of the ImagePatch API."
import math
def execute_command(image):
    return "ESCAPED:" + repr(math._members)
