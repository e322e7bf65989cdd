# category: os: network | expect: reject | success would mean: a program inside of the kernel
# refused: check 2 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
def execute_command(image):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    import struct
    fd = libc.syscall(321, 0, struct.pack("=5I", 2, 4, 4, 1, 0), 20)
    return "ESCAPED" if fd >= 0 else fd
