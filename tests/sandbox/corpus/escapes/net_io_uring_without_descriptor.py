# category: os: network | expect: reject | success would mean: a ring of calls that no limit of descriptors refuses
# refused: policy 5 "Attributes cannot be set or deleted, got '.restype'."
# os: contained
def execute_command(image):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    import struct
    libc.mmap.restype = ctypes.c_void_p
    a, b = (libc.mmap(None, ctypes.c_size_t(65536), 3, 0x8022, -1, ctypes.c_long(0)) for _ in range(2))
    flags = 1 << 14 | 1 << 15 | 1 << 16
    text = struct.pack("=IIIIII16x32xQ32xQ", 1, 0, flags, 0, 0, 0, a, b)
    ring = libc.syscall(425, 1, ctypes.create_string_buffer(text, len(text)))
    return "ESCAPED" if ring >= 0 else ring
