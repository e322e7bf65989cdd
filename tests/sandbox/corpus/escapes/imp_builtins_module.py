# category: builtins-import | expect: reject | success would mean: the module builtins by import
# refused: check 1 "Programs can import math, re, typing; not 'builtins'. Remove it."
import builtins
def execute_command(image):
    return "ESCAPED:" + repr(builtins.open)
