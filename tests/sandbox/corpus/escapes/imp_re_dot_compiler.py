# category: builtins-import | expect: reject | success would mean: re._compiler and re.compile's module
# refused: check 1 "Programs can import math, re, typing; not 're._compiler'. Remove it."
import re._compiler
def execute_command(image):
    return "ESCAPED:" + repr(re)
