# category: os: memory | expect: reject | success would mean: pages shared with other processes, which show by time what they hold
# refused: policy 4 "Attributes cannot be set or deleted, got '.restype'."
# os: contained
def execute_command(image):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    page = libc.mmap(None, ctypes.c_size_t(65536), 3, 0x22, -1, ctypes.c_long(0))
    done = libc.madvise(ctypes.c_void_p(page), ctypes.c_size_t(65536), 12)
    return "ESCAPED" if done == 0 else done
