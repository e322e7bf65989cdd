# category: os: files | expect: reject | success would mean: the C library opens a file
# refused: policy 4 "Attributes cannot be set or deleted, got '.restype'. Keep the value in a variable or a dict."
# os: escapes
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    stream = libc.fopen(b"@CANARY_DIR@/escape_canary", b"w")
    if not stream:
        raise OSError("refused")
    return "ESCAPED"
