# category: modules | expect: deny | success would mean: the attributes of re.error end at texts and numbers
# refused: check 6 "There is no attribute 'lineno' in programs. Use a method of str, list, dict or set, or of the ImagePatch API."
import re
def execute_command(image):
    try:
        re.compile("(")
    except re.error as error:
        return "ESCAPED:" + repr(error.lineno)
