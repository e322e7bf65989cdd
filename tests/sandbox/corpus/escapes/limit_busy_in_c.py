# category: os: limits | expect: kill | success would mean: a loop in C that never looks at signals
# refused: check 1 "Programs can import math, re, typing; not 'itertools'. Write nested loops or comprehensions."
# os: timeout
import itertools
def execute_command(image):
    for x in itertools.repeat(1):
        pass
