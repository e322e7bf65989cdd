# category: os: memory | expect: reject | success would mean: memory that cannot be swapped
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(1):
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
