# category: builtins-import | expect: reject | success would mean: the second module serves where the first is missing
# refused: check 3 "Programs can import math, re, typing; not 'numpy'. Use sum, min, max, sorted and the module math."
def execute_command(image):
    try:
        import numpy
    except Exception:
        import sys
    return "ESCAPED:" + sys.version
