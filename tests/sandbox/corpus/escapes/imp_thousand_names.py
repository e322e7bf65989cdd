# category: builtins-import | expect: reject | success would mean: a flood of findings makes the answer large
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
from os import a1, a2, a3, a4, a5, a6, a7, a8, a9
def execute_command(image):
    return "ESCAPED" + repr([a1, a2, a3, a4, a5, a6, a7, a8, a9])
