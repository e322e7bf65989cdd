# category: builtins-import | expect: reject | success would mean: ctypes reads and writes any address
# refused: policy 3 "'id' is not part of programs: compare patches with ==."
import ctypes
def execute_command(image):
    return "ESCAPED:" + repr(ctypes.string_at(id(image), 8))
