# category: os: processes | expect: reject | success would mean: clone3 with new namespaces
# refused: policy 7 "The attribute '_exit' is hidden from programs. Use the attributes and methods of the ImagePatch API."
# os: contained
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_uint64 * 8)(0x10000000, 0, 0, 0, 17, 0, 0, 0)
    pid = libc.syscall(435, arguments, 64)
    if pid == 0:
        libc._exit(0)
    if pid < 0:
        raise OSError(ctypes.get_errno())
    return "ESCAPED"
