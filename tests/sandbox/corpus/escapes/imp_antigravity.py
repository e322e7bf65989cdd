# category: builtins-import | expect: reject | success would mean: a module whose import starts a browser
# refused: check 1 "Programs can import math, re, typing; not 'antigravity'. Remove it."
import antigravity
def execute_command(image):
    return "ESCAPED" + repr(antigravity)
