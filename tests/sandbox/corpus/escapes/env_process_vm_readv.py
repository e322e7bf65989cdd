# category: os: environment | expect: reject | success would mean: the memory of another process by a system call
# refused: check 1 "Programs can import math, re, typing; not 'ctypes'. Remove it."
# os: contained
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(16)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 16)
    if libc.process_vm_readv(@VICTIM_PID@, local, 1, local, 1, 0) < 0:
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
