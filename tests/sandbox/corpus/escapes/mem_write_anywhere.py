# category: os: memory | expect: reject | success would mean: a byte written where it should not be
# refused: policy 3 "'id' is not part of programs: compare patches with ==."
# os: ends
import ctypes
def execute_command(image):
    ctypes.memset(id(None), 0xFF, 64)
    return None
