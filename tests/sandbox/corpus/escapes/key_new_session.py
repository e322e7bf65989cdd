# category: os: memory | expect: reject | success would mean: a keyring with a name, which other programs can join
# refused: check 2 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
def execute_command(image):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    key = libc.syscall(250, 1, b"viper-test")
    return "ESCAPED" if key > 0 else key
