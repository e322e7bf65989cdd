# category: builtins-import | expect: reject | success would mean: the second module serves where the first is missing
# refused: check 5 "Programs can import math, re, typing; not 'sys'. Remove it."
def execute_command(image):
    try:
        import numpy
    except Exception:
        import sys
    return "ESCAPED:" + sys.version
