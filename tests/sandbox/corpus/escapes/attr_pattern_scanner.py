# category: attr-walk | expect: deny | success would mean: the undocumented scanner of patterns
# refused: check 3 "No object in a program has an attribute 'scanner'. Did you mean 'center'?"
import re
def execute_command(image):
    return "ESCAPED:" + repr(re.compile("a").scanner("aaa"))
