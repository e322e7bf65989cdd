# category: os: processes | expect: reject | success would mean: the namespaces of another process are joined
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes, os
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open("/proc/@VICTIM_PID@/ns/uts", os.O_RDONLY)
    if libc.setns(fd, 0):
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
