# category: os: processes | expect: reject | success would mean: namespaces of its own give back the powers of root
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x04000000):
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
