# category: os: memory | expect: reject | success would mean: a crash of the interpreter
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: ends
import ctypes
def execute_command(image):
    ctypes.string_at(0)
    return "ESCAPED"
