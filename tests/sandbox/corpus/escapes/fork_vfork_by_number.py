# category: os: processes | expect: reject | success would mean: clone with the flags of a process, past the library
# refused: policy 5 "The attribute '_exit' is hidden from programs. Use the attributes and methods of the ImagePatch API."
# os: contained
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(56, 17, 0, 0, 0, 0) == 0:
        libc._exit(0)
    return "ESCAPED" if ctypes.get_errno() == 0 else None
