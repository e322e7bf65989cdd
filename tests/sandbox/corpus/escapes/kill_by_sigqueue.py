# category: os: signals | expect: reject | success would mean: sigqueue takes another system call
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.sigqueue(@VICTIM_PID@, 9, None):
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
