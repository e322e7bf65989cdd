# category: attr-walk | expect: deny | success would mean: the undocumented scanner of patterns
# refused: check 3 "There is no attribute 'scanner' in programs. Did you mean 'center'?"
import re
def execute_command(image):
    return "ESCAPED:" + repr(re.compile("a").scanner("aaa"))
