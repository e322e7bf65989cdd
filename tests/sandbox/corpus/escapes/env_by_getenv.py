# category: os: environment | expect: reject | success would mean: the C library's environment
# refused: policy 4 "Attributes cannot be set or deleted, got '.restype'. Keep the value in a variable or a dict."
# os: contained
import ctypes
def execute_command(image):
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_char_p
    value = libc.getenv(b"VIPER_TEST_SECRET")
    return "ESCAPED:" + value.decode()
