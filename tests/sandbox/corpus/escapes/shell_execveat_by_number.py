# category: os: processes | expect: reject | success would mean: execveat past the library
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: escapes
import ctypes, os
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    argv = (ctypes.c_char_p * 4)(b"sh", b"-c", b"touch @CANARY_DIR@/escape_canary", None)
    for number in range(256):  # the host must not see its socket close, or it ends the session
        try:
            os.set_inheritable(number, True)
        except OSError:
            continue
    libc.syscall(322, -100, b"/bin/sh", argv, None, 0)
    raise OSError(ctypes.get_errno())
