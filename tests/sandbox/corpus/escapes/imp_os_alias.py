# category: builtins-import | expect: reject | success would mean: a module under a harmless name
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
import os as math
def execute_command(image):
    return "ESCAPED:" + math.name
