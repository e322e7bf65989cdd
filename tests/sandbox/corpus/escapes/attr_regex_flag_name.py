# category: attr-walk | expect: deny | success would mean: flags are enum members: .name, ._member_map_ and the class behind
# refused: check 3 "No object in a program has an attribute 'name'. Use a method of str, list, dict or set, or of the ImagePatch API."
import re
def execute_command(image):
    return "ESCAPED:" + repr(re.I.name)
