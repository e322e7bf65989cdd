# category: builtins-import | expect: reject | success would mean: a name of the API beside one that is not
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
from os import distance, system
def execute_command(image):
    return "ESCAPED:" + repr(system)
