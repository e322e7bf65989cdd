# category: os: memory | expect: reject | success would mean: a message queue stays behind
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.msgget(0, 0o1600)
    if queue < 0:
        raise OSError(ctypes.get_errno())
    libc.msgctl(queue, 0, None)
    return "ESCAPED"
