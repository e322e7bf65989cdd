# category: os: memory | expect: reject | success would mean: memory made executable afterwards
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes, mmap
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    page = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    if libc.mprotect(ctypes.c_void_p(address), 4096, 5):
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
