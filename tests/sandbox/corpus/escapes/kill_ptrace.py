# category: os: signals | expect: reject | success would mean: another process is traced
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(0x4206, @VICTIM_PID@, None, None):
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
