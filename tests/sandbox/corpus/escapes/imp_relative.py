# category: builtins-import | expect: reject | success would mean: a relative import reaches the package around the program
# refused: check 1 "Programs can import math, re, typing; not '.'. Remove it."
from . import execute
def execute_command(image):
    return "ESCAPED:" + repr(execute)
