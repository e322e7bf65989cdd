# category: os: limits | expect: reject | success would mean: a system call of the x32 numbering
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(0x40000000 + 39) < 0:
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
