# category: os: signals | expect: reject | success would mean: a thread of another process by its number
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(234, @VICTIM_PID@, @VICTIM_PID@, 9):
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
