# category: os: memory | expect: reject | success would mean: System V shared memory stays behind
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(0, 4096, 0o1600)
    if segment < 0:
        raise OSError(ctypes.get_errno())
    libc.shmctl(segment, 0, None)
    return "ESCAPED"
