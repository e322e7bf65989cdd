# category: os: environment | expect: reject | success would mean: messages of the kernel
# refused: check 2 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
def execute_command(image):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    size = libc.klogctl(3, ctypes.create_string_buffer(100), 100)
    return "ESCAPED" if size >= 0 else size
