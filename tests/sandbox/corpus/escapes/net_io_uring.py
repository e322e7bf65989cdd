# category: os: network | expect: reject | success would mean: io_uring does everything without system calls
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    parameters = ctypes.create_string_buffer(120)
    if libc.syscall(425, 4, parameters) < 0:
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
