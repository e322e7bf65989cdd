# category: os: limits | expect: reject | success would mean: a second filter that allows everything
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(22, 2, None, 0, 0):
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
