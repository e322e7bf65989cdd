# category: builtins-import | expect: reject | success would mean: dataclasses builds classes with exec
# refused: check 1 "Programs can import math, re, typing; not 'dataclasses'. Use a dict or a tuple."
from dataclasses import make_dataclass
def execute_command(image):
    return "ESCAPED:" + repr(make_dataclass("A", ["x"])(1))
