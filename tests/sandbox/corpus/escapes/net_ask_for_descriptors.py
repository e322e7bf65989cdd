# category: os: network | expect: reject | success would mean: descriptors received over the socket to the host
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    message = ctypes.create_string_buffer(56)
    for fd in range(64):
        if libc.recvmsg(fd, message, 0x40) >= 0:
            return "ESCAPED"
    raise OSError(ctypes.get_errno())
