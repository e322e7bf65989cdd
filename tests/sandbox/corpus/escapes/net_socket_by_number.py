# category: os: network | expect: reject | success would mean: the system call past the library
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(41, 2, 1, 0) < 0:
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
