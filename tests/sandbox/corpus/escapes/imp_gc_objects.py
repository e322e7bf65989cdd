# category: builtins-import | expect: reject | success would mean: gc.get_objects finds every object of the process
# refused: check 1 "Programs can import math, re, typing; not 'gc'. Remove it."
import gc
def execute_command(image):
    return "ESCAPED:%d" % len(gc.get_objects())
