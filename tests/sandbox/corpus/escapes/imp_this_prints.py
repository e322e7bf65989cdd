# category: builtins-import | expect: reject | success would mean: a module whose import prints
# refused: check 1 "Programs can import math, re, typing; not 'this'. Remove it."
import this
def execute_command(image):
    return "ESCAPED" + repr(this)
