# category: builtins-import | expect: reject | success would mean: importlib.import_module imports by text
# refused: check 1 "Programs can import math, re, typing; not 'importlib'. Remove it."
import importlib
def execute_command(image):
    return "ESCAPED:" + repr(importlib.import_module("os"))
