# category: os: environment | expect: reject | success would mean: the kernel's messages
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(64)
    if libc.klogctl(3, buffer, 64) <= 0:
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
