# category: os: network | expect: reject | success would mean: a socket in the abstract name space needs no file
# refused: policy 3 "'with' is not part of programs: they have no files or locks. Remove it."
# os: escapes
import socket
def execute_command(image):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\0@SERVICE@")
        return "ESCAPED"
