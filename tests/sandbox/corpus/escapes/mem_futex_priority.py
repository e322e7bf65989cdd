# category: os: memory | expect: reject | success would mean: the kernel's locks with priorities, which had many faults
# refused: check 2 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
def execute_command(image):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    word = ctypes.c_int(0)
    done = libc.syscall(202, ctypes.byref(word), 6, 0, None, None, 0)
    return "ESCAPED" if done == 0 else done
