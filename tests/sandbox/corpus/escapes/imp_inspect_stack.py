# category: builtins-import | expect: reject | success would mean: inspect.stack walks frames without an attribute
# refused: check 1 "Programs can import math, re, typing; not 'inspect'. Remove it."
import inspect
def execute_command(image):
    return "ESCAPED:" + repr(inspect.stack()[1])
