# category: os: files | expect: reject | success would mean: a system call by its number, past the library
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    how = (ctypes.c_uint64 * 3)(0, 0, 0)
    fd = libc.syscall(437, -100, b"@CANARY_DIR@/secret", how, 24)
    buffer = ctypes.create_string_buffer(10)
    if fd >= 0 and libc.read(fd, buffer, 10) > 0:
        return "ESCAPED:" + buffer.value.decode()
    raise OSError(ctypes.get_errno())
