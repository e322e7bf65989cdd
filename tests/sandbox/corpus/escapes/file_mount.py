# category: os: files | expect: reject | success would mean: a file system is mounted
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"@CANARY_DIR@/no_such_folder", b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
