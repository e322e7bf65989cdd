# category: os: network | expect: reject | success would mean: a socket of the other family
# refused: policy 3 "'with' is not part of programs: they have no files or locks. Remove it."
# os: contained
import socket
def execute_command(image):
    with socket.socket(socket.AF_INET6) as s:
        s.bind(("::1", 0))
        return "ESCAPED"
