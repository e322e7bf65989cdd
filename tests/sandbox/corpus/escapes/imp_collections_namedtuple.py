# category: builtins-import | expect: reject | success would mean: namedtuple evaluates a text
# refused: check 1 "Programs can import math, re, typing; not 'collections'. Count with a dict: counts[k] = counts.get(k, 0) + 1."
from collections import namedtuple
def execute_command(image):
    return "ESCAPED:" + repr(namedtuple("A", "x")(1))
