# category: attr-walk | expect: deny | success would mean: a match object's attribute re and its method expand
# refused: check 3 "There is no attribute 'expand' in programs. Did you mean 'expandtabs' or 'extend' or 'end'?"
import re
def execute_command(image):
    return "ESCAPED:" + repr(re.match("a", "a").expand("x"))
