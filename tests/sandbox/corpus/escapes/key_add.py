# category: os: memory | expect: reject | success would mean: a key that other programs of this user can read
# refused: check 2 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
def execute_command(image):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    key = libc.syscall(248, b"user", b"viper", b"secret", 6, -3)
    return "ESCAPED" if key > 0 else key
