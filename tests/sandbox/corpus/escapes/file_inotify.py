# category: os: files | expect: reject | success would mean: watching what the user's files do
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(0)
    if fd < 0 or libc.inotify_add_watch(fd, b"@CANARY_DIR@", 0x100) < 0:
        raise OSError(ctypes.get_errno())
    return "ESCAPED:watching"
