# category: attr-walk | expect: deny | success would mean: flags are enum members: .name, ._member_map_ and the class behind
# refused: check 3 "There is no attribute 'name' in programs. Use a method of str, list, dict or set, or of the ImagePatch API."
import re
def execute_command(image):
    return "ESCAPED:" + repr(re.I.name)
