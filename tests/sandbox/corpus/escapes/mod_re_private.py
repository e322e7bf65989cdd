# category: modules | expect: reject | success would mean: re._cache and re._compiler
# refused: policy 3 "The attribute '_cache' is hidden from programs. Use the attributes and methods of the ImagePatch API."
import re
def execute_command(image):
    return "ESCAPED:" + repr(re._cache)
