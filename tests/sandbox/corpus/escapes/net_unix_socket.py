# category: os: network | expect: reject | success would mean: a socket of the file system, such as that of a container engine
# refused: policy 3 "'with' is not part of programs: they have no files or locks. Remove it."
# os: escapes
import socket
def execute_command(image):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("@CANARY_DIR@/service")
        return "ESCAPED"
